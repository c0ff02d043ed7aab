//! What one event adds to what is known of its device.

use std::net::IpAddr;
use std::sync::Arc;

use super::facts::{CLOCKS, ClockSource, ClockWitness, DeviceFacts, ENTRIES, Lent, TEXT, VlanStay, Whose};
use super::{fetched, offer, said, services, unseen};
use crate::event::{Event, What};
use crate::flow::{Signal, Transport};
use crate::formats::{ntlm, spnego};
use crate::model::{At, SECOND, Side, Time};
use crate::protocols::{Message, cdp, dhcp, dns, eap, http, icmp, kerberos, ldap, lldp, ntp, sip, tftp, tls};
use crate::text::WireText;

/// Restarts, DISCOVERs in vain, stays in a VLAN, answers, and servers that took a connection, that are kept: the newest.
const NEWEST: usize = 64;
/// A frame that shows in two VLANs within this time was captured on its way from one into the other.
const MIRRORED: i64 = SECOND / 2;
/// HandshakeType (RFC 5246 section 7.4): only who has opened a connection sends it.
const CLIENT_KEY_EXCHANGE: u8 = 16;
/// Ports where files are fetched from.
const WEB: [u16; 5] = [80, 443, 6970, 6972, 8080];

/// Adds what `event` tells of the device with this address.
pub(super) fn event(facts: &mut DeviceFacts, event: &Event, ip: Option<IpAddr>) {
    let from_device = is_from_device(event, ip);
    if from_device {
        facts.link_source = event.link.source.or(facts.link_source);
        facts.vlan = event.link.vlan.or(facts.vlan);
        stay_in_vlan(facts, event);
        facts.last_said = facts.last_said.max(said::when(event));
    } else {
        facts.seen_both_ways = true;
        hear(facts, event);
    }
    if facts.offered.is_some_and(|offered| offer::is_taken_up(event, offered)) {
        (facts.offered, facts.taken_up) = (None, Some(event.at));
    }
    match &event.what {
        What::Tcp(signal, stats) => {
            facts.was_answered_unseen |= unseen::is_answered(stats);
            if matches!(signal, Signal::Syn { .. }) {
                facts.services.connects();
                facts.opens(event.flow.server);
            }
            if let Signal::SynAck { first: true } = signal {
                facts.accepted.retain(|(server, _)| *server != event.flow.server);
                add_newest(&mut facts.accepted, (event.flow.server, event.at));
            }
            if let (Some(_), Some(server)) = (stats.server.last, event.flow.server_ip()) {
                facts.seen_both_ways = true;
                facts.heard_from.add(server, ENTRIES);
            }
            if matches!(event.what, What::Tcp(Signal::FirstData(Side::Server), _)) && !WEB.contains(&event.flow.server.port()) {
                add_newest(&mut facts.answered, event.at);
            }
        }
        What::Message(message) => self::message(facts, event, message, from_device),
        What::Unread { .. } => {}
    }
}

fn is_from_device(event: &Event, ip: Option<IpAddr>) -> bool {
    match &event.what {
        What::Message(Message::Dhcp(message)) => message.operation == 1,
        What::Message(Message::Arp(message)) => message.operation == 1,
        What::Message(Message::Dhcpv6(message)) => message.is_from_client(),
        What::Message(Message::Icmp(message)) => matches!(message.discovery, Some(icmp::Discovery::Solicitation { .. })),
        What::Message(Message::Eap(message)) => message.eap.as_ref().is_none_or(|packet| packet.code == eap::code::RESPONSE),
        // Those of a switch are nobody's.
        What::Message(Message::Lldp(_) | Message::Cdp(_)) => true,
        _ => event.source().ip().is_some_and(|source| Some(source) == ip),
    }
}

