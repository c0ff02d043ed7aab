//! Frames, built here header by header, and the packets that they decode to.

use std::net::{IpAddr, Ipv4Addr};

use etherparse::{IpNumber, Ipv6FragmentHeader, Ipv6Header, Ipv6RawExtHeader, PacketBuilder, TcpHeader};
use proptest::prelude::*;

use super::defrag::{MAX_BYTES, MAX_DATAGRAMS};
use super::*;
use crate::capture::link_type;
use crate::model::{Frame, SECOND, Time};

const PHONE: [u8; 6] = [0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c];
const SWITCH: [u8; 6] = [0x00, 0x1e, 0x14, 1, 2, 3];

fn record(link_type: u16, data: &[u8]) -> Record<'_> {
    Record { at: At { frame: Frame::new(7), time: Time(SECOND) }, link_type, wire_length: data.len() as u32, data }
}

/// Decodes by the short path where there is one, and holds it together with the long one.
fn decode<'a>(decoder: &'a mut Decoder, record: &Record<'a>) -> Packet<'a> {
    let unwrapped = link::unwrap(record);
    if let Some(fast) = fast::decode(record) {
        assert_eq!(fast, Decoder::new().decode_slowly(record, &unwrapped));
    }
    if let Above::Ip(bytes) = unwrapped.above
        && let Some(fast) = fast::above_link(record, unwrapped.link, bytes)
    {
        assert_eq!(fast, Decoder::new().decode_slowly(record, &unwrapped));
    }
    decoder.decode(record)
}

/// Checks what a single frame decodes to.
fn check(link_type: u16, data: &[u8], expected: impl FnOnce(Packet<'_>)) {
    expected(decode(&mut Decoder::new(), &record(link_type, data)));
}

fn ethernet(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    [&SWITCH[..], &PHONE, &ether_type.to_be_bytes(), rest].concat()
}

/// An IPv4 packet with a UDP datagram.
fn udp4(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4([10, 0, 4, 23], [10, 0, 4, 1], 64).udp(5060, 5061);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, payload).expect("writes to memory");
    bytes
}

fn tcp4(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv4([10, 0, 4, 23], [10, 0, 4, 1], 64).tcp(5061, 443, 1000, 8192).ack(77).psh();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, payload).expect("writes to memory");
    bytes
}

fn udp6(payload: &[u8]) -> Vec<u8> {
    let builder = PacketBuilder::ipv6([1; 16], [2; 16], 64).udp(546, 547);
    let mut bytes = Vec::new();
    builder.write(&mut bytes, payload).expect("writes to memory");
    bytes
}

/// An IPv6 packet with any chain of headers.
fn ipv6(first: u8, rest: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        next_header: IpNumber(first),
        payload_length: rest.len() as u16,
        hop_limit: 64,
        source: [1; 16],
        destination: [2; 16],
        ..Default::default()
    };
    [&header.to_bytes()[..], rest].concat()
}

/// An extension header of eight bytes.
fn extension(next: u8) -> Vec<u8> {
    Ipv6RawExtHeader::new_raw(IpNumber(next), &[1, 4, 0, 0, 0, 0]).expect("eight bytes").to_bytes().to_vec()
}

fn udp_of<'a>(packet: &Packet<'a>) -> Datagram<'a> {
    match packet.body {
        Body::Udp(datagram) => datagram,
        ref other => panic!("not UDP: {other:?} ({:?})", packet.stopped),
    }
}

fn tcp_of<'a>(packet: &Packet<'a>) -> Segment<'a> {
    match packet.body {
        Body::Tcp(segment) => segment,
        ref other => panic!("not TCP: {other:?} ({:?})", packet.stopped),
    }
}

fn stopped(packet: &Packet<'_>) -> String {
    assert_eq!(packet.body, Body::Nothing);
    packet.stopped.as_ref().expect("stopped").to_string()
}

#[test]
fn a_frame_says_who_sent_it_and_what_it_carries() {
    check(link_type::ETHERNET, &ethernet(0x0800, &udp4(b"hello")), |packet| {
        assert_eq!(packet.link, Link { source: Some(Mac(PHONE)), destination: Some(Mac(SWITCH)), vlan: None });
        let net = packet.net.expect("IP");
        assert_eq!((net.source, net.ttl), (IpAddr::V4(Ipv4Addr::new(10, 0, 4, 23)), 64));
        assert_eq!(udp_of(&packet), Datagram { source_port: 5060, destination_port: 5061, payload: b"hello", wire_length: 5 });
        assert_eq!((packet.at.frame, packet.stopped), (Frame::new(7), None));
    });
    check(link_type::ETHERNET, &ethernet(0x0800, &tcp4(b"hello")), |packet| {
        let segment = tcp_of(&packet);
        assert_eq!((segment.sequence, segment.acknowledgment, segment.flags, segment.payload), (1000, 77, 0x18, &b"hello"[..]));
        assert!(segment.has(Segment::ACK) && !segment.has(Segment::SYN));
    });
    check(link_type::ETHERNET, &ethernet(0x0806, b"an ARP request"), |packet| {
        assert_eq!(packet.body, Body::Link { ether_type: 0x0806, bytes: b"an ARP request" });
    });
}

#[test]
fn the_innermost_vlan_counts_and_priority_tags_name_none() {
    let tagged = |tags: &[(u16, u16)]| {
        let mut rest = [&0x0800_u16.to_be_bytes()[..], &udp4(b"x")].concat();
        for &(_, tag) in tags.iter().rev() {
            rest = [&tag.to_be_bytes()[..], &rest].concat();
        }
        // Each tag's type stands before it, in the place of the EtherType.
        let mut bytes = Vec::new();
        let mut at = 0;
        for &(ether_type, _) in tags {
            bytes.extend(ether_type.to_be_bytes());
            bytes.extend(&rest[at..at + 2]);
            at += 2;
        }
        bytes.extend(&rest[at..]);
        [&SWITCH[..], &PHONE, &bytes].concat()
    };
    for (tags, vlan) in [
        (&[(0x8100, 0xa064)][..], Some(100)),
        (&[(0x8100, 0xa000)], None),
        (&[(0x88a8, 200), (0x8100, 100)], Some(100)),
        (&[(0x9100, 200), (0x8100, 0xe000)], Some(200)),
        (&[(0x88a8, 1), (0x9200, 2), (0x8100, 3), (0x8100, 4), (0x8100, 5)], Some(5)),
    ] {
        check(link_type::ETHERNET, &tagged(tags), |packet| {
            assert_eq!(packet.link.vlan, vlan);
            assert_eq!(udp_of(&packet).payload, b"x");
        });
    }
    let cut = tagged(&[(0x8100, 100)]);
    check(link_type::ETHERNET, &cut[..16], |packet| {
        assert_eq!(stopped(&packet), "EtherType at offset 16: 2 bytes needed, 0 there");
        assert_eq!(packet.link.vlan, Some(100));
    });
}

#[test]
fn tags_without_end_are_not_followed() {
    let frame = [&SWITCH[..], &PHONE, &[0x81, 0x00, 0x00, 0x05].repeat(400)].concat();
    check(link_type::ETHERNET, &frame, |packet| assert!(matches!(packet.body, Body::Link { ether_type: 0x8100, .. })));
}

