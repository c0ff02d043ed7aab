//! Hand-made handshakes: each test says what one side sends and what is told of it.

use proptest::prelude::*;

use super::*;
use crate::flow::{Step, Turn};
use crate::model::Side;
use crate::protocols::{self, Describe, Guess, Out, Probe, StreamParser};

use Side::{Client, Server};

const LEAF: &[u8] = include_bytes!("../../formats/samples/leaf-p256.der");
const ROOT: &[u8] = include_bytes!("../../formats/samples/rsa2048-sha256.der");

// ---- what is sent ----

fn record_of(version: u16, kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a short body");
    [&[kind][..], &version.to_be_bytes(), &length.to_be_bytes(), body].concat()
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    record_of(0x0301, kind, body)
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("a short body").to_be_bytes();
    [&[kind], &length[1..], body].concat()
}

fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &u16::try_from(data.len()).expect("short").to_be_bytes(), data].concat()
}

/// Version, random with time 0x4a000001, empty session identifier, and what follows.
fn hello(version: u16, rest: &[u8]) -> Vec<u8> {
    [&version.to_be_bytes()[..], &[0x4a, 0, 0, 1], &[7; 28], &[0], rest].concat()
}

fn client_hello(ciphers: &[u8], extensions: &[u8]) -> Vec<u8> {
    let ciphers_length = u16::try_from(ciphers.len()).expect("short").to_be_bytes();
    let mut rest = [&ciphers_length[..], ciphers, &[1, 0]].concat();
    if !extensions.is_empty() {
        rest.extend(u16::try_from(extensions.len()).expect("short").to_be_bytes());
        rest.extend(extensions);
    }
    message(1, &hello(0x0301, &rest))
}

fn server_hello(version: u16, extensions: &[u8]) -> Vec<u8> {
    let length = u16::try_from(extensions.len()).expect("short").to_be_bytes();
    message(2, &hello(version, &[&[0x00, 0x2f, 0][..], &length, extensions].concat()))
}

fn certificates(list: &[&[u8]]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&u32::try_from(bytes.len()).expect("short").to_be_bytes()[1..], bytes].concat();
    message(11, &sized(&list.iter().flat_map(|der| sized(der)).collect::<Vec<u8>>()))
}

const CHANGE_CIPHER_SPEC: &[u8] = &[20, 3, 1, 0, 1, 1];

// ---- what is told ----

#[derive(Default)]
struct Told(Vec<(Side, Message)>);

impl Out for Told {
    fn message(&mut self, side: Side, message: protocols::Message) {
        let protocols::Message::Tls(message) = message else { return };
        self.0.push((side, message));
    }
}

/// The stream layer in small: keeps what is left over, and waits until what was needed is there.
#[derive(Default)]
struct Feed {
    parser: parser::Parser,
    left: [Vec<u8>; 2],
    need: [usize; 2],
    done: bool,
    told: Told,
}

impl Feed {
    fn send(&mut self, side: Side, bytes: &[u8]) -> &mut Self {
        let place = usize::from(side == Server);
        self.left[place].extend_from_slice(bytes);
        if self.done || self.left[place].len() < self.need[place] {
            return self;
        }
        match self.parser.data(side, &self.left[place], &mut self.told) {
            Step::Used { bytes, need } => {
                self.left[place].drain(..bytes);
                assert!(need > self.left[place].len() || self.left[place].is_empty(), "it would be called in vain");
                self.need[place] = need;
            }
            Step::Done => self.done = true,
        }
        self
    }

    fn lose(&mut self, side: Side, missing: u64) -> &mut Self {
        let place = usize::from(side == Server);
        self.left[place].clear();
        self.need[place] = 0;
        assert_ne!(self.parser.gap(side, missing, &mut self.told), Step::Done);
        self
    }

    fn words(&self) -> Vec<String> {
        self.told.0.iter().map(|(side, message)| format!("{side:?} {}", word(message))).collect()
    }
}

fn word(message: &Message) -> &'static str {
    match message {
        Message::ChangeCipherSpec => "(change_cipher_spec)",
        Message::EncryptedHandshake => "(encrypted_handshake)",
        Message::EncryptedAlert => "(encrypted_alert)",
        Message::ApplicationData { .. } => "(application_data)",
        other => other.event().expect("a word"),
    }
}

#[track_caller]
fn assert_told(feed: &Feed, expected: &[&str]) {
    assert_eq!(feed.words(), expected);
}

