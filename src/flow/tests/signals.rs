//! What happened to a connection, what was counted, and where the next one begins.

use super::*;

#[test]
fn a_connection_from_syn_to_fin() {
    let mut bench = Bench::default();
    bench
        .open()
        .client(ACK, 0, 0, "ask")
        .server(ACK, 0, 3, "answer")
        .server(FIN | ACK, 6, 3, "")
        .client(FIN | ACK, 3, 7, "")
        .server(ACK, 7, 4, "")
        .finish();
    assert_eq!(
        bench.calls(),
        [
            "1 #0 syn",
            "2 #0 syn-ack",
            "4 #0 first data client",
            "4 #0 client \"ask\"",
            "5 #0 first data server",
            "5 #0 server \"answer\"",
            "6 #0 fin server",
            "6 #0 server end",
            "7 #0 fin client",
            "7 #0 client end",
            "8 #0 ended",
        ]
    );
    let TcpStats { client, server } = bench.log.stats;
    assert_eq!((client.syns, client.sent, client.acknowledged, client.data_segments), (1, 3, 3, 1));
    assert_eq!((server.syns, server.sent, server.acknowledged, server.largest_segment), (1, 6, 6, 6));
    let frame = |at: Option<At>| at.map(|at| at.frame.number());
    assert_eq!(
        (frame(client.last_syn), frame(client.first_data), frame(client.fin), frame(client.last)),
        (Some(1), Some(4), Some(7), Some(7))
    );
    assert_eq!((frame(server.fin), frame(server.rst), frame(server.last)), (Some(6), None, Some(8)));
    assert_eq!(bench.log.oriented, Some(true));
    // Not of the packet in hand, so nothing about its link.
    assert_eq!(bench.log.links.last(), Some(&Link::default()));
}

#[test]
fn a_syn_without_an_answer_is_repeated() {
    let mut bench = Bench::default();
    bench.client(SYN, -1, 0, "").wait(SECOND).client(SYN, -1, 0, "").wait(2 * SECOND).client(SYN, -1, 0, "").finish();
    assert_eq!(
        bench.calls(),
        ["1 #0 syn", "2 #0 syn again", "3 #0 syn again", "3 #0 client end", "3 #0 server end", "3 #0 ended"]
    );
    assert_eq!((bench.log.stats.client.syns, bench.log.stats.client.last_syn.map(|at| at.frame)), (3, Some(Frame::new(3))));
}

#[test]
fn a_refused_connection_is_two_frames() {
    let mut bench = Bench::default();
    bench.client(SYN, -1, 0, "");
    // The answer to a SYN carries the sequence number 0.
    let base = std::mem::take(&mut bench.base);
    bench.server(RST | ACK, 0, i64::from(base), "").finish();
    assert_eq!(bench.calls(), ["1 #0 syn", "2 #0 rst server", "2 #0 client end", "2 #0 server end", "2 #0 ended"]);
}

#[test]
fn a_reset_says_what_was_taken_before_it_as_far_as_that_was_captured() {
    let acknowledged = |flags: u8, acked: i64| {
        let mut bench = Bench::default();
        bench.open().client(ACK, 0, 0, "hello").server(flags, 0, acked, "").finish();
        bench.log.stats.client.acknowledged
    };
    assert_eq!(acknowledged(RST | ACK, 5), 5);
    assert_eq!(acknowledged(RST | ACK, 0), 0);
    assert_eq!(acknowledged(RST, 5), 0, "the field means nothing");
    assert_eq!(acknowledged(RST | ACK, 1_000), 0, "nobody sent that");
}

#[test]
fn each_sides_first_fin_and_first_rst_is_a_signal() {
    let mut bench = Bench::default();
    bench.open();
    bench.calls();
    bench
        .client(FIN | ACK, 0, 0, "")
        .client(FIN | ACK, 0, 0, "")
        .client(RST, 1, 0, "")
        .server(FIN | ACK, 0, 1, "")
        .server(RST, 1, 0, "");
    bench.client(RST, 1, 0, "").server(RST, 1, 0, "").finish();
    assert_eq!(
        bench.calls(),
        [
            "4 #0 fin client",
            "4 #0 client end",
            "6 #0 rst client",
            "6 #0 server end",
            "7 #0 fin server",
            "8 #0 rst server",
            "10 #0 ended"
        ]
    );
}

