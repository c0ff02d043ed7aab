//! Bundles of certificates: PKCS#7 signedData (RFC 2315, BER), bare DER, PEM under any label, and what stands in XML.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use asn1_rs::{Class, FromBer, Header, Length, Tag};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::formats::memo::Memo;
use crate::formats::x509::{self, Certificate};

/// Most certificates that are read of one bundle.
pub const MAX_CERTIFICATES: usize = 256;
/// Most bytes that are looked at: far more than any bundle has.
const MAX_BYTES: usize = 8 << 20;
/// Deepest nesting of indefinite lengths that is followed.
const MAX_DEPTH: usize = 16;
/// No certificate is shorter; text that begins with the digit 0, which is the tag of a SEQUENCE, seems to be.
const MIN_CERTIFICATE: usize = 128;
/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// Lenient about padding: what is handed out by web pages has often lost it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// What a bundle turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bare certificates in DER.
    Der,
    /// Certificates in PEM, or in base64 without its lines.
    Pem,
    /// PKCS#7 signedData, in whatever clothing: Microsoft's base64 of it says `BEGIN CERTIFICATE`.
    Pkcs7,
    /// No certificate at all: a web page, an error text.
    Nothing,
}

/// The certificates of a file or body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// In the order in which they stand; that of a PKCS#7 set means nothing.
    pub certificates: Vec<Arc<Certificate>>,
    /// What it was.
    pub kind: Kind,
    /// What was wrong with it, if anything was.
    pub problem: Option<String>,
}

impl Bundle {
    fn nothing() -> Self {
        Bundle { certificates: Vec::new(), kind: Kind::Nothing, problem: None }
    }

    fn complain(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert_with(|| problem.into());
    }

    fn is_full(&self) -> bool {
        self.certificates.len() >= MAX_CERTIFICATES
    }

    fn add(&mut self, der: &[u8]) {
        if self.is_full() {
            return self.complain(format!("more than {MAX_CERTIFICATES} certificates"));
        }
        let certificate = x509::shared(der);
        if let Err(error) = &certificate.body {
            self.complain(format!("a certificate cannot be read: {error}"));
        }
        self.certificates.push(certificate);
    }
}

/// Different bundles that are remembered.
const REMEMBERED: usize = 64;
/// Longest bundle that is remembered.
const LONGEST_REMEMBERED: usize = 64 << 10;

/// Reads whatever certificates these bytes are; the same bytes are read once.
pub fn certificates(bytes: &[u8]) -> Arc<Bundle> {
    thread_local! {
        static KNOWN: RefCell<Memo<Vec<u8>, Arc<Bundle>>> = RefCell::new(Memo::new(REMEMBERED));
    }
    if bytes.len() > LONGEST_REMEMBERED {
        return Arc::new(read(bytes));
    }
    KNOWN.with_borrow_mut(|known| {
        known.get(bytes).unwrap_or_else(|| {
            let bundle = Arc::new(read(bytes));
            known.keep(bytes.to_vec(), Arc::clone(&bundle));
            bundle
        })
    })
}

fn read(bytes: &[u8]) -> Bundle {
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let mut bundle = Bundle::nothing();
    if bytes.first() == Some(&0x30) {
        binary(bytes, &mut bundle);
        return bundle;
    }
    let text = text(bytes);
    if memchr::memmem::find(&text, BEGIN).is_some() {
        pem(&text, &mut bundle);
    } else if let Some(der) = bare_base64(&text) {
        binary(&der, &mut bundle);
        as_text(&mut bundle);
    } else if text.trim_ascii_start().starts_with(b"<") {
        xml(&text, &mut bundle);
    }
    bundle
}

/// Removes a byte order mark, and UTF-16 with it.
fn text(bytes: &[u8]) -> Cow<'_, [u8]> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = rest.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(unit);
        Cow::Owned(char::decode_utf16(units).filter_map(Result::ok).collect::<String>().into_bytes())
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Borrowed(rest),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => Cow::Borrowed(bytes),
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END";
const DASHES: &[u8] = b"-----";

