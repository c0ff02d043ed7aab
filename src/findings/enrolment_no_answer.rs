//! `enrolment-no-answer`: the CA's web server takes the request and never answers.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-no-answer",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 530,
    help: Help {
        what: "The CA's web server takes the request and never answers.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "See why the web server hangs: application pool, CA service behind it, a proxy. `curl URL` must answer.",
        look_alikes: "A refused or silent port is told by tcp-refused or tcp-no-answer.",
        references: &["RFC 9110"],
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
        let ((at, _), None) = (exchange.request.as_ref()?, exchange.response.as_ref()) else { return None };
        if !answers::is_silence(step) {
            return None;
        }
        let (host, path) = answers::page(connection, exchange);
        Some((
            format!("{path} on {host}"),
            vec![Evidence::new(at.frame, "http.request", format!("{host} is asked for {path}, and does not answer"))],
        ))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the web server does not answer: {list}"),
        fix: format!(
            "See why the web server hangs ({list}): its application pool, the CA service behind it, a proxy in between. `curl` to that page must answer at once."
        ),
    })
}
