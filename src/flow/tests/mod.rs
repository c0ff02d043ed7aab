//! Conversations: these segments in, those calls out.

mod bounds;
mod conflicts;
mod copies;
mod early;
mod order;
mod signals;
mod twin;

use std::net::IpAddr;

use super::{Conflict, Flow, FlowSink, FlowTable, Interest, Limits, Signal, Step, TcpStats};
use crate::model::{At, Frame, SECOND, Side, Time};
use crate::packet::{Body, Datagram, Link, Net, Packet, Segment};

pub(super) const ACK: u8 = Segment::ACK;
pub(super) const SYN: u8 = Segment::SYN;
pub(super) const FIN: u8 = Segment::FIN;
pub(super) const RST: u8 = Segment::RST;
pub(super) const MILLISECOND: i64 = SECOND / 1_000;

/// Writes down every call; what its parser says is up to the test.
pub(super) struct Log {
    /// One line a call: frame, flow, what.
    pub(super) calls: Vec<String>,
    /// Bytes of each stream call, all flows and sides alike.
    pub(super) offered: usize,
    pub(super) parser: fn(&[u8]) -> Step,
    pub(super) after_gap: Interest,
    pub(super) after_datagram: Interest,
    pub(super) stats: TcpStats,
    pub(super) oriented: Option<bool>,
    pub(super) links: Vec<Link>,
    pub(super) cut: Vec<String>,
}

/// A connection whose frames are counted from 1 once it is open.
pub(super) fn opened() -> Bench {
    let mut bench = Bench::default();
    bench.open();
    bench.calls();
    bench.frame = 0;
    bench
}

pub(super) fn uses_all(bytes: &[u8]) -> Step {
    Step::Used { bytes: bytes.len(), need: 0 }
}

/// Messages that begin with their own length in two octets.
pub(super) fn messages(bytes: &[u8]) -> Step {
    match bytes {
        [high, low, ..] => {
            let whole = 2 + usize::from(u16::from_be_bytes([*high, *low]));
            if bytes.len() < whole { Step::Used { bytes: 0, need: whole } } else { Step::Used { bytes: whole, need: 2 } }
        }
        _ => Step::Used { bytes: 0, need: 2 },
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            offered: 0,
            parser: uses_all,
            after_gap: Interest::Payload,
            after_datagram: Interest::Payload,
            stats: TcpStats::default(),
            oriented: None,
            links: Vec::new(),
            cut: Vec::new(),
        }
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

impl FlowSink for Log {
    type State = u32;

    fn signal(&mut self, flow: &Flow, state: &mut u32, signal: Signal, stats: &TcpStats, link: &Link, at: At) {
        *state += 1;
        self.stats = *stats;
        self.oriented = Some(flow.oriented);
        self.links.push(*link);
        let what = match signal {
            Signal::Syn { first: true } => "syn".into(),
            Signal::Syn { first: false } => "syn again".into(),
            Signal::SynAck { first: true } => "syn-ack".into(),
            Signal::SynAck { first: false } => "syn-ack again".into(),
            Signal::Fin(side) => format!("fin {}", name(side)),
            Signal::Rst(side) => format!("rst {}", name(side)),
            Signal::FirstData(side) => format!("first data {}", name(side)),
            Signal::Ended => "ended".to_string(),
        };
        self.calls.push(format!("{} #{} {what}", at.frame, flow.id));
    }

    fn datagram(&mut self, flow: &Flow, state: &mut u32, side: Side, bytes: &[u8], whole: bool, _: &Link, at: At) -> Interest {
        *state += 1;
        let cut = if whole { "" } else { " cut" };
        self.calls.push(format!("{} #{} {} {:?}{cut} ({state})", at.frame, flow.id, name(side), String::from_utf8_lossy(bytes)));
        self.after_datagram
    }

    fn stream(&mut self, flow: &Flow, _: &mut u32, side: Side, bytes: &[u8], _: &Link, at: At) -> Step {
        self.offered += bytes.len();
        self.calls.push(format!("{} #{} {} {:?}", at.frame, flow.id, name(side), String::from_utf8_lossy(bytes)));
        (self.parser)(bytes)
    }

    fn cut(&mut self, _: &Flow, _: &mut u32, side: Side, rest: &[u8], _: &Link, at: At) {
        self.cut.push(format!("{} {} {:?}", at.frame, name(side), String::from_utf8_lossy(rest)));
    }

    fn gap(&mut self, flow: &Flow, _: &mut u32, side: Side, missing: u64, _: &Link, at: At) -> Interest {
        self.calls.push(format!("{} #{} {} gap {missing}", at.frame, flow.id, name(side)));
        self.after_gap
    }

    fn end(&mut self, flow: &Flow, _: &mut u32, side: Side, rest: &[u8], _: &Link, at: At) {
        let rest = if rest.is_empty() { String::new() } else { format!(" rest {:?}", String::from_utf8_lossy(rest)) };
        self.calls.push(format!("{} #{} {} end{rest}", at.frame, flow.id, name(side)));
    }

    fn other(&mut self, packet: &Packet<'_>) {
        self.calls.push(format!("{} other", packet.at.frame));
    }
}

/// A table, its log, and a clock that moves on by 10 ms with each packet.
pub(super) struct Bench {
    pub(super) table: FlowTable<u32>,
    pub(super) log: Log,
    pub(super) frame: u64,
    pub(super) time: i64,
    /// Port of the client whose segments `client` and `server` make.
    pub(super) port: u16,
    /// Sequence number of the first payload byte of either side.
    pub(super) base: u32,
}

impl Default for Bench {
    fn default() -> Self {
        Self::with(Limits::default())
    }
}

pub(super) fn net(source: IpAddr, destination: IpAddr) -> Option<Net> {
    Some(Net { source, destination, ttl: 64, identification: 0 })
}

pub(super) const PHONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 4, 23));
pub(super) const REGISTRAR: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 5));

