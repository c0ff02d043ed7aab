//! The last attempt of a loop in, and those before it; out: does it stand where they stood when the device gave them up, and has it
//! stood there as long? Then it ended as they did. Knows nothing of where attempts begin.

use crate::model::{At, DropPoint, How, Outcome, SECOND, Stage, Time};
use crate::profile::Profile;

use super::abandoned::abandoned;
use super::drops::{PastEnd, is_closed};
use super::reports::stage_reports;
use super::steps::{Attempt, Ending, Step, StepKind};
use super::target::is_main_road;

/// Of so many attempts a loop is made: fewer show no habit of the device.
const A_LOOP: usize = 2;

/// A device that fetches its configuration whole once more, and is still in view so long after that, stands there a second time.
const STANDS: i64 = 60 * SECOND;
/// It had paused by less than this share of that before.
const LONGER: i64 = 2;

/// Where an attempt stood when the device gave it up, and how long it paused after it.
#[derive(Clone, Debug)]
pub(super) struct Stood {
    end: PastEnd,
    drop: DropPoint,
    /// How often it sent its REGISTER, where that was what stayed unanswered.
    registers: Option<usize>,
    pause: i64,
}

impl Stood {
    /// That of this attempt; none where it ended in nothing, or in a session's end.
    pub(super) fn of(attempt: &Attempt, pause: i64) -> Option<Self> {
        let (drop, dropped) = (attempt.drop.filter(|drop| drop.stage != Stage::Session)?, attempt.dropped()?);
        Some(Self { end: PastEnd::of(attempt)?, drop, registers: registers(dropped), pause })
    }
}

/// Ends the last attempt, after which the capture shows nothing of the device for this time, though the device is in view up to
/// `in_view`, as those before it ended.
pub(super) fn end<'a>(
    last: &mut Attempt,
    before: impl Iterator<Item = &'a Stood> + Clone,
    quiet: i64,
    in_view: Time,
    profile: &Profile,
) {
    if last.drop.is_some() || last.signed_in.is_some() || last.may_have_signed_in() {
        return;
    }
    let alike = before.filter_map(|stood| Some((same_end(last, stood)?, stood.pause)));
    let shortest = alike.clone().map(|(_, pause)| pause).min();
    let Some(shortest) = shortest else { return };
    let is_habit = alike.clone().count() >= A_LOOP && quiet >= shortest;
    if !is_habit && !stands_at_configuration(last, alike.clone().last(), in_view.since(last.last.time)) {
        return;
    }
    let Some(((index, drop), _)) = alike.last() else { return };
    if let Some(step) = last.steps.get_mut(index).filter(|step| step.outcome == Outcome::Unclear) {
        (step.outcome, step.ending) = (Outcome::Failed, Some(Ending { by: drop.by, how: drop.how, at: drop.at }));
    }
    (last.drop, last.dropped_step) = (Some(drop), Some(index));
    last.stages = stage_reports(&last.steps, last.drop.as_ref(), None, profile);
}

/// Does the device, which fetched its configuration again after a pause, do nothing with it that it had not done then? One that had
/// restarted in between may have done so by accident, and be content now.
fn stands_at_configuration(last: &Attempt, before: Option<((usize, DropPoint), i64)>, idle: i64) -> bool {
    let Some(((_, drop), pause)) = before else { return false };
    let fetched = drop.stage == Stage::Provision && drop.how == How::Abandoned;
    let restarted = last.steps.iter().any(|step| matches!(&step.kind, StepKind::Lease(lease) if !lease.discovers.is_empty()));
    let at_rest = last.steps.iter().all(|step| step.outcome != Outcome::Failed);
    fetched && at_rest && !restarted && idle >= STANDS.max(pause.saturating_mul(LONGER))
}

/// The drop of the last attempt, if it is that of this one.
fn same_end(last: &Attempt, stood: &Stood) -> Option<(usize, DropPoint)> {
    match stood.drop.how {
        How::Abandoned => left_alike(last, stood),
        How::Timeout => left_alike(last, stood).or_else(|| silent_alike(last, stood)),
        _ => None,
    }
}

/// Would it have been given up there?
fn left_alike(last: &Attempt, stood: &Stood) -> Option<(usize, DropPoint)> {
    let (index, left) = abandoned(&last.steps, &[], true)?;
    let step = last.steps.get(index)?;
    // What stands open may have become a session that nothing can be read of.
    let is_open = matches!(step.kind, StepKind::Connection(_)) && !is_closed(step);
    (!is_open && stood.end == PastEnd::new(&left, step)).then_some((index, left))
}

/// Is its REGISTER not answered either?
fn silent_alike(last: &Attempt, stood: &Stood) -> Option<(usize, DropPoint)> {
    let (index, step) = last.steps.iter().enumerate().rfind(|(_, step)| is_main_road(step))?;
    let at = asked_as_often(step, stood.registers?)?;
    let drop = DropPoint { at, ..stood.drop };
    (stood.end == PastEnd::new(&drop, step)).then_some((index, drop))
}

/// How often a REGISTER was sent.
fn registers(step: &Step) -> Option<usize> {
    let StepKind::Registration(registration) = &step.kind else { return None };
    Some(registration.transactions.iter().map(|one| one.sent.len()).sum())
}

/// When the device last sent its REGISTER, if it did so as often as it did before it gave up, and was not answered either. Not every
/// device repeats it for as long as the RFC has it (RFC 3261 section 17.1.2.2).
fn asked_as_often(step: &Step, before: usize) -> Option<At> {
    let StepKind::Registration(last) = &step.kind else { return None };
    let is_answered = last.transactions.iter().any(|one| one.answer.is_some() || one.provisional.is_some());
    let at = last.transactions.iter().filter_map(|one| one.sent.last()).max().copied()?;
    let lives_on = last.alive.is_some_and(|alive| alive > at);
    (step.outcome == Outcome::Unclear && !is_answered && !lives_on && registers(step) >= Some(before)).then_some(at)
}
