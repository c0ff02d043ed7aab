//! Steps in, attempts out: where one begins, where it drops.
//!
//! An attempt begins with the first step of a login, after a drop, or with a restart of the device. The next target of the
//! same errand (the next SRV target, 443 after 5061, the next name of the list) goes on with it; doing again what was done
//! before, or going back to an earlier errand, begins the next one.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::model::{At, By, DropPoint, How, Outcome, SECOND, Stage, Time};
use crate::profile::Profile;

use super::judge::{Judgement, Target, is_shadow, target};
use super::steps::{Attempt, Ending, Lease, Purpose, StageReport, Step, StepKind};

/// A device that starts over has paused at least this long; a quicker repeat belongs to the same try (a TLS fall-back).
const PAUSE: i64 = SECOND * 9 / 10;
/// A device that moves to another VLAN asks there for an address within this time; one that does so later starts over.
const MOVES: i64 = 3 * SECOND;
/// A capture that ends so soon after a failure may hide that the device went on to the next target.
const CUT_OFF: i64 = 2 * SECOND;

/// The order of a device's errands: an address, the time, its configuration, the directory, certificates, the registrar.
fn errand(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Address => 1,
        Purpose::Clock => 2,
        Purpose::Provision => 3,
        Purpose::Directory => 4,
        Purpose::Enrolment => 5,
        Purpose::Registrar => 6,
        // Side roads: they come at any moment.
        Purpose::Update | Purpose::Revocation | Purpose::Other => 0,
    }
}

/// Is it a step of the login itself, not of a side road that comes at any moment?
fn is_main_road(step: &Step) -> bool {
    errand(step.purpose) > 0 && !matches!(step.kind, StepKind::Neighbour(_))
}

/// One try, as it is being put together.
#[derive(Default)]
struct Try {
    judgements: Vec<Judgement>,
    targets: HashSet<Target, RandomState>,
    last: Option<At>,
}

impl Try {
    fn add(&mut self, judgement: Judgement) {
        self.targets.insert(target(&judgement.step));
        if !matches!(judgement.step.kind, StepKind::Neighbour(_)) {
            self.last = self.last.max(Some(judgement.step.last));
        }
        self.judgements.push(judgement);
    }

    fn steps(&self) -> impl Iterator<Item = &Step> + '_ {
        self.judgements.iter().map(|judgement| &judgement.step)
    }

    /// The furthest errand that was begun.
    fn furthest(&self) -> u8 {
        self.steps().map(|step| errand(step.purpose)).max().unwrap_or(0)
    }

    /// The latest failure on the main road that nothing made good, and how far it had come.
    fn failure(&self) -> Option<(u8, Ending)> {
        let failed = self.judgements.iter().filter(|judgement| is_main_road(&judgement.step));
        let failed = failed.filter_map(|judgement| Some((judgement, judgement.step.ending?)));
        // The close of a session is a failure as soon as the device starts over.
        let failed = failed.filter(|(judgement, _)| judgement.step.outcome == Outcome::Failed || judgement.signed_in.is_some());
        let (judgement, ending) = failed.max_by_key(|(_, ending)| ending.at)?;
        let better = self.steps().any(|step| {
            step.first > ending.at
                && step.outcome == Outcome::Ok
                && errand(step.purpose) >= errand(judgement.step.purpose)
                && step.ending.is_none()
                && !matches!(step.kind, StepKind::Lookup(_))
        });
        (!better).then_some((errand(judgement.step.purpose), ending))
    }

    /// Is the device signed in, on a connection that nobody has closed?
    fn is_signed_in(&self, at: Time) -> bool {
        self.judgements
            .iter()
            .any(|judgement| judgement.signed_in.is_some() && judgement.step.ending.is_none_or(|ending| ending.at.time > at))
    }

    /// Did the errand of this step begin with the same target: is the device at its beginning again?
    fn is_first_of_errand(&self, step: &Step) -> bool {
        let first = self.steps().find(|other| is_main_road(other) && other.purpose == step.purpose);
        errand(step.purpose) >= errand(Purpose::Directory) && first.is_some_and(|first| target(first) == target(step))
    }

    /// Has an INFORM of the device been answered? It asks again only because it starts over.
    fn was_informed(&self) -> bool {
        self.steps()
            .any(|step| matches!(&step.kind, StepKind::Lease(lease) if !lease.informs.is_empty() && !lease.acks.is_empty()))
    }

    /// Does the device hold an address that it has not given back?
    fn is_bound(&self) -> bool {
        let leases = self.steps().filter_map(|step| match &step.kind {
            StepKind::Lease(lease) if !lease.acks.is_empty() => Some(lease),
            _ => None,
        });
        leases.last().is_some_and(|lease| lease.releases.is_empty())
    }

    /// How long the device had been idle when `step` began.
    fn pause_before(&self, step: &Step) -> i64 {
        self.last.map_or(i64::MAX, |last| step.first.time.since(last.time.min(step.first.time)))
    }
}

