//! `enrolment-unauthorised`: the CA's web page refuses the credentials that the device gives.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::shared::fetch::Fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::ntlm;
use crate::model::Stage;
use crate::protocols::http;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-unauthorised",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 500,
    help: Help {
        what: "The CA's web page refuses the credentials that the device gives.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Check the user's password and account, its right to the page, the authentication providers of the IIS application CertSrv (Windows Authentication with NTLM), and the clocks (NTLMv2 refuses half an hour). `curl --ntlm -u DOMAIN\\user URL` must give 200.",
        look_alikes: "The first 401, without credentials, and the second, with a challenge, are legs of NTLM. 401s to the first leg on ever new connections come from a proxy that splits connections. 407 comes from a proxy.",
        references: &["RFC 9110 sections 15.5.2 and 15.5.8", "RFC 4559 section 6", "[MS-NLMP]"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let refused = |fetch: &Fetch<'_>, response: &http::Response| {
        matches!(response.code, 401 | 407) && (fetch.gave_credentials() || is_begun_anew(fetch, response))
    };
    let failures = fetch::answered(case, refused, account);
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the web server refuses the device's credentials: {list}"),
        fix: format!(
            "Let the user in: {list}. Check the account and its password, its right to the page, and that IIS offers Windows Authentication (NTLM) there; `curl --ntlm -u DOMAIN\\user` to that page must give 200, as must a new capture after the third leg."
        ),
    })
}

/// The first leg of NTLM is answered by the same offer once more, without the challenge that has to follow on this connection
/// (RFC 4559 section 6, [MS-NLMP]): whatever stands between splits the connection, or the server will not have it.
fn is_begun_anew(fetch: &Fetch<'_>, response: &http::Response) -> bool {
    let begun = matches!(fetch.credentials(), Some(http::Credentials::Ntlm(ntlm::Token::Negotiate)));
    let mut headers = response.www_authenticate.iter().chain(&response.proxy_authenticate);
    begun && headers.any(|header| header.raw().trim().eq_ignore_ascii_case("NTLM"))
}

/// Who was refused, and by whom where it is a proxy.
fn account(fetch: &Fetch<'_>, response: &http::Response) -> String {
    let proxy = if response.code == 407 { format!(" by the proxy {}", fetch.connection.flow.server) } else { String::new() };
    match fetch.credentials() {
        Some(http::Credentials::Ntlm(ntlm::Token::Authenticate { domain, user, .. })) => format!(" to {domain}\\{user}{proxy}"),
        _ => proxy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    fn page() -> Tcp {
        tcp(Purpose::Enrolment).named("ca.contoso.com")
    }

    fn given(credentials: http::Credentials) -> Tcp {
        page().get_with("/certsrv/certnew.p7b", |request| request.credentials = Some(credentials)).answer(401)
    }

    #[test]
    fn credentials_that_are_refused() {
        let found = Login::new().step(given(http::Credentials::Basic)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the web server refuses the device's credentials: 401 for /certsrv/certnew.p7b on ca.contoso.com"
        );
    }

    #[test]
    fn a_first_leg_that_gets_the_offer_again_and_no_challenge_is_refused() {
        let begins = |request: &mut http::Request| request.credentials = Some(http::Credentials::Ntlm(ntlm::Token::Negotiate));
        let answered = |with: &str| {
            let with = crate::text::WireText::from(with);
            let page = page().get_with("/certsrv/certnew.p7b", begins);
            Login::new().step(page.answer_with(401, move |response| response.www_authenticate = vec![with])).dropped()
        };
        assert!(answered("NTLM").the(&RULE).explains_drop);
        answered("NTLM TlRMTVNTUAACAAAA").nothing(&RULE);
    }

    #[test]
    fn legs_of_ntlm_give_nothing() {
        Login::new().step(page().get("/certsrv/certnew.p7b").answer(401)).dropped().nothing(&RULE);
        Login::new().step(given(http::Credentials::Ntlm(ntlm::Token::Negotiate))).dropped().nothing(&RULE);
    }
}
