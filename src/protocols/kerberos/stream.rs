//! Kerberos over TCP: messages behind their length (RFC 4120 section 7.2.2).

use std::sync::Arc;

use super::parser;
use crate::flow::Step;
use crate::model::Side;
use crate::protocols::{Guess, Message as AnyMessage, Out, StreamParser};

/// Length of the length.
const PREFIX: usize = 4;
/// A longer message is none: tickets with thousands of groups stay below.
const LONGEST: usize = 512 * 1024;

/// Could a length with its message begin here?
pub(super) fn guess(bytes: &[u8]) -> Guess {
    match bytes.split_first_chunk::<PREFIX>() {
        Some(_) if length(bytes).is_none() => Guess::No,
        Some((_, message)) => parser::begins(message),
        None if bytes.first().is_none_or(|first| *first == 0) => Guess::Maybe,
        None => Guess::No,
    }
}

/// Where a message begins again in a stream that has lost its framing, or may begin when more is there.
fn found(bytes: &[u8]) -> (usize, Guess) {
    let guesses = (0..bytes.len()).map(|start| (start, guess(bytes.get(start..).unwrap_or_default())));
    guesses.into_iter().find(|(_, guess)| *guess != Guess::No).unwrap_or((bytes.len(), Guess::No))
}

fn length(bytes: &[u8]) -> Option<usize> {
    let (prefix, _) = bytes.split_first_chunk::<PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    (1..=LONGEST).contains(&length).then_some(length)
}

/// Reads both directions of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    lost: [bool; 2],
}

impl Stream {
    fn lost(&mut self, side: Side) -> &mut bool {
        let [client, server] = &mut self.lost;
        match side {
            Side::Client => client,
            Side::Server => server,
        }
    }
}

impl StreamParser for Stream {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut rest = bytes;
        loop {
            let used = bytes.len().saturating_sub(rest.len());
            if *self.lost(side) {
                let (start, guess) = found(rest);
                let used = used.saturating_add(start);
                rest = rest.get(start..).unwrap_or_default();
                match guess {
                    Guess::Yes => *self.lost(side) = false,
                    Guess::Maybe => return Step::Used { bytes: used, need: rest.len().saturating_add(1) },
                    Guess::No => return Step::Used { bytes: used, need: 0 },
                }
                continue;
            }
            let Some((_, behind)) = rest.split_first_chunk::<PREFIX>() else { return Step::Used { bytes: used, need: PREFIX } };
            let Some(length) = length(rest) else {
                *self.lost(side) = true;
                continue;
            };
            let Some((message, next)) = behind.split_at_checked(length) else {
                return Step::Used { bytes: used, need: PREFIX.saturating_add(length) };
            };
            rest = next;
            match parser::parse(message) {
                Some(message) => out.message(side, AnyMessage::Kerberos(Arc::new(message))),
                None => *self.lost(side) = true,
            }
        }
    }

    fn cut(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        let message = rest.get(PREFIX..).filter(|_| !*self.lost(side)).and_then(parser::parse);
        if let Some(message) = message {
            out.message(side, AnyMessage::Kerberos(Arc::new(message)));
        }
    }

    fn gap(&mut self, side: Side, _missing: u64, _out: &mut dyn Out) -> Step {
        *self.lost(side) = true;
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, _side: Side, _rest: &[u8], _out: &mut dyn Out) {
        // A message that was never completed was never a message to its receiver either.
    }
}
