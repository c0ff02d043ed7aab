//! Is this TLS? By content; the port decides only where content cannot.

use super::record::{self, Header};
use super::{handshake, sslv2};
use crate::protocols::{Guess, Probe};

/// Ports where TLS is at home: HTTPS, LDAPS, IMAPS, POP3S, SIPS and its relatives, provisioning, FTPS, SMTPS, the global
/// catalogue.
const PORTS: &[u16] =
    &[443, 465, 636, 853, 989, 990, 992, 993, 994, 995, 2443, 3269, 4443, 5061, 5062, 5091, 5223, 5986, 8443, 9443];

/// Looks at the first bytes of a side.
pub(super) fn probe(probe: &Probe<'_>) -> Guess {
    match (record(probe.bytes), sslv2(probe.bytes)) {
        (Guess::Yes, _) | (_, Guess::Yes) => Guess::Yes,
        (Guess::Maybe, _) | (_, Guess::Maybe) => Guess::Maybe,
        // The middle of a record, where the beginning of the connection was not captured.
        _ if is_home(probe) && !is_text(probe.bytes) => Guess::Maybe,
        _ => Guess::No,
    }
}

/// Do these bytes begin with a record that begins with a client's hello?
pub(super) fn is_client_hello(bytes: &[u8]) -> bool {
    let plausible = Header::read(bytes).is_some_and(|header| header.kind == record::HANDSHAKE && header.is_plausible());
    plausible && bytes.get(record::HEADER) == Some(&handshake::CLIENT_HELLO)
}

fn is_home(probe: &Probe<'_>) -> bool {
    PORTS.iter().any(|port| probe.on_port(*port))
}

/// Plain text begins with letters; TLS records never do. Fewer than four bytes do not tell.
fn is_text(bytes: &[u8]) -> bool {
    bytes.len() >= 4 && bytes.iter().take(4).all(|byte| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~'))
}

fn record(bytes: &[u8]) -> Guess {
    let Some(header) = Header::read(bytes) else {
        let begins = matches!(bytes, [] | [20..=24] | [20..=24, 3] | [20..=24, 3, 0..=4, ..]);
        return if begins { Guess::Maybe } else { Guess::No };
    };
    if !header.is_plausible() {
        return Guess::No;
    }
    let body = bytes.get(record::HEADER..).unwrap_or_default();
    match (header.kind, body) {
        // Each record of application data looks like any other; so does any other under encryption.
        (record::APPLICATION_DATA, _) | (_, [_, ..]) => begins_well(header, body),
        _ => Guess::Maybe,
    }
}

fn begins_well(header: Header, body: &[u8]) -> Guess {
    let is_good = match (header.kind, body) {
        (record::CHANGE_CIPHER_SPEC, [first, ..]) => header.length > 1 || *first == 1,
        (record::HANDSHAKE, _) => header.body() >= handshake::HEADER,
        (record::HEARTBEAT, [first, ..]) => matches!(first, 1 | 2) || header.body() >= 16,
        _ => true,
    };
    if is_good { Guess::Yes } else { Guess::No }
}

fn sslv2(bytes: &[u8]) -> Guess {
    if bytes.is_empty() || !sslv2::Header::may_begin(bytes) {
        return Guess::No;
    }
    if bytes.len() < sslv2::FIXED {
        return Guess::Maybe;
    }
    if sslv2::Header::read(bytes).is_some() { Guess::Yes } else { Guess::No }
}
