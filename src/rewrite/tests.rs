//! Captures of each kind written anew: what must be the same, and what comes in.

#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use super::*;
use crate::capture::Order;
use crate::capture::pcapng::{ENHANCED_PACKET, INTERFACE, SECTION, SECTION_MAGIC};
use crate::model::Time;

/// Keeps every frame that is not in `dropped`, and comments on those in `comments`.
#[derive(Default)]
struct Plan {
    section: Option<String>,
    comments: BTreeMap<Frame, Vec<String>>,
    dropped: Vec<Frame>,
    bare: bool,
    secrets: bool,
}

impl Edit for Plan {
    fn section_comment(&self) -> Option<&str> {
        self.section.as_deref()
    }

    fn packet<'a>(&mut self, frame: Frame, data: &'a [u8]) -> Packet<'a> {
        if self.dropped.contains(&frame) {
            return Packet::Dropped;
        }
        Packet::Kept(Cow::Borrowed(data), self.comments.get(&frame).cloned().unwrap_or_default())
    }

    fn keeps_surroundings(&self) -> bool {
        !self.bare
    }

    fn keeps_secrets(&self) -> bool {
        self.secrets
    }
}

fn rewritten(capture: &[u8], plan: &mut Plan) -> (Vec<u8>, Written) {
    let mut out = Vec::new();
    let written = rewrite(|| Ok(capture), plan, &mut out).unwrap();
    (out, written)
}

type Packets = Vec<(Time, u16, u32, Vec<u8>)>;

fn packets(capture: &[u8]) -> Packets {
    let mut reader = CaptureReader::open(capture).unwrap();
    let mut packets = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        packets.push((record.at.time, record.link_type, record.wire_length, record.data.to_vec()));
    }
    assert!(reader.warnings().is_empty(), "{:?}", reader.warnings());
    packets
}

/// A classic capture of Ethernet frames, a millisecond apart.
fn pcap(lengths: &[usize]) -> Vec<u8> {
    let mut file =
        [0xa1b2_c3d4_u32.to_le_bytes(), [2, 0, 4, 0], [0; 4], [0; 4], 65_535_u32.to_le_bytes(), 1_u32.to_le_bytes()].concat();
    for (place, length) in lengths.iter().enumerate() {
        for word in [1_700_000_000, place as u32 * 1000, *length as u32, *length as u32 + 7] {
            file.extend(word.to_le_bytes());
        }
        file.extend((0..*length).map(|byte| byte as u8));
    }
    file
}

/// pcapng in either byte order: a packet with a comment, one without options, an unknown block, a simple packet.
fn pcapng(order: Order) -> Vec<u8> {
    let mut section = order.put_u32(SECTION_MAGIC).to_vec();
    section.extend([order.put_u16(1), order.put_u16(0)].concat());
    section.extend([0xff; 8]);
    let mut interface = order.put_u16(1).to_vec();
    interface.extend([0; 6]);
    let packet = |data: &[u8], options: &[u8]| {
        let mut body = [0, 0x0005_b000, 77, data.len() as u32, data.len() as u32].map(|word| order.put_u32(word)).concat();
        body.extend(data);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        blocks::block(order, ENHANCED_PACKET, &body)
    };
    let with_comment = blocks::options(order, &blocks::comments(order, ["old"].into_iter()), &[]);
    let simple = [order.put_u32(6).as_slice(), b"simple", &[0, 0]].concat();
    [
        blocks::block(order, SECTION, &section),
        blocks::block(order, INTERFACE, &interface),
        packet(b"first", &with_comment),
        blocks::block(order, 0x7777, b"unknown!"),
        packet(b"second packet", &[]),
        blocks::block(order, 3, &simple),
    ]
    .concat()
}

#[test]
fn sound_pcapng_without_changes_stays_but_for_the_length_of_its_section() {
    for order in [Order::Little, Order::Big] {
        let capture = pcapng(order);
        let (out, written) = rewritten(&capture, &mut Plan::default());
        assert_eq!(out, capture, "{order:?}");
        assert_eq!((written.packets, written.comments_left_out), (3, 0));
        assert!(written.renumbered.is_empty());
    }
}

