//! Names, and what a certificate may be used for.

use super::words::any_of;
use super::{Fault, FaultKind, Step, Walk};
use crate::formats::names;
use crate::formats::x509::{AlternativeName, Body, KeyKind};
use crate::profile::TrustPolicy;

/// keyUsage bits (RFC 5280 section 4.2.1.3).
const DIGITAL_SIGNATURE: u16 = 1;
const KEY_ENCIPHERMENT: u16 = 1 << 2;
const KEY_AGREEMENT: u16 = 1 << 4;
const KEY_CERT_SIGN: u16 = 1 << 5;

/// Purposes with which a certificate may be a server's: serverAuth, any; and the two of the export age, which old stacks and
/// OpenSSL take for serverAuth.
static SERVER_PURPOSES: &[&str] = &["1.3.6.1.5.5.7.3.1", "2.5.29.37.0", "1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1"];

/// Purposes by name, where people know one.
static PURPOSES: &[(&str, &str)] = &[
    ("1.3.6.1.5.5.7.3.2", "client authentication"),
    ("1.3.6.1.5.5.7.3.3", "code signing"),
    ("1.3.6.1.5.5.7.3.4", "e-mail protection"),
    ("1.3.6.1.5.5.7.3.8", "time stamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSP signing"),
    ("1.3.6.1.4.1.311.20.2.2", "smart card logon"),
];

/// Does the server's certificate bear the name that led to it?
pub(super) fn name(leaf: &Step<'_, '_>, wanted: &str, policy: &TrustPolicy, faults: &mut Vec<Fault>) {
    let body = leaf.node.body;
    let certainty = if !names::covers(body, wanted) {
        1.0
    } else {
        match policy.wildcard {
            Some((false, certainty)) if !bears_literally(body, wanted) => certainty,
            _ => return,
        }
    };
    let certainty = match policy.checks_name {
        Some((false, sure)) => certainty * (1.0 - sure),
        _ => certainty,
    };
    let wanted = crate::text::WireText::from(wanted).to_string();
    let kind = FaultKind::NameMismatch { wanted, names: names_of(body) };
    faults.push(Fault { certificate: Some(leaf.node.link), kind, certainty });
}

/// Is the name there without the help of a wildcard?
fn bears_literally(body: &Body, wanted: &str) -> bool {
    body.alternative_names.iter().any(|name| match name {
        AlternativeName::Dns(name) => names::same_host(name.raw(), wanted),
        AlternativeName::Ip(_) => wanted.parse::<std::net::IpAddr>().is_ok(),
        _ => false,
    }) || body.common_name.as_ref().is_some_and(|name| names::same_host(name.raw(), wanted))
}

/// The names for which a certificate speaks, in words.
pub fn names_of(body: &Body) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let alternative = body.alternative_names.iter().filter_map(|name| match name {
        AlternativeName::Dns(name) => Some(name.to_string()),
        AlternativeName::Ip(address) => Some(address.to_string()),
        _ => None,
    });
    for name in alternative.chain(body.common_name.iter().map(ToString::to_string)) {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Extended key usage, key usage and basic constraints along the path.
pub(super) fn usage(walk: &Walk<'_, '_>, faults: &mut Vec<Fault>) {
    let mut intermediates_below = 0_u32;
    for step in walk.steps() {
        let mut fault = |what: String, certainty: f32| {
            faults.push(Fault { certificate: Some(step.node.link), kind: FaultKind::WrongUsage { what }, certainty });
        };
        let body = step.node.body;
        if let Some(what) = wrong_purpose(body) {
            // RFC 5280 section 4.2.1.12: a certificate must only be used for the purposes that it names. It does not let a CA's
            // bind those below it; OpenSSL and Schannel do. Of a trusted CA, few.
            let certainty = match (step.place, step.is_top) {
                (0, _) => 1.0,
                (_, false) => 0.6,
                (_, true) => 0.3,
            };
            fault(what, certainty);
        }
        if step.place == 0 {
            if let Some(what) = wrong_server_key_usage(body) {
                fault(what, 0.6);
            }
            continue;
        }
        for (what, certainty) in no_issuer(body, step.is_top, intermediates_below) {
            fault(what, certainty);
        }
        if !step.node.is_self_issued() {
            intermediates_below = intermediates_below.saturating_add(1);
        }
    }
}

fn wrong_purpose(body: &Body) -> Option<String> {
    let purposes = body.extended_key_usage.as_ref()?;
    if purposes.iter().any(|purpose| SERVER_PURPOSES.contains(&purpose.as_str())) {
        return None;
    }
    let named = purposes.iter().map(|oid| PURPOSES.iter().find(|(known, _)| known == oid).map_or(oid.as_str(), |(_, name)| name));
    let only = if purposes.is_empty() { "nothing".to_owned() } else { any_of(named) };
    Some(format!("extended key usage allows {only}, not server authentication"))
}

/// What a server's key must be allowed to do: decrypt or sign with RSA (by the cipher suite), sign or agree otherwise. Some
/// stacks ask for exactly what the suite needs, others (OpenSSL) take any of the three.
fn wrong_server_key_usage(body: &Body) -> Option<String> {
    let usage = body.key_usage?;
    let (needed, words) = match body.key.kind {
        KeyKind::Rsa => (DIGITAL_SIGNATURE | KEY_ENCIPHERMENT, "digital signature nor key encipherment"),
        KeyKind::Ec => (DIGITAL_SIGNATURE | KEY_AGREEMENT, "digital signature nor key agreement"),
        _ => return None,
    };
    (usage & needed == 0).then(|| format!("key usage allows neither {words}"))
}

/// Why a certificate must not have issued the one below it. CAs of version 1 know no extensions; a trusted one is a CA
/// because it is trusted.
fn no_issuer(body: &Body, is_top: bool, intermediates_below: u32) -> Vec<(String, f32)> {
    let mut found = Vec::new();
    match body.basic_constraints {
        Some((false, _)) => found.push(("basic constraints say that it is no CA, yet it issued a certificate".to_owned(), 1.0)),
        None if body.version >= 3 && !is_top => {
            found.push(("it has no basic constraints, so it is no CA, yet it issued a certificate".to_owned(), 0.7));
        }
        None if !is_top => {
            found.push((format!("it is of version {} and no root, yet it issued a certificate", body.version), 0.6))
        }
        Some((true, Some(most))) if intermediates_below > most => {
            found.push((format!("basic constraints allow {most} CAs below it, and there are {intermediates_below}"), 0.9));
        }
        _ => {}
    }
    if body.key_usage.is_some_and(|usage| usage & KEY_CERT_SIGN == 0) {
        found.push((
            "key usage does not allow to sign certificates, yet it issued one".to_owned(),
            if is_top { 0.5 } else { 0.85 },
        ));
    }
    found
}
