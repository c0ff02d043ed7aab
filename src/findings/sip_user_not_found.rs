//! `sip-user-not-found`: the registrar does not know the user.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-user-not-found",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 915,
    help: Help {
        what: "The registrar does not know the user.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "Create or enable the user on the registrar, or correct the sign-in address on the phone: the registrar. A new capture must show 200.",
        look_alikes: "A proxy that cannot route the domain answers 404 too.",
        references: &["RFC 3261 section 21.4.5"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |_, answer| {
        let code = answer.code().unwrap_or_default();
        code == 404
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar does not know the user: {list}"),
        fix: format!(
            "Create or enable the user on the registrar, or correct the sign-in address on the phone: {list}. A new capture must show 200."
        ),
    })
}
