//! For what a device makes each of its exchanges: what it says, where it goes, and what else the device did. Recorded exchanges
//! in, purposes out; says nothing of what became of them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;

use crate::device::facts::DeviceFacts;
use crate::model::{Endpoint, Frame, SECOND, Stage, Time};
use crate::profile::Profile;
use crate::protocols::dns::kind;
use crate::text::WireText;

use super::known::{Known, Place, name_of};
use super::names::NameBook;
use super::purpose;
use super::record::{Draft, DraftId};
use super::revocation::Checks;
use super::stages;
use super::steps::{Connection, Lookup, Purpose, StepKind};

/// The port of name servers.
pub(super) const DNS_PORT: u16 = 53;
/// A device asks over TCP within this time of the answer that was cut.
const ASKED_AGAIN: i64 = 10 * SECOND;

/// What the purposes of single exchanges follow from: what the device did in all.
pub(super) struct Context<'a> {
    names: &'a NameBook,
    /// Connections to name servers.
    names_over_tcp: Vec<Connection>,
    pub(super) profile: &'a Profile,
    /// What each connection is for by itself, by the number of its flow and its first frame.
    by_themselves: HashMap<(u64, Frame), Purpose, RandomState>,
    /// What it has shown of its servers, also in attempts that are over.
    known: Known,
    /// The plug-and-play server that told it where its configuration is.
    plug_and_play: Option<IpAddr>,
    /// The certificates that it may ask about.
    pub(super) checks: Checks,
    /// Purpose of the connection or registration that an answer (by its frame) led to.
    led_to: HashMap<Frame, Purpose, RandomState>,
    /// The answers with addresses, by their names in lower case.
    resolved: HashMap<String, Frame, RandomState>,
    /// Does this family fetch its CA chain over plain HTTP?
    enrols: bool,
    /// Does nothing show that it ever turned to a registrar?
    is_silent_in_sip: bool,
    /// Is LDAP the phone book of this family, which speaks SIP without it?
    has_phone_book: bool,
    /// Has the device an address by which it works, whatever becomes of DHCPv6 and of IPv6 routers?
    pub(super) has_address: bool,
    /// Does it work over IPv4?
    pub(super) works_over_v4: bool,
}

impl<'a> Context<'a> {
    /// Looks through what was recorded; `known` is what attempts that are over have shown.
    pub(super) fn new(
        names: &'a NameBook,
        drafts: &[(DraftId, Draft)],
        known: &Known,
        facts: &DeviceFacts,
        profile: &'a Profile,
    ) -> Self {
        let mut context = Self {
            names,
            names_over_tcp: drafts.iter().filter_map(|(_, draft)| over_tcp(draft)).cloned().collect(),
            profile,
            by_themselves: HashMap::default(),
            known: Known::default(),
            plug_and_play: facts.plug_and_play,
            checks: Checks::of(drafts),
            led_to: HashMap::default(),
            resolved: drafts.iter().filter_map(|(_, draft)| resolved(draft)).collect(),
            enrols: profile.order.contains(&Stage::Enrolment),
            is_silent_in_sip: !facts.speaks_sip
                && facts.sip_domains.is_empty()
                && !facts.connects_to_sip()
                && !facts.watched.as_ref().is_some_and(|watched| watched.is_steady()),
            has_phone_book: false,
            has_address: facts.addresses.iter().any(is_routable),
            works_over_v4: facts.addresses.iter().any(|address| address.is_ipv4() && is_routable(address)),
        };
        context.learn_servers(drafts, known.clone());
        context.works_over_v4 &= context.known.uses_v4;
        context.has_phone_book = context.speaks_without_directory(facts);
        context.learn_ways(drafts);
        context
    }

    fn learn_servers(&mut self, drafts: &[(DraftId, Draft)], mut known: Known) {
        let mut by_themselves = HashMap::default();
        known.learn(drafts, |connection, draft| {
            let by_itself = self.by_itself(connection);
            by_themselves.insert((connection.flow.id, draft.first.frame), by_itself);
            by_itself
        });
        (self.known, self.by_themselves) = (known, by_themselves);
    }

