//! Link layers, by hand: what lies between the wire and the EtherType.

use super::looks::{looks_like_frame, looks_like_ip};
use super::media::{self, Carried};
use super::shims::{self, Behind};
use super::wireless::{self, Payload};
use super::{LLC, Link, short};
use crate::bytes::{ParseError, Reader};
use crate::capture::{Record, erf, link_type};
use crate::model::Mac;

/// A frame without its link layer.
#[derive(Clone, Debug)]
pub(super) struct Unwrapped<'a> {
    pub(super) link: Link,
    pub(super) above: Above<'a>,
}

/// What the link layer carries.
#[derive(Clone, Debug)]
pub(super) enum Above<'a> {
    /// IPv4 or IPv6; its first octet tells.
    Ip(&'a [u8]),
    Other {
        ether_type: u16,
        bytes: &'a [u8],
    },
    Nothing,
    Stopped(ParseError),
}

/// How many tags and shims are followed: more than any network stacks.
const MAX_DEPTH: usize = 8;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// Lengths of IEEE 802.3 frames stand in the place of EtherTypes and lie below this.
const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Unwraps a record.
#[inline]
pub(super) fn unwrap<'a>(record: &Record<'a>) -> Unwrapped<'a> {
    if record.link_type == link_type::ETHERNET
        && let Some(unwrapped) = ethernet(record, record.data)
    {
        return unwrapped;
    }
    unwrap_others(record).unwrap_or_else(|stopped| Unwrapped { link: Link::default(), above: Above::Stopped(stopped) })
}

/// Unwraps an Ethernet frame that lies in a record; `None` if it is too short for a header.
#[inline]
pub(super) fn ethernet<'a>(record: &Record<'a>, frame: &'a [u8]) -> Option<Unwrapped<'a>> {
    let (&[a, b, c, d, e, f, g, h, i, j, k, l, high, low], rest) = frame.split_first_chunk()?;
    let link = Link { source: Some(Mac([g, h, i, j, k, l])), destination: Some(Mac([a, b, c, d, e, f])), vlan: None };
    let ether_type = u16::from_be_bytes([high, low]);
    Some(match ether_type {
        IPV4 | IPV6 => Unwrapped { link, above: Above::Ip(rest) },
        _ => above_ether_type(record, link, ether_type, rest),
    })
}

fn unwrap_others<'a>(record: &Record<'a>) -> Result<Unwrapped<'a>, ParseError> {
    let mut reader = Reader::new(record.data);
    let bare = |above| Ok(Unwrapped { link: Link::default(), above });
    match record.link_type {
        link_type::ETHERNET => Err(short(0, "Ethernet header", 14, record.data.len())),
        link_type::RAW | link_type::RAW_BSD | link_type::RAW_OPENBSD | link_type::IPV4 | link_type::IPV6 => {
            bare(Above::Ip(record.data))
        }
        link_type::NULL | link_type::LOOP => {
            let family = reader.u32("address family")?;
            // BSD's loopback has the byte order of the machine; a family fits one octet, so that either order tells.
            let family = if family > 0xffff { family.swap_bytes() } else { family };
            let bytes = reader.rest();
            match family {
                // IPv4, and IPv6 as Linux, NetBSD, FreeBSD and macOS number it.
                2 | 10 | 24 | 28 | 30 => bare(Above::Ip(bytes)),
                _ => bare(Above::Nothing),
            }
        }
        link_type::PPP | link_type::PPP_SERIAL if !matches!(record.data, [0x0f | 0x8f, ..]) => bare(framed_ppp(&mut reader)?),
        // Routers give their HDLC for PPP, too: its first octet is no protocol of PPP.
        link_type::PPP | link_type::PPP_SERIAL | link_type::CISCO_HDLC => {
            reader.u16("HDLC address and control")?;
            let ether_type = reader.u16("EtherType")?;
            Ok(above_ether_type(record, Link::default(), ether_type, reader.rest()))
        }
        link_type::PPP_ETHER => Ok(above_ether_type(record, Link::default(), PPPOE_SESSION, record.data)),
        link_type::ERF => {
            let within = erf::payload(record.data).filter(|&(link_type, _)| link_type != link_type::ERF);
            let Some((link_type, data)) = within.and_then(|(kind, start)| Some((kind, record.data.get(start..)?))) else {
                return bare(Above::Nothing);
            };
            Ok(unwrap(&Record { link_type, data, ..*record }))
        }
        link_type::LINUX_SLL => {
            reader.u16("packet type")?;
            let hardware = reader.u16("ARPHRD type")?;
            let length = reader.u16("link-layer address length")?;
            let address = reader.array("link-layer address")?;
            let ether_type = reader.u16("protocol")?;
            Ok(cooked(record, hardware, length, address, ether_type, reader.rest()))
        }
        link_type::LINUX_SLL2 => {
            let ether_type = reader.u16("protocol")?;
            reader.take(6, "reserved and interface index")?;
            let hardware = reader.u16("ARPHRD type")?;
            reader.u8("packet type")?;
            let length = reader.u8("link-layer address length")?;
            let address = reader.array("link-layer address")?;
            Ok(cooked(record, hardware, u16::from(length), address, ether_type, reader.rest()))
        }
        number if wireless::is_wireless(number) => Ok(above_wireless(record, &wireless::unwrap(record)?)),
        number => match media::unwrap(number, record.data).transpose()? {
            Some((link, carried)) => Ok(above_media(record, link, carried)),
            None => Err(reader.invalid("link type")),
        },
    }
}

