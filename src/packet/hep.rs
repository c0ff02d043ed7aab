//! The Homer Encapsulation Protocol: a proxy's copy of a message that it sent or got, with the addresses and ports that it
//! had. Those count, as in a tunnel, though the inner headers are gone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Datagram, Net};
use crate::bytes::{ParseError, Reader};

/// The port of Homer's servers.
pub(super) const PORT: u16 = 9060;

/// Most chunks of a message: five times as many as are defined.
const MAX_CHUNKS: usize = 128;
/// IP family: Linux's numbers.
const IPV4: u8 = 2;
const IPV6: u8 = 10;
/// Kind of the copied message.
const SIP: u8 = 1;

/// What a message is known by, as far as its chunks have told.
#[derive(Clone, Copy, Debug, Default)]
struct Copied<'a> {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    kind: Option<u8>,
    message: Option<(&'a [u8], usize)>,
}

/// The copied message, as the datagram that it was or could have been; `None` where it is no SIP message. `outer` is the
/// packet that brought it.
pub(super) fn unwrap<'a>(outer: Net, datagram: &Datagram<'a>) -> Option<(Net, Datagram<'a>)> {
    let copied = match datagram.payload {
        [b'H', b'E', b'P', b'3', ..] => version3(datagram.payload).ok()?,
        [1 | 2, ..] => old(datagram).ok()?,
        _ => return None,
    };
    if copied.kind? != SIP {
        return None;
    }
    let (payload, length) = copied.message?;
    let net = Net { source: copied.source?, destination: copied.destination?, ..outer };
    let inner = Datagram {
        source_port: copied.source_port?,
        destination_port: copied.destination_port?,
        payload,
        wire_length: u32::try_from(length).ok()?,
    };
    Some((net, inner))
}

/// Version 3: the length of all, then chunks, each with its maker, kind and length. Of the makers, 0 is everybody.
fn version3(bytes: &[u8]) -> Result<Copied<'_>, ParseError> {
    let mut reader = Reader::new(bytes);
    reader.u32("HEP magic")?;
    reader.u16("HEP length")?;
    let mut copied = Copied::default();
    for _ in 0..MAX_CHUNKS {
        if reader.is_empty() {
            break;
        }
        let maker = reader.u16("HEP chunk maker")?;
        let kind = reader.u16("HEP chunk type")?;
        let length = usize::from(reader.u16("HEP chunk length")?);
        let Some(length) = length.checked_sub(6) else { return Err(reader.invalid("HEP chunk length")) };
        if (maker, kind) == (0, 15) {
            // The message may have been cut by the capture.
            let message = reader.peek().get(..length).unwrap_or(reader.peek());
            copied.message = Some((message, length));
            reader.take(message.len(), "HEP message")?;
            continue;
        }
        let mut value = reader.part(length, "HEP chunk")?;
        if maker != 0 {
            continue;
        }
        match kind {
            3 => copied.source = Some(ipv4(&mut value)?),
            4 => copied.destination = Some(ipv4(&mut value)?),
            5 => copied.source = Some(ipv6(&mut value)?),
            6 => copied.destination = Some(ipv6(&mut value)?),
            7 => copied.source_port = Some(value.u16("HEP source port")?),
            8 => copied.destination_port = Some(value.u16("HEP destination port")?),
            11 => copied.kind = Some(value.u8("HEP protocol type")?),
            _ => {}
        }
    }
    Ok(copied)
}

/// Versions 1 and 2: a header of fixed fields; the second adds a time and an agent. They carry nothing but SIP.
fn old<'a>(datagram: &Datagram<'a>) -> Result<Copied<'a>, ParseError> {
    let mut reader = Reader::new(datagram.payload);
    let version = reader.u8("HEP version")?;
    let header = usize::from(reader.u8("HEP header length")?);
    let family = reader.u8("HEP address family")?;
    reader.u8("HEP protocol")?;
    let source_port = Some(reader.u16("HEP source port")?);
    let destination_port = Some(reader.u16("HEP destination port")?);
    let (source, destination, length) = match family {
        IPV4 => (ipv4(&mut reader)?, ipv4(&mut reader)?, 16),
        IPV6 => (ipv6(&mut reader)?, ipv6(&mut reader)?, 40),
        _ => return Err(reader.invalid("HEP address family")),
    };
    if header != length {
        return Err(reader.invalid("HEP header length"));
    }
    if version == 2 {
        reader.take(12, "HEP time and agent")?;
    }
    let begin = reader.offset();
    let message = Some((reader.rest(), (datagram.wire_length as usize).saturating_sub(begin)));
    let (source, destination) = (Some(source), Some(destination));
    Ok(Copied { source, destination, source_port, destination_port, kind: Some(SIP), message })
}

fn ipv4(reader: &mut Reader<'_>) -> Result<IpAddr, ParseError> {
    reader.array::<4>("HEP address").map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)))
}

fn ipv6(reader: &mut Reader<'_>) -> Result<IpAddr, ParseError> {
    reader.array::<16>("HEP address").map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)))
}
