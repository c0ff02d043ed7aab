//! Recording what a device asks of the time, and what comes back.

use crate::event::Event;
use crate::model::{At, Endpoint};
use crate::protocols::ntp;

use super::super::steps::{Clock, StepKind};
use super::repeats::is_next_retry;
use super::{CLOCK_BURST, Draft, DraftId, Recorder, SAME_QUESTION, Thread, add_newest};

impl Recorder {
    pub(super) fn ntp(&mut self, event: &Event, message: &ntp::Message) {
        let client = message.mode == 3;
        let server = if client { event.destination().ip() } else { event.source().ip() };
        let Some(server) = server else { return };
        let open = self.threads.get(&Thread::Clock(server)).copied().filter(|id| !client || self.same_clock(*id, event.at));
        let id = open.unwrap_or_else(|| {
            let name = self.names.name_of(Endpoint::Ip(std::net::SocketAddr::new(server, 123))).map(|(name, _)| name);
            let clock = Clock { server, name, requests: Vec::new(), answers: Vec::new(), unreachable: None };
            let id = self.begin(event.at, StepKind::Clock(Box::new(clock)));
            self.threads.insert(Thread::Clock(server), id);
            id
        });
        let Some(StepKind::Clock(clock)) = self.touch(id, event.at) else { return };
        let list = if client { &mut clock.requests } else { &mut clock.answers };
        add_newest(list, (event.at, message.clone()));
    }

    /// Does a request to the same server go on with this exchange: no usable answer yet, and nothing else tried since?
    fn same_clock(&self, id: DraftId, at: At) -> bool {
        let Some(Draft { kind: StepKind::Clock(clock), last, .. }) = self.drafts.get(id) else { return false };
        let usable = clock.answers.iter().any(|(_, answer)| answer.is_usable());
        let patience = if clock.answers.is_empty() { 4 * SAME_QUESTION } else { CLOCK_BURST };
        let soon = at.time.since(last.time) <= patience && is_next_retry(clock.requests.iter().map(|(asked, _)| *asked), at);
        !usable && soon && !self.moved_on(id, last)
    }
}
