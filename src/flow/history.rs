//! Payload as it was captured first in, for a while, and out: which frame first gave the bytes that a segment repeats
//! otherwise. One store for all streams, so that its size does not depend on their number. Knows nothing of who receives.

use std::collections::VecDeque;

use super::Conflict;
use crate::model::{Frame, Warning};

/// Payload of all flows that is compared with its repeats, and what is noted of it; beyond it, the oldest goes.
pub(super) const MAX_HISTORY: usize = 3 << 17;
/// Segments of one stream, the newest, with which a repeat is compared.
pub(super) const MAX_COMPARED: usize = 64;
/// Contradictions that are told one by one; further ones are counted.
pub(super) const MAX_CONFLICTS: usize = 64;

/// The number of the newest segment of a stream in the history.
pub(super) type Trail = Option<u64>;

/// A segment that brought new bytes.
#[derive(Debug)]
struct Chunk {
    /// The one before it, of the same stream.
    before: Trail,
    /// Stream offset of its first byte.
    start: u64,
    /// Where its bytes begin, counted over all that were ever kept.
    at: u64,
    length: usize,
    frame: Frame,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.length as u64)
    }
}

/// What was captured lately, and the contradictions that it showed.
#[derive(Debug, Default)]
pub(super) struct History {
    bytes: VecDeque<u8>,
    chunks: VecDeque<Chunk>,
    /// How many bytes and chunks have left.
    past_bytes: u64,
    past_chunks: u64,
    conflicts: Vec<Conflict>,
    /// Conflicts that are counted only.
    further: u64,
}

impl History {
    /// Memory that is taken by what can be compared.
    pub(super) fn held(&self) -> usize {
        self.bytes.len().saturating_add(self.chunks.len().saturating_mul(size_of::<Chunk>()))
    }

    /// Keeps bytes of a stream that are captured for the first time.
    pub(super) fn keep(&mut self, trail: &mut Trail, start: u64, bytes: &[u8], frame: Frame) {
        if bytes.is_empty() {
            return;
        }
        let at = self.past_bytes.saturating_add(self.bytes.len() as u64);
        let number = self.past_chunks.saturating_add(self.chunks.len() as u64);
        self.bytes.extend(bytes);
        self.chunks.push_back(Chunk { before: trail.replace(number), start, at, length: bytes.len(), frame });
        while self.held() > MAX_HISTORY {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.bytes.drain(..oldest.length.min(self.bytes.len()));
            self.past_bytes = self.past_bytes.saturating_add(oldest.length as u64);
            self.past_chunks = self.past_chunks.saturating_add(1);
        }
    }

    /// The first frame that gave another reading of these bytes.
    pub(super) fn contradicted(&self, trail: Trail, start: u64, bytes: &[u8]) -> Option<Frame> {
        let newest = self.chunk(trail);
        let chunks = std::iter::successors(newest, |chunk| self.chunk(chunk.before));
        chunks.take(MAX_COMPARED).filter(|chunk| self.differs(chunk, start, bytes)).last().map(|chunk| chunk.frame)
    }

    /// Notes a contradiction.
    pub(super) fn note(&mut self, conflict: Conflict) {
        if self.conflicts.len() < MAX_CONFLICTS {
            self.conflicts.push(conflict);
        } else {
            self.further = self.further.saturating_add(1);
        }
    }

    /// The first ones.
    pub(super) fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The contradictions in words, for people.
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = self.conflicts.iter().map(Conflict::warning).collect();
        if self.further > 0 {
            let text = format!("{} further TCP segments repeated bytes with another content", self.further);
            warnings.push(Warning { frame: None, text });
        }
        warnings
    }

    fn chunk(&self, number: Trail) -> Option<&Chunk> {
        let index = number?.checked_sub(self.past_chunks)?;
        self.chunks.get(usize::try_from(index).ok()?)
    }

    fn differs(&self, chunk: &Chunk, start: u64, bytes: &[u8]) -> bool {
        let (from, end) = (start.max(chunk.start), start.saturating_add(bytes.len() as u64).min(chunk.end()));
        if from >= end {
            return false;
        }
        let again = bytes.get(from.saturating_sub(start) as usize..end.saturating_sub(start) as usize);
        let at = chunk.at.saturating_sub(self.past_bytes).saturating_add(from.saturating_sub(chunk.start));
        !self.holds(at as usize, again.unwrap_or_default())
    }

    /// Are these the bytes at this place?
    fn holds(&self, at: usize, bytes: &[u8]) -> bool {
        let (front, back) = self.bytes.as_slices();
        let in_front = front.len().saturating_sub(at).min(bytes.len());
        let (first, second) = bytes.split_at_checked(in_front).unwrap_or_default();
        let is = |slice: &[u8], at: usize, bytes: &[u8]| slice.get(at..).unwrap_or_default().starts_with(bytes);
        is(front, at, first) && is(back, at.saturating_sub(front.len()), second)
    }
}
