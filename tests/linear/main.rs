//! So many times as much input takes about so many times as long, whatever there is more of: a capture of a device that loops
//! is long, and one from an enemy is made to be expensive.
//!
//! What is measured is this thread's time on a processor, the least of several runs: other load on the machine only ever
//! adds to it. It adds more to the longer run, which finds less of the caches its own; the two sizes lie far enough apart that
//! what grows with the square shows beyond that.
#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod wire;

use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;

use wire::{ACK, Capture, RST, SYN, Talk};

/// How many times as much the longer input is. A test's number is twice the length of the shorter one.
const TIMES: usize = 4;
/// What the time may grow to for that. Of a time that has a part that grows with the square, that part is then less than a sixth of
/// the rest at a test's number.
const LIMIT: f64 = 4.95;
/// Runs after which the least times must show it: on a machine that is busy with other things, quiet moments are rare.
const RUNS: usize = 40;

const HTTPS: Talk = Talk { client: 1, port: 40_000, server_port: 443 };
const HTTP: Talk = Talk { server_port: 80, ..HTTPS };
const SIP: Talk = Talk { server_port: 5060, ..HTTPS };
const DNS: Talk = Talk { server_port: 53, ..HTTPS };

/// This thread's time on a processor up to now, in nanoseconds.
fn processor_time() -> u64 {
    // Linux brings the figure up to date when a thread gives its turn away.
    std::thread::yield_now();
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    statistics.split(' ').next().and_then(|time| time.parse().ok()).expect("a number")
}

/// How long a capture takes, on a thread of its own: nothing is remembered from the last run.
fn time(capture: &[u8], options: &Options) -> u64 {
    let run = || {
        let begin = processor_time();
        let outcome = analyse(capture, options).expect("it is a capture");
        assert!(outcome.error.is_none() && outcome.result.capture.frames > 0);
        processor_time() - begin
    };
    std::thread::scope(|scope| scope.spawn(run).join()).expect("it ends")
}

#[track_caller]
fn is_linear(n: usize, make: impl Fn(usize) -> Capture) {
    // Every device is taken for a phone, so that all rules run.
    let options =
        Options { profiles: Profiles::builtin(), profile: Some("communicator-phone-edition".to_owned()), ..Options::default() };
    let shorter = n / 2;
    let longer = TIMES * shorter;
    let captures = [make(shorter), make(longer)];
    let [mut short, mut long] = [u64::MAX; 2];
    for run in 1..=RUNS {
        short = short.min(time(&captures[0].bytes, &options));
        long = long.min(time(&captures[1].bytes, &options));
        if run >= 3 && (long as f64) < LIMIT * short as f64 {
            return;
        }
    }
    panic!("{shorter}: {} us, {longer}: {} us", short / 1_000, long / 1_000);
}

/// Each connection from a port of its own.
fn on_connections(count: u16, talk: Talk, stream: &[u8]) -> Capture {
    let mut capture = Capture::new();
    for port in 0..count {
        let talk = Talk { port: 30_000 + port, ..talk };
        capture.connect(talk);
        capture.say(talk, true, stream, 1_400);
    }
    capture
}

#[test]
fn many_flows() {
    is_linear(10_000, |n| {
        let mut capture = Capture::new();
        for flow in 0..n {
            capture.connect(Talk { client: 1 + flow as u32 / 20_000, port: (1_025 + flow % 20_000) as u16, ..HTTPS });
        }
        capture
    });
}

#[test]
fn many_segments_in_one_flow() {
    is_linear(10_000, |n| {
        let mut capture = Capture::new();
        capture.connect(HTTP);
        capture.say(HTTP, true, b"GET /certnew.p7b HTTP/1.1\r\n\r\n", 1_400);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", n * 60);
        capture.say(HTTP, false, &[head.as_bytes(), &vec![b'x'; n * 60]].concat(), 60);
        capture
    });
}

#[test]
fn segments_of_one_byte() {
    is_linear(8_000, |n| {
        let mut capture = Capture::new();
        capture.connect(HTTP);
        capture.say(HTTP, true, &[b"GET / HTTP/1.1\r\nA: ", vec![b'x'; n].as_slice()].concat(), 1);
        capture
    });
}

#[test]
fn segments_in_reverse_order() {
    is_linear(5_000, |n| {
        let mut capture = Capture::new();
        capture.connect(HTTP);
        for index in (0..n).rev() {
            capture.tcp(HTTP, true, ACK, 1 + index as u32 * 100, &[b'x'; 100]);
        }
        capture
    });
}

#[test]
fn many_http_headers() {
    is_linear(5_000, |n| on_connections(8, HTTP, format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(n)).as_bytes()));
}