/// What a link layer that is seldom met carries.
fn above_media<'a>(record: &Record<'a>, link: Link, carried: Carried<'a>) -> Unwrapped<'a> {
    match carried {
        Carried::Ip(packet) => Unwrapped { link, above: Above::Ip(packet) },
        Carried::EtherType(ether_type, bytes) => above_ether_type(record, link, ether_type, bytes),
        Carried::Llc(llc) => above_llc(record, link, llc),
        Carried::Frame(link_type, data) => unwrap(&Record { link_type, data, ..*record }),
        Carried::Nothing => Unwrapped { link, above: Above::Nothing },
    }
}

/// What an 802.11 frame carries; of several packets in one, the first.
pub(super) fn above_wireless<'a>(record: &Record<'a>, carried: &wireless::Carried<'a>) -> Unwrapped<'a> {
    match carried.payload {
        Payload::Llc(llc) => above_llc(record, carried.link, llc),
        Payload::Aggregate(frames) => match wireless::subframe(frames) {
            Ok((link, llc, _)) => above_llc(record, link, llc),
            Err(mut error) => {
                error.offset = error.offset.saturating_add(super::offset_in(record, frames));
                Unwrapped { link: carried.link, above: Above::Stopped(error) }
            }
        },
        Payload::Nothing => Unwrapped { link: carried.link, above: Above::Nothing },
    }
}

/// What lies above an LLC header without the 802.3 length before it.
pub(super) fn above_llc<'a>(record: &Record<'a>, link: Link, llc: &'a [u8]) -> Unwrapped<'a> {
    // The length is not kept, but all of it is here.
    let length = u16::try_from(llc.len()).unwrap_or(u16::MAX).min(FIRST_ETHER_TYPE - 1);
    above_ether_type(record, link, length, llc)
}

/// Linux "cooked" frames: the sender's address alone, and a protocol whose meaning depends on the hardware.
fn cooked<'a>(
    record: &Record<'a>,
    hardware: u16,
    length: u16,
    address: [u8; 8],
    protocol: u16,
    bytes: &'a [u8],
) -> Unwrapped<'a> {
    /// ARPHRD_ETHER.
    const ETHERNET: u16 = 1;
    /// ARPHRD_NETLINK, and the 802.11 monitor types: what follows is no EtherType's.
    const FOREIGN: [u16; 4] = [801, 802, 803, 824];
    let [a, b, c, d, e, f, _, _] = address;
    let source = (hardware == ETHERNET && length == 6).then_some(Mac([a, b, c, d, e, f]));
    let link = Link { source, destination: None, vlan: None };
    if FOREIGN.contains(&hardware) {
        return Unwrapped { link, above: Above::Nothing };
    }
    // Here, numbers below the first EtherType are Linux's own: 1 is Novell's raw 802.3, 4 is LLC.
    match protocol {
        LLC => above_llc(record, link, bytes),
        0..FIRST_ETHER_TYPE => Unwrapped { link, above: Above::Other { ether_type: protocol, bytes } },
        _ => above_ether_type(record, link, protocol, bytes),
    }
}

/// Follows tags and shims until the network layer.
pub(super) fn above_ether_type<'a>(record: &Record<'a>, mut link: Link, ether_type: u16, bytes: &'a [u8]) -> Unwrapped<'a> {
    let above = follow(record, &mut link, ether_type, bytes).unwrap_or_else(Above::Stopped);
    Unwrapped { link, above }
}

