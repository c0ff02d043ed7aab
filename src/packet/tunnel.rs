//! Packets within packets: what lies between an outer IP packet and the inner one. The inner packet is the one that a
//! device and its servers exchange; the outer one only carries it past the place of capture.

use super::link::{self, Above, Unwrapped};
use super::{Datagram, Link};
use crate::bytes::{ParseError, Reader};
use crate::capture::Record;

/// How many tunnels are followed into each other: more than any network stacks.
pub(super) const MAX_DEPTH: usize = 8;

const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;
const GTP_U: u16 = 2152;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;

/// Is it a port to which tunnels are sent? The source port only spreads the load.
#[inline]
pub(super) fn is_tunnel_port(destination: u16) -> bool {
    matches!(destination, VXLAN | GENEVE | GTP_U)
}

/// What an IP protocol that is a tunnel carries; `None` where it carries nothing that is known.
pub(super) fn in_ip<'a>(record: &Record<'a>, link: Link, protocol: u8, bytes: &'a [u8]) -> Option<Unwrapped<'a>> {
    match protocol {
        // RFC 2003, and RFC 4213 section 3.
        4 | 41 => Some(Unwrapped { link, above: Above::Ip(bytes) }),
        47 => gre(record, link, bytes).unwrap_or_else(|mut error| {
            error.offset = error.offset.saturating_add(super::offset_in(record, bytes));
            Some(Unwrapped { link, above: Above::Stopped(error) })
        }),
        _ => None,
    }
}

/// What a datagram to a tunnel's port carries. The port may as well be some program's own, so that all that does not look
/// like the tunnel is left as the datagram that it is.
pub(super) fn in_udp<'a>(record: &Record<'a>, link: Link, datagram: &Datagram<'a>) -> Option<Unwrapped<'a>> {
    match datagram.destination_port {
        VXLAN => vxlan(record, datagram.payload),
        GENEVE => geneve(record, link, datagram.payload),
        GTP_U => gtp_u(datagram.payload).ok()?.map(|bytes| Unwrapped { link, above: Above::Ip(bytes) }),
        _ => None,
    }
}

/// GRE: RFC 2784 section 2 with the key and the sequence number of RFC 2890; and RFC 2637 section 4.1, which carries PPP.
fn gre<'a>(record: &Record<'a>, link: Link, bytes: &'a [u8]) -> Result<Option<Unwrapped<'a>>, ParseError> {
    const CHECKSUM: u16 = 0x8000;
    /// RFC 1701 only, with routing entries behind it that no one sends.
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    /// RFC 2637 only.
    const ACKNOWLEDGMENT: u16 = 0x0080;
    const VERSION: u16 = 0x0007;
    const PPP: u16 = 0x880b;
    let mut reader = Reader::new(bytes);
    let flags = reader.u16("GRE flags")?;
    let protocol = reader.u16("GRE protocol")?;
    let is_enhanced = flags & VERSION == 1;
    if flags & VERSION > 1 || flags & ROUTING != 0 || is_enhanced != (protocol == PPP) {
        return Ok(None);
    }
    for (flag, field) in [(CHECKSUM, "GRE checksum"), (KEY, "GRE key"), (SEQUENCE, "GRE sequence number")] {
        if flags & flag != 0 {
            reader.take(4, field)?;
        }
    }
    if is_enhanced {
        if flags & ACKNOWLEDGMENT != 0 {
            reader.take(4, "GRE acknowledgment number")?;
        }
        // A bare acknowledgment has no payload.
        if reader.is_empty() {
            return Ok(None);
        }
        if reader.peek().starts_with(&[0xff, 0x03]) {
            reader.take(2, "PPP address and control")?;
        }
        return Ok(Some(Unwrapped { link, above: link::ppp(&mut reader)? }));
    }
    match protocol {
        // ERSPAN, which draft-foschiano-erspan-03 section 4 describes. Type I has no header of its own, and is told from
        // type II by the absence of a sequence number.
        0x88be => {
            if flags & SEQUENCE != 0 {
                reader.take(8, "ERSPAN type II header")?;
            }
            Ok(link::ethernet(record, reader.rest()))
        }
        0x22eb => erspan3(record, link, &mut reader),
        _ => Ok(by_ether_type(record, link, protocol, reader.rest())),
    }
}

