//! IP and what it carries, by etherparse: every packet that the short path does not take.

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv6ExtensionsSlice, Ipv6FragmentHeaderSlice, Ipv6Header, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, LaxIpSlice, TcpSlice, UdpSlice, ip_number,
};

use super::defrag::{Fragment, Fragments, Key};
use super::link::Above;
use super::{Body, Datagram, Link, Net, Packet, Segment, hep, invalid, offset_in, on_wire, short, tunnel};
use crate::bytes::ParseError;
use crate::capture::Record;

/// What IP carries: the captured bytes, their length on the wire, and where they begin in the frame (for messages).
#[derive(Clone, Copy, Debug)]
struct Payload<'a> {
    protocol: u8,
    bytes: &'a [u8],
    wire: usize,
    offset: usize,
}

/// Completes `packet`, which knows only its link layer. Without `fragments`, those of IP datagrams lead nowhere; `depth` is
/// the number of tunnels that it came through.
pub(super) fn above<'a>(
    record: &Record<'a>,
    above: &Above<'a>,
    fragments: Option<&'a mut Fragments>,
    packet: Packet<'a>,
    depth: usize,
) -> Packet<'a> {
    match *above {
        Above::Ip(bytes) => decode(record, bytes, fragments, packet, depth),
        Above::Other { ether_type, bytes } => Packet { body: Body::Link { ether_type, bytes }, ..packet },
        Above::Nothing => packet,
        Above::Stopped(ref stopped) => Packet { stopped: Some(stopped.clone()), ..packet },
    }
}

/// Decodes from the IP header on and completes `packet`.
fn decode<'a>(
    record: &Record<'a>,
    bytes: &'a [u8],
    fragments: Option<&'a mut Fragments>,
    mut packet: Packet<'a>,
    depth: usize,
) -> Packet<'a> {
    let start = offset_in(record, bytes);
    let (ip, stopped) = match LaxIpSlice::from_slice(bytes) {
        Ok(sliced) => sliced,
        Err(error) => {
            packet.stopped = Some(match error {
                LaxHeaderSliceError::Len(error) => short(start, "IP header", error.required_len, error.len),
                LaxHeaderSliceError::Content(_) => invalid(start, "IP version and header length"),
            });
            return packet;
        }
    };
    let (ttl, identification) = match &ip {
        LaxIpSlice::Ipv4(ip) => (ip.header().ttl(), ip.header().identification()),
        LaxIpSlice::Ipv6(ip) => (ip.header().hop_limit(), 0),
    };
    packet.net = Some(Net { source: ip.source_addr(), destination: ip.destination_addr(), ttl, identification });
    let payload = ip.payload();
    let offset = offset_in(record, payload.payload);
    let wire = wire_length(record, &ip, start, offset);
    let whole = Payload { protocol: payload.ip_number.0, bytes: payload.payload, wire, offset };
    if !payload.fragmented {
        if stopped.is_some() {
            packet.stopped = Some(invalid(offset, "IP extension header"));
            return packet;
        }
        return finish(record, whole, fragments, packet, depth);
    }
    let Some((key, fragment)) = fragment(&ip, bytes.get(..offset.saturating_sub(start).saturating_add(whole.bytes.len())), whole)
    else {
        packet.stopped = Some(invalid(offset, "fragment header"));
        return packet;
    };
    if fragment.begins_and_is_cut() {
        // It will never be whole: what the capture has of its beginning is all that anybody will see.
        return finish(record, whole, fragments, packet, depth);
    }
    match fragments.and_then(|fragments| fragments.add(key, &fragment, record.at.time)) {
        Some((protocol, bytes)) => assembled(record, protocol, bytes, offset, packet, depth),
        None => packet,
    }
}

/// Length of the payload on the wire. What the IP header says counts, whatever was captured; where it says nothing (total
/// length 0 from segmentation offload, or less than the header) the rest of the frame does.
fn wire_length(record: &Record<'_>, ip: &LaxIpSlice<'_>, start: usize, offset: usize) -> usize {
    let (declared, header) = match ip {
        LaxIpSlice::Ipv4(ip) => (usize::from(ip.header().total_len()), ip.header().slice().len()),
        LaxIpSlice::Ipv6(ip) => match usize::from(ip.header().payload_length()) {
            0 => (0, 40),
            length => (length.saturating_add(40), 40),
        },
    };
    let end =
        if declared < header { (record.wire_length as usize).max(record.data.len()) } else { start.saturating_add(declared) };
    end.saturating_sub(offset)
}

