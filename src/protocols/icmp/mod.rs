//! ICMP (RFC 792) and ICMPv6 (RFC 4443): what the network itself says, with the packet that it quotes.

use std::net::SocketAddr;

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
    /// Next-hop MTU of "fragmentation needed" or "packet too big".
    pub mtu: Option<u32>,
}

/// The packet inside an ICMP error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// IP protocol number: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Its source, with port.
    pub source: SocketAddr,
    /// Its destination, with port.
    pub destination: SocketAddr,
}

impl Message {
    /// Does it say that a host, port, network or protocol cannot be reached or is prohibited?
    /// ("Fragmentation needed", code 4, is about size instead.)
    pub fn is_unreachable(&self) -> bool {
        if self.v6 { self.kind == 1 } else { self.kind == 3 && self.code != 4 }
    }
}
