//! DHCP messages, built after RFC 2131 and RFC 2132, and what is read from them.

use proptest::prelude::*;

use super::*;
use crate::protocols::Describe;

/// Builds messages after RFC 2131 section 2.
#[derive(Clone)]
struct Build {
    head: [u8; 28],
    sname: Vec<u8>,
    file: Vec<u8>,
    options: Vec<u8>,
}

fn reply(options: &[&[u8]]) -> Build {
    let mut head = [0; 28];
    head[..8].copy_from_slice(&[2, 1, 6, 0, 0x20, 0x94, 0x91, 0xde]);
    head[16..20].copy_from_slice(&[10, 0, 4, 23]);
    Build { head, sname: Vec::new(), file: Vec::new(), options: options.concat() }
}

impl Build {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.to_vec();
        bytes.extend([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]);
        bytes.extend([0; 10]);
        for (field, length) in [(&self.sname, 64), (&self.file, 128)] {
            let mut field = field.clone();
            field.resize(length, 0);
            bytes.extend(field);
        }
        bytes.extend([99, 130, 83, 99]);
        bytes.extend(&self.options);
        bytes
    }

    fn read(&self) -> Message {
        parser::parse(&self.bytes(), true).expect("a message")
    }
}

const OFFER: &[u8] = &[53, 1, 2];
const END: &[u8] = &[255];

fn offer() -> Build {
    reply(&[
        OFFER,
        &[54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 0x0e, 0x10, 1, 4, 255, 255, 255, 0],
        &[3, 4, 10, 0, 4, 1, 0, 6, 8, 10, 0, 0, 53, 10, 0, 0, 54, 42, 4, 10, 0, 0, 1],
        b"\x0f\x0bexample.com",
        END,
    ])
}

fn codes(message: &Message) -> Vec<u8> {
    message.options.iter().map(|option| option.code).collect()
}

fn fields(message: &Message) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    message.fields(&mut |key, value| {
        fields.insert(key.to_owned(), value);
    });
    fields.into()
}

/// The problem that a message with this option has.
fn problem(code: u8, value: &[u8]) -> Option<String> {
    let message = reply(&[OFFER, &[code, value.len() as u8], value, END]).read();
    assert!(message.problems.iter().all(|(told, _)| *told == code));
    message.problems.into_iter().next().map(|(_, text)| text)
}

#[test]
fn an_offer_has_wiresharks_keys() {
    let message = offer().read();
    assert_eq!(message.event(), Some("offer"));
    assert_eq!(message.problems, []);
    assert_eq!(message.lease_seconds(), Some(3600));
    assert_eq!(
        fields(&message),
        serde_json::json!({"dhcp.type": 2, "dhcp.id": "0x209491de", "dhcp.option.dhcp": 2,
            "dhcp.hw.mac_addr": "00:04:f2:1a:2b:3c", "dhcp.ip.client": "0.0.0.0", "dhcp.ip.your": "10.0.4.23",
            "dhcp.ip.server": "0.0.0.0", "dhcp.ip.relay": "0.0.0.0", "dhcp.option.type": [53, 54, 51, 1, 3, 6, 42, 15],
            "dhcp.option.domain_name": "example.com", "dhcp.option.dhcp_server_id": "10.0.0.1",
            "dhcp.option.domain_name_server": ["10.0.0.53", "10.0.0.54"], "dhcp.option.ntp_server": ["10.0.0.1"],
            "dhcp.option.router": ["10.0.4.1"]})
    );
}

#[test]
fn a_discover_tells_what_the_phone_is_and_asks_for() {
    let mut build = reply(&[&[53, 1, 1], b"\x3c\x0cCPE-OCPhone\0\x0c\x05phone", &[55, 3, 1, 3, 43], END]);
    build.head[0] = 1;
    let message = build.read();
    assert_eq!(message.event(), Some("discover"));
    assert_eq!(message.vendor_class(), Some("CPE-OCPhone".into()));
    assert_eq!(message.parameter_list(), [1, 3, 43]);
    let fields = fields(&message);
    assert_eq!(fields["dhcp.option.vendor_class_id"], "CPE-OCPhone");
    assert_eq!(fields["dhcp.option.hostname"], "phone");
    assert_eq!(fields["dhcp.option.request_list_item"], serde_json::json!([1, 3, 43]));
    assert_eq!(fields.get("dhcp.option.dhcp_server_id"), None);
}

