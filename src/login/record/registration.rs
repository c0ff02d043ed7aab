//! SIP: transactions over UDP and TCP, and which of them belong to one registration.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::Event;
use crate::flow::{Flow, Transport};
use crate::model::{At, Endpoint, SECOND};
use crate::protocols::sip;

use super::super::steps::{Connection, PAUSE, Registration, StepKind, Transaction};
use super::{Draft, DraftId, Recorder, Thread, add_newest};

/// What else than a REGISTER a device asks within this time belongs to the registration before: a SUBSCRIBE that it had ready.
const BESIDE: i64 = SECOND;
/// Repeats behind an answer that show that the device does not hear it.
const UNHEARD: usize = 4;
/// T1 and T2: a request over UDP is repeated after T1, twice that, and so on up to T2 (RFC 3261 section 17.1.2.2).
const T1: i64 = SECOND / 2;
const T2: i64 = 4 * SECOND;

impl Recorder {
    pub(super) fn sip(&mut self, event: &Event, message: &Arc<sip::Message>) {
        // The method of an answer that the capture cut is that of the request which it belongs to.
        let nameless = message.cut && message.method().is_empty();
        if !nameless && !matches!(message.method(), "REGISTER" | "SUBSCRIBE" | "PUBLISH") {
            return self.sip_of_others(event, message);
        }
        let request = message.code().is_none();
        let server = if request { event.destination() } else { event.source() };
        if server.ip().is_some_and(|ip| ip.is_multicast()) {
            if request && message.method() == "SUBSCRIBE" {
                self.asks_all_hosts(event.at);
            }
            return;
        }
        self.asks_by_sip |= request;
        let unheard = self.is_unheard(event, message);
        if event.flow.transport == Transport::Tcp {
            let at = event.at;
            if request && message.method() == "REGISTER" {
                self.register_anew(&event.flow, at, message);
            }
            if let Some(connection) = self.connection(&event.flow, at) {
                record_sip(&mut connection.sip, at, message, unheard);
            }
            return;
        }
        let asked = if unheard { Cow::Owned(message.answered()) } else { Cow::Borrowed(message.as_ref()) };
        let Some(id) = self.registration(event, &asked, server) else { return };
        if let Some(StepKind::Registration(registration)) = self.touch(id, event.at) {
            record_sip(&mut registration.transactions, event.at, message, unheard);
            if request {
                set_unheard(&mut registration.transactions, message);
            }
        }
    }

    /// The device sends a registrar a keep-alive, or answers what it asks, over UDP.
    pub(super) fn greets_registrar(&mut self, event: &Event) {
        let Some(id) = self.threads.get(&Thread::Registration(event.destination())) else { return };
        if let Some(Draft { kind: StepKind::Registration(registration), .. }) = self.drafts.get_mut(*id) {
            registration.alive = Some(event.at);
        }
    }

    /// Does this answer a REGISTER that the capture lacks, since it holds no request of the device, or none to this server?
    fn is_unheard(&self, event: &Event, message: &sip::Message) -> bool {
        let is_final = message.method() == "REGISTER" && message.code().is_some_and(|code| code >= 200);
        let granted = matches!(message.code(), Some(200..=299)) && event.flow.transport == Transport::Udp;
        is_final && (!self.asks_by_sip || granted && !self.threads.contains_key(&Thread::Registration(event.source())))
    }

    /// Plug-and-play belongs to the address from which the device asks.
    fn asks_all_hosts(&mut self, at: At) {
        let leases = self.drafts.values_mut().rev().filter_map(|draft| match &mut draft.kind {
            StepKind::Lease(lease) if lease.used.is_some() || lease.acks.iter().any(|(_, ack)| !ack.your.is_unspecified()) => {
                Some(lease)
            }
            _ => None,
        });
        if let Some(lease) = leases.into_iter().next() {
            lease.plug_and_play = Some(at);
        }
    }

    /// What is about no registration shows by its success that the device stands beyond that.
    fn sip_of_others(&mut self, event: &Event, message: &sip::Message) {
        let granted = matches!(message.code(), Some(200..=299)) && event.side == crate::model::Side::Server;
        let Some(id) = self.connections.get(&event.flow.id).filter(|_| granted) else { return };
        if let Some(Draft { kind: StepKind::Connection(connection), .. }) = self.drafts.get_mut(*id) {
            connection.granted = true;
        }
    }

