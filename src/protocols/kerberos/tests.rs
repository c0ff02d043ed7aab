//! Kerberos messages, built after RFC 4120, and what is read from them.

use super::*;
use crate::flow::Step;
use crate::protocols::{Asker, Describe, Message as AnyMessage, StreamParser};

fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    match content.len() {
        length @ 0..=127 => [&[tag, length as u8], content].concat(),
        length => [&[tag, 0x82], &(length as u16).to_be_bytes()[..], content].concat(),
    }
}

fn field(number: u8, content: Vec<u8>) -> Vec<u8> {
    put(0xa0 | number, &content)
}

fn integer(value: u8) -> Vec<u8> {
    put(0x02, &[value])
}

fn text(value: &[u8]) -> Vec<u8> {
    put(0x1b, value)
}

fn time(value: &[u8]) -> Vec<u8> {
    put(0x18, value)
}

/// PrincipalName (RFC 4120 section 5.2.2).
fn name(parts: &[&[u8]]) -> Vec<u8> {
    let parts = parts.iter().map(|part| text(part)).collect::<Vec<_>>().concat();
    put(0x30, &[field(0, integer(1)), field(1, put(0x30, &parts))].concat())
}

/// KRB-ERROR (RFC 4120 section 5.9.1).
fn error(code: u8, service: Vec<u8>, more: &[Vec<u8>]) -> Vec<u8> {
    let fixed = [
        field(0, integer(5)),
        field(1, integer(30)),
        field(2, time(b"20090410200103Z")),
        field(4, time(b"20090410220103Z")),
        field(5, integer(9)),
        field(6, integer(code)),
        field(9, text(b"CONTOSO.COM")),
        field(10, service),
    ];
    put(0x7e, &put(0x30, &[fixed.concat(), more.concat()].concat()))
}

/// AS-REQ (RFC 4120 section 5.4.1) with these kinds of pre-authentication.
fn as_req(padata: &[u8]) -> Vec<u8> {
    let of_kind = |kind: &u8| put(0x30, &[field(1, integer(*kind)), field(2, put(0x04, b"?"))].concat());
    let padata = put(0x30, &padata.iter().map(of_kind).collect::<Vec<_>>().concat());
    let body = [
        field(0, put(0x03, &[0, 0x40, 0x81, 0x00, 0x10])),
        field(1, name(&[b"kim"])),
        field(2, text(b"CONTOSO.COM")),
        field(3, name(&[b"krbtgt", b"CONTOSO.COM"])),
        field(5, time(b"20370913024805Z")),
        field(7, integer(77)),
        field(8, put(0x30, &[integer(23), integer(3), put(0x02, &[0xff, 0x7b])].concat())),
    ];
    let message = [field(1, integer(5)), field(2, integer(10)), field(3, padata), field(4, put(0x30, &body.concat()))].concat();
    put(0x6a, &put(0x30, &message))
}

fn krbtgt() -> Vec<u8> {
    name(&[b"krbtgt", b"CONTOSO.COM"])
}

fn told(bytes: &[u8]) -> Error {
    match parser::parse(bytes).expect("a message").body {
        Body::Error(error) => error,
        other => panic!("KRB-ERROR: {other:?}"),
    }
}

#[test]
fn a_request_says_who_asks_for_what_and_what_it_can_read() {
    let message = parser::parse(&as_req(&[128])).expect("a message");
    let Body::Request(request) = &message.body else { panic!("AS-REQ: {message:?}") };
    assert_eq!(request.client.as_ref().map(WireText::raw), Some("kim"));
    assert_eq!(request.service.as_ref().map(WireText::raw), Some("krbtgt/CONTOSO.COM"));
    assert_eq!((request.realm.raw(), request.etypes.as_slice(), request.nonce), ("CONTOSO.COM", &[23, 3, -133][..], 77));
    assert!(!request.has_timestamp);
    assert_eq!((message.event(), message.asker()), (Some("as_req"), Asker::Sender));
    let message = parser::parse(&as_req(&[2, 128])).expect("a message");
    assert!(matches!(message.body, Body::Request(Request { has_timestamp: true, .. })), "PA-ENC-TIMESTAMP is 2");
}

