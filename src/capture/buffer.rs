//! One reused buffer between a [`Read`] and the block grammars: bytes come in as large reads, blocks go out as slices.

use std::io::{ErrorKind, Read};

use super::end::End;
use super::error::CaptureError;

/// How many bytes are asked for at once. Fits the second-level cache; larger is slower.
pub(super) const BUFFER: usize = 256 * 1024;
/// How many are asked for first: a small capture is read whole and costs no large buffer.
const FIRST: usize = 8 * 1024;
/// How many times as long the buffer becomes where input fills it, up to its full length.
const GROWTH: usize = 4;

/// The buffer. `start..end` of `bytes` was read but not taken; what was taken last stays valid until the next `fill`.
#[derive(Debug)]
pub(super) struct Buffer<R> {
    reader: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset in the file of the first of `bytes`.
    base: u64,
    ended: Option<End>,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, bytes: vec![0; FIRST], start: 0, end: 0, base: 0, ended: None }
    }

    /// Offset in the file of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.base.saturating_add(self.start as u64)
    }

    /// How many bytes of the file were read.
    pub(super) fn read_bytes(&self) -> u64 {
        self.base.saturating_add(self.end as u64)
    }

    /// How the input ended, if it has.
    pub(super) fn ended(&self) -> Option<&End> {
        self.ended.as_ref()
    }

    /// The bytes that were read but not taken.
    #[inline]
    pub(super) fn available(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Makes at least `need` bytes available; false if the input ends before. No more than that is waited for, so that a
    /// pipe is not held up.
    #[inline]
    pub(super) fn fill(&mut self, need: usize) -> Result<bool, CaptureError> {
        if self.end.saturating_sub(self.start) >= need { Ok(true) } else { self.read_more(need) }
    }

    #[cold]
    fn read_more(&mut self, need: usize) -> Result<bool, CaptureError> {
        let is_full = self.end == self.bytes.len();
        self.bytes.copy_within(self.start..self.end, 0);
        self.base = self.offset();
        self.end = self.end.saturating_sub(self.start);
        self.start = 0;
        // Input that fills a small piece is worth larger ones.
        let length = if is_full { self.bytes.len().saturating_mul(GROWTH).min(BUFFER) } else { FIRST };
        if self.bytes.len() < need.max(length) {
            self.bytes.resize(need.next_power_of_two().max(length), 0);
        }
        while self.end < need && self.ended.is_none() {
            // No more than usual at once, even after one large block, or what is read falls out of the cache again.
            let stop = need.max(self.end.saturating_add(BUFFER)).min(self.bytes.len());
            let Some(free) = self.bytes.get_mut(self.end..stop) else { break };
            match self.reader.read(free) {
                Ok(0) => self.ended = Some(End::Whole),
                // A reader that claims more than it was given room for is not believed.
                Ok(count) => self.end = self.end.saturating_add(count).min(self.bytes.len()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.read_bytes();
                    self.ended = Some(End::of(error).map_err(|source| CaptureError::Io { offset, source })?);
                }
            }
        }
        Ok(self.end >= need)
    }

    /// Takes `length` available bytes and gives the place where they lie.
    #[inline]
    pub(super) fn take(&mut self, length: usize) -> usize {
        let place = self.start;
        self.start = self.start.saturating_add(length).min(self.end);
        place
    }

    /// The same, if so many are available.
    #[inline]
    pub(super) fn take_whole(&mut self, length: usize) -> Option<usize> {
        let end = self.start.saturating_add(length);
        if end > self.end {
            return None;
        }
        Some(std::mem::replace(&mut self.start, end))
    }

    /// `length` bytes that were taken, from a place that `take` gave (or behind it).
    #[inline]
    pub(super) fn taken(&self, place: usize, length: usize) -> &[u8] {
        self.bytes.get(place..place.saturating_add(length)).unwrap_or_default()
    }
}

/// The order of the bytes in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    #[inline]
    pub(crate) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(crate) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        }
    }

    /// Several at once: the order is asked for only once.
    #[inline]
    pub(crate) fn all_u32<const N: usize>(self, numbers: [[u8; 4]; N]) -> [u32; N] {
        match self {
            Order::Little => numbers.map(u32::from_le_bytes),
            Order::Big => numbers.map(u32::from_be_bytes),
        }
    }

    #[inline]
    pub(crate) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        }
    }

    pub(crate) fn put_u16(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn put_u32(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }
}
