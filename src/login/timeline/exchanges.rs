//! DHCP, ARP (or neighbour discovery), DNS and NTP in a line each.

use std::borrow::Cow;
use std::fmt;

use smol_str::{SmolStr, format_smolstr};

use crate::model::At;
use crate::protocols::dhcp::{self, option};
use crate::protocols::dns::{self, RecordData};

use super::super::steps::{Answer, Attempt, Clock, Lease, Lookup, Neighbour, Step};
use super::{Direction, Moment, Teller, times};

/// Names of a list that are spelt out.
const NAMES: usize = 3;

pub(super) fn lease(step: &Step, lease: &Lease, moments: &mut Vec<Moment>) {
    let server = lease.acks.last().or(lease.naks.last()).or(lease.offers.last()).and_then(|(_, message)| message.server_id());
    let peer = server.map_or_else(|| SmolStr::new_static("DHCP"), |server| format_smolstr!("DHCP {server}"));
    let mut teller = Teller { moments, stage: step.stage, peer };
    if let Some(first) = lease.discovers.first() {
        let text = times("DISCOVER", lease.discovers.len());
        match lease.offers.first() {
            Some((_, offer)) => teller.tell(*first, Direction::Out, format_args!("{text} → OFFER {}", offer.your)),
            None => teller.tell(*first, Direction::Silence, format_args!("{text}, no OFFER")),
        }
    }
    if let (true, Some((at, wanted))) = (lease.acks.is_empty(), lease.requests.first()) {
        let text = times("REQUEST", lease.requests.len());
        let whom = wanted.map(|server| format!(" to {server}")).unwrap_or_default();
        if lease.used.is_some() {
            teller.tell(*at, Direction::Out, format_args!("{text}{whom}, and the address is used: the capture lacks the ACK"));
        } else if lease.naks.is_empty() {
            teller.tell(*at, Direction::Silence, format_args!("{text}{whom}, no ACK"));
        } else {
            teller.tell(*at, Direction::Out, format_args!("{text}{whom}"));
        }
    }
    for (at, nak) in &lease.naks {
        let reason = nak.text(option::MESSAGE).map(|text| format!(": {text}")).unwrap_or_default();
        teller.tell(*at, Direction::In, format_args!("NAK{reason}"));
    }
    if let Some((at, ack)) = lease.acks.last() {
        let asked = if lease.requests.is_empty() { "INFORM" } else { "REQUEST" };
        teller.tell(*at, Direction::In, format_args!("{asked} → ACK {}", Granted(ack)));
    } else if let Some(at) = lease.informs.first() {
        teller.tell(*at, Direction::Silence, format_args!("{}, no ACK", times("INFORM", lease.informs.len())));
    }
    if let Some(at) = lease.declines.first() {
        teller.tell(*at, Direction::Out, "DECLINE: the address is in use");
    }
    if let Some(at) = lease.releases.first() {
        teller.tell(*at, Direction::Out, "RELEASE");
    }
}

/// What a lease gives, in the order in which it is needed.
struct Granted<'a>(&'a dhcp::Message);

impl fmt::Display for Granted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ack) = self;
        let mut comma = "";
        if !ack.your.is_unspecified() {
            write!(out, "{}", ack.your)?;
            comma = ", ";
        }
        for (name, code) in [("router", option::ROUTERS), ("DNS", option::NAME_SERVERS), ("NTP", option::NTP_SERVERS)] {
            let addresses = ack.addresses(code);
            if !addresses.is_empty() {
                write!(out, "{comma}{name}")?;
                addresses.iter().try_for_each(|address| write!(out, " {address}"))?;
                comma = ", ";
            }
        }
        ack.voice_vlan().map_or(Ok(()), |vlan| write!(out, "{comma}VLAN {vlan}"))
    }
}

/// By what the MAC of an address is asked for.
fn protocol(neighbour: &Neighbour) -> &'static str {
    if neighbour.address.is_ipv4() { "ARP" } else { "ND" }
}

