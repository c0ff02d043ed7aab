//! One connection: heads and bodies in both directions, answers joined to their requests. A message is told when its
//! body is complete, as Wireshark does, or when it is known that it will never be.

use std::collections::VecDeque;
use std::sync::Arc;

use super::body::{Collector, Progress, limit};
use super::head::{First, Head, read};
use super::probe::{LINE_LIMIT, message_start, names_target, next_start};
use super::{Message, Request, Response};
use crate::flow::Step;
use crate::formats::heads::{Unfinished, before_last_line, skip_line_ends};
use crate::model::Side;
use crate::protocols::{Guess, Message as AnyMessage, Out, StreamParser};

/// A head longer than this is none.
pub(super) const HEAD_LIMIT: usize = 64 * 1024;
/// Requests that wait for an answer; in a capture of one direction nobody ever comes for them.
pub(super) const WAITING_LIMIT: usize = 64;

/// The parser of one connection.
#[derive(Debug, Default)]
pub(super) struct Parser {
    client: State,
    server: State,
    /// Requests that are not answered yet, in order.
    waiting: VecDeque<Arc<Request>>,
    next_index: u32,
    /// Length of the last head of either side, for what its message takes.
    head: usize,
    /// What follows is no HTTP any more: a tunnel, or the protocol that was upgraded to.
    left_http: bool,
}

/// What comes next on one side.
#[derive(Debug)]
enum State {
    /// A head, or the rest of one.
    Head(Unfinished),
    /// A body, and the message that it belongs to, unless that was told already.
    Body { message: Option<Pending>, collector: Collector },
    /// Nobody knows: framing was lost.
    Lost,
}

impl Default for State {
    fn default() -> Self {
        State::Head(Unfinished::default())
    }
}

/// A message whose body is not over.
#[derive(Debug)]
enum Pending {
    Request(Arc<Request>),
    Response(Arc<Response>),
}

impl StreamParser for Parser {
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step {
        let mut rest = bytes;
        loop {
            let (used, more) = self.step(side, rest, out);
            rest = rest.get(used..).unwrap_or_default();
            let used = bytes.len().saturating_sub(rest.len());
            if self.left_http {
                return Step::Used { bytes: used, need: 0 };
            }
            if !more {
                let need = if rest.is_empty() { 0 } else { rest.len().saturating_add(1) };
                return Step::Used { bytes: used, need };
            }
        }
    }

    fn gap(&mut self, side: Side, missing: u64, out: &mut dyn Out) -> Step {
        match std::mem::replace(self.state(side), State::Lost) {
            State::Body { message, mut collector } => {
                tell(side, message, &mut collector, false, out);
                if collector.skip(missing) {
                    *self.state(side) = State::Body { message: None, collector };
                }
            }
            State::Head(unfinished) => {
                self.cut_head(side, unfinished.seen(), out);
                // More heads may be in the hole, so that nobody knows any more which answer belongs to what.
                self.waiting.clear();
            }
            State::Lost => self.waiting.clear(),
        }
        Step::Used { bytes: 0, need: 0 }
    }

    fn end(&mut self, side: Side, rest: &[u8], out: &mut dyn Out) {
        match std::mem::replace(self.state(side), State::Lost) {
            State::Body { message, mut collector } => {
                let whole = collector.ends_with_connection();
                tell(side, message, &mut collector, whole, out);
            }
            State::Head(_) => self.cut_head(side, skip_line_ends(rest), out),
            State::Lost => {}
        }
    }

    fn is_over(&self) -> bool {
        self.left_http
    }

    fn held(&self) -> usize {
        let of = |state: &State| match state {
            State::Head(unfinished) => unfinished.seen().len(),
            State::Body { message, collector } => collector.kept().saturating_add(message.as_ref().map_or(0, |_| self.head)),
            State::Lost => 0,
        };
        let waiting = self.waiting.iter().map(|request| request.held()).fold(0, usize::saturating_add);
        of(&self.client).saturating_add(of(&self.server)).saturating_add(waiting)
    }
}

