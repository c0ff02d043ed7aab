//! Tries in, the same tries out with those joined that a device makes of one thing before it restarts. Knows no drops.
//!
//! A device that boots, asks for something thrice and boots again has made one attempt, not three. That such quick repeats are
//! the device's patience and no loop of their own shows by what lies between: it restarts, or pauses much longer, again and again.

use std::ops::Range;

use crate::model::{Outcome, SECOND};

use super::steps::{Step, StepKind};
use super::target::{is_main_road, target};
use super::tries::{Try, pause};

/// What is repeated within this time of its failure is tried again; after more the device had paused.
const RETRY: i64 = 5 * SECOND;
/// A device asks again by INFORM within this time where the answer does not hold what it needs (RFC 2131 section 4.1: it waits 4 s,
/// then 8).
const INFORM_AGAIN: i64 = 10 * SECOND;
/// A pause that is so many times as long as those between the repeats sets them apart from the next ones.
const LONGER: i64 = 4;
/// No device is so patient that it repeats more often before it restarts.
const PATIENCE: usize = 16;

/// Joins the repeats within each start, where the device has shown in two of them that it makes such; `is_habit` says that it
/// has before. Returns the first try that the next start may yet tell to be a repeat.
pub(super) fn join(tries: &mut Vec<Try>, is_habit: &mut bool) -> Option<usize> {
    let starts = starts(tries);
    let repeated: Vec<bool> = starts.iter().map(|start| is_repeats(tries, start)).collect();
    *is_habit |= repeated.iter().filter(|repeated| **repeated).count() >= 2;
    if !*is_habit {
        let undecided = repeated.iter().rposition(|repeated| *repeated).filter(|place| place.saturating_add(2) >= starts.len());
        return undecided.and_then(|place| starts.get(place)).map(|start| start.start);
    }
    for (start, _) in starts.into_iter().zip(repeated).rev().filter(|(_, repeated)| *repeated) {
        let mut rest = tries.drain(start.start.saturating_add(1)..start.end).collect::<Vec<_>>().into_iter();
        if let Some(first) = tries.get_mut(start.start) {
            rest.by_ref().for_each(|next| first.join(next));
        }
    }
    None
}

/// From each restart or pause of the device to the next.
fn starts(tries: &[Try]) -> Vec<Range<usize>> {
    let mut starts = Vec::new();
    let mut begin = 0;
    for (place, current) in tries.iter().enumerate() {
        let end = place.saturating_add(1);
        let next = tries.get(end);
        if current.restarted || next.is_none_or(|next| gap(current, next) > RETRY && !informs_again(current, next)) {
            starts.push(begin..end);
            begin = end;
        }
    }
    starts
}

/// How long the device did nothing between two tries.
pub(super) fn gap(before: &Try, next: &Try) -> i64 {
    let begun = next.steps().map(|step| step.first).min();
    before.last.zip(begun).map_or(i64::MAX, |(last, begun)| pause(last, begun))
}

/// Is each of these but the first a quick repeat of what failed in the one before, and what lies around them much longer?
fn is_repeats(tries: &[Try], start: &Range<usize>) -> bool {
    let within = tries.get(start.clone()).unwrap_or_default();
    let pairs = || within.iter().zip(within.iter().skip(1));
    let longest = pairs().map(|(before, next)| gap(before, next)).max().unwrap_or(0);
    let is_apart = |place: usize| {
        let around = tries.get(place).zip(tries.get(place.saturating_add(1)));
        around.is_none_or(|(before, next)| before.restarted || gap(before, next) > longest.saturating_mul(LONGER))
    };
    (2..=PATIENCE).contains(&within.len())
        && pairs().all(|(before, next)| repeats(before, next))
        && start.start.checked_sub(1).is_none_or(is_apart)
        && is_apart(start.end.saturating_sub(1))
}

