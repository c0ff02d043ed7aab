//! Makes the first seeds of every target from the captures of the repository: `cargo run --bin seeds`, in `fuzz/`. Seeds
//! are small, and each is there once.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use loginloop::capture::CaptureReader;
use loginloop::event::What;
use loginloop::flow::{Flow, FlowSink, FlowTable, Interest, Signal, Step, TcpStats};
use loginloop::model::{At, Side};
use loginloop::packet::{Body, Decoder, Link, Packet};
use loginloop::pipeline;
use loginloop::protocols::{self, Guess, Message, Probe, http, tls};

/// No seed is longer.
const LONGEST: usize = 4_000;
/// Seeds of one target.
const MANY: usize = 24;
/// Ports of the story's servers, as in `login.rs`.
const PORTS: [u16; 16] = [53, 67, 123, 80, 443, 5061, 5060, 389, 88, 69, 547, 8443, 5070, 3389, 636, 5222];

#[derive(Default)]
struct Seeds(BTreeMap<(String, usize), Vec<u8>>);

impl Seeds {
    /// Keeps one of each target and length.
    fn add(&mut self, target: &str, bytes: &[u8]) {
        let many = self.0.keys().filter(|(other, _)| other == target).count();
        if bytes.len() <= LONGEST && many < MANY {
            self.0.entry((target.to_owned(), bytes.len())).or_insert_with(|| bytes.to_vec());
        }
    }

    fn write(&self) -> std::io::Result<()> {
        for ((target, _), bytes) in &self.0 {
            let folder = Path::new("seeds").join(target);
            std::fs::create_dir_all(&folder)?;
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            std::fs::write(folder.join(format!("{:016x}", hasher.finish())), bytes)?;
        }
        Ok(())
    }
}

fn side_bit(side: Side) -> u8 {
    u8::from(side == Side::Server)
}

