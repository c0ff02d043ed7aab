//! The Layer Two Tunneling Protocol: version 2 (RFC 2661), and version 3 over UDP or IP (RFC 3931).

use super::link::{self, Above, Unwrapped};
use super::{Link, looks};
use crate::bytes::{ParseError, Reader};
use crate::capture::Record;

/// Its port. Control messages go there; data may go to any port that the other side has chosen.
pub(super) const PORT: u16 = 1701;

/// A control message.
const CONTROL: u16 = 0x8000;
const VERSION: u16 = 0x000f;

/// What a datagram carries: PPP frames, or whatever a session of version 3 was set up for.
pub(super) fn in_udp<'a>(record: &Record<'a>, link: Link, payload: &'a [u8]) -> Option<Unwrapped<'a>> {
    let mut reader = Reader::new(payload);
    let flags = reader.u16("L2TP flags").ok()?;
    match (flags & CONTROL, flags & VERSION) {
        (0, 2) => version2(link, flags, &mut reader).ok().flatten(),
        (0, 3) => {
            reader.u16("L2TP reserved").ok()?;
            reader.u32("L2TP session").ok()?;
            session(record, link, reader.rest())
        }
        _ => None,
    }
}

/// Right over IP, session 0 is control (RFC 3931 section 4.1.1).
pub(super) fn in_ip<'a>(record: &Record<'a>, link: Link, bytes: &'a [u8]) -> Option<Unwrapped<'a>> {
    let (session_id, rest) = bytes.split_first_chunk::<4>()?;
    if *session_id == [0; 4] { None } else { session(record, link, rest) }
}

/// RFC 2661 section 3.1: fields that may be there, then PPP.
fn version2<'a>(link: Link, flags: u16, reader: &mut Reader<'a>) -> Result<Option<Unwrapped<'a>>, ParseError> {
    const LENGTH: u16 = 0x4000;
    const SEQUENCE: u16 = 0x0800;
    const OFFSET: u16 = 0x0200;
    if flags & LENGTH != 0 {
        reader.u16("L2TP length")?;
    }
    reader.u32("L2TP tunnel and session")?;
    if flags & SEQUENCE != 0 {
        reader.u32("L2TP sequence numbers")?;
    }
    if flags & OFFSET != 0 {
        let padding = reader.u16("L2TP offset")?;
        reader.take(usize::from(padding), "L2TP padding")?;
    }
    // What only uses the port need not be PPP.
    let above = link::framed_ppp(reader)?;
    Ok(matches!(above, Above::Ip(_)).then_some(Unwrapped { link, above }))
}

/// A packet of a session of version 3. Only the control messages that set it up say how long its cookie is (0, 4 or 8
/// octets), whether a sublayer follows (4), and what it carries: the first that fits is taken.
fn session<'a>(record: &Record<'a>, link: Link, bytes: &'a [u8]) -> Option<Unwrapped<'a>> {
    (0..=12).step_by(4).filter_map(|skipped| bytes.get(skipped..)).find_map(|rest| {
        if looks::looks_like_frame(rest) {
            return link::ethernet(record, rest);
        }
        if looks::is_ip(rest) {
            return Some(Unwrapped { link, above: Above::Ip(rest) });
        }
        let ppp = rest.strip_prefix(&[0xff, 0x03])?;
        link::ppp(&mut Reader::new(ppp)).ok().filter(|above| matches!(above, Above::Ip(_))).map(|above| Unwrapped { link, above })
    })
}