/// In which VLAN it is, while all that it does is to ask for an address, and for names and the time from there. LLDP, CDP and EAPOL are
/// untagged whatever the VLAN.
fn stay_in_vlan(facts: &mut DeviceFacts, event: &Event) {
    use Message::{Arp, Cdp, Dhcp, Dhcpv6, Dns, Eap, Icmp, Lldp, Ntp};
    let settled = match &event.what {
        What::Message(Lldp(_) | Cdp(_) | Eap(_)) => return,
        What::Message(Dhcp(_) | Dhcpv6(_) | Arp(_) | Icmp(_) | Dns(_) | Ntp(_)) => false,
        _ => true,
    };
    // Behind a router or a relay, the tag is that of another link.
    if facts.mac.is_none() || event.link.source != facts.mac {
        return;
    }
    let stays = &mut facts.vlan_stays;
    match stays.last_mut() {
        Some(stay) if stay.vlan == event.link.vlan => stay.last = event.at,
        Some(stay) if event.at.time.since(stay.last.time) < MIRRORED => {}
        _ => add_newest(stays, VlanStay { vlan: event.link.vlan, first: event.at, last: event.at }),
    }
    if settled {
        stays.drain(..stays.len().saturating_sub(1));
    }
}

fn add_newest<T>(list: &mut Vec<T>, item: T) {
    if list.len() >= NEWEST {
        list.remove(0);
    }
    list.push(item);
}

fn hear(facts: &mut DeviceFacts, event: &Event) {
    let speaker = match &event.what {
        // That somebody has an address shows that the link is up, not that the host answers.
        What::Message(Message::Arp(_) | Message::Icmp(icmp::Message { discovery: Some(_), .. })) => None,
        What::Message(_) => event.source().ip(),
        What::Tcp(..) | What::Unread { .. } => None,
    };
    speaker.into_iter().for_each(|speaker| facts.heard_from.add(speaker, ENTRIES));
}

fn message(facts: &mut DeviceFacts, event: &Event, message: &Message, from_device: bool) {
    match message {
        Message::Dhcp(message) => self::dhcp(facts, event, message, from_device),
        Message::Dhcpv6(message) if from_device => {
            message.vendor_identity().iter().for_each(|identity| remember(&mut facts.vendor_identities, identity));
        }
        Message::Dns(message) if from_device => asked(facts, event.at.time, message),
        Message::Dns(message) => message.question.iter().for_each(|question| facts.services.told(question, message)),
        Message::Eap(message) => identity(facts, message),
        Message::Lldp(message) => lldp(facts, message),
        Message::Cdp(message) => cdp(facts, message),
        Message::Tftp(message) => tftp(facts, message),
        Message::Ntp(message) => self::ntp(facts, event, message, from_device),
        Message::Http(message) => self::http(facts, event, message),
        Message::Kerberos(message) => self::kerberos(facts, event, message),
        Message::Ldap(message) => self::ldap(facts, event, message),
        Message::Sip(message) => self::sip(facts, event, message, from_device),
        // The supplicant of 802.1X has a TLS of its own.
        Message::Tls(message) if event.flow.transport != Transport::Link => self::tls(facts, event, message),
        _ => {}
    }
}

fn remember(list: &mut Vec<WireText>, text: &WireText) {
    let raw = text.raw();
    let is_known = || list.iter().any(|known| known.raw() == raw);
    if !raw.is_empty() && raw.len() <= TEXT && list.len() < ENTRIES && !is_known() {
        list.push(text.clone());
    }
}

fn witness(facts: &mut DeviceFacts, event: &Event, says: Option<Time>, whose: Whose, from: ClockSource) {
    let Some(says) = says else { return };
    facts.clocks.push_back(ClockWitness { at: event.at, says, whose, from });
    facts.keep_clocks(CLOCKS);
}

fn server(event: &Event) -> Option<Whose> {
    event.source().ip().map(Whose::Server)
}