/// Does `steps[index]` begin a new attempt after `current`?
fn begins(current: &Try, step: &Step, following: &[Judgement], profile: &Profile) -> bool {
    if current.judgements.is_empty() || !is_main_road(step) {
        return false;
    }
    if let StepKind::Lease(lease) = &step.kind
        && lease.informs.is_empty()
    {
        return restarts(current, lease, step);
    }
    if current.is_signed_in(step.first.time) {
        return false;
    }
    if let StepKind::Lease(_) = &step.kind {
        return current.was_informed() && current.pause_before(step) >= PAUSE;
    }
    let again = current.targets.contains(&target(step));
    let back = errand(step.purpose) < current.furthest();
    match current.failure() {
        Some((_, ending)) if step.first <= ending.at => false,
        // Time is asked for at any moment.
        Some(_) if step.purpose == Purpose::Clock => {
            again && current.furthest() <= errand(Purpose::Clock) && current.pause_before(step) >= PAUSE
        }
        Some((failed, ending)) => {
            let paused = step.first.time.since(ending.at.time) >= PAUSE;
            let next_target =
                matches!(step.kind, StepKind::Lookup(_)) && !paused && leads_to_new_target(current, step, following);
            let first_of_list = failed == errand(Purpose::Registrar) && is_first_name(step, profile) && paused;
            ((again && paused) || back || first_of_list) && !next_target
        }
        // Nothing failed that the capture shows: the device gave up what it had and starts over.
        None => {
            again
                && (back || current.is_first_of_errand(step))
                && current.pause_before(step) >= PAUSE
                && step.purpose != Purpose::Clock
        }
    }
}

/// Is this the first name that such a device asks for to find its registrar?
fn is_first_name(step: &Step, profile: &Profile) -> bool {
    let StepKind::Lookup(lookup) = &step.kind else { return false };
    let first = profile.registrar_names.first().and_then(|name| name.split("{domain}").next());
    first.is_some_and(|prefix| {
        !prefix.is_empty() && lookup.name.raw().to_ascii_lowercase().starts_with(&prefix.to_ascii_lowercase())
    })
}

/// Some devices ask for the same name once more before they try its next port: what they connect to then tells.
fn leads_to_new_target(current: &Try, step: &Step, following: &[Judgement]) -> bool {
    let next = following
        .iter()
        .map(|judgement| &judgement.step)
        .find(|next| !matches!(next.kind, StepKind::Lookup(_) | StepKind::Neighbour(_)));
    next.is_some_and(|next| next.purpose == step.purpose && !current.targets.contains(&target(next)))
}

/// A DISCOVER is a restart, unless it goes on with the same business: the question for a voice VLAN comes first, its answer
/// is given back or left behind at once, and a refused renewal is followed by a new start (RFC 2131 section 3.2).
fn restarts(current: &Try, lease: &Lease, step: &Step) -> bool {
    if lease.discovers.is_empty() {
        return false;
    }
    let beyond = current.steps().any(|step| errand(step.purpose) > errand(Purpose::Address));
    if beyond {
        return true;
    }
    let refused_renewal = current.steps().any(|step| match &step.kind {
        StepKind::Lease(lease) => lease.discovers.is_empty() && !lease.naks.is_empty() && step.outcome == Outcome::Failed,
        _ => false,
    });
    if current.is_bound() && current.pause_before(step) >= MOVES {
        return true;
    }
    let failed = current.steps().any(|step| matches!(step.kind, StepKind::Lease(_)) && step.outcome == Outcome::Failed);
    failed && !refused_renewal && current.pause_before(step) >= PAUSE
}

/// The attempts in these steps, in order. The last one may still go on; `end` is the capture's last frame.
pub(super) fn split(judgements: Vec<Judgement>, profile: &Profile, end: Time, first_number: u32) -> Vec<(Attempt, Vec<u64>)> {
    let mut tries: Vec<Try> = Vec::new();
    let mut current = Try::default();
    let mut following = judgements.into_iter();
    while let Some(judgement) = following.next() {
        if begins(&current, &judgement.step, following.as_slice(), profile) {
            tries.push(std::mem::take(&mut current));
        }
        current.add(judgement);
    }
    tries.push(current);
    let last = tries.len().saturating_sub(1);
    let has_login = |attempt: &Try| attempt.steps().any(is_main_road);
    let tries = tries.into_iter().enumerate().filter(|(_, attempt)| has_login(attempt));
    let numbers = first_number..;
    tries.zip(numbers).map(|((index, attempt), number)| close(attempt, number, (index == last).then_some(end), profile)).collect()
}

