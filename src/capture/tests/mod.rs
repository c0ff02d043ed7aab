//! Capture files, built here block by block after their specifications, and what is read from them.

mod damage;
mod formats;
mod unpacking;

use std::io::{self, Read};

use proptest::prelude::*;

use super::buffer::{BUFFER, Order};
use super::*;
use crate::model::Frame;

/// Writes the numbers of one section or file in its byte order.
#[derive(Clone, Copy)]
struct Writer(Order);

const LITTLE: Writer = Writer(Order::Little);
const BIG: Writer = Writer(Order::Big);

impl Writer {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        if self.0 == Order::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32((12 + body.len().next_multiple_of(4)) as u32);
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        [&self.u32(kind)[..], &length, body, &padding, &length].concat()
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.u16(code)[..], &self.u16(value.len() as u16), value, &padding].concat()
    }

    fn section(self) -> Vec<u8> {
        self.section_with(&[])
    }

    fn section_with(self, options: &[u8]) -> Vec<u8> {
        let fixed = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &self.u64(u64::MAX)].concat();
        self.block(0x0a0d_0d0a, &[&fixed, options].concat())
    }

    fn interface(self, link_type: u16, options: &[u8]) -> Vec<u8> {
        self.block(1, &[&self.u16(link_type)[..], &[0, 0], &self.u32(0), options].concat())
    }

    fn enhanced(self, interface: u32, ticks: u64, wire: u32, data: &[u8]) -> Vec<u8> {
        self.enhanced_claiming(interface, ticks, data.len() as u32, wire, data)
    }

    fn enhanced_claiming(self, interface: u32, ticks: u64, captured: u32, wire: u32, data: &[u8]) -> Vec<u8> {
        let fields = [interface, (ticks >> 32) as u32, ticks as u32, captured, wire].map(|field| self.u32(field));
        self.block(6, &[&fields.concat(), data].concat())
    }

    fn obsolete(self, interface: u16, ticks: u64, data: &[u8]) -> Vec<u8> {
        let fields = [(ticks >> 32) as u32, ticks as u32, data.len() as u32, data.len() as u32].map(|field| self.u32(field));
        self.block(2, &[&self.u16(interface)[..], &[0, 7], &fields.concat(), data].concat())
    }

    fn simple(self, wire: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(wire)[..], data].concat())
    }

    fn header(self, magic: u32, version: (u16, u16), network: u32) -> Vec<u8> {
        let version = [self.u16(version.0), self.u16(version.1)].concat();
        [&self.u32(magic)[..], &version, &[0; 8], &self.u32(65_535), &self.u32(network)].concat()
    }

    fn record(self, seconds: u32, fraction: u32, wire: u32, data: &[u8]) -> Vec<u8> {
        [seconds, fraction, data.len() as u32, wire]
            .map(|field| self.u32(field))
            .concat()
            .into_iter()
            .chain(data.iter().copied())
            .collect()
    }
}

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// A record without its borrow: frame, time, link type, wire length, data.
type Seen = (u64, i64, u16, u32, Vec<u8>);

fn read_all<R: Read>(mut reader: CaptureReader<R>) -> (Vec<Seen>, CaptureReader<R>) {
    let mut seen = Vec::new();
    while let Some(record) = reader.next_record().expect("no error") {
        seen.push((record.at.frame.number(), record.at.time.0, record.link_type, record.wire_length, record.data.to_vec()));
    }
    assert!(reader.next_record().expect("the end stays the end").is_none());
    (seen, reader)
}

fn read(bytes: &[u8]) -> (Vec<Seen>, CaptureReader<io::Cursor<Vec<u8>>>) {
    read_all(CaptureReader::open(io::Cursor::new(bytes.to_vec())).expect("a capture"))
}

fn frames(seen: &[Seen]) -> Vec<u64> {
    seen.iter().map(|seen| seen.0).collect()
}

fn refusal(bytes: &[u8]) -> String {
    CaptureReader::open(bytes).expect_err("not a capture").to_string()
}

