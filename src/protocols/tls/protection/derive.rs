//! Keys out of secrets: the PRF up to TLS 1.2 (RFC 2246 section 5, RFC 5246 section 5), HKDF-Expand-Label in TLS 1.3 (RFC 8446
//! section 7.1), and the MACs of records.

use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

/// A hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Its length, and that of MACs and MAC keys that are made with it.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// The HMAC of these parts together.
    pub(super) fn mac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Md5 => mac::<Hmac<Md5>>(key, parts),
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, parts),
        }
    }
}

fn mac<M: Mac + hmac::digest::KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // An HMAC takes keys of any length.
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else { return Vec::new() };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// P_hash (RFC 5246 section 5).
fn p_hash(hash: Hash, secret: &[u8], label: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut round = hash.mac(secret, &[label, seed]);
    while out.len() < length && !round.is_empty() {
        out.extend(hash.mac(secret, &[&round, label, seed]));
        round = hash.mac(secret, &[&round]);
    }
    out.truncate(length);
    out
}

/// The PRF with this hash; without one, that of TLS 1.0 and 1.1, which is made of two.
pub(super) fn prf(hash: Option<Hash>, secret: &[u8], label: &[u8], seed: &[u8], length: usize) -> Vec<u8> {
    if let Some(hash) = hash {
        return p_hash(hash, secret, label, seed, length);
    }
    let half = secret.len().div_ceil(2);
    let first = secret.get(..half).unwrap_or_default();
    let second = secret.get(secret.len().saturating_sub(half)..).unwrap_or_default();
    let one = p_hash(Hash::Md5, first, label, seed, length);
    let other = p_hash(Hash::Sha1, second, label, seed, length);
    one.into_iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// HKDF-Expand-Label without a context. `None` if the secret is shorter than the hash.
pub(super) fn expand(hash: Hash, secret: &[u8], label: &[u8], length: usize) -> Option<Vec<u8>> {
    const PREFIX: &[u8] = b"tls13 ";
    let whole = u8::try_from(label.len().saturating_add(PREFIX.len())).ok()?;
    let info = [&u16::try_from(length).ok()?.to_be_bytes(), &[whole][..], PREFIX, label, &[0]].concat();
    let mut out = vec![0; length];
    match hash {
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?,
        _ => Hkdf::<Sha256>::from_prk(secret).ok()?.expand(&info, &mut out).ok()?,
    }
    Some(out)
}
