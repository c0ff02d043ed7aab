//! `enrolment-server-error`: the CA's web server answers with an error of its own (5xx).

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-server-error",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 520,
    help: Help {
        what: "The CA's web server answers with an error of its own (5xx).",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Start the IIS application pool (503: it is stopped) and the CA service (certsvc), and read the web server's event log. `curl --ntlm -u DOMAIN\\user URL` must give 200 and certificates.",
        look_alikes: "503 with Retry-After can be a server that is starting.",
        references: &["RFC 9110 section 15.6"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = fetch::answered(case, |_, response| (500..600).contains(&response.code), |_, _| String::new());
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the web server fails to deliver the CA certificates: {list}"),
        fix: format!(
            "Start the IIS application pool and the CA service, and read that server's event log: {list}. `curl --ntlm -u DOMAIN\\user` to that page must give 200 and certificates."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    fn page() -> Tcp {
        tcp(Purpose::Enrolment).named("ca.contoso.com")
    }

    #[test]
    fn the_answer_is_told_with_its_page() {
        let found = Login::new().step(page().get("/certsrv/certnew.p7b").answer(503)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the web server fails to deliver the CA certificates: 503 for /certsrv/certnew.p7b on ca.contoso.com"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && http.response.code == 503");
    }

    #[test]
    fn other_answers_and_another_errand_give_nothing() {
        for code in [200, 401, 403, 404] {
            Login::new().step(page().get("/certsrv/certnew.p7b").answer(code)).dropped().nothing(&RULE);
        }
        Login::new().step(tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(503)).nothing(&RULE);
    }
}
