//! Look-ups: which question goes on with which, and whose answer it is.

use std::sync::Arc;

use crate::event::Event;
use crate::flow::Transport;
use crate::model::{At, SECOND};
use crate::protocols::dns;
use crate::text::WireText;

use super::super::steps::{Answer, Lookup, StepKind};
use super::repeats::{ends_series, is_next_retry};
use super::{Draft, DraftId, OPEN_QUERIES, OpenQuery, Recorder, SAME_QUESTION, add_newest};

/// After a server's error, only a question that comes again so soon goes on with the same look-up.
const SAME_QUESTION_AFTER_ERROR: i64 = 5 * SECOND;
/// So often a stub resolver asks in all: two servers, twice (RFC 1123 section 6.1.3.3; resolv.conf's `attempts`).
const TRIES_AFTER_ERROR: usize = 4;
/// A stub resolver goes on to its next server, or round its list once more, as soon as an error is there (RFC 1035 section 7.2); a
/// question that comes later is the device's own.
const GOES_ON_AFTER_ERROR: i64 = SECOND;
/// How many exchanges back the same question may lie.
const LOOKED_BACK: usize = 64;

/// A number for a question, of its record type, the length of its name and the first letters, whatever their case: where it
/// differs, so does the question.
pub(super) fn mark(name: &WireText, kind: u16) -> u64 {
    const CASE: u64 = 0x2020_2020_2020_2020;
    let letters = name.raw().as_bytes().first_chunk().copied().map(u64::from_ne_bytes);
    let length = name.raw().len() as u64;
    letters.unwrap_or_default() & !CASE ^ (length.rotate_left(16) | u64::from(kind))
}

impl Recorder {
    pub(super) fn dns(&mut self, event: &Event, message: &Arc<dns::Message>) {
        if message.opcode != 0 || event.flow.server.ip().is_some_and(|ip| ip.is_multicast()) {
            return;
        }
        match &message.question {
            Some(question) if message.response => self.dns_answer(event, message, question),
            Some(question) => self.dns_query(event, message, question),
            // A server that refuses may leave the question out: its number says which one it was.
            None if message.response && message.rcode != 0 => {
                if let Some(question) = self.question_of(event, message.id) {
                    self.dns_answer(event, message, &question);
                }
            }
            None => {}
        }
    }

    /// The question that was last sent to this server under this number.
    fn question_of(&self, event: &Event, id: u16) -> Option<dns::Question> {
        let server = event.source().ip()?;
        let drafts = self.queries.iter().rev().filter(|query| query.id == id).filter_map(|query| self.drafts.get(query.draft));
        drafts.filter_map(|draft| as_lookup(&draft.kind)).find_map(|lookup| {
            let asked_there = lookup.queries.iter().any(|(_, asked)| *asked == server);
            asked_there.then(|| dns::Question { name: lookup.name.clone(), kind: lookup.kind })
        })
    }

    pub(super) fn dns_query(&mut self, event: &Event, message: &dns::Message, question: &dns::Question) {
        let Some(server) = event.destination().ip() else { return };
        let id = self.same_question(event, message.id, question).unwrap_or_else(|| {
            let lookup = asks_for(question);
            self.begin(event.at, StepKind::Lookup(Box::new(lookup)))
        });
        if self.queries.len() >= OPEN_QUERIES {
            self.queries.pop_front();
        }
        self.queries.push_back(OpenQuery { id: message.id, draft: id });
        if let Some(StepKind::Lookup(lookup)) = self.touch(id, event.at) {
            add_newest(&mut lookup.queries, (event.at, server));
        }
    }

    /// The look-up that this question goes on with: a repeat while no good answer has come.
    pub(super) fn same_question(&self, event: &Event, id: u16, question: &dns::Question) -> Option<DraftId> {
        let mark = mark(&question.name, question.kind);
        let mut alike = self.drafts.iter().rev().take(LOOKED_BACK).filter(|(_, draft)| draft.question == mark);
        let (draft_id, lookup) = alike.find_map(|(id, draft)| match &draft.kind {
            StepKind::Lookup(lookup)
                if lookup.kind == question.kind && lookup.name.raw().eq_ignore_ascii_case(question.name.raw()) =>
            {
                Some((id, lookup))
            }
            _ => None,
        })?;
        let (asked, _) = lookup.queries.last()?;
        let age = event.at.time.since(asked.time);
        let same_id = || self.queries.iter().rev().any(|query| query.draft == draft_id && query.id == id);
        let goes_on = match &lookup.answer {
            None => {
                let asked_before = || lookup.queries.iter().map(|(asked, _)| *asked);
                let is_next_retry = || is_next_retry(asked_before(), event.at) && !self.gave_up(draft_id, lookup, event);
                age <= SAME_QUESTION && (same_id() || !self.moved_on(draft_id, asked) && is_next_retry())
            }
            Some(answer) if answer.truncated => event.flow.transport == Transport::Tcp,
            Some(answer) if answer.rcode == 2 || answer.rcode == 5 => {
                let tries = lookup.queries.len() < TRIES_AFTER_ERROR && age <= SAME_QUESTION_AFTER_ERROR;
                let anew = || !same_id() && is_asked_after_pause(lookup, answer, event) && !self.is_led_to(draft_id);
                tries && !anew() && !self.moved_on(draft_id, asked) && !self.asked_more(draft_id, answer.at)
            }
            // The same datagram once more: captured twice, or crossed by its answer.
            Some(_) => age <= SECOND && same_id(),
        };
        goes_on.then_some(draft_id)
    }

