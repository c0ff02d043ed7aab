//! `session-idle-cut`: the session is cut after a pause that something between has no patience for.

use crate::findings::shared::place::{Leaving, Place, connections, leaving_of};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{At, Evidence, How, SECOND, Stage};

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
        what: "The registered session is cut after a pause that equals a usual idle time-out, before the device's next keep-alive.",
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

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    if !place.is_drop(case) || place.step.stage != Stage::Session {
        return None;
    }
    let cut = cut_of(place)?;
    let pause = cut.pause();
    let usual = usual(pause)?;
    if has_outlived(place, &cut) {
        return None;
    }
    // The same pause at the end of another connection of the attempt makes it more than one coincidence.
    let others = connections(case).filter(|other| other.index != place.index);
    let again = others.filter_map(|other| cut_of(&other)).any(|cut| (cut.pause() - pause).abs() <= pause / 10);
    let seconds = pause as f64 / SECOND as f64;
    let name = place.server();
    Some(Found {
        stage: Stage::Session,
        step: Some(place.index),
        proof: Proof::Inferred,
        explains_drop: true,
        confidence: if again { 0.8 } else { 0.6 },
        summary: format!(
            "the session with {name} is cut after {seconds:.0} s without a word, near the usual idle time-out of {usual} s"
        ),
        fix: format!(
            "Find what between the device and {name} has an idle time-out of {usual} s (firewall, NAT, load balancer, the server \
             itself) and raise it above the device's keep-alive interval, or set the device's keep-alive below {usual} s. A new capture \
             must show a keep-alive before {usual} s have passed."
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

/// How a session was cut.
struct Cut {
    /// The last word before.
    last: At,
    /// The close, or the first request that nobody heard any more.
    at: At,
    left: Option<Leaving>,
}

impl Cut {
    /// How long nobody had said anything before it.
    fn pause(&self) -> i64 {
        self.at.time.since(self.last.time)
    }
}

/// A device that nobody hears any more closes, as a rule: that comes behind the cut.
fn cut_of(place: &Place<'_>) -> Option<Cut> {
    silence_of(place).or_else(|| closing_of(place))
}

fn closing_of(place: &Place<'_>) -> Option<Cut> {
    let left = leaving_of(place.connection)?;
    let stats = &place.connection.stats;
    let spoke = [stats.client.last_data, stats.server.last_data].into_iter().flatten().filter(|at| at.frame < left.at.frame);
    Some(Cut { last: spoke.max_by_key(|at| at.frame)?, at: left.at, left: Some(left) })
}

/// Whatever forgot the connection may say nothing: then the next request is sent in vain.
fn silence_of(place: &Place<'_>) -> Option<Cut> {
    place.step.ending.filter(|ending| ending.how == How::Timeout)?;
    let heard = place.connection.stats.server.last?;
    let asked = place.connection.sip.iter().filter(|transaction| transaction.answer.is_none());
    let asked = asked.filter_map(|transaction| transaction.sent.first().copied());
    let sealed = place.tls().and_then(|tls| tls.client_data.last()).map(|record| record.at);
    let unheard = asked.chain(sealed).filter(|at| *at > heard).min()?;
    Some(Cut { last: heard, at: unheard, left: None })
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
