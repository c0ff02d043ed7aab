//! `ntp-wrong-time`: a synchronised answer whose time is far from every other witness.

use std::net::IpAddr;

use crate::device::facts::{ClockSource, ClockWitness, Whose};
use crate::findings::shared::answers;
use crate::findings::shared::chain;
use crate::findings::shared::own_clock::apart;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{At, Evidence, Frame, SECOND, Stage, Time};

/// The rule.
pub static RULE: Rule = Rule {
    code: "ntp-wrong-time",
    stage: Some(Stage::Time),
    weight: Weight::Specific,
    order: 310,
    help: Help {
        what: "The time server calls itself synchronised, and its time is wrong.",
        why: "The device sets its clock by it, and then finds certificates expired or not yet valid, and Kerberos refuses it.",
        fix: "Mend the time server's own source: `w32tm /stripchart /computer:SERVER` or `ntpdate -q SERVER` against a good clock must \
              show less than a second.",
        look_alikes: "The capturing machine's clock can be the wrong one: other servers' clocks tell.",
        references: &["RFC 5905 section 7.3"],
    },
    check,
};

/// A clock that is farther off than this matters (RFC 4120 section 8.2 allows five minutes).
const FAR: u64 = 300 * SECOND as u64;

/// What a time server told the device, and in which step of the attempt, where it was in none before.
#[derive(Clone, Copy)]
struct Told {
    step: Option<usize>,
    server: IpAddr,
    at: At,
    says: Time,
}

fn check(case: &Case<'_>) -> Vec<Found> {
    let steps = case.attempt.steps.iter().enumerate();
    let clocks = steps.filter_map(|(index, step)| match &step.kind {
        StepKind::Clock(clock) => Some((index, clock.as_ref())),
        _ => None,
    });
    let told = clocks.clone().filter_map(|(index, clock)| {
        let (at, answer) = clock.answers.iter().rev().find(|(_, answer)| answer.is_usable())?;
        Some(Told { step: Some(index), server: clock.server, at: *at, says: answer.transmit_time()? })
    });
    let found: Vec<Found> = told.filter_map(|told| tell(case, told)).collect();
    if clocks.count() > 0 { found } else { told_before(case).into_iter().collect() }
}

/// A clock stays wrong through later attempts that do not ask for the time again.
fn told_before(case: &Case<'_>) -> Option<Found> {
    let witness = case.known.time_told_before(case.attempt.first.frame)?;
    let Whose::Server(server) = witness.whose else { return None };
    let told = Told { step: None, server, at: witness.at, says: witness.says };
    tell(case, told).filter(|found| found.explains_drop)
}

fn tell(case: &Case<'_>, told: Told) -> Option<Found> {
    let Told { step, server, at, says } = told;
    let ahead = says.since(at.time);
    if ahead.unsigned_abs() <= FAR || agrees(case, server, ahead) {
        return None;
    }
    let refused = refused_certificate(case, ahead);
    // The capture's own clock alone proves nothing: somebody else must say that the answer is wrong.
    let witness = other_clock(case, told, ahead).or_else(|| issued_later(case, says)).or_else(|| refused.clone())?;
    let mut evidence = vec![Evidence::new(at.frame, "ntp.flags.mode == 4", format!("{server} says {}", says.whole_seconds()))];
    evidence.push(Evidence::new(witness.frame, "", witness.words.clone()));
    let consequence = refused.as_ref().map(|refused| format!(", so that for the device {}", refused.words)).unwrap_or_default();
    evidence.extend(
        refused
            .as_ref()
            .filter(|refused| **refused != witness)
            .map(|refused| Evidence::new(refused.frame, "tls.handshake.type == 11", format!("for the device {}", refused.words))),
    );
    let others = if refused.as_ref() == Some(&witness) { String::new() } else { format!(" and {}", witness.words) };
    let mut found = Found {
        stage: Stage::Time,
        step,
        proof: Proof::Proven,
        explains_drop: refused.is_some(),
        confidence: if others.is_empty() { 0.8 } else { 0.92 },
        summary: format!(
            "time server {server} says {}, while the capture says {}{others}: {} apart, where 300 s are too many{consequence}",
            says.whole_seconds(),
            at.time.whole_seconds(),
            apart(ahead.unsigned_abs())
        ),
        fix: format!(
            "Mend the clock of the time server {server}: `w32tm /query /status` or `ntpq -p` there must show a good source, and `ntpdate -q \
             {server}` from elsewhere less than a second of offset."
        ),
        evidence,
    };
    // A device whose own clock shows must have taken this very time from the server.
    let taken = chain::device_time(case, case.attempt.last).map(|now| now.since(case.attempt.last.time));
    if taken.is_some_and(|own| own.abs_diff(ahead) <= FAR) {
        answers::explain_by_clock(case, std::slice::from_mut(&mut found));
    }
    Some(found)
}