/// Each block of PEM (RFC 7468); what is inside is told by looking, not by the label.
fn pem(mut text: &[u8], bundle: &mut Bundle) {
    while let Some(begin) = memchr::memmem::find(text, BEGIN) {
        let after = text.get(begin.saturating_add(BEGIN.len())..).unwrap_or_default();
        let Some(dashes) = memchr::memmem::find(after, DASHES) else { break };
        let (label, rest) = after.split_at_checked(dashes).unwrap_or_default();
        let inside = rest.get(DASHES.len()..).unwrap_or_default();
        let end = memchr::memmem::find(inside, END);
        let (block, rest) = inside.split_at_checked(end.unwrap_or(inside.len())).unwrap_or_default();
        if end.is_none() {
            bundle.complain("a PEM block has no end line");
        }
        if !is_something_else(label) {
            pem_block(block, bundle);
        }
        if bundle.is_full() {
            return;
        }
        text = rest;
    }
    as_text(bundle);
}

/// What SOAP services hand out stands in base64 within an element (`xs:base64Binary`, or a WS-Security BinarySecurityToken).
fn xml(text: &[u8], bundle: &mut Bundle) {
    let ends = memchr::memchr_iter(b'>', text).map(|end| end.saturating_add(1));
    for behind in ends.filter_map(|end| text.get(end..)).filter(|behind| begins_like_der(behind)) {
        let content = memchr::memchr2(b'<', b'>', behind).and_then(|end| behind.get(..end)).unwrap_or(behind);
        let der = if content.len() > MIN_CERTIFICATE { bare_base64(content) } else { None };
        der.iter().for_each(|der| binary(der, bundle));
        if bundle.is_full() {
            break;
        }
    }
    as_text(bundle);
}

/// Labels of what lies beside certificates in such files, and must not be taken for a broken one.
fn is_something_else(label: &[u8]) -> bool {
    [b"KEY".as_slice(), b"CRL", b"REQUEST", b"PARAMETERS"].iter().any(|word| memchr::memmem::find(label, word).is_some())
}

fn pem_block(block: &[u8], bundle: &mut Bundle) {
    match decode(block) {
        Some(der) => {
            let before = bundle.certificates.len();
            binary(&der, bundle);
            if bundle.certificates.len() == before {
                bundle.complain("a PEM block holds no certificate");
            }
        }
        None => bundle.complain("a PEM block is not base64"),
    }
}

/// What was found inside text is PEM, unless it was PKCS#7.
fn as_text(bundle: &mut Bundle) {
    if bundle.kind == Kind::Der {
        bundle.kind = Kind::Pem;
    }
}

fn decode(block: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = block.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(digits).ok()
}

/// Base64 without the lines around it.
fn bare_base64(text: &[u8]) -> Option<Vec<u8>> {
    begins_like_der(text).then(|| decode(text)).flatten()
}

/// DER begins with 0x30 and a long length, so its base64 begins with `MI`.
fn begins_like_der(text: &[u8]) -> bool {
    text.trim_ascii_start().starts_with(b"MI")
}

/// DER or BER: what follows the outer SEQUENCE's header tells a certificate from a PKCS#7 ContentInfo.
fn binary(mut bytes: &[u8], bundle: &mut Bundle) {
    while let Some((outer, rest)) = element(bytes, 0).filter(|(outer, _)| outer.is(Class::Universal, Tag::Sequence.0)) {
        match element(outer.content, 0) {
            Some((first, after)) if first.is(Class::Universal, Tag::Oid.0) => {
                bundle.kind = Kind::Pkcs7;
                if outer.is_cut {
                    bundle.complain("the PKCS#7 bundle is cut short");
                }
                content_info(first.content, after, bundle);
            }
            Some((first, _)) if is_revocation_list(&first) => bundle.complain("a revocation list holds no certificate"),
            Some((first, _)) if first.is(Class::Universal, Tag::Sequence.0) && outer.content.len() >= MIN_CERTIFICATE => {
                if bundle.kind == Kind::Nothing {
                    bundle.kind = Kind::Der;
                }
                if outer.is_cut {
                    bundle.complain("a certificate is cut short");
                }
                bundle.add(outer.whole);
            }
            _ => return,
        }
        if bundle.is_full() {
            return;
        }
        bytes = rest;
    }
}

