//! What must hold for any bytes: a capture cut anywhere gives the frames before the cut; segments in any order give one
//! stream; whatever comes in pieces says the same as in one.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::OnceLock;

use loginloop::capture::{CaptureReader, compressed};
use loginloop::flow::{Flow, FlowSink, FlowTable, Interest, Signal, Step, TcpStats};
use loginloop::model::{At, Frame, Side, Time};
use loginloop::packet::{Body, Decoder, Link, Net, Packet, Segment};
use loginloop::protocols::{self, Guess, Probe};
use proptest::collection::vec;
use proptest::prelude::*;
use support::feed::{Act, told};

/// Gives so many bytes at a time.
struct Drip<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let piece = self.piece.min(self.bytes.len()).min(out.len());
        let (now, later) = self.bytes.split_at(piece);
        out[..piece].copy_from_slice(now);
        self.bytes = later;
        Ok(piece)
    }
}

/// Every record of a capture: time, link type, lengths, bytes. What cannot be read ends it.
fn records(input: impl Read) -> Vec<(At, u16, u32, Vec<u8>)> {
    let mut records = Vec::new();
    let Ok(mut reader) = CaptureReader::open(input) else { return records };
    while let Ok(Some(record)) = reader.next_record() {
        records.push((record.at, record.link_type, record.wire_length, record.data.to_vec()));
    }
    records
}

/// Where each frame of a little-endian file ends, by the lengths in its record headers alone.
fn frame_ends(file: &[u8]) -> Vec<usize> {
    let word = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().expect("four bytes")) as usize;
    let is_pcapng = word(0) == 0x0a0d_0d0a;
    let mut place = if is_pcapng { 0 } else { 24 };
    let mut ends = Vec::new();
    while place < file.len() {
        let end = place + if is_pcapng { word(place + 4) } else { 16 + word(place + 8) };
        ends.extend((!is_pcapng || word(place) == 6).then_some(end));
        place = end;
    }
    ends
}

fn files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| support::captures().iter().map(|path| support::read(path)).collect())
}

#[test]
fn a_capture_cut_at_any_byte_gives_the_frames_before_the_cut() {
    for file in files().iter().filter(|file| file.len() < 5_000) {
        let whole = records(file.as_slice());
        let ends = frame_ends(file);
        assert_eq!(whole.len(), ends.len());
        for cut in 0..file.len() {
            let before = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(records(&file[..cut]), whole[..before], "cut at {cut}");
        }
    }
}

#[test]
fn a_capture_that_drips_in_byte_by_byte_is_the_same_capture() {
    for file in files() {
        assert_eq!(records(file.as_slice()), records(Drip { bytes: file, piece: 1 }));
    }
}

/// Gathers the streams of a capture, as acts.
#[derive(Default)]
struct Streams(Vec<(u16, Vec<Act>)>);

impl FlowSink for Streams {
    type State = Vec<Act>;

    fn signal(&mut self, flow: &Flow, acts: &mut Vec<Act>, signal: Signal, _: &TcpStats, _: &Link, _: At) {
        if signal == Signal::Ended && !acts.is_empty() {
            self.0.push((flow.server.port(), std::mem::take(acts)));
        }
    }

