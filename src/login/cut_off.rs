//! The drop of the last attempt in, out: does the capture's end hide how the device went on? Knows what goes on as a rule, and when; not
//! why anything failed.

use crate::model::{At, By, DropPoint, How, Outcome, SECOND, Side, Stage, Time};
use crate::profile::Profile;

use super::drops::{is_challenged, is_closed, is_idle_close, rank, transactions};
use super::stages::{directory, register, session};
use super::steps::{Close, Connection, Ending, Purpose, Step, StepKind};
use super::target::is_main_road;

/// A capture that ends so soon after a failure may hide that the device went on: to the next target, to credentials, to another try;
/// and what the device began so shortly before its end may still lead somewhere.
const CUT_OFF: i64 = 3 * SECOND;

/// Does what failed last go on as the capture ends: is it asked once more, so shortly before that a better answer is not to be seen, or
/// does a binding still stand?
pub(super) fn goes_on(steps: &[Step], dropped: usize, drop: &DropPoint, end: Time) -> bool {
    let Some(step) = steps.get(dropped) else { return false };
    let asked = asked_last(&step.kind).filter(|asked| *asked > drop.at);
    asked.is_some_and(|asked| end.since(asked.time) < CUT_OFF)
        || rests_bound(step, leaves(drop), end) && !session::takes_notice(leaves(drop), end)
}

/// When the device asked last, in an exchange of datagrams.
fn asked_last(kind: &StepKind) -> Option<At> {
    match kind {
        StepKind::Lease(lease) => lease.discovers.iter().copied().chain(lease.requests.iter().map(|(at, _)| *at)).max(),
        StepKind::Lookup(lookup) => lookup.queries.last().map(|(at, _)| *at),
        StepKind::Clock(clock) => clock.requests.last().map(|(at, _)| *at),
        _ => None,
    }
}

/// Does the binding still stand at this time, though the server closed the connection on which nothing had been said for a while? The
/// device comes back when that is due (RFC 3261 sections 10.2.4 and 18).
pub(super) fn rests_bound(step: &Step, ending: Ending, at: Time) -> bool {
    /// No keep-alive is sent more often, as a rule (RFC 5626 section 4.4.1: at least every 95 seconds; 30 in practice).
    const QUIET: i64 = 28 * SECOND;
    let StepKind::Connection(connection) = &step.kind else { return false };
    let quiet = connection.stats.client.last_data.is_some_and(|said| ending.at.time.since(said.time) >= QUIET);
    let takes_leave = step.stage == Stage::Session && (ending.by, ending.how) == (By::Server, How::Fin);
    let is_bound = register::expiry(&connection.sip).is_some_and(|over| at <= over);
    takes_leave && quiet && is_bound
}

fn leaves(drop: &DropPoint) -> Ending {
    Ending { by: drop.by, how: drop.how, at: drop.at }
}

/// Does the capture end too soon to say that the device stopped there? `is_habit` says that it did so before: for how long it asks in vain
/// is known then.
pub(super) fn is_cut_off(steps: &[Step], dropped: usize, drop: &DropPoint, end: Time, is_habit: bool, profile: &Profile) -> bool {
    // A switch asks for credentials at any moment: that says nothing of how the device goes on.
    let is_port = |step: &Step| matches!(step.kind, StepKind::Port(_));
    let goes_on = steps.iter().enumerate().any(|(index, step)| {
        let is_under_way = step.outcome == Outcome::Unclear || is_at_work(step, drop, end);
        index != dropped
            && (is_main_road(step) || is_asked_now(step, drop, end))
            && !is_port(step)
            && !step.prolongs_lease()
            && step.last > drop.at
            && is_under_way
    });
    let Some(step) = steps.get(dropped) else { return goes_on };
    // A device need not want it back before it has something to say.
    if drop.stage == Stage::Session && is_idle_close(step, leaves(drop)) || !is_habit && asks_again(step, drop, end) {
        return true;
    }
    if end.since(drop.at.time) >= CUT_OFF {
        return goes_on || may_come_back(step, drop) && is_out_of_sight(step, steps);
    }
    let list_unfinished = matches!(step.kind, StepKind::Lookup(_))
        && steps.iter().filter(|step| step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Lookup(_))).count()
            < profile.registrar_names.len();
    let is_refused = step.purpose == Purpose::Directory && drop.how == How::Rejected;
    let next_try_to_come = is_refused && !is_closed(step) && !is_last_word(step, steps);
    let only = steps.iter().enumerate().all(|(index, other)| index == dropped || other.outcome != Outcome::Failed);
    let waits = drop.how == How::Timeout && only && end.since(step.first.time) < CUT_OFF;
    goes_on
        || list_unfinished
        || is_answered_at_once(step, drop)
        || next_try_to_come
        || waits
        || may_come_back(step, drop)
        || rests_bound(step, leaves(drop), end)
}

