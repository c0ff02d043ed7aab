//! The counters of one side of a TCP connection as they are kept, and as the sink reads them; and how it ended.

use super::SideStats;
use super::sent::{NEVER, Sent, of, of_mut};
use crate::model::{At, Side};

/// What is counted while the payload is of interest, and stays as it is afterwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) last_syn: At,
    pub(super) first_data: At,
    pub(super) last_data: At,
    pub(super) acked: u64,
    pub(super) uncaptured: u64,
    /// The initial sequence number, where the SYN was seen.
    pub(super) isn: u32,
    pub(super) syns: u32,
    pub(super) data_segments: u32,
    pub(super) retransmitted: u32,
    pub(super) largest_segment: u32,
    pub(super) stuck_repeats: u32,
    pub(super) stuck_length: u32,
    pub(super) copies: u32,
    pub(super) conflicts: u32,
    pub(super) cut: bool,
    pub(super) largest_passed: bool,
    pub(super) went_on: bool,
}

impl Record {
    pub(super) const NOTHING: Record = Record {
        last_syn: NEVER,
        first_data: NEVER,
        last_data: NEVER,
        acked: 0,
        uncaptured: 0,
        isn: 0,
        syns: 0,
        data_segments: 0,
        retransmitted: 0,
        largest_segment: 0,
        stuck_repeats: 0,
        stuck_length: 0,
        copies: 0,
        conflicts: 0,
        cut: false,
        largest_passed: false,
        went_on: false,
    };

    /// As the sink reads it.
    pub(super) fn stats(&self, sent: &Sent, ends: &Ends, side: Side) -> SideStats {
        SideStats {
            syns: self.syns,
            last_syn: seen(self.last_syn),
            data_segments: self.data_segments,
            sent: sent.total.max(self.acked),
            acknowledged: self.acked,
            first_data: seen(self.first_data),
            last_data: seen(self.last_data),
            went_on: self.went_on,
            retransmitted: self.retransmitted,
            largest_segment: self.largest_segment,
            largest_passed: self.largest_passed,
            stuck_repeats: self.stuck_repeats,
            stuck_length: self.stuck_length,
            uncaptured: self.uncaptured,
            fin: seen(*of(&ends.fin, side)),
            rst: seen(*of(&ends.rst, side)),
            last: seen(sent.last),
            copies: self.copies,
            conflicts: self.conflicts,
            cut: self.cut,
        }
    }
}

/// The first FIN and the first RST of each side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    fin: [At; 2],
    rst: [At; 2],
}

impl Default for Ends {
    fn default() -> Self {
        Self::NONE
    }
}

impl Ends {
    pub(super) const NONE: Ends = Ends { fin: [NEVER; 2], rst: [NEVER; 2] };

    /// Is this FIN the first of its side?
    pub(super) fn note_fin(&mut self, side: Side, at: At) -> bool {
        note(of_mut(&mut self.fin, side), at)
    }

    /// Is this RST the first of its side?
    pub(super) fn note_rst(&mut self, side: Side, at: At) -> bool {
        note(of_mut(&mut self.rst, side), at)
    }

    pub(super) fn has_fin(&self, side: Side) -> bool {
        *of(&self.fin, side) != NEVER
    }

    pub(super) fn any_fin(&self) -> bool {
        self.fin != [NEVER; 2]
    }

    pub(super) fn both_fins(&self) -> bool {
        self.fin.iter().all(|at| *at != NEVER)
    }
}

fn note(place: &mut At, at: At) -> bool {
    let first = *place == NEVER;
    if first {
        *place = at;
    }
    first
}

fn seen(at: At) -> Option<At> {
    (at != NEVER).then_some(at)
}
