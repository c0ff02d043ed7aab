//! Memory and time stay bounded, whatever comes in, and the clock may do as it likes.

use super::*;

fn ended(bench: &mut Bench) -> usize {
    bench.calls().iter().filter(|call| call.ends_with("ended")).count()
}

#[test]
fn a_hole_is_given_up_when_too_much_waits_behind_it() {
    let mut bench = Bench::with(Limits { side_bytes: 10, ..Limits::default() });
    bench.open().client(ACK, 5, 0, "abcdef");
    bench.calls();
    bench.client(ACK, 20, 0, "ghijk");
    assert_eq!(bench.calls(), ["5 #0 client gap 5", "5 #0 client \"abcdef\""]);
    bench.client(ACK, 11, 0, "123456789");
    assert_eq!(bench.calls(), ["6 #0 client \"123456789\"", "6 #0 client \"ghijk\""]);
    assert_eq!(bench.table.losses().bytes, 5);
    assert!(bench.table.warnings()[0].text.contains("5 bytes"));
}

#[test]
fn pieces_are_bounded() {
    let mut bench = Bench::default();
    bench.open();
    for offset in 0..1_000 {
        bench.client(ACK, 2 * offset + 1, 0, "x");
    }
    assert!(bench.table.buffered() < 64 << 10);
    bench.finish();
    assert_eq!(bench.calls().iter().filter(|call| call.contains("gap 1")).count(), 1_000);
}

#[test]
fn a_message_longer_than_the_bound_is_a_gap() {
    let mut bench = Bench::with(Limits { side_bytes: 10, ..Limits::default() });
    bench.log.parser = messages;
    bench.open();
    bench.calls();
    bench.client(ACK, 0, 0, "\x10\0abcd").client(ACK, 6, 0, "efg").client(ACK, 9, 0, "\0\0").client(
        ACK,
        11,
        0,
        "\x10\x00345678901234",
    );
    assert_eq!(
        bench.calls(),
        [
            "4 #0 first data client",
            "4 #0 client \"\\u{10}\\0abcd\"",
            "6 #0 client gap 9",
            "6 #0 client \"\\0\\0\"",
            "7 #0 client \"\\u{10}\\0345678901234\"",
            "7 #0 client gap 14",
        ]
    );
}

#[test]
fn all_buffers_together_are_bounded_and_the_oldest_goes() {
    let mut bench = Bench::with(Limits { all_bytes: 64 << 10, ..Limits::default() });
    let large = "x".repeat(1_400);
    for port in 1..200 {
        bench.port = 40_000 + port;
        bench.open().client(ACK, 1, 0, &large);
        assert!(bench.table.buffered() <= 64 << 10);
    }
    let calls = bench.calls();
    let gaps: Vec<&String> = calls.iter().filter(|call| call.contains("gap")).collect();
    assert!(gaps.len() > 100 && gaps[0].contains("#0 client gap 1401"), "{:?}", gaps.first());
    assert!(bench.table.losses().bytes > 100 * 1_400);
}

#[test]
fn flows_are_bounded() {
    let mut bench = Bench::with(Limits { flows: 100, ..Limits::default() });
    for port in 0..5_000 {
        bench.port = 10_000 + port;
        bench.client(SYN, -1, 0, "").udp((PHONE, 10_000 + port), (REGISTRAR, 53), "q", 0);
        assert!(bench.table.len() <= 100);
    }
    assert_eq!(bench.table.losses().flows, 9_900);
    assert!(ended(&mut bench) >= 4_900);
}

#[test]
fn a_busy_flow_outlives_a_flood() {
    let mut bench = Bench::with(Limits { flows: 100, ..Limits::default() });
    bench.open().client(ACK, 0, 0, "a");
    for port in 0..5_000_i64 {
        bench.port = 41_000 + port as u16;
        bench.client(SYN, -1, 0, "");
        bench.port = 40_000;
        bench.client(ACK, port + 1, 0, "a");
    }
    assert!(!bench.calls().iter().any(|call| call.ends_with("#0 ended")));
}

