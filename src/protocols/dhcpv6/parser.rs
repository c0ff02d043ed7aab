//! Reads a message and the options in it, each by itself, in wire order: a malformed one costs only what follows it in the
//! same place. (dhcproto's own reader sorts the options, and follows relays as deep as they go.)

use std::net::Ipv6Addr;

use super::{Message, kind, status};
use crate::bytes::{ParseError, Reader};
use crate::model::Mac;
use crate::text::WireText;

/// Relays that are followed (RFC 8415 section 7.6: HOP_COUNT_LIMIT).
const RELAYS: usize = 8;
/// Options that are read of one message, those inside of others included.
const OPTIONS: usize = 256;
/// How deep options stand in each other: message, IA, address, and a status in that.
const DEPTH: u8 = 3;
/// Addresses that are kept of each kind.
const ADDRESSES: usize = 64;
/// Labels of one name.
const LABELS: usize = 128;

/// Options (RFC 8415 section 21 unless said otherwise).
mod option {
    pub(super) const CLIENT_ID: u16 = 1;
    pub(super) const SERVER_ID: u16 = 2;
    pub(super) const IA_NA: u16 = 3;
    pub(super) const IA_TA: u16 = 4;
    pub(super) const IA_ADDRESS: u16 = 5;
    pub(super) const REQUESTED: u16 = 6;
    pub(super) const RELAYED: u16 = 9;
    pub(super) const STATUS: u16 = 13;
    pub(super) const VENDOR_CLASS: u16 = 16;
    /// RFC 3319.
    pub(super) const SIP_NAMES: u16 = 21;
    /// RFC 3319.
    pub(super) const SIP_ADDRESSES: u16 = 22;
    /// RFC 3646.
    pub(super) const NAME_SERVERS: u16 = 23;
    /// RFC 6939: hardware type and address, put in by the relay.
    pub(super) const LINK_LAYER_ADDRESS: u16 = 79;
}

/// Reads a message, from its type on. `None` where not even its type and transaction can be.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let outer = *bytes.first()?;
    let mut message = Message { outer, kind: outer, ..Message::default() };
    let mut bytes = bytes;
    for _ in 0..=RELAYS {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8("type").ok()?;
        message.kind = kind;
        match kind {
            kind::SOLICIT..=kind::INFORMATION_REQUEST | kind::LEASE_QUERY | kind::LEASE_QUERY_REPLY => {
                message.transaction = Some(reader.u24("transaction").ok()?);
                let mut left = OPTIONS;
                options(&mut message, &mut reader, 0, &mut left);
                return Some(message);
            }
            kind::RELAY_FORWARD | kind::RELAY_REPLY => match relay(&mut message, &mut reader).ok()? {
                Some(inner) => bytes = inner,
                None => return Some(message),
            },
            _ => return None,
        }
    }
    Some(message)
}

/// The header and options of a relay; gives what it relays.
fn relay<'a>(message: &mut Message, reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, ParseError> {
    reader.u8("hop count")?;
    reader.take(16, "link address")?;
    // The innermost relay is the one next to the client: the last that is read.
    message.peer = Some(Ipv6Addr::from(reader.array::<16>("peer address")?));
    let mut inner = None;
    for _ in 0..OPTIONS {
        let Ok((code, mut value)) = option(reader) else { break };
        match code {
            option::RELAYED => inner = Some(value.rest()).filter(|inner| !inner.is_empty()),
            option::LINK_LAYER_ADDRESS => message.client_mac = hardware_address(&mut value).or(message.client_mac),
            _ => {}
        }
    }
    Ok(inner)
}

fn option<'a>(reader: &mut Reader<'a>) -> Result<(u16, Reader<'a>), ParseError> {
    let code = reader.u16("option")?;
    let length = reader.u16("option length")?;
    Ok((code, reader.part(usize::from(length), "option value")?))
}

