//! Distinguished names as text (RFC 4514).

use asn1_rs::Tag;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::Name;
use crate::text::WireText;

const COMMON_NAME: &str = "2.5.4.3";

/// The short names of RFC 4514 section 3; any other attribute is written by its OID.
static SHORT: &[(&str, &str)] = &[
    (COMMON_NAME, "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

pub(super) fn name(name: &X509Name<'_>) -> Name {
    Name { der: name.as_raw().to_vec(), text: WireText::from(text(name)) }
}

/// The last commonName is the one that counts (RFC 6125 section 6.4.4: the most specific).
pub(super) fn common_name(name: &X509Name<'_>) -> Option<WireText> {
    name.iter_common_name().last().map(|attribute| WireText::from(value(attribute)))
}

/// Last RDN first (RFC 4514 section 2.1), the attributes of one joined by `+` (section 2.2).
fn text(name: &X509Name<'_>) -> String {
    let mut rdns: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            rdn.iter()
                .map(|attribute| format!("{}={}", label(attribute), escaped(&value(attribute))))
                .collect::<Vec<_>>()
                .join("+")
        })
        .collect();
    rdns.reverse();
    rdns.join(",")
}

fn label(attribute: &AttributeTypeAndValue<'_>) -> String {
    let oid = attribute.attr_type().to_id_string();
    match SHORT.iter().find(|(known, _)| *known == oid) {
        Some((_, short)) => (*short).to_owned(),
        None => oid,
    }
}

/// The text of a DirectoryString, whatever its type.
fn value(attribute: &AttributeTypeAndValue<'_>) -> String {
    let any = attribute.attr_value();
    match any.tag() {
        Tag::BmpString => {
            let units: Vec<u16> =
                any.data.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte))).collect();
            String::from_utf16_lossy(&units)
        }
        Tag::UniversalString => any
            .data
            .chunks_exact(4)
            .map(|quad| quad.iter().fold(0, |unit, byte| unit << 8 | u32::from(*byte)))
            .map(|unit| char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        // In practice Latin-1, as every tool reads it.
        Tag::T61String => any.data.iter().map(|byte| char::from(*byte)).collect(),
        _ => String::from_utf8_lossy(any.data).into_owned(),
    }
}

/// RFC 4514 section 2.4.
fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut out = String::with_capacity(value.len());
    for (place, c) in value.chars().enumerate() {
        match c {
            '\0' => out.push_str("\\00"),
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '#' if place == 0 => out.push_str("\\#"),
            ' ' if place == 0 || place == last => out.push_str("\\ "),
            _ => out.push(c),
        }
    }
    out
}
