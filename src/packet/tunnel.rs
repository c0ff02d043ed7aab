//! Packets within packets: what lies between an outer IP packet and the inner one. The inner packet is the one that a
//! device and its servers exchange; the outer one only carries it past the place of capture.

use super::link::{self, Above, Unwrapped};
use super::{Datagram, Link, capwap, hep, l2tp, looks, wireless};
use crate::bytes::{ParseError, Reader};
use crate::capture::Record;

/// How many tunnels are followed into each other: more than any network stacks.
pub(super) const MAX_DEPTH: usize = 8;

const VXLAN: u16 = 4789;
const VXLAN_GPE: u16 = 4790;
const GENEVE: u16 = 6081;
const GTP_U: u16 = 2152;
/// RFC 7510.
const MPLS_IN_UDP: u16 = 6635;
const TZSP: u16 = 37008;
const TEREDO: u16 = 3544;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
/// Transparent Ethernet bridging.
const ETHERNET: u16 = 0x6558;

/// Are these the ports of a tunnel? Mostly the source port only spreads the load; where one side answers to a port that the
/// other has chosen, its own tells.
#[inline]
pub(super) fn is_tunnel(source: u16, destination: u16) -> bool {
    matches!(destination, VXLAN | VXLAN_GPE | GENEVE | GTP_U | MPLS_IN_UDP | TZSP | hep::PORT)
        || [source, destination].iter().any(|port| matches!(*port, TEREDO | l2tp::PORT | capwap::PORT))
}

/// Is this IP protocol a tunnel?
#[inline]
pub(super) fn is_in_ip(protocol: u8) -> bool {
    matches!(protocol, 4 | 41 | 47 | 97 | 115 | 137)
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
        // RFC 3378: version 3, and the rest zero.
        97 => link::ethernet(record, bytes.strip_prefix(&[0x30, 0])?),
        115 => l2tp::in_ip(record, link, bytes),
        // RFC 4023.
        137 => by_ether_type(record, link, MPLS, bytes),
        _ => None,
    }
}

/// What a datagram of a tunnel carries. The port may as well be some program's own, so that all that does not look like the
/// tunnel is left as the datagram that it is.
pub(super) fn in_udp<'a>(record: &Record<'a>, link: Link, datagram: &Datagram<'a>) -> Option<Unwrapped<'a>> {
    let payload = datagram.payload;
    match (datagram.destination_port, datagram.source_port) {
        (VXLAN, _) => vxlan(record, payload),
        (VXLAN_GPE, _) => vxlan_gpe(record, link, payload),
        (GENEVE, _) => geneve(record, link, payload),
        (GTP_U, _) => gtp_u(payload).ok()?.map(|bytes| Unwrapped { link, above: Above::Ip(bytes) }),
        (MPLS_IN_UDP, _) => by_ether_type(record, link, MPLS, payload),
        (TZSP, _) => tzsp(record, payload).ok()?,
        (l2tp::PORT, _) | (_, l2tp::PORT) => l2tp::in_udp(record, link, payload),
        (TEREDO, _) | (_, TEREDO) => teredo(payload).map(|bytes| Unwrapped { link, above: Above::Ip(bytes) }),
        (capwap::PORT, _) | (_, capwap::PORT) => capwap::unwrap(record, payload),
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
        return Ok(Some(Unwrapped { link, above: link::framed_ppp(&mut reader)? }));
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
        // WCCP: version 2 has four octets of its own before the packet (draft-wilson-wrec-wccp-v2-01).
        0x883e if !looks::looks_like_ip(reader.peek()) => {
            reader.take(4, "WCCP redirect header")?;
            Ok(by_ether_type(record, link, IPV4, reader.rest()))
        }
        0x883e => Ok(by_ether_type(record, link, IPV4, reader.rest())),
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

/// draft-ietf-nvo3-vxlan-gpe section 3: the same with a version, and a flag that the next protocol is named.
fn vxlan_gpe<'a>(record: &Record<'a>, link: Link, payload: &'a [u8]) -> Option<Unwrapped<'a>> {
    /// The identifier is valid, and the next protocol is named; version 0.
    const FLAGS: u8 = 0x0c;
    let (&[flags, _, _, next, _, _, _, 0], rest) = payload.split_first_chunk()? else { return None };
    if flags & 0x3c != FLAGS {
        return None;
    }
    let ether_type = match next {
        1 => IPV4,
        2 => IPV6,
        3 => ETHERNET,
        5 => MPLS,
        _ => return None,
    };
    by_ether_type(record, link, ether_type, rest)
}

/// TaZmen Sniffer Protocol, with which access points and routers send copies of frames: version 1, a received packet, its
/// link, then tags until one that ends them.
fn tzsp<'a>(record: &Record<'a>, payload: &'a [u8]) -> Result<Option<Unwrapped<'a>>, ParseError> {
    const PADDING: u8 = 0;
    const END: u8 = 1;
    const ETHERNET: u16 = 1;
    const IEEE802_11: u16 = 18;
    let mut reader = Reader::new(payload);
    if reader.array("TZSP version and type")? != [1, 0] {
        return Ok(None);
    }
    let link = reader.u16("TZSP link")?;
    loop {
        match reader.u8("TZSP tag")? {
            PADDING => {}
            END => break,
            _ => {
                let length = reader.u8("TZSP tag length")?;
                reader.take(usize::from(length), "TZSP tag")?;
            }
        }
    }
    Ok(match link {
        ETHERNET => link::ethernet(record, reader.rest()),
        IEEE802_11 => Some(link::above_wireless(record, &wireless::in_tunnel(reader.rest())?)),
        _ => None,
    })
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
    Ok(Some(reader.rest()).filter(|packet| looks::looks_like_ip(packet)))
}

/// Teredo (RFC 4380 section 5.1.1): what authenticates the packet and where it came from may stand before it.
fn teredo(payload: &[u8]) -> Option<&[u8]> {
    const NONCE_AND_CONFIRMATION: usize = 9;
    const ORIGIN: usize = 8;
    let mut rest = payload;
    if let [0, 1, identifier, value, behind @ ..] = rest {
        let length = usize::from(*identifier).saturating_add(usize::from(*value)).saturating_add(NONCE_AND_CONFIRMATION);
        rest = behind.get(length..)?;
    }
    if rest.starts_with(&[0, 0]) {
        rest = rest.get(ORIGIN..)?;
    }
    Some(rest).filter(|packet| matches!(packet, [0x60..=0x6f, ..]) && looks::is_ip(packet))
}

fn by_ether_type<'a>(record: &Record<'a>, link: Link, ether_type: u16, bytes: &'a [u8]) -> Option<Unwrapped<'a>> {
    match ether_type {
        ETHERNET => link::ethernet(record, bytes),
        IPV4 | IPV6 | MPLS | MPLS_MULTICAST => Some(link::above_ether_type(record, link, ether_type, bytes)),
        _ => None,
    }
}
