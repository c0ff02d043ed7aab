//! The schema of a profile's file, and what its fields become.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use crate::formats::x509::{Hash, KeyKind};
use crate::model::Stage;
use crate::profile::{Mark, MarkKind, Profile, TrustPolicy, Variant, Version};

/// Where in the text something is wrong, and what.
pub(super) type Complaint = (usize, String);

/// A whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    name: Spanned<String>,
    title: String,
    about: String,
    order: Vec<Stage>,
    #[serde(default)]
    screens: BTreeMap<Stage, String>,
    #[serde(default)]
    required_option: Vec<RequiredOption>,
    registrar_names: Vec<String>,
    registrar_ports: Vec<u16>,
    #[serde(default)]
    strict_domain: bool,
    #[serde(default)]
    needs_time: bool,
    #[serde(default)]
    fallback: bool,
    sources: Vec<String>,
    mark: Vec<WrittenMark>,
    trust: Trust,
    #[serde(default)]
    variant: Vec<WrittenVariant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequiredOption {
    option: u8,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMark {
    kind: MarkKind,
    value: Spanned<String>,
    weight: Weight,
    #[serde(default)]
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenVariant {
    marker: String,
    from: Option<Version>,
    below: Option<Version>,
    strict_domain: Option<bool>,
    #[serde(default)]
    trust: Trust,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trust {
    hashes: Option<Claim<Vec<HashName>>>,
    keys: Option<Claim<Vec<KeyName>>>,
    rsa_max: Option<Claim<u32>>,
    rsa_min: Option<Claim<u32>>,
    weak_hashes: Option<Claim<Vec<HashName>>>,
    pss: Option<Claim<bool>>,
    wildcard: Option<Claim<bool>>,
    tls_max: Option<Sourced<TlsName>>,
    sends_sni: Option<Sourced<bool>>,
    checks_chain: Option<Sourced<bool>>,
    #[serde(default)]
    built_in_cas: Option<Sourced<bool>>,
}

/// A statement that may be wrong.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim<T> {
    value: T,
    certainty: Certainty,
    source: String,
}

/// A statement that is taken as it stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sourced<T> {
    value: T,
    source: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "f32")]
struct Certainty(f32);

impl TryFrom<f32> for Certainty {
    type Error = String;

    fn try_from(value: f32) -> Result<Self, String> {
        let allowed = value > 0.0 && value <= 1.0;
        allowed.then_some(Self(value)).ok_or_else(|| format!("certainty {value} is not above 0 and at most 1"))
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "i64")]
struct Weight(u8);

impl TryFrom<i64> for Weight {
    type Error = String;

    fn try_from(value: i64) -> Result<Self, String> {
        let weight = u8::try_from(value).ok().filter(|weight| *weight <= 3);
        weight.map(Self).ok_or_else(|| format!("weight {value} is none of 3 (strong), 2 (medium), 1 (weak), 0 (rules out)"))
    }
}

#[derive(Clone, Copy, Deserialize)]
enum HashName {
    #[serde(rename = "MD2")]
    Md2,
    #[serde(rename = "MD5")]
    Md5,
    #[serde(rename = "SHA-1")]
    Sha1,
    #[serde(rename = "SHA-224")]
    Sha224,
    #[serde(rename = "SHA-256")]
    Sha256,
    #[serde(rename = "SHA-384")]
    Sha384,
    #[serde(rename = "SHA-512")]
    Sha512,
}

