//! Sound pcapng, block by block as it stands: only comments come in, and packets that are not wanted stay out.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use super::{Edit, Packet, Written, blocks};
use crate::capture::Order;
use crate::capture::pcapng::{
    ENHANCED_PACKET, INTERFACE, MAX_BLOCK, PACKET, RECORDS, SECRETS, SECTION, SECTION_MAGIC, SIMPLE_PACKET,
};
use crate::model::Frame;

/// Where the data of an enhanced or obsolete packet begins in its block, and that of a simple one.
const DATA: usize = 28;
const SIMPLE_DATA: usize = 12;

/// Is this pcapng, and is each block of it whole? What is not is better read by who can go on behind damage.
pub(super) fn is_sound(input: impl Read) -> bool {
    let mut blocks = Blocks::new(input);
    let mut count = 0_u64;
    loop {
        match blocks.next() {
            Ok(Some(block)) => {
                if !block.is_sound() {
                    return false;
                }
                count = count.saturating_add(1);
            }
            Ok(None) => return count > 0,
            Err(_) => return false,
        }
    }
}

pub(super) fn splice(input: impl Read, edit: &mut dyn Edit, out: &mut dyn Write) -> io::Result<Written> {
    let mut blocks = Blocks::new(input);
    let mut written = Written::default();
    let mut frame = Frame::new(0);
    let mut is_first = true;
    while let Some(block) = blocks.next()? {
        match block.kind {
            SECTION => {
                let comment = edit.section_comment().filter(|_| std::mem::take(&mut is_first));
                out.write_all(&block.section(comment, edit.keeps_surroundings()))?;
            }
            INTERFACE if !edit.keeps_surroundings() => out.write_all(&block.bare_interface())?,
            INTERFACE => out.write_all(block.bytes)?,
            ENHANCED_PACKET | PACKET | SIMPLE_PACKET => {
                frame = Frame::new(frame.number().saturating_add(1));
                let Packet::Kept(data, comments) = edit.packet(frame, block.data()) else { continue };
                written.count(frame);
                if block.kind == SIMPLE_PACKET {
                    written.comments_left_out = written.comments_left_out.saturating_add(comments.len() as u64);
                }
                out.write_all(&block.packet(&data, &comments, edit.keeps_surroundings()))?;
            }
            kind => {
                let counts = RECORDS.contains(&kind);
                frame = Frame::new(frame.number().saturating_add(u64::from(counts)));
                if edit.keeps_surroundings() || kind == SECRETS && edit.keeps_secrets() {
                    if counts {
                        written.count(frame);
                    }
                    out.write_all(block.bytes)?;
                }
            }
        }
    }
    Ok(written)
}

/// Cuts input into blocks.
struct Blocks<R> {
    input: R,
    order: Order,
    bytes: Vec<u8>,
}

/// One block.
struct Block<'a> {
    order: Order,
    kind: u32,
    bytes: &'a [u8],
}

impl<R: Read> Blocks<R> {
    fn new(input: R) -> Self {
        Self { input, order: Order::Little, bytes: Vec::new() }
    }

