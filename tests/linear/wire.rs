//! A capture in memory, frame by frame: Ethernet, IPv4, and UDP or TCP between one client and one server.

use std::net::Ipv4Addr;

/// Times between two frames, in microseconds.
const PAUSE: u32 = 100;
/// The server of all that is said.
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// A classic capture that grows.
pub(super) struct Capture {
    pub(super) bytes: Vec<u8>,
    microseconds: u64,
}

/// Who speaks, from which port, to which.
#[derive(Clone, Copy)]
pub(super) struct Talk {
    pub(super) client: u32,
    pub(super) port: u16,
    pub(super) server_port: u16,
}

impl Capture {
    pub(super) fn new() -> Self {
        let header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
        Self { bytes: header.to_vec(), microseconds: 1_700_000_000_000_000 }
    }

    pub(super) fn wait(&mut self, milliseconds: u64) {
        self.microseconds += milliseconds * 1_000;
    }

    pub(super) fn udp(&mut self, talk: Talk, upwards: bool, payload: &[u8]) {
        let length = (8 + payload.len()) as u16;
        let head = [ports(talk, upwards), length.to_be_bytes().to_vec(), vec![0, 0]].concat();
        self.ip(talk, upwards, 17, &head, payload);
    }

    pub(super) fn tcp(&mut self, talk: Talk, upwards: bool, flags: u8, sequence: u32, payload: &[u8]) {
        let numbers = [sequence.to_be_bytes(), 1_u32.to_be_bytes()].concat();
        let head = [ports(talk, upwards), numbers, vec![0x50, flags, 0xff, 0xff, 0, 0, 0, 0]].concat();
        self.ip(talk, upwards, 6, &head, payload);
    }

    /// Both SYNs. The first byte of either side has the sequence number 1.
    pub(super) fn connect(&mut self, talk: Talk) {
        self.tcp(talk, true, SYN, 0, &[]);
        self.tcp(talk, false, SYN | ACK, 0, &[]);
    }

    /// What one side says, in segments of `size`.
    pub(super) fn say(&mut self, talk: Talk, upwards: bool, stream: &[u8], size: usize) {
        for (index, piece) in stream.chunks(size).enumerate() {
            self.tcp(talk, upwards, ACK, 1 + (index * size) as u32, piece);
        }
    }

    fn ip(&mut self, talk: Talk, upwards: bool, protocol: u8, head: &[u8], payload: &[u8]) {
        let client = Ipv4Addr::from_bits(0x0a00_0000 + talk.client).octets();
        let (from, to) = if upwards { (client, SERVER.octets()) } else { (SERVER.octets(), client) };
        let length = (20 + head.len() + payload.len()) as u16;
        let mut frame = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]].concat();
        frame.extend([0x08, 0x00, 0x45, 0]);
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
        frame.extend([from, to].concat());
        frame.extend(head);
        frame.extend(payload);
        self.microseconds += u64::from(PAUSE);
        let number = |value: u64| (value as u32).to_le_bytes();
        let size = number(frame.len() as u64);
        self.bytes.extend([number(self.microseconds / 1_000_000), number(self.microseconds % 1_000_000), size, size].concat());
        self.bytes.extend(frame);
    }
}

fn ports(talk: Talk, upwards: bool) -> Vec<u8> {
    let (from, to) = if upwards { (talk.port, talk.server_port) } else { (talk.server_port, talk.port) };
    [from.to_be_bytes(), to.to_be_bytes()].concat()
}
