//! Whole connections of other implementations with their key logs (`samples/`): what is told of them, and what stands inside, is
//! what tshark reads. And what is told where secrets are missing, wrong, or records are lost.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::flow::{Interest, Step};
use crate::keylog::{KeyLog, Keys};
use crate::model::Side;
use crate::protocols::{self, Inner, Out, StreamParser};

use Side::{Client, Server};

/// A sample, taken apart.
struct Sample {
    key_log: String,
    segments: Vec<(Side, Vec<u8>)>,
    tells: Vec<(Side, String)>,
    inside: [Vec<u8>; 2],
}

fn bytes(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn sample(text: &str) -> Sample {
    let mut sample = Sample { key_log: String::new(), segments: Vec::new(), tells: Vec::new(), inside: [Vec::new(), Vec::new()] };
    for line in text.lines() {
        if let Some(key) = line.strip_prefix("key ") {
            sample.key_log.push_str(key);
            sample.key_log.push('\n');
            continue;
        }
        let (side, rest) = line.split_once(' ').unwrap();
        let side = if side == "client" { Client } else { Server };
        match rest.split_once(' ').unwrap() {
            ("sends", digits) => sample.segments.push((side, bytes(digits))),
            ("tells", what) => sample.tells.push((side, what.to_owned())),
            ("inside", digits) => sample.inside[usize::from(side == Server)] = bytes(digits),
            (other, _) => panic!("{other}"),
        }
    }
    assert!(sample.segments.len() >= 3 && !sample.key_log.is_empty() && sample.tells.len() > 3);
    sample
}

const ALL: &[(&str, &str)] = &[
    ("tls10-3des", include_str!("samples/tls10-3des.txt")),
    ("tls10-aes128-sha", include_str!("samples/tls10-aes128-sha.txt")),
    ("tls10-aes256-sha-etm", include_str!("samples/tls10-aes256-sha-etm.txt")),
    ("tls10-rc4-md5", include_str!("samples/tls10-rc4-md5.txt")),
    ("tls11-aes256-sha", include_str!("samples/tls11-aes256-sha.txt")),
    ("tls12-aes128-ccm", include_str!("samples/tls12-aes128-ccm.txt")),
    ("tls12-aes128-gcm", include_str!("samples/tls12-aes128-gcm.txt")),
    ("tls12-aes128-sha256", include_str!("samples/tls12-aes128-sha256.txt")),
    ("tls12-aes256-ccm8", include_str!("samples/tls12-aes256-ccm8.txt")),
    ("tls12-aes256-gcm", include_str!("samples/tls12-aes256-gcm.txt")),
    ("tls12-aes256-sha384-etm", include_str!("samples/tls12-aes256-sha384-etm.txt")),
    ("tls12-chacha20", include_str!("samples/tls12-chacha20.txt")),
    ("tls12-null-sha", include_str!("samples/tls12-null-sha.txt")),
    ("tls12-rc4-sha", include_str!("samples/tls12-rc4-sha.txt")),
    ("tls13-aes128-ccm", include_str!("samples/tls13-aes128-ccm.txt")),
    ("tls13-aes128-ccm8", include_str!("samples/tls13-aes128-ccm8.txt")),
    ("tls13-aes128-gcm", include_str!("samples/tls13-aes128-gcm.txt")),
    ("tls13-aes256-gcm-retry", include_str!("samples/tls13-aes256-gcm-retry.txt")),
    ("tls13-chacha20", include_str!("samples/tls13-chacha20.txt")),
    ("tls13-chain-refused", include_str!("samples/tls13-chain-refused.txt")),
    ("tls13-client-certificate", include_str!("samples/tls13-client-certificate.txt")),
    ("tls13-early-data", include_str!("samples/tls13-early-data.txt")),
    ("tls13-no-client-certificate", include_str!("samples/tls13-no-client-certificate.txt")),
];

fn named(name: &str) -> Sample {
    sample(ALL.iter().find(|(one, _)| *one == name).unwrap().1)
}

/// A parser with secrets, and what came of it.
#[derive(Default)]
struct Listener {
    keys: Keys,
    messages: Vec<(Side, Message)>,
    inside: [Vec<u8>; 2],
    ended: Vec<Side>,
    is_torn: bool,
}

impl Out for Listener {
    fn message(&mut self, side: Side, message: protocols::Message) {
        let protocols::Message::Tls(message) = message else { return };
        self.messages.push((side, message));
    }

    fn keys(&self) -> Option<&Keys> {
        self.keys.any()
    }

    fn inner(&mut self, side: Side, piece: Inner<'_>) -> Interest {
        assert!(!self.is_torn, "nothing is said of what cannot be told in full");
        match piece {
            Inner::Bytes(bytes) => self.inside[usize::from(side == Server)].extend(bytes),
            Inner::End => self.ended.push(side),
            Inner::Torn => self.is_torn = true,
        }
        Interest::Payload
    }
}

struct Feed {
    parser: parser::Parser,
    left: [Vec<u8>; 2],
    out: Listener,
}

impl Feed {
    fn new(key_log: &str) -> Self {
        let mut log = KeyLog::default();
        log.read(key_log.as_bytes(), &mut |line, problem| panic!("{line}: {problem}")).unwrap();
        let out = Listener { keys: Keys::new(Arc::new(log)), ..Listener::default() };
        Self { parser: parser::Parser::default(), left: [Vec::new(), Vec::new()], out }
    }

    fn send(&mut self, side: Side, bytes: &[u8]) {
        let left = &mut self.left[usize::from(side == Server)];
        left.extend(bytes);
        while let Step::Used { bytes: used @ 1.., .. } = self.parser.data(side, left, &mut self.out) {
            left.drain(..used);
            if left.is_empty() {
                return;
            }
        }
    }

    fn lose(&mut self, side: Side, missing: usize) {
        self.left[usize::from(side == Server)].clear();
        self.parser.gap(side, missing as u64, &mut self.out);
    }

    fn decryption(&self) -> Vec<Decryption> {
        let all = self.out.messages.iter();
        all.filter_map(|(_, message)| if let Message::Decryption(what) = message { Some(*what) } else { None }).collect()
    }

    /// Handshake types and alerts, in the words of the samples.
    fn tells(&self) -> Vec<(Side, String)> {
        let told = self.out.messages.iter().filter_map(|(side, message)| {
            let what = match message {
                Message::ClientHello(_) => "handshake 1".to_owned(),
                Message::ServerHello(_) => "handshake 2".to_owned(),
                Message::Certificate(_) => "handshake 11".to_owned(),
                Message::CertificateRequest(_) => "handshake 13".to_owned(),
                Message::CertificateStatus(_) => "handshake 22".to_owned(),
                Message::Handshake(kind) => format!("handshake {kind}"),
                Message::Alert { description, .. } => format!("alert {description}"),
                _ => return None,
            };
            Some((*side, what))
        });
        told.collect()
    }
}

/// Everything that a sample sends.
fn told(sample: &Sample, key_log: &str) -> Feed {
    let mut feed = Feed::new(key_log);
    sample.segments.iter().for_each(|(side, bytes)| feed.send(*side, bytes));
    feed
}

#[test]
fn what_is_told_of_a_connection_with_its_secrets_is_what_tshark_reads() {
    for (name, text) in ALL {
        let sample = sample(text);
        let feed = told(&sample, &sample.key_log);
        assert_eq!(feed.tells(), sample.tells, "{name}");
        assert_eq!(feed.out.inside, sample.inside, "{name}");
        // A server that refuses the client writes no secret for what that would have said.
        let torn = *name == "tls13-no-client-certificate";
        assert_eq!(feed.decryption().len(), 1 + usize::from(torn), "{name}");
        assert_eq!(feed.out.is_torn, torn, "{name}");
        let hidden = |message: &Message| matches!(message, Message::EncryptedHandshake | Message::EncryptedAlert);
        assert!(!feed.out.messages.iter().any(|(_, message)| hidden(message)), "{name}");
    }
}

#[test]
fn the_certificates_of_tls_1_3_are_read() {
    for name in ["tls13-aes128-gcm", "tls13-client-certificate"] {
        let sample = named(name);
        let feed = told(&sample, &sample.key_log);
        let chains = feed.out.messages.iter().filter_map(|(side, message)| match message {
            Message::Certificate(chain) => Some((*side, chain)),
            _ => None,
        });
        let mut sides = Vec::new();
        for (side, chain) in chains {
            sides.push(side);
            assert_eq!(chain.len(), 1);
            assert_eq!(chain[0].body.as_ref().unwrap().subject.text.raw(), "CN=pool");
        }
        assert_eq!(sides.len(), if name == "tls13-aes128-gcm" { 1 } else { 2 });
    }
}

#[test]
fn a_certificate_request_of_tls_1_3_says_which_signatures_it_takes() {
    let sample = named("tls13-no-client-certificate");
    let feed = told(&sample, &sample.key_log);
    let mut requests = feed.out.messages.iter().filter_map(|(_, message)| match message {
        Message::CertificateRequest(request) => Some(request),
        _ => None,
    });
    let request = requests.next().unwrap();
    assert!(request.signature_algorithms.contains(&0x0804), "rsa_pss_rsae_sha256");
    assert!(request.authorities.is_empty());
}

#[test]
fn without_any_secrets_nothing_is_said_of_decryption() {
    for (name, text) in ALL {
        let feed = told(&sample(text), "");
        assert!(feed.decryption().is_empty() && feed.out.inside.concat().is_empty(), "{name}");
        assert!(feed.tells().len() < sample(text).tells.len(), "{name}");
    }
}

#[test]
fn a_connection_whose_secrets_are_not_in_the_log_is_told_once_and_else_like_one_without() {
    let other = named("tls12-aes128-gcm").key_log + &named("tls13-aes128-gcm").key_log;
    for (name, text) in ALL.iter().filter(|(name, _)| !name.ends_with("aes128-gcm")) {
        let sample = sample(text);
        let (feed, bare) = (told(&sample, &other), told(&sample, ""));
        assert_eq!(feed.decryption(), [Decryption::Sealed(Why::NoSecrets)], "{name}");
        assert_eq!(feed.tells(), bare.tells(), "{name}");
        assert!(feed.out.inside.concat().is_empty());
    }
}

/// The same key log with other secrets.
fn falsified(key_log: &str) -> String {
    let wrong = |line: &str| {
        let (rest, secret) = line.rsplit_once(' ').unwrap();
        let first = if secret.starts_with('0') { '1' } else { '0' };
        format!("{rest} {first}{}\n", &secret[1..])
    };
    key_log.lines().map(wrong).collect()
}

#[test]
fn secrets_that_do_not_fit_open_nothing_and_that_is_told() {
    for (name, text) in ALL {
        let sample = sample(text);
        let (feed, bare) = (told(&sample, &falsified(&sample.key_log)), told(&sample, ""));
        assert_eq!(feed.decryption(), [Decryption::Sealed(Why::Unfit)], "{name}");
        assert_eq!(feed.tells(), bare.tells(), "{name}");
        assert!(feed.out.inside.concat().is_empty());
    }
}

#[test]
fn in_tls_1_3_secrets_of_the_handshake_alone_open_no_more_than_that() {
    let sample = named("tls13-aes128-gcm");
    let handshake: String =
        sample.key_log.lines().filter(|line| line.contains("HANDSHAKE")).map(|line| format!("{line}\n")).collect();
    let feed = told(&sample, &handshake);
    assert_eq!(feed.decryption(), [Decryption::Opened, Decryption::Torn]);
    assert!(feed.tells().contains(&(Client, "handshake 20".to_owned())));
    assert!(feed.out.inside.concat().is_empty() && feed.out.is_torn);
}

#[test]
fn the_secrets_of_the_client_alone_open_nothing() {
    let sample = named("tls13-aes128-gcm");
    let client: String =
        sample.key_log.lines().filter(|line| line.starts_with("CLIENT")).map(|line| format!("{line}\n")).collect();
    assert_eq!(told(&sample, &client).decryption(), [Decryption::Sealed(Why::NoSecrets)]);
}

#[test]
fn a_client_that_refuses_the_chain_of_tls_1_3_in_clear_never_had_a_secret_of_its_own() {
    let server = |line: &&str| line.starts_with("SERVER_HANDSHAKE");
    let refused = named("tls13-chain-refused");
    let alone: String = refused.key_log.lines().filter(server).map(|line| format!("{line}\n")).collect();
    let feed = told(&refused, &alone);
    assert_eq!((feed.decryption(), feed.tells()), (vec![Decryption::Opened], refused.tells));
    let taken = named("tls13-aes128-gcm");
    let alone: String = taken.key_log.lines().filter(server).map(|line| format!("{line}\n")).collect();
    assert_eq!(told(&taken, &alone).decryption(), [Decryption::Opened, Decryption::Torn], "what the client says is closed");
}

#[test]
fn a_record_that_was_not_captured_ends_what_is_told_of_the_inside() {
    for name in ["tls12-aes128-gcm", "tls10-aes128-sha", "tls13-chacha20"] {
        let sample = named(name);
        let mut feed = Feed::new(&sample.key_log);
        let last = sample.segments.iter().rposition(|(side, _)| *side == Server).unwrap();
        let first = sample.inside[1].len();
        assert!(first > 0);
        for (place, (side, bytes)) in sample.segments.iter().enumerate() {
            if place == last { feed.lose(*side, bytes.len()) } else { feed.send(*side, bytes) }
        }
        assert_eq!(feed.decryption(), [Decryption::Opened, Decryption::Torn], "{name}");
        assert!(feed.out.is_torn);
    }
}

#[test]
fn a_connection_whose_hello_was_not_captured_is_not_one_without_secrets() {
    for name in ["tls12-aes128-gcm", "tls13-chacha20"] {
        let sample = named(name);
        let mut feed = Feed::new(&sample.key_log);
        feed.lose(Client, sample.segments[0].1.len());
        sample.segments.iter().skip(1).for_each(|(side, bytes)| feed.send(*side, bytes));
        assert_eq!(feed.decryption(), [Decryption::Sealed(Why::Gap)], "{name}");
    }
}

#[test]
fn an_altered_record_ends_its_direction_and_the_inside_of_both() {
    let sample = named("tls12-aes256-gcm");
    let mut feed = Feed::new(&sample.key_log);
    let place = sample.segments.iter().position(|(_, bytes)| bytes[0] == 23).unwrap();
    for (at, (side, bytes)) in sample.segments.iter().enumerate() {
        let mut bytes = bytes.clone();
        if at == place {
            *bytes.last_mut().unwrap() ^= 1;
        }
        feed.send(*side, &bytes);
    }
    assert_eq!(feed.decryption(), [Decryption::Opened, Decryption::Torn]);
    assert!(feed.out.inside[0].is_empty());
}

#[test]
fn the_end_of_a_side_is_the_end_of_what_it_carries() {
    let sample = named("tls13-aes128-gcm");
    let mut feed = told(&sample, &sample.key_log);
    feed.parser.end(Server, &[], &mut feed.out);
    assert_eq!(feed.out.ended, [Server]);
}

#[test]
fn keys_count_as_memory_that_is_held() {
    let sample = named("tls13-aes128-gcm");
    assert_eq!(told(&sample, "").parser.held(), 0);
    assert!(told(&sample, &sample.key_log).parser.held() > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn however_the_segments_are_cut_the_same_is_told(which in 0..ALL.len(), cuts in proptest::collection::vec(1..600_usize, 1..40)) {
        let sample = sample(ALL[which].1);
        let whole = told(&sample, &sample.key_log);
        let mut feed = Feed::new(&sample.key_log);
        let mut sizes = cuts.iter().cycle();
        for (side, bytes) in &sample.segments {
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                feed.send(*side, piece);
                rest = behind;
            }
        }
        prop_assert_eq!(feed.tells(), whole.tells());
        prop_assert_eq!(&feed.out.inside, &whole.out.inside);
    }

    #[test]
    fn whatever_is_altered_no_byte_is_told_that_was_not_sent(which in 0..ALL.len(), segment in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let sample = sample(ALL[which].1);
        let mut feed = Feed::new(&sample.key_log);
        let altered = segment.index(sample.segments.len());
        for (place, (side, bytes)) in sample.segments.iter().enumerate() {
            let mut bytes = bytes.clone();
            if place == altered {
                let at = at.index(bytes.len());
                bytes[at] ^= 1_u8 << bit;
            }
            feed.send(*side, &bytes);
        }
        for (told, sent) in feed.out.inside.iter().zip(&sample.inside) {
            prop_assert!(sent.starts_with(told), "{}", ALL[which].0);
        }
    }
}
