//! The same story, told by another phone: its MAC and its addresses change, those of the servers stay.

/// In the lab's networks the servers' addresses lie below this one, and the phones' above.
const FIRST_PHONE: u8 = 20;
/// The lab's servers have MACs of this maker.
const SERVERS: [u8; 3] = [0x00, 0x15, 0x5d];

/// Makes an Ethernet frame one of another phone. (Checksums stay as they were.)
pub(super) fn shift(frame: &mut [u8], copy: u64) {
    let Some((macs, rest)) = frame.split_at_mut_checked(12) else { return };
    let (to, from) = macs.split_at_mut(6);
    mac(to, copy);
    mac(from, copy);
    let tags = if rest.starts_with(&[0x81, 0x00]) { 4 } else { 0 };
    let Some((ether_type, rest)) = rest.get_mut(tags..).and_then(|rest| rest.split_at_mut_checked(2)) else { return };
    match ether_type {
        [0x08, 0x00] => ip(rest, copy),
        [0x08, 0x06] => arp(rest, copy),
        _ => {}
    }
}

fn mac(mac: &mut [u8], copy: u64) {
    let [a, b, c, d, e, _] = mac else { return };
    let group = *a & 1 != 0;
    if !group && [*a, *b, *c] != SERVERS && [*a, *b, *c] != [0; 3] {
        let [.., high, low] = copy.to_be_bytes();
        (*d, *e) = (*d ^ low, *e ^ high);
    }
}

fn address(bytes: &mut [u8], copy: u64) {
    if matches!(bytes, [10, 0, 4 | 8, ..FIRST_PHONE]) {
        return;
    }
    if let [1..=223, second, third, _] = bytes {
        let [.., high, low] = copy.to_be_bytes();
        (*second, *third) = (second.wrapping_add(low), third.wrapping_add(high));
    }
}

fn addresses(bytes: &mut [u8], count: usize, copy: u64) {
    bytes.chunks_exact_mut(4).take(count).for_each(|bytes| address(bytes, copy));
}

/// Sender and target, each a MAC and an address.
fn arp(bytes: &mut [u8], copy: u64) {
    for station in bytes.get_mut(8..28).into_iter().flat_map(|stations| stations.chunks_exact_mut(10)) {
        let (station_mac, station_address) = station.split_at_mut(6);
        mac(station_mac, copy);
        address(station_address, copy);
    }
}

fn ip(bytes: &mut [u8], copy: u64) {
    let Some((header, _)) = bytes.split_at_mut_checked(20) else { return };
    let (length, protocol) = (usize::from(header[0] & 0x0f) * 4, header[9]);
    addresses(&mut header[12..], 2, copy);
    let Some(payload) = bytes.get_mut(length..) else { return };
    match (protocol, &*payload) {
        (1, [3 | 11, ..]) if payload.len() > 8 => ip(&mut payload[8..], copy),
        (17, [_, 67 | 68, _, 67 | 68, ..]) if payload.len() > 8 + 240 => {
            addresses(&mut payload[8 + 12..], 4, copy);
            mac(&mut payload[8 + 28..8 + 34], copy);
        }
        _ => {}
    }
}
