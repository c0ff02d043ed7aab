//! The parts up to ordered bytes, each with the ones before it, beside a loop that only iterates with the block grammar's
//! own reader: none may take more than 2.5 times as long.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking, and has no interface"
)]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loginloop::capture::CaptureReader;
use loginloop::flow::{Flow, FlowSink, FlowTable, Interest, Signal, Step, TcpStats};
use loginloop::model::{At, Side};
use loginloop::packet::{Decoder, Link, Packet};
use pcap_parser::{PcapError, create_reader};

mod traffic;

const SIZE: u64 = 16 << 20;
const BUFFER: usize = 256 << 10;

/// Takes datagrams and streams: wants all of them, or none after the first.
struct Sink {
    interest: Interest,
    bytes: u64,
}

impl FlowSink for Sink {
    type State = ();

    fn signal(&mut self, _: &Flow, (): &mut (), _: Signal, _: &TcpStats, _: &Link, _: At) {}

    fn datagram(&mut self, _: &Flow, (): &mut (), _: Side, bytes: &[u8], _: bool, _: &Link, _: At) -> Interest {
        self.bytes += bytes.len() as u64;
        self.interest
    }

    fn stream(&mut self, _: &Flow, (): &mut (), _: Side, bytes: &[u8], _: &Link, _: At) -> Step {
        self.bytes += bytes.len() as u64;
        match self.interest {
            Interest::Payload => Step::Used { bytes: bytes.len(), need: 0 },
            Interest::SignalsOnly => Step::Done,
        }
    }

    fn gap(&mut self, _: &Flow, (): &mut (), _: Side, _: u64, _: &Link, _: At) -> Interest {
        self.interest
    }

    fn end(&mut self, _: &Flow, (): &mut (), _: Side, _: &[u8], _: &Link, _: At) {}

    fn other(&mut self, _: &Packet<'_>) {}
}

fn floor(capture: &[u8]) -> usize {
    let mut reader = create_reader(BUFFER, capture).expect("a capture");
    let mut blocks = 0;
    loop {
        match reader.next() {
            Ok((length, block)) => {
                black_box(block);
                reader.consume(length);
                blocks += 1;
            }
            Err(PcapError::Incomplete(_)) => reader.refill().expect("memory can be read"),
            Err(_) => return blocks,
        }
    }
}

fn iterate(capture: &[u8]) {
    let mut reader = CaptureReader::open(capture).expect("a capture");
    while let Ok(Some(record)) = reader.next_record() {
        black_box(record);
    }
}

fn decode(capture: &[u8]) {
    let (mut reader, mut decoder) = (CaptureReader::open(capture).expect("a capture"), Decoder::new());
    while let Ok(Some(record)) = reader.next_record() {
        decoder.decode_each(&record, |packet| {
            black_box(packet);
        });
    }
}

fn flows(capture: &[u8], interest: Interest) -> u64 {
    let (mut reader, mut decoder) = (CaptureReader::open(capture).expect("a capture"), Decoder::new());
    let (mut flows, mut sink) = (FlowTable::default(), Sink { interest, bytes: 0 });
    while let Ok(Some(record)) = reader.next_record() {
        decoder.decode_each(&record, |packet| flows.push(packet, &mut sink));
    }
    flows.finish(&mut sink);
    sink.bytes
}

fn parts(bench: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let stories = traffic::stories(&traffic::captures(&folder).expect("captures")).expect("captures can be read");
    let mut capture = Vec::new();
    traffic::write(traffic::MIXED, &stories, SIZE, &mut capture).expect("memory takes it");
    let mut group = bench.benchmark_group("read");
    group.throughput(Throughput::Bytes(capture.len() as u64));
    group.bench_function("floor: pcap-parser iterates", |bench| bench.iter(|| floor(&capture)));
    group.bench_function("iterate", |bench| bench.iter(|| iterate(&capture)));
    group.bench_function("decode", |bench| bench.iter(|| decode(&capture)));
    group.bench_function("look flows up", |bench| bench.iter(|| flows(&capture, Interest::SignalsOnly)));
    group.bench_function("reassemble", |bench| bench.iter(|| flows(&capture, Interest::Payload)));
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
