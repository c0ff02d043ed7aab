//! What switches and providers put between an EtherType and the packet: tags that are followed by another EtherType, and headers
//! that are followed by a whole frame.

use super::looks::looks_like_ip;
use crate::bytes::{ParseError, Reader};

/// What stands behind such a header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Behind<'a> {
    /// An EtherType and what it names.
    EtherType(u16, &'a [u8]),
    /// An Ethernet frame.
    Frame(&'a [u8]),
    /// An IP packet.
    Ip(&'a [u8]),
    /// What is encrypted, or of a kind that is not known.
    Unknown,
}

/// Goes behind the header that this EtherType names; `None` where it names none.
pub(super) fn behind(ether_type: u16, bytes: &[u8]) -> Option<Result<Behind<'_>, ParseError>> {
    /// Cisco MetaData: a version, a number of options, and options of four octets: the security group (TrustSec).
    const METADATA: u16 = 0x8909;
    /// Cisco VN-Tag, and the E-TAG of IEEE 802.1BR.
    const VN_TAG: u16 = 0x8926;
    const E_TAG: u16 = 0x893f;
    /// HSR (IEC 62439-3): path, size and sequence number.
    const HSR: u16 = 0x892f;
    const MACSEC: u16 = 0x88e5;
    /// Network Service Header (RFC 8300).
    const SERVICE_HEADER: u16 = 0x894f;
    /// Transparent Ethernet bridging.
    const ETHERNET: u16 = 0x6558;
    /// The I-TAG of IEEE 802.1ah.
    const I_TAG: u16 = 0x88e7;
    const FABRIC_PATH: u16 = 0x8903;
    /// RFC 6325 section 3.
    const TRILL: u16 = 0x22f3;
    let mut reader = Reader::new(bytes);
    Some(match ether_type {
        METADATA => metadata(&mut reader),
        VN_TAG | HSR => tag(&mut reader, 4),
        E_TAG => tag(&mut reader, 6),
        MACSEC => macsec(&mut reader),
        SERVICE_HEADER => service_header(&mut reader),
        ETHERNET => frame(&mut reader, 0),
        I_TAG => frame(&mut reader, 4),
        FABRIC_PATH => frame(&mut reader, 2),
        TRILL => trill(&mut reader),
        _ => return None,
    })
}

fn tag<'a>(reader: &mut Reader<'a>, length: usize) -> Result<Behind<'a>, ParseError> {
    reader.take(length, "tag")?;
    Ok(Behind::EtherType(reader.u16("EtherType")?, reader.rest()))
}

fn frame<'a>(reader: &mut Reader<'a>, length: usize) -> Result<Behind<'a>, ParseError> {
    reader.take(length, "header before a frame")?;
    Ok(Behind::Frame(reader.rest()))
}

fn metadata<'a>(reader: &mut Reader<'a>) -> Result<Behind<'a>, ParseError> {
    reader.u8("Cisco MetaData version")?;
    let options = usize::from(reader.u8("Cisco MetaData length")?);
    tag(reader, options.saturating_mul(4))
}

/// The security tag of IEEE 802.1AE section 9.3. What is only signed can be read; the signature behind it is no part of the packet,
/// whose own length tells its end.
fn macsec<'a>(reader: &mut Reader<'a>) -> Result<Behind<'a>, ParseError> {
    const CHANNEL: u8 = 0x20;
    const ENCRYPTED_OR_CHANGED: u8 = 0x0c;
    let control = reader.u8("MACsec tag control")?;
    if control & ENCRYPTED_OR_CHANGED != 0 {
        return Ok(Behind::Unknown);
    }
    tag(reader, if control & CHANNEL != 0 { 13 } else { 5 })
}

fn service_header<'a>(reader: &mut Reader<'a>) -> Result<Behind<'a>, ParseError> {
    /// Octets of the base header that are read here.
    const BASE: usize = 4;
    reader.u8("NSH flags")?;
    let words = usize::from(reader.u8("NSH length")? & 0x3f);
    reader.u8("NSH metadata type")?;
    let next = reader.u8("NSH next protocol")?;
    reader.take(words.saturating_mul(4).saturating_sub(BASE), "NSH metadata")?;
    Ok(match next {
        1 | 2 if looks_like_ip(reader.peek()) => Behind::Ip(reader.rest()),
        3 => Behind::Frame(reader.rest()),
        _ => Behind::Unknown,
    })
}

fn trill<'a>(reader: &mut Reader<'a>) -> Result<Behind<'a>, ParseError> {
    let flags = reader.u16("TRILL flags")?;
    // The length of the options, in words.
    let options = usize::from(flags >> 6 & 0x1f);
    frame(reader, options.saturating_mul(4).saturating_add(4))
}
