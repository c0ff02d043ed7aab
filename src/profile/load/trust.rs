//! What a profile's file says of certificates and TLS, each statement with its source.

use serde::Deserialize;

use crate::formats::x509::{Hash, KeyKind};
use crate::profile::{Source, TrustPolicy};

/// All that it can say; what it leaves out is not known.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trust {
    hashes: Option<Claim<Vec<Hash>>>,
    keys: Option<Claim<Vec<KeyKind>>>,
    rsa_max: Option<Claim<u32>>,
    rsa_min: Option<Claim<u32>>,
    weak_hashes: Option<Claim<Vec<Hash>>>,
    pss: Option<Claim<bool>>,
    wildcard: Option<Claim<bool>>,
    checks_name: Option<Claim<bool>>,
    tls_min: Option<Fact<TlsName>>,
    tls_max: Option<Fact<TlsName>>,
    sends_sni: Option<Fact<bool>>,
    checks_chain: Option<Fact<bool>>,
    built_in_cas: Option<Fact<bool>>,
}

/// A statement whose certainty limits that of what is concluded from it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim<T> {
    value: T,
    certainty: Certainty,
    source: String,
}

/// A statement that is taken as it stands, however sure it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact<T> {
    value: T,
    certainty: Option<Certainty>,
    source: String,
}

/// How sure a statement is.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f32")]
pub(super) struct Certainty(pub(super) f32);

impl TryFrom<f32> for Certainty {
    type Error = String;

    fn try_from(value: f32) -> Result<Self, String> {
        let allowed = value > 0.0 && value <= 1.0;
        allowed.then_some(Self(value)).ok_or_else(|| format!("certainty {value} is not above 0 and at most 1"))
    }
}

#[derive(Clone, Copy, Deserialize)]
enum TlsName {
    #[serde(rename = "SSL 3.0")]
    Ssl30 = 0x0300,
    #[serde(rename = "TLS 1.0")]
    Tls10 = 0x0301,
    #[serde(rename = "TLS 1.1")]
    Tls11 = 0x0302,
    #[serde(rename = "TLS 1.2")]
    Tls12 = 0x0303,
    #[serde(rename = "TLS 1.3")]
    Tls13 = 0x0304,
}

/// The list of sources, and of whom the statements are.
struct Cite<'a> {
    of: &'a str,
    sources: &'a mut Vec<Source>,
}

impl Cite<'_> {
    fn claim<T>(&mut self, what: &str, claim: Option<Claim<T>>) -> Option<(T, f32)> {
        let Claim { value, certainty: Certainty(certainty), source } = claim?;
        self.add(what, source, Some(certainty));
        Some((value, certainty))
    }

    fn fact<T>(&mut self, what: &str, fact: Option<Fact<T>>) -> Option<T> {
        let Fact { value, certainty, source } = fact?;
        self.add(what, source, certainty.map(|certainty| certainty.0));
        Some(value)
    }

    fn add(&mut self, what: &str, text: String, certainty: Option<f32>) {
        self.sources.push(Source { of: vec![format!("{}{what}", self.of)], text, certainty });
    }
}

impl Trust {
    /// The policy; each statement's source goes to `sources`. `of` says for which devices it holds, if not for all.
    pub(super) fn policy(self, of: &str, sources: &mut Vec<Source>) -> TrustPolicy {
        let mut cite = Cite { of, sources };
        TrustPolicy {
            hashes: cite.claim("hashes that it verifies", self.hashes),
            keys: cite.claim("kinds of key", self.keys),
            rsa_max: cite.claim("largest RSA key", self.rsa_max),
            rsa_min: cite.claim("smallest RSA key", self.rsa_min),
            weak_hashes: cite.claim("hashes that are too weak for it", self.weak_hashes),
            pss: cite.claim("RSASSA-PSS", self.pss),
            wildcard: cite.claim("wildcard names", self.wildcard),
            checks_name: cite.claim("comparison of names", self.checks_name),
            tls_min: cite.fact("lowest TLS version", self.tls_min).map(|name| name as u16),
            tls_max: cite.fact("highest TLS version", self.tls_max).map(|name| name as u16),
            sends_sni: cite.fact("server_name", self.sends_sni),
            checks_chain: cite.fact("checks certificates", self.checks_chain),
            built_in_cas: cite.fact("built-in CAs", self.built_in_cas).unwrap_or_default(),
        }
    }
}
