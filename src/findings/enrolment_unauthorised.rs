//! `enrolment-unauthorised`: the CA's web page refuses the credentials that the device gives.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::shared::fetch::Fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::ntlm;
use crate::login::steps::Exchange;
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
    let mut found = fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the web server refuses the device's credentials: {list}"),
        fix: format!("Let the user in: {list}. Check the account and its password, its right to the page, {}", way_in(case)),
    });
    let split = fetch::answered(case, |fetch, response| matches!(response.code, 401 | 407) && is_split(case, fetch), account);
    found.extend(fetch::told(case, &split, |list| Words {
        proof: Proof::Told,
        confidence: 0.85,
        summary: format!("each challenge of NTLM is left behind with its connection, so that the device never answers one: {list}"),
        fix: format!(
            "Find what gives each request a connection of its own, a proxy or load balancer as a rule ({list}), and let it keep them, \
             or let phones go there without it. A new capture must show all legs of NTLM on one connection, and 200."
        ),
    }));
    found
}

/// What else to see to, by what the device gave.
fn way_in(case: &Case<'_>) -> &'static str {
    let by_windows =
        |fetch: &Fetch<'_>| matches!(fetch.credentials(), Some(http::Credentials::Ntlm(_) | http::Credentials::Negotiate));
    if fetch::failed(case).iter().any(by_windows) {
        "and that IIS offers Windows Authentication (NTLM) there; `curl --ntlm -u DOMAIN\\user` to that page must give 200, as must a new \
         capture after the third leg."
    } else {
        "and that it is the one that this server knows; `curl -u USER` to that page must give 200, as must a new capture."
    }
}

/// The first leg of NTLM is answered by the same offer once more, without the challenge that has to follow on this connection
/// (RFC 4559 section 6, [MS-NLMP]): whatever stands between splits the connection, or the server will not have it.
fn is_begun_anew(fetch: &Fetch<'_>, response: &http::Response) -> bool {
    let begun = matches!(fetch.credentials(), Some(http::Credentials::Ntlm(ntlm::Token::Negotiate)));
    let mut headers = response.www_authenticate.iter().chain(&response.proxy_authenticate);
    begun && headers.any(|header| header.raw().trim().eq_ignore_ascii_case("NTLM"))
}

/// Is each challenge of NTLM left behind with its connection, so that the device begins anew on the next, and never comes to its
/// answer? It holds for the connection alone (RFC 4559 section 6, [MS-NLMP] section 1.3.1): whatever stands between splits that.
fn is_split(case: &Case<'_>, fetch: &Fetch<'_>) -> bool {
    let begins = |fetch: &Fetch<'_>| {
        matches!(fetch.credentials(), Some(http::Credentials::Ntlm(ntlm::Token::Negotiate)))
            && fetch.connection.first_close().is_some()
    };
    let again = || fetch::failed(case).iter().filter(|other| other.page() == fetch.page() && begins(other)).count() >= 2;
    let answers = || case.attempt.exchanges().any(|(step, _, exchange)| step.stage == Stage::Enrolment && is_answered(exchange));
    begins(fetch) && again() && !answers()
}

/// Does the device answer a challenge?
fn is_answered(exchange: &Exchange) -> bool {
    let credentials = exchange.request.as_ref().and_then(|(_, request)| request.credentials.as_ref());
    credentials.is_some_and(http::Credentials::is_final_leg)
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
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

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
    fn windows_is_spoken_of_where_the_device_speaks_its_authentication() {
        let fix = |credentials: http::Credentials| Login::new().step(given(credentials)).dropped().the(&RULE).fix;
        assert!(fix(http::Credentials::Negotiate).contains("NTLM") && !fix(http::Credentials::Digest).contains("NTLM"));
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
    fn a_challenge_that_is_left_with_its_connection_each_time_is_never_answered() {
        let begins = |closes: bool| {
            let first = |request: &mut http::Request| request.credentials = Some(http::Credentials::Ntlm(ntlm::Token::Negotiate));
            let asked = page().get_with("/certsrv/certnew.p7b", first).answer_with(401, |response| {
                response.www_authenticate = vec![crate::text::WireText::from("NTLM TlRMTVNTUAACAAAA")];
            });
            if closes { asked.leaves(Side::Client, Close::Fin) } else { asked }
        };
        let found = Login::new().step(begins(true)).step(begins(true)).dropped().the(&RULE);
        assert!(found.explains_drop && found.fix.contains("connection of its own"), "{}", found.fix);
        Login::new().step(begins(true)).dropped().nothing(&RULE);
        Login::new().step(begins(false)).step(begins(false)).dropped().nothing(&RULE);
        let answered = given(http::Credentials::Basic);
        assert!(Login::new().step(begins(true)).step(answered).dropped().the(&RULE).evidence.len() == 1, "that one is refused");
    }

    #[test]
    fn legs_of_ntlm_give_nothing() {
        Login::new().step(page().get("/certsrv/certnew.p7b").answer(401)).dropped().nothing(&RULE);
        Login::new().step(given(http::Credentials::Ntlm(ntlm::Token::Negotiate))).dropped().nothing(&RULE);
    }
}
