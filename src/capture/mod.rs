//! Capture files in, packet records out: from any [`std::io::Read`], in bounded memory. Knows nothing of what a packet
//! holds.
#![deny(clippy::arithmetic_side_effects)]

pub mod ahead;
pub mod archive;
mod buffer;
mod clock;
pub mod compressed;
mod end;
pub mod erf;
mod error;
mod interface;
pub mod link_type;
mod netmon;
mod notes;
mod pcap;
pub(crate) mod pcapng;
mod resync;
mod secrets;
mod snoop;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;

use std::io::{self, Read};

use buffer::Buffer;
pub(crate) use buffer::Order;
use end::End;
use erf::Erf;
pub use error::CaptureError;
use netmon::Netmon;
use notes::Notes;
use pcap::Pcap;
use pcapng::Pcapng;
use snoop::Snoop;

use crate::model::{At, Time, Warning};

/// One packet record, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Frame number and time stamp.
    pub at: At,
    /// The link type of its interface, as in <https://www.tcpdump.org/linktypes.html>.
    pub link_type: u16,
    /// Length on the wire, in bytes; more than `data` holds where the capture was limited.
    pub wire_length: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// What is known of a capture as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Frames, as Wireshark counts them.
    pub frames: u64,
    /// Captured bytes of all packets.
    pub packet_bytes: u64,
    /// The earliest time stamp; captures are not always in order.
    pub first: Option<Time>,
    /// The latest time stamp.
    pub last: Option<Time>,
    /// Does the file end inside a packet or block, or can the rest of it not be unpacked?
    pub truncated: bool,
    /// Packets that the capturing system saw and could not keep, by its own count.
    pub dropped: u64,
    /// Was some packet longer on the wire than what the capture kept of it?
    pub snaplen_limited: bool,
}

/// How many warnings are kept; the others are only counted.
pub const MAX_WARNINGS: usize = 64;

/// Longest packet that Wireshark reads: the largest snap length that capture programs use. In the classic format, where
/// nothing else tells damage from data, a longer one is damage.
const MAX_PACKET: u32 = 262_144;

/// Reads a capture record by record.
#[derive(Debug)]
pub struct CaptureReader<R> {
    buffer: Buffer<R>,
    format: Format,
    notes: Notes,
    ended: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
    Erf(Erf),
    Snoop(Snoop),
    Netmon(Netmon),
}

impl Format {
    fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, CaptureError> {
        buffer.fill(4)?;
        let magic = buffer.available().first_chunk().copied().unwrap_or_default();
        if let Some((order, variant)) = pcap::magic(magic) {
            return Pcap::open(buffer, order, variant).map(Format::Pcap);
        }
        if pcapng::magic(magic) {
            return Pcapng::open(buffer).map(Format::Pcapng);
        }
        buffer.fill(error::LOOK)?;
        let begin = buffer.available();
        if snoop::magic(begin) {
            return Snoop::open(buffer).map(Format::Snoop);
        }
        if netmon::magic(begin) {
            return Netmon::open(buffer).map(Format::Netmon);
        }
        if let Some(erf) = Erf::open(buffer)? {
            return Ok(Format::Erf(erf));
        }
        Err(CaptureError::not_a_capture(buffer.available()))
    }
}

/// Where a record was found; `place` and `length` are those of its data in the buffer.
#[derive(Clone, Copy, Debug)]
struct Found {
    time: Option<Time>,
    link_type: u16,
    wire_length: u32,
    place: usize,
    length: usize,
}

impl<R: Read> CaptureReader<R> {
    /// Finds out the format and reads the file's header. Reads in large pieces: `reader` needs no buffer of its own.
    pub fn open(reader: R) -> Result<Self, CaptureError> {
        let mut buffer = Buffer::new(reader);
        let format = Format::open(&mut buffer).map_err(|error| match buffer.ended().and_then(CaptureError::ended) {
            Some(ended) if !matches!(error, CaptureError::Io { .. }) => ended,
            _ => error,
        })?;
        Ok(Self { buffer, format, notes: Notes::default(), ended: false })
    }

