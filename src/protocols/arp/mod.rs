//! ARP (RFC 826): who has which address on the link.

use std::net::Ipv4Addr;

use crate::model::Mac;
use crate::protocols::{self, OverLink, Protocol};

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

/// ARP, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "arp", udp: None, tcp: None, link: Some(OverLink { ether_type: 0x0806, read }) };

fn read(bytes: &[u8]) -> Option<protocols::Message> {
    parse(bytes).map(protocols::Message::Arp)
}

/// An ARP packet for IPv4 over Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// 1 request, 2 reply.
    pub operation: u16,
    /// Sender's MAC.
    pub sender_mac: Mac,
    /// Sender's IP; 0.0.0.0 in a probe (RFC 5227).
    pub sender_ip: Ipv4Addr,
    /// Target's MAC.
    pub target_mac: Mac,
    /// Target's IP.
    pub target_ip: Ipv4Addr,
}
