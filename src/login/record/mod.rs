//! Joins a device's events to exchanges: question and answer, repeat and first try, SYN and close. Judges nothing.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::device::facts::DeviceFacts;
use crate::event::{Event, What};
use crate::model::{At, Endpoint, Mac, SECOND};
use crate::protocols::{Message, arp, icmp};
use crate::text::WireText;

use super::names::NameBook;
use super::steps::{Neighbour, Purpose, StepKind};
use super::{purpose, push};

mod clock;
mod connection;
mod directory;
mod drafts;
mod lease;
mod link;
mod lookup;
mod provision;
mod registration;
mod repeats;
mod threads;

use drafts::Drafts;
pub(super) use drafts::Weight;
use threads::{Thread, renumber};

/// Entries that a list within one exchange holds at most.
const ENTRIES: usize = 128;
/// Memory of such an entry, about, beside what its message holds.
const ENTRY: usize = 64;
/// Open questions that are remembered to join their answers.
const OPEN_QUERIES: usize = 256;
/// A question that comes again within this time, with nothing else tried in between, is the same question.
const SAME_QUESTION: i64 = 16 * SECOND;
/// A client that an unusable answer does not content asks again within this time, if it means the same question: at the
/// shortest interval of polling, 15 s (RFC 4330 section 10), and a little later.
const CLOCK_BURST: i64 = 20 * SECOND;
/// Where NTP is spoken (RFC 5905 section 7.2).
const TIME_PORT: u16 = 123;
/// What begins within this time of a question was asked side by side with it (A with AAAA, several SRV names).
const SIDE_BY_SIDE: i64 = SECOND * 3 / 2;

/// An exchange as it is being recorded.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// First frame.
    pub(super) first: At,
    /// Last frame.
    pub(super) last: At,
    /// What it is.
    pub(super) kind: StepKind,
    /// The memory that it takes.
    pub(super) weight: Weight,
    /// The mark of the question, where it is a look-up.
    question: u64,
}

impl Draft {
    /// An exchange between these frames.
    pub(super) fn new(first: At, last: At, kind: StepKind, weight: Weight) -> Self {
        let question = match &kind {
            StepKind::Lookup(lookup) => lookup::mark(&lookup.name, lookup.kind),
            _ => 0,
        };
        Self { first, last, kind, weight, question }
    }
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
    /// The exchange that the event in hand goes into.
    touched: Option<DraftId>,
    /// What the DNS answers said.
    pub(super) names: NameBook,
    /// The connections, by their flows.
    connections: HashMap<u64, DraftId, RandomState>,
    /// The other exchanges that may go on.
    threads: HashMap<Thread, DraftId, RandomState>,
    queries: VecDeque<OpenQuery>,
    /// Has the device gone on to what the capture cut, since it last began from nothing?
    is_beyond_time: bool,
    /// Does the capture hold a SIP request of the device?
    asks_by_sip: bool,
    transfers: Vec<provision::OpenTransfer>,
    /// Files that came whole since this was last emptied.
    pub(super) whole_files: Vec<WholeFile>,
}

/// Adds to a list that must not grow for ever.
fn add<T>(list: &mut Vec<T>, item: T) {
    if list.len() < ENTRIES {
        push(list, item);
    }
}

/// What is told of the last request takes the place of what was told of those before: the device asked on after that.
fn of_last(told: &mut Option<(At, IpAddr)>, asked: Option<At>) -> &mut Option<(At, IpAddr)> {
    if told.is_some_and(|(told, _)| asked.is_some_and(|asked| asked > told)) {
        *told = None;
    }
    told
}