#[test]
fn each_kind_has_its_word() {
    let words = ["discover", "offer", "request", "decline", "ack", "nak", "release", "inform", "other"];
    for (kind, word) in (1_u8..).zip(words) {
        assert_eq!(reply(&[&[53, 1, kind], END]).read().event(), Some(word));
    }
}

#[test]
fn without_the_cookie_it_is_bootp() {
    let mut bytes = offer().bytes();
    bytes[236] = 0;
    let message = parser::parse(&bytes, true).expect("a message");
    assert_eq!((message.event(), message.options.len(), message.kind), (Some("bootp_reply"), 0, None));
    assert_eq!(fields(&message).get("dhcp.option.type"), None);
    bytes[0] = 1;
    assert_eq!(parser::parse(&bytes, true).and_then(|message| message.event()), Some("bootp_request"));
}

#[test]
fn a_hardware_address_is_a_mac_or_nothing() {
    for (kind, length, mac) in [(1, 6, true), (6, 6, true), (1, 255, false), (1, 0, false), (1, 16, false), (7, 6, false)] {
        let mut build = offer();
        build.head[1] = kind;
        build.head[2] = length;
        assert_eq!(build.read().hardware_address.is_some(), mac, "type {kind}, length {length}");
    }
}

#[test]
fn parts_of_a_split_option_stand_apart_and_are_read_as_one() {
    // RFC 3396.
    let message = reply(&[OFFER, &[6, 2, 10, 0, 6, 6, 0, 1, 10, 0, 0, 2], &[51, 4, 0, 0, 0, 9, 51, 4, 0, 0, 0, 9], END]).read();
    assert_eq!(codes(&message), [53, 6, 6, 51, 51]);
    assert_eq!(message.addresses(6), [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)]);
    assert_eq!(message.problems, [], "a split value is judged whole, a repeated one each for itself");
}

#[test]
fn overloaded_fields_hold_options_behind_option_52() {
    let mut build = reply(&[OFFER, &[52, 1, 3, 54, 4, 10, 0, 0, 1], END]);
    build.sname = b"\x0f\x03abc\xff".to_vec();
    build.file = b"\x06\x04\x0a\0\0\x35\xff".to_vec();
    let message = build.read();
    assert_eq!(codes(&message), [53, 52, 15, 6, 54]);
    assert_eq!((message.text(15), message.addresses(6)), (Some("abc".into()), vec![Ipv4Addr::new(10, 0, 0, 53)]));
    for (value, wanted) in [(0, vec![53, 52]), (1, vec![53, 52, 6]), (2, vec![53, 52, 15])] {
        build.options = [OFFER, &[52, 1, value], END].concat();
        assert_eq!(codes(&build.read()), wanted);
    }
}

#[test]
fn an_option_split_over_the_fields_is_joined_in_the_order_of_rfc_3396() {
    let mut build = reply(&[OFFER, &[52, 1, 3], b"\x0f\x03abc", END]);
    build.sname = b"\x0f\x03ghi\xff".to_vec();
    build.file = b"\x0f\x03def\xff".to_vec();
    let message = build.read();
    assert_eq!(codes(&message), [53, 52, 15, 15, 15]);
    assert_eq!(message.text(15), Some("abcdefghi".into()));
}

#[test]
fn an_overloaded_field_without_end_is_told() {
    let mut build = reply(&[OFFER, &[52, 1, 1], END]);
    build.file = b"\x0f\x03abc".to_vec();
    assert_eq!(build.read().problems[0].0, 52);
}

#[test]
fn options_without_end_are_told() {
    let message = reply(&[OFFER, &[3, 4, 10, 0, 4, 1]]).read();
    assert_eq!(codes(&message), [53, 3]);
    assert_eq!(message.problems, [(255, "the options do not close with the end option (255)".to_owned())]);
}

