//! `enrolment-bad-content`: the answer to the request for CA certificates holds none.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-bad-content",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 535,
    help: Help {
        what: "The answer to the request for CA certificates holds none.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Take the portal or proxy out of the way that answers with a page of its own, or correct the page; `curl URL | openssl pkcs7 -print_certs` must list the CAs.",
        look_alikes: "Microsoft CAs label a base64 PKCS#7 as CERTIFICATE: that is good content.",
        references: &["RFC 2315", "RFC 7468"],
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
        if response.code != 200 || !crate::login::stages::enrolment::is_bad_content(exchange, response) {
            return None;
        }
        let (host, path) = answers::page(connection, exchange);
        let kind = response.content_type.as_ref().map_or_else(|| "no content type".to_owned(), ToString::to_string);
        Some((
            format!("{path} on {host} ({kind})"),
            vec![Evidence::new(at.frame, "http.response.code == 200", format!("{host} answers {kind}, and no certificate"))],
        ))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the answer to the request for CA certificates holds no certificate: {list}"),
        fix: format!(
            "Make that page deliver certificates: {list}. Take a portal, proxy or login page out of the way; `curl URL | openssl pkcs7 -print_certs` must list the CAs."
        ),
    })
}
