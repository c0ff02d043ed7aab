//! Microsoft Network Monitor, versions 1 and 2. A table at the end of the file gives the order of the records; they are read
//! as they lie, which is nearly always that order, and a warning says where it is not.

use std::io::Read;

use super::buffer::{Buffer, Order};
use super::error::CaptureError;
use super::{Found, MAX_PACKET, Notes, link_type};
use crate::model::Time;

/// Length of the file header with its padding.
const HEADER: usize = 128;
/// Nanoseconds from 1601, when Windows begins to count, to 1970.
const FROM_1601: i128 = 11_644_473_600 * 1_000_000_000;

/// A Network Monitor file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Netmon {
    version: (u8, u8),
    network: u16,
    /// When the capture began, by a clock of which the file does not tell the time zone.
    start: Time,
    /// Where the table of records lies, and how long it is; the records end there.
    table: u64,
    table_length: u32,
    /// Of the offsets of the records read, in their order.
    digest: Digest,
    announced: Option<u16>,
}

pub(super) fn magic(bytes: &[u8]) -> bool {
    bytes.starts_with(b"GMBU") || bytes.starts_with(b"RTSS")
}

/// Tells two sequences of offsets apart (FNV-1a): no one has a reason to fool it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digest(u64);

impl Digest {
    const EMPTY: Digest = Digest(0xcbf2_9ce4_8422_2325);

