//! NTP packets, built after RFC 5905, and what is read from them.

use super::*;
use crate::protocols::Describe;

/// A client's question and the answer, hand-made after RFC 4330: 2009-04-10 22:01:03.25 UTC.
fn packet(first: u8, stratum: u8) -> Vec<u8> {
    let mut bytes = vec![first, stratum, 6, 0xec];
    bytes.extend([0; 8]);
    bytes.extend(*b"RATE");
    for stamp in [0_u64, 1, 2, 0xcd8a_401f_4000_0000] {
        bytes.extend(stamp.to_be_bytes());
    }
    bytes
}

fn fields(message: &Message) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    fields.into()
}

#[test]
fn an_answer_tells_the_servers_clock() {
    let message = parser::parse(&packet(0x24, 2)).expect("48 octets");
    assert_eq!((message.leap, message.version, message.mode, message.stratum), (0, 4, 4, 2));
    assert_eq!((message.originate, message.receive), (1, 2));
    assert_eq!(message.transmit_time().map(|time| time.to_string()).as_deref(), Some("2009-04-10T22:01:03.250000000Z"));
    assert_eq!(message.event(), Some("server"));
    assert_eq!(
        fields(&message),
        serde_json::json!({"ntp.flags.li": 0, "ntp.flags.vn": 4, "ntp.flags.mode": 4, "ntp.stratum": 2})
    );
}

#[test]
fn a_kiss_of_death_keeps_its_code() {
    let message = parser::parse(&packet(0xe4, 0)).expect("48 octets");
    assert_eq!((message.leap, message.stratum, &message.reference_id), (3, 0, b"RATE"));
}

#[test]
fn era_1_begins_in_2036() {
    assert_eq!(to_time(0), None);
    assert_eq!(to_time(1 << 32).map(|time| time.whole_seconds()).as_deref(), Some("2036-02-07T06:28:17Z"));
    assert_eq!(to_time(0x8000_0000 << 32).map(|time| time.whole_seconds()).as_deref(), Some("1968-01-20T03:14:08Z"));
}

#[test]
fn every_version_and_every_mode_is_read() {
    for version in 0..8_u8 {
        for (mode, word) in
            ["reserved", "symmetric_active", "symmetric_passive", "client", "server", "broadcast", "control", "private"]
                .into_iter()
                .enumerate()
        {
            let message = parser::parse(&packet(version << 3 | mode as u8, 3)).expect("48 octets");
            assert_eq!((message.version, message.event()), (version, Some(word)));
        }
    }
}

#[test]
fn control_and_private_packets_have_no_stratum_and_no_clock() {
    let control = parser::parse(&packet(0x16, 2)).expect("an octet of flags");
    assert_eq!(fields(&control), serde_json::json!({"ntp.flags.li": 0, "ntp.flags.vn": 2, "ntp.flags.mode": 6}));
    let private = parser::parse(&packet(0xd7, 2)).expect("an octet of flags");
    assert_eq!(fields(&private), serde_json::json!({"ntp.flags.vn": 2, "ntp.flags.mode": 7}));
    assert_eq!((control.transmit_time(), private.transmit_time()), (None, None));
}

#[test]
fn what_follows_the_header_changes_nothing() {
    for extra in [4, 12, 20, 24, 37] {
        let mut bytes = packet(0x23, 0);
        bytes.extend(std::iter::repeat_n(0x5a, extra));
        assert_eq!(parser::parse(&bytes), parser::parse(&packet(0x23, 0)));
    }
}

#[test]
fn a_short_packet_keeps_its_flags() {
    let whole = packet(0x23, 2);
    for length in 0..whole.len() {
        let message = parser::parse(&whole[..length]);
        assert_eq!(message.is_some(), length >= 2);
        assert!(message.is_none_or(|m| m.cut && m.stratum == 2 && (m.transmit_time().is_none() || length > 40)));
    }
}

#[test]
fn only_port_123_is_ntp() {
    let bytes = packet(0x23, 0);
    let guess = |client_port, server_port| {
        (PROTOCOL.udp.as_ref().expect("over UDP").probe)(&Probe { side: Side::Client, client_port, server_port, bytes: &bytes })
    };
    assert_eq!(
        (guess(123, 123), guess(4000, 123), guess(123, 4000), guess(4000, 4001)),
        (Guess::Yes, Guess::Yes, Guess::Yes, Guess::No)
    );
}