/// Is the next SYN, or the next query of a name or the time, still to come when the capture ends? A query is sent again after the same time,
/// or to the next server; who has asked three times has asked in vain.
fn asks_again(step: &Step, drop: &DropPoint, end: Time) -> bool {
    match &step.kind {
        _ if drop.how != How::Timeout => false,
        StepKind::Connection(connection) => calls_again(connection, drop, end),
        StepKind::Lookup(lookup) => comes_again(&lookup.queries, end),
        StepKind::Clock(clock) => comes_again(&clock.requests, end),
        _ => false,
    }
}

fn comes_again<Asked>(asked: &[(At, Asked)], end: Time) -> bool {
    matches!(asked, [(first, _), (last, _)] if end.since(last.time) < last.time.since(first.time))
}

/// Each wait for a SYN-ACK is twice as long as the one before (RFC 6298 section 5.5); who has called more often has called in vain.
fn calls_again(connection: &Connection, drop: &DropPoint, end: Time) -> bool {
    let Some(first) = connection.syn.filter(|_| connection.syn_ack.is_none()) else { return false };
    // After waits of 1, 2 and 4 comes one of 8: the sum of those before, and one more of the first.
    let (repeats, waited) = (connection.stats.client.syns.saturating_sub(1), drop.at.time.since(first.time));
    let all = match repeats {
        1 => 1,
        2 => 3,
        3 => 7,
        _ => return false,
    };
    let next = waited.saturating_add(waited / all);
    end.since(drop.at.time) < next
}

/// Does the device ask for a name at once, and does the capture end before the answer? What it is for would show by what comes next.
fn is_asked_now(step: &Step, drop: &DropPoint, end: Time) -> bool {
    let is_open = matches!(step.kind, StepKind::Lookup(_)) && step.outcome == Outcome::Unclear;
    is_open && end.since(drop.at.time) < CUT_OFF
}

/// Has the domain controller said its last word? Who speaks LDAP meanwhile may be let in there all the same.
fn is_last_word(step: &Step, steps: &[Step]) -> bool {
    let speaks_ldap = |other: &Step| match &other.kind {
        StepKind::Connection(connection) => other.purpose == Purpose::Directory && connection.kerberos.is_empty(),
        _ => false,
    };
    directory::is_last_word(&step.kind) && !steps.iter().any(|other| speaks_ldap(other) && !is_closed(other))
}

/// Did the device begin this after its failure, and so shortly before the capture's end that what it led to is not to be seen?
fn is_at_work(step: &Step, drop: &DropPoint, end: Time) -> bool {
    let is_new = step.first > drop.at && step.outcome == Outcome::Ok && step.purpose != Purpose::Clock;
    is_new && end.since(step.last.time) < CUT_OFF
}

/// Is the last word one from which a client goes on at once, as a rule: a challenge, the next name, file, time server or target, or DISCOVER
/// (RFC 2131 section 3.2)?
fn is_answered_at_once(step: &Step, drop: &DropPoint) -> bool {
    let is_file = step.purpose == Purpose::Provision && rank(step) > 0;
    let has_a_next = is_file || matches!(step.kind, StepKind::Lookup(_) | StepKind::Lease(_) | StepKind::Clock(_));
    let has_a_next = has_a_next || is_challenged(step) || register::is_to_be_followed(transactions(step));
    drop.how == How::Rejected && has_a_next || is_file && is_shut(step)
}

