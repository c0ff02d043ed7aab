//! `ntp-wrong-time`: a synchronised answer whose time is far from every other witness.

use crate::device::facts::{ClockSource, Whose};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight, answers};
use crate::login::stages::time::is_usable;
use crate::model::{Evidence, SECOND, Stage};

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

fn check(case: &Case<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = case.attempt.clocks().filter_map(|(step, clock)| {
        let (at, answer) = clock.answers.iter().rev().find(|(_, answer)| is_usable(answer))?;
        let says = answer.transmit_time()?;
        let ahead = says.since(at.time);
        // Another server whose clock agrees with this one would make the capture's the odd one.
        let agrees = case.known.clocks.iter().any(|witness| {
            witness.from != ClockSource::TlsRandom
                && matches!(witness.whose, Whose::Server(address) if address != clock.server)
                && witness.says.since(witness.at.time).abs_diff(ahead) <= FAR
        });
        if ahead.unsigned_abs() <= FAR || agrees {
            return None;
        }
        let index = case.attempt.steps.iter().position(|other| std::ptr::eq(other, step));
        Some(Found {
            stage: Stage::Time,
            step: index,
            proof: Proof::Proven,
            explains_drop: false,
            confidence: 0.9,
            summary: format!(
                "time server {} says {}, while the capture says {}: {} s apart",
                clock.server, says.whole_seconds(), at.time.whole_seconds(), ahead.unsigned_abs() / SECOND.unsigned_abs()
            ),
            fix: format!(
                "Mend the clock of the time server {}: `w32tm /query /status` or `ntpq -p` there must show a good source, and \
                 `ntpdate -q {}` from elsewhere less than a second of offset.",
                clock.server, clock.server
            ),
            evidence: vec![Evidence::new(at.frame, "ntp.flags.mode == 4", format!("{} says {}", clock.server, says.whole_seconds()))],
        })
    }).collect();
    answers::explain_by_clock(case, &mut found);
    found
}