fn repeats(before: &Try, next: &Try) -> bool {
    let is_errand = |step: &&Step| is_main_road(step) && !matches!(step.kind, StepKind::Lookup(_));
    let failed = before.steps().filter(is_errand).filter(|step| step.outcome == Outcome::Failed).last();
    let again = next.steps().find(is_errand);
    informs_again(before, next)
        || failed.zip(again).is_some_and(|(failed, again)| {
            target(failed) == target(again) && failed.ending.is_some_and(|ending| again.first.time.since(ending.at.time) <= RETRY)
        })
}

/// Does the device ask all DHCP servers once more for what it was told, as the answer was not enough?
fn informs_again(before: &Try, next: &Try) -> bool {
    let informs = |step: &&Step| matches!(&step.kind, StepKind::Lease(lease) if !lease.informs.is_empty());
    let told = before.steps().filter(|step| is_main_road(step)).last().filter(informs);
    let again = next.steps().find(|step| is_main_road(step)).filter(informs);
    told.is_some() && again.is_some() && gap(before, next) <= INFORM_AGAIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{IntoStep, at_second, syn};
    use crate::login::judge::Judgement;
    use crate::login::record::Weight;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    /// A device that begins at these seconds, with what it is refused; `|` is a restart.
    fn joined(story: &str, is_habit: &mut bool) -> (Vec<usize>, Option<usize>) {
        let mut tries: Vec<Try> = Vec::new();
        for word in story.split(' ') {
            match word.strip_prefix(['a', 'b']) {
                Some(second) => tries.push(refused(word.starts_with('a'), second.parse().unwrap())),
                None => tries.last_mut().unwrap().restarted = true,
            }
        }
        let undecided = join(&mut tries, is_habit);
        (tries.iter().map(|joined| joined.judgements.len()).collect(), undecided)
    }

    fn refused(by_first_server: bool, second: u64) -> Try {
        let port = if by_first_server { 443 } else { 80 };
        let mut step = syn(Purpose::Provision).to("10.0.0.7", port).leaves(Side::Server, Close::Rst).into_step(second);
        let now = at_second(second, second as f64);
        (step.first, step.last, step.outcome) = (now, now, Outcome::Failed);
        step.ending = step.ending.map(|ending| crate::login::steps::Ending { at: now, ..ending });
        let mut one = Try::default();
        one.add(Judgement { draft: 1, weight: Weight::default(), step, signed_in: None });
        one
    }

    #[test]
    fn what_a_device_repeats_between_its_restarts_is_one_attempt() {
        assert_eq!(joined("a1 a3 a5 | a40 a42 a44 | a80 a82", &mut false), (vec![3, 3, 2], None));
        assert_eq!(joined("a1 a3 a5 | a40 a42 a44 a46", &mut false), (vec![3, 4], None));
        assert_eq!(joined("a1 a3 a5 a7 a9 a11", &mut false), (vec![1; 6], Some(0)), "it never restarts");
        let endless = (1..=PATIENCE + 1).map(|second| format!("a{second}")).collect::<Vec<_>>().join(" ");
        assert_eq!(joined(&endless, &mut false).1, None);
        assert_eq!(
            joined("a1 a2 a3 a40 a41 a42 a80 a81 a82", &mut false),
            (vec![3, 3, 3], None),
            "it pauses, and does not restart"
        );
        assert_eq!(joined("a1 a4 a10 a13 a19 a22", &mut false), (vec![1; 6], None), "its pauses are not that unlike");
        assert_eq!(joined("a1 a11 a21 | a40 a50 a60 |", &mut false), (vec![1; 6], None), "it paused in between");
        assert_eq!(joined("a1 b3 a5 | a40 b42 a44 |", &mut false), (vec![1; 6], None), "it went to another server");
    }

    #[test]
    fn one_start_is_no_habit_until_another_has_gone_like_it() {
        assert_eq!(joined("a1 a3 a5 | a40", &mut false), (vec![1; 4], Some(0)));
        assert_eq!(joined("a1 a3 a5 | a40 | a80", &mut false), (vec![1; 5], None), "the next start went otherwise");
        let mut is_habit = false;
        joined("a1 a3 | a40 a42", &mut is_habit);
        assert!(is_habit);
        assert_eq!(joined("a80 a82 a84", &mut is_habit), (vec![3], None));
    }
}
