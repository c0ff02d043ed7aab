//! Records under encryption in, what they hold out: the record protection of TLS 1.0 to 1.3, by keys that are derived from the
//! secrets of a key log. What is not what its sender made comes out as nothing. Knows neither handshakes nor streams.

use std::fmt;

use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF};

use super::record::Header;
use crate::keylog::Random;
use crate::model::Side;

mod aead;
mod chained;
mod derive;
#[cfg(test)]
mod tests;

use aead::{Aead, Nonce};
use chained::{Chained, Cipher};
use derive::Hash;

/// Opens the records of one direction, in order.
pub(in crate::protocols::tls) struct Opener {
    /// Records opened so far.
    sequence: u64,
    protection: Protection,
}

enum Protection {
    Aead(Aead),
    Chained(Chained),
    /// TLS 1.3: the type is inside, and the keys can be renewed.
    Hidden {
        aead: Aead,
        hash: Hash,
        secret: Vec<u8>,
        suite: u16,
    },
}

/// What a record holds.
pub(in crate::protocols::tls) struct Plain {
    /// ContentType.
    pub(in crate::protocols::tls) kind: u8,
    /// The content.
    pub(in crate::protocols::tls) bytes: Vec<u8>,
}

/// What the keys of a connection up to TLS 1.2 follow from.
#[derive(Clone, Copy, Debug)]
pub(in crate::protocols::tls) struct Agreed<'a> {
    /// The version that the server chose.
    pub(in crate::protocols::tls) version: u16,
    /// The cipher suite.
    pub(in crate::protocols::tls) suite: u16,
    /// Is the MAC that of the ciphertext (RFC 7366)?
    pub(in crate::protocols::tls) encrypt_then_mac: bool,
    /// The random bytes of the ClientHello.
    pub(in crate::protocols::tls) client: &'a Random,
    /// Those of the ServerHello.
    pub(in crate::protocols::tls) server: &'a Random,
}

impl fmt::Debug for Opener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Opener")
    }
}

impl Opener {
    /// For what a side sends up to TLS 1.2; `None` for what cannot be opened whatever the keys.
    pub(in crate::protocols::tls) fn up_to_1_2(master: &[u8], agreed: &Agreed<'_>, side: Side) -> Option<Self> {
        if !(0x0301..=0x0303).contains(&agreed.version) {
            return None;
        }
        let suite = TlsCipherSuite::from_id(agreed.suite)?;
        let form = Form::of(suite, agreed.version)?;
        let of_suite = if suite.prf == TlsPRF::Sha384 { Hash::Sha384 } else { Hash::Sha256 };
        let prf = (agreed.version >= 0x0303).then_some(of_suite);
        let [mac, key, iv] = form.lengths();
        let length = [mac, key, iv].into_iter().fold(0, usize::saturating_add).saturating_mul(2);
        let seed = [agreed.server.as_slice(), agreed.client].concat();
        // The block of keys (RFC 5246 section 6.3): both sides' MAC keys, both sides' keys, both sides' IVs.
        let block = derive::prf(prf, master, b"key expansion", &seed, length);
        let mut block = block.as_slice();
        let mut take = |length: usize| {
            let (client, rest) = block.split_at_checked(length)?;
            let (server, rest) = rest.split_at_checked(length)?;
            block = rest;
            Some(if side == Side::Client { client } else { server })
        };
        let (mac, key, iv) = (take(mac)?, take(key)?, take(iv)?);
        let protection = match form {
            Form::Aead(open, nonce) => Protection::Aead(Aead::new(open, nonce, key, iv)?),
            Form::Chained(cipher, hash) => {
                let first = (agreed.version == 0x0301).then_some(iv);
                Protection::Chained(Chained::new(cipher, key, first, (hash, mac), agreed.encrypt_then_mac)?)
            }
        };
        Some(Self { sequence: 0, protection })
    }

    /// For what is sent in TLS 1.3 under a traffic secret (RFC 8446 section 7.3).
    pub(in crate::protocols::tls) fn of_1_3(suite: u16, secret: &[u8]) -> Option<Self> {
        let known = TlsCipherSuite::from_id(suite).filter(|suite| suite.kx == TlsCipherKx::Tls13)?;
        let Form::Aead(open, _) = Form::of(known, 0x0304)? else { return None };
        let hash = if known.prf == TlsPRF::Sha384 { Hash::Sha384 } else { Hash::Sha256 };
        let key = derive::expand(hash, secret, b"key", open.key)?;
        let iv = derive::expand(hash, secret, b"iv", aead::NONCE)?;
        let aead = Aead::new(open, Nonce::Counted, &key, &iv)?;
        Some(Self { sequence: 0, protection: Protection::Hidden { aead, hash, secret: secret.to_vec(), suite } })
    }

