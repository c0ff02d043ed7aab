//! Which segment speaks of bytes of either side that were not seen yet.

use super::Connection;
use crate::flow::limits::FARTHEST_AHEAD;
use crate::flow::sent::of;
use crate::flow::streams::Streams;
use crate::model::Side;
use crate::packet::Segment;

impl<T: Default> Connection<T> {
    /// Can this segment only have been sent after bytes that were not seen yet: does it acknowledge such bytes of the other side,
    /// or end its own stream behind them? A side of which nothing was seen is none that the capture has in another order.
    pub(in crate::flow) fn is_early(&self, side: Side, segment: &Segment<'_>) -> bool {
        let Some(streams) = self.counted() else { return false };
        let hears = segment.has(Segment::ACK) && {
            let other = of(&self.sent, side.other());
            let end = of(&streams.sides, side.other()).end().map_or(i64::MAX, |end| end as i64);
            let heard = other.offset(segment.acknowledgment).min(end);
            other.seen() && other.based && is_ahead(heard, self.whole_up_to(streams, side.other()))
        };
        let me = of(&self.sent, side);
        let ends = segment.has(Segment::FIN | Segment::RST) && me.seen() && me.based;
        // A FIN takes a number, too.
        let said = self.whole_up_to(streams, side).saturating_add(u64::from(of(&streams.sides, side).end().is_some()));
        hears || ends && is_ahead(me.offset(segment.sequence), said)
    }

    /// How far a side's bytes were seen without a hole: nobody acknowledges what stands behind one (RFC 9293 section 3.4).
    fn whole_up_to(&self, streams: &Streams, side: Side) -> u64 {
        let seen = of(&streams.sides, side).first_hole().unwrap_or(of(&self.sent, side).total);
        seen.max(of(&self.records, side).acked)
    }
}

fn is_ahead(offset: i64, known: u64) -> bool {
    (1..=FARTHEST_AHEAD).contains(&offset.saturating_sub(known as i64))
}