/// Is this the signed part of a revocation list? Its dates stand by themselves, those of a certificate in a SEQUENCE of their own (RFC
/// 5280 sections 4.1 and 5.1).
fn is_revocation_list(signed: &Element<'_>) -> bool {
    let is_date =
        |part: Element<'_>| part.class == Class::Universal && [Tag::UtcTime.0, Tag::GeneralizedTime.0].contains(&part.tag);
    signed.is(Class::Universal, Tag::Sequence.0) && children(signed.content).take(5).any(is_date)
}

/// ContentInfo and SignedData (RFC 2315 sections 7 and 9.1).
fn content_info(content_type: &[u8], content: &[u8], bundle: &mut Bundle) {
    if content_type != SIGNED_DATA {
        return bundle.complain("the PKCS#7 content is not signedData");
    }
    let signed_data = element(content, 0).and_then(|(explicit, _)| element(explicit.content, 0));
    let set = signed_data.and_then(|(data, _)| children(data.content).find(|child| child.is(Class::ContextSpecific, 0)));
    let before = bundle.certificates.len();
    for child in set.iter().flat_map(|set| children(set.content)).filter(|child| child.is(Class::Universal, Tag::Sequence.0)) {
        if bundle.is_full() {
            return bundle.complain(format!("more than {MAX_CERTIFICATES} certificates"));
        }
        bundle.add(child.whole);
    }
    if bundle.certificates.len() == before {
        bundle.complain("the PKCS#7 bundle holds no certificate");
    }
}

/// One BER element.
struct Element<'a> {
    class: Class,
    tag: u32,
    /// Contents, without the end-of-contents octets of an indefinite length.
    content: &'a [u8],
    /// Header and contents.
    whole: &'a [u8],
    /// Does its length lead beyond the bytes that are there?
    is_cut: bool,
}

impl Element<'_> {
    fn is(&self, class: Class, tag: u32) -> bool {
        self.class == class && self.tag == tag
    }
}

/// Elements one after the other, up to the first that is none.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (child, rest) = element(bytes, 0)?;
        bytes = rest;
        Some(child)
    })
}

/// The first element of `bytes`, and what follows it.
fn element(bytes: &[u8], depth: usize) -> Option<(Element<'_>, &[u8])> {
    let (after_header, header) = Header::from_ber(bytes).ok()?;
    let (content, rest, is_cut) = match header.length() {
        Length::Definite(length) => match after_header.split_at_checked(length) {
            Some((content, rest)) => (content, rest, false),
            None => (after_header, Default::default(), true),
        },
        Length::Indefinite => indefinite(after_header, depth)?,
    };
    let whole = bytes.get(..bytes.len().saturating_sub(rest.len()))?;
    Some((Element { class: header.class(), tag: header.tag().0, content, whole, is_cut }, rest))
}

/// Contents of indefinite length end with two zero octets (X.690 section 8.1.3.6).
fn indefinite(bytes: &[u8], depth: usize) -> Option<(&[u8], &[u8], bool)> {
    if depth >= MAX_DEPTH {
        return None;
    }
    let mut rest = bytes;
    loop {
        if let [0, 0, after @ ..] = rest {
            let content = bytes.get(..bytes.len().saturating_sub(rest.len()))?;
            return Some((content, after, false));
        }
        match element(rest, depth.saturating_add(1)) {
            Some((_, after)) => rest = after,
            None => return Some((bytes, Default::default(), true)),
        }
    }
}

#[cfg(test)]
mod tests;