fn only(bytes: &[u8]) -> Message {
    let mut feed = Feed::default();
    feed.send(Client, bytes);
    assert_eq!(feed.told.0.len(), 1, "{:?}", feed.words());
    feed.told.0.remove(0).1
}

// ---- handshakes ----

/// TLS 1.0 as the phones speak it, up to the first application data.
fn whole_handshake() -> Vec<(Side, Vec<u8>)> {
    let flight = [server_hello(0x0301, &[]), certificates(&[LEAF, ROOT]), message(14, &[])].concat();
    vec![
        (Client, record(22, &client_hello(&[0, 5, 0, 4], &[]))),
        // The whole flight in one record, as Windows sends it.
        (Server, record(22, &flight)),
        (Client, record(22, &message(16, &[9; 258]))),
        (Client, CHANGE_CIPHER_SPEC.to_vec()),
        (Client, record(22, &[0xa5; 40])),
        (Server, CHANGE_CIPHER_SPEC.to_vec()),
        (Server, record(22, &[0x5a; 40])),
        (Client, record(23, &[1; 600])),
        (Server, record(23, &[2; 300])),
        (Server, record(21, &[3; 24])),
    ]
}

const WHOLE_HANDSHAKE: &[&str] = &[
    "Client client_hello",
    "Server server_hello",
    "Server certificate",
    "Server server_hello_done",
    "Client client_key_exchange",
    "Client (change_cipher_spec)",
    "Client (encrypted_handshake)",
    "Server (change_cipher_spec)",
    "Server (encrypted_handshake)",
    "Client (application_data)",
    "Server (application_data)",
    "Server (encrypted_alert)",
];

#[test]
fn a_whole_handshake_is_told_message_by_message() {
    let mut feed = Feed::default();
    for (side, bytes) in whole_handshake() {
        feed.send(side, &bytes);
    }
    assert_told(&feed, WHOLE_HANDSHAKE);
    let Message::Certificate(chain) = &feed.told.0[2].1 else { panic!("a certificate message") };
    assert_eq!(chain.iter().map(|certificate| certificate.der.as_ref()).collect::<Vec<_>>(), [LEAF, ROOT]);
}

#[test]
fn bytes_that_come_one_by_one_tell_the_same() {
    let (mut whole, mut bytewise) = (Feed::default(), Feed::default());
    for (side, bytes) in whole_handshake() {
        whole.send(side, &bytes);
        for byte in bytes {
            bytewise.send(side, &[byte]);
        }
    }
    assert_eq!(whole.told.0, bytewise.told.0);
}

#[test]
fn messages_are_joined_from_records_of_any_size() {
    let flight = [server_hello(0x0301, &[]), certificates(&[LEAF, ROOT]), message(14, &[])].concat();
    for size in [1, 2, 3, 4, 5, 100, 1024] {
        let mut feed = Feed::default();
        for piece in flight.chunks(size) {
            feed.send(Server, &record(22, piece));
        }
        assert_told(&feed, &["Server server_hello", "Server certificate", "Server server_hello_done"]);
    }
}

#[test]
fn a_server_alone_is_enough() {
    let mut feed = Feed::default();
    for (side, bytes) in whole_handshake().iter().filter(|(side, _)| *side == Server) {
        feed.send(*side, bytes);
    }
    let server: Vec<&str> = WHOLE_HANDSHAKE.iter().copied().filter(|word| word.starts_with("Server")).collect();
    assert_told(&feed, &server);
}

#[test]
fn the_need_is_the_rest_of_the_record() {
    let mut parser = parser::Parser::default();
    let bytes = record(22, &message(16, &[9; 258]));
    let mut told = Told::default();
    assert_eq!(parser.data(Client, &bytes[..3], &mut told), Step::Used { bytes: 0, need: 5 });
    assert_eq!(parser.data(Client, &bytes[..5], &mut told), Step::Used { bytes: 0, need: bytes.len() });
    assert_eq!(parser.data(Client, &bytes, &mut told), Step::Used { bytes: bytes.len(), need: 5 });
}

// ---- hellos ----

