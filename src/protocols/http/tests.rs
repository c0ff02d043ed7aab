//! One connection at a time: these bytes in, these messages out, and when.

use std::io::Write;

use super::body::RATIO_LIMIT;
use super::parser::{HEAD_LIMIT, Parser, WAITING_LIMIT};
use super::probe::tcp;
use super::{BODY_LIMIT, Credentials, Message, Response};
use crate::flow::Step;
use crate::formats::ntlm;
use crate::model::{Side, Time};
use crate::protocols::{Describe, Guess, Message as AnyMessage, Out, Probe, StreamParser};
use Side::{Client, Server};

/// A stream layer in small: keeps what is left over, and takes what is told.
#[derive(Default)]
struct Wire {
    parser: Parser,
    rest: [Vec<u8>; 2],
    told: Told,
    done: bool,
}

/// What was told, and by whom.
#[derive(Debug, Default, PartialEq)]
struct Told(Vec<(Side, Message)>);

impl Out for Told {
    fn message(&mut self, side: Side, message: AnyMessage) {
        let AnyMessage::Http(message) = message else { panic!("only HTTP comes from here") };
        self.0.push((side, message));
    }
}

impl Wire {
    fn rest(&mut self, side: Side) -> &mut Vec<u8> {
        &mut self.rest[usize::from(side == Server)]
    }

    /// How many messages these bytes complete.
    fn says(&mut self, side: Side, bytes: impl AsRef<[u8]>) -> usize {
        let before = self.told.0.len();
        self.rest(side).extend(bytes.as_ref());
        let rest = std::mem::take(self.rest(side));
        match self.parser.data(side, &rest, &mut self.told) {
            Step::Used { bytes, need } => {
                assert!(need == 0 || need > rest.len() - bytes, "asks for more than there is");
                *self.rest(side) = rest[bytes..].to_vec();
            }
            Step::Done => self.done = true,
        }
        self.done |= self.parser.is_over();
        self.told.0.len() - before
    }

    fn loses(&mut self, side: Side, missing: u64) -> usize {
        let before = self.told.0.len();
        self.rest(side).clear();
        self.parser.gap(side, missing, &mut self.told);
        self.told.0.len() - before
    }

    fn ends(&mut self, side: Side) -> usize {
        let before = self.told.0.len();
        let rest = std::mem::take(self.rest(side));
        self.parser.end(side, &rest, &mut self.told);
        self.told.0.len() - before
    }

    fn response(&self) -> &Response {
        match self.told.0.last() {
            Some((_, Message::Response(response))) => response,
            other => panic!("a response was expected, not {other:?}"),
        }
    }

    fn asked(&self) -> Option<&str> {
        self.response().request.as_ref().map(|request| request.uri.raw())
    }
}

fn keys(message: &Message) -> Vec<String> {
    let mut keys = Vec::new();
    message.fields(&mut |key, value| keys.push(format!("{key}={value}")));
    keys
}

const GET: &str = "GET /certsrv/certnew.p7b?ReqID=CACert HTTP/1.1\r\nHost: ca.contoso.com\r\nUser-Agent: CPE/1.0\r\n\r\n";

#[test]
fn a_request_and_its_answer_have_wiresharks_keys() {
    let mut wire = Wire::default();
    assert_eq!(wire.says(Client, GET), 1);
    assert_eq!(
        keys(&wire.told.0[0].1),
        [
            "http.request.method=\"GET\"",
            "http.request.uri=\"/certsrv/certnew.p7b?ReqID=CACert\"",
            "http.host=\"ca.contoso.com\"",
            "http.user_agent=\"CPE/1.0\"",
        ]
    );
    let answer = "HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-IIS/6.0\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate:  NTLM \r\n\
        Date: Fri, 10 Apr 2009 22:01:03 GMT\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(wire.says(Server, answer), 1);
    assert_eq!(
        keys(&wire.told.0[1].1),
        ["http.response.code=401", "http.server=\"Microsoft-IIS/6.0\"", "http.www_authenticate=[\"Negotiate\",\"NTLM\"]",]
    );
    assert_eq!(wire.told.0[1].1.event(), Some("response"));
    assert_eq!(wire.response().date, Some(Time::from_seconds(1_239_400_863)));
    assert!(wire.response().body.complete);
    assert_eq!(wire.asked(), Some("/certsrv/certnew.p7b?ReqID=CACert"));
}