/// Gives one byte at a time, and is interrupted before each.
struct Dripping<'a>(&'a [u8], bool);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 { Err(io::ErrorKind::Interrupted.into()) } else { self.0.read(&mut buffer[..1]) }
    }
}

#[test]
fn classic_captures_are_read_in_both_byte_orders_and_resolutions() {
    for writer in [LITTLE, BIG] {
        for (magic, expected) in [(MICRO, 7_000_000_005_000), (NANO, 7_000_000_000_005)] {
            let file = [writer.header(magic, (2, 4), 1), writer.record(7000, 5, 60, b"abc")].concat();
            assert_eq!(read(&file).0, [(1, expected, 1, 60, b"abc".to_vec())]);
        }
    }
}

#[test]
fn the_modified_variant_has_longer_record_headers() {
    for writer in [LITTLE, BIG] {
        let record = [7, 5, 3, 3, 1, 0].map(|field| writer.u32(field)).concat();
        let file = [&writer.header(MODIFIED, (2, 4), 1)[..], &record, b"abc", &record, b"def"].concat();
        let (seen, _) = read(&file);
        assert_eq!(seen.iter().map(|seen| &seen.4[..]).collect::<Vec<_>>(), [b"abc", b"def"]);
    }
}

#[test]
fn the_frame_check_sequence_bits_are_no_part_of_the_link_type() {
    let file = [LITTLE.header(MICRO, (2, 4), 0x5400_0000 | 276), LITTLE.record(1, 0, 1, b"a")].concat();
    assert_eq!(read(&file).0[0].2, 276);
}

#[test]
fn old_writers_gave_the_wire_length_first() {
    let record = |first: u32, second: u32| [&[1, 0, first, second].map(u32::to_le_bytes).concat()[..], b"abc"].concat();
    for (version, first, second) in [((2, 2), 60, 3), ((2, 3), 60, 3), ((2, 3), 3, 60), ((2, 4), 3, 60), ((543, 0), 60, 3)] {
        let (seen, _) = read(&[LITTLE.header(MICRO, version, 1), record(first, second)].concat());
        assert_eq!((seen[0].3, &seen[0].4[..]), (60, &b"abc"[..]), "version {version:?}");
    }
}

#[test]
fn a_wire_length_below_the_captured_one_is_not_believed() {
    let (seen, reader) = read(&[LITTLE.header(MICRO, (2, 4), 1), LITTLE.record(1, 0, 0, b"abc")].concat());
    assert_eq!(seen[0].3, 3);
    assert!(!reader.facts().snaplen_limited);
}

#[test]
fn each_interface_has_its_own_link_type_and_clock() {
    for writer in [LITTLE, BIG] {
        let nanoseconds = writer.option(9, &[9]);
        let binary =
            [writer.option(9, &[0x80 | 20]), writer.option(14, &writer.u64(-3600_i64 as u64)), writer.option(0, &[])].concat();
        let picoseconds = [writer.option(9, &[12]), writer.option(14, &writer.u64(1_700_000_000))].concat();
        let after_the_end = [writer.option(0, &[]), writer.option(9, &[9])].concat();
        let file = [
            writer.section(),
            writer.interface(1, &[]),
            writer.interface(113, &nanoseconds),
            writer.interface(276, &binary),
            writer.interface(101, &picoseconds),
            writer.interface(1, &after_the_end),
            writer.enhanced(4, 3, 1, b"e"),
            writer.enhanced(3, 7_999, 1, b"d"),
            writer.enhanced(2, (3601 << 20) + 12_345, 1, b"c"),
            writer.enhanced(1, 1_700_000_000_123_456_789, 1, b"b"),
            writer.enhanced(0, 1_700_000_000_123_456, 1, b"a"),
        ]
        .concat();
        let times_and_links: Vec<_> = read(&file).0.iter().map(|seen| (seen.1, seen.2)).collect();
        assert_eq!(
            times_and_links,
            [
                (3_000, 1),
                (1_700_000_000_000_000_007, 101),
                (1_011_773_109, 276),
                (1_700_000_000_123_456_789, 113),
                (1_700_000_000_123_456_000, 1),
            ]
        );
    }
}