    /// Did the question before lead to this one, as that for SRV records does to that for an address (RFC 3263 section 4.2)? Who starts
    /// over begins with that.
    fn is_led_to(&self, draft: DraftId) -> bool {
        let mut recent = self.drafts.iter().rev().take(LOOKED_BACK).skip_while(|(id, _)| *id != draft);
        let first = recent.next().map(|(_, draft)| draft.first.time);
        let before = recent.map(|(_, draft)| draft).find(|draft| !matches!(draft.kind, StepKind::Neighbour(_)));
        let is_near = |before: &Draft| first.is_some_and(|first| first.since(before.last.time) < GOES_ON_AFTER_ERROR);
        before.is_some_and(|before| matches!(before.kind, StepKind::Lookup(_)) && is_near(before))
    }

    /// Does a question under a new number come clearly later than the next repeat was due, where repeats bear the number of their
    /// first? Then the device had given that look-up up. What comes within a second is a copy, and no repeat.
    fn gave_up(&self, draft: DraftId, lookup: &Lookup, event: &Event) -> bool {
        let numbers: Vec<u16> = self.queries.iter().filter(|query| query.draft == draft).map(|query| query.id).collect();
        let Some(last) = numbers.last() else { return false };
        let repeats = numbers.iter().rev().take_while(|number| *number == last).count();
        let round = lookup.queries.get(lookup.queries.len().saturating_sub(repeats)..).unwrap_or_default();
        let asked_there = round.iter().any(|(_, server)| Some(*server) == event.destination().ip());
        asked_there && ends_series(round.iter().map(|(asked, _)| *asked), event.at)
    }

    /// Did the device go on to another question once it had this answer?
    fn asked_more(&self, draft: DraftId, answer: At) -> bool {
        self.drafts.after(draft).any(|other| other.first > answer && matches!(other.kind, StepKind::Lookup(_)))
    }

    pub(super) fn dns_answer(&mut self, event: &Event, message: &Arc<dns::Message>, question: &dns::Question) {
        let Some(server) = event.source().ip() else { return };
        let id = self.queries.iter().rev().filter(|query| query.id == message.id).map(|query| query.draft).find(|id| {
            self.drafts.get(*id).is_some_and(|draft| match &draft.kind {
                StepKind::Lookup(lookup) => {
                    lookup.kind == question.kind && lookup.name.raw().eq_ignore_ascii_case(question.name.raw())
                }
                _ => false,
            })
        });
        self.names.learn(event.at.frame, question, message);
        // An answer whose question is not in the capture: the login was under way when it began.
        let id = id.unwrap_or_else(|| {
            let lookup = asks_for(question);
            self.begin(event.at, StepKind::Lookup(Box::new(lookup)))
        });
        let is_for_address = matches!(question.kind, dns::kind::A | dns::kind::AAAA);
        let service = is_for_address.then(|| self.names.service_at(&question.name)).flatten();
        let Some(StepKind::Lookup(lookup)) = self.touch(id, event.at) else { return };
        if lookup.answer.is_none() || !lookup.found() {
            lookup.answer = Some(Answer {
                at: event.at,
                server,
                rcode: u16::from(message.rcode),
                truncated: message.truncated && !message.tcp,
                partial: message.problem.is_some(),
                message: Arc::clone(message),
            });
            lookup.target_of = service.filter(|_| !lookup.found()).map(Box::new);
        }
    }
}

fn asks_for(question: &dns::Question) -> Lookup {
    let (name, kind) = (question.name.clone(), question.kind);
    Lookup { name, kind, target_of: None, queries: Vec::new(), answer: None, unreachable: None }
}

