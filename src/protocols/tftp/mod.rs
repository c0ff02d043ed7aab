//! TFTP (RFC 1350, RFC 2347): where many phones have their configuration from. A request goes to port 69; the answer comes
//! from a port of the server's choice.

use crate::model::Side;
use crate::protocols::{self, Guess, Out, OverUdp, Probe, Protocol};
use crate::text::WireText;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

/// The port that requests go to.
const PORT: u16 = 69;

/// TFTP, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol { name: "tftp", udp: Some(OverUdp { probe, read }), tcp: None, link: None };

fn probe(probe: &Probe<'_>) -> Guess {
    if probe.on_port(PORT) && parse(probe.bytes).is_some() { Guess::Yes } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool {
    let Some(mut message) = parse(bytes) else { return false };
    if let Message::Data { cut, .. } = &mut message {
        *cut = !whole;
    }
    if matches!(message, Message::Request { .. }) {
        out.answer_from_new_port();
    }
    out.message(side, protocols::Message::Tftp(Box::new(message)));
    true
}

/// Error codes (RFC 1350 section 5, RFC 2347).
pub mod error {
    /// See the text.
    pub const UNDEFINED: u16 = 0;
    /// There is no such file.
    pub const NOT_FOUND: u16 = 1;
    /// Access violation.
    pub const ACCESS: u16 = 2;
    /// An option was refused: the client asks again without.
    pub const OPTION: u16 = 8;
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// RRQ or WRQ.
    Request {
        /// Is the file to be written to the server?
        write: bool,
        /// The file.
        file: WireText,
    },
    /// DATA.
    Data {
        /// Its number, from 1, modulo 65536.
        block: u16,
        /// Its octets; fewer than the block size end the file.
        length: u16,
        /// Did the capture hold only the beginning, so that `length` is not known?
        cut: bool,
    },
    /// ACK.
    Acknowledgment {
        /// The block; 0 accepts a write request.
        block: u16,
    },
    /// ERROR.
    Error {
        /// See [`error`].
        code: u16,
        /// What the sender says of it.
        text: WireText,
    },
    /// OACK: the options that the server takes.
    OptionAcknowledgment {
        /// The block size (RFC 2348), where it is among them.
        block_size: Option<u16>,
    },
}
