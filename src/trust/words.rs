//! Certificates in words.

use super::path::Pool;
use super::{Judgement, Link, Question};
use crate::formats::x509::{Body, Certificate, KeyKind, PublicKey, signature_name};

/// `RSA 4096`, `EC secp256r1`.
pub fn key_name(key: &PublicKey) -> String {
    match key.kind {
        KeyKind::Rsa | KeyKind::Dsa if key.bits > 0 => format!("{} {}", key.name, key.bits),
        _ => key.name.clone(),
    }
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn any_of<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.collect();
    match items.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

impl<'a> Question<'a> {
    /// The certificate that a link speaks of.
    pub fn certificate(&self, link: Link) -> Option<&'a Certificate> {
        match link {
            Link::Sent(place) => self.chain.get(place).map(AsRef::as_ref),
            Link::Fetched(place) => self.fetched.get(place).map(|(_, certificate)| certificate.as_ref()),
        }
    }
}

/// The path that was built, one line a certificate, the server's own first: subject, issuer, signature, key, validity, and
/// where it came from.
pub fn chain_in_words(question: &Question<'_>, judgement: &Judgement) -> Vec<String> {
    let pool = Pool::new(question);
    let line = |link: &Link| match question.certificate(*link)?.body.as_ref() {
        Ok(body) => Some(format!("{}, {}", certificate_in_words(body), origin(question, &pool, *link))),
        Err(_) => None,
    };
    judgement.path.iter().filter_map(line).collect()
}

/// Subject, issuer, signature, key and validity of one certificate.
pub fn certificate_in_words(body: &Body) -> String {
    let issuer = if body.subject.der == body.issuer.der { "itself".to_owned() } else { body.issuer.text.to_string() };
    format!(
        "{}: issued by {issuer}, signed with {}, key {}, valid from {} to {}",
        body.subject.text,
        signature_name(&body.signature_algorithm.oid),
        key_name(&body.key),
        body.not_before.whole_seconds(),
        body.not_after.whole_seconds(),
    )
}

fn origin(question: &Question<'_>, pool: &Pool<'_>, link: Link) -> String {
    let fetched_in = |place: usize| question.fetched.get(place).map(|(frame, _)| format!("fetched in frame {frame}"));
    match link {
        Link::Fetched(place) => fetched_in(place).unwrap_or_default(),
        Link::Sent(place) => {
            let sent = format!("sent as number {}", place.saturating_add(1));
            let held = pool.nodes().find(|(_, node)| node.link == link && node.held).and_then(|(_, node)| {
                let same = question.fetched.iter().position(|(_, certificate)| **certificate == *node.certificate)?;
                fetched_in(same)
            });
            held.map_or(sent.clone(), |held| format!("{sent} and {held}"))
        }
    }
}
