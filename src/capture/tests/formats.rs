//! Every format: what it says, where it is cut, and in pieces. The bytes are put together by the formats' descriptions.

use super::*;

/// Time in nanoseconds, length on the wire, data.
type Given = (i64, u32, Vec<u8>);

const SECOND: i64 = 1_000_000_000;

/// The same packets in every format: name, bytes, and where each record ends.
fn files(packets: &[Given]) -> Vec<(&'static str, Vec<u8>, Vec<usize>)> {
    let mut files = Vec::new();
    let mut put = |name: &'static str, header: Vec<u8>, record: &dyn Fn(usize, &Given) -> Vec<u8>| {
        let (mut bytes, mut ends) = (header, Vec::new());
        for (offset, packet) in packets.iter().enumerate() {
            bytes.extend(record(offset, packet));
            ends.push(bytes.len());
        }
        files.push((name, bytes, ends));
    };
    let parts = |time: i64| ((time / SECOND) as u32, (time % SECOND) as u32);
    for writer in [LITTLE, BIG] {
        for (magic, unit) in [(MICRO, 1000), (NANO, 1), (0x1c00_01ab, 1000), (0x1c00_01ac, 1)] {
            let mut header = writer.header(magic, (2, 4), 1);
            if magic & 0xffff_ff00 == 0x1c00_0100 {
                header.extend(writer.u32(12_345));
            }
            put("pcap", header, &|_, (time, wire, data)| writer.record(parts(*time).0, parts(*time).1 / unit, *wire, data));
        }
        put("pcap", writer.header(MODIFIED, (2, 4), 1), &|_, (time, wire, data)| {
            let record = writer.record(parts(*time).0, parts(*time).1 / 1000, *wire, data);
            [&record[..16], &[1; 8], &record[16..]].concat()
        });
        let nanoseconds = writer.option(9, &[9]);
        put("pcapng", [writer.section(), writer.interface(1, &nanoseconds)].concat(), &|_, (time, wire, data)| {
            writer.enhanced(0, *time as u64, *wire, data)
        });
    }
    put("snoop", b"snoop\0\0\0\0\0\0\x02\0\0\0\x04".to_vec(), &|_, (time, wire, data)| {
        let padding = data.len().next_multiple_of(4) - data.len();
        let length = 24 + data.len() + padding;
        let fields = [*wire, data.len() as u32, length as u32, 0, parts(*time).0, parts(*time).1 / 1000];
        [&fields.map(u32::to_be_bytes).concat()[..], data, &vec![0; padding]].concat()
    });
    for minor in 0..=3 {
        put("netmon", network_monitor(minor), &|_, (time, wire, data)| {
            let since = (time - 1_700_000_000 * SECOND - 250_000_000) / 1000;
            let header = [&since.to_le_bytes()[..], &wire.to_le_bytes(), &(data.len() as u32).to_le_bytes()].concat();
            let utc = ((time / 100) as u64 + 116_444_736_000_000_000).to_le_bytes();
            let trailer = [&[1, 0][..], &[9; 4], &utc, &[0]].concat();
            [&header[..], data, &trailer[..[0, 2, 6, 15][usize::from(minor)]]].concat()
        });
    }
    put("erf", Vec::new(), &|_, (time, wire, data)| erf(2, *time, *wire as u16, &[&[0, 0][..], data].concat()));
    files
}

/// The header of a Network Monitor file that began on 2023-11-14 at 22:13:20.250.
fn network_monitor(minor: u8) -> Vec<u8> {
    let start = [2023_u16, 11, 2, 14, 22, 13, 20, 250].map(u16::to_le_bytes).concat();
    let mut header = [&b"GMBU"[..], &[minor, 2, 1, 0], &start].concat();
    header.resize(128, 0);
    header
}

/// A record of Endace's.
fn erf(kind: u8, time: i64, wire: u16, data: &[u8]) -> Vec<u8> {
    let fraction = (((time % SECOND) as u64) << 32) / SECOND as u64;
    let stamp = (((time / SECOND) as u64) << 32) | fraction;
    let length = ((16 + data.len()) as u16).to_be_bytes();
    [&stamp.to_le_bytes()[..], &[kind, 4], &length, &[0, 0], &wire.to_be_bytes(), data].concat()
}

