//! Reads the fixed 48 octets of an NTP packet. What follows them, extension fields and MAC, says nothing about a clock.

use super::{Message, mode};

/// The header that versions 1 to 4 share (RFC 5905 section 7.3, RFC 1305 appendix A).
const HEADER: usize = 48;
/// Flags and stratum: with less, nothing can be said.
const SHORTEST: usize = 2;

/// Reads an NTP packet. One that is cut short, by its sender or by the capture, has its missing fields as zero: unknown.
pub(super) fn parse(bytes: &[u8]) -> Option<Message> {
    if bytes.len() < SHORTEST {
        return None;
    }
    let mut header = [0_u8; HEADER];
    for (to, from) in header.iter_mut().zip(bytes) {
        *to = *from;
    }
    // ntp-parser refuses versions 1 and 2, and version 4 with extensions but no MAC: the fixed part is read alike for all.
    let (_, packet) = ntp_parser::parse_ntpv3(&header).ok()?;
    let mut message = Message {
        leap: packet.li,
        version: packet.version,
        mode: packet.mode.0,
        stratum: packet.stratum,
        reference_id: packet.ref_id.to_be_bytes(),
        originate: packet.ts_orig,
        receive: packet.ts_recv,
        transmit: packet.ts_xmit,
        cut: bytes.len() < HEADER,
    };
    if matches!(message.mode, mode::CONTROL | mode::PRIVATE) {
        // RFC 9327: these share the first octet with the others, and nothing else.
        message = Message { stratum: 0, reference_id: [0; 4], originate: 0, receive: 0, transmit: 0, ..message };
    }
    Some(message)
}