impl Bench {
    pub(super) fn with(limits: Limits) -> Self {
        Self { table: FlowTable::new(limits), log: Log::default(), frame: 0, time: 0, port: 40_000, base: 1_000 }
    }

    pub(super) fn wait(&mut self, nanoseconds: i64) -> &mut Self {
        self.time += nanoseconds;
        self
    }

    pub(super) fn push(&mut self, net: Option<Net>, body: Body<'_>) -> &mut Self {
        self.frame += 1;
        self.time += 10 * MILLISECOND;
        let at = At { frame: Frame::new(self.frame), time: Time(self.time) };
        let link = Link { vlan: Some(7), ..Link::default() };
        self.table.push(&Packet { at, link, net, body, stopped: None }, &mut self.log);
        self
    }

    /// One segment; `offset` and `acked` count from the first payload byte of the side.
    pub(super) fn segment(&mut self, side: Side, flags: u8, offset: i64, acked: i64, payload: &[u8], cut: u32) -> &mut Self {
        let number = |offset: i64| self.base.wrapping_add(offset as u32);
        let segment = Segment {
            source_port: if side == Side::Client { self.port } else { 443 },
            destination_port: if side == Side::Client { 443 } else { self.port },
            sequence: number(offset),
            acknowledgment: number(acked),
            flags,
            payload,
            wire_length: payload.len() as u32 + cut,
        };
        let net = if side == Side::Client { net(PHONE, REGISTRAR) } else { net(REGISTRAR, PHONE) };
        self.push(net, Body::Tcp(segment))
    }

    /// The handshake of three.
    pub(super) fn open(&mut self) -> &mut Self {
        self.client(SYN, -1, 0, "").server(SYN | ACK, -1, 0, "").client(ACK, 0, 0, "")
    }

    pub(super) fn client(&mut self, flags: u8, offset: i64, acked: i64, payload: &str) -> &mut Self {
        self.segment(Side::Client, flags, offset, acked, payload.as_bytes(), 0)
    }

    pub(super) fn server(&mut self, flags: u8, offset: i64, acked: i64, payload: &str) -> &mut Self {
        self.segment(Side::Server, flags, offset, acked, payload.as_bytes(), 0)
    }

    pub(super) fn udp(&mut self, from: (IpAddr, u16), to: (IpAddr, u16), payload: &str, cut: u32) -> &mut Self {
        let wire_length = payload.len() as u32 + cut;
        let datagram = Datagram { source_port: from.1, destination_port: to.1, payload: payload.as_bytes(), wire_length };
        self.push(net(from.0, to.0), Body::Udp(datagram))
    }

    pub(super) fn finish(&mut self) -> &mut Self {
        self.table.finish(&mut self.log);
        self
    }

    /// The calls since the last look.
    pub(super) fn calls(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log.calls)
    }
}
