//! Bytes that are repeated with another content: both readings are known by their frames, and the first one is used.

use super::*;
use crate::flow::history::{History, MAX_COMPARED, MAX_CONFLICTS, MAX_HISTORY};
use crate::model::Warning;

/// First and other frame of each conflict.
fn conflicts(bench: &Bench) -> Vec<(u64, u64)> {
    bench.table.conflicts().iter().map(|conflict| (conflict.first.number(), conflict.again.number())).collect()
}

#[test]
fn a_repeat_with_another_content_is_told_with_both_frames_and_the_first_is_used() {
    let mut bench = opened();
    bench.server(ACK, 0, 0, "200 OK").client(ACK, 0, 6, "").server(ACK, 0, 0, "302 NO");
    assert_eq!(bench.calls(), ["1 #0 first data server", "1 #0 server \"200 OK\""]);
    assert_eq!(conflicts(&bench), [(1, 3)]);
    assert_eq!(
        bench.table.warnings(),
        [Warning {
            frame: Some(Frame::new(3)),
            text: "a TCP segment from 10.0.0.5:443 to 10.0.4.23:40000 repeats bytes of frame 1 with another content; those \
                   of frame 1 were used"
                .into()
        }]
    );
}

#[test]
fn a_repeat_with_the_same_content_is_none_however_it_is_divided() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abcd").client(ACK, 4, 0, "efgh").client(ACK, 0, 0, "abcdefgh").client(ACK, 2, 0, "cdef");
    assert_eq!(conflicts(&bench), []);
    assert_eq!(bench.log.stats.client.conflicts, 0);
}

#[test]
fn another_division_hides_no_contradiction_and_what_is_new_in_it_is_used() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abcd").client(ACK, 4, 0, "efgh").client(ACK, 2, 0, "cdeFGHij");
    assert_eq!(bench.calls()[1..], ["1 #0 client \"abcd\"", "2 #0 client \"efgh\"", "3 #0 client \"ij\""]);
    assert_eq!(conflicts(&bench), [(2, 3)]);
}

#[test]
fn of_three_readings_the_first_frame_is_named() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").client(ACK, 0, 0, "aXc").client(ACK, 0, 0, "aYc");
    assert_eq!(conflicts(&bench), [(1, 2), (1, 3)]);
}

#[test]
fn what_filled_a_hole_is_compared_too() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "ab").client(ACK, 4, 0, "ef").client(ACK, 2, 0, "cd").client(ACK, 2, 0, "cX");
    assert_eq!(conflicts(&bench), [(3, 4)]);
}

#[test]
fn a_second_copy_within_a_millisecond_is_none_if_it_says_something_else() {
    let mut bench = opened();
    bench.server(ACK, 0, 0, "abc").wait(-10 * MILLISECOND).server(ACK, 0, 0, "abc");
    bench.wait(-10 * MILLISECOND).server(ACK, 0, 0, "xyz").client(FIN | ACK, 0, 3, "");
    assert_eq!((bench.log.stats.server.copies, bench.log.stats.server.conflicts), (1, 1));
    assert_eq!(conflicts(&bench), [(1, 3)]);
}

#[test]
fn the_octet_of_a_keep_alive_says_nothing() {
    // RFC 9293, 3.8.4: a keep-alive may carry one octet of garbage, which is the last one that was acknowledged.
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").server(ACK, 0, 3, "").client(ACK, 2, 0, "\0");
    assert_eq!(conflicts(&bench), []);
}

#[test]
fn sides_and_connections_are_not_mixed_up() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").server(ACK, 0, 3, "xyz");
    bench.port += 1;
    bench.open().client(ACK, 0, 0, "ABC").client(ACK, 0, 0, "ABC");
    assert_eq!(conflicts(&bench), []);
}

#[test]
fn bytes_that_were_cut_contradict_nothing() {
    let mut bench = opened();
    bench.segment(Side::Client, ACK, 0, 0, b"ab", 4).client(ACK, 0, 0, "abcdef").client(ACK, 0, 0, "aX");
    assert_eq!(conflicts(&bench), [(1, 3)]);
}

#[test]
fn what_is_compared_is_bounded_and_the_oldest_goes() {
    let (mut history, mut old, mut new) = (History::default(), None, None);
    history.keep(&mut old, 0, b"first", Frame::new(1));
    assert_eq!(history.contradicted(old, 0, b"FIRST"), Some(Frame::new(1)));
    let large = [b'x'; 60_000];
    let turns = (MAX_HISTORY / large.len() + 1) as u64;
    for turn in 0..turns {
        history.keep(&mut new, turn * 60_000, &large, Frame::new(2 + turn));
        assert!(history.held() <= MAX_HISTORY);
    }
    assert_eq!(history.contradicted(old, 0, b"FIRST"), None);
    assert_eq!(history.contradicted(new, (turns - 1) * 60_000, b"y"), Some(Frame::new(1 + turns)));
}

#[test]
fn bytes_are_compared_wherever_they_came_to_lie_in_the_store() {
    let (mut history, mut trail) = (History::default(), None);
    let same: Vec<u8> = (0..1_000_u16).map(|octet| octet as u8).collect();
    let other = [&same[..999], b"?"].concat();
    for turn in 0..(3 * MAX_HISTORY / same.len()) as u64 {
        history.keep(&mut trail, turn * 1_000, &same, Frame::new(turn));
        assert_eq!(history.contradicted(trail, turn * 1_000, &same), None);
        assert_eq!(history.contradicted(trail, turn * 1_000, &other), Some(Frame::new(turn)));
    }
}

#[test]
fn segments_of_one_octet_do_not_outgrow_the_bound() {
    let (mut history, mut trail) = (History::default(), None);
    for start in 0..(MAX_HISTORY / 16) as u64 {
        history.keep(&mut trail, start, b"x", Frame::new(start));
    }
    assert!(history.held() <= MAX_HISTORY && history.held() > MAX_HISTORY / 2);
}

#[test]
fn a_repeat_is_compared_with_so_many_segments_and_no_more() {
    let (mut history, mut trail) = (History::default(), None);
    for start in 0..=MAX_COMPARED as u64 {
        history.keep(&mut trail, start, b"x", Frame::new(start));
    }
    assert_eq!(history.contradicted(trail, 1, b"y"), Some(Frame::new(1)));
    assert_eq!(history.contradicted(trail, 0, b"y"), None);
}

#[test]
fn many_contradictions_are_told_up_to_a_bound_and_counted_beyond_it() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc");
    for _ in 0..MAX_CONFLICTS + 7 {
        bench.client(ACK, 0, 0, "xyz");
    }
    let warnings = bench.table.warnings();
    assert_eq!((warnings.len(), bench.table.conflicts().len()), (MAX_CONFLICTS + 1, MAX_CONFLICTS));
    assert_eq!(warnings[MAX_CONFLICTS].text, "7 further TCP segments repeated bytes with another content");
}