    /// A device whose registration failed may try again, after its pause, on the connection that still stands: that is another
    /// exchange.
    fn register_anew(&mut self, flow: &Flow, at: At, message: &sip::Message) {
        let Some(id) = self.connections.get(&flow.id) else { return };
        let Some(Draft { kind: StepKind::Connection(connection), .. }) = self.drafts.get_mut(*id) else { return };
        let Some(last) = connection.sip.iter().rfind(|transaction| transaction.request.method() == "REGISTER") else { return };
        let answer = last.answer.as_ref().map(|(answered, answer)| (*answered, answer.code()));
        let since = answer.map(|(answered, _)| answered).max(last.sent.last().copied()).unwrap_or_default();
        let took_it = match answer {
            Some((_, code)) => matches!(code, Some(200..=299)),
            // Where nothing of the server was captured, it may have.
            None => connection.stats.server.last.is_none(),
        };
        let paused = at.time.since(since.time) >= PAUSE;
        if connection.tls.is_some() || took_it || !paused || continues(&connection.sip, message) {
            return;
        }
        connection.ended = true;
        let (closes, sip) = (Vec::new(), Vec::new());
        let next = Connection { syn: None, syn_ack: None, ended: false, closes, sip, ..connection.as_ref().clone() };
        let id = self.begin(at, StepKind::Connection(Box::new(next)));
        self.connections.insert(flow.id, id);
    }

    pub(super) fn registration(&mut self, event: &Event, message: &sip::Message, server: Endpoint) -> Option<DraftId> {
        let open = self.threads.get(&Thread::Registration(server)).copied();
        if message.code().is_some() {
            return open;
        }
        let goes_on = open.filter(|id| match self.drafts.get(*id) {
            Some(Draft { kind: StepKind::Registration(registration), last, .. }) => {
                let same = continues(&registration.transactions, message)
                    || repeats_nameless(&registration.transactions, event.at, message);
                let continues = same && !self.restarted_since(*last);
                let soon = if message.method() == "REGISTER" { PAUSE } else { BESIDE };
                continues || event.at.time.since(last.time).abs() < soon
            }
            _ => false,
        });
        Some(goes_on.unwrap_or_else(|| {
            let client = if server == event.source() { event.destination() } else { event.source() };
            let flow = Flow { client, server, ..event.flow };
            let (name, name_frame) = self.names.name_of(server).unzip();
            let registration = Registration { flow, name, name_frame, transactions: Vec::new(), unreachable: None, alive: None };
            let id = self.begin(event.at, StepKind::Registration(Box::new(registration)));
            self.threads.insert(Thread::Registration(server), id);
            id
        }))
    }
}

/// Is this request a repeat of one of these, an answer to a challenge among them, or does it follow a success?
fn continues(transactions: &[Transaction], message: &sip::Message) -> bool {
    let Some(last) = transactions.last() else { return true };
    if transactions.iter().any(|transaction| same_transaction(transaction, message)) {
        return true;
    }
    match last.answer.as_ref().and_then(|(_, answer)| answer.code()) {
        Some(200..=299) => true,
        Some(401 | 407) => {
            last.request.call_id == message.call_id && !message.credentials.is_empty() && last.request.credentials.is_empty()
        }
        Some(_) | None => false,
    }
}

/// Is it one whose number the capture cut off?
fn nameless(message: &sip::Message) -> bool {
    message.cut && message.cseq.1.is_empty()
}

/// Does this request, whose number the capture cut off, come when the last one is to be repeated?
fn repeats_nameless(transactions: &[Transaction], at: At, message: &sip::Message) -> bool {
    nameless(message) && transactions.last().is_some_and(|last| is_repeat_of(last, at, message))
}

/// The same of one transaction: no answer has come, or none but a challenge, which may be that of an earlier request, given again for
/// each of its repeats.
fn is_repeat_of(transaction: &Transaction, at: At, message: &sip::Message) -> bool {
    let Transaction { sent, request, answer, .. } = transaction;
    let pause = sent.iter().skip(1).fold(T1, |pause, _| pause.saturating_mul(2).min(T2));
    let waited = sent.last().map_or(0, |last| at.time.since(last.time));
    let open = answer.as_ref().is_none_or(|(_, answer)| is_nameless_challenge(answer));
    let same = nameless(request) && request.method() == message.method() && !other_branch(transaction, message);
    open && same && waited.abs_diff(pause) <= pause.unsigned_abs() / 4
}

