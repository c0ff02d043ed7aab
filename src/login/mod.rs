//! Events in, attempts out: what each device tried, how far it came, and who ended it. Decides *that* and *where*
//! something dropped; never why.

use crate::device::facts::DeviceFacts;
use crate::event::{Event, What};
use crate::model::{Side, Time};
use crate::profile::Profile;
use crate::protocols::{Message, tls};

mod abandoned;
mod attempt;
mod barrier;
mod beside;
mod conduct;
mod context;
mod cut_off;
mod dialogue;
mod drops;
mod judge;
mod known;
mod last_word;
mod names;
mod purpose;
mod record;
mod reports;
mod retries;
mod revocation;
mod settled;
pub mod stages;
mod standstill;
pub mod steps;
mod target;
pub mod timeline;
mod tries;

pub use barrier::Barrier;

use record::Recorder;
use steps::{Attempt, StepKind};

/// Exchanges that one device may have open or unsettled; beyond it, what is over is settled.
const UNSETTLED: usize = 256;
/// Exchanges that are kept of a device that shows no login at all.
const WITHOUT_LOGIN: usize = 64;

/// The login of one device.
#[derive(Debug, Default)]
pub struct Login {
    recorder: Recorder,
    /// What is remembered of attempts that are over, once there are any.
    settled: Option<Box<settled::Settled>>,
    /// Events that it took, for what was looked at.
    events: u64,
}

impl Login {
    /// Takes an event of this device.
    pub fn on(&mut self, event: &Event, facts: &mut DeviceFacts) {
        self.events = self.events.saturating_add(1);
        self.recorder.event(event, facts);
        conduct::learn(&self.recorder, event, facts);
        self.remember_issuer(event, facts);
        for file in std::mem::take(&mut self.recorder.whole_files) {
            facts.add_file(file.at, file.name, file.purpose == steps::Purpose::Update);
        }
    }

    /// The device speaks in an event that is not its own.
    pub fn speaks(&mut self, event: &Event) {
        self.recorder.sign_of_life(event);
    }

    /// How many events it took.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Exchanges that are not settled.
    pub fn unsettled(&self) -> usize {
        self.recorder.len()
    }

    /// Memory that it takes, about.
    pub fn held(&self) -> usize {
        self.recorder.held()
    }

    /// Is there so much of it that something should be settled or forgotten?
    pub fn is_full(&self) -> bool {
        self.recorder.len() >= UNSETTLED
    }

    /// Forgets all that is not settled.
    pub fn clear(&mut self) {
        self.recorder = Recorder::default();
    }

    /// Takes over what the same device did under another name.
    pub fn join(&mut self, other: Login) {
        self.events = self.events.saturating_add(other.events);
        if let Some(other) = other.settled {
            self.settled.get_or_insert_default().join(*other);
        }
        self.recorder.join(other.recorder);
    }

    /// Forgets the oldest of what was recorded, for a device that shows no login, or one attempt of which goes on without
    /// end. What is still open, and registrations, stay as long as there is room.
    pub fn forget(&mut self) {
        let mut surplus = self.recorder.len().saturating_sub(WITHOUT_LOGIN);
        let open = |draft: &record::Draft| match &draft.kind {
            StepKind::Connection(connection) => !connection.ended,
            StepKind::Registration(_) => true,
            StepKind::File(transfer) => transfer.complete.is_none() && transfer.error.is_none(),
            _ => false,
        };
        let keep_open = self.recorder.drafts().filter(|(_, draft)| open(draft)).count() <= WITHOUT_LOGIN / 2;
        self.recorder.retain(|_, draft| {
            let keep = surplus == 0 || (keep_open && open(draft));
            surplus = surplus.saturating_sub(usize::from(!keep));
            keep
        });
    }

