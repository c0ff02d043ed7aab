//! pcapng: sections of blocks. Framing and the packet blocks are read by hand, the rest with pcap-parser's grammar; each
//! block is whole and its length checked before it is looked into.

use std::cell::Cell;
use std::io::Read;

use pcap_parser::pcapng::parse_sectionheaderblock;

use super::buffer::{Buffer, Order};
use super::error::CaptureError;
use super::interface::{self, Interface};
use super::resync::{self, Look};
use super::{Found, MAX_PACKET, Notes, secrets};

/// Longest block that is read. Wireshark's limit, too.
pub(crate) const MAX_BLOCK: u32 = 16 * 1024 * 1024;
/// Longest block that is believed behind damage.
const MAX_BLOCK_FOUND: u32 = 512 * 1024;
/// Most interfaces of a section that are kept. No real capture comes near.
pub(super) const MAX_INTERFACES: usize = 65_536;
/// Shortest block: type, length, length again.
const MIN_BLOCK: u32 = 12;

pub(crate) const SECTION: u32 = 0x0a0d_0d0a;
pub(crate) const SECTION_MAGIC: u32 = 0x1a2b_3c4d;
pub(crate) const INTERFACE: u32 = 1;
pub(crate) const PACKET: u32 = 2;
pub(crate) const SIMPLE_PACKET: u32 = 3;
pub(crate) const ENHANCED_PACKET: u32 = 6;
const STATISTICS: u32 = 5;
const JOURNAL: u32 = 9;
/// Decryption secrets.
pub(crate) const SECRETS: u32 = 10;
/// Events of sysdig, in three versions.
const EVENT: u32 = 0x0204;
const EVENT_2: u32 = 0x0216;
const EVENT_2_LARGE: u32 = 0x0221;
const CUSTOM: u32 = 0x0bad;
const CUSTOM_NO_COPY: u32 = 0x4000_0bad;

/// Blocks that count as frames without holding a packet.
pub(crate) const RECORDS: [u32; 6] = [CUSTOM, CUSTOM_NO_COPY, JOURNAL, EVENT, EVENT_2, EVENT_2_LARGE];

/// The present section.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    interfaces: Vec<Interface>,
}

/// Do these four bytes begin a pcapng file?
pub(super) fn magic(bytes: [u8; 4]) -> bool {
    u32::from_le_bytes(bytes) == SECTION
}

/// A block that was taken out of the buffer.
struct Block {
    kind: u32,
    /// Where it begins in the file.
    offset: u64,
    /// Where it lies in the buffer.
    place: usize,
    length: usize,
}

/// What comes next.
enum Next {
    Block(Block),
    /// Something that was dealt with.
    Again,
    End,
}