    /// What the device has shown, also by what was looked through.
    pub(super) fn into_known(self) -> Known {
        self.known
    }

    /// Only the families that look for a domain controller wait for what it says. Another one that speaks to a registrar, and asks
    /// neither for the names of controllers nor for tickets, looks up in its directory whom to call.
    fn speaks_without_directory(&self, facts: &DeviceFacts) -> bool {
        let waits = [Stage::Directory, Stage::Enrolment].iter().any(|stage| self.profile.order.contains(stage));
        let is_watched = facts.watched.as_ref().is_some_and(|watched| watched.is_steady());
        let speaks = facts.speaks_sip || facts.is_granted_sip || is_watched || self.known.turned_to_registrar();
        let asks_controllers = || facts.names_asked.iter().any(|name| purpose::of_name(name.raw()) == Purpose::Directory);
        speaks && !waits && !asks_controllers() && !self.known.uses_directory
    }

    fn learn_ways(&mut self, drafts: &[(DraftId, Draft)]) {
        for (_, draft) in drafts {
            let (frame, purpose) = match &draft.kind {
                StepKind::Connection(connection) => (connection.name_frame, self.connection(connection, draft)),
                StepKind::Registration(registration) => (registration.name_frame, Purpose::Registrar),
                _ => continue,
            };
            if let Some(frame) = frame {
                self.led_to.entry(frame).or_insert(purpose);
            }
        }
    }

    /// For what a name serves; where this family signs in over HTTPS, it gets what it signs in with, and at its maker's it asks where
    /// its configuration is.
    fn name(&self, name: &WireText) -> Purpose {
        match self.names.purpose_of(name) {
            Purpose::Other if self.profile.signs_in_at(name.raw()) => Purpose::Enrolment,
            Purpose::Other if self.profile.is_redirected_at(name.raw()) => Purpose::Provision,
            purpose => purpose,
        }
    }

    /// What a name is looked up for, by itself or by what its answer led to.
    pub(super) fn lookup(&self, lookup: &Lookup, draft: &Draft) -> Purpose {
        let elsewhere = self.of_other_family(lookup);
        let answered = elsewhere.or(lookup.answer.as_ref().map(|answer| answer.at.frame));
        let led_to = || answered.and_then(|frame| self.led_to.get(&frame)).copied();
        match self.name(&lookup.name) {
            Purpose::Other if self.checks.are_asked(&draft.kind, draft.first) => Purpose::Revocation,
            Purpose::Other => led_to().unwrap_or_else(|| self.unled(lookup, elsewhere.is_some())),
            by_name => by_name,
        }
    }

    /// For what it looks up a name that led nowhere; `elsewhere` says that the host has an address of the other family.
    fn unled(&self, lookup: &Lookup, elsewhere: bool) -> Purpose {
        let name = lookup.name.raw().trim_end_matches('.').to_ascii_lowercase();
        match () {
            // A resolver asks for a name within its own domain first (RFC 1123 section 6.1.4.3).
            () if !lookup.found() && (self.is_searched(&name) || purpose::is_of_system(&name)) => Purpose::Other,
            () if self.known.configuration.contains(&name) || self.known.sent_on_to.contains(&name) => Purpose::Provision,
            () if !lookup.found() && !elsewhere && self.has_no_registrar() => Purpose::Registrar,
            () if !lookup.found() && !elsewhere && purpose::is_for_calls(&name) && !self.known.turned_to_registrar() => {
                Purpose::Registrar
            }
            () => Purpose::Other,
        }
    }

    /// Is it a name that was found, with a domain behind it?
    fn is_searched(&self, name: &str) -> bool {
        name.match_indices('.').any(|(end, _)| name.get(..end).is_some_and(|found| self.resolved.contains_key(found)))
    }