#[test]
fn an_error_tells_its_code_and_both_clocks() {
    let error = told(&error(37, krbtgt(), &[field(11, text(b"Clock skew too great"))]));
    assert_eq!((error.code, error.realm.raw(), error.service.raw()), (37, "CONTOSO.COM", "krbtgt/CONTOSO.COM"));
    assert_eq!(error.server_time.map(Time::whole_seconds).as_deref(), Some("2009-04-10T22:01:03Z"));
    assert_eq!(error.client_time.map(Time::whole_seconds).as_deref(), Some("2009-04-10T20:01:03Z"));
    assert_eq!(error.text.as_ref().map(WireText::raw), Some("Clock skew too great"));
}

#[test]
fn an_error_that_the_grammar_refuses_still_tells_its_code() {
    let no_principal = put(0x30, b"??");
    let error = told(&error(18, no_principal, &[]));
    assert_eq!((error.code, error.realm.raw()), (18, "CONTOSO.COM"));
    assert_eq!(error.server_time.map(Time::whole_seconds).as_deref(), Some("2009-04-10T22:01:03Z"));
}

#[test]
fn e_data_names_encryption_types_or_the_state_of_the_account() {
    let info = put(0x30, &put(0x30, &field(0, integer(18))));
    let method = put(0x30, &[field(1, integer(19)), field(2, put(0x04, &info))].concat());
    let methods = put(0x30, &method);
    assert_eq!(told(&error(25, krbtgt(), &[field(12, put(0x04, &methods))])).etypes, [18]);
    let status = [0xc000_0234_u32.to_le_bytes(), [0; 4], [1, 0, 0, 0]].concat();
    let extended = put(0x30, &[field(1, integer(3)), field(2, put(0x04, &status))].concat());
    assert_eq!(told(&error(18, krbtgt(), &[field(12, put(0x04, &extended))])).status, Some(0xc000_0234));
}

struct Heard(Vec<Message>);

impl Out for Heard {
    fn message(&mut self, _: Side, message: AnyMessage) {
        match message {
            AnyMessage::Kerberos(message) => self.0.push(message.as_ref().clone()),
            other => panic!("not Kerberos: {other:?}"),
        }
    }
}

#[test]
fn over_tcp_each_message_has_its_length_before_it() {
    let framed = |message: &[u8]| [&(message.len() as u32).to_be_bytes()[..], message].concat();
    let bytes = [framed(&as_req(&[2])), framed(&error(24, krbtgt(), &[]))].concat();
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    assert_eq!(parser.data(Side::Client, &bytes[..6], &mut heard), Step::Used { bytes: 0, need: 4 + as_req(&[2]).len() });
    parser.data(Side::Client, &bytes, &mut heard);
    assert_eq!(heard.0.iter().map(|message| message.kind).collect::<Vec<_>>(), [kind::AS_REQ, kind::ERROR]);
}

#[test]
fn after_a_hole_reading_goes_on_with_the_next_message() {
    let message = error(24, krbtgt(), &[]);
    let framed = [&(message.len() as u32).to_be_bytes()[..], &message[..]].concat();
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    parser.gap(Side::Server, 9, &mut heard);
    parser.data(Side::Server, b"the rest of a ticket", &mut heard);
    parser.data(Side::Server, &framed, &mut heard);
    assert_eq!(heard.0.len(), 1);
}

#[test]
fn a_message_that_the_capture_cut_keeps_its_type() {
    let whole = as_req(&[2]);
    let message = parser::parse(&whole[..20]).expect("its first octets");
    assert_eq!((message.kind, message.body), (kind::AS_REQ, Body::Other));
    let framed = [&(whole.len() as u32).to_be_bytes()[..], &whole].concat();
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    parser.cut(Side::Client, &framed[..20], &mut heard);
    parser.cut(Side::Client, &framed[..3], &mut heard);
    assert_eq!(heard.0.iter().map(|message| message.kind).collect::<Vec<_>>(), [kind::AS_REQ]);
}

#[test]
fn whatever_is_cut_or_bent_never_panics() {
    for whole in [as_req(&[2, 128]), error(37, krbtgt(), &[field(11, text(b"skew")), field(12, put(0x04, b"0000"))])] {
        for at in 0..whole.len() {
            let _ = parser::parse(&whole[..at]);
            for octet in [0x00, 0x7f, 0x84, 0xff] {
                let mut bent = whole.clone();
                bent[at] = octet;
                let _ = parser::parse(&bent);
                let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
                parser.data(Side::Client, &bent, &mut heard);
            }
        }
    }
    assert_eq!(stream::guess(b"GET / HTTP"), Guess::No);
    assert_eq!(parser::parse(&[]), None);
}