fn with_length(head: &[u8], bytes: &[u8]) -> Vec<u8> {
    [head, &(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

/// Writes flows down as acts: of the protocol's target, and of the phone's story.
#[derive(Default)]
struct Log {
    seeds: Seeds,
    story: Vec<u8>,
}

#[derive(Default)]
struct Stream {
    acts: Vec<u8>,
    first: Option<(Side, Vec<u8>)>,
}

impl Log {
    fn act(&mut self, what: u8, with: u8, payload: &[u8]) {
        let act = with_length(&[what, with], payload);
        if self.story.len() + act.len() > LONGEST {
            self.end_story();
        }
        self.story.extend_from_slice(&act);
    }

    fn end_story(&mut self) {
        let story = std::mem::take(&mut self.story);
        self.seeds.add("login", &story);
    }
}

fn port_index(flow: &Flow) -> Option<u8> {
    PORTS.iter().position(|port| *port == flow.server.port()).map(|index| index as u8)
}

impl FlowSink for Log {
    type State = Stream;

    fn signal(&mut self, flow: &Flow, state: &mut Stream, signal: Signal, _: &TcpStats, _: &Link, _: At) {
        let slot = (flow.id % 8) as u8;
        match signal {
            Signal::Syn { .. } => self.act(3, slot | port_index(flow).unwrap_or(5) << 3, &[]),
            Signal::SynAck { .. } => self.act(2, slot | port_index(flow).unwrap_or(5) << 3, &[]),
            Signal::Fin(side) => self.act(6, slot | side_bit(side) << 3, &[]),
            Signal::Rst(side) => self.act(7, slot | side_bit(side) << 3, &[]),
            Signal::FirstData(_) => {}
            Signal::Ended => {
                let Some((side, bytes)) = state.first.take() else { return };
                for protocol in protocols::ALL {
                    let Some(over) = &protocol.tcp else { continue };
                    let ports = (flow.client.port(), flow.server.port());
                    let question = Probe { side, client_port: ports.0, server_port: ports.1, bytes: &bytes };
                    if (over.probe)(&question) == Guess::Yes {
                        self.seeds.add(&format!("tcp-{}", protocol.name), &state.acts);
                    }
                }
            }
        }
    }

    fn datagram(&mut self, flow: &Flow, _: &mut Stream, side: Side, bytes: &[u8], _: bool, _: &Link, _: At) -> Interest {
        let (client_port, server_port) = (flow.client.port(), flow.server.port());
        for protocol in protocols::ALL {
            let Some(over) = &protocol.udp else { continue };
            if (over.probe)(&Probe { side, client_port, server_port, bytes }) == Guess::Yes {
                let head = [&[side_bit(side)][..], &client_port.to_be_bytes(), &server_port.to_be_bytes()].concat();
                self.seeds.add(&format!("udp-{}", protocol.name), &[&head, bytes].concat());
            }
        }
        if let Some(port) = port_index(flow) {
            self.act(side_bit(side), 1 | port << 2, bytes);
        }
        Interest::Payload
    }

    fn stream(&mut self, flow: &Flow, state: &mut Stream, side: Side, bytes: &[u8], _: &Link, _: At) -> Step {
        let act = with_length(&[side_bit(side)], bytes);
        if state.acts.len() + act.len() <= LONGEST {
            state.acts.extend_from_slice(&act);
        }
        state.first.get_or_insert_with(|| (side, bytes.to_vec()));
        for part in bytes.chunks(1_400) {
            self.act(4 + side_bit(side), (flow.id % 8) as u8, part);
        }
        let text = String::from_utf8_lossy(bytes);
        for token in text.match_indices("TlRMTVNTUA").map(|(place, _)| text.get(place..).unwrap_or_default()) {
            let token = token.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=".contains(c)).next().unwrap_or_default();
            self.seeds.add("ntlm", token.as_bytes());
        }
        Step::Used { bytes: bytes.len(), need: 0 }
    }

    fn gap(&mut self, _: &Flow, _: &mut Stream, _: Side, _: u64, _: &Link, _: At) -> Interest {
        Interest::Payload
    }

    fn end(&mut self, _: &Flow, _: &mut Stream, _: Side, _: &[u8], _: &Link, _: At) {}

    fn other(&mut self, packet: &Packet<'_>) {
        let links: Vec<_> = protocols::ALL.iter().filter_map(|protocol| Some((protocol.name, protocol.link.as_ref()?))).collect();
        match &packet.body {
            Body::Link { ether_type, bytes } => {
                if let Some(index) = links.iter().position(|(_, link)| link.ether_type == *ether_type) {
                    self.seeds.add(&format!("link-{}", links[index].0), bytes);
                    self.act(10, (index as u8) << 1, bytes);
                }
            }
            Body::Icmp(bytes) | Body::Icmpv6(bytes) => {
                self.seeds.add("icmp", bytes);
                self.act(9, 1, bytes);
            }
            _ => {}
        }
    }
}

fn captures() -> Vec<PathBuf> {
    let cases = std::fs::read_dir("../captures").expect("the captures are there");
    let files = cases.flat_map(|case| {
        ["pcap", "pcapng"].map(|ending| case.as_ref().expect("a folder").path().join(format!("capture.{ending}")))
    });
    let mut files: Vec<PathBuf> = files.filter(|path| path.exists()).collect();
    files.sort();
    files
}

/// What the messages carry: certificates, bundles.
fn formats(capture: &[u8], seeds: &mut Seeds) {
    let outcome = pipeline::events(capture, &Default::default(), &mut |event, _| {
        let What::Message(message) = &event.what else { return Ok(()) };
        match message {
            Message::Tls(message) => {
                if let tls::Message::Certificate(chain) = message.as_ref() {
                    chain.iter().for_each(|certificate| seeds.add("x509", &certificate.der));
                }
            }
            Message::Http(message) => {
                if let http::Message::Response(response) = message.as_ref() {
                    seeds.add("pkcs7", &response.body.bytes);
                }
            }
            _ => {}
        }
        Ok(())
    });
    outcome.expect("it can be read").result.1.expect("nothing is written");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(bytes).expect("memory takes it");
    packed.finish().expect("memory takes it")
}

/// A tar file of this one member (IEEE Std 1003.1, ustar).
fn tar(name: &str, body: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 512];
    let mut put = |at: usize, field: &[u8]| file.iter_mut().skip(at).zip(field).for_each(|(octet, value)| *octet = *value);
    put(0, name.as_bytes());
    put(124, format!("{:011o}", body.len()).as_bytes());
    put(148, b"        0");
    put(257, b"ustar\x0000");
    let sum: u64 = file.iter().map(|octet| u64::from(*octet)).sum();
    let mut put = |at: usize, field: &[u8]| file.iter_mut().skip(at).zip(field).for_each(|(octet, value)| *octet = *value);
    put(148, format!("{sum:06o}\0").as_bytes());
    file.extend_from_slice(body);
    file.resize(file.len().next_multiple_of(512), 0);
    file
}

/// The ZIP file that the tests read, written down in hexadecimal.
fn zip() -> Vec<u8> {
    let text = std::fs::read_to_string("../src/capture/archive/sample.zip.hex").expect("the sample is there");
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

fn samples(folder: &str, target: &str, ending: &str, seeds: &mut Seeds) {
    for entry in std::fs::read_dir(folder).expect("the samples are there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|extension| extension == ending) {
            seeds.add(target, &std::fs::read(path).expect("it can be read"));
        }
    }
}

/// A connection with its key log, as acts.
fn opened(text: &str) -> Vec<u8> {
    let bytes = |digits: &str| -> Vec<u8> {
        let pairs = digits.as_bytes().chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
    };
    let keys: String = text.lines().filter_map(|line| line.strip_prefix("key ")).map(|line| format!("{line}\n")).collect();
    let mut seed = with_length(&[], keys.as_bytes());
    for (side, digits) in text.lines().filter_map(|line| line.split_once(" sends ")) {
        seed.extend(with_length(&[u8::from(side == "server")], &bytes(digits)));
    }
    seed
}

fn main() -> std::io::Result<()> {
    let mut log = Log::default();
    for entry in std::fs::read_dir("../src/protocols/tls/samples")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            log.seeds.add("opened", &opened(&std::fs::read_to_string(path)?));
        }
    }
    samples("../src/formats/samples", "x509", "der", &mut log.seeds);
    samples("../src/formats/samples", "pkcs7", "p7b", &mut log.seeds);
    log.seeds.add("archive", &zip());
    for path in captures() {
        let capture = std::fs::read(&path)?;
        let head = capture.get(..3_900).unwrap_or(&capture);
        for target in ["capture", "rewrite", "report", "events"] {
            log.seeds.add(target, capture.get(..capture.len() % 3_000 + 900).unwrap_or(&capture));
        }
        log.seeds.add("compressed", &gzip(head));
        log.seeds.add("archive", &tar("capture.pcap", capture.get(..capture.len() % 1_500 + 400).unwrap_or(&capture)));
        log.seeds.add("report", &gzip(capture.get(..9_000).unwrap_or(&capture)));
        formats(&capture, &mut log.seeds);
        let mut reader = CaptureReader::open(capture.as_slice()).expect("a capture");
        let (mut decoder, mut flows) = (Decoder::new(), FlowTable::default());
        while let Ok(Some(record)) = reader.next_record() {
            let head = [&record.link_type.to_be_bytes()[..], &[0]].concat();
            log.seeds.add("packet", &[&head, record.data].concat());
            log.seeds.add("fragments", &[with_length(&[], record.data), with_length(&[], record.data)].concat());
            flows.push(&decoder.decode(&record), &mut log);
        }
        flows.finish(&mut log);
        log.end_story();
    }
    log.seeds.write()
}
