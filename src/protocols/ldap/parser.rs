//! One LDAPMessage. Its number, operation, result and entry are read by their places in it, because a text that is no UTF-8,
//! or Active Directory's own kind of bind, must not cost the message; searches are read by their grammar.

use std::sync::Arc;

use ldap_parser::FromBer;
use ldap_parser::ldap::{LdapMessage, ProtocolOp};

use super::{Bind, Body, Entry, Message, Method, Outcome, Search, filter, is_attribute};
use crate::formats::ber::{self, Element, Extent, tag};
use crate::formats::{date, ntlm, spnego, x509};
use crate::protocols::Guess;
use crate::text::WireText;

/// CA certificates that are read of one entry: an authority that was renewed has a few.
const CERTIFICATES: usize = 64;
/// Longest revocation list that is kept, in bytes.
pub(super) const LONGEST_LIST: usize = 64 << 10;
/// Attributes that are kept of one request.
const ATTRIBUTES: usize = 64;
/// Messages that are read of one datagram or one wrapped message.
const MESSAGES: usize = 4096;
/// Octets of a messageID (RFC 4511 section 4.1.1.1: 31 bits) with its header, in whatever form.
const LONGEST_ID: usize = 12;

/// Could a message begin here? The octets of its tag, its length, its number and its operation tell.
pub(super) fn begins(bytes: &[u8]) -> Guess {
    match bytes.first() {
        None => return Guess::Maybe,
        Some(&tag::SEQUENCE) => {}
        Some(_) => return Guess::No,
    }
    let Extent::Bytes(length) = ber::extent(bytes) else {
        return if ber::extent(bytes) == Extent::Unfinished { Guess::Maybe } else { Guess::No };
    };
    // The shortest is unbindRequest: a number and an empty operation.
    let header = ber::header_length(bytes);
    if length < header.saturating_add(5) {
        return Guess::No;
    }
    let inside = bytes.get(header..).unwrap_or_default();
    let id_end = match (inside.first(), ber::extent(inside)) {
        (None, _) | (Some(&tag::INTEGER), Extent::Unfinished) => return Guess::Maybe,
        (Some(&tag::INTEGER), Extent::Bytes(end)) if end <= LONGEST_ID => end,
        _ => return Guess::No,
    };
    match inside.get(id_end) {
        None => Guess::Maybe,
        Some(operation) if number_of(*operation).is_some() => Guess::Yes,
        Some(_) => Guess::No,
    }
}

/// The number of an operation, from its tag: application class, and one that RFC 4511 knows.
fn number_of(tag: u8) -> Option<u8> {
    let number = tag & 0x1f;
    let is_application = tag & 0xc0 == 0x40;
    (is_application && matches!(number, 0..=16 | 19 | 23..=25)).then_some(number)
}

/// The messages in a row, up to the first that cannot be read.
pub(super) fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut rest = bytes;
    std::iter::from_fn(|| {
        let (_, behind) = ber::element(rest)?;
        let whole = rest.get(..rest.len().saturating_sub(behind.len()))?;
        rest = behind;
        parse(whole)
    })
    .take(MESSAGES)
    .collect()
}

/// Reads a whole message.
pub(super) fn parse(whole: &[u8]) -> Option<Message> {
    let (outer, _) = ber::element(whole).filter(|(outer, _)| outer.tag == tag::SEQUENCE)?;
    let (id, rest) = ber::element(outer.content).filter(|(id, _)| id.tag == tag::INTEGER)?;
    let (operation, _) = ber::element(rest)?;
    let number = number_of(operation.tag)?;
    let id = ber::integer(id.content).and_then(|id| u32::try_from(id).ok())?;
    Some(Message { id, operation: number, body: body(number, operation.content, whole) })
}

/// Reads the beginning of a message, up to where it was cut.
pub(super) fn parse_beginning(bytes: &[u8]) -> Option<Message> {
    if begins(bytes) != Guess::Yes {
        return None;
    }
    let (id, rest) = ber::element(bytes.get(ber::header_length(bytes)..)?)?;
    let number = number_of(*rest.first()?)?;
    let id = ber::integer(id.content).and_then(|id| u32::try_from(id).ok())?;
    let content = rest.get(ber::header_length(rest)..).unwrap_or_default();
    Some(Message { id, operation: number, body: body(number, content, bytes) })
}