#[test]
fn a_new_section_may_change_the_byte_order_and_forgets_the_interfaces() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, &[]),
        LITTLE.enhanced(0, 1, 1, b"a"),
        BIG.section(),
        BIG.interface(101, &[]),
        BIG.enhanced(0, 2, 1, b"b"),
        LITTLE.section(),
        LITTLE.enhanced(0, 3, 1, b"c"),
        LITTLE.interface(113, &[]),
        LITTLE.enhanced(0, 4, 1, b"d"),
    ]
    .concat();
    let (seen, reader) = read(&file);
    assert_eq!(seen.iter().map(|seen| (seen.0, seen.2)).collect::<Vec<_>>(), [(1, 1), (2, 101), (4, 113)]);
    assert_eq!(reader.warnings().len(), 1);
    assert_eq!(reader.warnings()[0].frame, Some(Frame::new(3)));
    assert!(reader.warnings()[0].text.contains("no such interface"), "{}", reader.warnings()[0].text);
}

#[test]
fn frames_are_numbered_as_wireshark_does() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, &[]),
        LITTLE.enhanced(0, 10, 1, b"1"),
        LITTLE.block(0xbad, b"\x39\x30\0\0custom"),
        LITTLE.block(4, &[0; 4]),
        LITTLE.enhanced(0, 11, 1, b"3"),
        LITTLE.block(0x4000_0bad, b"\x39\x30\0\0custom"),
        LITTLE.block(9, b"__REALTIME_TIMESTAMP=1\n"),
        LITTLE.block(5, &[0; 12]),
        LITTLE.block(10, &[0; 8]),
        LITTLE.block(0x8000_0001, b"process"),
        LITTLE.block(0x1234, b"unknown"),
        LITTLE.simple(1, b"6"),
        LITTLE.obsolete(0, 12, b"7"),
        LITTLE.block(0x204, b"sysdig"),
        LITTLE.block(0x216, b"sysdig"),
        LITTLE.block(0x221, b"sysdig"),
        LITTLE.enhanced(0, 13, 2, b"11"),
    ]
    .concat();
    let (seen, reader) = read(&file);
    assert_eq!(frames(&seen), [1, 3, 6, 7, 11]);
    let times: Vec<_> = seen.iter().map(|seen| seen.1).collect();
    assert_eq!(times, [10_000, 11_000, 11_000, 12_000, 13_000], "without a time: as before");
    assert_eq!(reader.facts().frames, 11);
    assert!(reader.warnings().is_empty());
}

#[test]
fn a_simple_packet_is_as_long_as_the_snap_length_lets_it() {
    let interface = LITTLE.block(1, &[1, 0, 0, 0, 3, 0, 0, 0]);
    let file = [LITTLE.section(), interface, LITTLE.simple(60, b"abc\0"), LITTLE.simple(2, b"ab\0\0")].concat();
    let (seen, _) = read(&file);
    assert_eq!(seen.iter().map(|seen| (seen.3, &seen.4[..])).collect::<Vec<_>>(), [(60, &b"abc"[..]), (2, &b"ab"[..])]);
}

#[test]
fn a_section_header_may_be_larger_than_the_buffer() {
    let comments: Vec<u8> = (0..10).flat_map(|_| LITTLE.option(1, &[b'x'; 60_000])).collect();
    assert!(comments.len() > 2 * BUFFER);
    let file = [LITTLE.section_with(&comments), LITTLE.interface(1, &[]), LITTLE.enhanced(0, 1, 1, b"a")].concat();
    assert_eq!(frames(&read(&file).0), [1]);
}

#[test]
fn records_may_lie_anywhere_in_the_buffer_and_be_as_large_as_it() {
    let data = vec![7; BUFFER];
    let mut file = LITTLE.header(MICRO, (2, 4), 1);
    for length in [BUFFER - 16, BUFFER - 17, 1, BUFFER, 0, 100_000, 100_000, 100_000, 5] {
        file.extend(LITTLE.record(1, 0, length as u32, &data[..length]));
    }
    let (seen, reader) = read(&file);
    assert_eq!(
        seen.iter().map(|seen| seen.4.len()).collect::<Vec<_>>(),
        [BUFFER - 16, BUFFER - 17, 1, BUFFER, 0, 100_000, 100_000, 100_000, 5]
    );
    assert_eq!(reader.file_bytes(), file.len() as u64);
}

