//! Events in the order of the capture in, the same events out in an order in which they can have happened: an answer that the
//! capture has a moment before its question waits for it, what is sent to a host waits for the answer that names that host, and
//! what came behind waits with it. A queue of a network card, or the other port of a tap, hands over a moment too late what came
//! side by side.
//!
//! What is judged is only who speaks of whom; what an answer is worth, and whether its question was lost, is not known here.

mod links;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::IpAddr;

use crate::event::{Event, EventSink};
use crate::model::{At, SECOND, Time};
use links::{Links, Use, links, names};

/// How long an answer waits for its question. Far less than any client waits before it asks again.
const PATIENCE: i64 = SECOND / 200;
/// For how many frames it waits, where time stands still.
const PATIENCE_FRAMES: u64 = 1_000;
/// Events that wait.
const WAITING: usize = 64;
/// Questions that are remembered, so that their answers need not wait.
const ASKED: usize = 256;
/// For how long.
const REMEMBERED: i64 = 2 * SECOND;

/// Puts events in order for another sink.
#[derive(Debug)]
pub struct Ordered<S> {
    sink: S,
    asked: VecDeque<Asked>,
    /// The first one lacks what it waits for.
    waiting: VecDeque<Waiting>,
}

/// A question.
#[derive(Debug)]
struct Asked {
    question: u64,
    at: Time,
    /// Who asks for a name.
    name_for: Option<IpAddr>,
}

#[derive(Debug)]
struct Waiting {
    event: Event,
    /// What belongs before it, if that was not seen yet.
    lacks: Option<Lack>,
}

/// What belongs before an event.
#[derive(Clone, Copy, Debug)]
enum Lack {
    /// The question that it answers.
    Question(u64),
    /// The answer that names this host to this one, if there is one.
    Name(Use),
}

impl Lack {
    fn is(self, event: &Event, links: &Links) -> bool {
        match self {
            Lack::Question(question) => links.is_asked_by(question, event),
            Lack::Name(used) => names(event, used),
        }
    }
}

impl<S: EventSink> EventSink for Ordered<S> {
    fn event(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            self.give_due(event.at);
        }
        let links = links(&event);
        let now = event.at.time;
        let question = links.answers.filter(|question| !self.is_asked(*question, &links, now)).map(Lack::Question);
        let lacks = question.or_else(|| links.uses.filter(|used| self.awaits_names(used.by, now)).map(Lack::Name));
        if let Some(question) = links.asks {
            if self.asked.len() >= ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back(Asked { question, at: now, name_for: links.name_for });
        }
        match lacks {
            None if self.waiting.is_empty() => self.sink.event(event),
            None => self.known_or_other(event, &links, None),
            Some(Lack::Question(_)) => self.wait(event, lacks),
            Some(Lack::Name(_)) => self.known_or_other(event, &links, lacks),
        }
    }

    fn is_done(&self) -> bool {
        self.sink.is_done()
    }
}

impl<S: EventSink> Ordered<S> {
    /// Puts events in order for this sink.
    pub fn new(sink: S) -> Self {
        Self { sink, asked: VecDeque::new(), waiting: VecDeque::new() }
    }

    /// The capture is over: nothing waits any longer.
    pub fn finish(mut self) -> S {
        while let Some(waiting) = self.waiting.pop_front() {
            self.sink.event(waiting.event);
        }
        self.sink
    }

    /// Was this asked before the answer came?
    fn is_asked(&mut self, question: u64, links: &Links, now: Time) -> bool {
        let asked = self.asked.iter().rposition(|asked| asked.question == question && now.since(asked.at) <= REMEMBERED);
        if let Some(position) = asked.filter(|_| links.once) {
            self.asked.remove(position);
        }
        asked.is_some()
    }

    /// Has this host asked for a name, and is not answered?
    fn awaits_names(&self, asker: IpAddr, now: Time) -> bool {
        self.asked.iter().rev().any(|asked| asked.name_for == Some(asker) && now.since(asked.at) <= REMEMBERED)
    }

    /// An event while others wait: it goes before what waits for it, or behind all that wait.
    fn known_or_other(&mut self, mut event: Event, links: &Links, lacks: Option<Lack>) {
        let waits_for_it = |waiting: &Waiting| waiting.lacks.is_some_and(|lack| lack.is(&event, links));
        let position = links.is_awaited(&event).then(|| self.waiting.iter().position(waits_for_it)).flatten();
        let Some(position) = position else { return self.wait(event, lacks) };
        if links.once && links.asks.is_some() {
            // It is answered.
            self.asked.pop_back();
        }
        if let Some(waiting) = self.waiting.get_mut(position) {
            waiting.lacks = None;
            event.at.frame = event.at.frame.before(waiting.event.at.frame);
        }
        self.waiting.insert(position, Waiting { event, lacks: None });
        self.give();
    }

    fn wait(&mut self, event: Event, lacks: Option<Lack>) {
        if self.waiting.len() >= WAITING
            && let Some(first) = self.waiting.front_mut()
        {
            first.lacks = None;
            self.give();
        }
        self.waiting.push_back(Waiting { event, lacks });
    }

    /// Gives on what waits, up to the first that lacks something.
    fn give(&mut self) {
        while self.waiting.front().is_some_and(|waiting| waiting.lacks.is_none()) {
            let Some(waiting) = self.waiting.pop_front() else { return };
            self.sink.event(waiting.event);
        }
    }

    /// Gives on what has waited for long enough.
    fn give_due(&mut self, now: At) {
        while let Some(first) = self.waiting.front_mut() {
            let then = first.event.at;
            let frames = now.frame.number().saturating_sub(then.frame.number());
            if now.time.since(then.time) <= PATIENCE && frames <= PATIENCE_FRAMES {
                return;
            }
            first.lacks = None;
            self.give();
        }
    }
}
