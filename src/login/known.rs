//! What a device has shown of the servers that it works with, and how far it had come when: exchanges in; out comes what tells for
//! what later ones are made. It is kept when the attempts that showed it are over. Says nothing of what became of an exchange.

use std::net::IpAddr;

use crate::formats::names::host_of_uri;
use crate::model::Time;

use super::purpose;
use super::record::{Draft, DraftId};
use super::steps::{Connection, Exchange, Purpose, StepKind};

/// Servers of one kind that are kept of attempts that are over: no phone has more than a few.
const SERVERS: usize = 32;

/// How far a device had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// It has an address.
    Address,
    /// It has turned to a registrar.
    Registrar,
}

/// What is known of one device. Lists, each in order: they are short, and there are thousands of devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// Addresses that the device used as its registrar.
    pub(super) registrars: Vec<IpAddr>,
    /// Addresses of web servers that it fetched certificates from.
    pub(super) enrolment: Vec<IpAddr>,
    /// Their names, in lower case.
    pub(super) enrolment_hosts: Vec<String>,
    /// Hosts that DHCP named as configuration servers: names in lower case, and addresses.
    pub(super) configuration: Vec<String>,
    /// Hosts that a configuration server sent it on to, in lower case.
    pub(super) sent_on_to: Vec<String>,
    /// Hosts that it asked for files over TFTP.
    pub(super) file_servers: Vec<IpAddr>,
    /// Web servers that gave it a configuration.
    pub(super) configured_by: Vec<IpAddr>,
    /// When it came where, in order.
    pub(super) way: Vec<(Time, Place)>,
    /// Has it asked for tickets, or a directory for the certificates of CAs?
    pub(super) uses_directory: bool,
    /// Has it asked for a neighbour, or sent anything but DHCP, over IPv4?
    pub(super) uses_v4: bool,
    /// Has it done more than look up names and what comes before that?
    pub(super) came_further: bool,
}

impl Known {
    /// Adds what these exchanges show; `by_itself` says for what a connection is, by itself.
    pub(super) fn learn(&mut self, drafts: &[(DraftId, Draft)], mut by_itself: impl FnMut(&Connection, &Draft) -> Purpose) {
        for (_, draft) in drafts {
            self.uses_v4 |= uses_v4(&draft.kind);
            match &draft.kind {
                StepKind::Lease(lease) => {
                    let hosts = lease.acks.iter().flat_map(|(_, ack)| ack.configuration_hosts());
                    hosts.for_each(|host| add(&mut self.configuration, host));
                    self.way.extend(lease.acks.iter().map(|(at, _)| (at.time, Place::Address)));
                }
                StepKind::Registration(_) => self.way.push((draft.first.time, Place::Registrar)),
                StepKind::File(transfer) => {
                    transfer.flow.server_ip().into_iter().for_each(|server| add(&mut self.file_servers, server));
                }
                StepKind::Inquiry(_) => self.uses_directory = true,
                StepKind::Connection(connection) => {
                    self.uses_directory |= uses_directory(connection);
                    self.connection(connection, draft.first.time, by_itself(connection, draft));
                }
                _ => {}
            }
        }
        self.way.sort_unstable();
        self.way.dedup();
    }

    fn connection(&mut self, connection: &Connection, begun: Time, by_itself: Purpose) {
        let Some(server) = connection.flow.server_ip() else { return };
        connection.http.iter().filter_map(sent_on).for_each(|host| add(&mut self.sent_on_to, host));
        if connection.http.iter().any(configures) {
            add(&mut self.configured_by, server);
        }
        match by_itself {
            Purpose::Registrar => {
                self.way.push((begun, Place::Registrar));
                add(&mut self.registrars, server);
            }
            Purpose::Enrolment => {
                add(&mut self.enrolment, server);
                name_of(connection).into_iter().for_each(|name| add(&mut self.enrolment_hosts, name));
            }
            _ => {}
        }
    }

    /// Had the device turned to a registrar at any time?
    pub(super) fn turned_to_registrar(&self) -> bool {
        self.way.iter().any(|(_, place)| *place == Place::Registrar)
    }

    /// What is kept when the attempts before this time are over: of the way the last of each place, for the rest comes again.
    pub(super) fn kept(mut self, before: Time) -> Self {
        self.way.retain(|(time, _)| *time < before);
        let last = |place| self.way.iter().rfind(|(_, other)| *other == place).copied();
        self.way = [last(Place::Address), last(Place::Registrar)].into_iter().flatten().collect();
        self.way.sort_unstable();
        for servers in [&mut self.registrars, &mut self.enrolment, &mut self.file_servers, &mut self.configured_by] {
            servers.truncate(SERVERS);
            servers.shrink_to_fit();
        }
        for hosts in [&mut self.enrolment_hosts, &mut self.configuration, &mut self.sent_on_to] {
            hosts.truncate(SERVERS);
            hosts.shrink_to_fit();
        }
        self
    }

