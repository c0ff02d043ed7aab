//! LDAP messages, built after RFC 4511 in the long form that Active Directory writes, and what is read from them.

use super::*;
use crate::flow::Step;
use crate::formats::ntlm;
use crate::protocols::{Asker, Describe, Message as AnyMessage, StreamParser};

/// An element in the long form that Active Directory writes.
fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x84], &(content.len() as u32).to_be_bytes()[..], content].concat()
}

fn octets(text: &[u8]) -> Vec<u8> {
    put(0x04, text)
}

/// An LDAPMessage (RFC 4511 section 4.1.1).
fn message(id: u8, operation: u8, content: &[Vec<u8>]) -> Vec<u8> {
    put(0x30, &[put(0x02, &[id]), put(operation, &content.concat())].concat())
}

/// The parts of an LDAPResult.
fn result(code: u8, text: &[u8]) -> Vec<Vec<u8>> {
    vec![put(0x0a, &[code]), octets(b""), octets(text)]
}

/// bindRequest of version 3 with this choice.
fn bind(name: &[u8], choice: Vec<u8>) -> Vec<u8> {
    message(1, 0x60, &[put(0x02, &[3]), octets(name), choice])
}

fn search(base: &[u8], scope: u8, filter: Vec<u8>, attributes: &[&[u8]]) -> Vec<u8> {
    let attributes = put(0x30, &attributes.iter().map(|name| octets(name)).collect::<Vec<_>>().concat());
    let numbers = [put(0x0a, &[scope]), put(0x0a, &[0]), put(0x02, &[0]), put(0x02, &[0]), put(0x01, &[0])].concat();
    message(4, 0x63, &[octets(base), numbers, filter, attributes])
}

fn entry(name: &[u8], attributes: &[(&[u8], &[&[u8]])]) -> Vec<u8> {
    let attribute = |(name, values): &(&[u8], &[&[u8]])| {
        let values = put(0x31, &values.iter().map(|value| octets(value)).collect::<Vec<_>>().concat());
        put(0x30, &[octets(name), values].concat())
    };
    let attributes = put(0x30, &attributes.iter().map(attribute).collect::<Vec<_>>().concat());
    message(4, 0x64, &[octets(name), attributes])
}

fn one(bytes: &[u8]) -> Message {
    parser::parse(bytes).expect("a message")
}

fn fields(message: &Message) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    fields.into()
}

#[test]
fn a_refused_bind_keeps_the_reason_that_active_directory_gives() {
    let text = b"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1\0";
    let refused = one(&message(2, 0x61, &result(49, text)));
    let Body::Bound(outcome, None) = &refused.body else { panic!("bindResponse: {refused:?}") };
    assert_eq!((outcome.code, outcome.data()), (49, Some(0x52e)));
    assert!(outcome.text.raw().ends_with("v1db1"), "the zero octet is no part of the text");
    assert_eq!((refused.event(), refused.asker()), (Some("bind_response"), Asker::Receiver));
    assert_eq!(fields(&refused)["ldap.resultCode"], 49);
    assert_eq!(fields(&refused)["ldap.messageID"], 2);
    assert_eq!(fields(&refused)["ldap.protocolOp"], 1);
}

#[test]
fn a_result_whose_text_is_no_utf_8_is_read_all_the_same() {
    let refused = one(&message(2, 0x65, &result(1, b"Zugriff verweigert f\xfcr")));
    assert!(matches!(refused.body, Body::Done(Outcome { code: 1, .. })), "{refused:?}");
}

#[test]
fn a_simple_bind_is_anonymous_without_a_password_and_never_tells_one() {
    let named = one(&bind(b"cn=kim,dc=contoso,dc=com", put(0x80, b"secret")));
    assert!(!format!("{named:?} {}", fields(&named)).contains("secret"));
    let Body::Bind(named) = named.body else { panic!("bindRequest") };
    assert_eq!(named.method, Method::Simple { anonymous: false });
    assert_eq!(named.user().map(|user| user.raw().to_owned()).as_deref(), Some("cn=kim,dc=contoso,dc=com"));
    let Body::Bind(nobody) = one(&bind(b"", put(0x80, b""))).body else { panic!("bindRequest") };
    assert!(nobody.is_anonymous() && nobody.user().is_none());
}