fn is_nameless_challenge(answer: &sip::Message) -> bool {
    nameless(answer) && matches!(answer.code(), Some(401 | 407))
}

fn same_transaction(transaction: &Transaction, message: &sip::Message) -> bool {
    let named = !message.cseq.1.is_empty();
    let same_branch = message.branch.is_some() && transaction.request.branch == message.branch;
    same_branch || named && transaction.request.call_id == message.call_id && transaction.request.cseq == message.cseq
}

/// Do the branches of both tell that they are not of one transaction (RFC 3261 section 17.1.3)?
fn other_branch(transaction: &Transaction, message: &sip::Message) -> bool {
    transaction.request.branch.as_ref().zip(message.branch.as_ref()).is_some_and(|(one, other)| one != other)
}

/// Does this answer a REGISTER that came after all of these, by its number (RFC 3261 section 10.2), and that the capture lacks?
fn answers_unseen(transactions: &[Transaction], message: &sip::Message) -> bool {
    let mut of_call = transactions.iter().filter(|transaction| transaction.request.call_id == message.call_id).peekable();
    let is_final = message.code().is_some_and(|code| code >= 200) && !message.cut && message.method() == "REGISTER";
    is_final && of_call.peek().is_some() && of_call.all(|transaction| transaction.request.cseq.0 < message.cseq.0)
}

/// The transaction that a message belongs to. Where the capture cut its CSeq off, an answer goes to the last request that
/// has none, as one does whose request was cut there, and a request repeats only one that is still open.
fn transaction_of<'a>(transactions: &'a mut [Transaction], at: At, message: &sip::Message) -> Option<&'a mut Transaction> {
    let told_before = |transaction: &Transaction| {
        let told = transaction.answer.as_ref().filter(|_| message.code().is_some() && !message.cseq.1.is_empty());
        told.is_some_and(|(_, told)| told.cseq == message.cseq && told.call_id == message.call_id)
    };
    let exact = transactions.iter().rposition(|transaction| same_transaction(transaction, message) || told_before(transaction));
    let place = exact.or_else(|| {
        transactions.iter().rposition(|transaction| {
            if other_branch(transaction, message) {
                return false;
            }
            let open = transaction.answer.is_none() && transaction.request.method() == message.method();
            let of_call = transaction.request.call_id.is_empty() || transaction.request.call_id == message.call_id;
            match (nameless(message), message.code()) {
                (true, Some(_)) => transaction.answer.is_none(),
                (true, None) => open || is_repeat_of(transaction, at, message),
                (false, Some(_)) => open && of_call && nameless(&transaction.request),
                (false, None) => false,
            }
        })
    });
    // A success that no other request waits for is that of the last one: what it was told before was for an earlier one.
    let after_all = || {
        let last = transactions.len().checked_sub(1)?;
        let told = transactions.get(last)?;
        let challenged = told.answer.as_ref().is_some_and(|(_, answer)| is_nameless_challenge(answer));
        let takes = nameless(message) && matches!(message.code(), Some(200..=299)) && !other_branch(told, message);
        let soon = told.sent.last().is_some_and(|asked| at.time.since(asked.time) <= T2);
        (challenged && takes && soon).then_some(last)
    };
    let place = place.or_else(after_all);
    place.and_then(|place| transactions.get_mut(place))
}

/// `unheard`: the capture holds no request of this device, so that an answer stands for its question too.
fn record_sip(transactions: &mut Vec<Transaction>, at: At, message: &Arc<sip::Message>, unheard: bool) {
    let alone = unheard || answers_unseen(transactions, message);
    match (message.code(), transaction_of(transactions, at, message)) {
        (None, Some(transaction)) => add_newest(&mut transaction.sent, at),
        (None, None) => {
            add_newest(
                transactions,
                Transaction { sent: vec![at], request: Arc::clone(message), provisional: None, answer: None, unheard: None },
            );
        }
        (Some(100..=199), Some(transaction)) => transaction.provisional = transaction.provisional.or(Some(at)),
        (Some(_), Some(transaction)) if transaction.unheard.is_some() => {}
        (Some(code), Some(transaction)) if transaction.answer.is_none() || takes_after_all(transaction, code) => {
            transaction.answer = Some((at, Arc::clone(message)));
        }
        (Some(_), None) if alone => {
            let (request, answer) = (Arc::new(message.answered()), Some((at, Arc::clone(message))));
            add_newest(transactions, Transaction { sent: Vec::new(), request, provisional: None, answer, unheard: None });
        }
        (Some(_), _) => {}
    }
}

