//! Public keys: kind, curve and size.

use asn1_rs::{FromDer, Oid, Tag};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{KeyKind, PublicKey};

const RSA: &str = "1.2.840.113549.1.1.1";
const RSASSA_PSS: &str = "1.2.840.113549.1.1.10";
const DSA: &str = "1.2.840.10040.4.1";
const EC: &str = "1.2.840.10045.2.1";

/// Named curves: OID, name, size of the field in bits (SEC 2, RFC 5639).
static CURVES: &[(&str, &str, u32)] = &[
    ("1.2.840.10045.3.1.7", "secp256r1", 256),
    ("1.3.132.0.34", "secp384r1", 384),
    ("1.3.132.0.35", "secp521r1", 521),
    ("1.3.132.0.33", "secp224r1", 224),
    ("1.2.840.10045.3.1.1", "secp192r1", 192),
    ("1.3.132.0.10", "secp256k1", 256),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1", 256),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1", 384),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1", 512),
    ("1.3.132.0.1", "sect163k1", 163),
    ("1.3.132.0.15", "sect163r2", 163),
    ("1.3.132.0.26", "sect233k1", 233),
    ("1.3.132.0.27", "sect233r1", 233),
    ("1.3.132.0.16", "sect283k1", 283),
    ("1.3.132.0.17", "sect283r1", 283),
    ("1.3.132.0.36", "sect409k1", 409),
    ("1.3.132.0.37", "sect409r1", 409),
    ("1.3.132.0.38", "sect571k1", 571),
    ("1.3.132.0.39", "sect571r1", 571),
];

pub(super) fn public_key(info: &SubjectPublicKeyInfo<'_>) -> PublicKey {
    let oid = info.algorithm.algorithm.to_id_string();
    let (kind, name, bits) = match oid.as_str() {
        // RFC 4055 section 1.2: a key that is meant for PSS alone is an RSA key all the same.
        RSA | RSASSA_PSS => (KeyKind::Rsa, "RSA".to_owned(), rsa_bits(info)),
        EC => {
            let (name, bits) = curve(info);
            (KeyKind::Ec, name, bits)
        }
        DSA => (KeyKind::Dsa, "DSA".to_owned(), dsa_bits(info)),
        "1.3.101.112" => (KeyKind::Edwards, "Ed25519".to_owned(), 256),
        "1.3.101.113" => (KeyKind::Edwards, "Ed448".to_owned(), 456),
        _ => (KeyKind::Unknown, oid, 0),
    };
    PublicKey { info: info.raw.to_vec(), name, kind, bits }
}

/// Bits of an unsigned big-endian number: exact, where counting bytes rounds up.
fn significant_bits(number: &[u8]) -> u32 {
    let digits = number.iter().position(|byte| *byte != 0).and_then(|first| number.get(first..)).unwrap_or_default();
    let bits = u32::try_from(digits.len()).unwrap_or(u32::MAX).saturating_mul(u8::BITS);
    bits.saturating_sub(digits.first().map_or(0, |byte| byte.leading_zeros()))
}

fn rsa_bits(info: &SubjectPublicKeyInfo<'_>) -> u32 {
    RSAPublicKey::from_der(&info.subject_public_key.data).map_or(0, |(_, key)| significant_bits(key.modulus))
}

/// The size of a DSA key is that of its prime p, the first of its parameters (RFC 3279 section 2.3.2).
fn dsa_bits(info: &SubjectPublicKeyInfo<'_>) -> u32 {
    let parameters = info.algorithm.parameters().filter(|any| any.tag() == Tag::Sequence);
    let prime = parameters.and_then(|any| asn1_rs::Integer::from_der(any.data).ok());
    prime.map_or(0, |(_, prime)| significant_bits(prime.as_ref()))
}

/// Name and size of the curve. Parameters that are written out (RFC 3279) have no name, and no phone or browser takes them.
fn curve(info: &SubjectPublicKeyInfo<'_>) -> (String, u32) {
    let named = info.algorithm.parameters().filter(|any| any.tag() == Tag::Oid).and_then(|any| Oid::try_from(any.clone()).ok());
    let Some(oid) = named.map(|oid| oid.to_id_string()) else {
        let bits = x509_parser::public_key::ECPoint::from(info.subject_public_key.data.as_ref()).key_size();
        return ("EC explicit parameters".to_owned(), u32::try_from(bits).unwrap_or(0));
    };
    match CURVES.iter().find(|(known, ..)| *known == oid) {
        Some((_, name, bits)) => (format!("EC {name}"), *bits),
        None => (format!("EC {oid}"), 0),
    }
}