    fn add(&mut self, offset: u32) {
        for byte in offset.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Netmon {
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, CaptureError> {
        if !buffer.fill(HEADER)? {
            return Err(CaptureError::TooShort { format: "netmon", need: HEADER as u64, have: buffer.read_bytes() });
        }
        let place = buffer.take(HEADER);
        let header = buffer.taken(place, HEADER);
        let &[_, _, _, _, minor, major, ..] = header.first_chunk::<HEADER>().unwrap_or(&[0; HEADER]);
        if !matches!(major, 1 | 2) {
            let what = format!("unknown version {major}.{minor}");
            return Err(CaptureError::Header { format: "netmon", offset: 0, what });
        }
        Ok(Self {
            version: (major, minor),
            network: u16_at(header, 6),
            start: start(header),
            table: u64::from(u32_at(header, 24)),
            table_length: u32_at(header, 28),
            digest: Digest::EMPTY,
            announced: None,
        })
    }

    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Option<Found>, CaptureError> {
        loop {
            let offset = buffer.offset();
            if self.table != 0 && offset >= self.table {
                return self.finish(buffer, notes).map(|()| None);
            }
            let length = if self.version.0 == 1 { 8 } else { 16 };
            if !buffer.fill(length)? {
                notes.torn(buffer, "record header");
                return Ok(None);
            }
            let header = buffer.available();
            let (since, wire, captured) = match self.version.0 {
                // Milliseconds.
                1 => {
                    let since = i64::from(u32_at(header, 0)).saturating_mul(1_000_000);
                    (since, u32::from(u16_at(header, 4)), u32::from(u16_at(header, 6)))
                }
                // Microseconds, which become negative only when counted in tenths.
                _ => {
                    let ticks = u64::from(u32_at(header, 0)) | u64::from(u32_at(header, 4)) << 32;
                    ((ticks.wrapping_mul(10) as i64).saturating_mul(100), u32_at(header, 8), u32_at(header, 12))
                }
            };
            if captured > MAX_PACKET {
                return notes.implausible(offset, &format!("a record claims {captured} bytes"), captured);
            }
            let end = length.saturating_add(captured as usize);
            let whole = end.saturating_add(self.trailer());
            if !buffer.fill(whole)? {
                notes.torn(buffer, "packet");
                return Ok(None);
            }
            self.digest.add(offset as u32);
            let place = buffer.take(whole);
            let record = buffer.taken(place, whole);
            let trailer = record.get(end..).unwrap_or_default();
            let network = if trailer.is_empty() { self.network } else { u16_at(trailer, 0) };
            let time = if self.version >= (2, 3) { utc(trailer) } else { self.start.plus(since) };
            let Some((link_type, skipped)) = link(network, record.get(length..end).unwrap_or_default()) else { continue };
            if self.announced != Some(link_type) {
                self.announced = Some(link_type);
                notes.link_type(link_type);
            }
            if notes.facts.frames == 0 && self.version < (2, 3) {
                let text = "the file does not tell its time zone: its times are those of the capturing computer's clock";
                notes.warn(None, text.to_owned());
            }
            let begin = place.saturating_add(length).saturating_add(skipped);
            let length = (captured as usize).saturating_sub(skipped);
            let wire_length = wire.saturating_sub(skipped as u32);
            return Ok(Some(Found { time: Some(time), link_type, wire_length, place: begin, length }));
        }
    }

    /// Bytes behind the packet: its link, from 2.1 on; the process that it belonged to; when it came.
    fn trailer(&self) -> usize {
        match self.version {
            (1, _) | (2, 0) => 0,
            (2, 1) => 2,
            (2, 2) => 6,
            _ => 15,
        }
    }

    /// Holds the order in which the records were read against the table.
    fn finish<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<(), CaptureError> {
        let mut digest = Digest::EMPTY;
        for _ in 0..self.table_length / 4 {
            if !buffer.fill(4)? {
                break;
            }
            digest.add(u32_at(buffer.available(), 0));
            buffer.take(4);
        }
        if digest != self.digest {
            let text = "the file's own table puts its frames in another order; the numbers here are those of their places, and \
                        Wireshark's may differ: editcap -F pcapng IN OUT makes them agree";
            notes.warn(None, text.to_owned());
        }
        // The other tables hold no packets.
        let rest = buffer.available().len();
        buffer.take(rest);
        Ok(())
    }
}

/// The link type by Network Monitor's number, and what lies before the frame; `None` for what is no frame.
fn link(network: u16, packet: &[u8]) -> Option<(u16, usize)> {
    match network {
        0 | 1 => Some((link_type::ETHERNET, 0)),
        2 => Some((link_type::TOKEN_RING, 0)),
        3 => Some((link_type::FDDI, 0)),
        // 802.11, behind a header that tells its own length.
        6 => Some((link_type::IEEE802_11, usize::from(u16_at(packet, 1)).min(packet.len()))),
        7..=9 => Some((link_type::RAW, 0)),
        0xe080 => Some((link_type::IEEE802_11, 0)),
        // Converted from pcap.
        0xe000..=0xefff => Some((network & 0x0fff, 0)),
        // Lists of networks and of names.
        0xfffc..=0xfffe => None,
        _ => Some((link_type::UNKNOWN, 0)),
    }
}

/// The start of the capture: year, month, day of the week, day, hour, minute, second, millisecond.
fn start(header: &[u8]) -> Time {
    let [year, month, _, day, hour, minute, second, millisecond] =
        [8, 10, 12, 14, 16, 18, 20, 22].map(|at| i16::try_from(u16_at(header, at)).unwrap_or_default());
    let small = |value: i16| i8::try_from(value).unwrap_or_default();
    jiff::civil::DateTime::new(
        year,
        small(month),
        small(day),
        small(hour),
        small(minute),
        small(second),
        i32::from(millisecond).saturating_mul(1_000_000),
    )
    .and_then(|start| start.to_zoned(jiff::tz::TimeZone::UTC))
    .map_or(Time::default(), |start| from_i128(start.timestamp().as_nanosecond()))
}

/// The time in the trailer: tenths of microseconds since 1601.
fn utc(trailer: &[u8]) -> Time {
    let ticks = u64::from(u32_at(trailer, 6)) | u64::from(u32_at(trailer, 10)) << 32;
    from_i128(i128::from(ticks).saturating_mul(100).saturating_sub(FROM_1601))
}

fn from_i128(nanoseconds: i128) -> Time {
    Time(i64::try_from(nanoseconds).unwrap_or_default())
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |&bytes| Order::Little.u16(bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |&bytes| Order::Little.u32(bytes))
}