    fn datagram(&mut self, _: &Flow, acts: &mut Vec<Act>, side: Side, bytes: &[u8], _: bool, _: &Link, _: At) -> Interest {
        // DNS over TCP is that over UDP behind its length (RFC 1035 section 4.2.2).
        let framed = [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
        acts.push(Act::Data(side, framed.clone()));
        self.0.push((53, vec![Act::Data(side, framed)]));
        Interest::Payload
    }

    fn stream(&mut self, _: &Flow, acts: &mut Vec<Act>, side: Side, bytes: &[u8], _: &Link, _: At) -> Step {
        acts.push(Act::Data(side, bytes.to_vec()));
        Step::Used { bytes: bytes.len(), need: 0 }
    }

    fn gap(&mut self, _: &Flow, acts: &mut Vec<Act>, side: Side, missing: u64, _: &Link, _: At) -> Interest {
        acts.push(Act::Gap(side, missing));
        Interest::Payload
    }

    fn end(&mut self, _: &Flow, acts: &mut Vec<Act>, side: Side, _: &[u8], _: &Link, _: At) {
        acts.push(Act::End(side));
    }

    fn other(&mut self, _: &Packet<'_>) {}
}

/// The streams of all captures, each with the index of the protocol whose probe takes its first bytes.
fn streams() -> &'static [(usize, Vec<Act>)] {
    static STREAMS: OnceLock<Vec<(usize, Vec<Act>)>> = OnceLock::new();
    STREAMS.get_or_init(|| {
        let mut gathered = Streams::default();
        for file in files() {
            let (mut decoder, mut flows) = (Decoder::new(), FlowTable::default());
            let mut reader = CaptureReader::open(file.as_slice()).expect("a capture");
            while let Some(record) = reader.next_record().expect("it can be read") {
                flows.push(&decoder.decode(&record), &mut gathered);
            }
            flows.finish(&mut gathered);
        }
        let claimed = |server_port: u16, acts: &[Act]| {
            let (side, bytes) = acts.iter().find_map(|act| match act {
                Act::Data(side, bytes) => Some((*side, bytes)),
                _ => None,
            })?;
            let probe = Probe { side, client_port: 40_000, server_port, bytes };
            protocols::ALL
                .iter()
                .position(|protocol| protocol.tcp.as_ref().is_some_and(|over| (over.probe)(&probe) == Guess::Yes))
        };
        gathered.0.into_iter().filter_map(|(port, acts)| Some((claimed(port, &acts)?, acts))).collect()
    })
}

#[test]
fn every_stream_says_the_same_in_one_piece_and_byte_by_byte() {
    let mut seen = std::collections::BTreeSet::new();
    for (protocol, acts) in streams() {
        let Some(over) = &protocols::ALL[*protocol].tcp else { continue };
        let whole = told(over, acts, usize::MAX);
        seen.extend((!whole.is_empty()).then_some(protocols::ALL[*protocol].name));
        for piece in [1, 2, 3, 5, 64, 1_000] {
            assert_eq!(whole, told(over, acts, piece), "{} in pieces of {piece}", protocols::ALL[*protocol].name);
        }
    }
    assert!(["dns", "http", "ldap", "sip", "tls"].iter().all(|name| seen.contains(name)), "{seen:?}");
}

/// Gathers the client's bytes; a hole is a failure.
#[derive(Default)]
struct Client(Vec<u8>);

impl FlowSink for Client {
    type State = ();

    fn signal(&mut self, _: &Flow, (): &mut (), _: Signal, _: &TcpStats, _: &Link, _: At) {}

    fn datagram(&mut self, _: &Flow, (): &mut (), _: Side, _: &[u8], _: bool, _: &Link, _: At) -> Interest {
        Interest::Payload
    }

    fn stream(&mut self, _: &Flow, (): &mut (), side: Side, bytes: &[u8], _: &Link, _: At) -> Step {
        assert_eq!(side, Side::Client);
        self.0.extend_from_slice(bytes);
        Step::Used { bytes: bytes.len(), need: 0 }
    }

    fn gap(&mut self, _: &Flow, (): &mut (), _: Side, missing: u64, _: &Link, _: At) -> Interest {
        panic!("{missing} bytes are missing")
    }

    fn end(&mut self, _: &Flow, (): &mut (), _: Side, _: &[u8], _: &Link, _: At) {}

