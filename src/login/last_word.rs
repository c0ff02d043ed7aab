//! The last try of a device in, and up to when the device was in view; out: its questions of which nobody can say that they were not
//! answered. Knows nothing of where tries begin.
//!
//! Whoever is not answered asks again: DNS (RFC 1035 section 4.2.1), DHCP (RFC 2131 section 4.1, RFC 8415 section 15), TFTP (RFC 1350
//! section 4), SIP (RFC 3261 section 17.1.2.2), NTP (RFC 4330 section 10), Kerberos (RFC 4120 section 7.2.1), TCP (RFC 6298 section 5).
//! A question that is asked once, and is the last that is seen of its device, shows that the device went
//! out of view, and no silence. Some clients never repeat what they ask: those have shown it before.

use std::mem::{Discriminant, discriminant};

use crate::model::{At, How, Outcome, SECOND, Time};

use super::steps::{Connection, Lease, Registration, Step, StepKind, Transaction};
use super::target::{Target, errand, is_main_road, target};
use super::tries::Try;

/// A device that begins something else so long after a question has given that up.
const MOVED_ON: i64 = SECOND * 9 / 10;
/// A device that is seen so long after its question would have repeated it: the slowest clients wait four or five seconds.
const WOULD_REPEAT: i64 = 8 * SECOND;
/// The same of a question for the time: at the shortest interval of polling, 15 s (RFC 4330 section 10), and a little later.
const WOULD_ASK_FOR_TIME: i64 = 20 * SECOND;

/// What was asked once and never answered, as far as a client that repeats the one would repeat the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AskedOnce(Discriminant<StepKind>, u16);

/// The questions that this device has given up before without repeating them, by the steps that it has gone on from.
pub(super) fn given_up<'a>(steps: impl Iterator<Item = &'a Step>) -> impl Iterator<Item = AskedOnce> {
    steps.filter_map(|step| asked_once(step).map(|(asked, _)| asked))
}

/// Takes the silence back from the questions of the last try that were its device's last word, but for those that it never repeats,
/// as `habits` or the tries before show.
pub(super) fn take_back(tries: &mut [Try], in_view: Time, habits: &[AskedOnce]) {
    let Some((last, before)) = tries.split_last_mut() else { return };
    let last_begun = last.steps().filter(|step| !is_neighbour(step)).map(|step| step.first.time).max();
    let is_last_word = |step: &Step, at: At| {
        let moved_on = last_begun.is_some_and(|begun| begun.since(at.time) >= MOVED_ON);
        let would_repeat = if matches!(step.kind, StepKind::Clock(_)) { WOULD_ASK_FOR_TIME } else { WOULD_REPEAT };
        !moved_on && in_view.since(at.time) < would_repeat
    };
    // What ended the try further along is not undone by what the device asks beside that.
    let failed = last.steps().filter(|step| step.outcome == Outcome::Failed).map(|step| errand(step.purpose)).max();
    let open: Vec<(usize, AskedOnce)> = last
        .steps()
        .enumerate()
        .filter(|(_, step)| Some(errand(step.purpose)) >= failed)
        .filter_map(|(index, step)| asked_once(step).filter(|(_, at)| is_last_word(step, *at)).map(|(asked, _)| (index, asked)))
        .collect();
    if open.is_empty() {
        return;
    }
    let others = last.steps().enumerate().filter(|(index, _)| open.iter().all(|(place, _)| place != index)).map(|(_, step)| step);
    let shown: Vec<AskedOnce> = given_up(before.iter().flat_map(|earlier| earlier.steps()).chain(others)).collect();
    for (index, _) in open.iter().filter(|(_, asked)| !shown.contains(asked) && !habits.contains(asked)) {
        if let Some(judgement) = last.judgements.get_mut(*index) {
            (judgement.step.outcome, judgement.step.ending) = (Outcome::Unclear, None);
        }
    }
}

/// A silence that the device did not wait out to the end: what it then went on without, and after how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) target: Target,
    /// In nanoseconds.
    pub(super) waited: i64,
}

/// The silences that a device went on from, to what comes later in a login.
pub(super) fn passed<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> impl Iterator<Item = Passed> {
    steps.clone().filter_map(move |step| {
        let silent = silence(step)?;
        let further = |next: &&Step| next.first > silent && errand(next.purpose) > errand(step.purpose) && !is_neighbour(next);
        let next = steps.clone().filter(further).map(|next| next.first.time).min()?;
        Some(Passed { target: target(step), waited: next.since(silent.time) })
    })
}

