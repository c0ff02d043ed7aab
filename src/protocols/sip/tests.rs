//! Messages of RFC 3261, of its torture tests (RFC 4475) and of Microsoft's servers.

use super::headers::HEADER_LIMIT;
use super::parser::{HEAD_LIMIT, Parser, datagram};
use super::probe::{tcp, udp};
use super::{Message, Start, user};
use crate::flow::Step;
use crate::model::{Side, Time};
use crate::protocols::{Describe, Guess, Message as AnyMessage, Out, Probe, StreamParser};
use crate::text::WireText;
use Side::{Client, Server};

/// What was told.
#[derive(Debug, Default, PartialEq)]
struct Told(Vec<Message>);

impl Out for Told {
    fn message(&mut self, _side: Side, message: AnyMessage) {
        let AnyMessage::Sip(message) = message else { panic!("only SIP comes from here") };
        self.0.push(message.as_ref().clone());
    }
}

fn read(bytes: impl AsRef<[u8]>) -> Message {
    let mut told = Told::default();
    assert!(datagram(Client, bytes.as_ref(), true, &mut told));
    assert_eq!(told.0.len(), 1);
    told.0.remove(0)
}

fn keys(message: &Message) -> Vec<String> {
    let mut keys = Vec::new();
    message.fields(&mut |key, value| keys.push(format!("{key}={value}")));
    keys
}

const REGISTER: &str = "REGISTER sip:contoso.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.4.23:5060;branch=z9hG4bK1\r\n\
    From: \"Lee, \\\"<A>\\\"\" <sip:lee@contoso.com;user=phone>;tag=1\r\nTo: <sip:lee@contoso.com>\r\nCall-ID: a84b4c76e66710\r\n\
    CSeq: 102 REGISTER\r\nUser-Agent: CPE/1.0.522.101 OCPhone/1.0.522.101 (Microsoft Communicator Phone Edition)\r\n\
    Contact: <sip:10.0.4.23:5060;transport=tcp>;methods=\"INVITE, MESSAGE\";expires=600, sip:b@10.0.4.24;q=0.1\r\nEvent: registration\r\n\
    Authorization: NTLM qop=\"auth\", gssapi-data=\"\", realm=\"SIP Communications Service\", targetname=\"pool\", version=3\r\n\
    Content-Length: 4\r\n\r\nbody";

#[test]
fn header_fields_beyond_the_bound_are_left_out() {
    let behind = |fields: usize| {
        let others: String = (0..fields).map(|number| format!("X-{number}: y\r\n")).collect();
        keys(&read(format!("OPTIONS sip:a SIP/2.0\r\n{others}User-Agent: last\r\nContent-Length: 0\r\n\r\n")))
    };
    let last = "sip.User-Agent=\"last\"".to_owned();
    assert!(behind(HEADER_LIMIT - 1).contains(&last));
    assert!(!behind(HEADER_LIMIT).contains(&last));
}

#[test]
fn a_register_is_read_to_the_last_field() {
    let message = read(REGISTER);
    assert_eq!(message.event(), Some("register"));
    assert_eq!(
        keys(&message)[..5],
        [
            "sip.Method=\"REGISTER\"",
            "sip.r-uri=\"sip:contoso.com\"",
            "sip.CSeq=\"102 REGISTER\"",
            "sip.Call-ID=\"a84b4c76e66710\"",
            "sip.User-Agent=\"CPE/1.0.522.101 OCPhone/1.0.522.101 (Microsoft Communicator Phone Edition)\"",
        ]
    );
    let from = message.from.clone().unwrap_or_default();
    assert_eq!((from.raw(), user(&from)), ("sip:lee@contoso.com;user=phone", "sip:lee@contoso.com"));
    assert_eq!(message.to, Some("sip:lee@contoso.com".into()));
    assert_eq!(message.via, Some("10.0.4.23".into()));
    assert_eq!(message.contacts, ["sip:10.0.4.23:5060;transport=tcp".into(), WireText::from("sip:b@10.0.4.24")]);
    assert_eq!((message.expires, message.event.clone()), (Some(600), Some("registration".into())));
    let [auth] = message.credentials.as_slice() else { panic!("one Authorization") };
    assert_eq!((auth.scheme.raw(), auth.gssapi.as_ref().map(|text| text.raw())), ("NTLM", Some("")));
    assert_eq!(auth.realm, Some("SIP Communications Service".into()), "the parameters behind an empty string are read, too");
}