    fn other(&mut self, _: &Packet<'_>) {}
}

proptest! {
    #[test]
    fn a_capture_in_pieces_of_any_length_is_the_same_capture(index in any::<prop::sample::Index>(), piece in 1..5_000_usize, cut in any::<prop::sample::Index>()) {
        let file = index.get(files());
        let file = &file[..cut.index(file.len() + 1)];
        prop_assert_eq!(records(file), records(Drip { bytes: file, piece }));
    }

    #[test]
    fn a_stream_with_holes_anywhere_is_read_on(index in any::<prop::sample::Index>(), holes in vec((any::<prop::sample::Index>(), 1..3_000_u64), 1..4)) {
        let (protocol, acts) = index.get(streams());
        let Some(over) = &protocols::ALL[*protocol].tcp else { return Ok(()) };
        let mut torn = acts.clone();
        for (place, missing) in holes {
            let place = place.index(torn.len());
            let Act::Data(side, bytes) = torn[place].clone() else { continue };
            torn.splice(place..=place, [Act::Data(side, bytes[..bytes.len() / 2].to_vec()), Act::Gap(side, missing)]);
        }
        // What was whole before the first hole is told in any case.
        let first = torn.iter().position(|act| matches!(act, Act::Gap(..))).unwrap_or(torn.len());
        let before = told(over, &torn[..first], usize::MAX);
        let after = told(over, &torn, usize::MAX);
        // The end tells what was cut of a head on either side.
        let certain = before.len().saturating_sub(2);
        prop_assert_eq!(&after[..certain], &before[..certain]);
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was_however_it_comes(plain in vec(any::<u8>(), 0..4_000), parts in 1..4_usize, piece in 1..200_usize, cut in any::<prop::sample::Index>()) {
        // Several members one behind the other are one file (RFC 1952 section 2.2).
        let mut packed = Vec::new();
        for part in plain.chunks(plain.len() / parts + 1) {
            let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            member.write_all(part).expect("memory takes it");
            packed.extend(member.finish().expect("memory takes it"));
        }
        let unpack = |bytes: &[u8], piece| {
            let mut out = Vec::new();
            let (mut reader, _) = compressed::plain(Drip { bytes, piece }).expect("it can be read");
            let error = reader.read_to_end(&mut out).err().map(|error| error.kind());
            (out, error)
        };
        if !plain.is_empty() {
            prop_assert_eq!(unpack(&packed, piece), (plain.clone(), None));
        }
        let cut = cut.index(packed.len() + 1);
        let whole = unpack(&packed[..cut], usize::MAX);
        if cut > 2 {
            prop_assert!(plain.starts_with(&whole.0));
            prop_assert_eq!(whole, unpack(&packed[..cut], piece));
        }
    }

    #[test]
    fn segments_in_any_order_with_any_overlap_are_one_stream(stream in vec(any::<u8>(), 1..600), base in any::<u32>(), cuts in vec((any::<prop::sample::Index>(), 1..200_usize), 0..40)) {
        let mut segments: Vec<(usize, usize)> = cuts.iter().map(|(start, length)| (start.index(stream.len()), *length)).collect();
        // What no segment brought comes at last, backwards.
        segments.extend((0..stream.len()).step_by(50).map(|start| (start, 50)).rev());
        let mut table = FlowTable::default();
        let mut client = Client::default();
        let [source, destination] = [23, 5].map(|last| IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)));
        let mut push = |frame: u64, sequence: u32, flags: u8, payload: &[u8]| {
            let at = At { frame: Frame::new(frame), time: Time(frame as i64 * 5_000_000) };
            let net = Some(Net { source, destination, ttl: 64, identification: 0 });
            let wire_length = payload.len() as u32;
            let segment = Segment { source_port: 40_000, destination_port: 5_061, sequence, acknowledgment: 0, flags, payload, wire_length };
            table.push(&Packet { at, link: Link::default(), net, body: Body::Tcp(segment), stopped: None }, &mut client);
        };
        push(1, base.wrapping_sub(1), Segment::SYN, &[]);
        for (frame, (start, length)) in (2..).zip(segments) {
            push(frame, base.wrapping_add(start as u32), Segment::ACK, &stream[start..(start + length).min(stream.len())]);
        }
        table.finish(&mut client);
        prop_assert_eq!(client.0, stream);
    }
}