#[test]
fn snap_frames_report_their_protocol_number() {
    let snap = |organisation: [u8; 3], number: u16, rest: &[u8]| {
        [&[0xaa, 0xaa, 3][..], &organisation, &number.to_be_bytes(), rest].concat()
    };
    let frame = |llc: &[u8]| [&ethernet(llc.len() as u16, llc)[..], b"padding"].concat();
    check(link_type::ETHERNET, &frame(&snap([0, 0, 0x0c], 0x2000, b"CDP")), |packet| {
        assert_eq!(packet.body, Body::Link { ether_type: 0x2000, bytes: b"CDP" }, "without the padding");
    });
    check(link_type::ETHERNET, &frame(&snap([0, 0, 0], 0x0800, &udp4(b"x"))), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    check(link_type::ETHERNET, &frame(&snap([0, 0, 0x0c], 0x0800, &udp4(b"x"))), |packet| {
        assert!(matches!(packet.body, Body::Link { ether_type: 0x0800, .. }), "another organisation's number is no EtherType");
    });
    check(link_type::ETHERNET, &frame(b"\x42\x42\x03spanning tree"), |packet| {
        assert_eq!(packet.body, Body::Link { ether_type: LLC, bytes: b"\x42\x42\x03spanning tree" });
    });
}

#[test]
fn pppoe_and_mpls_are_taken_off() {
    let pppoe = |ppp: &[u8]| [&[0x11, 0, 0, 1, 0, 0][..], ppp].concat();
    for ppp in [&[0x00, 0x21][..], &[0x21]] {
        check(link_type::ETHERNET, &ethernet(0x8864, &pppoe(&[ppp, &udp4(b"x")].concat())), |packet| {
            assert_eq!(udp_of(&packet).payload, b"x")
        });
    }
    check(link_type::ETHERNET, &ethernet(0x8864, &pppoe(&[0xc0, 0x21, 1, 1])), |packet| assert_eq!(packet.body, Body::Nothing));
    check(link_type::ETHERNET, &ethernet(0x8864, &[0x11, 0, 0]), |packet| {
        assert_eq!(stopped(&packet), "PPPoE session at offset 16: 2 bytes needed, 1 there")
    });
    let labels = [0, 0, 0x10, 64, 0, 0, 0x11, 64];
    check(link_type::ETHERNET, &ethernet(0x8847, &[&labels[..], &udp4(b"x")].concat()), |packet| {
        assert_eq!(udp_of(&packet).payload, b"x")
    });
    check(link_type::ETHERNET, &ethernet(0x8847, &[&labels[..], &[0; 20]].concat()), |packet| {
        assert_eq!(packet.body, Body::Nothing)
    });
    check(link_type::PPP, &[&[0xff, 3, 0, 0x21][..], &udp4(b"x")].concat(), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
}

#[test]
fn cooked_captures_name_the_sender_where_it_has_an_ethernet_address() {
    let sll = |hardware: u16, protocol: u16, rest: &[u8]| {
        [&[0, 4][..], &hardware.to_be_bytes(), &[0, 6], &PHONE, &[0, 0], &protocol.to_be_bytes(), rest].concat()
    };
    let sll2 = |hardware: u16, protocol: u16, rest: &[u8]| {
        [&protocol.to_be_bytes()[..], &[0, 0, 0, 0, 0, 2], &hardware.to_be_bytes(), &[4, 6], &PHONE, &[0, 0], rest].concat()
    };
    for hardware in [1, 772, 778, 512] {
        for (number, frame) in [
            (link_type::LINUX_SLL, sll(hardware, 0x0800, &udp4(b"x"))),
            (link_type::LINUX_SLL2, sll2(hardware, 0x0800, &udp4(b"x"))),
        ] {
            check(number, &frame, |packet| {
                assert_eq!(udp_of(&packet).payload, b"x");
                assert_eq!(packet.link.source, (hardware == 1).then_some(Mac(PHONE)), "loopback and tunnels have no MAC");
                assert_eq!(packet.link.destination, None);
            });
        }
    }
    check(link_type::LINUX_SLL, &sll(1, 0x0004, b"\xaa\xaa\x03\x00\x00\x0c\x20\x00CDP"), |packet| {
        assert_eq!(packet.body, Body::Link { ether_type: 0x2000, bytes: b"CDP" });
    });
    check(link_type::LINUX_SLL, &sll(1, 0x8100, &[&[0, 100, 8, 0][..], &udp4(b"x")].concat()), |packet| {
        assert_eq!(packet.link.vlan, Some(100))
    });
    check(link_type::LINUX_SLL, &sll(824, 0x0800, &udp4(b"x")), |packet| {
        assert_eq!(packet.body, Body::Nothing, "netlink messages carry no EtherType")
    });
    check(link_type::LINUX_SLL2, &[8, 0, 0], |packet| {
        assert!(stopped(&packet).starts_with("reserved and interface index at offset 2"))
    });
}

#[test]
fn what_switches_put_before_a_packet_is_passed_over() {
    let packet = udp4(b"x");
    let ip = [&[8, 0][..], &packet].concat();
    let inner = ethernet(0x0800, &packet);
    let with = |header: &[u8], rest: &[u8]| [header, rest].concat();
    for (name, ether_type, bytes) in [
        ("Cisco MetaData", 0x8909, with(&[1, 1, 0, 1, 0, 5], &ip)),
        ("VN-Tag", 0x8926, with(&[0, 0, 0, 5], &ip)),
        ("E-TAG", 0x893f, with(&[0, 0, 0, 5, 0, 0], &ip)),
        ("HSR", 0x892f, with(&[0, 70, 0, 5], &ip)),
        ("MACsec that only signs", 0x88e5, [&[0, 0, 0, 0, 0, 1][..], &ip, &[9; 16]].concat()),
        ("MACsec with a channel", 0x88e5, [&[0x20, 0, 0, 0, 0, 1][..], &[7; 8], &ip, &[9; 16]].concat()),
        ("NSH with IP", 0x894f, with(&[&[0x0f, 0xc6, 1, 1, 0, 0, 1, 255][..], &[0; 16]].concat(), &packet)),
        ("NSH with a frame", 0x894f, with(&[0x0f, 0xc2, 2, 3, 0, 0, 1, 255], &inner)),
        ("a frame in a frame", 0x6558, inner.clone()),
        ("I-TAG", 0x88e7, with(&[0, 0, 0, 5], &inner)),
        ("FabricPath", 0x8903, with(&[0, 0x41], &inner)),
        ("TRILL", 0x22f3, with(&[0, 0x3f, 0, 1, 0, 2], &inner)),
        ("TRILL with options", 0x22f3, with(&[0, 0x7f, 0, 1, 0, 2, 0, 0, 0, 0], &inner)),
        ("IP behind LLC", 3 + packet.len() as u16, with(&[6, 6, 3], &packet)),
    ] {
        let whole = ethernet(ether_type, &bytes);
        check(link_type::ETHERNET, &whole, |packet| assert_eq!(udp_of(&packet).payload, b"x", "{name}"));
        for length in 0..whole.len() {
            decode(&mut Decoder::new(), &record(link_type::ETHERNET, &whole[..length]));
        }
    }
    let encrypted = [&[0x2c, 0, 0, 0, 0, 1][..], &[7; 40]].concat();
    check(link_type::ETHERNET, &ethernet(0x88e5, &encrypted), |packet| assert_eq!(packet.body, Body::Nothing));
    let endless = ethernet(0x6558, &[7; 12].repeat(40));
    decode(&mut Decoder::new(), &record(link_type::ETHERNET, &endless));
}

#[test]
fn token_ring_and_fddi_carry_llc_behind_their_addresses() {
    let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp4(b"x")].concat();
    let mut routed = PHONE;
    routed[0] |= 0x80;
    let route = [0x06, 0x30, 0, 0x11, 0, 0x20];
    for (number, frame) in [
        (link_type::TOKEN_RING, [&[0x10, 0x40][..], &SWITCH, &PHONE, &llc].concat()),
        (link_type::TOKEN_RING, [&[0x10, 0x40][..], &SWITCH, &routed, &route, &llc].concat()),
        (link_type::FDDI, [&[0x54][..], &SWITCH, &PHONE, &llc].concat()),
    ] {
        check(number, &frame, |packet| {
            assert_eq!(udp_of(&packet).payload, b"x");
            assert_eq!(packet.link, Link { source: Some(Mac(PHONE)), destination: Some(Mac(SWITCH)), vlan: None });
        });
    }
    for (number, frame) in [
        (link_type::TOKEN_RING, [&[0x10, 0x00][..], &SWITCH, &PHONE, &llc].concat()),
        (link_type::FDDI, [&[0x41][..], &SWITCH, &PHONE, &llc].concat()),
    ] {
        check(number, &frame, |packet| assert_eq!(packet.body, Body::Nothing, "what keeps the ring going"));
    }
}

#[test]
fn packets_in_logs_and_taps_are_found() {
    let log = |fields: &[&[u8]]| [&[2, 0, 0, 20][..], &fields.concat()].concat();
    let padded = |mut bytes: Vec<u8>| {
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let packet = udp4(b"x");
    let length = packet.len() as u16 + 4;
    let little = log(&[&[5, 0, 10, 0, 0, 0, 0, 0], &length.to_le_bytes(), &[9, 0], &padded(packet.clone())]);
    let big = log(&[&[0, 5, 0, 10, 0, 0, 0, 0], &length.to_be_bytes(), &[0, 9], &padded(packet.clone())]);
    let infiniband = [&[0; 40][..], &[8, 0, 0, 0], &packet].concat();
    let tap = [&[16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 9, 9, 9][..], &ethernet(0x0800, &packet)].concat();
    for (number, frame) in
        [(link_type::NFLOG, little), (link_type::NFLOG, big), (link_type::IPOIB, infiniband), (link_type::PKTAP, tap.clone())]
    {
        check(number, &frame, |packet| assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"x"[..], 1)));
        for length in 0..frame.len() {
            decode(&mut Decoder::new(), &record(number, &frame[..length]));
        }
    }
    let mut in_itself = tap;
    in_itself[8..10].copy_from_slice(&[2, 1]);
    check(link_type::PKTAP, &in_itself, |packet| assert_eq!(packet.body, Body::Nothing));
}