#[test]
fn a_client_hello_is_read_with_its_extensions() {
    let extensions = [
        extension(0x3a3a, &[]),
        extension(0, b"\0\x0e\0\0\x0bsip.contoso"),
        extension(13, &[0, 4, 4, 1, 2, 1]),
        extension(43, &[6, 0x3a, 0x3a, 3, 4, 3, 3]),
    ]
    .concat();
    let Message::ClientHello(hello) = only(&record(22, &client_hello(&[0x3a, 0x3a, 0, 0x2f, 0, 5], &extensions))) else {
        panic!("a hello")
    };
    assert_eq!(
        *hello,
        ClientHello {
            version: 0x0301,
            sslv2_format: false,
            random: *[&[0x4a, 0, 0, 1], &[7; 28][..]].concat().first_chunk().expect("32 bytes"),
            random_time: 0x4a00_0001,
            ciphers: vec![0x3a3a, 0x2f, 5],
            sslv2_ciphers: Vec::new(),
            server_name: Some("sip.contoso".into()),
            supported_versions: vec![0x3a3a, 0x0304, 0x0303],
            signature_algorithms: Some(vec![0x0401, 0x0201]),
            extensions: vec![0x3a3a, 0, 13, 43],
            session_id_length: 0,
        }
    );
    assert_eq!(hello.highest_version(), 0x0304);
}

#[test]
fn an_odd_cipher_list_does_not_cost_the_hello() {
    let Message::ClientHello(hello) = only(&record(22, &client_hello(&[0, 5, 0, 4, 9], &extension(0, b"\0\x04\0\0\x01a"))))
    else {
        panic!("a hello")
    };
    assert_eq!(hello.ciphers, [5, 4]);
    assert_eq!(hello.server_name, Some("a".into()));
}

#[test]
fn a_hello_that_lies_about_its_length_gives_what_it_has() {
    for length in 0..40 {
        let body = hello(0x0303, &[0, 4, 0, 5, 0, 4]);
        let Message::ClientHello(hello) = only(&record(22, &message(1, &body[..length.min(body.len())]))) else {
            panic!("a hello")
        };
        assert_eq!(hello.version, if length >= 2 { 0x0303 } else { 0 });
    }
}

#[test]
fn versions_are_chosen_by_body_or_extension() {
    let chosen = |bytes: &[u8]| match only(&record(22, bytes)) {
        Message::ServerHello(hello) => (hello.version, hello.chosen, hello.cipher, hello.retry),
        other => panic!("{other:?}"),
    };
    assert_eq!(chosen(&server_hello(0x0303, &[])), (0x0303, 0x0303, 0x2f, false));
    assert_eq!(chosen(&server_hello(0x0303, &extension(43, &[3, 4]))), (0x0303, 0x0304, 0x2f, false));
    // SSL 3.0 knows no extensions.
    assert_eq!(chosen(&message(2, &hello(0x0300, &[0, 4, 0]))), (0x0300, 0x0300, 4, false));
    // Draft 16 of TLS 1.3: no session identifier, no compression method.
    let draft = [&[0x7f, 0x10][..], &[7; 32], &[0x13, 0x03, 0, 0]].concat();
    assert_eq!(chosen(&message(2, &draft)), (0x7f10, 0x7f10, 0x1303, false));
}

/// SHA-256 of "HelloRetryRequest".
fn retry_request() -> Vec<u8> {
    use sha2::Digest;
    let random = sha2::Sha256::digest(b"HelloRetryRequest");
    let extensions = extension(43, &[3, 4]);
    let length = u16::try_from(extensions.len()).expect("short").to_be_bytes();
    message(2, &[&[3, 3][..], &random, &[0, 0x13, 0x01, 0], &length, &extensions].concat())
}

#[test]
fn in_tls_1_3_a_second_hello_follows_a_change_cipher_spec_in_clear() {
    let first = record(22, &client_hello(&[0x13, 1], &extension(43, &[2, 3, 4])));
    let second = record_of(0x0303, 22, &client_hello(&[0x13, 1], &extension(43, &[2, 3, 4])));
    let mut feed = Feed::default();
    feed.send(Client, &first).send(Server, &record_of(0x0303, 22, &retry_request())).send(Server, CHANGE_CIPHER_SPEC);
    feed.send(Client, CHANGE_CIPHER_SPEC).send(Client, &second);
    // The ServerHello and its first encrypted record may share a segment.
    let answer =
        [record_of(0x0303, 22, &server_hello(0x0303, &extension(43, &[3, 4]))), record_of(0x0303, 23, &[5; 400])].concat();
    feed.send(Server, &answer);
    assert_told(
        &feed,
        &[
            "Client client_hello",
            "Server hello_retry_request",
            "Server (change_cipher_spec)",
            "Client (change_cipher_spec)",
            "Client client_hello",
            "Server server_hello",
            "Server (application_data)",
        ],
    );
    // Even where the server's side was not captured.
    let mut feed = Feed::default();
    feed.send(Client, &first).send(Client, CHANGE_CIPHER_SPEC).send(Client, &second);
    assert_told(&feed, &["Client client_hello", "Client (change_cipher_spec)", "Client client_hello"]);
}

