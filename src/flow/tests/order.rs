//! Which bytes reach the sink, when, and with which gaps.

use super::*;

#[test]
fn the_frame_that_fills_the_hole_completes_the_stream() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").client(ACK, 6, 0, "ghi");
    assert_eq!(bench.calls(), ["1 #0 first data client", "1 #0 client \"abc\""]);
    bench.client(ACK, 3, 0, "def");
    assert_eq!(bench.calls(), ["3 #0 client \"def\"", "3 #0 client \"ghi\""]);
}

#[test]
fn a_message_is_offered_when_it_is_whole_and_from_the_packet_itself_where_it_can_be() {
    let mut bench = opened();
    bench.log.parser = messages;
    bench.client(ACK, 0, 0, "\0\x03abc\0").client(ACK, 6, 0, "\x04").client(ACK, 7, 0, "wxy").client(ACK, 10, 0, "z\0\0");
    assert_eq!(
        bench.calls(),
        [
            "1 #0 first data client",
            "1 #0 client \"\\0\\u{3}abc\\0\"",
            "2 #0 client \"\\0\\u{4}\"",
            "4 #0 client \"\\0\\u{4}wxyz\\0\\0\"",
            "4 #0 client \"\\0\\0\"",
        ]
    );
}

#[test]
fn sequence_numbers_wrap() {
    for base in [u32::MAX - 4, u32::MAX, 0, i32::MAX as u32 - 2] {
        let mut bench = Bench { base, ..Bench::default() };
        bench
            .open()
            .client(ACK, 0, 0, "abc")
            .client(ACK, 6, 0, "ghi")
            .client(ACK, 3, 0, "def")
            .client(ACK, 3, 0, "def")
            .server(ACK, 0, 9, "");
        bench.client(FIN | ACK, 9, 0, "");
        let calls = bench.calls();
        assert!(calls.ends_with(&[
            "6 #0 client \"def\"".into(),
            "6 #0 client \"ghi\"".into(),
            "9 #0 fin client".into(),
            "9 #0 client end".into()
        ]));
        assert_eq!(
            (bench.log.stats.client.sent, bench.log.stats.client.acknowledged, bench.log.stats.client.retransmitted),
            (9, 9, 1)
        );
    }
}

#[test]
fn of_overlapping_segments_the_first_copy_wins() {
    let mut bench = opened();
    bench.client(ACK, 2, 0, "CDE").client(ACK, 0, 0, "abcdefg");
    assert_eq!(bench.calls()[1..], ["2 #0 client \"ab\"", "2 #0 client \"CDE\"", "2 #0 client \"fg\""]);
    bench.client(ACK, 5, 0, "FGhi").client(FIN | ACK, 9, 0, "");
    assert_eq!(bench.calls()[0], "3 #0 client \"hi\"");
    assert_eq!(bench.log.stats.client.conflicts, 2);
    let frames = |conflict: &Conflict| (conflict.first.number(), conflict.again.number());
    assert_eq!(bench.table.conflicts().iter().map(frames).collect::<Vec<_>>(), [(1, 2), (2, 3)]);
}

#[test]
fn bytes_that_were_acknowledged_but_never_captured_are_a_gap() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").client(ACK, 10, 0, "xyz");
    bench.calls();
    bench.server(ACK, 0, 3, "");
    assert_eq!(bench.calls(), [] as [&str; 0]);
    bench.server(ACK, 0, 13, "");
    assert_eq!(bench.calls(), ["4 #0 client gap 7", "4 #0 client \"xyz\""]);
    bench.client(ACK, 3, 0, "late!!!").client(FIN | ACK, 13, 0, "");
    assert_eq!(bench.calls(), ["6 #0 fin client", "6 #0 client end"]);
    assert_eq!(bench.log.stats.client.uncaptured, 7);
}

#[test]
fn an_acknowledgment_captured_before_its_data_costs_nothing() {
    let mut bench = opened();
    bench.server(ACK, 0, 3, "").client(ACK, 0, 0, "abc");
    assert_eq!(bench.calls(), ["2 #0 first data client", "2 #0 client \"abc\""]);
    bench.server(ACK, 0, 6, "").client(ACK, 6, 0, "ghi").client(ACK, 6, 0, "ghi");
    assert_eq!(bench.calls(), ["4 #0 client gap 3", "4 #0 client \"ghi\""]);
}

