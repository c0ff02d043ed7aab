//! More devices, addresses and stations than are remembered.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::event::{Event, What};
use crate::flow::{Flow, Transport};
use crate::model::{At, Frame, Side};
use crate::packet::Link;
use crate::protocols::dns;

fn station(number: u8) -> Mac {
    Mac([0, 4, 0xf2, 0, 0, number])
}

fn address(number: u8) -> IpAddr {
    IpAddr::from([10, 0, 4, number])
}

fn event(client: Endpoint, server: Endpoint, transport: Transport, message: Message) -> Event {
    let flow = Flow { id: 1, transport, client, server, oriented: true };
    let at = At { frame: Frame(1), time: Time::from_seconds(1) };
    Event { at, link: Link::default(), flow, side: Side::Client, what: What::Message(message) }
}

/// A station says that this address is its own.
fn announces(devices: &mut Devices, number: u8, address: [u8; 4]) {
    let (mac, ip) = (station(number), Ipv4Addr::from(address));
    let message = arp::Message { operation: 1, sender_mac: mac, sender_ip: ip, target_mac: Mac::default(), target_ip: ip };
    devices.observe(&event(Endpoint::Mac(mac), Endpoint::Mac(Mac([0xff; 6])), Transport::Link, Message::Arp(message)));
}

/// The host with this address asks for a name.
fn asks(devices: &mut Devices, number: u8, name: &str) -> Option<Owner> {
    let query = dns::Message {
        id: 1,
        response: false,
        opcode: 0,
        rcode: 0,
        truncated: false,
        question: Some(dns::Question { name: name.into(), kind: dns::kind::A }),
        records: Vec::new(),
        tcp: false,
        problem: None,
    };
    let end = |address: IpAddr, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address, port));
    let (client, server) = (end(address(number), 40_000), end(IpAddr::from([10, 0, 0, 3]), 53));
    devices.observe(&event(client, server, Transport::Udp, Message::Dns(std::sync::Arc::new(query))))
}

#[test]
fn further_devices_are_left_out_and_that_is_told() {
    let mut devices = Devices::new(Limits { devices: 3, ..Limits::default() });
    let known: Vec<bool> = (1..=5).map(|number| asks(&mut devices, number, "sip.contoso.com").is_some()).collect();
    assert_eq!(known, [true, true, true, false, false]);
    assert!(asks(&mut devices, 2, "time.contoso.com").is_some(), "those that are known are followed on");
    let told: Vec<String> = devices.warnings().into_iter().map(|warning| warning.text).collect();
    assert_eq!(told, ["2 events of further devices were left out: no more than 3 devices are followed"]);
}

#[test]
fn of_more_bindings_than_are_remembered_the_oldest_goes() {
    let mut devices = Devices::new(Limits { bindings: 3, ..Limits::default() });
    for number in 1..=5 {
        announces(&mut devices, number, [10, 0, 4, number]);
    }
    let bound: Vec<Option<Mac>> = (1..=5).map(|number| devices.mac_of(address(number))).collect();
    assert_eq!(bound, [None, None, Some(station(3)), Some(station(4)), Some(station(5))]);
    assert_eq!((devices.bindings.len(), devices.bound.len()), (3, 3));
}

#[test]
fn of_more_stations_than_are_counted_counting_begins_anew() {
    let router = |devices: &mut Devices| {
        (1..=40).for_each(|host| announces(devices, 1, [10, 9, 0, host]));
        (1..=40).filter(|host| devices.mac_of(IpAddr::from([10, 9, 0, *host])).is_some()).count()
    };
    // A router with proxy ARP binds as many addresses as a host may have, and no more.
    let mut devices = Devices::new(Limits { arp_stations: 3, ..Limits::default() });
    assert_eq!(router(&mut devices), ADDRESSES_OF_A_HOST as usize);
    for number in 2..=20 {
        announces(&mut devices, number, [10, 0, 4, number]);
        assert!(devices.arp_addresses.len() <= 3);
    }
    assert_eq!(router(&mut devices), 2 * ADDRESSES_OF_A_HOST as usize, "what it was known for is forgotten");
}

#[test]
fn a_device_with_ever_other_names_keeps_the_first_ones() {
    let mut devices = Devices::default();
    for number in 0..300 {
        asks(&mut devices, 1, &format!("host{number}.contoso.com"));
    }
    let names = &devices.facts(DeviceId(0)).expect("a device").names_asked;
    assert_eq!((names.len(), names[0].raw(), names[255].raw()), (facts::ENTRIES, "host0.contoso.com", "host255.contoso.com"));
}

#[test]
fn a_text_that_is_too_long_to_tell_anything_is_not_kept() {
    let mut devices = Devices::default();
    for length in [facts::TEXT, facts::TEXT + 1] {
        asks(&mut devices, 1, &"x".repeat(length));
    }
    let names = &devices.facts(DeviceId(0)).expect("a device").names_asked;
    assert_eq!(names.iter().map(|name| name.raw().len()).collect::<Vec<_>>(), [facts::TEXT]);
}
