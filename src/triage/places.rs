//! Where a fix is made. The same fault of two servers is two changes, and that of the CA which signed for both is one. Where
//! only an address is known there is no place: in another site it is another server's.

use std::net::IpAddr;

use crate::model::{Aspect, Evidence};
use crate::verdict::{Chain, DeviceAnalysis, Drawn};

/// Characters of a place.
const LONGEST: usize = 64;

/// Codes whose fault stands in a certificate, and in what of it.
const IN_CERTIFICATES: &[(&str, &[Aspect])] = &[
    ("cert-expired", &[Aspect::Validity]),
    ("cert-missing-intermediate", &[]),
    ("cert-name-mismatch", &[Aspect::Name]),
    ("cert-not-yet-valid", &[Aspect::Validity]),
    ("cert-revoked", &[]),
    ("cert-self-signed", &[]),
    ("cert-unsupported-key", &[Aspect::Key]),
    ("cert-unsupported-signature", &[Aspect::Signature]),
    ("cert-weak", &[Aspect::Signature, Aspect::Key]),
    ("cert-wrong-usage", &[Aspect::Other]),
];

/// How codes begin that are mended at the server that the device spoke to. What is said of a user or of a directory is the
/// same at all servers that know it.
const AT_SERVERS: &[&str] = &[
    "enrolment-",
    "ntp-",
    "provision-",
    "sip-no-answer",
    "sip-server-error",
    "tcp-",
    "tls-c",
    "tls-h",
    "tls-n",
    "tls-s",
    "tls-v",
];

/// The server or the CA at which this is mended, where the capture names it.
pub(super) fn place(device: &DeviceAnalysis, code: &str, evidence: &[Evidence]) -> Option<String> {
    if code == "cert-untrusted-issuer" {
        // What devices lack is the CA that signed the last certificate.
        let last = chain(device, evidence)?.certificates.last()?;
        return named(last.issuer.as_ref()?.raw());
    }
    if let Some((_, aspects)) = IN_CERTIFICATES.iter().find(|(known, _)| *known == code) {
        return certificate(&chain(device, evidence)?.certificates, aspects);
    }
    if AT_SERVERS.iter().any(|begin| code.starts_with(begin)) { server(device, evidence) } else { None }
}

/// The chain of which the evidence speaks, or the only one there is.
fn chain<'a>(device: &'a DeviceAnalysis, evidence: &[Evidence]) -> Option<&'a Chain> {
    let shown = device.chains.iter().find(|chain| evidence.iter().any(|one| one.frame == chain.at.frame));
    shown.or(device.chains.first().filter(|_| device.chains.len() == 1))
}

/// The first certificate, that of the server before those of CAs, that fails in one of these aspects; else the server's.
fn certificate(certificates: &[Drawn], aspects: &[Aspect]) -> Option<String> {
    let fails = |one: &&Drawn| one.checks.iter().any(|check| aspects.contains(&check.what) && check.passes == Some(false));
    let one = certificates.iter().find(fails).or(certificates.first())?;
    let subject = one.subject.as_ref().and_then(|subject| named(subject.raw()));
    subject.or_else(|| one.names.first().and_then(|name| written(name.raw())))
}

/// The common name of a distinguished name, or else all of it.
fn named(distinguished: &str) -> Option<String> {
    let common = distinguished.split(',').find_map(|part| part.trim_start().strip_prefix("CN="));
    written(common.unwrap_or(distinguished))
}

/// The name of the server to which a packet of the evidence belongs.
fn server(device: &DeviceAnalysis, evidence: &[Evidence]) -> Option<String> {
    let moments = || device.attempts.iter().flat_map(|attempt| &attempt.timeline);
    evidence.iter().find_map(|one| {
        let peers = moments().filter(|moment| moment.at.frame == one.frame).map(|moment| moment.peer.as_str());
        peers.filter_map(host).next()
    })
}

/// The name in `NTP time.contoso.com` or `pool.contoso.com:5061`; an address is none.
fn host(peer: &str) -> Option<String> {
    let word = peer.split(' ').find(|word| word.contains('.'))?;
    let host = word.rsplit_once(':').map_or(word, |(host, _)| host);
    if host.contains(['[', ':']) || host.parse::<IpAddr>().is_ok() { None } else { written(host) }
}

/// Text that can stand in a key: what could look like a part of its own is a dash.
fn written(text: &str) -> Option<String> {
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | '*' | ' ') { c } else { '-' };
    let text: String = text.trim().trim_end_matches('.').chars().take(LONGEST).map(plain).flat_map(char::to_lowercase).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_name_and_never_an_address() {
        assert_eq!(host("pool01.Contoso.com:5061").as_deref(), Some("pool01.contoso.com"));
        assert_eq!(host("NTP time01.contoso.com").as_deref(), Some("time01.contoso.com"));
        assert_eq!(host("kdc.trey.example:88 (UDP)").as_deref(), Some("kdc.trey.example"));
        for address in ["10.0.4.12:5061", "[2001:db8::1]:5061", "DHCP 10.0.0.1", "DHCP", ""] {
            assert_eq!(host(address), None, "{address}");
        }
    }

    #[test]
    fn a_certificate_is_called_by_its_common_name() {
        assert_eq!(named("CN=Contoso Issuing CA,DC=contoso,DC=com").as_deref(), Some("contoso issuing ca"));
        assert_eq!(named("O=Contoso, CN=pool01.contoso.com").as_deref(), Some("pool01.contoso.com"));
        assert_eq!(named("O=Contoso").as_deref(), Some("o-contoso"));
        assert_eq!(named("CN=a/b[c]\u{1b}").as_deref(), Some("a-b-c--"));
        assert_eq!(named(""), None);
    }
}
