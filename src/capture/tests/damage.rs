//! Damage in the middle of a file, and files that are cut.

use std::cell::Cell;

use super::super::buffer::{BUFFER, Buffer};
use super::super::resync::{Look, recover, search};
use super::*;

/// Since 2023.
const NOW: u32 = 1_700_000_000;

/// A record that is no data of another one.
fn packet(writer: Writer, index: u32) -> Vec<u8> {
    writer.record(NOW + index, index, 90, &[0xee; 60])
}

fn warning(reader: &CaptureReader<io::Cursor<Vec<u8>>>) -> &str {
    assert_eq!(reader.warnings().len(), 1, "{:?}", reader.warnings());
    &reader.warnings()[0].text
}

#[test]
fn behind_a_damaged_record_the_next_ones_are_found_and_numbered_on() {
    for writer in [LITTLE, BIG] {
        for magic in [MICRO, NANO] {
            let start = [writer.header(magic, (2, 4), 1), packet(writer, 1), packet(writer, 2)].concat();
            let damaged = [&[0xff; 16][..], &[0xee; 60]].concat();
            let rest = [packet(writer, 3), packet(writer, 4)].concat();
            let (seen, reader) = read(&[&start[..], &damaged, &rest].concat());
            assert_eq!(frames(&seen), [1, 2, 3, 4]);
            let seconds: Vec<_> = seen.iter().map(|seen| seen.1 / 1_000_000_000 - i64::from(NOW)).collect();
            assert_eq!(seconds, [1, 2, 3, 4]);
            let text = warning(&reader);
            assert!(text.contains(&format!("offset {}, after frame 2", start.len())), "{text}");
            assert!(text.contains("76 bytes are skipped") && text.contains("Wireshark stops"), "{text}");
            assert!(!reader.facts().truncated);
        }
    }
}

#[test]
fn a_length_beyond_the_end_of_the_file_is_damage_where_the_packet_was_shorter() {
    let mut damaged = packet(LITTLE, 2);
    damaged[10] = 2;
    let start = [LITTLE.header(MICRO, (2, 4), 1), packet(LITTLE, 1)].concat();
    let (seen, reader) = read(&[&start[..], &damaged, &packet(LITTLE, 3), &packet(LITTLE, 4)].concat());
    assert_eq!(frames(&seen), [1, 2, 3]);
    let text = warning(&reader);
    assert!(text.contains(&format!("offset {}", start.len())) && text.contains("76 bytes are skipped"), "{text}");
}

#[test]
fn a_packet_that_was_cut_is_not_searched_for_records_though_it_holds_some() {
    let within = [packet(LITTLE, 5), packet(LITTLE, 6), packet(LITTLE, 7)].concat();
    let file =
        [LITTLE.header(MICRO, (2, 4), 1), packet(LITTLE, 1), LITTLE.record(NOW, 0, 1000, &[within, vec![0; 500]].concat())];
    let file = file.concat();
    let (seen, reader) = read(&file[..file.len() - 300]);
    assert_eq!(frames(&seen), [1]);
    assert!(reader.facts().truncated && warning(&reader).contains("cut inside a packet"));
}

#[test]
fn zeros_and_times_of_another_year_are_no_records() {
    let start = [LITTLE.header(MICRO, (2, 4), 1), packet(LITTLE, 1)].concat();
    let elsewhen = LITTLE.record(NOW - 400 * 24 * 3600, 0, 60, &[0; 60]).repeat(3);
    let file = [&start[..], &[0xff; 16], &[0; 1000], &elsewhen, &packet(LITTLE, 2)].concat();
    let (seen, reader) = read(&file);
    assert_eq!(frames(&seen), [1, 2]);
    assert!(warning(&reader).contains(&format!("{} bytes are skipped", 16 + 1000 + elsewhen.len())));
}

#[test]
fn records_are_found_behind_a_damaged_first_one() {
    let file = [&LITTLE.header(MICRO, (2, 4), 1)[..], &[0xff; 50], &packet(LITTLE, 1), &packet(LITTLE, 2)].concat();
    assert_eq!(frames(&read(&file).0), [1, 2]);
}