#[test]
fn one_byte_at_a_time_gives_the_same() {
    for file in samples() {
        let (whole, _) = read(&file);
        let (dripped, reader) = read_all(CaptureReader::open(Dripping(&file, false)).expect("a capture"));
        assert_eq!(whole, dripped);
        assert_eq!(reader.file_bytes(), file.len() as u64);
    }
}

/// One capture of each kind, with several packets.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for writer in [LITTLE, BIG] {
        let mut classic = writer.header(MICRO, (2, 4), 1);
        let mut blocks = [writer.section(), writer.interface(1, &writer.option(9, &[9])), writer.interface(113, &[])].concat();
        for index in 0..5_u8 {
            let data = vec![index; 20 + usize::from(index)];
            classic.extend(writer.record(1000, u32::from(index), 100, &data));
            blocks.extend(writer.enhanced(u32::from(index % 2), u64::from(index) << 32, 100, &data));
            blocks.extend(writer.simple(u32::from(index), &data));
            blocks.extend(writer.obsolete(1, 5, &data));
        }
        samples.extend([classic, blocks]);
    }
    samples
}

#[test]
fn a_capture_cut_anywhere_gives_what_came_before_the_cut() {
    for file in samples() {
        let (whole, _) = read(&file);
        for length in 0..file.len() {
            let Ok(reader) = CaptureReader::open(&file[..length]) else { continue };
            let (seen, reader) = read_all(reader);
            assert_eq!(seen, whole[..seen.len()]);
            assert_eq!(reader.facts().truncated, !reader.warnings().is_empty());
        }
        let (seen, reader) = read(&file[..file.len() - 1]);
        assert_eq!(seen.len() + 1, whole.len());
        assert!(reader.facts().truncated);
        assert!(reader.warnings()[0].text.contains("cut inside a"), "{:?}", reader.warnings());
    }
}

#[test]
fn a_damaged_packet_block_is_left_out_and_keeps_its_number() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, &[]),
        LITTLE.enhanced(0, 1, 1, b"a"),
        LITTLE.enhanced_claiming(0, 2, 999, 999, b"too long"),
        LITTLE.enhanced_claiming(0, 2, u32::MAX, 999, b"far too long"),
        LITTLE.block(6, b"short"),
        LITTLE.enhanced(0, 3, 1, b"b"),
    ]
    .concat();
    let (seen, reader) = read(&file);
    assert_eq!(frames(&seen), [1, 5]);
    assert_eq!(
        reader.warnings().iter().map(|warning| warning.frame.map(|frame| frame.number())).collect::<Vec<_>>(),
        [Some(2), Some(3), Some(4)]
    );
    assert!(reader.warnings().iter().all(|warning| warning.text.contains("Wireshark stops here")));
}

#[test]
fn a_damaged_interface_still_takes_its_number() {
    // The option claims more than the block holds, so that the grammar drops it; and a block without room for a link type.
    let file = [
        LITTLE.section(),
        LITTLE.interface(113, &LITTLE.u32(0xffff_0009)),
        LITTLE.block(1, &[]),
        LITTLE.interface(101, &[]),
        LITTLE.enhanced(2, 1, 1, b"a"),
        LITTLE.enhanced(0, 1, 1, b"b"),
    ]
    .concat();
    assert_eq!(read(&file).0.iter().map(|seen| seen.2).collect::<Vec<_>>(), [101, 113]);
}

#[test]
fn a_packet_larger_than_wireshark_reads_is_read_and_told() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(1, &[]),
        LITTLE.enhanced(0, 1, 300_000, &[7; 300_000]),
        LITTLE.enhanced(0, 2, 1, b"a"),
    ]
    .concat();
    let (seen, reader) = read(&file);
    assert_eq!(seen.iter().map(|seen| seen.4.len()).collect::<Vec<_>>(), [300_000, 1]);
    assert_eq!(reader.warnings().len(), 1);
    assert!(reader.warnings()[0].text.contains("300000 bytes") && reader.warnings()[0].frame == Some(Frame::new(1)));
}

