//! ICMP (RFC 792) and ICMPv6 (RFC 4443): what the network itself says, with the packet that it quotes; and neighbour
//! discovery (RFC 4861), which is to IPv6 what ARP is to IPv4.

use std::net::{Ipv6Addr, SocketAddr};

use crate::model::Mac;

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
    /// Neighbour solicitation: who has this address?
    pub const NEIGHBOUR_SOLICITATION: u8 = 135;
    /// Neighbour advertisement: the answer.
    pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
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
    /// What it says of neighbours and routers.
    pub discovery: Option<Discovery>,
}

/// Neighbour discovery (RFC 4861 section 4). A MAC is that of the option for it, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Who has this address?
    Solicitation {
        /// The address.
        target: Ipv6Addr,
        /// MAC of the one who asks.
        mac: Option<Mac>,
    },
    /// I have it.
    Advertisement {
        /// The address.
        target: Ipv6Addr,
        /// MAC of the one who has it.
        mac: Option<Mac>,
    },
    /// I am a router.
    Router {
        /// For so many seconds its sender is a default router; 0: it is none.
        lifetime: u16,
        /// Are addresses to be had by DHCPv6?
        managed: bool,
        /// MAC of the router.
        mac: Option<Mac>,
    },
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