/// The fragment in a fragmented packet; `packet` are the captured bytes of IP.
fn fragment<'a>(ip: &LaxIpSlice<'a>, packet: Option<&'a [u8]>, whole: Payload<'a>) -> Option<(Key, Fragment<'a>)> {
    let (source, destination) = (ip.source_addr(), ip.destination_addr());
    // A fragment that the capture cut can complete nothing.
    let is_whole = whole.bytes.len() >= whole.wire;
    match ip {
        LaxIpSlice::Ipv4(ip) => {
            let header = ip.header();
            let protocol = whole.protocol;
            let key = Key { source, destination, identification: u32::from(header.identification()), protocol };
            let (offset, more) = (header.fragments_offset(), header.more_fragments());
            Some((key, Fragment { protocol, offset, more, bytes: whole.bytes, is_whole }))
        }
        LaxIpSlice::Ipv6(_) => {
            let (header, bytes) = fragment_header(packet?)?;
            // Only the first fragment's next header counts, so it cannot be part of the key.
            let key = Key { source, destination, identification: header.identification(), protocol: 0 };
            let (offset, more) = (header.fragment_offset(), header.more_fragments());
            Some((key, Fragment { protocol: header.next_header().0, offset, more, bytes, is_whole }))
        }
    }
}

/// Finds the IPv6 fragment header and what is fragmented: everything behind it, be it the middle of a header or of a
/// payload. Goes from header to header itself, because etherparse reads on behind the fragment header as if every fragment
/// were the first, and its iterator reads beyond the bytes of a chain that was cut.
fn fragment_header(packet: &[u8]) -> Option<(Ipv6FragmentHeaderSlice<'_>, &[u8])> {
    let (header, mut rest) = packet.split_at_checked(Ipv6Header::LEN)?;
    let mut next = Ipv6HeaderSlice::from_slice(header).ok()?.next_header();
    loop {
        let length = match next {
            ip_number::IPV6_FRAG => {
                let header = Ipv6FragmentHeaderSlice::from_slice(rest).ok()?;
                let fragment = rest.get(header.slice().len()..)?;
                return Some((header, fragment));
            }
            ip_number::IPV6_HOP_BY_HOP | ip_number::IPV6_ROUTE | ip_number::IPV6_DEST_OPTIONS => {
                let header = Ipv6RawExtHeaderSlice::from_slice(rest).ok()?;
                next = header.next_header();
                header.slice().len()
            }
            ip_number::AUTH => {
                let header = IpAuthHeaderSlice::from_slice(rest).ok()?;
                next = header.next_header();
                header.slice().len()
            }
            _ => return None,
        };
        rest = rest.get(length..)?;
    }
}

/// Completes `packet` with a datagram that came in fragments; only IPv6 can have further extension headers in it.
fn assembled<'a>(
    record: &Record<'a>,
    protocol: u8,
    bytes: &'a [u8],
    offset: usize,
    mut packet: Packet<'a>,
    depth: usize,
) -> Packet<'a> {
    let is_ipv6 = packet.net.is_some_and(|net| net.source.is_ipv6());
    let (protocol, rest) = if is_ipv6 {
        let (_, protocol, rest, stopped) = Ipv6ExtensionsSlice::from_slice_lax(IpNumber(protocol), bytes);
        if stopped.is_some() {
            packet.stopped = Some(invalid(offset, "IP extension header"));
            return packet;
        }
        (protocol.0, rest)
    } else {
        (protocol, bytes)
    };
    // What the datagram carries lies in it, no more in the frame. Its buffer is in use until the packet is: fragments of a
    // packet in a tunnel that was itself fragmented are not waited for.
    let record = Record { data: bytes, wire_length: u32::try_from(bytes.len()).unwrap_or(u32::MAX), ..*record };
    let mut packet = finish(&record, Payload { protocol, bytes: rest, wire: rest.len(), offset }, None, packet, depth);
    // What is wrong in the datagram has no place of its own in the frame that completed it.
    if let Some(stopped) = &mut packet.stopped {
        stopped.offset = offset;
    }
    packet
}

