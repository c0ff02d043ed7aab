//! EAPOL frames and the EAP in them: hand-made bytes, read as the documents say.

use super::*;
use crate::protocols::{Asker, Describe};

/// An EAPOL frame of version 1 around this EAP packet.
fn frame(code: u8, identifier: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 4).to_be_bytes();
    let mut bytes = vec![1, 0, length[0], length[1], code, identifier, length[0], length[1]];
    bytes.extend(body);
    bytes
}

fn packet(code: u8, body: &[u8]) -> Packet {
    parse(&frame(code, 7, body)).and_then(|message| message.eap).expect("an EAP packet")
}

#[test]
fn a_start_has_no_packet() {
    let message = parse(&[1, 1, 0, 0]).expect("four octets");
    assert_eq!((message.event(), message.asker(), message.eap), (Some("start"), Asker::Sender, None));
}

#[test]
fn an_identity_ends_at_a_nul_and_at_its_length() {
    let mut padded = frame(2, 7, b"\x01SEP0004f21a2b3c\0networkid=voice");
    padded.extend([0; 20]);
    let message = parse(&padded).expect("a frame");
    assert_eq!((message.event(), message.asker()), (Some("response"), Asker::Sender));
    let eap = message.eap.expect("EAP");
    assert_eq!((eap.method, eap.identity), (Some(method::IDENTITY), Some("SEP0004f21a2b3c".into())));
    assert_eq!(packet(1, b"\x01hello").identity, None, "what a request says is a prompt");
}

#[test]
fn success_and_failure_have_no_method_and_speak_to_the_device() {
    for (code, word) in [(3, "success"), (4, "failure")] {
        let message = parse(&frame(code, 9, &[])).expect("a frame");
        assert_eq!((message.event(), message.asker()), (Some(word), Asker::Receiver));
        assert_eq!(message.eap.map(|eap| (eap.identifier, eap.method)), Some((9, None)));
    }
}

#[test]
fn a_nak_names_the_methods_that_are_wanted() {
    assert_eq!(packet(2, &[3, 13, 25]).wanted, [13, 25]);
}

#[test]
fn an_alert_in_clear_is_read_and_one_under_encryption_is_not() {
    // RFC 5216 section 3.1: flags, and with the L bit a length of four octets.
    assert_eq!(packet(2, &[13, 0, 21, 3, 1, 0, 2, 2, 48]).alert, Some((2, 48)));
    assert_eq!(packet(1, &[25, 0x80, 0, 0, 0, 7, 21, 3, 3, 0, 2, 2, 46]).alert, Some((2, 46)));
    assert_eq!(packet(1, &[13, 0, 20, 3, 1, 0, 1, 1, 21, 3, 1, 0, 2, 2, 51]).alert, Some((2, 51)));
    assert_eq!(packet(2, &[13, 0, 21, 3, 1, 0, 4, 9, 9, 9, 9]).alert, None);
    assert_eq!(packet(1, &[13, 0x40, 21, 3, 1, 0, 2, 2, 48]).alert, None, "more is to follow: a piece of a long message");
    assert_eq!(packet(1, &[4, 0, 21, 3, 1, 0, 2, 2, 48]).alert, None, "MD5 carries no TLS");
}

#[test]
fn the_keys_are_those_of_wireshark() {
    let mut fields = serde_json::Map::new();
    parse(&frame(2, 7, b"\x01anna")).expect("a frame").fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"eapol.type": 0, "eap.code": 2, "eap.id": 7, "eap.type": 1, "eap.identity": "anna"})
    );
}

#[test]
fn what_is_cut_short_or_of_no_known_version_makes_no_trouble() {
    let whole = frame(2, 7, &[13, 0, 21, 3, 1, 0, 2, 2, 48]);
    for length in 0..whole.len() {
        assert_eq!(parse(&whole[..length]).is_some(), length >= 4);
    }
    assert_eq!(parse(&[0, 1, 0, 0]), None);
    assert_eq!(parse(&[9, 1, 0, 0]).map(|message| message.kind), Some(kind::START), "a version to come");
}
