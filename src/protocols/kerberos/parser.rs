//! One Kerberos message. Its type stands in its outermost tag; requests and errors are read by their grammar, and of an
//! error that the grammar refuses at least the code and the clock.

use asn1_rs::FromDer;
use kerberos_parser::krb5::{KdcReq, KrbError, PAData, PrincipalName, Realm};
use kerberos_parser::krb5_parser as grammar;

use super::{Body, Error, Message, Request, kind};
use crate::formats::ber::{self, Extent, tag};
use crate::formats::date;
use crate::model::Time;
use crate::protocols::Guess;
use crate::text::WireText;

/// Encryption types that are kept of a list.
const ETYPES: usize = 32;
/// PA-ENC-TIMESTAMP (RFC 4120 section 7.5.2).
const PA_ENC_TIMESTAMP: i32 = 2;
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
        kind::AS_REQ => grammar::parse_as_req(bytes).ok().map(|(_, request)| Body::Request(self::request(&request))),
        kind::TGS_REQ => grammar::parse_tgs_req(bytes).ok().map(|(_, request)| Body::Request(self::request(&request))),
        kind::ERROR => error(bytes),
        _ => None,
    };
    Some(Message { kind, body: body.unwrap_or(Body::Other) })
}

fn request(request: &KdcReq<'_>) -> Request {
    let body = &request.req_body;
    let is_timestamp = |padata: &PAData<'_>| padata.padata_type.0 == PA_ENC_TIMESTAMP;
    Request {
        client: body.cname.as_ref().map(name),
        realm: realm(&body.realm),
        service: body.sname.as_ref().map(name),
        etypes: body.etype.iter().take(ETYPES).map(|etype| etype.0).collect(),
        has_timestamp: request.padata.iter().any(is_timestamp),
        nonce: body.nonce,
    }
}

fn name(name: &PrincipalName) -> WireText {
    WireText::from(name.name_string.join("/"))
}

fn realm(realm: &Realm) -> WireText {
    WireText::from(realm.0.as_str())
}

fn error(bytes: &[u8]) -> Option<Body> {
    let error = match KrbError::from_der(bytes) {
        Ok((_, error)) => by_grammar(&error),
        Err(_) => by_places(bytes)?,
    };
    Some(Body::Error(error))
}

fn by_grammar(error: &KrbError<'_>) -> Error {
    let data = error.edata.unwrap_or_default();
    Error {
        code: error.error_code.0,
        server_time: time(&error.stime.0.to_string()),
        client_time: error.ctime.as_ref().and_then(|time| self::time(&time.0.to_string())),
        realm: realm(&error.realm),
        service: name(&error.sname),
        client: error.cname.as_ref().map(name),
        text: error.etext.as_deref().filter(|text| !text.is_empty()).map(WireText::from),
        etypes: etypes(data),
        status: status(data),
    }
}

fn time(text: &str) -> Option<Time> {
    date::generalized_time(text)
}

/// An error of which one field is not as the grammar wants it: each field has a tag of its own.
fn by_places(bytes: &[u8]) -> Option<Error> {
    let (outer, _) = ber::element(bytes)?;
    let fields = ber::find(outer.content, tag::SEQUENCE)?;
    let field = |number: u8| ber::find(fields, 0xa0 | number).and_then(ber::element).map(|(inner, _)| inner.content);
    let time_of = |number: u8| field(number).and_then(|text| std::str::from_utf8(text).ok()).and_then(time);
    let data = field(12).unwrap_or_default();
    Some(Error {
        code: i32::try_from(ber::integer(field(6)?)?).ok()?,
        server_time: time_of(4),
        client_time: time_of(2),
        realm: WireText::from_bytes(field(9).unwrap_or_default()),
        service: principal(field(10).unwrap_or_default()),
        client: field(8).map(principal),
        text: field(11).filter(|text| !text.is_empty()).map(WireText::from_bytes),
        etypes: etypes(data),
        status: status(data),
    })
}

/// The parts of a PrincipalName, from what its SEQUENCE holds.
fn principal(content: &[u8]) -> WireText {
    let strings = ber::find(content, 0xa1).and_then(|names| ber::find(names, tag::SEQUENCE)).unwrap_or_default();
    let parts: Vec<_> = ber::elements(strings).map(|part| String::from_utf8_lossy(part.content)).collect();
    WireText::from(parts.join("/"))
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
