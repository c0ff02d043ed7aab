//! What several protocols carry.

use loginloop::formats::{date, names, ntlm, pkcs7, revocation, signature, spnego, x509};
use loginloop::text::WireText;

/// A certificate, alone and as its own issuer.
pub fn x509(bytes: &[u8]) {
    let certificate = x509::parse(bytes);
    assert_eq!(certificate.fingerprint(), x509::parse(bytes).fingerprint());
    signature::is_self_signed(&certificate);
    if let Ok(body) = &certificate.body {
        signature::verify(&certificate, &body.key);
        names::covers(body, "pool01.contoso.com");
        names::covers(body, "10.0.0.5");
    }
}

/// A bundle of certificates: DER, PEM, or base64 alone.
pub fn pkcs7(bytes: &[u8]) {
    let bundle = pkcs7::certificates(bytes);
    assert!(bundle.certificates.iter().all(|certificate| certificate.der.len() <= bytes.len()));
}

/// An NTLM token, raw and in base64.
pub fn ntlm(bytes: &[u8]) {
    let _ = ntlm::parse(bytes);
    let _ = ntlm::from_base64(&String::from_utf8_lossy(bytes));
}

/// A token of the GSS-API, and what a wrapped message holds.
pub fn spnego(bytes: &[u8]) {
    let _ = spnego::parse(bytes);
    assert!(spnego::unwrapped(bytes).is_none_or(|inside| inside.len() <= bytes.len()));
}

/// A certificate behind its length, and a revocation list or an answer of a responder.
pub fn revocation(bytes: &[u8]) {
    let [high, low, rest @ ..] = bytes else { return };
    let (certificate, list) = rest.split_at(usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()));
    if let Ok(body) = &x509::parse(certificate).body {
        revocation::list_holds(list, body);
        revocation::responder_says_revoked(list, body);
    }
}

/// Text from the wire, dates and names.
pub fn text(bytes: &[u8]) {
    let text = WireText::from_bytes(bytes);
    crate::program::steers_no_terminal(text.to_string().as_bytes());
    let _ = date::http_date(text.raw());
    let _ = date::generalized_time(text.raw());
    names::same_host(text.raw(), "pool01.contoso.com");
    names::within_domain(text.raw(), "contoso.com");
}