#[test]
fn a_record_longer_than_any_packet_is_damage() {
    let behind = (1..4).flat_map(|second| LITTLE.record(1_700_000_000 + second, 0, 90, &[0xee; 60]));
    let behind: Vec<u8> = behind.collect();
    for (length, read_whole) in [(MAX_PACKET, true), (MAX_PACKET + 1, false)] {
        let long = LITTLE.record(1_700_000_000, 0, length, &vec![0xee; length as usize]);
        let (seen, reader) = read(&[LITTLE.header(MICRO, (2, 4), 1), long, behind.clone()].concat());
        assert_eq!(seen.len(), if read_whole { 4 } else { 3 });
        let told = reader.warnings().iter().any(|warning| warning.text.contains(&format!("claims {length} bytes")));
        assert_eq!(told, !read_whole, "{:?}", reader.warnings());
    }
}

#[test]
fn a_block_longer_than_any_is_damage() {
    const CUSTOM: u32 = 0x0bad;
    let start = [LITTLE.section(), LITTLE.interface(1, &[])].concat();
    let packets: Vec<u8> = (1..4).flat_map(|tick| LITTLE.enhanced(0, tick, 1, b"a")).collect();
    let longest = LITTLE.block(CUSTOM, &vec![0; pcapng::MAX_BLOCK as usize - 12]);
    let (seen, reader) = read(&[&start[..], &longest, &packets].concat());
    assert_eq!((seen.len(), reader.warnings().len()), (3, 0));
    let too_long = [LITTLE.u32(CUSTOM), LITTLE.u32(pcapng::MAX_BLOCK + 4)].concat();
    let (seen, reader) = read(&[&start[..], &too_long, &packets].concat());
    assert_eq!(seen.len(), 3, "the packets in it are found");
    assert!(reader.warnings()[0].text.contains("a block claims 16777220 bytes"), "{:?}", reader.warnings());
}

#[test]
fn key_logs_in_blocks_of_secrets_come_before_the_packets_behind_them() {
    for writer in [LITTLE, BIG] {
        let secrets = |kind: u32, claimed: usize, text: &[u8]| {
            writer.block(10, &[&writer.u32(kind)[..], &writer.u32(claimed as u32), text].concat())
        };
        let packet = || writer.enhanced(0, 0, 60, &[1; 60]);
        let file = [
            writer.section(),
            secrets(0x544c_534b, 5, b"first"),
            writer.interface(1, &[]),
            packet(),
            secrets(0x5747_4b4c, 9, b"WireGuard"),
            secrets(0x544c_534b, 900, b"longer than its block"),
            secrets(0x544c_534b, 6, b"second"),
            packet(),
            secrets(0x544c_534b, 4, b"last"),
        ]
        .concat();
        let mut reader = CaptureReader::open(file.as_slice()).expect("a capture");
        let mut said = Vec::new();
        loop {
            let mut found = Vec::new();
            let is_packet = reader.next_with_secrets(&mut |text| found.push(text.to_vec())).expect("no fault").is_some();
            said.push((found, is_packet));
            if !is_packet {
                break;
            }
        }
        let wanted = [(vec![b"first".to_vec()], true), (vec![b"second".to_vec()], true), (vec![b"last".to_vec()], false)];
        assert_eq!(said, wanted);
        assert_eq!(frames(&read(&file).0), [1, 2], "secrets are no frames");
    }
}

#[test]
fn interfaces_beyond_the_bound_are_left_out_and_that_is_told() {
    let last = pcapng::MAX_INTERFACES as u32;
    let mut file = LITTLE.section();
    (0..=last).for_each(|_| file.extend(LITTLE.interface(1, &[])));
    file.extend([LITTLE.enhanced(last - 1, 1, 1, b"a"), LITTLE.enhanced(last, 2, 1, b"b")].concat());
    let (seen, reader) = read(&file);
    assert_eq!(seen.iter().map(|seen| &seen.4[..]).collect::<Vec<_>>(), [b"a"]);
    let told: Vec<&str> = reader.warnings().iter().map(|warning| warning.text.as_str()).collect();
    assert!(told[0].contains("one too many for a section") && told[1].contains("no such interface"), "{told:?}");
}

