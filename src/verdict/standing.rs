//! All attempts of a device in, how it stands out: it loops, it dropped, it is signed in, or nobody can tell. Knows no cause.

use super::{AttemptSummary, Gathered};
use crate::login::steps::COMES_TO_REST;
use crate::model::{By, DropPoint, How, SECOND, Stage, Time, Verdict};

/// Nobody signs off so often in a row.
const SIGNED_OFF: usize = 4;
/// One that is in again came to rest sooner: it takes less to believe that.
const BACK_AT_REST: i64 = 180 * SECOND;
/// So many sessions that were cut after the same time are no incident.
const PERIODIC: usize = 3;
/// What cuts a session after its time is a time-out of minutes, or of an hour or two (RFC 5382 section 5 has NATs wait two hours and
/// four minutes at least). Who is cut after the same many hours meets what others do once a night.
const LONGEST_TIME_OUT: i64 = 4 * 3_600 * SECOND;
/// Within this time a device is back whose server was restarted: until then it finds that still shut.
const RECOVERS: i64 = 120 * SECOND;

impl Gathered {
    /// How the device stands, and how sure that is. `is_phone` says whether its family is known.
    pub(super) fn verdict(&self, is_phone: bool) -> (Verdict, f32) {
        let last_signed_in =
            self.signed_in.last().copied().flatten().filter(|_| self.attempts.last().is_some_and(|last| last.drop.is_none()));
        let (best, next_best) = self.shown;
        match (self.kept_out(), last_signed_in) {
            (_, Some(_)) if self.is_cut_again_and_again() => (Verdict::Loop, 0.8 * next_best),
            (_, Some(confidence)) => (Verdict::SignedIn, confidence),
            // What the device could not do before it has done since, and for long.
            (2.., None) if self.is_cut_late && self.cuts == 1 => (Verdict::Dropped, 0.9 * best),
            (3.., None) => (Verdict::Loop, 0.98 * next_best),
            (2, None) if !self.stops_at_one_stage() && (self.may_have_signed_in || self.is_beyond) => (Verdict::Incomplete, 0.7),
            (2, None) => (Verdict::Loop, 0.95 * next_best),
            // What came of the attempts since, the capture lacks.
            (1, None) if self.may_have_signed_in || self.is_beyond => (Verdict::Incomplete, 0.7),
            (1, None) => (Verdict::Dropped, 0.9 * best),
            (_, None) if self.attempts.last().is_some_and(|last| last.drop.is_some()) => (Verdict::Dropped, 0.9 * best),
            (_, None) if is_phone && !self.attempts.is_empty() => (Verdict::Incomplete, 0.9),
            (_, None) if self.may_be_phone => (Verdict::NoLogin, 0.7),
            (_, None) => (Verdict::NoLogin, 0.95),
        }
    }

    /// Was it the same stage that stopped the device each time?
    fn stops_at_one_stage(&self) -> bool {
        let mut stages = self.attempts.iter().filter_map(|attempt| attempt.drop).map(|drop| drop.stage);
        stages.next().is_none_or(|first| stages.all(|stage| stage == first))
    }

    /// Is this attempt one of those that a loop is made of: did it end before the session, or so soon after that began?
    fn keeps_out(&self, attempt: &AttemptSummary, soon: i64) -> bool {
        let Some(drop) = attempt.drop else { return false };
        drop.stage != Stage::Session || length(attempt) <= soon || self.is_periodic()
    }

    /// Of how many attempts a loop is made. Who came to rest more often than it was kept out is cut now and then, and does not loop.
    fn kept_out(&self) -> usize {
        let dropped = self.attempts.iter().filter(|attempt| attempt.drop.is_some()).count();
        let kept_out = self.attempts.iter().filter(|attempt| self.keeps_out(attempt, COMES_TO_REST)).count();
        let is_mostly_in = dropped.saturating_sub(kept_out) > kept_out;
        let kept_out = kept_out.saturating_sub(self.while_it_recovered());
        if is_mostly_in { kept_out.min(1) } else { kept_out }
    }

