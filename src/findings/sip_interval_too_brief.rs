//! `sip-interval-too-brief`: the registrar wants a longer interval than the device asks for.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-interval-too-brief",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 920,
    help: Help {
        what: "The registrar wants a longer interval than the device asks for.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "Raise the registration interval on the phone to at least the registrar's Min-Expires, or lower that: the registrar.",
        look_alikes: "A device that raises Expires and is then accepted is healthy.",
        references: &["RFC 3261 section 10.3"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |_, answer| {
        let code = answer.code().unwrap_or_default();
        code == 423
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar wants a longer registration interval: {list}"),
        fix: format!(
            "Raise the registration interval on the phone to at least the registrar's Min-Expires, or lower that: {list}."
        ),
    })
}