    /// The answer with an address of the other family, of a host that has none of the one asked for (RFC 8305 section 3).
    fn of_other_family(&self, lookup: &Lookup) -> Option<Frame> {
        let in_vain = is_for_address(lookup) && !lookup.found();
        in_vain.then(|| self.resolved.get(&lookup.name.raw().to_ascii_lowercase())).flatten().copied()
    }

    /// A desk phone that has an address, and comes to no registrar, looks for that by the names which it does not find.
    fn has_no_registrar(&self) -> bool {
        let profile = self.profile;
        let registers = profile.order.contains(&Stage::Register) && profile.sign_in_names.is_empty() && !profile.fallback;
        let has_but_an_address = self.known.way.last().is_some_and(|(_, place)| *place == Place::Address);
        registers && has_but_an_address && self.known.way.iter().all(|(_, place)| *place == Place::Address)
    }

    fn by_itself(&self, connection: &Connection) -> Purpose {
        let port = connection.flow.server.port();
        let sought = connection.sought_name();
        if sought.is_some_and(|name| self.names.is_web_service(name, port)) {
            return Purpose::Enrolment;
        }
        let name = sought.map_or(Purpose::Other, |name| self.name(name));
        match purpose::of_connection(connection, name) {
            // No registrar listens there: families that enrol fetch the chain of its certificate over HTTP.
            Purpose::Registrar if port == 80 && self.enrols && connection.sip.is_empty() => Purpose::Enrolment,
            purpose => purpose,
        }
    }

    /// What a connection is for, by itself or by what else the device did with that server.
    pub(super) fn connection(&self, connection: &Connection, draft: &Draft) -> Purpose {
        // Whatever else that host serves.
        if connection.flow.server.port() == DNS_PORT {
            return Purpose::Other;
        }
        let known = self.by_themselves.get(&(connection.flow.id, draft.first.frame)).copied();
        let by_itself = known.unwrap_or_else(|| self.by_itself(connection));
        if by_itself == Purpose::Directory && self.has_phone_book {
            return Purpose::Other;
        }
        let (Purpose::Other, Some(server)) = (by_itself, connection.flow.server_ip()) else { return by_itself };
        if self.checks.are_asked(&draft.kind, draft.first) {
            return Purpose::Revocation;
        }
        match connection.flow.server.port() {
            stages::provision::TRUST_VERIFICATION if self.known.file_servers.contains(&server) => Purpose::Provision,
            // One host can be both, under two names.
            443 if self.known.registrars.contains(&server) && !self.is_named_for_files(connection) => Purpose::Registrar,
            80 | 443 | 8080 | 4443 if self.known.enrolment.contains(&server) && connection.http.is_empty() => Purpose::Enrolment,
            // A family that enrols over plain HTTP has no other errand there until it says one.
            80 if self.enrols && connection.http.is_empty() => Purpose::Enrolment,
            _ if self.is_configuration(connection, server) => Purpose::Provision,
            443 if self.turns_to_voice(connection, server) => Purpose::Registrar,
            _ if is_unsaid(connection) && self.fetches_configuration(connection, draft.first.time) => Purpose::Provision,
            _ => Purpose::Other,
        }
    }

    /// Between its lease and its registrar a desk phone has no other errand at a web server than its configuration, where nothing
    /// else says where that lies: the server's name was typed in, or is the maker's.
    fn fetches_configuration(&self, connection: &Connection, begun: Time) -> bool {
        let profile = self.profile;
        let fetches = profile.order.contains(&Stage::Provision) && profile.sign_in_names.is_empty();
        let told_elsewhere =
            !self.known.configuration.is_empty() || self.plug_and_play.is_some() || !self.known.file_servers.is_empty();
        let before = self.known.way.partition_point(|(time, _)| *time <= begun);
        let has_but_an_address = match before.checked_sub(1).and_then(|last| self.known.way.get(last)) {
            Some((_, place)) => *place == Place::Address,
            // Of a phone whose family is not known, only what follows its lease, or is named for that, is known for it.
            None => self.is_silent_in_sip && (!profile.fallback || is_named_for_configurations(connection)),
        };
        fetches && !self.enrols && !told_elsewhere && has_but_an_address
    }

