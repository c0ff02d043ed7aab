//! Certificates that a device fetches: answers in, the CAs that it then has out.

use std::sync::Arc;

use super::facts::DeviceFacts;
use crate::event::Event;
use crate::formats::pkcs7;
use crate::formats::x509::Certificate;
use crate::protocols::http;

/// CA certificates that are kept of a device's enrolment.
pub(super) const FETCHED: usize = 128;

/// CA certificates in the body of an answer, whatever it calls itself. One that is issued to a client makes it trust nobody.
pub(super) fn from_answer(facts: &mut DeviceFacts, event: &Event, response: &http::Response) {
    if response.code != 200 || response.body.bytes.is_empty() {
        return;
    }
    for certificate in &pkcs7::certificates(&response.body.bytes).certificates {
        facts.enrolment_seen = true;
        if !is_for_a_client(certificate) {
            fetch(facts, event, Arc::clone(certificate));
        }
    }
}

/// Is it one to authenticate a client with (RFC 5280 section 4.2.1.12), and no CA's?
fn is_for_a_client(certificate: &Certificate) -> bool {
    const CLIENT_AUTHENTICATION: &str = "1.3.6.1.5.5.7.3.2";
    let Ok(body) = &certificate.body else { return false };
    let purposes = body.extended_key_usage.as_deref().unwrap_or_default();
    let is_ca = body.basic_constraints.is_some_and(|(is_ca, _)| is_ca) || body.subject.der == body.issuer.der;
    !is_ca && purposes.iter().any(|purpose| purpose == CLIENT_AUTHENTICATION)
}

/// One that came by whatever way.
pub(super) fn fetch(facts: &mut DeviceFacts, event: &Event, certificate: Arc<Certificate>) {
    let known = facts.fetched.iter().any(|(_, other)| other.sha256 == certificate.sha256);
    if !known && facts.fetched.len() < FETCHED {
        facts.fetched.push((event.at.frame, certificate));
    }
    facts.enrolment_seen = true;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::certificate_with;
    use crate::formats::x509;

    #[test]
    fn a_certificate_that_is_issued_to_the_device_is_no_ca_that_it_fetched() {
        let fetched = |purposes: &[&str]| {
            let certificate = certificate_with("CN=kim", "CN=Contoso CA", |body| {
                body.extended_key_usage = Some(purposes.iter().map(|purpose| (*purpose).to_owned()).collect());
            });
            is_for_a_client(&certificate)
        };
        assert!(fetched(&["1.3.6.1.5.5.7.3.2"]));
        assert!(!fetched(&["1.3.6.1.5.5.7.3.1"]));
        assert!(!is_for_a_client(&x509::parse(include_bytes!("../trust/samples/root.der"))));
    }
}