#[test]
fn links_without_addresses() {
    for number in [link_type::RAW, link_type::RAW_BSD, link_type::RAW_OPENBSD, link_type::IPV4] {
        check(number, &udp4(b"x"), |packet| assert_eq!((udp_of(&packet).payload, packet.link), (&b"x"[..], Link::default())));
    }
    check(link_type::IPV6, &udp6(b"x"), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    for family in [[2, 0, 0, 0], [0, 0, 0, 2]] {
        check(link_type::NULL, &[&family[..], &udp4(b"x")].concat(), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    }
    check(link_type::LOOP, &[&[0, 0, 0, 24][..], &udp6(b"x")].concat(), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    check(220, &udp4(b"x"), |packet| assert_eq!(stopped(&packet), "link type at offset 0: invalid value"));
    check(link_type::ETHERNET, &[1, 2, 3], |packet| {
        assert_eq!(stopped(&packet), "Ethernet header at offset 0: 14 bytes needed, 3 there")
    });
}

#[test]
fn ethernet_padding_is_no_payload() {
    for (packet, is_tcp) in [(udp4(b"ab"), false), (tcp4(b""), true)] {
        check(link_type::ETHERNET, &[&ethernet(0x0800, &packet)[..], &[0; 18]].concat(), |packet| {
            if is_tcp {
                assert_eq!((tcp_of(&packet).payload, tcp_of(&packet).wire_length), (&b""[..], 0));
            } else {
                assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"ab"[..], 2));
            }
        });
    }
}

#[test]
fn a_cut_capture_gives_what_is_there_and_the_length_on_the_wire() {
    let whole = ethernet(0x0800, &tcp4(&[7; 1000]));
    for (captured, payload) in [(whole.len(), 1000), (100, 46), (54, 0), (50, 0), (48, 0)] {
        let cut = Record { wire_length: whole.len() as u32, ..record(link_type::ETHERNET, &whole[..captured]) };
        let mut decoder = Decoder::new();
        let segment = tcp_of(&decode(&mut decoder, &cut));
        assert_eq!((segment.payload.len(), segment.wire_length, segment.sequence, segment.flags), (payload, 1000, 1000, 0x18));
    }
    let cut = Record { wire_length: whole.len() as u32, ..record(link_type::ETHERNET, &whole[..47]) };
    assert_eq!(stopped(&decode(&mut Decoder::new(), &cut)), "TCP header at offset 34: 20 bytes needed, 13 there");
    let whole = ethernet(0x86dd, &udp6(&[7; 1000]));
    let cut = Record { wire_length: whole.len() as u32, ..record(link_type::ETHERNET, &whole[..64]) };
    let mut decoder = Decoder::new();
    let datagram = udp_of(&decode(&mut decoder, &cut));
    assert_eq!((datagram.payload.len(), datagram.wire_length), (2, 1000));
}

#[test]
fn a_segment_is_no_longer_than_its_frame_was_whatever_ip_says() {
    let mut packet = tcp4(b"abc");
    packet[2..4].copy_from_slice(&1500_u16.to_be_bytes());
    for (number, frame) in [(link_type::ETHERNET, ethernet(0x0800, &packet)), (link_type::RAW, packet.clone())] {
        check(number, &frame, |packet| assert_eq!((tcp_of(&packet).payload, tcp_of(&packet).wire_length), (&b"abc"[..], 3)));
        let snapped = Record { wire_length: frame.len() as u32 + 100, ..record(number, &frame) };
        let mut decoder = Decoder::new();
        assert_eq!(tcp_of(&decode(&mut decoder, &snapped)).wire_length, 103);
    }
}

#[test]
fn a_total_length_of_zero_means_the_rest_of_the_frame() {
    // Segmentation offload hands packets to the capture before their length is known.
    let mut packet = tcp4(&[7; 3000]);
    packet[2..4].copy_from_slice(&[0, 0]);
    let frame = ethernet(0x0800, &packet);
    check(link_type::ETHERNET, &frame, |packet| {
        assert_eq!((tcp_of(&packet).payload.len(), tcp_of(&packet).wire_length), (3000, 3000))
    });
    let cut = Record { wire_length: frame.len() as u32, ..record(link_type::ETHERNET, &frame[..100]) };
    let mut decoder = Decoder::new();
    let segment = tcp_of(&decode(&mut decoder, &cut));
    assert_eq!((segment.payload.len(), segment.wire_length), (46, 3000));
    let mut packet = udp6(&[7; 30]);
    packet[4..6].copy_from_slice(&[0, 0]);
    check(link_type::ETHERNET, &ethernet(0x86dd, &packet), |packet| assert_eq!(udp_of(&packet).wire_length, 30));
}

#[test]
fn hostile_lengths_do_not_reach_beyond_the_packet() {
    let with = |mut bytes: Vec<u8>, at: usize, value: u8| {
        bytes[at] = value;
        bytes
    };
    let raw = |bytes: Vec<u8>, expected: &dyn Fn(Packet<'_>)| check(link_type::RAW, &bytes, expected);
    raw(with(tcp4(b"abc"), 32, 0x40), &|packet| assert_eq!(stopped(&packet), "TCP data offset at offset 32: invalid value"));
    raw(with(tcp4(b"abc"), 32, 0xf0), &|packet| assert_eq!(stopped(&packet), "TCP data offset at offset 32: invalid value"));
    raw(with(udp4(b"abc"), 25, 0), &|packet| {
        assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"abc"[..], 3))
    });
    raw(with(udp4(b"abc"), 25, 7), &|packet| assert_eq!(udp_of(&packet).payload, b"abc"));
    raw(with(udp4(b"abc"), 25, 200), &|packet| {
        assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"abc"[..], 3))
    });
    raw(with(udp4(b"abc"), 25, 10), &|packet| {
        assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"ab"[..], 2))
    });
    raw(with(udp4(b"abc"), 0, 0x44), &|packet| {
        assert_eq!(stopped(&packet), "IP version and header length at offset 0: invalid value")
    });
    raw(with(udp4(b"abc"), 0, 0x4f), &|packet| assert_eq!(stopped(&packet), "IP header at offset 0: 60 bytes needed, 31 there"));
    raw(with(udp4(b"abc"), 0, 0x55), &|packet| assert!(packet.net.is_none() && packet.stopped.is_some()));
    raw(with(udp4(b"abc"), 3, 19), &|packet| assert_eq!(udp_of(&packet).payload, b"abc", "less than the header says nothing"));
    raw(with(udp4(b"abc"), 3, 24), &|packet| assert_eq!(stopped(&packet), "UDP header at offset 20: 8 bytes needed, 4 there"));
    raw(with(udp4(b"abc"), 9, 47), &|packet| assert_eq!((&packet.body, &packet.stopped), (&Body::Nothing, &None)));
    raw(Vec::new(), &|packet| assert!(packet.stopped.is_some()));
}

#[test]
fn icmp_begins_with_its_type() {
    let icmp = |number: u8| {
        let mut packet = udp4(b"");
        packet[9] = number;
        packet[20] = 3;
        packet
    };
    check(link_type::RAW, &icmp(1), |packet| assert!(matches!(packet.body, Body::Icmp([3, ..]))));
    check(link_type::RAW, &ipv6(58, &[135, 0, 0, 0]), |packet| assert_eq!(packet.body, Body::Icmpv6(&[135, 0, 0, 0])));
}

