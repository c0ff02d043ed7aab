//! DNS messages, built after RFC 1035, and what is read from them.

use proptest::prelude::*;

use super::*;
use crate::flow::Step;
use crate::protocols::Describe;

/// The messages that a parser gives.
#[derive(Default)]
struct Messages(Vec<Message>);

impl Out for Messages {
    fn message(&mut self, _side: Side, message: protocols::Message) {
        if let protocols::Message::Dns(message) = message {
            self.0.push(message.as_ref().clone());
        }
    }
}

/// A message with this header and these sections.
fn message(flags: u16, counts: [u16; 4], body: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![0x00, 0x2b];
    for number in [&[flags], &counts[..]].concat() {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(body.concat());
    bytes
}

/// `pool.example.com`, type A.
const QUESTION: &[u8] = b"\x04pool\x07example\x03com\0\0\x01\0\x01";
/// A record of the question's name: 10.0.0.1.
const ADDRESS: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\x0a\0\0\x01";

/// Question, alias, address, name server in the authority section, address in the additional section.
fn answer() -> Vec<u8> {
    message(
        0x8580,
        [1, 2, 1, 2],
        &[
            QUESTION,
            b"\xc0\x0c\0\x05\0\x01\0\0\x0e\x10\0\x06\x03fe1\xc0\x11",
            b"\xc0\x2e\0\x01\0\x01\0\0\x0e\x10\0\x04\x0a\0\0\x01",
            b"\xc0\x11\0\x02\0\x01\0\0\x0e\x10\0\x05\x02ns\xc0\x11",
            b"\xc0\x50\0\x1c\0\x01\0\0\x0e\x10\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x53",
            b"\0\0\x29\x10\0\0\0\0\0\0\0",
        ],
    )
}

fn read_datagram(bytes: &[u8]) -> Message {
    parser::parse(bytes, false, true).expect("a header")
}

fn fields(message: &Message) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    fields.into()
}

#[test]
fn a_question_is_a_query() {
    let message = read_datagram(&message(0x0100, [1, 0, 0, 0], &[QUESTION]));
    assert_eq!(message.event(), Some("query"));
    assert_eq!(
        fields(&message),
        serde_json::json!({"dns.id": "0x002b", "dns.flags.response": false,
            "dns.qry.name": "pool.example.com", "dns.qry.type": 1})
    );
}

