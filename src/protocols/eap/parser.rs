//! Reads an EAPOL frame and the head of the EAP packet in it. Of the TLS inside EAP only an alert in clear is looked for: it
//! is short, so that it is never split over packets.

use super::{Message, Packet, code, kind, method};
use crate::bytes::{ParseError, Reader};
use crate::text::WireText;

/// The first version of IEEE 802.1X. Later ones are read as those that are known, as it asks of a receiver.
const FIRST_VERSION: u8 = 1;
/// Methods that carry TLS behind an octet of flags (RFC 5216 section 3.1).
const WITH_TLS: [u8; 5] = [method::TLS, method::TTLS, method::PEAP, method::FAST, method::TEAP];
/// Flag: a length of four octets stands before the TLS data.
const LENGTH_INCLUDED: u8 = 0x80;
/// Flag: more of the same message follows.
const MORE: u8 = 0x40;
/// TLS records that are looked through in one packet.
const RECORDS: usize = 8;
/// TLS content type of alerts (RFC 5246 section 6.2.1).
const ALERT: u8 = 21;
/// Longest identity that is kept (RFC 7542 section 2.4 asks for 253 octets).
const IDENTITY: usize = 253;

/// Reads an EAPOL frame, from its version on. `None` where it is cut short, or is none.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let version = reader.u8("version").ok()?;
    let kind = reader.u8("type").ok()?;
    let length = usize::from(reader.u16("length").ok()?);
    if version < FIRST_VERSION {
        return None;
    }
    // What lies behind is padding of the link; what is missing was cut by the capture.
    let body = reader.peek().get(..length).unwrap_or(reader.peek());
    let eap = if kind == kind::EAP { packet(body).ok() } else { None };
    Some(Message { kind, eap })
}

fn packet(body: &[u8]) -> Result<Packet, ParseError> {
    let mut reader = Reader::new(body);
    let code = reader.u8("code")?;
    let identifier = reader.u8("identifier")?;
    let length = usize::from(reader.u16("length")?);
    let mut packet = Packet { code, identifier, method: None, identity: None, wanted: Vec::new(), alert: None };
    if !matches!(code, code::REQUEST | code::RESPONSE) || length < 5 {
        return Ok(packet);
    }
    let kind = reader.u8("type")?;
    let data = reader.peek().get(..length.saturating_sub(5)).unwrap_or(reader.peek());
    packet.method = Some(kind);
    match kind {
        method::IDENTITY if code == code::RESPONSE => packet.identity = identity(data),
        method::NAK => packet.wanted = data.to_vec(),
        kind if WITH_TLS.contains(&kind) => packet.alert = alert(data),
        _ => {}
    }
    Ok(packet)
}

/// RFC 3748 section 5.1: what follows a NUL is no part of the name.
fn identity(data: &[u8]) -> Option<WireText> {
    let name = data.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = name.get(..IDENTITY).unwrap_or(name);
    (!name.is_empty()).then(|| WireText::from_bytes(name))
}

fn alert(data: &[u8]) -> Option<(u8, u8)> {
    let mut reader = Reader::new(data);
    let flags = reader.u8("flags").ok()?;
    if flags & MORE != 0 {
        return None;
    }
    if flags & LENGTH_INCLUDED != 0 {
        reader.u32("TLS message length").ok()?;
    }
    for _ in 0..RECORDS {
        let kind = reader.u8("content type").ok()?;
        let major = reader.u8("major version").ok()?;
        reader.u8("minor version").ok()?;
        let length = usize::from(reader.u16("record length").ok()?);
        let record = reader.take(length, "record").ok()?;
        match (kind, major, record) {
            // An encrypted one is longer.
            (ALERT, 3, [level, description]) => return Some((*level, *description)),
            (20..=23, 3, _) => {}
            // The tail of a message that began in an earlier packet.
            _ => return None,
        }
    }
    None
}
