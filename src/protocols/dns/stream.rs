//! DNS over TCP: messages with their length before them (RFC 1035 section 4.2.2), several on a connection (RFC 7766).

use std::sync::Arc;

use super::parser::{self, HEADER};
use crate::bytes::Reader;
use crate::flow::Step;
use crate::model::Side;
use crate::protocols::{self, Guess, Out, StreamParser};

/// Length of the length.
const PREFIX: usize = 2;
/// Shortest question: root name, type, class.
const SHORTEST_QUESTION: usize = 5;
/// Shortest record: root name, type, class, lifetime, length.
const SHORTEST_RECORD: usize = 11;

/// Could a message begin here? `Maybe` where too little is there to tell.
pub(super) fn guess(bytes: &[u8]) -> Guess {
    let mut reader = Reader::new(bytes);
    let Ok(length) = reader.u16("length") else { return Guess::Maybe };
    if usize::from(length) < HEADER {
        return Guess::No;
    }
    match counts(&mut reader) {
        None => Guess::Maybe,
        Some(least) if least <= usize::from(length) => Guess::Yes,
        Some(_) => Guess::No,
    }
}

/// How long a message with this header is at least: chance bytes promise more records than they have room for.
fn counts(reader: &mut Reader<'_>) -> Option<usize> {
    reader.u16("id").ok()?;
    reader.u16("flags").ok()?;
    let mut count = || reader.u16("count").map(usize::from).ok();
    let questions = count()?.saturating_mul(SHORTEST_QUESTION);
    let records = count()?.saturating_add(count()?).saturating_add(count()?).saturating_mul(SHORTEST_RECORD);
    Some(HEADER.saturating_add(questions).saturating_add(records))
}

/// Reads both directions of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    lost: Lost,
}

/// Which sides must first find the next message again.
#[derive(Debug, Default)]
struct Lost {
    client: bool,
    server: bool,
}

impl Lost {
    fn of(&mut self, side: Side) -> &mut bool {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

impl StreamParser for Stream {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut reader = Reader::new(bytes);
        loop {
            let used = reader.offset();
            if *self.lost.of(side) {
                match guess(reader.peek()) {
                    Guess::Yes => *self.lost.of(side) = false,
                    Guess::Maybe => return Step::Used { bytes: used, need: PREFIX.saturating_add(HEADER) },
                    // Messages mostly begin with a segment: look again when the next one comes.
                    Guess::No => return Step::Used { bytes: bytes.len(), need: 0 },
                }
            }
            let Ok(length) = reader.u16("length") else { return Step::Used { bytes: used, need: PREFIX } };
            let length = usize::from(length);
            let Ok(message) = reader.take(length, "message") else {
                return Step::Used { bytes: used, need: PREFIX.saturating_add(length) };
            };
            match parser::parse(message, true, true) {
                Some(message) => out.message(side, protocols::Message::Dns(Arc::new(message))),
                None => *self.lost.of(side) = true,
            }
        }
    }

    fn cut(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        let message = rest.get(PREFIX..).filter(|_| !*self.lost.of(side)).and_then(|message| parser::parse(message, true, false));
        if let Some(message) = message {
            out.message(side, protocols::Message::Dns(Arc::new(message)));
        }
    }

    fn gap(&mut self, side: Side, _missing: u64, _out: &mut dyn Out) -> Step {
        *self.lost.of(side) = true;
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, _side: Side, _rest: &[u8], _out: &mut dyn Out) {
        // A message that was never completed was never a message to its receiver either.
    }
}