#[test]
fn ipv6_extension_headers_are_passed_over_and_not_counted_as_payload() {
    let udp = &udp6(b"abc")[40..];
    // Hop-by-hop options, routing, destination options, and a fragment header that fragments nothing.
    let atomic = Ipv6FragmentHeader::new(IpNumber(17), etherparse::IpFragOffset::try_new(0).expect("0"), false, 9).to_bytes();
    let chain = [extension(43), extension(60), extension(44), atomic.to_vec()].concat();
    check(link_type::RAW, &ipv6(0, &[&chain[..], udp].concat()), |packet| {
        assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"abc"[..], 3));
    });
}

#[test]
fn an_ipv6_extension_chain_may_be_cut_anywhere() {
    let more = Ipv6FragmentHeader::new(IpNumber(60), etherparse::IpFragOffset::try_new(0).expect("0"), true, 9).to_bytes();
    for chain in
        [[extension(60), extension(44), more.to_vec(), extension(17)].concat(), [extension(60), vec![17, 200, 0, 0]].concat()]
    {
        let packet = ipv6(0, &[&chain[..], &udp6(b"abc")[40..]].concat());
        for length in 0..packet.len() {
            let cut = Record { wire_length: packet.len() as u32, ..record(link_type::RAW, &packet[..length]) };
            let (mut decoder, udp_header_is_there) = (Decoder::new(), length + b"abc".len() >= packet.len());
            assert!(udp_header_is_there || decode(&mut decoder, &cut).body == Body::Nothing);
            // And as if the header had said so.
            let mut said = packet[..length].to_vec();
            if let Some(field) = said.get_mut(4..6) {
                field.copy_from_slice(&(length.saturating_sub(40) as u16).to_be_bytes());
            }
            check(link_type::RAW, &said, |packet| assert_eq!(packet.body, Body::Nothing));
        }
    }
}

/// Cuts an IPv4 packet into fragments of `size` bytes of payload.
fn fragments4(packet: &[u8], size: usize, identification: u16) -> Vec<Vec<u8>> {
    let (header, payload) = packet.split_at(20);
    let count = payload.len().div_ceil(size);
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, chunk)| {
            let mut header = header.to_vec();
            header[2..4].copy_from_slice(&((20 + chunk.len()) as u16).to_be_bytes());
            header[4..6].copy_from_slice(&identification.to_be_bytes());
            let more = if index + 1 < count { 0x2000 } else { 0 };
            header[6..8].copy_from_slice(&((index * size / 8) as u16 | more).to_be_bytes());
            [&header[..], chunk].concat()
        })
        .collect()
}

fn fragments6(next: u8, payload: &[u8], size: usize, identification: u32) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(size);
    payload
        .chunks(size)
        .enumerate()
        .map(|(index, chunk)| {
            let offset = etherparse::IpFragOffset::try_new((index * size / 8) as u16).expect("in range");
            let header = Ipv6FragmentHeader::new(IpNumber(next), offset, index + 1 < count, identification);
            ipv6(60, &[&extension(44)[..], &header.to_bytes(), chunk].concat())
        })
        .collect()
}

/// Which of the frames complete a datagram, with its payload.
fn completed(decoder: &mut Decoder, frames: &[Vec<u8>]) -> Vec<(usize, Vec<u8>)> {
    let mut completed = Vec::new();
    for (index, frame) in frames.iter().enumerate() {
        let packet = decode(decoder, &record(link_type::RAW, frame));
        assert_eq!(packet.stopped, None);
        match packet.body {
            Body::Udp(datagram) => {
                assert_eq!(datagram.wire_length as usize, datagram.payload.len());
                completed.push((index, datagram.payload.to_vec()));
            }
            body => assert_eq!(body, Body::Nothing),
        }
    }
    completed
}

#[test]
fn a_fragmented_datagram_appears_in_the_frame_that_completes_it_in_any_order() {
    let payload: Vec<u8> = (0..60).collect();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1], [0, 2, 1], [1, 0, 2]] {
        let four = fragments4(&udp4(&payload), 24, 77);
        let six = fragments6(17, &udp6(&payload)[40..], 24, 77);
        for fragments in [four, six] {
            let frames: Vec<_> = order.iter().map(|&index| fragments[index].clone()).collect();
            assert_eq!(completed(&mut Decoder::new(), &frames), [(2, payload.clone())]);
        }
    }
}

#[test]
fn extension_headers_may_be_fragmented_too() {
    let payload: Vec<u8> = (0..60).collect();
    let inner = [&extension(17)[..], &udp6(&payload)[40..]].concat();
    assert_eq!(completed(&mut Decoder::new(), &fragments6(60, &inner, 40, 5)), [(1, payload)]);
}

#[test]
fn what_is_wrong_in_a_fragmented_datagram_is_told_where_it_was_completed() {
    let mut packet = tcp4(&[1; 20]);
    packet[32] = 0x10;
    let fragments = fragments4(&packet, 32, 5);
    let mut decoder = Decoder::new();
    decode(&mut decoder, &record(link_type::RAW, &fragments[0]));
    assert_eq!(
        stopped(&decode(&mut decoder, &record(link_type::RAW, &fragments[1]))),
        "TCP data offset at offset 20: invalid value"
    );
}

#[test]
fn overlapping_and_repeated_fragments_do_no_harm() {
    let payload: Vec<u8> = (0..60).collect();
    let fragments = fragments4(&udp4(&payload), 24, 77);
    let [first, second, last] = &fragments[..] else { panic!("three fragments") };
    let twice = [first, first, second, second, last, last].map(Clone::clone);
    let mut decoder = Decoder::new();
    assert_eq!(completed(&mut decoder, &twice), [(4, payload.clone())]);
    // The overlapping one covers the first and half of the second, and says the same.
    let mut overlapping = fragments4(&udp4(&payload), 40, 77);
    overlapping.truncate(1);
    let frames = [second.clone(), overlapping.remove(0), last.clone()];
    assert_eq!(completed(&mut Decoder::new(), &frames), [(2, payload.clone())]);
    // One that contradicts the end is left out.
    let mut longer = fragments4(&udp4(&[9; 120]), 24, 77);
    let frames = [last.clone(), longer.pop().expect("the end of another"), first.clone(), second.clone()];
    assert_eq!(completed(&mut Decoder::new(), &frames), [(3, payload)]);
}

#[test]
fn datagrams_are_told_apart_by_addresses_protocol_and_identification() {
    let (one, two) = (fragments4(&udp4(&[1; 40]), 24, 1), fragments4(&udp4(&[2; 40]), 24, 2));
    let mut elsewhere = fragments4(&udp4(&[3; 40]), 24, 1);
    elsewhere.iter_mut().for_each(|frame| frame[15] = 99);
    let frames = [&one[0], &two[0], &elsewhere[0], &elsewhere[1], &two[1], &one[1]].map(Clone::clone);
    assert_eq!(completed(&mut Decoder::new(), &frames), [(3, vec![3; 40]), (4, vec![2; 40]), (5, vec![1; 40])]);
}

#[test]
fn a_fragment_cut_by_the_capture_completes_nothing() {
    let fragments = fragments4(&udp4(&[1; 40]), 24, 1);
    let mut decoder = Decoder::new();
    for fragment in &fragments {
        let cut = Record { wire_length: fragment.len() as u32, ..record(link_type::RAW, &fragment[..fragment.len() - 1]) };
        let body = decode(&mut decoder, &cut).body;
        assert_eq!(matches!(body, Body::Udp(_)), fragment == &fragments[0], "only the head says what it is");
    }
    assert_eq!(completed(&mut decoder, &fragments), [(1, vec![1; 40])]);
}

#[test]
fn the_head_of_a_datagram_whose_first_fragment_was_cut_is_read_as_far_as_it_goes() {
    let payload: Vec<u8> = (0..60).collect();
    for fragments in [fragments4(&udp4(&payload), 40, 1), fragments6(17, &udp6(&payload)[40..], 40, 1)] {
        let [first, last] = &fragments[..] else { panic!("two fragments") };
        let cut = |fragment: &[u8]| Record { wire_length: fragment.len() as u32, ..record(link_type::RAW, &[]) };
        let captured = Record { data: &first[..first.len() - 4], ..cut(first) };
        let mut decoder = Decoder::new();
        let Body::Udp(datagram) = decoder.decode(&captured).body else { panic!("the head of the datagram") };
        assert_eq!(datagram.payload, &payload[..28]);
        assert!(datagram.wire_length > 28, "more was on the wire than was captured");
        let behind = Record { data: &last[..last.len() - 4], ..cut(last) };
        assert_eq!(decoder.decode(&behind).body, Body::Nothing, "the middle of a datagram is not read");
    }
}

