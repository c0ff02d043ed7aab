//! One Kerberos message. Its type stands in its outermost tag; of requests and errors each field has a tag of its own, by which
//! it is found, so that one that is not as it should be does not cost the others.

use super::{Body, Error, Message, Request, kind};
use crate::formats::ber::{self, Extent, tag};
use crate::formats::date;
use crate::protocols::Guess;
use crate::text::WireText;

/// Encryption types that are kept of a list.
const ETYPES: usize = 32;
/// PA-ENC-TIMESTAMP (RFC 4120 section 7.5.2).
const PA_ENC_TIMESTAMP: i64 = 2;
/// PA-ETYPE-INFO and PA-ETYPE-INFO2: what the KDC would take of this client.
const ETYPE_INFO: [i64; 2] = [11, 19];
/// KERB_ERR_TYPE_EXTENDED ([MS-KILE] 2.2.2).
const EXTENDED: i64 = 3;

/// The message type in an outermost tag: application class, constructed.
fn kind_of(tag: u8) -> Option<u8> {
    let kind = tag & 0x1f;
    let is_message = tag & 0xe0 == 0x60;
    (is_message && matches!(kind, kind::AS_REQ..=kind::AP_REP | 16 | 17 | 20..=22 | 25..=27 | kind::ERROR)).then_some(kind)
}

/// Could a message begin here? Its tag, its length and the SEQUENCE inside it tell.
pub(super) fn begins(bytes: &[u8]) -> Guess {
    let Some(first) = bytes.first() else { return Guess::Maybe };
    if kind_of(*first).is_none() {
        return Guess::No;
    }
    match ber::extent(bytes) {
        Extent::Bytes(_) => match bytes.get(ber::header_length(bytes)) {
            Some(&tag::SEQUENCE) => Guess::Yes,
            Some(_) => Guess::No,
            None => Guess::Maybe,
        },
        Extent::Unfinished => Guess::Maybe,
        Extent::Broken => Guess::No,
    }
}

/// Reads a message; of one that the capture cut, its type.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    if begins(bytes) != Guess::Yes {
        return None;
    }
    let kind = kind_of(*bytes.first()?)?;
    let body = match kind {
        kind::AS_REQ | kind::TGS_REQ => fields(bytes).and_then(request).map(Body::Request),
        kind::ERROR => fields(bytes).and_then(error).map(Body::Error),
        _ => None,
    };
    Some(Message { kind, body: body.unwrap_or(Body::Other) })
}

/// What the SEQUENCE in a message holds.
fn fields(bytes: &[u8]) -> Option<&[u8]> {
    let (outer, _) = ber::element(bytes)?;
    ber::find(outer.content, tag::SEQUENCE)
}

/// What the field of this number holds.
fn field(fields: &[u8], number: u8) -> Option<&[u8]> {
    let (inner, _) = ber::find(fields, 0xa0 | number).and_then(ber::element)?;
    Some(inner.content)
}

/// KDC-REQ (RFC 4120 section 5.4.1).
fn request(fields: &[u8]) -> Option<Request> {
    let body = field(fields, 4)?;
    let mut padata = ber::elements(field(fields, 3).unwrap_or_default());
    let etypes = ber::elements(field(body, 8)?).filter_map(|etype| ber::integer(etype.content));
    Some(Request {
        client: field(body, 1).map(principal),
        realm: WireText::from_bytes(field(body, 2)?),
        service: field(body, 3).map(principal),
        etypes: etypes.filter_map(|etype| i32::try_from(etype).ok()).take(ETYPES).collect(),
        has_timestamp: padata.any(|padata| field(padata.content, 1).and_then(ber::integer) == Some(PA_ENC_TIMESTAMP)),
        nonce: ber::integer(field(body, 7)?)? as u32,
    })
}

/// KRB-ERROR (RFC 4120 section 5.9.1).
fn error(fields: &[u8]) -> Option<Error> {
    let time = |number: u8| field(fields, number).and_then(|text| date::generalized_time(std::str::from_utf8(text).ok()?));
    let data = field(fields, 12).unwrap_or_default();
    Some(Error {
        code: i32::try_from(ber::integer(field(fields, 6)?)?).ok()?,
        server_time: time(4),
        client_time: time(2),
        realm: WireText::from_bytes(field(fields, 9).unwrap_or_default()),
        service: principal(field(fields, 10).unwrap_or_default()),
        client: field(fields, 8).map(principal),
        text: field(fields, 11).filter(|text| !text.is_empty()).map(WireText::from_bytes),
        etypes: etypes(data),
        status: status(data),
    })
}

/// The parts of a PrincipalName, from what its SEQUENCE holds.
fn principal(content: &[u8]) -> WireText {
    let strings = ber::find(content, 0xa1).and_then(|names| ber::find(names, tag::SEQUENCE)).unwrap_or_default();
    let mut joined = Vec::with_capacity(strings.len());
    for (index, part) in ber::elements(strings).enumerate() {
        if index > 0 {
            joined.push(b'/');
        }
        joined.extend_from_slice(part.content);
    }
    WireText::from_bytes(&joined)
}

/// Encryption types in METHOD-DATA (RFC 4120 sections 5.2.7.4 and 5.2.7.5).
fn etypes(data: &[u8]) -> Vec<i32> {
    let Some(methods) = ber::find(data, tag::SEQUENCE) else { return Vec::new() };
    let lists = ber::elements(methods).filter_map(|padata| {
        let kind = ber::integer(ber::find(ber::find(padata.content, 0xa1)?, tag::INTEGER)?)?;
        let value = ber::find(ber::find(padata.content, 0xa2)?, tag::OCTET_STRING)?;
        ETYPE_INFO.contains(&kind).then_some(value)
    });
    let entries = lists.filter_map(|list| ber::find(list, tag::SEQUENCE)).flat_map(ber::elements);
    let numbers = entries.filter_map(|entry| ber::integer(ber::find(ber::find(entry.content, 0xa0)?, tag::INTEGER)?));
    let mut etypes: Vec<i32> = Vec::new();
    for etype in numbers.filter_map(|number| i32::try_from(number).ok()) {
        if etypes.len() < ETYPES && !etypes.contains(&etype) {
            etypes.push(etype);
        }
    }
    etypes
}

/// The NTSTATUS in KERB-ERROR-DATA ([MS-KILE] 2.2.2).
fn status(data: &[u8]) -> Option<u32> {
    let fields = ber::find(data, tag::SEQUENCE)?;
    let kind = ber::integer(ber::find(ber::find(fields, 0xa1)?, tag::INTEGER)?)?;
    let value = ber::find(ber::find(fields, 0xa2)?, tag::OCTET_STRING).filter(|_| kind == EXTENDED)?;
    value.first_chunk::<4>().map(|octets| u32::from_le_bytes(*octets)).filter(|status| *status != 0)
}