/// Is the port shut that this was to reach?
fn is_shut(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    connection.syn_ack.is_none() && matches!(connection.first_close(), Some((_, Side::Server, Close::Rst)))
}

/// A device whose session stood opens the next connection when its server closes this one: a restart of that, a time-out.
fn may_come_back(step: &Step, drop: &DropPoint) -> bool {
    drop.stage == Stage::Session && matches!(drop.how, How::Fin | How::Alert) && step.has_stood_by(drop.at.time)
}

/// A FIN is acknowledged at once, or else sent again (RFC 9293 section 3.10.7.4, RFC 6298 section 2): where there is neither, nor
/// anything else of the device, the capture does not show how it went on, however long it is.
fn is_out_of_sight(step: &Step, steps: &[Step]) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    let Some((closed, _, Close::Fin)) = connection.first_close() else { return false };
    let said = [connection.stats.client.last, connection.stats.server.last].into_iter().flatten();
    said.chain(steps.iter().map(|step| step.last)).all(|last| last <= closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{IntoStep, as_req, kerberos, krb_error, lookup, ntp_exchange, profile, syn, tcp};
    use crate::login::drops::find_drop;

    /// Is this cut off by the end of the capture, so many seconds after its failure?
    fn cut_off_after(step: &Step, seconds: i64) -> bool {
        hidden_by_the_end(step, seconds, false)
    }

    /// The same of one that failed before as it fails now, or did not.
    fn hidden_by_the_end(step: &Step, seconds: i64, is_habit: bool) -> bool {
        let ending = step.ending.expect("it failed");
        let drop = DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at };
        is_cut_off(std::slice::from_ref(step), 0, &drop, ending.at.time.plus(seconds * SECOND), is_habit, &profile())
    }

    #[test]
    fn the_next_syn_may_be_to_come_as_long_as_it_is_not_due() {
        // Calls after 0, 3 and 9 seconds: the next one is due at 21.
        let calls = syn(Purpose::Directory).to("10.0.0.3", 389).syn_again(2).timed_out(By::Unknown).into_step(1);
        let calls = Step { outcome: Outcome::Failed, ..calls };
        assert!(cut_off_after(&calls, 11));
        assert!(!cut_off_after(&calls, 13), "it has given up");
        assert!(!hidden_by_the_end(&calls, 11, true), "it gave up after as many before");
    }

    #[test]
    fn the_next_query_may_be_to_come_as_long_as_it_is_not_due() {
        // It asks every five seconds.
        let asks = |times: u32| {
            let mut asked = lookup("sip.contoso.com").times(times).into_step(1);
            let StepKind::Lookup(lookup) = &mut asked.kind else { panic!("no look-up") };
            for (number, (at, _)) in (0..).zip(&mut lookup.queries) {
                at.time = asked.first.time.plus(number * 5 * SECOND);
                asked.last = *at;
            }
            let ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: asked.last });
            Step { purpose: Purpose::Registrar, outcome: Outcome::Failed, ending, ..asked }
        };
        let known = Profile { registrar_names: Vec::new(), ..profile() };
        let hidden = |step: &Step, seconds: i64| {
            let drop = DropPoint { stage: Stage::Names, by: By::Unknown, how: How::Timeout, at: step.last };
            is_cut_off(std::slice::from_ref(step), 0, &drop, step.last.time.plus(seconds * SECOND), false, &known)
        };
        assert!(hidden(&asks(2), 4));
        assert!(!hidden(&asks(2), 6), "it asks no more");
        assert!(!hidden(&asks(3), 4), "it has asked often enough");
        let clock = ntp_exchange(2, &[]).into_step(1);
        let StepKind::Clock(exchange) = &clock.kind else { panic!("no clock") };
        let pause = exchange.requests[1].0.time.since(exchange.requests[0].0.time);
        let clock = Step { last: exchange.requests[1].0, outcome: Outcome::Failed, ..clock };
        let drop = DropPoint { stage: Stage::Time, by: By::Unknown, how: How::Timeout, at: clock.last };
        let cut = |after: i64| is_cut_off(std::slice::from_ref(&clock), 0, &drop, clock.last.time.plus(after), false, &known);
        assert!(cut(pause - 1) && !cut(pause.max(CUT_OFF) + 1));
    }

    #[test]
    fn whoever_is_told_that_a_server_has_no_time_turns_to_the_next_one() {
        let unset = ntp_exchange(1, &[(3, 0, Time::default())]).into_step(1);
        let ending = Some(Ending { by: By::Server, how: How::Rejected, at: unset.last });
        let unset = Step { purpose: Purpose::Clock, stage: Stage::Time, outcome: Outcome::Failed, ending, ..unset };
        assert!(cut_off_after(&unset, 1) && !cut_off_after(&unset, 4));
    }

    #[test]
    fn a_name_that_is_asked_for_as_the_capture_ends_may_be_that_of_what_comes_next() {
        let hidden = |outcome: Outcome, after: i64| {
            let refused = syn(Purpose::Registrar).leaves(Side::Server, Close::Rst).into_step(1);
            let refused = Step { outcome: Outcome::Failed, ..refused };
            let at = refused.ending.expect("it failed").at;
            let mut asked = lookup("pbx2.contoso.com").into_step(9);
            let now = At { time: at.time.plus(SECOND), ..asked.last };
            (asked.first, asked.last, asked.outcome, asked.purpose) = (now, now, outcome, Purpose::Other);
            let drop = DropPoint { stage: Stage::Connect, by: By::Server, how: How::Rst, at };
            is_cut_off(&[refused, asked], 0, &drop, now.time.plus(after * SECOND), false, &profile())
        };
        assert!(hidden(Outcome::Unclear, 1));
        assert!(!hidden(Outcome::Ok, 1), "it has its answer");
        assert!(!hidden(Outcome::Unclear, 20), "nothing came of it");
    }

    #[test]
    fn who_finds_the_server_of_its_configuration_shut_goes_on_at_once() {
        let shut = |purpose: Purpose| {
            let step = syn(purpose).to("10.0.0.7", 80).leaves(Side::Server, Close::Rst).into_step(1);
            Step { outcome: Outcome::Failed, ..step }
        };
        assert!(cut_off_after(&shut(Purpose::Provision), 1));
        assert!(!cut_off_after(&shut(Purpose::Provision), 4), "it did not");
        assert!(!cut_off_after(&shut(Purpose::Registrar), 1));
    }

    #[test]
    fn a_capture_that_ends_with_the_last_word_of_the_kdc_is_not_cut_off() {
        use crate::protocols::kerberos::{Body, Message};
        let refused = |error: Message| {
            let mut step = kerberos(vec![(as_req(false), Some(error))]).into_step(9);
            (step.purpose, step.outcome) = (Purpose::Directory, Outcome::Failed);
            step
        };
        let ends = |steps: &[Step]| {
            let (index, drop) = find_drop(steps, &[false, false], false, &profile()).unwrap();
            !is_cut_off(steps, index, &drop, drop.at.time, false, &profile())
        };
        for code in [12, 14, 18] {
            assert!(ends(&[refused(krb_error(code))]), "{code}");
        }
        for code in [6, 7, 24, 37, 68] {
            assert!(!ends(&[refused(krb_error(code))]), "{code}: another name, another password, another clock, another realm");
        }
        let names_types = match krb_error(14) {
            Message { kind, body: Body::Error(error) } => {
                Message { kind, body: Body::Error(crate::protocols::kerberos::Error { etypes: vec![18], ..error }) }
            }
            other => panic!("{other:?}"),
        };
        assert!(!ends(&[refused(names_types)]), "it may ask again with a type that is named");
        let mut ldap = tcp(Purpose::Directory).to("10.0.0.3", 389).search("(objectClass=*)", 1, 0).into_step(1);
        ldap.outcome = Outcome::Unclear;
        assert!(!ends(&[ldap, refused(krb_error(14))]), "it may bind by NTLM");
    }
}
