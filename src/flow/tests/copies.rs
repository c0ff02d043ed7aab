//! What the capture has twice.

use std::net::IpAddr;

use super::*;

fn net(identification: u16, ttl: u8) -> Net {
    Net { source: IpAddr::from([10, 0, 4, 23]), destination: IpAddr::from([10, 0, 4, 10]), ttl, identification }
}

fn datagram(payload: &[u8]) -> Body<'_> {
    Body::Udp(Datagram { source_port: 50_000, destination_port: 53, payload, wire_length: payload.len() as u32 })
}

/// Packets, the milliseconds after which each comes, and the frames of which the sink heard.
fn heard(packets: Vec<(i64, Net, Body<'_>)>) -> Vec<u64> {
    let (mut table, mut log) = (FlowTable::<u32>::new(Limits::default()).without_copies(), Log::default());
    for (frame, (milliseconds, net, body)) in (1..).zip(packets) {
        let at = At { frame: Frame::new(frame), time: Time(milliseconds * MILLISECOND) };
        // The copy is that of another VLAN.
        let link = Link { vlan: Some(frame as u16), ..Link::default() };
        table.push(&Packet { at, link, net: Some(net), body, stopped: None }, &mut log);
    }
    log.calls.iter().filter_map(|call| call.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn a_datagram_that_the_capture_has_twice_was_sent_once() {
    assert_eq!(heard(vec![(0, net(7, 64), datagram(b"one")), (2, net(7, 63), datagram(b"one"))]), [1], "one hop further");
    assert_eq!(heard(vec![(2, net(7, 64), datagram(b"one")), (0, net(7, 64), datagram(b"one"))]), [1], "two queues");
    let between = [(0, net(7, 64), datagram(b"one")), (1, net(8, 64), datagram(b"two")), (2, net(7, 64), datagram(b"one"))];
    assert_eq!(heard(between.into()), [1, 2]);
}

#[test]
fn what_a_host_sends_again_is_another_datagram() {
    let twice = |later: i64, id: u16, again: &'static [u8]| {
        heard(vec![(0, net(7, 64), datagram(b"one")), (later, net(id, 64), datagram(again))])
    };
    assert_eq!(twice(2, 8, b"one"), [1, 2], "another identification");
    assert_eq!(twice(2, 7, b"two"), [1, 2], "another content");
    assert_eq!(twice(500, 7, b"one"), [1, 2], "a retry");
}

#[test]
fn of_more_packets_than_are_remembered_the_oldest_are_forgotten() {
    let all = |count: usize| {
        let others = (0..count).map(|other| (0, net(1 + other as u16, 64), datagram(b"other")));
        let again = [(1, net(60_000, 64), datagram(b"one"))];
        let first = [(0, net(60_000, 64), datagram(b"one"))];
        heard(first.into_iter().chain(others).chain(again).collect()).len() - count
    };
    assert_eq!((all(8), all(500)), (1, 1));
    assert_eq!(all(8 * crate::flow::limits::COPIES), 2);
}

#[test]
fn a_segment_is_known_by_its_identification_and_where_there_is_none_it_may_have_been_sent_again() {
    let segment = |payload: &'static [u8]| {
        let (source_port, destination_port, wire_length) = (50_000, 443, payload.len() as u32);
        Body::Tcp(Segment { source_port, destination_port, sequence: 1, acknowledgment: 0, flags: SYN, payload, wire_length })
    };
    let twice = |first: u16, then: u16, again: &'static [u8]| {
        heard(vec![(0, net(first, 64), segment(b"")), (5, net(then, 64), segment(again))])
    };
    assert_eq!(twice(7, 7, b""), [1]);
    assert_eq!(twice(7, 8, b""), [1, 2]);
    assert_eq!(twice(0, 0, b""), [1, 2]);
    assert_ne!(twice(7, 7, b"another content"), [1]);
}