fn dhcp(facts: &mut DeviceFacts, event: &Event, message: &Arc<dhcp::Message>, from_device: bool) {
    if from_device {
        if let Some(class) = message.vendor_class() {
            remember(&mut facts.vendor_classes, &class);
        }
        if let Some(class) = message.user_class() {
            remember(&mut facts.user_classes, &class);
        }
        message.vendor_identities().iter().for_each(|identity| remember(&mut facts.vendor_identities, identity));
        facts.host_name = message.text(12).filter(|name| name.raw().len() <= TEXT).or(facts.host_name.take());
        let list = message.parameter_list();
        if !list.is_empty() {
            facts.parameter_list = list;
        }
        facts.was_answered_unseen |= unseen::takes_offer(facts, message);
        facts.offered = match message.kind {
            Some(dhcp::kind::REQUEST) => message.offered().or(facts.offered),
            _ => None,
        };
        if message.kind == Some(dhcp::kind::DISCOVER) {
            add_newest(&mut facts.discovers_in_vain, (message.transaction, event.at));
        }
        match message.kind {
            Some(dhcp::kind::DISCOVER) if in_mid_lease(facts, event) => add_newest(&mut facts.restarts, event.at),
            Some(dhcp::kind::RELEASE | dhcp::kind::DECLINE) => facts.lent = None,
            _ => {}
        }
        return;
    }
    // Of several offers, the REQUEST tells which one it takes.
    facts.offered = message.offered().and(facts.offered.or(message.offered()));
    facts.discovers_in_vain.retain(|(transaction, _)| *transaction != message.transaction);
    if message.kind == Some(dhcp::kind::ACK) {
        facts.lease = Some((event.at, Arc::clone(message)));
        if !message.your.is_unspecified() {
            facts.lent = Some(Lent { at: event.at.time, seconds: message.lease_seconds(), vlan: event.link.vlan });
            let pending = facts.refusals.iter_mut().filter(|(_, lent)| lent.is_none());
            pending.for_each(|(_, lent)| *lent = Some(event.at.time));
        }
    } else if message.kind == Some(dhcp::kind::NAK) {
        facts.lent = None;
        add_newest(&mut facts.refusals, (event.at, None));
    }
}

/// Has it a lease that it need not yet renew (RFC 2131 section 4.4.5: T1 is half of the lease), in the same VLAN? Then a
/// DISCOVER shows that it knows of none: it has restarted.
fn in_mid_lease(facts: &DeviceFacts, event: &Event) -> bool {
    let Some(Lent { at, seconds: Some(seconds), vlan }) = facts.lent else { return false };
    let repeated = facts.restarts.last().is_some_and(|last: &At| last.time > at);
    event.link.vlan == vlan && !repeated && event.at.time.since(at) < i64::from(seconds).saturating_mul(SECOND / 2)
}

fn identity(facts: &mut DeviceFacts, message: &eap::Message) {
    if let Some(identity) = message.eap.as_ref().and_then(|packet| packet.identity.as_ref()) {
        remember(&mut facts.users, identity);
    }
}

fn lldp(facts: &mut DeviceFacts, message: &lldp::Message) {
    if let Some(description) = &message.system_description {
        remember(&mut facts.described, description);
    }
    facts.is_telephone |= message.is_telephone();
    if let Some(name) = message.system_name.as_ref().filter(|_| message.is_telephone()) {
        remember(&mut facts.described, name);
    }
    let parts = [&message.manufacturer, &message.model].map(|part| part.as_ref().map_or("", WireText::raw));
    remember(&mut facts.described, &WireText::from(parts.join(" ").trim()));
}

fn cdp(facts: &mut DeviceFacts, message: &cdp::Message) {
    facts.is_telephone |= message.is_telephone();
    if let Some(platform) = &message.platform {
        remember(&mut facts.described, platform);
    }
}

fn tftp(facts: &mut DeviceFacts, message: &tftp::Message) {
    if let tftp::Message::Request { write: false, file } = message {
        let path = format!("/{}", file.raw().trim_start_matches('/'));
        remember(&mut facts.paths_asked, &WireText::from(path));
    }
}

fn asked(facts: &mut DeviceFacts, at: Time, message: &dns::Message) {
    let Some(question) = message.question.as_ref().filter(|_| !facts.asks_for_others) else { return };
    remember(&mut facts.names_asked, &question.name);
    if !question.name.raw().starts_with('_') {
        return;
    }
    facts.services.asked(at, question);
    if let Some(domain) = services::sip_domain(question) {
        remember(&mut facts.sip_domains, &WireText::from(domain));
    }
}

fn ntp(facts: &mut DeviceFacts, event: &Event, message: &ntp::Message, from_device: bool) {
    if from_device {
        witness(facts, event, message.transmit_time(), Whose::Device, ClockSource::Ntp);
    } else if let (Some(server), false) = (server(event), !message.is_usable()) {
        witness(facts, event, message.transmit_time(), server, ClockSource::Ntp);
    }
}