#[test]
fn an_option_that_overruns_is_told_once() {
    let message = reply(&[OFFER, &[6, 8, 10, 0, 0, 53, 1]]).read();
    assert_eq!(message.problems, [(6, "8 octets announced, 5 there".to_owned())]);
    assert_eq!(message.addresses(6), [Ipv4Addr::new(10, 0, 0, 53)]);
    assert_eq!(reply(&[OFFER, &[12]]).read().problems, [(12, "no length octet".to_owned())]);
}

#[test]
fn what_the_capture_cut_is_not_malformed() {
    let whole = offer().bytes();
    for length in 0..whole.len() {
        let message = parser::parse(&whole[..length], false);
        assert_eq!(message.is_some(), length >= 28, "{length} octets");
        assert!(message.is_none_or(|message| message.cut && message.problems.is_empty()), "{length} octets");
    }
}

#[test]
fn fixed_lengths_are_checked() {
    for code in [1, 50, 51, 54, 58, 59] {
        assert_eq!(problem(code, &[0; 4]), None);
        assert_eq!(problem(code, &[0; 3]).as_deref(), Some("3 octets long instead of 4"));
    }
    assert_eq!(problem(52, &[0, 0]).as_deref(), Some("2 octets long instead of 1"));
    for code in [3, 6, 42, 150] {
        assert_eq!(problem(code, &[0; 8]), None);
        assert!(problem(code, &[]).is_some());
        // Seen in the wild: the address of a TFTP server as text.
        assert_eq!(problem(code, b"192.0.2.33").as_deref(), Some("10 octets long, which is not a list of 4 octets each"));
    }
}

#[test]
fn sip_servers_are_names_or_addresses() {
    // RFC 3361.
    let read = |value: &[u8]| reply(&[OFFER, &[120, value.len() as u8], value, END]).read().sip_servers();
    assert_eq!(
        read(b"\0\x06pool01\x07contoso\x03com\0\x01b\0"),
        Some(SipServers::Names(vec!["pool01.contoso.com".into(), "b".into()]))
    );
    assert_eq!(read(&[1, 10, 0, 0, 1]), Some(SipServers::Addresses(vec![Ipv4Addr::new(10, 0, 0, 1)])));
    assert_eq!(offer().read().sip_servers(), None);
}

#[test]
fn what_is_wrong_with_sip_servers_is_told() {
    for (value, text) in [
        (&b"pool.contoso.com"[..], "text without the encoding octet and label lengths: pool.contoso.com"),
        (b"\0\x04pool", "a name without the closing zero octet"),
        (b"\0", "a name without the closing zero octet"),
        (b"\0\0", "an empty name"),
        (b"\0\x0cpool.contoso\0", "a label with a dot in it: pool.contoso"),
        (b"\0\x01a\xc0\x02", "a compressed name, or no label length where one must stand"),
        (b"\x01\x0a\0\0", "3 octets of addresses, which is not a list of 4 octets each"),
        (b"\x01", "0 octets of addresses, which is not a list of 4 octets each"),
        (b"\x07a", "encoding 7 instead of 0 (names) or 1 (addresses)"),
        (b"", "empty"),
    ] {
        assert_eq!(problem(120, value).as_deref(), Some(text));
    }
    assert!(problem(120, b"\0\x09pool").expect("a problem").starts_with("label at offset"));
}

#[test]
fn vendor_options_are_taken_apart() {
    let read = |value: &[u8]| reply(&[OFFER, &[43, value.len() as u8], value, END]).read();
    let message = read(b"\x01\x0cMS-UC-Client\0\x02\x05https\xffrest");
    assert_eq!(message.vendor_suboptions(), [(1, b"MS-UC-Client".to_vec()), (2, b"https".to_vec())]);
    assert_eq!((message.problems.len(), message.voice_vlan()), (0, None));
    let cut = read(b"\x02\x05https\x03\x20pool");
    assert_eq!(cut.vendor_suboptions(), [(2, b"https".to_vec())]);
    assert_eq!(cut.problems, [(43, "sub-option 3 announces 32 octets, 4 are there".to_owned())]);
    assert_eq!(problem(43, b"192.0.2.1").as_deref(), Some("text instead of sub-options: 192.0.2.1"));
}

