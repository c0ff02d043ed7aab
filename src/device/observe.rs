//! What one event adds to what is known of its device.

use std::net::IpAddr;
use std::sync::Arc;

use super::facts::{CLOCKS, ClockSource, ClockWitness, DeviceFacts, ENTRIES, Whose};
use crate::event::{Event, What};
use crate::formats::{ntlm, pkcs7};
use crate::model::{Side, Time};
use crate::protocols::{Message, dhcp, dns, http, ntp, sip, tls};
use crate::text::WireText;

/// CA certificates that are kept of a device's enrolment.
const FETCHED: usize = 128;

/// Adds what `event` tells of the device with this address.
pub(super) fn event(facts: &mut DeviceFacts, event: &Event, ip: Option<IpAddr>) {
    let from_device = is_from_device(event, ip);
    if from_device {
        facts.link_source = event.link.source.or(facts.link_source);
        facts.vlan = event.link.vlan.or(facts.vlan);
    } else {
        facts.seen_both_ways = true;
        hear(facts, event);
    }
    match &event.what {
        What::Tcp(_, stats) => {
            if let (Some(_), Some(server)) = (stats.server.last, event.flow.server_ip()) {
                facts.seen_both_ways = true;
                hear_from(facts, server);
            }
        }
        What::Message(message) => self::message(facts, event, message, from_device),
    }
}

fn is_from_device(event: &Event, ip: Option<IpAddr>) -> bool {
    match &event.what {
        What::Message(Message::Dhcp(message)) => message.operation == 1,
        What::Message(Message::Arp(message)) => message.operation == 1,
        What::Message(Message::Icmp(_)) => false,
        _ => event.source().ip().is_some_and(|source| Some(source) == ip),
    }
}

fn hear(facts: &mut DeviceFacts, event: &Event) {
    let speaker = match &event.what {
        // An ARP reply shows that the link is up, not that the host answers.
        What::Message(Message::Arp(_)) => None,
        What::Message(_) => event.source().ip(),
        What::Tcp(..) => None,
    };
    if let Some(speaker) = speaker {
        hear_from(facts, speaker);
    }
}

fn hear_from(facts: &mut DeviceFacts, speaker: IpAddr) {
    if facts.heard_from.len() < ENTRIES {
        facts.heard_from.insert(speaker);
    }
}

fn message(facts: &mut DeviceFacts, event: &Event, message: &Message, from_device: bool) {
    match message {
        Message::Dhcp(message) => self::dhcp(facts, event, message, from_device),
        Message::Dns(message) if from_device => asked(facts, message),
        Message::Ntp(message) => self::ntp(facts, event, message, from_device),
        Message::Http(message) => self::http(facts, event, message),
        Message::Sip(message) => self::sip(facts, event, message, from_device),
        Message::Tls(message) => self::tls(facts, event, message),
        _ => {}
    }
}

fn remember(list: &mut Vec<WireText>, text: &WireText) {
    if !text.is_empty() && list.len() < ENTRIES && !list.contains(text) {
        list.push(text.clone());
    }
}

fn witness(facts: &mut DeviceFacts, event: &Event, says: Option<Time>, whose: Whose, from: ClockSource) {
    let Some(says) = says else { return };
    if facts.clocks.len() >= CLOCKS {
        facts.clocks.pop_front();
    }
    facts.clocks.push_back(ClockWitness { at: event.at, says, whose, from });
}

fn server(event: &Event) -> Option<Whose> {
    event.source().ip().map(Whose::Server)
}

fn dhcp(facts: &mut DeviceFacts, event: &Event, message: &dhcp::Message, from_device: bool) {
    if from_device {
        if let Some(class) = message.vendor_class() {
            remember(&mut facts.vendor_classes, &class);
        }
        facts.host_name = message.text(12).or(facts.host_name.take());
        let list = message.parameter_list();
        if !list.is_empty() {
            facts.parameter_list = list;
        }
    } else if message.kind == Some(dhcp::kind::ACK) {
        facts.lease = Some((event.at, Arc::new(message.clone())));
    }
}

fn asked(facts: &mut DeviceFacts, message: &dns::Message) {
    let Some(question) = &message.question else { return };
    remember(&mut facts.names_asked, &question.name);
    let name = question.name.raw().to_ascii_lowercase();
    let domain = ["_sipinternaltls._tcp.", "_sipinternal._tcp.", "_sip._tls.", "_sip._tcp.", "_sip._udp.", "_sips._tcp."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    if let Some(domain) = domain {
        remember(&mut facts.sip_domains, &WireText::from(domain));
    }
}

fn ntp(facts: &mut DeviceFacts, event: &Event, message: &ntp::Message, from_device: bool) {
    if from_device {
        witness(facts, event, message.transmit_time(), Whose::Device, ClockSource::Ntp);
    } else if let (Some(server), false) = (server(event), message.leap == 3 || message.stratum == 0) {
        witness(facts, event, message.transmit_time(), server, ClockSource::Ntp);
    }
}

fn http(facts: &mut DeviceFacts, event: &Event, message: &http::Message) {
    match message {
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
            fetched(facts, event, response);
        }
    }
}

/// CA certificates in the body of an answer, whatever it calls itself.
fn fetched(facts: &mut DeviceFacts, event: &Event, response: &http::Response) {
    if response.code != 200 || response.body.bytes.is_empty() {
        return;
    }
    for certificate in &pkcs7::certificates(&response.body.bytes).certificates {
        let known = facts.fetched.iter().any(|(_, other)| other.sha256 == certificate.sha256);
        if !known && facts.fetched.len() < FETCHED {
            facts.fetched.push((event.at.frame, Arc::clone(certificate)));
        }
        facts.enrolment_seen = true;
    }
}

fn sip(facts: &mut DeviceFacts, event: &Event, message: &sip::Message, from_device: bool) {
    if !from_device {
        if let Some(server) = server(event) {
            witness(facts, event, message.date, server, ClockSource::Date);
        }
        return;
    }
    facts.speaks_sip = true;
    if let Some(agent) = &message.user_agent {
        remember(&mut facts.user_agents, agent);
    }
    let Some(from) = &message.from else { return };
    remember(&mut facts.users, from);
    if let Some((_, host)) = from.raw().rsplit_once('@') {
        let host = host.split([';', '>', ':']).next().unwrap_or_default();
        remember(&mut facts.sip_domains, &WireText::from(host));
    }
}

fn tls(facts: &mut DeviceFacts, event: &Event, message: &tls::Message) {
    if let (tls::Message::ClientHello(hello), Side::Client) = (message, event.side) {
        let highest = hello.highest_version();
        facts.highest_tls = Some(facts.highest_tls.map_or(highest, |seen| seen.max(highest)));
        facts.sends_server_name = Some(facts.sends_server_name.unwrap_or(false) || hello.server_name.is_some());
        if highest <= 0x0303 {
            let says = Time::from_seconds(i64::from(hello.random_time));
            witness(facts, event, Some(says), Whose::Device, ClockSource::TlsRandom);
        }
    }
}