#[test]
fn a_comment_goes_before_those_that_are_there() {
    for order in [Order::Little, Order::Big] {
        let capture = pcapng(order);
        let comments = BTreeMap::from([
            (Frame::new(1), vec!["new".to_owned()]),
            (Frame::new(2), vec!["two".to_owned(), "three".to_owned()]),
        ]);
        let (out, _) = rewritten(&capture, &mut Plan { comments, section: Some("all".to_owned()), ..Plan::default() });
        assert_eq!(packets(&out), packets(&capture), "{order:?}");
        let place = |text: &[u8]| out.windows(text.len()).position(|window| window == text).unwrap();
        assert!(place(b"all") < place(b"new") && place(b"new") < place(b"old") && place(b"old") < place(b"two"));
        assert!(place(b"two") < place(b"three"));
    }
}

#[test]
fn a_simple_packet_can_have_no_comment_and_that_is_told() {
    let comments = BTreeMap::from([(Frame::new(3), vec!["lost".to_owned()])]);
    let capture = pcapng(Order::Little);
    let (out, written) = rewritten(&capture, &mut Plan { comments, ..Plan::default() });
    assert_eq!((out, written.comments_left_out), (capture, 1));
}

#[test]
fn packets_that_are_left_out_renumber_those_behind_them() {
    for capture in [pcapng(Order::Big), pcap(&[5, 60, 61])] {
        let (out, written) = rewritten(&capture, &mut Plan { dropped: vec![Frame::new(1)], ..Plan::default() });
        assert_eq!(packets(&out).len(), packets(&capture).len() - 1);
        assert_eq!(packets(&out)[0].3, packets(&capture)[1].3);
        assert_eq!(written.renumbered, BTreeMap::from([(Frame::new(2), Frame::new(1)), (Frame::new(3), Frame::new(2))]));
    }
}

#[test]
fn without_its_surroundings_nothing_but_packets_is_left() {
    let capture = pcapng(Order::Little);
    let (out, _) = rewritten(&capture, &mut Plan { bare: true, ..Plan::default() });
    for gone in [b"old".as_slice(), b"unknown!"] {
        assert!(!out.windows(gone.len()).any(|window| window == gone));
    }
    assert_eq!(packets(&out), packets(&capture));
}

#[test]
fn without_its_surroundings_the_secrets_are_left_if_they_are_wanted() {
    let secrets = blocks::block(Order::Little, 10, b"KSLT\x06\0\0\0secret\0\0");
    let capture = [pcapng(Order::Little), secrets].concat();
    for secrets in [true, false] {
        let (out, _) = rewritten(&capture, &mut Plan { bare: true, secrets, ..Plan::default() });
        assert_eq!(out.windows(6).any(|window| window == b"secret"), secrets);
        assert!(!out.windows(8).any(|window| window == b"unknown!"));
    }
}

#[test]
fn classic_captures_become_pcapng_with_the_same_packets() {
    let capture = pcap(&[0, 1, 59, 60, 1514]);
    let comments = BTreeMap::from([(Frame::new(4), vec!["here".to_owned()])]);
    let (out, written) = rewritten(&capture, &mut Plan { comments, ..Plan::default() });
    assert_eq!(packets(&out), packets(&capture));
    assert_eq!(written.packets, 5);
}

#[test]
fn damaged_pcapng_is_written_as_far_as_it_can_be_read() {
    let mut capture = pcapng(Order::Little);
    let end = capture.len() - 6;
    capture.truncate(end);
    let (out, written) = rewritten(&capture, &mut Plan::default());
    assert_eq!(written.packets, 2);
    assert_eq!(packets(&out).len(), 2);
}

#[test]
fn a_long_comment_is_cut_between_characters() {
    let capture = pcap(&[60]);
    let comments = BTreeMap::from([(Frame::new(1), vec!["ü".repeat(40_000)])]);
    let (out, _) = rewritten(&capture, &mut Plan { comments, ..Plan::default() });
    assert_eq!(packets(&out), packets(&capture));
}