fn http(facts: &mut DeviceFacts, event: &Event, message: &http::Message) {
    match message {
        http::Message::Request(request) if facts.passes_on_http || request.is_passed_on => facts.asks_web_for_others(),
        http::Message::Request(request) => {
            if let Some(agent) = &request.user_agent {
                remember(&mut facts.user_agents, agent);
            }
            remember(&mut facts.paths_asked, &request.uri);
            // Its time stamp is no clock of the device: a client copies that of the challenge ([MS-NLMP] 3.1.5.1.2).
            if let Some(http::Credentials::Ntlm(ntlm::Token::Authenticate { domain, user, .. })) = &request.credentials {
                remember(&mut facts.users, &WireText::from(format!("{}\\{}", domain.raw(), user.raw())));
            }
        }
        http::Message::Response(response) => {
            if let Some(server) = server(event) {
                witness(facts, event, response.date, server, ClockSource::Date);
                if let Some(ntlm::Token::Challenge { timestamp, .. }) = &response.ntlm {
                    witness(facts, event, *timestamp, server, ClockSource::Ntlm);
                }
            }
            fetched::from_answer(facts, event, response);
        }
    }
}

fn ldap(facts: &mut DeviceFacts, event: &Event, message: &ldap::Message) {
    match &message.body {
        ldap::Body::Bind(bind) => {
            if let Some(user) = bind.user() {
                remember(&mut facts.users, &user);
            }
        }
        ldap::Body::Bound(_, Some(spnego::Token::Ntlm(ntlm::Token::Challenge { timestamp, .. }))) => {
            if let Some(server) = server(event) {
                witness(facts, event, *timestamp, server, ClockSource::Ntlm);
            }
        }
        ldap::Body::Entry(entry) => {
            if let Some(server) = server(event) {
                witness(facts, event, entry.current_time, server, ClockSource::Directory);
            }
            for certificate in &entry.certificates {
                fetched::fetch(facts, event, Arc::clone(certificate));
            }
        }
        _ => {}
    }
}

fn kerberos(facts: &mut DeviceFacts, event: &Event, message: &kerberos::Message) {
    match &message.body {
        kerberos::Body::Request(request) => {
            if let Some(client) = &request.client {
                remember(&mut facts.users, &WireText::from(format!("{}@{}", client.raw(), request.realm.raw())));
            }
        }
        kerberos::Body::Error(error) => {
            if let Some(server) = server(event) {
                witness(facts, event, error.server_time, server, ClockSource::Kerberos);
            }
            witness(facts, event, error.client_time, Whose::Device, ClockSource::Kerberos);
        }
        kerberos::Body::Other => {}
    }
}

/// Does this take a SUBSCRIBE that went to all hosts? It names the server of the configuration, by itself or by what follows.
fn is_plug_and_play(facts: &DeviceFacts, event: &Event, message: &sip::Message) -> bool {
    /// Phones wait five seconds, as a rule.
    const WAIT: i64 = 5 * SECOND;
    let sought = facts.seeks_plug_and_play.is_some_and(|asked| event.at.time.since(asked) <= WAIT);
    sought && message.method() == "SUBSCRIBE" && matches!(message.code(), Some(200..=299))
}