pub(super) fn neighbour(step: &Step, neighbour: &Neighbour, moments: &mut Vec<Moment>) {
    let Some(first) = neighbour.requests.first().copied().or(neighbour.reply.map(|(at, _)| at)) else { return };
    let what = if neighbour.router { "the router " } else { "" };
    let mut teller =
        Teller { moments, stage: step.stage, peer: format_smolstr!("{} {}", protocol(neighbour), neighbour.address) };
    match neighbour.reply {
        // An answered ARP for a neighbour is no news.
        Some((_, mac)) if neighbour.router => teller.tell(first, Direction::Out, format_args!("where is {what}→ {mac}")),
        Some(_) => {}
        None => {
            let asked = format_args!("where is {what}{}", neighbour.address);
            let asked = times(asked, neighbour.requests.len());
            teller.tell(first, Direction::Silence, format_args!("{asked}, no answer"));
        }
    }
}

pub(super) fn clock(step: &Step, clock: &Clock, moments: &mut Vec<Moment>) {
    let peer = match &clock.name {
        Some(name) => format_smolstr!("NTP {name}"),
        None => format_smolstr!("NTP {}", clock.server),
    };
    let mut teller = Teller { moments, stage: step.stage, peer };
    let asked = times("time?", clock.requests.len().max(1));
    let first = clock.requests.first().map(|(at, _)| *at);
    match (clock.answers.last(), clock.unreachable) {
        (Some((at, answer)), _) => {
            let says = match (answer.stratum, answer.transmit_time()) {
                (0, _) => format!("refused ({})", String::from_utf8_lossy(&answer.reference_id).escape_default()),
                (_, _) if answer.leap == 3 || answer.stratum >= 16 => "\"I am not synchronised\"".to_owned(),
                (_, Some(time)) => time.whole_seconds(),
                (_, None) if answer.cut => "an answer that the capture cut".to_owned(),
                (_, None) => "an answer without a time".to_owned(),
            };
            teller.tell(first.unwrap_or(*at), Direction::Out, format_args!("{asked} → {says}"));
        }
        (None, Some((at, from))) => teller.tell(at, Direction::In, format_args!("{asked} → ICMP unreachable from {from}")),
        (None, None) => {
            if let Some(first) = first {
                teller.tell(first, Direction::Silence, format_args!("{asked} no answer"));
            }
        }
    }
}

/// The type of a record, as people write it.
fn kind(kind: u16) -> Cow<'static, str> {
    match kind {
        dns::kind::A => "A".into(),
        dns::kind::AAAA => "AAAA".into(),
        dns::kind::SRV => "SRV".into(),
        dns::kind::PTR => "PTR".into(),
        dns::kind::NS => "NS".into(),
        dns::kind::CNAME => "CNAME".into(),
        other => format!("TYPE{other}").into(),
    }
}

/// What is wrong with an answer that does not hold what was asked for.
fn failure(answer: &Answer) -> Cow<'static, str> {
    match answer.rcode {
        0 if answer.truncated => "truncated, and no answer over TCP".into(),
        0 if answer.partial => "an answer that the capture cuts off".into(),
        0 => "no such record".into(),
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        3 => "NXDOMAIN".into(),
        4 => "NOTIMP".into(),
        5 => "REFUSED".into(),
        other => format!("rcode {other}").into(),
    }
}

/// The server that was asked last.
fn resolver(lookup: &Lookup) -> SmolStr {
    let server = lookup.queries.last().map(|(_, server)| *server).or(lookup.answer.as_ref().map(|answer| answer.server));
    server.map_or_else(|| SmolStr::new_static("DNS"), |server| format_smolstr!("DNS {server}"))
}