/// Does another server's clock agree with this one? Then the capture's is the odd one.
fn agrees(case: &Case<'_>, server: IpAddr, ahead: i64) -> bool {
    others(case, server).any(|witness| witness.says.since(witness.at.time).abs_diff(ahead) <= FAR)
}

fn others<'a>(case: &Case<'a>, server: IpAddr) -> impl Iterator<Item = &'a ClockWitness> {
    case.known.clocks.iter().filter(move |witness| {
        witness.from != ClockSource::TlsRandom && matches!(witness.whose, Whose::Server(address) if address != server)
    })
}

/// Somebody or something that says that the time server is wrong.
#[derive(Clone, PartialEq)]
struct Witness {
    frame: Frame,
    words: String,
}

/// Another server, whose clock is right by the capture's, by what it said nearest to that frame.
fn other_clock(case: &Case<'_>, told: Told, ahead: i64) -> Option<Witness> {
    let right = |witness: &&ClockWitness| {
        let other = witness.says.since(witness.at.time);
        other.unsigned_abs() <= FAR && other.abs_diff(ahead) > FAR
    };
    let distance = |witness: &&ClockWitness| witness.at.frame.number().abs_diff(told.at.frame.number());
    let witness = others(case, told.server).filter(right).min_by_key(distance)?;
    let Whose::Server(address) = witness.whose else { return None };
    Some(Witness { frame: witness.at.frame, words: format!("server {address} says {}", witness.says.whole_seconds()) })
}

/// A certificate that was issued after the time that the server tells.
fn issued_later(case: &Case<'_>, says: Time) -> Option<Witness> {
    let sent = case.attempt.connections().filter_map(|(_, connection)| connection.tls.as_ref()?.certificate.as_ref());
    let sent = sent.flat_map(|(at, chain)| chain.iter().map(|certificate| (*at, certificate)));
    let issued = sent.filter_map(|(at, certificate)| {
        let body = certificate.body.as_ref().ok()?;
        let later = body.not_before.since(says) > i64::try_from(FAR).unwrap_or(i64::MAX) && body.not_before <= at.time;
        let words = || format!("{} was issued on {}", body.subject.text, body.not_before.whole_seconds());
        later.then(|| Witness { frame: at.frame, words: words() })
    });
    issued.last()
}

