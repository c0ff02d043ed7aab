//! `enrolment-not-found`: the CA's web page answers 404: it is not there.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-not-found",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 515,
    help: Help {
        what: "The CA's web page answers 404: it is not there.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Check on the CA's web server that the Certification Authority Web Enrolment role is installed on that host and that the host is the right one. `curl --ntlm -u DOMAIN\\user URL` must give 200 and certificates.",
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
        if !(matches!(response.code, 404 | 410)) {
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
            "Check on the web server that the Certification Authority Web Enrolment role is installed on that host and that the host is the right one: {list}. `curl --ntlm -u DOMAIN\\user` to that page must give 200 and certificates."
        ),
    })
}
