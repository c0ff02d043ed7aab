//! `sip-auth-rejected`: the registrar challenges again after the device has given its credentials.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-auth-rejected",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 900,
    help: Help {
        what: "The registrar challenges again after the device has given its credentials.",
        why: "A device that is refused has no registration: it cannot be called and begins again.",
        fix: "Correct user name, password or realm on the phone or on the registrar: the registrar. A new capture must show 200 after the request with credentials.",
        look_alikes: "A challenge with stale=true only brings a new nonce. NTLM takes three legs.",
        references: &["RFC 3261 section 22"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::refused_registrations(case, |transaction, answer| {
        let code = answer.code().unwrap_or_default();
        matches!(code, 401 | 407)
            && !transaction.request.credentials.is_empty()
            && !answer.challenges.iter().any(|challenge| challenge.stale)
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar refuses the device's credentials: {list}"),
        fix: format!(
            "Correct user name, password or realm on the phone or on the registrar: {list}. A new capture must show 200 after the request with credentials."
        ),
    })
}
