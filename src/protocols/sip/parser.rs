//! Datagrams and streams of SIP. A message is told when its body is there; of the body nothing is kept.

use std::sync::Arc;

use super::Message;
use super::headers::{Head, read};
use super::probe::{LINE_LIMIT, datagram_start, message_start, next_start};
use crate::flow::Step;
use crate::formats::heads::{Unfinished, before_last_line, head_end, skip_line_ends};
use crate::model::Side;
use crate::protocols::{Guess, Message as AnyMessage, Out, StreamParser};

/// A head longer than this is none.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;

/// Reads a datagram.
pub(super) fn datagram(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool {
    if !datagram_start(bytes) {
        return false;
    }
    let bytes = skip_line_ends(bytes);
    // Nobody knows how the last line goes on that the capture cuts.
    let last = if whole { None } else { memchr::memrchr(b'\n', bytes) };
    let bytes = last.and_then(|last| bytes.get(..=last)).unwrap_or(bytes);
    let end = head_end(bytes, 0);
    let head = bytes.get(..end.unwrap_or(bytes.len().min(HEAD_LIMIT))).unwrap_or_default();
    let Head { message, .. } = read(head, end.is_none());
    tell(side, Arc::new(message), out);
    true
}

/// The parser of one connection.
#[derive(Debug, Default)]
pub(super) struct Parser {
    client: State,
    server: State,
    /// Length of the last head of either side, for what its message takes.
    head: usize,
}

/// What comes next on one side.
#[derive(Debug)]
enum State {
    /// A head, or the rest of one.
    Head(Unfinished),
    /// So many bytes of a body, and the message that it belongs to, unless that was told already.
    Body { message: Option<Arc<Message>>, left: u64 },
    /// Nobody knows: framing was lost.
    Lost,
}

impl Default for State {
    fn default() -> Self {
        State::Head(Unfinished::default())
    }
}

impl StreamParser for Parser {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut rest = bytes;
        loop {
            let (used, more) = self.step(side, rest, out);
            rest = rest.get(used..).unwrap_or_default();
            if !more {
                let need = if rest.is_empty() { 0 } else { rest.len().saturating_add(1) };
                return Step::Used { bytes: bytes.len().saturating_sub(rest.len()), need };
            }
        }
    }

    fn gap(&mut self, side: Side, missing: u64, out: &mut dyn Out) -> Step {
        let state = self.state(side);
        match std::mem::replace(state, State::Lost) {
            State::Body { message, left } => {
                if let Some(left) = left.checked_sub(missing) {
                    *state = State::Body { message: None, left };
                }
                if let Some(message) = message {
                    tell(side, message, out);
                }
            }
            State::Head(unfinished) => cut_head(side, unfinished.seen(), out),
            State::Lost => {}
        }
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        match std::mem::replace(self.state(side), State::Lost) {
            State::Body { message: Some(message), .. } => tell(side, message, out),
            State::Head(_) => cut_head(side, skip_line_ends(rest), out),
            _ => {}
        }
    }

    fn held(&self) -> usize {
        let of = |state: &State| match state {
            State::Head(unfinished) => unfinished.seen().len(),
            State::Body { message: Some(_), .. } => self.head,
            _ => 0,
        };
        of(&self.client).saturating_add(of(&self.server))
    }
}

impl Parser {
    fn state(&mut self, side: Side) -> &mut State {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// One step: how many bytes it used, and whether another one may follow.
    fn step(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> (usize, bool) {
        match std::mem::take(self.state(side)) {
            State::Head(unfinished) => self.head(side, bytes, unfinished, out),
            State::Body { message, left } => self.body(side, bytes, message, left, out),
            State::Lost => match next_start(bytes) {
                // Without this, two opinions on one line would send it back and forth for ever.
                Some(start) if bytes.get(start..).is_some_and(|rest| message_start(rest) != Guess::No) => (start, true),
                _ => {
                    *self.state(side) = State::Lost;
                    (before_last_line(bytes, LINE_LIMIT), false)
                }
            },
        }
    }

    fn head(&mut self, side: Side, bytes: &[u8], mut unfinished: Unfinished, out: &mut dyn Out) -> (usize, bool) {
        let head = skip_line_ends(bytes);
        let skipped = bytes.len().saturating_sub(head.len());
        if head.is_empty() {
            return (skipped, false);
        }
        if unfinished.is_new() && message_start(head) == Guess::No {
            *self.state(side) = State::Lost;
            return (skipped, true);
        }
        match unfinished.end(head) {
            Some(end) if end <= HEAD_LIMIT => {
                let Head { message, content_length } = read(head.get(..end).unwrap_or_default(), false);
                let body = head.get(end..).unwrap_or_default();
                self.head = end;
                // RFC 3261 section 18.3 demands a Content-Length on streams; without one there is no body to be seen.
                let (used, more) = self.body(side, body, Some(Arc::new(message)), content_length.unwrap_or(0), out);
                (skipped.saturating_add(end).saturating_add(used), more)
            }
            None if head.len() < HEAD_LIMIT => {
                // The first line must be whole before it can be left unlooked at.
                if message_start(head) == Guess::Yes {
                    unfinished.goes_on(head);
                }
                *self.state(side) = State::Head(unfinished);
                (skipped, false)
            }
            _ => {
                *self.state(side) = State::Lost;
                (bytes.len(), false)
            }
        }
    }

    fn body(&mut self, side: Side, bytes: &[u8], message: Option<Arc<Message>>, left: u64, out: &mut dyn Out) -> (usize, bool) {
        let used = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let left = left.saturating_sub(used as u64);
        if left > 0 {
            *self.state(side) = State::Body { message, left };
            return (used, false);
        }
        if let Some(message) = message {
            tell(side, message, out);
        }
        (used, used < bytes.len())
    }
}

/// Tells what there is of a head whose rest will never come, if that is enough to know what it was going to be.
fn cut_head(side: Side, head: &[u8], out: &mut dyn Out) {
    if message_start(head) == Guess::Yes {
        tell(side, Arc::new(read(head, true).message), out);
    }
}

fn tell(side: Side, message: Arc<Message>, out: &mut dyn Out) {
    out.message(side, AnyMessage::Sip(message));
}