#[test]
fn closed_flows_leave_soon() {
    let mut bench = Bench::with(Limits { closed: 10, ..Limits::default() });
    for port in 0..1_000 {
        bench.port = 10_000 + port;
        bench.open().client(RST, 0, 0, "");
        assert!(bench.table.len() <= 11);
    }
    bench.calls();
    bench.wait(61 * SECOND);
    for _ in 0..20 {
        bench.udp((PHONE, 5060), (REGISTRAR, 5060), "", 0);
    }
    assert_eq!((ended(&mut bench), bench.table.len()), (10, 1));
}

#[test]
fn idle_flows_leave_by_packet_time() {
    let mut bench = Bench::default();
    bench.log.after_datagram = Interest::SignalsOnly;
    for port in 0..100 {
        bench.port = 10_000 + port;
        bench.client(SYN, -1, 0, "").udp((PHONE, 10_000 + port), (REGISTRAR, 40_000), "voice", 0);
    }
    assert_eq!(bench.table.len(), 200);
    bench.wait(100 * SECOND);
    for _ in 0..300 {
        bench.udp((PHONE, 5060), (REGISTRAR, 5060), "", 0);
    }
    assert_eq!(bench.table.len(), 101);
    bench.wait(300 * SECOND);
    for _ in 0..300 {
        bench.udp((PHONE, 5060), (REGISTRAR, 5060), "", 0);
    }
    assert_eq!((bench.table.len(), ended(&mut bench)), (1, 100));
}

#[test]
fn one_wild_time_stamp_costs_one_flow_at_most() {
    for wild in [i64::MAX, i64::MIN, -400 * 86_400 * SECOND, 400 * 86_400 * SECOND] {
        let mut bench = Bench { time: 1_700_000_000 * SECOND, ..Bench::default() };
        for port in 0..50 {
            bench.port = 10_000 + port;
            bench.open();
        }
        let now = bench.time;
        bench.time = wild.saturating_sub(20 * MILLISECOND);
        bench.client(ACK, 0, 0, "wild");
        bench.time = now;
        for _ in 0..200 {
            bench.client(ACK, 4, 0, "");
        }
        assert!(ended(&mut bench) <= 1);
    }
}

#[test]
fn when_the_clock_goes_back_flows_stay_and_still_age() {
    let mut bench = Bench { time: 1_700_000_000 * SECOND, ..Bench::default() };
    for port in 0..50 {
        bench.port = 10_000 + port;
        bench.open();
    }
    bench.wait(-365 * 86_400 * SECOND);
    for _ in 0..200 {
        bench.client(ACK, 0, 0, "");
    }
    assert_eq!((ended(&mut bench), bench.table.len()), (0, 50));
    bench.wait(3 * 3_600 * SECOND);
    for _ in 0..200 {
        bench.client(ACK, 0, 0, "");
    }
    assert_eq!((ended(&mut bench), bench.table.len()), (49, 1));
}

#[test]
fn a_flow_stays_small() {
    // What 20,000 open flows cost: an entry in the table, and a box for those over TCP.
    let entry = crate::flow::hot::ENTRY_BYTES;
    let boxed = size_of::<crate::flow::tcp::Connection<u64>>();
    assert!(entry <= 96, "{entry}");
    assert!(20_000 * (entry + 16 + boxed) < 8 << 20, "{boxed}");
}

/// One-byte segments of one long message, in order or backwards: bytes offered and bytes moved.
fn steps(length: usize, need: bool) -> usize {
    let mut bench = Bench::default();
    bench.log.parser =
        if need { |bytes| if bytes.len() < 5 { Step::Used { bytes: 0, need: 5 } } else { long(bytes) } } else { uses_all };
    bench.open();
    bench.segment(Side::Client, ACK, 0, 0, &(length as u32).to_be_bytes(), 0);
    for offset in 0..length {
        bench.client(ACK, 4 + offset as i64, 0, "x");
        bench.log.calls.clear();
    }
    bench.log.offered
}

fn long(bytes: &[u8]) -> Step {
    let [a, b, c, d, ..] = bytes else { return Step::Used { bytes: 0, need: 4 } };
    let whole = 4 + u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if bytes.len() < whole { Step::Used { bytes: 0, need: whole } } else { Step::Used { bytes: whole, need: 4 } }
}

#[test]
fn one_byte_segments_of_a_long_message_take_linear_time() {
    for need in [true, false] {
        let (once, twice) = (steps(20_000, need), steps(40_000, need));
        assert!(twice <= 2 * once + 100, "{once} {twice}");
    }
}
