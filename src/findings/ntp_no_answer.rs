//! `ntp-no-answer`: the device asked for the time, and no time server answered.

use crate::findings::answers::{self, Words};
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
    answers::explain_by_clock(case, &mut found);
    found
}
