//! `sip-no-answer`: the device's REGISTER is not answered.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-no-answer",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 895,
    help: Help {
        what: "The device's REGISTER is not answered.",
        why: "Without an answer there is no registration.",
        fix: "Start the registrar, correct its address and port, and let SIP through the firewall both ways; a new capture must show an answer to REGISTER.",
        look_alikes: "An answer that goes to the wrong port behind a NAT is visible on the server side only.",
        references: &["RFC 3261 section 17.1.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Registration(registration) = kind else { return None };
        let last = registration.transactions.last().filter(|last| last.answer.is_none() && answers::is_silence(step))?;
        let shown = last.sent.iter().map(|at| Evidence::new(at.frame, "sip.Method == \"REGISTER\"", "REGISTER, and no answer"));
        Some((registration.flow.server.to_string(), shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("REGISTER is not answered by {list}"),
        fix: format!(
            "Start the registrar on {list}, or correct address and port on the phone, and let SIP through the firewall both ways; a new capture must show an answer to REGISTER."
        ),
    })
}
