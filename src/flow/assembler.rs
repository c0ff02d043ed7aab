//! Segments in any order in, each byte once and in order out. Where a byte is missing it waits, up to a bound; what will
//! never come is announced as a gap and never glued over.
//!
//! Invariant: `pieces` are sorted, do not overlap, are not empty, and begin behind `next`; there are at most
//! `Limits::pieces` of them once a segment has been dealt with.

use super::Interest;
use super::leftover::{Leftover, Out, Why};
use super::limits::{Limits, SPARE_BYTES};

/// A stretch of the stream that waits behind a hole: `length` bytes from `at` in the store, then `lost` ones that were cut.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: u64,
    lost: u64,
    at: usize,
    length: usize,
}

impl Piece {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.length as u64).saturating_add(self.lost)
    }
}

/// One direction of one stream. Offsets count payload bytes from the start of the stream.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The first byte that has not been handed on.
    next: u64,
    /// Where the FIN lies.
    end: Option<u64>,
    /// The start of the stream was guessed: until its first byte has been handed on it may move without a word.
    guessed: bool,
    pieces: Vec<Piece>,
    /// The bytes of the pieces, in order of arrival.
    store: Vec<u8>,
    /// How many bytes of the store belong to pieces.
    live: usize,
    leftover: Leftover,
}

/// The captured part of a segment, by stream offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch<'a> {
    /// Offset of its first byte.
    pub(super) start: u64,
    /// The captured bytes.
    pub(super) bytes: &'a [u8],
    /// How many more the segment had.
    pub(super) lost: u64,
}

impl<'a> Stretch<'a> {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.bytes.len() as u64).saturating_add(self.lost)
    }

    /// The part of it between two offsets; it may be empty.
    fn between(&self, from: u64, to: u64) -> Stretch<'a> {
        let from = from.clamp(self.start, self.end());
        let to = to.clamp(from, self.end());
        let head = (from.saturating_sub(self.start) as usize).min(self.bytes.len());
        let tail = (to.saturating_sub(self.start) as usize).min(self.bytes.len());
        let bytes = self.bytes.get(head..tail).unwrap_or_default();
        Stretch { start: from, bytes, lost: to.saturating_sub(from).saturating_sub(bytes.len() as u64) }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.lost == 0
    }
}

impl Assembler {
    /// A stream whose offset 0 is certain, or only guessed from the first segment that was captured.
    pub(super) fn new(guessed: bool) -> Self {
        Self { guessed, ..Self::default() }
    }

    /// What has been handed on and not used.
    pub(super) fn rest(&self) -> &[u8] {
        self.leftover.bytes()
    }

    /// Memory held in buffers.
    pub(super) fn capacity(&self) -> usize {
        self.leftover
            .capacity()
            .saturating_add(self.store.capacity())
            .saturating_add(self.pieces.capacity().saturating_mul(size_of::<Piece>()))
    }

