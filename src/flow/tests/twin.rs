//! The stream against an obviously right, slow twin that keeps one cell for each byte.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::flow::assembler::{Assembler, Stretch};
use crate::flow::leftover::{Leftover, Out, Why};

const SPACE: usize = 120;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    Unknown,
    Byte(u8),
    Cut,
}

/// What comes out: bytes, and holes between them, neighbours joined.
#[derive(Debug, Default, PartialEq)]
struct Output(Vec<Result<Vec<u8>, u64>>);

impl Output {
    fn byte(&mut self, byte: u8) {
        match self.0.last_mut() {
            Some(Ok(bytes)) => bytes.push(byte),
            _ => self.0.push(Ok(vec![byte])),
        }
    }

    fn missing(&mut self, count: u64) {
        match self.0.last_mut() {
            Some(Err(missing)) => *missing += count,
            _ => self.0.push(Err(count)),
        }
    }
}

impl Out for Output {
    fn stream(&mut self, bytes: &[u8]) -> Step {
        bytes.iter().for_each(|byte| self.byte(*byte));
        uses_all(bytes)
    }

    fn gap(&mut self, missing: u64, _: Why) -> Interest {
        assert!(missing > 0);
        self.missing(missing);
        Interest::Payload
    }
}

struct Twin {
    cells: Vec<Cell>,
    next: usize,
    acked: usize,
    output: Output,
}

impl Twin {
    fn settle(&mut self, all: bool) {
        loop {
            match self.cells.get(self.next) {
                None => return,
                Some(Cell::Byte(byte)) => self.output.byte(*byte),
                Some(Cell::Cut) => self.output.missing(1),
                Some(Cell::Unknown) => {
                    let Some(hole) = self.cells[self.next..].iter().position(|cell| *cell != Cell::Unknown) else {
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

#[derive(Clone, Debug)]
enum Act {
    Segment { start: usize, bytes: Vec<u8>, cut: usize },
    Ack(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let segment = (0..SPACE - 40, vec(any::<u8>(), 1..30), prop_oneof![4 => Just(0_usize), 1 => 1..9_usize]);
    let segment = segment.prop_map(|(start, bytes, cut)| Act::Segment { start, bytes, cut });
    vec(prop_oneof![6 => segment, 1 => (0..SPACE).prop_map(Act::Ack)], 1..40)
}

proptest! {
    #[test]
    fn any_order_overlap_and_repeat_gives_what_the_twin_gives(acts in acts(), base in prop_oneof![any::<u32>(), (u32::MAX - 100)..u32::MAX]) {
        let mut twin = Twin { cells: vec![Cell::Unknown; SPACE], next: 0, acked: 0, output: Output::default() };
        let mut assembler = Assembler::new(false);
        let mut output = Output::default();
        let mut bench = Bench { base, ..Bench::default() };
        bench.open();
        for act in &acts {
            match act {
                Act::Segment { start, bytes, cut } => {
                    for (index, cell) in twin.cells.iter_mut().enumerate().skip(*start).take(bytes.len() + cut) {
                        if *cell == Cell::Unknown && index >= twin.next {
                            *cell = bytes.get(index - start).map_or(Cell::Cut, |byte| Cell::Byte(*byte));
                        }
                    }
                    let stretch = Stretch { start: *start as u64, bytes, lost: *cut as u64 };
                    let known = assembler.knows(stretch.start, stretch.start + (bytes.len() + cut) as u64);
                    let before = assembler.knows(0, SPACE as u64);
                    assembler.push(stretch, twin.acked as u64, &Limits::default(), &mut output);
                    prop_assert!(!known || before == assembler.knows(0, SPACE as u64));
                    bench.segment(Side::Client, ACK, *start as i64, 0, bytes, *cut as u32);
                }
                Act::Ack(acked) => {
                    twin.acked = twin.acked.max(*acked);
                    assembler.advance(twin.acked as u64, &Limits::default(), &mut output);
                    bench.segment(Side::Server, ACK, 0, *acked as i64, &[], 0);
                }
            }
            twin.settle(false);
            prop_assert_eq!(&twin.output, &output);
        }
        twin.settle(true);
        assembler.flush(twin.acked as u64, &Limits::default(), &mut output);
        prop_assert_eq!(&twin.output, &output);
        // The whole table says the same, gap for gap.
        bench.finish();
        let missing: u64 = bench.calls().iter().filter_map(|call| call.split("client gap ").nth(1)?.parse::<u64>().ok()).sum();
        prop_assert_eq!(missing, output.0.iter().filter_map(|part| part.as_ref().err()).sum::<u64>());
    }

    #[test]
    fn messages_are_the_same_however_the_stream_is_cut(lengths in vec(0..40_u8, 1..20), cuts in vec(1..30_usize, 1..40)) {
        let stream: Vec<u8> = lengths.iter().flat_map(|length| [0, *length].into_iter().chain(std::iter::repeat_n(b'm', usize::from(*length)))).collect();
        struct Parts(usize);
        impl Out for Parts {
            fn stream(&mut self, bytes: &[u8]) -> Step {
                let step = messages(bytes);
                self.0 += usize::from(matches!(step, Step::Used { bytes: 1.., .. }));
                step
            }
            fn gap(&mut self, _: u64, _: Why) -> Interest {
                unreachable!()
            }
        }
        let (mut leftover, mut parts, mut rest) = (Leftover::default(), Parts(0), stream.as_slice());
        for cut in cuts.iter().cycle() {
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            leftover.offer(head, 1 << 20, &mut parts);
            rest = tail;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(parts.0, lengths.len());
        prop_assert!(leftover.bytes().is_empty());
        prop_assert!(leftover.moved <= 2 * stream.len());
    }

    #[test]
    fn the_same_packets_give_the_same_calls_in_any_table(packets in vec((0..6_u16, any::<bool>(), 0..32_u8, -3..60_i64, -3..60_i64, 0..20_usize, 0..3_u32, -3_600..7_200_i64), 1..120)) {
        let run = || {
            let mut bench = Bench::with(Limits { flows: 4, side_bytes: 50, pieces: 3, all_bytes: 400, closed: 2, ..Limits::default() });
            for (port, client, flags, offset, acked, length, cut, wait) in &packets {
                bench.port = 40_000 + port;
                let side = if *client { Side::Client } else { Side::Server };
                bench.wait(wait * SECOND).segment(side, *flags, *offset, *acked, &b"abcdefghijklmnopqrst"[..*length], *cut);
                assert!(bench.table.len() <= 4 && bench.table.buffered() <= 400);
            }
            bench.finish();
            assert_eq!(bench.table.buffered(), 0);
            bench.calls()
        };
        let calls = run();
        let started = 1 + calls.iter().filter_map(|call| call.split('#').nth(1)?.split(' ').next()?.parse::<usize>().ok()).max().unwrap_or(0);
        prop_assert_eq!(calls.iter().filter(|call| call.ends_with("ended")).count(), started);
        prop_assert_eq!(calls, run());
    }
}