/// RFC 2246 appendix E.1: five cipher specs, two of them of SSL 2.0, and a challenge of 16 octets.
const SSLV2_HELLO: &[u8] = &[
    0x80, 0x28, 0x01, 0x03, 0x01, 0x00, 0x0f, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x04, 0x01, 0x00, 0x80, 0x00, 0x00, 0x05, 0x00,
    0x00, 0x0a, 0x07, 0x00, 0xc0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];

#[test]
fn a_hello_in_sslv2_format_begins_a_tls_handshake() {
    let mut feed = Feed::default();
    feed.send(Client, SSLV2_HELLO).send(Server, &record(22, &server_hello(0x0301, &[]))).send(Client, CHANGE_CIPHER_SPEC);
    assert_told(&feed, &["Client client_hello", "Server server_hello", "Client (change_cipher_spec)"]);
    let Message::ClientHello(hello) = &feed.told.0[0].1 else { panic!("a hello") };
    assert!(hello.sslv2_format);
    assert_eq!((hello.version, hello.ciphers.as_slice()), (0x0301, &[4, 5, 10][..]));
    assert_eq!(hello.sslv2_ciphers, [4, 0x01_0080, 5, 10, 0x07_00c0]);
}

// ---- other messages ----

#[test]
fn the_layout_of_a_certificate_request_follows_the_version() {
    let authorities = [0, 6, 0, 4, 0x30, 2, 0x31, 0];
    let old = message(13, &[&[1, 1][..], &authorities].concat());
    let new = message(13, &[&[1, 1, 0, 2, 4, 1][..], &authorities].concat());
    let read = |version: Option<u16>, request: &[u8]| {
        let mut feed = Feed::default();
        if let Some(version) = version {
            feed.send(Server, &record(22, &server_hello(version, &[])));
        }
        feed.send(Server, &record(22, request));
        match feed.told.0.pop() {
            Some((_, Message::CertificateRequest(request))) => request.as_ref().clone(),
            other => panic!("{other:?}"),
        }
    };
    let with = |algorithms: &[u16]| CertificateRequest {
        authorities: vec![vec![0x30, 2, 0x31, 0]],
        authorities_length: 6,
        signature_algorithms: algorithms.to_vec(),
    };
    assert_eq!(read(Some(0x0301), &old), with(&[]));
    assert_eq!(read(Some(0x0303), &new), with(&[0x0401]));
    assert_eq!(read(None, &old), with(&[]));
    assert_eq!(read(None, &new), with(&[0x0401]));
}

#[test]
fn a_client_without_a_certificate_sends_an_empty_list() {
    assert_eq!(only(&record(22, &certificates(&[]))), Message::Certificate(Vec::new()));
}

#[test]
fn certificates_beyond_the_bound_are_left_out() {
    let list = vec![LEAF; handshake::MAX_CERTIFICATES + 6];
    let mut feed = Feed::default();
    certificates(&list).chunks(16_000).for_each(|piece| {
        feed.send(Server, &record(22, piece));
    });
    let Some((_, Message::Certificate(chain))) = feed.told.0.pop() else { panic!("a chain was expected") };
    assert_eq!(chain.len(), handshake::MAX_CERTIFICATES);
    assert!(chain.iter().all(|certificate| *certificate.der == *LEAF));
}

#[test]
fn authorities_beyond_the_bound_are_left_out_and_their_length_is_known() {
    let names: Vec<u8> = (0..5_000).flat_map(|_| [0, 1, 7]).collect();
    let length = u16::try_from(names.len()).expect("short").to_be_bytes();
    let request = only(&record(22, &message(13, &[&[1, 1][..], &length, &names].concat())));
    let Message::CertificateRequest(request) = request else { panic!("{request:?}") };
    assert_eq!((request.authorities.len(), request.authorities_length), (handshake::MAX_AUTHORITIES, 15_000));
}

