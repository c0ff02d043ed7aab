//! One TCP connection: segments in, and out come its signals, its counters and its two streams in order. The facts that
//! every segment touches lie in [`Sent`].

mod belongs;
mod early;
mod end;

pub(super) use belongs::Belongs;

use super::assembler::{Assembler, Stretch};
use super::hand::{Hand, Pipe};
use super::limits::{FARTHEST_AHEAD, FARTHEST_FIRST_ACK, Limits};
use super::sent::{NEVER, Sent, of, of_mut};
use super::stats::{Ends, Record};
use super::streams::{Streams, near};
use super::{Conflict, Flow, FlowSink, Interest, SideStats, Signal, TcpStats, Turn};
use crate::model::{At, Frame, Side};
use crate::packet::Segment;

/// One TCP connection.
#[derive(Debug)]
pub(super) struct Connection<T> {
    pub(super) id: u64,
    pub(super) oriented: bool,
    sent: [Sent; 2],
    state: T,
    records: [Record; 2],
    streams: Option<Box<Streams>>,
    /// Closed by a RST or by a FIN of each side, and not called again since.
    pub(super) closed: bool,
    /// Did nobody want its payload any more, while it went on?
    unwanted: bool,
    /// Most open connections have none.
    ends: Option<Box<Ends>>,
}

/// A segment with payload, in the numbers of its stream.
struct Placed {
    sequence: u32,
    length: u32,
    from: u64,
    to: u64,
    /// Does it bring nothing new?
    again: bool,
    /// Are bytes that were captured before other ones in it?
    contradicts: bool,
}

impl<T: Default> Connection<T> {
    /// A connection of which nothing has been seen yet.
    pub(super) fn new(id: u64, oriented: bool) -> Self {
        Self {
            id,
            oriented,
            sent: [Sent::NOTHING; 2],
            state: T::default(),
            records: [Record::NOTHING; 2],
            streams: Some(Box::default()),
            closed: false,
            unwanted: false,
            ends: None,
        }
    }

    /// Memory held in buffers, the sink's among them.
    pub(super) fn held<K: FlowSink<State = T>>(&self, sink: &K) -> usize {
        let own = self.streams.as_ref().map_or(0, |streams| streams.sides.iter().map(Assembler::capacity).sum());
        sink.held(&self.state).saturating_add(own)
    }

    /// Does anybody want its payload?
    pub(super) fn wants_payload(&self) -> bool {
        self.streams.is_some()
    }

    /// The streams as long as what happens to them is counted.
    fn counted(&self) -> Option<&Streams> {
        self.streams.as_deref().filter(|streams| streams.reset.is_none())
    }

    fn ends(&self) -> Ends {
        self.ends.as_deref().copied().unwrap_or(Ends::NONE)
    }

    /// As the sink sees it.
    fn flow<K>(&self, hand: &Hand<'_, K>) -> Flow {
        hand.key.flow(self.id, hand.client_is_low, self.oriented)
    }

    /// Has anything been said, or a FIN been sent?
    fn is_used(&self) -> bool {
        let [client, server] = &self.sent;
        client.data || server.data || self.ends().any_fin()
    }

    /// Everything counted so far.
    pub(super) fn stats(&self) -> TcpStats {
        let ([client, server], [client_sent, server_sent], ends) = (&self.records, &self.sent, self.ends());
        let stats = TcpStats {
            client: client.stats(client_sent, &ends, Side::Client),
            server: server.stats(server_sent, &ends, Side::Server),
        };
        // Where nobody wanted the payload any more, acknowledgments were not followed: nothing is known to lack one.
        let followed = |side: SideStats| if self.unwanted { SideStats { acknowledged: side.sent, ..side } } else { side };
        TcpStats { client: followed(stats.client), server: followed(stats.server) }
    }

    /// Has only one side been seen, without payload: a SYN without an answer?
    pub(super) fn is_half_open(&self) -> bool {
        let [client, server] = &self.sent;
        !(client.seen() && server.seen() || client.data || server.data)
    }