#[test]
fn what_was_under_way_to_the_side_that_reset_is_handed_on_and_not_counted() {
    let mut bench = opened();
    bench.log.parser = messages;
    bench.client(ACK, 0, 0, "\0\x01?").server(ACK, 0, 3, "\0\x03a").client(RST, 3, 0, "");
    let before = bench.log.stats.server;
    bench.calls();
    bench.server(ACK, 3, 3, "b").server(ACK, 4, 3, "c").client(RST, 3, 0, "").server(FIN | ACK, 5, 3, "").finish();
    assert_eq!(bench.calls(), ["5 #0 server \"\\0\\u{3}abc\"", "7 #0 fin server", "7 #0 ended"]);
    assert_eq!(
        (bench.log.stats.server.data_segments, bench.log.stats.server.last_data),
        (before.data_segments, before.last_data)
    );
}

#[test]
fn nothing_is_handed_on_of_the_side_that_reset_nor_when_both_did() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "a").client(RST, 1, 0, "");
    bench.calls();
    bench.client(ACK, 1, 0, "b").server(RST, 0, 0, "").server(ACK, 0, 1, "c");
    assert_eq!(bench.calls(), ["4 #0 rst server", "5 #0 first data server"]);
}

#[test]
fn a_port_that_is_used_again_is_another_flow() {
    let mut bench = Bench::default();
    bench.open().client(RST, 0, 0, "");
    bench.base = 77_000;
    bench.open().client(ACK, 0, 0, "x");
    bench.base = 99_000;
    // Without any sign that the one before is over.
    bench.client(SYN, -1, 0, "");
    let calls = bench.calls();
    assert_eq!(
        calls[5..],
        [
            "5 #0 ended",
            "5 #1 syn",
            "6 #1 syn-ack",
            "8 #1 first data client",
            "8 #1 client \"x\"",
            "8 #1 client end",
            "9 #1 server end",
            "9 #1 ended",
            "9 #2 syn",
        ]
    );
}

#[test]
fn the_same_initial_number_after_an_end_or_a_long_silence_is_another_flow() {
    let mut bench = Bench::default();
    bench.open().client(ACK, 0, 0, "abc").client(RST, 3, 0, "");
    bench.calls();
    bench.client(SYN, -1, 0, "");
    assert_eq!(bench.calls(), ["6 #0 ended", "6 #1 syn"]);
    bench.wait(3_600 * SECOND).client(SYN, -1, 0, "");
    assert_eq!(bench.calls()[2..], ["7 #1 ended", "7 #2 syn"]);
}

#[test]
fn late_segments_of_a_closed_connection_do_not_open_another() {
    let mut bench = Bench::default();
    bench.open().client(ACK, 0, 0, "abc").client(FIN | ACK, 3, 0, "").server(FIN | ACK, 0, 4, "");
    bench.calls();
    bench.client(ACK, 0, 0, "abc").client(ACK, 4, 1, "").server(FIN | ACK, 0, 4, "").client(RST, 4, 0, "");
    assert_eq!(bench.calls(), ["10 #0 rst client"]);
}

#[test]
fn a_syn_ack_seen_first_tells_the_direction() {
    let mut bench = Bench::default();
    bench.server(SYN | ACK, -1, 0, "").client(ACK, 0, 0, "abc").finish();
    assert_eq!(bench.calls()[..3], ["1 #0 syn-ack", "2 #0 first data client", "2 #0 client \"abc\""]);
    // Captured in the wrong order.
    let mut bench = Bench::default();
    bench.server(SYN | ACK, -1, 0, "").client(SYN, -1, 0, "").client(ACK, 0, 0, "abc");
    assert_eq!(bench.calls()[..3], ["1 #0 syn-ack", "2 #0 syn", "3 #0 first data client"]);
    let mut bench = Bench { port: 80, ..Bench::default() };
    bench.client(ACK, 0, 0, "").server(SYN | ACK, -1, 0, "").finish();
    assert_eq!((bench.calls()[0].as_str(), bench.log.oriented), ("2 #0 syn-ack", Some(true)));
}