impl Parser {
    fn state(&mut self, side: Side) -> &mut State {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// Tells what there is of a head whose rest will never come, if that is enough to know what it was going to be.
    fn cut_head(&mut self, side: Side, head: &[u8], out: &mut dyn Out) {
        if message_start(head) == Guess::Yes || names_target(head) {
            let (message, mut collector) = self.open(read(head));
            tell(side, Some(message), &mut collector, false, out);
        }
    }

    /// One step: how many bytes it used, and whether another one may follow.
    fn step(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> (usize, bool) {
        // Whose these bytes are, the answer to the CONNECT tells.
        if side == Side::Client
            && bytes.len() < HEAD_LIMIT
            && self.waiting.back().is_some_and(|request| request.tunnel().is_some())
        {
            return (0, false);
        }
        match std::mem::take(self.state(side)) {
            State::Head(unfinished) => self.head(side, bytes, unfinished, out),
            State::Body { message, collector } => self.body(side, bytes, message, collector, out),
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
                self.head = end;
                let (message, mut collector) = self.open(read(head.get(..end).unwrap_or_default()));
                let message = if is_channel(&message) {
                    tell(side, Some(message), &mut collector, true, out);
                    None
                } else {
                    Some(message)
                };
                let (used, more) = self.body(side, head.get(end..).unwrap_or_default(), message, collector, out);
                (skipped.saturating_add(end).saturating_add(used), more)
            }
            None if head.len() < HEAD_LIMIT => {
                // The first line must be whole before it can be left unlooked at.
                if message_start(head) == Guess::Yes {
                    unfinished.goes_on(head);
                } else if names_target(head) {
                    unfinished.keep(head);
                } else if unfinished.is_new() {
                    // What looked like the beginning of a version was none.
                    unfinished = Unfinished::default();
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

    fn body(
        &mut self,
        side: Side,
        bytes: &[u8],
        message: Option<Pending>,
        mut collector: Collector,
        out: &mut dyn Out,
    ) -> (usize, bool) {
        let (used, progress) = collector.take(bytes);
        match progress {
            Progress::Wants => {
                *self.state(side) = State::Body { message, collector };
                (used, false)
            }
            Progress::Complete => {
                self.left_http |= message.as_ref().is_some_and(leaves_http);
                tell(side, message, &mut collector, true, out);
                (used, used < bytes.len())
            }
            Progress::Broken => {
                tell(side, message, &mut collector, false, out);
                *self.state(side) = State::Lost;
                (used, used < bytes.len())
            }
        }
    }

    /// The message that a head begins, joined to its request, and what will collect its body.
    fn open(&mut self, head: Head<'_>) -> (Pending, Collector) {
        match head.first {
            First::Request { method, uri } => {
                let request = Arc::new(head.request(method, uri, self.next_index));
                self.next_index = self.next_index.saturating_add(1);
                if self.waiting.len() >= WAITING_LIMIT {
                    self.waiting.pop_front();
                }
                self.waiting.push_back(Arc::clone(&request));
                (Pending::Request(request), Collector::new(head.request_framing(), head.coding(), 0))
            }
            First::Response { code } => {
                let mut response = head.response(code);
                // An interim answer (RFC 9110 section 15.2) leaves its request waiting; 101 is the last word of HTTP.
                let interim = matches!(code, 100 | 102..=199);
                response.request = if interim { self.waiting.front().cloned() } else { self.waiting.pop_front() };
                let request = response.request.as_deref();
                let framing = match request {
                    Some(request) if is_tunnel(&response, request) => super::body::Framing::Nothing,
                    request => head.response_framing(code, request.map(|request| request.method.raw())),
                };
                let limit = limit(&response, request);
                (Pending::Response(Arc::new(response)), Collector::new(framing, head.coding(), limit))
            }
        }
    }
}

/// Is the body of this request a channel that stays open for as long as it can ([MS-RPCH] 2.1.2.1), so that waiting for its
/// end would be waiting for ever?
fn is_channel(message: &Pending) -> bool {
    matches!(message, Pending::Request(request) if matches!(request.method.raw(), "RPC_IN_DATA" | "RPC_OUT_DATA"))
}

/// Does a request's answer open a tunnel (RFC 9110 section 9.3.6)?
fn is_tunnel(response: &Response, request: &Request) -> bool {
    request.method.raw() == "CONNECT" && matches!(response.code, 200..=299)
}

/// Is this the last message of HTTP on its connection?
fn leaves_http(message: &Pending) -> bool {
    match message {
        Pending::Request(_) => false,
        Pending::Response(response) => {
            response.code == 101 || response.request.as_ref().is_some_and(|request| is_tunnel(response, request))
        }
    }
}

fn tell(side: Side, message: Option<Pending>, collector: &mut Collector, whole: bool, out: &mut dyn Out) {
    let message = match message {
        None => return,
        Some(Pending::Request(request)) => Message::Request(request),
        Some(Pending::Response(mut response)) => {
            // Nobody else has it yet.
            Arc::make_mut(&mut response).body = collector.body(whole);
            Message::Response(response)
        }
    };
    out.message(side, AnyMessage::Http(message));
}