#[test]
fn a_refusal_lists_all_challenges_and_microsofts_reason() {
    let message = read(
        "SIP/2.0 401 Unauthorized\r\nv: SIP/2.0/TCP [2001:db8::9:1]:5060;received=192.0.2.7\r\ni: x\r\nCSeq: 1 REGISTER\r\n\
         Date: Fri, 10 Apr 2009 22:01:03 GMT\r\nWWW-Authenticate: NTLM realm=\"SIP\", targetname=\"s\", version=3\r\n\
         WWW-Authenticate: TLS-DSK realm=\"SIP\", sts-uri=\"https://pool/\"\r\nProxy-Authenticate: Digest realm=a, nonce=\"n\\\"1\", \
         algorithm=MD5,stale=TRUE\r\nMin-Expires: 60\r\nRetry-After: 18 (later);duration=3\r\nServer: RTC/3.5\r\n\
         ms-diagnostics: 1003;reason=\"User does not exist\";source=\"sip.contoso.com\"\r\nReason: SIP;cause=401\r\n\r\n",
    );
    assert_eq!(message.start, Start::Response { code: 401, reason: "Unauthorized".into() });
    assert_eq!((message.event(), message.code(), message.method()), (Some("response"), Some(401), "REGISTER"));
    let schemes: Vec<&str> = message.challenges.iter().map(|auth| auth.scheme.raw()).collect();
    assert_eq!(schemes, ["NTLM", "TLS-DSK", "Digest"]);
    let digest = &message.challenges[2];
    assert_eq!((digest.realm.clone(), digest.nonce.clone(), digest.stale), (Some("a".into()), Some("n\"1".into()), true));
    assert_eq!(digest.algorithm, Some("MD5".into()));
    assert_eq!((message.min_expires, message.retry_after), (Some(60), Some(18)));
    assert_eq!(message.date, Some(Time::from_seconds(1_239_400_863)));
    assert_eq!((message.via, message.received), (Some("2001:db8::9:1".into()), "192.0.2.7".parse().ok()));
    assert_eq!(message.ms_diagnostics.map(|text| text.raw().starts_with("1003;")), Some(true));
    assert_eq!(message.warning, Some("SIP;cause=401".into()));
    assert_eq!(message.call_id, "x".into());
}

#[test]
fn a_tortuous_message_is_read() {
    // After RFC 4475 section 3.1.1.1: folding, blanks around separators, mixed case.
    let message = read(
        "\r\n\r\nINVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\nTO :\r\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n\
         from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n  ;\r\n  tag = 98asjd8\r\nCall-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n\
         cseq: 8\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw\r\ns :\r\nUnknown Header With Blanks: x\r\n\
         m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n      newvalue ;\r\n  secondparam ; q = 0.33\r\n\r\n",
    );
    assert_eq!(message.to, Some("sip:vivekg@chair-dnrc.example.com".into()));
    assert_eq!(message.from, Some("sip:jdrosen@example.com".into()));
    assert_eq!(message.cseq, (8, "INVITE".into()));
    assert_eq!(message.call_id.raw(), "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{");
    assert_eq!(message.via, Some("192.0.2.2".into()));
    assert_eq!(message.contacts, ["sip:jdrosen@example.com".into()]);
}

#[test]
fn a_contact_says_for_how_long_before_the_header_does() {
    let registers =
        |contact: &str| read(format!("REGISTER sip:a SIP/2.0\r\nContact: <sip:b@c>{contact}\r\nExpires: 3600\r\n\r\n"));
    assert_eq!((registers(";expires=0").expires, registers("").expires), (Some(0), Some(3600)), "RFC 3261 section 10.2.1.1");
    assert!(keys(&registers(";expires=0")).contains(&"sip.Expires=3600".to_owned()), "the field is what the field says");
}

#[test]
fn a_user_may_have_semicolons_before_the_domain() {
    assert_eq!(user(&"sip:+1;ext=7@contoso.com;user=phone?x=y".into()), "sip:+1;ext=7@contoso.com");
    assert_eq!(user(&"sip:contoso.com;lr".into()), "sip:contoso.com");
}

#[test]
fn what_no_grammar_takes_is_text() {
    let message =
        read(b"FOO tel:+1 <x>\xff SIP/2.0\nFrom: \xff<sip:a@b\nCSeq: many FOO\rContact: *\nVia: nonsense\nExpires: soon");
    assert_eq!(message.start, Start::Request { method: "FOO".into(), uri: "tel:+1 <x>\u{fffd}".into() });
    assert_eq!(
        (message.event(), message.from.clone(), message.cseq.clone()),
        (Some("request"), Some("sip:a@b".into()), (0, "FOO".into()))
    );
    assert_eq!((message.contacts.clone(), message.via.clone(), message.expires), (vec!["*".into()], None, None));
    let scan = read("REGISTER sip:1.1.1.1:5060 SIP/2.0\r\nExpires: 3600\r\n\r\n");
    assert_eq!(keys(&scan), ["sip.Method=\"REGISTER\"", "sip.r-uri=\"sip:1.1.1.1:5060\"", "sip.Expires=3600"]);
}