    /// Takes out the attempts that are over: not the last one, which may still go on, nor, unless room is needed, any from the
    /// first one on that has an open connection.
    pub fn settle(&mut self, facts: &DeviceFacts, profile: &Profile, now: Time) -> Vec<Attempt> {
        let was_full = self.is_full();
        let settled = self.settled.get_or_insert_default();
        let judge::Judgements { mut steps, aside, known } = judge::steps(&mut self.recorder, &settled.known, facts, profile, now);
        beside::weigh(&mut steps, facts, profile);
        let attempt::Split { mut attempts, stood, since_start, undecided } = attempt::split(steps, profile, now, now, settled);
        let last = attempts.len().saturating_sub(1);
        let first_open = attempts.iter().position(|(attempt, _)| attempt.steps.iter().any(|step| is_open(&step.kind)));
        let over = if was_full { last } else { first_open.unwrap_or(last).min(undecided.unwrap_or(last)).min(last) };
        let going_on = attempts.split_off(over);
        settled.stood(stood.into_iter().take(over).flatten());
        settled.since_start = since_start.get(..over).and_then(|over| over.last()).copied().unwrap_or(settled.since_start);
        let begun = going_on.iter().flat_map(|(attempt, _)| &attempt.steps).map(|step| step.first.time).min();
        settled.known = known.kept(begun.unwrap_or(now));
        let going_on = going_on.into_iter().flat_map(|(attempt, drafts)| drafts.into_iter().zip(attempt.steps));
        let aside = aside.into_iter().filter(|(_, draft)| !was_full && is_open(&draft.kind));
        self.recorder.put_back(going_on.map(draft_of).chain(aside).collect());
        let attempts = settled.all(attempts);
        if self.is_full() {
            // One attempt without end: its beginning goes.
            self.forget();
        }
        attempts
    }

    /// Takes out all attempts as they stand, and forgets the exchanges. What the device said, the capture holds up to `in_view`.
    pub fn conclude(&mut self, facts: &DeviceFacts, profile: &Profile, now: Time, in_view: Time) -> Vec<Attempt> {
        let settled = self.settled.get_or_insert_default();
        let judge::Judgements { mut steps, known, .. } = judge::steps(&mut self.recorder, &settled.known, facts, profile, now);
        beside::weigh(&mut steps, facts, profile);
        let attempt::Split { attempts, since_start, .. } = attempt::split(steps, profile, now, in_view, settled);
        settled.since_start = since_start.last().copied().unwrap_or(settled.since_start);
        settled.known = known.kept(now);
        let attempts = settled.all(attempts);
        self.clear();
        attempts
    }

    /// Which CA stood behind the chain that a server gave under a name.
    fn remember_issuer(&self, event: &Event, facts: &mut DeviceFacts) {
        const NAMES: usize = 256;
        let What::Message(Message::Tls(message)) = &event.what else { return };
        let (tls::Message::Certificate(chain), Side::Server) = (message, event.side) else { return };
        let Some(issuer) = chain.first().and_then(|leaf| leaf.body.as_ref().ok()).map(|body| body.issuer.der.clone()) else {
            return;
        };
        let Some((name, _)) = self.recorder.names.name_of(event.flow.server) else { return };
        if facts.issuers_by_name.len() < NAMES {
            facts.issuers_by_name.push((name, issuer, event.at.frame));
        }
    }

    /// Does it ask for a neighbour in vain?
    pub fn asks_in_vain(&self) -> bool {
        let in_vain = |kind: &StepKind| matches!(kind, StepKind::Neighbour(neighbour) if neighbour.reply.is_none());
        self.recorder.drafts().any(|(_, draft)| in_vain(&draft.kind))
    }

    /// Is 802.1X all that it does of what a login stands on?
    pub fn is_at_port(&self) -> bool {
        let beside_it = |kind: &StepKind| !matches!(kind, StepKind::Port(_) | StepKind::Neighbour(_));
        self.has_exchanges() && !self.recorder.drafts().any(|(_, draft)| beside_it(&draft.kind))
    }

    /// Does anything of it look like a login: DHCP, SIP, the names that only such a device asks for?
    pub fn has_exchanges(&self) -> bool {
        self.recorder.drafts().any(|(_, draft)| !matches!(draft.kind, StepKind::Neighbour(_)))
    }
}

/// Adds to a list of which there are thousands, and which holds one entry as a rule: room for more comes with the second.
fn push<T>(list: &mut Vec<T>, item: T) {
    if list.is_empty() {
        list.reserve_exact(1);
    }
    list.push(item);
}

/// Is it a connection that nothing has ended?
fn is_open(kind: &StepKind) -> bool {
    matches!(kind, StepKind::Connection(connection) if !connection.ended)
}

/// The record that a step was made of.
fn draft_of(((id, weight), step): (attempt::Record, steps::Step)) -> (record::DraftId, record::Draft) {
    (id, record::Draft::new(step.first, step.last, step.kind, weight))
}
