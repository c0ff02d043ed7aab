//! Records in, packets out: link, network and transport headers, as far as they can be read. Of a packet in a tunnel, the
//! inner headers count. Keeps only IP fragments; knows no flow.
#![deny(clippy::arithmetic_side_effects)]

mod capwap;
mod defrag;
mod fast;
mod hep;
mod ip;
mod l2tp;
mod link;
mod looks;
mod media;
mod shims;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
mod tunnel;
mod wireless;

use std::net::IpAddr;

use crate::bytes::{ErrorKind, ParseError};
use crate::capture::{Record, link_type};
use crate::model::{At, Mac};
use defrag::Fragments;
use link::{Above, Unwrapped};
use wireless::Payload;

/// What the headers of one record say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Frame number and time stamp.
    pub at: At,
    /// The link layer.
    pub link: Link,
    /// The network layer, if it is IP.
    pub net: Option<Net>,
    /// What it carries.
    pub body: Body<'a>,
    /// Where decoding stopped, if it did before the body.
    pub stopped: Option<ParseError>,
}

/// Link-layer facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Who put the frame on this link: the device or the last router.
    pub source: Option<Mac>,
    /// To whom.
    pub destination: Option<Mac>,
    /// The innermost IEEE 802.1Q VLAN identifier; `None` where the frame is untagged or its tag names no VLAN (0).
    pub vlan: Option<u16>,
}

/// Network-layer facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// The identification of IPv4; 0 where there is none.
    pub identification: u16,
}

/// What a packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// An ICMP message, from its type octet on.
    Icmp(&'a [u8]),
    /// An ICMPv6 message, from its type octet on.
    Icmpv6(&'a [u8]),
    /// A frame without IP: ARP, EAPOL, LLDP… (for 802.3/SNAP frames, the SNAP protocol number).
    Link {
        /// The EtherType.
        ether_type: u16,
        /// What follows it.
        bytes: &'a [u8],
    },
    /// Nothing that a login stands on, a fragment whose fellows are missing, or headers that could not be read.
    Nothing,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload bytes on the wire, by the headers; more than `payload` where the capture was limited.
    pub wire_length: u32,
}

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number; meaningful if [`Segment::ACK`] is set.
    pub acknowledgment: u32,
    /// The flag octet.
    pub flags: u8,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload bytes on the wire, by the IP header; more than `payload` where the capture was limited.
    pub wire_length: u32,
}

impl Segment<'_> {
    /// FIN flag.
    pub const FIN: u8 = 0x01;
    /// SYN flag.
    pub const SYN: u8 = 0x02;
    /// RST flag.
    pub const RST: u8 = 0x04;
    /// ACK flag.
    pub const ACK: u8 = 0x10;

    /// Is the flag set?
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The number that stands for an EtherType in frames with an LLC header and none behind it; Linux's own.
pub const LLC: u16 = 0x0004;

/// Decodes records one after the other. Keeps fragments of IP datagrams until the datagram is whole.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the headers of a record. A datagram that came in fragments belongs to the frame that completes it; it then
    /// lies in the decoder, hence the common lifetime.
    #[inline]
    pub fn decode<'a>(&'a mut self, record: &Record<'a>) -> Packet<'a> {
        fast::decode(record).unwrap_or_else(|| self.decode_other(record))
    }

    /// The same where the short path ends at the link layer.
    #[inline(never)]
    fn decode_other<'a>(&'a mut self, record: &Record<'a>) -> Packet<'a> {
        let unwrapped = link::unwrap(record);
        let short = match unwrapped.above {
            Above::Ip(bytes) => fast::above_link(record, unwrapped.link, bytes),
            _ => None,
        };
        short.unwrap_or_else(|| self.decode_slowly(record, &unwrapped))
    }

    /// Decodes a record of which one frame may carry several packets, as 802.11 lets it, and gives each.
    #[inline]
    pub fn decode_each<'a>(&'a mut self, record: &Record<'a>, mut each: impl FnMut(&Packet<'_>)) {
        // Files that a crash has filled up with zeros have millions of records like that.
        if record.data.is_empty() {
            return;
        }
        if record.link_type == link_type::ETHERNET || !wireless::is_wireless(record.link_type) {
            // Looked at where it was written, and not moved.
            return match &fast::decode(record) {
                Some(packet) => each(packet),
                None => each(&self.decode_other(record)),
            };
        }
        let mut further = match wireless::unwrap(record).map(|carried| carried.payload) {
            Ok(Payload::Aggregate(frames)) => wireless::subframe(frames).map_or(&[][..], |(.., rest)| rest),
            _ => &[],
        };
        each(&self.decode(record));
        while let Ok((link, llc, rest)) = wireless::subframe(further) {
            each(&self.decode_slowly(record, &link::above_llc(record, link, llc)));
            further = rest;
        }
    }

    /// Fragmented datagrams that were given up: too old, too many, or contradicting themselves.
    pub fn lost_datagrams(&self) -> u64 {
        self.fragments.lost()
    }

    /// The same without the short path.
    fn decode_slowly<'a>(&'a mut self, record: &Record<'a>, unwrapped: &Unwrapped<'a>) -> Packet<'a> {
        let packet = Packet { at: record.at, link: unwrapped.link, net: None, body: Body::Nothing, stopped: None };
        ip::above(record, &unwrapped.above, Some(&mut self.fragments), packet, 0)
    }
}

/// Where the outermost IP header of a record begins in its data.
pub(crate) fn ip_place(record: &Record<'_>) -> Option<usize> {
    match link::unwrap(record).above {
        Above::Ip(bytes) => place(record, bytes).map(|place| place.start),
        _ => None,
    }
}

/// Where this part lies in a record's data; `None` where it does not, as that of a datagram put together from fragments.
pub(crate) fn place(record: &Record<'_>, part: &[u8]) -> Option<std::ops::Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(record.data.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (end <= record.data.len()).then_some(start..end)
}

/// Where a part of a record's data begins in it.
fn offset_in(record: &Record<'_>, part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(record.data.as_ptr() as usize).min(record.data.len())
}

/// Octets that the frame had on the wire from this part of it on. No segment is longer, whatever its IP header says.
fn on_wire(record: &Record<'_>, part: &[u8]) -> usize {
    (record.wire_length as usize).max(record.data.len()).saturating_sub(offset_in(record, part))
}

fn short(offset: usize, field: &'static str, need: usize, have: usize) -> ParseError {
    ParseError { offset, field, kind: ErrorKind::Short { need, have } }
}

fn invalid(offset: usize, field: &'static str) -> ParseError {
    ParseError { offset, field, kind: ErrorKind::Invalid }
}
