//! LDAP over TCP: messages one after the other, or, once a SASL layer is on (RFC 4513 section 5.2.1.6, RFC 4422 section
//! 3.7), wrapped ones behind their length. Such a length begins with a zero octet, and a message never does.

use std::sync::Arc;

use super::parser::{begins, messages, parse, parse_beginning};
use super::{Body, Message, START_TLS, code};
use crate::flow::Step;
use crate::formats::ber::{self, Extent, tag};
use crate::formats::spnego;
use crate::model::Side;
use crate::protocols::{Guess, Message as AnyMessage, Out, StreamParser};

/// A message that is longer is none; a wrapped one neither.
const LONGEST: usize = 16 << 20;
/// A longer message is passed over, as nobody can keep it whole.
const LONGEST_KEPT: usize = 512 * 1024;
/// Length of the length before a wrapped message.
const PREFIX: usize = 4;

/// Could a message, plain or wrapped, begin here?
pub(super) fn guess(bytes: &[u8]) -> Guess {
    match bytes {
        [0, ..] if bytes.len() < PREFIX => Guess::Maybe,
        [0, ..] => wrapped_length(bytes).map_or(Guess::No, |_| wrapping(bytes.get(PREFIX..).unwrap_or_default())),
        _ => begins(bytes),
    }
}

/// Is this the beginning of a token of the GSS-API or of NTLM?
fn wrapping(token: &[u8]) -> Guess {
    const BEGINNINGS: [&[u8]; 3] = [&[0x05, 0x04], &[0x60], &[0x01, 0x00, 0x00, 0x00]];
    if BEGINNINGS.iter().any(|beginning| token.starts_with(beginning)) {
        Guess::Yes
    } else if BEGINNINGS.iter().any(|beginning| beginning.starts_with(token)) {
        Guess::Maybe
    } else {
        Guess::No
    }
}

/// Where a message begins again in a stream that has lost its framing, or may begin when more is there.
fn found(bytes: &[u8]) -> (usize, Guess) {
    let at = |start: usize| {
        let rest = bytes.get(start..).unwrap_or_default();
        match (guess(rest), next(rest)) {
            // By chance, lengths are mostly long.
            (Guess::Yes, Next::Nothing | Next::TooLong(_)) => Guess::No,
            (guess, _) => guess,
        }
    };
    let likely = (0..bytes.len()).map(|start| (start, at(start))).find(|(_, guess)| *guess != Guess::No);
    likely.unwrap_or((bytes.len(), Guess::No))
}

/// The length of a wrapped message, where one can begin.
fn wrapped_length(bytes: &[u8]) -> Option<usize> {
    let (prefix, _) = bytes.split_first_chunk::<PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    (1..=LONGEST).contains(&length).then_some(length)
}

/// Reads both directions of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    client: Progress,
    server: Progress,
    /// The number of the StartTLS request that waits for its answer.
    start_tls: Option<u32>,
    /// StartTLS was granted: what follows is TLS.
    is_over: bool,
}

/// How one side stands.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes of a message too long to keep that are still to come.
    skip: usize,
    /// The next message must first be found.
    lost: bool,
}

/// What begins a stretch of bytes.
enum Next {
    /// A whole message of so many bytes.
    Plain(usize),
    /// A whole wrapped message of so many bytes, prefix included.
    Wrapped(usize),
    /// So many bytes must be there first.
    Wants(usize),
    /// A message of so many bytes that is not worth keeping.
    TooLong(usize),
    /// None.
    Nothing,
}

