//! All open flows: one look-up for each packet, and what the flow still wants decides whether its payload is touched.
//!
//! Flows age by packet time. With each packet a hand moves one flow on and looks whether that one is idle, so that no
//! packet pays for more than one, and a time stamp gone astray costs one flow at most.

mod early;

use std::collections::VecDeque;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::copies::Copies;
use super::hand::{Common, Hand};
use super::hot::{Cold, Hot, new_tcp, new_udp};
use super::key::Key;
use super::limits::{Limits, Losses};
use super::tcp::Belongs;
use super::{Conflict, FlowSink, Interest};
use crate::model::{At, Warning};
use crate::packet::{Body, Datagram, Link, Net, Packet, Segment};
use early::Early;

/// Flags that change the state of a connection.
const UNUSUAL: u8 = Segment::SYN | Segment::FIN | Segment::RST;

/// Sorts packets into flows, puts TCP streams in order, and tells a [`FlowSink`] about both. `T` is what the sink keeps
/// with each flow.
#[derive(Debug)]
pub struct FlowTable<T> {
    flows: IndexMap<Key, Hot<T>, RandomState>,
    limits: Limits,
    /// A flow that was idle for no longer than this may stay, of whatever kind it is.
    least_age: i64,
    common: Common,
    /// By what copies are known, where they are left out.
    copies: Option<Copies>,
    /// What waits for what belongs before it, where segments are put in the order in which they were sent.
    early: Option<Early>,
    hand: usize,
    next_id: u64,
    /// Where the last packet was.
    last: At,
    /// Flows in the order in which they were closed; some may have left.
    closed: VecDeque<(Key, u64)>,
    /// Flows in the order in which they began to hold buffers; some may have left.
    holders: VecDeque<(Key, u64)>,
    /// Memory held in all buffers.
    held: usize,
}

impl<T: Default> Default for FlowTable<T> {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl<T: Default> FlowTable<T> {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self {
            flows: IndexMap::default(),
            limits,
            least_age: limits.least_age(),
            common: Common::default(),
            copies: None,
            early: None,
            hand: 0,
            next_id: 0,
            last: At::default(),
            closed: VecDeque::new(),
            holders: VecDeque::new(),
            held: 0,
        }
    }

    /// The same, which leaves out what the capture has for the second time.
    #[must_use]
    pub fn without_copies(self) -> Self {
        Self { copies: Some(Copies::default()), ..self }
    }

    /// The same, which puts segments that the capture has side by side in the order in which they can have been sent, and tells of a
    /// FIN that the capture lost where the other side's shows it.
    #[must_use]
    pub fn in_order(self) -> Self {
        Self { early: Some(Early::default()), common: Common { in_order: true, ..self.common }, ..self }
    }

    /// Flows in the table.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Is no flow in the table?
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    /// Memory held in the buffers of all flows.
    pub fn buffered(&self) -> usize {
        self.held
    }

    /// What the bounds have cost up to now.
    pub fn losses(&self) -> Losses {
        self.common.losses
    }

    /// The segments that repeated bytes with another content: the first ones.
    pub fn conflicts(&self) -> &[Conflict] {
        self.common.history.conflicts()
    }

    /// Losses and conflicts in words.
    pub fn warnings(&self) -> Vec<Warning> {
        self.common.losses.warnings().into_iter().chain(self.common.history.warnings()).collect()
    }

    /// Takes one packet in.
    pub fn push(&mut self, packet: &Packet<'_>, sink: &mut impl FlowSink<State = T>) {
        self.last = packet.at;
        if self.early.as_ref().is_some_and(|early| !early.is_empty()) {
            self.take_due(Some(packet.at), sink);
        }
        match (&packet.body, &packet.net) {
            (Body::Tcp(segment), Some(net)) => self.tcp(segment, net, &packet.link, packet.at, sink),
            (Body::Udp(datagram), Some(net)) => self.udp(datagram, net, &packet.link, packet.at, sink),
            _ if self.copies.as_mut().is_some_and(|copies| copies.has_other(packet)) => {}
            _ => sink.other(packet),
        }
        self.move_hand(packet.at, sink);
    }

    /// The capture is over: closes all flows, in the order of their first frames.
    pub fn finish(&mut self, sink: &mut impl FlowSink<State = T>) {
        self.take_due(None, sink);
        let mut flows = std::mem::take(&mut self.flows);
        flows.sort_by_cached_key(|_, hot| match &hot.cold {
            Cold::Tcp(connection) => connection.id,
            Cold::Udp(_) | Cold::Nothing => u64::MAX,
        });
        for (key, hot) in flows {
            self.part(&key, hot, self.last, sink);
        }
        self.closed.clear();
        self.holders.clear();
    }