#[test]
fn what_was_left_over_before_a_gap_is_dropped() {
    let mut bench = opened();
    bench.log.parser = messages;
    bench.client(ACK, 0, 0, "\0\x09abc").client(ACK, 11, 0, "\0\x01z").server(ACK, 0, 14, "").finish();
    assert_eq!(
        bench.calls()[1..],
        [
            "1 #0 client \"\\0\\tabc\"",
            "3 #0 client gap 6",
            "3 #0 client \"\\0\\u{1}z\"",
            "2 #0 client end",
            "3 #0 server end",
            "3 #0 ended"
        ]
    );
}

#[test]
fn what_is_left_over_before_a_cut_is_told() {
    let mut bench = opened();
    bench.log.parser = messages;
    bench.segment(Side::Client, ACK, 0, 0, b"\0\x01a\0\x09b", 7).segment(Side::Client, ACK, 13, 0, b"\0\x01c", 4);
    assert_eq!(bench.log.cut, ["1 client \"\\0\\tb\""], "and nothing where all was used");
}

#[test]
fn a_segment_that_was_cut_is_its_head_and_a_gap() {
    let mut bench = opened();
    bench.segment(Side::Server, ACK, 0, 0, b"head", 100).server(ACK, 104, 0, "next");
    bench.segment(Side::Server, ACK, 120, 0, b"HEAD", 6).server(ACK, 108, 0, "............").finish();
    assert_eq!(
        bench.calls()[1..8],
        [
            "1 #0 server \"head\"",
            "1 #0 server gap 100",
            "2 #0 server \"next\"",
            "4 #0 server \"............\"",
            "4 #0 server \"HEAD\"",
            "4 #0 server gap 6",
            "4 #0 client end",
        ]
    );
}

#[test]
fn the_end_of_the_flow_gives_up_what_is_missing() {
    let mut bench = opened();
    bench.server(ACK, 2, 0, "cd").server(ACK, 6, 0, "gh").client(RST | ACK, 0, 0, "").server(ACK, 0, 0, "ab");
    assert_eq!(
        bench.calls(),
        [
            "1 #0 first data server",
            "3 #0 server gap 2",
            "3 #0 server \"cd\"",
            "3 #0 server gap 2",
            "3 #0 server \"gh\"",
            "3 #0 rst client",
            "3 #0 client end",
            "3 #0 server end",
        ]
    );
}

#[test]
fn a_fin_waits_for_the_bytes_before_it_and_hides_those_behind() {
    let mut bench = opened();
    bench.client(FIN | ACK, 3, 0, "def");
    assert_eq!(bench.calls(), ["1 #0 first data client", "1 #0 fin client"]);
    bench.client(ACK, 0, 0, "abc").client(ACK, 6, 0, "!").client(ACK, 0, 0, "abc");
    assert_eq!(bench.calls(), ["2 #0 client \"abc\"", "2 #0 client \"def\"", "2 #0 client end"]);
}

#[test]
fn a_fin_behind_bytes_that_were_acknowledged_but_never_captured_is_in_order_too() {
    let mut bench = opened();
    bench.client(FIN | ACK, 3, 0, "").server(ACK, 0, 4, "");
    assert_eq!(bench.calls(), ["1 #0 fin client", "2 #0 client gap 3", "2 #0 client end"]);
}

#[test]
fn data_on_the_syn_is_data() {
    let mut bench = Bench::default();
    bench.client(SYN, -1, 0, "early").server(SYN | ACK, -1, 5, "").client(ACK, 0, 0, "early").client(ACK, 5, 0, "late");
    assert_eq!(
        bench.calls(),
        ["1 #0 syn", "1 #0 first data client", "1 #0 client \"early\"", "2 #0 syn-ack", "4 #0 client \"late\""]
    );
}

#[test]
fn in_mid_stream_the_first_segment_is_the_base() {
    let mut bench = Bench::default();
    bench.server(ACK, 500, 70, "ab").client(ACK, 70, 502, "yz").server(ACK, 498, 72, "##AB").server(ACK, 502, 72, "cd");
    assert_eq!(
        bench.calls(),
        ["1 #0 first data server", "1 #0 server \"ab\"", "2 #0 first data client", "2 #0 client \"yz\"", "4 #0 server \"cd\"",]
    );
    assert_eq!(bench.log.oriented, Some(false));
}

