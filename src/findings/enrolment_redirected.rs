//! `enrolment-redirected`: the CA's web page sends the device elsewhere, and the device does not follow.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::shared::fetch::Fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-redirected",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 525,
    help: Help {
        what: "The CA's web page sends the device elsewhere, and the device does not follow.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Take the redirection away for this page (IIS: HTTP Redirect, URL Rewrite, Require SSL): the device needs the page itself over plain HTTP, because it cannot trust HTTPS before it has the CA. `curl -i URL` must give 200 or 401 and no Location.",
        look_alikes: "A device that follows the redirection opens a connection to the new place: then look there.",
        references: &["RFC 9110 section 15.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = fetch::answered(
        case,
        |fetch, response| matches!(response.code, 301..=303 | 307 | 308) && !followed(case, fetch),
        |_, response| response.location.as_ref().map(|to| format!(" to {to}")).unwrap_or_default(),
    );
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.92,
        summary: format!("the web server sends the device elsewhere, and it does not follow: {list}"),
        fix: format!(
            "Let the page itself answer over plain HTTP, without a redirection: {list}. `curl -i` to it must give 200 or 401 and no Location."
        ),
    })
}

/// Did the device open another connection for this errand after it?
fn followed(case: &Case<'_>, fetch: &Fetch<'_>) -> bool {
    let later = case.attempt.connections().filter(|(step, _)| step.stage == Stage::Enrolment);
    let answered = fetch.answer.map(|(at, _)| at);
    later
        .into_iter()
        .any(|(step, connection)| Some(step.first) > answered && connection.flow.server != fetch.connection.flow.server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::text::WireText;

    fn page() -> Tcp {
        tcp(Purpose::Enrolment).named("ca.contoso.com")
    }

    fn sent_to(place: &'static str) -> Tcp {
        page()
            .get("/certsrv/certnew.p7b")
            .answer_with(301, move |response| response.location = Some(WireText::from(place)))
            .act(|_| ())
    }

    fn rejected(login: Login) -> Login {
        login.dropped_in(0)
    }

    #[test]
    fn a_redirection_to_https_that_the_device_does_not_follow() {
        let found = rejected(Login::new().step(sent_to("https://ca.contoso.com/certsrv/"))).the(&RULE);
        assert!(found.explains_drop);
        assert!(found.summary.ends_with("301 to https://ca.contoso.com/certsrv/ for /certsrv/certnew.p7b on ca.contoso.com"));
    }

    #[test]
    fn a_device_that_follows_and_other_answers_give_nothing() {
        let follows =
            Login::new().step(sent_to("https://ca.contoso.com/certsrv/")).step(syn(Purpose::Enrolment).to("10.0.0.5", 443));
        rejected(follows).with(|attempt| attempt.steps[1].outcome = crate::model::Outcome::Failed).nothing(&RULE);
        rejected(Login::new().step(page().get("/certsrv/certnew.p7b").answer(404))).nothing(&RULE);
    }
}
