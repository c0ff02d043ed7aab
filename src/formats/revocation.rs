//! Revocation lists (RFC 5280 section 5) and OCSP answers (RFC 6960): is this certificate revoked? Signatures on them are
//! not checked.

use asn1_rs::{Any, Class, FromBer, Tag};
use sha1::{Digest, Sha1};
use x509_parser::prelude::{CertificateRevocationList, FromDer};
use x509_parser::time::ASN1Time;

use crate::formats::x509::Body;
use crate::model::Time;

/// Answers in one OCSP response that are looked at, at most.
const ANSWERS: usize = 64;
/// id-pkix-ocsp-basic, 1.3.6.1.5.5.7.48.1.1, as it is encoded.
const BASIC: [u8; 9] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01];

/// Does this revocation list (DER) hold the certificate's serial number, and is it of the certificate's issuer?
pub fn list_holds(list: &[u8], certificate: &Body) -> bool {
    let Ok((_, list)) = CertificateRevocationList::from_der(list) else { return false };
    list.issuer().as_raw() == certificate.issuer.der
        && list.iter_revoked_certificates().any(|revoked| hex(revoked.raw_serial()) == certificate.serial)
}

/// Does this OCSP response say of the certificate that it is revoked (not merely unknown)?
pub fn responder_says_revoked(response: &[u8], certificate: &Body) -> bool {
    revoked_in(response, certificate).unwrap_or(false)
}

/// The answers (SingleResponse) of a response.
fn answers(response: &[u8]) -> Option<Vec<Any<'_>>> {
    // OCSPResponse { responseStatus, [0] { responseType, OCTET STRING of BasicOCSPResponse } }
    let whole = parts(sequence(response)?);
    let typed = parts(whole.iter().find(|part| is_context(part, 0)).and_then(|part| sequence(part.data))?);
    let [kind, basic] = typed.as_slice() else { return None };
    if kind.data != BASIC {
        return None;
    }
    // BasicOCSPResponse { ResponseData { [0] version?, responderID, producedAt, SEQUENCE OF SingleResponse … } … }
    let data = parts(parts(sequence(basic.data)?).first()?.data);
    let answers = data.iter().find(|part| part.header.tag() == Tag::Sequence && part.class() == Class::Universal)?;
    Some(parts(answers.data))
}

fn revoked_in(response: &[u8], certificate: &Body) -> Option<bool> {
    let matching = |answer: &Any<'_>| {
        // SingleResponse { CertID { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber }, certStatus … }
        let answer = parts(answer.data);
        let (id, status) = (answer.first()?, answer.get(1)?);
        let id = parts(id.data);
        let (name, serial) = (id.get(1)?, id.get(3)?);
        let same_issuer = name.data.len() != 20 || *name.data == *Sha1::digest(&certificate.issuer.der);
        (same_issuer && hex(serial.data) == certificate.serial).then(|| is_context(status, 1))
    };
    answers(response)?.iter().find_map(matching)
}

/// Why what was fetched tells nobody whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Useless {
    /// It is neither a list nor the answer of a responder: a web page.
    Neither,
    /// The responder says that it cannot tell (OCSPResponseStatus: 3 tryLater, 6 unauthorized…).
    Refused(u8),
    /// It went out of date (nextUpdate) at this time.
    OutOfDate(Time),
}

/// Does what was fetched (whole) tell nobody anything at this time? Lists in PEM are not read, and may.
pub fn useless(fetched: &[u8], now: Time) -> Option<Useless> {
    let text = fetched.trim_ascii_start();
    if text.starts_with(b"-----BEGIN") || text.starts_with(b"MI") {
        return None;
    }
    // Anything in DER may be a list that only our library cannot read, or the certificate of an issuer.
    if fetched.first() != Some(&0x30) {
        return Some(Useless::Neither);
    }
    let next = if let Ok((_, list)) = CertificateRevocationList::from_der(fetched) {
        list.next_update().map(|time| Time::from_seconds(time.timestamp()))
    } else {
        let whole = parts(sequence(fetched).unwrap_or_default());
        match whole.first().filter(|status| status.header.tag() == Tag::Enumerated).map(|status| status.data) {
            Some([0]) => next_update(fetched),
            Some([status]) => return Some(Useless::Refused(*status)),
            _ => None,
        }
    };
    next.filter(|next| *next < now).map(Useless::OutOfDate)
}