/// A certificate of the chain that the device left, good by the capture's clock and not by the one that it was given.
fn refused_certificate(case: &Case<'_>, ahead: i64) -> Option<Witness> {
    chain::judged(case).iter().filter(|judged| judged.place().is_drop(case)).find_map(|judged| {
        let refusal = judged.refusal?;
        // Alerts that are never about dates, and a device whose own clock is known to be another.
        let own = chain::device_time(case, judged.at).map(|own| own.since(judged.at.time));
        let goes_by_another = own.is_some_and(|own| own.abs_diff(ahead) > FAR);
        if matches!(refusal.alert(), Some(43 | 44 | 48 | 51)) || goes_by_another {
            return None;
        }
        let believed = judged.at.time.plus(ahead);
        judged.chain.iter().filter_map(|certificate| certificate.body.as_ref().ok()).find_map(|body| {
            let within = |time: Time| body.not_before <= time && time <= body.not_after;
            let words = if believed < body.not_before {
                format!("{} is not valid yet (before {})", body.subject.text, body.not_before.whole_seconds())
            } else {
                format!("{} has expired (on {})", body.subject.text, body.not_after.whole_seconds())
            };
            (within(judged.at.time) && !within(believed)).then_some(Witness { frame: judged.at.frame, words })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    /// Nine years slow.
    const SLOW: i64 = -283_996_800;

    fn told(seconds: i64) -> Login {
        Login::new().step(ntp_exchange(1, &[(0, 2, BEGIN.plus(seconds * SECOND))]))
    }

    fn refuses(login: Login) -> Login {
        login.step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin)).dropped()
    }

    fn web_server(login: Login, seconds: i64) -> Login {
        login.clock(Whose::Server(ip("10.0.0.7")), ClockSource::Date, at(40), at(40).time.plus(seconds * SECOND))
    }

    #[test]
    fn nine_years_slow_makes_a_good_certificate_bad() {
        let found = web_server(refuses(told(SLOW)), 0).the(&RULE);
        assert!(found.explains_drop && found.proof == Proof::Proven);
        assert!(
            found
                .summary
                .starts_with("time server 10.0.0.9 says 2000-04-10T22:00:00Z, while the capture says 2009-04-10T22:00:00Z")
        );
        assert!(
            found.summary.ends_with("CN=pool.contoso.com is not valid yet (before 2009-01-01T00:00:00Z)"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn a_certificate_that_was_issued_later_is_witness_enough() {
        assert!(refuses(told(SLOW)).the(&RULE).explains_drop);
    }

    #[test]
    fn a_device_whose_own_clock_goes_by_the_servers_shows_it_and_one_that_goes_by_another_does_not() {
        const YEARS_FAST: i64 = 9 * 365 * 86_400;
        let own = |seconds: i64| {
            let login = told(YEARS_FAST).clock(Whose::Device, ClockSource::TlsRandom, at(2), at(2).time.plus(seconds * SECOND));
            refuses(login.clock(Whose::Device, ClockSource::TlsRandom, at(3), at(3).time.plus(seconds * SECOND)))
        };
        assert!(own(YEARS_FAST).the(&RULE).explains_drop);
        own(0).nothing(&RULE);
    }

    #[test]
    fn an_hour_that_leaves_the_certificates_valid_explains_nothing() {
        assert!(!web_server(refuses(told(3600)), 0).the(&RULE).explains_drop);
    }

    #[test]
    fn a_wrong_clock_stays_wrong_through_attempts_that_do_not_ask_for_the_time_again() {
        let later = |login: Login, seconds: i64| {
            let says = at(1).time.plus(seconds * SECOND);
            let login =
                login.with(|attempt| attempt.first = at(5)).clock(Whose::Server(ip("10.0.0.9")), ClockSource::Ntp, at(1), says);
            web_server(refuses(login), 0)
        };
        let found = later(Login::new(), SLOW).the(&RULE);
        assert!(found.explains_drop && found.step.is_none());
        assert_eq!(found.evidence[0].frame, Frame::new(1));
        later(Login::new(), 3600).nothing(&RULE);
        later(Login::new().step(ntp_exchange(1, &[(0, 2, BEGIN)])), SLOW).nothing(&RULE);
    }

    #[test]
    fn the_captures_clock_alone_proves_nothing() {
        told(3600).nothing(&RULE);
        web_server(told(3600), 3601).nothing(&RULE);
    }

    #[test]
    fn a_small_difference_and_an_unsynchronised_answer_give_nothing() {
        web_server(told(200), 0).nothing(&RULE);
        let unsynchronised = Login::new().step(ntp_exchange(1, &[(3, 16, BEGIN.plus(SLOW * SECOND))]));
        web_server(unsynchronised, 0).nothing(&RULE);
    }
}
