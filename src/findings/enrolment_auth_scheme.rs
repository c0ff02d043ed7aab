//! `enrolment-auth-scheme`: the CA's web page asks for an authentication that the device never tries, or takes none of what it has.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch::{self, Fetch};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::ntlm;
use crate::model::Stage;
use crate::protocols::http;
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-auth-scheme",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 505,
    help: Help {
        what: "The CA's web page asks for an authentication that the device never tries, or that it tries with NTLM where only Kerberos is taken.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Offer the schemes that the device can use (NTLM, Negotiate) on the IIS application CertSrv, or allow the page without authentication. A new capture must show an Authorization header of the device, and 200.",
        look_alikes: "A device that stops after the first 401 may also lack a password. One that has sent the first leg of NTLM does know the scheme: a 401 to it with a challenge is the second leg.",
        references: &["RFC 9110 section 11"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let unanswered = |fetch: &Fetch<'_>, response: &http::Response| {
        let never = fetch.credentials().is_none() && !tried(case);
        matches!(response.code, 401 | 407) && (never || takes_no_ntlm(fetch, response))
    };
    let failures = fetch::answered(case, unanswered, |fetch, response| {
        let refused = if fetch.credentials().is_some() { " to NTLM, without a challenge" } else { "" };
        format!("{}{refused}", offered(response))
    });
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.8,
        summary: format!("the device has none of the credentials that the web server asks for: {list}"),
        fix: format!(
            "Offer NTLM and Negotiate for that page, or allow it without authentication: {list}. A device outside the domain has no \
             Kerberos. A new capture must show the device's Authorization header, and 200."
        ),
    })
}

/// Did the device try any authentication for this errand?
fn tried(case: &Case<'_>) -> bool {
    let mut requests = case.attempt.exchanges().filter(|(step, _, _)| step.stage == Stage::Enrolment);
    requests.any(|(_, _, exchange)| exchange.request.as_ref().is_some_and(|(_, request)| request.credentials.is_some()))
}

/// The device began with NTLM, and the server offers nothing but a bare `Negotiate` once more: a challenge would stand behind it
/// (RFC 4559 section 4.1). It takes Kerberos alone there.
fn takes_no_ntlm(fetch: &Fetch<'_>, response: &http::Response) -> bool {
    let begun = matches!(fetch.credentials(), Some(http::Credentials::Ntlm(ntlm::Token::Negotiate)));
    let mut headers = response.www_authenticate.iter().chain(&response.proxy_authenticate).peekable();
    begun && headers.peek().is_some() && headers.all(|header| header.raw().trim().eq_ignore_ascii_case("Negotiate"))
}

/// The schemes that the server offers.
fn offered(response: &http::Response) -> String {
    let headers = response.www_authenticate.iter().chain(&response.proxy_authenticate).take(4);
    let schemes: Vec<String> = headers
        .filter_map(|header| header.raw().split_whitespace().next())
        .map(|scheme| WireText::from(scheme).to_string())
        .collect();
    if schemes.is_empty() { " (no scheme offered)".to_owned() } else { format!(" ({} offered)", schemes.join(", ")) }
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
    fn a_challenge_that_the_device_never_takes_up() {
        let asked = page().get("/certsrv/certnew.p7b");
        let kerberos = asked.answer_with(401, |response| response.www_authenticate = vec![WireText::from("Negotiate")]);
        let found = Login::new().step(kerberos).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert!(
            found.summary.ends_with("401 (Negotiate offered) for /certsrv/certnew.p7b on ca.contoso.com"),
            "{}",
            found.summary
        );
    }

    #[test]
    fn ntlm_that_is_answered_by_a_bare_negotiate_is_not_taken() {
        let begun = |header: &'static str| {
            let first = page().get_with("/certsrv/certnew.p7b", |request| {
                request.credentials = Some(http::Credentials::Ntlm(ntlm::Token::Negotiate))
            });
            let refused = first.answer_with(401, move |response| {
                response.www_authenticate = vec![WireText::from(header)];
            });
            Login::new().step(refused).dropped()
        };
        let found = begun("Negotiate").the(&RULE);
        assert!(found.summary.contains("(Negotiate offered) to NTLM, without a challenge"), "{}", found.summary);
        begun("Negotiate TlRMTVNTUAACAAAA").nothing(&RULE);
        begun("NTLM").nothing(&RULE);
    }

    #[test]
    fn a_first_leg_shows_that_the_device_knows_the_scheme() {
        let first = page()
            .get_with("/certsrv/certnew.p7b", |request| {
                request.credentials = Some(http::Credentials::Ntlm(ntlm::Token::Negotiate))
            })
            .answer(401);
        Login::new().step(first).dropped().nothing(&RULE);
        Login::new().step(page().get("/certsrv/certnew.p7b").answer(403)).dropped().nothing(&RULE);
    }
}