    /// One that has its configuration goes on to the servers that this names; by its name, this one is for calls.
    fn turns_to_voice(&self, connection: &Connection, server: IpAddr) -> bool {
        let is_configured = !self.known.configured_by.is_empty() && !self.known.configured_by.contains(&server);
        let is_named_for_calls = || connection.sought_name().is_some_and(|name| purpose::is_for_calls(name.raw()));
        is_configured && connection.http.is_empty() && is_named_for_calls()
    }

    /// The connection over which the device asked again what came back truncated (RFC 7766 section 5).
    pub(super) fn asked_again(&self, lookup: &Lookup) -> Option<&Connection> {
        let answer = lookup.answer.as_ref()?;
        let server = Endpoint::Ip(SocketAddr::new(answer.server, DNS_PORT));
        let after = |connection: &&Connection| {
            connection.syn.is_some_and(|syn| syn.time.since(answer.at.time) <= ASKED_AGAIN && syn > answer.at)
        };
        self.names_over_tcp.iter().filter(|connection| connection.flow.server == server).find(after)
    }

    fn is_configuration(&self, connection: &Connection, server: IpAddr) -> bool {
        let is_told = || self.is_named_for_configuration(connection) || self.known.configuration.contains(&server.to_string());
        self.plug_and_play == Some(server)
            || !self.known.configuration.is_empty() && is_told()
            || !self.known.sent_on_to.is_empty() && self.is_sent_on_to(connection, server)
    }

    fn is_sent_on_to(&self, connection: &Connection, server: IpAddr) -> bool {
        let is_it = |host: &str| self.known.sent_on_to.iter().any(|known| known == host);
        is_it(&server.to_string()) || name_of(connection).is_some_and(|name| is_it(&name))
    }

    /// Is the server of this connection known under its name, be it on the host of the registrar, as one of configuration or certificates?
    fn is_named_for_files(&self, connection: &Connection) -> bool {
        let enrols = || name_of(connection).is_some_and(|name| self.known.enrolment_hosts.contains(&name));
        self.is_named_for_configuration(connection) || !self.known.enrolment_hosts.is_empty() && enrols()
    }

    /// Does DHCP name the server of this connection as that of the configuration?
    fn is_named_for_configuration(&self, connection: &Connection) -> bool {
        !self.known.configuration.is_empty() && name_of(connection).is_some_and(|name| self.known.configuration.contains(&name))
    }
}

/// A connection to a name server.
fn over_tcp(draft: &Draft) -> Option<&Connection> {
    match &draft.kind {
        StepKind::Connection(connection) if connection.flow.server.port() == DNS_PORT => Some(connection.as_ref()),
        _ => None,
    }
}

/// Does the device go to a web server or one of FTP, or have a proxy lead it to one (RFC 9110 section 9.3.6), without a word of what it wants there?
fn is_unsaid(connection: &Connection) -> bool {
    let of_files = matches!(connection.flow.server.port(), 21 | 80 | 443 | 8080 | 8443);
    connection.requests().next().is_none() && (of_files || !connection.http.is_empty())
}

/// Does its name say that this server has the configurations of phones?
fn is_named_for_configurations(connection: &Connection) -> bool {
    connection.sought_name().is_some_and(|name| purpose::is_for_configurations(name.raw()))
}

/// The name that a look-up found an address for, and its answer.
fn resolved(draft: &Draft) -> Option<(String, Frame)> {
    let StepKind::Lookup(lookup) = &draft.kind else { return None };
    let answer = lookup.answer.as_ref().filter(|_| is_for_address(lookup) && lookup.found())?;
    Some((lookup.name.raw().to_ascii_lowercase(), answer.at.frame))
}