#[test]
fn alerts_in_clear_have_two_octets() {
    assert_eq!(only(&record(21, &[2, 48])), Message::Alert { level: 2, description: 48 });
    assert_eq!(only(&record(21, &[0x91; 24])), Message::EncryptedAlert);
    assert_eq!(only(&record(21, &[0x91, 0x17])), Message::EncryptedAlert);
}

#[test]
fn an_odd_message_costs_one_message() {
    let mut feed = Feed::default();
    feed.send(Server, &record(22, &[message(99, b"what?"), message(14, &[])].concat()));
    feed.send(Server, &record(22, &message(2, b"\x03"))).send(Server, &record(22, &message(14, &[])));
    assert_told(&feed, &["Server handshake", "Server server_hello_done", "Server server_hello", "Server server_hello_done"]);
}

#[test]
fn ciphertext_whose_change_cipher_spec_was_missed_is_recognised() {
    // Seen from the middle: a nonce of zeros looks like two HelloRequests; other bytes have an unknown type.
    let mut feed = Feed::default();
    feed.send(Client, &record_of(0x0303, 22, &[&[0; 8][..], &[0xe7; 32]].concat()));
    feed.send(Client, &record_of(0x0303, 22, &[0xd4; 40]));
    assert_told(&feed, &["Client (encrypted_handshake)", "Client (encrypted_handshake)"]);
    // The beginning of a message that never goes on.
    let mut feed = Feed::default();
    feed.send(Client, &record_of(0x0303, 22, &[16, 1, 1, 1, 5, 5, 5, 5])).send(Client, &record(23, &[1; 30]));
    assert_told(&feed, &["Client (encrypted_handshake)", "Client (application_data)"]);
}

#[test]
fn a_message_is_joined_up_to_a_limit() {
    let mut feed = Feed::default();
    feed.send(Server, &record(22, &[11, 0xff, 0xff, 0xff, 0, 0, 0]));
    assert_told(&feed, &["Server (encrypted_handshake)"]);
}

// ---- holes ----

#[test]
fn nothing_is_glued_over_a_hole() {
    let chain = record(22, &certificates(&[LEAF, ROOT]));
    let mut feed = Feed::default();
    feed.send(Server, &record(22, &server_hello(0x0301, &[]))).send(Server, &chain[..700]).lose(Server, 500);
    feed.send(Server, &chain[1200..]);
    assert_told(&feed, &["Server server_hello"]);
    feed.send(Server, &record(22, &message(14, &[])));
    assert_told(&feed, &["Server server_hello", "Server server_hello_done"]);
    feed.send(Server, CHANGE_CIPHER_SPEC);
    assert_told(&feed, &["Server server_hello", "Server server_hello_done", "Server (change_cipher_spec)"]);
}

#[test]
fn a_message_that_the_capture_cut_is_told_as_far_as_it_is_there() {
    let whole = record(22, &client_hello(&[0, 5, 0, 47], &extension(0, &[0, 6, 0, 0, 3, b'p', b'b', b'x'])));
    let keys = |length: usize| {
        let mut feed = Feed::default();
        feed.parser.cut(Client, &whole[..length], &mut feed.told);
        let mut keys = serde_json::Map::new();
        for (_, message) in &feed.told.0 {
            assert!(matches!(message, Message::Cut(_)));
            message.fields(&mut |key, value| drop(keys.insert(key.to_owned(), value)));
        }
        serde_json::Value::Object(keys)
    };
    let (kind, version, suites) = ("tls.handshake.type", "tls.handshake.version", "tls.handshake.ciphersuite");
    assert_eq!(keys(8), serde_json::json!({}), "the header of the message is not whole");
    assert_eq!(keys(9), serde_json::json!({kind: 1}));
    assert_eq!(keys(11), serde_json::json!({kind: 1, version: "0x0301"}));
    let behind_suites = 9 + 2 + 32 + 1 + 2 + 4;
    assert_eq!(keys(behind_suites), serde_json::json!({kind: 1, version: "0x0301", suites: [5, 47]}));
    assert_eq!(keys(whole.len() - 1)[suites], serde_json::json!([5, 47]));
}

#[test]
fn of_a_cut_record_the_whole_messages_are_told_as_ever() {
    let done = record(22, &[server_hello(0x0303, &[]), certificates(&[b"none"])].concat());
    let mut feed = Feed::default();
    feed.parser.cut(Server, &done[..done.len() - 2], &mut feed.told);
    assert_told(&feed, &["Server server_hello", "Server certificate"]);
    assert!(matches!(feed.told.0[0].1, Message::ServerHello(_)) && matches!(feed.told.0[1].1, Message::Cut(_)));
}