fn options(message: &mut Message, reader: &mut Reader<'_>, depth: u8, left: &mut usize) {
    while *left > 0 {
        *left = left.saturating_sub(1);
        let Ok((code, mut value)) = option(reader) else { return };
        // An option that is too short says nothing.
        let inner = add(message, code, &mut value).unwrap_or(false);
        if inner && depth < DEPTH {
            options(message, &mut value, depth.saturating_add(1), left);
        }
    }
}

/// Takes note of an option. Are there options inside of it, which come next?
fn add(message: &mut Message, code: u16, value: &mut Reader<'_>) -> Result<bool, ParseError> {
    match code {
        option::CLIENT_ID => message.client_mac = message.client_mac.or(duid_mac(value)),
        option::SERVER_ID => message.server = Some(value.rest().to_vec()),
        option::IA_NA => {
            value.take(12, "IAID, T1, T2")?;
            return Ok(true);
        }
        option::IA_TA => {
            value.take(4, "IAID")?;
            return Ok(true);
        }
        option::IA_ADDRESS => {
            let address = Ipv6Addr::from(value.array::<16>("address")?);
            value.take(4, "preferred lifetime")?;
            // A lifetime of 0 takes the address away (RFC 8415 section 18.2.10.1).
            if value.u32("valid lifetime")? != 0 || message.is_from_client() {
                push(&mut message.addresses, address);
            }
            return Ok(true);
        }
        option::REQUESTED => {
            let (codes, _) = value.rest().as_chunks::<2>();
            message.requested = codes.iter().take(OPTIONS).map(|code| u16::from_be_bytes(*code)).collect();
        }
        option::STATUS => {
            let code = value.u16("status")?;
            if code != status::SUCCESS && message.status.is_none() {
                message.status = Some((code, WireText::from_bytes(value.rest())));
            }
        }
        option::VENDOR_CLASS => {
            let enterprise = value.u32("enterprise")?;
            let length = usize::from(value.u16("length")?);
            message.vendor_class = Some((enterprise, WireText::from_bytes(value.take(length, "vendor class")?)));
        }
        option::SIP_NAMES => message.sip_names = names(value),
        option::SIP_ADDRESSES => message.sip_addresses = addresses(value),
        option::NAME_SERVERS => message.name_servers = addresses(value),
        _ => {}
    }
    Ok(false)
}

fn push(list: &mut Vec<Ipv6Addr>, address: Ipv6Addr) {
    if list.len() < ADDRESSES {
        list.push(address);
    }
}

fn addresses(value: &mut Reader<'_>) -> Vec<Ipv6Addr> {
    value.rest().as_chunks::<16>().0.iter().take(ADDRESSES).map(|octets| Ipv6Addr::from(*octets)).collect()
}

/// Names as labels, without compression (RFC 8415 section 10).
fn names(value: &mut Reader<'_>) -> Vec<WireText> {
    let mut names = Vec::new();
    let mut name: Vec<u8> = Vec::new();
    for _ in 0..LABELS {
        let Ok(length) = value.u8("label length") else { break };
        if length == 0 {
            names.push(WireText::from_bytes(&std::mem::take(&mut name)));
            continue;
        }
        let Ok(label) = value.take(usize::from(length), "label") else { break };
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
    names
}

/// The MAC in a DUID of type 1 (with a time) or 3 (RFC 8415 section 11).
fn duid_mac(value: &mut Reader<'_>) -> Option<Mac> {
    match value.u16("DUID type").ok()? {
        1 => {
            let hardware = value.u16("hardware type").ok()?;
            value.u32("time").ok()?;
            mac(hardware, value)
        }
        3 => hardware_address(value),
        _ => None,
    }
}

fn hardware_address(value: &mut Reader<'_>) -> Option<Mac> {
    let hardware = value.u16("hardware type").ok()?;
    mac(hardware, value)
}

/// A MAC, where the hardware is Ethernet (1) or IEEE 802 (6).
fn mac(hardware: u16, value: &mut Reader<'_>) -> Option<Mac> {
    let mac = Mac(value.array("link-layer address").ok()?);
    (matches!(hardware, 1 | 6) && value.is_empty() && mac.is_station()).then_some(mac)
}
