//! `sip-forbidden`: the registrar answers 403 to the registration.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-forbidden",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 910,
    help: Help {
        what: "The registrar answers 403 to the registration.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "See in the registrar's log why it forbids this user or device (rights, address, domain, policy): the registrar. A new capture must show 200.",
        look_alikes: "403 with a hint to upgrade is about the version of the client.",
        references: &["RFC 3261 section 21.4.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |_, answer| {
        let code = answer.code().unwrap_or_default();
        code == 403
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar forbids the registration: {list}"),
        fix: format!(
            "See in the registrar's log why it forbids this user or device (rights, address, domain, policy): {list}. A new capture must show 200."
        ),
    })
}
