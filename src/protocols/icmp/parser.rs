//! Reads the messages by which the network refuses or reroutes a packet, and the headers of the packet that they quote.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Discovery, Message, Quoted, kind_v4, kind_v6};
use crate::bytes::{ParseError, Reader};
use crate::model::Mac;

/// IP protocol numbers whose header begins with two ports: TCP, UDP, SCTP.
const WITH_PORTS: [u8; 3] = [6, 17, 132];
/// IPv6 extension headers that are followed: hop-by-hop, routing, destination options (RFC 8200 section 4).
const OPTION_HEADERS: [u8; 3] = [0, 43, 60];
/// The IPv6 fragment header.
const FRAGMENT_HEADER: u8 = 44;
/// How many extension headers are followed in a quoted packet.
const MAX_EXTENSIONS: usize = 8;
/// The option of a redirect that quotes the packet (RFC 4861 section 4.6.3).
const REDIRECTED_HEADER: u8 = 4;
/// The option with the sender's MAC (RFC 4861 section 4.6.1).
const SOURCE_MAC: u8 = 1;
/// The option with the MAC of the address spoken of.
const TARGET_MAC: u8 = 2;

/// Reads an ICMP message, from its type octet on. `None` for the types that say nothing about a login's packets.
pub fn parse_v4(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8("type").ok()?;
    let code = reader.u8("code").ok()?;
    if ![kind_v4::UNREACHABLE, kind_v4::REDIRECT, kind_v4::TIME_EXCEEDED].contains(&kind) {
        return None;
    }
    // RFC 1191 section 4: the MTU stands in the second half of what RFC 792 leaves unused; old routers leave it 0.
    let mtu = match (kind, code) {
        (kind_v4::UNREACHABLE, 4) => u16_at(bytes, 6).filter(|mtu| *mtu != 0).map(u32::from),
        _ => None,
    };
    Some(Message { v6: false, kind, code, quoted: quoted(bytes.get(8..)), mtu, discovery: None })
}

/// Reads an ICMPv6 message, from its type octet on. `None` for the types that say nothing about a login's packets.
pub fn parse_v6(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let kind = reader.u8("type").ok()?;
    let code = reader.u8("code").ok()?;
    let (quoted, mtu) = match kind {
        kind_v6::UNREACHABLE | kind_v6::TIME_EXCEEDED => (quoted(bytes.get(8..)), None),
        kind_v6::TOO_BIG => (quoted(bytes.get(8..)), bytes.get(4..).and_then(|rest| Reader::new(rest).u32("MTU").ok())),
        kind_v6::REDIRECT => (redirected(bytes.get(40..)), None),
        kind_v6::ROUTER_ADVERTISEMENT | kind_v6::NEIGHBOUR_SOLICITATION | kind_v6::NEIGHBOUR_ADVERTISEMENT => (None, None),
        _ => return None,
    };
    Some(Message { v6: true, kind, code, quoted, mtu, discovery: discovery(kind, bytes) })
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    Reader::new(bytes.get(offset..)?).u16("field").ok()
}

/// The packet inside the options of a redirect. The sender cuts it to fit, and so may the capture: what is there will do.
fn redirected(options: Option<&[u8]>) -> Option<Quoted> {
    quoted(option(options?, REDIRECTED_HEADER)?.get(6..))
}

/// What stands from behind the head of the first option of this type on.
fn option(options: &[u8], wanted: u8) -> Option<&[u8]> {
    let mut reader = Reader::new(options);
    while let (Ok(kind), Ok(units)) = (reader.u8("option type"), reader.u8("option length")) {
        // RFC 4861 section 4.6: lengths count units of 8 octets, and one of 0 ends it all.
        let length = usize::from(units).saturating_mul(8).checked_sub(2)?;
        if kind == wanted {
            return Some(reader.peek());
        }
        reader.take(length, "option").ok()?;
    }
    None
}