    /// The same behind a KeyUpdate (RFC 8446 section 7.2).
    pub(in crate::protocols::tls) fn renewed(&self) -> Option<Self> {
        let Protection::Hidden { hash, secret, suite, .. } = &self.protection else { return None };
        let next = derive::expand(*hash, secret, b"traffic upd", secret.len())?;
        Self::of_1_3(*suite, &next)
    }

    /// Has it opened nothing yet?
    pub(in crate::protocols::tls) fn is_fresh(&self) -> bool {
        self.sequence == 0
    }

    /// Opens the next record; `None` where the keys do not fit, or it is not the next.
    pub(in crate::protocols::tls) fn open(&mut self, header: Header, body: &[u8]) -> Option<Plain> {
        let plain = match &mut self.protection {
            Protection::Aead(aead) => {
                let bytes = aead.open_1_2(self.sequence, header, body)?;
                Plain { kind: header.kind, bytes }
            }
            Protection::Chained(chained) => {
                let bytes = chained.open(self.sequence, header, body)?;
                Plain { kind: header.kind, bytes }
            }
            Protection::Hidden { aead, .. } => {
                let mut bytes = aead.open_1_3(self.sequence, header, body)?;
                // Zeros fill the record behind the type (RFC 8446 section 5.4).
                let end = bytes.iter().rposition(|byte| *byte != 0)?;
                let kind = bytes.get(end).copied()?;
                bytes.truncate(end);
                Plain { kind, bytes }
            }
        };
        self.sequence = self.sequence.saturating_add(1);
        Some(plain)
    }
}

/// How a cipher suite protects records.
enum Form {
    Aead(aead::Open, Nonce),
    Chained(Cipher, Hash),
}

impl Form {
    fn of(suite: &TlsCipherSuite, version: u16) -> Option<Self> {
        use TlsCipherEnc::{Aes, Chacha20_Poly1305, Des, Null, Rc4, TripleDes};
        use TlsCipherEncMode::{Cbc, Ccm, Gcm};
        let hash = match suite.mac {
            TlsCipherMac::HmacMd5 => Some(Hash::Md5),
            TlsCipherMac::HmacSha1 => Some(Hash::Sha1),
            TlsCipherMac::HmacSha256 => Some(Hash::Sha256),
            TlsCipherMac::HmacSha384 => Some(Hash::Sha384),
            _ => None,
        };
        let has_short_tag = suite.name.contains("_CCM_8");
        let chained = |cipher| hash.map(|hash| Self::Chained(cipher, hash));
        match (suite.enc, suite.enc_mode, suite.enc_size) {
            (Aes, Gcm, 128) => Some(Self::Aead(aead::AES_128_GCM, Nonce::Explicit)),
            (Aes, Gcm, 256) => Some(Self::Aead(aead::AES_256_GCM, Nonce::Explicit)),
            (Aes, Ccm, 128) if has_short_tag => Some(Self::Aead(aead::AES_128_CCM_8, Nonce::Explicit)),
            (Aes, Ccm, 256) if has_short_tag => Some(Self::Aead(aead::AES_256_CCM_8, Nonce::Explicit)),
            (Aes, Ccm, 128) => Some(Self::Aead(aead::AES_128_CCM, Nonce::Explicit)),
            (Aes, Ccm, 256) => Some(Self::Aead(aead::AES_256_CCM, Nonce::Explicit)),
            (Chacha20_Poly1305, _, _) => Some(Self::Aead(aead::CHACHA20_POLY1305, Nonce::Counted)),
            (Aes, Cbc, 128) => chained(chained::AES_128),
            (Aes, Cbc, 256) => chained(chained::AES_256),
            (TripleDes, Cbc, _) => chained(chained::TRIPLE_DES),
            (Des, Cbc, 56) => chained(chained::DES),
            (Rc4, _, 128) => chained(Cipher::Rc4),
            (Null, _, _) => chained(Cipher::Null),
            _ => None,
        }
        .filter(|form| version >= 0x0303 || matches!(form, Self::Chained(..)))
    }

    /// Of a MAC key, a key and an IV.
    fn lengths(&self) -> [usize; 3] {
        match self {
            Self::Aead(open, nonce) => [0, open.key, nonce.length()],
            Self::Chained(cipher, hash) => [hash.length(), cipher.key(), cipher.block()],
        }
    }
}