    /// The next packet. `Ok(None)` is the end, also where the file is cut or damaged: then a warning says so. What was
    /// read before stays valid.
    #[inline]
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        self.next_with_secrets(&mut |_| {})
    }

    /// The same; `secrets` is given each key log of TLS that stands in the file before the packet.
    #[inline]
    pub fn next_with_secrets(&mut self, secrets: &mut dyn FnMut(&[u8])) -> Result<Option<Record<'_>>, CaptureError> {
        // By itself, so that most packets of the commonest format are read by little code.
        if let Format::Pcap(pcap) = &self.format
            && !self.ended
            && let Some(found) = pcap.whole(&mut self.buffer)
        {
            return Ok(Some(self.record(found)));
        }
        self.read_on(secrets)
    }

    /// The next packet of any format.
    #[inline(never)]
    fn read_on(&mut self, secrets: &mut dyn FnMut(&[u8])) -> Result<Option<Record<'_>>, CaptureError> {
        if self.ended {
            return Ok(None);
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.buffer, &mut self.notes),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.buffer, &mut self.notes, secrets),
            Format::Erf(erf) => erf.next(&mut self.buffer, &mut self.notes),
            Format::Snoop(snoop) => snoop.next(&mut self.buffer, &mut self.notes),
            Format::Netmon(netmon) => netmon.next(&mut self.buffer, &mut self.notes),
        };
        match found {
            Ok(Some(found)) => Ok(Some(self.record(found))),
            end => {
                self.ended = true;
                self.notes.ended(self.buffer.ended());
                end.map(|_| None)
            }
        }
    }

    /// Takes note of a record that was found.
    #[inline]
    fn record(&mut self, found: Found) -> Record<'_> {
        let frame = self.notes.count_frame();
        let facts = &mut self.notes.facts;
        let time = match found.time {
            Some(time) => {
                if facts.first.is_none_or(|first| time < first) {
                    facts.first = Some(time);
                }
                if facts.last.is_none_or(|last| time > last) {
                    facts.last = Some(time);
                }
                time
            }
            // Without a time of its own a packet came when the one before it came.
            None => self.notes.time,
        };
        self.notes.time = time;
        facts.packet_bytes = facts.packet_bytes.saturating_add(found.length as u64);
        // Some writers give no wire length, and no packet is shorter than what was captured of it.
        let wire_length = found.wire_length.max(found.length as u32);
        facts.snaplen_limited |= wire_length as usize > found.length;
        let data = self.buffer.taken(found.place, found.length);
        Record { at: At { frame, time }, link_type: found.link_type, wire_length, data }
    }

    /// `pcap`, `pcapng`, `erf`, `snoop` or `netmon`.
    pub fn format(&self) -> &'static str {
        match self.format {
            Format::Pcap(_) => "pcap",
            Format::Pcapng(_) => "pcapng",
            Format::Erf(_) => "erf",
            Format::Snoop(_) => "snoop",
            Format::Netmon(_) => "netmon",
        }
    }

    /// What is known up to here.
    pub fn facts(&self) -> &Facts {
        &self.notes.facts
    }

    /// Bytes of the file that were read.
    pub fn file_bytes(&self) -> u64 {
        self.buffer.read_bytes()
    }

    /// What a reader of the result should know about the file; at most [`MAX_WARNINGS`].
    pub fn warnings(&self) -> &[Warning] {
        &self.notes.warnings
    }

    /// How many warnings there were beyond those kept.
    pub fn more_warnings(&self) -> u64 {
        self.notes.more_warnings
    }
}

/// What a reader says that stops before its input has ended, because the result is wanted now: what was read holds.
pub fn stopped() -> io::Error {
    End::Stopped.into()
}