fn is_for_address(lookup: &Lookup) -> bool {
    matches!(lookup.kind, kind::A | kind::AAAA)
}

/// An address that is good beyond the link.
fn is_routable(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::record::Weight;
    use crate::login::steps::Step;

    /// For what a phone opens this connection, after it has done this.
    fn purpose(before: Vec<Step>, connection: Tcp, options: &[(u8, &[u8])]) -> Purpose {
        let leased = lease(options).into_step(1);
        let steps = [leased].into_iter().chain(before).chain([connection.into_step(50)]);
        let drafts: Vec<(DraftId, Draft)> =
            (1..).zip(steps.map(|step| Draft::new(step.first, step.last, step.kind, Weight::default()))).collect();
        let profile = Profile { order: vec![Stage::Address, Stage::Provision, Stage::Register], ..profile() };
        let (names, facts) = (NameBook::default(), DeviceFacts::default());
        let context = Context::new(&names, &drafts, &Known::default(), &facts, &profile);
        let (_, draft) = drafts.last().unwrap();
        let StepKind::Connection(connection) = &draft.kind else { panic!("no connection") };
        context.connection(connection, draft)
    }

    #[test]
    fn the_name_that_dhcp_gives_tells_the_configuration_from_a_registrar_on_the_same_host() {
        let registers = || vec![tcp(Purpose::Registrar).to("10.0.0.5", 5061).hello().into_step(20)];
        let web = |name| tcp(Purpose::Other).to("10.0.0.5", 443).named(name).hello();
        let told = [(66, b"https://cfg.contoso.com/".as_slice())];
        assert_eq!(purpose(registers(), web("cfg.contoso.com"), &told), Purpose::Provision);
        assert_eq!(purpose(registers(), web("pool.contoso.com"), &told), Purpose::Registrar, "its other port");
        assert_eq!(purpose(registers(), web("cfg.contoso.com"), &[]), Purpose::Registrar, "nobody says so");
    }

    #[test]
    fn the_name_under_which_it_enrols_is_no_registrar_though_one_address_serves_both() {
        let enrols =
            |name| tcp(Purpose::Enrolment).to("10.0.0.5", 80).named(name).get("/CertProv/anon").answer(200).into_step(10);
        let registers = || tcp(Purpose::Registrar).to("10.0.0.5", 5061).hello().into_step(20);
        let web = |name| tcp(Purpose::Other).to("10.0.0.5", 443).named(name).hello();
        assert_eq!(purpose(vec![enrols("web.contoso.com"), registers()], web("web.contoso.com"), &[]), Purpose::Enrolment);
        assert_eq!(purpose(vec![enrols("web.contoso.com"), registers()], web("pool.contoso.com"), &[]), Purpose::Registrar);
    }

    #[test]
    fn a_name_in_a_hello_says_what_for_where_the_capture_holds_no_look_up() {
        let hello = |name: &'static str| {
            let says = move |hello: &mut crate::protocols::tls::ClientHello| hello.server_name = Some(name.into());
            purpose(
                vec![tcp(Purpose::Other).to("10.0.0.9", 443).hello().into_step(10)],
                tcp(Purpose::Other).to("10.0.0.5", 4443).named("").hello_with(says),
                &[],
            )
        };
        assert_eq!((hello("sip.contoso.com"), hello("www.contoso.com")), (Purpose::Registrar, Purpose::Other));
        let named = tcp(Purpose::Other).to("10.0.0.5", 4443).named("www.contoso.com");
        let says = |hello: &mut crate::protocols::tls::ClientHello| hello.server_name = Some("sip.contoso.com".into());
        assert_eq!(purpose(Vec::new(), named.hello_with(says), &[]), Purpose::Other, "the name that led there goes first");
    }

    /// For what a phone of this family opens this connection, the first thing that the capture shows of it.
    fn of_first(profile: &Profile, connection: Tcp) -> Purpose {
        let (names, facts, step) = (NameBook::default(), DeviceFacts::default(), connection.into_step(50));
        let drafts = [(1, Draft::new(step.first, step.last, step.kind, Weight::default()))];
        let context = Context::new(&names, &drafts, &Known::default(), &facts, profile);
        let StepKind::Connection(connection) = &drafts[0].1.kind else { panic!("no connection") };
        context.connection(connection, &drafts[0].1)
    }

    #[test]
    fn a_phone_of_no_known_family_fetches_its_configuration_where_the_name_says_so_though_the_capture_lacks_its_lease() {
        let purpose = |name: &'static str, fallback: bool| {
            let profile = Profile { order: vec![Stage::Address, Stage::Provision, Stage::Register], fallback, ..profile() };
            of_first(&profile, tcp(Purpose::Other).to("2001:db8::7", 443).named(name).hello())
        };
        assert_eq!(purpose("prov.contoso.com", true), Purpose::Provision);
        assert_eq!(purpose("www.contoso.com", true), Purpose::Other);
        assert_eq!(purpose("www.contoso.com", false), Purpose::Provision, "this family has nothing else to do at a web server");
    }

    #[test]
    fn a_family_that_enrols_fetches_its_chain_from_port_80_of_its_registrar() {
        let purpose = |order: &[Stage], port| {
            let profile = Profile { order: order.to_vec(), ..profile() };
            of_first(&profile, tcp(Purpose::Other).to("10.0.0.5", port).named("sip.contoso.com"))
        };
        let enrols = [Stage::Address, Stage::Enrolment, Stage::Register];
        assert_eq!(purpose(&enrols, 80), Purpose::Enrolment);
        assert_eq!(purpose(&enrols, 443), Purpose::Registrar);
        assert_eq!(purpose(&[Stage::Address, Stage::Register], 80), Purpose::Registrar);
    }

    #[test]
    fn who_has_its_configuration_turns_to_what_is_named_for_calls() {
        let hello = |name| tcp(Purpose::Other).to("10.0.0.7", 443).named(name).hello();
        let fetched = |code| vec![tcp(Purpose::Provision).to("10.0.0.5", 80).get("/0004f21a2b3c.cfg").answer(code).into_step(20)];
        let there = || vec![tcp(Purpose::Provision).to("10.0.0.7", 80).get("/0004f21a2b3c.cfg").answer(200).into_step(20)];
        assert_eq!(purpose(fetched(200), hello("sbc2.contoso.com"), &[]), Purpose::Registrar);
        assert_eq!(purpose(fetched(200), hello("files.contoso.com"), &[]), Purpose::Provision, "a file may lead on to another");
        assert_eq!(purpose(fetched(404), hello("sbc2.contoso.com"), &[]), Purpose::Provision, "it has none yet");
        assert_eq!(purpose(there(), hello("sbc2.contoso.com"), &[]), Purpose::Provision, "it has its files from there");
    }

    #[test]
    fn who_has_a_proxy_lead_it_to_a_web_server_goes_there() {
        let tunnel = |uri: &str| {
            let connect = |request: &mut crate::protocols::http::Request| request.method = "CONNECT".into();
            tcp(Purpose::Other).to("10.0.0.81", 3128).get_with(uri, connect).answer(403)
        };
        let registers = || vec![tcp(Purpose::Registrar).to("10.0.0.5", 5060).hello().into_step(20)];
        assert_eq!(purpose(Vec::new(), tunnel("cfg.contoso.com:443"), &[]), Purpose::Provision);
        assert_eq!(purpose(registers(), tunnel("cfg.contoso.com:443"), &[]), Purpose::Other, "it is past that");
        assert_eq!(purpose(Vec::new(), tunnel("sip.contoso.com:443"), &[]), Purpose::Registrar);
        let asks = tcp(Purpose::Other).to("10.0.0.81", 3128).get("http://www.contoso.com/").answer(403);
        assert_eq!(purpose(Vec::new(), asks, &[]), Purpose::Other, "it says what it wants");
    }

    #[test]
    fn a_web_server_between_lease_and_registrar_has_the_configuration() {
        let hello = || tcp(Purpose::Other).to("10.0.0.7", 443).hello();
        let registers = || vec![tcp(Purpose::Registrar).to("10.0.0.5", 5060).hello().into_step(20)];
        assert_eq!(purpose(Vec::new(), hello(), &[]), Purpose::Provision);
        assert_eq!(purpose(registers(), hello(), &[]), Purpose::Other, "it was beyond its configuration");
        assert_eq!(purpose(Vec::new(), hello(), &[(66, b"10.0.0.9")]), Purpose::Other, "DHCP names another server for that");
        assert_eq!(purpose(Vec::new(), tcp(Purpose::Other).to("10.0.0.7", 8883).hello(), &[]), Purpose::Other, "no web server");
    }

    /// For what a phone, with these options in its lease, looks this up after it has done that.
    fn looks_up(options: &[(u8, &[u8])], before: Vec<Step>, profile: &Profile, asked: Asked) -> Purpose {
        let steps = [lease(options).into_step(1)].into_iter().chain(before).chain([asked.into_step(50)]);
        let drafts: Vec<(DraftId, Draft)> =
            (1..).zip(steps.map(|step| Draft::new(step.first, step.last, step.kind, Weight::default()))).collect();
        let (names, facts) = (NameBook::default(), DeviceFacts::default());
        let context = Context::new(&names, &drafts, &Known::default(), &facts, profile);
        let (_, draft) = drafts.last().unwrap();
        let StepKind::Lookup(lookup) = &draft.kind else { panic!("no look-up") };
        context.lookup(lookup, draft)
    }

    #[test]
    fn a_name_that_dhcp_or_its_maker_gave_it_for_its_configuration_is_no_registrars() {
        let redirect_names = vec!["rps.yealink.com".to_owned()];
        let phone = Profile { order: vec![Stage::Provision, Stage::Register], redirect_names, ..profile() };
        let told: [(u8, &[u8]); 1] = [(66, b"https://Cfg.contoso.com/")];
        let purpose = |options: &[(u8, &[u8])], name| looks_up(options, Vec::new(), &phone, lookup(name).rcode(3));
        assert_eq!(purpose(&told, "cfg.contoso.com."), Purpose::Provision);
        assert_eq!(purpose(&[], "cfg.contoso.com"), Purpose::Registrar, "nobody says so");
        assert_eq!(purpose(&[], "rps.yealink.com"), Purpose::Provision);
    }

    #[test]
    fn where_a_server_sends_a_device_on_that_asks_for_its_configuration_the_configuration_is() {
        let sent_on = |file: &str, location: &'static str| {
            let location = location.into();
            let page = tcp(Purpose::Other).to("10.0.0.7", 80).get(file);
            let page = page.answer_with(302, move |answer| answer.location = Some(location)).into_step(20);
            let told = [(66, b"10.0.0.7".as_slice())];
            purpose(vec![page], syn(Purpose::Other).to("10.0.0.8", 80), &told)
        };
        assert_eq!(sent_on("/0004f21a2b3c.cfg", "http://10.0.0.8/phones/"), Purpose::Provision);
        assert_eq!(sent_on("/0004f21a2b3c.cfg", "/phones/0004f21a2b3c.cfg"), Purpose::Other);
        assert_eq!(sent_on("/logo.png", "http://10.0.0.8/"), Purpose::Other);
    }

    #[test]
    fn a_name_that_is_not_found_is_the_registrars_as_long_as_a_desk_phone_has_none() {
        let purpose = |before: Vec<Step>, order: &[Stage], asked: Asked| {
            looks_up(&[], before, &Profile { order: order.to_vec(), ..profile() }, asked)
        };
        let registers = || vec![registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(200, 1)))]).into_step(1)];
        let (sip, edge) = ([Stage::Provision, Stage::Register], || lookup("edge.contoso.com"));
        assert_eq!(purpose(Vec::new(), &sip, edge().rcode(3)), Purpose::Registrar);
        assert_eq!(purpose(Vec::new(), &sip, edge().address("10.0.0.5")), Purpose::Other, "what it goes on to tells");
        assert_eq!(purpose(registers(), &sip, edge().rcode(3)), Purpose::Other, "it has one");
        let told = || vec![lease(&[(66, b"http://Edge.contoso.com/cfg/")]).into_step(2)];
        assert_eq!(purpose(told(), &sip, edge().rcode(3)), Purpose::Provision, "DHCP names it");
        assert_eq!(purpose(Vec::new(), &[Stage::Provision], edge().rcode(3)), Purpose::Other, "it is no phone that registers");
        let v6 = |name: &str| lookup(name).kind(kind::AAAA).address("2001:db8::5").into_step(20);
        assert_eq!(purpose(vec![v6("EDGE.contoso.com")], &sip, edge().rcode(0)), Purpose::Other, "it has an address over IPv6");
        assert_eq!(purpose(vec![v6("ca.contoso.com")], &sip, edge().rcode(0)), Purpose::Registrar, "that is another host's");
        let searched = || lookup("pool.ntp.org.contoso.com").rcode(3);
        let edge_searched = lookup("edge.contoso.com.contoso.com").rcode(3);
        assert_eq!(
            purpose(vec![v6("Edge.contoso.com")], &sip, edge_searched),
            Purpose::Other,
            "its resolver put its domain behind it"
        );
        assert_eq!(purpose(Vec::new(), &sip, searched()), Purpose::Clock);
        assert_eq!(
            purpose(Vec::new(), &sip, lookup("WPAD.contoso.com").rcode(3)),
            Purpose::Other,
            "the system looks for its proxy"
        );
        assert_eq!(purpose(vec![v6("pool.ntp")], &sip, edge().rcode(3)), Purpose::Registrar);
    }

    /// Is LDAP a stage of the login of this device, which has done this before?
    fn waits_for_directory(order: &[Stage], before: Vec<Step>, facts: &DeviceFacts) -> bool {
        let steps = before.into_iter().chain([tcp(Purpose::Directory).to("10.0.0.3", 389).bind(49, "").into_step(50)]);
        let drafts: Vec<(DraftId, Draft)> =
            (1..).zip(steps.map(|step| Draft::new(step.first, step.last, step.kind, Weight::default()))).collect();
        let profile = Profile { order: order.to_vec(), ..profile() };
        let names = NameBook::default();
        let context = Context::new(&names, &drafts, &Known::default(), facts, &profile);
        let (_, draft) = drafts.last().unwrap();
        let StepKind::Connection(connection) = &draft.kind else { panic!("no connection") };
        context.connection(connection, draft) == Purpose::Directory
    }

    #[test]
    fn a_directory_is_the_phone_book_of_a_phone_that_speaks_sip_without_it() {
        let (sip, communicator) = ([Stage::Provision, Stage::Register], [Stage::Directory, Stage::Enrolment, Stage::Register]);
        let registers = || vec![registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(200, 1)))]).into_step(1)];
        let facts = DeviceFacts::default;
        assert!(!waits_for_directory(&sip, registers(), &facts()));
        assert!(!waits_for_directory(&sip, Vec::new(), &DeviceFacts { is_granted_sip: true, ..facts() }));
        assert!(waits_for_directory(&sip, Vec::new(), &facts()), "nothing of SIP comes before it");
        assert!(waits_for_directory(&communicator, registers(), &facts()));
        let asks = DeviceFacts { names_asked: vec![WireText::from("_ldap._tcp.dc._msdcs.contoso.com")], ..facts() };
        assert!(waits_for_directory(&sip, registers(), &asks), "it looks for a domain controller");
    }
}