fn follow<'a>(record: &Record<'a>, link: &mut Link, mut ether_type: u16, mut bytes: &'a [u8]) -> Result<Above<'a>, ParseError> {
    let at = |mut error: ParseError, bytes: &[u8]| {
        error.offset = error.offset.saturating_add(super::offset_in(record, bytes));
        error
    };
    for _ in 0..MAX_DEPTH {
        let mut reader = Reader::new(bytes);
        match ether_type {
            IPV4 | IPV6 => return Ok(Above::Ip(bytes)),
            // 802.1Q, 802.1ad, and what was used for double tags before it.
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                let tag = reader.u16("VLAN tag").map_err(|error| at(error, bytes))?;
                // Identifier 0 carries a priority and names no VLAN.
                if tag & 0x0fff != 0 {
                    link.vlan = Some(tag & 0x0fff);
                }
                ether_type = reader.u16("EtherType").map_err(|error| at(error, bytes))?;
                bytes = reader.rest();
            }
            0..FIRST_ETHER_TYPE => {
                // The rest is padding.
                let frame = bytes.get(..usize::from(ether_type)).unwrap_or(bytes);
                match frame.split_first_chunk() {
                    // SNAP: an EtherType, or a number of another organisation's own.
                    Some((&[0xaa, 0xaa, 0x03, o0, o1, o2, p0, p1], rest)) => {
                        ether_type = u16::from_be_bytes([p0, p1]);
                        bytes = rest;
                        if ether_type < FIRST_ETHER_TYPE || !matches!([o0, o1, o2], [0, 0, 0 | 0xf8]) {
                            return Ok(Above::Other { ether_type, bytes });
                        }
                    }
                    // IP's own access point (RFC 1042 gave it up for SNAP).
                    Some((&[0x06, 0x06, 0x03, ..], _)) => return Ok(frame.get(3..).map_or(Above::Nothing, Above::Ip)),
                    _ => return Ok(Above::Other { ether_type: LLC, bytes: frame }),
                }
            }
            MPLS | MPLS_MULTICAST => {
                let label = reader.u32("MPLS label").map_err(|error| at(error, bytes))?;
                bytes = reader.rest();
                if label & 0x100 != 0 {
                    // The bottom of the stack. What follows is not named: IP shows by its version, the control word of a
                    // pseudowire by its zeros (RFC 4385 section 3), and the rest stays unknown.
                    if looks_like_ip(bytes) {
                        return Ok(Above::Ip(bytes));
                    }
                    let Some((inner, kind, frame)) = pseudowire(bytes) else { return Ok(Above::Nothing) };
                    (*link, ether_type, bytes) = (inner, kind, frame);
                }
            }
            PPPOE_SESSION => {
                reader.u16("PPPoE version and code").map_err(|error| at(error, bytes))?;
                reader.u16("PPPoE session").map_err(|error| at(error, bytes))?;
                reader.u16("PPPoE length").map_err(|error| at(error, bytes))?;
                return ppp(&mut reader).map_err(|error| at(error, bytes));
            }
            _ => match shims::behind(ether_type, bytes).transpose().map_err(|error| at(error, bytes))? {
                None => return Ok(Above::Other { ether_type, bytes }),
                Some(Behind::EtherType(next, rest)) => (ether_type, bytes) = (next, rest),
                Some(Behind::Ip(packet)) => return Ok(Above::Ip(packet)),
                Some(Behind::Unknown) => return Ok(Above::Nothing),
                Some(Behind::Frame(within)) => {
                    let Some((inner, next, rest)) = header(within) else { return Ok(Above::Nothing) };
                    (*link, ether_type, bytes) = (inner, next, rest);
                }
            },
        }
    }
    Ok(Above::Other { ether_type, bytes })
}

/// The header of an Ethernet frame, and what stands behind it.
fn header(frame: &[u8]) -> Option<(Link, u16, &[u8])> {
    let (&[a, b, c, d, e, f, g, h, i, j, k, l, high, low], rest) = frame.split_first_chunk()?;
    let link = Link { source: Some(Mac([g, h, i, j, k, l])), destination: Some(Mac([a, b, c, d, e, f])), vlan: None };
    Some((link, u16::from_be_bytes([high, low]), rest))
}

/// The Ethernet frame of a pseudowire, with or without a control word before it (RFC 4448 section 4.6), if it carries
/// something known.
fn pseudowire(bytes: &[u8]) -> Option<(Link, u16, &[u8])> {
    let behind_control_word = bytes.strip_prefix(&[0, 0]).and_then(|rest| rest.get(2..));
    let frame = [behind_control_word, Some(bytes)].into_iter().flatten().find(|frame| looks_like_frame(frame))?;
    header(frame)
}

/// PPP with or without its address and control octets.
pub(super) fn framed_ppp<'a>(reader: &mut Reader<'a>) -> Result<Above<'a>, ParseError> {
    if reader.peek().starts_with(&[0xff, 0x03]) {
        reader.take(2, "PPP address and control")?;
    }
    ppp(reader)
}

/// PPP from the protocol field on, which may be compressed to its second octet.
pub(super) fn ppp<'a>(reader: &mut Reader<'a>) -> Result<Above<'a>, ParseError> {
    let first = reader.u8("PPP protocol")?;
    let protocol = if first & 1 == 1 { u16::from(first) } else { u16::from_be_bytes([first, reader.u8("PPP protocol")?]) };
    Ok(match protocol {
        0x0021 | 0x0057 => Above::Ip(reader.rest()),
        _ => Above::Nothing,
    })
}