#[test]
fn a_message_is_told_when_its_body_is_complete() {
    let mut wire = Wire::default();
    assert_eq!(wire.says(Client, "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc"), 0);
    assert_eq!(wire.says(Client, "de"), 1);
    assert_eq!(wire.says(Server, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"), 0);
    assert_eq!(wire.says(Server, "ab"), 0);
    assert_eq!(wire.says(Server, "cd"), 1);
    assert_eq!(&*wire.response().body.bytes, b"abcd");
}

#[test]
fn of_more_waiting_requests_than_the_bound_the_oldest_goes() {
    for (requests, first) in [(WAITING_LIMIT, "/0"), (WAITING_LIMIT + 1, "/1")] {
        let mut wire = Wire::default();
        let asked: String = (0..requests).map(|number| format!("GET /{number} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
        assert_eq!(wire.says(Client, asked), requests);
        wire.says(Server, "HTTP/1.1 204 No Content\r\n\r\n");
        assert_eq!(wire.asked(), Some(first));
    }
}

#[test]
fn pipelined_answers_are_joined_in_order_and_interim_ones_leave_the_request_waiting() {
    let mut wire = Wire::default();
    assert_eq!(wire.says(Client, "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"), 3);
    assert_eq!(wire.says(Server, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), 1);
    assert_eq!(wire.asked(), Some("/1"));
    assert_eq!(wire.says(Server, "HTTP/1.1 100 Continue\r\n\r\n"), 1);
    assert_eq!(wire.asked(), Some("/2"));
    assert_eq!(wire.says(Server, "HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), 2);
    assert_eq!(wire.asked(), Some("/3"));
    let indices: Vec<u32> =
        wire.told.0.iter().filter_map(|(_, m)| if let Message::Request(r) = m { Some(r.index) } else { None }).collect();
    assert_eq!(indices, [0, 1, 2]);
}

#[test]
fn chunks_are_joined_and_extensions_and_trailers_passed_over() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    let answer =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nX: y\r\n";
    assert_eq!(wire.says(Server, answer), 0);
    assert_eq!(wire.says(Server, "\r\n"), 1);
    assert_eq!(&*wire.response().body.bytes, b"Wikipedia");
    assert!(wire.response().body.complete);
}

#[test]
fn a_broken_chunk_gives_what_came_before_it_and_the_next_message_is_found() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    assert_eq!(wire.says(Server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"), 1);
    assert_eq!((&*wire.response().body.bytes, wire.response().body.complete), (&b"abc"[..], false));
    assert_eq!(wire.says(Server, "junk HTTP/1.1 junk\nmore HTTP/1.1 204 No Content\r\n\r\n"), 1);
    assert_eq!(wire.response().code, 204);
}

#[test]
fn a_body_without_a_length_lasts_until_the_connection_ends() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    assert_eq!(wire.says(Server, "HTTP/1.0 200 OK\n\nab"), 0);
    assert_eq!(wire.ends(Client), 0);
    assert_eq!(wire.says(Server, "cd"), 0);
    assert_eq!(wire.ends(Server), 1);
    assert_eq!((&*wire.response().body.bytes, wire.response().body.complete), (&b"abcd"[..], true));
}

#[test]
fn a_body_that_is_cut_off_is_not_complete() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    wire.says(Server, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(wire.ends(Server), 1);
    assert_eq!((&*wire.response().body.bytes, wire.response().body.complete), (&b"abc"[..], false));
}

#[test]
fn a_body_too_long_to_be_kept_has_arrived_all_the_same() {
    let image = "x".repeat(100_000);
    let mut wire = Wire::default();
    wire.says(Client, "GET /sip.ld HTTP/1.1\r\n\r\n");
    wire.says(Server, format!("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{image}"));
    assert_eq!((wire.response().body.complete, wire.response().body.arrived), (false, true));
    wire.says(Client, "GET /sip.ld HTTP/1.1\r\n\r\n");
    wire.says(Server, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx");
    wire.loses(Server, 5);
    assert!(!wire.response().body.arrived, "a part of it is missing");
}

#[test]
fn a_hole_in_a_body_tells_the_message_and_keeps_the_framing() {
    let mut wire = Wire::default();
    wire.says(Client, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    wire.says(Server, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    assert_eq!(wire.loses(Server, 5), 1);
    assert!(!wire.response().body.complete);
    assert_eq!(wire.says(Server, "ijHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), 1);
    assert_eq!((wire.response().code, wire.asked()), (404, Some("/2")));
}

#[test]
fn a_head_that_is_cut_off_is_told_as_far_as_it_was_seen() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    assert_eq!(wire.says(Server, "HTTP/1.1 403 Forbidden\r\nServer: IIS\r\nConte"), 0);
    assert_eq!(wire.loses(Server, 700), 1);
    assert_eq!((wire.response().code, wire.asked()), (403, Some("/certsrv/certnew.p7b?ReqID=CACert")));
    assert_eq!(wire.response().server.as_ref().map(|text| text.raw()), Some("IIS"));
    let mut wire = Wire::default();
    wire.says(Client, "GET /x HTTP/1.1\r\nHost: a\r\n");
    assert_eq!(wire.ends(Client), 1);
}

#[test]
fn a_request_line_that_is_cut_off_behind_its_target_tells_the_target() {
    for (line, told) in [("GET /x?y HTT", 1), ("GET /x HTTP/1.", 1), ("GET /x", 0), ("FOO /x HTT", 0), ("GET /x y", 0)] {
        let mut wire = Wire::default();
        wire.says(Client, line);
        assert_eq!(wire.loses(Client, 400), told, "{line}");
        if let Some((_, Message::Request(request))) = wire.told.0.last() {
            assert!(!request.uri.raw().contains(' '), "{line}");
        }
    }
}

#[test]
fn a_first_line_is_judged_when_it_is_whole_however_it_comes() {
    let bytes = "POST /x HTTP/0.1\r\nHost: a\r\n\r\n";
    let mut whole = Wire::default();
    whole.says(Client, bytes);
    let mut pieces = Wire::default();
    for byte in bytes.bytes() {
        pieces.says(Client, [byte]);
    }
    assert_eq!((whole.told.0.len(), pieces.told.0.len()), (0, 0));
}

#[test]
fn what_looked_like_the_beginning_of_a_version_and_was_none_is_not_told() {
    let mut wire = Wire::default();
    for byte in "GET /x H<bo".bytes() {
        wire.says(Client, [byte]);
    }
    assert_eq!(wire.loses(Client, 400), 0);
}

#[test]
fn after_a_hole_that_may_hold_requests_nothing_is_joined_wrongly() {
    let mut wire = Wire::default();
    wire.says(Client, GET);
    wire.loses(Server, 300);
    assert_eq!(wire.says(Server, "…HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), 1);
    assert_eq!(wire.asked(), None);
}

#[test]
fn compressed_bodies_are_undone_within_limits() {
    let head = |coding: &str, length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\n\r\n")
    };
    let level = flate2::Compression::best();
    let page = b"<html>Sign in</html>".repeat(10);
    let bomb = vec![0; BODY_LIMIT + 1];
    let gzip = |bytes: &[u8]| {
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), level);
        coder.write_all(bytes).expect("memory");
        coder.finish().expect("memory")
    };
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(&page).expect("memory");
    let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), level);
    bare.write_all(&page).expect("memory");
    let plain = [("gzip", gzip(&page)), ("deflate", zlib.finish().expect("memory")), ("deflate", bare.finish().expect("memory"))];
    for (coding, body) in plain {
        let mut wire = Wire::default();
        wire.says(Server, [head(coding, body.len()).as_bytes(), &body].concat());
        assert_eq!((&*wire.response().body.bytes, wire.response().body.complete), (&page[..], true), "{coding}");
    }
    let mut wire = Wire::default();
    let body = gzip(&bomb);
    wire.says(Server, [head("gzip", body.len()).as_bytes(), &body].concat());
    assert_eq!((wire.response().body.bytes.len(), wire.response().body.complete), (RATIO_LIMIT * body.len(), false));
    assert!(RATIO_LIMIT * body.len() < BODY_LIMIT);
    let mut wire = Wire::default();
    wire.says(Server, [head("br", 3).as_bytes(), b"abc"].concat());
    assert_eq!((wire.response().body.bytes.len(), wire.response().body.complete), (0, false));
}

#[test]
fn only_bodies_that_may_matter_are_kept() {
    for (uri, kind, length, kept) in [
        ("/", "text/html", 64 * 1024, true),
        ("/", "text/html", 64 * 1024 + 1, false),
        ("/certsrv/certnew.p7b", "application/x-pkcs7-certificates", 100_000, true),
        ("/CertEnroll/root.crt", "application/octet-stream", 100_000, true),
        ("/sip.ld", "application/octet-stream", 100_000, false),
        ("/ring.wav", "audio/x-wav", 100, false),
        ("/root.cer", "application/pkix-cert", BODY_LIMIT + 1, false),
    ] {
        let mut wire = Wire::default();
        wire.says(Client, format!("GET {uri} HTTP/1.1\r\n\r\n"));
        wire.says(Server, format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"));
        assert_eq!(wire.says(Server, vec![b'x'; length]), 1);
        let body = &wire.response().body;
        assert_eq!((body.complete, body.bytes.len()), (kept, if kept { length } else { 0 }), "{uri} {kind} {length}");
    }
}

#[test]
fn authorization_is_understood() {
    let type_1 = "TlRMTVNTUAABAAAABwIAAgcABwAoAAAA";
    for (header, wanted, last) in [
        ("Authorization: Basic dXNlcjpwdw==", Credentials::Basic, true),
        ("Authorization: Digest username=\"a\"", Credentials::Digest, true),
        (&format!("Authorization: NTLM {type_1}"), Credentials::Ntlm(ntlm::Token::Negotiate), false),
        (&format!("Proxy-Authorization: Negotiate {type_1}"), Credentials::Ntlm(ntlm::Token::Negotiate), false),
        ("Authorization: Negotiate YIIGhgYGKwYBBQUC", Credentials::Negotiate, true),
        ("Authorization: Bearer x.y", Credentials::Other("Bearer".into()), true),
    ] {
        let mut wire = Wire::default();
        wire.says(Client, format!("GET / HTTP/1.1\r\n{header}\r\n\r\n"));
        let Some((_, Message::Request(request))) = wire.told.0.first() else { panic!("a request") };
        assert_eq!(request.credentials.as_ref(), Some(&wanted), "{header}");
        assert_eq!(wanted.is_final_leg(), last, "{header}");
        assert_eq!(request.to_proxy, header.starts_with("Proxy"));
    }
}

#[test]
fn tunnels_and_upgrades_end_http() {
    for (request, answer) in [
        ("CONNECT pool.contoso.com:443 HTTP/1.1\r\n\r\n", "HTTP/1.0 200 Connection Established\r\n\r\n"),
        ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ] {
        let mut wire = Wire::default();
        wire.says(Client, request);
        assert_eq!(wire.says(Server, [answer.as_bytes(), b"\x16\x03\x01"].concat()), 1);
        assert!(wire.done);
        assert_eq!(wire.rest(Server), b"\x16\x03\x01", "what follows is another's");
    }
    let mut wire = Wire::default();
    wire.says(Client, "CONNECT a:443 HTTP/1.1\r\n\r\n");
    assert_eq!(wire.says(Server, "HTTP/1.1 407 Auth\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"), 1);
    assert!(!wire.done);
}

#[test]
fn what_a_client_sends_before_its_tunnel_stands_waits_for_the_answer() {
    let hello = b"\x16\x03\x01\x00\x05";
    let mut wire = Wire::default();
    wire.says(Client, "CONNECT a:443 HTTP/1.1\r\n\r\n");
    wire.says(Client, hello);
    assert_eq!(wire.rest(Client), hello);
    wire.says(Server, "HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(wire.says(Client, b"\r\nGET / HTTP/1.1\r\n\r\n"), 1, "no tunnel: it was bad HTTP, and that goes on");
    wire.says(Server, "HTTP/1.1 204\r\n\r\n");
    wire.says(Client, "CONNECT a:443 HTTP/1.1\r\n\r\n");
    wire.says(Client, vec![b'x'; 70_000]);
    assert!(wire.rest(Client).len() < 70_000, "it does not wait with more than a head");
}

#[test]
fn what_httparse_refuses_is_read_line_by_line() {
    let mut wire = Wire::default();
    let many: String = (0..300).map(|n| format!("X-{n}: y\r\n")).collect();
    assert_eq!(wire.says(Client, format!("GET /a b\x01 HTTP/1.1\r\nHost : h\r\nbad header\r\n{many}\r\n")), 1);
    let Some((_, Message::Request(request))) = wire.told.0.first() else { panic!("a request") };
    assert_eq!((request.uri.raw(), request.host.as_ref().map(|host| host.raw())), ("/a b\x01", Some("h")));
    assert_eq!(
        wire.says(Server, format!("HTTP/1.1 200\r\nServer : s\r\n{many}Content-Length: 0\r\n\r\n").replace("299", "200")),
        0
    );
    assert_eq!(wire.ends(Server), 1, "the length lies beyond the headers that are looked at");
    assert_eq!(wire.response().server.as_ref().map(|text| text.raw()), Some("s"));
}

#[test]
fn probes_take_what_wireshark_takes() {
    let probe =
        |server_port, bytes: &'static str| tcp(&Probe { side: Client, client_port: 50000, server_port, bytes: bytes.as_bytes() });
    for (port, bytes, guess) in [
        (4711, "GET / HTTP/1.1\r\n", Guess::Yes),
        (4711, "FROBNICATE /x y HTTP/1.0\r\n", Guess::Yes),
        (4711, "HTTP/1.1 200 OK", Guess::Yes),
        (4711, "GET /not-yet-whole", Guess::Maybe),
        (4711, "HTT", Guess::Maybe),
        (4711, "GET /\r\n", Guess::No),
        (80, "GET /\r\n", Guess::Yes),
        (5985, "POST /wsman", Guess::Yes),
        (80, "FROBNICATE /x\r\n", Guess::No),
        (80, "OPTIONS rtsp://cam/ RTSP/1.0\r\n", Guess::No),
        (80, "OPTIONS sip:a@b SIP/2.0\r\n", Guess::No),
        (80, "PRI * HTTP/2.0\r\n", Guess::No),
        (80, "\x16\x03\x01", Guess::No),
        (80, "220 ready\r\n", Guess::No),
    ] {
        assert_eq!(probe(port, bytes), guess, "{port} {bytes:?}");
    }
}

/// Two requests and three answers with everything that has a length.
fn conversation() -> [Vec<u8>; 2] {
    let requests =
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n\r\nGET /root.crt HTTP/1.1\r\nHost: h\r\n\r\n";
    let answers = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc\
        HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/pkix-cert\r\n\r\n3\r\n\x30\x01\x02\r\n0\r\n\r\n";
    [requests.into(), answers.into()]
}

#[test]
fn a_head_longer_than_the_bound_is_given_up() {
    let head = |length: usize| {
        let (begin, end) = ("GET / HTTP/1.1\r\nX: ", "\r\n\r\n");
        format!("{begin}{}{end}", "x".repeat(length - begin.len() - end.len()))
    };
    for (length, read) in [(HEAD_LIMIT, 1), (HEAD_LIMIT + 1, 0)] {
        assert_eq!(Wire::default().says(Client, head(length)), read);
        let mut wire = Wire::default();
        let told: usize = head(length).as_bytes().chunks(1_000).map(|piece| wire.says(Client, piece)).sum();
        assert_eq!(told, read, "in pieces");
        assert!(wire.rest(Client).len() <= HEAD_LIMIT, "what is given up is not kept");
        assert_eq!(wire.says(Client, format!("\r\n{GET}")), 1, "the next one is found");
    }
}

#[test]
fn a_first_line_without_end_is_given_up() {
    for begin in ["HTTP/1.1 200 ", "GET /", "GET / HTTP/1.1"] {
        let mut wire = Wire::default();
        assert_eq!(wire.says(Client, format!("{begin}{}", "x".repeat(100_000))), 0);
        assert_eq!(wire.says(Client, format!("\r\n{GET}")), 1, "{begin}");
    }
}

#[test]
fn byte_by_byte_is_the_same_as_at_once() {
    let [requests, answers] = conversation();
    let (mut whole, mut bytes) = (Wire::default(), Wire::default());
    whole.says(Client, &requests);
    whole.says(Server, &answers);
    for (side, text) in [(Client, requests), (Server, answers)] {
        for byte in text {
            bytes.says(side, [byte]);
        }
    }
    assert_eq!(whole.told.0.len(), 5);
    assert_eq!(whole.told, bytes.told);
}

#[test]
fn no_prefix_and_no_bent_byte_panics() {
    let [requests, answers] = conversation();
    for (side, text) in [(Client, requests), (Server, answers)] {
        for end in 0..text.len() {
            let mut wire = Wire::default();
            wire.says(side, &text[..end]);
            wire.loses(side, end as u64);
            wire.says(side, &text[end..]);
            wire.ends(side);
            for bent in [0, b'\n', b' ', 0xff] {
                let mut text = text.clone();
                text[end] = bent;
                let mut wire = Wire::default();
                wire.says(side, &text);
                wire.ends(side);
            }
        }
    }
}

/// Pieces of which hostile streams are made.
const PIECES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "HEAD /x HTTP/1.0\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 \r\n",
    "HTTP/1.1 304\r\n",
    "HTTP/1.",
    "Content-Length: 7\r\n",
    "Content-Length: 18446744073709551615\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Encoding: gzip\r\n",
    "\r\n",
    "\n",
    "\r",
    "5\r\n",
    "ffffffffffffffff\r\n",
    "0\r\n",
    "abcdefg",
    " folded",
    ":",
    "\0\u{ff}",
];

proptest::proptest! {
    #[test]
    fn whatever_comes_is_used_up_in_the_end(
        moves in proptest::collection::vec((0..PIECES.len(), 0..40_usize, proptest::bool::ANY), 0..60),
    ) {
        let mut wire = Wire::default();
        for (piece, chance, server) in moves {
            let side = if server { Server } else { Client };
            match chance {
                0 => wire.loses(side, 3),
                1 => wire.ends(side),
                2 => wire.says(side, vec![b'x'; 70_000]),
                _ => wire.says(side, PIECES[piece]),
            };
            proptest::prop_assert!(wire.done || wire.rest(side).len() <= 140_000);
        }
    }
}

#[test]
fn a_version_that_breaks_off_does_not_tell_yet() {
    let guess = |text: &str| super::probe::message_start(text.as_bytes());
    assert_eq!([guess("HTTP/1."), guess("HTTP/1.1"), guess("HTTP/1.r")], [Guess::Maybe, Guess::Yes, Guess::No]);
}

#[test]
fn a_first_line_is_found_again_behind_a_hole_however_small_the_pieces_are() {
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    for piece in [1, 2, 7, answer.len()] {
        let mut wire = Wire::default();
        wire.says(Server, b"HTTP/1.1 200 OK\r\nServer: a");
        wire.loses(Server, 40);
        let told: usize = answer.chunks(piece).map(|bytes| wire.says(Server, bytes)).sum();
        assert_eq!(told, 1, "in pieces of {piece}");
    }
}

#[test]
fn where_framing_was_lost_a_line_counts_once_it_is_whole_however_it_comes() {
    let line = "GET /a HTTP/1.1\r\u{1}/HTTP/1.1 401 Unauthorized\r\n\r\n";
    let told = |pieces: &[&str]| {
        let mut wire = Wire::default();
        wire.says(Client, "\u{1}\n");
        pieces.iter().for_each(|piece| {
            wire.says(Client, piece);
        });
        wire.told
    };
    let (begin, end) = line.split_at(line.len() - 6);
    assert_eq!(told(&[line]), told(&[begin, end]));
}
