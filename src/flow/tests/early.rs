//! Segments that the capture has before what they can only have followed.

use super::*;
use crate::flow::limits::{EARLY_FRAMES, EARLY_SEGMENTS};

/// Packets of a table that puts in order, a tenth of a millisecond apart.
fn side_by_side() -> Bench {
    let mut bench = Bench { table: FlowTable::default().in_order(), ..Bench::default() };
    bench.wait(-10 * MILLISECOND);
    bench
}

/// The same, behind the handshake.
fn opened_side_by_side() -> Bench {
    let mut bench = side_by_side();
    bench.open();
    bench.calls();
    bench.frame = 0;
    bench
}

fn next(bench: &mut Bench) -> &mut Bench {
    bench.wait(-10 * MILLISECOND + MILLISECOND / 10)
}

#[test]
fn an_answer_waits_for_the_request_that_it_acknowledges() {
    let mut bench = opened_side_by_side();
    next(&mut bench).server(ACK, 0, 3, "yes");
    assert_eq!(bench.calls(), [] as [&str; 0]);
    next(&mut bench).client(ACK, 0, 0, "may");
    assert_eq!(bench.calls(), ["2 #0 first data client", "2 #0 client \"may\"", "1 #0 first data server", "1 #0 server \"yes\""]);
}

#[test]
fn what_was_waited_for_stands_before_what_waited() {
    let mut bench = opened_side_by_side();
    next(&mut bench).server(ACK, 0, 3, "yes");
    next(&mut bench).client(ACK, 0, 0, "may");
    next(&mut bench).client(ACK, 3, 3, "and");
    let stats = bench.log.stats;
    let (asked, answered) = (stats.client.first_data.unwrap().frame, stats.server.first_data.unwrap().frame);
    assert_eq!((asked.number(), answered.number()), (2, 1));
    assert!(asked < answered);
}

#[test]
fn the_end_of_a_stream_waits_for_the_bytes_before_it() {
    for end in [FIN | ACK, RST | ACK] {
        let mut bench = opened_side_by_side();
        next(&mut bench).client(end, 3, 0, "");
        assert_eq!(bench.calls(), [] as [&str; 0]);
        next(&mut bench).client(ACK, 0, 0, "bye");
        assert_eq!(bench.calls()[..2], ["2 #0 first data client", "2 #0 client \"bye\""]);
    }
}

#[test]
fn an_acknowledgment_of_several_segments_waits_for_all_of_them() {
    let orders = [["ack", "second", "first"], ["second", "ack", "first"], ["ack", "first", "second"], ["first", "ack", "second"]];
    for order in orders {
        let mut bench = opened_side_by_side();
        for what in order {
            match what {
                "ack" => next(&mut bench).client(ACK, 0, 6, "on"),
                "first" => next(&mut bench).server(ACK, 0, 0, "one"),
                _ => next(&mut bench).server(ACK, 3, 0, "two"),
            };
        }
        let calls = bench.calls();
        let order_of_bytes: Vec<_> = calls.iter().filter_map(|call| call.split_once('"')).map(|(_, said)| said).collect();
        assert_eq!(order_of_bytes, ["one\"", "two\"", "on\""], "{order:?}: {calls:?}");
    }
}

#[test]
fn the_end_of_a_stream_waits_for_the_hole_before_it() {
    let mut bench = opened_side_by_side();
    next(&mut bench).server(ACK, 3, 0, "two");
    next(&mut bench).server(FIN | ACK, 6, 0, "");
    next(&mut bench).server(ACK, 0, 0, "one");
    assert_eq!(bench.calls()[1..], ["3 #0 server \"one\"", "3 #0 server \"two\"", "2 #0 fin server", "2 #0 server end"]);
}

#[test]
fn the_answer_to_a_call_waits_for_the_call() {
    for (answer, told) in [(SYN | ACK, "syn-ack"), (RST | ACK, "rst server")] {
        let mut bench = side_by_side();
        next(&mut bench).server(answer, -1, 0, "");
        next(&mut bench).client(SYN, -1, 0, "");
        assert_eq!(bench.calls(), ["2 #0 syn".to_owned(), format!("1 #0 {told}")]);
        assert_eq!(bench.log.oriented, Some(true));
    }
}

#[test]
fn what_waits_in_vain_counts_after_a_moment_or_at_the_end() {
    let mut bench = opened_side_by_side();
    next(&mut bench).server(ACK, 0, 3, "yes");
    bench.client(ACK, 3, 3, "on");
    assert_eq!(
        bench.calls(),
        ["1 #0 first data server", "1 #0 server \"yes\"", "2 #0 first data client", "2 #0 client gap 3", "2 #0 client \"on\""]
    );
    assert_eq!(bench.log.stats.client.uncaptured, 0, "told with the next signal");
    next(&mut bench).server(FIN | ACK, 9, 5, "");
    assert_eq!(bench.calls(), [] as [&str; 0]);
    bench.finish();
    assert_eq!(bench.calls()[0], "3 #0 fin server");
}

#[test]
fn where_time_stands_still_frames_are_counted() {
    let mut bench = opened_side_by_side();
    bench.wait(-10 * MILLISECOND).server(ACK, 0, 3, "yes");
    bench.frame += EARLY_FRAMES;
    bench.wait(-10 * MILLISECOND).client(ACK, 0, 0, "");
    assert_eq!(bench.calls()[0], "1 #0 first data server");
}

#[test]
fn no_more_segments_wait_than_there_may_be() {
    let mut bench = opened_side_by_side();
    for number in 0..EARLY_SEGMENTS as i64 + 1 {
        bench.wait(-10 * MILLISECOND).server(ACK, number, 3, "y");
    }
    let calls = bench.calls();
    assert_eq!(calls[..2], ["1 #0 first data server", "1 #0 server \"y\""], "the oldest counts as it is");
    assert_eq!(calls.len(), EARLY_SEGMENTS + 2, "and then the others can");
}

#[test]
fn of_a_side_that_the_capture_does_not_have_nothing_is_waited_for() {
    let mut bench = side_by_side();
    next(&mut bench).client(SYN, -1, 0, "");
    next(&mut bench).client(ACK, 0, 0, "may");
    next(&mut bench).client(ACK, 3, 70, "and");
    assert_eq!(bench.calls().last().unwrap(), "3 #0 client \"and\"");
}

#[test]
fn events_are_told_as_the_capture_has_them_where_no_order_is_asked_for() {
    let mut bench = opened();
    bench.server(ACK, 0, 3, "yes").client(ACK, 0, 0, "may");
    assert_eq!(bench.calls()[0], "1 #0 first data server");
}

#[test]
fn a_fin_that_the_capture_lost_shows_by_what_the_other_side_acknowledges_when_it_closes() {
    let closed = |acked: i64, put_in_order: bool| {
        let mut bench = if put_in_order { side_by_side() } else { Bench::default() };
        bench.open().client(ACK, 0, 0, "may").server(ACK, 0, 3, "yes");
        bench.calls();
        bench.wait(10 * MILLISECOND).server(FIN | ACK, 3, acked, "").finish();
        bench.calls()[..2].to_vec()
    };
    assert_eq!(closed(4, true), ["6 #0 fin client", "6 #0 fin server"]);
    assert_eq!(closed(3, true), ["6 #0 fin server", "6 #0 server end"]);
    assert_eq!(closed(5, true)[0], "6 #0 fin server", "bytes are missing, too");
    assert_eq!(closed(4, false)[0], "6 #0 fin server", "what the capture has");
}
