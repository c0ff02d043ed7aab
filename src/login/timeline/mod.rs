//! An attempt in, its story out: a few lines that a person would tell, with frame numbers. Tells, and judges nothing.

use std::fmt::{self, Write};

use smol_str::SmolStr;

use crate::model::{At, DropPoint, How, Outcome, Stage};

use super::steps::{Attempt, Purpose, Step, StepKind};

mod connection;
mod directory;
mod exchanges;
mod link;
#[cfg(test)]
mod tests;

/// Octets of a line, as a rule.
const USUAL: usize = 48;
/// Lines of a story at most.
const LONGEST: usize = 25;

/// A moment of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, in which frame.
    pub at: At,
    /// The stage.
    pub stage: Stage,
    /// Who to whom.
    pub direction: Direction,
    /// The other side, as people name it: `DNS 10.0.0.2`, `pool.contoso.com:5061`.
    pub peer: SmolStr,
    /// What, in a few words.
    pub text: String,
    /// Is it the decisive frame?
    pub decisive: bool,
}

/// Who speaks to whom in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device to a peer.
    Out,
    /// A peer to the device.
    In,
    /// Nobody: something did not happen.
    Silence,
}

/// The moments of one step, as they are told.
struct Teller<'a> {
    moments: &'a mut Vec<Moment>,
    stage: Stage,
    peer: SmolStr,
}

impl Teller<'_> {
    fn tell(&mut self, at: At, direction: Direction, text: impl fmt::Display) {
        self.tell_in(self.stage, at, direction, text);
    }

    fn tell_in(&mut self, stage: Stage, at: At, direction: Direction, text: impl fmt::Display) {
        let mut line = String::with_capacity(USUAL);
        // Writing to a string cannot fail.
        let _ = write!(line, "{text}");
        self.moments.push(Moment { at, stage, direction, peer: self.peer.clone(), text: line, decisive: false });
    }
}

/// What came back where no answer was read: nothing, or, where the server had something to say later than the question
/// (`heard`), something that the capture cut or that is encrypted.
fn unanswered(heard: Option<At>, asked: At) -> &'static str {
    if heard.is_some_and(|heard| heard.frame > asked.frame) { "no answer that can be read" } else { "no answer" }
}

/// The story of an attempt, in the order of its frames; one moment is the decisive one where the attempt dropped.
pub fn moments(attempt: &Attempt) -> Vec<Moment> {
    let mut moments = Vec::with_capacity(attempt.steps.len());
    // Which of them are beside the login.
    let mut lesser = Vec::with_capacity(attempt.steps.len());
    let mut steps = attempt.steps.iter().enumerate().peekable();
    while let Some((index, step)) = steps.next() {
        let begin = moments.len();
        let dropped = attempt.dropped_step == Some(index);
        match &step.kind {
            StepKind::Lookup(lookup) => {
                if dropped || lookup.found() || lookup.answer.is_none() {
                    exchanges::lookup(step, lookup, &mut moments);
                } else {
                    // A list of names of which none exists is one thing that happened.
                    let mut list = vec![(step, lookup.as_ref())];
                    while let Some((next, other)) = steps.peek() {
                        let StepKind::Lookup(other_lookup) = &other.kind else { break };
                        let same = exchanges::failed_alike(lookup, other_lookup) && other.purpose == step.purpose;
                        if !same || attempt.dropped_step == Some(*next) {
                            break;
                        }
                        list.push((other, other_lookup.as_ref()));
                        steps.next();
                    }
                    if !exchanges::is_noise(&list, attempt) {
                        exchanges::lookups(&list, &mut moments);
                    }
                }
            }
            StepKind::Port(port) => link::port(step, port, &mut moments),
            StepKind::Lease(lease) => exchanges::lease(step, lease, &mut moments),
            StepKind::LeaseV6(lease) => link::lease_v6(step, lease, &mut moments),
            StepKind::File(transfer) => link::file(step, transfer, &mut moments),
            StepKind::Neighbour(neighbour) => exchanges::neighbour(step, neighbour, &mut moments),
            StepKind::Clock(clock) => exchanges::clock(step, clock, &mut moments),
            StepKind::Connection(connection) => connection::connection(step, connection, dropped, &mut moments),
            StepKind::Registration(registration) => connection::registration(step, registration, &mut moments),
            StepKind::Inquiry(inquiry) => directory::inquiry(step, inquiry, &mut moments),
        }
        if dropped {
            mark(step, attempt.drop.as_ref(), begin, &mut moments);
        }
        lesser.resize(moments.len(), !dropped && is_lesser(step));
    }
    shorten(moments, &lesser)
}

