//! The classic format: a file header, then records. Also its variants: nanoseconds, "modified" by Kuznetzov, Ixia's, AIX's.

use std::io::Read;

use super::buffer::{BUFFER, Buffer, Order};
use super::error::CaptureError;
use super::resync::{self, Look};
use super::{Found, MAX_PACKET, Notes, link_type};
use crate::model::{SECOND, Time};

/// Length of the file header.
const HEADER: usize = 24;
/// Behind damage, only records are believed that are as near in time to those before it.
const MAX_PAUSE: i64 = 30 * 24 * 3600 * SECOND;

/// What the file header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pcap {
    order: Order,
    link_type: u16,
    /// Nanoseconds in the unit of the fraction.
    unit: u32,
    /// Bytes before the data of a record: 16, or more in the modified variants.
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

/// What the magic number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    Microseconds,
    Nanoseconds,
    /// Kuznetzov's: eight more bytes before each packet, or twelve in the version of September 1999.
    Modified,
    /// Ixia's: the length of all records stands behind the file header. In hardware it counts nanoseconds.
    IxiaSoftware,
    IxiaHardware,
}

/// Do these four bytes begin a classic capture, and in which byte order and variant?
pub(super) fn magic(bytes: [u8; 4]) -> Option<(Order, Variant)> {
    [Order::Little, Order::Big].into_iter().find_map(|order| {
        let variant = match order.u32(bytes) {
            0xa1b2_c3d4 => Variant::Microseconds,
            0xa1b2_3c4d => Variant::Nanoseconds,
            0xa1b2_cd34 => Variant::Modified,
            0x1c00_01ab => Variant::IxiaSoftware,
            0x1c00_01ac => Variant::IxiaHardware,
            _ => return None,
        };
        Some((order, variant))
    })
}

