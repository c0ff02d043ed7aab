//! Steps in, attempts out: where one begins, where it drops.
//!
//! An attempt begins with the first step of a login, after a drop, or with a restart of the device. The next target of the
//! same errand (the next SRV target, 443 after 5061, the next name of the list) goes on with it; doing again what was done
//! before, or going back to an earlier errand, begins the next one.

use crate::model::{By, DropPoint, How, Outcome, SECOND, Stage, Time};
use crate::profile::Profile;

use super::abandoned::abandoned;
use super::cut_off::{goes_on, is_cut_off};
use super::drops::{PastEnd, broken_off, ended_one_before, find_drop, rank, was_refused};
use super::judge::Judgement;
use super::last_word;
use super::record::{DraftId, Weight};
use super::reports::stage_reports;
use super::retries;
use super::settled::Settled;
use super::standstill::{self, Stood};
use super::steps::{Attempt, COMES_TO_REST, Ending, Lease, PAUSE, Purpose, Step, StepKind};
use super::target::{errand, is_main_road, led_to, looks_up_first, target};
use super::tries::{Try, asks_in_vain, pause, registers_well};

/// A device that moves to another VLAN asks there for an address within this time; one that does so later starts over.
const MOVES: i64 = 3 * SECOND;
/// A device that sends another INFORM after such a pause has given the first one up (RFC 2131 section 4.1: it waits 4 s, then 8).
const GIVES_UP_INFORM: i64 = 10 * SECOND;
/// A device that has lost its session is back within this time; one that closes it itself and comes later signed off.
const SIGNED_OFF: i64 = 15 * 60 * SECOND;
/// A device that asks for its router again after such a pause has given up in between.
const GIVES_UP_ROUTER: i64 = 10 * SECOND;
/// A device that goes on so long after a refusal has paused, whatever it begins with now.
const ASKS_ANEW: i64 = 20 * SECOND;
/// No DHCP client waits longer before it asks again: 64 s, and a little (RFC 2131 section 4.1).
const WAITS_FOR_LEASE: i64 = 90 * SECOND;
/// So many restarts of a device that is signed in are no accident.
const A_HABIT: usize = 2;

/// The number of the record that a step was made of, and the memory that it takes.
pub(super) type Record = (DraftId, Weight);

/// Does `steps[index]` begin a new attempt after `current`?
fn begins(current: &mut Try, step: &Step, following: &[Judgement], profile: &Profile) -> bool {
    if current.judgements.is_empty() {
        return false;
    }
    if let StepKind::Neighbour(neighbour) = &step.kind {
        return neighbour.router && asks_for_router_anew(current, step);
    }
    if !is_main_road(step) {
        return false;
    }
    match &step.kind {
        StepKind::Port(_) => return starts_over_at_port(current, step, following),
        StepKind::Lease(lease) if lease.informs.is_empty() => return restarts(current, !lease.discovers.is_empty(), step),
        StepKind::LeaseV6(lease) if lease.solicits.is_empty() => return informs_itself_anew(current, step),
        StepKind::LeaseV6(_) => return restarts(current, true, step),
        _ => {}
    }
    if current.has_run_out(step.first.time) {
        // Whose binding has run out looks for its registrar from the beginning; else the capture may have lost what refreshed it.
        if asks_in_vain(step, following) {
            return true;
        }
        if step.purpose != Purpose::Registrar || matches!(step.kind, StepKind::Lookup(_)) {
            return false;
        }
    }
    let uses_binding = || std::iter::once(step).chain(led_to(step, following)).any(|step| current.uses_binding(step));
    if current.is_signed_in(step.first.time) || current.answers_challenge(step) || uses_binding() {
        return false;
    }
    if current.answers_by_ticket(step)
        || current.polls(step, profile)
        || current.rests_unconnected(step.first.time) && registers_well(step, following)
    {
        return false;
    }
    if let StepKind::Lease(_) = &step.kind {
        let pause = if current.was_informed() { PAUSE } else { GIVES_UP_INFORM };
        return current.asked_by_inform() && current.pause_before(step) >= pause;
    }
    let back = errand(step.purpose) < current.furthest();
    match current.failure(step) {
        Some((_, ending)) if step.first <= ending.at => false,
        // Time is asked for at any moment.
        Some(_) if step.purpose == Purpose::Clock => {
            (profile.needs_time || current.is_since_start())
                && current.furthest() <= errand(Purpose::Clock)
                && current.pause_before(step) >= PAUSE
                && (current.has_aimed_at(&target(step)) || leads_back(current, step, following))
        }
        Some((failed, ending)) => {
            let paused = pause(ending.at, step.first) >= PAUSE;
            let next_target =
                matches!(step.kind, StepKind::Lookup(_)) && !paused && leads_to_new_target(current, step, following);
            let first_of_list = failed == errand(Purpose::Registrar) && paused && looks_up_first(step, profile);
            // The next file of a list that is fetched beside a session is no step back.
            (back && errand(step.purpose) < failed
                || first_of_list
                || asks_anew(current, step)
                || paused && (current.returns(step, &target(step)) || leads_back(current, step, following)))
                && !next_target
        }
        // Nothing failed that the capture shows: the device gave up what it had and starts over.
        None => {
            current.pause_before(step) >= PAUSE
                && step.purpose != Purpose::Clock
                && (back || current.is_first_of_errand(step) && !comes_to(current, step) || fetches_anew(current, step))
                // Who signs in with a code asks for its token until the user has typed that elsewhere (RFC 8628 section 3.5).
                && !step.name().is_some_and(|name| profile.signs_in_at(name.raw()))
                && current.has_aimed_at(&target(step))
        }
    }
}

/// Does the device fetch from the beginning what it had, soon after, and with nothing done in between? Who is content with its
/// configuration goes on to its registrar, and looks for a newer one much later.
fn fetches_anew(current: &Try, step: &Step) -> bool {
    let is_first = || current.steps().find(|other| is_file(other)).is_some_and(|first| target(first) == target(step));
    let stands_there = current.is_since_start() && current.furthest() == errand(Purpose::Provision);
    stands_there && is_file(step) && is_first() && current.pause_before(step) <= COMES_TO_REST
}

fn is_file(step: &Step) -> bool {
    step.purpose == Purpose::Provision && rank(step) > 0
}

/// Had the device asked for names of this errand alone, and comes to it now, after an earlier one that went well? Some ask for their
/// registrar before they fetch their configuration.
fn comes_to(current: &Try, step: &Step) -> bool {
    let names_alone = current.steps().all(|other| other.purpose != step.purpose || rank(other) == 0);
    let last = current.steps().filter(|other| is_main_road(other)).last();
    let from_earlier = last.is_some_and(|last| {
        let earlier = errand(Purpose::Clock) < errand(last.purpose) && errand(last.purpose) < errand(step.purpose);
        earlier && rank(last) > 0 && last.outcome != Outcome::Failed
    });
    names_alone && from_earlier && current.pause_before(step) < ASKS_ANEW
}

/// Does the device go on with the same errand long after it was refused? The next name, file or server of a list it asks at once.
fn asks_anew(current: &Try, step: &Step) -> bool {
    let is_refused = |last: &&Step| last.ending.is_some_and(|ending| ending.how == How::Rejected);
    let last = current.steps().filter(|step| is_main_road(step)).last().filter(is_refused);
    last.is_some_and(|last| errand(last.purpose) == errand(step.purpose)) && current.pause_before(step) >= ASKS_ANEW
}

/// Some devices ask for the same name once more before they try its next port: what they connect to then tells.
fn leads_to_new_target(current: &mut Try, step: &Step, following: &[Judgement]) -> bool {
    led_to(step, following).is_some_and(|next| !current.has_aimed_at(&target(next)))
}

/// A look-up that leads to a server that was tried before, where the capture began after the earlier look-up.
fn leads_back(current: &mut Try, step: &Step, following: &[Judgement]) -> bool {
    matches!(step.kind, StepKind::Lookup(_)) && led_to(step, following).is_some_and(|next| current.returns(step, &target(next)))
}

/// Has the device given its router up before, and paused? Until then it asks once a second, three times (RFC 1122 section
/// 2.3.2.1, RFC 4861 section 10).
fn asks_for_router_anew(current: &Try, step: &Step) -> bool {
    let gave_up = |other: &Step| {
        other.outcome == Outcome::Failed
            && matches!(other.kind, StepKind::Neighbour(_))
            && target(other) == target(step)
            && step.first.time.since(other.last.time) >= GIVES_UP_ROUTER
    };
    current.furthest() <= errand(Purpose::Address) && current.steps().any(gave_up)
}

/// Switches ask for credentials again while all goes well. It is a new try only where the last one failed and nothing has
/// come of it since, or where the device, having been further, asks for an address next: it restarted.
fn starts_over_at_port(current: &Try, step: &Step, following: &[Judgement]) -> bool {
    let refused = current.steps().any(|step| matches!(step.kind, StepKind::Port(_)) && step.outcome == Outcome::Failed);
    let leased = current.steps().any(|step| step.purpose == Purpose::Address && rank(step) > 0 && step.outcome == Outcome::Ok);
    let further = current.furthest() > errand(Purpose::Address);
    let next = following.iter().map(|judgement| &judgement.step).find(|step| is_main_road(step));
    let discovers = next.is_some_and(|next| matches!(&next.kind, StepKind::Lease(lease) if !lease.discovers.is_empty()));
    further && discovers || refused && !leased && !further && current.pause_before(step) >= PAUSE
}

