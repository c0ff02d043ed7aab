//! The short path for the commonest packets: whole UDP and TCP headers, ICMP, and what nobody reads, right behind an IPv4
//! header without fragments or an IPv6 header without extensions, with lengths that agree, most often in an Ethernet frame with
//! no more than one tag. All others it leaves to the long path, with which tests hold it together: what it does decode, it
//! decodes alike.
//!
//! It is inlined into one function: a packet that is copied right after it was written piece by piece makes the processor wait.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Body, Datagram, Link, Net, Packet, Segment, on_wire, tunnel};
use crate::capture::{Record, link_type};
use crate::model::Mac;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;

/// Decodes a record if it is one of the commonest.
#[inline]
pub(super) fn decode<'a>(record: &Record<'a>) -> Option<Packet<'a>> {
    if record.link_type != link_type::ETHERNET {
        return None;
    }
    let (destination, rest) = record.data.split_first_chunk()?;
    let (source, rest) = rest.split_first_chunk()?;
    let (&[k0, k1], mut bytes) = rest.split_first_chunk()?;
    let mut link = Link { source: Some(Mac(*source)), destination: Some(Mac(*destination)), vlan: None };
    let mut ether_type = u16::from_be_bytes([k0, k1]);
    if ether_type == VLAN {
        let (&[t0, t1, k0, k1], rest) = bytes.split_first_chunk()?;
        let vlan = u16::from_be_bytes([t0, t1]) & 0x0fff;
        (link.vlan, ether_type, bytes) = ((vlan != 0).then_some(vlan), u16::from_be_bytes([k0, k1]), rest);
    }
    if matches!(ether_type, IPV4 | IPV6) { above_link(record, link, bytes) } else { None }
}

/// Decodes from the IP header on, if it is one of the commonest packets.
#[inline(always)]
pub(super) fn above_link<'a>(record: &Record<'a>, link: Link, bytes: &'a [u8]) -> Option<Packet<'a>> {
    let (net, protocol, payload, wire) = match bytes.first()? >> 4 {
        4 => ipv4(bytes)?,
        6 => ipv6(bytes)?,
        _ => return None,
    };
    let body = match protocol {
        UDP => udp(payload, wire)?,
        TCP => tcp(payload, if payload.len() < wire { wire.min(on_wire(record, payload)) } else { wire })?,
        ICMP => Body::Icmp(payload),
        ICMPV6 => Body::Icmpv6(payload),
        // Behind IPv6 it may be an extension, as the authentication header is behind both.
        protocol if net.source.is_ipv4() && protocol != AUTHENTICATION && !tunnel::is_in_ip(protocol) => Body::Nothing,
        _ => return None,
    };
    Some(Packet { at: record.at, link, net: Some(net), body, stopped: None })
}

/// Header facts, protocol, captured payload, and its length on the wire.
type Ip<'a> = (Net, u8, &'a [u8], usize);

#[inline(always)]
fn ipv4(bytes: &[u8]) -> Option<Ip<'_>> {
    let &[version, _, t0, t1, i0, i1, f0, f1, ttl, protocol, _, _, a, b, c, d, e, f, g, h] = bytes.first_chunk()?;
    let header = usize::from(version & 0x0f) << 2;
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    // Bit 13 says that more fragments come; the offset lies below it.
    if header < 20 || total < header || u16::from_be_bytes([f0, f1]) & 0x3fff != 0 {
        return None;
    }
    let payload = bytes.get(header..total.min(bytes.len()))?;
    let net = Net {
        source: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
        destination: IpAddr::V4(Ipv4Addr::new(e, f, g, h)),
        ttl,
        identification: u16::from_be_bytes([i0, i1]),
    };
    Some((net, protocol, payload, total.saturating_sub(header)))
}

#[inline(always)]
fn ipv6(bytes: &[u8]) -> Option<Ip<'_>> {
    let (&[_, _, _, _, l0, l1, next, hops], rest) = bytes.split_first_chunk()?;
    let (source, rest) = rest.split_first_chunk::<16>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length == 0 {
        return None;
    }
    let net = Net {
        source: IpAddr::V6(Ipv6Addr::from(*source)),
        destination: IpAddr::V6(Ipv6Addr::from(*destination)),
        ttl: hops,
        identification: 0,
    };
    Some((net, next, rest.get(..length).unwrap_or(rest), length))
}

#[inline(always)]
fn udp(bytes: &[u8], wire: usize) -> Option<Body<'_>> {
    let (&[s0, s1, d0, d1, l0, l1, _, _], payload) = bytes.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    if length < 8 || length > wire {
        return None;
    }
    let (source_port, destination_port) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    if tunnel::is_tunnel(source_port, destination_port) {
        return None;
    }
    let length = length.saturating_sub(8);
    Some(Body::Udp(Datagram {
        source_port,
        destination_port,
        payload: payload.get(..length).unwrap_or(payload),
        wire_length: length as u32,
    }))
}

#[inline(always)]
fn tcp(bytes: &[u8], wire: usize) -> Option<Body<'_>> {
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, _, _, _, _, _, _] = bytes.first_chunk()?;
    let header = usize::from(offset >> 4) << 2;
    if header < 20 {
        return None;
    }
    Some(Body::Tcp(Segment {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgment: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        payload: bytes.get(header..)?,
        wire_length: wire.saturating_sub(header) as u32,
    }))
}
