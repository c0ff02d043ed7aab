//! `ntp-no-answer`: the device asked for the time, and no time server answered.

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "ntp-no-answer",
    stage: Some(Stage::Time),
    weight: Weight::Specific,
    order: 300,
    help: Help {
        what: "The device asked for the time, and no time server answered.",
        why: "Without the time the device's clock stands at its power-on default, and every certificate is not yet valid; some devices do not go on at all.",
        fix: "Let the device reach a time server: publish SRV _ntp._udp in its SIP domain or give DHCP option 42, run NTP there, and allow UDP 123. `ntpdate -q SERVER` from the phone's network must answer.",
        look_alikes: "If the name of the server does not resolve, no NTP packet is sent at all: that is a finding of its own.",
        references: &["RFC 4330 section 5", "RFC 5905"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Clock(clock) = kind else { return None };
        if !clock.answers.is_empty()
            || answers::made_good(case, Purpose::Clock) && case.attempt.clocks().any(|(_, other)| !other.answers.is_empty())
        {
            return None;
        }
        let shown = clock.requests.iter().map(|(at, _)| {
            Evidence::new(at.frame, "ntp.flags.mode == 3", format!("{} is asked for the time, and nobody answers", clock.server))
        });
        let _ = step;
        Some((
            clock.name.as_ref().map_or_else(|| clock.server.to_string(), |name| format!("{name} ({})", clock.server)),
            shown.collect(),
        ))
    });
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("no time server answers the device: {list}"),
        fix: format!(
            "Let NTP answer: {list}. Allow UDP 123 there from the phone's VLAN, or publish a time server inside (SRV _ntp._udp in the SIP domain, DHCP option 42). `ntpdate -q` from the phone's network must answer, and a new capture must show an NTP answer before TLS."
        ),
    });
    answers::explain_by_no_time(case, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::{ClockSource, Whose};
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::model::{SECOND, Side};

    #[test]
    fn a_device_that_does_not_go_on_without_the_time() {
        let found = Login::new().step(ntp_exchange(3, &[])).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "no time server answers the device: time.windows.com (10.0.0.9)");
        assert_eq!(found.evidence.len(), 3);
    }

    /// NTP is silent, and then the device refuses a certificate that is valid in 2009, by a clock that stands elsewhere.
    fn refused_by_a_clock_of(seconds: i64) -> Login {
        let off = |at: crate::model::At| at.time.plus(seconds * SECOND);
        let flight = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst);
        let login = Login::new().step(ntp_exchange(2, &[])).step(flight).dropped();
        login.clock(Whose::Device, ClockSource::TlsRandom, at(1), off(at(1))).clock(
            Whose::Device,
            ClockSource::TlsRandom,
            at(9),
            off(at(9)),
        )
    }

    #[test]
    fn a_clock_that_nobody_set_explains_the_certificate_that_it_makes_bad() {
        assert!(refused_by_a_clock_of(-94_694_400).the(&RULE).explains_drop);
        assert!(!refused_by_a_clock_of(1).the(&RULE).explains_drop);
    }

    #[test]
    fn a_device_without_the_time_takes_no_certificate_to_be_valid_yet() {
        let refused = |alert: u8| {
            let flight = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).alert(Side::Client, 2, alert);
            Login::new().step(ntp_exchange(3, &[])).step(flight.leaves(Side::Client, Close::Fin)).dropped()
        };
        let found = refused(42).the(&RULE);
        assert!(found.explains_drop && found.confidence < 0.9);
        let told =
            "without the time, the device says 42 (bad_certificate) to the certificate of pool.contoso.com (10.0.0.5:5061)";
        assert_eq!(found.evidence.last().map(|evidence| evidence.text.as_str()), Some(told));
        assert!(!refused(46).the(&RULE).explains_drop, "it does not know the issuer, perhaps");
        let set = refused(42).clock(Whose::Server(ip("10.0.0.7")), ClockSource::Ntp, at(1), at(1).time);
        assert!(!set.the(&RULE).explains_drop, "it was told the time before");
    }

    #[test]
    fn a_second_server_that_answers_gives_nothing() {
        Login::new().step(ntp_exchange(2, &[])).step(ntp_exchange(1, &[(0, 2, crate::findings::testing::BEGIN)])).nothing(&RULE);
    }
}