/// A DISCOVER is a restart, unless it goes on with the same business: the question for a voice VLAN comes first, its answer
/// is given back or left behind at once, and a refused renewal is followed by a new start (RFC 2131 section 3.2).
fn restarts(current: &Try, asks_anew: bool, step: &Step) -> bool {
    if !asks_anew {
        return asks_for_old_address(current, step);
    }
    let beyond = current.steps().any(|step| errand(step.purpose) > errand(Purpose::Address));
    if beyond || current.has_given_back_all_of(step) {
        return true;
    }
    if leaves_silent_vlan(current, step) {
        return false;
    }
    let refused_renewal = current.steps().any(|step| match &step.kind {
        StepKind::Lease(lease) => lease.discovers.is_empty() && !lease.naks.is_empty() && step.outcome == Outcome::Failed,
        _ => false,
    });
    // That new start had its own refusal or silence, and the device paused again: it is at its beginning.
    let failed_anew = current.steps().any(|step| {
        step.outcome == Outcome::Failed && matches!(&step.kind, StepKind::Lease(lease) if !lease.discovers.is_empty())
    });
    let pause = current.pause_of_addressing(step);
    if current.is_bound() && pause >= MOVES {
        return true;
    }
    // What another way in came to, IPv6 or 802.1X, does not send the device back to this one.
    let another_way = |other: &Step| {
        matches!(other.kind, StepKind::Port(_) | StepKind::Lease(_) | StepKind::LeaseV6(_)) && target(other) != target(step)
    };
    let failed =
        current.steps().any(|other| errand(other.purpose) > 0 && other.outcome == Outcome::Failed && !another_way(other));
    failed && (failed_anew || !refused_renewal) && pause >= PAUSE
}

/// A phone that no DHCP server hears in its voice VLAN goes on in another one, without a tag as a rule, and is given an address there
/// (Avaya: VLANTEST, after 60 s). It is at the same errand.
fn leaves_silent_vlan(current: &Try, step: &Step) -> bool {
    let StepKind::Lease(next) = &step.kind else { return false };
    let silent = |lease: &Lease| lease.offers.is_empty() && lease.acks.is_empty() && lease.naks.is_empty();
    let in_another = |other: &Step| match &other.kind {
        StepKind::Lease(lease) => lease.vlan != next.vlan && silent(lease),
        _ => false,
    };
    let given = step.outcome == Outcome::Ok && !next.acks.is_empty();
    let mut leases = current.steps().filter(|other| matches!(other.kind, StepKind::Lease(_))).peekable();
    given && leases.peek().is_some() && leases.all(in_another) && current.pause_of_addressing(step) <= WAITS_FOR_LEASE
}

/// Where routers give the addresses, a device asks DHCPv6 for the rest alone (RFC 8415 section 18.2.6): it asks again after a
/// failure and a pause because it starts over.
fn informs_itself_anew(current: &mut Try, step: &Step) -> bool {
    let failed = current.failure(step).is_some_and(|(_, ending)| step.first.time.since(ending.at.time) >= PAUSE);
    failed && current.has_aimed_at(&target(step))
}

/// A refusal sends a client back to DISCOVER (RFC 2131 section 3.2); one that asks for its old address once more, or that asks for one
/// after its DISCOVERs came to nothing, starts over with it.
fn asks_for_old_address(current: &Try, step: &Step) -> bool {
    let in_vain = |lease: &Lease| !lease.discovers.is_empty() && lease.offers.is_empty() && !lease.is_acknowledged();
    let (StepKind::Lease(asked), Some((before, last))) = (&step.kind, current.last_lease()) else { return false };
    let at_the_start = was_refused(before) && was_refused(step)
        || before.outcome == Outcome::Failed && in_vain(last) && !asked.requests.is_empty() && !asked.renews;
    at_the_start && current.pause_of_addressing(step) >= PAUSE
}

/// Attempts with their records, in order.
pub(super) struct Split {
    /// The last one may still go on.
    pub(super) attempts: Vec<(Attempt, Vec<Record>)>,
    /// Where each of them stood that the device gave up.
    pub(super) stood: Vec<Option<Stood>>,
    /// Had the device come to no registrar since it was seen to start, at the end of each?
    pub(super) since_start: Vec<bool>,
    /// From this one on, what comes may tell that they are one.
    pub(super) undecided: Option<usize>,
}

/// The attempts in these steps. `end` is the capture's last frame, and the device was in view up to `in_view`. `settled` are those before.
pub(super) fn split(judgements: Vec<Judgement>, profile: &Profile, end: Time, in_view: Time, settled: &mut Settled) -> Split {
    let mut tries: Vec<Try> = Vec::new();
    let mut current = Try::after(settled.since_start);
    let mut following = judgements.into_iter();
    while let Some(judgement) = following.next() {
        if begins(&mut current, &judgement.step, following.as_slice(), profile) {
            let leading = current.give_up_time(&judgement.step);
            current.ran_out = current.has_run_out(judgement.step.first.time);
            current.restarted = matches!(&judgement.step.kind, StepKind::Lease(lease) if !lease.discovers.is_empty());
            let next = Try::after(current.is_since_start());
            tries.push(std::mem::replace(&mut current, next));
            leading.into_iter().for_each(|one| current.add(one));
        }
        current.add(judgement);
    }
    tries.push(current);
    last_word::take_back(&mut tries, in_view, &settled.never_repeats);
    last_word::take_back_unwaited(&mut tries, end, &settled.passed);
    let undecided = retries::join(&mut tries, &mut settled.retries);
    let last = tries.len().saturating_sub(1);
    let in_mid_session = restarts_in_mid_session(&tries);
    settled.keeps_restarting |= in_mid_session.iter().filter(|restarts| **restarts).count() >= A_HABIT;
    let restarts_once = in_mid_session.iter().position(|restarts| *restarts).filter(|_| !settled.keeps_restarting);
    let undecided = restarts_once.into_iter().chain(undecided).min();
    // A router that does not answer ends a login before it has begun.
    let lacks_router =
        |step: &Step| matches!(&step.kind, StepKind::Neighbour(neighbour) if neighbour.router) && step.outcome == Outcome::Failed;
    let has_login = |attempt: &Try| attempt.steps().any(|step| is_main_road(step) || lacks_router(step));
    let undecided = undecided.map(|place| tries.iter().take(place).filter(|attempt| has_login(attempt)).count());
    let tries = tries.into_iter().enumerate().filter(|(_, attempt)| has_login(attempt));
    let mut tries = tries.peekable();
    let numbers = settled.count.saturating_add(1)..;
    let mut closed: Vec<(Attempt, Vec<Record>)> = Vec::new();
    let (mut stood, mut since_start) = (Vec::new(), Vec::new());
    for number in numbers {
        let Some((index, attempt)) = tries.next() else { break };
        let goes_back = tries.peek().is_some_and(|(_, next)| next.begins_before(attempt.furthest()));
        let keeps_restarting = settled.keeps_restarting && in_mid_session.get(index).is_some_and(|restarts| *restarts);
        let pause = tries.peek().map(|(_, next)| retries::gap(&attempt, next));
        let comes_back = pause.is_none_or(|pause| pause < SIGNED_OFF);
        let starts_over = StartsOver { keeps_restarting, goes_back, comes_back };
        let ended_before = |end: &PastEnd| {
            settled.ends.contains(end) || closed.iter().any(|(attempt, _)| PastEnd::of(attempt).as_ref() == Some(end))
        };
        since_start.push(attempt.is_since_start());
        let quiet = attempt.last.filter(|_| index == last).map(|last| end.since(last.time));
        let (mut attempt, records) = close(attempt, number, quiet.map(|_| end), starts_over, profile, &ended_before);
        if let Some(quiet) = quiet {
            standstill::end(&mut attempt, settled.stood.iter().chain(stood.iter().flatten()), quiet, in_view, profile);
        }
        stood.push(pause.and_then(|pause| Stood::of(&attempt, pause)));
        closed.push((attempt, records));
    }
    Split { attempts: closed, stood, since_start, undecided }
}

/// Does the device close all its sessions itself, and in good order, and want nothing more?
fn closes_in_good_order(steps: &[Step], sessions: &[bool]) -> bool {
    let closed = || steps.iter().zip(sessions).filter(|(_, session)| **session).filter_map(|(step, _)| step.ending);
    let in_good_order = |ending: Ending| ending.by == By::Device && matches!(ending.how, How::Fin | How::Alert);
    let last = closed().map(|ending| ending.at).max();
    let fails_later = |step: &Step| step.outcome == Outcome::Failed && Some(step.first) > last;
    closed().all(in_good_order) && !steps.iter().any(fails_later)
}

/// After which of these the device restarted though it was signed in, and had not come to rest.
fn restarts_in_mid_session(tries: &[Try]) -> Vec<bool> {
    let next = tries.iter().skip(1).map(|next| next.steps().map(|step| step.first.time).min());
    tries.iter().zip(next).map(|(attempt, next)| next.is_some_and(|next| attempt.ends_in_mid_session(next))).collect()
}