#[test]
fn an_answer_gives_the_records_of_answer_and_additional_section() {
    let message = read_datagram(&answer());
    assert_eq!((message.event(), message.problem.as_deref()), (Some("response"), None));
    assert_eq!(
        fields(&message),
        serde_json::json!({"dns.id": "0x002b", "dns.flags.response": true, "dns.flags.rcode": 0,
            "dns.qry.name": "pool.example.com", "dns.qry.type": 1, "dns.resp": [
                {"name": "pool.example.com", "type": 5, "value": "fe1.example.com"},
                {"name": "fe1.example.com", "type": 1, "value": "10.0.0.1"},
                {"name": "ns.example.com", "type": 28, "value": "2001:db8::53"}]})
    );
    assert_eq!(message.records.iter().map(|record| record.answer).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn name_servers_and_reverse_names_are_read() {
    let message = read_datagram(&message(
        0x8180,
        [0, 2, 0, 0],
        &[b"\x01a\0\0\x02\0\x01\0\0\0\0\0\x04\x02ns\0", b"\x01b\0\0\x0c\0\x01\0\0\0\0\0\x06\x04host\0"],
    ));
    assert_eq!(message.question, None);
    assert_eq!(
        message.records.into_iter().map(|record| record.data).collect::<Vec<_>>(),
        [RecordData::NameServer("ns".into()), RecordData::Pointer("host".into())]
    );
}

#[test]
fn a_service_says_priority_weight_port_and_target() {
    // The SRV answer of a public capture.
    let bytes = b"\x10\x0a\x81\x80\0\x01\0\x01\0\0\0\0\x05_demo\x04_tcp\x07example\x04test\0\0\x21\0\x01\
        \xc0\x0c\0\x21\0\x01\0\0\x01\xc2\0\x21\0\0\0\0\x30\x39\x0cservice-host\x07example\x04test\0";
    let message = read_datagram(bytes);
    assert_eq!(
        fields(&message)["dns.resp"],
        serde_json::json!([{"name": "_demo._tcp.example.test", "type": 33, "value": "service-host.example.test",
            "priority": 0, "weight": 0, "port": 12345}])
    );
}

#[test]
fn a_service_that_is_decidedly_not_there_has_no_target() {
    // RFC 2782: "A Target of "." means that the service is decidedly not available at this domain."
    let message = read_datagram(&message(
        0x8580,
        [1, 1, 0, 0],
        &[b"\x04_sip\0\0\x21\0\x01", b"\xc0\x0c\0\x21\0\x01\0\0\0\0\0\x07\0\0\0\0\0\0\0"],
    ));
    let Some(Record { data: RecordData::Service { target, .. }, .. }) = message.records.first() else { panic!("an SRV record") };
    assert!(target.is_empty());
    assert_eq!(fields(&message)["dns.resp"][0]["value"], "<Root>");
}

#[test]
fn names_are_spelt_as_wireshark_spells_them() {
    for (wire, text) in [
        (&b"\0"[..], "<Root>"),
        (b"\x04PooL\0", "PooL"),
        (b"\x07a \t\0\x7f\\.\x03com\0", "a \\t\\000\\177\\..com"),
        (b"\x02\xc3\xa9\x01\xff\0", "\u{e9}.\u{fffd}"),
    ] {
        let message = read_datagram(&message(0x0100, [1, 0, 0, 0], &[wire, b"\0\x01\0\x01"]));
        assert_eq!(fields(&message)["dns.qry.name"], text);
    }
}

#[test]
fn refusals_and_truncation_are_told() {
    let message = read_datagram(&message(0x8383, [1, 0, 0, 0], &[QUESTION]));
    assert_eq!((message.rcode, message.truncated, message.records.len()), (3, true, 0));
    assert_eq!(fields(&message)["dns.flags.rcode"], 3);
}

#[test]
fn what_stands_before_a_bad_record_is_kept() {
    let looped: &[u8] = b"\xc0\xff\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x02";
    let message = read_datagram(&message(0x8180, [1, 3, 0, 0], &[QUESTION, ADDRESS, looped, ADDRESS]));
    assert_eq!(message.records.len(), 1);
    assert!(message.problem.expect("a problem").starts_with("answer record 2: "));
}

#[test]
fn a_bad_value_costs_its_record_only() {
    let long: &[u8] = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x05\x0a\0\0\x02\0";
    let message = read_datagram(&message(0x8180, [1, 2, 0, 0], &[QUESTION, long, ADDRESS]));
    assert_eq!(message.records.len(), 1);
    assert!(message.problem.expect("a problem").starts_with("answer record 1: "));
}

#[test]
fn an_update_may_have_records_without_value() {
    let empty: &[u8] = b"\xc0\x0c\0\x01\0\xfe\0\0\0\0\0\0";
    let message = read_datagram(&message(0x2800, [1, 1, 0, 0], &[QUESTION, empty]));
    assert_eq!((message.opcode, message.records.len(), message.problem), (5, 0, None));
}

#[test]
fn a_name_that_points_at_itself_ends_the_reading() {
    let message = read_datagram(&message(0x0100, [1, 0, 0, 0], &[b"\xc0\x0c\0\x01\0\x01"]));
    assert_eq!(message.question, None);
    assert!(message.problem.is_some());
}

#[test]
fn records_are_kept_up_to_a_limit() {
    let body = [QUESTION, &ADDRESS.repeat(1500)].concat();
    let message = read_datagram(&message(0x8180, [1, 1500, 0, 0], &[&body]));
    assert_eq!((message.records.len(), message.problem.as_deref()), (1000, Some("more than 1000 records")));
}

#[test]
fn every_beginning_of_a_message_is_read_as_far_as_it_goes() {
    let whole = answer();
    for length in 0..whole.len() {
        let message = parser::parse(&whole[..length], false, true);
        assert_eq!(message.is_some(), length >= 12);
        assert!(message.is_none_or(|message| message.problem.is_some()), "{length} octets");
    }
}

#[test]
fn a_datagram_that_the_capture_cut_says_so() {
    let mut out = Messages::default();
    assert!(read(Side::Server, &answer()[..60], false, &mut out));
    assert_eq!(out.0[0].problem.as_deref(), Some("the capture holds only the beginning of the message"));
    assert!(!read(Side::Server, &answer()[..11], true, &mut out));
}

/// Two questions and an answer, as a connection carries them.
fn connection() -> Vec<u8> {
    let question = message(0x0100, [1, 0, 0, 0], &[QUESTION]);
    [&question, &answer(), &question]
        .into_iter()
        .flat_map(|message| [&(message.len() as u16).to_be_bytes()[..], message].concat())
        .collect()
}

/// Feeds a stream in pieces of one length, as the flow table does; gives the messages and what was left over.
fn feed(stream: &[u8], piece: usize) -> (Vec<Message>, usize) {
    let (mut parser, mut out, mut held, mut wanted) = (stream_parser(), Messages::default(), Vec::new(), 0);
    for bytes in stream.chunks(piece) {
        held.extend(bytes);
        if held.len() < wanted {
            continue;
        }
        let Step::Used { bytes, need } = parser.data(Side::Client, &held, &mut out) else { panic!("never done") };
        held.drain(..bytes);
        wanted = need;
    }
    (out.0, held.len())
}

#[test]
fn a_message_on_a_connection_that_the_capture_cut_is_told_as_far_as_it_is_there() {
    let framed = [&(answer().len() as u16).to_be_bytes()[..], &answer()].concat();
    let (mut parser, mut out) = (stream_parser(), Messages::default());
    parser.cut(Side::Server, &framed[..2 + 12 + QUESTION.len()], &mut out);
    let [told] = &out.0[..] else { panic!("{:?}", out.0) };
    assert_eq!(told.question.as_ref().map(|question| question.name.raw()), Some("pool.example.com"));
    assert_eq!(told.problem.as_deref(), Some("the capture holds only the beginning of the message"));
}

#[test]
fn several_messages_come_over_one_connection_however_they_are_cut() {
    let stream = connection();
    let (whole, left) = feed(&stream, stream.len());
    assert_eq!((whole.len(), left), (3, 0));
    assert!(whole.iter().all(|message| message.tcp && message.problem.is_none()));
    for piece in 1..stream.len() {
        assert_eq!(feed(&stream, piece), (whole.clone(), 0), "in pieces of {piece}");
    }
}

#[test]
fn the_stream_says_how_much_it_needs() {
    let mut parser = stream_parser();
    let stream = connection();
    assert_eq!(parser.data(Side::Client, &stream[..1], &mut Messages::default()), Step::Used { bytes: 0, need: 2 });
    assert_eq!(parser.data(Side::Client, &stream[..9], &mut Messages::default()), Step::Used { bytes: 0, need: 36 });
}

#[test]
fn behind_a_hole_the_next_message_is_found() {
    let (mut parser, mut out, stream) = (stream_parser(), Messages::default(), connection());
    parser.gap(Side::Client, 100, &mut out);
    let step = parser.data(Side::Client, b"rest of a message that began in the hole", &mut out);
    assert_eq!(step, Step::Used { bytes: 40, need: 0 });
    parser.data(Side::Client, &stream, &mut out);
    assert_eq!(out.0.len(), 3);
}

#[test]
fn only_what_could_be_dns_is_taken_for_it() {
    let tcp = |bytes: &[u8], server_port| {
        (PROTOCOL.tcp.as_ref().expect("over TCP").probe)(&Probe { side: Side::Client, client_port: 40_000, server_port, bytes })
    };
    assert_eq!(tcp(&connection(), 53), Guess::Yes);
    assert_eq!(tcp(&connection(), 5061), Guess::No);
    assert_eq!(tcp(&connection()[..13], 53), Guess::Maybe);
    // A ClientHello that is sent to port 53 because firewalls let it through.
    assert_eq!(tcp(&[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0x4a, 0xdf, 0xc0], 53), Guess::No);
    let udp = |server_port| {
        let bytes = &answer();
        (PROTOCOL.udp.as_ref().expect("over UDP").probe)(&Probe { side: Side::Server, client_port: 5353, server_port, bytes })
    };
    assert_eq!((udp(53), udp(5353), udp(5355)), (Guess::Yes, Guess::No, Guess::No));
}

#[test]
fn a_question_or_an_answer_that_fills_its_datagram_is_known_at_any_port_of_no_other_protocol() {
    let probe = |server_port, bytes: &[u8]| {
        (PROTOCOL.udp.as_ref().expect("over UDP").probe)(&Probe { side: Side::Client, client_port: 40_000, server_port, bytes })
    };
    let question = [&[0, 43, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], QUESTION].concat();
    assert_eq!([443, 8053].map(|port| probe(port, &question)), [Guess::Yes; 2]);
    assert_eq!([137, 5353, 5355].map(|port| probe(port, &question)), [Guess::No; 3]);
    let mut with_edns = [&question[..], &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(probe(8053, &with_edns), Guess::No, "a record that the header does not count");
    with_edns[11] = 1;
    assert_eq!(probe(8053, &with_edns), Guess::Yes);
    // What pads the message need not be of a known type: DNSCrypt's certificates are asked for like that.
    let padded = [&message(0x0100, [1, 0, 0, 1], &[QUESTION]), &b"\0\0\0\0\0\0\0\0\0\0\x04\0\x0c\0\0"[..]].concat();
    assert_eq!(probe(443, &padded), Guess::Yes);
    let answer = answer();
    assert_eq!(probe(8053, &answer), Guess::Yes);
    assert_eq!(probe(8053, &answer[..answer.len() - 1]), Guess::No, "a record goes beyond the end");
    assert_eq!(probe(8053, &message(0x0100, [1, 1, 0, 0], &[QUESTION, ADDRESS])), Guess::No, "a question that answers");
    for length in 0..question.len() {
        assert_eq!(probe(8053, &question[..length]), Guess::No);
    }
    for (place, octet) in [(2, 0x28), (5, 2), (7, 1), (12, 0xc0), (12, 0x40), (question.len() - 1, 3)] {
        let mut other = question.clone();
        other[place] = octet;
        assert_eq!(probe(8053, &other), Guess::No, "{place}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), place in 12..100_usize, value: u8) {
        let _ = parser::parse(&bytes, false, true);
        feed(&bytes, 7);
        let mut changed = answer();
        if let Some(byte) = changed.get_mut(place) {
            *byte = value;
        }
        prop_assert!(parser::parse(&changed, false, true).is_some());
    }
}