#[test]
fn blocks_are_found_behind_any_kind_of_damage() {
    for writer in [LITTLE, BIG] {
        let block = |tick: u64| writer.enhanced(0, tick, 64, &[0xee; 64]);
        let start = [writer.section(), writer.interface(1, &[]), block(1)].concat();
        let mut other_end = block(2);
        let last = other_end.len() - 1;
        other_end[last] ^= 0x55;
        other_end[last - 3] ^= 0x55;
        let mut other_begin = block(2);
        other_begin[4..8].fill(0x7f);
        // Some bytes are missing, so that what follows is no more aligned.
        let shorter = [&block(2)[..40], &block(2)[43..]].concat();
        // The block claims more than there is, but not more than a block may have.
        let mut longer = block(2);
        longer[4..8].copy_from_slice(&writer.u32(1_000_000));
        for damaged in [other_end, other_begin, shorter, longer, vec![0; 100], vec![0xff; 101]] {
            let (seen, reader) = read(&[&start[..], &damaged, &block(3), &block(4)].concat());
            assert_eq!(seen.iter().map(|seen| (seen.0, seen.1)).collect::<Vec<_>>(), [(1, 1000), (2, 3000), (3, 4000)]);
            let text = warning(&reader);
            assert!(text.contains(&format!("offset {}, after frame 1", start.len())), "{text}");
            assert!(text.contains(&format!("{} bytes are skipped", damaged.len())) && text.contains("Wireshark stops"), "{text}");
        }
    }
}

#[test]
fn the_next_section_may_be_what_is_found() {
    let first = [LITTLE.section(), LITTLE.interface(1, &[]), LITTLE.enhanced(0, 1, 1, b"a")].concat();
    let second = [BIG.section(), BIG.interface(113, &[]), BIG.enhanced(0, 2, 1, b"b")].concat();
    let (seen, _) = read(&[&first[..], &[0xff; 20], &second].concat());
    assert_eq!(seen.iter().map(|seen| (seen.0, seen.2)).collect::<Vec<_>>(), [(1, 1), (2, 113)]);
}

#[test]
fn damage_up_to_the_end_stops_the_reading() {
    let good = [LITTLE.section(), LITTLE.interface(1, &[]), LITTLE.enhanced(0, 1, 1, b"a")].concat();
    let (seen, reader) = read(&[&good[..], &[0xff; 5000]].concat());
    assert_eq!(frames(&seen), [1]);
    assert!(warning(&reader).contains("reading stops here"));
    assert_eq!(reader.file_bytes(), good.len() as u64 + 5000);
}

#[test]
fn the_search_looks_at_each_place_about_once_however_far_it_must_look_ahead() {
    const LENGTH: u64 = 8 * 1024 * 1024;
    const AHEAD: usize = 3 * 262_144;
    let looks = Cell::new(0_u64);
    let mut buffer = Buffer::new(io::repeat(0xee).take(LENGTH));
    let look = |bytes: &[u8], is_all: bool| {
        looks.set(looks.get() + 1);
        if bytes.len() < AHEAD && !is_all { Look::Need(AHEAD) } else { Look::Other }
    };
    buffer.fill(1).expect("memory");
    assert!(!recover(&mut buffer, &mut Notes::default(), "nothing but damage", look).expect("no error"));
    assert!((LENGTH - 1..LENGTH + LENGTH / 1000).contains(&looks.get()), "{}", looks.get());
}

#[test]
fn the_search_ends_where_it_was_to_end_though_records_follow() {
    const MOST: u64 = 1024 * 1024;
    for (records_at, is_found) in [(MOST / 2, true), (4 * MOST, false)] {
        let mut buffer = Buffer::new(io::repeat(0xee).take(records_at).chain(io::repeat(0).take(4 * MOST)));
        let look = |bytes: &[u8], _: bool| if bytes.first() == Some(&0) { Look::Records } else { Look::Other };
        buffer.fill(1).expect("memory");
        assert_eq!(search(&mut buffer, MOST, look).expect("no error"), is_found);
        assert!(buffer.offset() <= MOST + 2 * BUFFER as u64, "{}", buffer.offset());
    }
}
