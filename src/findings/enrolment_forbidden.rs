//! `enrolment-forbidden`: the CA's web page answers 403: the device may not have it.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-forbidden",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 510,
    help: Help {
        what: "The CA's web page answers 403: the device may not have it.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Check on the CA's web server IP restrictions, required client certificates or required SSL of the IIS application. `curl --ntlm -u DOMAIN\\user URL` must give 200 and certificates.",
        look_alikes: "A refusal of one page that is followed by the good answer for another is harmless.",
        references: &["RFC 9110 section 15"],
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
        if response.code != 403 {
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
        confidence: 0.93,
        summary: format!("the web server does not deliver the CA certificates: {list}"),
        fix: format!(
            "Check on the web server IP restrictions, required client certificates or required SSL of the IIS application: {list}. `curl --ntlm -u DOMAIN\\user` to that page must give 200 and certificates."
        ),
    })
}
