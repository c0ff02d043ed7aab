//! Captures of an enemy: many devices, each of which makes the program keep as much as it can of one thing. Written for the
//! phones' side of a switch: Ethernet, IPv4, packets as long as IP allows.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{BEGIN, MILLISECOND, header, record};

const SERVER: [u8; 4] = [192, 0, 2, 1];
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
/// As many devices as are followed.
const DEVICES: u32 = 12_288;
/// A certificate; another signature makes it another one.
const CERTIFICATE: &[u8] = include_bytes!("../../src/formats/samples/rsa8192-sha256.der");

/// What a device says in a round.
pub(crate) type Say = fn(&mut Wire, u32, u32);

/// What is made too much of, each with how it is said `round` by round by each device.
pub(crate) const KINDS: &[(&str, Say)] = &[
    ("syns", syns),
    ("loops", loops),
    ("names", names),
    ("calls", calls),
    ("agents", agents),
    ("chains", chains),
    ("authorities", authorities),
    ("pages", pages),
    ("paths", paths),
    ("entries", entries),
    ("leases", leases),
];

/// Writes about `size` bytes in which `devices` devices make too much of one thing.
pub(crate) fn write(say: Say, devices: Option<u32>, size: u64, out: &mut impl Write) -> io::Result<()> {
    let devices = devices.unwrap_or(DEVICES);
    out.write_all(&header())?;
    let mut written = 0_u64;
    let mut wire = Wire { frames: Vec::new(), time: BEGIN * 1_000 * MILLISECOND };
    for turn in 0_u32.. {
        say(&mut wire, turn % devices, turn / devices);
        for (time, frame) in wire.frames.drain(..) {
            record(time, &frame, out)?;
            written += 16 + frame.len() as u64;
        }
        if written >= size {
            break;
        }
    }
    Ok(())
}

/// Frames in the making.
pub(crate) struct Wire {
    frames: Vec<(u64, Vec<u8>)>,
    time: u64,
}

impl Wire {
    fn ip(&mut self, from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) {
        let length = u16::try_from(20 + payload.len()).unwrap_or(u16::MAX).to_be_bytes();
        let mut frame = vec![0, 12, 41, 0, 0, 1, 0, 12, 41, 0, 0, 2, 8, 0, 0x45, 0, length[0], length[1], 0, 0, 0x40, 0];
        frame.extend([64, protocol, 0, 0]);
        frame.extend([from, to].concat());
        frame.extend(payload);
        self.time += MILLISECOND / 50;
        self.frames.push((self.time, frame));
    }

    fn udp(&mut self, device: u32, ports: [u16; 2], upwards: bool, payload: &[u8]) {
        let ports = if upwards { ports } else { [ports[1], ports[0]] };
        let length = u16::try_from(8 + payload.len()).unwrap_or(u16::MAX);
        let head: Vec<u8> = [ports[0], ports[1], length, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
        let ends = if upwards { [address(device), SERVER] } else { [SERVER, address(device)] };
        self.ip(ends[0], ends[1], 17, &[head.as_slice(), payload].concat());
    }

    fn tcp(&mut self, device: u32, ports: [u16; 2], upwards: bool, flags: u8, sequence: u32, payload: &[u8]) {
        let ports = if upwards { ports } else { [ports[1], ports[0]] };
        let mut segment: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
        segment.extend([sequence.to_be_bytes(), 1_u32.to_be_bytes()].concat());
        segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend(payload);
        let ends = if upwards { [address(device), SERVER] } else { [SERVER, address(device)] };
        self.ip(ends[0], ends[1], 6, &segment);
    }

    /// A connection on which the client says this, then the server that.
    fn connection(&mut self, device: u32, ports: [u16; 2], client: &[u8], server: &[u8]) {
        self.tcp(device, ports, true, SYN, 0, &[]);
        self.tcp(device, ports, false, SYN | ACK, 0, &[]);
        for (upwards, stream) in [(true, client), (false, server)] {
            for (index, piece) in stream.chunks(60_000).enumerate() {
                self.tcp(device, ports, upwards, ACK, 1 + index as u32 * 60_000, piece);
            }
        }
    }
}

fn address(device: u32) -> [u8; 4] {
    (0x0a00_0100 + device).to_be_bytes()
}

fn port(round: u32) -> u16 {
    1_025 + (round % 60_000) as u16
}

fn u24(length: usize) -> [u8; 3] {
    [(length >> 16) as u8, (length >> 8) as u8, length as u8]
}

/// A handshake message in records.
fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let message = [&[kind], u24(body.len()).as_slice(), body].concat();
    let record = |piece: &[u8]| [&[22, 3, 1], (piece.len() as u16).to_be_bytes().as_slice(), piece].concat();
    message.chunks(16_000).flat_map(record).collect()
}

/// DER: a tag, the length in four octets, the content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x84], (content.len() as u32).to_be_bytes().as_slice(), content].concat()
}

fn certificate(one: u32, other: u32) -> Vec<u8> {
    let signed = CERTIFICATE.len() - 8;
    [&CERTIFICATE[..signed], one.to_be_bytes().as_slice(), &other.to_be_bytes()].concat()
}

fn text(length: usize, device: u32, round: u32) -> String {
    format!("{device}.{round}.{}", "x".repeat(length))
}

/// A SYN of ever other sources.
fn syns(wire: &mut Wire, device: u32, round: u32) {
    wire.tcp(device + round * DEVICES, [40_000, 5_061], true, SYN, 0, &[]);
}

/// Refused again and again.
fn loops(wire: &mut Wire, device: u32, round: u32) {
    if device == 0 {
        wire.time += 8_000 * MILLISECOND;
    }
    wire.tcp(device, [port(round), 5_061], true, SYN, 0, &[]);
    wire.tcp(device, [port(round), 5_061], false, RST | ACK, 0, &[]);
}

