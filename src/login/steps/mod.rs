//! What a login consists of: exchanges that belong together, each judged by itself. Everything that the findings may
//! ask about an attempt is here.

use smol_str::SmolStr;

use crate::model::{At, By, DropPoint, How, Outcome, SECOND, Stage, Time};
use crate::text::WireText;

mod asked;
mod connection;
mod directory;
mod errands;
mod network;
mod registration;
mod sealed;

pub use asked::AskedNames;
pub use connection::{Close, Connection, Exchange, Handshake};
pub use directory::{DirectoryRequest, Inquiry, TicketRequest, last_answer};
pub use errands::{Answer, Clock, Lookup, Transfer};
pub use network::{Lease, LeaseV6, Neighbour, PortAccess};
pub use registration::{Registration, Transaction};
pub use sealed::{Record, Sealed};

/// A device that starts over has paused at least this long. A quicker repeat belongs to the same try (a TLS fall-back): it
/// comes at once, but where the capture was taken at the server, a round trip of a long way later.
pub(super) const PAUSE: i64 = SECOND * 4 / 10;
/// A device that has been signed in for longer has come to rest: what happens to it then is an incident, and does not keep it out.
pub(crate) const COMES_TO_REST: i64 = 600 * SECOND;
/// A session that is closed sooner never stood.
const STOOD: i64 = 60 * SECOND;

/// One try of a device to log in, from its first step to what ended it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// The exchanges, in the order of their first frames.
    pub steps: Vec<Step>,
    /// A line for each stage that the login has, in the order of the story.
    pub stages: Vec<StageReport>,
    /// What ended it; `None` where it got through, or where the capture's end cut it off.
    pub drop: Option<DropPoint>,
    /// Index in `steps` of the exchange that dropped.
    pub dropped_step: Option<usize>,
    /// Did it reach `session` or a successful `register`? With the confidence in it.
    pub signed_in: Option<f32>,
}

/// What became of a stage in an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// What became of it.
    pub outcome: Outcome,
    /// Its first frame.
    pub first: Option<At>,
    /// Its last frame.
    pub last: Option<At>,
    /// Plain words.
    pub detail: SmolStr,
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Step {
    /// The stage that it serves.
    pub stage: Stage,
    /// For what the device did it.
    pub purpose: Purpose,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// What became of it.
    pub outcome: Outcome,
    /// Who ended it and how, where it failed.
    pub ending: Option<Ending>,
    /// What it was.
    pub kind: StepKind,
}

impl Step {
    /// Does it prolong a lease that the device works with? The lease's time says when (RFC 2131 section 4.4.5), whatever else the
    /// device does.
    pub(super) fn prolongs_lease(&self) -> bool {
        match &self.kind {
            StepKind::Lease(lease) => lease.renews && lease.discovers.is_empty() && lease.informs.is_empty(),
            StepKind::LeaseV6(lease) => lease.solicits.is_empty() && !lease.requests.is_empty(),
            _ => false,
        }
    }

    /// The name that it looked up, or by which it sought its server.
    pub fn name(&self) -> Option<&WireText> {
        match &self.kind {
            StepKind::Lookup(lookup) => Some(&lookup.name),
            StepKind::Connection(connection) => connection.sought_name(),
            _ => None,
        }
    }

    /// The last frame that shows that it goes well. That a device says good-bye to a directory (RFC 4511 section 4.3) tells nothing
    /// of what became of its errand there: what the directory said last does.
    pub fn goes_well_until(&self) -> Option<At> {
        match &self.kind {
            StepKind::Connection(connection) if self.purpose == Purpose::Directory => connection.stats.server.last_data,
            _ => Some(self.last),
        }
    }

    /// Had a session on it stood for long by then?
    pub(super) fn has_stood_by(&self, time: Time) -> bool {
        time.since(self.first.time) >= STOOD
    }
}