#[test]
fn unsound_framing_is_told_with_its_place() {
    let good = [LITTLE.section(), LITTLE.interface(1, &[]), LITTLE.enhanced(0, 1, 1, b"a")].concat();
    let mut two_lengths = LITTLE.enhanced(0, 2, 4, b"abcd");
    two_lengths[32] ^= 4;
    let bad_version = LITTLE.section().iter().enumerate().map(|(at, &byte)| if at == 12 { 9 } else { byte }).collect();
    for (bad, expected) in [
        (two_lengths, "length as 36 at its begin and 32 at its end"),
        (LITTLE.u32(6).repeat(2), "claims 6 bytes"),
        ([LITTLE.u32(6), LITTLE.u32(u32::MAX)].concat(), "claims 4294967295 bytes"),
        ([LITTLE.u32(0x0a0d_0d0a), LITTLE.u32(28), LITTLE.u32(1)].concat(), "byte-order magic is 01000000"),
        (bad_version, "version 9.0"),
    ] {
        for (behind, expected_frames) in [(&[][..], &[1][..]), (&good, &[1, 2])] {
            let (seen, reader) = read(&[&good[..], &bad, behind].concat());
            assert_eq!(frames(&seen), expected_frames);
            let text = &reader.warnings()[0].text;
            assert!(
                text.contains(expected) && text.contains("Wireshark") && text.contains(&format!("offset {}", good.len())),
                "{text}"
            );
            assert!(!reader.facts().truncated);
        }
    }
}

#[test]
fn an_impossible_length_is_an_error_only_if_nothing_was_read() {
    let bad = [1, 0, 300_000, 300_000].map(u32::to_le_bytes).concat();
    let header = LITTLE.header(MICRO, (2, 4), 1);
    let mut reader = CaptureReader::open(io::Cursor::new([&header[..], &bad].concat())).expect("a header");
    let error = reader.next_record().expect_err("nothing was read").to_string();
    assert!(error.contains("offset 24") && error.contains("300000 bytes"), "{error}");
    let (seen, reader) = read(&[header, LITTLE.record(1, 0, 1, b"a"), bad].concat());
    assert_eq!(frames(&seen), [1]);
    assert!(reader.warnings()[0].text.contains("offset 41"), "{:?}", reader.warnings());
}

#[test]
fn block_lengths_without_their_padding_are_understood() {
    let mut block = LITTLE.enhanced(0, 2, 1, b"abc");
    block[4] -= 1;
    let last = block.len() - 4;
    block[last] -= 1;
    let file = [LITTLE.section(), LITTLE.interface(1, &[]), block, LITTLE.enhanced(0, 3, 1, b"d")].concat();
    assert_eq!(frames(&read(&file).0), [1, 2]);
}

#[test]
fn what_is_no_capture_is_named_with_what_to_do() {
    assert!(refusal(b"").contains("empty"));
    assert!(refusal(b"\xd4\xc3\xb2\xa1\x02\0").contains("ends at offset 6 inside the pcap header, which needs 24 bytes"));
    assert!(refusal(&LITTLE.section()[..20]).contains("inside the pcapng header"));
    assert!(refusal(b"\x1f\x8b\x08\0\0\0\0\0").contains("gunzip -c IN > OUT"));
    assert!(
        refusal(b"iptrace 2.0")
            .contains("an AIX iptrace capture, which is not read as it is; convert it first: editcap -F pcapng IN OUT")
    );
    assert!(refusal(b"snoop\0\0\0\0\0\0\x02").contains("ends at offset 12 inside the snoop header"));
    assert!(refusal(b"GMBU\0\x02").contains("ends at offset 6 inside the netmon header"));
    assert!(refusal(b"\x28\xb5\x2f\xfd\x04").contains("zstd -d"));
    assert!(
        refusal(b"22:01:03.123456 IP 10.0.4.23.5060 > 10.0.4.1.5060: SIP")
            .contains("text, not a capture (it begins \"22:01:03.123456")
    );
    assert!(refusal(b"\n\nGr\xc3\xbc\xc3\x9fe\x1b").contains("it begins 0a 0a"), "control characters are no text");
    assert!(refusal(b"\x7fELF\x02\x01\x01\0").contains("it begins 7f 45 4c 46"));
    assert!(refusal(&LITTLE.header(MICRO, (1, 0), 1)).contains("unknown version 1.0"));
    assert!(refusal(&[&LITTLE.section()[..8], b"\0\0\0\0aaaaaaaaaaaaaaaa"].concat()).contains("byte-order magic"));
}

