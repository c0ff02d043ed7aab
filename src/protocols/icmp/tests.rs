//! ICMP messages, built after RFC 792 and RFC 4443, and what is read from them.

use super::*;
use crate::protocols::{Asker, Describe};

/// Port unreachable, quoting a DNS query of 10.0.4.23:4242 to 10.0.0.53:53. Hand-made after RFC 792.
const PORT_UNREACHABLE: [u8; 36] = [
    3, 3, 0, 0, 0, 0, 0, 0, // type, code, checksum, unused
    0x45, 0, 0, 60, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 4, 23, 10, 0, 0, 53, // IPv4
    0x10, 0x92, 0, 53, 0, 40, 0, 0, // UDP
];

fn too_big() -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 0, 0x05, 0x00];
    bytes.extend([0x60, 0, 0, 0, 5, 0xa8, 60, 64]);
    bytes.extend("2001:db8::17".parse::<std::net::Ipv6Addr>().expect("an address").octets());
    bytes.extend("2001:db8::1".parse::<std::net::Ipv6Addr>().expect("an address").octets());
    bytes.extend([6, 0, 1, 4, 0, 0, 0, 0]); // destination options, then TCP
    bytes.extend([0xc0, 0x01, 0x13, 0xc5, 0, 0, 0, 1]);
    bytes
}

/// RFC 4861 section 4.5: a redirect with a link-layer option before the quoted packet.
fn redirect_v6() -> Vec<u8> {
    let mut bytes = vec![137, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0; 32]);
    bytes.extend([2, 1, 0, 4, 0xf2, 1, 2, 3]);
    bytes.extend([4, 8, 0, 0, 0, 0, 0, 0]);
    bytes.extend(&too_big()[8..]);
    bytes
}

fn socket(text: &str) -> SocketAddr {
    text.parse().expect("a socket address")
}

#[test]
fn an_unreachable_port_names_the_packet_that_found_it_closed() {
    let message = parse_v4(&PORT_UNREACHABLE).expect("type 3");
    assert_eq!((message.event(), message.code, message.mtu), (Some("destination_unreachable"), 3, None));
    assert!(message.is_unreachable());
    assert_eq!(
        message.quoted,
        Some(Quoted { protocol: 17, source: socket("10.0.4.23:4242"), destination: socket("10.0.0.53:53") })
    );
}

#[test]
fn fragmentation_needed_gives_the_next_hop_mtu_and_is_not_unreachable() {
    let mut bytes = PORT_UNREACHABLE;
    bytes[1] = 4;
    assert_eq!(parse_v4(&bytes).expect("type 3").mtu, None, "RFC 1191 section 4: a router of before says 0");
    bytes[6..8].copy_from_slice(&1400_u16.to_be_bytes());
    let message = parse_v4(&bytes).expect("type 3");
    assert_eq!(message.mtu, Some(1400));
    assert!(!message.is_unreachable());
}

#[test]
fn ports_stand_behind_ip_options_and_only_in_the_first_fragment() {
    let mut with_options = PORT_UNREACHABLE.to_vec();
    with_options[8] = 0x46;
    with_options.splice(28..28, [1, 1, 1, 1]);
    assert_eq!(parse_v4(&with_options).and_then(|m| m.quoted).map(|q| q.destination), Some(socket("10.0.0.53:53")));
    let mut later = PORT_UNREACHABLE;
    later[15] = 1;
    assert_eq!(parse_v4(&later).and_then(|m| m.quoted).map(|q| q.destination), Some(socket("10.0.0.53:0")));
}

#[test]
fn packet_too_big_is_read_through_extension_headers() {
    let message = parse_v6(&too_big()).expect("type 2");
    assert_eq!((message.event(), message.protocol(), message.mtu), (Some("packet_too_big"), "icmpv6", Some(1280)));
    assert!(!message.is_unreachable());
    let quoted = message.quoted.expect("a quoted packet");
    assert_eq!((quoted.protocol, quoted.destination), (6, socket("[2001:db8::1]:5061")));
}

#[test]
fn a_later_fragment_has_no_ports() {
    let mut bytes = too_big();
    bytes[14] = 44;
    bytes.splice(48..56, [6, 0, 0, 8, 0, 0, 0, 1]);
    let quoted = parse_v6(&bytes).and_then(|m| m.quoted).expect("a quoted packet");
    assert_eq!((quoted.protocol, quoted.source.port()), (6, 0));
}

