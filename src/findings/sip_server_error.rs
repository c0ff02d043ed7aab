//! `sip-server-error`: the registrar answers with an error of its own (5xx or 6xx).

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-server-error",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 935,
    help: Help {
        what: "The registrar answers with an error of its own (5xx or 6xx).",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "Mend the registrar or what lies behind it (database, next hop): the registrar. A new capture must show 200.",
        look_alikes: "503 with Retry-After is overload.",
        references: &["RFC 3261 section 21.5"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |_, answer| {
        let code = answer.code().unwrap_or_default();
        code >= 500
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar fails: {list}"),
        fix: format!("Mend the registrar or what lies behind it (database, next hop): {list}. A new capture must show 200."),
    })
}
