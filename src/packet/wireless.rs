//! IEEE 802.11 data frames, as monitor mode captures them: where the LLC headers lie and whose the addresses are.

use super::Link;
use crate::bytes::{ParseError, Reader};
use crate::capture::{Record, link_type};
use crate::model::Mac;

/// A data frame without its headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried<'a> {
    pub(super) link: Link,
    pub(super) payload: Payload<'a>,
}

/// What a data frame carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// One packet, from the LLC header on (IEEE 802.2).
    Llc(&'a [u8]),
    /// Several packets, each with addresses of its own.
    Aggregate(&'a [u8]),
    /// Nothing that can be read: it is encrypted, in pieces, or there is none.
    Nothing,
}

impl Carried<'_> {
    fn nothing(link: Link) -> Self {
        Self { link, payload: Payload::Nothing }
    }
}

/// Bits of the second octet of the frame control field (IEEE 802.11-2020 section 9.2.4.1).
const TO_DS: u8 = 0x01;
const FROM_DS: u8 = 0x02;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;
/// Of the first octet: the type of a data frame, and version 0.
const DATA: u8 = 0x08;

/// Is it a link whose frames are read here?
pub(super) fn is_wireless(number: u16) -> bool {
    matches!(number, link_type::IEEE802_11 | link_type::IEEE802_11_RADIOTAP | link_type::PPI)
        || matches!(number, link_type::IEEE802_11_PRISM | link_type::IEEE802_11_AVS)
}

/// Reads a frame, with the header that the capturing driver put before it.
pub(super) fn unwrap<'a>(record: &Record<'a>) -> Result<Carried<'a>, ParseError> {
    const IEEE802_11: u32 = link_type::IEEE802_11 as u32;
    let mut reader = Reader::new(record.data);
    let mut is_padded = false;
    match record.link_type {
        link_type::IEEE802_11_RADIOTAP => {
            reader.u16("radiotap version")?;
            let length = usize::from(reader.u16_le("radiotap length")?);
            is_padded = radiotap_padding(record.data).unwrap_or(false);
            reader.take(length.saturating_sub(4), "radiotap fields")?;
        }
        link_type::PPI => {
            reader.u16("PPI version")?;
            let length = usize::from(reader.u16_le("PPI length")?);
            if reader.u32_le("PPI link type")? != IEEE802_11 {
                return Ok(Carried::nothing(Link::default()));
            }
            reader.take(length.saturating_sub(8), "PPI fields")?;
        }
        link_type::IEEE802_11_PRISM | link_type::IEEE802_11_AVS => before_radiotap(&mut reader)?,
        _ => {}
    }
    data_frame(&mut reader, Form { is_padded, ..Form::default() })
}

/// The headers of drivers before radiotap: a number, then their length. Prism's has the byte order of the machine, AVS's is
/// big-endian, and takes the other's place at times.
fn before_radiotap(reader: &mut Reader<'_>) -> Result<(), ParseError> {
    reader.u32("monitor mode header")?;
    let length = reader.u32("monitor mode header length")?;
    let length = if length > 0xffff { length.swap_bytes() } else { length };
    reader.take((length as usize).saturating_sub(8), "monitor mode fields")?;
    Ok(())
}

/// A frame that a tunnel carries. Some access points swap the octets of the frame control there: only one direction of the
/// distribution system tells, because what they carry comes from a station or goes to one.
pub(super) fn in_tunnel(frame: &[u8]) -> Result<Carried<'_>, ParseError> {
    let is_data = |kind: u8, flags: u8| kind & 0x0f == DATA && matches!(flags & (TO_DS | FROM_DS), TO_DS | FROM_DS);
    match frame {
        &[flags, kind, ..] if is_data(kind, flags) && !is_data(flags, kind) => {
            // These do not number pieces as they should either; an access point carries none, it puts them together first.
            data_frame(&mut Reader::new(frame), Form { is_swapped: true, ..Form::default() })
        }
        _ => data_frame(&mut Reader::new(frame), Form::default()),
    }
}

/// How a frame deviates from what was on the air.
#[derive(Clone, Copy, Debug, Default)]
struct Form {
    /// The octets of the frame control are swapped.
    is_swapped: bool,
    /// The MAC header is padded to four octets.
    is_padded: bool,
}