#[test]
fn fragments_are_waited_for_in_bounds() {
    let mut decoder = Decoder::new();
    let first = |identification| fragments4(&udp4(&[1; 40]), 24, identification).remove(0);
    for identification in 0..MAX_DATAGRAMS as u16 + 5 {
        decode(&mut decoder, &record(link_type::RAW, &first(identification)));
    }
    assert_eq!(decoder.lost_datagrams(), 5);
    // A late end makes room for everything before it.
    let mut decoder = Decoder::new();
    let last = |identification| fragments4(&udp4(&[1; 65_000]), 1480, identification).pop().expect("many");
    let count = MAX_BYTES / 65_008 + 4;
    for identification in 0..count as u16 {
        decode(&mut decoder, &record(link_type::RAW, &last(identification)));
    }
    assert_eq!(decoder.lost_datagrams(), 4);
    // Age.
    let mut decoder = Decoder::new();
    let fragments = fragments4(&udp4(&[1; 40]), 24, 1);
    decode(&mut decoder, &record(link_type::RAW, &fragments[0]));
    let late = Record { at: At { frame: Frame::new(8), time: Time(32 * SECOND) }, ..record(link_type::RAW, &fragments[1]) };
    assert_eq!(decode(&mut decoder, &late).body, Body::Nothing);
    assert_eq!(decoder.lost_datagrams(), 1);
}

#[test]
fn every_prefix_of_every_sample_decodes_to_something() {
    let mut samples = vec![ethernet(0x0800, &udp4(b"abc")), ethernet(0x0800, &tcp4(b"abc")), ethernet(0x86dd, &udp6(b"abc"))];
    samples.push(ethernet(0x88a8, &[&[0, 5, 0x81, 0, 0, 6, 8, 0][..], &tcp4(b"abc")].concat()));
    samples.push(ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 0, 0, 0x21][..], &udp4(b"abc")].concat()));
    samples.push(ethernet(30, b"\xaa\xaa\x03\0\0\x0c\x20\0CDP and so on........."));
    samples.extend(fragments6(17, &udp6(&[5; 60])[40..], 24, 77).into_iter().map(|packet| ethernet(0x86dd, &packet)));
    let mut decoder = Decoder::new();
    for sample in &samples {
        for link_type in [0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 119, 163, 197, 228, 229, 276] {
            for length in 0..=sample.len() {
                let cut = Record { wire_length: sample.len() as u32, ..record(link_type, &sample[..length]) };
                decode(&mut decoder, &cut);
            }
        }
    }
}

/// Packets of every shape that the short path may see, some of them damaged.
fn packets() -> impl Strategy<Value = (u16, Vec<u8>, u32)> {
    let ports = (any::<u16>(), any::<u16>());
    let transport = (any::<bool>(), any::<bool>(), ports, 0..40_usize, 0..11_usize, prop::option::weighted(0.2, any::<u8>()));
    let damage = prop::collection::vec((0..90_usize, any::<u8>()), 0..3);
    (transport, 0..6_u8, 0..20_usize, prop::option::of(0..100_usize), damage, any::<u8>()).prop_map(
        |((is_tcp, is_ipv6, (source, destination), payload, options, other), link, padding, cut, damage, ihl)| {
            let payload = vec![0x55; payload];
            let mut packet = Vec::new();
            let transport = if is_tcp {
                let mut header = TcpHeader::new(source, destination, 1, 2);
                header.set_options_raw(&vec![1; options * 4 % 40]).expect("at most 40");
                [&header.to_bytes()[..], &payload].concat()
            } else {
                [
                    &source.to_be_bytes()[..],
                    &destination.to_be_bytes(),
                    &((payload.len() + 8) as u16).to_be_bytes(),
                    &[0, 0],
                    &payload,
                ]
                .concat()
            };
            let protocol = other.unwrap_or(if is_tcp { 6 } else { 17 });
            if is_ipv6 {
                packet.extend(ipv6(protocol, &transport));
            } else {
                let ihl = if ihl % 3 == 0 { 5 + ihl % 11 } else { 5 };
                let header = usize::from(ihl) * 4;
                packet.extend([0x40 | ihl, 0]);
                packet.extend(((header + transport.len()) as u16).to_be_bytes());
                packet.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
                packet.resize(header, 1);
                packet.extend(transport);
            }
            for (at, value) in damage {
                if let Some(byte) = packet.get_mut(at) {
                    *byte = value;
                }
            }
            packet.resize(packet.len() + padding, 0xee);
            let ether_type: u16 = if is_ipv6 { 0x86dd } else { 0x0800 };
            let (link_type, mut frame) = match link {
                0 => (link_type::ETHERNET, ethernet(ether_type, &packet)),
                1 => (link_type::ETHERNET, ethernet(0x8100, &[&[0, 100][..], &ether_type.to_be_bytes(), &packet].concat())),
                2 => (
                    link_type::ETHERNET,
                    ethernet(0x88a8, &[&[0, 100, 0x81, 0, 0, 5][..], &ether_type.to_be_bytes(), &packet].concat()),
                ),
                3 => (
                    link_type::LINUX_SLL,
                    [&[0, 0, 0, 1, 0, 6][..], &PHONE, &[0, 0], &ether_type.to_be_bytes(), &packet].concat(),
                ),
                4 => (
                    link_type::LINUX_SLL2,
                    [&ether_type.to_be_bytes()[..], &[0; 6], &[0, 1, 0, 6], &PHONE, &[0, 0], &packet].concat(),
                ),
                _ => (link_type::RAW, packet),
            };
            let wire = frame.len() as u32;
            if let Some(cut) = cut {
                frame.truncate(cut);
            }
            (link_type, frame, wire)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_short_and_the_long_path_agree((link_type, frame, wire) in packets()) {
        let record = Record { wire_length: wire, ..record(link_type, &frame) };
        let mut decoder = Decoder::new();
        // `decode` compares; here, what holds of every packet.
        let packet = decode(&mut decoder, &record);
        match packet.body {
            Body::Udp(datagram) => prop_assert!(datagram.payload.len() <= datagram.wire_length as usize),
            Body::Tcp(segment) => prop_assert!(segment.payload.len() <= segment.wire_length as usize),
            _ => {}
        }
        if let Some(stopped) = packet.stopped {
            prop_assert!(stopped.offset <= frame.len());
            prop_assert_eq!(packet.body, Body::Nothing);
        }
    }

    #[test]
    fn the_link_layer_is_read_as_etherparse_reads_it((_, frame, _) in packets()) {
        let unwrapped = link::unwrap(&record(link_type::ETHERNET, &frame));
        if let Ok(sliced) = etherparse::LaxSlicedPacket::from_ethernet(&frame) {
            if let (Some(etherparse::LinkSlice::Ethernet2(ethernet)), None) = (&sliced.link, &sliced.stop_err) {
                prop_assert_eq!(unwrapped.link.source, Some(Mac(ethernet.source())));
                prop_assert_eq!(unwrapped.link.destination, Some(Mac(ethernet.destination())));
            }
            if let (Above::Ip(bytes), Some(etherparse::LaxNetSlice::Ipv4(ip))) = (unwrapped.above, &sliced.net) {
                prop_assert_eq!(bytes.as_ptr(), ip.header().slice().as_ptr());
            }
        }
    }

    #[test]
    fn any_bytes_decode_to_something(link_type in prop::sample::select(vec![0_u16, 1, 7, 9, 50, 51, 101, 104, 105, 108, 113, 119, 127, 129, 163, 192, 197, 228, 229, 276]), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(&mut Decoder::new(), &record(link_type, &bytes));
    }

    #[test]
    fn fragments_in_any_order_give_the_datagram(
        payload in prop::collection::vec(any::<u8>(), 30..400),
        order in Just((0..60_usize).collect::<Vec<_>>()).prop_shuffle(),
        is_ipv6: bool,
    ) {
        let fragments = if is_ipv6 { fragments6(17, &udp6(&payload)[40..], 16, 9) } else { fragments4(&udp4(&payload), 16, 9) };
        let frames: Vec<_> = order.iter().filter_map(|&index| fragments.get(index).cloned()).collect();
        prop_assert_eq!(completed(&mut Decoder::new(), &frames), [(frames.len() - 1, payload)]);
    }
}

/// Real captures, if there are any: the folder is named by `LOGINLOOP_CAPTURES`.
#[test]
#[expect(clippy::disallowed_methods, reason = "the files of a test")]
fn the_paths_agree_on_real_captures() {
    let Some(root) = std::env::var_os("LOGINLOOP_CAPTURES") else { return };
    let mut folders = vec![std::path::PathBuf::from(root)];
    let (mut packets, mut short) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(mut reader) = crate::capture::CaptureReader::open(std::fs::File::open(&path).expect("a file")) else {
                continue;
            };
            let mut decoder = Decoder::new();
            while let Ok(Some(record)) = reader.next_record() {
                let unwrapped = link::unwrap(&record);
                packets += 1;
                short += u32::from(
                    matches!(unwrapped.above, Above::Ip(bytes) if fast::above_link(&record, unwrapped.link, bytes).is_some()),
                );
                decode(&mut decoder, &record);
            }
        }
    }
    assert!(short > packets / 2, "the short path took {short} of {packets} packets");
}

