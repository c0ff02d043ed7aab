//! Every bound of the flow table, in one place: how many flows, how many bytes, how long. What happens when one is hit is
//! counted and ends as a warning; nothing here reads a clock.

use crate::model::{SECOND, Warning};

/// Bounds on memory and age. Ages are in nanoseconds of packet time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows in the table. Beyond it, one that has been idle for long goes (the longest idle of `sample`).
    pub flows: usize,
    /// How many flows are compared to find one that has been idle for long.
    pub sample: usize,
    /// Closed TCP flows that still wait for late duplicates; beyond it, the one that was closed first goes.
    pub closed: usize,
    /// Bytes kept for one side of one TCP flow: left over by the parser, and waiting behind a hole, each.
    pub side_bytes: usize,
    /// Separate pieces behind holes on one side of one TCP flow.
    pub pieces: usize,
    /// Bytes kept for all flows together, capacities and not only contents, those of the parsers among them.
    pub all_bytes: usize,
    /// A UDP flow whose payload is of interest: no exchange of datagrams pauses for longer than those between the two ends
    /// remember it (RFC 4787 section 4.3: two minutes at least).
    pub udp_age: i64,
    /// A UDP flow that only needs to be recognised again (voice).
    pub quiet_udp_age: i64,
    /// A TCP flow of which only one side has been seen, without payload: a SYN without an answer.
    pub half_open_age: i64,
    /// Any other TCP flow: a keep-alive every two hours (RFC 1122, 4.2.3.6) keeps it.
    pub tcp_age: i64,
    /// A TCP flow closed by two FINs or a RST.
    pub closed_age: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows: 65_536,
            sample: 32,
            closed: 4_096,
            side_bytes: 1 << 20,
            pieces: 256,
            all_bytes: 32 << 20,
            udp_age: 120 * SECOND,
            quiet_udp_age: 60 * SECOND,
            half_open_age: 300 * SECOND,
            tcp_age: 8_100 * SECOND,
            closed_age: 60 * SECOND,
        }
    }
}

impl Limits {
    /// The shortest of the ages.
    pub(super) fn least_age(&self) -> i64 {
        let Self { udp_age, quiet_udp_age, half_open_age, tcp_age, closed_age, .. } = *self;
        udp_age.min(quiet_udp_age).min(half_open_age).min(tcp_age).min(closed_age)
    }
}

/// A buffer that has run empty keeps at most this much for its next use.
pub(super) const SPARE_BYTES: usize = 4_096;

/// Sequence and acknowledgment numbers further away than this are of no stream of ours: larger than the windows in use, and
/// small enough that a number chosen at random is known for a stranger.
pub(super) const FARTHEST_AHEAD: i64 = 64 << 20;

/// Segments that wait for what belongs before them, of all flows.
pub(super) const EARLY_SEGMENTS: usize = 64;
/// How long they wait. Queues of a network card, and the ports of a tap, hand over within a millisecond what came side by side;
/// no retransmission timer is that short (RFC 6298 section 2.4), so that nothing is taken for something sent again.
pub(super) const EARLY_TIME: i64 = SECOND / 200;
/// For how many frames they wait, where time stands still.
pub(super) const EARLY_FRAMES: u64 = 1_000;

/// An acknowledgment further ahead than the first window (unscaled) of a side of which no payload was seen yet answers
/// another connection.
pub(super) const FARTHEST_FIRST_ACK: i64 = 1 << 16;

/// The same segment twice within this time is one segment captured twice: no retransmission timer is that short.
pub(super) const MIRROR_AGE: i64 = SECOND / 1_000;

/// A packet that comes again within this time, from the same host and under the same identification, is one packet captured twice:
/// a mirror's queue or a router may hold the copy for some milliseconds.
pub(super) const COPY_AGE: u64 = 10 * SECOND.unsigned_abs() / 1_000;

/// Packets that are remembered so long; of two with the same place, the later one.
pub(super) const COPIES: usize = 4_096;

/// What the bounds cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Flows pushed out because the table was full.
    pub flows: u64,
    /// Bytes of TCP streams not handed on because a buffer was full.
    pub bytes: u64,
}

impl Losses {
    /// In words, for people.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |count: u64, text: String| {
            if count > 0 {
                warnings.push(Warning { frame: None, text });
            }
        };
        warn(
            self.flows,
            format!(
                "{} flows were given up because too many were open at a time; later packets of theirs began new ones",
                self.flows
            ),
        );
        warn(self.bytes, format!("{} bytes of TCP streams were given up because their buffers were full", self.bytes));
        warnings
    }
}
