//! Recorded exchanges in, steps out: for what each was made, the stage that it came to, and what became of it.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::device::facts::DeviceFacts;
use crate::flow::{Flow, Transport};
use crate::model::{Endpoint, Frame, Outcome, Stage, Time};
use crate::profile::Profile;

use super::names::NameBook;
use super::purpose;
use super::record::{Draft, DraftId, Recorder};
use super::stages::{self, Horizon, Judged};
use super::steps::{Connection, Purpose, Step, StepKind, TicketRequest};

/// A step with the number of its record.
pub(super) struct Judgement {
    /// The record.
    pub(super) draft: DraftId,
    /// The step.
    pub(super) step: Step,
    /// How sure it is that the device signed in by it.
    pub(super) signed_in: Option<f32>,
}

/// What the purposes of single exchanges follow from: what the device did in all.
struct Context<'a> {
    names: &'a NameBook,
    /// Ports and addresses that the device used as its registrar.
    registrars: HashSet<IpAddr, RandomState>,
    /// Addresses of web servers that it fetched certificates from.
    enrolment: HashSet<IpAddr, RandomState>,
    /// Purpose of the connection or clock that an answer (by its frame) led to.
    led_to: HashMap<Frame, Purpose, RandomState>,
    /// Does this family fetch its CA chain over plain HTTP?
    enrols: bool,
}

/// Judges all that was recorded up to now, in the order of the first frames. `end` is the capture's last frame.
pub(super) fn steps(recorder: &Recorder, facts: &DeviceFacts, profile: &Profile, end: Time) -> Vec<Judgement> {
    let last_begun = recorder.drafts().map(|(_, draft)| draft.first.time).max().unwrap_or(end);
    let horizon = Horizon { end, last_begun, heard_from: &facts.heard_from, seen_both_ways: facts.seen_both_ways };
    let mut context = Context {
        names: &recorder.names,
        registrars: HashSet::default(),
        enrolment: HashSet::default(),
        led_to: HashMap::default(),
        enrols: profile.order.contains(&Stage::Enrolment),
    };
    context.learn_servers(recorder);
    context.learn_ways(recorder);
    let mut judged: Vec<Judgement> = recorder.drafts().filter_map(|(id, draft)| judge(id, draft, &context, &horizon)).collect();
    judged.sort_by_key(|judgement| (judgement.step.first, judgement.draft));
    judged
}

impl Context<'_> {
    fn learn_servers(&mut self, recorder: &Recorder) {
        for (_, draft) in recorder.drafts() {
            let StepKind::Connection(connection) = &draft.kind else { continue };
            let Some(server) = connection.flow.server_ip() else { continue };
            match self.by_itself(connection) {
                Purpose::Registrar => self.registrars.insert(server),
                Purpose::Enrolment => self.enrolment.insert(server),
                _ => false,
            };
        }
    }

    fn learn_ways(&mut self, recorder: &Recorder) {
        for (_, draft) in recorder.drafts() {
            if let StepKind::Connection(connection) = &draft.kind
                && let Some(frame) = connection.name_frame
            {
                let purpose = self.connection(connection);
                self.led_to.entry(frame).or_insert(purpose);
            }
        }
    }

    fn by_itself(&self, connection: &Connection) -> Purpose {
        let name = connection.name.as_ref().map_or(Purpose::Other, |name| self.names.purpose_of(name));
        purpose::of_connection(connection, name)
    }

    /// What a connection is for, by itself or by what else the device did with that server.
    fn connection(&self, connection: &Connection) -> Purpose {
        let by_itself = self.by_itself(connection);
        let (Purpose::Other, Some(server)) = (by_itself, connection.flow.server_ip()) else { return by_itself };
        match connection.flow.server.port() {
            443 if self.registrars.contains(&server) => Purpose::Registrar,
            80 | 443 | 8080 | 4443 if self.enrolment.contains(&server) && connection.http.is_empty() => Purpose::Enrolment,
            // A family that enrols over plain HTTP has no other errand there until it says one.
            80 if self.enrols && connection.http.is_empty() => Purpose::Enrolment,
            _ => Purpose::Other,
        }
    }
}