/// Is this beside the login, so that it may be left out of a long story?
fn is_lesser(step: &Step) -> bool {
    step.outcome != Outcome::Failed && matches!(step.purpose, Purpose::Other | Purpose::Update | Purpose::Revocation)
}

/// Marks the decisive moment of this step, whose first one is at `begin`, and tells it where no moment was of that frame.
fn mark(step: &Step, drop: Option<&DropPoint>, begin: usize, moments: &mut Vec<Moment>) {
    let Some(drop) = drop else { return };
    let of_step = moments.get_mut(begin..).unwrap_or_default();
    // Of several moments of one frame the last is what ended it: ServerHello and alert may share a packet.
    if let Some(moment) = of_step.iter_mut().rfind(|moment| moment.at.frame == drop.at.frame) {
        moment.decisive = true;
        return;
    }
    let (direction, text) = match drop.how {
        How::Timeout => (Direction::Silence, "the last try; no answer".to_owned()),
        How::Abandoned => (Direction::Silence, "the device goes no further".to_owned()),
        How::Rejected => (Direction::In, connection::refusal(step, drop.at).unwrap_or_else(|| "refused".to_owned())),
        How::Alert => (Direction::Silence, "TLS alert".to_owned()),
        How::Fin => (Direction::Silence, "closed (FIN)".to_owned()),
        How::Rst => (Direction::Silence, "closed (RST)".to_owned()),
        How::Icmp => (Direction::In, "ICMP: not reachable".to_owned()),
    };
    let peer = of_step.last().map(|moment| moment.peer.clone()).unwrap_or_default();
    moments.push(Moment { at: drop.at, stage: drop.stage, direction, peer, text, decisive: true });
}

/// Leaves out what is beside the login, then the middle, until the story has a length that people read.
fn shorten(mut moments: Vec<Moment>, lesser: &[bool]) -> Vec<Moment> {
    if moments.len() > LONGEST {
        let mut lesser = lesser.iter();
        moments.retain(|_| lesser.next() != Some(&true));
    }
    moments.sort_by_key(|moment| moment.at.frame);
    let Some(surplus) = moments.len().checked_sub(LONGEST).filter(|surplus| *surplus > 0) else { return moments };
    // The end explains more than the beginning; what follows the decisive moment is short.
    let from = LONGEST / 3;
    let to = from + surplus + 1;
    let keeps_decisive = |range: &[Moment]| !range.iter().any(|moment| moment.decisive);
    let Some(left_out) = moments.get(from..to).filter(|range| keeps_decisive(range)) else { return moments };
    let (Some(first), Some(last)) = (left_out.first(), left_out.last()) else { return moments };
    let text = format!("{} more steps, up to frame {}", left_out.len(), last.at.frame);
    let folded = Moment {
        at: first.at,
        stage: first.stage,
        direction: Direction::Silence,
        peer: SmolStr::default(),
        text,
        decisive: false,
    };
    moments.splice(from..to, [folded]);
    moments
}

/// `SYN`, `SYN ×4`.
fn times<W: fmt::Display>(what: W, count: usize) -> Times<W> {
    Times { what, count }
}

struct Times<W> {
    what: W,
    count: usize,
}

impl<W: fmt::Display> fmt::Display for Times<W> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(out)?;
        if self.count > 1 { write!(out, " ×{}", self.count) } else { Ok(()) }
    }
}
