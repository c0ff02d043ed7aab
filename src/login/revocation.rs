//! The certificates that servers gave a device in, which of its later questions ask whether one is revoked out. Certificates
//! name the places; anything that the device asks of them right after is for that. Does not know how it went.

use std::borrow::Cow;

use crate::formats::names::host_of_uri;
use crate::model::{At, Frame, SECOND, Time};
use crate::text::WireText;

use super::record::{Draft, DraftId};
use super::steps::{Connection, StepKind};

/// How long after a certificate a client begins to ask about it, at most: Windows waits 15 seconds for each place.
const ASKED_WITHIN: i64 = 60 * SECOND;
/// Places that are taken from one chain.
const PLACES: usize = 16;

/// A chain that can be asked about.
#[derive(Debug)]
struct Check {
    /// Hosts of its revocation lists and responders.
    hosts: Vec<String>,
    /// When it came.
    at: At,
    /// When the connection that it came over was closed.
    closed: Option<Time>,
    /// Did the device ask one of them?
    asked: bool,
}

/// All that a device may ask about.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    pub(super) fn of(drafts: &[(DraftId, Draft)]) -> Self {
        let connections = drafts.iter().filter_map(|(_, draft)| match &draft.kind {
            StepKind::Connection(connection) => check(connection),
            _ => None,
        });
        let mut checks: Vec<Check> = connections.collect();
        if !checks.is_empty() {
            for (_, draft) in drafts {
                let Some(host) = host(&draft.kind) else { continue };
                let asked = checks.iter_mut().filter(|check| check.is_asked(&host, draft.first));
                asked.for_each(|check| check.asked = true);
            }
        }
        Self(checks)
    }

    /// Does what began here, with this host, ask whether a certificate is revoked?
    pub(super) fn are_asked(&self, kind: &StepKind, first: At) -> bool {
        !self.0.is_empty() && host(kind).is_some_and(|host| self.0.iter().any(|check| check.is_asked(&host, first)))
    }

    /// Did the device ask about the chain that came in this frame?
    pub(super) fn was_asked_about(&self, certificate: Frame) -> bool {
        self.0.iter().any(|check| check.asked && check.at.frame == certificate)
    }
}

impl Check {
    fn is_asked(&self, host: &str, first: At) -> bool {
        let while_open = self.closed.is_none_or(|closed| first.time <= closed);
        let soon = first.time.since(self.at.time) <= ASKED_WITHIN;
        first.frame > self.at.frame && while_open && soon && self.hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
    }
}

fn check(connection: &Connection) -> Option<Check> {
    let (at, chain) = connection.tls.as_ref()?.certificate.as_ref()?;
    let bodies = chain.iter().filter_map(|certificate| certificate.body.as_ref().ok());
    let places = bodies.flat_map(|body| body.crl_locations.iter().chain(&body.ocsp_locations));
    let hosts: Vec<String> = places.filter_map(|place| host_of_uri(place.raw())).take(PLACES).map(str::to_owned).collect();
    let closed = connection.first_close().map(|(at, _, _)| at.time);
    (!hosts.is_empty()).then_some(Check { hosts, at: *at, closed, asked: false })
}

/// The host that a look-up or a connection is about.
fn host<'a>(kind: &'a StepKind) -> Option<Cow<'a, str>> {
    let relative = |name: &'a WireText| name.raw().trim_end_matches('.').into();
    match kind {
        StepKind::Lookup(lookup) => Some(relative(&lookup.name)),
        StepKind::Connection(connection) => {
            connection.name.as_ref().map(relative).or_else(|| Some(connection.flow.server_ip()?.to_string().into()))
        }
        _ => None,
    }
}