    /// Takes note of a segment whose payload nobody wants, if that is all there is to do.
    pub(super) fn pass(&mut self, side: Side, segment: &Segment<'_>, at: At) -> bool {
        let me = of_mut(&mut self.sent, side);
        if !me.data && segment.wire_length > 0 {
            return false;
        }
        me.last = at;
        if segment.wire_length > 0 {
            me.reach(segment.sequence.wrapping_add(segment.wire_length));
        }
        true
    }

    /// Takes in a segment of this connection. Whether the payload is still of interest shows in `wants_payload`.
    pub(super) fn segment<K>(&mut self, side: Side, segment: &Segment<'_>, hand: &mut Hand<'_, K>)
    where
        K: FlowSink<State = T>,
    {
        let reset = segment.has(Segment::RST);
        of_mut(&mut self.sent, side).last = hand.at;
        let mut start = segment.sequence;
        if segment.has(Segment::SYN) && !reset {
            start = start.wrapping_add(1);
            self.syn(side, segment, hand);
        }
        if segment.has(Segment::ACK) && reset {
            self.acknowledge_by_reset(side, segment);
        }
        if segment.has(Segment::ACK) && !reset && !self.acknowledge(side, segment, hand) {
            if segment.has(Segment::FIN) {
                self.fin(side, None, hand);
            }
            return;
        }
        if !of(&self.sent, side).based && !reset {
            of_mut(&mut self.sent, side).base(start, false);
            if let Some(streams) = &mut self.streams {
                *of_mut(&mut streams.sides, side) = Assembler::new(true);
            }
        }
        if segment.wire_length > 0 && !reset {
            self.data(side, start, segment, hand);
        }
        if segment.has(Segment::FIN) && !reset {
            self.fin(side, Some(start.wrapping_add(segment.wire_length)), hand);
        }
        if reset {
            self.rst(side, hand);
        }
        self.end_if_over(hand);
    }

    /// The connection leaves the table: what waits is handed on, both sides end, and that is all.
    pub(super) fn close<K: FlowSink<State = T>>(&mut self, hand: &mut Hand<'_, K>) {
        self.finish_streams(hand);
        self.signal(Signal::Ended, hand);
    }

    /// Memory is needed elsewhere: drops what waits.
    pub(super) fn forget<K: FlowSink<State = T>>(&mut self, hand: &mut Hand<'_, K>) {
        for side in [Side::Client, Side::Server] {
            self.with_stream(side, hand, |stream, _, _, pipe| stream.forget(pipe));
        }
        hand.common.losses.bytes = hand.common.losses.bytes.saturating_add(hand.sink.held(&self.state) as u64);
        hand.sink.forget(&mut self.state);
    }

    fn signal<K: FlowSink<State = T>>(&mut self, signal: Signal, hand: &mut Hand<'_, K>) {
        let flow = self.flow(hand);
        let stats = self.stats();
        hand.sink.signal(&flow, &mut self.state, signal, &stats, hand.link, hand.at);
    }

    fn syn<K: FlowSink<State = T>>(&mut self, side: Side, segment: &Segment<'_>, hand: &mut Hand<'_, K>) {
        let answers = !segment.has(Segment::ACK) || self.answers(side, segment);
        let me = of_mut(&mut self.sent, side);
        let record = of_mut(&mut self.records, side);
        let first = record.last_syn == NEVER;
        let same = me.from_syn && record.isn == segment.sequence;
        if same && near(record.last_syn.time, hand.at.time) {
            record.copies = record.copies.saturating_add(1);
            return;
        }
        record.syns = record.syns.saturating_add(1);
        record.last_syn = hand.at;
        self.closed = false;
        if !same && !me.data && (answers || !me.from_syn) {
            record.isn = segment.sequence;
            record.acked = 0;
            me.base(segment.sequence.wrapping_add(1), true);
            if let Some(streams) = &mut self.streams {
                *of_mut(&mut streams.sides, side) = Assembler::default();
            }
        }
        let signal = if segment.has(Segment::ACK) {
            Signal::SynAck { first }
        } else {
            // Where both call at once, the second call is not the first of the connection.
            Signal::Syn { first: first && side == Side::Client }
        };
        self.signal(signal, hand);
    }