/// The MAC header (IEEE 802.11-2020 section 9.3.2.1).
fn data_frame<'a>(reader: &mut Reader<'a>, form: Form) -> Result<Carried<'a>, ParseError> {
    const NO_DATA: u8 = 0x40;
    const QOS: u8 = 0x80;
    /// Of the QoS control field: several frames in one.
    const AGGREGATE: u8 = 0x80;
    let begin = reader.offset();
    let [first, second] = reader.array("802.11 frame control")?;
    let (kind, flags) = if form.is_swapped { (second, first) } else { (first, second) };
    // Version and type; management and control frames carry nothing for us.
    if kind & 0x0f != DATA || kind & NO_DATA != 0 {
        return Ok(Carried::nothing(Link::default()));
    }
    reader.u16("802.11 duration")?;
    let [one, two, three] = [address(reader)?, address(reader)?, address(reader)?];
    let sequence = reader.u16_le("802.11 sequence control")?;
    let (destination, source) = match (flags & TO_DS != 0, flags & FROM_DS != 0) {
        (false, false) => (one, two),
        (true, false) => (three, two),
        (false, true) => (one, three),
        (true, true) => (three, address(reader)?),
    };
    let link = Link { source: Some(source), destination: Some(destination), vlan: None };
    let mut is_aggregate = false;
    if kind & QOS != 0 {
        is_aggregate = reader.u8("802.11 QoS control")? & AGGREGATE != 0;
        reader.u8("802.11 QoS control")?;
        if flags & ORDER != 0 {
            reader.take(4, "802.11 HT control")?;
        }
    }
    // The low four bits of the sequence control number the pieces of one frame.
    let is_piece = flags & MORE_FRAGMENTS != 0 || (sequence & 0x000f != 0 && !form.is_swapped);
    if flags & PROTECTED != 0 || is_piece {
        return Ok(Carried::nothing(link));
    }
    let header = reader.offset().saturating_sub(begin);
    if form.is_padded {
        reader.take(header.next_multiple_of(4).saturating_sub(header), "padding behind the 802.11 header")?;
    }
    let payload = if is_aggregate { Payload::Aggregate(reader.rest()) } else { Payload::Llc(reader.rest()) };
    Ok(Carried { link, payload })
}

/// The first frame of an aggregate, from its LLC header on, and the frames behind it (IEEE 802.11-2020 section 9.3.2.2.2).
pub(super) fn subframe(aggregate: &[u8]) -> Result<(Link, &[u8], &[u8]), ParseError> {
    let mut reader = Reader::new(aggregate);
    let (destination, source) = (Some(address(&mut reader)?), Some(address(&mut reader)?));
    let length = usize::from(reader.u16("A-MSDU subframe length")?);
    let rest = reader.rest();
    let llc = rest.get(..length).unwrap_or(rest);
    // All but the last are padded to four octets, with their header of 14.
    let next = length.saturating_add(14).next_multiple_of(4).saturating_sub(14);
    Ok((Link { source, destination, vlan: None }, llc, rest.get(next..).unwrap_or_default()))
}

fn address(reader: &mut Reader<'_>) -> Result<Mac, ParseError> {
    reader.array("802.11 address").map(Mac)
}

/// Does radiotap's Flags field say that the MAC header was padded to four octets? Fields come in the order of their bits,
/// each aligned to its size: <https://www.radiotap.org/>.
fn radiotap_padding(bytes: &[u8]) -> Option<bool> {
    const TIMESTAMP: u32 = 1 << 0;
    const FLAGS: u32 = 1 << 1;
    const MORE_WORDS: u32 = 1 << 31;
    const DATA_PAD: u8 = 0x20;
    let mut reader = Reader::new(bytes);
    reader.take(4, "radiotap length").ok()?;
    let first = reader.u32_le("radiotap fields present").ok()?;
    let mut word = first;
    while word & MORE_WORDS != 0 {
        word = reader.u32_le("radiotap fields present").ok()?;
    }
    if first & FLAGS == 0 {
        return None;
    }
    if first & TIMESTAMP != 0 {
        let at = reader.offset();
        reader.take(at.next_multiple_of(8).saturating_sub(at).saturating_add(8), "radiotap timestamp").ok()?;
    }
    Some(reader.u8("radiotap flags").ok()? & DATA_PAD != 0)
}
