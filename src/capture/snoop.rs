//! Solaris snoop (RFC 1761), and what Shomiti's analysers made of it.

use std::io::Read;

use super::buffer::Buffer;
use super::error::CaptureError;
use super::{Found, MAX_PACKET, Notes, link_type};
use crate::model::{SECOND, Time};

const MAGIC: &[u8] = b"snoop\0\0\0";
/// Length of the file header.
const HEADER: usize = 16;
/// Length of a record header.
const RECORD: usize = 24;
/// Shomiti's records end in so much of their own.
const SHOMITI: u32 = 16;

/// A snoop file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Snoop {
    link_type: u16,
    announced: bool,
}

pub(super) fn magic(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The fields of a record header: wire length, captured length, record length, drops so far, seconds, microseconds.
fn fields(bytes: &[u8]) -> Option<[u32; 6]> {
    let header: &[u8; RECORD] = bytes.first_chunk()?;
    let mut fields = [0; 6];
    for (field, bytes) in fields.iter_mut().zip(header.as_chunks().0) {
        *field = u32::from_be_bytes(*bytes);
    }
    Some(fields)
}

impl Snoop {
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, CaptureError> {
        if !buffer.fill(HEADER)? {
            return Err(CaptureError::TooShort { format: "snoop", need: HEADER as u64, have: buffer.read_bytes() });
        }
        buffer.fill(HEADER.saturating_add(RECORD))?;
        let place = buffer.take(HEADER);
        let &[_, _, _, _, _, _, _, _, v0, v1, v2, v3, n0, n1, n2, n3] =
            buffer.taken(place, HEADER).first_chunk().unwrap_or(&[0; HEADER]);
        let (version, network) = (u32::from_be_bytes([v0, v1, v2, v3]), u32::from_be_bytes([n0, n1, n2, n3]));
        if !(2..=5).contains(&version) {
            let what = format!("unknown version {version}");
            return Err(CaptureError::Header { format: "snoop", offset: 0, what });
        }
        // The two makers number other links than Ethernet differently; only the room in the first record tells them apart.
        let is_shomiti = fields(buffer.available())
            .is_some_and(|[_, captured, length, ..]| length >= captured.saturating_add(RECORD as u32).saturating_add(SHOMITI));
        let link_type = match network {
            0 | 4 => link_type::ETHERNET,
            10 | 12 | 19 if is_shomiti => link_type::ETHERNET,
            2 => link_type::TOKEN_RING,
            8 => link_type::FDDI,
            9 | 14 => link_type::NULL,
            other => {
                let what = format!("unknown link {other}");
                return Err(CaptureError::Header { format: "snoop", offset: 0, what });
            }
        };
        Ok(Self { link_type, announced: false })
    }

    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Option<Found>, CaptureError> {
        if !buffer.fill(RECORD)? {
            notes.torn(buffer, "record header");
            return Ok(None);
        }
        let Some([wire, captured, length, drops, seconds, microseconds]) = fields(buffer.available()) else { return Ok(None) };
        // A record that is shorter than its own header would be read for ever.
        let room = length.checked_sub(RECORD as u32).filter(|room| *room >= captured);
        if captured > MAX_PACKET || room.is_none_or(|room| room.saturating_sub(captured) > MAX_PACKET) {
            let what = format!("a record of {length} bytes claims {captured} bytes of a packet");
            return notes.implausible(buffer.offset(), &what, length);
        }
        if !buffer.fill(length as usize)? {
            notes.torn(buffer, "packet");
            return Ok(None);
        }
        if !self.announced {
            self.announced = true;
            notes.link_type(self.link_type);
        }
        notes.facts.dropped = notes.facts.dropped.max(u64::from(drops));
        let place = buffer.take(length as usize).saturating_add(RECORD);
        let fraction = i64::from(microseconds).saturating_mul(1000);
        let time = Time(i64::from(seconds).saturating_mul(SECOND).saturating_add(fraction));
        Ok(Some(Found { time: Some(time), link_type: self.link_type, wire_length: wire, place, length: captured as usize }))
    }
}