/// Times to the microsecond, which all formats can hold.
fn packets(most: usize) -> impl Strategy<Value = Vec<Given>> {
    let packet = (0..1_000_000_i64, 0..50_u32, prop::collection::vec(any::<u8>(), 20..120));
    prop::collection::vec(packet, 1..most).prop_map(|packets| {
        let at = |index: usize, more: i64| (1_700_000_001 + index as i64) * SECOND + more * 1000;
        packets
            .into_iter()
            .enumerate()
            .map(|(index, (more, wire, data))| (at(index, more), data.len() as u32 + wire, data))
            .collect()
    })
}

fn numbered(packets: &[Given]) -> Vec<Seen> {
    (1..).zip(packets).map(|(frame, (time, wire, data))| (frame, *time, 1, *wire, data.clone())).collect()
}

/// ERF counts in parts of 2 to the power of 32, so that what was written may be a nanosecond less.
fn exact(name: &str, seen: Vec<Seen>) -> Vec<Seen> {
    let round = |time: i64| if name == "erf" { (time + 1) / 1000 * 1000 } else { time };
    seen.into_iter().map(|(frame, time, link, wire, data)| (frame, round(time), link, wire, data)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_format_gives_the_packets_whole_and_in_pieces(packets in packets(8)) {
        for (name, bytes, _) in files(&packets) {
            let (seen, reader) = read(&bytes);
            prop_assert_eq!(reader.format(), name);
            prop_assert_eq!(exact(name, seen.clone()), numbered(&packets), "{}", name);
            let (dripped, dripping) = read_all(CaptureReader::open(Dripping(&bytes, false)).expect("a capture"));
            prop_assert_eq!(&dripped, &seen, "{}", name);
            prop_assert_eq!((dripping.facts(), dripping.warnings()), (reader.facts(), reader.warnings()));
        }
    }

    #[test]
    fn a_cut_at_any_byte_gives_the_frames_before_it(packets in packets(5), cut in any::<prop::sample::Index>()) {
        for (name, bytes, ends) in files(&packets) {
            let cut = cut.index(bytes.len());
            let whole = ends.iter().filter(|&&end| end <= cut).count();
            match CaptureReader::open(&bytes[..cut]) {
                Ok(reader) => {
                    let (seen, reader) = read_all(reader);
                    prop_assert_eq!(exact(name, seen), numbered(&packets[..whole]), "{} cut at {}", name, cut);
                    let is_between = cut == bytes.len() - ends.last().unwrap() + ends.get(whole.wrapping_sub(1)).unwrap_or(&cut);
                    prop_assert!(reader.facts().truncated || is_between || whole == 0, "{} cut at {}", name, cut);
                }
                Err(_) => prop_assert_eq!(whole, 0),
            }
        }
    }

    #[test]
    fn whatever_the_bytes_of_any_format_reading_ends(
        packets in packets(5),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
    ) {
        for (_, mut bytes, _) in files(&packets) {
            for (index, value) in &flips {
                let at = index.index(bytes.len());
                bytes[at] = *value;
            }
            let Ok(mut reader) = CaptureReader::open(&bytes[..]) else { continue };
            while let Ok(Some(record)) = reader.next_record() {
                prop_assert!(record.data.len() <= record.wire_length as usize);
            }
            let Ok(mut dripping) = CaptureReader::open(Dripping(&bytes, false)) else { panic!("pieces are the same file") };
            while let Ok(Some(_)) = dripping.next_record() {}
            prop_assert_eq!((dripping.facts(), dripping.warnings()), (reader.facts(), reader.warnings()));
        }
    }
}

#[test]
fn the_modified_variant_of_september_1999_is_told_by_its_records() {
    for writer in [LITTLE, BIG] {
        let record = |index: u32| {
            let record = writer.record(1_700_000_000 + index, 5, 60, &[index as u8; 40]);
            [&record[..16], &[1; 12], &record[16..]].concat()
        };
        let file = [writer.header(MODIFIED, (2, 4), 1), record(1), record(2), record(3)].concat();
        let (seen, reader) = read(&file);
        assert_eq!(seen.iter().map(|seen| seen.4[0]).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(reader.warnings().is_empty());
    }
}

#[test]
fn patched_writers_that_kept_the_magic_are_told_by_where_the_second_record_is() {
    for (writer, more) in [LITTLE, BIG].into_iter().flat_map(|writer| [(writer, 0), (writer, 4), (writer, 8)]) {
        let record = |index: u32| {
            let record = writer.record(1_700_000_000 + index, 5, 60, &[index as u8; 40]);
            [&record[..16], &vec![0; more], &record[16..]].concat()
        };
        let header = writer.header(MICRO, (2, 4), 1);
        let (seen, reader) = read(&[header.clone(), record(1), record(2), record(3)].concat());
        assert_eq!(seen.iter().map(|seen| seen.4.clone()).collect::<Vec<_>>(), [vec![1; 40], vec![2; 40], vec![3; 40]], "{more}");
        assert!(reader.warnings().is_empty());
        let (alone, _) = read(&[header, writer.record(1_700_000_000, 5, 60, &[1; 40])].concat());
        assert_eq!(alone.len(), 1);
    }
}

#[test]
fn statistics_of_an_interface_say_what_was_lost() {
    for writer in [LITTLE, BIG] {
        let statistics = |interface: u32, options: &[(u16, u64)]| {
            let options: Vec<u8> = options.iter().flat_map(|&(code, value)| writer.option(code, &writer.u64(value))).collect();
            writer.block(5, &[&writer.u32(interface)[..], &[0; 8], &options, &writer.option(0, &[])].concat())
        };
        let mut file = [writer.section(), writer.interface(1, &[]), writer.interface(1, &[])].concat();
        // isb_ifrecv, isb_ifdrop, isb_osdrop: counts since the begin, so that the last ones hold.
        file.extend(statistics(0, &[(4, 100), (5, 3)]));
        file.extend(statistics(0, &[(4, 200), (5, 7), (7, 2)]));
        file.extend(statistics(1, &[(4, 200), (5, 1)]));
        file.extend(statistics(9, &[(5, 1000)]));
        assert_eq!(read(&file).1.facts().dropped, 10);
        let none = [writer.section(), writer.interface(1, &[]), statistics(0, &[(4, 200), (5, 0)])].concat();
        assert_eq!(read(&none).1.facts().dropped, 0);
    }
}

#[test]
fn aix_numbers_links_and_counts_nanoseconds_in_its_own_way() {
    // Version 2.2 has the length on the wire first.
    let record = [7, 5, 60, 3].map(u32::to_be_bytes).concat();
    for (network, link_type) in [(6, 1), (9, 6), (15, 10), (24, 0)] {
        let (seen, _) = read(&[&BIG.header(MICRO, (2, 2), network)[..], &record, b"abc"].concat());
        assert_eq!((seen[0].1, seen[0].2, seen[0].3), (7_000_000_005, link_type, 60));
    }
    let (seen, _) = read(&[&BIG.header(MICRO, (2, 2), 1)[..], &record, b"abc"].concat());
    assert_eq!((seen[0].1, seen[0].2), (7_000_005_000, 1), "old libpcap's");
}

#[test]
fn snoop_counts_what_it_lost_and_shomiti_numbers_links_in_its_own_way() {
    let file = |network: u8, padding: usize| {
        let fields = [60, 4, 28 + padding as u32, 5, 1000, 7].map(u32::to_be_bytes).concat();
        [&b"snoop\0\0\0\0\0\0\x02\0\0\0"[..], &[network], &fields, b"abcd", &vec![0; padding]].concat()
    };
    let (seen, reader) = read(&file(4, 0));
    assert_eq!(seen, [(1, 1_000_000_007_000, 1, 60, b"abcd".to_vec())]);
    assert_eq!(reader.facts().dropped, 5);
    assert_eq!(read(&file(12, 16)).0[0].2, 1);
    assert!(refusal(&file(12, 0)).contains("unknown link 12"));
    assert!(refusal(b"snoop\0\0\0\0\0\0\x09\0\0\0\x04").contains("unknown version 9"));
}

#[test]
fn a_snoop_record_shorter_than_its_own_header_ends_the_reading() {
    let header = |length: u32| [60, 0, length, 0, 1000, 7].map(u32::to_be_bytes).concat();
    let file = |lengths: &[u32]| {
        let records: Vec<u8> = lengths.iter().flat_map(|length| header(*length)).collect();
        [&b"snoop\0\0\0\0\0\0\x02\0\0\0\x04"[..], &records].concat()
    };
    for length in [0, 23] {
        let (seen, reader) = read(&file(&[24, length]));
        assert_eq!(seen.len(), 1);
        assert!(reader.warnings()[0].text.contains("damaged at offset 40, after frame 1"), "{:?}", reader.warnings());
        let file = file(&[length]);
        let mut reader = CaptureReader::open(file.as_slice()).expect("a capture");
        assert!(reader.next_record().is_err_and(|error| error.to_string().contains("offset 16")));
    }
}

#[test]
fn erf_records_name_their_links_and_may_have_headers_of_their_own() {
    let time = 1_700_000_000 * SECOND;
    // Records that fill space count for nothing; extension headers go on as long as their first bit says so.
    let extended = erf(0x82, time, 60, &[&[0x83, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], b"frame"].concat());
    let file = [
        extended,
        erf(48, 0, 0, &[]),
        erf(22, time, 60, b"\x45IPv4"),
        erf(1, time, 60, b"\xff\x03PPP"),
        erf(1, time, 60, b"\x0f\0Cisco"),
        erf(2, time, 3, b"\0\0abc and padding"),
    ]
    .concat();
    let (seen, _) = read(&file);
    let expected = [
        (1, 1, 60, &b"frame"[..]),
        (2, 228, 60, b"\x45IPv4"),
        (3, 9, 60, b"\xff\x03PPP"),
        (4, 104, 60, b"\x0f\0Cisco"),
        (5, 1, 3, b"abc"),
    ];
    let seen: Vec<_> = seen.iter().map(|seen| (seen.0, seen.2, seen.3, &seen.4[..])).collect();
    assert_eq!(seen, expected);
}

#[test]
fn network_monitor_says_where_its_table_has_another_order_and_leaves_out_what_is_no_frame() {
    let record = |network: u16, data: &[u8]| {
        let header = [&0_u64.to_le_bytes()[..], &60_u32.to_le_bytes(), &(data.len() as u32).to_le_bytes()].concat();
        [&header[..], data, &network.to_le_bytes()].concat()
    };
    let records = [record(1, b"a"), record(0xfffd, b"networks"), record(0xe000 + 101, b"b"), record(6, b"\x02\x05\0\0\0c")];
    let mut offsets: Vec<u32> = records
        .iter()
        .scan(128, |end, record| {
            *end += record.len() as u32;
            Some(*end - record.len() as u32)
        })
        .collect();
    let file = |offsets: &[u32]| {
        let mut header = network_monitor(1);
        header[24..28].copy_from_slice(&(128 + records.concat().len() as u32).to_le_bytes());
        header[28..32].copy_from_slice(&16_u32.to_le_bytes());
        [header, records.concat(), offsets.iter().copied().flat_map(u32::to_le_bytes).collect(), b"comments".to_vec()].concat()
    };
    let (seen, reader) = read(&file(&offsets));
    let found: Vec<_> = seen.iter().map(|seen| (seen.0, seen.2, &seen.4[..])).collect();
    assert_eq!(found, [(1, 1, &b"a"[..]), (2, 101, b"b"), (3, 105, b"c")]);
    assert_eq!(reader.warnings().len(), 1, "{:?}", reader.warnings());
    assert!(reader.warnings()[0].text.contains("time zone"));
    assert!(!reader.facts().truncated);
    offsets.swap(0, 1);
    let (_, reader) = read(&file(&offsets));
    assert!(reader.warnings()[1].text.contains("another order"), "{:?}", reader.warnings());
}