/// Neighbour discovery, from the type octet on; `None` where it is cut short.
fn discovery(kind: u8, bytes: &[u8]) -> Option<Discovery> {
    let target = || Some(Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?));
    let mac = |options: usize, kind: u8| {
        let mac = Mac(*option(bytes.get(options..)?, kind)?.first_chunk::<6>()?);
        mac.is_station().then_some(mac)
    };
    match kind {
        kind_v6::NEIGHBOUR_SOLICITATION => Some(Discovery::Solicitation { target: target()?, mac: mac(24, SOURCE_MAC) }),
        kind_v6::NEIGHBOUR_ADVERTISEMENT => Some(Discovery::Advertisement { target: target()?, mac: mac(24, TARGET_MAC) }),
        kind_v6::ROUTER_ADVERTISEMENT => {
            let managed = bytes.get(5)? & 0x80 != 0;
            Some(Discovery::Router { lifetime: u16_at(bytes, 6)?, managed, mac: mac(16, SOURCE_MAC) })
        }
        _ => None,
    }
}

fn quoted(packet: Option<&[u8]>) -> Option<Quoted> {
    let mut reader = Reader::new(packet?);
    match packet?.first()? >> 4 {
        4 => quoted_v4(&mut reader).ok(),
        6 => quoted_v6(&mut reader).ok(),
        _ => None,
    }
}

fn quoted_v4(reader: &mut Reader<'_>) -> Result<Quoted, ParseError> {
    let header_length = usize::from(reader.u8("version and header length")? & 0x0f).saturating_mul(4);
    reader.take(5, "service, length, identification")?;
    let fragment_offset = reader.u16("fragment offset")? & 0x1fff;
    reader.u8("time to live")?;
    let protocol = reader.u8("protocol")?;
    reader.u16("checksum")?;
    let source = Ipv4Addr::from(reader.array::<4>("source")?);
    let destination = Ipv4Addr::from(reader.array::<4>("destination")?);
    let whole_header = header_length.checked_sub(20).is_some_and(|options| reader.take(options, "options").is_ok());
    let ports = if whole_header && fragment_offset == 0 { ports(reader, protocol) } else { (0, 0) };
    Ok(join(protocol, source.into(), destination.into(), ports))
}

fn quoted_v6(reader: &mut Reader<'_>) -> Result<Quoted, ParseError> {
    reader.take(6, "version, class, flow label, length")?;
    let next = reader.u8("next header")?;
    reader.u8("hop limit")?;
    let source = Ipv6Addr::from(reader.array::<16>("source")?);
    let destination = Ipv6Addr::from(reader.array::<16>("destination")?);
    let (protocol, first) = skip_extensions(reader, next);
    let ports = if first { ports(reader, protocol) } else { (0, 0) };
    Ok(join(protocol, source.into(), destination.into(), ports))
}

/// The protocol behind the extension headers, as far as they can be followed, and whether its header comes next.
fn skip_extensions(reader: &mut Reader<'_>, next: u8) -> (u8, bool) {
    let mut protocol = next;
    for _ in 0..MAX_EXTENSIONS {
        let step = match protocol {
            FRAGMENT_HEADER => fragment_header(reader),
            kind if OPTION_HEADERS.contains(&kind) => option_header(reader),
            _ => return (protocol, true),
        };
        match step {
            Ok((next, true)) => protocol = next,
            Ok((next, false)) => return (next, false),
            Err(_) => return (protocol, false),
        }
    }
    (protocol, false)
}

fn option_header(reader: &mut Reader<'_>) -> Result<(u8, bool), ParseError> {
    let next = reader.u8("next header")?;
    let units = reader.u8("extension length")?;
    reader.take(usize::from(units).saturating_mul(8).saturating_add(6), "extension")?;
    Ok((next, true))
}

fn fragment_header(reader: &mut Reader<'_>) -> Result<(u8, bool), ParseError> {
    let next = reader.u8("next header")?;
    reader.u8("reserved")?;
    let offset = reader.u16("fragment offset")? >> 3;
    reader.u32("identification")?;
    Ok((next, offset == 0))
}

/// RFC 792 promises eight octets of the payload: enough for the ports.
fn ports(reader: &mut Reader<'_>, protocol: u8) -> (u16, u16) {
    if !WITH_PORTS.contains(&protocol) {
        return (0, 0);
    }
    match (reader.u16("source port"), reader.u16("destination port")) {
        (Ok(source), Ok(destination)) => (source, destination),
        _ => (0, 0),
    }
}

fn join(protocol: u8, source: IpAddr, destination: IpAddr, ports: (u16, u16)) -> Quoted {
    Quoted { protocol, source: SocketAddr::new(source, ports.0), destination: SocketAddr::new(destination, ports.1) }
}
