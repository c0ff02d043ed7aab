//! Events in the order of the capture in, the same events out in an order in which they can have happened: an answer that the
//! capture has a moment before its question waits for it, and what came behind waits with it. A queue of a network card, or the
//! other port of a tap, hands over a moment too late what came side by side.
//!
//! What is judged is only who speaks of whom; what an answer is worth, and whether its question was lost, is not known here.

mod links;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use crate::event::{Event, EventSink};
use crate::model::{At, SECOND, Time};
use links::{Links, links};

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
    asked: VecDeque<(u64, Time)>,
    /// The first one is an answer without its question.
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    event: Event,
    /// The question that it answers, if that was not seen yet.
    question: Option<u64>,
}

impl<S: EventSink> EventSink for Ordered<S> {
    fn event(&mut self, event: Event) {
        if !self.waiting.is_empty() {
            self.give_due(event.at);
        }
        let links = links(&event);
        let question = links.answers.filter(|question| !self.is_asked(*question, &links, event.at.time));
        if let Some(asks) = links.asks {
            if self.asked.len() >= ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back((asks, event.at.time));
        }
        match question {
            None if self.waiting.is_empty() => self.sink.event(event),
            None => self.question_or_other(event, &links),
            Some(_) => self.wait(event, question),
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
        let asked = self.asked.iter().rposition(|(asked, at)| *asked == question && now.since(*at) <= REMEMBERED);
        if let Some(position) = asked.filter(|_| links.once) {
            self.asked.remove(position);
        }
        asked.is_some()
    }

    /// An event while others wait: it goes before the answers to it, or behind all that wait.
    fn question_or_other(&mut self, mut event: Event, links: &Links) {
        let is_answer = |waiting: &Waiting| waiting.question.is_some_and(|question| links.is_asked_by(question, &event));
        let Some(position) = self.waiting.iter().position(is_answer) else {
            return self.wait(event, None);
        };
        if let Some(answer) = self.waiting.get_mut(position) {
            answer.question = None;
            event.at.frame = event.at.frame.before(answer.event.at.frame);
        }
        self.sink.event(event);
        self.give();
    }

    fn wait(&mut self, event: Event, question: Option<u64>) {
        if self.waiting.len() >= WAITING
            && let Some(first) = self.waiting.front_mut()
        {
            first.question = None;
            self.give();
        }
        self.waiting.push_back(Waiting { event, question });
    }

    /// Gives on what waits, up to the first answer that lacks its question.
    fn give(&mut self) {
        while self.waiting.front().is_some_and(|waiting| waiting.question.is_none()) {
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
            first.question = None;
            self.give();
        }
    }
}
