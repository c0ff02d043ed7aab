//! `sip-rejected`: the registrar answers the registration with another 4xx.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-rejected",
    stage: Some(Stage::Register),
    weight: Weight::General,
    order: 930,
    help: Help {
        what: "The registrar answers the registration with another 4xx.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "See in the registrar's log why it rejects the request: the registrar. A new capture must show 200.",
        look_alikes: "408 and 480 can come from a proxy whose next hop is silent.",
        references: &["RFC 3261 section 21.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |_, answer| {
        let code = answer.code().unwrap_or_default();
        (400..500).contains(&code) && !matches!(code, 401 | 403 | 404 | 407 | 423)
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar rejects the registration: {list}"),
        fix: format!("See in the registrar's log why it rejects the request: {list}. A new capture must show 200."),
    })
}
