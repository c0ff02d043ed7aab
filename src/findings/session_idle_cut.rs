//! `session-idle-cut`: the session is cut after a pause that something between has no patience for.

use crate::findings::shared::idle::{self, Cut, cut_of};
use crate::findings::shared::place::{Place, connections};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{At, Evidence, SECOND, Side, Stage};

/// Idle time-outs that firewalls, load balancers and servers are set to, in seconds.
const USUAL: &[i64] = &[60, 120, 300, 600, 660, 900, 1800, 3600];
/// How near a pause must be to one of them, as a part of it.
const NEAR: i64 = 20;

/// The rule.
pub static RULE: Rule = Rule {
    code: "session-idle-cut",
    stage: Some(Stage::Session),
    weight: Weight::Specific,
    order: 1000,
    help: Help {
        what: "The registered session is cut after a pause before the device's next keep-alive: one that equals a usual idle \
               time-out, or the same as before.",
        why: "A firewall, load balancer or server forgets a connection on which nothing was said for so long. The device's next packet \
              is answered by RST, or by nobody, and it logs in again.",
        fix: "Raise the idle time-out of whatever stands between to more than the keep-alive interval (an hour is usual for SIP over \
              TLS), or lower the device's keep-alive or registration interval below the time-out. A new capture must show keep-alives \
              that come before it.",
        look_alikes: "Cuts after pauses that differ each time are session-dropped: a restart, a fail-over, the device itself.",
        references: &["RFC 5626 section 4.4 (keep-alives)", "RFC 5382 section 5 (NAT: two hours and four minutes for TCP)"],
    },
    check: |case| connections(case).filter_map(|place| found(case, &place)).collect(),
};

/// No time-out for idle connections is shorter, in seconds.
const SHORTEST: i64 = 10;

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    if !place.is_drop(case) || place.step.stage != Stage::Session {
        return None;
    }
    let cut = cut_of(place)?;
    if has_outlived(place, &cut) {
        return None;
    }
    let (pause, seconds) = (cut.pause(), cut.pause() as f64 / SECOND as f64);
    let (confidence, likeness, timeout) = match usual(pause) {
        Some(usual) => {
            // The same pause at the end of another session makes it more than one coincidence.
            let others = connections(case).filter(|other| other.index != place.index);
            let again = others.filter_map(|other| cut_of(&other)).any(|cut| (cut.pause() - pause).abs() <= pause / 10);
            (if again { 0.8 } else { 0.6 }, format!("near the usual idle time-out of {usual} s"), usual)
        }
        None if is_constant(case, place, &cut) => (0.65, "like each session before".to_owned(), seconds.round() as i64),
        None => return None,
    };
    let name = place.server();
    Some(Found {
        stage: Stage::Session,
        step: Some(place.index),
        proof: Proof::Inferred,
        explains_drop: true,
        confidence,
        summary: format!("the session with {name} is cut after {seconds:.0} s without a word, {likeness}"),
        fix: format!(
            "Find what between the device and {name} has an idle time-out of {timeout} s (firewall, NAT, load balancer, the server \
             itself) and raise it above the device's keep-alive interval, or set the device's keep-alive below {timeout} s. A new \
             capture must show a keep-alive before {timeout} s have passed."
        ),
        evidence: vec![
            Evidence::new(cut.last.frame, "tcp", "the last that was heard before"),
            match &cut.left {
                Some(left) => left.evidence(format!("{seconds:.0} s later the connection is cut")),
                None => Evidence::new(cut.at.frame, "tcp.len > 0", format!("{seconds:.0} s later nothing is heard any more")),
            },
        ],
    })
}

/// Was each session before cut after the same silence, and did this one stand no longer one (all that was said before took less
/// time)? A device that leaves, or asks in vain, keeps to an interval of its own.
fn is_constant(case: &Case<'_>, place: &Place<'_>, cut: &Cut) -> bool {
    let pause = cut.pause();
    let is_by_server = cut.left.is_some_and(|left| left.side == Side::Server);
    let is_longest = cut.last.time.since(place.step.first.time) < pause;
    is_by_server
        && is_longest
        && pause >= SHORTEST * SECOND
        && case.idled.is_some_and(|_| idle::is_constant(idle::range(case.idled, pause)))
}

/// Did the session stand longer pauses between its requests before? Then no time-out is as short as this one.
fn has_outlived(place: &Place<'_>, cut: &Cut) -> bool {
    let asked = place.connection.sip.iter().flat_map(|transaction| transaction.sent.first().copied());
    let asked: Vec<At> = asked.filter(|at| *at <= cut.last).collect();
    let mut pauses = asked.iter().zip(asked.iter().skip(1)).map(|(one, next)| next.time.since(one.time));
    pauses.any(|pause| pause > cut.pause().saturating_mul(11) / 10)
}

