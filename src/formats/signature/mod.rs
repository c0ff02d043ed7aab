//! Does this key verify this signature? Three results, never two: a signature that cannot be checked is not a bad one.

use std::cell::RefCell;

use md5::Md5;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::digest::DynDigest;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::formats::memo::Memo;
use crate::formats::x509::{Certificate, Hash, KeyKind, PublicKey, Scheme, SignatureAlgorithm, signature_name};

mod pkcs1v15;

/// Largest RSA modulus that is computed with: larger ones cost seconds, and no phone takes them.
const MAX_RSA_BITS: usize = 16_384;

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// The key made the signature.
    Good,
    /// It did not, or what was signed was changed since.
    Bad,
    /// Not known: why.
    CannotCheck(String),
}

impl Verified {
    fn from(result: Result<(), impl Sized>) -> Self {
        if result.is_ok() { Verified::Good } else { Verified::Bad }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Verified::CannotCheck(reason.into())
    }
}

/// Different pairs of certificate and key that are remembered.
const REMEMBERED: usize = 1024;
/// Longest key that is remembered: that of RSA with 16,384 bits.
const LONGEST_REMEMBERED: usize = 2_200;

/// Was `certificate` signed with the private half of `issuer_key`? Dates, names and uses play no part. The same is
/// computed once.
pub fn verify(certificate: &Certificate, issuer_key: &PublicKey) -> Verified {
    thread_local! {
        static KNOWN: RefCell<Memo<Vec<u8>, Verified>> = RefCell::new(Memo::new(REMEMBERED));
    }
    if issuer_key.info.len() > LONGEST_REMEMBERED {
        return compute(certificate, issuer_key);
    }
    let pair = [&certificate.sha256, issuer_key.info.as_slice()].concat();
    KNOWN.with_borrow_mut(|known| {
        known.get(pair.as_slice()).unwrap_or_else(|| {
            let verified = compute(certificate, issuer_key);
            known.keep(pair, verified.clone());
            verified
        })
    })
}

fn compute(certificate: &Certificate, issuer_key: &PublicKey) -> Verified {
    let body = match &certificate.body {
        Ok(body) => body,
        Err(error) => return Verified::unknown(format!("the certificate cannot be read: {error}")),
    };
    match certificate.der.get(body.signed.clone()) {
        Some(signed) => verify_bytes(signed, &body.signature, &body.signature_algorithm, issuer_key),
        None => Verified::unknown("the signed part is missing"),
    }
}

/// Is this certificate its own issuer: the same name, and a signature by its own key? Where the signature cannot be
/// checked (MD2 of the oldest roots, DSA), the names decide.
pub fn is_self_signed(certificate: &Certificate) -> bool {
    let Ok(body) = &certificate.body else { return false };
    body.subject.der == body.issuer.der && verify(certificate, &body.key) != Verified::Bad
}

fn verify_bytes(signed: &[u8], signature: &[u8], algorithm: &SignatureAlgorithm, key: &PublicKey) -> Verified {
    let Some(needed) = key_kind(algorithm.scheme) else {
        return Verified::unknown(format!("signature algorithm {} is not supported", signature_name(&algorithm.oid)));
    };
    match key.kind {
        // It may be one of the kind needed, under an identifier that is not known here.
        KeyKind::Unknown => return Verified::unknown(format!("a key of type {} is not supported", key.name)),
        kind if kind != needed => return Verified::Bad,
        _ => {}
    }
    let Ok((_, info)) = SubjectPublicKeyInfo::from_der(&key.info) else {
        return Verified::unknown("the issuer's key cannot be read");
    };
    let bits = info.subject_public_key.data.as_ref();
    if needed == KeyKind::Edwards {
        return ed25519(signed, signature, &key.name, bits);
    }
    let Some(hash) = algorithm.hash.and_then(|hash| Digested::new(hash, signed)) else {
        return Verified::unknown(format!("hash of {} is not supported", signature_name(&algorithm.oid)));
    };
    match algorithm.scheme {
        Scheme::Ecdsa => ecdsa(&hash, signature, &key.name, bits),
        Scheme::RsaPss => match (rsa_key(bits), algorithm.pss_salt_length) {
            (Err(reason), _) => reason,
            (Ok(_), None) => Verified::unknown("unusual parameters of RSASSA-PSS"),
            (Ok(key), Some(salt)) => Verified::from(key.verify(hash.pss(salt), &hash.value, signature)),
        },
        _ => match rsa_key(bits) {
            Err(reason) => reason,
            Ok(key) if pkcs1v15::verify(&key, &hash.pkcs1v15(), &hash.value, signature) => Verified::Good,
            Ok(_) => Verified::Bad,
        },
    }
}

