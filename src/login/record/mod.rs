//! Joins a device's events to exchanges: question and answer, repeat and first try, SYN and close. Judges nothing.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::device::facts::DeviceFacts;
use crate::event::{Event, What};
use crate::flow::{Flow, Signal, TcpStats, Transport};
use crate::model::{At, Endpoint, Mac, SECOND, Side};
use crate::protocols::{Message, arp, dhcp, dns, http, icmp, kerberos, ldap, ntp, sip, tls};
use crate::text::WireText;

use super::dialogue;
use super::names::NameBook;
use super::purpose;
use super::steps::{
    Answer, Clock, Close, Connection, Exchange, Handshake, Inquiry, Lease, Lookup, Neighbour, Purpose, Registration, StepKind,
    Transaction,
};

mod drafts;
mod link;
mod provision;

use drafts::Drafts;

/// Entries that a list within one exchange holds at most.
const ENTRIES: usize = 128;
/// Open questions that are remembered to join their answers.
const OPEN_QUERIES: usize = 256;
/// A question that comes again within this time, with nothing else tried in between, is the same question.
const SAME_QUESTION: i64 = 16 * SECOND;
/// A client that an unusable answer does not content asks again within this time, if it means the same question: below it
/// lies the shortest interval of polling (RFC 4330 section 10).
const CLOCK_BURST: i64 = 15 * SECOND;
/// After a server's error, only a question that comes again so soon goes on with the same look-up.
const SAME_QUESTION_AFTER_ERROR: i64 = 5 * SECOND;
/// What begins within this time of a question was asked side by side with it (A with AAAA, several SRV names).
const SIDE_BY_SIDE: i64 = SECOND * 3 / 2;
/// A request to a directory over UDP that comes later than this, and repeats none, begins a new exchange.
const SAME_INQUIRY: i64 = SECOND;
/// The same message so soon again is one that a mirrored port gave twice.
const MIRRORED: i64 = SECOND / 1000;
/// A REGISTER that comes later than this after a final answer begins a new registration.
const SAME_REGISTRATION: i64 = SECOND;

/// An exchange as it is being recorded.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// First frame.
    pub(super) first: At,
    /// Last frame.
    pub(super) last: At,
    /// What it is.
    pub(super) kind: StepKind,
}

/// Number of a draft: in the order of their first frames.
pub(super) type DraftId = u64;

/// A question that waits for its answer.
#[derive(Clone, Debug)]
struct OpenQuery {
    id: u16,
    draft: DraftId,
}

/// A file that came whole.
#[derive(Clone, Debug)]
pub(super) struct WholeFile {
    /// The frame that brought the end of it.
    pub(super) at: At,
    /// Its name or path.
    pub(super) name: WireText,
    /// For what.
    pub(super) purpose: Purpose,
}

/// The exchanges of one device.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    drafts: Drafts,
    next: DraftId,
    /// What the DNS answers said.
    pub(super) names: NameBook,
    connections: HashMap<u64, DraftId, RandomState>,
    leases: HashMap<u32, DraftId, RandomState>,
    queries: VecDeque<OpenQuery>,
    clocks: HashMap<IpAddr, DraftId, RandomState>,
    registrations: HashMap<Endpoint, DraftId, RandomState>,
    inquiries: HashMap<Endpoint, DraftId, RandomState>,
    neighbours: HashMap<IpAddr, DraftId, RandomState>,
    /// The 802.1X exchange that goes on.
    port: Option<DraftId>,
    leases_v6: HashMap<u32, DraftId, RandomState>,
    transfers: Vec<provision::OpenTransfer>,
    /// Files that came whole since this was last emptied.
    pub(super) whole_files: Vec<WholeFile>,
}

/// Adds to a list that must not grow for ever.
fn add<T>(list: &mut Vec<T>, item: T) {
    if list.len() < ENTRIES {
        list.push(item);
    }
}

/// Adds to a list of which the newest entry must be there: beyond the bound, it replaces the last.
fn add_newest<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= ENTRIES {
        list.pop();
    }
    list.push(item);
}