#[test]
fn the_legs_of_ntlm_are_read_in_sasl_and_in_active_directorys_own_bind() {
    let negotiate = b"NTLMSSP\0\x01\x00\x00\x00\x07\x02\x02\xa2";
    let sasl = put(0xa3, &[octets(b"GSS-SPNEGO"), octets(negotiate)].concat());
    let Body::Bind(by_sasl) = one(&bind(b"", sasl)).body else { panic!("bindRequest") };
    assert_eq!(by_sasl.ntlm(), Some(&ntlm::Token::Negotiate));
    for leg in [9, 10, 11] {
        let Body::Bind(own) = one(&bind(b"NTLM\0", put(0x80 | leg, negotiate))).body else { panic!("bindRequest") };
        assert_eq!(own.method, Method::Sicily(leg, Some(ntlm::Token::Negotiate)));
        assert_eq!(own.name.raw(), "NTLM");
    }
    let token = put(0x87, b"NTLMSSP\0\x02\x00\x00\x00");
    let challenged = one(&message(2, 0x61, &[result(14, b""), vec![token]].concat()));
    assert!(matches!(challenged.body, Body::Bound(Outcome { code: 14, .. }, Some(spnego::Token::Ntlm(_)))), "{challenged:?}");
}

#[test]
fn a_search_for_a_ca_is_known_by_its_class_or_by_what_it_wants() {
    let equals = |attribute: &[u8], value: &[u8]| put(0xa3, &[octets(attribute), octets(value)].concat());
    let configuration = b"CN=Public Key Services,CN=Services,CN=Configuration,DC=contoso,DC=com";
    let of = |filter: Vec<u8>, attributes: &[&[u8]]| match one(&search(configuration, 2, filter, attributes)).body {
        Body::Search(search) => search,
        other => panic!("searchRequest: {other:?}"),
    };
    let authorities = of(equals(b"objectCategory", b"certificationAuthority"), &[]);
    assert_eq!(authorities.filter.raw(), "(objectCategory=certificationAuthority)");
    assert_eq!((authorities.base.raw().as_bytes(), authorities.scope), (&configuration[..], 2));
    assert!(authorities.is_for_authority() && !authorities.is_for_enrolment() && !authorities.is_for_root());
    let schema = of(equals(b"objectCategory", b"CN=Certification-Authority,CN=Schema,CN=Configuration,DC=contoso,DC=com"), &[]);
    assert!(schema.is_for_authority());
    let services = of(equals(b"objectClass", b"pKIEnrollmentService"), &[b"dNSHostName", b"cACertificate"]);
    assert!(services.is_for_enrolment() && !services.is_for_authority());
    let wanted = of(put(0x87, b"objectClass"), &[b"cACertificate;binary"]);
    assert!(wanted.is_for_authority());
    assert_eq!(wanted.filter.raw(), "(objectClass=*)");
    assert!(!of(put(0x87, b"objectClass"), &[b"member"]).is_for_ca());
}

#[test]
fn a_filter_is_written_as_rfc_4515_does() {
    let class = put(0x87, b"objectClass");
    let name = put(0xa4, &[octets(b"cn"), put(0x30, &[put(0x80, b"a*"), put(0x81, b"b"), put(0x82, b"c")].concat())].concat());
    let id = put(0xa3, &[octets(b"objectGUID"), octets(&[0xff, 0x00])].concat());
    let bits = put(0xa9, &[put(0x81, b"1.2.840.113556.1.4.803"), put(0x82, b"flags"), put(0x83, b"2")].concat());
    let all = put(0xa0, &[class, put(0xa2, &name), put(0xa1, &[id, bits].concat())].concat());
    let Body::Search(search) = one(&search(b"", 0, all, &[])).body else { panic!("searchRequest") };
    assert_eq!(
        search.filter.raw(),
        "(&(objectClass=*)(!(cn=a\\2a*b*c))(|(objectGUID=\\ff\\00)(flags:1.2.840.113556.1.4.803:=2)))"
    );
}