#[test]
fn many_records_in_a_dns_answer() {
    is_linear(2_000, |n| {
        let question = b"\x04pool\x07contoso\x03com\x00\x00\x01\x00\x01";
        let record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x10\x00\x04\x0a\x00\x00";
        let records: Vec<u8> = (0..n).flat_map(|n| [record.as_slice(), &[n as u8]].concat()).collect();
        let count = (n as u16).to_be_bytes();
        let mut capture = Capture::new();
        for id in 0..12 {
            let head = |flags: u8, count: [u8; 2]| [0, id, flags, 0, 0, 1, count[0], count[1], 0, 0, 0, 0];
            capture.udp(DNS, true, &[head(0x01, [0, 0]).as_slice(), question].concat());
            capture.udp(DNS, false, &[head(0x81, count).as_slice(), question, &records].concat());
        }
        capture
    });
}

#[test]
fn many_dhcp_options() {
    is_linear(9_000, |n| {
        let mut capture = Capture::new();
        for id in 0..8 {
            let fixed = [&[1, 1, 6, 0, 0, 0, 0, id], [0; 20].as_slice(), &[0, 4, 0xf2, 0, 0, 1], &[0; 202]].concat();
            let cookie_and_kind = [99, 130, 83, 99, 53, 1, 1];
            let options: Vec<u8> = (0..n).flat_map(|n| [128 + (n % 100) as u8, 1, n as u8]).collect();
            let talk = Talk { client: 1, port: 68, server_port: 67 };
            capture.udp(talk, true, &[fixed.as_slice(), &cookie_and_kind, &options, &[255]].concat());
        }
        capture
    });
}

#[test]
fn many_certificates_in_a_chain() {
    is_linear(30, |n| {
        let mut capture = Capture::new();
        for connection in 0..20 {
            let chain: Vec<u8> = (0..n).flat_map(|place| certificate(connection, place as u8)).collect();
            let message = [&[11], u24(chain.len() + 3).as_slice(), &u24(chain.len()), &chain].concat();
            let records: Vec<u8> = message.chunks(16_000).flat_map(|piece| record(22, piece)).collect();
            let talk = Talk { port: 30_000 + u16::from(connection), ..HTTPS };
            capture.connect(talk);
            capture.say(talk, false, &records, 1_400);
        }
        capture
    });
}

/// A certificate in a chain, with its length. Another signature makes it another certificate.
fn certificate(one: u8, other: u8) -> Vec<u8> {
    let sample = include_bytes!("../../src/formats/samples/p256-sha256.der");
    let signed = &sample[..sample.len() - 2];
    [&u24(sample.len()), signed, &[one, other]].concat()
}

#[test]
fn many_tls_records() {
    is_linear(10_000, |n| {
        let records: Vec<u8> = (0..n).flat_map(|_| record(20, &[1])).collect();
        let mut capture = Capture::new();
        capture.connect(HTTPS);
        capture.say(HTTPS, true, &records, 1_400);
        capture
    });
}

#[test]
fn many_devices() {
    is_linear(4_000, |n| {
        let mut capture = Capture::new();
        for client in 0..n {
            let query = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0\x03sip\x07contoso\x03com\0\0\x01\0\x01";
            capture.udp(Talk { client: 1 + client as u32, ..DNS }, true, query);
        }
        capture
    });
}

#[test]
fn many_sip_messages_in_one_segment() {
    is_linear(500, |n| {
        let messages: String = (0..n)
            .map(|n| format!("REGISTER sip:a SIP/2.0\r\nCall-ID: {n}\r\nCSeq: {n} REGISTER\r\nContent-Length: 0\r\n\r\n"))
            .collect();
        let mut capture = Capture::new();
        for port in 0..4 {
            let talk = Talk { port: 30_000 + port, ..SIP };
            capture.connect(talk);
            capture.say(talk, true, messages.as_bytes(), 60_000);
        }
        capture
    });
}

#[test]
fn many_attempts_of_one_device() {
    is_linear(1_000, |n| {
        let mut capture = Capture::new();
        for attempt in 0..n {
            let talk = Talk { port: (1_025 + attempt) as u16, server_port: 5061, ..HTTPS };
            capture.tcp(talk, true, SYN, 0, &[]);
            capture.tcp(talk, false, RST | ACK, 0, &[]);
            capture.wait(4_000);
        }
        capture
    });
}

fn u24(length: usize) -> [u8; 3] {
    [(length >> 16) as u8, (length >> 8) as u8, length as u8]
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1], (body.len() as u16).to_be_bytes().as_slice(), body].concat()
}
