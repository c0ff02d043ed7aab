//! The classic format: a file header, then records. Also its nanosecond and its "modified" (Kuznetzov) variant.

use std::io::Read;

use super::buffer::{Buffer, Order};
use super::error::CaptureError;
use super::{Found, MAX_PACKET, Notes, io_error, link_type};
use crate::model::Time;

/// Length of the file header.
const HEADER: usize = 24;

/// What the file header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    link_type: u16,
    /// Nanoseconds in the unit of the fraction.
    unit: u32,
    /// Bytes before the data of a record: 16, or 24 in the modified variant.
    record_header: usize,
    lengths: Lengths,
    announced: bool,
}

/// Which of a record's two lengths is the captured one: old writers did not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    /// Whichever is shorter.
    Unsure,
}

/// The three magics: microseconds, nanoseconds, modified.
const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// Do these four bytes begin a classic capture, and in which byte order and variant?
pub(super) fn magic(bytes: [u8; 4]) -> Option<(Order, u32)> {
    [Order::Little, Order::Big]
        .into_iter()
        .map(|order| (order, order.u32(bytes)))
        .find(|&(_, magic)| matches!(magic, MICRO | NANO | MODIFIED))
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>, order: Order, magic: u32) -> Result<Self, CaptureError> {
        if !buffer.fill(HEADER).map_err(io_error(buffer))? {
            return Err(CaptureError::TooShort { format: "pcap", need: HEADER as u64, have: buffer.read_bytes() });
        }
        // The grammar knows the modified variant in one byte order only: it gets the standard magic, of the right order.
        let standard = match order {
            Order::Little => MICRO.to_le_bytes(),
            Order::Big => MICRO.to_be_bytes(),
        };
        let place = buffer.take(HEADER);
        let fields = buffer.taken(place, HEADER).get(4..).unwrap_or_default();
        let (_, header) = pcap_parser::parse_pcap_header(&[&standard, fields].concat()).map_err(|_| CaptureError::Header {
            format: "pcap",
            offset: 0,
            what: "it does not parse".to_owned(),
        })?;
        let lengths = match (header.version_major, header.version_minor) {
            (0 | 1, minor) => {
                let what = format!("unknown version {}.{minor}", header.version_major);
                return Err(CaptureError::Header { format: "pcap", offset: 0, what });
            }
            (2, 0..=2) | (543, 0) => Lengths::WireFirst,
            (2, 3) => Lengths::Unsure,
            _ => Lengths::CapturedFirst,
        };
        Ok(Self {
            order,
            // The upper bits say whether and how long a frame check sequence follows each frame.
            link_type: (header.network.0 & 0xffff) as u16,
            unit: if magic == NANO { 1 } else { 1000 },
            record_header: if magic == MODIFIED { 24 } else { 16 },
            lengths,
            announced: false,
        })
    }

    /// The next record. The header is read by hand: this runs once for each packet.
    #[inline]
    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Option<Found>, CaptureError> {
        if !buffer.fill(self.record_header).map_err(io_error(buffer))? {
            notes.torn(buffer, "record header");
            return Ok(None);
        }
        let Some(&[s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3]) = buffer.available().first_chunk() else {
            return Ok(None);
        };
        let order = self.order;
        let (mut captured, mut wire) = (order.u32([c0, c1, c2, c3]), order.u32([w0, w1, w2, w3]));
        if self.lengths != Lengths::CapturedFirst && (self.lengths == Lengths::WireFirst || captured > wire) {
            (captured, wire) = (wire, captured);
        }
        if captured > MAX_PACKET {
            return notes.implausible(buffer, captured);
        }
        let length = captured as usize;
        if !buffer.fill(length.saturating_add(self.record_header)).map_err(io_error(buffer))? {
            notes.torn(buffer, "packet");
            return Ok(None);
        }
        if !self.announced {
            self.announced = true;
            notes.link_type(self.link_type);
        }
        let place = buffer.take(length.saturating_add(self.record_header)).saturating_add(self.record_header);
        // Four octets of seconds in nanoseconds, and as many of the fraction, stay below 2^63.
        let nanoseconds = i64::from(order.u32([s0, s1, s2, s3]))
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::from(order.u32([f0, f1, f2, f3])).saturating_mul(i64::from(self.unit)));
        Ok(Some(Found { time: Some(Time(nanoseconds)), link_type: self.link_type, wire_length: wire, place, length }))
    }
}

impl Notes {
    /// Says once that packets of this link type cannot be decoded.
    #[cold]
    pub(super) fn link_type(&mut self, link_type: u16) {
        if !link_type::is_known(link_type) {
            let frame = self.next_frame();
            let name = link_type::name(link_type);
            self.warn(
                Some(frame),
                format!("link type {link_type} ({name}) is not decoded: packets of this interface are only counted"),
            );
        }
    }
}