fn next(bytes: &[u8]) -> Next {
    let whole = |length: usize, is_plain: bool| match length {
        length if length > LONGEST => Next::Nothing,
        length if length > LONGEST_KEPT => Next::TooLong(length),
        length if length > bytes.len() => Next::Wants(length),
        length if is_plain => Next::Plain(length),
        length => Next::Wrapped(length),
    };
    match bytes.first() {
        Some(&tag::SEQUENCE) => match ber::extent(bytes) {
            Extent::Bytes(length) => whole(length, true),
            Extent::Unfinished => Next::Wants(bytes.len().saturating_add(1)),
            Extent::Broken => Next::Nothing,
        },
        Some(0) if bytes.len() < PREFIX => Next::Wants(PREFIX),
        Some(0) => wrapped_length(bytes).map_or(Next::Nothing, |length| whole(length.saturating_add(PREFIX), false)),
        _ => Next::Nothing,
    }
}

impl StreamParser for Stream {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut used = 0_usize;
        while !self.is_over {
            let rest = bytes.get(used..).unwrap_or_default();
            let progress = self.progress(side);
            if progress.skip > 0 {
                let skipped = progress.skip.min(rest.len());
                progress.skip = progress.skip.saturating_sub(skipped);
                used = used.saturating_add(skipped);
                if progress.skip > 0 {
                    break;
                }
                continue;
            }
            if rest.is_empty() {
                break;
            }
            if progress.lost {
                let (start, guess) = found(rest);
                used = used.saturating_add(start);
                match guess {
                    Guess::Yes => progress.lost = false,
                    Guess::Maybe => {
                        let left = rest.len().saturating_sub(start);
                        return Step::Used { bytes: used, need: left.saturating_add(1) };
                    }
                    Guess::No => break,
                }
                continue;
            }
            match next(rest) {
                Next::Plain(length) => {
                    match rest.get(..length).and_then(parse) {
                        Some(message) => self.tell(side, message, out),
                        None => self.progress(side).lost = true,
                    }
                    used = used.saturating_add(length);
                }
                Next::Wrapped(length) => {
                    self.unwrap(side, rest.get(PREFIX..length).unwrap_or_default(), out);
                    used = used.saturating_add(length);
                }
                Next::Wants(need) => return Step::Used { bytes: used, need },
                Next::TooLong(length) => progress.skip = length,
                Next::Nothing => {
                    progress.lost = true;
                    used = used.saturating_add(1);
                }
            }
        }
        Step::Used { bytes: used, need: 0 }
    }

    fn cut(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        let progress = self.progress(side);
        if progress.skip == 0
            && !progress.lost
            && let Some(message) = parse_beginning(rest)
        {
            out.message(side, AnyMessage::Ldap(Arc::new(message)));
        }
    }

    fn gap(&mut self, side: Side, missing: u64, _out: &mut dyn Out) -> Step {
        let progress = self.progress(side);
        match usize::try_from(missing).ok().and_then(|missing| progress.skip.checked_sub(missing)) {
            Some(left) if progress.skip > 0 => progress.skip = left,
            _ => *progress = Progress { skip: 0, lost: true },
        }
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, _side: Side, _rest: &[u8], _out: &mut dyn Out) {
        // A message that was never completed was never a message to its receiver either.
    }

    fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Stream {
    fn progress(&mut self, side: Side) -> &mut Progress {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn tell(&mut self, side: Side, message: Message, out: &mut dyn Out) {
        match &message.body {
            Body::Extended(name) if name.raw() == START_TLS => self.start_tls = Some(message.id),
            Body::ExtendedDone(outcome, _) if self.start_tls == Some(message.id) => {
                self.start_tls = None;
                self.is_over = outcome.code == code::SUCCESS;
            }
            _ => {}
        }
        out.message(side, AnyMessage::Ldap(Arc::new(message)));
    }

    /// A wrapped message: what it holds, where it is only signed.
    fn unwrap(&mut self, side: Side, token: &[u8], out: &mut dyn Out) {
        let inside = spnego::unwrapped(token).map(|bytes| messages(&bytes)).unwrap_or_default();
        if inside.is_empty() {
            out.message(side, AnyMessage::Ldap(Arc::new(Message { id: 0, operation: 0, body: Body::Sealed })));
        }
        for message in inside {
            self.tell(side, message, out);
        }
    }
}
