//! `enrolment-not-found`: the CA's web page is not there (404 or 410).

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-not-found",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 515,
    help: Help {
        what: "The CA's web page is not there (404 or 410).",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Install the role service Certification Authority Web Enrolment on the host that the directory names (dNSHostName of the pKIEnrollmentService object), or correct that name; for a pool's CertProv, see that the web services run. `curl --ntlm -u DOMAIN\\user URL` must give 200 and certificates.",
        look_alikes: "404 for certcarc.asp alone, with a good answer for certnew.p7b after it, is harmless.",
        references: &["RFC 9110 sections 15.5.5 and 15.5.11"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = fetch::answered(case, |_, response| matches!(response.code, 404 | 410), |_, _| String::new());
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the web server does not have the page with the CA certificates: {list}"),
        fix: format!(
            "Install Certification Authority Web Enrolment on that host, or lead the device to the host that has it: {list}. `curl --ntlm -u DOMAIN\\user` to that page must give 200 and certificates."
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
        let found = Login::new().step(page().get("/certsrv/certnew.p7b").answer(404)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the web server does not have the page with the CA certificates: 404 for /certsrv/certnew.p7b on ca.contoso.com"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && http.response.code == 404");
    }

    #[test]
    fn other_answers_and_another_errand_give_nothing() {
        for code in [200, 401, 403, 500] {
            Login::new().step(page().get("/certsrv/certnew.p7b").answer(code)).dropped().nothing(&RULE);
        }
        Login::new().step(tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(404)).nothing(&RULE);
    }
}