#[test]
fn a_filter_nested_without_end_costs_its_text_only() {
    let nested = (0..200).fold(put(0x87, b"a"), |inner, _| put(0xa2, &inner));
    let deep = one(&search(b"dc=contoso", 2, nested, &[]));
    assert_eq!((deep.operation, deep.body), (3, Body::Request));
}

#[test]
fn an_entry_gives_its_ca_certificates_its_host_and_its_clock() {
    let der = include_bytes!("../../trust/samples/root.der");
    let bytes = entry(
        b"CN=Contoso Root CA,CN=Certification Authorities",
        &[
            (b"cACertificate;binary", &[der, b"junk"]),
            (b"dnshostname", &[b"ca.contoso.com"]),
            (b"currentTime", &[b"20090410220103.0Z"]),
            (b"certificateRevocationList;binary", &[b"list"]),
        ],
    );
    let Body::Entry(entry) = one(&bytes).body else { panic!("searchResEntry") };
    assert_eq!(entry.certificates.iter().map(|certificate| &certificate.der[..]).collect::<Vec<_>>(), [&der[..]]);
    assert_eq!(entry.host.as_ref().map(WireText::raw), Some("ca.contoso.com"));
    assert_eq!(entry.revocation_list.as_deref(), Some(&b"list"[..]));
    assert_eq!(entry.current_time.map(Time::whole_seconds).as_deref(), Some("2009-04-10T22:01:03Z"));
}

#[test]
fn a_revocation_list_longer_than_the_bound_is_left_out() {
    let kept = |length: usize| {
        let bytes = entry(b"CN=CA", &[(b"certificateRevocationList", &[&vec![0x30; length]])]);
        let Body::Entry(entry) = one(&bytes).body else { panic!("searchResEntry") };
        entry.revocation_list.map(|list| list.len())
    };
    assert_eq!(kept(parser::LONGEST_LIST), Some(parser::LONGEST_LIST));
    assert_eq!(kept(parser::LONGEST_LIST + 1), None);
}

struct Heard(Vec<(Side, Message)>);

impl Out for Heard {
    fn message(&mut self, side: Side, message: AnyMessage) {
        match message {
            AnyMessage::Ldap(message) => self.0.push((side, message.as_ref().clone())),
            other => panic!("not LDAP: {other:?}"),
        }
    }
}

/// Gives a side's bytes in pieces of this length, as the flow would.
fn feed(parser: &mut stream::Stream, side: Side, bytes: &[u8], piece: usize, heard: &mut Heard) {
    let mut waiting: Vec<u8> = Vec::new();
    let mut wanted = 0;
    for piece in bytes.chunks(piece) {
        waiting.extend(piece);
        while !waiting.is_empty() && waiting.len() >= wanted && !parser.is_over() {
            let Step::Used { bytes: used, need } = parser.data(side, &waiting, heard) else { panic!("it is never done") };
            waiting.drain(..used);
            wanted = if used == 0 { need.max(waiting.len() + 1) } else { need };
        }
    }
}

fn operations(heard: &Heard) -> Vec<u8> {
    heard.0.iter().map(|(_, message)| message.operation).collect()
}

#[test]
fn messages_are_cut_by_their_own_length_however_they_come() {
    let found = entry(b"CN=a", &[]);
    let bytes = [found, message(4, 0x65, &result(0, b""))].concat();
    for piece in 1..bytes.len() {
        let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
        feed(&mut parser, Side::Server, &bytes, piece, &mut heard);
        assert_eq!(operations(&heard), [4, 5], "in pieces of {piece}");
    }
}

#[test]
fn under_sasl_a_signed_message_is_read_and_a_sealed_one_recognised() {
    let done = message(5, 0x65, &result(0, b""));
    let number = [0; 8];
    let signed = [&[5, 4, 4, 0xff, 0, 12, 0, 12], &number[..], &[9; 12], &done[..]].concat();
    let sealed = [&[5, 4, 6, 0xff, 0, 0, 0, 28], &number[..], &[0x30; 60]].concat();
    let wrapped = |token: &[u8]| [&(token.len() as u32).to_be_bytes()[..], token].concat();
    let bytes = [wrapped(&sealed), wrapped(&signed)].concat();
    for piece in [1, 7, bytes.len()] {
        let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
        feed(&mut parser, Side::Server, &bytes, piece, &mut heard);
        assert_eq!(heard.0[0].1.body, Body::Sealed);
        assert_eq!(heard.0[0].1.event(), None, "nothing of it can be printed");
        assert!(matches!(heard.0[1].1.body, Body::Done(_)), "{:?}", heard.0);
        assert_eq!(heard.0.len(), 2);
    }
}