fn sip(facts: &mut DeviceFacts, event: &Event, message: &sip::Message, from_device: bool) {
    if !from_device {
        if is_plug_and_play(facts, event, message) {
            facts.plug_and_play = event.source().ip();
            return;
        }
        add_newest(&mut facts.answered, event.at);
        facts.is_granted_sip |= matches!(message.code(), Some(200..=299));
        // Whoever is told what became of a REGISTER has sent it, though the capture may show this direction alone.
        facts.speaks_sip |= message.method() == "REGISTER";
        facts.only_pings &= message.method() != "REGISTER";
        if let Some(server) = server(event) {
            witness(facts, event, message.date, server, ClockSource::Date);
        }
        return;
    }
    let pings = message.method() == "OPTIONS" && message.code().is_none();
    facts.only_pings = pings && (facts.only_pings || !facts.speaks_sip);
    facts.speaks_sip = true;
    if message.method() == "SUBSCRIBE" && event.destination().ip().is_some_and(|ip| ip.is_multicast()) {
        facts.seeks_plug_and_play = Some(event.at.time);
    }
    if let Some(agent) = &message.user_agent {
        remember(&mut facts.user_agents, agent);
    }
    let Some(from) = message.from.as_ref().filter(|_| !pings).map(sip::user) else { return };
    remember(&mut facts.users, &WireText::from(from));
    if let Some((_, host)) = from.rsplit_once('@') {
        let host = host.split(['>', ':']).next().unwrap_or_default();
        remember(&mut facts.sip_domains, &WireText::from(host));
    }
}

