//! `enrolment-no-answer`: the CA's web server takes the request and never answers, or closes without an answer.

use crate::findings::shared::answers::{Failure, Words};
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Ending;
use crate::model::{At, By, Evidence, How, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-no-answer",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 530,
    help: Help {
        what: "The CA's web server takes the request and never answers, or closes the connection instead.",
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
        let ending = step.ending.filter(|ending| ending.how == How::Timeout || closes_on_request(ending, &fetch, at))?;
        let (host, path) = fetch.page();
        let mut shown = vec![Evidence::new(at.frame, "http.request", format!("{host} is asked for {path}, and does not answer"))];
        let (what, closed) = match ending.how {
            How::Timeout => (format!("{path} on {host}"), None),
            _ => (format!("{path} on {host}, which closes the connection instead"), Some(ending.at)),
        };
        shown.extend(closed.map(|at| Evidence::new(at.frame, "", format!("{host} closes the connection"))));
        Some(Failure { index: fetch.index, step, what, evidence: shown })
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

/// Did the server take the request, and close instead of an answer? One that closes before it has acknowledged a request is
/// told by tcp-accepted-then-closed.
fn closes_on_request(ending: &Ending, fetch: &fetch::Fetch<'_>, asked: &At) -> bool {
    ending.by == By::Server
        && matches!(ending.how, How::Fin | How::Rst)
        && ending.at > *asked
        && fetch.connection.stats.client.acknowledged > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, StepKind};
    use crate::model::Side;

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
    fn a_server_that_takes_the_request_and_closes() {
        for close in [Close::Fin, Close::Rst] {
            let mut step = asked().leaves(Side::Server, close).into_step(1);
            if let StepKind::Connection(connection) = &mut step.kind {
                connection.stats.client.acknowledged = 200;
            }
            let found = Login::new().step(step).dropped().the(&RULE);
            assert!(found.explains_drop);
            assert!(
                found.summary.ends_with("certnew.p7b on ca.contoso.com, which closes the connection instead"),
                "{}",
                found.summary
            );
        }
    }

    #[test]
    fn a_server_that_closes_before_it_takes_the_request_and_one_that_answers_give_nothing() {
        let mut unheard = asked().leaves(Side::Server, Close::Rst).into_step(1);
        if let StepKind::Connection(connection) = &mut unheard.kind {
            connection.stats.client.acknowledged = 0;
        }
        Login::new().step(unheard).dropped().nothing(&RULE);
        Login::new().step(asked().answer(500)).dropped().nothing(&RULE);
    }
}
