//! The segment in hand and whom to tell about it; the way of one side's ordered bytes to the sink.

use super::history::History;
use super::key::Key;
use super::leftover::{Out, Why};
use super::limits::{Limits, Losses};
use super::{Flow, FlowSink, Interest, Step};
use crate::model::{At, Side};
use crate::packet::Link;

/// What is kept of all flows together.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) losses: Losses,
    pub(super) history: History,
    /// Is told what can have happened, and not only what the capture has?
    pub(super) in_order: bool,
}

/// The segment in hand, and whom to tell.
pub(super) struct Hand<'a, K> {
    pub(super) sink: &'a mut K,
    pub(super) key: Key,
    pub(super) client_is_low: bool,
    pub(super) link: &'a Link,
    pub(super) at: At,
    pub(super) limits: &'a Limits,
    pub(super) common: &'a mut Common,
}

/// Carries one side's stream to the sink.
pub(super) struct Pipe<'a, K: FlowSink> {
    pub(super) sink: &'a mut K,
    pub(super) flow: &'a Flow,
    pub(super) state: &'a mut K::State,
    pub(super) side: Side,
    pub(super) link: &'a Link,
    pub(super) at: At,
    pub(super) uncaptured: &'a mut u64,
    pub(super) dropped: &'a mut u64,
}

impl<K: FlowSink> Out for Pipe<'_, K> {
    fn stream(&mut self, bytes: &[u8]) -> Step {
        self.sink.stream(self.flow, self.state, self.side, bytes, self.link, self.at)
    }

    fn cut(&mut self, rest: &[u8]) {
        self.sink.cut(self.flow, self.state, self.side, rest, self.link, self.at);
    }

    fn gap(&mut self, missing: u64, why: Why) -> Interest {
        match why {
            Why::Uncaptured => *self.uncaptured = self.uncaptured.saturating_add(missing),
            Why::Full => *self.dropped = self.dropped.saturating_add(missing),
            Why::Cut | Why::Ended => {}
        }
        self.sink.gap(self.flow, self.state, self.side, missing, self.link, self.at)
    }
}