/// Was the last question answered by an error, and does this one come after a pause to a server that was asked before?
fn is_asked_after_pause(lookup: &Lookup, answer: &Answer, event: &Event) -> bool {
    let is_answered = lookup.queries.last().is_some_and(|(asked, server)| *asked <= answer.at && *server == answer.server);
    let was_asked = lookup.queries.iter().any(|(_, server)| Some(*server) == event.destination().ip());
    is_answered && was_asked && event.at.time.since(answer.at.time) >= GOES_ON_AFTER_ERROR
}

fn as_lookup(kind: &StepKind) -> Option<&Lookup> {
    match kind {
        StepKind::Lookup(lookup) => Some(lookup),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::device::facts::DeviceFacts;
    use crate::event::What;
    use crate::findings::testing::{at, at_second};
    use crate::flow::Flow;
    use crate::model::{Endpoint, Side};
    use crate::packet::Link;
    use crate::protocols::Message;

    fn event(at: At, host: u8, side: Side, message: dns::Message) -> Event {
        let end = |host: u8, port: u16| Endpoint::Ip(SocketAddr::from(([10, 0, 0, host], port)));
        let flow = Flow { id: 1, transport: Transport::Udp, client: end(23, 50_000), server: end(host, 53), oriented: true };
        Event { at, link: Link::default(), flow, side, what: What::Message(Message::Dns(Arc::new(message))) }
    }

    /// How often each look-up was asked by these questions: the second, the server, the number, and what that answers at once.
    fn asked(questions: &[(f64, u8, u16, Option<u8>)]) -> Vec<usize> {
        let mut recorder = Recorder::default();
        for (frame, (second, host, number, rcode)) in (1..).zip(questions) {
            let now = at_second(frame * 2, *second);
            let question = Some(dns::Question { name: WireText::from("sip.contoso.com"), kind: dns::kind::A });
            let asked = dns::Message { id: *number, question, ..dns::Message::default() };
            let told = rcode.map(|rcode| dns::Message { rcode, response: true, ..asked.clone() });
            recorder.event(&event(now, *host, Side::Client, asked), &DeviceFacts::default());
            if let Some(told) = told {
                recorder.event(&event(now, *host, Side::Server, told), &DeviceFacts::default());
            }
        }
        recorder.drafts().filter_map(|(_, draft)| as_lookup(&draft.kind)).map(|lookup| lookup.queries.len()).collect()
    }

    /// The same, where one server refuses every question, and the next one comes after so many seconds.
    fn refused_every(seconds: f64, times: u16) -> Vec<usize> {
        let questions: Vec<_> = (1..=times).map(|number| (f64::from(number) * seconds, 2, number, Some(5))).collect();
        asked(&questions)
    }

    #[test]
    fn a_question_that_is_refused_is_asked_again_at_once_a_few_times_and_then_anew() {
        assert_eq!(refused_every(0.2, 3), [3]);
        assert_eq!(refused_every(0.2, 10), [4, 4, 2]);
        assert_eq!(refused_every(3.0, 3), [1, 1, 1], "after a pause");
        assert_eq!(asked(&[(0.0, 2, 1, Some(2)), (3.0, 2, 2, Some(2))]), [1, 1]);
    }

    #[test]
    fn what_another_question_led_to_is_not_where_a_device_starts_over() {
        let rounds = |first: &str| {
            let mut recorder = Recorder::default();
            for (frame, (second, name)) in (1..).zip([(0.0, first), (0.1, "sip.contoso.com"), (2.0, "sip.contoso.com")]) {
                let now = at_second(frame * 2, second);
                let question = Some(dns::Question { name: WireText::from(name), kind: dns::kind::A });
                let asked = dns::Message { id: frame as u16, question, ..dns::Message::default() };
                let told = dns::Message { rcode: 2, response: true, ..asked.clone() };
                recorder.event(&event(now, 2, Side::Client, asked), &DeviceFacts::default());
                recorder.event(&event(now, 2, Side::Server, told), &DeviceFacts::default());
            }
            recorder.drafts().count()
        };
        assert_eq!(rounds("_sip._udp.contoso.com"), 2, "it would begin with the first");
        assert_eq!(rounds("sip.contoso.com"), 2, "the same, at once and after a pause");
    }

    #[test]
    fn what_a_resolver_waits_for_is_not_the_pause_of_the_device() {
        assert_eq!(asked(&[(0.0, 2, 1, None), (3.0, 2, 2, None)]), [2], "nothing came");
        assert_eq!(asked(&[(0.0, 2, 1, Some(2)), (3.0, 3, 2, Some(2))]), [2], "it is the next server's turn");
        assert_eq!(asked(&[(0.0, 2, 1, Some(2)), (0.1, 3, 2, None), (3.1, 2, 3, Some(2))]), [3], "that one said nothing");
        assert_eq!(asked(&[(0.0, 2, 1, Some(2)), (3.0, 2, 1, Some(2))]), [2], "the same datagram");
    }

    #[test]
    fn where_repeats_bear_one_number_a_new_number_after_a_longer_pause_is_asked_anew() {
        let rounds = |pause: f64, numbers: [u16; 4]| {
            let seconds = [0.0, 5.0, 5.0 + pause, 10.0 + pause];
            let questions: Vec<_> = seconds.into_iter().zip(numbers).map(|(second, number)| (second, 2, number, None)).collect();
            asked(&questions)
        };
        assert_eq!(rounds(9.3, [1, 1, 2, 2]), [2, 2]);
        assert_eq!(rounds(9.3, [1, 1, 1, 1]), [4], "one number");
        assert_eq!(rounds(9.3, [1, 2, 3, 4]), [4], "a number for each repeat");
        assert_eq!(rounds(5.2, [1, 1, 2, 2]), [4], "at the pace of the repeats");
        let copied = [(0.0, 2, 1, None), (0.001, 2, 1, None), (2.0, 2, 2, None), (2.001, 2, 2, None)];
        assert_eq!(asked(&copied), [4], "each was captured twice");
        let next_server = [(0.0, 2, 1, None), (5.0, 2, 1, None), (14.3, 3, 2, None)];
        assert_eq!(asked(&next_server), [3], "the next server's turn");
    }

    #[test]
    fn of_icmp_that_of_the_last_question_counts() {
        use crate::protocols::icmp;
        let told = |later: &[(u64, bool)]| {
            let mut recorder = Recorder::default();
            for (frame, is_question) in [(1, true), (2, false)].iter().chain(later) {
                let question = Some(dns::Question { name: WireText::from("sip.contoso.com"), kind: dns::kind::A });
                let asked = event(at(*frame), 2, Side::Client, dns::Message { id: 7, question, ..dns::Message::default() });
                let (source, destination) = (([10, 0, 0, 23], 50_000).into(), ([10, 0, 0, 2], 53).into());
                let quoted = Some(icmp::Quoted { protocol: 17, source, destination });
                let message = icmp::Message { v6: false, kind: 3, code: 3, quoted, mtu: None, discovery: None };
                let refused = Event { side: Side::Server, what: What::Message(Message::Icmp(message)), ..asked.clone() };
                recorder.event(if *is_question { &asked } else { &refused }, &DeviceFacts::default());
            }
            let (_, draft) = recorder.drafts().next().expect("a look-up");
            as_lookup(&draft.kind).and_then(|lookup| lookup.unreachable).map(|(at, _)| at)
        };
        assert_eq!(told(&[(3, true), (4, false)]), Some(at(4)));
        assert_eq!(told(&[(3, false)]), Some(at(2)), "a copy of it");
        assert_eq!(told(&[(3, true)]), Some(at(2)), "nothing more came");
    }

    /// The answer to a question under number 7, where a message without a question comes back.
    fn answer(id: u16, rcode: u8, from: u8) -> Option<u16> {
        let question = Some(dns::Question { name: WireText::from("sip.contoso.com"), kind: dns::kind::A });
        let mut recorder = Recorder::default();
        let asked = dns::Message { id: 7, question, ..dns::Message::default() };
        let told = dns::Message { id, rcode, response: true, ..dns::Message::default() };
        recorder.event(&event(at(1), 2, Side::Client, asked), &DeviceFacts::default());
        recorder.event(&event(at(2), from, Side::Server, told), &DeviceFacts::default());
        let (_, draft) = recorder.drafts().next().expect("a look-up");
        as_lookup(&draft.kind)?.answer.as_ref().map(|answer| answer.rcode)
    }

    #[test]
    fn a_refusal_that_leaves_the_question_out_answers_the_one_of_its_number() {
        assert_eq!(answer(7, 5, 2), Some(5));
        assert_eq!(answer(8, 5, 2), None, "another number");
        assert_eq!(answer(7, 5, 3), None, "another server");
        assert_eq!(answer(7, 0, 2), None, "it says nothing");
    }

    #[test]
    fn a_question_has_one_mark_whatever_the_case_of_its_name() {
        let mark = |name: &str, kind: u16| mark(&WireText::from(name), kind);
        assert_eq!(mark("sip.contoso.com", dns::kind::A), mark("sIp.CONTOSO.com", dns::kind::A));
        assert_ne!(mark("sip.contoso.com", dns::kind::A), mark("sip.contoso.com", dns::kind::AAAA));
        assert_ne!(mark("sip.contoso.com", dns::kind::A), mark("sip1.contoso.com", dns::kind::A));
    }
}
