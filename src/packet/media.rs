//! Links that are seldom met, and logs that hold packets: what lies between the record and the network layer.

use super::Link;
use super::link::{self, Above, Unwrapped};
use crate::bytes::{ParseError, Reader};
use crate::capture::{Record, link_type};
use crate::model::Mac;

/// ARCNET, whose addresses are one octet long and name no device elsewhere.
pub(super) fn arcnet<'a>(link_type: u16, reader: &mut Reader<'a>) -> Result<Above<'a>, ParseError> {
    /// RFC 1051, which had no fragments.
    const OLD_IP: u8 = 240;
    /// RFC 1201 section 3.3.
    const IP: u8 = 212;
    const IPV6: u8 = 196;
    reader.u16("ARCNET addresses")?;
    if link_type == link_type::ARCNET_LINUX {
        reader.u16("ARCNET offset")?;
    }
    match reader.u8("ARCNET protocol")? {
        OLD_IP => Ok(Above::Ip(reader.rest())),
        IP | IPV6 => {
            let split = reader.u8("ARCNET split flag")?;
            reader.u16("ARCNET sequence number")?;
            // Section 2.3: what is split lies in several frames.
            Ok(if split == 0 { Above::Ip(reader.rest()) } else { Above::Nothing })
        }
        _ => Ok(Above::Nothing),
    }
}

/// Token Ring (IEEE 802.5): access and frame control, addresses, the route where the source names one, LLC.
pub(super) fn token_ring<'a>(record: &Record<'a>, reader: &mut Reader<'a>) -> Result<Unwrapped<'a>, ParseError> {
    /// The kind of a frame, in its frame control: LLC.
    const KIND: u8 = 0xc0;
    const LLC: u8 = 0x40;
    /// The first bit of the source says that a route follows, whose length stands in its first octet.
    const ROUTED: u8 = 0x80;
    const ROUTE_LENGTH: u8 = 0x1f;
    reader.u8("Token Ring access control")?;
    let control = reader.u8("Token Ring frame control")?;
    let (link, is_routed) = addresses(reader, ROUTED)?;
    if is_routed {
        let length = reader.u8("Token Ring route")? & ROUTE_LENGTH;
        reader.take(usize::from(length).saturating_sub(1), "Token Ring route")?;
    }
    if control & KIND != LLC {
        return Ok(Unwrapped { link, above: Above::Nothing });
    }
    Ok(link::above_llc(record, link, reader.rest()))
}

/// FDDI (ISO 9314-2): frame control, addresses, LLC.
pub(super) fn fddi<'a>(record: &Record<'a>, reader: &mut Reader<'a>) -> Result<Unwrapped<'a>, ParseError> {
    const KIND: u8 = 0xf0;
    const ASYNCHRONOUS_LLC: u8 = 0x50;
    let control = reader.u8("FDDI frame control")?;
    let (link, _) = addresses(reader, 0)?;
    if control & KIND != ASYNCHRONOUS_LLC {
        return Ok(Unwrapped { link, above: Above::Nothing });
    }
    Ok(link::above_llc(record, link, reader.rest()))
}

/// Destination and source, and whether the source has this bit, which is no part of it.
fn addresses(reader: &mut Reader<'_>, bit: u8) -> Result<(Link, bool), ParseError> {
    let destination = reader.array("destination address")?;
    let [first, rest @ ..] = reader.array::<6>("source address")?;
    let [b, c, d, e, f] = rest;
    let source = Mac([first & !bit, b, c, d, e, f]);
    Ok((Link { source: Some(source), destination: Some(Mac(destination)), vlan: None }, first & bit != 0))
}

/// IP over InfiniBand (RFC 4391 section 6), whose addresses of 20 octets name no device elsewhere.
pub(super) fn infiniband<'a>(record: &Record<'a>, reader: &mut Reader<'a>) -> Result<Unwrapped<'a>, ParseError> {
    reader.take(40, "InfiniBand addresses")?;
    let ether_type = reader.u16("EtherType")?;
    reader.u16("reserved")?;
    Ok(link::above_ether_type(record, Link::default(), ether_type, reader.rest()))
}

/// What Linux's netfilter logs: a head of four octets, then attributes, of which one is the packet
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html>).
pub(super) fn netfilter_log<'a>(reader: &mut Reader<'a>) -> Result<Above<'a>, ParseError> {
    const HEAD: usize = 4;
    const PAYLOAD: u16 = 9;
    let family = reader.u8("address family")?;
    reader.take(3, "version and resource")?;
    while !reader.is_empty() {
        // Both have the byte order of the machine; the kinds are few, so that either order tells.
        let (length, kind) = (reader.u16_le("attribute length")?, reader.u16_le("attribute kind")?);
        let (length, kind) = if kind & 0xff == 0 { (length.swap_bytes(), kind.swap_bytes()) } else { (length, kind) };
        let length = usize::from(length).saturating_sub(HEAD);
        if kind == PAYLOAD {
            let bytes = reader.rest();
            let packet = bytes.get(..length).unwrap_or(bytes);
            return Ok(if matches!(family, 2 | 10) { Above::Ip(packet) } else { Above::Nothing });
        }
        reader.take(length.next_multiple_of(4).min(reader.left()), "attribute")?;
    }
    Ok(Above::Nothing)
}

/// Apple's packet tap: a header that says its length and the link type of what follows it
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html>).
pub(super) fn packet_tap<'a>(record: &Record<'a>, reader: &mut Reader<'a>) -> Result<Unwrapped<'a>, ParseError> {
    const READ: usize = 12;
    let length = reader.u32_le("PKTAP header length")?;
    reader.u32_le("PKTAP record type")?;
    let inner = reader.u32_le("PKTAP link type")?;
    reader.take((length as usize).saturating_sub(READ), "PKTAP header")?;
    let data = reader.rest();
    match u16::try_from(inner) {
        Ok(link_type) if link_type != link_type::PKTAP => Ok(link::unwrap(&Record { link_type, data, ..*record })),
        _ => Ok(Unwrapped { link: Link::default(), above: Above::Nothing }),
    }
}