/// Takes back the last silence that the capture ends behind sooner than the device went on from the same before.
pub(super) fn take_back_unwaited(tries: &mut [Try], end: Time, habits: &[Passed]) {
    let Some((last, before)) = tries.split_last_mut() else { return };
    let Some(place) = last.steps().enumerate().filter(|(_, step)| is_main_road(step)).max_by_key(|(_, step)| step.last) else {
        return;
    };
    let (index, step) = place;
    let Some(silent) = silence(step) else { return };
    let shown = before.iter().flat_map(|earlier| passed(earlier.judgements.iter().map(|judgement| &judgement.step)));
    let is_early = |passed: &Passed| passed.target == target(step) && end.since(silent.time) < passed.waited;
    if (shown.chain(habits.iter().cloned())).any(|passed| is_early(&passed))
        && let Some(judgement) = last.judgements.get_mut(index)
    {
        (judgement.step.outcome, judgement.step.ending) = (Outcome::Unclear, None);
    }
}

/// When a step that came to nothing but a silence asked last.
fn silence(step: &Step) -> Option<At> {
    step.ending.filter(|ending| ending.how == How::Timeout).map(|ending| ending.at)
}

fn is_neighbour(step: &Step) -> bool {
    matches!(step.kind, StepKind::Neighbour(_))
}

/// What this step asked, and when, if it came to nothing but a silence and was sent no more than once. That a port cannot be reached is
/// no last word to who asks by datagrams (RFC 1122 section 4.1.3.3): it asks again, or another.
fn asked_once(step: &Step) -> Option<(AskedOnce, At)> {
    let ending = step.ending.filter(|ending| matches!(ending.how, How::Timeout | How::Icmp))?;
    if ending.how == How::Icmp {
        let once = match &step.kind {
            StepKind::Lookup(lookup) => (lookup.queries.len() == 1).then_some(lookup.kind),
            StepKind::Clock(clock) => (clock.requests.len() == 1).then_some(0),
            _ => None,
        };
        return once.map(|what| (AskedOnce(discriminant(&step.kind), what), ending.at));
    }
    let only = |sent: &[At], what: u16| (sent == [ending.at]).then_some(what);
    let what = match &step.kind {
        StepKind::Lease(lease) => of_lease(lease, ending.at),
        StepKind::LeaseV6(lease) => only(&lease.requests, 1).or(only(&lease.solicits, 2).filter(|_| lease.requests.is_empty())),
        StepKind::File(transfer) => only(&transfer.requests, 0),
        StepKind::Lookup(lookup) => matches!(*lookup.queries, [(at, _)] if at == ending.at).then_some(lookup.kind),
        StepKind::Clock(clock) => matches!(&*clock.requests, [(at, _)] if *at == ending.at).then_some(0),
        StepKind::Registration(registration) => is_sent_once(registration, ending.at).then_some(0),
        StepKind::Inquiry(inquiry) => {
            let sent = inquiry.ldap.iter().map(|one| &one.sent).chain(inquiry.kerberos.iter().map(|one| &one.sent));
            sent.into_iter().find_map(|sent| only(sent, 0))
        }
        StepKind::Connection(connection) => of_connection(connection, ending.at),
        // Nobody takes one request for a neighbour, or one EAPOL-Start, for a silence; an answer to a switch is not repeated (RFC 3748
        // section 4.1).
        StepKind::Neighbour(_) | StepKind::Port(_) => None,
    };
    what.map(|what| (AskedOnce(discriminant(&step.kind), what), ending.at))
}

/// DISCOVER, REQUEST and INFORM are three questions.
fn of_lease(lease: &Lease, at: At) -> Option<u16> {
    let requests = lease.requests.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    let asked = [lease.discovers.as_slice(), requests.as_slice(), lease.informs.as_slice()];
    (1..).zip(asked).find(|(_, sent)| *sent == [at]).map(|(what, _)| what)
}

/// A server that says that it is at work has the request: nobody need send it again.
fn is_sent_once(registration: &Registration, at: At) -> bool {
    let once = |transaction: &Transaction| transaction.sent == [at] && transaction.provisional.is_none();
    registration.transactions.iter().any(once)
}