#[test]
fn a_failing_disk_is_an_error_with_its_offset() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let header = LITTLE.header(MICRO, (2, 4), 1);
            let Some(rest) = header.get(self.0..).filter(|rest| !rest.is_empty()) else {
                return Err(io::Error::other("bad sector"));
            };
            self.0 += rest.len();
            buffer[..rest.len()].copy_from_slice(rest);
            Ok(rest.len())
        }
    }
    let mut reader = CaptureReader::open(Failing(0)).expect("the header is good");
    let error = reader.next_record().expect_err("the disk fails").to_string();
    assert!(error.contains("offset 24") && error.contains("bad sector"), "{error}");
    assert!(reader.next_record().expect("an error is the end").is_none());
}

#[test]
fn an_unknown_link_type_is_noticed_once_for_an_interface_that_has_packets() {
    let file = [
        LITTLE.section(),
        LITTLE.interface(220, &[]),
        LITTLE.interface(187, &[]),
        LITTLE.interface(1, &[]),
        LITTLE.enhanced(2, 1, 1, b"a"),
        LITTLE.enhanced(0, 1, 1, b"b"),
        LITTLE.enhanced(0, 1, 1, b"c"),
    ]
    .concat();
    let (seen, reader) = read(&file);
    assert_eq!(seen.len(), 3);
    assert_eq!(reader.warnings().len(), 1);
    assert_eq!(reader.warnings()[0].frame, Some(Frame::new(2)));
    assert!(reader.warnings()[0].text.contains("link type 220 (USB)"));
}

#[test]
fn warnings_are_bounded_and_then_counted() {
    let mut file = [LITTLE.section(), LITTLE.interface(1, &[])].concat();
    for _ in 0..100 {
        file.extend(LITTLE.enhanced(5, 1, 1, b"a"));
    }
    let (_, reader) = read(&file);
    assert_eq!((reader.warnings().len(), reader.more_warnings()), (MAX_WARNINGS, 36));
}

#[test]
fn the_facts_of_a_capture() {
    let file = [
        LITTLE.header(NANO, (2, 4), 1),
        LITTLE.record(10, 0, 100, b"abc"),
        LITTLE.record(9, 5, 4, b"abcd"),
        LITTLE.record(11, 0, 0, b""),
    ]
    .concat();
    let (_, reader) = read(&file);
    let expected = Facts {
        frames: 3,
        packet_bytes: 7,
        first: Some(Time(9_000_000_005)),
        last: Some(Time(11_000_000_000)),
        truncated: false,
        snaplen_limited: true,
        dropped: 0,
    };
    assert_eq!((reader.format(), reader.facts()), ("pcap", &expected));
}

/// Blocks as pcap-parser reads them: frame by frame what our reading by hand must give.
fn by_library(file: &[u8], big: bool) -> Vec<(u32, u64, u32, Vec<u8>)> {
    use pcap_parser::{Block, parse_block_be, parse_block_le};
    let mut rest = file;
    let mut seen = Vec::new();
    while !rest.is_empty() {
        let (after, block) = if big { parse_block_be(rest) } else { parse_block_le(rest) }.expect("a good block");
        if let Block::EnhancedPacket(packet) = block {
            let ticks = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            seen.push((packet.if_id, ticks, packet.origlen, packet.data[..packet.caplen as usize].to_vec()));
        }
        rest = after;
    }
    seen
}

