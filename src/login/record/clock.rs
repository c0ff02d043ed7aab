//! Recording what a device asks of the time, and what comes back.

use crate::event::Event;
use crate::model::{At, Endpoint, SECOND};
use crate::protocols::ntp;

use super::super::steps::{Clock, StepKind};
use super::repeats::is_next_retry;
use super::{CLOCK_BURST, Draft, DraftId, Recorder, SAME_QUESTION, Thread, add_newest};

/// A client that keeps to it asks again after the least time between two questions (RFC 4330 section 10), however soon it did before.
const LEAST_POLL: std::ops::RangeInclusive<i64> = 29 * SECOND / 2..=16 * SECOND;
/// How many exchanges back a device may have asked for the time that it does without.
const LOOKED_BACK: usize = 64;

impl Recorder {
    pub(super) fn ntp(&mut self, event: &Event, message: &ntp::Message) {
        let client = message.mode == 3;
        let server = if client { event.destination().ip() } else { event.source().ip() };
        let Some(server) = server else { return };
        let open = self.threads.get(&Thread::Clock(server)).copied().filter(|id| !client || self.same_clock(*id, event.at));
        let id = open.unwrap_or_else(|| {
            let name = self.names.name_of(Endpoint::Ip(std::net::SocketAddr::new(server, 123))).map(|(name, _)| name);
            let done_without = self.is_beyond_time;
            let clock = Clock { server, name, requests: Vec::new(), answers: Vec::new(), unreachable: None, done_without };
            let id = self.begin(event.at, StepKind::Clock(Box::new(clock)));
            self.threads.insert(Thread::Clock(server), id);
            id
        });
        let Some(StepKind::Clock(clock)) = self.touch(id, event.at) else { return };
        let list = if client { &mut clock.requests } else { &mut clock.answers };
        add_newest(list, (event.at, message.clone()));
    }

    /// The device goes on to what the capture cut: whatever it has asked of the time since it last began from nothing, it does without.
    pub(super) fn goes_on_without_time(&mut self) {
        self.is_beyond_time = true;
        let starts_over = |draft: &Draft| matches!(&draft.kind, StepKind::Lease(lease) if !lease.discovers.is_empty());
        for draft in self.drafts.values_mut().rev().take_while(|draft| !starts_over(draft)).take(LOOKED_BACK) {
            if let StepKind::Clock(clock) = &mut draft.kind {
                clock.done_without = true;
            }
        }
    }

    /// Does a request to the same server go on with this exchange: no usable answer yet, and nothing else tried since?
    fn same_clock(&self, id: DraftId, at: At) -> bool {
        let Some(Draft { kind: StepKind::Clock(clock), last, .. }) = self.drafts.get(id) else { return false };
        let usable = clock.answers.iter().any(|(_, answer)| answer.is_usable());
        let patience = if clock.answers.is_empty() { 4 * SAME_QUESTION } else { CLOCK_BURST };
        let asked = || clock.requests.iter().map(|(asked, _)| *asked);
        let at_least_poll = asked().next_back().is_some_and(|last| LEAST_POLL.contains(&at.time.since(last.time)));
        let soon = at.time.since(last.time) <= patience && (at_least_poll || is_next_retry(asked(), at));
        !usable && soon && !self.moved_on(id, last)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device::facts::DeviceFacts;
    use crate::event::What;
    use crate::findings::testing::{IntoStep, at, dhcp_message, ntp_exchange};
    use crate::flow::{Flow, Transport};
    use crate::model::Side;
    use crate::packet::Link;
    use crate::protocols::{Message, dhcp};

    /// What the device does in one frame.
    #[derive(Clone, Copy, PartialEq)]
    enum Act {
        AsksTime,
        Discovers,
        /// A datagram for this port, whole or cut.
        Unread(u16, bool),
    }

    /// Of which of its questions for the time the device does without the answer.
    fn done_without(acts: &[Act]) -> Vec<bool> {
        let mut recorder = Recorder::default();
        for (act, frame) in acts.iter().zip((1..).step_by(200)) {
            let end = |host: u8, port: u16| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], port)));
            let to = |port: u16, what: What| {
                let flow = Flow { id: 1, transport: Transport::Udp, client: end(23, 5060), server: end(9, port), oriented: true };
                Event { at: at(frame), link: Link::default(), flow, side: Side::Client, what }
            };
            let StepKind::Clock(clock) = ntp_exchange(1, &[]).into_step(frame).kind else { panic!("no clock") };
            let (_, question) = clock.requests[0].clone();
            let discover = dhcp::Message { operation: 1, ..dhcp_message(dhcp::kind::DISCOVER, &[]) };
            match *act {
                Act::AsksTime => recorder.event(&to(123, What::Message(Message::Ntp(question))), &DeviceFacts::default()),
                Act::Discovers => {
                    recorder.event(&to(67, What::Message(Message::Dhcp(Arc::new(discover)))), &DeviceFacts::default());
                }
                Act::Unread(port, whole) => recorder.sign_of_life(&to(port, What::Unread { whole })),
            }
        }
        let clocks = recorder.drafts().filter_map(|(_, draft)| match &draft.kind {
            StepKind::Clock(clock) => Some(clock.done_without),
            _ => None,
        });
        clocks.collect()
    }

    /// How many exchanges these questions for the time make, none of which is answered.
    fn exchanges(seconds: &[i64]) -> usize {
        let mut recorder = Recorder::default();
        for (second, frame) in seconds.iter().zip(1..) {
            let end = |host: u8| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], 123)));
            let flow = Flow { id: 1, transport: Transport::Udp, client: end(23), server: end(9), oriented: true };
            let StepKind::Clock(clock) = ntp_exchange(1, &[]).into_step(frame).kind else { panic!("no clock") };
            let what = What::Message(Message::Ntp(clock.requests[0].1.clone()));
            let at = At { time: crate::model::Time::from_seconds(*second), ..at(frame) };
            recorder.event(&Event { at, link: Link::default(), flow, side: Side::Client, what }, &DeviceFacts::default());
        }
        recorder.drafts().count()
    }

    #[test]
    fn a_question_after_the_least_time_between_polls_goes_on_with_those_before_it() {
        assert_eq!(exchanges(&[0, 3, 6, 21, 24]), 1);
        assert_eq!(exchanges(&[0, 3, 6, 18, 21]), 2, "the device had paused");
    }

    #[test]
    fn who_goes_on_to_what_the_capture_cut_does_without_the_time_until_it_begins_from_nothing() {
        use Act::*;
        assert_eq!(done_without(&[AsksTime, Unread(53, false)]), [true]);
        assert_eq!(done_without(&[AsksTime, Unread(5060, true)]), [false], "a keep-alive can be read, and says nothing");
        assert_eq!(done_without(&[AsksTime, Unread(123, false)]), [false], "it asks for the time");
        assert_eq!(done_without(&[Unread(5060, false), AsksTime]), [true]);
        assert_eq!(done_without(&[AsksTime, Discovers, Unread(53, false)]), [false]);
        assert_eq!(done_without(&[Unread(5060, false), Discovers, AsksTime]), [false]);
    }
}
