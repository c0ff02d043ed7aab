//! How a connection ends: by FIN, by RST, or with the capture.

use super::Connection;
use crate::flow::hand::Hand;
use crate::flow::limits::FARTHEST_AHEAD;
use crate::flow::sent::{NEVER, of, of_mut};
use crate::flow::streams::Streams;
use crate::flow::{FlowSink, Signal};
use crate::model::{At, Side};

impl<T: Default> Connection<T> {
    /// A FIN; where it lies is `None` if its numbers are not those of the stream.
    pub(super) fn fin<K: FlowSink<State = T>>(&mut self, side: Side, sequence: Option<u32>, hand: &mut Hand<'_, K>) {
        if hand.common.in_order && self.lacks_fin_of(side.other()) {
            self.ends.get_or_insert_default().note_fin(side.other(), hand.at);
            self.signal(Signal::Fin(side.other()), hand);
        }
        let first = self.ends.get_or_insert_default().note_fin(side, hand.at);
        self.closed |= self.ends().both_fins();
        let offset = sequence.and_then(|sequence| u64::try_from(of(&self.sent, side).offset(sequence)).ok());
        if let (Some(streams), Some(offset)) = (&mut self.streams, offset)
            && offset <= of(&self.sent, side).total.saturating_add(FARTHEST_AHEAD as u64)
        {
            let stream = of_mut(&mut streams.sides, side);
            stream.set_end(offset);
            if streams.reset.is_none() {
                let record = of_mut(&mut self.records, side);
                record.acked = record.acked.min(offset);
            }
        }
        self.with_stream(side, hand, |stream, acked, limits, pipe| stream.advance(acked, limits, pipe));
        if first {
            self.signal(Signal::Fin(side), hand);
        }
    }

    /// Has this side closed by a FIN that the capture lost: is one more acknowledged than it said?
    fn lacks_fin_of(&self, side: Side) -> bool {
        let said_all = |streams: &Streams| of(&streams.sides, side).is_one_behind(of(&self.records, side).acked);
        of(&self.sent, side).data && !self.ends().has_fin(side) && self.counted().is_some_and(said_all)
    }

    pub(super) fn rst<K: FlowSink<State = T>>(&mut self, side: Side, hand: &mut Hand<'_, K>) {
        let first = self.ends.get_or_insert_default().note_rst(side, hand.at);
        self.closed = true;
        for side in [Side::Client, Side::Server] {
            self.with_stream(side, hand, |stream, acked, limits, pipe| stream.flush(acked, limits, pipe));
        }
        if first {
            self.signal(Signal::Rst(side), hand);
        }
        // Where nothing was said yet, the client may try on with the same SYN.
        if self.is_used() {
            self.reset(side, hand);
        }
    }

    /// Both sides end, for `by` neither says nor hears anything from here on; but what the other one had under way may come.
    fn reset<K: FlowSink<State = T>>(&mut self, by: Side, hand: &mut Hand<'_, K>) {
        match &mut self.streams {
            Some(streams) if streams.reset.is_none_or(|first| first == by) => streams.reset = Some(by),
            _ => self.streams = None,
        }
        for side in [Side::Client, Side::Server] {
            self.end(side, hand);
        }
    }

    /// Tells the sink of each side whose FIN is in order; frees the streams once both are over.
    pub(super) fn end_if_over<K: FlowSink<State = T>>(&mut self, hand: &mut Hand<'_, K>) {
        for side in [Side::Client, Side::Server] {
            if self.streams.as_ref().is_some_and(|streams| of(&streams.sides, side).at_end()) {
                self.end(side, hand);
            }
        }
        if self.streams.as_ref().is_some_and(|streams| [Side::Client, Side::Server].iter().all(|side| streams.is_over(*side))) {
            self.streams = None;
        }
    }

    /// Nothing comes any more. What was begun and not ended is told as of the last that its side said, however late it is known.
    pub(super) fn finish_streams<K: FlowSink<State = T>>(&mut self, hand: &mut Hand<'_, K>) {
        let now = hand.at;
        for side in [Side::Client, Side::Server] {
            hand.at = self.last_said(side).unwrap_or(now);
            self.with_stream(side, hand, |stream, acked, limits, pipe| stream.flush(acked, limits, pipe));
        }
        for side in [Side::Client, Side::Server] {
            hand.at = self.last_said(side).unwrap_or(now);
            self.end(side, hand);
        }
        hand.at = now;
        self.streams = None;
    }

    fn last_said(&self, side: Side) -> Option<At> {
        Some(of(&self.records, side).last_data).filter(|at| *at != NEVER)
    }

    fn end<K: FlowSink<State = T>>(&mut self, side: Side, hand: &mut Hand<'_, K>) {
        let flow = self.flow(hand);
        let Some(streams) = &mut self.streams else { return };
        if !std::mem::replace(of_mut(&mut streams.ended, side), true) {
            let stream = of_mut(&mut streams.sides, side);
            hand.sink.end(&flow, &mut self.state, side, stream.rest(), hand.link, hand.at);
        }
        if streams.is_over(side) {
            of_mut(&mut streams.sides, side).release();
        }
    }
}