    /// Has every byte before the FIN been handed on or given up?
    pub(super) fn at_end(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    /// Was all handed on but for one number, up to here?
    pub(super) fn is_one_behind(&self, acked: u64) -> bool {
        self.pieces.is_empty() && self.end.is_none() && acked == self.next.saturating_add(1)
    }

    /// Where the FIN lies; the first one counts. What lies behind it is not of this stream.
    pub(super) fn set_end(&mut self, end: u64) {
        self.end.get_or_insert(end.max(self.next));
    }

    /// Where the FIN lies, if one was seen.
    pub(super) fn end(&self) -> Option<u64> {
        self.end
    }

    /// Can an acknowledgment set anything in motion?
    pub(super) fn waits(&self) -> bool {
        !self.pieces.is_empty() || self.end.is_some()
    }

    /// Where the first hole begins, if something waits behind one.
    pub(super) fn first_hole(&self) -> Option<u64> {
        self.pieces.first().map(|_| self.next)
    }

    /// Would these offsets bring nothing new?
    pub(super) fn knows(&self, start: u64, end: u64) -> bool {
        let mut known = self.next.max(start);
        if self.pieces.is_empty() || known >= end {
            return known >= end;
        }
        let first = self.pieces.partition_point(|piece| piece.end() <= known);
        for piece in self.pieces.iter().skip(first) {
            if known >= end || piece.start > known {
                break;
            }
            known = piece.end();
        }
        known >= end
    }

    /// Takes a segment in, and hands on all that is in order with it. `acked`: how far the receiver has acknowledged.
    pub(super) fn push(&mut self, stretch: Stretch<'_>, acked: u64, limits: &Limits, out: &mut impl Out) -> Interest {
        let stretch = stretch.between(self.next, self.end.unwrap_or(u64::MAX));
        if stretch.is_empty() || stretch.end() <= self.next {
            return Interest::Payload;
        }
        if self.pieces.is_empty() {
            if stretch.start > self.next
                && stretch.start <= acked
                && self.skip(stretch.start, acked, Why::Ended, out) == Interest::SignalsOnly
            {
                return Interest::SignalsOnly;
            }
            if stretch.start == self.next {
                self.next = stretch.end();
                return hand_on(&mut self.leftover, stretch.bytes, stretch.lost, limits, out);
            }
        }
        self.insert(stretch);
        self.advance(acked, limits, out)
    }

    /// Hands on what is in order; holes that the receiver does not have are left open while the bounds allow.
    pub(super) fn advance(&mut self, acked: u64, limits: &Limits, out: &mut impl Out) -> Interest {
        if self.hand_on_pieces(acked, false, limits, out) == Interest::SignalsOnly {
            return Interest::SignalsOnly;
        }
        match self.end {
            Some(end) if self.pieces.is_empty() && end > self.next && acked >= end => self.skip(end, acked, Why::Ended, out),
            _ => Interest::Payload,
        }
    }

    /// The flow ends: every hole is a gap, and what lies behind it is handed on. `acked` as ever.
    pub(super) fn flush(&mut self, acked: u64, limits: &Limits, out: &mut impl Out) -> Interest {
        if self.hand_on_pieces(acked, true, limits, out) == Interest::SignalsOnly {
            return Interest::SignalsOnly;
        }
        let last = match self.end {
            Some(end) => end,
            // A FIN takes a sequence number: one more than the last byte may well be a FIN that was not captured.
            None if acked > self.next.saturating_add(1) => acked,
            None => self.next,
        };
        if last > self.next { self.skip(last, acked, Why::Ended, out) } else { Interest::Payload }
    }

    /// Memory is needed elsewhere: drops all that is kept, as one gap.
    pub(super) fn forget(&mut self, out: &mut impl Out) -> Interest {
        let behind = self.pieces.last().map_or(self.next, Piece::end);
        let missing = behind.saturating_sub(self.next).saturating_add(self.leftover.bytes().len() as u64);
        self.next = behind;
        self.release();
        if missing > 0 { out.gap(missing, Why::Full) } else { Interest::Payload }
    }

    /// Frees the buffers.
    pub(super) fn release(&mut self) {
        let (end, guessed, next) = (self.end, self.guessed, self.next);
        *self = Self { next, end, guessed, ..Self::default() };
    }

    /// Announces that the bytes up to `to` are missing.
    fn skip(&mut self, to: u64, acked: u64, why: Why, out: &mut impl Out) -> Interest {
        let missing = to.saturating_sub(self.next);
        let silent = self.guessed && self.next == 0 && to <= acked;
        self.next = to;
        self.leftover.clear();
        if silent {
            return Interest::Payload;
        }
        out.gap(missing, if to <= acked { Why::Uncaptured } else { why })
    }

    fn hand_on_pieces(&mut self, acked: u64, all: bool, limits: &Limits, out: &mut impl Out) -> Interest {
        let mut done = 0;
        while let Some(piece) = self.pieces.get(done).copied() {
            if piece.start > self.next {
                let full = self.live > limits.side_bytes || self.pieces.len().saturating_sub(done) > limits.pieces;
                if piece.start > acked && !all && !full {
                    break;
                }
                let why = if full { Why::Full } else { Why::Ended };
                if self.skip(piece.start, acked, why, out) == Interest::SignalsOnly {
                    return Interest::SignalsOnly;
                }
            }
            done = done.saturating_add(1);
            self.next = piece.end();
            self.live = self.live.saturating_sub(piece.length);
            let bytes = self.store.get(piece.at..piece.at.saturating_add(piece.length)).unwrap_or_default();
            if hand_on(&mut self.leftover, bytes, piece.lost, limits, out) == Interest::SignalsOnly {
                return Interest::SignalsOnly;
            }
        }
        if done > 0 {
            self.pieces.drain(..done);
            self.tidy();
        }
        Interest::Payload
    }

    /// Gives back what the store no longer needs: at most as much is moved as has been handed on since the last time.
    fn tidy(&mut self) {
        if self.pieces.is_empty() {
            self.store.clear();
            if self.store.capacity() > SPARE_BYTES {
                self.store = Vec::new();
            }
            if self.pieces.capacity() > 16 {
                self.pieces = Vec::new();
            }
        } else if self.store.len() > SPARE_BYTES && self.live < self.store.len() / 2 {
            let mut store = Vec::with_capacity(self.live);
            for piece in &mut self.pieces {
                let bytes = self.store.get(piece.at..piece.at.saturating_add(piece.length)).unwrap_or_default();
                piece.at = store.len();
                store.extend_from_slice(bytes);
            }
            self.store = store;
        }
    }

    /// Puts those parts of a segment aside that no piece has yet: the first copy wins.
    fn insert(&mut self, stretch: Stretch<'_>) {
        let mut from = stretch.start;
        let mut index = self.pieces.partition_point(|piece| piece.end() <= from);
        while from < stretch.end() {
            let to = match self.pieces.get(index) {
                Some(piece) if piece.start <= from => {
                    from = piece.end();
                    index = index.saturating_add(1);
                    continue;
                }
                Some(piece) => piece.start.min(stretch.end()),
                None => stretch.end(),
            };
            let part = stretch.between(from, to);
            if !self.append(index, part) {
                let piece = Piece { start: from, lost: part.lost, at: self.store.len(), length: part.bytes.len() };
                self.pieces.insert(index, piece);
                index = index.saturating_add(1);
            }
            self.store.extend_from_slice(part.bytes);
            self.live = self.live.saturating_add(part.bytes.len());
            from = to;
        }
    }

    /// Makes the piece before `index` longer if the part follows it both in the stream and in the store.
    fn append(&mut self, index: usize, part: Stretch<'_>) -> bool {
        let stored = self.store.len();
        let Some(before) = index.checked_sub(1).and_then(|index| self.pieces.get_mut(index)) else { return false };
        let follows = before.end() == part.start && before.lost == 0 && before.at.saturating_add(before.length) == stored;
        if follows {
            before.length = before.length.saturating_add(part.bytes.len());
            before.lost = part.lost;
        }
        follows
    }
}

fn hand_on(leftover: &mut Leftover, bytes: &[u8], lost: u64, limits: &Limits, out: &mut impl Out) -> Interest {
    if !bytes.is_empty() && leftover.offer(bytes, limits.side_bytes, out) == Interest::SignalsOnly {
        return Interest::SignalsOnly;
    }
    if lost == 0 {
        return Interest::Payload;
    }
    if !leftover.bytes().is_empty() {
        out.cut(leftover.bytes());
    }
    leftover.clear();
    out.gap(lost, Why::Cut)
}