proptest! {
    #[test]
    fn reading_by_hand_and_the_library_agree_on_enhanced_packets(
        big: bool,
        packets in prop::collection::vec((0..2_u32, 0..u64::MAX / 1000, 0..100_u32, prop::collection::vec(any::<u8>(), 0..40), any::<bool>()), 0..20),
    ) {
        let writer = if big { BIG } else { LITTLE };
        let mut file = [writer.section(), writer.interface(1, &writer.option(9, &[9])), writer.interface(101, &writer.option(9, &[9]))].concat();
        for (interface, ticks, more, data, comment) in &packets {
            let mut block = writer.enhanced(*interface, *ticks, data.len() as u32 + more, data);
            if *comment {
                let body = [&block[8..block.len() - 4], &writer.option(1, b"comment"), &writer.option(0, &[])].concat();
                block = writer.block(6, &body);
            }
            file.extend(block);
        }
        let ours: Vec<_> = read(&file).0.into_iter().map(|(_, time, link, wire, data)| (u32::from(link == 101), time as u64, wire, data)).collect();
        prop_assert_eq!(ours, by_library(&file, big));
    }

    #[test]
    fn reading_by_hand_and_the_library_agree_on_classic_records(
        big: bool,
        packets in prop::collection::vec((any::<u32>(), 0..1_000_000_000_u32, 0..100_u32, prop::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        let writer = if big { BIG } else { LITTLE };
        let mut file = writer.header(NANO, (2, 4), 1);
        for (seconds, fraction, more, data) in &packets {
            file.extend(writer.record(*seconds, *fraction, data.len() as u32 + more, data));
        }
        let (ours, _) = read(&file);
        let mut rest = &file[24..];
        for (_, time, _, wire, data) in ours {
            let parsed = if big { pcap_parser::parse_pcap_frame_be(rest) } else { pcap_parser::parse_pcap_frame(rest) };
            let (after, record) = parsed.expect("a good record");
            prop_assert_eq!(time, i64::from(record.ts_sec) * 1_000_000_000 + i64::from(record.ts_usec));
            prop_assert_eq!((wire, &data[..]), (record.origlen, record.data));
            rest = after;
        }
        prop_assert!(rest.is_empty());
    }

    #[test]
    fn whatever_the_bytes_reading_ends(mut bytes in prop::collection::vec(any::<u8>(), 0..600), kind in 0..6_usize, flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8)) {
        let start = samples().get(kind).cloned().unwrap_or_default();
        bytes.splice(0..0, start);
        for (index, value) in flips {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
        }
        if let Ok(mut reader) = CaptureReader::open(&bytes[..]) {
            let mut last = 0;
            while let Ok(Some(record)) = reader.next_record() {
                prop_assert!(record.at.frame.number() > last && record.data.len() <= record.wire_length as usize);
                last = record.at.frame.number();
            }
            prop_assert!(reader.facts().frames as usize <= bytes.len());
        }
    }
}

#[test]
fn a_gzip_file_that_is_cut_gives_what_it_has_with_a_warning() {
    use std::io::Write;
    let records: Vec<_> = (0..200).map(|tick| LITTLE.enhanced(0, tick * 7919, 64, &[tick as u8; 64])).collect();
    let file = [&[LITTLE.section(), LITTLE.interface(1, &[])].concat()[..], &records.concat()].concat();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packed.write_all(&file).expect("memory takes it");
    let packed = packed.finish().expect("memory takes it");
    let count = |bytes: &[u8]| {
        let (plain, name) = compressed::plain(bytes).expect("it can be read");
        assert_eq!(name, Some("gzip"));
        let mut reader = CaptureReader::open(plain).expect("a capture");
        while reader.next_record().expect("no error").is_some() {}
        assert_eq!(reader.warnings().len(), usize::from(reader.facts().truncated));
        (reader.facts().frames, reader.facts().truncated)
    };
    assert_eq!(count(&packed), (200, false));
    let (frames, is_truncated) = count(&packed[..packed.len() / 2]);
    assert!(is_truncated && (50..150).contains(&frames), "{frames}");
    // All records, and no check value behind them.
    assert_eq!(count(&packed[..packed.len() - 4]), (200, true));
}
