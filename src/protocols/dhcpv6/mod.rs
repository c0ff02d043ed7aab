//! DHCPv6 (RFC 8415): addresses and options over IPv6, directly or through relays.

use std::net::Ipv6Addr;
use std::sync::Arc;

use crate::model::{Mac, Side};
use crate::protocols::{self, Guess, Out, OverUdp, Probe, Protocol};
use crate::text::WireText;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

/// The ports of client and server.
const PORTS: [u16; 2] = [546, 547];

/// DHCPv6, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "dhcpv6", udp: Some(OverUdp { probe, read }), tcp: None, link: None };

fn probe(probe: &Probe<'_>) -> Guess {
    let well_known = PORTS.iter().any(|port| probe.on_port(*port));
    if well_known && parse(probe.bytes).is_some() { Guess::Yes } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool {
    let Some(mut message) = parse(bytes) else { return false };
    message.cut = !whole;
    out.message(side, protocols::Message::Dhcpv6(Arc::new(message)));
    true
}

/// Message types (RFC 8415 section 7.3).
pub mod kind {
    /// Is there a server?
    pub const SOLICIT: u8 = 1;
    /// A server offers itself.
    pub const ADVERTISE: u8 = 2;
    /// The client wants what was offered.
    pub const REQUEST: u8 = 3;
    /// Are the addresses good on this link?
    pub const CONFIRM: u8 = 4;
    /// The client wants to keep its addresses.
    pub const RENEW: u8 = 5;
    /// The same, of any server.
    pub const REBIND: u8 = 6;
    /// The server gives, or refuses.
    pub const REPLY: u8 = 7;
    /// The client gives back.
    pub const RELEASE: u8 = 8;
    /// An address is in use already.
    pub const DECLINE: u8 = 9;
    /// The server wants the client to ask anew.
    pub const RECONFIGURE: u8 = 10;
    /// The client wants options, and no address.
    pub const INFORMATION_REQUEST: u8 = 11;
    /// A relay to the server.
    pub const RELAY_FORWARD: u8 = 12;
    /// The server to a relay.
    pub const RELAY_REPLY: u8 = 13;
    /// A relay wants to know who has an address (RFC 5007).
    pub const LEASE_QUERY: u8 = 14;
    /// The answer to that.
    pub const LEASE_QUERY_REPLY: u8 = 15;
}

/// Status codes (RFC 8415 section 21.13).
pub mod status {
    /// Well.
    pub const SUCCESS: u16 = 0;
    /// The server has no address to give.
    pub const NO_ADDRESSES: u16 = 2;
}

/// What people call a status code.
pub fn status_name(status: u16) -> &'static str {
    match status {
        0 => "Success",
        1 => "UnspecFail",
        2 => "NoAddrsAvail",
        3 => "NoBinding",
        4 => "NotOnLink",
        5 => "UseMulticast",
        6 => "NoPrefixAvail",
        _ => "another status",
    }
}

/// A message: that of client or server, whatever relays it came through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Type of the outermost message: that of a relay where one is between.
    pub outer: u8,
    /// See [`kind`]. That of the outermost message where what it relays cannot be read.
    pub kind: u8,
    /// Transaction; `None` where only a relay's headers could be read.
    pub transaction: Option<u32>,
    /// The client's address, as the relay next to it says.
    pub peer: Option<Ipv6Addr>,
    /// The client's MAC, as the relay says (RFC 6939), or as its DUID holds one.
    pub client_mac: Option<Mac>,
    /// The server's DUID.
    pub server: Option<Vec<u8>>,
    /// Addresses given or asked for: of IA_NA and IA_TA.
    pub addresses: Vec<Ipv6Addr>,
    /// The first status that is no success, of the message or of an address, with its text.
    pub status: Option<(u16, WireText)>,
    /// DNS servers (RFC 3646).
    pub name_servers: Vec<Ipv6Addr>,
    /// SIP servers by name (RFC 3319).
    pub sip_names: Vec<WireText>,
    /// SIP servers by address (RFC 3319).
    pub sip_addresses: Vec<Ipv6Addr>,
    /// Vendor class of the client (option 16): enterprise number and text.
    pub vendor_class: Option<(u32, WireText)>,
    /// Options that the client asks for.
    pub requested: Vec<u16>,
    /// Did the capture hold only the beginning?
    pub cut: bool,
}

impl Message {
    /// Is it of the client (as opposed to the server)?
    pub fn is_from_client(&self) -> bool {
        matches!(
            self.kind,
            kind::SOLICIT
                | kind::REQUEST
                | kind::CONFIRM
                | kind::RENEW
                | kind::REBIND
                | kind::RELEASE
                | kind::DECLINE
                | kind::INFORMATION_REQUEST
                | kind::RELAY_FORWARD
        )
    }

    /// The vendor class as `enterprise:text`: what option 124 is in DHCPv4 (RFC 8415 section 21.16, RFC 3925 section 3).
    pub fn vendor_identity(&self) -> Option<WireText> {
        self.vendor_class.as_ref().map(|(enterprise, class)| WireText::from(format!("{enterprise}:{}", class.raw())))
    }

    /// Did it come through a relay?
    pub fn is_relayed(&self) -> bool {
        matches!(self.outer, kind::RELAY_FORWARD | kind::RELAY_REPLY)
    }
}
