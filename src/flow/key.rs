//! Two directions, one key: the endpoints of a packet in an order that does not depend on who sent it, small enough to be
//! compared in one cache line. And the name that other tools give to the same flow.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Flow, Transport};
use crate::model::Endpoint;
use crate::packet::Net;

/// Addresses, ports and transport of both directions of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    low: [u64; 2],
    high: [u64; 2],
    /// From the lowest bit on: the ports of the higher and of the lower end, [`TCP`], and [`V6`].
    rest: u64,
}

const TCP: u64 = 1 << 32;
const V6: u64 = 1 << 33;

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low_top, low] = self.low;
        let [high_top, high] = self.high;
        if self.is_v6() {
            for part in [low_top, low, high_top, high] {
                state.write_u64(part);
            }
        } else {
            state.write_u64(low << 32 | high);
        }
        state.write_u64(self.rest);
    }
}

impl Key {
    /// The key, and whether the sender is its lower end.
    #[inline]
    pub(super) fn new(net: &Net, source_port: u16, destination_port: u16, tcp: bool) -> (Key, bool) {
        let v6 = net.source.is_ipv6() || net.destination.is_ipv6();
        let kind = if tcp { TCP } else { 0 } | if v6 { V6 } else { 0 };
        let (source, destination) = (number(net.source), number(net.destination));
        let key = |low, high, low_port: u16, high_port: u16| Key {
            low,
            high,
            rest: kind | u64::from(low_port) << 16 | u64::from(high_port),
        };
        if (source, source_port) <= (destination, destination_port) {
            (key(source, destination, source_port, destination_port), true)
        } else {
            (key(destination, source, destination_port, source_port), false)
        }
    }

    fn is_v6(&self) -> bool {
        self.rest & V6 != 0
    }

    fn low_port(&self) -> u16 {
        (self.rest >> 16) as u16
    }

    fn high_port(&self) -> u16 {
        self.rest as u16
    }

    /// Does it carry TCP (or else UDP)?
    pub(super) fn is_tcp(&self) -> bool {
        self.rest & TCP != 0
    }

    /// Is the lower end the less server-like one, judged by the ports alone?
    pub(super) fn low_is_client(&self) -> bool {
        let (low, high) = (self.low_port(), self.high_port());
        (unlike_server(low), low) >= (unlike_server(high), high)
    }

    /// The flow as the sink sees it.
    pub(super) fn flow(&self, id: u64, client_is_low: bool, oriented: bool) -> Flow {
        let low = Endpoint::Ip(SocketAddr::new(self.address(self.low), self.low_port()));
        let high = Endpoint::Ip(SocketAddr::new(self.address(self.high), self.high_port()));
        let (client, server) = if client_is_low { (low, high) } else { (high, low) };
        Flow { id, transport: if self.is_tcp() { Transport::Tcp } else { Transport::Udp }, client, server, oriented }
    }

    fn address(&self, [top, bottom]: [u64; 2]) -> IpAddr {
        if self.is_v6() {
            IpAddr::V6(Ipv6Addr::from_bits(u128::from(top) << 64 | u128::from(bottom)))
        } else {
            IpAddr::V4(Ipv4Addr::from_bits(bottom as u32))
        }
    }
}

fn number(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => [0, u64::from(address.to_bits())],
        IpAddr::V6(address) => [(address.to_bits() >> 64) as u64, address.to_bits() as u64],
    }
}

/// 0 for the ports of system services, 1 for servers that a phone may talk to above them, 2 for the rest.
fn unlike_server(port: u16) -> u8 {
    match port {
        0..=1023 => 0,
        1719 | 1720 | 2000 | 2443 | 3268 | 3269 | 3804 | 5060..=5063 | 5222 | 5223 | 5985 | 5986 | 6970..=6972 | 8080 | 8443 => 1,
        _ => 2,
    }
}

/// The Community ID (version 1, seed 0) of a flow, as Zeek, Suricata and Wireshark print it; `None` for what has no ports.
pub fn community_id(flow: &Flow) -> Option<String> {
    let protocol = match flow.transport {
        Transport::Tcp => 6,
        Transport::Udp => 17,
        Transport::Icmp | Transport::Link => return None,
    };
    let (client, server) = (flow.client.ip()?, flow.server.ip()?);
    let (client_port, server_port) = (Some(flow.client.port()), Some(flow.server.port()));
    community_id::calculate_community_id(0, client, server, client_port, server_port, protocol, false).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(source: &str, destination: &str) -> Net {
        Net { source: source.parse().unwrap(), destination: destination.parse().unwrap(), ttl: 64, identification: 0 }
    }

    #[test]
    fn both_directions_have_one_key() {
        for (a, b) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2"), ("10.0.0.1", "10.0.0.1")] {
            let (there, low) = Key::new(&net(a, b), 40_000, 443, true);
            let (back, other) = Key::new(&net(b, a), 443, 40_000, true);
            assert_eq!(there, back);
            assert_ne!(low, other);
            let flow = there.flow(7, low, true);
            assert_eq!(
                (flow.client.to_string(), flow.server.port()),
                (SocketAddr::new(a.parse().unwrap(), 40_000).to_string(), 443)
            );
        }
    }

    #[test]
    fn transport_ports_and_family_make_a_difference() {
        let key = |net: &Net, port, tcp| Key::new(net, port, 443, tcp).0;
        let v4 = net("0.0.0.1", "0.0.0.2");
        assert_ne!(key(&v4, 1, true), key(&v4, 1, false));
        assert_ne!(key(&v4, 1, true), key(&v4, 2, true));
        assert_ne!(key(&v4, 1, true), key(&net("::1", "::2"), 1, true));
    }

    #[test]
    fn the_less_server_like_port_is_the_clients() {
        let client_port = |a: u16, b: u16| {
            let (key, _) = Key::new(&net("10.0.0.1", "10.0.0.2"), a, b, true);
            key.flow(0, key.low_is_client(), false).client.port()
        };
        assert_eq!(client_port(443, 40_000), 40_000);
        assert_eq!(client_port(1_025, 5_061), 1_025);
        assert_eq!(client_port(5_061, 443), 5_061);
        assert_eq!(client_port(40_000, 30_000), 40_000);
    }

    #[test]
    fn the_community_id_is_the_one_of_the_specification() {
        // The examples of the specification's own documentation.
        let (key, low) = Key::new(&net("1.2.3.4", "5.6.7.8"), 1122, 3344, true);
        let flow = key.flow(0, low, true);
        assert_eq!(community_id(&flow).as_deref(), Some("1:wCb3OG7yAFWelaUydu0D+125CLM="));
        let turned = Flow { client: flow.server, server: flow.client, ..flow };
        assert_eq!(community_id(&turned), community_id(&flow));
        assert_eq!(community_id(&Flow { transport: Transport::Link, ..flow }), None);
    }
}
