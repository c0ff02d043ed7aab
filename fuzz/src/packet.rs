//! The packet decoder: any record, and any run of IP fragments.

use loginloop::capture::Record;
use loginloop::model::{At, Frame, Mac, Time};
use loginloop::packet::{Body, Decoder, Packet};

fn record(frame: u64, link_type: u16, surplus: u32, data: &[u8]) -> Record<'_> {
    let at = At { frame: Frame::new(frame), time: Time::from_seconds(frame as i64) };
    Record { at, link_type, wire_length: data.len() as u32 + surplus, data }
}

fn holds(packet: &Packet<'_>, longest: usize) {
    let (payload, wire_length) = match &packet.body {
        Body::Udp(datagram) => (datagram.payload, datagram.wire_length),
        Body::Tcp(segment) => (segment.payload, segment.wire_length),
        Body::Icmp(bytes) | Body::Icmpv6(bytes) | Body::Link { bytes, .. } => (*bytes, u32::MAX),
        Body::Nothing => (Default::default(), u32::MAX),
    };
    assert!(payload.len() <= longest);
    assert!(wire_length as usize >= payload.len(), "what was captured was on the wire");
    if matches!(packet.body, Body::Udp(_) | Body::Tcp(_)) {
        assert!(packet.net.is_some() && packet.stopped.is_none());
    }
}

/// Link type (two octets), octets that the capture left out (one), and the record.
pub fn headers(bytes: &[u8]) {
    let [high, low, surplus, data @ ..] = bytes else { return };
    let link_type = u16::from_be_bytes([*high, *low]);
    let record = record(1, link_type, u32::from(*surplus), data);
    let (mut one, mut other) = (Decoder::new(), Decoder::new());
    let packet = one.decode(&record);
    holds(&packet, data.len());
    assert_eq!(packet, other.decode(&record), "the same bytes, the same packet");
}

/// A run of records on Ethernet, each behind its length in two octets.
pub fn fragments(mut bytes: &[u8]) {
    let mut decoder = Decoder::new();
    let mut frame = 0;
    while let [high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high & 0x0f, *low])).min(rest.len());
        let (data, behind) = rest.split_at(length);
        frame += 1;
        let packet = decoder.decode(&record(frame, 1, 0, data));
        holds(&packet, 0xffff);
        assert!(packet.link.source.is_none_or(|mac| mac != Mac([0xff; 6]) || data.len() >= 12));
        bytes = behind;
    }
    assert!(decoder.lost_datagrams() <= frame);
}
