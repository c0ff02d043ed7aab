//! The flow table: one stream against a slow twin that keeps one cell for each byte, and any packets against the bounds.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use loginloop::flow::{Flow, FlowSink, FlowTable, Interest, Limits, Signal, Step, TcpStats};
use loginloop::model::{At, Frame, SECOND, Side, Time};
use loginloop::packet::{Body, Datagram, Link, Net, Packet, Segment};

const MILLISECOND: i64 = SECOND / 1_000;
/// Bytes of the stream that the twin has cells for.
const SPACE: usize = 2_048;

/// Bytes and the holes between them, neighbours joined.
#[derive(Debug, Default, PartialEq)]
struct Output(Vec<Result<Vec<u8>, u64>>);

impl Output {
    fn bytes(&mut self, fresh: &[u8]) {
        match self.0.last_mut() {
            Some(Ok(bytes)) => bytes.extend_from_slice(fresh),
            _ => self.0.push(Ok(fresh.to_vec())),
        }
    }

    fn missing(&mut self, count: u64) {
        match self.0.last_mut() {
            Some(Err(missing)) => *missing += count,
            _ => self.0.push(Err(count)),
        }
    }
}

/// Writes down what the table says.
#[derive(Debug, Default)]
struct Log {
    client: Output,
    /// Signals of each flow; the last one must be its end.
    flows: BTreeMap<u64, bool>,
    /// After so many bytes the parser is done with a stream.
    patience: usize,
}

impl FlowSink for Log {
    type State = usize;

    fn signal(&mut self, flow: &Flow, _: &mut usize, signal: Signal, _: &TcpStats, _: &Link, _: At) {
        let ended = self.flows.entry(flow.id).or_default();
        assert!(!*ended, "nothing comes after the end");
        *ended = signal == Signal::Ended;
    }

    fn datagram(&mut self, _: &Flow, seen: &mut usize, _: Side, bytes: &[u8], _: bool, _: &Link, _: At) -> Interest {
        *seen += bytes.len();
        if *seen > self.patience { Interest::SignalsOnly } else { Interest::Payload }
    }

    fn stream(&mut self, flow: &Flow, seen: &mut usize, side: Side, bytes: &[u8], _: &Link, _: At) -> Step {
        assert!(!self.flows.get(&flow.id).copied().unwrap_or(false) && !bytes.is_empty());
        *seen += bytes.len();
        if *seen > self.patience {
            return Step::Done;
        }
        if self.patience < usize::MAX {
            // Holds back what it has until more comes.
            let used = bytes.len() / 2;
            return Step::Used { bytes: used, need: bytes.len() - used + 1 };
        }
        if side == Side::Client {
            self.client.bytes(bytes);
        }
        Step::Used { bytes: bytes.len(), need: 0 }
    }

    fn gap(&mut self, _: &Flow, _: &mut usize, side: Side, missing: u64, _: &Link, _: At) -> Interest {
        assert!(missing > 0);
        if side == Side::Client {
            self.client.missing(missing);
        }
        Interest::Payload
    }

    fn end(&mut self, _: &Flow, _: &mut usize, _: Side, _: &[u8], _: &Link, _: At) {}

    fn other(&mut self, _: &Packet<'_>) {}
}

struct Bench {
    table: FlowTable<usize>,
    log: Log,
    at: At,
}

impl Bench {
    fn new(limits: Limits, patience: usize) -> Self {
        let at = At { frame: Frame::new(0), time: Time::from_seconds(1_700_000_000) };
        Self { table: FlowTable::new(limits), log: Log { patience, ..Log::default() }, at }
    }

    fn push(&mut self, from_client: bool, wait: i64, body: Body<'_>) {
        let [phone, server] = [Ipv4Addr::new(10, 0, 4, 23), Ipv4Addr::new(10, 0, 0, 5)].map(IpAddr::V4);
        let (source, destination) = if from_client { (phone, server) } else { (server, phone) };
        self.at = At { frame: Frame::new(self.at.frame.number() + 1), time: self.at.time.plus(wait) };
        let net = Some(Net { source, destination, ttl: 64, identification: 0 });
        self.table.push(&Packet { at: self.at, link: Link::default(), net, body, stopped: None }, &mut self.log);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Unknown,
    Byte(u8),
    Cut,
}

/// One cell for each byte of the client's stream; the first copy of a byte counts, unless it comes too late.
struct Twin {
    cells: Vec<Cell>,
    next: usize,
    acked: usize,
    output: Output,
}

impl Twin {
    fn segment(&mut self, start: usize, bytes: &[u8], cut: usize) {
        let place = self.cells.iter_mut().enumerate().skip(start).take(bytes.len() + cut);
        for (index, cell) in place.filter(|(index, _)| *index >= self.next) {
            if *cell == Cell::Unknown {
                *cell = bytes.get(index - start).map_or(Cell::Cut, |byte| Cell::Byte(*byte));
            }
        }
    }

