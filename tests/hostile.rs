//! Captures that want to cost memory: each is read in bounded memory, and what a bound has cost is said.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::Write;
use std::process::{Command, Stdio};

use loginloop::event::{Event, What};
use loginloop::pipeline;
use serde_json::Value;

/// What a run may take: 256 MiB, and what the program, its threads and its libraries need of address space.
const MEMORY_KIB: u32 = (256 + 128) << 10;
const PHONE: [u8; 4] = [10, 0, 4, 23];
const SERVER: [u8; 4] = [10, 0, 0, 5];

/// A classic capture that grows packet by packet.
struct Capture(Vec<u8>);

impl Capture {
    fn new() -> Self {
        let mut header = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend([262_144_u32, 1].iter().flat_map(|word| word.to_le_bytes()));
        Self(header)
    }

    /// An IPv4 packet at so many milliseconds.
    fn ip(&mut self, millisecond: u64, from: [u8; 4], to: [u8; 4], protocol: u8, payload: &[u8]) {
        let length = (34 + payload.len()) as u32;
        let seconds = 1_239_400_863 + millisecond / 1_000;
        let words = [seconds as u32, (millisecond % 1_000 * 1_000) as u32, length, length];
        self.0.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        self.0.extend_from_slice(&[0, 12, 41, 0, 0, 1, 0, 12, 41, 0, 0, 2, 8, 0]);
        let [high, low] = ((20 + payload.len()) as u16).to_be_bytes();
        self.0.extend_from_slice(&[0x45, 0, high, low, 0, 0, 0x40, 0, 64, protocol, 0, 0]);
        self.0.extend_from_slice(&from);
        self.0.extend_from_slice(&to);
        self.0.extend_from_slice(payload);
    }

