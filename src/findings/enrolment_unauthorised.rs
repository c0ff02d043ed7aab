//! `enrolment-unauthorised`: the CA's web page refuses the credentials that the device gives.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-unauthorised",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 500,
    help: Help {
        what: "The CA's web page refuses the credentials that the device gives.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Give the user the right to use web enrolment, check the password, the account, and the authentication providers of the IIS application CertSrv (Windows Authentication with NTLM); `curl --ntlm -u DOMAIN\\user URL` must give 200.",
        look_alikes: "The first 401 without credentials and the second with a challenge are legs of NTLM. 401s on ever new connections come from a proxy that splits connections.",
        references: &["RFC 9110 section 15.5.2", "[MS-NLMP]"],
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
        if !(matches!(response.code, 401 | 407)
            && exchange
                .request
                .as_ref()
                .and_then(|(_, request)| request.credentials.as_ref())
                .is_some_and(crate::protocols::http::Credentials::is_final_leg))
        {
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
        confidence: 0.94,
        summary: format!("the web server refuses the device's credentials: {list}"),
        fix: format!(
            "Let the user in: {list}. Check the account and its password, its right to the CertSrv application, and that IIS offers Windows Authentication (NTLM) there; `curl --ntlm -u DOMAIN\\user` to that page must give 200, as must a new capture after the third leg."
        ),
    })
}
