//! Which MAC an address is bound to by what one event says, and whose event it is. Knows no device.

use std::net::IpAddr;

use crate::event::{Event, What};
use crate::model::{Endpoint, Mac, is_host};
use crate::protocols::{Asker, arp, dhcp, icmp};

/// By what a DHCP server gives, or a client uses.
pub(super) fn of_dhcp(message: &dhcp::Message) -> Option<(Mac, IpAddr)> {
    let mac = message.hardware_address.filter(|mac| mac.is_station())?;
    let address = match message.kind? {
        dhcp::kind::ACK if !message.your.is_unspecified() => message.your,
        dhcp::kind::ACK | dhcp::kind::REQUEST | dhcp::kind::INFORM => message.client,
        _ => return None,
    };
    is_host(address).then_some((mac, IpAddr::V4(address)))
}

/// By what a station says of itself in ARP.
pub(super) fn of_arp(message: &arp::Message) -> Option<(Mac, IpAddr)> {
    (message.sender_mac.is_station() && is_host(message.sender_ip)).then_some((message.sender_mac, IpAddr::V4(message.sender_ip)))
}

/// By neighbour discovery.
pub(super) fn of_discovery(event: &Event, discovery: icmp::Discovery) -> Option<(Mac, IpAddr)> {
    match discovery {
        // Who has no address yet probes the one that it means to take (RFC 4862 section 5.4.2); no router passes that on.
        icmp::Discovery::Solicitation { target, mac } => match event.source().ip()? {
            ip if ip.is_unspecified() => Some((event.link.source.filter(|mac| mac.is_station())?, IpAddr::V6(target))),
            ip => Some((mac?, ip)),
        },
        icmp::Discovery::Advertisement { target, mac } => Some((mac?, IpAddr::V6(target))),
        icmp::Discovery::Router { .. } => None,
    }
}

/// By an IPv6 address that its station has made of its MAC (RFC 4291 appendix A): in a frame of that MAC it is its own, as no router is
/// the one that the address names.
pub(super) fn of_interface(mac: Mac, ip: IpAddr) -> Option<(Mac, IpAddr)> {
    let IpAddr::V6(address) = ip else { return None };
    let Mac([a, b, c, d, e, f]) = mac;
    let [.., own_a, own_b, own_c, 0xff, 0xfe, own_d, own_e, own_f] = address.octets() else { return None };
    let is_own = [own_a ^ 2, own_b, own_c, own_d, own_e, own_f] == [a, b, c, d, e, f];
    (is_own && mac.is_station() && !address.is_multicast()).then_some((mac, ip))
}

/// The device that an event is about: the one that asks.
pub(super) fn owner(event: &Event) -> Option<(Option<Mac>, Option<IpAddr>)> {
    let asker = match &event.what {
        What::Tcp(..) => Asker::Client,
        What::Message(message) => message.describe().asker(),
        What::Unread { .. } => Asker::Nobody,
    };
    let (mac, ip) = match asker {
        Asker::Sender => station(event.source()),
        Asker::Receiver => station(event.destination()),
        Asker::Client => station(event.flow.client),
        Asker::Station(mac, ip) => (mac, ip),
        Asker::Nobody => return None,
    };
    (mac.is_some() || ip.is_some()).then_some((mac, ip))
}

fn station(endpoint: Endpoint) -> (Option<Mac>, Option<IpAddr>) {
    match endpoint {
        Endpoint::Ip(socket) => (None, Some(socket.ip()).filter(|ip| !ip.is_multicast() && !ip.is_unspecified())),
        Endpoint::Mac(mac) => (Some(mac).filter(|mac| mac.is_station()), None),
    }
}