fn judge(id: DraftId, draft: &Draft, context: &Context<'_>, horizon: &Horizon<'_>) -> Option<Judgement> {
    let (purpose, judged) = match &draft.kind {
        StepKind::Lease(lease) => (Purpose::Address, stages::address::judge(lease, horizon)),
        StepKind::Neighbour(neighbour) => (Purpose::Address, stages::address::judge_neighbour(neighbour, horizon)),
        StepKind::Lookup(lookup) => {
            let by_name = context.names.purpose_of(&lookup.name);
            let led_to = || lookup.answer.as_ref().and_then(|answer| context.led_to.get(&answer.at.frame)).copied();
            let purpose = if by_name == Purpose::Other { led_to().unwrap_or(Purpose::Other) } else { by_name };
            let stage = stages::names::stage(purpose::of_name(lookup.name.raw()));
            (purpose, stages::names::judge(lookup, stage, horizon))
        }
        StepKind::Clock(clock) => (Purpose::Clock, stages::time::judge(clock, horizon)),
        StepKind::Connection(connection) => {
            let purpose = context.connection(connection);
            (purpose, judge_connection(connection, purpose, horizon)?)
        }
        StepKind::Registration(registration) => (Purpose::Registrar, stages::register::judge_datagrams(registration, horizon)),
        StepKind::Inquiry(inquiry) => (Purpose::Directory, stages::directory::judge_datagrams(inquiry, horizon)),
    };
    let step = Step {
        stage: judged.stage,
        purpose,
        first: draft.first,
        last: draft.last,
        outcome: judged.outcome,
        ending: judged.ending,
        kind: draft.kind.clone(),
    };
    Some(Judgement { draft: id, step, signed_in: judged.signed_in })
}

fn judge_connection(connection: &Connection, purpose: Purpose, horizon: &Horizon<'_>) -> Option<Judged> {
    Some(match purpose {
        Purpose::Registrar => stages::register::judge(connection, horizon),
        Purpose::Directory => stages::directory::judge(connection, horizon),
        Purpose::Enrolment => stages::enrolment::judge(connection, Stage::Enrolment, horizon),
        Purpose::Provision => stages::enrolment::judge(connection, Stage::Provision, horizon),
        Purpose::Update => stages::enrolment::judge(connection, Stage::Update, horizon),
        Purpose::Revocation => stages::enrolment::judge(connection, Stage::Tls, horizon),
        // Nothing that a login stands on.
        Purpose::Address | Purpose::Clock | Purpose::Other => return None,
    })
}

/// What a device does again when it starts over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// A name and record type.
    Name(String, u16),
    /// A server and port.
    Server(Endpoint),
    /// A ticket from a server and port, or a ping of it over UDP: asking over TCP what was asked over UDP is a next step.
    Ticket(Transport, Endpoint, String),
    /// A time server.
    Clock(IpAddr),
    /// A neighbour.
    Neighbour(IpAddr),
    /// A registration of an address-of-record with a server.
    Registration(Endpoint, String),
    /// A lease.
    Lease,
}

/// The target of a step.
pub(super) fn target(step: &Step) -> Target {
    match &step.kind {
        StepKind::Lease(_) => Target::Lease,
        StepKind::Neighbour(neighbour) => Target::Neighbour(IpAddr::V4(neighbour.address)),
        StepKind::Lookup(lookup) => Target::Name(lookup.name.raw().to_ascii_lowercase(), lookup.kind),
        StepKind::Clock(clock) => Target::Clock(clock.server),
        StepKind::Connection(connection) if !connection.kerberos.is_empty() => ticket(&connection.flow, &connection.kerberos),
        StepKind::Connection(connection) => Target::Server(connection.flow.server),
        StepKind::Inquiry(inquiry) => ticket(&inquiry.flow, &inquiry.kerberos),
        StepKind::Registration(registration) => {
            let user = registration.transactions.first().and_then(|transaction| transaction.request.to.as_ref());
            Target::Registration(registration.flow.server, user.map(|user| user.raw().to_owned()).unwrap_or_default())
        }
    }
}

/// A client asks for tickets all the time, and for the same one again when it starts over.
fn ticket(flow: &Flow, requests: &[TicketRequest]) -> Target {
    let first = requests.iter().find_map(|request| request.request.as_ref()?.request());
    let service = first.and_then(|request| request.service.as_ref()).map(|service| service.raw().to_owned());
    Target::Ticket(flow.transport, flow.server, service.unwrap_or_default())
}

/// Is a look-up only the shadow of another: AAAA beside an A that was found, a reverse name?
pub(super) fn is_shadow(step: &Step, all: &[Step]) -> bool {
    use crate::protocols::dns::kind;
    let StepKind::Lookup(lookup) = &step.kind else { return false };
    if lookup.kind != kind::A && lookup.kind != kind::AAAA && lookup.kind != kind::SRV {
        return true;
    }
    let sibling = match lookup.kind {
        kind::AAAA => kind::A,
        kind::A => kind::AAAA,
        _ => return false,
    };
    let found = |other: &Step| matches!(&other.kind, StepKind::Lookup(other) if other.kind == sibling && other.name.raw().eq_ignore_ascii_case(lookup.name.raw()));
    let mut siblings = all.iter().filter(|other| found(other));
    match lookup.kind {
        // A failed AAAA says nothing where the A was asked for too.
        kind::AAAA => siblings.next().is_some(),
        _ => siblings.any(|other| other.outcome == Outcome::Ok),
    }
}