impl Pcapng {
    /// Reads the first section header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, CaptureError> {
        let mut this = Self { order: Order::Little, interfaces: Vec::new() };
        match this.section(buffer)? {
            Section::Begun => Ok(this),
            Section::Torn => Err(CaptureError::TooShort { format: "pcapng", need: 28, have: buffer.read_bytes() }),
            Section::Bad(what) => Err(CaptureError::Header { format: "pcapng", offset: 0, what }),
        }
    }

    /// The next packet block of any kind.
    #[inline]
    pub(super) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
        notes: &mut Notes,
        take: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<Found>, CaptureError> {
        loop {
            let Block { kind, offset, place, length } = match self.block(buffer, notes)? {
                Next::Block(block) => block,
                Next::Again => continue,
                Next::End => return Ok(None),
            };
            let bytes = buffer.taken(place, length);
            let found = match kind {
                ENHANCED_PACKET | PACKET => self.packet(kind, bytes, place, notes),
                SIMPLE_PACKET => self.simple_packet(bytes, place, notes),
                _ => {
                    self.other(kind, bytes, offset, notes, take);
                    continue;
                }
            };
            match found {
                Ok(found) => return Ok(Some(found)),
                Err(what) => {
                    let frame = notes.count_frame();
                    notes.warn(
                        Some(frame),
                        format!("the packet block at offset {offset} is damaged ({what}) and is left out; Wireshark stops here"),
                    );
                }
            }
        }
    }

    /// Takes the next block that is no section header.
    #[inline]
    fn block<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Next, CaptureError> {
        if !buffer.fill(8)? {
            notes.torn(buffer, "block header");
            return Ok(Next::End);
        }
        let Some(&[t0, t1, t2, t3, l0, l1, l2, l3]) = buffer.available().first_chunk() else { return Ok(Next::End) };
        let (kind, claimed) = (self.order.u32([t0, t1, t2, t3]), self.order.u32([l0, l1, l2, l3]));
        if kind == SECTION {
            return self.next_section(buffer, notes);
        }
        if !(MIN_BLOCK..=MAX_BLOCK).contains(&claimed) {
            let offset = buffer.offset();
            let what = format!("a block claims {claimed} bytes");
            return if self.recover(buffer, notes, &what)? {
                Ok(Next::Again)
            } else {
                notes.implausible(offset, &what, claimed).map(|_| Next::End)
            };
        }
        // Some writers leave the padding out of the length.
        let padded = claimed.next_multiple_of(4);
        let length = padded as usize;
        if !buffer.fill(length)? {
            return Ok(if self.torn(buffer, notes, kind, length)? { Next::Again } else { Next::End });
        }
        let again = buffer.available().get(..length).and_then(<[u8]>::last_chunk).map_or(0, |&last| self.order.u32(last));
        if again != claimed && again != padded {
            let what = format!("a block gives its length as {claimed} at its begin and {again} at its end");
            return self.behind_damage(buffer, notes, buffer.offset(), &what);
        }
        let offset = buffer.offset();
        Ok(Next::Block(Block { kind, offset, place: buffer.take(length), length }))
    }

    #[cold]
    fn next_section<R: Read>(&mut self, buffer: &mut Buffer<R>, notes: &mut Notes) -> Result<Next, CaptureError> {
        let offset = buffer.offset();
        match self.section(buffer)? {
            Section::Begun => Ok(Next::Again),
            Section::Torn => {
                notes.torn(buffer, "section header");
                Ok(Next::End)
            }
            Section::Bad(what) => self.behind_damage(buffer, notes, offset, &what),
        }
    }

    /// What a block says that is no packet's.
    fn other(&mut self, kind: u32, bytes: &[u8], offset: u64, notes: &mut Notes, take: &mut dyn FnMut(&[u8])) {
        match kind {
            INTERFACE => self.interface(bytes, offset, notes),
            STATISTICS => self.statistics(bytes, notes),
            SECRETS => {
                if let Some(key_log) = secrets::key_log(self.order, bytes) {
                    take(key_log);
                }
            }
            kind if RECORDS.contains(&kind) => {
                notes.count_frame();
            }
            _ => {}
        }
    }

    /// Goes on behind damage, or says that reading stops there.
    #[cold]
    fn behind_damage<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        notes: &mut Notes,
        offset: u64,
        what: &str,
    ) -> Result<Next, CaptureError> {
        if self.recover(buffer, notes, what)? {
            return Ok(Next::Again);
        }
        notes.stop(offset, what);
        Ok(Next::End)
    }

    /// Goes on behind damage; false if nothing comes there.
    #[cold]
    fn recover<R: Read>(&self, buffer: &mut Buffer<R>, notes: &mut Notes, what: &str) -> Result<bool, CaptureError> {
        resync::recover(buffer, notes, what, |bytes, is_all| {
            let order = Cell::new(self.order);
            resync::run(bytes, is_all, |block| block_length(block, &order))
        })
    }

    /// The file ends inside a block. One of a packet that is much longer than its packet is damaged rather than cut.
    #[cold]
    fn torn<R: Read>(&self, buffer: &mut Buffer<R>, notes: &mut Notes, kind: u32, length: usize) -> Result<bool, CaptureError> {
        /// Most bytes of options behind a packet.
        const OPTIONS: usize = 65_536;
        let captured = match buffer.available().get(20..).and_then(<[u8]>::first_chunk) {
            Some(&bytes) if kind == ENHANCED_PACKET => self.order.u32(bytes) as usize,
            _ if is_known(kind) => length,
            _ => 0,
        };
        let is_cut = captured <= length && length.saturating_sub(captured) <= OPTIONS;
        if !is_cut && self.recover(buffer, notes, "a block claims more bytes than there are")? {
            return Ok(true);
        }
        notes.torn(buffer, "block");
        Ok(false)
    }

    /// An enhanced packet block, or the obsolete packet block, which differs only in the width of the interface number.
    #[inline]
    fn packet(&mut self, kind: u32, block: &[u8], place: usize, notes: &mut Notes) -> Result<Found, &'static str> {
        const DATA: usize = 28;
        let Some(&[i0, i1, i2, i3, h0, h1, h2, h3, l0, l1, l2, l3, c0, c1, c2, c3, w0, w1, w2, w3]) =
            block.get(8..).and_then(<[u8]>::first_chunk)
        else {
            return Err("too short");
        };
        let order = self.order;
        let index = if kind == ENHANCED_PACKET { order.u32([i0, i1, i2, i3]) } else { u32::from(order.u16([i0, i1])) };
        let length = order.u32([c0, c1, c2, c3]) as usize;
        if length > block.len().saturating_sub(DATA + 4) {
            return Err("the captured length does not fit");
        }
        let Some(interface) = self.interfaces.get_mut(index as usize) else { return Err("no such interface") };
        if length > MAX_PACKET as usize {
            let frame = notes.next_frame();
            notes.warn(Some(frame), format!("the packet has {length} bytes, more than Wireshark reads: it stops here"));
        }
        interface.announce(notes);
        let ticks = u64::from(order.u32([h0, h1, h2, h3])) << 32 | u64::from(order.u32([l0, l1, l2, l3]));
        Ok(Found {
            time: Some(interface.clock.time(ticks)),
            link_type: interface.link_type,
            wire_length: order.u32([w0, w1, w2, w3]),
            place: place.saturating_add(DATA),
            length,
        })
    }

    /// A simple packet block: interface 0, no time, and no captured length.
    fn simple_packet(&mut self, block: &[u8], place: usize, notes: &mut Notes) -> Result<Found, &'static str> {
        const DATA: usize = 12;
        let Some(&wire) = block.get(8..).and_then(<[u8]>::first_chunk) else { return Err("too short") };
        let room = block.len().saturating_sub(DATA + 4);
        let Some(interface) = self.interfaces.first_mut() else { return Err("no such interface") };
        interface.announce(notes);
        let wire_length = self.order.u32(wire);
        let limit = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let length = (wire_length.min(limit) as usize).min(room);
        Ok(Found { time: None, link_type: interface.link_type, wire_length, place: place.saturating_add(DATA), length })
    }

    fn interface(&mut self, block: &[u8], offset: u64, notes: &mut Notes) {
        if self.interfaces.len() >= MAX_INTERFACES {
            return notes.warn(None, format!("the interface at offset {offset} is one too many for a section and is left out"));
        }
        self.interfaces.push(Interface::read(self.order, block, offset, notes));
    }

    fn statistics(&mut self, block: &[u8], notes: &mut Notes) {
        let Some((index, lost)) = interface::losses(self.order, block) else { return };
        if let Some(interface) = self.interfaces.get_mut(index as usize) {
            interface.lost(lost, notes);
        }
    }

    /// A section header: it sets the byte order and forgets the interfaces.
    fn section<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Section, CaptureError> {
        if !buffer.fill(MIN_BLOCK as usize)? {
            return Ok(Section::Torn);
        }
        let Some(&[_, _, _, _, l0, l1, l2, l3, m0, m1, m2, m3]) = buffer.available().first_chunk() else {
            return Ok(Section::Torn);
        };
        let Some(order) = byte_order([m0, m1, m2, m3]) else {
            let magic = u32::from_be_bytes([m0, m1, m2, m3]);
            return Ok(Section::Bad(format!("the section's byte-order magic is {magic:08x}")));
        };
        let length = order.u32([l0, l1, l2, l3]);
        if !(MIN_BLOCK..=MAX_BLOCK).contains(&length) {
            return Ok(Section::Bad(format!("the section header claims {length} bytes")));
        }
        let length = length.next_multiple_of(4) as usize;
        if !buffer.fill(length)? {
            return Ok(Section::Torn);
        }
        let version = match parse_sectionheaderblock(buffer.available().get(..length).unwrap_or_default()) {
            Ok((_, header)) => (header.major_version, header.minor_version),
            Err(_) => return Ok(Section::Bad("the section header does not parse".to_owned())),
        };
        if !matches!(version, (1, 0 | 2)) {
            return Ok(Section::Bad(format!("unknown pcapng version {}.{}", version.0, version.1)));
        }
        buffer.take(length);
        self.order = order;
        self.interfaces.clear();
        Ok(Section::Begun)
    }
}

