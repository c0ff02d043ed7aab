//! What an exchange was aimed at, so that doing the same again can be told from the next target. A step in, its target out.

use std::net::IpAddr;

use crate::flow::{Flow, Transport};
use crate::model::Endpoint;
use crate::profile::Profile;
use crate::protocols::sip;

use super::judge::Judgement;
use super::steps::{Connection, Purpose, Step, StepKind, TicketRequest};

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
    /// A lease over IPv6.
    LeaseV6,
    /// A file of a server.
    File(Endpoint, String),
    /// Any file of a server.
    Files(Endpoint),
    /// The port of the switch.
    Port,
}

/// The target of a step.
pub(super) fn target(step: &Step) -> Target {
    match &step.kind {
        StepKind::Port(_) => Target::Port,
        StepKind::Lease(_) => Target::Lease,
        StepKind::LeaseV6(_) => Target::LeaseV6,
        StepKind::Neighbour(neighbour) => Target::Neighbour(neighbour.address),
        StepKind::File(transfer) => Target::File(transfer.flow.server, transfer.file.raw().to_owned()),
        StepKind::Lookup(lookup) => Target::Name(lookup.name.raw().to_ascii_lowercase(), lookup.kind),
        StepKind::Clock(clock) => Target::Clock(clock.server),
        StepKind::Connection(connection) if !connection.kerberos.is_empty() => ticket(&connection.flow, &connection.kerberos),
        StepKind::Connection(connection) => match first_file(connection).filter(|_| step.purpose == Purpose::Provision) {
            Some(file) => Target::File(connection.flow.server, file),
            None => Target::Server(connection.flow.server),
        },
        StepKind::Inquiry(inquiry) => ticket(&inquiry.flow, &inquiry.kerberos),
        StepKind::Registration(registration) => {
            let user = registration.transactions.first().and_then(|transaction| transaction.request.to.as_ref());
            Target::Registration(registration.flow.server, user.map(|uri| sip::user(uri).to_owned()).unwrap_or_default())
        }
    }
}

impl Target {
    /// What is the same as this, seen with less: of a connection that did not come to its request, only the server shows.
    pub(super) fn with_less(&self) -> Option<Self> {
        match self {
            Self::File(server, _) => Some(Self::Server(*server)),
            Self::Server(server) => Some(Self::Files(*server)),
            _ => None,
        }
    }

    /// The files among which this one is.
    pub(super) fn files(&self) -> Option<Self> {
        match self {
            Self::File(server, _) => Some(Self::Files(*server)),
            _ => None,
        }
    }
}

/// A client asks for tickets all the time, and for the same one again when it starts over.
fn ticket(flow: &Flow, requests: &[TicketRequest]) -> Target {
    let first = requests.iter().find_map(|request| request.request.as_ref()?.request());
    let service = first.and_then(|request| request.service.as_ref()).map(|service| service.raw().to_owned());
    Target::Ticket(flow.transport, flow.server, service.unwrap_or_default())
}

/// The path that a connection was opened for.
fn first_file(connection: &Connection) -> Option<String> {
    connection.http.iter().find_map(|exchange| exchange.request.as_ref()).map(|(_, request)| request.uri.raw().to_owned())
}

/// The order of a device's errands: its port, an address, the time, its configuration, the directory, certificates, the registrar.
pub(super) fn errand(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Access => 1,
        Purpose::Address => 2,
        Purpose::Clock => 3,
        Purpose::Provision => 4,
        Purpose::Directory => 5,
        Purpose::Enrolment => 6,
        Purpose::Registrar => 7,
        // Side roads: they come at any moment.
        Purpose::Update | Purpose::Revocation | Purpose::Other => 0,
    }
}

/// Is it a step of the login itself, not of a side road that comes at any moment?
pub(super) fn is_main_road(step: &Step) -> bool {
    errand(step.purpose) > 0 && !matches!(step.kind, StepKind::Neighbour(_))
}

/// Is this the first name that such a device asks for to find its registrar?
pub(super) fn looks_up_first(step: &Step, profile: &Profile) -> bool {
    matches!(&step.kind, StepKind::Lookup(lookup) if profile.asks_first_for(lookup.name.raw()))
}

/// What the device does next, if that is of the same errand, and no look-up.
pub(super) fn led_to<'a>(step: &Step, following: &'a [Judgement]) -> Option<&'a Step> {
    let mut next = following.iter().map(|judgement| &judgement.step);
    let next = next.find(|next| !matches!(next.kind, StepKind::Lookup(_) | StepKind::Neighbour(_)));
    next.filter(|next| next.purpose == step.purpose)
}