/// Adds to a list of which the newest entry must be there: beyond the bound, it replaces the last.
fn add_newest<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= ENTRIES {
        list.pop();
    }
    push(list, item);
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

    /// Takes them all out. Those that go on are put back by [`Recorder::put_back`].
    pub(super) fn take(&mut self) -> Vec<(DraftId, Draft)> {
        std::mem::take(&mut self.drafts).into_list()
    }

    /// Puts these back, of all that were taken out, and forgets the others.
    pub(super) fn put_back(&mut self, mut drafts: Vec<(DraftId, Draft)>) {
        drafts.sort_unstable_by_key(|(id, _)| *id);
        self.drafts = Drafts::from_list(drafts);
        self.forget_missing();
    }

    /// Memory that is taken by the exchanges and by what was learnt of names, about.
    pub(super) fn held(&self) -> usize {
        self.drafts.held().saturating_add(self.names.held())
    }

    /// Keeps only those that `keep` says.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(DraftId, &Draft) -> bool) {
        self.drafts.retain(&mut keep);
        self.forget_missing();
    }

    /// Forgets what points to exchanges that are gone.
    fn forget_missing(&mut self) {
        let drafts = &self.drafts;
        self.connections.retain(|_, id| drafts.contains(*id));
        self.threads.retain(|_, id| drafts.contains(*id));
        self.queries.retain(|query| drafts.contains(query.draft));
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
        renumber(&mut self.threads, &own, other.threads, &theirs);
        self.transfers = provision::renumbered(std::mem::take(&mut self.transfers), &own);
        self.transfers.extend(provision::renumbered(other.transfers, &theirs));
        self.whole_files.extend(other.whole_files);
        let open = |queries: VecDeque<OpenQuery>, numbers: &HashMap<DraftId, DraftId, RandomState>| -> VecDeque<OpenQuery> {
            queries.into_iter().filter_map(|query| Some(OpenQuery { draft: *numbers.get(&query.draft)?, ..query })).collect()
        };
        self.queries = open(std::mem::take(&mut self.queries), &own);
        self.queries.extend(open(other.queries, &theirs));
        self.asks_by_sip |= other.asks_by_sip;
        self.is_beyond_time |= other.is_beyond_time;
        self.names.join(other.names);
    }

    fn begin(&mut self, at: At, kind: StepKind) -> DraftId {
        let id = self.next;
        self.next = self.next.saturating_add(1);
        self.drafts.push(id, Draft::new(at, at, kind, Weight::default()));
        self.touched = Some(id);
        id
    }

    /// The draft, with its last frame moved on to `at`.
    fn touch(&mut self, id: DraftId, at: At) -> Option<&mut StepKind> {
        let draft = self.drafts.get_mut(id)?;
        self.touched = Some(id);
        draft.last = draft.last.max(at);
        Some(&mut draft.kind)
    }

    /// Takes note of one event of a device of which this is known.
    pub(super) fn event(&mut self, event: &Event, facts: &DeviceFacts) {
        self.touched = None;
        if self.came_too_late(event) {
            return;
        }
        if facts.taken_up == Some(event.at) {
            self.takes_up_offer(event.at);
        }
        self.record(event, facts);
        let Some(touched) = self.touched else { return };
        let message = match &event.what {
            What::Message(message) => message.held(),
            What::Tcp(..) | What::Unread { .. } => 0,
        };
        self.drafts.weigh(touched, message.saturating_add(ENTRY));
    }

    /// The device speaks in an event that is not its own.
    pub(super) fn sign_of_life(&mut self, event: &Event) {
        self.greets_registrar(event);
        let is_time = event.destination().port() == TIME_PORT;
        if matches!(event.what, What::Unread { whole: false }) && !is_time {
            self.goes_on_without_time();
        }
    }

    fn record(&mut self, event: &Event, facts: &DeviceFacts) {
        match &event.what {
            What::Tcp(signal, stats) => {
                let is_used = stats.client.first_data.is_some() && stats.server.first_data.is_some();
                if is_used && (stats.client.cut || stats.server.cut) {
                    self.goes_on_without_time();
                }
                self.tcp(event, *signal, stats);
            }
            What::Message(message) => match message {
                Message::Arp(message) => self.arp(event.at, message, facts),
                Message::Dhcp(message) => self.dhcp(event.at, message, event.link.vlan),
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
            What::Unread { .. } => {}
        }
    }

    /// Did the device begin something else after the frame `asked`, not merely side by side with it?
    fn moved_on(&self, draft: DraftId, asked: &At) -> bool {
        let after = asked.time.plus(SIDE_BY_SIDE);
        self.drafts.after(draft).any(|other| other.first.time > after && !matches!(other.kind, StepKind::Neighbour(_)))
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
        let open = self.threads.get(&Thread::Neighbour(address)).copied();
        let open = open.filter(|id| {
            !request
                || matches!(self.drafts.get(*id), Some(Draft { kind: StepKind::Neighbour(neighbour), last, .. })
                if neighbour.reply.is_none() && at.time.since(last.time) <= SAME_QUESTION && !self.moved_on(*id, last))
        });
        let id = match open {
            Some(id) => id,
            None if request => {
                let neighbour = Neighbour { address, router: facts.is_router(address), requests: Vec::new(), reply: None };
                let id = self.begin(at, StepKind::Neighbour(Box::new(neighbour)));
                self.threads.insert(Thread::Neighbour(address), id);
                id
            }
            None => return,
        };
        let Some(StepKind::Neighbour(neighbour)) = self.touch(id, at) else { return };
        match reply {
            None => add_newest(&mut neighbour.requests, at),
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
                    of_last(&mut connection.unreachable, connection.stats.client.last_syn)
                }
                StepKind::Lookup(lookup)
                    if quoted.protocol == 17
                        && target.port() == 53
                        && lookup.answer.is_none()
                        && lookup.queries.last().is_some_and(|(_, server)| *server == target.ip()) =>
                {
                    of_last(&mut lookup.unreachable, lookup.queries.last().map(|(asked, _)| *asked))
                }
                StepKind::Clock(clock) if quoted.protocol == 17 && target.port() == 123 && clock.server == target.ip() => {
                    of_last(&mut clock.unreachable, clock.requests.last().map(|(asked, _)| *asked))
                }
                StepKind::Inquiry(inquiry) if quoted.protocol == 17 && inquiry.flow.server == Endpoint::Ip(target) => {
                    &mut inquiry.unreachable
                }
                StepKind::Registration(registration)
                    if quoted.protocol == 17 && registration.flow.server == Endpoint::Ip(target) =>
                {
                    let sent = registration.transactions.iter().filter_map(|one| one.sent.last()).max().copied();
                    of_last(&mut registration.unreachable, sent)
                }
                StepKind::File(transfer)
                    if quoted.protocol == 17
                        && transfer.flow.client == Endpoint::Ip(quoted.source)
                        && transfer.flow.server == Endpoint::Ip(target) =>
                {
                    of_last(&mut transfer.unreachable, transfer.requests.last().copied())
                }
                _ => continue,
            };
            *unreachable = unreachable.or(told);
            draft.last = draft.last.max(at);
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_more_entries_than_an_exchange_holds_the_first_ones_count_or_the_newest_takes_the_last_place() {
        let (mut first_ones, mut newest) = (Vec::new(), Vec::new());
        for number in 0..ENTRIES + 50 {
            add(&mut first_ones, number);
            add_newest(&mut newest, number);
        }
        assert_eq!(first_ones, (0..ENTRIES).collect::<Vec<_>>());
        assert_eq!(newest, (0..ENTRIES - 1).chain([ENTRIES + 49]).collect::<Vec<_>>());
    }
}
