//! From DER to [`Certificate`]: the library's view, copied into our own types.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use asn1_rs::{FromDer, Header, Oid};
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{CRLDistributionPoints, DistributionPointName, GeneralName, ParsedExtension, X509Extension};

use super::{AlternativeName, Body, Certificate, algorithm, hex, key, name};
use crate::formats::memo::Memo;
use crate::model::Time;
use crate::text::WireText;

/// Most subjectAltName entries, locations or usages that are kept of one certificate.
pub(super) const MAX_ENTRIES: usize = 1024;

/// Different certificates that are remembered.
const REMEMBERED: usize = 256;
/// Longest certificate that is remembered: few have more than three thousand bytes.
const LONGEST_REMEMBERED: usize = 8 << 10;

/// The same as [`parse`], once for each different certificate: all who are shown it share it.
pub fn shared(der: &[u8]) -> Arc<Certificate> {
    thread_local! {
        static KNOWN: RefCell<Memo<Arc<[u8]>, Arc<Certificate>>> = RefCell::new(Memo::new(REMEMBERED));
    }
    if der.len() > LONGEST_REMEMBERED {
        return Arc::new(parse(der));
    }
    KNOWN.with_borrow_mut(|known| {
        known.get(der).unwrap_or_else(|| {
            let certificate = Arc::new(parse(der));
            known.keep(Arc::clone(&certificate.der), Arc::clone(&certificate));
            certificate
        })
    })
}

/// Reads a certificate. Never fails: what cannot be read says so in its `body`.
pub fn parse(der: &[u8]) -> Certificate {
    Certificate { der: Arc::from(der), sha256: Sha256::digest(der).into(), body: body(der) }
}

fn body(der: &[u8]) -> Result<Body, String> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|error| match error {
        x509_parser::nom::Err::Incomplete(_) => "bytes are missing".to_owned(),
        x509_parser::nom::Err::Error(error) | x509_parser::nom::Err::Failure(error) => error.to_string(),
    })?;
    let signed = signed_range(der, certificate.tbs_certificate.as_ref().len()).ok_or("no header")?;
    let tbs = &certificate.tbs_certificate;
    let mut body = Body {
        serial: serial(tbs.raw_serial()),
        subject: name::name(tbs.subject()),
        issuer: name::name(tbs.issuer()),
        signature_algorithm: algorithm::signature_algorithm(&certificate.signature_algorithm),
        signed,
        signature: certificate.signature_value.data.to_vec(),
        key: key::public_key(tbs.public_key()),
        not_before: Time::from_seconds(tbs.validity().not_before.timestamp()),
        not_after: Time::from_seconds(tbs.validity().not_after.timestamp()),
        common_name: name::common_name(tbs.subject()),
        alternative_names: Vec::new(),
        basic_constraints: None,
        key_usage: None,
        extended_key_usage: None,
        subject_key_id: None,
        authority_key_id: None,
        crl_locations: Vec::new(),
        ocsp_locations: Vec::new(),
        issuer_locations: Vec::new(),
        version: u8::try_from(tbs.version().0.saturating_add(1)).unwrap_or(u8::MAX),
    };
    for extension in tbs.iter_extensions() {
        add(&mut body, extension);
    }
    Ok(body)
}

/// The signed part is the first element inside the outermost SEQUENCE (RFC 5280 section 4.1).
fn signed_range(der: &[u8], length: usize) -> Option<std::ops::Range<usize>> {
    let (content, _) = Header::from_der(der).ok()?;
    let start = der.len().checked_sub(content.len())?;
    let end = start.checked_add(length)?;
    (end <= der.len()).then_some(start..end)
}

/// Hex without leading zeros: the sign octet of a DER INTEGER is not part of the number.
fn serial(bytes: &[u8]) -> String {
    let digits = hex(bytes);
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// Takes over one extension. One that cannot be read is as if it were absent.
pub(super) fn add(body: &mut Body, extension: &X509Extension<'_>) {
    match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => {
            body.alternative_names = names.general_names.iter().take(MAX_ENTRIES).map(alternative_name).collect();
        }
        ParsedExtension::BasicConstraints(constraints) => {
            body.basic_constraints = Some((constraints.ca, constraints.path_len_constraint));
        }
        ParsedExtension::KeyUsage(usage) => body.key_usage = Some(usage.flags),
        // By hand: the library sorts known uses into flags and thereby loses the order.
        ParsedExtension::ExtendedKeyUsage(_) => body.extended_key_usage = key_purposes(extension.value),
        ParsedExtension::SubjectKeyIdentifier(id) => body.subject_key_id = Some(id.0.to_vec()),
        ParsedExtension::AuthorityKeyIdentifier(id) => {
            body.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
        }
        ParsedExtension::CRLDistributionPoints(points) => body.crl_locations = crl_locations(points),
        ParsedExtension::AuthorityInfoAccess(access) => {
            for description in access.iter().take(MAX_ENTRIES) {
                let Some(location) = uri(&description.access_location) else { continue };
                match description.access_method.to_id_string().as_str() {
                    "1.3.6.1.5.5.7.48.1" => body.ocsp_locations.push(location),
                    "1.3.6.1.5.5.7.48.2" => body.issuer_locations.push(location),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn alternative_name(name: &GeneralName<'_>) -> AlternativeName {
    match name {
        GeneralName::DNSName(host) => AlternativeName::Dns(WireText::from(*host)),
        GeneralName::URI(uri) => AlternativeName::Uri(WireText::from(*uri)),
        GeneralName::RFC822Name(address) => AlternativeName::Email(WireText::from(*address)),
        GeneralName::IPAddress(bytes) => address(bytes).map_or(AlternativeName::Other(7), AlternativeName::Ip),
        GeneralName::OtherName(..) => AlternativeName::Other(0),
        GeneralName::X400Address(_) => AlternativeName::Other(3),
        GeneralName::DirectoryName(_) => AlternativeName::Other(4),
        GeneralName::EDIPartyName(_) => AlternativeName::Other(5),
        GeneralName::RegisteredID(_) => AlternativeName::Other(8),
        GeneralName::Invalid(tag, _) => AlternativeName::Other(u8::try_from(tag.0).unwrap_or(u8::MAX)),
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from).ok();
    v4.or_else(|| <[u8; 16]>::try_from(bytes).map(IpAddr::from).ok())
}

fn uri(name: &GeneralName<'_>) -> Option<WireText> {
    match name {
        GeneralName::URI(uri) => Some(WireText::from(*uri)),
        _ => None,
    }
}

fn key_purposes(value: &[u8]) -> Option<Vec<String>> {
    let (_, purposes) = <Vec<Oid<'_>>>::from_der(value).ok()?;
    Some(purposes.iter().take(MAX_ENTRIES).map(|purpose| purpose.to_id_string()).collect())
}

fn crl_locations(points: &CRLDistributionPoints<'_>) -> Vec<WireText> {
    let names = points.iter().filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flatten().filter_map(uri).take(MAX_ENTRIES).collect()
}