impl From<HashName> for Hash {
    fn from(name: HashName) -> Self {
        match name {
            HashName::Md2 => Hash::Md2,
            HashName::Md5 => Hash::Md5,
            HashName::Sha1 => Hash::Sha1,
            HashName::Sha224 => Hash::Sha224,
            HashName::Sha256 => Hash::Sha256,
            HashName::Sha384 => Hash::Sha384,
            HashName::Sha512 => Hash::Sha512,
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
enum KeyName {
    #[serde(rename = "RSA")]
    Rsa,
    #[serde(rename = "EC")]
    Ec,
    #[serde(rename = "DSA")]
    Dsa,
    #[serde(rename = "Edwards")]
    Edwards,
}

impl From<KeyName> for KeyKind {
    fn from(name: KeyName) -> Self {
        match name {
            KeyName::Rsa => KeyKind::Rsa,
            KeyName::Ec => KeyKind::Ec,
            KeyName::Dsa => KeyKind::Dsa,
            KeyName::Edwards => KeyKind::Edwards,
        }
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

impl File {
    /// The profile that it describes.
    pub(super) fn profile(self) -> Result<Profile, Complaint> {
        let at = self.name.span().start;
        let name = self.name.into_inner();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err((at, format!("the name {name:?} must be lower-case letters, digits and hyphens")));
        }
        let mut sources = self.sources;
        let trust = self.trust.policy("", &mut sources);
        let recognition = self.mark.into_iter().map(WrittenMark::mark).collect::<Result<_, _>>()?;
        let variants = self.variant.into_iter().map(|variant| variant.variant(&mut sources)).collect();
        Ok(Profile {
            name,
            title: self.title,
            about: self.about.split_whitespace().collect::<Vec<_>>().join(" "),
            recognition,
            order: self.order,
            screens: self.screens.into_iter().collect(),
            required_options: self.required_option.into_iter().map(|required| (required.option, required.why)).collect(),
            registrar_names: self.registrar_names,
            registrar_ports: self.registrar_ports,
            strict_domain: self.strict_domain,
            needs_time: self.needs_time,
            trust,
            variants,
            fallback: self.fallback,
            sources,
        })
    }
}

impl WrittenMark {
    fn mark(self) -> Result<Mark, Complaint> {
        let at = self.value.span().start;
        let value = self.value.into_inner();
        let complain = |message: String| Err((at, message));
        let value = match self.kind {
            MarkKind::Oui => {
                let digits: String = value.chars().filter(|c| !matches!(c, ':' | '-')).collect::<String>().to_ascii_lowercase();
                if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return complain(format!("{value:?} is not the first half of a MAC address, such as \"0004f2\""));
                }
                digits
            }
            MarkKind::Sip => value,
            _ if value.is_empty() => return complain("an empty value would fit every device".to_owned()),
            _ => value,
        };
        Ok(Mark { kind: self.kind, value, weight: self.weight.0, note: self.note })
    }
}

impl WrittenVariant {
    fn variant(self, sources: &mut Vec<String>) -> Variant {
        let bound = |word: &str, version: &Option<Version>| version.as_ref().map_or(String::new(), |v| format!(" {word} {v}"));
        let range = format!("firmware{}{}, ", bound("from", &self.from), bound("below", &self.below));
        let trust = self.trust.policy(&range, sources);
        Variant { marker: self.marker, from: self.from, below: self.below, strict_domain: self.strict_domain, trust }
    }
}

impl Trust {
    /// The policy; each statement's source goes to `sources`, with what it is the source of.
    fn policy(self, of: &str, sources: &mut Vec<String>) -> TrustPolicy {
        let mut cite = |what: &str, source: &str| sources.push(format!("{of}{what}: {source}"));
        fn hashes(names: Vec<HashName>) -> Vec<Hash> {
            names.into_iter().map(Hash::from).collect()
        }
        let mut policy = TrustPolicy::default();
        if let Some(claim) = self.hashes {
            cite("hashes that it verifies", &claim.source);
            policy.hashes = Some((hashes(claim.value), claim.certainty.0));
        }
        if let Some(claim) = self.keys {
            cite("kinds of key", &claim.source);
            policy.keys = Some((claim.value.into_iter().map(KeyKind::from).collect(), claim.certainty.0));
        }
        if let Some(claim) = self.rsa_max {
            cite("largest RSA key", &claim.source);
            policy.rsa_max = Some((claim.value, claim.certainty.0));
        }
        if let Some(claim) = self.rsa_min {
            cite("smallest RSA key", &claim.source);
            policy.rsa_min = Some((claim.value, claim.certainty.0));
        }
        if let Some(claim) = self.weak_hashes {
            cite("hashes that are too weak for it", &claim.source);
            policy.weak_hashes = Some((hashes(claim.value), claim.certainty.0));
        }
        if let Some(claim) = self.pss {
            cite("RSASSA-PSS", &claim.source);
            policy.pss = Some((claim.value, claim.certainty.0));
        }
        if let Some(claim) = self.wildcard {
            cite("wildcard names", &claim.source);
            policy.wildcard = Some((claim.value, claim.certainty.0));
        }
        if let Some(stated) = self.tls_max {
            cite("highest TLS version", &stated.source);
            policy.tls_max = Some(stated.value as u16);
        }
        if let Some(stated) = self.sends_sni {
            cite("server_name", &stated.source);
            policy.sends_sni = Some(stated.value);
        }
        if let Some(stated) = self.checks_chain {
            cite("checks certificates", &stated.source);
            policy.checks_chain = Some(stated.value);
        }
        if let Some(stated) = self.built_in_cas {
            cite("built-in CAs", &stated.source);
            policy.built_in_cas = stated.value;
        }
        policy
    }
}