/// A SYN, or the first words on a connection, that nobody took.
fn of_connection(connection: &Connection, at: At) -> Option<u16> {
    let client = &connection.stats.client;
    let syn = client.syns == 1 && connection.syn == Some(at) && !connection.is_accepted();
    let lost = client.acknowledged < client.sent && client.retransmitted == 0 && client.last_data == Some(at);
    match (syn, lost) {
        (true, _) => Some(1),
        (_, true) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::file;
    use crate::findings::testing::*;
    use crate::login::judge::Judgement;
    use crate::login::record::Weight;
    use crate::login::steps::{Close, Ending, Purpose};
    use crate::model::{By, Side};

    /// This step at this second, taken for unanswered at its last frame.
    fn silent(step: impl IntoStep, second: u64) -> Step {
        let step = step.into_step(second * 100);
        Step { outcome: Outcome::Failed, ending: Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last }), ..step }
    }

    fn of_steps(steps: Vec<Step>) -> Try {
        let mut made = Try::default();
        for step in steps {
            made.add(Judgement { draft: 1, weight: Weight::default(), step, signed_in: None });
        }
        made
    }

    /// Which of the steps of the last of these tries still are silences, where the device was last seen so long after the last of them.
    fn silences(tries: Vec<Vec<Step>>, seen_later: i64, habits: &[AskedOnce]) -> Vec<bool> {
        let last = tries.last().and_then(|steps| steps.iter().map(|step| step.last.time).max()).expect("a step");
        let mut tries: Vec<Try> = tries.into_iter().map(of_steps).collect();
        take_back(&mut tries, last.plus(seen_later * SECOND), habits);
        tries.last().expect("a try").steps().map(|step| step.outcome == Outcome::Failed && step.ending.is_some()).collect()
    }

    fn alone(step: Step) -> bool {
        silences(vec![vec![step]], 0, &[])[0]
    }

    fn register(times: u64) -> impl IntoStep {
        registration(vec![(times, sip_request("REGISTER", 1), None)])
    }

    #[test]
    fn what_is_asked_once_as_the_last_that_is_seen_of_a_device_is_no_silence() {
        assert_eq!(
            (alone(silent(lookup("pbx.contoso.com"), 5)), alone(silent(lookup("pbx.contoso.com").times(2), 5))),
            (false, true)
        );
        assert_eq!((alone(silent(register(1), 5)), alone(silent(register(2), 5))), (false, true));
        assert_eq!((alone(silent(file("a.cfg"), 5)), alone(silent(file("a.cfg").again(), 5))), (false, true));
        assert_eq!((alone(silent(ntp_exchange(1, &[]), 5)), alone(silent(ntp_exchange(2, &[]), 5))), (false, true));
        let unreachable = |times: u64| {
            let step = silent(ntp_exchange(times, &[]), 5);
            let ending = step.ending.map(|ending| Ending { by: By::Network, how: How::Icmp, ..ending });
            alone(Step { ending, ..step })
        };
        assert_eq!((unreachable(1), unreachable(2)), (false, true));
        let discover = dhcp_exchange().discover();
        assert_eq!((alone(silent(discover, 5)), alone(silent(dhcp_exchange().discover().discover(), 5))), (false, true));
        let requested = || dhcp_exchange().discover().discover().offer(&[]).request();
        assert_eq!((alone(silent(requested(), 5)), alone(silent(requested().request(), 5))), (false, true));
        let informs = dhcp_exchange().inform();
        assert_eq!((alone(silent(informs, 5)), alone(silent(dhcp_exchange().inform().inform(), 5))), (false, true));
    }

    #[test]
    fn a_silence_that_the_device_went_on_from_before_is_none_until_it_has_waited_as_long() {
        let asks = |second: u64| silent(ntp_exchange(3, &[]), second);
        let goes_on = |second: u64| tcp(Purpose::Registrar).into_step(second * 100);
        let is_silence = |earlier: Vec<Step>, quiet: i64| {
            let last = asks(500);
            let end = last.last.time.plus(quiet * SECOND);
            let mut tries = vec![of_steps(earlier), of_steps(vec![last])];
            take_back_unwaited(&mut tries, end, &[]);
            tries[1].steps().all(|step| step.outcome == Outcome::Failed)
        };
        let waited = goes_on(60).first.time.since(asks(5).last.time) / SECOND;
        assert!(!is_silence(vec![asks(5), goes_on(60)], waited - 1), "it may go on");
        assert!(is_silence(vec![asks(5), goes_on(60)], waited + 1), "it has not gone on");
        assert!(is_silence(vec![asks(5)], 0), "it never did");
    }

    #[test]
    fn a_syn_or_a_segment_that_nobody_took_is_sent_again_by_any_host_that_lives() {
        let asks = |syns: u32| {
            let sent = move |connection: &mut Connection| connection.stats.client.syns = syns;
            silent(syn(Purpose::Registrar).change(sent), 5)
        };
        assert_eq!((alone(asks(1)), alone(asks(3))), (false, true));
        let says = |times: u32| silent(tcp(Purpose::Registrar).stuck(Side::Client, 200, times), 5);
        assert_eq!((alone(says(0)), alone(says(3))), (false, true));
        assert!(alone(silent(tcp(Purpose::Registrar).hello(), 5)), "the hello is acknowledged: nothing is left to repeat");
    }

    #[test]
    fn a_device_that_is_still_seen_when_it_would_have_asked_again_took_it_for_a_silence() {
        let seen = |later: i64| silences(vec![vec![silent(lookup("pbx.contoso.com"), 5)]], later, &[])[0];
        assert_eq!((seen(3), seen(30)), (false, true));
        let time = |later: i64| silences(vec![vec![silent(ntp_exchange(1, &[]), 5)]], later, &[])[0];
        assert_eq!((time(10), time(30)), (false, true), "nobody asks for the time again so soon");
        let next = vec![vec![silent(lookup("sip1.contoso.com"), 5), silent(lookup("sip2.contoso.com").times(2), 10)]];
        assert_eq!(silences(next, 0, &[]), [true, true], "it went on to the next name");
    }

    #[test]
    fn a_client_that_never_repeats_what_it_asks_is_answered_by_silence_the_last_time_too() {
        let asks = |second: u64| silent(register(1), second);
        assert_eq!(silences(vec![vec![asks(5)], vec![asks(40)]], 0, &[]), [true]);
        assert_eq!(silences(vec![vec![silent(register(4), 5)], vec![asks(40)]], 0, &[]), [false], "it did repeat it");
        assert_eq!(silences(vec![vec![silent(lookup("pbx.contoso.com"), 5)], vec![asks(40)]], 0, &[]), [false], "that was DNS");
        let settled: Vec<AskedOnce> = given_up([asks(5)].iter()).collect();
        assert_eq!(silences(vec![vec![asks(40)]], 0, &settled), [true], "it showed that long ago");
    }

    #[test]
    fn two_questions_side_by_side_are_one_last_word() {
        let side_by_side = vec![silent(lookup("sip1.contoso.com"), 5), silent(lookup("sip2.contoso.com"), 5)];
        assert_eq!(silences(vec![side_by_side], 0, &[]), [false, false]);
        let after_another = vec![silent(lookup("sip1.contoso.com"), 5), silent(lookup("sip2.contoso.com"), 8)];
        assert_eq!(silences(vec![after_another], 0, &[]), [true, true], "it goes on after one question, and so would here");
    }

    #[test]
    fn what_is_asked_beside_a_failure_that_lies_further_undoes_nothing() {
        let refused =
            || Step { outcome: Outcome::Failed, ..syn(Purpose::Registrar).leaves(Side::Server, Close::Rst).into_step(500) };
        let beside = vec![refused(), silent(ntp_exchange(1, &[]), 30)];
        assert_eq!(silences(vec![beside], 0, &[]), [true, true]);
        let next_target = vec![refused(), silent(lookup("sip2.contoso.com"), 30)];
        assert_eq!(silences(vec![next_target], 0, &[]), [true, false]);
    }

    #[test]
    fn a_registrar_that_says_that_it_is_at_work_need_not_be_asked_again() {
        let asked = |trying: bool| {
            let mut step = silent(register(1), 5);
            if let StepKind::Registration(registration) = &mut step.kind {
                registration.transactions[0].provisional = Some(step.first).filter(|_| trying);
            }
            alone(step)
        };
        assert_eq!((asked(true), asked(false)), (true, false));
    }
}