    /// Gives out what is in order. A hole is given up when its receiver has acknowledged it, or at the end.
    fn settle(&mut self, all: bool) {
        while let Some(cell) = self.cells.get(self.next) {
            match *cell {
                Cell::Byte(byte) => self.output.bytes(&[byte]),
                Cell::Cut => self.output.missing(1),
                Cell::Unknown => {
                    let Some(hole) = self.cells.iter().skip(self.next).position(|cell| *cell != Cell::Unknown) else {
                        // One more than was sent is the acknowledgment of a FIN.
                        if all && self.acked > self.next + 1 {
                            self.output.missing((self.acked - self.next) as u64);
                        }
                        return;
                    };
                    if self.next + hole > self.acked && !all {
                        return;
                    }
                    self.output.missing(hole as u64);
                    self.next += hole;
                    continue;
                }
            }
            self.next += 1;
        }
    }
}

fn segment(from_client: bool, sequence: u32, acknowledgment: u32, flags: u8, payload: &[u8], cut: u32) -> Body<'_> {
    let (source_port, destination_port) = if from_client { (40_000, 5_061) } else { (5_061, 40_000) };
    let wire_length = payload.len() as u32 + cut;
    Body::Tcp(Segment { source_port, destination_port, sequence, acknowledgment, flags, payload, wire_length })
}

/// The first sequence number (four octets), then acts of five octets: what and how many bytes, where, what bytes.
pub fn twin(bytes: &[u8]) {
    let [a, b, c, d, acts @ ..] = bytes else { return };
    let base = u32::from_be_bytes([*a, *b, *c, *d]);
    let mut bench = Bench::new(Limits::default(), usize::MAX);
    let mut twin = Twin { cells: vec![Cell::Unknown; SPACE], next: 0, acked: 0, output: Output::default() };
    bench.push(true, 0, segment(true, base.wrapping_sub(1), 0, Segment::SYN, &[], 0));
    bench.push(false, MILLISECOND, segment(false, 999, base, Segment::SYN | Segment::ACK, &[], 0));
    for act in acts.chunks_exact(5) {
        let &[what, high, low, seed, cut] = act else { return };
        let place = usize::from(u16::from_be_bytes([high, low])) % (SPACE - 300);
        if what & 0x80 != 0 {
            twin.acked = twin.acked.max(place);
            bench.push(false, 2 * MILLISECOND, segment(false, 1_000, base.wrapping_add(place as u32), Segment::ACK, &[], 0));
        } else {
            let payload: Vec<u8> = (0..=what).map(|step| seed.wrapping_add(step)).collect();
            let cut = if cut & 0x80 == 0 { 0 } else { usize::from(cut & 0x0f) };
            twin.segment(place, &payload, cut);
            let sequence = base.wrapping_add(place as u32);
            bench.push(true, 2 * MILLISECOND, segment(true, sequence, 1_000, Segment::ACK, &payload, cut as u32));
        }
        twin.settle(false);
        assert_eq!(twin.output, bench.log.client);
    }
    twin.settle(true);
    bench.table.finish(&mut bench.log);
    assert_eq!(twin.output, bench.log.client);
}

/// Packets of nine octets over a few ports: the bounds hold at each, and each flow ends once.
pub fn bounds(bytes: &[u8]) {
    let limits = Limits { flows: 5, sample: 3, closed: 2, side_bytes: 60, pieces: 4, all_bytes: 600, ..Limits::default() };
    let [patience, packets @ ..] = bytes else { return };
    let mut bench = Bench::new(limits, 1 + usize::from(*patience) * 8);
    for packet in packets.chunks_exact(9) {
        let &[who, flags, high, low, acked, length, cut, wait, byte] = packet else { return };
        let from_client = who & 1 == 0;
        let (phone, server) = (40_000 + u16::from(who >> 1 & 7), 5_061);
        let (source_port, destination_port) = if from_client { (phone, server) } else { (server, phone) };
        let payload = vec![byte; usize::from(length & 0x3f)];
        let wire_length = payload.len() as u32 + u32::from(cut & 3);
        let wait = (i64::from(wait) - 16).saturating_mul(MILLISECOND << (cut >> 4));
        let body = if who & 0xf0 == 0xf0 {
            Body::Udp(Datagram { source_port, destination_port, payload: &payload, wire_length })
        } else {
            let sequence = u32::from(u16::from_be_bytes([high & 3, low])).wrapping_sub(16);
            Body::Tcp(Segment {
                source_port,
                destination_port,
                sequence,
                acknowledgment: u32::from(acked) * 4,
                flags,
                payload: &payload,
                wire_length,
            })
        };
        bench.push(from_client, wait, body);
        assert!(bench.table.len() <= limits.flows, "too many flows");
        assert!(bench.table.buffered() <= limits.all_bytes, "too many bytes");
    }
    bench.table.finish(&mut bench.log);
    assert_eq!(bench.table.buffered(), 0);
    assert!(bench.log.flows.values().all(|ended| *ended), "each flow ends");
}