    fn tcp(&mut self, millisecond: u64, ends: [([u8; 4], u16); 2], numbers: [u32; 2], flags: u8, payload: &[u8]) {
        let [(from, source), (to, destination)] = ends;
        let mut segment: Vec<u8> = [source, destination].iter().flat_map(|port| port.to_be_bytes()).collect();
        segment.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        segment.extend_from_slice(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        segment.extend_from_slice(payload);
        self.ip(millisecond, from, to, 6, &segment);
    }

    fn udp(&mut self, millisecond: u64, ends: [([u8; 4], u16); 2], payload: &[u8]) {
        let [(from, source), (to, destination)] = ends;
        let length = (8 + payload.len()) as u16;
        let mut datagram: Vec<u8> = [source, destination, length, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
        datagram.extend_from_slice(payload);
        self.ip(millisecond, from, to, 17, &datagram);
    }

    /// A question for an address or service record, or the answer that the name does not exist.
    fn dns(&mut self, millisecond: u64, id: u16, name: &str, answer: bool) {
        let mut message = id.to_be_bytes().to_vec();
        message.extend_from_slice(if answer { &[0x81, 0x83] } else { &[0x01, 0x00] });
        message.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.split('.') {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, 33, 0, 1]);
        let ends = [(PHONE, 40_000), (SERVER, 53)];
        self.udp(millisecond, if answer { [ends[1], ends[0]] } else { ends }, &message);
    }

    /// What `diagnose` makes of it, with no more memory than it may take.
    fn diagnose(&self) -> Value {
        let program = env!("CARGO_BIN_EXE_loginloop");
        let script = format!("ulimit -v {MEMORY_KIB}; exec {program} diagnose --quiet --format json -");
        let mut child = Command::new("sh").args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&self.0).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// Frames in which an event of this protocol is told.
fn told(capture: &Capture, protocol: &str) -> Vec<u64> {
    let mut frames = Vec::new();
    let mut tell = |event: &Event, _| {
        if let What::Message(message) = &event.what
            && message.describe().protocol() == protocol
        {
            frames.push(event.at.frame.number());
        }
        Ok(())
    };
    pipeline::events(&capture.0[..], &Default::default(), &mut tell).unwrap();
    frames
}

fn warns(document: &Value, of: &str) -> bool {
    document["capture"]["warnings"].as_array().unwrap().iter().any(|warning| warning["text"].as_str().unwrap().contains(of))
}

#[test]
fn a_flood_of_syns_from_ever_other_sources_costs_flows_and_devices_and_says_so() {
    let mut capture = Capture::new();
    for source in 0..150_000_u32 {
        let from = (0x0b00_0000 + source).to_be_bytes();
        capture.tcp(u64::from(source), [(from, 40_000), (SERVER, 5_061)], [source, 0], 0x02, &[]);
    }
    let document = capture.diagnose();
    assert!(warns(&document, "flows were given up"));
    assert!(warns(&document, "further devices were left out"));
}

#[test]
fn handshakes_that_never_become_whole_cost_buffers_and_say_so() {
    let mut capture = Capture::new();
    // A whole record with the first 1 276 bytes of a hello of 65 536.
    let record = [&[22, 3, 1, 5, 0, 1, 1, 0, 0][..], &[b'A'; 1_276]].concat();
    for connection in 0..60_000_u32 {
        let ends = [(PHONE, 1_000 + (connection % 60_000) as u16), (SERVER, 5_061)];
        capture.tcp(u64::from(connection), ends, [1, 0], 0x02, &[]);
        capture.tcp(u64::from(connection), ends, [2, 1], 0x18, &record);
    }
    assert!(warns(&capture.diagnose(), "buffers were full"));
}

#[test]
fn a_device_that_loops_for_a_week_is_counted_in_full_and_listed_in_part() {
    let mut capture = Capture::new();
    let attempts = 4_096 + 500;
    for attempt in 0..attempts {
        let (begin, port) = (attempt * 8_000, 10_000 + attempt as u16);
        capture.dns(begin, attempt as u16, "_sipinternaltls._tcp.contoso.com", false);
        capture.dns(begin + 10, attempt as u16, "_sipinternaltls._tcp.contoso.com", true);
        let ends = [(PHONE, port), (SERVER, 5_061)];
        capture.tcp(begin + 200, ends, [7, 0], 0x02, &[]);
        capture.tcp(begin + 201, [ends[1], ends[0]], [0, 8], 0x14, &[]);
    }
    let document = capture.diagnose();
    let device = &document["devices"][0];
    assert_eq!((&device["verdict"], device["loop"]["attempts"].as_u64()), (&"loop".into(), Some(attempts)));
    assert_eq!(device["loop"]["period_s"], 8.0);
    let listed = device["attempts"].as_array().unwrap();
    assert_eq!((listed.len(), listed.last().unwrap()["number"].as_u64()), (4_096, Some(attempts)));
    assert!(warns(&document, "500 attempts are counted but not listed"));
}

#[test]
fn ever_other_names_and_agents_cost_nothing_that_lasts() {
    let mut capture = Capture::new();
    for number in 0..4_000_u64 {
        capture.dns(number * 40, number as u16, &format!("host{number}.example.com"), number % 2 == 0);
        let padding = "x".repeat(900);
        let message = format!(
            "REGISTER sip:c{number}.com SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z{number}\r\nFrom: <sip:u{number}@c>\r\nTo: <sip:a@b>\r\n\
             Call-ID: {number}\r\nCSeq: 1 REGISTER\r\nUser-Agent: a{number}{padding}\r\n\r\n"
        );
        capture.udp(number * 40 + 20, [(PHONE, 5_060), (SERVER, 5_060)], message.as_bytes());
    }
    assert_eq!(capture.diagnose()["capture"]["frames"], 8_000);
}

#[test]
fn a_flow_is_left_alone_behind_so_many_datagrams_of_no_protocol() {
    // At ports of nobody, and at that of SIP, where keep-alives of all kinds may come first.
    for (port, bound) in [(40_001, 4), (5_060, 64)] {
        for (before, read) in [(bound - 1, true), (bound, false)] {
            let mut capture = Capture::new();
            let ends = [(PHONE, 40_000), (SERVER, port)];
            (0..before).for_each(|number| capture.udp(number, ends, &[0xff; 40]));
            capture.udp(before, ends, b"OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
            let expected = if read { vec![before + 1] } else { Vec::new() };
            assert_eq!(told(&capture, "sip"), expected, "{before} datagrams before it");
        }
    }
}