/// An IPv4 packet that carries any protocol between two routers.
fn outer(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let total = ((20 + payload.len()) as u16).to_be_bytes();
    let header = [0x45, 0, total[0], total[1], 0, 1, 0, 0, 9, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    [&header[..], payload].concat()
}

fn outer_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    from_udp(0xc000, port, payload)
}

fn from_udp(source: u16, destination: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    outer(17, &[&[source, destination, length, 0].map(u16::to_be_bytes).concat()[..], payload].concat())
}

/// An 802.11 data frame from the phone to the network behind the access point.
fn on_air(first: u8, second: u8) -> Vec<u8> {
    let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp4(b"inner")].concat();
    wireless(first, second, &[ACCESS_POINT, PHONE, SWITCH], &[], &llc)
}

/// Every way in which a router may wrap what a phone sends.
fn tunnels() -> Vec<(&'static str, Vec<u8>, bool)> {
    let packet = udp4(b"inner");
    let frame = ethernet(0x0800, &packet);
    let gre = |header: &[u8], inner: &[u8]| outer(47, &[header, inner].concat());
    let udp = |port, header: &[u8], inner: &[u8]| outer_udp(port, &[header, inner].concat());
    let mut numbered = on_air(0x01, 0x08);
    numbered[22] |= 1;
    vec![
        ("IP in IP", outer(4, &packet), false),
        ("IPv6 in IPv4", outer(41, &udp6(b"inner")), false),
        ("GRE", gre(&[0, 0, 8, 0], &packet), false),
        ("GRE with all", gre(&[0xb0, 0, 8, 0, 1, 1, 0, 0, 2, 2, 2, 2, 3, 3, 3, 3], &packet), false),
        ("GRE with a frame", gre(&[0x20, 0, 0x65, 0x58, 0, 0, 0, 9], &frame), true),
        ("GRE of WCCP", gre(&[0, 0, 0x88, 0x3e], &packet), false),
        ("GRE of WCCP 2", gre(&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], &packet), false),
        ("GRE with MPLS", gre(&[0, 0, 0x88, 0x47, 0, 1, 0x01, 64], &packet), false),
        ("PPTP", gre(&[0x30, 0x81, 0x88, 0x0b, 0, 9, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0, 0x21], &packet), false),
        ("ERSPAN I", gre(&[0, 0, 0x88, 0xbe], &frame), true),
        ("ERSPAN II", gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0], &frame), true),
        ("ERSPAN III", gre(&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], &frame), true),
        (
            "ERSPAN III with a subheader",
            gre(&[&[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..], &[7; 8]].concat(), &frame),
            true,
        ),
        ("VXLAN", udp(4789, &[8, 0, 0, 0, 0, 0, 5, 0], &frame), true),
        ("GENEVE", udp(6081, &[0, 0, 0x65, 0x58, 0, 0, 5, 0], &frame), true),
        ("GENEVE with options", udp(6081, &[2, 0x40, 8, 0, 0, 0, 5, 0, 1, 2, 0x80, 1, 9, 9, 9, 9], &packet), false),
        ("GTP-U", udp(2152, &[0x30, 0xff, 0, 33, 0, 0, 0, 1], &packet), false),
        ("GTP-U with a sequence number", udp(2152, &[0x32, 0xff, 0, 37, 0, 0, 0, 1, 0, 7, 0, 0x85], &packet), false),
        (
            "GTP-U with extension headers",
            udp(2152, &[0x34, 0xff, 0, 45, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0xc0, 1, 0, 0, 0], &packet),
            false,
        ),
        ("VXLAN-GPE with a frame", udp(4790, &[0x0c, 0, 0, 3, 0, 0, 5, 0], &frame), true),
        ("VXLAN-GPE with IPv4", udp(4790, &[0x0c, 0, 0, 1, 0, 0, 5, 0], &packet), false),
        ("Ethernet in IP", outer(97, &[&[0x30, 0][..], &frame].concat()), true),
        ("MPLS in IP", outer(137, &[&[0, 1, 0x01, 64][..], &packet].concat()), false),
        ("MPLS in UDP", udp(6635, &[0, 1, 0x01, 64], &packet), false),
        ("L2TPv2", udp(1701, &[0x00, 0x02, 0, 1, 0, 2, 0xff, 0x03, 0x00, 0x21], &packet), false),
        (
            "L2TPv2 with all fields and a compressed protocol",
            udp(1701, &[0x4a, 0x02, 0, 60, 0, 1, 0, 2, 0, 7, 0, 8, 0, 3, 9, 9, 9, 0x21], &packet),
            false,
        ),
        ("L2TPv2 to the other side's port", from_udp(1701, 50_000, &[&[0, 2, 0, 1, 0, 2, 0, 0x21][..], &packet].concat()), false),
        ("L2TPv3 over UDP", udp(1701, &[0x00, 0x03, 0, 0, 0, 0, 0, 9], &frame), true),
        ("L2TPv3 over IP", outer(115, &[&[0, 0, 0, 9][..], &frame].concat()), true),
        ("L2TPv3 with a cookie of 4 octets", outer(115, &[&[0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef][..], &frame].concat()), true),
        (
            "L2TPv3 with a cookie of 8 octets and a sublayer",
            outer(115, &[&[0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0x40, 0, 0, 1][..], &frame].concat()),
            true,
        ),
        ("L2TPv3 with PPP", outer(115, &[&[0, 0, 0, 9, 0xff, 0x03, 0, 0x21][..], &packet].concat()), false),
        ("L2TPv3 with IP", outer(115, &[&[0, 0, 0, 9][..], &packet].concat()), false),
        ("CAPWAP with 802.3", udp(5247, &[0, 0x10, 0x02, 0, 0, 0, 0, 0], &frame), true),
        ("CAPWAP with 802.11", udp(5247, &[0, 0x10, 0x03, 0, 0, 0, 0, 0], &on_air(0x08, 0x01)), true),
        ("CAPWAP with swapped octets", udp(5247, &[0, 0x10, 0x03, 0, 0, 0, 0, 0], &on_air(0x01, 0x08)), true),
        ("CAPWAP with swapped octets and a number of pieces", udp(5247, &[0, 0x10, 0x03, 0, 0, 0, 0, 0], &numbered), true),
        ("Teredo", from_udp(3544, 50_000, &udp6(b"inner")), false),
        ("Teredo with an origin", udp(3544, &[0, 0, 0x10, 0x20, 1, 2, 3, 4], &udp6(b"inner")), false),
        ("Teredo with a secret", udp(3544, &[0, 1, 1, 2, 7, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0], &udp6(b"inner")), false),
        (
            "CAPWAP with the radio's address",
            udp(5247, &[0, 0x20, 0x03, 0x10, 0, 0, 0, 0, 6, 9, 9, 9, 9, 9, 9, 0], &on_air(0x08, 0x01)),
            true,
        ),
        ("CAPWAP from the controller", from_udp(5247, 40_000, &[&[0, 0x10, 0x02, 0, 0, 0, 0, 0][..], &frame].concat()), true),
        ("TZSP", udp(37008, &[1, 0, 0, 1, 0, 10, 1, 0xc0, 1], &frame), true),
        ("TZSP with 802.11", udp(37008, &[1, 0, 0, 18, 1], &on_air(0x08, 0x01)), true),
        ("a pseudowire without a control word", [&[0, 0, 0x11, 64][..], &frame].concat(), true),
        ("a pseudowire", [&[0, 0, 0x11, 64, 0, 0, 0, 1][..], &frame].concat(), true),
    ]
}