/// ERSPAN type III: twelve octets that end in the kind of frame and whether eight more follow.
fn erspan3<'a>(record: &Record<'a>, link: Link, reader: &mut Reader<'a>) -> Result<Option<Unwrapped<'a>>, ParseError> {
    const SUBHEADER: u16 = 0x0001;
    const FRAME_IS_IP: u16 = 2;
    reader.take(10, "ERSPAN type III header")?;
    let flags = reader.u16("ERSPAN type III header")?;
    if flags & SUBHEADER != 0 {
        reader.take(8, "ERSPAN platform subheader")?;
    }
    match (flags >> 10) & 0x1f {
        0 => Ok(link::ethernet(record, reader.rest())),
        FRAME_IS_IP => Ok(Some(Unwrapped { link, above: Above::Ip(reader.rest()) })),
        _ => Ok(None),
    }
}

/// RFC 7348 section 5: flags of which one is always set, reserved octets that senders leave zero, the network identifier.
fn vxlan<'a>(record: &Record<'a>, payload: &'a [u8]) -> Option<Unwrapped<'a>> {
    let (&[0x08, 0, 0, 0, _, _, _, 0], frame) = payload.split_first_chunk()? else { return None };
    link::ethernet(record, frame)
}

/// RFC 8926 section 3.4: version 0, the length of the options in words, what follows, the network identifier.
fn geneve<'a>(record: &Record<'a>, link: Link, payload: &'a [u8]) -> Option<Unwrapped<'a>> {
    let (&[lengths, flags, p0, p1, _, _, _, 0], rest) = payload.split_first_chunk()? else { return None };
    // Two bits of version, and six reserved ones behind the flags.
    if lengths & 0xc0 != 0 || flags & 0x3f != 0 {
        return None;
    }
    let frame = rest.get(usize::from(lengths & 0x3f) << 2..)?;
    by_ether_type(record, link, u16::from_be_bytes([p0, p1]), frame)
}

/// 3GPP TS 29.281 section 5.1: a user's packet (T-PDU), behind optional fields and extension headers.
fn gtp_u(payload: &[u8]) -> Result<Option<&[u8]>, ParseError> {
    /// Version 1, and GTP rather than GTP'.
    const VERSION: u8 = 0x30;
    const T_PDU: u8 = 0xff;
    const EXTENDED: u8 = 0x04;
    /// Any of the extension, sequence number and N-PDU number flags brings all of their fields.
    const OPTIONAL: u8 = 0x07;
    let mut reader = Reader::new(payload);
    let flags = reader.u8("GTP flags")?;
    if flags & 0xf0 != VERSION || reader.u8("GTP message type")? != T_PDU {
        return Ok(None);
    }
    reader.u16("GTP length")?;
    reader.u32("GTP tunnel endpoint")?;
    if flags & OPTIONAL != 0 {
        reader.take(3, "GTP sequence and N-PDU number")?;
        let mut next = reader.u8("GTP next extension header")?;
        if flags & EXTENDED == 0 {
            next = 0;
        }
        // Section 5.2.1: the length is in words and counts all of the header, whose last octet names the next one.
        while next != 0 {
            let words = usize::from(reader.u8("GTP extension header length")?);
            let Some(content) = words.saturating_mul(4).checked_sub(2) else { return Ok(None) };
            reader.take(content, "GTP extension header")?;
            next = reader.u8("GTP next extension header")?;
        }
    }
    Ok(Some(reader.rest()).filter(|packet| link::looks_like_ip(packet)))
}

fn by_ether_type<'a>(record: &Record<'a>, link: Link, ether_type: u16, bytes: &'a [u8]) -> Option<Unwrapped<'a>> {
    match ether_type {
        ETHERNET => link::ethernet(record, bytes),
        IPV4 | IPV6 | MPLS | MPLS_MULTICAST => Some(link::above_ether_type(record, link, ether_type, bytes)),
        _ => None,
    }
}