    /// How many failed between a session that an incident cut and the next one, where the device was back soon: they are part of
    /// that incident.
    fn while_it_recovered(&self) -> usize {
        let mut spared = 0_usize;
        let mut incident: Option<(Time, usize)> = None;
        for (attempt, signed_in) in self.attempts.iter().zip(&self.signed_in) {
            if signed_in.is_none() {
                let failed = usize::from(attempt.drop.is_some());
                incident = incident.map(|(cut, before)| (cut, before.saturating_add(failed)));
                continue;
            }
            let back = incident.filter(|(cut, _)| attempt.first.time.since(*cut) <= RECOVERS);
            spared = spared.saturating_add(back.map_or(0, |(_, failed)| failed));
            let cut = attempt.drop.filter(|_| !self.keeps_out(attempt, COMES_TO_REST));
            incident = cut.map(|drop| (drop.at.time, 0));
        }
        spared
    }

    fn cut(&self) -> impl Iterator<Item = &AttemptSummary> {
        self.attempts.iter().filter(|attempt| attempt.drop.is_some_and(|drop| drop.stage == Stage::Session))
    }

    /// Are the sessions cut after the same time, give or take a fifth, and is that a time-out's? A device that takes leave does so by
    /// a timer of its own.
    fn is_periodic(&self) -> bool {
        let cut = || self.cut().filter(|attempt| !attempt.drop.is_some_and(takes_leave));
        let (shortest, longest) = (cut().map(length).min(), cut().map(length).max());
        let alike = shortest.zip(longest).is_some_and(|(shortest, longest)| longest <= shortest.saturating_mul(6) / 5);
        alike && cut().count() >= PERIODIC && longest.is_some_and(|longest| longest <= LONGEST_TIME_OUT)
    }

    /// Sessions that were cut one like the other, and none since that has outlived them. A session that its device takes
    /// leave of may be one that somebody signed off.
    fn is_cut_again_and_again(&self) -> bool {
        let is_cut = |attempt: &AttemptSummary, stood: i64| {
            let in_session = attempt.drop.is_some_and(|drop| drop.stage == Stage::Session);
            in_session && (stood <= BACK_AT_REST || self.is_periodic())
        };
        let next = self.attempts.iter().skip(1).map(|next| Some(next.first.time)).chain([None]);
        let stood = self.attempts.iter().zip(next).map(|(attempt, next)| (attempt, stood(attempt, next)));
        let cut: Vec<_> = stood.filter(|(attempt, stood)| is_cut(attempt, *stood)).collect();
        let by_others = cut.iter().any(|(attempt, _)| !attempt.drop.is_some_and(takes_leave));
        let longest = cut.iter().map(|(_, stood)| *stood).max().unwrap_or(0);
        let last_cut = cut.last().map(|(attempt, _)| attempt.number);
        let mut since = self.attempts.iter().rev().take_while(|attempt| Some(attempt.number) != last_cut);
        cut.len() >= if by_others { 2 } else { SIGNED_OFF } && since.all(|attempt| length(attempt) <= longest)
    }
}

/// Does the device close in good order?
fn takes_leave(drop: DropPoint) -> bool {
    drop.by == By::Device && matches!(drop.how, How::Fin | How::Alert)
}

/// How long an attempt went well: what a device does after its drop, as prolonging its lease, is no part of that.
fn length(attempt: &AttemptSummary) -> i64 {
    attempt.drop.map_or(attempt.last, |drop| drop.at).time.since(attempt.first.time)
}