#[test]
fn of_a_packet_in_a_tunnel_the_inner_headers_count() {
    const ROUTERS: ([u8; 6], [u8; 6]) = ([2; 6], [4; 6]);
    for (name, packet, is_frame) in tunnels() {
        let ether_type: u16 = if name.starts_with("a pseudowire") { 0x8847 } else { 0x0800 };
        let bytes = [&ROUTERS.0[..], &ROUTERS.1, &ether_type.to_be_bytes(), &packet].concat();
        check(link_type::ETHERNET, &bytes, |packet| {
            assert_eq!(packet.stopped, None, "{name}");
            assert_eq!((udp_of(&packet).payload, udp_of(&packet).wire_length), (&b"inner"[..], 5), "{name}");
            assert_ne!(packet.net.expect("IP").source, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), "{name}");
            assert_eq!(packet.link.source, Some(Mac(if is_frame { PHONE } else { ROUTERS.1 })), "{name}");
        });
        for length in 0..bytes.len() {
            let cut = Record { wire_length: bytes.len() as u32, ..record(link_type::ETHERNET, &bytes[..length]) };
            decode(&mut Decoder::new(), &cut);
        }
    }
}

#[test]
fn what_a_tunnel_carries_may_be_no_ip() {
    let frame = [&[8, 0, 0, 0, 0, 0, 5, 0][..], &ethernet(0x0806, b"who has")].concat();
    check(link_type::RAW, &outer_udp(4789, &frame), |packet| {
        assert_eq!(packet.body, Body::Link { ether_type: 0x0806, bytes: b"who has" });
        assert_eq!(packet.net, None);
    });
}

#[test]
fn what_only_uses_the_port_of_a_tunnel_stays_a_datagram() {
    for (port, payload) in [
        (4789, &b"\x08\x01\x81\x80\0\x01\0\x01 an answer to a resolver's port"[..]),
        (4789, b"\x08\0\0\0"),
        (6081, b"\xc0\0\x65\x58\0\0\0\0 another version"),
        (6081, b"\0\0\x88\xcc\0\0\0\0 a protocol of which nothing is known"),
        (4790, b"\x08\0\0\x01\0\0\0\0 the next protocol is not named"),
        (4790, b"\x0c\0\0\x04\0\0\0\0 a service header"),
        (1701, b"\xc8\x02\0\x0c\0\0\0\0\0\0\0\0"),
        (1701, b"\0\x02\0\x01\0\x02\xff\x03\xc0\x21\x01\x01\0\x04"),
        (1701, b"\0\x03\0\0\0\0\0\x09 no packet that is known"),
        (5247, b"\x01\0\0\0 encrypted"),
        (5247, b"\0\x10\x02\x08\0\0\0\0 a keep-alive"),
        (5247, b"\0\x10\x02\x80\0\x01\0\0 a piece of a frame"),
        (5247, b"\0\x08\x02\0 shorter than its own header"),
        (37008, b"\x01\x04\0\x01\x01 a keep-alive"),
        (3544, b"\0\x01\0\0\0\0\0\0\0\0\0\0\0 no packet"),
        (3544, b"\0\x01\xff\xff"),
        (3544, b"\0\0\x10\x20"),
        (37008, b"\x01\0\0\x01\x0a\xff"),
        (9060, b"HEP3\0\x06"),
        (2152, b"\x32\x01\0\x04\0\0\0\0\0\x01\0\0"),
        (2152, b"\x30\xff\0\x04\0\0\0\0\0 no IP"),
        (2152, b"\x34\xff\0\x08\0\0\0\0\0\0\0\x85\0\0\0\0"),
    ] {
        check(link_type::RAW, &outer_udp(port, payload), |packet| assert_eq!(udp_of(&packet).payload, payload));
    }
    for gre in
        [&[0x40, 0, 8, 0][..], &[0, 2, 8, 0], &[0, 0, 0x88, 0x0b], &[0, 0, 0, 0], &[0x30, 1, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1]]
    {
        check(link_type::RAW, &outer(47, gre), |packet| {
            assert_eq!((packet.body, packet.stopped), (Body::Nothing, None));
            assert!(packet.net.is_some(), "the outer packet");
        });
    }
    check(link_type::RAW, &outer(47, &[0x20, 0, 8, 0, 1]), |packet| {
        assert_eq!(stopped(&packet), "GRE key at offset 24: 4 bytes needed, 1 there");
    });
}

/// A chunk of the Homer Encapsulation Protocol's version 3.
fn chunk(kind: u16, value: &[u8]) -> Vec<u8> {
    [&[0, 0][..], &kind.to_be_bytes(), &(6 + value.len() as u16).to_be_bytes(), value].concat()
}

fn hep3(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    [&b"HEP3"[..], &(6 + chunks.len() as u16).to_be_bytes(), &chunks].concat()
}

#[test]
fn a_copy_for_homer_counts_as_the_message_between_those_who_spoke() {
    const MESSAGE: &[u8] = b"OPTIONS sip:a SIP/2.0\r\n\r\n";
    let ports = [chunk(7, &[0x13, 0xc4]), chunk(8, &[0x13, 0xc5])].concat();
    let four = [chunk(1, &[2]), chunk(2, &[17]), chunk(3, &[10, 0, 4, 23]), chunk(4, &[10, 0, 4, 1]), ports.clone()].concat();
    let six = [chunk(1, &[10]), chunk(5, &[1; 16]), chunk(6, &[2; 16]), ports].concat();
    let end = [chunk(9, &[0x65, 0, 0, 0]), chunk(11, &[1]), chunk(15, MESSAGE)].concat();
    // Chunks of makers count for nothing.
    let own = [&[0x12, 0x34, 0, 3, 0, 10, 9, 9, 9, 9][..]].concat();
    let old = |version: u8, more: &[u8]| {
        [&[version, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc5, 10, 0, 4, 23, 10, 0, 4, 1][..], more, MESSAGE].concat()
    };
    for (copy, is_ipv6) in [
        (hep3(&[four.clone(), end.clone()]), false),
        (hep3(&[four.clone(), own, end.clone()]), false),
        (hep3(&[six, end.clone()]), true),
        (old(1, &[]), false),
        (old(2, &[0; 12]), false),
    ] {
        let frame = ethernet(0x0800, &outer_udp(9060, &copy));
        check(link_type::ETHERNET, &frame, |packet| {
            let net = packet.net.expect("IP");
            let phone = if is_ipv6 { IpAddr::from([1; 16]) } else { IpAddr::from([10, 0, 4, 23]) };
            assert_eq!((net.source, packet.link), (phone, Link::default()), "the proxy's MAC is not the phone's");
            let expected =
                Datagram { source_port: 5060, destination_port: 5061, payload: MESSAGE, wire_length: MESSAGE.len() as u32 };
            assert_eq!(udp_of(&packet), expected);
        });
        for length in 0..frame.len() {
            let cut = Record { wire_length: frame.len() as u32, ..record(link_type::ETHERNET, &frame[..length]) };
            decode(&mut Decoder::new(), &cut);
        }
    }
    // Reports about calls, and copies that do not say whose they are, are left as what they are.
    for copy in [
        hep3(&[four.clone(), chunk(11, &[5]), chunk(15, b"{}")]),
        hep3(&[end]),
        hep3(&[four, vec![0, 0, 0, 15, 0, 5]]),
        old(1, &[])[..14].to_vec(),
    ] {
        check(link_type::RAW, &outer_udp(9060, &copy), |packet| assert_eq!(udp_of(&packet).payload, copy));
    }
}