    /// False if what it acknowledges cannot be of this connection: a receiver drops such a segment whole (RFC 5961, 5.2).
    fn acknowledge<K: FlowSink<State = T>>(&mut self, side: Side, segment: &Segment<'_>, hand: &mut Hand<'_, K>) -> bool {
        let side = side.other();
        let other = of_mut(&mut self.sent, side);
        if !other.based {
            // In a connection whose beginning was seen, the first acknowledgment says where the other side begins.
            if self.oriented {
                other.base(segment.acknowledgment, false);
            }
            return true;
        }
        let Some(streams) = self.counted() else { return true };
        let end = of(&streams.sides, side).end().unwrap_or(u64::MAX);
        let (other, record) = (of_mut(&mut self.sent, side), of_mut(&mut self.records, side));
        let offset = other.offset(segment.acknowledgment);
        let ahead = offset.saturating_sub(other.total as i64);
        let farthest = if other.total == 0 && other.from_syn { FARTHEST_FIRST_ACK } else { FARTHEST_AHEAD };
        if ahead > farthest || ahead < -FARTHEST_AHEAD {
            return false;
        }
        let offset = (offset.max(0) as u64).min(end);
        if offset > record.acked {
            if offset > other.total {
                other.reach(segment.acknowledgment);
            }
            record.acked = offset;
            record.largest_passed |= offset >= other.total;
            record.stuck_repeats = 0;
            record.stuck_length = 0;
            if self.streams.as_ref().is_some_and(|streams| of(&streams.sides, side).waits()) {
                self.with_stream(side, hand, |stream, acked, limits, pipe| stream.advance(acked, limits, pipe));
            }
        }
        true
    }

    /// Who leaves by a RST with an ACK says what it had taken by then. Not all stacks put anything meaningful there, so that it
    /// counts only for what was captured.
    fn acknowledge_by_reset(&mut self, side: Side, segment: &Segment<'_>) {
        let spoke = of(&self.sent, side).based;
        let side = side.other();
        let (other, record) = (of(&self.sent, side), of_mut(&mut self.records, side));
        let heard = u64::try_from(other.offset(segment.acknowledgment)).unwrap_or(0);
        if spoke && other.based && (record.acked..=other.total).contains(&heard) {
            record.acked = heard;
        }
    }

    fn data<K: FlowSink<State = T>>(&mut self, side: Side, sequence: u32, segment: &Segment<'_>, hand: &mut Hand<'_, K>) {
        let me = of(&self.sent, side);
        let start = me.offset(sequence);
        let end = start.saturating_add(i64::from(segment.wire_length));
        let total = me.total;
        if start.saturating_sub(total as i64) > FARTHEST_AHEAD {
            return;
        }
        let captured = segment.payload.get(..segment.wire_length as usize).unwrap_or(segment.payload);
        let cut = (captured.len() as u64) < u64::from(segment.wire_length);
        // What lies before the start of the stream was not asked for.
        let bytes = captured.get(start.min(0).unsigned_abs() as usize..).unwrap_or_default();
        let (from, to) = (start.max(0) as u64, end.max(0) as u64);
        let first = self.first_reading(total, side, from, bytes, hand);
        let again = self.streams.as_ref().is_some_and(|streams| of(&streams.sides, side).knows(from, to));
        let placed = Placed { sequence, length: segment.wire_length, from, to, again, contradicts: first.is_some() };
        if self.count(total, side, &placed, hand.at) {
            return;
        }
        if let Some(first) = first {
            self.conflict(side, first, hand);
        }
        if !again && let Some(streams) = self.streams.as_mut().filter(|streams| streams.reset.is_none()) {
            hand.common.history.keep(of_mut(&mut streams.trails, side), from, bytes, hand.at.frame);
        }
        let me = of_mut(&mut self.sent, side);
        me.reach(sequence.wrapping_add(segment.wire_length));
        me.data = true;
        let record = of_mut(&mut self.records, side);
        if record.first_data == NEVER {
            record.first_data = hand.at;
            self.signal(Signal::FirstData(side), hand);
        }
        of_mut(&mut self.records, side).cut |= cut;
        let stretch = Stretch { start: from, bytes, lost: to.saturating_sub(from).saturating_sub(bytes.len() as u64) };
        self.with_stream(side, hand, |stream, acked, limits, pipe| stream.push(stretch, acked, limits, pipe));
    }

