//! ICMP (RFC 792) and ICMPv6 (RFC 4443): what the network itself says, with the packet that it quotes.

use std::net::SocketAddr;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::{parse_v4, parse_v6};

/// Types of ICMP (RFC 792).
pub mod kind_v4 {
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// Redirect.
    pub const REDIRECT: u8 = 5;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
}

/// Types of ICMPv6 (RFC 4443, RFC 4861).
pub mod kind_v6 {
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 1;
    /// Packet too big.
    pub const TOO_BIG: u8 = 2;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Router advertisement.
    pub const ROUTER_ADVERTISEMENT: u8 = 134;
    /// Redirect.
    pub const REDIRECT: u8 = 137;
}

/// An ICMP or ICMPv6 message of a kind that a login stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Is it ICMPv6?
    pub v6: bool,
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// The headers of the packet that it answers, as far as they are there.
    pub quoted: Option<Quoted>,
    /// Next-hop MTU of "fragmentation needed" or "packet too big"; `None` where the router did not say (RFC 1191 section 4).
    pub mtu: Option<u32>,
}

/// The packet inside an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// IP protocol number: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Its source, with port (0 where none is readable).
    pub source: SocketAddr,
    /// Its destination, with port (0 where none is readable).
    pub destination: SocketAddr,
}

impl Message {
    /// Does it say that a host, port, network or protocol cannot be reached or is prohibited?
    /// ("Fragmentation needed", code 4, is about size instead.)
    pub fn is_unreachable(&self) -> bool {
        if self.v6 { self.kind == kind_v6::UNREACHABLE } else { self.kind == kind_v4::UNREACHABLE && self.code != 4 }
    }
}
