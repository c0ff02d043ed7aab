//! ARP packets after RFC 826, and what is read from them.

use super::*;
use crate::protocols::Describe;

/// Who has 10.0.4.1? Tell 10.0.4.23. Hand-made after RFC 826.
const REQUEST: [u8; 28] = [
    0, 1, 8, 0, 6, 4, 0, 1, // Ethernet, IPv4, 6, 4, request
    0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c, 10, 0, 4, 23, // sender
    0, 0, 0, 0, 0, 0, 10, 0, 4, 1, // target
];

#[test]
fn a_request_is_read() {
    let message = parse(&REQUEST).expect("28 octets");
    assert_eq!(message.event(), Some("request"));
    assert_eq!(message.sender_mac.to_string(), "00:04:f2:1a:2b:3c");
    assert_eq!(message.sender_ip, Ipv4Addr::new(10, 0, 4, 23));
    assert_eq!(message.target_mac, Mac([0; 6]));
    assert_eq!(message.target_ip, Ipv4Addr::new(10, 0, 4, 1));
}

#[test]
fn the_keys_are_those_of_wireshark() {
    let mut reply = REQUEST;
    reply[7] = 2;
    let message = parse(&reply).expect("28 octets");
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    assert_eq!(message.event(), Some("reply"));
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"arp.opcode": 2, "arp.src.hw_mac": "00:04:f2:1a:2b:3c", "arp.src.proto_ipv4": "10.0.4.23",
            "arp.dst.hw_mac": "00:00:00:00:00:00", "arp.dst.proto_ipv4": "10.0.4.1"})
    );
}

#[test]
fn padding_of_a_short_frame_does_no_harm() {
    let mut padded = REQUEST.to_vec();
    padded.resize(46, 0);
    assert_eq!(parse(&padded), parse(&REQUEST));
}

#[test]
fn what_is_not_ipv4_over_ethernet_is_not_read() {
    for (place, value) in [(1, 32), (2, 0x86), (4, 20), (5, 16)] {
        let mut other = REQUEST;
        other[place] = value;
        assert_eq!(parse(&other), None, "octet {place}");
    }
}

#[test]
fn a_packet_that_is_cut_short_is_not_read() {
    for length in 0..REQUEST.len() {
        assert_eq!(parse(&REQUEST[..length]), None);
    }
}