    /// The frame of which a segment repeats bytes with another content.
    fn first_reading<K>(&self, total: u64, side: Side, from: u64, bytes: &[u8], hand: &Hand<'_, K>) -> Option<Frame> {
        let streams = self.counted().filter(|_| from < total)?;
        hand.common.history.contradicted(*of(&streams.trails, side), from, bytes)
    }

    fn conflict<K>(&mut self, side: Side, first: Frame, hand: &mut Hand<'_, K>) {
        let record = of_mut(&mut self.records, side);
        record.conflicts = record.conflicts.saturating_add(1);
        let flow = self.flow(hand);
        let (source, destination) = (flow.endpoint(side), flow.endpoint(side.other()));
        hand.common.history.note(Conflict { source, destination, first, again: hand.at.frame });
    }

    /// Counts a segment with payload. True if it is not worth a second look: a keep-alive, or a frame captured twice.
    fn count(&mut self, total: u64, side: Side, placed: &Placed, at: At) -> bool {
        let Some(streams) = self.streams.as_mut().filter(|streams| streams.reset.is_none()) else { return false };
        let heard = of(&self.records, side.other()).last_data;
        let record = of_mut(&mut self.records, side);
        let Placed { sequence, length, from, to, again, contradicts } = *placed;
        if again && length == 1 && to == total && record.acked >= total {
            return true;
        }
        if !contradicts && streams.is_copy(side, again, sequence, length, at.time) {
            record.copies = record.copies.saturating_add(1);
            return true;
        }
        if !again {
            record.went_on = record.last_data != NEVER && (heard == NEVER || heard < record.last_data);
        }
        record.last_data = at;
        if length > record.largest_segment {
            (record.largest_segment, record.largest_passed) = (length, false);
        }
        if again {
            record.retransmitted = record.retransmitted.saturating_add(1);
            if from <= record.acked && record.acked < to {
                record.stuck_repeats = record.stuck_repeats.saturating_add(1);
                record.stuck_length = length;
            }
        } else {
            record.data_segments = record.data_segments.saturating_add(1);
        }
        false
    }

    /// Does something with one side's stream, and frees both if nobody wants them any more.
    fn with_stream<K, F>(&mut self, side: Side, hand: &mut Hand<'_, K>, act: F)
    where
        K: FlowSink<State = T>,
        F: FnOnce(&mut Assembler, u64, &Limits, &mut Pipe<'_, K>) -> Interest,
    {
        let flow = self.flow(hand);
        let Some(streams) = &mut self.streams else { return };
        if streams.is_over(side) {
            return;
        }
        hand.sink.turn(Turn { said: of(&self.sent, side).total, heard: of(&self.records, side.other()).acked });
        let record = of_mut(&mut self.records, side);
        let stream = of_mut(&mut streams.sides, side);
        let mut pipe = Pipe {
            sink: &mut *hand.sink,
            flow: &flow,
            state: &mut self.state,
            side,
            link: hand.link,
            at: hand.at,
            uncaptured: &mut record.uncaptured,
            dropped: &mut hand.common.losses.bytes,
        };
        let interest = act(stream, record.acked, hand.limits, &mut pipe);
        if interest == Interest::SignalsOnly {
            self.streams = None;
            self.unwanted = true;
        }
    }
}