fn tls(facts: &mut DeviceFacts, event: &Event, message: &tls::Message) {
    match (message, event.side) {
        (tls::Message::Certificate(own), Side::Client) => {
            facts.own_certificate = own.first().or(facts.own_certificate.as_ref()).cloned()
        }
        (tls::Message::Certificate(chain), Side::Server) => facts.intermediates.shown(event.flow.id, event.at.frame, chain),
        // The capture may have begun after the SYN, or in mid-session.
        (tls::Message::Handshake(CLIENT_KEY_EXCHANGE), Side::Client) => {
            facts.opens(event.flow.server);
            facts.intermediates.goes_on(event.flow.id);
        }
        (tls::Message::ApplicationData { .. }, _) if sip::PORTS.contains(&event.flow.server.port()) => {
            facts.opens(event.flow.server)
        }
        _ => {}
    }
    if let (tls::Message::ClientHello(hello), Side::Client) = (message, event.side) {
        let highest = hello.highest_version();
        facts.highest_tls = Some(facts.highest_tls.map_or(highest, |seen| seen.max(highest)));
        if let Some(name) = hello.server_name.as_ref().filter(|_| !facts.passes_on_http) {
            remember(&mut facts.server_names, name);
        }
        facts.sends_server_name = Some(facts.sends_server_name.unwrap_or(false) || hello.server_name.is_some());
        if highest <= 0x0303 {
            let says = Time::from_seconds(i64::from(hello.random_time));
            witness(facts, event, Some(says), Whose::Device, ClockSource::TlsRandom);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Flow, Transport};
    use crate::formats::x509;
    use crate::model::{At, Endpoint, Frame};
    use crate::packet::Link;

    const DEVICE: [u8; 4] = [10, 0, 4, 23];
    const CONTROLLER: [u8; 4] = [10, 0, 0, 3];

    fn seen(frame: u64, side: Side, message: Message) -> Event {
        let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
        let (client, server) = (end(DEVICE, 50_000), end(CONTROLLER, 389));
        let flow = Flow { id: 1, transport: Transport::Tcp, client, server, oriented: true };
        let at = At { frame: Frame::new(frame), ..At::default() };
        Event { at, link: Link::default(), flow, side, what: What::Message(message) }
    }

    fn facts(events: Vec<Event>) -> DeviceFacts {
        let mut facts = DeviceFacts::default();
        for one in &events {
            event(&mut facts, one, Some(IpAddr::from(DEVICE)));
        }
        facts
    }

    #[test]
    fn who_is_told_what_became_of_a_register_speaks_sip_though_only_that_was_captured() {
        let told = |method: &str| {
            let answer = sip::Message { cseq: (1, WireText::from(method)), ..crate::findings::testing::sip_answer(403, 1) };
            facts(vec![seen(1, Side::Server, Message::Sip(Arc::new(answer)))]).speaks_sip
        };
        assert!(told("REGISTER"));
        assert!(!told("OPTIONS"), "anybody may be asked whether he lives");
    }

    #[test]
    fn who_asks_by_options_alone_pings_and_names_no_domain() {
        let says = |methods: &[&str]| {
            let said = |method: &&str| {
                let message = sip::Message {
                    from: Some("<sip:200@contoso.com>;tag=1".into()),
                    ..crate::findings::testing::sip_request(method, 1)
                };
                seen(1, Side::Client, Message::Sip(Arc::new(message)))
            };
            let facts = facts(methods.iter().map(said).collect());
            (facts.only_pings, facts.sip_domains.len())
        };
        assert_eq!(says(&["OPTIONS", "OPTIONS"]), (true, 0));
        assert_eq!(says(&["OPTIONS", "REGISTER"]), (false, 1));
        assert_eq!(says(&["REGISTER", "OPTIONS"]), (false, 1));
    }

    #[test]
    fn who_speaks_under_tls_at_a_port_of_sip_has_a_connection_there_though_the_capture_began_later() {
        let connects = |port: u16| {
            let turn = crate::flow::Turn { said: 400, heard: 0 };
            let mut speaks = seen(1, Side::Client, Message::Tls(tls::Message::ApplicationData { length: 400, turn }));
            speaks.flow.server = Endpoint::Ip(std::net::SocketAddr::from((CONTROLLER, port)));
            facts(vec![speaks]).connects_to_sip()
        };
        assert!(connects(5_061) && !connects(443));
    }

    #[test]
    fn who_looks_up_a_name_from_the_address_that_a_vlan_gives_has_not_settled_there() {
        let stays = |settles: bool| {
            let said = |frame: u64, vlan: Option<u16>, message: Message| {
                let mut event = seen(frame, Side::Client, message);
                event.at.time = Time::from_seconds(frame as i64 * 20);
                event.link = Link { vlan, source: Some(crate::model::Mac([2; 6])), ..event.link };
                event
            };
            let word = || match settles {
                true => Message::Tls(tls::Message::Handshake(CLIENT_KEY_EXCHANGE)),
                false => Message::Ntp(ntp::Message {
                    leap: 0,
                    version: 3,
                    mode: 3,
                    stratum: 0,
                    reference_id: [0; 4],
                    originate: 0,
                    receive: 0,
                    transmit: 0,
                    cut: false,
                }),
            };
            let mut facts = DeviceFacts { mac: Some(crate::model::Mac([2; 6])), ..DeviceFacts::default() };
            for (frame, vlan) in [(1, None), (2, Some(77)), (3, None)] {
                event(&mut facts, &said(frame, vlan, word()), Some(IpAddr::from(DEVICE)));
            }
            facts.vlan_stays.len()
        };
        assert_eq!((stays(false), stays(true)), (3, 1));
    }

    #[test]
    fn who_knocks_at_more_hosts_than_any_phone_has_registrars_looks_for_hosts() {
        let connects_to = |hosts: u8| {
            let key = || Message::Tls(tls::Message::Handshake(CLIENT_KEY_EXCHANGE));
            let knocks = (1..=hosts).map(|host| {
                let mut event = seen(u64::from(host), Side::Client, key());
                event.flow.server = Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 9, host], 5061)));
                event
            });
            facts(knocks.collect())
        };
        assert!(connects_to(16).connects_to_sip());
        let scanner = connects_to(200);
        assert!(!scanner.connects_to_sip());
        assert_eq!(scanner.sip_hosts.len(), 17, "no more are kept than it takes to tell");
    }

    #[test]
    fn who_sends_its_key_has_opened_the_connection_though_the_capture_begins_later() {
        let connects = |port: u16, side: Side, message: tls::Message| {
            let mut event = seen(1, side, Message::Tls(message));
            event.flow.server = Endpoint::Ip(std::net::SocketAddr::from((CONTROLLER, port)));
            facts(vec![event]).connects_to_sip()
        };
        let key = || tls::Message::Handshake(CLIENT_KEY_EXCHANGE);
        assert!(connects(5061, Side::Client, key()));
        assert!(!connects(443, Side::Client, key()));
        assert!(!connects(5061, Side::Server, tls::Message::ChangeCipherSpec), "either side says that");
    }

    fn entry(frame: u64, certificates: &[&[u8]], current_time: Option<Time>) -> Event {
        let certificates = certificates.iter().map(|der| Arc::new(x509::parse(der))).collect();
        let entry = ldap::Entry { name: WireText::default(), certificates, revocation_list: None, host: None, current_time };
        let body = ldap::Body::Entry(entry);
        seen(frame, Side::Server, Message::Ldap(std::sync::Arc::new(ldap::Message { id: 1, operation: 4, body })))
    }

    #[test]
    fn a_ca_that_the_directory_gives_is_fetched_once() {
        let root: &[u8] = include_bytes!("../trust/samples/root.der");
        let other: &[u8] = include_bytes!("../trust/samples/old-root.der");
        let facts = facts(vec![entry(3, &[root, other], None), entry(9, &[root], None)]);
        let fetched: Vec<(u64, &[u8])> = facts.fetched.iter().map(|(frame, one)| (frame.number(), &one.der[..])).collect();
        assert_eq!(fetched, [(3, root), (3, other)]);
        assert!(facts.enrolment_seen);
    }

    #[test]
    fn a_discover_is_in_vain_until_its_own_transaction_is_answered() {
        let dhcp = |frame: u64, kind: u8, transaction: u32| {
            let operation = if kind == dhcp::kind::DISCOVER { 1 } else { 2 };
            let message = dhcp::Message { operation, transaction, ..crate::findings::testing::dhcp_message(kind, &[]) };
            seen(frame, if operation == 1 { Side::Client } else { Side::Server }, Message::Dhcp(std::sync::Arc::new(message)))
        };
        let (discover, offer) = (dhcp::kind::DISCOVER, dhcp::kind::OFFER);
        let asked = vec![dhcp(1, discover, 7), dhcp(2, discover, 8), dhcp(3, discover, 8), dhcp(4, offer, 8)];
        let in_vain = facts(asked).discovers_in_vain;
        assert_eq!(in_vain.iter().map(|(_, at)| at.frame.number()).collect::<Vec<_>>(), [1]);
        let all = facts((1..200).map(|frame| dhcp(frame, discover, 1)).collect()).discovers_in_vain;
        assert_eq!((all.len(), all.last().map(|(_, at)| at.frame.number())), (NEWEST, Some(199)));
    }

    #[test]
    fn who_takes_an_offer_or_goes_on_by_tcp_was_answered_though_the_capture_lacks_that() {
        let asks = |frame: u64, kind: u8, server: bool| {
            let server: &[(u8, &[u8])] = if server { &[(54, &[10, 0, 4, 1])] } else { &[(54, &[])] };
            let message = dhcp::Message { operation: 1, ..crate::findings::testing::dhcp_message(kind, server) };
            seen(frame, Side::Client, Message::Dhcp(Arc::new(message)))
        };
        let answered = |events: Vec<Event>| facts(events).was_answered_unseen;
        let (discover, request) = (dhcp::kind::DISCOVER, dhcp::kind::REQUEST);
        assert!(answered(vec![asks(1, discover, false), asks(2, request, true)]));
        assert!(!answered(vec![asks(1, discover, false), asks(2, discover, false)]));
        assert!(!answered(vec![asks(1, request, false)]), "its old address");
        let tcp = |data_segments: u32| {
            let mut stats = crate::flow::TcpStats::default();
            (stats.client.syns, stats.client.data_segments) = (2, data_segments);
            Event { what: What::Tcp(Signal::Ended, Arc::new(stats)), ..asks(1, discover, false) }
        };
        assert!(answered(vec![tcp(1)]));
        assert!(!answered(vec![tcp(0)]), "a SYN and its repeat");
    }

    #[test]
    fn a_discover_in_mid_lease_is_a_restart_and_an_inform_ends_no_lease() {
        let of = |kinds: &[u8]| {
            let message = |(&kind, frame): (&u8, u64)| {
                let options: &[(u8, &[u8])] = if kind == dhcp::kind::ACK { &[(51, &[0, 0, 14, 16])] } else { &[] };
                let from_device = matches!(kind, dhcp::kind::DISCOVER | dhcp::kind::INFORM | dhcp::kind::RELEASE);
                // An ACK of no kind of its own stands for the answer to an INFORM.
                let (kind, options) = if kind == 0 { (dhcp::kind::ACK, &[][..]) } else { (kind, options) };
                let mut message = crate::findings::testing::dhcp_message(kind, options);
                message.operation = if from_device { 1 } else { 2 };
                message.your = if options.is_empty() { [0, 0, 0, 0].into() } else { DEVICE.into() };
                seen(frame, if from_device { Side::Client } else { Side::Server }, Message::Dhcp(Arc::new(message)))
            };
            facts(kinds.iter().zip(1..).map(message).collect())
        };
        let restarts = |kinds: &[u8]| of(kinds).restarts.len();
        let (discover, ack, inform, release) = (dhcp::kind::DISCOVER, dhcp::kind::ACK, dhcp::kind::INFORM, dhcp::kind::RELEASE);
        assert_eq!(restarts(&[discover, ack, discover]), 1);
        assert_eq!(restarts(&[discover, ack, inform, 0, discover]), 1);
        assert_eq!(restarts(&[discover, ack, release, discover]), 0);
        assert_eq!(restarts(&[inform, 0, discover]), 0, "it was lent nothing");
        let lent_after_refusal = |kinds: &[u8]| of(kinds).refusals.iter().map(|(_, lent)| lent.is_some()).collect::<Vec<_>>();
        assert_eq!(lent_after_refusal(&[dhcp::kind::NAK, discover, ack, dhcp::kind::NAK, inform, 0]), [true, false]);
    }

    #[test]
    fn of_ever_other_certificates_that_are_fetched_the_first_ones_count() {
        // Another signature makes it another certificate.
        let of = |number: u8| [&include_bytes!("../trust/samples/root.der")[..], &[number]].concat();
        let ders: Vec<Vec<u8>> = (0..=fetched::FETCHED as u8).map(of).collect();
        let certificates: Vec<&[u8]> = ders.iter().map(Vec::as_slice).collect();
        let facts = facts(vec![entry(3, &certificates, None)]);
        let kept: Vec<&[u8]> = facts.fetched.iter().map(|(_, one)| &one.der[..]).collect();
        assert_eq!(kept, certificates[..fetched::FETCHED]);
    }

    #[test]
    fn directories_and_kdcs_are_witnesses_of_the_time() {
        let error = kerberos::Error {
            code: 37,
            server_time: Some(Time::from_seconds(2000)),
            client_time: Some(Time::from_seconds(1000)),
            realm: WireText::default(),
            service: WireText::default(),
            client: None,
            text: None,
            etypes: Vec::new(),
            status: None,
        };
        let error = kerberos::Message { kind: kerberos::kind::ERROR, body: kerberos::Body::Error(error) };
        let told = facts(vec![
            entry(1, &[], Some(Time::from_seconds(1999))),
            seen(2, Side::Server, Message::Kerberos(std::sync::Arc::new(error))),
        ]);
        let clocks: Vec<(Whose, ClockSource, i64)> =
            told.clocks.iter().map(|clock| (clock.whose, clock.from, clock.says.seconds())).collect();
        let server = Whose::Server(IpAddr::from(CONTROLLER));
        assert_eq!(
            clocks,
            [
                (server, ClockSource::Directory, 1999),
                (server, ClockSource::Kerberos, 2000),
                (Whose::Device, ClockSource::Kerberos, 1000)
            ]
        );
    }

    #[test]
    fn users_that_bind_or_ask_for_tickets_are_remembered() {
        let bind = ldap::Bind { name: WireText::from("cn=kim"), method: ldap::Method::Simple { anonymous: false } };
        let bind = ldap::Message { id: 1, operation: 0, body: ldap::Body::Bind(bind) };
        let request = kerberos::Request {
            client: Some(WireText::from("kim")),
            realm: WireText::from("CONTOSO.COM"),
            service: None,
            etypes: Vec::new(),
            has_timestamp: false,
            nonce: 0,
        };
        let request = kerberos::Message { kind: kerberos::kind::AS_REQ, body: kerberos::Body::Request(request) };
        let facts = facts(vec![
            seen(1, Side::Client, Message::Ldap(std::sync::Arc::new(bind))),
            seen(2, Side::Client, Message::Kerberos(std::sync::Arc::new(request))),
        ]);
        assert_eq!(facts.users.iter().map(WireText::raw).collect::<Vec<_>>(), ["cn=kim", "kim@CONTOSO.COM"]);
    }
}