#[test]
fn in_mid_stream_bytes_from_before_the_capture_are_no_gap() {
    let mut bench = Bench::default();
    // The keep-alive is one below what comes next.
    bench.client(ACK, 9, 0, "").server(ACK, 0, 10, "").client(ACK, 10, 0, "new");
    assert_eq!(bench.calls(), ["3 #0 first data client", "3 #0 client \"new\""]);
}

#[test]
fn without_a_syn_ack_the_acknowledgment_says_where_the_server_begins() {
    let mut bench = Bench::default();
    bench.client(SYN, -1, 0, "").client(ACK, 0, 0, "").server(ACK, 3, 0, "def").server(ACK, 0, 0, "abc");
    assert_eq!(bench.calls(), ["1 #0 syn", "3 #0 first data server", "4 #0 server \"abc\"", "4 #0 server \"def\""]);
}

#[test]
fn numbers_of_another_connection_are_ignored() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "abc").client(ACK, 1 << 31, 0, "stray").client(ACK, 3, 1 << 30, "XYZ").client(ACK, 3, 0, "def");
    bench.server(ACK, 0, (1 << 30) + 9, "").server(ACK, 0, 6, "").finish();
    assert_eq!(bench.calls()[..3], ["1 #0 first data client", "1 #0 client \"abc\"", "4 #0 client \"def\""]);
    assert_eq!((bench.log.stats.client.acknowledged, bench.log.stats.server.acknowledged), (6, 0));
}

#[test]
fn once_done_payloads_are_not_touched_again_but_signals_go_on() {
    let mut bench = opened();
    bench.log.parser = |_| Step::Done;
    bench.client(ACK, 0, 0, "hello").client(ACK, 5, 0, "world").server(ACK, 0, 10, "answer").client(FIN | ACK, 10, 6, "");
    assert_eq!(bench.calls(), ["1 #0 first data client", "1 #0 client \"hello\"", "3 #0 first data server", "4 #0 fin client"]);
    let stats = bench.log.stats;
    assert_eq!((stats.client.sent, stats.server.sent, stats.server.last.map(|at| at.frame)), (10, 6, Some(Frame::new(3))));
    assert_eq!(bench.table.buffered(), 0);
}

#[test]
fn a_gap_may_end_the_interest_and_frees_the_buffers() {
    let mut bench = opened();
    bench.log.after_gap = Interest::SignalsOnly;
    bench.client(ACK, 100, 0, "abc");
    assert!(bench.table.buffered() > 0);
    bench.server(ACK, 0, 103, "");
    assert_eq!(bench.calls(), ["1 #0 first data client", "2 #0 client gap 100"]);
    assert_eq!(bench.table.buffered(), 0);
}

#[test]
fn of_what_nobody_wants_nothing_is_said_to_lack_its_acknowledgment() {
    let mut bench = opened();
    bench.client(ACK, 0, 0, "hello").server(ACK, 0, 5, "");
    bench.log.after_gap = Interest::SignalsOnly;
    bench.client(ACK, 100, 0, "abc").server(ACK, 0, 103, "");
    bench.client(ACK, 103, 0, "and more").server(ACK, 0, 111, "").finish();
    let client = bench.log.stats.client;
    assert_eq!((client.sent, client.acknowledged, client.hole()), (111, 111, 0));
}

#[test]
fn datagrams_come_one_by_one_until_nobody_wants_them() {
    let mut bench = Bench::default();
    bench.udp((PHONE, 5060), (REGISTRAR, 5060), "ask", 0).udp((REGISTRAR, 5060), (PHONE, 5060), "answer", 9);
    bench.log.after_datagram = Interest::SignalsOnly;
    bench.udp((PHONE, 5060), (REGISTRAR, 5060), "last", 0).udp((PHONE, 5060), (REGISTRAR, 5060), "unseen", 0);
    bench.udp((PHONE, 5061), (REGISTRAR, 5060), "other", 0).finish();
    assert_eq!(
        bench.calls(),
        ["1 #0 client \"ask\" (1)", "2 #0 server \"answer\" cut (2)", "3 #0 client \"last\" (3)", "5 #1 client \"other\" (1)"]
    );
}

#[test]
fn what_has_no_flow_goes_past() {
    let mut bench = Bench::default();
    bench
        .push(None, Body::Link { ether_type: 0x0806, bytes: &[] })
        .push(net(PHONE, REGISTRAR), Body::Icmp(&[3, 3]))
        .push(None, Body::Nothing);
    assert_eq!(bench.calls(), ["1 other", "2 other", "3 other"]);
    assert!(bench.table.is_empty());
}