/// The byte order of a section, by its magic.
fn byte_order(magic: [u8; 4]) -> Option<Order> {
    [Order::Little, Order::Big].into_iter().find(|order| order.u32(magic) == SECTION_MAGIC)
}

/// Kinds of blocks that programs write; behind damage, others are not believed.
fn is_known(kind: u32) -> bool {
    /// Name resolution.
    const NAMES: u32 = 4;
    /// Apple's, of a process.
    const PROCESS: u32 = 0x8000_0001;
    matches!(kind, INTERFACE | PACKET | SIMPLE_PACKET | NAMES | STATISTICS | ENHANCED_PACKET | JOURNAL | SECRETS)
        || matches!(kind, CUSTOM | CUSTOM_NO_COPY | PROCESS)
}

/// The length of the block that begins with these bytes, if it can be one: of a known kind, with the same length at its
/// begin and at its end. Keeps the byte order of the section that it is in or begins.
fn block_length(bytes: &[u8], order: &Cell<Order>) -> Result<usize, Look> {
    let Some(&[t0, t1, t2, t3, l0, l1, l2, l3, m0, m1, m2, m3]) = bytes.first_chunk() else {
        return Err(Look::Need(MIN_BLOCK as usize));
    };
    match [t0, t1, t2, t3] {
        kind if u32::from_le_bytes(kind) == SECTION => order.set(byte_order([m0, m1, m2, m3]).ok_or(Look::Other)?),
        kind if is_known(order.get().u32(kind)) => {}
        _ => return Err(Look::Other),
    }
    let order = order.get();
    let claimed = order.u32([l0, l1, l2, l3]);
    if !(MIN_BLOCK..=MAX_BLOCK_FOUND).contains(&claimed) || !claimed.is_multiple_of(4) {
        return Err(Look::Other);
    }
    let length = claimed as usize;
    let Some(block) = bytes.get(..length) else { return Err(Look::Need(length)) };
    let again = block.last_chunk().map_or(0, |&again| order.u32(again));
    if again == claimed { Ok(length) } else { Err(Look::Other) }
}

/// What came of reading a section header.
enum Section {
    Begun,
    Torn,
    Bad(String),
}
