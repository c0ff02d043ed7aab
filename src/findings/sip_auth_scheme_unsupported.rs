//! `sip-auth-scheme-unsupported`: the registrar challenges, and the device never answers with credentials.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-auth-scheme-unsupported",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 905,
    help: Help {
        what: "The registrar challenges, and the device never answers with credentials.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "Offer an authentication scheme that the device can use, or give the phone its credentials: the registrar. A new capture must show an Authorization header of the device.",
        look_alikes: "A device without a password stops at the same place.",
        references: &["RFC 3261 section 22"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |transaction, answer| {
        let code = answer.code().unwrap_or_default();
        matches!(code, 401 | 407) && transaction.request.credentials.is_empty()
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the device never answers the registrar's challenge: {list}"),
        fix: format!(
            "Offer an authentication scheme that the device can use, or give the phone its credentials: {list}. A new capture must show an Authorization header of the device."
        ),
    })
}
