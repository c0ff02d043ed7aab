//! CAPWAP data (RFC 5415): what an access point carries to its controller, as 802.3 or as 802.11 frames.

use super::link::{self, Unwrapped};
use super::wireless;
use crate::bytes::{ParseError, Reader};
use crate::capture::Record;

/// The port of data; that of control is another.
pub(super) const PORT: u16 = 5247;

/// The frame in a datagram; `None` where it is encrypted, a keep-alive, in pieces, or not CAPWAP.
pub(super) fn unwrap<'a>(record: &Record<'a>, payload: &'a [u8]) -> Option<Unwrapped<'a>> {
    let (is_native, frame) = header(payload).ok()??;
    if !is_native {
        return link::ethernet(record, frame);
    }
    let carried = wireless::in_tunnel(frame).ok()?;
    Some(link::above_wireless(record, &carried))
}

/// RFC 5415 section 4.3: a preamble, lengths and flags in 24 bits, numbers of pieces. Is the frame in its native format, and
/// where does it begin?
fn header(bytes: &[u8]) -> Result<Option<(bool, &[u8])>, ParseError> {
    /// Identifies what the radio speaks: IEEE 802.11.
    const IEEE802_11: u32 = 1;
    const NATIVE: u32 = 0x100;
    const FRAGMENT: u32 = 0x080;
    const KEEP_ALIVE: u32 = 0x008;
    let mut reader = Reader::new(bytes);
    // Version 0, and a header in clear rather than DTLS.
    if reader.u8("CAPWAP preamble")? != 0 {
        return Ok(None);
    }
    let fields = reader.u24("CAPWAP header length and flags")?;
    reader.u32("CAPWAP fragment fields")?;
    let length = (fields >> 19) as usize;
    let binding = fields >> 9 & 0x1f;
    let is_native = fields & NATIVE != 0;
    let Some(options) = length.saturating_mul(4).checked_sub(8) else { return Ok(None) };
    reader.take(options, "CAPWAP optional fields")?;
    if fields & (FRAGMENT | KEEP_ALIVE) != 0 || (is_native && binding != IEEE802_11) {
        return Ok(None);
    }
    Ok(Some((is_native, reader.rest())))
}