/// Answers full of records with long names.
fn names(wire: &mut Wire, device: u32, round: u32) {
    let label = |fill: u8| [&[60], [fill; 60].as_slice()].concat();
    let own = format!("{device:08}{round:08}");
    let name = [&[16], own.as_bytes(), &label(b'a'), &label(b'b'), &label(b'c'), &[0]].concat();
    let question = [name.as_slice(), &[0, 1, 0, 1]].concat();
    let id = (round as u16).to_be_bytes();
    let asked = [id.as_slice(), &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], &question].concat();
    let records: Vec<u8> = (0..900_u16)
        .flat_map(|n| [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 16, 0, 4, 10, 9], n.to_be_bytes().as_slice()].concat())
        .collect();
    let answered = [id.as_slice(), &[0x81, 0x80, 0, 1], &900_u16.to_be_bytes(), &[0, 0, 0, 0], &question, &records].concat();
    wire.udp(device, [port(round), 53], true, &asked);
    wire.udp(device, [port(round), 53], false, &answered);
}

fn register(device: u32, round: u32, agent: usize, contacts: usize) -> String {
    let contact = text(1_000, device, round);
    let contacts: String = (0..contacts).map(|n| format!("Contact: <sip:{n}.{contact}>\r\n")).collect();
    format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{round}\r\nFrom: <sip:{device}.{round}@a>\r\nTo: <sip:a@b>\r\n\
         Call-ID: {}\r\nCSeq: {round} REGISTER\r\nUser-Agent: {}\r\n{contacts}Content-Length: 0\r\n\r\n",
        text(100, device, round),
        text(agent, device, round),
    )
}

/// Registrations with as much in them as there can be.
fn calls(wire: &mut Wire, device: u32, round: u32) {
    wire.udp(device, [5_060, 5_060], true, register(device, round, 1_000, 50).as_bytes());
}

/// Ever other names of what it is.
fn agents(wire: &mut Wire, device: u32, round: u32) {
    wire.udp(device, [5_060, 5_060], true, register(device, round, 900, 0).as_bytes());
}

/// Chains as long as they are kept.
fn chains(wire: &mut Wire, device: u32, round: u32) {
    let list: Vec<u8> = (0..60)
        .map(|place| certificate(device, round * 64 + place))
        .flat_map(|one| [u24(one.len()).as_slice(), &one].concat())
        .collect();
    let message = handshake(11, &[u24(list.len()).as_slice(), &list].concat());
    wire.connection(device, [port(round), 5_061], &[], &message);
}

/// As many CAs as a server can name.
fn authorities(wire: &mut Wire, device: u32, round: u32) {
    let names: Vec<u8> = (0..4_090_u32).flat_map(|n| [&[0, 14], [7; 10].as_slice(), &n.to_be_bytes()].concat()).collect();
    let length = (names.len() as u16).to_be_bytes();
    wire.connection(device, [port(round), 5_061], &[], &handshake(13, &[&[1, 1], length.as_slice(), &names].concat()));
}

/// Pages that are long once they are unpacked.
fn pages(wire: &mut Wire, device: u32, round: u32) {
    let page = [text(0, device, round).as_bytes(), &vec![b' '; 60_000]].concat();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = packed.write_all(&page);
    let body = packed.finish().unwrap_or_default();
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
    let asked = format!("GET /{round} HTTP/1.1\r\n\r\n").repeat(100);
    let answers = [answer.as_bytes(), &body].concat().repeat(100);
    wire.connection(device, [port(round), 80], asked.as_bytes(), &answers);
}

/// Ever other paths, as long as they are kept.
fn paths(wire: &mut Wire, device: u32, round: u32) {
    let asked: String = (0..50).map(|n| format!("GET /{n}{}.cfg HTTP/1.1\r\n\r\n", text(1_000, device, round))).collect();
    let answers = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".repeat(50);
    wire.connection(device, [port(round), 80], asked.as_bytes(), answers.as_bytes());
}

/// Directory entries full of certificates.
fn entries(wire: &mut Wire, device: u32, round: u32) {
    let asked = der(
        0x30,
        &[&[2, 1, 1], der(0x63, &[4, 0, 10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0, 0x87, 1, b'a', 0x30, 0]).as_slice()]
            .concat(),
    );
    let values: Vec<u8> = (0..60).flat_map(|place| der(4, &certificate(device, round * 64 + place))).collect();
    let attribute = der(0x30, &[der(4, b"cACertificate").as_slice(), &der(0x31, &values)].concat());
    let entry = der(0x64, &[der(4, text(20, device, round).as_bytes()).as_slice(), &der(0x30, &attribute)].concat());
    let answered = der(0x30, &[&[2, 1, 1], entry.as_slice()].concat());
    wire.connection(device, [port(round), 389], &asked, &answered);
}

/// Leases with as many options as there can be.
fn leases(wire: &mut Wire, device: u32, round: u32) {
    let options: Vec<u8> = (0..200_u8).flat_map(|n| [&[n + 10, 250], [n; 250].as_slice()].concat()).collect();
    let mac = [&[0, 4], device.to_be_bytes().as_slice()].concat();
    for (kind, operation) in [(1, 1), (2, 2), (5, 2)] {
        let transaction = round.to_be_bytes();
        let fixed = [&[operation, 1, 6, 0], transaction.as_slice(), &[0; 8], &address(device), &[0; 8], &mac, &[0; 202]].concat();
        let message = [fixed.as_slice(), &[99, 130, 83, 99, 53, 1, kind], &options, &[255]].concat();
        wire.udp(device, [68, 67], operation == 1, &message);
    }
}