/// Sets an answer aside that the device goes on to ask for, and takes one back that it shows to have heard after all.
fn set_unheard(transactions: &mut [Transaction], message: &sip::Message) {
    let is_challenge = |(_, answer): &mut (At, Arc<sip::Message>)| matches!(answer.code(), Some(401 | 407));
    if let [.., before, last] = transactions
        && Arc::as_ptr(&last.request) == std::ptr::from_ref(message)
        && !message.credentials.is_empty()
        && before.request.call_id == message.call_id
    {
        before.answer = before.answer.take().or_else(|| before.unheard.take_if(is_challenge));
        return;
    }
    let repeated = transactions.iter_mut().rfind(|transaction| same_transaction(transaction, message));
    if let Some(transaction) = repeated.filter(|transaction| is_deaf(transaction, message)) {
        transaction.unheard = transaction.answer.take();
    }
}

/// Does the device go on to repeat by its timer what was answered? It does so until it hears a final answer (RFC 3261 section 17.1.2.2):
/// a repeat may cross the answer, and that may be lost once. Who gives other credentials under the same number asks something else.
fn is_deaf(transaction: &Transaction, message: &sip::Message) -> bool {
    let Some((answered, answer)) = &transaction.answer else { return false };
    // What a device cannot read is no answer to it, though it came.
    let may_be_strange = answer.challenges.iter().any(|challenge| !challenge.scheme.raw().eq_ignore_ascii_case("Digest"));
    let same = transaction.request.credentials.is_empty() == message.credentials.is_empty() && !message.cut;
    let again = transaction.sent.iter().rev().take_while(|sent| sent.time.since(answered.time) >= T1 / 2);
    let by_timer = |(next, one): (&At, &At)| (T1 / 2..=T2 + T1).contains(&next.time.since(one.time));
    let mut last = transaction.sent.iter().rev().zip(transaction.sent.iter().rev().skip(1)).take(UNHEARD);
    same && !may_be_strange && again.count() >= UNHEARD && last.all(by_timer)
}