#[test]
fn both_may_call_at_once() {
    let mut bench = Bench::default();
    bench
        .client(SYN, -1, 0, "")
        .server(SYN, -1, 0, "")
        .client(SYN | ACK, -1, 0, "")
        .server(SYN | ACK, -1, 0, "")
        .client(ACK, 0, 0, "abc");
    let calls = bench.calls();
    assert_eq!(calls[..2], ["1 #0 syn", "2 #0 syn again"]);
    assert_eq!(calls.last().map(String::as_str), Some("5 #0 client \"abc\""));
}

#[test]
fn an_old_connection_that_answers_a_new_syn_does_not_confuse_the_new_one() {
    let mut bench = Bench::default();
    // The server still has the old connection and acknowledges that; the client resets it and calls again.
    bench.client(SYN, -1, 0, "").server(ACK, 5_000_000, 900_000, "").wait(SECOND).client(SYN, -1, 0, "").server(
        SYN | ACK,
        -1,
        0,
        "",
    );
    bench.client(ACK, 0, 0, "abc").server(ACK, 0, 3, "xyz");
    assert_eq!(bench.calls().iter().filter(|call| call.contains('"')).count(), 2);
    assert_eq!((bench.log.stats.client.uncaptured, bench.log.stats.client.sent), (0, 3));
}

#[test]
fn a_stuck_segment_is_counted_until_it_is_acknowledged() {
    let mut bench = Bench::default();
    let large = "L".repeat(1_400);
    bench.open().client(ACK, 0, 0, "abc").server(ACK, 0, 3, "").client(ACK, 3, 0, &large).client(ACK, 1_403, 0, "tail");
    for wait in [1, 2, 4] {
        bench.wait(wait * SECOND).client(ACK, 3, 0, &large);
    }
    bench.server(FIN | ACK, 0, 3, "");
    let stats = bench.log.stats.client;
    assert_eq!(
        (stats.stuck_repeats, stats.stuck_length, stats.retransmitted, stats.largest_segment, stats.data_segments),
        (3, 1_400, 3, 1_400, 3)
    );
    assert_eq!((stats.sent, stats.acknowledged, stats.last_data.map(|at| at.frame)), (1_407, 3, Some(Frame::new(10))));
    assert!(!stats.passed(1_400), "the other side has never taken one so long");
    bench.server(ACK, 1, 1_407, "").client(RST, 1_407, 0, "");
    assert!(bench.log.stats.client.passed(1_400) && !bench.log.stats.client.passed(1_401));
    assert_eq!((bench.log.stats.client.stuck_repeats, bench.log.stats.client.retransmitted), (0, 3));
}

#[test]
fn keep_alives_and_zero_windows_are_no_data() {
    let mut bench = Bench::default();
    bench.open().client(ACK, 0, 0, "abc").server(ACK, 0, 3, "");
    bench.calls();
    bench
        .wait(45 * SECOND)
        .client(ACK, 2, 0, "")
        .server(ACK, 0, 3, "")
        .wait(45 * SECOND)
        .client(ACK, 2, 0, "\0")
        .server(ACK, 0, 3, "")
        .client(FIN | ACK, 3, 0, "");
    assert_eq!(bench.calls(), ["10 #0 fin client", "10 #0 client end"]);
    let stats = bench.log.stats.client;
    assert_eq!((stats.retransmitted, stats.data_segments, stats.last_data.map(|at| at.frame)), (0, 1, Some(Frame::new(4))));
}

#[test]
fn who_speaks_twice_with_nothing_of_the_other_side_between_goes_on_and_who_repeats_itself_does_not() {
    let mut bench = Bench::default();
    bench.open().client(ACK, 0, 0, "abc").server(ACK, 0, 3, "d");
    bench
        .wait(45 * SECOND)
        .client(ACK, 3, 1, "e")
        .wait(SECOND)
        .client(ACK, 3, 1, "e")
        .server(ACK, 1, 4, "f")
        .server(ACK, 2, 4, "g");
    bench.client(FIN | ACK, 4, 3, "");
    assert_eq!((bench.log.stats.client.went_on, bench.log.stats.server.went_on), (false, true));
}