    /// The next block; the end; or an error where it is not whole.
    fn next(&mut self) -> io::Result<Option<Block<'_>>> {
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        self.bytes.clear();
        if !self.read(12)? {
            return Ok(None);
        }
        let word = |bytes: &[u8], at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
        if u32::from_le_bytes(word(&self.bytes, 0)) == SECTION {
            let magic = word(&self.bytes, 8);
            self.order =
                [Order::Little, Order::Big].into_iter().find(|order| order.u32(magic) == SECTION_MAGIC).ok_or_else(broken)?;
        }
        let order = self.order;
        let (kind, length) = (order.u32(word(&self.bytes, 0)), order.u32(word(&self.bytes, 4)));
        if !(12..=MAX_BLOCK).contains(&length) || !length.is_multiple_of(4) {
            return Err(broken());
        }
        if !self.read((length as usize).saturating_sub(12))? && length > 12 {
            return Err(broken());
        }
        let again = self.bytes.last_chunk().map_or(0, |last| order.u32(*last));
        if again != length {
            return Err(broken());
        }
        Ok(Some(Block { order, kind, bytes: &self.bytes }))
    }

    /// Reads so many bytes more; false where none came.
    fn read(&mut self, count: usize) -> io::Result<bool> {
        let before = self.bytes.len();
        let got = self.input.by_ref().take(count as u64).read_to_end(&mut self.bytes)?;
        if got == count || got == 0 && before == 0 { Ok(got > 0) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl<'a> Block<'a> {
    /// The body, between the two lengths.
    fn body(&self) -> &'a [u8] {
        self.bytes.get(8..self.bytes.len().saturating_sub(4)).unwrap_or_default()
    }

    fn u32_at(&self, at: usize) -> u32 {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| self.order.u32(*bytes))
    }

    /// How many bytes of the packet were captured.
    fn captured(&self) -> usize {
        self.u32_at(20) as usize
    }

    /// Do its lengths fit?
    fn is_sound(&self) -> bool {
        match self.kind {
            SECTION => self.bytes.len() >= 28,
            INTERFACE => self.bytes.len() >= 20,
            ENHANCED_PACKET | PACKET => {
                let padded = self.captured().next_multiple_of(4);
                self.bytes.len() >= DATA.saturating_add(padded).saturating_add(4)
            }
            _ => true,
        }
    }

    /// What was captured of the packet; of a simple one with its padding.
    fn data(&self) -> &'a [u8] {
        let end = self.bytes.len().saturating_sub(4);
        match self.kind {
            SIMPLE_PACKET => {
                let room = self.bytes.get(SIMPLE_DATA..end).unwrap_or_default();
                room.get(..room.len().min(self.u32_at(8) as usize)).unwrap_or_default()
            }
            _ => self.bytes.get(DATA..DATA.saturating_add(self.captured())).unwrap_or_default(),
        }
    }

    /// The block with other data of the same length and with comments.
    fn packet(&self, data: &[u8], comments: &[String], keeps_options: bool) -> Cow<'a, [u8]> {
        if comments.is_empty() && keeps_options && data == self.data() {
            return Cow::Borrowed(self.bytes);
        }
        let begin = if self.kind == SIMPLE_PACKET { SIMPLE_DATA } else { DATA };
        let behind = begin.saturating_add(data.len().next_multiple_of(4)).saturating_sub(8);
        let body = self.body();
        let mut new = body.get(..begin.saturating_sub(8)).unwrap_or_default().to_vec();
        new.extend(data);
        new.resize(behind, 0);
        if self.kind != SIMPLE_PACKET {
            let old = body.get(behind..).filter(|_| keeps_options).unwrap_or_default();
            let comments = blocks::comments(self.order, comments.iter().map(String::as_str));
            new.extend(blocks::options(self.order, &comments, old));
        }
        Cow::Owned(blocks::block(self.order, self.kind, &new))
    }

    /// The section header with a comment; its length is no longer told, for the section may grow.
    fn section(&self, comment: Option<&str>, keeps_options: bool) -> Cow<'a, [u8]> {
        let body = self.body();
        let mut new = body.get(..8).unwrap_or_default().to_vec();
        new.extend([0xff; 8]);
        let old = body.get(16..).filter(|_| keeps_options).unwrap_or_default();
        new.extend(blocks::options(self.order, &blocks::comments(self.order, comment.into_iter()), old));
        Cow::Owned(blocks::block(self.order, SECTION, &new))
    }

    /// The interface without names: link type, snap length, and how its times are counted.
    fn bare_interface(&self) -> Vec<u8> {
        /// if_tsresol and if_tsoffset.
        const KEPT: [u16; 2] = [9, 14];
        let body = self.body();
        let mut new = body.get(..8).unwrap_or_default().to_vec();
        let mut rest = body.get(8..).unwrap_or_default();
        let mut any = false;
        while let Some((&[c0, c1, l0, l1], behind)) = rest.split_first_chunk() {
            let (code, length) = (self.order.u16([c0, c1]), usize::from(self.order.u16([l0, l1])));
            let padded = length.next_multiple_of(4);
            let Some((value, behind)) = behind.split_at_checked(padded) else { break };
            if code == 0 {
                break;
            }
            if KEPT.contains(&code) {
                new.extend([c0, c1, l0, l1]);
                new.extend(value);
                any = true;
            }
            rest = behind;
        }
        if any {
            new.extend([0; 4]);
        }
        blocks::block(self.order, INTERFACE, &new)
    }
}
