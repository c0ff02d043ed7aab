//! A chain that the device left in, faults out that the chain alone does not prove: its hello or its alert says what it has
//! against it. Each counts only where nothing is proven.

use crate::findings::Case;
use crate::findings::shared::judged::{Judged, PROBABLE, algorithm_name, wanted_name};
use crate::formats::names;
use crate::formats::x509::{Body, Hash, KeyKind, Scheme};
use crate::trust::{self, Fault, FaultKind, Link};

/// How sure it is that a device refuses a signature that its own hello does not list.
const NOT_IN_HELLO: f32 = 0.7;

/// The first certificate whose signature the device's own hello does not list (RFC 5246 section 7.4.1.4.1). Many stacks
/// take such a chain all the same, so it counts only where the device left.
pub fn outside_hello(judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?;
    let (_, hello) = judged.shaken.tls.client_hello.as_ref()?;
    let listed = hello.signature_algorithms.as_ref().filter(|listed| !listed.is_empty())?;
    let chosen = judged.shaken.tls.server_hello.as_ref().map(|(_, hello)| hello.chosen)?;
    if chosen < 0x0303 {
        return None;
    }
    judged.chain.iter().enumerate().find_map(|(index, certificate)| {
        let body = certificate.body.as_ref().ok()?;
        let codes = scheme_codes(body.signature_algorithm.scheme, body.signature_algorithm.hash);
        let outside = body.subject.der != body.issuer.der && !codes.is_empty() && !codes.iter().any(|code| listed.contains(code));
        // A stack of today leaves old digests out because they are weak, not because it does not know them.
        let weak = is_weak(body.signature_algorithm.hash);
        let kind = if weak { weak_signature(body) } else { unsupported_signature(body) };
        outside.then_some(Fault { certificate: Some(Link::Sent(index)), kind, certainty: NOT_IN_HELLO })
    })
}

fn unsupported_signature(body: &Body) -> FaultKind {
    FaultKind::UnsupportedSignature { hash: body.signature_algorithm.hash, algorithm: algorithm_name(body) }
}

fn weak_signature(body: &Body) -> FaultKind {
    FaultKind::Weak { what: format!("{} signature", algorithm_name(body)), wanted: "SHA-256 or better".to_owned() }
}

fn is_weak(hash: Option<Hash>) -> bool {
    matches!(hash, Some(Hash::Md2 | Hash::Md5 | Hash::Sha1))
}

/// The device says unknown_ca of a server's certificate that stands alone. A CA that calls itself an intermediate, or whose
/// certificate is offered for download (RFC 5280 section 4.2.2.1), is more likely one that the server should have sent than
/// a root.
pub fn issuer_not_sent(judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?.alert().filter(|alert| *alert == 48)?;
    let [alone] = judged.chain else { return None };
    let body = alone.body.as_ref().ok()?;
    let issuer = &body.issuer;
    let by_its_looks = trust::is_called_intermediate(issuer) || !body.issuer_locations.is_empty();
    (issuer.der != body.subject.der && by_its_looks && !trust::is_called_root(issuer)).then(|| Fault {
        certificate: None,
        kind: FaultKind::MissingIntermediate { issuer: issuer.text.to_string() },
        certainty: PROBABLE,
    })
}

/// A device that came without a name, though the capture shows it from its lease on, or what else it looked up,
/// connected by address: then the address is what the certificate must bear (RFC 6125 section 1.7.2). Its alert says that
/// something in it is not as it must be.
pub fn address_not_covered(case: &Case<'_>, judged: &Judged<'_>) -> Option<Fault> {
    judged.refusal?.alert().filter(|alert| matches!(alert, 42 | 46))?;
    let acks = case.attempt.leases().flat_map(|(_, lease)| lease.acks.iter().map(|(at, _)| *at));
    let leased = case.known.lease.iter().map(|(at, _)| *at).chain(acks).any(|leased| leased <= judged.at);
    if wanted_name(&judged.shaken).is_some() || !leased && case.known.names_asked.is_empty() {
        return None;
    }
    let address = judged.place().connection.flow.server_ip()?.to_string();
    let body = judged.body(Some(Link::Sent(0)))?;
    (!names::covers(body, &address)).then(|| Fault {
        certificate: Some(Link::Sent(0)),
        kind: FaultKind::NameMismatch { wanted: address, names: trust::names_of(body) },
        certainty: PROBABLE,
    })
}

/// A stack of today that says bad_certificate of a chain against which nothing else speaks means a key or a digest below its
/// security level: such a stack has no alert of its own for that (RFC 5246 section 7.2.2).
pub fn weak_by_its_word(judged: &Judged<'_>) -> Option<Fault> {
    const RSA_OF_TODAY: u32 = 2048;
    judged.refusal?.alert().filter(|alert| *alert == 42)?;
    let (_, hello) = judged.shaken.tls.client_hello.as_ref()?;
    if hello.highest_version() < 0x0303 {
        return None;
    }
    judged.chain.iter().enumerate().find_map(|(index, certificate)| {
        let body = certificate.body.as_ref().ok()?;
        let short = body.key.kind == KeyKind::Rsa && body.key.bits < RSA_OF_TODAY;
        let kind = if short {
            let wanted = format!("RSA of at least {RSA_OF_TODAY} bits");
            FaultKind::Weak { what: format!("RSA key of {} bits", body.key.bits), wanted }
        } else if body.subject.der != body.issuer.der && is_weak(body.signature_algorithm.hash) {
            weak_signature(body)
        } else {
            return None;
        };
        Some(Fault { certificate: Some(Link::Sent(index)), kind, certainty: PROBABLE })
    })
}

/// The code points of a signature in a hello (RFC 5246 section 7.4.1.4.1, RFC 8446 section 4.2.3); empty if unknown.
fn scheme_codes(scheme: Scheme, hash: Option<Hash>) -> Vec<u16> {
    let number = match hash {
        Some(Hash::Md5) => 0x0100,
        Some(Hash::Sha1) => 0x0200,
        Some(Hash::Sha224) => 0x0300,
        Some(Hash::Sha256) => 0x0400,
        Some(Hash::Sha384) => 0x0500,
        Some(Hash::Sha512) => 0x0600,
        Some(Hash::Md2) | None => 0,
    };
    match (scheme, number) {
        (Scheme::EdDsa, _) => vec![0x0807, 0x0808],
        (Scheme::Rsa, 1..) => vec![number | 1],
        (Scheme::Dsa, 1..) => vec![number | 2],
        (Scheme::Ecdsa, 1..) => vec![number | 3],
        (Scheme::RsaPss, 0x0400) => vec![0x0804, 0x0809],
        (Scheme::RsaPss, 0x0500) => vec![0x0805, 0x080a],
        (Scheme::RsaPss, 0x0600) => vec![0x0806, 0x080b],
        _ => Vec::new(),
    }
}
