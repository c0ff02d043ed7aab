//! The story of a phone, told in acts: what comes out of it is a capture, and the whole program reads that.

use loginloop::protocols;

/// The phones and their servers: last octets of their addresses.
const PHONES: [u8; 3] = [23, 24, 25];
const SERVERS: [u8; 4] = [1, 5, 7, 9];
/// Ports at which a phone asks.
pub const PORTS: [u16; 16] = [53, 67, 123, 80, 443, 5061, 5060, 389, 88, 69, 547, 8443, 5070, 3389, 636, 5222];

/// One connection over TCP.
#[derive(Clone, Copy, Default)]
struct Connection {
    server: u8,
    port: u16,
    sequence: [u32; 2],
}

/// A capture that is being written.
struct Story {
    capture: Vec<u8>,
    /// Microseconds.
    time: u64,
    phone: u8,
    connections: [Connection; 8],
}

impl Story {
    fn new() -> Self {
        let mut capture = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        capture.extend_from_slice(&262_144_u32.to_le_bytes());
        capture.extend_from_slice(&1_u32.to_le_bytes());
        Self { capture, time: 1_239_400_863_000_000, phone: PHONES[0], connections: Default::default() }
    }

    /// A frame behind its record header.
    fn frame(&mut self, from_phone: bool, ether_type: u16, payload: &[u8]) {
        self.time += 2_000;
        let own = [0x00, 0x04, 0xf2, 0, 0, self.phone];
        let other = [0x00, 0x0c, 0x29, 0, 0, 1];
        let (source, destination) = if from_phone { (own, other) } else { (other, own) };
        let length = (14 + payload.len()) as u32;
        for word in [(self.time / 1_000_000) as u32, (self.time % 1_000_000) as u32, length, length] {
            self.capture.extend_from_slice(&word.to_le_bytes());
        }
        self.capture.extend_from_slice(&destination);
        self.capture.extend_from_slice(&source);
        self.capture.extend_from_slice(&ether_type.to_be_bytes());
        self.capture.extend_from_slice(payload);
    }

    fn ip(&mut self, from_phone: bool, server: u8, protocol: u8, payload: &[u8]) {
        let (phone, server) = ([10, 0, 4, self.phone], [10, 0, 0, server]);
        let (source, destination) = if from_phone { (phone, server) } else { (server, phone) };
        let [high, low] = ((20 + payload.len()) as u16).to_be_bytes();
        let mut packet = vec![0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        packet.extend_from_slice(&source);
        packet.extend_from_slice(&destination);
        packet.extend_from_slice(payload);
        self.frame(from_phone, 0x0800, &packet);
    }

    fn datagram(&mut self, from_phone: bool, server: u8, port: u16, payload: &[u8]) {
        // DHCP has a port for each side.
        let own: u16 = if port == 67 { 68 } else { 40_000 + port };
        let (source, destination) = if from_phone { (own, port) } else { (port, own) };
        let length = (8 + payload.len()) as u16;
        let mut packet: Vec<u8> = [source, destination, length, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
        packet.extend_from_slice(payload);
        self.ip(from_phone, server, 17, &packet);
    }

    fn segment(&mut self, slot: usize, from_phone: bool, flags: u8, payload: &[u8]) {
        let Some(connection) = self.connections.get_mut(slot) else { return };
        let own = 50_000 + slot as u16;
        let (source, destination) = if from_phone { (own, connection.port) } else { (connection.port, own) };
        let [client, server] = connection.sequence;
        let (sequence, acknowledgment) = if from_phone { (client, server) } else { (server, client) };
        let grown = payload.len() as u32 + u32::from(flags & 3 != 0);
        connection.sequence[usize::from(!from_phone)] = sequence.wrapping_add(grown);
        let to = connection.server;
        let mut packet = Vec::new();
        packet.extend_from_slice(&source.to_be_bytes());
        packet.extend_from_slice(&destination.to_be_bytes());
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&acknowledgment.to_be_bytes());
        packet.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(payload);
        self.ip(from_phone, to, 6, &packet);
    }

    fn act(&mut self, what: u8, with: u8, payload: &[u8]) {
        let server = SERVERS[usize::from(with & 3)];
        let port = PORTS[usize::from(with >> 2 & 15)];
        let slot = usize::from(with & 7);
        match what & 15 {
            0 => self.datagram(true, server, port, payload),
            1 => self.datagram(false, server, port, payload),
            2 | 3 => {
                self.connections[slot] =
                    Connection { server, port: PORTS[usize::from(with >> 3 & 15)], sequence: [self.time as u32, 7] };
                self.segment(slot, true, 0x02, &[]);
                if what & 1 == 0 {
                    self.segment(slot, false, 0x12, &[]);
                }
            }
            4 => self.segment(slot, true, 0x18, payload),
            5 => self.segment(slot, false, 0x18, payload),
            6 => self.segment(slot, with & 8 == 0, 0x11, &[]),
            7 => self.segment(slot, with & 8 == 0, 0x14, &[]),
            8 => self.frame(with & 1 == 0, 0x0806, payload),
            9 => self.ip(false, server, 1, payload),
            10 | 11 => {
                let links: Vec<u16> =
                    protocols::ALL.iter().filter_map(|protocol| protocol.link.as_ref()).map(|link| link.ether_type).collect();
                let ether_type = links[usize::from(with >> 1) % links.len()];
                self.frame(with & 1 == 0, ether_type, payload);
            }
            12 => self.phone = PHONES[usize::from(with) % PHONES.len()],
            _ => self.time += u64::from(with) * 250_000,
        }
    }
}

/// Acts: what, with whom, length of the payload (two octets), payload.
pub fn story(mut bytes: &[u8]) {
    let mut story = Story::new();
    while let [what, with, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len()).min(1_460);
        let (payload, behind) = rest.split_at(length);
        story.act(*what, *with, payload);
        bytes = behind;
    }
    crate::program::report(&story.capture);
    crate::program::events(&story.capture);
}