    fn udp(&mut self, datagram: &Datagram<'_>, net: &Net, link: &Link, at: At, sink: &mut impl FlowSink<State = T>) {
        let (key, from_low) = Key::new(net, datagram.source_port, datagram.destination_port, false);
        let index = match self.flows.get_full_mut(&key) {
            Some((index, _, hot)) => {
                let idle = at.time.since(hot.touched) > hot.age(&self.limits);
                hot.touched = at.time;
                if hot.quiet && !idle {
                    return;
                }
                Some((index, idle))
            }
            None => None,
        };
        if self.copies.as_mut().is_some_and(|copies| copies.has_datagram(net, datagram, at.time)) {
            return;
        }
        let index = match index {
            Some((index, idle)) => {
                if let Some((_, hot)) = self.flows.get_index_mut(index).filter(|_| idle) {
                    *hot = new_udp(take_id(&mut self.next_id), from_low, at.time);
                }
                index
            }
            None => {
                let id = take_id(&mut self.next_id);
                self.insert(key, new_udp(id, from_low, at.time), at, sink)
            }
        };
        let Some((_, hot)) = self.flows.get_index_mut(index) else { return };
        let side = hot.side(from_low);
        let Cold::Udp(cold) = &mut hot.cold else { return };
        let (id, state) = cold.as_mut();
        let flow = key.flow(*id, hot.client_is_low, true);
        let whole = datagram.payload.len() as u64 >= u64::from(datagram.wire_length);
        if sink.datagram(&flow, state, side, datagram.payload, whole, link, at) == Interest::SignalsOnly {
            hot.quiet = true;
            hot.cold = Cold::Nothing;
        }
    }

    fn tcp(&mut self, segment: &Segment<'_>, net: &Net, link: &Link, at: At, sink: &mut impl FlowSink<State = T>) {
        let (key, from_low) = Key::new(net, segment.source_port, segment.destination_port, true);
        let mut index = None;
        if let Some((found, _, hot)) = self.flows.get_full_mut(&key) {
            let side = hot.side(from_low);
            if hot.quiet
                && !segment.has(UNUSUAL)
                && let Cold::Tcp(connection) = &mut hot.cold
                && connection.pass(side, segment, at)
            {
                hot.touched = at.time;
                return;
            }
            index = Some(found);
        }
        if self.copies.as_mut().is_some_and(|copies| copies.has_segment(net, segment, at.time)) {
            return;
        }
        if self.puts_aside(index, &key, from_low, segment, link, at) {
            return;
        }
        match self.early.as_ref().filter(|early| !early.is_empty()) {
            Some(early) => {
                let at = early.place(&key, from_low, segment, at);
                self.give_to_flow(index, &key, from_low, segment, link, at, sink);
                self.take_early(&key, sink);
            }
            None => self.give_to_flow(index, &key, from_low, segment, link, at, sink),
        }
    }

    /// A segment goes into its flow, which may be in the table.
    #[expect(clippy::too_many_arguments, reason = "a packet's facts, passed without building a struct for each packet")]
    fn give_to_flow(
        &mut self,
        index: Option<usize>,
        key: &Key,
        from_low: bool,
        segment: &Segment<'_>,
        link: &Link,
        at: At,
        sink: &mut impl FlowSink<State = T>,
    ) {
        let index = match index.and_then(|index| self.place(index, key, from_low, segment, at, sink)) {
            Some(index) => index,
            None => {
                let hot = new_tcp(take_id(&mut self.next_id), key, from_low, segment, at.time);
                self.insert(*key, hot, at, sink)
            }
        };
        self.segment(index, from_low, segment, link, at, sink);
    }

    /// A segment whose ports are those of a flow in the table: where does it belong? `None`: to a new flow.
    fn place(
        &mut self,
        index: usize,
        key: &Key,
        from_low: bool,
        segment: &Segment<'_>,
        at: At,
        sink: &mut impl FlowSink<State = T>,
    ) -> Option<usize> {
        if !segment.has(Segment::SYN) || segment.has(Segment::RST) {
            return Some(index);
        }
        let (_, hot) = self.flows.get_index_mut(index)?;
        let idle = at.time.since(hot.touched) > hot.age(&self.limits);
        let side = hot.side(from_low);
        let Cold::Tcp(connection) = &hot.cold else { return Some(index) };
        match connection.place(side, segment, at) {
            Belongs::Here if !idle => Some(index),
            Belongs::AtFirst => {
                let (id, held, holds) = (connection.id, hot.held, hot.holds);
                *hot = Hot { held, holds, ..new_tcp(id, key, from_low, segment, at.time) };
                Some(index)
            }
            Belongs::Here | Belongs::ToNext => {
                self.remove(index, at, sink);
                None
            }
        }
    }