#[test]
fn tunnels_in_tunnels_are_followed_so_far() {
    let nested = |depth| (0..depth).fold(udp4(b"x"), |packet, _| outer(4, &packet));
    check(link_type::RAW, &nested(8), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    check(link_type::RAW, &nested(9), |packet| assert_eq!((packet.body, packet.stopped), (Body::Nothing, None)));
}

#[test]
fn a_tunnel_and_its_packet_may_both_be_fragmented() {
    // The outer one alone, the inner one alone.
    let mut decoder = Decoder::new();
    let payload: Vec<u8> = (0..60).collect();
    let wrapped = outer(4, &udp4(&payload));
    assert_eq!(completed(&mut decoder, &fragments4(&wrapped, 40, 3)), [(2, payload.clone())]);
    let inner: Vec<_> = fragments4(&udp4(&payload), 40, 4).iter().map(|fragment| outer(4, fragment)).collect();
    assert_eq!(completed(&mut decoder, &inner), [(1, payload)]);
}

const ACCESS_POINT: [u8; 6] = [9; 6];

/// An 802.11 data frame with the addresses as the two DS flags order them.
fn wireless(kind: u8, flags: u8, addresses: &[[u8; 6]], control: &[u8], payload: &[u8]) -> Vec<u8> {
    let [one, two, three, four @ ..] = addresses else { panic!("three addresses") };
    let head = [&[kind, flags, 0, 0][..], one, two, three, &[0x10, 0]].concat();
    [&head[..], &four.concat(), control, payload].concat()
}

#[test]
fn wireless_frames_name_sender_and_receiver_by_their_direction() {
    let llc = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp4(b"air")].concat();
    let subframe = [&SWITCH[..], &PHONE, &(llc.len() as u16).to_be_bytes(), &llc].concat();
    let frames = [
        wireless(0x08, 0x00, &[SWITCH, PHONE, ACCESS_POINT], &[], &llc),
        wireless(0x08, 0x01, &[ACCESS_POINT, PHONE, SWITCH], &[], &llc),
        wireless(0x88, 0x02, &[SWITCH, ACCESS_POINT, PHONE], &[0, 0], &llc),
        wireless(0x88, 0x83, &[ACCESS_POINT, ACCESS_POINT, SWITCH, PHONE], &[0, 0, 1, 1, 1, 1], &llc),
        wireless(0x88, 0x01, &[ACCESS_POINT, PHONE, ACCESS_POINT], &[0x80, 0], &subframe),
    ];
    for frame in &frames {
        let radiotap = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], frame].concat();
        let ppi = [&[0, 0, 8, 0, 105, 0, 0, 0][..], frame].concat();
        for (link_type, bytes) in [(105, frame), (127, &radiotap), (192, &ppi)] {
            check(link_type, bytes, |packet| {
                assert_eq!(packet.link, Link { source: Some(Mac(PHONE)), destination: Some(Mac(SWITCH)), vlan: None });
                assert_eq!(udp_of(&packet).payload, b"air");
            });
            for length in 0..bytes.len() {
                decode(&mut Decoder::new(), &Record { wire_length: 500, ..record(link_type, &bytes[..length]) });
            }
        }
    }
    // Two octets of padding behind a QoS header, which radiotap tells behind the timestamp.
    let padded = wireless(0x88, 0x01, &[ACCESS_POINT, PHONE, SWITCH], &[0, 0, 0, 0], &llc);
    let radiotap = [&[0, 0, 17, 0, 3, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0x20][..], &padded].concat();
    check(127, &radiotap, |packet| assert_eq!(udp_of(&packet).payload, b"air"));
}

#[test]
fn each_packet_of_an_aggregate_counts() {
    let llc = |payload: &[u8]| [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &udp4(payload)].concat();
    let subframe = |source: [u8; 6], llc: &[u8]| [&SWITCH[..], &source, &(llc.len() as u16).to_be_bytes(), llc].concat();
    let padded = |source, payload: &[u8]| {
        let mut bytes = subframe(source, &llc(payload));
        bytes.resize(bytes.len().next_multiple_of(4), 0xee);
        bytes
    };
    let aggregate = [padded(PHONE, b"one"), padded([7; 6], b"second"), subframe(PHONE, &llc(b"third"))].concat();
    let frame = wireless(0x88, 0x01, &[ACCESS_POINT, PHONE, ACCESS_POINT], &[0x80, 0], &aggregate);
    let seen = |bytes: &[u8]| {
        let mut seen = Vec::new();
        Decoder::new().decode_each(&record(105, bytes), |packet| {
            if let Body::Udp(datagram) = packet.body {
                seen.push((packet.link.source, datagram.payload.to_vec(), packet.at.frame));
            }
        });
        seen
    };
    let one = |source, payload: &[u8]| (Some(Mac(source)), payload.to_vec(), Frame::new(7));
    assert_eq!(seen(&frame), [one(PHONE, b"one"), one([7; 6], b"second"), one(PHONE, b"third")]);
    for length in 0..frame.len() {
        assert!(seen(&frame[..length]).len() <= 3);
    }
    // Every other frame is one packet, or none.
    let mut count = 0;
    for (link_type, bytes) in [(1, ethernet(0x0800, &udp4(b"x"))), (105, on_air(0x08, 0x01)), (105, vec![0x80, 0])] {
        Decoder::new().decode_each(&record(link_type, &bytes), |_| count += 1);
    }
    assert_eq!(count, 3);
}

#[test]
fn drivers_put_headers_of_their_own_before_wireless_frames() {
    let prism = |little: bool| {
        let words = [0x44_u32, 144].map(|word| if little { word.to_le_bytes() } else { word.to_be_bytes() });
        [&words.concat()[..], &[0; 136], &on_air(0x08, 0x01)].concat()
    };
    let avs = [&[0x80, 0x21, 0x10, 0x01, 0, 0, 0, 64][..], &[0; 56], &on_air(0x08, 0x01)].concat();
    for (link_type, bytes) in [(119, prism(true)), (119, prism(false)), (119, avs.clone()), (163, avs)] {
        check(link_type, &bytes, |packet| assert_eq!(udp_of(&packet).payload, b"inner"));
        for length in 0..bytes.len() {
            decode(&mut Decoder::new(), &Record { wire_length: 500, ..record(link_type, &bytes[..length]) });
        }
    }
}

#[test]
fn serial_lines_and_records_of_endace_carry_what_they_name() {
    let packet = udp4(b"x");
    let erf = |kind: u8, more: &[u8], inner: &[u8]| {
        let length = ((16 + more.len() + inner.len()) as u16).to_be_bytes();
        [&[0; 8][..], &[kind, 4], &length, &[0, 0], &[0, 60], more, inner].concat()
    };
    for (link_type, bytes) in [
        (50, [&[0xff, 3, 0, 0x21][..], &packet].concat()),
        (9, [&[0x0f, 0, 8, 0][..], &packet].concat()),
        (50, [&[0x0f, 0, 8, 0][..], &packet].concat()),
        (51, [&[0x11, 0, 0, 1, 0, 33, 0, 0x21][..], &packet].concat()),
        (104, [&[0x8f, 0, 8, 0][..], &packet].concat()),
        (197, erf(2, &[0, 0], &ethernet(0x0800, &packet))),
        (197, erf(0x82, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0], &ethernet(0x0800, &packet))),
        (197, erf(22, &[], &packet)),
        (197, erf(1, &[], &[&[0x0f, 0, 8, 0][..], &packet].concat())),
    ] {
        check(link_type, &bytes, |packet| assert_eq!(udp_of(&packet).payload, b"x", "link type {link_type}"));
        for length in 0..bytes.len() {
            decode(&mut Decoder::new(), &Record { wire_length: 500, ..record(link_type, &bytes[..length]) });
        }
    }
    check(197, &erf(27, &[], b"facts about the card"), |packet| assert_eq!(packet.body, Body::Nothing));
}

#[test]
fn wireless_frames_without_readable_data_carry_nothing() {
    for (kind, flags) in [(0x80, 0), (0xd4, 0), (0x48, 1), (0xc8, 1), (0x08, 0x41), (0x08, 0x05)] {
        check(105, &wireless(kind, flags, &[ACCESS_POINT, PHONE, SWITCH], &[], &[0xaa; 40]), |packet| {
            assert_eq!((packet.body, packet.stopped), (Body::Nothing, None));
        });
    }
}

#[test]
fn arcnet_carries_ip_by_either_standard() {
    for (link_type, header) in
        [(7, &[1, 2, 212, 0, 0, 1][..]), (7, &[1, 2, 240]), (129, &[1, 2, 0, 0, 212, 0, 0, 1]), (129, &[1, 2, 0, 0, 240])]
    {
        check(link_type, &[header, &udp4(b"x")].concat(), |packet| assert_eq!(udp_of(&packet).payload, b"x"));
    }
    for header in [&[1, 2, 212, 1, 0, 1][..], &[1, 2, 213, 0, 0, 1]] {
        check(7, &[header, &udp4(b"x")].concat(), |packet| assert_eq!((packet.body, packet.stopped), (Body::Nothing, None)));
    }
}
