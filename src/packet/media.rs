//! Links that are seldom met, and logs that hold packets: what lies between the record and the network layer.

use super::Link;
use crate::bytes::{ParseError, Reader};
use crate::capture::link_type;
use crate::model::Mac;

/// What stands behind such a link layer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried<'a> {
    /// IPv4 or IPv6.
    Ip(&'a [u8]),
    /// An EtherType and what it names.
    EtherType(u16, &'a [u8]),
    /// An LLC header and what follows.
    Llc(&'a [u8]),
    /// A frame of another link type.
    Frame(u16, &'a [u8]),
    /// No packet.
    Nothing,
}

/// Unwraps the link layer of this type; `None` if it is none of these.
pub(super) fn unwrap(link_type: u16, frame: &[u8]) -> Option<Result<(Link, Carried<'_>), ParseError>> {
    let mut reader = Reader::new(frame);
    let bare = |carried| (Link::default(), carried);
    Some(match link_type {
        link_type::ARCNET | link_type::ARCNET_LINUX => arcnet(link_type, &mut reader).map(bare),
        link_type::TOKEN_RING => token_ring(&mut reader),
        link_type::FDDI => fddi(&mut reader),
        link_type::IPOIB => infiniband(&mut reader).map(bare),
        link_type::NFLOG => netfilter_log(&mut reader).map(bare),
        link_type::PKTAP => packet_tap(&mut reader).map(bare),
        _ => return None,
    })
}

/// ARCNET, whose addresses are one octet long and name no device elsewhere.
fn arcnet<'a>(link_type: u16, reader: &mut Reader<'a>) -> Result<Carried<'a>, ParseError> {
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
        OLD_IP => Ok(Carried::Ip(reader.rest())),
        IP | IPV6 => {
            let split = reader.u8("ARCNET split flag")?;
            reader.u16("ARCNET sequence number")?;
            // Section 2.3: what is split lies in several frames.
            Ok(if split == 0 { Carried::Ip(reader.rest()) } else { Carried::Nothing })
        }
        _ => Ok(Carried::Nothing),
    }
}

/// Token Ring (IEEE 802.5): access and frame control, addresses, the route where the source names one, LLC.
fn token_ring<'a>(reader: &mut Reader<'a>) -> Result<(Link, Carried<'a>), ParseError> {
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
        return Ok((link, Carried::Nothing));
    }
    Ok((link, Carried::Llc(reader.rest())))
}

/// FDDI (ISO 9314-2): frame control, addresses, LLC.
fn fddi<'a>(reader: &mut Reader<'a>) -> Result<(Link, Carried<'a>), ParseError> {
    const KIND: u8 = 0xf0;
    const ASYNCHRONOUS_LLC: u8 = 0x50;
    let control = reader.u8("FDDI frame control")?;
    let (link, _) = addresses(reader, 0)?;
    if control & KIND != ASYNCHRONOUS_LLC {
        return Ok((link, Carried::Nothing));
    }
    Ok((link, Carried::Llc(reader.rest())))
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
fn infiniband<'a>(reader: &mut Reader<'a>) -> Result<Carried<'a>, ParseError> {
    reader.take(40, "InfiniBand addresses")?;
    let ether_type = reader.u16("EtherType")?;
    reader.u16("reserved")?;
    Ok(Carried::EtherType(ether_type, reader.rest()))
}

/// What Linux's netfilter logs: a head of four octets, then attributes, of which one is the packet
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html>).
fn netfilter_log<'a>(reader: &mut Reader<'a>) -> Result<Carried<'a>, ParseError> {
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
            return Ok(if matches!(family, 2 | 10) { Carried::Ip(packet) } else { Carried::Nothing });
        }
        reader.take(length.next_multiple_of(4).min(reader.left()), "attribute")?;
    }
    Ok(Carried::Nothing)
}

/// Apple's packet tap: a header that says its length and the link type of what follows it
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_PKTAP.html>).
fn packet_tap<'a>(reader: &mut Reader<'a>) -> Result<Carried<'a>, ParseError> {
    const READ: usize = 12;
    let length = reader.u32_le("PKTAP header length")?;
    reader.u32_le("PKTAP record type")?;
    let inner = reader.u32_le("PKTAP link type")?;
    reader.take((length as usize).saturating_sub(READ), "PKTAP header")?;
    let data = reader.rest();
    match u16::try_from(inner) {
        Ok(link_type) if link_type != link_type::PKTAP => Ok(Carried::Frame(link_type, data)),
        _ => Ok(Carried::Nothing),
    }
}