#[test]
fn a_mirrored_frame_is_one_frame() {
    let mut bench = Bench::default();
    let twice = |bench: &mut Bench, side, flags, offset, acked, payload: &str| {
        bench.segment(side, flags, offset, acked, payload.as_bytes(), 0).wait(-10 * MILLISECOND + 50_000);
        bench.segment(side, flags, offset, acked, payload.as_bytes(), 0);
    };
    twice(&mut bench, Side::Client, SYN, -1, 0, "");
    twice(&mut bench, Side::Server, SYN | ACK, -1, 0, "");
    twice(&mut bench, Side::Client, ACK, 0, 0, "abc");
    twice(&mut bench, Side::Server, FIN | ACK, 0, 3, "xyz");
    twice(&mut bench, Side::Client, RST, 3, 0, "");
    bench.finish();
    let stats = bench.log.stats;
    assert_eq!((stats.client.syns, stats.client.retransmitted, stats.client.copies, stats.server.copies), (1, 0, 2, 2));
    let frames: Vec<String> = bench.calls().iter().map(|call| call.split(' ').next().unwrap_or_default().into()).collect();
    assert_eq!(frames, ["1", "3", "5", "5", "7", "7", "7", "7", "9", "9", "10"]);
}

#[test]
fn flows_end_in_the_order_of_their_first_frames() {
    let run = || {
        let mut bench = Bench::default();
        for port in (40_000..40_300).rev() {
            bench.port = port;
            bench.client(SYN, -1, 0, "");
            if port % 3 == 0 {
                bench.client(RST, 0, 0, "");
            }
        }
        bench.calls();
        bench.finish();
        bench.calls()
    };
    let ended: Vec<u64> = run().iter().filter_map(|call| call.strip_suffix(" ended")?.split('#').nth(1)?.parse().ok()).collect();
    assert_eq!(ended, (0..300).collect::<Vec<u64>>());
    assert_eq!(run(), run());
}

#[test]
fn a_client_may_try_on_with_the_same_number_until_it_is_heard() {
    let mut bench = Bench::default();
    // Refused, then answered out of an old connection, then accepted.
    bench.client(SYN, -1, 0, "").server(RST | ACK, 0, 0, "").wait(SECOND).client(SYN, -1, 0, "");
    bench.server(ACK, 7_000_000, 900_000_000, "").client(RST, 900_000_000, 0, "").wait(SECOND).client(SYN, -1, 0, "");
    bench.server(SYN | ACK, -1, 0, "").client(ACK, 0, 0, "abc").server(ACK, 0, 3, "xyz").finish();
    assert_eq!(
        bench.calls(),
        [
            "1 #0 syn",
            "2 #0 rst server",
            "3 #0 syn again",
            "5 #0 rst client",
            "6 #0 syn again",
            "7 #0 syn-ack",
            "8 #0 first data client",
            "8 #0 client \"abc\"",
            "9 #0 first data server",
            "9 #0 server \"xyz\"",
            "8 #0 client end",
            "9 #0 server end",
            "9 #0 ended",
        ]
    );
    assert_eq!((bench.log.stats.client.uncaptured, bench.log.stats.client.sent, bench.log.stats.server.sent), (0, 3, 3));
}

#[test]
fn a_connection_captured_on_both_sides_of_a_middlebox_is_that_of_the_client() {
    // The middlebox gives the server's side other numbers; each segment is in the capture with either.
    for foreign_first in [false, true] {
        let mut bench = Bench::default();
        bench.client(SYN, -1, 0, "");
        let (near, far) = (0, 1 << 30);
        let order = if foreign_first { [far, near] } else { [near, far] };
        for shift in order {
            bench.server(SYN | ACK, shift - 1, shift, "");
        }
        bench.client(ACK, 0, 0, "abc");
        for shift in order {
            bench.server(ACK, shift, shift + 3, "xyz");
        }
        for shift in order {
            bench.server(FIN | ACK, shift + 3, shift + 3, "");
        }
        bench.client(FIN | ACK, 3, 4, "").finish();
        let calls = bench.calls();
        assert!(!calls.iter().any(|call| call.contains("gap")), "{calls:?}");
        assert_eq!(calls.iter().filter(|call| call.contains("\"xyz\"")).count(), 1);
    }
}
