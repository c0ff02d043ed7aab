//! `enrolment-auth-scheme`: the CA's web page asks for an authentication that the device never tries.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-auth-scheme",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 505,
    help: Help {
        what: "The CA's web page asks for an authentication that the device never tries.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Offer the schemes that the device can use (NTLM, Negotiate) on the IIS application CertSrv; a new capture must show an Authorization header of the device.",
        look_alikes: "A device that stops after the first 401 may also lack a password.",
        references: &["RFC 9110 section 11"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Connection(connection) = kind else { return None };
        if step.stage != Stage::Enrolment || answers::connected_well(case, step.purpose) {
            return None;
        }
        let exchange = connection.http.last()?;
        let (at, response) = exchange.response.as_ref()?;
        let answered = exchange.request.as_ref().and_then(|(_, request)| request.credentials.as_ref());
        let answered = answered.is_some_and(crate::protocols::http::Credentials::is_final_leg);
        if !matches!(response.code, 401 | 407) || answered {
            return None;
        }
        let (host, path) = answers::page(connection, exchange);
        let shown = Evidence::new(
            at.frame,
            &format!("http.response.code == {}", response.code),
            format!("{host} answers {} for {path}", response.code),
        );
        Some((format!("{} for {path} on {host}", response.code), vec![shown]))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.75,
        summary: format!("the device never answers the web server's authentication challenge: {list}"),
        fix: format!(
            "Offer NTLM and Negotiate for the CertSrv application, or allow the page without authentication: {list}. A new capture must show the device's Authorization header and 200."
        ),
    })
}