/// Who ended an exchange, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who.
    pub by: By,
    /// How.
    pub how: How,
    /// The decisive frame.
    pub at: At,
}

/// For what a device looks up a name or opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To be let onto the port of the switch.
    Access,
    /// An address of its own.
    Address,
    /// The time.
    Clock,
    /// A configuration file.
    Provision,
    /// The domain controller.
    Directory,
    /// CA certificates, or a certificate of its own.
    Enrolment,
    /// The SIP server.
    Registrar,
    /// Device updates.
    Update,
    /// A revocation list or an OCSP responder.
    Revocation,
    /// Something else, or it does not show.
    Other,
}

/// The kinds of exchange.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// 802.1X.
    Port(Box<PortAccess>),
    /// DHCP.
    Lease(Box<Lease>),
    /// DHCPv6.
    LeaseV6(Box<LeaseV6>),
    /// ARP, or neighbour discovery, for the router (or another neighbour).
    Neighbour(Box<Neighbour>),
    /// DNS.
    Lookup(Box<Lookup>),
    /// NTP.
    Clock(Box<Clock>),
    /// TCP, with what it carried.
    Connection(Box<Connection>),
    /// TFTP.
    File(Box<Transfer>),
    /// SIP over UDP.
    Registration(Box<Registration>),
    /// Kerberos or CLDAP over UDP.
    Inquiry(Box<Inquiry>),
}

impl Attempt {
    /// The step that dropped.
    pub fn dropped(&self) -> Option<&Step> {
        self.steps.get(self.dropped_step?)
    }

    /// Was it cut in a session that had stood for long?
    pub fn is_cut_late(&self) -> bool {
        let cut = self.drop.filter(|drop| drop.stage == Stage::Session).zip(self.dropped());
        cut.is_some_and(|(drop, step)| step.has_stood_by(drop.at.time))
    }

    /// Was it under way when the capture began: does it begin in the middle of a connection?
    pub fn is_under_way(&self) -> bool {
        self.steps.first().is_some_and(|step| matches!(&step.kind, StepKind::Connection(connection) if connection.syn.is_none()))
    }

    /// The connections, with their steps.
    pub fn connections(&self) -> impl Iterator<Item = (&Step, &Connection)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Connection(connection) => Some((step, connection.as_ref())),
            _ => None,
        })
    }

    /// The look-ups, with their steps.
    pub fn lookups(&self) -> impl Iterator<Item = (&Step, &Lookup)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Lookup(lookup) => Some((step, lookup.as_ref())),
            _ => None,
        })
    }

    /// The DHCP exchanges, with their steps.
    pub fn leases(&self) -> impl Iterator<Item = (&Step, &Lease)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Lease(lease) => Some((step, lease.as_ref())),
            _ => None,
        })
    }

    /// The TFTP transfers, with their steps.
    pub fn files(&self) -> impl Iterator<Item = (&Step, &Transfer)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::File(transfer) => Some((step, transfer.as_ref())),
            _ => None,
        })
    }

    /// The NTP exchanges, with their steps.
    pub fn clocks(&self) -> impl Iterator<Item = (&Step, &Clock)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Clock(clock) => Some((step, clock.as_ref())),
            _ => None,
        })
    }

    /// All HTTP exchanges, with the step and connection of each.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Step, &Connection, &Exchange)> + '_ {
        self.connections().flat_map(|(step, connection)| connection.http.iter().map(move |exchange| (step, connection, exchange)))
    }

    /// All SIP transactions of the device, over whatever transport.
    pub fn transactions(&self) -> impl Iterator<Item = (&Step, &Transaction)> + '_ {
        self.steps.iter().flat_map(|step| {
            let transactions = match &step.kind {
                StepKind::Connection(connection) => connection.sip.as_slice(),
                StepKind::Registration(registration) => registration.transactions.as_slice(),
                _ => &[],
            };
            transactions.iter().map(move |transaction| (step, transaction))
        })
    }
}
