//! TFTP datagrams: hand-made bytes, read as the documents say.

use super::parser::FILE_LIMIT;
use super::*;
use crate::protocols::{Asker, Describe};

fn fields(message: &Message) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    serde_json::Value::Object(fields)
}

#[test]
fn a_request_names_its_file() {
    let read = parse(b"\0\x01SEP0004F21A2B3C.cnf.xml\0OCTET\0blksize\x001428\0").expect("RRQ");
    assert_eq!((read.event(), read.asker()), (Some("read_request"), Asker::Sender));
    assert_eq!(fields(&read), serde_json::json!({"tftp.opcode": 1, "tftp.source_file": "SEP0004F21A2B3C.cnf.xml"}));
    let write = parse(b"\0\x02phone.log\0netascii\0").expect("WRQ");
    assert_eq!((write.event(), fields(&write)["tftp.destination_file"].as_str()), (Some("write_request"), Some("phone.log")));
}

#[test]
fn what_follows_is_the_clients_whoever_sends_it() {
    for (bytes, event) in [
        (&b"\0\x03\0\x01content"[..], Some("data")),
        (b"\0\x03\0\x02content", None),
        (b"\0\x04\0\0", Some("acknowledgment")),
        (b"\0\x04\0\x01", Some("acknowledgment")),
        (b"\0\x04\0\x02", None),
        (b"\0\x06blksize\x001428\0", Some("option_acknowledgment")),
    ] {
        let message = parse(bytes).expect("a message");
        assert_eq!((message.event(), message.asker()), (event, Asker::Client), "{bytes:?}");
    }
}

#[test]
fn an_error_has_a_code_and_a_text() {
    let error = parse(b"\0\x05\0\x01File not found\0").expect("ERROR");
    assert_eq!(
        fields(&error),
        serde_json::json!({"tftp.opcode": 5, "tftp.error.code": 1, "tftp.error.message": "File not found"})
    );
    assert!(parse(b"\0\x05\0\x02").is_some(), "some leave the text out");
}

#[test]
fn the_block_size_is_that_of_the_option_acknowledgment() {
    // RFC 2348.
    assert_eq!(parse(b"\0\x06tsize\x005000\0BLKSIZE\x001428\0"), Some(Message::OptionAcknowledgment { block_size: Some(1428) }));
    assert_eq!(parse(b"\0\x06tsize\x005000\0"), Some(Message::OptionAcknowledgment { block_size: None }));
    assert_eq!(parse(b"\0\x03\0\x05abc"), Some(Message::Data { block: 5, length: 3, cut: false }));
}

#[test]
fn what_is_no_tftp_is_not_read() {
    for bytes in [
        &b""[..],
        b"\0",
        b"\0\x07",
        b"\0\x01",
        b"\0\x01file\0",
        b"\0\x01file\0binary\0",
        b"\0\x01\0octet\0",
        b"\0\x04\0\x01more",
        b"SIP/2.0 200 OK",
    ] {
        assert_eq!(parse(bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_request_says_that_the_answer_comes_from_a_new_port() {
    #[derive(Default)]
    struct Told(Vec<&'static str>);
    impl Out for Told {
        fn message(&mut self, _: Side, message: protocols::Message) {
            self.0.extend(message.describe().event());
        }
        fn answer_from_new_port(&mut self) {
            self.0.push("new port");
        }
    }
    let mut told = Told::default();
    assert!(read(Side::Client, b"\0\x01file\0octet\0", true, &mut told));
    assert!(read(Side::Server, b"\0\x03\0\x01content", false, &mut told));
    assert!(!read(Side::Server, b"RTP", true, &mut told));
    assert_eq!(told.0, ["new port", "read_request", "data"]);
}

#[test]
fn a_request_for_a_longer_name_than_any_is_none() {
    let request = |length: usize| parse(&[&b"\0\x01"[..], "x".repeat(length).as_bytes(), b"\0octet\0"].concat());
    assert!(request(FILE_LIMIT).is_some());
    assert_eq!(request(FILE_LIMIT + 1), None);
}

#[test]
fn only_port_69_is_looked_at() {
    let guess =
        |server_port| super::probe(&Probe { side: Side::Client, client_port: 2000, server_port, bytes: b"\0\x01file\0octet\0" });
    assert_eq!((guess(69), guess(6969)), (Guess::Yes, Guess::No));
}
