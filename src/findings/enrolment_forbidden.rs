//! `enrolment-forbidden`: the CA's web page answers 403: the device may not have it.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-forbidden",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 510,
    help: Help {
        what: "The CA's web page answers 403: the device may not have it.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "On the CA's web server (IIS Manager, application CertSrv) look for IP address restrictions, a required client certificate (403.7) and required SSL (403.4): the phone fetches over plain HTTP. `curl --ntlm -u DOMAIN\\user URL` must give 200 and certificates.",
        look_alikes: "A refusal of one page that is followed by the good answer for another is harmless.",
        references: &["RFC 9110 section 15.5.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = fetch::answered(case, |_, response| response.code == 403, |_, _| String::new());
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the web server forbids the device the CA certificates: {list}"),
        fix: format!(
            "Take away what forbids the page (IP restrictions, a required client certificate, required SSL of the IIS application CertSrv): {list}. `curl --ntlm -u DOMAIN\\user` to that page must give 200 and certificates."
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
        let found = Login::new().step(page().get("/certsrv/certnew.p7b").answer(403)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the web server forbids the device the CA certificates: 403 for /certsrv/certnew.p7b on ca.contoso.com"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && http.response.code == 403");
    }

    #[test]
    fn other_answers_and_another_errand_give_nothing() {
        for code in [200, 401, 404, 500] {
            Login::new().step(page().get("/certsrv/certnew.p7b").answer(code)).dropped().nothing(&RULE);
        }
        Login::new().step(tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(403)).nothing(&RULE);
    }
}