#[test]
fn keep_alives_are_no_messages_but_do_not_hide_what_follows() {
    let probe = |port, bytes| udp(&Probe { side: Client, client_port: port, server_port: 31000, bytes });
    let mut told = Told::default();
    for bytes in [&b"\r\n\r\n"[..], b"\0\0\0\0", b"jaK", b""] {
        assert!(!datagram(Client, bytes, true, &mut told));
        assert_eq!(probe(5060, bytes), Guess::Maybe);
        assert_eq!(probe(5062, bytes), Guess::No);
    }
    assert!(told.0.is_empty());
    assert_eq!(probe(31337, REGISTER.as_bytes()), Guess::Yes);
    assert_eq!(probe(5060, b"GET / HTTP/1.1\r\n\r\n"), Guess::Maybe);
    assert_eq!(probe(5062, b"OPTIONS rtsp://cam/ RTSP/1.0\r\n\r\n"), Guess::No);
}

#[test]
fn streams_are_told_from_others_by_their_first_line() {
    let probe = |bytes: &'static str| tcp(&Probe { side: Client, client_port: 50000, server_port: 443, bytes: bytes.as_bytes() });
    for (bytes, guess) in [
        ("REGISTER sip:a SIP/2.0\r\n", Guess::Yes),
        ("SIP/2.0 200 OK\r\n", Guess::Yes),
        ("\r\n\r\nREGI", Guess::Maybe),
        ("SIP/2", Guess::Maybe),
        ("REGISTER sip:a HTTP/1.1\r\n", Guess::No),
        ("GET / SIP/2.0\r\n", Guess::No),
        ("\x16\x03\x01", Guess::No),
        (" \0\0\x01", Guess::No),
    ] {
        assert_eq!(probe(bytes), guess, "{bytes:?}");
    }
}

/// A stream layer in small.
#[derive(Default)]
struct Wire {
    parser: Parser,
    rest: Vec<u8>,
    told: Told,
}

impl Wire {
    fn says(&mut self, bytes: impl AsRef<[u8]>) -> usize {
        let before = self.told.0.len();
        self.rest.extend(bytes.as_ref());
        match self.parser.data(Server, &self.rest, &mut self.told) {
            Step::Used { bytes, need } => {
                assert!(need == 0 || need > self.rest.len() - bytes, "asks for more than there is");
                self.rest.drain(..bytes);
            }
            Step::Done => panic!("SIP is never done"),
        }
        self.told.0.len() - before
    }

    fn loses(&mut self, missing: u64) -> usize {
        let before = self.told.0.len();
        self.rest.clear();
        self.parser.gap(Server, missing, &mut self.told);
        self.told.0.len() - before
    }

    fn ends(&mut self) -> usize {
        let before = self.told.0.len();
        self.parser.end(Server, &std::mem::take(&mut self.rest), &mut self.told);
        self.told.0.len() - before
    }
}

#[test]
fn messages_share_segments_and_segments_share_messages() {
    let mut wire = Wire::default();
    assert_eq!(wire.says(format!("\r\n\r\n{REGISTER}{REGISTER}\r\n\r\nREGI")), 2);
    assert_eq!(wire.says(&REGISTER.as_bytes()[4..REGISTER.len() - 2]), 0);
    assert_eq!(wire.says("dySIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\nSIP/2.0 100 Trying\r\nl: 0\r\n\r\n"), 3);
    assert_eq!(wire.told.0[4].code(), Some(100));
}

#[test]
fn a_hole_costs_no_more_than_it_must() {
    let mut wire = Wire::default();
    wire.says(&REGISTER.as_bytes()[..REGISTER.len() - 3]);
    assert_eq!(wire.loses(2), 1, "the head was whole");
    assert_eq!(wire.says(format!("y{REGISTER}")), 1);
    wire.says("REGISTER sip:a SIP/2.0\r\nCall-ID: 7\r\nTo: x");
    assert_eq!(wire.loses(1000), 1, "what was seen of the head");
    assert_eq!(wire.told.0[2].call_id, "7".into());
    assert_eq!(wire.says(format!("l: 9\r\n\r\n{REGISTER}")), 1);
    wire.says("SIP/2.0 486 Busy\r\nContent-Length: 10\r\n\r\n");
    assert_eq!(wire.ends(), 1);
}

#[test]
fn a_head_longer_than_the_bound_is_given_up() {
    let head = |length: usize| {
        let (begin, end) = ("REGISTER sip:contoso.com SIP/2.0\r\nSubject: ", "\r\n\r\n");
        format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))
    };
    for (length, read) in [(HEAD_LIMIT, 1), (HEAD_LIMIT + 1, 0)] {
        let mut wire = Wire::default();
        let told: usize = head(length).as_bytes().chunks(1_000).map(|piece| wire.says(piece)).sum();
        assert_eq!(told, read);
        assert!(wire.rest.len() <= HEAD_LIMIT, "what is given up is not kept");
        assert_eq!(wire.says(format!("\r\n{REGISTER}")), 1, "the next one is found");
    }
}

