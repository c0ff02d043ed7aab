//! DNS over UDP and TCP (RFC 1035): which name led to which server.

use std::net::IpAddr;

use crate::text::WireText;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The first question.
    pub question: Option<Question>,
    /// The records of the answer and additional sections, as far as they could be read.
    pub records: Vec<Record>,
    /// Over TCP?
    pub tcp: bool,
    /// What was malformed.
    pub problem: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The name, without the final dot, as it was spelt.
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
