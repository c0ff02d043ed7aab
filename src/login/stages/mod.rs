//! One file a stage: the states that an exchange of that stage goes through, and what became of it. No I/O, no clock but
//! the packets'; what does not fit is `unclear`, never an error. `connect`, `tls`, `web` and `session` judge a connection, whatever
//! stage it serves, and the other stages ask them.

use std::net::IpAddr;

use crate::device::hosts::Hosts;
use crate::model::{At, By, How, Outcome, SECOND, Stage, Time};

use super::steps::Ending;

pub(super) mod address;
pub(super) mod connect;
pub(super) mod directory;
pub(super) mod link;
pub(super) mod names;
pub(crate) mod provision;
pub(super) mod register;
pub(super) mod session;
pub(crate) mod time;
pub(super) mod tls;
pub(crate) mod web;

/// A device that begins something else at least this long after a question has stopped waiting for the answer.
const MOVED_ON: i64 = SECOND * 9 / 10;

/// A device that begins something else sooner than this after a question had its answer, though the capture lacks it: nobody waits
/// shorter than SIP's T1 (RFC 3261 section 17.1.1.1; RFC 2131 section 4.1, RFC 1035 section 4.2.1 and RFC 6298 are more patient).
const AT_ONCE: i64 = SECOND / 2;

/// Nobody asks so often who has the answer.
const AGAIN_AND_AGAIN: usize = 3;

/// What lies around an exchange: needed to tell silence from the capture's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon<'a> {
    /// The capture's last frame.
    pub(super) end: Time,
    /// When the device last began anything.
    pub(super) last_begun: Time,
    /// When the device began what it needs a network for, in order.
    pub(super) begun: &'a [Time],
    /// Hosts that sent the device anything.
    pub(super) heard_from: &'a Hosts,
    /// Does the capture hold anything that was sent to the device?
    pub(super) seen_both_ways: bool,
    /// If not, does it hold what is sent to its neighbours, and nothing shows that the device was answered all the same?
    pub(super) neighbours_hear: bool,
    /// Does it hold nothing of the kind, though the device shows that it was answered?
    pub(super) is_deaf: bool,
}

/// What became of an exchange.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    /// The stage that it came to.
    pub(super) stage: Stage,
    /// What became of it.
    pub(super) outcome: Outcome,
    /// Who ended it.
    pub(super) ending: Option<Ending>,
    /// How sure it is that the device signed in by it.
    pub(super) signed_in: Option<f32>,
}

impl Judged {
    pub(super) fn ok(stage: Stage) -> Self {
        Self { stage, outcome: Outcome::Ok, ending: None, signed_in: None }
    }

    pub(super) fn unclear(stage: Stage) -> Self {
        Self { stage, outcome: Outcome::Unclear, ending: None, signed_in: None }
    }

    pub(super) fn failed(stage: Stage, by: By, how: How, at: At) -> Self {
        Self { stage, outcome: Outcome::Failed, ending: Some(Ending { by, how, at }), signed_in: None }
    }
}

impl Horizon<'_> {
    /// Was a request, last sent at `last`, taken as unanswered: by the device, which sent it again or went on to something
    /// else, or by the protocol's own time, `wait`, that passed in the capture?
    pub(super) fn is_silence(&self, last: At, sent: usize, wait: i64) -> bool {
        if sent < 2 && self.went_on_after(last.time) {
            return false;
        }
        sent >= 2 || self.moved_on_after(last.time) || self.end.since(last.time) >= wait.saturating_mul(2)
    }

    /// Did the device begin something else without waiting?
    pub(super) fn went_on_after(&self, time: Time) -> bool {
        let next = self.begun.partition_point(|begun| *begun <= time);
        self.begun.get(next).is_some_and(|next| next.since(time) < AT_ONCE)
    }

    /// Did the device begin something else after it had waited?
    pub(super) fn moved_on_after(&self, time: Time) -> bool {
        self.last_begun.since(time) >= MOVED_ON
    }

    /// A silence: the network's where that host answers otherwise, else nobody's.
    pub(super) fn silent(&self, stage: Stage, server: Option<IpAddr>, last: At, sent: usize, wait: i64) -> Judged {
        // A capture that shows nothing towards the device cannot show an answer either, unless it shows those to its neighbours, and
        // the device asks again and again. Who asks all hosts may truly hear nothing.
        let would_show = self.seen_both_ways || self.neighbours_hear && sent >= AGAIN_AND_AGAIN;
        let is_hidden = self.is_deaf || server.is_some() && !would_show;
        if !self.is_silence(last, sent, wait) || is_hidden {
            return Judged::unclear(stage);
        }
        let up = server.is_some_and(|server| self.heard_from.contains(server));
        Judged::failed(stage, if up { By::Network } else { By::Unknown }, How::Timeout, last)
    }
}

#[cfg(test)]
impl<'a> Horizon<'a> {
    /// A capture of both directions, in which the device needs no network for anything else.
    fn seen(end: Time, last_begun: Time, heard_from: &'a Hosts) -> Self {
        Self { end, last_begun, begun: &[], heard_from, seen_both_ways: true, neighbours_hear: false, is_deaf: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::at_second;

    /// Is a question of second 10, sent so often, in vain, where the device begins something else at these seconds?
    fn in_vain(sent: usize, begun: &[f64]) -> bool {
        let begun: Vec<Time> = begun.iter().map(|second| at_second(1, *second).time).collect();
        let (end, last_begun) = (at_second(1, 60.0).time, begun.last().copied().unwrap_or_default());
        let heard_from = Hosts::default();
        let horizon = Horizon { begun: &begun, ..Horizon::seen(end, last_begun, &heard_from) };
        horizon.is_silence(at_second(1, 10.0), sent, 4 * SECOND)
    }

    #[test]
    fn who_asks_again_and_again_is_not_answered_where_the_capture_would_show_it_as_it_shows_the_answers_to_neighbours() {
        let outcome = |neighbours_hear: bool, sent: usize| {
            let heard_from = Hosts::default();
            let seen = Horizon::seen(at_second(1, 60.0).time, at_second(1, 10.0).time, &heard_from);
            let horizon = Horizon { seen_both_ways: false, neighbours_hear, ..seen };
            horizon.silent(Stage::Names, Some([10, 0, 0, 3].into()), at_second(1, 10.0), sent, 4 * SECOND).outcome
        };
        assert_eq!((outcome(true, 3), outcome(false, 3)), (Outcome::Failed, Outcome::Unclear));
        assert_eq!(outcome(true, 2), Outcome::Unclear, "it may have lost the first");
    }

    #[test]
    fn who_goes_on_at_once_had_the_answer_that_the_capture_lacks() {
        assert!(in_vain(1, &[2.0]), "nothing came of it");
        assert!(in_vain(1, &[2.0, 15.0]), "it waited");
        assert!(!in_vain(1, &[2.0, 10.1, 15.0]), "it did not");
        assert!(in_vain(2, &[2.0, 10.1, 15.0]), "it asked again");
    }
}