/// The usual time-out that a pause equals, in seconds.
fn usual(pause: i64) -> Option<i64> {
    USUAL.iter().copied().find(|usual| (pause - usual * SECOND).abs() <= usual * SECOND / NEAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    fn idle(seconds: f64, stage: Stage) -> Login {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let tcp =
            tcp.encrypted(Side::Client).encrypted(Side::Server).stage(stage).pause(seconds).leaves(Side::Server, Close::Rst);
        Login::new().step(tcp).dropped()
    }

    #[test]
    fn a_pause_of_a_usual_time_out() {
        let found = idle(600.0, Stage::Session).the(&RULE);
        assert_eq!(
            found.summary,
            "the session with pool.contoso.com (10.0.0.5:5061) is cut after 600 s without a word, near the usual idle time-out of 600 s"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn the_same_silence_as_before_each_session_before_was_cut() {
        let found = idle(42.0, Stage::Session).after_idling(&[42.1, 41.5]).the(&RULE);
        assert_eq!(
            found.summary,
            "the session with pool.contoso.com (10.0.0.5:5061) is cut after 42 s without a word, like each session before"
        );
        idle(42.0, Stage::Session).after_idling(&[50.0]).nothing(&RULE);
        idle(42.0, Stage::Session).after_idling(&[50.0, 42.0]).nothing(&RULE);
        idle(2.0, Stage::Session).after_idling(&[2.0]).nothing(&RULE);
    }

    #[test]
    fn the_same_silence_is_not_what_ends_a_session_that_may_have_stood_a_longer_one_or_that_the_device_leaves() {
        let cut = |before: f64, side: Side| {
            let spoken = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1))).pause(before);
            let alive = spoken.data(Side::Client, 4).data(Side::Server, 2).pause(42.0);
            Login::new().step(alive.stage(Stage::Session).leaves(side, Close::Fin)).dropped().after_idling(&[42.0])
        };
        cut(10.0, Side::Server).the(&RULE);
        cut(100.0, Side::Server).nothing(&RULE);
        cut(10.0, Side::Client).nothing(&RULE);
    }

    #[test]
    fn a_session_that_stood_a_longer_pause_before_is_not_cut_for_this_one() {
        let asked = |sequence| sip_request("REGISTER", sequence);
        let after = |pause: f64| {
            let spoken = tcp(Purpose::Registrar).sip(asked(1), Some(sip_answer(200, 1))).pause(pause);
            let refreshed = spoken.sip(asked(2), Some(sip_answer(200, 2))).pause(600.0);
            Login::new().step(refreshed.stage(Stage::Session).leaves(Side::Server, Close::Rst)).dropped()
        };
        assert!(after(300.0).the(&RULE).summary.contains("is cut after 600 s without a word"));
        after(1_800.0).nothing(&RULE);
    }

    #[test]
    fn a_keep_alive_that_is_answered_by_a_reset_found_the_connection_forgotten_before() {
        let kept = |close: Close, before: &[f64]| {
            let spoken = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1)));
            let kept = before.iter().fold(spoken, |wire, pause| wire.pause(*pause).data(Side::Client, 4));
            Login::new().step(kept.stage(Stage::Session).leaves(Side::Server, close)).dropped()
        };
        let found = kept(Close::Rst, &[600.0]).the(&RULE);
        assert!(found.summary.contains("is cut after 600 s without a word"), "{}", found.summary);
        kept(Close::Fin, &[600.0]).nothing(&RULE);
        kept(Close::Rst, &[300.0, 300.0]).nothing(&RULE);
        kept(Close::Rst, &[45.0]).nothing(&RULE);
        let spoken = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), Some(sip_answer(200, 1)));
        let stood = (0..4).fold(spoken, |wire, _| wire.pause(120.0).data(Side::Client, 4).data(Side::Server, 2));
        let cut = stood.pause(120.0).data(Side::Client, 4).stage(Stage::Session).leaves(Side::Server, Close::Rst);
        Login::new().step(cut).dropped().nothing(&RULE);
    }

    #[test]
    fn whatever_forgets_the_connection_may_say_nothing() {
        let asked = |sequence| sip_request("REGISTER", sequence);
        let spoken = tcp(Purpose::Registrar).sip(asked(1), Some(sip_answer(200, 1))).pause(300.0).sip(asked(2), None);
        let found = Login::new().step(spoken.stage(Stage::Session).timed_out(crate::model::By::Network)).dropped().the(&RULE);
        assert!(found.summary.contains("is cut after 300 s without a word"));
    }

    #[test]
    fn a_device_that_closes_when_it_has_repeated_itself_long_enough_was_cut_before() {
        let asked = |sequence| sip_request("REGISTER", sequence);
        let spoken = tcp(Purpose::Registrar).sip(asked(1), Some(sip_answer(200, 1))).pause(600.0).sip(asked(2), None);
        let gives_up = spoken.stage(Stage::Session).stuck(Side::Client, 600, 5).timed_out(crate::model::By::Network);
        let found = Login::new().step(gives_up.pause(12.0).leaves(Side::Client, Close::Rst)).dropped().the(&RULE);
        assert!(found.summary.contains("is cut after 600 s without a word"), "{}", found.summary);
    }

    #[test]
    fn what_is_encrypted_and_unheard_shows_the_pause_before_it() {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let tcp = tcp.encrypted(Side::Client).encrypted(Side::Server).pause(300.0).encrypted(Side::Client);
        let found = Login::new().step(tcp.stage(Stage::Session).timed_out(crate::model::By::Network)).dropped().the(&RULE);
        assert!(found.summary.contains("is cut after 300 s without a word"), "{}", found.summary);
    }

    #[test]
    fn another_pause_and_another_stage_say_nothing() {
        idle(42.0, Stage::Session).nothing(&RULE);
        idle(200.0, Stage::Session).nothing(&RULE);
        idle(600.0, Stage::Register).nothing(&RULE);
    }
}
