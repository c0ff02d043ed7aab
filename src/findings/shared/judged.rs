//! A chain that the device may have refused, with its faults, and the words for them.

use std::sync::Arc;

use crate::findings::shared::handshake::{Refusal, Shaken};
use crate::findings::shared::place::Place;
use crate::formats::x509::{Body, Certificate, Hash, Scheme};
use crate::model::{At, Frame};
use crate::text::WireText;
use crate::trust::{Clock, Fault, FaultKind, Link};

/// From here on a fault can be what the device meant.
pub const PROBABLE: f32 = 0.5;

/// A chain that the device may have refused, with its faults.
pub struct Judged<'a> {
    /// The connection and its handshake.
    pub shaken: Shaken<'a>,
    /// The frame of the Certificate.
    pub at: At,
    /// The chain, the server's own certificate first.
    pub chain: &'a [Arc<Certificate>],
    /// CAs that the device had fetched.
    pub fetched: &'a [(Frame, Arc<Certificate>)],
    /// How the device turned away from it, if it did.
    pub refusal: Option<Refusal>,
    /// What is wrong with it.
    pub faults: &'a [Fault],
}

/// The name that the certificate must cover: the one that was looked up, else the one in the hello.
pub fn wanted_name<'a>(shaken: &Shaken<'a>) -> Option<&'a WireText> {
    let said = shaken.tls.client_hello.as_ref().and_then(|(_, hello)| hello.server_name.as_ref());
    shaken.place.connection.name.as_ref().or(said)
}

impl<'a> Judged<'a> {
    /// The connection.
    pub fn place(&self) -> Place<'a> {
        self.shaken.place
    }

    /// What a fault's certificate says, where it can be read.
    pub fn body(&self, link: Option<Link>) -> Option<&'a Body> {
        let certificate = match link? {
            Link::Sent(index) => self.chain.get(index)?,
            Link::Fetched(index) => &self.fetched.get(index)?.1,
        };
        certificate.body.as_ref().ok()
    }

    /// Which certificate, in words: `the server's certificate (CN=pool.contoso.com)`.
    pub fn which(&self, link: Option<Link>) -> String {
        let subject = self.body(link).map(|body| format!(" ({})", body.subject.text)).unwrap_or_default();
        match link {
            None => "the chain".to_owned(),
            Some(Link::Sent(0)) => format!("the server's certificate{subject}"),
            Some(Link::Sent(_)) => format!("the CA certificate sent with it{subject}"),
            Some(Link::Fetched(_)) => format!("the CA certificate that the device fetched{subject}"),
        }
    }

    /// The certificate's common name, else its whole subject.
    pub fn short_name(&self, link: Option<Link>) -> String {
        let Some(body) = self.body(link) else { return "the chain".to_owned() };
        body.common_name.as_ref().map_or_else(|| body.subject.text.to_string(), WireText::to_string)
    }

    /// Subject of the server's own certificate.
    pub fn subject(&self) -> String {
        self.body(Some(Link::Sent(0)))
            .map_or_else(|| "certificate that cannot be read".to_owned(), |body| body.subject.text.to_string())
    }

    /// A command that shows the chain that the server sends now.
    pub fn show(&self) -> String {
        format!("openssl s_client -connect {} -showcerts", self.place().target())
    }
}

/// A signature algorithm as people write it.
pub fn algorithm_name(body: &Body) -> String {
    let hash = match body.signature_algorithm.hash {
        Some(Hash::Md2) => "md2",
        Some(Hash::Md5) => "md5",
        Some(Hash::Sha1) => "sha1",
        Some(Hash::Sha224) => "sha224",
        Some(Hash::Sha256) => "sha256",
        Some(Hash::Sha384) => "sha384",
        Some(Hash::Sha512) => "sha512",
        None => return format!("algorithm {}", body.signature_algorithm.oid),
    };
    match body.signature_algorithm.scheme {
        Scheme::Rsa => format!("{hash}WithRSAEncryption"),
        Scheme::RsaPss => format!("RSASSA-PSS with {hash}"),
        Scheme::Ecdsa => format!("ecdsa-with-{}", hash.to_uppercase()),
        Scheme::Dsa => format!("dsa-with-{hash}"),
        Scheme::EdDsa | Scheme::Unknown => format!("algorithm {}", body.signature_algorithm.oid),
    }
}

/// The clock on which a fault rests, if it rests on one.
pub fn clock_of(kind: &FaultKind) -> Option<Clock> {
    match kind {
        FaultKind::Expired { clock, .. } | FaultKind::NotYetValid { clock, .. } => Some(*clock),
        _ => None,
    }
}

/// A fault in a few words.
pub fn fault_words(kind: &FaultKind) -> String {
    let escaped = |text: &String| WireText::from(text.as_str()).to_string();
    match kind {
        FaultKind::UnsupportedSignature { algorithm, .. } => format!("signature {}", escaped(algorithm)),
        FaultKind::UnsupportedKey { key, .. } => format!("key {}", escaped(key)),
        FaultKind::Weak { what, .. } => format!("too weak ({})", escaped(what)),
        FaultKind::UntrustedIssuer { issuer } => format!("issuer {} not trusted", escaped(issuer)),
        FaultKind::SelfSigned => "self-signed".to_owned(),
        FaultKind::MissingIntermediate { issuer } => format!("intermediate {} missing", escaped(issuer)),
        FaultKind::EnrolmentIncomplete { issuer } => format!("CA {} not in the fetched bundle", escaped(issuer)),
        FaultKind::CrossSignedExpired => "path ends in an expired cross-signed root".to_owned(),
        FaultKind::BadSignature => "signature does not verify".to_owned(),
        FaultKind::Expired { not_after, .. } => format!("expired {}", not_after.whole_seconds()),
        FaultKind::NotYetValid { not_before, .. } => format!("not valid before {}", not_before.whole_seconds()),
        FaultKind::NameMismatch { wanted, .. } => format!("name {} not in it", escaped(wanted)),
        FaultKind::WrongUsage { what } => escaped(what),
    }
}
