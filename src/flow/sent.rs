//! What every segment of one side of a connection touches, and how sequence numbers become stream offsets.

use crate::model::{At, Frame, Side, Time};

/// No place in a capture: in a table of many thousand flows an `Option` costs too much.
pub(super) const NEVER: At = At { frame: Frame::new(u64::MAX), time: Time(i64::MIN) };

/// What every segment of one side touches.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Its last segment.
    pub(super) last: At,
    /// The highest stream offset it has sent.
    pub(super) total: u64,
    /// The sequence number that stands for `total`.
    pub(super) next: u32,
    /// Is `next` known?
    pub(super) based: bool,
    /// From a SYN?
    pub(super) from_syn: bool,
    /// Has a payload been seen?
    pub(super) data: bool,
}

impl Sent {
    pub(super) const NOTHING: Sent = Sent { last: NEVER, total: 0, next: 0, based: false, from_syn: false, data: false };

    /// Has this side been seen at all?
    pub(super) fn seen(&self) -> bool {
        self.last != NEVER
    }

    /// Offset 0 has this sequence number.
    pub(super) fn base(&mut self, sequence: u32, from_syn: bool) {
        *self = Sent { next: sequence, total: 0, based: true, from_syn, ..*self };
    }

    /// The stream offset of a sequence number; negative before the start. The nearer way round is meant.
    pub(super) fn offset(&self, sequence: u32) -> i64 {
        (self.total as i64).saturating_add(i64::from(sequence.wrapping_sub(self.next) as i32))
    }

    /// Payload up to this sequence number has been sent. All that a segment of a flow without interest costs.
    pub(super) fn reach(&mut self, sequence: u32) {
        let ahead = i64::from(sequence.wrapping_sub(self.next) as i32);
        if ahead > 0 {
            self.total = self.total.saturating_add(ahead as u64);
            self.next = sequence;
        }
    }
}

/// One of a pair, by side.
pub(super) fn of<T>(pair: &[T; 2], side: Side) -> &T {
    let [client, server] = pair;
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}

/// One of a pair, by side.
pub(super) fn of_mut<T>(pair: &mut [T; 2], side: Side) -> &mut T {
    let [client, server] = pair;
    match side {
        Side::Client => client,
        Side::Server => server,
    }
}
