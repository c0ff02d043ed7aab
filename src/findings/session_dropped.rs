//! `session-dropped`: registered, then cut, then all over again.

use crate::findings::shared::place::{Leaving, Place, connections, leaving_of};
use crate::findings::shared::restart::restart;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Step, StepKind};
use crate::model::{Evidence, Outcome, SECOND, Side, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "session-dropped",
    stage: Some(Stage::Session),
    weight: Weight::General,
    order: 1010,
    help: Help {
        what: "The device had registered, and then its connection was cut, so that it logs in all over again.",
        why: "A phone keeps its registration on one connection. When that goes, it begins at the first step.",
        fix: "See who closed. If the server: its log (service restart, a policy that ends the session, a second sign-in). If the device: \
              its log, its firmware. If nobody did, look at the firewalls and load balancers between: their time-outs for idle \
              connections, and fail-overs.",
        look_alikes: "A drop after the same idle time again and again is session-idle-cut. A device that starts from DHCP again has \
                      restarted: device-restarted. An un-register (Expires: 0) is deliberate.",
        references: &["RFC 5626 section 4.4 (keep-alives and flow failure)"],
    },
    check: |case| connections(case).filter_map(|place| found(case, &place)).chain(all_unheard(case)).collect(),
};

/// Over UDP nothing closes a session: the device asks for its binding once more, and nobody answers (RFC 3261 section 10.2.4).
fn all_unheard<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Found> + use<'a> {
    let steps = case.attempt.steps.iter().enumerate();
    let silent = steps.filter(|(_, step)| step.stage == Stage::Session && step.outcome == Outcome::Failed);
    silent.filter_map(|(index, step)| unheard(case, index, step))
}

fn unheard(case: &Case<'_>, index: usize, step: &Step) -> Option<Found> {
    let StepKind::Registration(registration) = &step.kind else { return None };
    let server = registration.flow.server;
    let last = registration.transactions.iter().rev().find(|one| one.request.method() == "REGISTER")?;
    let (asked, times) = (last.sent.first()?, last.sent.len());
    let before = registration.transactions.iter().filter_map(|one| one.answer.as_ref().map(|(at, _)| *at));
    let heard = before.filter(|at| at < asked).max()?;
    let seconds = asked.time.since(heard.time) as f64 / SECOND as f64;
    let often = if times > 1 { format!("{times} times, ") } else { String::new() };
    let asking = Evidence::new(asked.frame, "sip.Method == \"REGISTER\"", "REGISTER once more, and no answer");
    Some(Found {
        stage: Stage::Session,
        step: Some(index),
        proof: Proof::Told,
        explains_drop: case.attempt.dropped_step == Some(index),
        confidence: 0.8,
        summary: format!(
            "the registration with {server} is granted; {seconds:.0} s after the last answer the device asks for it again, {often}and \
             hears nothing"
        ),
        fix: format!(
            "See whether REGISTER arrives at {server} then, and where its answer goes: a NAT or firewall between that forgets the device's \
             port after less than {seconds:.0} s needs a longer time-out for UDP, or the device a keep-alive below it."
        ),
        evidence: vec![Evidence::new(heard.frame, "sip", "the last that was heard of the server"), asking],
    })
}

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    if !place.is_drop(case) || place.step.stage != Stage::Session || !place.connected() {
        return None;
    }
    let left = leaving_of(place.connection);
    // Nobody cut the connection of a device that restarted.
    if left.is_none() && restart(case).is_some() {
        return None;
    }
    let name = place.server();
    let end = left.map_or(place.step.last, |left| left.at);
    let seconds = end.time.since(place.step.first.time) as f64 / SECOND as f64;
    let how = match &left {
        Some(Leaving { side: Side::Client, .. }) => format!("the device {}", left.map(|left| left.words()).unwrap_or_default()),
        Some(Leaving { side: Side::Server, .. }) => format!("the server {}", left.map(|left| left.words()).unwrap_or_default()),
        None => "nothing more comes".to_owned(),
    };
    let evidence = match &left {
        Some(left) => left.evidence(how.clone()),
        None => Evidence::new(end.frame, "", "the last frame of the session"),
    };
    Some(Found {
        stage: Stage::Session,
        step: Some(place.index),
        proof: if left.is_some() { Proof::Told } else { Proof::Inferred },
        explains_drop: true,
        confidence: if left.is_some() { 0.75 } else { 0.6 },
        summary: format!("the session with {name} held {seconds:.0} s after it was opened, then {how}"),
        fix: format!(
            "See the log of {name} and of the device for the moment of frame {}, and the time-outs of the firewalls and load balancers \
             between them. A capture at the server at the same time shows who really closed.",
            end.frame
        ),
        evidence: vec![evidence],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    fn session(stage: Stage) -> Login {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let tcp = tcp.encrypted(Side::Client).encrypted(Side::Server).stage(stage).pause(42.0).leaves(Side::Server, Close::Rst);
        Login::new().step(tcp).dropped()
    }

    #[test]
    fn over_udp_the_refresh_that_nobody_answers_shows_that_the_session_is_gone() {
        let asks = |stage: Stage| {
            let asked = vec![(1, sip_request("REGISTER", 1), Some(sip_answer(200, 1))), (11, sip_request("REGISTER", 2), None)];
            Login::new().step(Step { stage, ..registration(asked).into_step(1) }).dropped()
        };
        let found = asks(Stage::Session).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("asks for it again, 11 times"), "{}", found.summary);
        asks(Stage::Register).nothing(&RULE);
        let elsewhere = asks(Stage::Session).step(tcp(Purpose::Registrar)).with(|attempt| attempt.dropped_step = None);
        assert!(!elsewhere.the(&RULE).explains_drop, "it went on at another server");
    }

    #[test]
    fn a_session_that_the_server_cuts() {
        let found = session(Stage::Session).the(&RULE);
        assert_eq!(
            found.summary,
            "the session with pool.contoso.com (10.0.0.5:5061) held 42 s after it was opened, then the server resets the connection (RST)"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn a_session_of_which_the_device_starts_from_nothing_was_not_cut() {
        let left = |abandoned: bool| {
            let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
            let tcp = tcp.encrypted(Side::Client).encrypted(Side::Server).stage(Stage::Session).pause(42.0);
            let tcp = if abandoned { tcp.abandoned() } else { tcp.leaves(Side::Server, Close::Rst) };
            Login::new().step(tcp).dropped().knowing(|known| known.restarts = vec![at_second(100, 60.0)])
        };
        left(true).nothing(&RULE);
        assert!(left(true).the(&crate::findings::device_restarted::RULE).explains_drop);
        left(false).the(&RULE);
    }

    #[test]
    fn a_registration_that_never_stood_is_no_session() {
        session(Stage::Register).nothing(&RULE);
        let mut held = session(Stage::Session);
        held.attempt.dropped_step = None;
        held.nothing(&RULE);
    }
}
