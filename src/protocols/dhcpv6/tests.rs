//! DHCPv6 messages, directly and through relays: hand-made bytes, read as the documents say.

use super::*;
use crate::protocols::{Asker, Describe};
use proptest::prelude::*;

fn option(code: u16, value: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), &(value.len() as u16).to_be_bytes(), value].concat()
}

/// DUID-LL of 00:04:f2:1a:2b:3c.
const DUID: [u8; 10] = [0, 3, 0, 1, 0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c];

fn message(kind: u8, options: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![kind, 0x28, 0x43, 0x4a];
    bytes.extend(option(1, &DUID));
    bytes.extend(options.concat());
    bytes
}

fn address(text: &str) -> Ipv6Addr {
    text.parse().expect("an address")
}

/// IA_NA with this address, its valid lifetime, and a status in the address.
fn lease(text: &str, valid: u32, status: Option<u16>) -> Vec<u8> {
    let mut inner = address(text).octets().to_vec();
    inner.extend([0, 0, 0x0e, 0x10]);
    inner.extend(valid.to_be_bytes());
    inner.extend(status.map(|code| option(13, &code.to_be_bytes())).unwrap_or_default());
    option(3, &[&[0; 12][..], &option(5, &inner)].concat())
}

fn relayed(kind: u8, peer: &str, options: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend([0; 16]);
    bytes.extend(address(peer).octets());
    bytes.extend(options.concat());
    bytes
}

fn mac() -> Option<Mac> {
    "00:04:f2:1a:2b:3c".parse().ok()
}

#[test]
fn a_solicit_names_its_client() {
    let solicit = parse(&message(kind::SOLICIT, &[option(6, &[0, 23, 0, 21]), option(16, b"\0\0\x01\x37\0\x08MSFT 5.0")]))
        .expect("a message");
    assert_eq!((solicit.event(), solicit.asker(), solicit.client_mac), (Some("solicit"), Asker::Sender, mac()));
    assert_eq!((solicit.requested, solicit.vendor_class), (vec![23, 21], Some((311, "MSFT 5.0".into()))));
}

#[test]
fn a_reply_gives_addresses_and_servers() {
    let sip = option(21, b"\x03sip\x07contoso\x03com\0\x04pool\0");
    let dns = option(23, &[address("2001:db8::53").octets(), address("2001:db8::54").octets()].concat());
    let sip_address = option(22, &address("2001:db8::5").octets());
    let reply = parse(&message(kind::REPLY, &[lease("2001:db8::17", 3600, None), dns, sip, sip_address])).expect("a message");
    let mut fields = serde_json::Map::new();
    reply.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    assert_eq!(reply.asker(), Asker::Receiver);
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"dhcpv6.msgtype": 7, "dhcpv6.xid": "0x28434a", "client_mac": "00:04:f2:1a:2b:3c",
            "dhcpv6.iaaddr.ip": ["2001:db8::17"], "dhcpv6.dns_server": ["2001:db8::53", "2001:db8::54"],
            "dhcpv6.sip_server_domain_search_fqdn": ["sip.contoso.com", "pool"], "dhcpv6.sip_server_a": ["2001:db8::5"]})
    );
}

#[test]
fn a_status_is_found_at_every_depth_and_success_is_none() {
    let code = |options: &[Vec<u8>]| parse(&message(kind::REPLY, options)).and_then(|reply| reply.status).map(|(code, _)| code);
    assert_eq!(code(&[option(13, b"\0\x02none left")]), Some(status::NO_ADDRESSES));
    assert_eq!(code(&[option(3, &[&[0; 12][..], &option(13, &[0, 2])].concat())]), Some(status::NO_ADDRESSES));
    assert_eq!(code(&[lease("2001:db8::17", 3600, Some(4))]), Some(4));
    assert_eq!(code(&[option(13, &[0, 0]), lease("2001:db8::17", 3600, None)]), None);
}

#[test]
fn an_address_whose_life_is_over_is_not_given() {
    assert_eq!(parse(&message(kind::REPLY, &[lease("2001:db8::17", 0, None)])).map(|reply| reply.addresses), Some(vec![]));
}

#[test]
fn a_mac_comes_from_the_duid_or_from_the_relay() {
    let with_time = [&[0, 1, 0, 1, 1, 2, 3, 4][..], &DUID[4..]].concat();
    let read = |duid: &[u8]| parse(&[&[1, 0, 0, 1][..], &option(1, duid)].concat()).and_then(|solicit| solicit.client_mac);
    assert_eq!((read(&with_time), read(&DUID)), (mac(), mac()));
    assert_eq!(read(&[0, 2, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6]), None, "a number of its maker");
    let relay = [option(79, &[0, 1, 0, 0x15, 0x65, 1, 2, 3]), option(9, &message(kind::SOLICIT, &[]))];
    let forward = parse(&relayed(kind::RELAY_FORWARD, "fe80::1", &relay)).expect("a message");
    assert_eq!(forward.client_mac, "00:15:65:01:02:03".parse().ok(), "what the relay saw on the wire goes first");
}

#[test]
fn through_relays_the_client_is_the_one_named_by_the_innermost() {
    let inner = relayed(kind::RELAY_FORWARD, "fe80::204:f2ff:fe1a:2b3c", &[option(9, &message(kind::SOLICIT, &[]))]);
    let message =
        parse(&relayed(kind::RELAY_FORWARD, "2001:db8::1", &[option(18, b"port"), option(9, &inner)])).expect("a message");
    assert_eq!((message.outer, message.kind, message.transaction), (12, kind::SOLICIT, Some(0x28_434a)));
    assert_eq!(message.asker(), Asker::Station(mac(), Some("fe80::204:f2ff:fe1a:2b3c".parse().expect("an address"))));
}

#[test]
fn relays_without_end_end() {
    let mut bytes = message(kind::SOLICIT, &[]);
    for _ in 0..40 {
        bytes = relayed(kind::RELAY_FORWARD, "fe80::1", &[option(9, &bytes)]);
    }
    let message = parse(&bytes).expect("a message");
    assert_eq!((message.kind, message.transaction), (kind::RELAY_FORWARD, None));
}

#[test]
fn each_kind_has_its_word() {
    let words = [
        "solicit",
        "advertise",
        "request",
        "confirm",
        "renew",
        "rebind",
        "reply",
        "release",
        "decline",
        "reconfigure",
        "information_request",
    ];
    for (kind, word) in (1_u8..).zip(words) {
        assert_eq!(parse(&message(kind, &[])).and_then(|message| message.event()), Some(word));
    }
    assert_eq!(parse(&message(0, &[])), None);
    assert_eq!(parse(&message(16, &[])), None);
    assert_eq!(parse(&message(kind::LEASE_QUERY, &[])).map(|message| message.asker()), Some(Asker::Nobody));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(kind in 0_u8..17, bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let whole = [vec![kind], bytes].concat();
        if let Some(message) = parse(&whole) {
            message.fields(&mut |_, _| ());
        }
    }
}
