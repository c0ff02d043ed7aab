//! TCP segments that the capture has a moment too early: what the other side can only have sent later acknowledges them, or
//! their own side's bytes before the end come behind it. They wait, for a moment, for what belongs before them; then they count
//! as they are, for a capture also loses packets.

use std::collections::VecDeque;

use super::super::key::Key;
use super::super::limits::{EARLY_FRAMES, EARLY_SEGMENTS, EARLY_TIME};
use super::FlowTable;
use crate::flow::FlowSink;
use crate::flow::hot::Cold;
use crate::model::At;
use crate::packet::{Link, Segment};

/// A segment that waits.
#[derive(Debug)]
struct Waiting {
    key: Key,
    from_low: bool,
    link: Link,
    at: At,
    segment: Segment<'static>,
    payload: Vec<u8>,
}

impl Waiting {
    fn segment(&self) -> Segment<'_> {
        Segment { payload: &self.payload, ..self.segment }
    }

    /// Does this segment of the same connection begin before what it refers to?
    fn is_behind(&self, from_low: bool, segment: &Segment<'_>) -> bool {
        let refers = if from_low == self.from_low { self.segment.sequence } else { self.segment.acknowledgment };
        (segment.sequence.wrapping_sub(refers) as i32) < 0
    }

    fn is_due(&self, now: At) -> bool {
        now.time.since(self.at.time) > EARLY_TIME || now.frame.number().saturating_sub(self.at.frame.number()) > EARLY_FRAMES
    }
}

/// The segments that wait, in the order of the capture.
#[derive(Debug, Default)]
pub(super) struct Early {
    segments: VecDeque<Waiting>,
}

impl Early {
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Where a segment stands for which others may have waited.
    pub(super) fn place(&self, key: &Key, from_low: bool, segment: &Segment<'_>, at: At) -> At {
        let mut behind = self.segments.iter().filter(|waiting| waiting.key == *key && waiting.is_behind(from_low, segment));
        behind.next().map_or(at, |first| At { frame: at.frame.before(first.at.frame), ..at })
    }

    fn next_due(&mut self, now: Option<At>) -> Option<Waiting> {
        let first = self.segments.front()?;
        let is_due = self.segments.len() >= EARLY_SEGMENTS || now.is_none_or(|now| first.is_due(now));
        if is_due { self.segments.pop_front() } else { None }
    }

    fn keep(&mut self, key: Key, from_low: bool, segment: &Segment<'_>, link: &Link, at: At) {
        let payload = segment.payload.to_vec();
        let segment = Segment { payload: &[], ..*segment };
        self.segments.push_back(Waiting { key, from_low, link: *link, at, segment, payload });
    }
}

impl<T: Default> FlowTable<T> {
    /// Puts a segment aside if what belongs before it may still come.
    pub(super) fn puts_aside(
        &mut self,
        index: Option<usize>,
        key: &Key,
        from_low: bool,
        segment: &Segment<'_>,
        link: &Link,
        at: At,
    ) -> bool {
        let is_early = self.early.is_some() && self.is_early(index, from_low, segment);
        if let Some(early) = self.early.as_mut().filter(|_| is_early) {
            early.keep(*key, from_low, segment, link, at);
        }
        is_early
    }

    fn is_early(&self, index: Option<usize>, from_low: bool, segment: &Segment<'_>) -> bool {
        let Some((_, hot)) = index.and_then(|index| self.flows.get_index(index)) else {
            // The answer to a call that was not seen yet.
            return segment.has(Segment::ACK) && segment.has(Segment::SYN | Segment::RST);
        };
        match &hot.cold {
            Cold::Tcp(connection) => connection.is_early(hot.side(from_low), segment),
            Cold::Udp(_) | Cold::Nothing => false,
        }
    }

    /// Takes in what has waited for the segment that was just taken in, and for what that sets in motion.
    pub(super) fn take_early(&mut self, key: &Key, sink: &mut impl FlowSink<State = T>) {
        while let Some(position) = self.ready(key) {
            let Some(waiting) = self.early.as_mut().and_then(|early| early.segments.remove(position)) else { return };
            self.take(&waiting, sink);
        }
    }

    fn ready(&self, key: &Key) -> Option<usize> {
        let early = self.early.as_ref()?;
        let index = self.flows.get_index_of(key);
        early
            .segments
            .iter()
            .position(|waiting| waiting.key == *key && !self.is_early(index, waiting.from_low, &waiting.segment()))
    }

    /// Takes in what has waited for long enough by now, and what there is no room for beside another; all, if the capture is
    /// over.
    pub(super) fn take_due(&mut self, now: Option<At>, sink: &mut impl FlowSink<State = T>) {
        while let Some(waiting) = self.early.as_mut().and_then(|early| early.next_due(now)) {
            self.take(&waiting, sink);
            self.take_early(&waiting.key, sink);
        }
    }

    fn take(&mut self, waiting: &Waiting, sink: &mut impl FlowSink<State = T>) {
        let Waiting { key, from_low, link, at, .. } = waiting;
        let index = self.flows.get_index_of(key);
        self.give_to_flow(index, key, *from_low, &waiting.segment(), link, *at, sink);
    }
}
