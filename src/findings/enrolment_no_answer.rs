//! `enrolment-no-answer`: the CA's web server takes the request and never answers.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
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
    let silent = fetch::failed(case).into_iter().filter_map(|fetch| {
        let step = case.attempt.steps.get(fetch.index)?;
        let ((at, _), None) = (fetch.exchange.request.as_ref()?, fetch.answer) else { return None };
        if !answers::is_silence(step) {
            return None;
        }
        let (host, path) = fetch.page();
        let shown = Evidence::new(at.frame, "http.request", format!("{host} is asked for {path}, and does not answer"));
        Some(Failure { index: fetch.index, step, what: format!("{path} on {host}"), evidence: vec![shown] })
    });
    let failures: Vec<Failure<'_>> = silent.collect();
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the web server does not answer: {list}"),
        fix: format!(
            "See why the web server hangs ({list}): its application pool, the CA service behind it, a proxy in between. `curl` to that \
             page must answer at once."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::{By, Side};

    fn asked() -> Tcp {
        tcp(Purpose::Enrolment).named("ca.contoso.com").get("/certsrv/certnew.p7b")
    }

    #[test]
    fn a_request_without_an_answer() {
        let found = Login::new().step(asked().timed_out(By::Unknown)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the web server does not answer: /certsrv/certnew.p7b on ca.contoso.com");
        assert_eq!(found.evidence[0].display_filter, "frame.number == 3 && http.request");
    }

    #[test]
    fn a_server_that_closes_and_one_that_answers_give_nothing() {
        Login::new().step(asked().leaves(Side::Server, Close::Rst)).dropped().nothing(&RULE);
        Login::new().step(asked().answer(500)).dropped().nothing(&RULE);
    }
}