/// Completes `packet` with the transport layer, or with the packet in the tunnel.
fn finish<'a>(
    record: &Record<'a>,
    payload: Payload<'a>,
    fragments: Option<&'a mut Fragments>,
    mut packet: Packet<'a>,
    depth: usize,
) -> Packet<'a> {
    let body = match IpNumber(payload.protocol) {
        ip_number::UDP => udp(payload),
        ip_number::TCP => tcp(payload, on_wire(record, payload.bytes)),
        ip_number::ICMP => Ok(Body::Icmp(payload.bytes)),
        ip_number::IPV6_ICMP => Ok(Body::Icmpv6(payload.bytes)),
        _ => Ok(Body::Nothing),
    };
    if let (Ok(Body::Udp(datagram)), Some(outer)) = (&body, packet.net)
        && datagram.destination_port == hep::PORT
        && let Some((net, copied)) = hep::unwrap(outer, datagram)
    {
        // The link is that of the proxy, not of who spoke to it.
        return Packet { link: Link::default(), net: Some(net), body: Body::Udp(copied), ..packet };
    }
    let inner = match &body {
        _ if depth >= tunnel::MAX_DEPTH => None,
        Ok(Body::Udp(datagram)) => tunnel::in_udp(record, packet.link, datagram),
        Ok(Body::Nothing) => tunnel::in_ip(record, packet.link, payload.protocol, payload.bytes),
        _ => None,
    };
    if let Some(inner) = inner {
        let within = Packet { at: packet.at, link: inner.link, net: None, body: Body::Nothing, stopped: None };
        return above(record, &inner.above, fragments, within, depth.saturating_add(1));
    }
    match body {
        Ok(body) => packet.body = body,
        Err(stopped) => packet.stopped = Some(stopped),
    }
    packet
}

/// A UDP length that cannot be (0, less than its own header, more than IP carries) gives way to IP's.
fn udp(ip: Payload<'_>) -> Result<Body<'_>, ParseError> {
    const HEADER: usize = 8;
    let udp = UdpSlice::from_slice_lax(ip.bytes).map_err(|error| short(ip.offset, "UDP header", HEADER, error.len))?;
    let wire = match usize::from(udp.length()) {
        length if length >= HEADER && length <= ip.wire => length,
        _ => ip.wire,
    };
    let payload = ip.bytes.get(HEADER..wire.min(ip.bytes.len())).unwrap_or_default();
    Ok(Body::Udp(Datagram {
        source_port: udp.source_port(),
        destination_port: udp.destination_port(),
        payload,
        wire_length: wire.saturating_sub(HEADER) as u32,
    }))
}

/// `on_wire` are the octets that the frame had from the TCP header on.
fn tcp(ip: Payload<'_>, on_wire: usize) -> Result<Body<'_>, ParseError> {
    const HEADER: usize = 20;
    match TcpSlice::from_slice(ip.bytes) {
        Ok(tcp) => {
            let flags = ip.bytes.get(13).copied().unwrap_or_default();
            Ok(Body::Tcp(Segment {
                source_port: tcp.source_port(),
                destination_port: tcp.destination_port(),
                sequence: tcp.sequence_number(),
                acknowledgment: tcp.acknowledgment_number(),
                flags,
                payload: tcp.payload(),
                wire_length: ip.wire.min(on_wire).saturating_sub(tcp.header_slice().len()) as u32,
            }))
        }
        // Cut by the capture behind the flags: what counts is there.
        Err(_) => match ip.bytes.first_chunk() {
            Some(&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags]) => {
                let header = usize::from(offset >> 4) << 2;
                if header < HEADER || header > ip.wire {
                    return Err(invalid(ip.offset.saturating_add(12), "TCP data offset"));
                }
                Ok(Body::Tcp(Segment {
                    source_port: u16::from_be_bytes([s0, s1]),
                    destination_port: u16::from_be_bytes([d0, d1]),
                    sequence: u32::from_be_bytes([q0, q1, q2, q3]),
                    acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
                    flags,
                    payload: &[],
                    wire_length: ip.wire.saturating_sub(header) as u32,
                }))
            }
            None => Err(short(ip.offset, "TCP header", HEADER, ip.bytes.len())),
        },
    }
}