/// Does this answer take what an earlier one refused? A client that gives its credentials under the same CSeq, against RFC 3261
/// section 22.2, asks again with each of them.
fn takes_after_all(transaction: &Transaction, code: u16) -> bool {
    let refused = transaction.answer.as_ref().filter(|(_, answer)| !matches!(answer.code(), Some(200..=299)));
    let asked_again = refused
        .is_some_and(|(refused, answer)| is_nameless_challenge(answer) || transaction.sent.iter().any(|sent| sent > refused));
    matches!(code, 200..=299) && asked_again
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::DeviceFacts;
    use crate::event::What;
    use crate::findings::testing::{at, at_second, sip_answer, sip_auth, sip_request};
    use crate::model::Side;
    use crate::packet::Link;
    use crate::protocols::{Message, icmp};
    use crate::text::WireText;

    fn answer(messages: Vec<sip::Message>) -> Option<u16> {
        let mut transactions = Vec::new();
        for (frame, message) in (1..).zip(messages) {
            record_sip(&mut transactions, at(frame), &Arc::new(message), false);
        }
        assert_eq!(transactions.len(), 1);
        transactions[0].answer.as_ref()?.1.code()
    }

    #[test]
    fn who_asks_again_under_the_same_number_and_is_taken_was_not_refused() {
        let asks = || sip_request("REGISTER", 2);
        assert_eq!(answer(vec![asks(), sip_answer(401, 2), asks(), sip_answer(200, 2)]), Some(200));
        assert_eq!(answer(vec![asks(), sip_answer(401, 2), asks(), sip_answer(401, 2)]), Some(401));
        assert_eq!(answer(vec![asks(), sip_answer(200, 2), asks(), sip_answer(401, 2)]), Some(200));
    }

    /// A request of the given seconds, each answered at once, and whether the answer counts.
    fn heard(seconds: &[f64], then: Option<sip::Message>) -> Option<u16> {
        heard_of("Digest", seconds, then)
    }

    /// The same, where the challenge is of this scheme.
    fn heard_of(scheme: &str, seconds: &[f64], then: Option<sip::Message>) -> Option<u16> {
        let mut transactions = Vec::new();
        let mut says = |second: f64, message: sip::Message| {
            let (message, request) = (Arc::new(message.clone()), message.code().is_none());
            record_sip(&mut transactions, at_second(1, second), &message, false);
            if request {
                set_unheard(&mut transactions, &message);
            }
        };
        for second in seconds {
            says(*second, sip_request("REGISTER", 1));
            says(*second + 0.01, sip::Message { challenges: vec![sip_auth(scheme)], ..sip_answer(401, 1) });
        }
        if let Some(then) = then {
            says(seconds.last().unwrap() + 0.02, then);
        }
        let first: &Transaction = &transactions[0];
        assert_ne!(first.answer.is_some(), first.unheard.is_some());
        first.answer.as_ref()?.1.code()
    }

    #[test]
    fn who_repeats_by_its_timer_what_was_answered_does_not_hear_it() {
        assert_eq!(heard(&[0.0, 0.5, 1.5, 3.5, 7.5, 11.5], None), None);
        assert_eq!(heard(&[0.0, 0.5, 1.5, 3.5], None), Some(401), "an answer or two may be lost");
        assert_eq!(heard(&[0.0, 30.0, 60.0, 90.0, 120.0, 150.0], None), Some(401), "no timer's repeats");
        assert_eq!(heard(&[0.0, 0.001, 0.002, 0.003, 0.004, 0.005], None), Some(401), "copies");
    }

    #[test]
    fn who_cannot_read_a_challenge_repeats_its_request_though_it_came() {
        assert_eq!(heard_of("NTLM", &[0.0, 0.5, 1.5, 3.5, 7.5, 11.5], None), Some(401));
    }

    #[test]
    fn who_answers_the_challenge_has_heard_it_at_last() {
        let mut then = sip_request("REGISTER", 2);
        then.credentials = vec![sip_auth("Digest")];
        assert_eq!(heard(&[0.0, 0.5, 1.5, 3.5, 7.5], Some(then)), Some(401));
    }

    #[test]
    fn who_asks_all_hosts_for_a_configuration_server_does_so_from_its_lease() {
        let asked_at = |method: &str, lent: [u8; 4]| {
            let mut recorder = Recorder::default();
            let ack = crate::protocols::dhcp::Message {
                your: lent.into(),
                ..crate::findings::testing::dhcp_message(crate::protocols::dhcp::kind::ACK, &[])
            };
            recorder.dhcp(at(1), &Arc::new(ack), None);
            let end = |address: [u8; 4]| Endpoint::Ip(std::net::SocketAddr::from((address, 5_060)));
            let (client, server) = (end([10, 0, 4, 23]), end([224, 0, 1, 75]));
            let flow = Flow { id: 1, transport: Transport::Udp, client, server, oriented: true };
            let what = What::Message(Message::Sip(Arc::new(sip_request(method, 1))));
            recorder.event(&Event { at: at(2), link: Link::default(), flow, side: Side::Client, what }, &DeviceFacts::default());
            let leases = recorder.drafts().filter_map(|(_, draft)| match &draft.kind {
                StepKind::Lease(lease) => Some(lease.plug_and_play),
                _ => None,
            });
            assert_eq!(recorder.drafts().count(), 1, "it is no registration");
            leases.last().flatten()
        };
        assert_eq!(asked_at("SUBSCRIBE", [10, 0, 4, 23]), Some(at(2)));
        assert_eq!(asked_at("SUBSCRIBE", [0, 0, 0, 0]), None, "the answer to an INFORM lends nothing");
        assert_eq!(asked_at("REGISTER", [10, 0, 4, 23]), None);
    }

    #[test]
    fn where_the_capture_holds_no_request_an_answer_stands_for_its_question() {
        let mut transactions = Vec::new();
        record_sip(&mut transactions, at(1), &Arc::new(sip_answer(403, 2)), true);
        assert_eq!((transactions[0].request.method(), transactions[0].sent.len()), ("REGISTER", 0));
        assert!(transactions[0].request.cut, "credentials may have been in it");
        record_sip(&mut transactions, at(2), &Arc::new(sip_answer(403, 2)), true);
        assert_eq!(transactions.len(), 1, "the same answer again");
    }

    /// The frame of the ICMP unreachable that counts for a registration, where these frames bring a REGISTER, and these an ICMP.
    fn unreachable(asked: &[u64], told: &[u64]) -> Option<u64> {
        let end = |host: u8| std::net::SocketAddr::from(([10, 0, 4, host], 5_060));
        let flow = Flow {
            id: 1,
            transport: Transport::Udp,
            client: Endpoint::Ip(end(23)),
            server: Endpoint::Ip(end(5)),
            oriented: true,
        };
        let quoted = icmp::Quoted { protocol: 17, source: end(23), destination: end(5) };
        let (v6, kind, code) = (false, icmp::kind_v4::UNREACHABLE, 3);
        let shut = icmp::Message { v6, kind, code, quoted: Some(quoted), mtu: None, discovery: None };
        let asks = asked.iter().map(|frame| (*frame, Side::Client, Message::Sip(Arc::new(sip_request("REGISTER", 1)))));
        let tells = told.iter().map(|frame| (*frame, Side::Server, Message::Icmp(shut.clone())));
        let mut messages: Vec<_> = asks.chain(tells).collect();
        messages.sort_by_key(|(frame, ..)| *frame);
        let mut recorder = Recorder::default();
        for (frame, side, message) in messages {
            let event = Event { at: at(frame), link: Link::default(), flow, side, what: What::Message(message) };
            recorder.event(&event, &DeviceFacts::default());
        }
        recorder.drafts().find_map(|(_, draft)| match &draft.kind {
            StepKind::Registration(registration) => registration.unreachable.map(|(at, _)| at.frame.number()),
            _ => None,
        })
    }

    #[test]
    fn what_is_asked_after_the_clock_of_the_capture_was_set_back_is_another_registration() {
        let end = |host: u8| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 4, host], 5_060)));
        let flow = Flow { id: 1, transport: Transport::Udp, client: end(23), server: end(5), oriented: true };
        let count = |second: f64| {
            let mut recorder = Recorder::default();
            let said = [(1, 7_000.0, sip_request("REGISTER", 1)), (2, 7_000.1, sip_answer(404, 1)), (3, second, again())];
            for (frame, second, message) in said {
                let side = if message.code().is_none() { Side::Client } else { Side::Server };
                let (at, what) = (at_second(frame, second), What::Message(Message::Sip(Arc::new(message))));
                recorder.event(&Event { at, link: Link::default(), flow, side, what }, &DeviceFacts::default());
            }
            recorder.drafts().count()
        };
        assert_eq!((count(7_000.2), count(100.0)), (1, 2));
    }

    fn again() -> sip::Message {
        sip::Message { call_id: WireText::from("another"), branch: None, ..sip_request("REGISTER", 7) }
    }

    #[test]
    fn who_asks_again_is_stopped_by_what_answers_it_then() {
        assert_eq!(unreachable(&[1, 3], &[2, 4]), Some(4));
        assert_eq!(unreachable(&[1, 3], &[2]), Some(2), "the repeat was already on its way, or is answered by nobody");
        assert_eq!(unreachable(&[1, 3], &[]), None);
    }

    #[test]
    fn an_answer_that_nobody_asked_for_again_changes_nothing() {
        assert_eq!(answer(vec![sip_request("REGISTER", 2), sip_answer(401, 2), sip_answer(200, 2)]), Some(401));
    }

    #[test]
    fn an_answer_that_comes_twice_is_not_the_next_ones_though_the_capture_cut_both_requests() {
        let cut = || Arc::new(sip::Message { cut: true, cseq: Default::default(), ..sip_request("REGISTER", 1) });
        let mut transactions = Vec::new();
        for (frame, message) in [cut(), Arc::new(sip_answer(401, 1)), cut(), Arc::new(sip_answer(401, 1))].iter().enumerate() {
            record_sip(&mut transactions, at(frame as u64), message, false);
        }
        assert_eq!(transactions.iter().map(|one| one.answer.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn where_the_capture_cut_the_numbers_the_branches_tell_what_belongs_together() {
        let branch = |message: sip::Message, branch: &str| {
            let branch = Some(WireText::from(branch));
            Arc::new(sip::Message { cut: true, cseq: Default::default(), branch, ..message })
        };
        let asks = |name| branch(sip_request("REGISTER", 1), name);
        let told = |code, name| branch(sip_answer(code, 1), name);
        let mut transactions = Vec::new();
        // The server is slow: each is sent three times, and each of these is answered after the next was sent.
        let first = [asks("z9hG4bK1"), asks("z9hG4bK1"), told(401, "z9hG4bK1"), asks("z9hG4bK2"), told(401, "z9hG4bK1")];
        let second = [asks("z9hG4bK2"), told(401, "z9hG4bK1"), told(200, "z9hG4bK2"), told(200, "z9hG4bK2")];
        for (frame, message) in (1..).zip(first.iter().chain(&second)) {
            record_sip(&mut transactions, at(frame), message, false);
        }
        let told: Vec<_> =
            transactions.iter().map(|one| (one.sent.len(), one.answer.as_ref().and_then(|it| it.1.code()))).collect();
        assert_eq!(told, [(2, Some(401)), (2, Some(200))]);
    }

    #[test]
    fn an_answer_to_a_later_register_than_any_that_was_captured_stands_for_it() {
        let told = |messages: Vec<sip::Message>| -> Vec<Option<u16>> {
            let mut transactions = Vec::new();
            for (frame, message) in (1..).zip(messages) {
                record_sip(&mut transactions, at(frame), &Arc::new(message), false);
            }
            transactions.iter().map(|one| one.answer.as_ref().and_then(|(_, answer)| answer.code())).collect()
        };
        assert_eq!(told(vec![sip_request("REGISTER", 1), sip_answer(401, 1), sip_answer(200, 2)]), [Some(401), Some(200)]);
        assert_eq!(told(vec![sip_request("REGISTER", 2), sip_answer(200, 1)]), [None], "of one before");
        let of_another = sip::Message { call_id: WireText::from("another"), ..sip_answer(200, 2) };
        assert_eq!(told(vec![sip_request("REGISTER", 1), sip_answer(401, 1), of_another]), [Some(401)]);
    }

    #[test]
    fn an_answer_that_is_whole_belongs_to_the_request_that_the_capture_cut_before_its_number() {
        let cut = |call: &str| sip::Message {
            cut: true,
            cseq: Default::default(),
            call_id: WireText::from(call),
            ..sip_request("REGISTER", 2)
        };
        let of_call = |code, call: &str| sip::Message { call_id: WireText::from(call), ..sip_answer(code, 2) };
        assert_eq!(answer(vec![cut("one"), of_call(403, "one")]), Some(403));
        assert_eq!(answer(vec![cut(""), of_call(403, "one")]), Some(403), "the call's name was cut, too");
        assert_eq!(answer(vec![cut("one"), of_call(403, "another")]), None);
    }

    /// What became of the registrations by UDP of a device: for each, what was sent how often, and the answer.
    fn registrations(messages: Vec<(f64, sip::Message)>) -> Vec<Vec<(usize, Option<u16>)>> {
        let end = |host: u8| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], 5060)));
        let flow = Flow { id: 1, transport: Transport::Udp, client: end(23), server: end(5), oriented: true };
        let mut recorder = Recorder::default();
        for (frame, (seconds, message)) in (1..).zip(messages) {
            let side = if message.code().is_some() { Side::Server } else { Side::Client };
            let what = What::Message(Message::Sip(Arc::new(message)));
            let event = Event { at: at_second(frame, seconds), link: Link::default(), flow, side, what };
            recorder.event(&event, &DeviceFacts::default());
        }
        let told = |one: &Transaction| (one.sent.len(), one.answer.as_ref().and_then(|(_, answer)| answer.code()));
        let of = |draft: &Draft| match &draft.kind {
            StepKind::Registration(registration) => Some(registration.transactions.iter().map(told).collect()),
            _ => None,
        };
        recorder.drafts().filter_map(|(_, draft)| of(draft)).collect()
    }

    #[test]
    fn a_register_that_comes_half_a_second_after_a_refusal_is_another_try() {
        let call = |message: sip::Message, call: u8| sip::Message { call_id: WireText::from(format!("{call}")), ..message };
        let tries = |pause: f64| {
            let each = |number: u8| {
                let begin = f64::from(number) * pause;
                let asks = (begin, call(sip_request("REGISTER", 1), number));
                [asks, (begin + 0.01, call(sip_answer(403, 1), number))]
            };
            registrations((1..=3).flat_map(each).collect()).len()
        };
        assert_eq!((tries(0.5), tries(0.2)), (3, 1));
        let subscribes = (0.5, call(sip_request("SUBSCRIBE", 1), 2));
        let refused = [(0.0, call(sip_request("REGISTER", 1), 1)), (0.01, call(sip_answer(403, 1), 1)), subscribes];
        assert_eq!(registrations(refused.to_vec()).len(), 1);
    }

    fn cut(message: sip::Message) -> sip::Message {
        sip::Message { cut: true, cseq: Default::default(), branch: None, ..message }
    }

    #[test]
    fn a_request_whose_number_was_cut_is_a_repeat_when_it_comes_as_a_repeat_would() {
        let asks = |seconds: f64| (seconds, cut(sip_request("REGISTER", 1)));
        assert_eq!(registrations(vec![asks(0.0), asks(0.5), asks(1.5), asks(3.5), asks(7.5), asks(11.5)]), [[(6, None)]]);
        assert_eq!(registrations(vec![asks(0.0), asks(0.5), asks(10.5)]), [[(2, None)], [(1, None)]], "after a pause");
    }

    #[test]
    fn a_challenge_that_is_given_again_for_each_repeat_is_not_the_answer_to_the_credentials() {
        let asks = |seconds: f64| (seconds, cut(sip_request("REGISTER", 1)));
        let told = |seconds: f64, code: u16| (seconds, cut(sip_answer(code, 1)));
        let slow = [asks(0.0), asks(0.5), told(0.9, 401), asks(0.91), told(1.4, 401), asks(1.41), told(1.8, 200), told(2.3, 200)];
        assert_eq!(registrations(slow.to_vec()), [[(2, Some(401)), (2, Some(200))]]);
        let late = [asks(0.0), told(0.1, 401), asks(0.11), told(0.2, 401), told(60.0, 200)];
        assert_eq!(registrations(late.to_vec()), [[(1, Some(401)), (1, Some(401))]], "that answers something else");
    }

    #[test]
    fn a_success_from_a_server_whose_requests_the_capture_lacks_stands_for_them_and_a_refusal_may_be_a_challenge() {
        let registrations = |code: u16| {
            let end = |host: u8| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], 5060)));
            let between = |frame: u64, host: u8, side: Side, message: sip::Message| {
                let flow = Flow { id: 1, transport: Transport::Udp, client: end(23), server: end(host), oriented: true };
                let what = What::Message(Message::Sip(Arc::new(message)));
                Event { at: at(frame), link: Link::default(), flow, side, what }
            };
            let mut recorder = Recorder::default();
            let redirected = [
                between(1, 5, Side::Client, sip_request("REGISTER", 1)),
                between(2, 5, Side::Server, sip_answer(301, 1)),
                between(9, 6, Side::Server, sip_answer(code, 3)),
            ];
            redirected.iter().for_each(|event| recorder.event(event, &DeviceFacts::default()));
            recorder.drafts().filter(|(_, draft)| matches!(draft.kind, StepKind::Registration(_))).count()
        };
        assert_eq!((registrations(200), registrations(403)), (2, 1));
    }

    #[test]
    fn a_keep_alive_to_the_registrar_shows_that_the_device_lives_on_with_it() {
        let alive = |host: u8| {
            let end = |host: u8| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], 5060)));
            let to = |frame: u64, host: u8, what: What| {
                let flow = Flow { id: 1, transport: Transport::Udp, client: end(23), server: end(host), oriented: true };
                Event { at: at(frame), link: Link::default(), flow, side: Side::Client, what }
            };
            let mut recorder = Recorder::default();
            let asks = What::Message(Message::Sip(Arc::new(sip_request("REGISTER", 1))));
            recorder.event(&to(1, 5, asks), &DeviceFacts::default());
            recorder.sign_of_life(&to(9, host, What::Unread { whole: true }));
            let draft = recorder.drafts().next().map(|(_, draft)| (draft.last, draft.kind.clone()));
            let Some((last, StepKind::Registration(registration))) = draft else { panic!("no registration") };
            assert_eq!(last, at(1), "it is no word of that exchange");
            registration.alive
        };
        assert_eq!((alive(5), alive(6)), (Some(at(9)), None));
    }
}