/// How long it was as it was before this next attempt began: what the device gives up without a word stands until then.
fn stood(attempt: &AttemptSummary, next: Option<Time>) -> i64 {
    let is_silent = attempt.drop.is_some_and(|drop| drop.how == How::Abandoned);
    next.filter(|_| is_silent).map_or_else(|| length(attempt), |next| next.since(attempt.first.time))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, attempt};
    use super::*;

    /// Sessions of ten seconds, each closed so, and a last one that stands.
    fn closed(times: u32, by: By, how: How) -> Verdict {
        let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
        for number in 1..=times.saturating_add(1) {
            let begun = i64::from(number) * 20;
            let drop = DropPoint { stage: Stage::Session, by, how, at: at(begun + 10) };
            gathered.signed_in.push(Some(0.9));
            gathered.attempts.push(attempt(number, begun, (number <= times).then_some(drop)));
        }
        gathered.verdict(true).0
    }

    #[test]
    fn sessions_that_others_cut_are_a_loop_and_those_that_the_device_takes_leave_of_only_when_there_are_many() {
        assert_eq!(closed(2, By::Server, How::Fin), Verdict::Loop);
        assert_eq!(closed(2, By::Device, How::Rst), Verdict::Loop);
        assert_eq!(closed(2, By::Device, How::Fin), Verdict::SignedIn, "somebody signed off, twice");
        assert_eq!(closed(2, By::Device, How::Alert), Verdict::SignedIn);
        assert_eq!(closed(6, By::Device, How::Alert), Verdict::Loop);
    }

    #[test]
    fn sessions_that_were_cut_before_others_that_stood_longer_are_over() {
        let verdict = |stood: i64| {
            let drop = |stage: Stage, at| Some(DropPoint { stage, by: By::Server, how: How::Rejected, at });
            let lengths = [(10, Stage::Session), (10, Stage::Session), (stood, Stage::Register), (5, Stage::Tls)];
            let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
            for (number, (length, stage)) in (1_u32..).zip(lengths) {
                let (begun, end) = (i64::from(number) * 1_000, at(i64::from(number) * 1_000 + length));
                let drop = if number == 4 { None } else { drop(stage, end) };
                gathered.attempts.push(AttemptSummary { last: end, ..attempt(number, begun, drop) });
                gathered.signed_in.push(if stage == Stage::Register { None } else { Some(0.9) });
            }
            gathered.verdict(true).0
        };
        assert_eq!((verdict(600), verdict(5)), (Verdict::SignedIn, Verdict::Loop));
    }

    #[test]
    fn who_restarts_in_mid_session_again_and_again_loops_until_one_has_stood_longer_than_the_restarts_lie_apart() {
        let verdict = |apart: i64, stands: i64| {
            let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
            for number in 1..=4 {
                let begun = i64::from(number) * apart;
                let drop = DropPoint {
                    stage: Stage::Session,
                    by: By::Device,
                    how: How::Abandoned,
                    at: at(begun + 10 * i64::from(number)),
                };
                let summary = attempt(number, begun, (number < 4).then_some(drop));
                let last = if number < 4 { drop.at } else { at(begun + stands) };
                gathered.attempts.push(AttemptSummary { last, ..summary });
                gathered.signed_in.push(Some(0.9));
            }
            gathered.verdict(true).0
        };
        assert_eq!((verdict(60, 20), verdict(60, 90)), (Verdict::Loop, Verdict::SignedIn));
        assert_eq!(verdict(300, 20), Verdict::SignedIn, "it had come to rest each time");
    }

    #[test]
    fn of_a_device_that_did_nothing_but_what_phones_do_as_well_less_is_known() {
        let confidence = |may_be_phone: bool| Gathered { may_be_phone, ..Gathered::default() }.verdict(false);
        let ((none, sure), (too, less)) = (confidence(false), confidence(true));
        assert_eq!((none, too), (Verdict::NoLogin, Verdict::NoLogin));
        assert!(less < sure);
    }

    #[test]
    fn a_device_that_may_have_signed_in_since_its_one_drop_is_not_said_to_have_dropped() {
        let drop = DropPoint { stage: Stage::Session, by: By::Server, how: How::Fin, at: at(11) };
        let verdict = |may_have_signed_in: bool| {
            let attempts = vec![attempt(1, 1, Some(drop)), attempt(2, 20, None)];
            let signed_in = vec![Some(0.9), None];
            Gathered { shown: (1.0, 1.0), attempts, signed_in, may_have_signed_in, ..Gathered::default() }.verdict(true).0
        };
        assert_eq!((verdict(false), verdict(true)), (Verdict::Dropped, Verdict::Incomplete));
    }

    #[test]
    fn who_was_stopped_here_and_there_and_may_have_signed_in_since_does_not_loop() {
        let verdict = |stages: [Stage; 2], may_have_signed_in: bool| {
            let drop = |stage: Stage| Some(DropPoint { stage, by: By::Server, how: How::Rejected, at: at(11) });
            let [first, second] = stages.map(drop);
            let attempts = vec![attempt(1, 1, first), attempt(2, 20, second), attempt(3, 40, None)];
            let signed_in = vec![None; 3];
            Gathered { shown: (1.0, 1.0), attempts, signed_in, may_have_signed_in, ..Gathered::default() }.verdict(true).0
        };
        assert_eq!(verdict([Stage::Address, Stage::Register], true), Verdict::Incomplete);
        assert_eq!(verdict([Stage::Address, Stage::Register], false), Verdict::Loop);
        assert_eq!(verdict([Stage::Register; 2], true), Verdict::Loop);
    }

    #[test]
    fn a_session_that_stood_and_was_cut_in_the_end_is_no_loop_of_what_stopped_the_device_before() {
        let after = |stage: Stage, is_cut_late: bool| {
            let drop = |stage: Stage| Some(DropPoint { stage, by: By::Server, how: How::Fin, at: at(400) });
            let attempts = vec![attempt(1, 0, drop(stage)), attempt(2, 20, drop(stage)), attempt(3, 40, drop(Stage::Session))];
            let cuts = if stage == Stage::Session { 3 } else { 1 };
            Gathered { attempts, cuts, is_cut_late, shown: (1.0, 1.0), ..Gathered::default() }.verdict(true).0
        };
        assert_eq!(after(Stage::Connect, true), Verdict::Dropped);
        assert_eq!(after(Stage::Connect, false), Verdict::Loop, "it was cut soon after it began");
        assert_eq!(after(Stage::Session, true), Verdict::Loop, "one session like the other");
    }

    /// Sessions that the server cuts after so many seconds, and a last one that stands, or that was cut with the others.
    fn cut_after(lengths: &[i64], stands: bool) -> Verdict {
        let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
        for (number, length) in (1..).zip(lengths) {
            let begun = i64::from(number) * 100_000;
            let end = at(begun + length);
            let drop = DropPoint { stage: Stage::Session, by: By::Server, how: How::Rst, at: end };
            let is_last = number as usize == lengths.len();
            let drop = (!is_last || !stands).then_some(drop);
            gathered.attempts.push(AttemptSummary { last: end, ..attempt(number, begun, drop) });
            gathered.signed_in.push(Some(0.9));
        }
        gathered.verdict(true).0
    }

    #[test]
    fn a_session_that_stood_for_long_is_cut_by_an_incident_unless_it_always_is_after_the_same_time() {
        assert_eq!(cut_after(&[100, 120, 90], true), Verdict::Loop);
        assert_eq!(cut_after(&[18_540, 18_600, 18_480], true), Verdict::SignedIn, "a registrar was restarted, twice");
        assert_eq!(cut_after(&[18_540, 7_200, 3_000], false), Verdict::Dropped);
        assert_eq!(cut_after(&[900, 905, 899, 300], true), Verdict::Loop, "an idle time-out of fifteen minutes");
        assert_eq!(cut_after(&[900, 905, 899, 1_000], true), Verdict::SignedIn, "this one was not cut after that time");
        assert_eq!(cut_after(&[400, 500, 300], true), Verdict::SignedIn);
        assert_eq!(cut_after(&[400, 500], false), Verdict::Loop);
        assert_eq!(cut_after(&[900, 3_000, 1_200, 300], true), Verdict::SignedIn);
    }

    #[test]
    fn who_came_to_rest_more_often_than_it_was_kept_out_does_not_loop() {
        let long = [3_000, 5_000, 9_000, 7_000, 4_000, 2_000];
        assert_eq!(cut_after(&[&long[..], &[100, 200]].concat(), false), Verdict::Dropped);
        assert_eq!(cut_after(&[&long[..1], &[100, 200]].concat(), false), Verdict::Loop);
    }

    #[test]
    fn what_a_device_does_after_its_session_was_cut_makes_that_no_longer_and_who_takes_leave_by_its_own_timer_is_cut_by_nobody() {
        let verdict = |by: By, how: How| {
            let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
            for (number, prolongs) in [(1_u32, 0), (2, 300), (3, 900), (4, 0)] {
                let begun = i64::from(number) * 10_000;
                let drop = DropPoint { stage: Stage::Session, by, how, at: at(begun + 900) };
                let last = at(begun + 900 + prolongs);
                gathered.attempts.push(AttemptSummary { last, ..attempt(number, begun, Some(drop)) });
                gathered.signed_in.push(Some(0.9));
            }
            gathered.verdict(true).0
        };
        assert_eq!(verdict(By::Server, How::Rst), Verdict::Loop);
        assert_eq!(verdict(By::Device, How::Alert), Verdict::Dropped);
    }

    /// Sessions of so many seconds that the server cuts; each time the port is shut at first, and the device is back after `pause`.
    /// The last one stands, or the port stays shut.
    fn restarted(lengths: &[i64], pause: i64, stands: bool) -> Verdict {
        let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
        let mut begun = 0;
        for (number, length) in (1..).zip(lengths) {
            let is_last = number as usize == lengths.len();
            let cut = at(begun + length);
            let drop = DropPoint { stage: Stage::Session, by: By::Server, how: How::Rst, at: cut };
            gathered.attempts.push(AttemptSummary { last: cut, ..attempt(number, begun, (!is_last || !stands).then_some(drop)) });
            gathered.signed_in.push(Some(0.9));
            let refused = if is_last && stands { 0 } else { 1 + 2 * i64::from(is_last) };
            for next in 0..refused {
                let at = at(begun + length + 2 + next * 30);
                let drop = DropPoint { stage: Stage::Connect, by: By::Server, how: How::Rst, at };
                gathered
                    .attempts
                    .push(AttemptSummary { last: at, ..attempt(number, begun + length + 2 + next * 30, Some(drop)) });
                gathered.signed_in.push(None);
            }
            begun += length + pause;
        }
        gathered.verdict(true).0
    }

    #[test]
    fn a_server_that_restarts_once_a_night_keeps_nobody_out() {
        assert_eq!(restarted(&[81_600, 86_100, 85_500, 16_500], 32, true), Verdict::SignedIn);
        assert_eq!(restarted(&[81_600, 86_100, 85_500, 16_500], 32, false), Verdict::Loop, "it stays shut");
        assert_eq!(restarted(&[1_800, 1_810, 1_790, 900], 32, true), Verdict::Loop, "a time-out of half an hour");
        assert_eq!(restarted(&[1_800, 5_200, 3_100, 900], 32, true), Verdict::SignedIn);
    }

    #[test]
    fn what_fails_while_a_server_restarts_is_part_of_that_where_the_device_is_back_soon() {
        let ends = |pause: i64| {
            let mut gathered = Gathered { shown: (1.0, 1.0), ..Gathered::default() };
            for number in 1..=3 {
                let begun = i64::from(number) * 100_000;
                let (cut, refused) = (at(begun + 80_000), at(begun + 80_002));
                let drop = |stage: Stage, at| Some(DropPoint { stage, by: By::Server, how: How::Rst, at });
                let stood = attempt(number, begun, drop(Stage::Session, cut));
                gathered.attempts.push(AttemptSummary { first: at(begun - 20_000 + pause), last: cut, ..stood });
                gathered.attempts.push(attempt(number, begun + 80_002, drop(Stage::Connect, refused)));
                gathered.signed_in.extend([Some(0.9), None]);
            }
            gathered.verdict(true).0
        };
        assert_eq!(ends(30), Verdict::Dropped, "of the last refusal nothing came in the capture");
        assert_eq!(ends(600), Verdict::Loop, "it was shut out for long");
    }
}