/// The kind of key that a scheme needs, where it can be checked here.
fn key_kind(scheme: Scheme) -> Option<KeyKind> {
    match scheme {
        Scheme::Rsa | Scheme::RsaPss => Some(KeyKind::Rsa),
        Scheme::Ecdsa => Some(KeyKind::Ec),
        Scheme::EdDsa => Some(KeyKind::Edwards),
        Scheme::Dsa | Scheme::Unknown => None,
    }
}

fn rsa_key(der: &[u8]) -> Result<RsaPublicKey, Verified> {
    let (_, key) = RSAPublicKey::from_der(der).map_err(|_| Verified::unknown("the issuer's RSA key cannot be read"))?;
    // RFC 8017 section 3.1: a product of odd primes.
    if key.modulus.last().is_none_or(|last| last & 1 == 0) {
        return Err(Verified::unknown("the issuer's RSA key has an even modulus"));
    }
    let (modulus, exponent) = (BigUint::from_bytes_be(key.modulus), BigUint::from_bytes_be(key.exponent));
    RsaPublicKey::new_with_max_size(modulus, exponent, MAX_RSA_BITS)
        .map_err(|error| Verified::CannotCheck(format!("the issuer's RSA key: {error}")))
}

fn ed25519(signed: &[u8], signature: &[u8], name: &str, key: &[u8]) -> Verified {
    if name != "Ed25519" {
        return Verified::unknown(format!("{name} is not supported"));
    }
    let Some(key) = <&[u8; 32]>::try_from(key).ok().and_then(|key| ed25519_dalek::VerifyingKey::from_bytes(key).ok()) else {
        return Verified::unknown("the issuer's Ed25519 key cannot be read");
    };
    Verified::from(ed25519_dalek::Signature::from_slice(signature).and_then(|signature| key.verify(signed, &signature)))
}

fn ecdsa(hash: &Digested, signature: &[u8], name: &str, point: &[u8]) -> Verified {
    /// The same three steps on each curve; its types have no trait in common that is worth its bounds.
    macro_rules! on_curve {
        ($curve:ident, $field:literal) => {{
            match $curve::ecdsa::VerifyingKey::from_sec1_bytes(point) {
                Err(_) => Verified::unknown("the issuer's point is not on its curve"),
                Ok(key) => Verified::from(
                    $curve::ecdsa::Signature::from_der(signature)
                        .and_then(|signature| key.verify_prehash(&hash.at_least($field), &signature)),
                ),
            }
        }};
    }
    match name {
        "EC secp256r1" => on_curve!(p256, 32),
        "EC secp384r1" => on_curve!(p384, 48),
        "EC secp521r1" => on_curve!(p521, 66),
        _ => Verified::unknown(format!("{name} is not supported")),
    }
}

/// A hash of what was signed, and which one it is.
struct Digested {
    hash: Hash,
    value: Vec<u8>,
}

impl Digested {
    fn new(hash: Hash, bytes: &[u8]) -> Option<Self> {
        let value = match hash {
            Hash::Md2 => return None,
            Hash::Md5 => Md5::digest(bytes).to_vec(),
            Hash::Sha1 => Sha1::digest(bytes).to_vec(),
            Hash::Sha224 => Sha224::digest(bytes).to_vec(),
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => Sha384::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
        };
        Some(Self { hash, value })
    }

    /// The hash as an integer of the curve's size. The library refuses a hash of less than half the field, which is legal
    /// (FIPS 186-4 section 6.4) and used: P-521 with SHA-256, P-384 with SHA-1.
    fn at_least(&self, length: usize) -> Vec<u8> {
        let mut padded = vec![0; length.saturating_sub(self.value.len())];
        padded.extend_from_slice(&self.value);
        padded
    }

    fn pkcs1v15(&self) -> Pkcs1v15Sign {
        match self.hash {
            Hash::Md2 | Hash::Md5 => Pkcs1v15Sign::new::<Md5>(),
            Hash::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
            Hash::Sha224 => Pkcs1v15Sign::new::<Sha224>(),
            Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }

    fn pss(&self, salt: u32) -> Pss {
        fn with<D: 'static + Digest + DynDigest + Send + Sync>(salt: u32) -> Pss {
            Pss::new_with_salt::<D>(usize::try_from(salt).unwrap_or(usize::MAX))
        }
        match self.hash {
            Hash::Md2 | Hash::Md5 => with::<Md5>(salt),
            Hash::Sha1 => with::<Sha1>(salt),
            Hash::Sha224 => with::<Sha224>(salt),
            Hash::Sha256 => with::<Sha256>(salt),
            Hash::Sha384 => with::<Sha384>(salt),
            Hash::Sha512 => with::<Sha512>(salt),
        }
    }
}

#[cfg(test)]
mod tests;
