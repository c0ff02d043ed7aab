//! Checksums of a packet whose bytes were replaced: what was valid stays valid, what was not stays so (RFC 1624). Only the
//! outermost IP packet is looked at, and the one that an ICMP error in it quotes.

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Length of an IPv6 header.
const IPV6_HEADER: usize = 40;

/// Corrects the checksums of the IP packet that begins at `ip`, for what differs between `old` and `new`.
pub(super) fn correct(old: &[u8], new: &mut [u8], ip: usize) {
    correct_packet(old, new, ip, false);
}

fn correct_packet(old: &[u8], new: &mut [u8], ip: usize, is_quoted: bool) {
    let Some(first) = old.get(ip) else { return };
    let (header, protocol, addresses) = match first >> 4 {
        4 => (usize::from(first & 0x0f) * 4, old.get(ip + 9), ip + 12..ip + 20),
        6 => (IPV6_HEADER, old.get(ip + 6), ip + 8..ip + 40),
        _ => return,
    };
    let (Some(&protocol), body) = (protocol, ip + header) else { return };
    if first >> 4 == 4 {
        update(old, new, ip + 10, std::slice::from_ref(&(ip..body)));
        // Of fragments, the whole checksum lies in the first one and covers them all.
        let fragment = old.get(ip + 6..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_be_bytes(*bytes));
        if fragment & 0x1fff != 0 {
            return;
        }
    }
    let all = body..old.len();
    match protocol {
        TCP => update(old, new, body + 16, &[addresses, all]),
        // No checksum was reckoned where it is zero (RFC 768).
        UDP if old.get(body + 6..body + 8) != Some(&[0, 0]) => update(old, new, body + 6, &[addresses, all]),
        ICMPV6 => update(old, new, body + 2, &[addresses, all]),
        ICMP => {
            let is_error = old.get(body).is_some_and(|kind| matches!(kind, 3 | 5 | 11 | 12));
            if is_error && !is_quoted {
                correct_packet(old, new, body + 8, true);
            }
            update(old, new, body + 2, &[all]);
        }
        _ => {}
    }
}

/// Corrects the checksum at `at`, which covers these ranges.
fn update(old: &[u8], new: &mut [u8], at: usize, covered: &[std::ops::Range<usize>]) {
    let Some(checksum) = old.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_be_bytes(*bytes)) else { return };
    let mut sum = u64::from(!checksum);
    for range in covered {
        let range = range.start.min(old.len())..range.end.min(old.len());
        sum += words(new.get(range.clone()).unwrap_or_default());
        sum += u64::from(!fold(words(old.get(range).unwrap_or_default())));
    }
    if let Some(place) = new.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = (!fold(sum)).to_be_bytes();
    }
}

/// The sum of the 16-bit words.
fn words(bytes: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair.first().copied().unwrap_or(0)) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    bytes.chunks(2).map(word).sum()
}

/// One's complement.
fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
