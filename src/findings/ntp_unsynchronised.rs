//! `ntp-unsynchronised`: the time server answers that it has no time itself (leap indicator 3, stratum 0 or 16, or a kiss-o'-death).

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "ntp-unsynchronised",
    stage: Some(Stage::Time),
    weight: Weight::Specific,
    order: 305,
    help: Help {
        what: "The time server answers that it has no time itself (leap indicator 3, stratum 0 or 16, or a kiss-o'-death).",
        why: "A client must not set its clock by such an answer: the device stays without the time.",
        fix: "Synchronise the time server itself: `w32tm /query /status` or `ntpq -p` there must show a source and a stratum between 1 and 15.",
        look_alikes: "Stratum 0 in a request is normal. The kiss code RATE means that the device asked too often: its loop does that.",
        references: &["RFC 4330 sections 5 and 8", "RFC 5905 section 7.3"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Clock(clock) = kind else { return None };
        let _ = step;
        let (_, last) = clock.answers.last()?;
        let shown = clock.answers.iter().map(|(at, answer)| {
            Evidence::new(at.frame, "ntp.flags.mode == 4", format!("leap indicator {}, stratum {}", answer.leap, answer.stratum))
        });
        Some((format!("{} (leap indicator {}, stratum {})", clock.server, last.leap, last.stratum), shown.collect()))
    });
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!(
            "the time server has no time itself: {list}; a usable answer has leap indicator 0 to 2 and stratum 1 to 15"
        ),
        fix: format!(
            "Synchronise the time server {list}: `w32tm /query /status` or `ntpq -p` there must show a source and a stratum from 1 to 15."
        ),
    });
    answers::explain_by_clock(case, &mut found);
    found
}