/// How the device starts over after an attempt.
#[derive(Clone, Copy)]
struct StartsOver {
    /// It does so though it is signed in, and not for the first time.
    keeps_restarting: bool,
    /// It goes back to what comes earlier in a login.
    goes_back: bool,
    /// It does so as soon as a device that has lost its session.
    comes_back: bool,
}

/// Closes an attempt. `end` is the capture's end for the last one, which that may have cut off; `ended_before` says whether an
/// earlier one came to the same end. A restart of a device that is signed in is a drop only where it keeps restarting: people
/// restart phones too.
fn close(
    attempt: Try,
    number: u32,
    end: Option<Time>,
    starts_over: StartsOver,
    profile: &Profile,
    ended_before: &dyn Fn(&PastEnd) -> bool,
) -> (Attempt, Vec<Record>) {
    let signed_in = attempt
        .judgements
        .iter()
        .filter_map(|judgement| judgement.signed_in)
        .fold(None, |best: Option<f32>, next| Some(best.map_or(next, |best| best.max(next))));
    let (restarted, ran_out) = (attempt.restarted, attempt.ran_out);
    let drafts = attempt.judgements.iter().map(|judgement| (judgement.draft, judgement.weight)).collect();
    let sessions: Vec<bool> = attempt.judgements.iter().map(|judgement| judgement.signed_in.is_some()).collect();
    let mut steps: Vec<Step> = attempt.judgements.into_iter().map(|judgement| judgement.step).collect();
    // They stay where the judgements were, which take more room.
    steps.shrink_to_fit();
    let dropped = match end {
        None => {
            let signs_off = !starts_over.comes_back && closes_in_good_order(&steps, &sessions);
            let failed = find_drop(&steps, &sessions, !signs_off, profile);
            let failed = failed.map(|drop| if restarted { broken_off(&steps, drop) } else { drop });
            failed.or_else(|| {
                let in_session = |drop: &DropPoint| drop.stage == Stage::Session;
                abandoned(&steps, &sessions, starts_over.goes_back)
                    .filter(|(_, drop)| starts_over.keeps_restarting && !ran_out || !in_session(drop))
            })
        }
        Some(end) => {
            let dropped = find_drop(&steps, &sessions, false, profile);
            dropped.filter(|(index, drop)| {
                let is_over = ended_one_before(&steps, *index, drop, ended_before);
                let is_habit = steps.get(*index).is_some_and(|step| ended_before(&PastEnd::new(drop, step)));
                !goes_on(&steps, *index, drop, end) && (is_over || !is_cut_off(&steps, *index, drop, end, is_habit, profile))
            })
        }
    };
    let first = steps.iter().map(|step| step.first).min().unwrap_or_default();
    let last = steps.iter().map(|step| step.last).max().unwrap_or_default();
    let drop = dropped.map(|(_, drop)| drop);
    let stages = stage_reports(&steps, drop.as_ref(), signed_in, profile);
    let signed_in = if drop.is_some_and(|drop| drop.stage != Stage::Session) { None } else { signed_in };
    let dropped_step = dropped.map(|(index, _)| index);
    (Attempt { number, first, last, steps, stages, drop, dropped_step, signed_in }, drafts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::record::Weight;
    use crate::login::steps::{Close, LeaseV6};
    use crate::model::Side;
    use crate::protocols::sip;

    fn attempts_of(judgements: Vec<Judgement>, profile: &Profile, end: Time) -> Vec<(Attempt, Vec<Record>)> {
        split(judgements, profile, end, end, &mut Settled::default()).attempts
    }

    /// With which frames the attempts begin that these steps make.
    fn begin(steps: Vec<(u64, Step)>) -> Vec<u64> {
        begin_as(&profile(), steps)
    }

    /// The same, where a device of this family makes them.
    fn begin_as(profile: &Profile, steps: Vec<(u64, Step)>) -> Vec<u64> {
        let judged = |step: Step| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None };
        let judgements = steps.into_iter().map(|(_, step)| judged(step)).collect();
        let attempts = attempts_of(judgements, profile, at_second(900, 900.0).time);
        attempts.into_iter().map(|(attempt, _)| attempt.first.frame.number()).collect()
    }

    /// The step at this second, in a frame of that number.
    fn moved(step: impl IntoStep, second: u64) -> (u64, Step) {
        let mut step = step.into_step(second);
        let later = at_second(second, second as f64).time.since(step.first.time);
        for at in [&mut step.first, &mut step.last].into_iter().chain(step.ending.as_mut().map(|ending| &mut ending.at)) {
            at.time = at.time.plus(later);
        }
        (second, step)
    }

    /// A time server that says nothing.
    fn no_time(frame: u64) -> (u64, Step) {
        let (_, mut step) = moved(ntp_exchange(2, &[]), frame);
        (step.purpose, step.stage, step.outcome) = (Purpose::Clock, Stage::Time, Outcome::Failed);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        (frame, step)
    }

    fn refused(frame: u64) -> (u64, Step) {
        moved(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst), frame)
    }

    #[test]
    fn what_a_device_asks_of_the_time_on_its_way_to_all_else_begins_the_attempt() {
        assert_eq!(begin(vec![no_time(1), refused(10), no_time(20), refused(25), no_time(40), refused(45)]), [1, 20, 40]);
        assert_eq!(begin(vec![no_time(1), refused(10), no_time(20), refused(60)]), [1, 60], "it asked in between");
    }

    #[test]
    fn a_device_that_starts_over_after_it_was_told_the_time_came_no_further_than_its_address() {
        let steps = [moved(lease(&[]), 1), moved(ntp_exchange(1, &[(0, 2, BEGIN)]), 3), moved(lease(&[]), 20)];
        let judged = |(_, step): (u64, Step)| {
            let step = if let StepKind::Clock(_) = step.kind { Step { purpose: Purpose::Clock, ..step } } else { step };
            Judgement { draft: 1, weight: Weight::default(), step, signed_in: None }
        };
        let attempts = attempts_of(steps.map(judged).into(), &profile(), at_second(900, 900.0).time);
        assert_eq!(attempts[0].0.drop.map(|drop| (drop.stage, drop.how)), Some((Stage::Address, How::Abandoned)));
    }

    #[test]
    fn a_name_of_a_time_server_that_does_not_exist_hides_no_drop_before_it() {
        let no_name = |second: u64| {
            let (_, step) = moved(lookup("pool.ntp.org").rcode(3), second);
            (second, Step { purpose: Purpose::Clock, ..step })
        };
        assert_eq!(begin(vec![no_name(1), refused(2), no_name(20), refused(21), no_name(40), refused(41)]), [1, 20, 40]);
    }

    #[test]
    fn who_asks_once_more_as_the_capture_ends_may_be_told_better() {
        let refused = |second: u64, asks_on: bool| {
            let (_, mut step) = moved(ntp_exchange(if asks_on { 2 } else { 1 }, &[(3, 16, BEGIN)]), second);
            (step.purpose, step.stage, step.outcome) = (Purpose::Clock, Stage::Time, Outcome::Failed);
            let StepKind::Clock(clock) = &mut step.kind else { panic!("no clock") };
            let (asked, answered) = (at_second(second, second as f64), at_second(second + 1, second as f64 + 0.1));
            clock.answers[0].0 = answered;
            clock.requests[0].0 = asked;
            clock.requests.iter_mut().skip(1).for_each(|(at, _)| *at = at_second(second + 2, second as f64 + 5.0));
            step.ending = Some(Ending { by: By::Server, how: How::Rejected, at: answered });
            step
        };
        let drops = |asks_on: bool| {
            let steps = [refused(1, false), refused(40, false), refused(80, asks_on)];
            let judged = steps.map(|step| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None });
            let needs_time = Profile { needs_time: true, ..profile() };
            let attempts = attempts_of(judged.into(), &needs_time, at_second(90, 86.0).time);
            attempts.into_iter().map(|(attempt, _)| attempt.drop.is_some()).collect::<Vec<_>>()
        };
        assert_eq!((drops(false), drops(true)), (vec![true; 3], vec![true, true, false]));
    }

    #[test]
    fn what_is_still_sent_again_on_a_connection_that_was_given_up_hides_no_beginning() {
        let stuck = |second: u64| {
            let (_, mut step) = moved(tcp(Purpose::Registrar).hello().timed_out(By::Network), second);
            step.ending = Some(Ending { by: By::Network, how: How::Timeout, at: at_second(second + 60, second as f64 + 60.0) });
            (second, step)
        };
        assert_eq!(begin(vec![stuck(1), stuck(20), stuck(40)]), [1, 20, 40]);
    }

    #[test]
    fn the_next_name_of_the_list_goes_on_though_it_leads_to_the_same_host() {
        let tries = |name: &'static str, second: u64| {
            let found = moved(lookup(name).purpose(Purpose::Registrar).address("10.0.0.5"), second);
            let (_, mut step) = moved(tcp(Purpose::Registrar).to("10.0.0.5", 5061).named(name), second + 1);
            (step.outcome, step.ending) = (Outcome::Failed, Some(Ending { by: By::Server, how: How::Rst, at: step.last }));
            [found, (second + 1, step)]
        };
        let list = |second| [tries("sipinternal.contoso.com", second), tries("sip.contoso.com", second + 3)].concat();
        assert_eq!(begin([list(1), list(40)].concat()), [1, 40]);
        assert_eq!(begin([tries("sip.contoso.com", 1), tries("sip.contoso.com", 4)].concat()), [1, 4]);
    }

    #[test]
    fn who_asks_for_a_refused_address_again_after_a_pause_is_at_the_beginning() {
        let asks = |exchange: Dhcp, second: u64| {
            let (_, mut step) = moved(exchange.request().nak(), second);
            (step.outcome, step.ending) = (Outcome::Failed, Some(Ending { by: By::Server, how: How::Rejected, at: step.last }));
            (second, step)
        };
        assert_eq!(begin(vec![asks(dhcp_exchange(), 1), asks(dhcp_exchange(), 10), asks(dhcp_exchange(), 20)]), [1, 10, 20]);
        assert_eq!(begin(vec![asks(dhcp_exchange(), 1), moved(lease(&[]), 10)]), [1], "the refusal sends it to DISCOVER");
    }

    #[test]
    fn who_asks_for_an_old_address_after_its_discovers_came_to_nothing_is_at_the_beginning() {
        let refused = |second: u64| moved(dhcp_exchange().request().nak(), second);
        let in_vain = |second: u64| {
            let (_, mut step) = moved(dhcp_exchange().discover().discover(), second);
            step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            (second, step)
        };
        assert_eq!(begin(vec![refused(1), in_vain(2), refused(20), in_vain(21), refused(40)]), [1, 20, 40]);
        let renewed = moved(dhcp_exchange().request().act(|lease, _| lease.renews = true), 20);
        assert_eq!(begin(vec![refused(1), in_vain(2), renewed]), [1]);
    }

    #[test]
    fn who_has_been_round_its_vlans_and_asks_again_in_the_first_is_at_the_beginning() {
        // Each VLAN has its own server (option 54); the address is given back at once.
        let given_back =
            |server: u8, second: u64| moved(lease(&[(54, &[10, server, 0, 1])]).act(|lease, at| lease.releases.push(at)), second);
        let around = vec![given_back(1, 1), given_back(20, 5), given_back(1, 15), given_back(20, 20), given_back(1, 30)];
        assert_eq!(begin(around), [1, 15, 30]);
        assert_eq!(begin(vec![given_back(1, 1), given_back(20, 5), moved(lease(&[(54, &[10, 20, 0, 1])]), 9)]), [1], "it stays");
    }

    #[test]
    fn a_device_that_starts_over_with_a_connection_that_stands_had_its_acceptance_last() {
        let (_, mut stands) = moved(tcp(Purpose::Registrar), 5);
        (stands.stage, stands.outcome, stands.ending) = (Stage::Connect, Outcome::Unclear, None);
        let steps = [moved(lease(&[]), 1), (5, stands), moved(lease(&[]), 20)];
        let judged = |(_, step): (u64, Step)| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None };
        let attempts = attempts_of(steps.map(judged).into(), &profile(), at_second(900, 900.0).time);
        let dropped = attempts[0].0.drop.map(|drop| (drop.stage, drop.how, drop.at.frame.number()));
        assert_eq!(dropped, Some((Stage::Connect, How::Abandoned, 6)), "the SYN-ACK");
    }

    #[test]
    fn a_round_of_names_or_files_long_after_a_refusal_is_a_new_one_whichever_it_begins_with() {
        let names = |second: u64, name: &str| {
            let (_, step) = moved(lookup(name).rcode(3), second);
            let ending = Some(Ending { by: By::Server, how: How::Rejected, at: step.last });
            (second, Step { outcome: Outcome::Failed, ending, ..step })
        };
        let list = [names(1, "_sip._udp.contoso.com"), names(2, "_sip._tcp.contoso.com"), names(40, "_sips._tcp.contoso.com")];
        assert_eq!(begin(list.into()), [1, 40]);
        let file = |second: u64, path: &str| {
            let (_, step) = moved(tcp(Purpose::Provision).to("10.0.0.7", 80).get(path).answer(404), second);
            let ending = Some(Ending { by: By::Server, how: How::Rejected, at: step.last });
            (second, Step { outcome: Outcome::Failed, ending, ..step })
        };
        assert_eq!(begin(vec![file(1, "/a.cfg"), file(2, "/b.cfg"), file(40, "/c.cfg")]), [1, 40]);
        let slowly = [names(1, "_sip._udp.contoso.com"), names(11, "_sip._tcp.contoso.com"), names(21, "_sips._tcp.contoso.com")];
        assert_eq!(begin(slowly.into()), [1], "it walks through its list");
    }

    #[test]
    fn a_list_of_names_of_which_one_is_found_has_not_failed_and_what_comes_next_goes_on_with_it() {
        let goes_on_after = |found: bool, later: u64| {
            let refused = |name: &str, second: u64| failed(moved(lookup(name).rcode(5), second), How::Rejected);
            let address = match found {
                true => Step { outcome: Outcome::Ok, ..moved(lookup("sip.contoso.com").address("10.0.0.5"), 3).1 },
                false => refused("sip.contoso.com", 3),
            };
            let file = moved(tcp(Purpose::Provision).to("10.0.0.7", 80).get("/0004f21a2b3c.cfg").answer(200), 4);
            let again = refused("_sip._udp.contoso.com", later);
            begin(vec![moved(lease(&[]), 1), (2, refused("_sip._udp.contoso.com", 2)), (3, address), file, (later, again)])
        };
        assert_eq!(goes_on_after(true, 6), [1], "it comes to its registrar");
        assert_eq!(goes_on_after(false, 6), [1, 4], "it goes back after a drop");
        assert_eq!(goes_on_after(true, 60), [1, 60], "it starts over");
    }

    #[test]
    fn a_device_that_has_begun_from_nothing_and_comes_no_further_than_the_time_or_its_files_begins_anew_with_each_round() {
        let start = || moved(lease(&[]), 1);
        assert_eq!(begin(vec![start(), no_time(2), no_time(50), no_time(100)]), [1, 50, 100]);
        assert_eq!(begin(vec![no_time(2), no_time(50), no_time(100)]), [2], "it may have been signed in all the while");
        let file = |second: u64, path: &str| {
            let (_, step) = moved(tcp(Purpose::Provision).to("10.0.0.7", 80).get(path).answer(200), second);
            (second, Step { outcome: Outcome::Ok, ending: None, ..step })
        };
        let round = |second: u64| [file(second, "/a.cfg"), file(second + 1, "/b.cfg")];
        let rounds = |starts: &[u64]| starts.iter().flat_map(|second| round(*second)).collect::<Vec<_>>();
        assert_eq!(begin([vec![start()], rounds(&[2, 30, 60])].concat()), [1, 30, 60]);
        assert_eq!(begin([vec![start()], rounds(&[2, 3_602])].concat()), [1], "it looks whether there is a newer one");
        assert_eq!(begin(rounds(&[2, 30])), [2]);
    }

    #[test]
    fn a_name_that_leads_to_the_time_server_that_was_in_vain_begins_anew_and_another_one_goes_on() {
        let asked = |second: u64, name: &str| {
            let (_, step) = moved(lookup(name).purpose(Purpose::Clock).address("10.0.0.9"), second);
            (second, Step { outcome: Outcome::Ok, ..step })
        };
        let of_another = |second: u64| {
            let (_, mut step) = no_time(second);
            let StepKind::Clock(clock) = &mut step.kind else { panic!("no clock") };
            clock.server = ip("10.0.0.10");
            (second, step)
        };
        let needs_time = Profile { needs_time: true, ..profile() };
        let begin = |steps: Vec<(u64, Step)>| begin_as(&needs_time, steps);
        assert_eq!(begin(vec![no_time(1), asked(40, "ntp.contoso.com"), no_time(41)]), [1, 40]);
        assert_eq!(begin(vec![no_time(1), asked(40, "time.windows.com"), of_another(41)]), [1]);
    }

    /// The frames in which the attempts of these steps end, where the capture does at this second.
    fn decisive(steps: Vec<(u64, Step)>, end: u64) -> Vec<Option<u64>> {
        let judged = |(_, step): (u64, Step)| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None };
        let attempts = attempts_of(steps.into_iter().map(judged).collect(), &profile(), at_second(end, end as f64).time);
        attempts.into_iter().map(|(attempt, _)| attempt.drop.map(|drop| drop.at.frame.number())).collect()
    }

    #[test]
    fn the_last_attempt_of_a_loop_is_over_when_it_has_stood_where_the_others_were_given_up_for_as_long() {
        let round = |second: u64, path: &str| {
            let (_, file) = moved(
                tcp(Purpose::Provision).to("10.0.0.7", 80).get(path).answer(200).leaves(Side::Server, Close::Fin),
                second + 10,
            );
            [moved(lease(&[]), second), (second + 10, Step { outcome: Outcome::Ok, ending: None, ..file })]
        };
        let rounds = |last: &str| [round(10, "/a.cfg"), round(40, "/a.cfg"), round(80, last)].concat();
        let ended = |last: &str, end: u64| decisive(rounds(last), end).iter().map(Option::is_some).collect::<Vec<_>>();
        assert_eq!(ended("/a.cfg", 111), [true, true, true]);
        assert_eq!(ended("/a.cfg", 105), [true, true, false], "it never went on sooner than after twenty seconds");
        assert_eq!(ended("/b.cfg", 111), [true, true, false], "it stands elsewhere");
        let twice = [round(10, "/a.cfg"), round(40, "/a.cfg")].concat();
        assert_eq!(decisive(twice, 111).last(), Some(&None), "one before is no loop");
    }

    #[test]
    fn a_configuration_that_is_fetched_whole_again_and_not_used_for_long_was_fetched_in_vain_twice() {
        let file = |second: u64| {
            let (_, file) = moved(
                tcp(Purpose::Provision).to("10.0.0.7", 80).get("/a.cfg").answer(200).leaves(Side::Server, Close::Fin),
                second,
            );
            (second, Step { outcome: Outcome::Ok, ending: None, ..file })
        };
        let twice = |again: Vec<(u64, Step)>, end: u64| {
            let steps = [moved(lease(&[]), 1), file(5)].into_iter().chain(again).collect();
            decisive(steps, end).iter().map(Option::is_some).collect::<Vec<_>>()
        };
        assert_eq!(twice(vec![file(25)], 100), [true, true]);
        assert_eq!(twice(vec![file(25)], 70), [true, false], "it may still be reading");
        assert_eq!(twice(vec![file(50)], 120), [true, false], "it paused nearly as long before");
        assert_eq!(twice(vec![moved(lease(&[]), 24), file(25)], 100), [true, false], "it restarted, and may be content");
    }

    #[test]
    fn that_a_device_has_come_to_no_registrar_since_its_start_is_remembered_when_that_is_settled() {
        let file = |second: u64| {
            let (_, file) = moved(tcp(Purpose::Provision).to("10.0.0.7", 80).get("/a.cfg").answer(200), second);
            Judgement {
                draft: 1,
                weight: Weight::default(),
                step: Step { outcome: Outcome::Ok, ending: None, ..file },
                signed_in: None,
            }
        };
        let count = |since_start: bool| {
            let mut settled = Settled { since_start, ..Settled::default() };
            let end = at_second(100, 100.0).time;
            let split = split(vec![file(5), file(65)], &profile(), end, end, &mut settled);
            (split.attempts.len(), split.since_start)
        };
        assert_eq!(count(true), (2, vec![true, true]));
        assert_eq!(count(false), (1, vec![false]), "it looks for a newer one");
    }

    #[test]
    fn what_fails_again_after_the_clock_of_the_capture_was_set_back_is_the_next_attempt() {
        let refused = |frame: u64, second: u64| {
            let (_, mut step) = failed_at(second);
            for at in [&mut step.first, &mut step.last].into_iter().chain(step.ending.as_mut().map(|ending| &mut ending.at)) {
                at.frame = crate::model::Frame::new(frame);
            }
            (frame, step)
        };
        assert_eq!(begin(vec![refused(1, 7_000), refused(2, 100)]), [1, 2]);
        assert_eq!(begin(vec![refused(1, 103), refused(2, 100)]), [1], "packets of two interfaces, a little out of order");
    }

    /// A registrar that refuses the connection at this second.
    fn failed_at(second: u64) -> (u64, Step) {
        let (_, step) = refused(second);
        (second, failed((second, step), How::Rst))
    }

    #[test]
    fn a_register_that_is_sent_as_often_as_before_the_device_gave_up_is_given_up_after_its_pause() {
        let sent = |second: u64, times: u64, is_last: bool| {
            let (_, mut step) = moved(registration(vec![(times, sip_request("REGISTER", 1), None)]), second);
            let ending = (!is_last).then_some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            step.outcome = if is_last { Outcome::Unclear } else { Outcome::Failed };
            (second, Step { stage: Stage::Register, ending, ..step })
        };
        let last = |times: u64, end: u64| {
            let frames = decisive(vec![sent(10, 3, false), sent(20, 3, false), sent(30, times, true)], end);
            assert_eq!(frames.len(), 3);
            frames[2]
        };
        assert_eq!(last(3, 45), Some(32));
        assert_eq!(last(3, 35), None, "it waited longer before");
        assert_eq!(last(2, 45), None, "it has one to send yet");
    }

    #[test]
    fn who_asks_dhcpv6_for_all_but_an_address_after_a_failure_is_at_the_beginning() {
        let informed = |second: u64| {
            let asked = LeaseV6 { others: vec![at(second)], ..LeaseV6::default() };
            (second, Step { kind: StepKind::LeaseV6(Box::new(asked)), ..moved(lease(&[]), second).1 })
        };
        let in_vain = |second: u64| {
            let (_, step) = moved(lookup("prov.contoso.com").times(3), second);
            let ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            (second, Step { purpose: Purpose::Registrar, outcome: Outcome::Failed, ending, ..step })
        };
        assert_eq!(begin(vec![informed(1), in_vain(2), informed(20), in_vain(21), informed(40)]), [1, 20, 40]);
        assert_eq!(begin(vec![informed(1), informed(20), informed(40)]), [1], "nothing failed: it keeps what it knows fresh");
    }

    /// What the last attempt ends in, where the server closes the sessions that begin and end at these seconds.
    fn last_of_sessions(sessions: &[(u64, u64)], end: u64) -> Option<(Stage, How)> {
        let closed = |&(first, last): &(u64, u64)| {
            let (_, mut step) = moved(tcp(Purpose::Registrar), first);
            let at = at_second(last, last as f64);
            (step.stage, step.outcome, step.last) = (Stage::Session, Outcome::Ok, at);
            step.ending = Some(Ending { by: By::Server, how: How::Fin, at });
            [moved(lease(&[]), first - 1).1, step]
        };
        let judged = |step: Step| {
            let signed_in = (step.stage == Stage::Session).then_some(0.9);
            Judgement { draft: 1, weight: Weight::default(), step, signed_in }
        };
        let judgements = sessions.iter().flat_map(closed).map(judged).collect();
        let attempts = attempts_of(judgements, &profile(), at_second(end, end as f64).time);
        attempts.last()?.0.drop.map(|drop| (drop.stage, drop.how))
    }

    #[test]
    fn a_close_that_nobody_answers_and_nobody_repeats_is_where_the_capture_loses_sight_of_the_device() {
        let close = |acknowledged: bool| {
            let (_, mut step) = moved(tcp(Purpose::Registrar), 10);
            let (closed, later) = (at_second(200, 200.0), at_second(201, 200.1));
            let StepKind::Connection(connection) = &mut step.kind else { panic!("no connection") };
            connection.closes.push((closed, Side::Server, Close::Fin));
            connection.stats.client.last = Some(if acknowledged { later } else { at_second(199, 199.0) });
            connection.stats.server.last = Some(closed);
            (step.stage, step.outcome, step.last) =
                (Stage::Session, Outcome::Ok, connection.stats.client.last.max(Some(closed)).unwrap());
            step.ending = Some(Ending { by: By::Server, how: How::Fin, at: closed });
            let judged = Judgement { draft: 1, weight: Weight::default(), step, signed_in: Some(0.9) };
            let attempts = attempts_of(vec![judged], &profile(), at_second(900, 900.0).time);
            attempts[0].0.drop.map(|drop| drop.stage)
        };
        assert_eq!((close(false), close(true)), (None, Some(Stage::Session)));
    }

    #[test]
    fn who_comes_back_when_its_binding_is_due_had_it_all_the_time_though_the_server_closed_the_connection() {
        let registers = |second: u64, seconds: u32| {
            let granted = sip::Message { expires: Some(seconds), ..sip_answer(200, 1) };
            let connects = tcp(Purpose::Registrar).pause(second as f64).sip(sip_request("REGISTER", 1), Some(granted));
            let mut step = connects.into_step(second);
            (step.stage, step.outcome, step.first) = (Stage::Session, Outcome::Ok, at_second(second, second as f64));
            let closed = at_second(second + 9, (second + 390) as f64);
            step.ending = (second == 10).then_some(Ending { by: By::Server, how: How::Fin, at: closed });
            Judgement { draft: 1, weight: Weight::default(), step, signed_in: Some(0.99) }
        };
        let attempts = |again: u64, seconds: u32| {
            let end = at_second(9_000, 9_000.0).time;
            attempts_of(vec![registers(10, seconds), registers(again, seconds)], &profile(), end).len()
        };
        assert_eq!(attempts(1_800, 3_600), 1);
        assert_eq!(attempts(410, 3_600), 2, "it is back at once: it wants its connection");
        assert_eq!(attempts(410, 600), 1);
    }

    #[test]
    fn who_does_not_come_back_while_its_binding_stands_rests_though_sessions_before_were_cut_in_the_same_way() {
        let sessions = |granted: u32, end: u64| {
            let registers = |second: u64| {
                let granted = sip::Message { expires: Some(granted), ..sip_answer(200, 1) };
                let connects = tcp(Purpose::Registrar).pause(second as f64).sip(sip_request("REGISTER", 1), Some(granted));
                let mut step = connects.into_step(second);
                (step.stage, step.outcome, step.first) = (Stage::Session, Outcome::Ok, at_second(second, second as f64));
                let closed = at_second(second + 9, (second + 300) as f64);
                (step.last, step.ending) = (closed, Some(Ending { by: By::Server, how: How::Fin, at: closed }));
                Judgement { draft: 1, weight: Weight::default(), step, signed_in: Some(0.99) }
            };
            let attempts = attempts_of(vec![registers(10), registers(320)], &profile(), at_second(end, end as f64).time);
            attempts.iter().map(|(attempt, _)| attempt.drop.is_some()).collect::<Vec<_>>()
        };
        assert_eq!(sessions(3_600, 1_200), [true, false]);
        assert_eq!(sessions(3_600, 680), [true, true], "it may be back in a moment, as it was before");
        assert_eq!(sessions(900, 1_400), [true, true], "it lets its binding run out");
    }

    #[test]
    fn who_looks_its_registrar_up_again_to_refresh_its_binding_had_it_all_the_time() {
        let attempts = |again: u64, seconds: u32| {
            let registers = |second: u64| {
                let granted = sip::Message { expires: Some(seconds), ..sip_answer(200, 1) };
                let mut step =
                    tcp(Purpose::Registrar).pause(second as f64).sip(sip_request("REGISTER", 1), Some(granted)).into_step(second);
                (step.stage, step.outcome, step.first) = (Stage::Session, Outcome::Ok, at_second(second, second as f64));
                step
            };
            let ending = Some(Ending { by: By::Server, how: How::Fin, at: at_second(130, 130.0) });
            let (_, asked) = moved(lookup("sip.contoso.com").address("10.0.0.5"), again);
            let asked = Step { purpose: Purpose::Registrar, outcome: Outcome::Ok, ..asked };
            let judged = |step: Step| {
                let signed_in = (step.stage == Stage::Session).then_some(0.99);
                Judgement { draft: 1, weight: Weight::default(), step, signed_in }
            };
            let steps = [Step { ending, ..registers(10) }, asked, registers(again + 1)];
            attempts_of(steps.map(judged).into(), &profile(), at_second(9_000, 9_000.0).time).len()
        };
        assert_eq!(attempts(200, 300), 1);
        assert_eq!(attempts(200, 3_600), 2, "it wants its connection");
    }

    #[test]
    fn another_line_and_what_is_asked_beside_a_binding_use_a_connection_of_their_own() {
        // How many attempts are a session of a minute, and what comes on the next connection 90 seconds later.
        let attempts = |by: By, method: &'static str, line: &'static str| {
            let says = |second: u64, method: &'static str, line: &str, call: &str| {
                let asks = sip::Message { to: Some(line.into()), call_id: call.into(), ..sip_request(method, 1) };
                let granted = sip::Message { expires: Some(3_600), ..sip_answer(200, 1) };
                let mut step = tcp(Purpose::Registrar).pause(second as f64).sip(asks, Some(granted)).into_step(second);
                (step.stage, step.outcome, step.first) = (Stage::Session, Outcome::Ok, at_second(second, second as f64));
                step
            };
            let first = says(10, "REGISTER", "sip:1@contoso.com", "one");
            let ending = Some(Ending { by, how: How::Fin, at: at_second(60, 60.0) });
            let steps = [Step { ending, ..first }, says(150, method, line, "two")];
            let judged = |step: Step| Judgement { draft: 1, weight: Weight::default(), step, signed_in: Some(0.99) };
            attempts_of(steps.map(judged).into(), &profile(), at_second(9_000, 9_000.0).time).len()
        };
        assert_eq!(attempts(By::Device, "REGISTER", "sip:2@contoso.com"), 1, "another line");
        assert_eq!(attempts(By::Device, "REGISTER", "sip:1@contoso.com"), 2, "the same one, anew");
        assert_eq!(attempts(By::Server, "SUBSCRIBE", "sip:201@contoso.com"), 1, "it is still bound");
        assert_eq!(attempts(By::Server, "REGISTER", "sip:1@contoso.com"), 2, "it wants its connection");
    }

    #[test]
    fn who_asks_whether_it_is_granted_what_it_waits_for_does_not_start_over() {
        let signs_in = Profile { sign_in_names: vec!["login.contoso.com".to_owned()], ..profile() };
        let at_sign_in = |second: u64, reaches: bool| {
            let step = match reaches {
                true => tcp(Purpose::Enrolment).to("10.0.0.9", 443).named("login.contoso.com").hello().into_step(second),
                false => {
                    let calls = syn(Purpose::Enrolment).to("10.0.0.9", 443).named("login.contoso.com").timed_out(By::Network);
                    Step { outcome: Outcome::Failed, ..calls.into_step(second) }
                }
            };
            moved(step, second)
        };
        assert_eq!(begin_as(&signs_in, vec![at_sign_in(1, true), at_sign_in(10, false), at_sign_in(20, true)]), [1]);
        assert_eq!(begin_as(&signs_in, vec![at_sign_in(1, false), at_sign_in(10, false), at_sign_in(20, false)]), [1, 10, 20]);
        let by_scep = |second: u64, status: u8| {
            let attribute = [b"\x06\x0a\x60\x86\x48\x01\x86\xf8\x45\x01\x09\x03\x31\x03\x13\x01", &[status][..]].concat();
            let asks = tcp(Purpose::Enrolment).to("10.0.0.8", 80).get("/scep?operation=PKIOperation");
            let told = asks.answer_with(200, move |response| response.body.bytes = attribute.into());
            let (_, step) = moved(told.leaves(Side::Client, Close::Fin), second);
            (second, Step { outcome: Outcome::Ok, ending: None, ..step })
        };
        assert_eq!(begin(vec![by_scep(1, b'3'), by_scep(60, b'3'), by_scep(120, b'0')]), [1], "it waits for somebody");
        assert_eq!(begin(vec![by_scep(1, b'0'), by_scep(60, b'0')]), [1, 60], "it has it, and asks for another");
    }

    /// What each attempt ends in, where a device signs in at 10 s, says its last word at this second, its server takes leave at 400 s, and it
    /// connects again at that second, with or without success.
    fn left_idle(said: u64, again: u64, reaches: bool) -> Vec<Option<Stage>> {
        let (_, mut session) = moved(tcp(Purpose::Registrar), 10);
        let closed = at_second(400, 400.0);
        let StepKind::Connection(connection) = &mut session.kind else { panic!("no connection") };
        connection.stats.client.last_data = Some(at_second(said, said as f64));
        (session.stage, session.outcome, session.last) = (Stage::Session, Outcome::Ok, closed);
        session.ending = Some(Ending { by: By::Server, how: How::Fin, at: closed });
        let (_, mut next) = moved(tcp(Purpose::Registrar), again);
        let at = at_second(again, again as f64);
        match reaches {
            true => (next.stage, next.outcome, next.ending) = (Stage::Session, Outcome::Ok, None),
            false => {
                (next.stage, next.outcome) = (Stage::Connect, Outcome::Failed);
                next.ending = Some(Ending { by: By::Server, how: How::Rst, at });
            }
        }
        let judged = |step: Step, signed_in: bool| Judgement {
            draft: 1,
            weight: Weight::default(),
            step,
            signed_in: signed_in.then_some(0.9),
        };
        let attempts =
            attempts_of(vec![judged(session, true), judged(next, reaches)], &profile(), at_second(3_000, 3_000.0).time);
        attempts.iter().map(|(attempt, _)| attempt.drop.map(|drop| drop.stage)).collect()
    }

    #[test]
    fn an_idle_session_that_the_server_closes_is_dropped_only_if_the_device_wants_it_back() {
        assert_eq!(left_idle(100, 1_800, true), [None], "it connects again when it has something to say");
        assert_eq!(left_idle(100, 410, true), [Some(Stage::Session), None], "it is back at once");
        assert_eq!(left_idle(395, 1_800, true), [Some(Stage::Session), None], "it was in use");
        assert_eq!(left_idle(100, 1_800, false), [Some(Stage::Session), Some(Stage::Connect)], "it cannot come back");
    }

    #[test]
    fn a_device_that_rests_unconnected_may_look_for_a_file_meanwhile() {
        let attempts = |again: u64| {
            let (_, mut session) = moved(tcp(Purpose::Registrar), 10);
            let closed = at_second(400, 400.0);
            let StepKind::Connection(connection) = &mut session.kind else { panic!("no connection") };
            connection.stats.client.last_data = Some(at_second(100, 100.0));
            (session.stage, session.outcome, session.last) = (Stage::Session, Outcome::Ok, closed);
            session.ending = Some(Ending { by: By::Server, how: How::Fin, at: closed });
            let (_, file) = moved(tcp(Purpose::Provision).to("10.0.0.7", 80).get("/ring.wav").answer(404), again);
            let judged = |step, signed_in| Judgement { draft: 1, weight: Weight::default(), step, signed_in };
            let judged = vec![judged(session, Some(0.9)), judged(Step { outcome: Outcome::Failed, ..file }, None)];
            attempts_of(judged, &profile(), at_second(3_000, 3_000.0).time).len()
        };
        assert_eq!(attempts(1_800), 1);
        assert_eq!(attempts(410), 2, "it has lost its session, and begins anew");
    }

    /// What becomes of an attempt in which a device signs in, where it begins from nothing after so many seconds; and whether that
    /// waits for what comes.
    fn restarted_after(seconds: u64, keeps_restarting: bool) -> (Option<How>, bool) {
        let (_, mut session) = moved(tcp(Purpose::Registrar).data(Side::Server, 9), 10);
        (session.stage, session.outcome) = (Stage::Session, Outcome::Ok);
        let signs_in = Judgement { draft: 1, weight: Weight::default(), step: session, signed_in: Some(0.9) };
        let (_, asks) = moved(lease(&[]), 10 + seconds);
        let judged = vec![signs_in, Judgement { draft: 2, weight: Weight::default(), step: asks, signed_in: None }];
        let mut settled = Settled { keeps_restarting, ..Settled::default() };
        let Split { attempts, undecided, .. } =
            split(judged, &profile(), at_second(900, 900.0).time, at_second(900, 900.0).time, &mut settled);
        (attempts[0].0.drop.map(|drop| drop.how), undecided == Some(0))
    }

    #[test]
    fn one_restart_in_mid_session_is_an_accident_until_there_is_another() {
        assert_eq!(restarted_after(150, false), (None, true));
        assert_eq!(restarted_after(150, true), (Some(How::Abandoned), false), "it did so before");
        assert_eq!(restarted_after(700, true), (None, false), "it had come to rest");
    }

    #[test]
    fn a_session_that_stood_and_is_closed_as_the_capture_ends_may_come_back() {
        let cut = Some((Stage::Session, How::Fin));
        assert_eq!(last_of_sessions(&[(10, 130)], 131), None, "the next connection may be behind the capture's end");
        assert_eq!(last_of_sessions(&[(10, 130)], 140), cut, "there is none");
        assert_eq!(last_of_sessions(&[(10, 20)], 21), cut, "it never stood");
        assert_eq!(last_of_sessions(&[(10, 130), (150, 270)], 271), cut, "it did not come back before");
    }

    /// A registration that ends in a 401 with this challenge; with `credentials`, it is the second.
    fn challenged(scheme: &str, credentials: bool, second: u64) -> Step {
        let challenge = || sip::Message { challenges: vec![sip_auth(scheme)], ..sip_answer(401, 1) };
        let bare = (1, sip_request("REGISTER", 1), Some(challenge()));
        let given = sip::Message { credentials: vec![sip_auth(scheme)], ..sip_request("REGISTER", 2) };
        let second_leg = (2, given, Some(challenge()));
        let legs = if credentials { vec![bare, second_leg] } else { vec![bare] };
        let (_, mut step) = moved(registration(legs), second);
        step.ending = Some(Ending { by: By::Server, how: How::Rejected, at: step.last });
        Step { stage: Stage::Register, outcome: Outcome::Failed, ..step }
    }

    /// How the attempts end that these steps make.
    fn ends(steps: Vec<Step>, end: u64) -> Vec<Option<How>> {
        let judged = |step: Step| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None };
        let judgements = steps.into_iter().map(judged).collect();
        let attempts = attempts_of(judgements, &profile(), at_second(end, end as f64).time);
        attempts.into_iter().map(|(attempt, _)| attempt.drop.map(|drop| drop.how)).collect()
    }

    #[test]
    fn who_begins_from_nothing_after_its_first_challenge_was_refused_nothing() {
        let restarts = |step: Step| ends(vec![moved(lease(&[]), 1).1, step, moved(lease(&[]), 50).1], 51)[0];
        assert_eq!(restarts(challenged("Digest", false, 5)), Some(How::Abandoned));
        assert_eq!(restarts(challenged("Digest", true, 5)), Some(How::Rejected), "its credentials were");
        assert_eq!(restarts(challenged("NTLM", false, 5)), Some(How::Rejected), "few phones speak that");
        let again = ends(vec![challenged("Digest", false, 5), challenged("Digest", false, 40)], 100);
        assert_eq!(again, [Some(How::Rejected), Some(How::Rejected)], "it asks again and never answers");
    }

    #[test]
    fn a_first_challenge_as_the_capture_ends_is_no_end_that_refused_credentials_were_before() {
        let last = |credentials: bool| {
            ends(vec![challenged("Digest", credentials, 5), challenged("Digest", false, 40)], 40).pop().flatten()
        };
        assert_eq!((last(true), last(false)), (None, Some(How::Rejected)));
    }

    fn failed(step: (u64, Step), how: How) -> Step {
        let ending = Some(Ending { by: By::Server, how, at: step.1.last });
        Step { outcome: Outcome::Failed, ending, ..step.1 }
    }

    #[test]
    fn what_a_client_goes_on_from_at_once_is_no_end_as_the_capture_ends() {
        let words: [fn(u64) -> Step; 4] = [
            |second| failed(moved(lookup("sip.contoso.com").rcode(3), second), How::Rejected),
            |second| failed(moved(dhcp_exchange().request().nak(), second), How::Rejected),
            |second| failed(moved(tcp(Purpose::Provision).get("/0004f21a2b3c.cfg").answer(404), second), How::Rejected),
            |second| {
                failed(
                    moved(registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(302, 1)))]), second),
                    How::Rejected,
                )
            },
        ];
        for word in words {
            assert_eq!((ends(vec![word(5)], 5), ends(vec![word(5)], 60)), (vec![None], vec![Some(How::Rejected)]));
            assert_eq!(ends(vec![word(5), word(40)], 40), [Some(How::Rejected); 2], "the first did not go on either");
        }
    }

    #[test]
    fn a_server_that_sends_a_client_on_twice_leads_it_in_a_circle() {
        let sent_on = |times: u32| {
            let asked = (1..=times).map(|number| (1, sip_request("REGISTER", number), Some(sip_answer(302, number))));
            failed(moved(registration(asked.collect()), 5), How::Rejected)
        };
        assert_eq!((ends(vec![sent_on(1)], 5), ends(vec![sent_on(2)], 5)), (vec![None], vec![Some(How::Rejected)]));
    }

    /// How the first attempt of a device ends whose session this side closes so, and that logs in again so many seconds later.
    fn closed_before(by: By, how: How, seconds: u64) -> Option<How> {
        let session = |second: u64| {
            let (_, step) = moved(tcp(Purpose::Registrar).hello(), second);
            let ending = Some(Ending { by, how, at: at_second(second + 2, second as f64 + 2.0) });
            Judgement {
                draft: 1,
                weight: Weight::default(),
                step: Step { stage: Stage::Session, ending, ..step },
                signed_in: Some(0.9),
            }
        };
        let leases = |second: u64| {
            let (_, step) = moved(lease(&[]), second);
            Judgement { draft: 2, weight: Weight::default(), step, signed_in: None }
        };
        let again = 4 + seconds;
        let judged = vec![leases(1), session(2), leases(again), session(again + 1)];
        let attempts = attempts_of(judged, &profile(), at_second(9000, 9000.0).time);
        assert_eq!(attempts.len(), 2);
        attempts[0].0.drop.map(|drop| drop.how)
    }

    #[test]
    fn who_looks_in_vain_for_the_registrar_of_a_session_has_not_signed_off() {
        let ending = Some(Ending { by: By::Device, how: How::Fin, at: at_second(4, 4.0) });
        let (_, session) = moved(tcp(Purpose::Registrar).hello(), 2);
        let session = Step { stage: Stage::Session, ending, ..session };
        let looks_up = |second| {
            let step = failed(moved(lookup("sip.contoso.com").rcode(2), second), How::Rejected);
            Step { purpose: Purpose::Registrar, ..step }
        };
        let in_good_order = |steps: &[Step]| closes_in_good_order(steps, &[true, false]);
        assert!(in_good_order(&[session.clone(), moved(lease(&[]), 9).1]));
        assert!(!in_good_order(&[session, looks_up(9)]));
    }

    #[test]
    fn a_device_that_closes_its_session_in_good_order_and_comes_back_much_later_had_signed_off() {
        let (soon, later) = (SIGNED_OFF / SECOND - 60, SIGNED_OFF / SECOND + 60);
        assert_eq!(closed_before(By::Device, How::Fin, later as u64), None);
        assert_eq!(closed_before(By::Device, How::Fin, soon as u64), Some(How::Fin), "it lost it");
        assert_eq!(closed_before(By::Device, How::Rst, later as u64), Some(How::Rst), "it broke off");
        assert_eq!(closed_before(By::Server, How::Fin, later as u64), Some(How::Fin), "it was cut");
    }

    #[test]
    fn a_device_that_is_at_work_as_the_capture_ends_has_not_stopped() {
        let refused = |second| failed(refused(second), How::Rst);
        let next = |second| {
            let (_, step) = moved(lookup("sip2.contoso.com"), second);
            Step { purpose: Purpose::Registrar, outcome: Outcome::Ok, ..step }
        };
        assert_eq!(ends(vec![refused(5), next(6)], 7), [None]);
        assert_eq!(ends(vec![refused(5), next(6)], 20), [Some(How::Rst)], "nothing came of it");
        assert_eq!(ends(vec![refused(5)], 6), [Some(How::Rst)], "it is not seen at work");
        let renews = |second| {
            let (_, mut step) = moved(dhcp_exchange().request().ack(&[]), second);
            let StepKind::Lease(lease) = &mut step.kind else { panic!("no lease") };
            lease.renews = true;
            Step { purpose: Purpose::Address, outcome: Outcome::Ok, ..step }
        };
        assert_eq!(ends(vec![refused(5), renews(300)], 301), [Some(How::Rst)], "half of the time of its lease was over");
        assert_eq!(ends(vec![refused(5), refused(40), next(41)], 42), [Some(How::Rst); 2], "it did not come further before");
    }

    /// Do the attempts of a device drop that is registered at second 10, for 120 s as `change` leaves it, and that asks for its
    /// registrar from second 250 on, twice; after that, `then` is asked for and found.
    fn asks_again(change: fn(&mut sip::Message), then: Option<&str>) -> Vec<bool> {
        let mut granted = sip_answer(200, 1);
        (granted.expires, granted.contacts) = (Some(120), vec!["sip:2001@10.0.4.23".into()]);
        change(&mut granted);
        let registers = registration(vec![(1, sip_request("REGISTER", 1), Some(granted))]);
        let registered = Step { stage: Stage::Register, outcome: Outcome::Ok, ..moved(registers, 10).1 };
        let asks = |second: u64| {
            let (_, silent) = moved(lookup("_sip._udp.contoso.com").times(3), second);
            let ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: silent.last });
            let found = then.map(|name| moved(lookup(name).address("10.0.0.5"), second + 1).1);
            let found = found.map(|found| Step { purpose: Purpose::Registrar, outcome: Outcome::Ok, ..found });
            [Some(Step { purpose: Purpose::Registrar, outcome: Outcome::Failed, ending, ..silent }), found].into_iter().flatten()
        };
        let steps = [moved(lease(&[]), 1).1, registered].into_iter().chain(asks(250)).chain(asks(350));
        let judged = |step: Step| {
            let signed_in = (step.stage == Stage::Register).then_some(0.99);
            Judgement { draft: 1, weight: Weight::default(), step, signed_in }
        };
        let attempts = attempts_of(steps.map(judged).collect(), &profile(), at_second(900, 900.0).time);
        attempts.into_iter().map(|(attempt, _)| attempt.drop.is_some()).collect()
    }

    #[test]
    fn who_asks_for_its_registrar_in_vain_when_its_binding_has_run_out_is_at_the_beginning() {
        assert_eq!(asks_again(|_| (), None), [false, true, true]);
        assert_eq!(asks_again(|granted| granted.expires = Some(600), None), [false], "it is still bound");
        assert_eq!(asks_again(|granted| granted.expires = None, None), [false], "for how long does not show");
        let of_others = |granted: &mut sip::Message| granted.contacts.push("sip:2001@10.0.4.99".into());
        assert_eq!(asks_again(of_others, None), [false], "it may be the binding of another device");
        assert_eq!(asks_again(|_| (), Some("sip.contoso.com")), [false], "the next name is good: what followed may be lost");
    }

    #[test]
    fn a_question_of_the_last_seconds_is_no_silence_though_it_was_asked_again() {
        let silent = |name: &str, begun: u64| {
            let (_, step) = moved(lookup(name).times(3), begun);
            Step { purpose: Purpose::Registrar, ..failed((begun, step), How::Timeout) }
        };
        let alone = |end: u64| ends(vec![silent("pbx.contoso.com", 5)], end);
        assert_eq!((alone(7), alone(9)), (vec![None], vec![Some(How::Timeout)]));
        let list = ends(vec![silent("sip.contoso.com", 1), silent("pbx.contoso.com", 5)], 7);
        assert_eq!(list, [Some(How::Timeout)], "the one before it is silent already");
    }

    #[test]
    fn a_phone_that_nobody_hears_in_its_voice_vlan_and_that_is_lent_an_address_in_another_is_at_the_same_start() {
        let silent = |second: u64| {
            let asked = dhcp_exchange().discover().discover().act(|lease, _| lease.vlan = Some(20));
            (second, failed(moved(asked, second), How::Timeout))
        };
        let lent = |vlan: Option<u16>, second: u64| {
            let (_, step) = moved(lease(&[]).act(move |lease, _| lease.vlan = vlan), second);
            (second, Step { outcome: Outcome::Ok, ..step })
        };
        assert_eq!(begin(vec![silent(1), lent(None, 60)]), [1]);
        assert_eq!(begin(vec![silent(1), lent(Some(20), 60)]), [1, 60], "the server is there again");
        assert_eq!(begin(vec![silent(1), lent(None, 600)]), [1, 600], "somebody plugged it in elsewhere");
        assert_eq!(begin(vec![silent(1), lent(None, 60), silent(120), lent(None, 180)]), [1, 120]);
        let router = failed(moved(router(3, false), 1), How::Timeout);
        assert_eq!(begin(vec![(1, router), lent(None, 20)]), [1, 20], "it had an address");
    }

    #[test]
    fn another_inform_after_a_long_pause_begins_the_next_attempt() {
        let silent = |frame: u64| {
            let (_, mut step) = moved(dhcp_exchange().inform().inform(), frame);
            step.outcome = Outcome::Failed;
            step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            (frame, step)
        };
        assert_eq!(begin(vec![moved(lease(&[]), 1), silent(10), silent(40)]), [1, 40]);
        assert_eq!(begin(vec![moved(lease(&[]), 1), silent(10), silent(15)]), [1], "it goes on asking");
    }

    #[test]
    fn what_a_host_asks_by_inform_beside_its_login_begins_nothing() {
        let told = |second: u64| moved(dhcp_exchange().inform().ack(&[]), second);
        let beside = vec![moved(lease(&[]), 1), refused(10), told(35), told(60), refused(130), told(150), told(175)];
        assert_eq!(begin(beside), [1, 130]);
        let on_its_way = vec![moved(lease(&[]), 1), told(2), refused(10), told(40), refused(50)];
        assert_eq!(begin(on_its_way), [1, 40]);
        let side_by_side = vec![moved(lease(&[]), 1), refused(10), told(11), told(40), refused(50)];
        assert_eq!(begin(side_by_side), [1, 40]);
    }

    #[test]
    fn informs_between_restarts_that_do_not_bring_what_the_device_needs_are_one_attempt_for_each_start() {
        let told = |second: u64| moved(dhcp_exchange().inform().ack(&[]), second);
        let boots = |second: u64| vec![moved(lease(&[]), second), told(second + 1), told(second + 5), told(second + 13)];
        assert_eq!(begin([boots(1), boots(80), boots(160)].concat()), [1, 80, 160]);
        assert_eq!(begin(boots(1)), [1, 6, 14], "it never restarts");
    }

    /// The drops of the attempts that such connections to the registrar make, a minute apart, and whether the last may have signed in.
    fn drops(change: fn(&mut crate::login::steps::Connection)) -> (Vec<bool>, bool) {
        let connection = |second: u64| {
            let said = tcp(Purpose::Registrar).data(crate::model::Side::Client, 300).data(crate::model::Side::Server, 300);
            let (_, mut step) = moved(said.change(change), second);
            (step.outcome, step.ending) = (Outcome::Unclear, None);
            Judgement { draft: second, weight: Weight::default(), step, signed_in: None }
        };
        let judged = [1, 60, 120].map(connection).into();
        let attempts = attempts_of(judged, &profile(), at_second(900, 900.0).time);
        let hidden = attempts.last().is_some_and(|(attempt, _)| attempt.may_have_signed_in());
        (attempts.iter().map(|(attempt, _)| attempt.drop.is_some()).collect(), hidden)
    }

    #[test]
    fn a_device_that_begins_anew_left_what_it_had_unless_the_capture_lacks_what_that_came_to() {
        assert_eq!(drops(|_| {}), (vec![true, true, false], false));
        assert_eq!(drops(|connection| connection.stats.server.uncaptured = 300), (vec![false; 3], true));
    }

    #[test]
    fn a_device_whose_keep_alive_is_answered_is_beyond_registering() {
        assert_eq!(drops(|connection| connection.granted = true), (vec![false; 3], true));
    }

    #[test]
    fn a_device_that_goes_back_to_the_beginning_dropped_whatever_the_capture_lacks() {
        let holed = |second: u64| {
            let said = tcp(Purpose::Registrar).data(crate::model::Side::Client, 300).data(crate::model::Side::Server, 300);
            let (_, mut step) = moved(said.change(|connection| connection.stats.server.uncaptured = 300), second);
            (step.outcome, step.ending) = (Outcome::Unclear, None);
            step
        };
        let steps = [moved(lease(&[]), 1).1, holed(5), moved(lease(&[]), 60).1, holed(65)];
        let judged = |step: Step| Judgement { draft: 1, weight: Weight::default(), step, signed_in: None };
        let attempts = attempts_of(steps.map(judged).into(), &profile(), at_second(900, 900.0).time);
        assert_eq!(attempts.iter().map(|(attempt, _)| attempt.drop.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_session_of_which_only_the_middle_shows_holds_as_long_as_something_is_said() {
        let begins = |seconds: [u64; 3]| {
            let stands = tcp(Purpose::Registrar).change(|connection| (connection.syn, connection.syn_ack) = (None, None));
            let (_, mut stands) = moved(stands.data(Side::Client, 4).data(Side::Server, 2), 1);
            (stands.stage, stands.outcome) = (Stage::Session, Outcome::Ok);
            let judged = |step: Step, signed_in| Judgement { draft: 1, weight: Weight::default(), step, signed_in };
            let shut = |second: u64| {
                let (_, step) = moved(syn(Purpose::Registrar).to("10.0.0.6", 5061).leaves(Side::Server, Close::Rst), second);
                judged(Step { outcome: Outcome::Failed, ..step }, None)
            };
            let judgements = std::iter::once(judged(stands, Some(0.65))).chain(seconds.map(shut)).collect();
            let attempts = attempts_of(judgements, &profile(), at_second(9_000, 9_000.0).time);
            attempts.iter().map(|(attempt, _)| (attempt.first.frame.number(), attempt.drop.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(begins([60, 120, 180]), [(1, false)], "a stand-by");
        assert_eq!(begins([2_000, 2_060, 2_120]), [(1, true), (2_060, true), (2_120, true)], "nothing is said any more");
    }
}