#[test]
fn a_message_that_began_before_a_hole_is_dropped() {
    let chain = certificates(&[LEAF, ROOT]);
    let mut feed = Feed::default();
    feed.send(Server, &record(22, &chain[..600])).lose(Server, 605).send(Server, &record(22, &chain[1200..]));
    feed.send(Server, &record(22, &message(14, &[])));
    assert!(!feed.words().contains(&"Server certificate".to_owned()));
    assert_eq!(feed.words().last().map(String::as_str), Some("Server server_hello_done"));
}

#[test]
fn a_hole_inside_skipped_data_loses_no_place() {
    let mut feed = Feed::default();
    for _ in 0..16 {
        feed.send(Server, &record(23, &[1; 10]));
    }
    let big = record(23, &[22; 1000]);
    feed.send(Server, &big[..300]).lose(Server, 500).send(Server, &big[800..]).send(Server, &record(21, &[2, 40]));
    assert_eq!(feed.words().last().map(String::as_str), Some("Server alert"));
}

#[test]
fn data_that_nothing_can_open_is_told_when_it_is_whole_and_not_kept_until_then() {
    let data = record(23, &[1; 1000]);
    let mut feed = Feed::default();
    feed.send(Client, &data[..300]);
    assert!(feed.left[0].is_empty() && feed.told.0.is_empty());
    feed.send(Client, &data[300..1004]);
    assert!(feed.left[0].is_empty() && feed.told.0.is_empty());
    feed.send(Client, &data[1004..]);
    assert_eq!(feed.told.0, [(Client, Message::ApplicationData { length: 1000, turn: Turn::default() })]);
}

#[test]
fn data_with_a_hole_in_it_is_not_told_and_the_next_record_is_found() {
    let data = record(23, &[0; 1000]);
    let mut feed = Feed::default();
    feed.send(Server, &data[..300]).lose(Server, 500).send(Server, &data[800..]).send(Server, &record(21, &[2, 40]));
    assert_told(&feed, &["Server alert"]);
}

// ---- the end ----

#[test]
fn after_the_first_records_of_data_nothing_more_is_asked() {
    let mut feed = Feed::default();
    for _ in 0..16 {
        feed.send(Client, &record(23, &[1; 50])).send(Server, &record(23, &[1; 50]));
    }
    assert!(feed.done);
    assert_eq!(feed.told.0.len(), 32);
    let mut download = Feed::default();
    download.send(Client, &record(23, &[1; 50]));
    for _ in 0..48 {
        download.send(Server, &record(23, &[1; 1400]));
    }
    assert!(download.done);
    assert_eq!(download.told.0.len(), 17);
}

#[test]
fn what_turns_out_not_to_be_tls_is_given_up() {
    let mut feed = Feed::default();
    for _ in 0..300 {
        feed.send(Server, &[b'x'; 1024]);
    }
    assert!(feed.done);
    assert!(feed.told.0.is_empty());
}

// ---- recognition ----

fn guess(bytes: &[u8], server_port: u16) -> Guess {
    probe::probe(&Probe { side: Client, client_port: 49_152, server_port, bytes })
}

#[test]
fn tls_is_known_by_its_first_record() {
    let hello = record(22, &client_hello(&[0, 5], &[]));
    assert_eq!(guess(&hello, 12_345), Guess::Yes);
    for length in 0..6 {
        assert_eq!(guess(&hello[..length], 12_345), Guess::Maybe, "{length}");
    }
    assert_eq!(guess(&record(21, &[2, 40]), 12_345), Guess::Yes);
    assert_eq!(guess(&record(23, &[1; 40]), 12_345), Guess::Yes);
    assert_eq!(guess(CHANGE_CIPHER_SPEC, 12_345), Guess::Yes);
    assert_eq!(guess(SSLV2_HELLO, 12_345), Guess::Yes);
    for length in 1..sslv2::FIXED {
        assert_eq!(guess(&SSLV2_HELLO[..length], 12_345), Guess::Maybe, "{length}");
    }
}