impl Recorder {
    /// The exchanges, in the order of their first frames.
    pub(super) fn drafts(&self) -> impl Iterator<Item = (DraftId, &Draft)> + '_ {
        self.drafts.iter()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.drafts.len()
    }

    /// Keeps only those that `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(DraftId, &Draft) -> bool) {
        self.drafts.retain(&mut keep);
        let drafts = &self.drafts;
        self.connections.retain(|_, id| drafts.contains(*id));
        self.leases.retain(|_, id| drafts.contains(*id));
        self.queries.retain(|query| drafts.contains(query.draft));
        self.clocks.retain(|_, id| drafts.contains(*id));
        self.registrations.retain(|_, id| drafts.contains(*id));
        self.inquiries.retain(|_, id| drafts.contains(*id));
        self.neighbours.retain(|_, id| drafts.contains(*id));
        self.port = self.port.filter(|id| drafts.contains(*id));
        self.leases_v6.retain(|_, id| drafts.contains(*id));
        self.transfers.retain(|transfer| drafts.contains(transfer.draft));
    }

    /// Takes over the exchanges of the same device under another name.
    pub(super) fn join(&mut self, other: Recorder) {
        // The other one's exchanges are older, as a rule, but either may go on: order by first frame, then number anew.
        let mut all: Vec<(DraftId, bool, Draft)> =
            std::mem::take(&mut self.drafts).into_list().into_iter().map(|(id, draft)| (id, true, draft)).collect();
        all.extend(other.drafts.into_list().into_iter().map(|(id, draft)| (id, false, draft)));
        all.sort_by_key(|(_, _, draft)| draft.first);
        let mut own = HashMap::<DraftId, DraftId, RandomState>::default();
        let mut theirs = HashMap::<DraftId, DraftId, RandomState>::default();
        for (number, (id, mine, draft)) in (0..).zip(all) {
            if mine { &mut own } else { &mut theirs }.insert(id, number);
            self.drafts.push(number, draft);
            self.next = number.saturating_add(1);
        }
        renumber(&mut self.connections, &own, other.connections, &theirs);
        renumber(&mut self.leases, &own, other.leases, &theirs);
        renumber(&mut self.clocks, &own, other.clocks, &theirs);
        renumber(&mut self.registrations, &own, other.registrations, &theirs);
        renumber(&mut self.inquiries, &own, other.inquiries, &theirs);
        renumber(&mut self.neighbours, &own, other.neighbours, &theirs);
        renumber(&mut self.leases_v6, &own, other.leases_v6, &theirs);
        let port = self.port.and_then(|id| own.get(&id)).or(other.port.and_then(|id| theirs.get(&id)));
        self.port = port.copied();
        self.transfers = provision::renumbered(std::mem::take(&mut self.transfers), &own);
        self.transfers.extend(provision::renumbered(other.transfers, &theirs));
        self.whole_files.extend(other.whole_files);
        let open = |queries: VecDeque<OpenQuery>, numbers: &HashMap<DraftId, DraftId, RandomState>| -> VecDeque<OpenQuery> {
            queries.into_iter().filter_map(|query| Some(OpenQuery { draft: *numbers.get(&query.draft)?, ..query })).collect()
        };
        self.queries = open(std::mem::take(&mut self.queries), &own);
        self.queries.extend(open(other.queries, &theirs));
        self.names.join(other.names);
    }

    fn begin(&mut self, at: At, kind: StepKind) -> DraftId {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        self.drafts.push(id, Draft { first: at, last: at, kind });
        id
    }

    /// The draft, with its last frame moved on to `at`.
    fn touch(&mut self, id: DraftId, at: At) -> Option<&mut StepKind> {
        let draft = self.drafts.get_mut(id)?;
        draft.last = draft.last.max(at);
        Some(&mut draft.kind)
    }

    /// Takes note of one event of a device of which this is known.
    pub(super) fn event(&mut self, event: &Event, facts: &DeviceFacts) {
        match &event.what {
            What::Tcp(signal, stats) => self.tcp(event, *signal, stats),
            What::Message(message) => match message {
                Message::Arp(message) => self.arp(event.at, message, facts),
                Message::Dhcp(message) => self.dhcp(event.at, message),
                Message::Dhcpv6(message) => self.dhcpv6(event.at, message),
                Message::Dns(message) => self.dns(event, message),
                Message::Eap(message) => self.eap(event.at, message),
                Message::Http(message) => self.http(event, message),
                Message::Icmp(message) => match message.discovery {
                    Some(discovery) => self.discovery(event, discovery, facts),
                    None => self.icmp(event, message),
                },
                Message::Kerberos(message) => self.kerberos(event, message),
                Message::Ldap(message) => self.ldap(event, message),
                Message::Ntp(message) => self.ntp(event, message),
                Message::Sip(message) => self.sip(event, message),
                Message::Tftp(message) => self.tftp(event, message),
                Message::Tls(message) => self.tls(event, message),
                // What they say is known of the device, and no exchange.
                Message::Cdp(_) | Message::Lldp(_) => {}
            },
        }
    }

    // --- TCP, and what it carries ---

    fn connection(&mut self, flow: &Flow, at: At) -> Option<&mut Connection> {
        if flow.transport != Transport::Tcp {
            return None;
        }
        let id = match self.connections.get(&flow.id) {
            Some(id) => *id,
            None => {
                let name = self.names.name_of(flow.server);
                let connection = Connection {
                    flow: *flow,
                    name: name.as_ref().map(|(name, _)| name.clone()),
                    name_frame: name.map(|(_, frame)| frame),
                    syn: None,
                    syn_ack: None,
                    stats: TcpStats::default(),
                    closes: Vec::new(),
                    last_answer: None,
                    unreachable: None,
                    ended: false,
                    tls: None,
                    http: Vec::new(),
                    sip: Vec::new(),
                    ldap: Vec::new(),
                    kerberos: Vec::new(),
                };
                let id = self.begin(at, StepKind::Connection(Box::new(connection)));
                self.connections.insert(flow.id, id);
                id
            }
        };
        match self.touch(id, at)? {
            StepKind::Connection(connection) => {
                connection.flow = *flow;
                Some(connection)
            }
            _ => None,
        }
    }

    fn tcp(&mut self, event: &Event, signal: Signal, stats: &TcpStats) {
        if signal == Signal::Ended {
            self.ended(event, stats);
            return;
        }
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        let before = std::mem::replace(&mut connection.stats, *stats);
        if connection.closes.is_empty() {
            connection.last_answer = stats.server.last_data;
        }
        match signal {
            Signal::Syn { first } => {
                if first {
                    connection.syn = Some(event.at);
                }
            }
            Signal::SynAck { .. } => connection.syn_ack = connection.syn_ack.or(Some(event.at)),
            // Packets can change places: a FIN that acknowledges the other side's, which comes later in the file, was sent after
            // it. What was acknowledged for one more byte shrinks once that FIN is there.
            Signal::Fin(side) if before.side(side).acknowledged > stats.side(side).acknowledged => {
                connection.closes.insert(0, (event.at, side, Close::Fin));
            }
            Signal::Fin(side) => add(&mut connection.closes, (event.at, side, Close::Fin)),
            Signal::Rst(side) => add(&mut connection.closes, (event.at, side, Close::Rst)),
            Signal::FirstData(_) | Signal::Ended => {}
        }
    }

    /// The flow has left the table. A DNS connection is part of its look-up, and an end is no new frame.
    fn ended(&mut self, event: &Event, stats: &TcpStats) {
        let Some(id) = self.connections.remove(&event.flow.id) else { return };
        if event.flow.server.port() == 53 {
            self.drafts.remove(id);
            return;
        }
        if let Some(Draft { kind: StepKind::Connection(connection), last, .. }) = self.drafts.get_mut(id) {
            if connection.closes.is_empty() {
                connection.last_answer = stats.server.last_data;
            }
            connection.stats = *stats;
            connection.ended = true;
            *last = (*last).max(stats.client.last.unwrap_or_default()).max(stats.server.last.unwrap_or_default());
        }
    }

    fn http(&mut self, event: &Event, message: &http::Message) {
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        match message {
            http::Message::Request(request) => {
                if let Some(target) = request.tunnel() {
                    connection.name = Some(target);
                }
                add(&mut connection.http, Exchange { request: Some((event.at, request.clone())), response: None })
            }
            // An interim answer (100 Continue) is none.
            http::Message::Response(response) if response.code < 200 => {}
            http::Message::Response(response) => {
                let asked = response.request.as_ref().map(|request| request.index);
                let open = connection.http.iter_mut().find(|exchange| {
                    exchange.response.is_none()
                        && exchange.request.as_ref().is_some_and(|(_, request)| Some(request.index) == asked)
                });
                let answer = Some((event.at, Arc::new(response.clone())));
                match open {
                    Some(exchange) => exchange.response = answer,
                    None => add(&mut connection.http, Exchange { request: None, response: answer }),
                }
                self.whole_page(event.at, response);
            }
        }
    }

    fn tls(&mut self, event: &Event, message: &tls::Message) {
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        let handshake = connection.tls.get_or_insert_with(Box::default);
        record_tls(handshake, event.at, event.side, message);
    }

    // --- UDP and the link ---

    fn dhcp(&mut self, at: At, message: &dhcp::Message) {
        let Some(kind) = message.kind else { return };
        let id = match self.leases.get(&message.transaction).copied() {
            Some(id) if !self.begins_anew(id, kind) => id,
            _ => {
                let lease = Lease { transaction: message.transaction, client: message.hardware_address, ..Lease::default() };
                let id = self.begin(at, StepKind::Lease(Box::new(lease)));
                self.leases.insert(message.transaction, id);
                id
            }
        };
        let Some(StepKind::Lease(lease)) = self.touch(id, at) else { return };
        record_dhcp(lease, at, message);
    }

    /// A DISCOVER after a NAK, or after a lease was given, begins anew even under the same transaction number.
    fn begins_anew(&self, id: DraftId, kind: u8) -> bool {
        match self.drafts.get(id).map(|draft| &draft.kind) {
            Some(StepKind::Lease(lease)) => {
                kind == dhcp::kind::DISCOVER && !(lease.acks.is_empty() && lease.naks.is_empty() && lease.declines.is_empty())
            }
            _ => true,
        }
    }

    fn dns(&mut self, event: &Event, message: &dns::Message) {
        let Some(question) = &message.question else { return };
        if message.opcode != 0 || event.flow.server.ip().is_some_and(|ip| ip.is_multicast()) {
            return;
        }
        if message.response {
            self.dns_answer(event, message, question);
        } else {
            self.dns_query(event, message, question);
        }
    }

    fn dns_query(&mut self, event: &Event, message: &dns::Message, question: &dns::Question) {
        let Some(server) = event.destination().ip() else { return };
        let id = self.same_question(event, message.id, question).unwrap_or_else(|| {
            let lookup =
                Lookup { name: question.name.clone(), kind: question.kind, queries: Vec::new(), answer: None, unreachable: None };
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
    fn same_question(&self, event: &Event, id: u16, question: &dns::Question) -> Option<DraftId> {
        let (draft_id, lookup) = self.drafts.iter().rev().take(64).find_map(|(id, draft)| match &draft.kind {
            StepKind::Lookup(lookup)
                if lookup.kind == question.kind && lookup.name.raw().eq_ignore_ascii_case(question.name.raw()) =>
            {
                Some((id, lookup))
            }
            _ => None,
        })?;
        let (asked, _) = lookup.queries.last()?;
        let age = event.at.time.since(asked.time);
        let same_id = self.queries.iter().any(|query| query.draft == draft_id && query.id == id);
        let goes_on = match &lookup.answer {
            None => {
                let is_next_retry = || is_next_retry(lookup.queries.iter().map(|(asked, _)| *asked), event.at);
                age <= SAME_QUESTION && (same_id || !self.moved_on(draft_id, asked) && is_next_retry())
            }
            Some(answer) if answer.truncated => event.flow.transport == Transport::Tcp,
            Some(answer) if answer.rcode == 2 || answer.rcode == 5 => {
                age <= SAME_QUESTION_AFTER_ERROR && !self.moved_on(draft_id, asked)
            }
            // The same datagram once more: captured twice, or crossed by its answer.
            Some(_) => same_id && age <= SECOND,
        };
        goes_on.then_some(draft_id)
    }

    /// Did the device begin something else after the frame `asked`, not merely side by side with it?
    fn moved_on(&self, draft: DraftId, asked: &At) -> bool {
        let after = asked.time.plus(SIDE_BY_SIDE);
        self.drafts.after(draft).any(|other| other.first.time > after && !matches!(other.kind, StepKind::Neighbour(_)))
    }

    fn dns_answer(&mut self, event: &Event, message: &dns::Message, question: &dns::Question) {
        let Some(server) = event.source().ip() else { return };
        let id = self.queries.iter().rev().filter(|query| query.id == message.id).map(|query| query.draft).find(|id| {
            self.drafts.get(*id).is_some_and(|draft| match &draft.kind {
                StepKind::Lookup(lookup) => {
                    lookup.kind == question.kind && lookup.name.raw().eq_ignore_ascii_case(question.name.raw())
                }
                _ => false,
            })
        });
        // A mirrored port gives an answer twice: what follows it goes by the first.
        let twice = id.and_then(|id| self.drafts.get(id)).is_some_and(|draft| match &draft.kind {
            StepKind::Lookup(lookup) => {
                let told = lookup.answer.as_ref().filter(|_| lookup.found());
                told.is_some_and(|told| event.at.time.since(told.at.time) <= MIRRORED)
            }
            _ => false,
        });
        if twice {
            return;
        }
        self.names.learn(event.at.frame, question, message);
        // An answer whose question is not in the capture: the login was under way when it began.
        let id = id.unwrap_or_else(|| {
            let lookup =
                Lookup { name: question.name.clone(), kind: question.kind, queries: Vec::new(), answer: None, unreachable: None };
            self.begin(event.at, StepKind::Lookup(Box::new(lookup)))
        });
        let Some(StepKind::Lookup(lookup)) = self.touch(id, event.at) else { return };
        if lookup.answer.is_none() || !lookup.found() {
            lookup.answer = Some(Answer {
                at: event.at,
                server,
                rcode: u16::from(message.rcode),
                truncated: message.truncated && !message.tcp,
                partial: message.problem.is_some(),
                records: message.records.clone(),
            });
        }
    }

    fn ntp(&mut self, event: &Event, message: &ntp::Message) {
        let client = message.mode == 3;
        let server = if client { event.destination().ip() } else { event.source().ip() };
        let Some(server) = server else { return };
        let open = self.clocks.get(&server).copied().filter(|id| !client || self.same_clock(*id, event.at));
        let id = open.unwrap_or_else(|| {
            let name = self.names.name_of(Endpoint::Ip(std::net::SocketAddr::new(server, 123))).map(|(name, _)| name);
            let clock = Clock { server, name, requests: Vec::new(), answers: Vec::new(), unreachable: None };
            let id = self.begin(event.at, StepKind::Clock(Box::new(clock)));
            self.clocks.insert(server, id);
            id
        });
        let Some(StepKind::Clock(clock)) = self.touch(id, event.at) else { return };
        let list = if client { &mut clock.requests } else { &mut clock.answers };
        add_newest(list, (event.at, message.clone()));
    }

    /// Does a request to the same server go on with this exchange: no usable answer yet, and nothing else tried since?
    fn same_clock(&self, id: DraftId, at: At) -> bool {
        let Some(Draft { kind: StepKind::Clock(clock), last, .. }) = self.drafts.get(id) else { return false };
        let usable = clock.answers.iter().any(|(_, answer)| super::stages::time::is_usable(answer));
        let patience = if clock.answers.is_empty() { 4 * SAME_QUESTION } else { CLOCK_BURST };
        let soon = at.time.since(last.time) <= patience && is_next_retry(clock.requests.iter().map(|(asked, _)| *asked), at);
        !usable && soon && !self.moved_on(id, last)
    }

    fn arp(&mut self, at: At, message: &arp::Message, facts: &DeviceFacts) {
        match message.operation {
            1 if !message.sender_ip.is_unspecified() && message.sender_ip != message.target_ip => {
                self.neighbour(at, message.target_ip.into(), None, facts);
            }
            2 => self.neighbour(at, message.sender_ip.into(), Some(message.sender_mac), facts),
            _ => {}
        }
    }

    /// A question for the MAC of this address, or the answer.
    fn neighbour(&mut self, at: At, address: IpAddr, reply: Option<Mac>, facts: &DeviceFacts) {
        let request = reply.is_none();
        let open = self.neighbours.get(&address).copied();
        let open = open.filter(|id| {
            !request
                || matches!(self.drafts.get(*id), Some(Draft { kind: StepKind::Neighbour(neighbour), last, .. })
                if neighbour.reply.is_none() && at.time.since(last.time) <= SAME_QUESTION && !self.moved_on(*id, last))
        });
        let id = match open {
            Some(id) => id,
            None if request => {
                let neighbour = Neighbour { address, router: facts.is_router(address), requests: Vec::new(), reply: None };
                let id = self.begin(at, StepKind::Neighbour(neighbour));
                self.neighbours.insert(address, id);
                id
            }
            None => return,
        };
        let Some(StepKind::Neighbour(neighbour)) = self.touch(id, at) else { return };
        match reply {
            None => add(&mut neighbour.requests, at),
            Some(mac) => neighbour.reply = neighbour.reply.or(Some((at, mac))),
        }
    }

    fn icmp(&mut self, event: &Event, message: &icmp::Message) {
        let (Some(quoted), Some(sender), true) = (message.quoted, event.source().ip(), message.is_unreachable()) else { return };
        let at = event.at;
        let told = Some((at, sender));
        let target = quoted.destination;
        for draft in self.drafts.values_mut().rev().take(64) {
            let unreachable = match &mut draft.kind {
                StepKind::Connection(connection)
                    if quoted.protocol == 6
                        && connection.flow.client == Endpoint::Ip(quoted.source)
                        && connection.flow.server == Endpoint::Ip(target) =>
                {
                    &mut connection.unreachable
                }
                StepKind::Lookup(lookup)
                    if quoted.protocol == 17
                        && target.port() == 53
                        && lookup.answer.is_none()
                        && lookup.queries.last().is_some_and(|(_, server)| *server == target.ip()) =>
                {
                    &mut lookup.unreachable
                }
                StepKind::Clock(clock) if quoted.protocol == 17 && target.port() == 123 && clock.server == target.ip() => {
                    &mut clock.unreachable
                }
                StepKind::Inquiry(inquiry) if quoted.protocol == 17 && inquiry.flow.server == Endpoint::Ip(target) => {
                    &mut inquiry.unreachable
                }
                StepKind::Registration(registration)
                    if quoted.protocol == 17 && registration.flow.server == Endpoint::Ip(target) =>
                {
                    &mut registration.unreachable
                }
                StepKind::File(transfer)
                    if quoted.protocol == 17
                        && transfer.flow.client == Endpoint::Ip(quoted.source)
                        && transfer.flow.server == Endpoint::Ip(target) =>
                {
                    &mut transfer.unreachable
                }
                _ => continue,
            };
            *unreachable = unreachable.or(told);
            draft.last = draft.last.max(at);
            return;
        }
    }

    fn sip(&mut self, event: &Event, message: &sip::Message) {
        // The method of an answer that the capture cut is that of the request which it belongs to.
        let nameless = message.cut && message.method().is_empty();
        if !nameless && !matches!(message.method(), "REGISTER" | "SUBSCRIBE" | "PUBLISH") {
            return;
        }
        let request = message.code().is_none();
        let server = if request { event.destination() } else { event.source() };
        if server.ip().is_some_and(|ip| ip.is_multicast()) {
            return;
        }
        if event.flow.transport == Transport::Tcp {
            let at = event.at;
            if let Some(connection) = self.connection(&event.flow, at) {
                record_sip(&mut connection.sip, at, message);
            }
            return;
        }
        let Some(id) = self.registration(event, message, server) else { return };
        if let Some(StepKind::Registration(registration)) = self.touch(id, event.at) {
            record_sip(&mut registration.transactions, event.at, message);
        }
    }

    fn ldap(&mut self, event: &Event, message: &ldap::Message) {
        if event.flow.transport == Transport::Tcp {
            if let Some(connection) = self.connection(&event.flow, event.at) {
                dialogue::ldap(&mut connection.ldap, event.at, message);
            }
            return;
        }
        let goes_on = |inquiry: &Inquiry| dialogue::repeats_ldap(&inquiry.ldap, message);
        if let Some(inquiry) = self.inquiry(event, message.is_request(), goes_on) {
            dialogue::ldap(&mut inquiry.ldap, event.at, message);
        }
    }

    fn kerberos(&mut self, event: &Event, message: &kerberos::Message) {
        let client = event.flow.client.port();
        if event.flow.transport == Transport::Tcp {
            if let Some(connection) = self.connection(&event.flow, event.at) {
                dialogue::kerberos(&mut connection.kerberos, event.at, client, message);
            }
            return;
        }
        let goes_on = |inquiry: &Inquiry| dialogue::repeats_kerberos(&inquiry.kerberos, message);
        if let Some(inquiry) = self.inquiry(event, message.is_request(), goes_on) {
            dialogue::kerberos(&mut inquiry.kerberos, event.at, client, message);
        }
    }

    /// The exchange over UDP that a message goes on with: that of its server, if it repeats a question of it or comes soon.
    fn inquiry(&mut self, event: &Event, is_request: bool, repeats: impl Fn(&Inquiry) -> bool) -> Option<&mut Inquiry> {
        let server = event.flow.server;
        let goes_on = |id: &DraftId| match self.drafts.get(*id) {
            Some(Draft { kind: StepKind::Inquiry(inquiry), last, .. }) => {
                let age = event.at.time.since(last.time);
                !is_request || age < SAME_INQUIRY || age <= SAME_QUESTION && !self.moved_on(*id, last) && repeats(inquiry)
            }
            _ => false,
        };
        let open = self.inquiries.get(&server).copied().filter(goes_on);
        let id = open.unwrap_or_else(|| {
            let name = self.names.name_of(server).map(|(name, _)| name);
            let inquiry = Inquiry { flow: event.flow, name, ldap: Vec::new(), kerberos: Vec::new(), unreachable: None };
            let id = self.begin(event.at, StepKind::Inquiry(Box::new(inquiry)));
            self.inquiries.insert(server, id);
            id
        });
        match self.touch(id, event.at)? {
            StepKind::Inquiry(inquiry) => Some(inquiry),
            _ => None,
        }
    }

    fn registration(&mut self, event: &Event, message: &sip::Message, server: Endpoint) -> Option<DraftId> {
        let open = self.registrations.get(&server).copied();
        if message.code().is_some() {
            return open;
        }
        let goes_on = open.filter(|id| match self.drafts.get(*id) {
            Some(Draft { kind: StepKind::Registration(registration), last, .. }) => {
                let continues = continues(&registration.transactions, message) && !self.restarted_since(*last);
                continues || event.at.time.since(last.time) < SAME_REGISTRATION
            }
            _ => false,
        });
        Some(goes_on.unwrap_or_else(|| {
            let flow = Flow { client: event.source(), server, ..event.flow };
            let name = self.names.name_of(server).map(|(name, _)| name);
            let registration = Registration { flow, name, transactions: Vec::new(), unreachable: None };
            let id = self.begin(event.at, StepKind::Registration(Box::new(registration)));
            self.registrations.insert(server, id);
            id
        }))
    }
}

impl Recorder {
    /// Has the device asked for an address from scratch since, as after a restart?
    fn restarted_since(&self, since: At) -> bool {
        self.drafts.iter().rev().take(64).any(|(_, draft)| match &draft.kind {
            StepKind::Lease(lease) => draft.first > since && !lease.discovers.is_empty(),
            _ => false,
        })
    }
}

/// Does a question under a new number come as soon as the next repeat would? Repeats come at growing distances; one that
/// comes later than twice the longest so far was asked anew.
fn is_next_retry(asked: impl DoubleEndedIterator<Item = At> + Clone, at: At) -> bool {
    let later = asked.clone().skip(1);
    let longest = asked.clone().zip(later).map(|(earlier, later)| later.time.since(earlier.time)).max();
    let waited = asked.last().map_or(0, |last| at.time.since(last.time));
    longest.is_none_or(|longest| waited <= longest.max(SECOND).saturating_mul(2))
}

fn renumber<K: std::hash::Hash + Eq>(
    map: &mut HashMap<K, DraftId, RandomState>,
    own: &HashMap<DraftId, DraftId, RandomState>,
    other: HashMap<K, DraftId, RandomState>,
    theirs: &HashMap<DraftId, DraftId, RandomState>,
) {
    map.retain(|_, id| match own.get(id) {
        Some(number) => {
            *id = *number;
            true
        }
        None => false,
    });
    #[expect(clippy::iter_over_hash_type, reason = "the order in which entries are moved from one map to another does not show")]
    for (key, id) in other {
        if let Some(number) = theirs.get(&id) {
            map.entry(key).or_insert(*number);
        }
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

fn same_transaction(transaction: &Transaction, message: &sip::Message) -> bool {
    let named = !message.cseq.1.is_empty();
    named && transaction.request.call_id == message.call_id && transaction.request.cseq == message.cseq
}

/// The transaction that a message belongs to. Where the capture cut its CSeq off, an answer goes to the last request that
/// has none, and a request repeats only one that is still open.
fn transaction_of<'a>(transactions: &'a mut [Transaction], message: &sip::Message) -> Option<&'a mut Transaction> {
    let nameless = message.cut && message.cseq.1.is_empty();
    transactions.iter_mut().rev().find(|transaction| {
        let open = transaction.answer.is_none();
        if !nameless {
            return same_transaction(transaction, message);
        }
        open && (message.code().is_some() || transaction.request.method() == message.method())
    })
}

fn record_sip(transactions: &mut Vec<Transaction>, at: At, message: &sip::Message) {
    match (message.code(), transaction_of(transactions, message)) {
        (None, Some(transaction)) => add_newest(&mut transaction.sent, at),
        (None, None) => {
            add_newest(
                transactions,
                Transaction { sent: vec![at], request: Arc::new(message.clone()), provisional: None, answer: None },
            );
        }
        (Some(100..=199), Some(transaction)) => transaction.provisional = transaction.provisional.or(Some(at)),
        (Some(_), Some(transaction)) if transaction.answer.is_none() => {
            transaction.answer = Some((at, Arc::new(message.clone())))
        }
        (Some(_), _) => {}
    }
}

fn record_dhcp(lease: &mut Lease, at: At, message: &dhcp::Message) {
    let refused = lease.naks.last().is_some_and(|(told, _)| at.time.since(told.time) <= MIRRORED);
    if message.kind == Some(dhcp::kind::NAK) && refused {
        return;
    }
    if message.operation == 1 {
        lease.vendor_class = message.vendor_class().or(lease.vendor_class.take());
        let list = message.parameter_list();
        if !list.is_empty() {
            lease.parameter_list = list;
        }
    }
    let told = || (at, Arc::new(message.clone()));
    match message.kind {
        Some(dhcp::kind::DISCOVER) => add_newest(&mut lease.discovers, at),
        Some(dhcp::kind::OFFER) => add(&mut lease.offers, told()),
        Some(dhcp::kind::REQUEST) => add_newest(&mut lease.requests, (at, message.server_id())),
        Some(dhcp::kind::ACK) => add(&mut lease.acks, told()),
        Some(dhcp::kind::NAK) => add(&mut lease.naks, told()),
        Some(dhcp::kind::DECLINE) => add(&mut lease.declines, at),
        Some(dhcp::kind::RELEASE) => add(&mut lease.releases, at),
        Some(dhcp::kind::INFORM) => add_newest(&mut lease.informs, at),
        _ => {}
    }
}

fn record_tls(handshake: &mut Handshake, at: At, side: Side, message: &tls::Message) {
    match (message, side) {
        (tls::Message::ClientHello(hello), _) => {
            handshake.client_hello.get_or_insert_with(|| (at, hello.clone()));
        }
        (tls::Message::ServerHello(hello), _) if !hello.retry => {
            handshake.server_hello.get_or_insert_with(|| (at, hello.clone()));
        }
        (tls::Message::ServerHello(_), _) => {}
        (tls::Message::Certificate(chain), Side::Server) => {
            handshake.certificate.get_or_insert_with(|| (at, chain.clone()));
        }
        (tls::Message::Certificate(chain), Side::Client) => {
            handshake.client_certificate.get_or_insert_with(|| (at, chain.clone()));
        }
        (tls::Message::CertificateRequest(request), _) => {
            handshake.certificate_request.get_or_insert_with(|| (at, request.clone()));
        }
        (tls::Message::Handshake(12), _) => handshake.server_key_exchange = handshake.server_key_exchange.or(Some(at)),
        (tls::Message::Handshake(14), _) => handshake.server_hello_done = handshake.server_hello_done.or(Some(at)),
        (tls::Message::Handshake(16), _) => handshake.client_key_exchange = handshake.client_key_exchange.or(Some(at)),
        (tls::Message::ChangeCipherSpec, Side::Client) => {
            handshake.client_change_cipher = handshake.client_change_cipher.or(Some(at))
        }
        (tls::Message::ChangeCipherSpec, Side::Server) => {
            handshake.server_change_cipher = handshake.server_change_cipher.or(Some(at))
        }
        (tls::Message::Alert { level, description }, _) => add(&mut handshake.alerts, (at, side, *level, *description)),
        (tls::Message::EncryptedAlert, _) => add(&mut handshake.encrypted_alerts, (at, side)),
        (tls::Message::ApplicationData { .. }, _) => {
            let count = if side == Side::Client { &mut handshake.client_data } else { &mut handshake.server_data };
            count.records = count.records.saturating_add(1);
            count.first = count.first.or(Some(at));
            count.last = Some(at);
            if side == Side::Server && handshake.last_data_side == Some(Side::Client) {
                handshake.answered_bursts = handshake.answered_bursts.saturating_add(1);
            }
            handshake.last_data_side = Some(side);
        }
        (tls::Message::Handshake(_) | tls::Message::EncryptedHandshake, _) => {}
    }
}
