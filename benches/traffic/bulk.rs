//! What most packets of a network are: voice, and downloads over TLS.

use super::MILLISECOND;

/// Packets of a call, both directions together: two minutes.
const CALL: u64 = 12_000;
/// Octets of G.711 in 20 ms.
const VOICE: usize = 160;
/// Segments of a download: about a megabyte.
const DOWNLOAD: u64 = 1_080;
/// Its first segments, up to the hello.
pub(super) const BEGINNING: u64 = 4;
/// Payload of a full segment.
const SEGMENT: usize = 1_448;
/// The body of a full TLS record.
const RECORD: usize = 16_384;

/// An Ethernet and IPv4 header with room for what follows.
fn ip(into: &mut Vec<u8>, from: u32, to: u32, protocol: u8, length: usize) {
    let mac = |address: u32| [&[0x02, 0x00], address.to_be_bytes().as_slice()].concat();
    into.extend([mac(to), mac(from), vec![0x08, 0x00, 0x45, 0x00]].concat());
    into.extend(u16::try_from(20 + length).unwrap_or(u16::MAX).to_be_bytes());
    into.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    into.extend([from.to_be_bytes(), to.to_be_bytes()].concat());
}

/// RTP between two phones, one call after the other.
pub(super) struct Call {
    number: u64,
    sent: u64,
}

impl Call {
    pub(super) fn new(number: u64) -> Self {
        Self { number, sent: 0 }
    }

    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        let (call, turn) = (self.sent / CALL, self.sent);
        self.sent += 1;
        let pair = u32::try_from(self.number * 2).unwrap_or(0);
        let (one, other) = (0x0a40_0001 + pair, 0x0a40_0002 + pair);
        let port = u16::try_from(16_384 + (call * 2) % 16_384).unwrap_or(0).to_be_bytes();
        let (from, to) = if turn % 2 == 0 { (one, other) } else { (other, one) };
        ip(into, from, to, 17, 8 + 12 + VOICE);
        into.extend([port, port, [0, 8 + 12 + VOICE as u8], [0, 0]].concat());
        let number = (turn / 2).to_be_bytes();
        into.extend([0x80, 0, number[6], number[7]]);
        into.extend((turn / 2 * VOICE as u64).to_be_bytes().split_at(4).1);
        into.extend(from.to_be_bytes());
        into.extend((0..VOICE).map(|at| (at as u64 * 31 + turn * 7) as u8));
        Some(10 * MILLISECOND)
    }
}

/// A file over TLS from a server far away, one after the other.
pub(super) struct Download {
    number: u64,
    sent: u64,
}

impl Download {
    pub(super) fn new(number: u64) -> Self {
        Self { number, sent: 0 }
    }

    /// One that begins with its client's `file`th file.
    pub(super) fn begin(number: u64, file: u64) -> Self {
        Self { number, sent: file * DOWNLOAD }
    }

    /// SYN, SYN-ACK, ACK, hello, then two full segments for each acknowledgment, and a RST.
    pub(super) fn next(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        let (file, turn) = (self.sent / DOWNLOAD, self.sent % DOWNLOAD);
        self.sent += 1;
        let (client, server) = (0x0a50_0001 + u32::try_from(self.number).unwrap_or(0), 0xc633_6401_u32);
        let port = u16::try_from(32_768 + file % 16_384).unwrap_or(0);
        let hello = hello();
        let asked = 1_001 + u32::try_from(hello.len()).unwrap_or(0);
        let full = |index: u64| 5_001_u32.wrapping_add((index * SEGMENT as u64) as u32);
        let mut tcp = |upwards: bool, flags: u8, sequence: u32, acknowledgment: u32, payload: &[u8]| {
            let (from, to) = if upwards { (client, server) } else { (server, client) };
            let (source, destination) = if upwards { (port, 443_u16) } else { (443, port) };
            ip(into, from, to, 6, 20 + payload.len());
            into.extend([source.to_be_bytes(), destination.to_be_bytes()].concat());
            into.extend([sequence.to_be_bytes(), acknowledgment.to_be_bytes()].concat());
            into.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
            into.extend_from_slice(payload);
        };
        match turn {
            0 => tcp(true, SYN, 1_000, 0, &[]),
            1 => tcp(false, SYN | ACK, 5_000, 1_001, &[]),
            2 => tcp(true, ACK, 1_001, 5_001, &[]),
            3 => tcp(true, ACK, 1_001, 5_001, &hello),
            _ if turn + 1 == DOWNLOAD => tcp(true, 0x04, asked, 0, &[]),
            _ => match ((turn - 4) / 3, (turn - 4) % 3) {
                (round, 2) => tcp(true, ACK, asked, full(round * 2 + 2), &[]),
                (round, half) => tcp(false, ACK, full(round * 2 + half), asked, &stretch(round * 2 + half)),
            },
        }
        Some(16 * MILLISECOND)
    }
}

/// The bytes of the server's stream in one segment: records of application data, one after the other.
fn stretch(segment: u64) -> Vec<u8> {
    let begin = segment as usize * SEGMENT;
    let header = [0x17, 0x03, 0x03, (RECORD >> 8) as u8, RECORD as u8];
    (begin..begin + SEGMENT)
        .map(|at| header.get(at % (RECORD + header.len())).copied().unwrap_or_else(|| (at * 131 / 8) as u8))
        .collect()
}

/// A ClientHello of TLS 1.2 with one suite and no extension.
fn hello() -> Vec<u8> {
    let body = [&[0x03, 0x03][..], &[0x5a; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0]].concat();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap_or(0);
    let message = [&[1, 0, 0, length(&body)], body.as_slice()].concat();
    [&[0x16, 0x03, 0x01, 0, length(&message)], message.as_slice()].concat()
}