#[test]
fn other_protocols_are_not_taken_for_tls() {
    for other in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"REGISTER sip:contoso.com SIP/2.0\r\n",
        &[0x16, 0x03, 0x09, 0, 40, 1],
        &[0x16, 3, 1, 0xff, 0xff, 1],
    ] {
        assert_eq!(guess(other, 12_345), Guess::No);
        assert_eq!(guess(b"GET / HTTP/1.1\r\n", 443), Guess::No);
    }
    // The middle of something, where TLS is at home.
    assert_eq!(guess(&[0x99, 0x80, 0x00, 0x01, 0xfe, 0x12], 443), Guess::Maybe);
    assert_eq!(guess(&[0x99, 0x80, 0x00, 0x01, 0xfe, 0x12], 12_345), Guess::No);
}

// ---- events ----

#[test]
fn events_have_the_agreed_keys() {
    let mut feed = Feed::default();
    for (side, bytes) in whole_handshake() {
        feed.send(side, &bytes);
    }
    let fields = |place: usize| {
        let mut object = serde_json::Map::new();
        feed.told.0[place].1.fields(&mut |key, value| {
            object.insert(key.to_owned(), value);
        });
        serde_json::Value::Object(object)
    };
    assert_eq!(
        fields(0),
        serde_json::json!({"tls.handshake.type": 1, "tls.handshake.version": "0x0301", "tls.handshake.ciphersuite": [5, 4]})
    );
    assert_eq!(
        fields(1),
        serde_json::json!({"tls.handshake.type": 2, "tls.handshake.version": "0x0301", "tls.handshake.ciphersuite": 47})
    );
    let chain = fields(2);
    let leaf = &chain["certificates"][0];
    assert_eq!(leaf["serial"], "abc");
    assert_eq!(leaf["public_key"], serde_json::json!(["EC secp256r1", 256]));
    assert_eq!(leaf["not_before"], "2009-04-10T22:01:03Z");
    assert_eq!(leaf["subject_alt_names"][2], "IP:10.0.0.4");
    assert_eq!(fields(3), serde_json::json!({"tls.handshake.type": 14}));
    let mut alert = Vec::new();
    Message::Alert { level: 2, description: 48 }.fields(&mut |key, value| alert.push((key, value)));
    assert_eq!(alert, [("tls.alert_message.level", 2.into()), ("tls.alert_message.desc", 48.into())]);
}

#[test]
fn names_are_those_of_the_standards() {
    assert_eq!(names::version_name(0x0301), "TLS 1.0");
    assert_eq!(names::version_name(0x7f1c), "TLS 1.3 draft 28");
    assert_eq!(names::alert_name(48), "unknown_ca");
    assert_eq!(names::alert_name(199), "alert 199");
    assert_eq!(names::cipher_name(0x002f), "TLS_RSA_WITH_AES_128_CBC_SHA");
    assert_eq!(names::cipher_name(0x1a1a), "GREASE 0x1a1a");
}

// ---- hostile bytes ----

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_are_survived(
        start in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..600), size in 1_usize..80, lose in any::<bool>()
    ) {
        let mut feed = Feed::default();
        let prefix = [vec![], vec![22, 3, 1, 0, 60], record(22, &server_hello(0x0303, &[])), SSLV2_HELLO[..11].to_vec()];
        feed.send(Server, &prefix[start]);
        for piece in bytes.chunks(size) {
            feed.send(Server, piece);
            if lose {
                feed.lose(Server, 7);
            }
        }
    }

    #[test]
    fn a_handshake_with_changed_bytes_is_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut feed = Feed::default();
        for (side, mut bytes) in whole_handshake() {
            for (place, value) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *value;
            }
            feed.send(side, &bytes);
        }
    }
}

#[test]
fn a_single_byte_at_the_home_of_tls_does_not_tell() {
    // The middle of a record may begin with the octet of a letter.
    assert_eq!(
        [guess(b"5", 5_061), guess(b"5\x17\x03\x03", 5_061), guess(b"GET ", 5_061)],
        [Guess::Maybe, Guess::Maybe, Guess::No]
    );
}

#[test]
fn the_beginning_of_a_server_hello_tells_a_version_before_1_3_by_its_body_or_its_suite() {
    let before = |version: u16, cipher: u16| ServerHello { version, cipher, ..ServerHello::default() }.is_before_1_3();
    assert!(before(0x0301, 0) && before(0x0303, 0xc02f));
    assert!(!before(0x0303, 0x1301) && !before(0x0303, 0), "the suite is cut off, or one of TLS 1.3");
}
