//! Algorithms and keys: what the device cannot verify, and what is too weak for it.

use super::words::{any_of, key_name};
use super::{Fault, FaultKind, Walk};
use crate::formats::x509::{Hash, KeyKind, Scheme, SignatureAlgorithm, signature_name};
use crate::profile::TrustPolicy;

/// A CA that is trusted is trusted whatever it was signed with; only where a device checks that when it installs the CA does
/// its own signature matter.
const OF_TRUSTED_CA: f32 = 0.2;

/// Signatures that the device cannot verify.
pub(super) fn signatures(walk: &Walk<'_, '_>, policy: &TrustPolicy, faults: &mut Vec<Fault>) {
    for step in walk.steps() {
        let algorithm = &step.node.body.signature_algorithm;
        if let Some(certainty) = unsupported(algorithm, policy) {
            let kind = FaultKind::UnsupportedSignature { hash: algorithm.hash, algorithm: algorithm_name(algorithm) };
            let certainty = if step.is_top { certainty * OF_TRUSTED_CA } else { certainty };
            faults.push(Fault { certificate: Some(step.node.link), kind, certainty });
        }
    }
}

/// How sure is it that the device cannot verify such a signature? `None` where nothing says so.
fn unsupported(algorithm: &SignatureAlgorithm, policy: &TrustPolicy) -> Option<f32> {
    let by_hash = policy.hashes.as_ref().and_then(|(hashes, certainty)| {
        let hash = algorithm.hash?;
        (!hashes.contains(&hash)).then_some(*certainty)
    });
    let by_scheme = match algorithm.scheme {
        Scheme::RsaPss => policy.pss.and_then(|(can, certainty)| (!can).then_some(certainty)),
        Scheme::Ecdsa => lacks(policy, KeyKind::Ec),
        Scheme::EdDsa => lacks(policy, KeyKind::Edwards),
        Scheme::Dsa => lacks(policy, KeyKind::Dsa),
        Scheme::Rsa => lacks(policy, KeyKind::Rsa),
        Scheme::Unknown => None,
    };
    [by_hash, by_scheme].into_iter().flatten().reduce(f32::max)
}

/// How sure is it that the device cannot use this kind of key?
fn lacks(policy: &TrustPolicy, kind: KeyKind) -> Option<f32> {
    let (kinds, certainty) = policy.keys.as_ref()?;
    (!kinds.contains(&kind)).then_some(*certainty)
}

/// `sha256WithRSAEncryption`; of RSASSA-PSS with its hash, which its identifier does not tell.
fn algorithm_name(algorithm: &SignatureAlgorithm) -> String {
    let name = signature_name(&algorithm.oid);
    match algorithm.hash {
        Some(hash) if algorithm.scheme == Scheme::RsaPss => format!("{name} with {}", hash.name()),
        _ => name.to_owned(),
    }
}

/// Keys that the device cannot use: the server's and those of the signers, the trusted CA's too.
pub(super) fn keys(walk: &Walk<'_, '_>, policy: &TrustPolicy, faults: &mut Vec<Fault>) {
    for step in walk.steps() {
        let key = &step.node.body.key;
        let wanted_and_certainty = if let Some(certainty) = lacks(policy, key.kind).filter(|_| key.kind != KeyKind::Unknown) {
            let kinds = policy.keys.iter().flat_map(|(kinds, _)| kinds).map(|kind| kind_name(*kind));
            Some((any_of(kinds), certainty))
        } else {
            let too_large = policy.rsa_max.filter(|(most, _)| key.kind == KeyKind::Rsa && key.bits > *most);
            too_large.map(|(most, certainty)| (format!("RSA up to {most} bits"), certainty))
        };
        if let Some((wanted, certainty)) = wanted_and_certainty {
            let kind = FaultKind::UnsupportedKey { key: key_name(key), wanted };
            faults.push(Fault { certificate: Some(step.node.link), kind, certainty });
        }
    }
}

fn kind_name(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "RSA",
        KeyKind::Ec => "elliptic curves",
        KeyKind::Dsa => "DSA",
        KeyKind::Edwards => "Edwards curves",
        KeyKind::Unknown => "others",
    }
}

/// What the device refuses as too weak. The signature of a trusted CA on itself is never weak: nobody relies on it.
pub(super) fn weak(walk: &Walk<'_, '_>, policy: &TrustPolicy, faults: &mut Vec<Fault>) {
    for step in walk.steps() {
        let body = step.node.body;
        let mut fault = |what: String, wanted: String, certainty: f32| {
            faults.push(Fault { certificate: Some(step.node.link), kind: FaultKind::Weak { what, wanted }, certainty });
        };
        if let (Some((refused, certainty)), Some(hash), false) = (&policy.weak_hashes, body.signature_algorithm.hash, step.is_top)
            && refused.contains(&hash)
        {
            let wanted = if refused.contains(&Hash::Sha1) { "SHA-256 or better" } else { "SHA-1 or better" };
            fault(format!("{} signature", hash.name()), wanted.to_owned(), *certainty);
        }
        if let Some((least, certainty)) = policy.rsa_min
            && body.key.kind == KeyKind::Rsa
            && (1..least).contains(&body.key.bits)
        {
            fault(key_name(&body.key), format!("RSA of at least {least} bits"), certainty);
        }
    }
}