#[test]
fn a_first_line_without_end_is_given_up() {
    for begin in ["SIP/2.0 200 ", "REGISTER sip:a SIP/2.0", "REGISTER sip:"] {
        let mut wire = Wire::default();
        assert_eq!(wire.says(format!("{begin}{}", "x".repeat(100_000))), 0);
        assert_eq!(wire.says(format!("\r\n{REGISTER}")), 1, "{begin}");
    }
}

#[test]
fn byte_by_byte_is_the_same_as_at_once() {
    let stream = format!("\r\n\r\n{REGISTER}SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n\r\n\r\n{REGISTER}");
    let (mut whole, mut bytes) = (Wire::default(), Wire::default());
    assert_eq!(whole.says(&stream), 3);
    for byte in stream.bytes() {
        bytes.says([byte]);
    }
    assert_eq!(whole.told, bytes.told);
}

#[test]
fn no_prefix_and_no_bent_byte_panics() {
    for at in 0..REGISTER.len() {
        let mut told = Told::default();
        datagram(Client, &REGISTER.as_bytes()[..at], false, &mut told);
        let mut wire = Wire::default();
        wire.says(&REGISTER.as_bytes()[..at]);
        wire.loses(at as u64);
        wire.says(&REGISTER.as_bytes()[at..]);
        wire.ends();
        for bent in [0, b'\r', b'\n', b'"', b'<', b'\\', 0xc3] {
            let mut bytes = REGISTER.as_bytes().to_vec();
            bytes[at] = bent;
            datagram(Client, &bytes, true, &mut told);
        }
    }
}

/// Pieces of which hostile streams are made.
const PIECES: &[&str] = &[
    "REGISTER sip:a SIP/2.0\r\n",
    "SIP/2.0 401 No\r\n",
    "SIP/2.0",
    "l: 7\r\n",
    "Content-Length: 18446744073709551615\r\n",
    "Via: SIP/2.0/UDP [::1",
    "Contact: \"<a\\",
    "From: <sip:a@b;c>;tag=\r\n",
    "WWW-Authenticate: NTLM a=\"\", b",
    "CSeq: 4294967296 X\r\n",
    "\r\n",
    "\n",
    "\r",
    "\t",
    " ",
    ",",
    ";",
    "=",
    "\"",
    "\u{ff}\0",
];

proptest::proptest! {
    #[test]
    fn whatever_comes_is_used_up_in_the_end(moves in proptest::collection::vec((0..PIECES.len(), 0..40_usize), 0..60)) {
        let mut wire = Wire::default();
        let mut all = Vec::new();
        for (piece, chance) in moves {
            match chance {
                0 => wire.loses(3),
                1 => wire.ends(),
                2 => wire.says(vec![b'x'; 70_000]),
                _ => wire.says(PIECES[piece]),
            };
            all.extend(PIECES[piece].as_bytes());
            datagram(Client, &all, true, &mut Told::default());
            datagram(Client, &[REGISTER.as_bytes(), &all].concat(), true, &mut Told::default());
            datagram(Client, &[b"SIP/2.0 200 OK\r\n", all.as_slice()].concat(), true, &mut Told::default());
            proptest::prop_assert!(wire.rest.len() <= 140_000);
        }
    }
}

#[test]
fn who_said_first_what_others_pass_on_is_the_lowest_via() {
    let origin = |vias: &str| read(format!("REGISTER sip:a SIP/2.0\r\n{vias}\r\n")).origin;
    let (proxy, phone) = ("SIP/2.0/UDP 10.1.1.20;branch=z9hG4bK2", "SIP/2.0/UDP 10.1.2.50:5060;branch=z9hG4bK1");
    assert_eq!(origin(&format!("Via: {phone}\r\n")), None, "itself");
    assert_eq!(origin(&format!("Via: {proxy}\r\nVia: {phone}\r\n")), "10.1.2.50".parse().ok());
    assert_eq!(origin(&format!("v: {proxy}, {phone};received=192.0.2.7\r\n")), "192.0.2.7".parse().ok());
    assert_eq!(origin(&format!("Via: {proxy}\r\nVia: SIP/2.0/UDP phone.invalid\r\n")), None, "a name");
    assert_eq!(origin(&format!("Via: {proxy}\r\nVia: SIP/2.0/UDP [2001:db8::7]:5060\r\n")), "2001:db8::7".parse().ok());
}