/// Closes an attempt. `end` is the capture's end for the last one, which that may have cut off.
fn close(attempt: Try, number: u32, end: Option<Time>, profile: &Profile) -> (Attempt, Vec<u64>) {
    let signed_in = attempt
        .judgements
        .iter()
        .filter_map(|judgement| judgement.signed_in)
        .fold(None, |best: Option<f32>, next| Some(best.map_or(next, |best| best.max(next))));
    let drafts = attempt.judgements.iter().map(|judgement| judgement.draft).collect();
    let sessions: Vec<bool> = attempt.judgements.iter().map(|judgement| judgement.signed_in.is_some()).collect();
    let steps: Vec<Step> = attempt.judgements.into_iter().map(|judgement| judgement.step).collect();
    let dropped = match end {
        None => find_drop(&steps, &sessions, true, profile).or_else(|| abandoned(&steps, &sessions)),
        Some(end) => {
            find_drop(&steps, &sessions, false, profile).filter(|(index, drop)| !is_cut_off(&steps, *index, drop, end, profile))
        }
    };
    let first = steps.iter().map(|step| step.first).min().unwrap_or_default();
    let last = steps.iter().map(|step| step.last).max().unwrap_or_default();
    let drop = dropped.map(|(_, drop)| drop);
    let stages = stage_reports(&steps, drop.as_ref(), signed_in, profile);
    let signed_in = if drop.is_some_and(|drop| drop.stage != Stage::Session) { None } else { signed_in };
    (Attempt { number, first, last, steps, stages, drop, dropped_step: dropped.map(|(index, _)| index), signed_in }, drafts)
}

/// The failure that stopped the attempt: the furthest errand's, the furthest stage's, the last one; not one that the device
/// got past. `restarted` says that the device started over, so that the close of a session is a drop.
fn find_drop(steps: &[Step], sessions: &[bool], restarted: bool, profile: &Profile) -> Option<(usize, DropPoint)> {
    let session = |index: usize| sessions.get(index).copied().unwrap_or(false);
    // A session that its device closes, and does not open again, is signed off; one that the server closes was cut.
    let signed_off = |index: usize| {
        session(index) && steps.get(index).is_some_and(|step| step.ending.is_none_or(|ending| ending.by == By::Device))
    };
    if !restarted && (0..steps.len()).any(signed_off) {
        return None;
    }
    let candidates = steps.iter().enumerate().filter_map(|(index, step)| {
        let ending = step.ending?;
        let counts =
            (step.outcome == Outcome::Failed || session(index)) && is_candidate(step, profile) && !is_shadow(step, steps);
        (counts && !got_past(step, ending, steps)).then_some((index, step, ending))
    });
    let (index, step, ending) = candidates.max_by_key(|(_, step, ending)| (errand(step.purpose), step.stage, ending.at))?;
    Some((index, DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at }))
}

/// Can a failure of this step stop a login?
fn is_candidate(step: &Step, profile: &Profile) -> bool {
    match step.purpose {
        Purpose::Update | Purpose::Revocation => false,
        // A look-up that nothing shows the purpose of can be that of the registrar, but not a connection.
        Purpose::Other => matches!(step.kind, StepKind::Lookup(_)),
        Purpose::Clock => profile.needs_time || !matches!(step.kind, StepKind::Lookup(_)),
        _ => true,
    }
}

/// Did the device get past this failure: by the same errand at another target, or by going on to a further one?
fn got_past(failed: &Step, ending: Ending, steps: &[Step]) -> bool {
    let own = errand(failed.purpose);
    steps.iter().any(|other| {
        if std::ptr::eq(other, failed) || !is_main_road(other) {
            return false;
        }
        let later = other.first > failed.first || other.last > ending.at;
        let same_errand = other.purpose == failed.purpose
            && other.outcome == Outcome::Ok
            && rank(other) >= rank(failed)
            && other.ending.is_none();
        let further = errand(other.purpose) > own && other.first > failed.first;
        later && (same_errand || further)
    })
}

/// A connection counts for more than the look-up that led to it.
fn rank(step: &Step) -> u8 {
    u8::from(!matches!(step.kind, StepKind::Lookup(_) | StepKind::Neighbour(_)))
}

