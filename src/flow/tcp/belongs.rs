//! Does a segment belong to the connection whose ports it bears, or to the next one between them?

use super::Connection;
use crate::flow::sent::of;
use crate::flow::streams::near;
use crate::model::{At, Side};
use crate::packet::Segment;

/// What a segment means to the connection that its ports belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flow) enum Belongs {
    /// It is part of it.
    Here,
    /// It begins another one.
    ToNext,
    /// It shows the beginning of this one, of which nothing has been told yet.
    AtFirst,
}

impl<T: Default> Connection<T> {
    /// Does a segment with SYN belong to this connection, as Wireshark decides it?
    pub(in crate::flow) fn place(&self, side: Side, segment: &Segment<'_>, at: At) -> Belongs {
        let (me, other) = (of(&self.sent, side), of(&self.sent, side.other()));
        let record = of(&self.records, side);
        let data = me.data || other.data;
        let ending = self.ends.is_some();
        let known = self.oriented || data || ending;
        let same = me.from_syn && record.isn == segment.sequence;
        let copy = same && near(record.last_syn.time, at.time);
        if segment.has(Segment::ACK) {
            match (me.based, me.from_syn) {
                _ if !known => Belongs::AtFirst,
                (true, true) if !same && (ending || me.data) && !self.answers(side, segment) => Belongs::ToNext,
                (true, false) if me.data => Belongs::ToNext,
                _ => Belongs::Here,
            }
        } else if same {
            // Refused or reset before anything was said, a client may try on with the same number.
            if ending && self.is_used() && !copy { Belongs::ToNext } else { Belongs::Here }
        } else if !me.based && other.from_syn && !ending {
            // Both called at once, or the answer was captured before the call.
            Belongs::Here
        } else if !me.data && me.based && !me.from_syn && self.oriented && !ending && segment.sequence.wrapping_add(1) == me.next
        {
            // The answer had already told where this side begins.
            Belongs::Here
        } else {
            Belongs::ToNext
        }
    }

    /// Does a SYN-ACK acknowledge the SYN of the other side?
    pub(super) fn answers(&self, side: Side, segment: &Segment<'_>) -> bool {
        let isn = of(&self.records, side.other()).isn;
        of(&self.sent, side.other()).from_syn && isn.wrapping_add(1) == segment.acknowledgment
    }
}
