//! Endace's Extensible Record Format: records without a file header, each of which names its own link layer.

use std::io::Read;

use super::buffer::Buffer;
use super::error::CaptureError;
use super::{Found, Notes, link_type};
use crate::model::{SECOND, Time};

/// Length of a record header.
const HEADER: usize = 16;
/// Longest record that is believed of the first one, where nothing else tells that a file is ERF.
const MAX_FIRST: u16 = 0x2800;
/// A record that only fills space.
const PAD: u8 = 48;
/// The most significant bit of a type says that an extension header follows.
const EXTENDED: u8 = 0x80;

/// An ERF file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Erf {
    /// The link type that was spoken of last.
    announced: Option<u16>,
}

/// The fields of a record header that count here.
#[derive(Clone, Copy, Debug)]
struct Header {
    /// Seconds since 1970, and parts of 2 to the power of 32 of one.
    stamp: u64,
    kind: u8,
    length: u16,
    /// Packets lost before this one, or a colour.
    lost: u16,
    wire: u16,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let &[s0, s1, s2, s3, s4, s5, s6, s7, kind, _, l0, l1, d0, d1, w0, w1] = bytes.first_chunk()?;
        Some(Self {
            stamp: u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            kind,
            length: u16::from_be_bytes([l0, l1]),
            lost: u16::from_be_bytes([d0, d1]),
            wire: u16::from_be_bytes([w0, w1]),
        })
    }

    fn kind(self) -> u8 {
        self.kind & !EXTENDED
    }

    /// Can a file begin with this record? ERF has no magic number.
    fn is_plausible_first(self) -> bool {
        /// In the year 1995, before the first of the cards that write it.
        const EARLIEST: u64 = 0x3000_0000;
        self.stamp >> 32 > EARLIEST
            && matches!(self.kind(), 1..=27)
            && usize::from(self.length) > HEADER
            && self.length <= MAX_FIRST
            && self.wire > 0
            && self.length <= self.wire.saturating_add(64)
    }

    /// To the nearest nanosecond, as Wireshark rounds.
    fn time(self) -> Time {
        let fraction = (self.stamp & 0xffff_ffff).saturating_mul(1_000_000_000).saturating_add(1 << 31) >> 32;
        let seconds = (self.stamp >> 32) as i64;
        Time(seconds.saturating_mul(SECOND).saturating_add(fraction as i64))
    }
}

/// The link type of what lies in a record, and where that begins in it.
pub fn payload(record: &[u8]) -> Option<(u16, usize)> {
    let header = Header::parse(record)?;
    let mut start = HEADER;
    let mut kind = header.kind;
    while kind & EXTENDED != 0 {
        kind = *record.get(start)?;
        start = start.saturating_add(8);
    }
    let link_type = match header.kind() {
        // HDLC: Cisco's begins with a unicast or broadcast address, PPP with another one or with none.
        1 | 10 | 15 | 17 => match record.get(start) {
            Some(0x0f | 0x8f) => link_type::CISCO_HDLC,
            _ => link_type::PPP,
        },
        // Ethernet, behind two octets of padding.
        2 | 11 | 16 | 20 => {
            start = start.saturating_add(2);
            link_type::ETHERNET
        }
        22 => link_type::IPV4,
        23 => link_type::IPV6,
        _ => link_type::ERF,
    };
    Some(if link_type == link_type::ERF { (link_type, 0) } else { (link_type, start) })
}

impl Erf {
    /// Does the file begin with a record, and does another follow, as far as there is one?
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Option<Self>, CaptureError> {
        let Some(first) = Header::parse(buffer.available()).filter(|first| first.is_plausible_first()) else { return Ok(None) };
        let length = usize::from(first.length);
        buffer.fill(length.saturating_add(HEADER))?;
        let second = buffer.available().get(length..).and_then(Header::parse);
        let is_erf = second.is_none_or(|second| {
            let is_near = (second.stamp >> 32).abs_diff(first.stamp >> 32) < 365 * 24 * 3600;
            usize::from(second.length) >= HEADER && (is_near || second.kind == PAD)
        });
        Ok(is_erf.then_some(Self { announced: None }))
    }

    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Option<Found>, CaptureError> {
        loop {
            if !buffer.fill(HEADER)? {
                notes.torn(buffer, "record header");
                return Ok(None);
            }
            let Some(header) = Header::parse(buffer.available()) else { return Ok(None) };
            let length = usize::from(header.length);
            if length < HEADER {
                notes.stop(buffer.offset(), &format!("a record claims {length} bytes"));
                return Ok(None);
            }
            if !buffer.fill(length)? {
                notes.torn(buffer, "packet");
                return Ok(None);
            }
            let place = buffer.take(length);
            if header.kind == PAD {
                continue;
            }
            // Where cards give packets colours, the loss counter holds those.
            if matches!(header.kind(), 1..=4) {
                notes.facts.dropped = notes.facts.dropped.saturating_add(u64::from(header.lost));
            }
            let (link_type, start) = payload(buffer.taken(place, length)).unwrap_or((link_type::ERF, 0));
            if self.announced != Some(link_type) {
                self.announced = Some(link_type);
                notes.link_type(link_type);
            }
            let room = length.saturating_sub(start);
            return Ok(Some(Found {
                time: Some(header.time()),
                link_type,
                wire_length: u32::from(header.wire),
                place: place.saturating_add(start),
                length: room.min(usize::from(header.wire)),
            }));
        }
    }
}
