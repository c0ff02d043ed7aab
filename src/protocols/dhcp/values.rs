//! Values inside options: the sub-options of option 43 (RFC 2132 section 8.4) and the SIP servers of 120 (RFC 3361).

use std::net::Ipv4Addr;

use super::{SipServers, option};
use crate::bytes::{ParseError, Reader};
use crate::text::WireText;

/// First octet of option 120: names follow.
const NAMES: u8 = 0;
/// First octet of option 120: IPv4 addresses follow.
const ADDRESSES: u8 = 1;
/// Longest label of a name; what is more is a compression pointer, which RFC 3361 section 3 forbids.
const LONGEST_LABEL: u8 = 63;
/// VLAN numbers that a port can be in (IEEE 802.1Q).
const VLANS: std::ops::RangeInclusive<u16> = 1..=4094;

/// The host of a URL, or one that stands alone.
pub(super) fn host(text: &str) -> String {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = text.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    host.split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
}

/// The file servers in Avaya's option 242: `HTTPSRVR=10.0.0.5,TLSSRVR=files.contoso.com`, where a list of them stands in quotes.
pub(super) fn file_servers(text: &str) -> Vec<String> {
    let mut is_server = false;
    let words = text.split(',').filter_map(|word| {
        let value = match word.split_once('=') {
            Some((key, value)) => {
                let key = key.trim();
                is_server = ["HTTPSRVR", "TLSSRVR", "TFTPSRVR"].iter().any(|known| key.eq_ignore_ascii_case(known));
                value
            }
            // The next of a list.
            None => word,
        };
        is_server.then(|| host(value.trim_matches(['"', ' '])))
    });
    words.collect()
}

/// Option 43 as code, length, value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Suboptions<'a> {
    /// Code and value, in order.
    pub(super) list: Vec<(u8, &'a [u8])>,
    /// The one that runs over the end: code, length announced, length there.
    pub(super) overrun: Option<(u8, usize, usize)>,
}

/// Takes option 43 apart. What runs over the end is left out of the list.
pub(super) fn suboptions(value: &[u8]) -> Suboptions<'_> {
    let mut reader = Reader::new(value);
    let mut found = Suboptions::default();
    while let Ok(code) = reader.u8("sub-option") {
        match code {
            option::PAD => continue,
            option::END => break,
            _ => {}
        }
        let length = reader.u8("length").map_or(0, usize::from);
        let Ok(data) = reader.take(length, "value") else {
            found.overrun = Some((code, length, reader.left()));
            break;
        };
        found.list.push((code, data));
    }
    found
}

/// A VLAN number: 16 bits, or ASCII digits.
pub(super) fn vlan(value: &[u8]) -> Option<u16> {
    let number = match value {
        [high, low] if u16::from_be_bytes([*high, *low]) <= *VLANS.end() => u16::from_be_bytes([*high, *low]),
        digits if digits.iter().all(u8::is_ascii_digit) => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    VLANS.contains(&number).then_some(number)
}

/// Option 120.
pub(super) fn sip_servers(value: &[u8]) -> SipServers {
    let Some((encoding, rest)) = value.split_first() else {
        return SipServers::Malformed("empty".to_owned());
    };
    match *encoding {
        NAMES => names(rest),
        ADDRESSES => addresses(rest),
        b' '..=b'~' => {
            SipServers::Malformed(format!("text without the encoding octet and label lengths: {}", WireText::from_bytes(value)))
        }
        other => SipServers::Malformed(format!("encoding {other} instead of 0 (names) or 1 (addresses)")),
    }
}

fn addresses(value: &[u8]) -> SipServers {
    match value.as_chunks::<4>() {
        (addresses @ [_, ..], []) => SipServers::Addresses(addresses.iter().map(|octets| Ipv4Addr::from(*octets)).collect()),
        _ => SipServers::Malformed(format!("{} octets of addresses, which is not a list of 4 octets each", value.len())),
    }
}

fn names(value: &[u8]) -> SipServers {
    let mut reader = Reader::new(value);
    let mut names = Vec::new();
    while !reader.is_empty() || names.is_empty() {
        match name(&mut reader) {
            Ok(name) => names.push(name),
            Err(text) => return SipServers::Malformed(text),
        }
    }
    SipServers::Names(names)
}

/// One name: labels up to an empty one.
fn name(reader: &mut Reader<'_>) -> Result<WireText, String> {
    let mut name: Vec<u8> = Vec::new();
    loop {
        let length = match reader.u8("label length") {
            Ok(0) if name.is_empty() => return Err("an empty name".to_owned()),
            Ok(0) => return Ok(WireText::from_bytes(&name)),
            Ok(length @ 1..=LONGEST_LABEL) => usize::from(length),
            Ok(_) => return Err("a compressed name, or no label length where one must stand".to_owned()),
            Err(_) => return Err("a name without the closing zero octet".to_owned()),
        };
        let label = reader.take(length, "label").map_err(|error: ParseError| error.to_string())?;
        if label.contains(&b'.') {
            return Err(format!("a label with a dot in it: {}", WireText::from_bytes(label)));
        }
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(label);
    }
}