/// Does the capture end too soon to say that the device stopped there?
fn is_cut_off(steps: &[Step], dropped: usize, drop: &DropPoint, end: Time, profile: &Profile) -> bool {
    let goes_on = steps
        .iter()
        .enumerate()
        .any(|(index, step)| index != dropped && is_main_road(step) && step.outcome == Outcome::Unclear && step.last > drop.at);
    let Some(step) = steps.get(dropped) else { return goes_on };
    let list_unfinished = matches!(step.kind, StepKind::Lookup(_))
        && end.since(drop.at.time) < CUT_OFF
        && steps.iter().filter(|step| step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Lookup(_))).count()
            < profile.registrar_names.len();
    goes_on || list_unfinished
}

/// The device started over without a failure that shows: its last answer is the last that it had.
fn abandoned(steps: &[Step], sessions: &[bool]) -> Option<(usize, DropPoint)> {
    if sessions.iter().any(|signed_in| *signed_in) {
        return None;
    }
    // The time is asked for at any moment: it is no further along than the address.
    let along = |step: &Step| match step.purpose {
        Purpose::Clock => (errand(Purpose::Address), Stage::Address),
        purpose => (errand(purpose), step.stage),
    };
    let main = steps.iter().enumerate().filter(|(_, step)| is_main_road(step));
    let (index, step) = main.max_by_key(|(_, step)| (along(step), step.last))?;
    let at = last_answer(step).unwrap_or(step.last);
    Some((index, DropPoint { stage: step.stage, by: By::Device, how: How::Abandoned, at }))
}

fn last_answer(step: &Step) -> Option<At> {
    match &step.kind {
        StepKind::Lease(lease) => lease.acks.iter().chain(&lease.offers).map(|(at, _)| *at).max(),
        StepKind::Neighbour(neighbour) => neighbour.reply.map(|(at, _)| at),
        StepKind::Lookup(lookup) => lookup.answer.as_ref().map(|answer| answer.at),
        StepKind::Clock(clock) => clock.answers.last().map(|(at, _)| *at),
        StepKind::Connection(connection) => {
            let http = connection.http.iter().filter_map(|exchange| exchange.response.as_ref()).map(|(at, _)| *at).max();
            http.or(connection.stats.server.last_data)
        }
        StepKind::Registration(registration) => {
            registration.transactions.iter().filter_map(|transaction| transaction.answer.as_ref()).map(|(at, _)| *at).max()
        }
    }
}

/// A line for each stage of the family's login, and for others that were seen.
fn stage_reports(steps: &[Step], drop: Option<&DropPoint>, signed_in: Option<f32>, profile: &Profile) -> Vec<StageReport> {
    let seen = |stage: Stage| profile.order.contains(&stage) || steps.iter().any(|step| step.stage == stage);
    let order = profile.order.iter().copied().chain(Stage::ALL.iter().copied().filter(|stage| !profile.order.contains(stage)));
    order.filter(|stage| seen(*stage)).map(|stage| stage_report(stage, steps, drop, signed_in)).collect()
}

fn stage_report(stage: Stage, steps: &[Step], drop: Option<&DropPoint>, signed_in: Option<f32>) -> StageReport {
    let of_stage: Vec<&Step> = steps.iter().filter(|step| touches(step, stage)).collect();
    let first = of_stage.iter().map(|step| step.first).min();
    let last = of_stage.iter().map(|step| step.last).max();
    let any = |outcome: Outcome| of_stage.iter().any(|step| step.stage == stage && step.outcome == outcome);
    let further = of_stage.iter().any(|step| step.stage > stage);
    let outcome = if drop.is_some_and(|drop| drop.stage == stage) {
        Outcome::Failed
    } else if of_stage.is_empty() {
        Outcome::Unseen
    } else if further || any(Outcome::Ok) || (stage == Stage::Register && signed_in.is_some()) {
        Outcome::Ok
    } else if any(Outcome::Failed) {
        Outcome::Skipped
    } else {
        Outcome::Unclear
    };
    let failed = of_stage.iter().filter(|step| step.outcome == Outcome::Failed).count();
    let detail = match (of_stage.len(), failed) {
        (0, _) => "nothing of it in the capture".to_owned(),
        (1, 0) => "one exchange".to_owned(),
        (count, 0) => format!("{count} exchanges"),
        (count, failed) => format!("{count} exchanges, {failed} failed"),
    };
    StageReport { stage, outcome, first, last, detail }
}

/// Does this step go through that stage? A connection to the registrar goes through all from `connect` on.
fn touches(step: &Step, stage: Stage) -> bool {
    let registrar = step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Connection(_));
    let tls = matches!(&step.kind, StepKind::Connection(connection) if connection.tls.is_some());
    step.stage == stage || registrar && (Stage::Connect..=step.stage).contains(&stage) && (stage != Stage::Tls || tls)
}