    /// Takes over what is known of the same device under another name.
    pub(super) fn join(&mut self, other: Known) {
        other.registrars.into_iter().for_each(|server| add(&mut self.registrars, server));
        other.enrolment.into_iter().for_each(|server| add(&mut self.enrolment, server));
        other.enrolment_hosts.into_iter().for_each(|host| add(&mut self.enrolment_hosts, host));
        other.configuration.into_iter().for_each(|host| add(&mut self.configuration, host));
        other.file_servers.into_iter().for_each(|server| add(&mut self.file_servers, server));
        other.configured_by.into_iter().for_each(|server| add(&mut self.configured_by, server));
        other.sent_on_to.into_iter().for_each(|host| add(&mut self.sent_on_to, host));
        self.way.extend(other.way);
        self.way.sort_unstable();
        self.uses_directory |= other.uses_directory;
        self.came_further |= other.came_further;
        self.uses_v4 |= other.uses_v4;
    }
}

/// The name of a connection's server, as names are compared.
pub(super) fn name_of(connection: &Connection) -> Option<String> {
    connection.sought_name().map(|name| name.raw().trim_end_matches('.').to_ascii_lowercase())
}

/// Does the server hand out a configuration here?
fn configures(exchange: &Exchange) -> bool {
    let (Some((_, request)), Some((_, response))) = (&exchange.request, &exchange.response) else { return false };
    (200..300).contains(&response.code) && purpose::of_request(request) == Purpose::Provision
}

/// The host that a server sends a device on to, which asks it for its configuration (RFC 9110 section 15.4).
fn sent_on(exchange: &Exchange) -> Option<String> {
    let ((_, request), (_, response)) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
    let is_for_configuration = purpose::of_request(request) == Purpose::Provision;
    let location = response.location.as_ref().filter(|_| is_for_configuration && (300..400).contains(&response.code))?;
    host_of_uri(location.raw()).map(str::to_ascii_lowercase)
}

/// Is it an exchange over IPv4, other than that by which the device gets its address?
fn uses_v4(kind: &StepKind) -> bool {
    let server = match kind {
        StepKind::Port(_) | StepKind::Lease(_) | StepKind::LeaseV6(_) => None,
        StepKind::Neighbour(neighbour) => Some(neighbour.address),
        StepKind::Lookup(lookup) => lookup.queries.first().map(|(_, server)| *server),
        StepKind::Clock(clock) => Some(clock.server),
        StepKind::File(transfer) => transfer.flow.server_ip(),
        StepKind::Connection(connection) => connection.flow.server_ip(),
        StepKind::Registration(registration) => registration.flow.server_ip(),
        StepKind::Inquiry(inquiry) => inquiry.flow.server_ip(),
    };
    server.is_some_and(|server| server.is_ipv4())
}

/// Does what is said on a connection belong to a domain's directory?
fn uses_directory(connection: &Connection) -> bool {
    !connection.kerberos.is_empty() || connection.ldap.iter().any(|one| one.certificates > 0)
}

/// Adds one that is not there yet, in order.
fn add<T: Ord>(list: &mut Vec<T>, one: T) {
    if let Err(place) = list.binary_search(&one) {
        list.insert(place, one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::record::Weight;
    use crate::model::SECOND;

    /// What is known after a device connected to these servers in turn, a second apart, for this purpose.
    fn after(servers: std::ops::Range<u16>, purpose: Purpose) -> Known {
        let step = |number: u16| {
            let [high, low] = number.to_be_bytes();
            tcp(purpose).to(&format!("10.1.{high}.{low}"), 5061).hello().into_step(u64::from(number))
        };
        let steps = servers.map(step);
        let drafts: Vec<(DraftId, Draft)> =
            (1..).zip(steps.map(|step| Draft::new(step.first, step.last, step.kind, Weight::default()))).collect();
        let mut known = Known::default();
        known.learn(&drafts, |_, _| purpose);
        known
    }

    #[test]
    fn when_attempts_are_over_their_servers_stay_and_of_the_way_how_far_it_led() {
        let known = after(1..4, Purpose::Registrar);
        let (first, last) = (known.way[0].0, known.way[2].0);
        assert_eq!((known.registrars.len(), known.enrolment.len()), (3, 0));
        assert_eq!(known.clone().kept(last).way, [known.way[1]], "the last one comes again");
        assert_eq!(known.clone().kept(last.plus(SECOND)).way, [known.way[2]]);
        assert!(!known.kept(first).turned_to_registrar());
    }

    #[test]
    fn a_lease_alone_is_no_use_of_the_address_that_it_gives() {
        let uses = |step: crate::login::steps::Step| uses_v4(&step.kind);
        assert!(!uses(lease(&[]).into_step(1)));
        assert!(uses(router(3, false).into_step(1)) && uses(lookup("sip.contoso.com").into_step(1)));
        assert!(!uses(tcp(Purpose::Registrar).to("2001:db8::5", 5061).into_step(1)));
    }

    #[test]
    fn no_more_servers_are_kept_than_a_phone_has() {
        let many = SERVERS as u16 + 40;
        let kept = after(0..many, Purpose::Enrolment).kept(Time::default());
        assert_eq!(kept.enrolment, after(0..SERVERS as u16, Purpose::Enrolment).enrolment);
    }
}
