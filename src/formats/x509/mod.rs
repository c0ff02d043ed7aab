//! X.509 certificates (RFC 5280) as a diagnosis needs them: owned, read once, tolerant.

use std::net::IpAddr;
use std::sync::Arc;

use crate::bytes::share;
use crate::model::Time;
use crate::text::WireText;

mod algorithm;
mod key;
mod name;
mod read;
#[cfg(test)]
mod tests;

pub use algorithm::signature_name;
pub use read::{parse, shared};

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The bytes.
    pub der: Arc<[u8]>,
    /// SHA-256 of `der`.
    pub sha256: [u8; 32],
    /// Everything else; `Err` with what was wrong where it cannot be read as a certificate.
    pub body: Result<Body, String>,
}

impl Certificate {
    /// SHA-256 of the bytes, in hex: how `events` and reports name a certificate.
    pub fn fingerprint(&self) -> String {
        hex(&self.sha256)
    }

    /// One holder's share of the memory that it takes, about: the bytes, and most of them again as what was read of them.
    pub(crate) fn held(self: &Arc<Self>) -> usize {
        let lists = self.body.as_ref().map_or(0, |body| {
            let locations = [&body.crl_locations, &body.ocsp_locations, &body.issuer_locations].map(Vec::len);
            locations.into_iter().fold(body.alternative_names.len(), usize::saturating_add)
        });
        let lists = lists.saturating_mul(size_of::<AlternativeName>());
        let own = size_of::<Self>().saturating_add(self.der.len().saturating_mul(3)).saturating_add(lists);
        share(self, own)
    }
}

/// Lower-case hex.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Serial number, hex, no leading zeros.
    pub serial: String,
    /// Subject.
    pub subject: Name,
    /// Issuer.
    pub issuer: Name,
    /// Algorithm of the signature on it.
    pub signature_algorithm: SignatureAlgorithm,
    /// The signed bytes (TBSCertificate), as a range of the certificate's bytes.
    pub signed: std::ops::Range<usize>,
    /// The signature.
    pub signature: Vec<u8>,
    /// The subject's key.
    pub key: PublicKey,
    /// notBefore.
    pub not_before: Time,
    /// notAfter.
    pub not_after: Time,
    /// The last commonName of the subject.
    pub common_name: Option<WireText>,
    /// subjectAltName entries.
    pub alternative_names: Vec<AlternativeName>,
    /// basicConstraints: is it a CA, and how many CAs may follow below it. `None` where the extension is absent.
    pub basic_constraints: Option<(bool, Option<u32>)>,
    /// keyUsage bits, digitalSignature = bit 0 … (RFC 5280 section 4.2.1.3). `None` where absent: any use.
    pub key_usage: Option<u16>,
    /// extendedKeyUsage OIDs in dotted form. `None` where absent: any use.
    pub extended_key_usage: Option<Vec<String>>,
    /// subjectKeyIdentifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// authorityKeyIdentifier's keyIdentifier.
    pub authority_key_id: Option<Vec<u8>>,
    /// Locations of revocation lists (URIs).
    pub crl_locations: Vec<WireText>,
    /// Locations of OCSP responders (URIs).
    pub ocsp_locations: Vec<WireText>,
    /// Where the issuer's certificate can be fetched (URIs).
    pub issuer_locations: Vec<WireText>,
    /// X.509 version: 1, 2 or 3.
    pub version: u8,
}

/// A distinguished name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The DER bytes: what chains are built with.
    pub der: Vec<u8>,
    /// RFC 4514 text: what people read.
    pub text: WireText,
}

/// How a certificate was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// Dotted OID.
    pub oid: String,
    /// The hash, where it is known.
    pub hash: Option<Hash>,
    /// The kind of key that it needs.
    pub scheme: Scheme,
    /// Salt length of RSASSA-PSS.
    pub pss_salt_length: Option<u32>,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Hash {
    /// MD2.
    #[serde(rename = "MD2")]
    Md2,
    /// MD5.
    #[serde(rename = "MD5")]
    Md5,
    /// SHA-1.
    #[serde(rename = "SHA-1")]
    Sha1,
    /// SHA-224.
    #[serde(rename = "SHA-224")]
    Sha224,
    /// SHA-256.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// SHA-384.
    #[serde(rename = "SHA-384")]
    Sha384,
    /// SHA-512.
    #[serde(rename = "SHA-512")]
    Sha512,
}

impl Hash {
    /// As people write it: `SHA-1`.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Md2 => "MD2",
            Hash::Md5 => "MD5",
            Hash::Sha1 => "SHA-1",
            Hash::Sha224 => "SHA-224",
            Hash::Sha256 => "SHA-256",
            Hash::Sha384 => "SHA-384",
            Hash::Sha512 => "SHA-512",
        }
    }
}

/// A signature scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5.
    Rsa,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
    /// DSA.
    Dsa,
    /// Ed25519 or Ed448.
    EdDsa,
    /// Any other.
    Unknown,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// SubjectPublicKeyInfo, DER.
    pub info: Vec<u8>,
    /// `RSA`, `EC secp256r1`, `DSA`, `Ed25519`…: as in `events`.
    pub name: String,
    /// What it is.
    pub kind: KeyKind,
    /// Size in bits: the modulus of RSA, the field of an elliptic curve; 0 if unknown.
    pub bits: u32,
}

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum KeyKind {
    /// RSA.
    #[serde(rename = "RSA")]
    Rsa,
    /// Elliptic curve.
    #[serde(rename = "EC")]
    Ec,
    /// DSA.
    #[serde(rename = "DSA")]
    Dsa,
    /// Edwards curve.
    Edwards,
    /// Any other.
    #[serde(skip)]
    Unknown,
}

/// A subjectAltName entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlternativeName {
    /// dNSName.
    Dns(WireText),
    /// iPAddress.
    Ip(IpAddr),
    /// uniformResourceIdentifier.
    Uri(WireText),
    /// rfc822Name.
    Email(WireText),
    /// Any other kind, by its tag.
    Other(u8),
}