fn body(number: u8, content: &[u8], whole: &[u8]) -> Body {
    match number {
        0 => bind(content),
        1 => answer(content, |outcome| Body::Bound(outcome, ber::find(content, SASL_ANSWER).map(spnego::parse))),
        3 => search(whole).map_or(Body::Request, Body::Search),
        4 => entry(content).map_or(Body::Answer(None), Body::Entry),
        5 => answer(content, Body::Done),
        19 => Body::Reference,
        23 => ber::find(content, EXTENDED_NAME).map_or(Body::Request, |name| Body::Extended(WireText::from_bytes(name))),
        24 => answer(content, |outcome| {
            Body::ExtendedDone(outcome, ber::find(content, EXTENDED_ANSWER_NAME).map(WireText::from_bytes))
        }),
        2 | 6 | 8 | 10 | 12 | 14 | 16 => Body::Request,
        _ => answer(content, |outcome| Body::Answer(Some(outcome))),
    }
}

/// serverSaslCreds, and the names of extended operations.
const SASL_ANSWER: u8 = 0x87;
const EXTENDED_NAME: u8 = 0x80;
const EXTENDED_ANSWER_NAME: u8 = 0x8a;

fn answer(content: &[u8], body: impl FnOnce(Outcome) -> Body) -> Body {
    outcome(content).map_or(Body::Answer(None), body)
}

/// LDAPResult: code, name, text.
fn outcome(content: &[u8]) -> Option<Outcome> {
    let mut elements = ber::elements(content);
    let code = elements.next().filter(|code| code.tag == tag::ENUMERATED)?;
    let code = ber::integer(code.content).and_then(|code| u32::try_from(code).ok())?;
    let text = elements.nth(1).map(|text| text.content).unwrap_or_default();
    // Active Directory ends its texts with a zero octet.
    let text = text.split(|octet| *octet == 0).next().unwrap_or_default();
    Some(Outcome { code, text: WireText::from_bytes(text.trim_ascii_end()) })
}

/// bindRequest: version, name, and a choice that the grammar knows only in part.
fn bind(content: &[u8]) -> Body {
    let mut elements = ber::elements(content);
    let (Some(_), Some(name), Some(choice)) = (elements.next(), elements.next(), elements.next()) else { return Body::Request };
    // A zero octet ends the name that some servers' own clients send.
    let name = name.content.split(|octet| *octet == 0).next().unwrap_or_default();
    Body::Bind(Bind { name: WireText::from_bytes(name), method: method(&choice) })
}

fn method(choice: &Element<'_>) -> Method {
    match choice.tag & 0x1f {
        0 => Method::Simple { anonymous: choice.content.is_empty() },
        3 => sasl(choice.content).unwrap_or(Method::Other(3)),
        leg @ 9..=11 => Method::Sicily(leg, ntlm::parse(choice.content)),
        other => Method::Other(other),
    }
}

fn sasl(content: &[u8]) -> Option<Method> {
    let mut elements = ber::elements(content);
    let mechanism = WireText::from_bytes(elements.next()?.content);
    let token = elements.next().filter(|token| !token.content.is_empty()).map(|token| spnego::parse(token.content));
    Some(Method::Sasl { mechanism, token })
}

fn search(whole: &[u8]) -> Option<Search> {
    let (_, message) = LdapMessage::from_ber(whole).ok()?;
    let ProtocolOp::SearchRequest(request) = message.protocol_op else { return None };
    Some(Search {
        base: WireText::from(request.base_object.0.as_ref()),
        scope: request.scope.0,
        filter: WireText::from(filter::text(&request.filter)),
        attributes: request.attributes.iter().take(ATTRIBUTES).map(|name| WireText::from(name.0.as_ref())).collect(),
    })
}

/// searchResEntry: a name, and attributes with their values.
fn entry(content: &[u8]) -> Option<Entry> {
    let mut elements = ber::elements(content);
    let (name, attributes) = (elements.next()?, elements.next()?);
    let name = WireText::from_bytes(name.content);
    let mut entry = Entry { name, certificates: Vec::new(), revocation_list: None, host: None, current_time: None };
    for attribute in ber::elements(attributes.content) {
        let mut parts = ber::elements(attribute.content);
        let (Some(description), Some(values)) = (parts.next(), parts.next()) else { continue };
        let description = description.content;
        let mut values = ber::elements(values.content).map(|value| value.content);
        if is_attribute(description, "cACertificate") {
            let room = CERTIFICATES.saturating_sub(entry.certificates.len());
            let certificates = values.filter(|value| value.first() == Some(&tag::SEQUENCE)).take(room);
            entry.certificates.extend(certificates.map(x509::shared));
        } else if entry.revocation_list.is_none() && is_attribute(description, "certificateRevocationList") {
            entry.revocation_list = values.next().filter(|value| value.len() <= LONGEST_LIST).map(Arc::from);
        } else if entry.current_time.is_none() && is_attribute(description, "currentTime") {
            entry.current_time = values.next().and_then(|value| date::generalized_time(std::str::from_utf8(value).ok()?));
        } else if entry.host.is_none() && is_attribute(description, "dNSHostName") {
            entry.host = values.next().map(WireText::from_bytes);
        }
    }
    Some(entry)
}