fn start_tls(code: u8) -> bool {
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    let asked = message(1, 0x77, &[put(0x80, START_TLS.as_bytes())]);
    feed(&mut parser, Side::Client, &asked, 1000, &mut heard);
    assert!(!parser.is_over(), "it is only asked for");
    feed(&mut parser, Side::Server, &message(1, 0x78, &result(code, b"")), 1000, &mut heard);
    assert_eq!(operations(&heard), [23, 24]);
    parser.is_over()
}

#[test]
fn start_tls_ends_ldap_when_it_is_granted_and_not_before() {
    assert!(start_tls(0));
    assert!(!start_tls(2));
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    feed(&mut parser, Side::Server, &message(1, 0x78, &result(0, b"")), 1000, &mut heard);
    assert!(!parser.is_over(), "an answer to another extended request");
}

#[test]
fn a_message_that_the_capture_cut_keeps_its_number_and_its_result() {
    let refused = message(3, 0x61, &result(49, b"80090308: LdapErr"));
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    parser.cut(Side::Server, &refused[..refused.len() - 8], &mut heard);
    parser.cut(Side::Server, &refused[..4], &mut heard);
    let [(Side::Server, told)] = &heard.0[..] else { panic!("{:?}", heard.0) };
    assert_eq!(fields(told), serde_json::json!({"ldap.messageID": 3, "ldap.protocolOp": 1, "ldap.resultCode": 49}));
}

#[test]
fn after_a_hole_reading_goes_on_with_the_next_message() {
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    parser.gap(Side::Server, 100, &mut heard);
    feed(&mut parser, Side::Server, b"the rest of a message", 100, &mut heard);
    feed(&mut parser, Side::Server, &message(4, 0x65, &result(0, b"")), 100, &mut heard);
    assert_eq!(operations(&heard), [5]);
}

#[test]
fn a_message_too_long_to_keep_is_passed_over() {
    let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
    let photo = entry(b"CN=a", &[(b"jpegPhoto", &[&vec![7; 600 * 1024]])]);
    feed(&mut parser, Side::Server, &photo, 1460, &mut heard);
    feed(&mut parser, Side::Server, &message(4, 0x65, &result(0, b"")), 1460, &mut heard);
    assert_eq!(operations(&heard), [5]);
}

#[test]
fn what_is_no_ldap_is_not_claimed() {
    for bytes in [
        &b"GET / HTTP/1.1\r\n"[..],
        &[0x16, 3, 1, 0, 5],
        &[0x30, 0x03, 0x02, 0x01, 0x01],
        &[0x30, 0x80, 0, 0],
        &[0, 0, 0, 9, 0x77],
    ] {
        assert_eq!(stream::guess(bytes), Guess::No, "{bytes:?}");
    }
    assert_eq!(stream::guess(&message(1, 0x42, &[])), Guess::Yes, "unbindRequest, the shortest");
    assert_eq!(stream::guess(&[0x30, 0x84, 0, 0]), Guess::Maybe);
}

#[test]
fn whatever_is_cut_or_bent_never_panics() {
    let whole = [
        bind(b"", put(0xa3, &[octets(b"GSS-SPNEGO"), octets(b"NTLMSSP\0\x03")].concat())),
        search(b"dc=contoso", 2, put(0xa0, &put(0x87, b"cn")), &[b"cn"]),
        entry(b"CN=a", &[(b"cACertificate", &[b"0123"])]),
        message(2, 0x61, &result(49, b"data 52e")),
    ]
    .concat();
    for at in 0..whole.len() {
        let _ = parser::messages(&whole[..at]);
        for octet in [0x00, 0x7f, 0x84, 0xff] {
            let mut bent = whole.clone();
            bent[at] = octet;
            let (mut parser, mut heard) = (stream::Stream::default(), Heard(Vec::new()));
            feed(&mut parser, Side::Client, &bent, 64, &mut heard);
        }
    }
}
