//! The two streams of a connection, and the last segments of each by which a frame is known that was captured twice.

use super::assembler::Assembler;
use super::history::Trail;
use super::limits::MIRROR_AGE;
use super::sent::{of, of_mut};
use crate::model::{Side, Time};

/// The streams of a connection, as long as anybody wants them.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) sides: [Assembler; 2],
    /// Has the sink been told of the end?
    pub(super) ended: [bool; 2],
    /// The side that reset the connection. What the other side had under way is still handed on, but nothing is counted.
    pub(super) reset: Option<Side>,
    recent: [Recent; 2],
    /// Where the history has what each side sent.
    pub(super) trails: [Trail; 2],
}

/// The last segments with payload of one side.
#[derive(Debug, Default)]
struct Recent {
    segments: [(u32, u32, Time); 4],
    turn: usize,
}

impl Streams {
    /// Will nothing of this side be handed on any more?
    pub(super) fn is_over(&self, side: Side) -> bool {
        *of(&self.ended, side) && (self.reset != Some(side.other()) || of(&self.sides, side).at_end())
    }

    /// Is a segment that brings nothing new the second copy of one frame? Remembers it if not.
    pub(super) fn is_copy(&mut self, side: Side, again: bool, sequence: u32, length: u32, time: Time) -> bool {
        let Recent { segments, turn } = of_mut(&mut self.recent, side);
        if again && segments.iter().any(|(start, long, then)| *start == sequence && *long == length && near(*then, time)) {
            return true;
        }
        if let Some(place) = segments.get_mut(*turn % 4) {
            *place = (sequence, length, time);
            *turn = turn.wrapping_add(1);
        }
        false
    }
}

/// Too near in time to be sent twice.
pub(super) fn near(one: Time, other: Time) -> bool {
    other.since(one).unsigned_abs() < MIRROR_AGE.unsigned_abs()
}