/// nextUpdate of the first answer of a responder (RFC 6960 section 4.2.1): behind thisUpdate.
fn next_update(response: &[u8]) -> Option<Time> {
    let answer = parts(answers(response)?.first()?.data);
    let next = answer.iter().skip(3).find(|part| is_context(part, 0))?;
    let (_, time) = ASN1Time::from_der(next.data).ok()?;
    Some(Time::from_seconds(time.timestamp()))
}

/// The content of a SEQUENCE.
fn sequence(bytes: &[u8]) -> Option<&[u8]> {
    let (_, any) = Any::from_ber(bytes).ok()?;
    (any.header.tag() == Tag::Sequence).then_some(any.data)
}

/// The elements one after the other, as far as they can be read.
fn parts(mut bytes: &[u8]) -> Vec<Any<'_>> {
    let mut parts = Vec::new();
    while parts.len() < ANSWERS
        && let Ok((rest, any)) = Any::from_ber(bytes)
    {
        parts.push(any);
        bytes = rest;
    }
    parts
}

fn is_context(any: &Any<'_>, number: u32) -> bool {
    any.class() == Class::ContextSpecific && any.header.tag() == Tag(number)
}

/// A serial number as certificates show it here: hex, no leading zeros.
fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let short = digits.trim_start_matches('0');
    if short.is_empty() { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
pub(crate) mod samples {
    // Made with OpenSSL 3.0 for the issuer CN=Contoso Issuing CA: serial 1a2b is revoked, 77 is good.
    pub(crate) const LIST: &str = "3081b93060300a06082a8648ce3d040302301d311b301906035504030c12436f6e746f736f2049737375696e67204341170d \
         3236313132333030323532395a170d3336313132303030323532395a3015301302021a2b170d323530313031303030303030 \
         5a300a06082a8648ce3d0403020349003046022100afeb3c6ef6b3b8d7745089fa2b9f246d1ad60fee3bc78ccda0cb78182d \
         29d6580221009b736a0a30d335c6c61f6da25d6514fc2f0b1cfbdf559b21a2d83dcdc1176945";
    pub(crate) const REVOKED: &str = "308201460a0100a082013f3082013b06092b06010505073001010482012c308201283081cfa11f301d311b30190603550403 \
         0c12436f6e746f736f2049737375696e67204341180f32303236313132333030323532395a30763074303b300906052b0e03 \
         021a05000414759c83380f2d171053b21894e79cec96a2e927000414bc4d3f3220ee35f4d928f2c0fbc60fbea2b431be0202 \
         1a2ba111180f32303235303130313030303030305a180f32303236313132333030323532395aa011180f3230333631313230 \
         3030323532395aa1233021301f06092b06010505073001020412041087e94f022de0b82c27b5260c83736dfb300a06082a86 \
         48ce3d040302034800304502203fc8128a1d75378c67645069deec71dd78c138c770cca29a5c01a822c15ccb62022100e4de \
         9cb45150abf0d82caae7c2738b80d2ecb9bbd2d5a17c1a304777e48d9e5d";
    pub(crate) const GOOD: &str = "308201350a0100a082012e3082012a06092b06010505073001010482011b308201173081bda11f301d311b30190603550403 \
         0c12436f6e746f736f2049737375696e67204341180f32303236313132333030323532395a30643062303a300906052b0e03 \
         021a05000414759c83380f2d171053b21894e79cec96a2e927000414bc4d3f3220ee35f4d928f2c0fbc60fbea2b431be0201 \
         778000180f32303236313132333030323532395aa011180f32303336313132303030323532395aa1233021301f06092b0601 \
         050507300102041204101a1f472e23d44bc5ce4ebdd4d21b3711300a06082a8648ce3d0403020349003046022100cba3cd9d \
         03fdbcf68f56cb8407d5d17321d9179d2722d976689fc4553804fa5d022100a8ca21e5b29f24304e2967211094a967d7e179 \
         e44af24992e2d0758dbb8d327c";

    /// The bytes behind hex digits.
    pub(crate) fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{GOOD, LIST, REVOKED, bytes};
    use super::*;
    use crate::formats::x509::{KeyKind, Name, PublicKey, Scheme, SignatureAlgorithm};
    use crate::model::Time;

    fn certificate(serial: &str, issuer: &str) -> Body {
        let mut der = vec![0x30, issuer.len() as u8 + 11, 0x31, issuer.len() as u8 + 9, 0x30, issuer.len() as u8 + 7];
        der.extend([0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, issuer.len() as u8]);
        der.extend(issuer.as_bytes());
        let name = Name { der, text: format!("CN={issuer}").into() };
        Body {
            serial: serial.to_owned(),
            subject: name.clone(),
            issuer: name,
            signature_algorithm: SignatureAlgorithm {
                oid: String::new(),
                hash: None,
                scheme: Scheme::Ecdsa,
                pss_salt_length: None,
            },
            signed: 0..0,
            signature: Vec::new(),
            key: PublicKey { info: Vec::new(), name: String::new(), kind: KeyKind::Ec, bits: 256 },
            not_before: Time(0),
            not_after: Time(0),
            common_name: None,
            alternative_names: Vec::new(),
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            subject_key_id: None,
            authority_key_id: None,
            crl_locations: Vec::new(),
            ocsp_locations: Vec::new(),
            issuer_locations: Vec::new(),
            version: 3,
        }
    }

    #[test]
    fn a_list_speaks_of_its_issuers_serials_only() {
        let list = bytes(LIST);
        assert!(list_holds(&list, &certificate("1a2b", "Contoso Issuing CA")));
        assert!(!list_holds(&list, &certificate("77", "Contoso Issuing CA")));
        assert!(!list_holds(&list, &certificate("1a2b", "Fabrikam Issuing C")));
    }

    #[test]
    fn a_responder_speaks_of_one_certificate() {
        assert!(responder_says_revoked(&bytes(REVOKED), &certificate("1a2b", "Contoso Issuing CA")));
        assert!(!responder_says_revoked(&bytes(REVOKED), &certificate("77", "Contoso Issuing CA")));
        assert!(!responder_says_revoked(&bytes(REVOKED), &certificate("1a2b", "Fabrikam Issuing C")));
        assert!(!responder_says_revoked(&bytes(GOOD), &certificate("77", "Contoso Issuing CA")));
    }

    #[test]
    fn what_tells_nobody_anything() {
        // Both are good for ten years.
        let (now, later) = (Time::from_seconds(1_800_000_000), Time::from_seconds(2_200_000_000));
        for fetched in [LIST, GOOD, REVOKED].map(bytes) {
            assert_eq!(useless(&fetched, now), None);
            assert!(matches!(useless(&fetched, later), Some(Useless::OutOfDate(end)) if now < end && end < later));
        }
        assert_eq!(useless(&[0x30, 3, 0x0a, 1, 3], now), Some(Useless::Refused(3)));
        assert_eq!(useless(b"<html><body>Please log in</body></html>", now), Some(Useless::Neither));
        assert_eq!(useless(b"-----BEGIN X509 CRL-----", later), None);
        assert_eq!(useless(include_bytes!("samples/rsa2048-sha256.der"), later), None, "an issuer's certificate");
    }

    #[test]
    fn cut_short_they_say_nothing_and_do_no_harm() {
        let revoked = certificate("1a2b", "Contoso Issuing CA");
        let (list, response) = (bytes(LIST), bytes(REVOKED));
        for end in 0..list.len() {
            assert!(!list_holds(&list[..end], &revoked));
        }
        for end in 0..response.len() {
            assert!(!responder_says_revoked(&response[..end], &revoked));
        }
    }
}
