//! A stream parser, fed as the flow table feeds it. Shared with the fuzz targets.

use loginloop::flow::Step;
use loginloop::model::Side;
use loginloop::protocols::{Message, Out, OverTcp, StreamParser};

/// What a parser said, in order.
#[derive(Debug, Default, PartialEq)]
pub struct Said(pub Vec<(Side, Message)>);

impl Out for Said {
    fn message(&mut self, side: Side, message: Message) {
        self.0.push((side, message));
    }
}

/// Something that happens to a stream.
#[derive(Clone, Debug)]
pub enum Act {
    /// Bytes of a side.
    Data(Side, Vec<u8>),
    /// Bytes of a side that never came.
    Gap(Side, u64),
    /// A side has ended.
    End(Side),
}

/// Feeds a parser as the flow table does: what it does not use it is given again with more behind it.
struct Feed<O> {
    parser: Box<dyn StreamParser>,
    kept: [Vec<u8>; 2],
    need: [usize; 2],
    ended: [bool; 2],
    done: bool,
    said: O,
}

impl<O: Out> Feed<O> {
    fn new(over: &OverTcp, said: O) -> Self {
        let parser = (over.parser)();
        Self { parser, kept: Default::default(), need: [0; 2], ended: [false; 2], done: false, said }
    }

    fn data(&mut self, side: Side, fresh: &[u8]) {
        let index = side as usize;
        if self.ended[index] {
            return;
        }
        self.kept[index].extend_from_slice(fresh);
        loop {
            let bytes = self.kept[index].as_slice();
            if self.done || bytes.is_empty() || bytes.len() < self.need[index] {
                return;
            }
            let step = self.parser.data(side, bytes, &mut self.said);
            self.done = self.parser.is_over();
            match step {
                Step::Done => self.done = true,
                Step::Used { bytes: 0, need } => self.need[index] = need.max(bytes.len() + 1),
                Step::Used { bytes: used, need } => {
                    assert!(used <= bytes.len(), "more was used than there was");
                    self.need[index] = need;
                    self.kept[index].drain(..used);
                }
            }
        }
    }

    fn gap(&mut self, side: Side, missing: u64) {
        let index = side as usize;
        if !self.done && !self.ended[index] {
            self.kept[index].clear();
            self.need[index] = 0;
            self.done = self.parser.gap(side, missing, &mut self.said) == Step::Done;
        }
    }

    fn end(&mut self, side: Side) {
        let index = side as usize;
        if !self.done && !self.ended[index] {
            self.parser.end(side, &self.kept[index], &mut self.said);
            self.ended[index] = true;
        }
    }
}

/// What a parser says, when each piece of data comes in pieces of at most so many bytes.
pub fn told(over: &OverTcp, acts: &[Act], piece: usize) -> Vec<(Side, Message)> {
    told_to(over, acts, piece, Said::default()).0
}

/// The same, said to whatever listens.
pub fn told_to<O: Out>(over: &OverTcp, acts: &[Act], piece: usize, out: O) -> O {
    let mut feed = Feed::new(over, out);
    for act in acts {
        match act {
            Act::Data(side, bytes) => bytes.chunks(piece).for_each(|bytes| feed.data(*side, bytes)),
            Act::Gap(side, missing) => feed.gap(*side, *missing),
            Act::End(side) => feed.end(*side),
        }
    }
    feed.end(Side::Client);
    feed.end(Side::Server);
    feed.said
}
