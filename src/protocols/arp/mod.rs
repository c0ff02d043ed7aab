//! ARP (RFC 826): who has which address on the link.

use std::net::Ipv4Addr;

use crate::model::Mac;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

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