#[test]
fn a_redirect_of_ipv6_quotes_in_an_option() {
    let message = parse_v6(&redirect_v6()).expect("type 137");
    assert_eq!(message.event(), Some("redirect"));
    assert_eq!(message.quoted.map(|quoted| quoted.destination), Some(socket("[2001:db8::1]:5061")));
    let mut endless = redirect_v6();
    endless[41] = 0;
    assert_eq!(parse_v6(&endless).expect("type 137").quoted, None, "an option of length 0 ends the search");
}

#[test]
fn echo_and_group_membership_are_left_out() {
    for kind in [0, 8, 13] {
        assert_eq!(parse_v4(&[kind, 0, 0, 0, 0, 0, 0, 0]), None);
    }
    for kind in [128, 129, 133, 143] {
        assert_eq!(parse_v6(&[kind, 0, 0, 0, 0, 0, 0, 0]), None);
    }
    assert_eq!(parse_v6(&[134, 0, 0, 0]).expect("an advertisement").event(), Some("router_advertisement"));
}

/// A solicitation (135) or advertisement (136) for 2001:db8::1, with a MAC in an option of this type.
fn neighbour(kind: u8, option: u8) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend("2001:db8::1".parse::<Ipv6Addr>().expect("an address").octets());
    bytes.extend([14, 1, 0, 0, 0, 0, 0, 0]);
    bytes.extend([option, 1, 0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]);
    bytes
}

#[test]
fn neighbours_ask_and_answer_as_in_arp_and_events_do_not_show_it() {
    let target = "2001:db8::1".parse().expect("an address");
    let mac = "00:04:f2:1a:2b:3c".parse().ok();
    let asked = parse_v6(&neighbour(135, 1)).expect("a solicitation");
    assert_eq!((asked.asker(), asked.event()), (Asker::Sender, None));
    assert_eq!(asked.discovery, Some(Discovery::Solicitation { target, mac }));
    let answered = parse_v6(&neighbour(136, 2)).expect("an advertisement");
    assert_eq!((answered.asker(), answered.event()), (Asker::Receiver, None));
    assert_eq!(answered.discovery, Some(Discovery::Advertisement { target, mac }));
    // RFC 4861 section 7.2.2: no MAC of its own in a probe for duplicates; each option has its own place.
    assert_eq!(
        parse_v6(&neighbour(135, 2)).expect("a solicitation").discovery,
        Some(Discovery::Solicitation { target, mac: None })
    );
}

#[test]
fn a_router_says_for_how_long_it_is_one() {
    let mut bytes = vec![134, 0, 0, 0, 64, 0x80, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([1, 1, 0x00, 0x1b, 0x0c, 0, 0, 1]);
    let message = parse_v6(&bytes).expect("an advertisement");
    let mac = "00:1b:0c:00:00:01".parse().ok();
    assert_eq!(message.discovery, Some(Discovery::Router { lifetime: 1800, managed: true, mac }));
    assert_eq!(message.asker(), Asker::Nobody);
}

#[test]
fn the_keys_are_the_same_for_both_versions() {
    for (message, wanted) in [
        (parse_v4(&PORT_UNREACHABLE), serde_json::json!({"icmp.type": 3, "icmp.code": 3})),
        (parse_v6(&too_big()), serde_json::json!({"icmp.type": 2, "icmp.code": 0, "icmpv6.type": 2, "icmpv6.code": 0})),
    ] {
        let mut fields = serde_json::Map::new();
        message.expect("a message").fields(&mut |key, value| {
            fields.insert(key.to_owned(), value);
        });
        assert_eq!(serde_json::Value::Object(fields), wanted);
    }
}

#[test]
fn a_cut_quotation_leaves_type_and_code() {
    for length in 2..28 {
        let message = parse_v4(&PORT_UNREACHABLE[..length]).expect("type and code are there");
        assert_eq!((message.kind, message.code, message.quoted), (3, 3, None));
    }
    for sample in [too_big(), redirect_v6()] {
        for length in 0..sample.len() {
            assert_eq!(parse_v6(&sample[..length]).is_some(), length >= 2);
        }
    }
}