#[test]
fn the_voice_vlan_comes_in_two_encodings() {
    for (value, vlan) in [
        (&[0x00, 0x64][..], Some(100)),
        (b"100", Some(100)),
        (b"10", Some(10)),
        (b"7", Some(7)),
        (&[0x0f, 0xfe], Some(4094)),
        (&[0x0f, 0xff], None),
        (&[0, 0], None),
        (b"4095", None),
        (b"voice", None),
        (b"", None),
    ] {
        let option = [&[43, value.len() as u8 + 2, 10, value.len() as u8], value].concat();
        assert_eq!(reply(&[OFFER, &option, END]).read().voice_vlan(), vlan, "{value:02x?}");
    }
}

#[test]
fn a_text_ends_at_its_first_nul_and_odd_bytes_stay_visible() {
    let message = reply(&[OFFER, b"\x0c\x05ab\0cd\x0f\x03a\xffb", END]).read();
    assert_eq!(fields(&message)["dhcp.option.hostname"], "ab");
    assert_eq!(fields(&message)["dhcp.option.domain_name"], "a\u{fffd}b");
}

#[test]
fn the_number_of_options_is_bounded() {
    let message = reply(&[&[80, 0].repeat(3000), END]).read();
    assert_eq!(message.options.len(), 1024);
    assert_eq!(message.problems, [(255, "more than 1024 options".to_owned())]);
}

#[test]
fn the_host_of_a_configuration_server_is_named_alone_or_in_an_address() {
    let hosts = |code: u8, text: &[u8]| crate::findings::testing::dhcp_message(5, &[(code, text)]).configuration_hosts();
    assert_eq!(hosts(66, b"Conf.Contoso.com"), ["conf.contoso.com"]);
    assert_eq!(hosts(66, b"tftp://10.0.0.7/"), ["10.0.0.7"]);
    assert_eq!(hosts(160, b"https://user:secret@conf.contoso.com:8443/phones?x=1\0"), ["conf.contoso.com"]);
    assert!(hosts(15, b"contoso.com").is_empty() && hosts(66, b"").is_empty());
    let avaya = b"L2Q=1,L2QVLAN=20,HTTPSRVR=10.0.0.5,TLSSRVR=\"Files.Contoso.com,10.0.0.6\",HTTPPORT=8080";
    assert_eq!(hosts(242, avaya), ["10.0.0.5", "files.contoso.com", "10.0.0.6"]);
}

#[test]
fn only_the_ports_of_dhcp_are_looked_at() {
    let bytes = offer().bytes();
    let guess = |client_port, server_port, bytes: &[u8]| {
        (PROTOCOL.udp.as_ref().expect("over UDP").probe)(&Probe { side: Side::Client, client_port, server_port, bytes })
    };
    assert_eq!((guess(68, 67, &bytes), guess(67, 67, &bytes), guess(5000, 67, &bytes)), (Guess::Yes, Guess::Yes, Guess::Yes));
    assert_eq!((guess(68, 4011, &bytes), guess(4011, 5060, &[1; 300])), (Guess::Yes, Guess::No));
    assert_eq!((guess(5000, 5001, &bytes), guess(68, 67, b"SIP/2.0 200 OK and more of it")), (Guess::No, Guess::No));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(options in prop::collection::vec(any::<u8>(), 0..300), first: u8, length: u8, field: u8) {
        let mut build = reply(&[&[52, 1, field], &options]);
        build.head[0] = first;
        build.head[2] = length;
        build.sname = options.iter().copied().take(64).collect();
        build.file = options.iter().copied().rev().take(128).collect();
        let bytes = build.bytes();
        for end in [bytes.len(), 250, 240, 239, 30] {
            if let Some(message) = bytes.get(..end).and_then(|bytes| parser::parse(bytes, end == bytes.len())) {
                fields(&message);
                let _ = (message.voice_vlan(), message.sip_servers(), message.lease_seconds());
            }
        }
    }
}