impl Pcap {
    /// Reads the file header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>, order: Order, variant: Variant) -> Result<Self, CaptureError> {
        let length = match variant {
            Variant::IxiaSoftware | Variant::IxiaHardware => HEADER.saturating_add(4),
            _ => HEADER,
        };
        if !buffer.fill(length)? {
            return Err(CaptureError::TooShort { format: "pcap", need: length as u64, have: buffer.read_bytes() });
        }
        // The grammar does not know all variants: it gets the standard magic, of the right order.
        let standard = match order {
            Order::Little => 0xa1b2_c3d4_u32.to_le_bytes(),
            Order::Big => 0xa1b2_c3d4_u32.to_be_bytes(),
        };
        let place = buffer.take(length);
        let fields = buffer.taken(place, HEADER).get(4..).unwrap_or_default();
        let (_, header) = pcap_parser::parse_pcap_header(&[&standard, fields].concat()).map_err(|_| CaptureError::Header {
            format: "pcap",
            offset: 0,
            what: "it does not parse".to_owned(),
        })?;
        let version = (header.version_major, header.version_minor);
        let lengths = match version {
            (0 | 1, minor) => {
                let what = format!("unknown version {}.{minor}", header.version_major);
                return Err(CaptureError::Header { format: "pcap", offset: 0, what });
            }
            (2, 0..=2) | (543, 0) => Lengths::WireFirst,
            (2, 3) => Lengths::Unsure,
            _ => Lengths::CapturedFirst,
        };
        // The upper bits say whether and how long a frame check sequence follows each frame.
        let network = (header.network.0 & 0xffff) as u16;
        let aix = if (variant, version) == (Variant::Microseconds, (2, 2)) { aix_link_type(network) } else { None };
        let is_nanoseconds = matches!(variant, Variant::Nanoseconds | Variant::IxiaHardware) || aix.is_some();
        let unit = if is_nanoseconds { 1 } else { 1000 };
        let link_type = aix.unwrap_or(network);
        let mut this = Self { order, link_type, unit, record_header: 16, lengths, announced: false };
        if variant == Variant::Modified {
            this.record_header = 24;
            buffer.fill(BUFFER)?;
            let longer = Self { record_header: 28, ..this };
            // Only a header that cannot be one tells, not one that is cut.
            let looks = |variant: &Self| variant.look(buffer.available(), false, None);
            if looks(&this) == Look::Other && looks(&longer) != Look::Other {
                this = longer;
            }
        }
        Ok(this)
    }

    /// What a place in the file looks like; `last` is the time of the record before it.
    fn look(&self, bytes: &[u8], is_all: bool, last: Option<Time>) -> Look {
        resync::run(bytes, is_all, |record| {
            let Some(header) = record.first_chunk() else { return Err(Look::Need(self.record_header)) };
            let (_, captured, _) = self.fields(header);
            if self.is_plausible(header, last) {
                Ok(self.record_header.saturating_add(captured as usize))
            } else {
                Err(Look::Other)
            }
        })
    }

    /// Does a record begin like this, in a capture that has come to this time? Nothing else than records does.
    fn is_plausible(&self, header: &[u8; 16], last: Option<Time>) -> bool {
        let (time, captured, wire) = self.fields(header);
        let &[_, _, _, _, f0, f1, f2, f3, ..] = header;
        let fraction = i64::from(self.order.u32([f0, f1, f2, f3])).saturating_mul(i64::from(self.unit));
        wire > 0
            && captured <= wire
            && wire <= MAX_PACKET
            && fraction < SECOND
            && last.is_none_or(|last| time.since(last).saturating_abs() < MAX_PAUSE)
    }

    /// Time, captured length and length on the wire.
    #[inline]
    fn fields(&self, header: &[u8; 16]) -> (Time, u32, u32) {
        let &[s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3] = header;
        let fields = [[s0, s1, s2, s3], [f0, f1, f2, f3], [c0, c1, c2, c3], [w0, w1, w2, w3]];
        let [seconds, fraction, mut captured, mut wire] = self.order.all_u32(fields);
        if self.lengths != Lengths::CapturedFirst && (self.lengths == Lengths::WireFirst || captured > wire) {
            (captured, wire) = (wire, captured);
        }
        // Four octets of seconds in nanoseconds, and as many of the fraction, stay below 2^63.
        let nanoseconds =
            i64::from(seconds).wrapping_mul(SECOND).wrapping_add(i64::from(fraction).wrapping_mul(i64::from(self.unit)));
        (Time(nanoseconds), captured, wire)
    }

    /// Goes on behind damage; false if nothing comes there.
    #[cold]
    fn recover<R: Read>(&self, buffer: &mut Buffer<R>, notes: &mut Notes, what: &str) -> Result<bool, CaptureError> {
        let last = (notes.facts.frames > 0).then_some(notes.time);
        resync::recover(buffer, notes, what, |bytes, is_all| self.look(bytes, is_all, last))
    }

    /// The file ends inside a record. One that claims more than there was on the wire is damaged rather than cut.
    #[cold]
    fn torn<R: Read>(&self, buffer: &mut Buffer<R>, notes: &mut Notes, header: &[u8; 16]) -> Result<bool, CaptureError> {
        let last = (notes.facts.frames > 0).then_some(notes.time);
        if !self.is_plausible(header, last) && self.recover(buffer, notes, "a record claims more bytes than there are")? {
            return Ok(true);
        }
        notes.torn(buffer, "packet");
        Ok(false)
    }

    /// The next record.
    pub(super) fn next<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Option<Found>, CaptureError> {
        loop {
            if let Some(found) = self.whole(buffer) {
                return Ok(Some(found));
            }
            if !self.prepare(buffer, notes)? {
                return Ok(None);
            }
        }
    }

    /// The next record, if all of it is there. Its header is read by hand: this runs once for each packet.
    #[inline]
    pub(super) fn whole<R: Read>(&self, buffer: &mut Buffer<R>) -> Option<Found> {
        let (time, captured, wire) = self.fields(buffer.available().first_chunk()?);
        if captured > MAX_PACKET || !self.announced {
            return None;
        }
        let length = captured as usize;
        let place = buffer.take_whole(self.record_header.saturating_add(length))?.saturating_add(self.record_header);
        Some(Found { time: Some(time), link_type: self.link_type, wire_length: wire, place, length })
    }

    /// Reads on until a record is whole, behind damage if need be; false if none comes any more.
    #[cold]
    fn prepare<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<bool, CaptureError> {
        if !buffer.fill(self.record_header)? {
            notes.torn(buffer, "record header");
            return Ok(false);
        }
        let Some(&header) = buffer.available().first_chunk() else { return Ok(false) };
        let (_, captured, _) = self.fields(&header);
        if captured > MAX_PACKET {
            let offset = buffer.offset();
            let what = format!("a record claims {captured} bytes");
            let is_mended = self.recover(buffer, notes, &what)?;
            if !is_mended {
                notes.implausible(offset, &what, captured)?;
            }
            return Ok(is_mended);
        }
        if !buffer.fill(self.record_header.saturating_add(captured as usize))? {
            return self.torn(buffer, notes, &header);
        }
        if !self.announced {
            self.learn_record_header(buffer, &header)?;
            self.announced = true;
            notes.link_type(self.link_type);
        }
        Ok(true)
    }

    /// Some patched writers put eight or four bytes more before each packet, and kept the magic number (Red Hat 6.1, Nokia). The
    /// place of the second record tells.
    #[cold]
    fn learn_record_header<R: Read>(&mut self, buffer: &mut Buffer<R>, first: &[u8; 16]) -> Result<(), CaptureError> {
        const LONGER: [usize; 2] = [24, 20];
        let (time, captured, _) = self.fields(first);
        let end = |header: usize| header.saturating_add(captured as usize);
        // Where the file ends before, there is no second record.
        buffer.fill(end(24).saturating_add(16))?;
        let second = |header: usize| buffer.available().get(end(header)..).and_then(<[u8]>::first_chunk);
        let is_record = |header: usize| second(header).is_some_and(|fields| self.is_plausible(fields, Some(time)));
        if self.record_header != 16 || second(16).is_none() || is_record(16) {
            return Ok(());
        }
        if let Some(header) = LONGER.into_iter().find(|header| is_record(*header)) {
            self.record_header = header;
        }
        Ok(())
    }
}

/// AIX numbers links as SNMP numbers interfaces (RFC 1573); its own are told from old libpcap's by that.
fn aix_link_type(network: u16) -> Option<u16> {
    match network {
        6 => Some(link_type::ETHERNET),
        9 => Some(link_type::TOKEN_RING),
        15 => Some(link_type::FDDI),
        24 => Some(link_type::NULL),
        _ => None,
    }
}
