//! What bytes look like of which no header says what they are.

/// Is it an Ethernet frame of a kind that phones send?
pub(super) fn looks_like_frame(bytes: &[u8]) -> bool {
    let Some((&[_, _, _, _, _, _, _, _, _, _, _, _, high, low], rest)) = bytes.split_first_chunk() else { return false };
    match u16::from_be_bytes([high, low]) {
        0x0800 => matches!(rest.first(), Some(0x45..=0x4f)),
        0x86dd => matches!(rest.first(), Some(0x60..=0x6f)),
        0x0806 | 0x8100 | 0x88a8 => true,
        _ => false,
    }
}

/// Is it an IP packet, by version, header length and length?
pub(super) fn is_ip(bytes: &[u8]) -> bool {
    match *bytes {
        [version @ 0x45..=0x4f, _, t0, t1, ..] => {
            let total = usize::from(u16::from_be_bytes([t0, t1]));
            total >= usize::from(version & 0x0f) << 2 && total <= bytes.len()
        }
        [0x60..=0x6f, _, _, _, l0, l1, ..] => usize::from(u16::from_be_bytes([l0, l1])).saturating_add(40) <= bytes.len(),
        _ => false,
    }
}

/// Does it begin with an IP version and a header length that can be?
pub(super) fn looks_like_ip(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(0x45..=0x4f | 0x60..=0x6f))
}
