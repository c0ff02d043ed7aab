//! `enrolment-bad-content`: the answer to the request for CA certificates holds none.

use crate::findings::shared::answers::Words;
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::stages::web::is_bad_content;
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-bad-content",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 535,
    help: Help {
        what: "The answer to the request for CA certificates holds none.",
        why: "A device that cannot fetch its CA certificates has nothing to trust its registrar by.",
        fix: "Take the portal or proxy out of the way that answers with a page of its own, or correct the page; `curl URL | openssl pkcs7 -print_certs` must list the CAs.",
        look_alikes: "Microsoft CAs label a base64 PKCS#7 as CERTIFICATE: that is good content.",
        references: &["RFC 2315", "RFC 7468"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = fetch::answered(
        case,
        |fetch, response| (200..300).contains(&response.code) && is_bad_content(fetch.exchange, response),
        |_, response| response.content_type.as_ref().map_or_else(String::new, |kind| format!(" ({kind})")),
    );
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Proven,
        confidence: 0.95,
        summary: format!("the answer to the request for CA certificates holds no certificate: {list}"),
        fix: format!(
            "Make that page deliver certificates: {list}. Take a portal, proxy or login page out of the way; `curl URL | openssl pkcs7 \
             -print_certs` must list the CAs."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::protocols::http::Body;
    use crate::text::WireText;
    use std::sync::Arc;

    fn delivered(path: &str, complete: bool) -> Login {
        let page = tcp(Purpose::Enrolment).named("ca.contoso.com").get(path).answer_with(200, move |response| {
            response.content_type = Some(WireText::from("text/html"));
            response.body = Body { bytes: Arc::from(b"<html>Please log in</html>".as_slice()), complete, arrived: complete };
        });
        Login::new().step(page).dropped()
    }

    #[test]
    fn a_login_page_instead_of_certificates() {
        let found = delivered("/certsrv/certnew.p7b?ReqID=CACert", true).the(&RULE);
        assert!(found.explains_drop);
        assert!(
            found.summary.ends_with("200 (text/html) for /certsrv/certnew.p7b?ReqID=CACert on ca.contoso.com"),
            "{}",
            found.summary
        );
    }

    /// What this server says of this body, asked for this.
    fn says(path: &str, kind: &str, body: &'static [u8]) -> Login {
        let kind = WireText::from(kind);
        let page = tcp(Purpose::Enrolment).named("ca.contoso.com").get(path).answer_with(200, move |response| {
            response.content_type = Some(kind);
            response.body = Body { bytes: Arc::from(body), complete: true, arrived: true };
        });
        Login::new().step(page).dropped()
    }

    #[test]
    fn what_the_server_calls_a_certificate_and_is_none() {
        const LABELLED: &[u8] = b"-----BEGIN CERTIFICATE-----\r\nTm90IGEgY2VydGlmaWNhdGU=\r\n-----END CERTIFICATE-----\r\n";
        let service = "/CertProv/CertProvisioningService.svc/anon";
        assert!(says(service, "application/x-pkcs7-certificates", LABELLED).the(&RULE).explains_drop);
        says(service, "application/soap+xml", b"<s:Envelope/>").nothing(&RULE);
        assert!(says(service, "text/html; charset=utf-8", b"<html/>").the(&RULE).explains_drop, "a page for people");
        says("/webticket/webticketservice.svc", "text/html", b"<html/>").nothing(&RULE);
        assert!(says("/scep?operation=GetCACert&message=CA", "text/html", b"<html/>").the(&RULE).explains_drop);
        assert!(says("/scep?operation=GetCACert", "text/html", b"<html/>").the(&RULE).explains_drop);
        says("/scep?operation=GetCACaps", "text/plain", b"POSTPKIOperation").nothing(&RULE);
        assert!(says("/.well-known/est/cacerts", "application/pkcs7-mime", b"bm9uZQ==").the(&RULE).explains_drop);
        says("/.well-known/est/csrattrs", "application/csrattrs", b"MAA=").nothing(&RULE);
        assert!(
            says("/.well-known/est/simpleenroll", "application/pkcs7-mime; smime-type=certs-only", b"bm9uZQ==")
                .the(&RULE)
                .explains_drop
        );
    }

    #[test]
    fn a_key_that_a_web_server_calls_a_certificate_is_good_content() {
        says("/keys/phone.pem", "application/x-x509-ca-cert", b"-----BEGIN EC PRIVATE KEY-----\n").nothing(&RULE);
    }

    #[test]
    fn a_body_that_the_capture_cuts_and_a_page_that_is_meant_to_be_html_give_nothing() {
        delivered("/certsrv/certnew.p7b", false).nothing(&RULE);
        delivered("/certsrv/certcarc.asp", true).nothing(&RULE);
    }
}
