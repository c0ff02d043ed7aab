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

/// What lies around an exchange: needed to tell silence from the capture's end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Horizon<'a> {
    /// The capture's last frame.
    pub(super) end: Time,
    /// When the device last began anything.
    pub(super) last_begun: Time,
    /// Hosts that sent the device anything.
    pub(super) heard_from: &'a Hosts,
    /// Does the capture hold anything that was sent to the device?
    pub(super) seen_both_ways: bool,
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
        sent >= 2 || self.moved_on_after(last.time) || self.end.since(last.time) >= wait.saturating_mul(2)
    }

    /// Did the device begin something else after it had waited?
    pub(super) fn moved_on_after(&self, time: Time) -> bool {
        self.last_begun.since(time) >= MOVED_ON
    }

    /// A silence: the network's where that host answers otherwise, else nobody's.
    pub(super) fn silent(&self, stage: Stage, server: Option<IpAddr>, last: At, sent: usize, wait: i64) -> Judged {
        // A capture that shows nothing towards the device cannot show an answer either.
        if !self.is_silence(last, sent, wait) || (server.is_some() && !self.seen_both_ways) {
            return Judged::unclear(stage);
        }
        let up = server.is_some_and(|server| self.heard_from.contains(server));
        Judged::failed(stage, if up { By::Network } else { By::Unknown }, How::Timeout, last)
    }
}