    fn segment(
        &mut self,
        index: usize,
        from_low: bool,
        segment: &Segment<'_>,
        link: &Link,
        at: At,
        sink: &mut impl FlowSink<State = T>,
    ) {
        let Some((key, hot)) = self.flows.get_index_mut(index) else { return };
        let side = hot.side(from_low);
        let Cold::Tcp(connection) = &mut hot.cold else { return };
        hot.touched = at.time;
        let client_is_low = hot.client_is_low;
        let mut hand = Hand { sink, key: *key, client_is_low, link, at, limits: &self.limits, common: &mut self.common };
        connection.segment(side, segment, &mut hand);
        hot.quiet = !connection.wants_payload();
        if connection.closed && !hot.closed {
            self.closed.push_back((*key, connection.id));
        }
        hot.closed = connection.closed;
        // Nothing waits, and nothing came.
        if hot.held == 0 && segment.wire_length == 0 && !segment.has(UNUSUAL) {
            return;
        }
        let held = u32::try_from(connection.held(hand.sink)).unwrap_or(u32::MAX);
        self.held = self.held.saturating_sub(hot.held as usize).saturating_add(held as usize);
        hot.held = held;
        if held > 0 && !hot.holds {
            hot.holds = true;
            self.holders.push_back((*key, connection.id));
        }
        while self.held > self.limits.all_bytes && self.drop_oldest_buffers(at, sink) {}
        if self.closed.len() > self.limits.closed {
            self.remove_oldest_closed(at, sink);
        }
        if self.holders.len() > self.flows.len().saturating_mul(2).saturating_add(1_024) {
            let Self { holders, flows, .. } = self;
            holders.retain(|(key, id)| flows.get(key).is_some_and(|hot| hot.is_connection(*id)));
        }
    }

    fn insert(&mut self, key: Key, hot: Hot<T>, at: At, sink: &mut impl FlowSink<State = T>) -> usize {
        if self.flows.len() >= self.limits.flows {
            let oldest = (0..self.limits.sample)
                .filter_map(|step| {
                    let index = self.hand.saturating_add(step).checked_rem(self.flows.len())?;
                    self.flows.get_index(index).map(|(_, hot)| (hot.touched, index))
                })
                .min();
            if let Some((_, index)) = oldest {
                self.common.losses.flows = self.common.losses.flows.saturating_add(1);
                self.remove(index, at, sink);
                self.hand = self.hand.saturating_add(self.limits.sample);
            }
        }
        self.flows.insert_full(key, hot).0
    }

    /// Looks at one flow, whether it has been idle for too long.
    fn move_hand(&mut self, at: At, sink: &mut impl FlowSink<State = T>) {
        if self.hand >= self.flows.len() {
            self.hand = 0;
        }
        let Some((_, hot)) = self.flows.get_index_mut(self.hand) else { return };
        let idle = at.time.since(hot.touched);
        if idle > self.least_age && idle > hot.age(&self.limits) {
            // The last flow takes its place, and is looked at next.
            self.remove(self.hand, at, sink);
        } else {
            if idle < 0 {
                // The clock went backwards: the flow ages from here on, or it would never go.
                hot.touched = at.time;
            }
            self.hand = self.hand.saturating_add(1);
        }
    }

    fn remove_oldest_closed(&mut self, at: At, sink: &mut impl FlowSink<State = T>) {
        let Some((key, id)) = self.closed.pop_front() else { return };
        if let Some((index, _, hot)) = self.flows.get_full(&key)
            && hot.is_connection(id)
            && hot.closed
        {
            self.remove(index, at, sink);
        }
    }

    /// False if no flow holds buffers.
    fn drop_oldest_buffers(&mut self, at: At, sink: &mut impl FlowSink<State = T>) -> bool {
        let Some((key, id)) = self.holders.pop_front() else { return false };
        let Some(hot) = self.flows.get_mut(&key) else { return true };
        let Cold::Tcp(connection) = &mut hot.cold else { return true };
        if connection.id != id {
            return true;
        }
        let (link, client_is_low) = (&Link::default(), hot.client_is_low);
        let mut hand = Hand { sink, key, client_is_low, link, at, limits: &self.limits, common: &mut self.common };
        connection.forget(&mut hand);
        hot.quiet = !connection.wants_payload();
        hot.holds = false;
        self.held = self.held.saturating_sub(hot.held as usize);
        hot.held = 0;
        true
    }

    fn remove(&mut self, index: usize, at: At, sink: &mut impl FlowSink<State = T>) {
        if let Some((key, hot)) = self.flows.swap_remove_index(index) {
            self.part(&key, hot, at, sink);
        }
    }

    /// Says farewell to a flow that has left the table.
    fn part(&mut self, key: &Key, mut hot: Hot<T>, at: At, sink: &mut impl FlowSink<State = T>) {
        self.held = self.held.saturating_sub(hot.held as usize);
        let Cold::Tcp(connection) = &mut hot.cold else { return };
        let (link, client_is_low) = (&Link::default(), hot.client_is_low);
        let mut hand = Hand { sink, key: *key, client_is_low, link, at, limits: &self.limits, common: &mut self.common };
        connection.close(&mut hand);
    }
}

fn take_id(next: &mut u64) -> u64 {
    let id = *next;
    *next = next.saturating_add(1);
    id
}