pub(super) fn lookup(step: &Step, lookup: &Lookup, moments: &mut Vec<Moment>) {
    let first = lookup.queries.first().map_or(step.first, |(at, _)| *at);
    let asked = Asked(lookup);
    let mut teller = Teller { moments, stage: step.stage, peer: resolver(lookup) };
    match (&lookup.answer, lookup.unreachable) {
        (Some(_), _) if lookup.found() => teller.tell(first, Direction::Out, format_args!("{asked} → {}", Found(lookup))),
        (Some(answer), _) => teller.tell(answer.at, Direction::In, format_args!("{asked} → {}", failure(answer))),
        (None, Some((at, from))) => teller.tell(at, Direction::In, format_args!("{asked} → ICMP unreachable from {from}")),
        (None, None) => teller.tell(first, Direction::Silence, format_args!("{asked}, no answer")),
    }
}

/// What was asked for: `A? pbx.contoso.com ×3`.
struct Asked<'a>(&'a Lookup);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lookup) = self;
        times(format_args!("{}? {}", kind(lookup.kind), lookup.name), lookup.queries.len()).fmt(out)
    }
}

/// What was found, the first few: `a, b, c and 4 more`.
struct Found<'a>(&'a Lookup);

impl fmt::Display for Found<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lookup) = self;
        let records = lookup.answer.iter().flat_map(|answer| answer.records()).filter(|record| record.answer);
        let is_told = |record: &&dns::Record| !matches!(record.data, RecordData::Alias(_)) || lookup.kind == dns::kind::CNAME;
        let mut more = 0_usize;
        for (number, record) in records.filter(is_told).enumerate() {
            if number >= NAMES {
                more += 1;
                continue;
            }
            out.write_str(if number > 0 { ", " } else { "" })?;
            match &record.data {
                RecordData::Address(address) => write!(out, "{address}")?,
                RecordData::Service { target, port, .. } => write!(out, "{target}:{port}")?,
                RecordData::Pointer(name) | RecordData::NameServer(name) | RecordData::Alias(name) => write!(out, "{name}")?,
            }
        }
        if more > 0 { write!(out, " and {more} more") } else { Ok(()) }
    }
}

/// `a, b, c and 4 more`.
fn listed(values: &[String]) -> String {
    let shown = values.get(..NAMES).unwrap_or(values).join(", ");
    match values.len().checked_sub(NAMES) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// Did both end with the same bad answer?
pub(super) fn failed_alike(one: &Lookup, other: &Lookup) -> bool {
    match (&one.answer, &other.answer) {
        (Some(one_answer), Some(other_answer)) => {
            !other.found() && failure(one_answer) == failure(other_answer) && one_answer.server == other_answer.server
        }
        _ => false,
    }
}

/// Names that have an address of the other family: an AAAA without an answer beside a good A is no news.
pub(super) fn is_noise(list: &[(&Step, &Lookup)], attempt: &Attempt) -> bool {
    let address = |kind: u16| matches!(kind, dns::kind::A | dns::kind::AAAA);
    list.iter().all(|(_, lookup)| {
        address(lookup.kind)
            && attempt.lookups().any(|(_, other)| {
                other.kind != lookup.kind
                    && address(other.kind)
                    && other.found()
                    && other.name.raw().eq_ignore_ascii_case(lookup.name.raw())
            })
    })
}

/// Look-ups that failed alike, one after the other.
pub(super) fn lookups(list: &[(&Step, &Lookup)], moments: &mut Vec<Moment>) {
    let Some((step, first)) = list.first() else { return };
    let [_, _, ..] = list else { return lookup(step, first, moments) };
    let at: At = first.queries.first().map_or(step.first, |(at, _)| *at);
    let mut names: Vec<String> = Vec::new();
    for (_, lookup) in list {
        let name = format!("{}? {}", kind(lookup.kind), lookup.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let why = first.answer.as_ref().map(failure).unwrap_or_default();
    let mut teller = Teller { moments, stage: step.stage, peer: resolver(first) };
    teller.tell(at, Direction::In, format_args!("{} → {why}", listed(&names)));
}
