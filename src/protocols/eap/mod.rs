//! EAPOL (IEEE 802.1X) and the EAP inside it (RFC 3748): whether the switch lets a device onto its port.

use crate::protocols::{self, OverLink, Protocol};
use crate::text::WireText;

mod fields;
mod fragments;
mod parser;
#[cfg(test)]
mod tests;

pub use fragments::{Join, Joined, Piece, piece};
pub use parser::parse;

/// EAPOL, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "eap", udp: None, tcp: None, link: Some(OverLink { ether_type: 0x888e, read }) };

fn read(bytes: &[u8]) -> Option<protocols::Message> {
    parse(bytes).map(|message| protocols::Message::Eap(Box::new(message)))
}

/// Types of an EAPOL frame.
pub mod kind {
    /// It carries EAP.
    pub const EAP: u8 = 0;
    /// A supplicant asks to be authenticated.
    pub const START: u8 = 1;
    /// A supplicant leaves; a phone says it for the PC behind it too.
    pub const LOGOFF: u8 = 2;
    /// Keys.
    pub const KEY: u8 = 3;
}

/// Codes of EAP (RFC 3748 section 4).
pub mod code {
    /// The authenticator asks.
    pub const REQUEST: u8 = 1;
    /// The peer answers.
    pub const RESPONSE: u8 = 2;
    /// The peer is let in.
    pub const SUCCESS: u8 = 3;
    /// The peer is not let in.
    pub const FAILURE: u8 = 4;
}

/// Method types of EAP (RFC 3748 section 5).
pub mod method {
    /// Who is it?
    pub const IDENTITY: u8 = 1;
    /// A text for the user.
    pub const NOTIFICATION: u8 = 2;
    /// The peer wants another method.
    pub const NAK: u8 = 3;
    /// EAP-TLS.
    pub const TLS: u8 = 13;
    /// EAP-TTLS.
    pub const TTLS: u8 = 21;
    /// PEAP.
    pub const PEAP: u8 = 25;
    /// EAP-FAST.
    pub const FAST: u8 = 43;
    /// TEAP.
    pub const TEAP: u8 = 55;
}

/// What people call a method.
pub fn method_name(kind: u8) -> &'static str {
    match kind {
        1 => "Identity",
        2 => "Notification",
        3 => "Nak",
        4 => "MD5-Challenge",
        6 => "GTC",
        13 => "EAP-TLS",
        17 => "LEAP",
        21 => "EAP-TTLS",
        25 => "PEAP",
        26 => "MSCHAPv2",
        43 => "EAP-FAST",
        55 => "TEAP",
        254 => "an expanded method",
        _ => "another method",
    }
}

/// An EAPOL frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What the frame is, see [`kind`].
    pub kind: u8,
    /// The EAP packet in it.
    pub eap: Option<Packet>,
}

/// An EAP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// See [`code`].
    pub code: u8,
    /// Joins a response to its request, and success or failure to the last response.
    pub identifier: u8,
    /// See [`method`]; only requests and responses have one.
    pub method: Option<u8>,
    /// Who the peer says it is.
    pub identity: Option<WireText>,
    /// Methods that a Nak asks for instead.
    pub wanted: Vec<u8>,
    /// An alert of the TLS inside, in clear: level and description.
    pub alert: Option<(u8, u8)>,
}
