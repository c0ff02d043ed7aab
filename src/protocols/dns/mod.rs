//! DNS over UDP and TCP (RFC 1035): which name led to which server.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::Side;
use crate::protocols::{self, Guess, Out, OverTcp, OverUdp, Probe, Protocol, StreamParser};
use crate::text::WireText;

mod fields;
mod name;
mod parser;
mod stream;
#[cfg(test)]
mod tests;

/// The port of DNS. Multicast DNS (5353) and LLMNR (5355) are other protocols: their silence proves nothing about a
/// name server.
const PORT: u16 = 53;
/// Ports of protocols whose questions look like those of DNS: NetBIOS, multicast DNS, LLMNR.
const LOOKALIKES: [u16; 3] = [137, 5353, 5355];

/// DNS, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol {
    name: "dns",
    udp: Some(OverUdp { probe: probe_datagram, read }),
    tcp: Some(OverTcp { probe: probe_stream, parser: stream_parser }),
    link: None,
};

fn probe_datagram(probe: &Probe<'_>) -> Guess {
    let at_home = probe.on_port(PORT) && probe.bytes.len() >= parser::HEADER;
    let is_other = || LOOKALIKES.into_iter().any(|port| probe.on_port(port));
    if at_home || (parser::is_message(probe.bytes) && !is_other()) { Guess::Yes } else { Guess::No }
}

fn probe_stream(probe: &Probe<'_>) -> Guess {
    if probe.on_port(PORT) { stream::guess(probe.bytes) } else { Guess::No }
}

fn stream_parser() -> Box<dyn StreamParser> {
    Box::new(stream::Stream::default())
}

fn read(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool {
    let message = parser::parse(bytes, false, whole);
    let read = message.is_some();
    if let Some(message) = message {
        out.message(side, protocols::Message::Dns(Arc::new(message)));
    }
    read
}

/// Record types.
pub mod kind {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Name server.
    pub const NS: u16 = 2;
    /// Alias.
    pub const CNAME: u16 = 5;
    /// Reverse name.
    pub const PTR: u16 = 12;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service location (RFC 2782).
    pub const SRV: u16 = 33;
}

/// A DNS message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Identifier.
    pub id: u16,
    /// Is it an answer?
    pub response: bool,
    /// Operation; 0 is a standard query.
    pub opcode: u8,
    /// Response code of the header.
    pub rcode: u8,
    /// TC: ask again over TCP.
    pub truncated: bool,
    /// RD is off: who asks goes from name server to name server itself (RFC 1035 section 4.3.1).
    pub iterative: bool,
    /// The first question.
    pub question: Option<Question>,
    /// The records of the answer and additional sections, as far as they could be read.
    pub records: Vec<Record>,
    /// Over TCP?
    pub tcp: bool,
    /// What was malformed, or that the capture cut the message: then `records` may lack some, and proves no absence.
    pub problem: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name, without the final dot, as it was spelt; empty for the root. Control characters are written as `\t`, `\000`…
    pub name: WireText,
    /// The record type.
    pub kind: u16,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose.
    pub name: WireText,
    /// Of the answer section (not authority, not additional)?
    pub answer: bool,
    /// The value.
    pub data: RecordData,
}

/// The value of a record of a type that a login stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordData {
    /// A or AAAA.
    Address(IpAddr),
    /// CNAME.
    Alias(WireText),
    /// NS.
    NameServer(WireText),
    /// PTR.
    Pointer(WireText),
    /// SRV.
    Service {
        /// Lower goes first.
        priority: u16,
        /// Share among equals.
        weight: u16,
        /// Port.
        port: u16,
        /// Host; empty for the target `.`: "decidedly not there".
        target: WireText,
    },
}
