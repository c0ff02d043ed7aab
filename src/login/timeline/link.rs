//! 802.1X, DHCPv6 and TFTP in a line each.

use smol_str::{SmolStr, format_smolstr};

use crate::model::{At, Side};
use crate::protocols::{dhcpv6, eap};

use super::super::steps::{LeaseV6, PortAccess, Step, Transfer};
use super::{Direction, Moment, Teller, times};

pub(super) fn port(step: &Step, port: &PortAccess, moments: &mut Vec<Moment>) {
    let mut teller = Teller { moments, stage: step.stage, peer: SmolStr::new_static("802.1X") };
    let answered = !port.requests.is_empty() || port.success.is_some() || port.failure.is_some();
    if let Some(first) = port.starts.first() {
        let text = times("EAPOL-Start", port.starts.len());
        match answered {
            true => teller.tell(*first, Direction::Out, text),
            false => teller.tell(*first, Direction::Silence, format_args!("{text}, no answer")),
        }
    }
    match (port.requests.first(), port.responses.first()) {
        (Some((at, _)), None) => {
            teller.tell(*at, Direction::Silence, format_args!("{}, no answer", times("who is it?", port.requests.len())));
        }
        (_, Some((at, _))) => teller.tell(*at, Direction::Out, introduction(port)),
        (None, None) => {}
    }
    if let Some((at, side, description)) = port.alert() {
        let direction = if side == Side::Client { Direction::Out } else { Direction::In };
        let name = crate::protocols::tls::names::alert_name(description);
        teller.tell(at, direction, format_args!("TLS alert {description} ({name}) inside EAP"));
    }
    for (at, text) in [(port.success, "EAP-Success"), (port.failure, "EAP-Failure")] {
        if let Some(at) = at {
            teller.tell(at, Direction::In, text);
        }
    }
}

/// `I am anna, by PEAP`.
fn introduction(port: &PortAccess) -> String {
    let method = port.method().map(|method| format!(", by {}", eap::method_name(method))).unwrap_or_default();
    match port.identity() {
        Some(identity) => format!("\"I am {identity}\"{method}"),
        None => format!("answers{method}"),
    }
}

pub(super) fn lease_v6(step: &Step, lease: &LeaseV6, moments: &mut Vec<Moment>) {
    let mut teller = Teller { moments, stage: step.stage, peer: SmolStr::new_static("DHCPv6") };
    if let Some(first) = lease.solicits.first() {
        let text = times("SOLICIT", lease.solicits.len());
        match lease.advertises.first() {
            Some((_, offer)) => teller.tell(*first, Direction::Out, format_args!("{text} → ADVERTISE {}", given(offer))),
            None if lease.replies.is_empty() => teller.tell(*first, Direction::Silence, format_args!("{text}, no ADVERTISE")),
            None => {}
        }
    }
    let asked: Option<At> = lease.requests.first().or(lease.others.first()).copied();
    match (lease.replies.last(), asked) {
        (Some((at, reply)), _) => teller.tell(*at, Direction::In, format!("REPLY {}", given(reply)).trim_end()),
        (None, Some(_)) if lease.requests.is_empty() => {}
        (None, Some(at)) => {
            teller.tell(at, Direction::Silence, format_args!("{}, no REPLY", times("REQUEST", lease.requests.len())));
        }
        (None, None) => {}
    }
}

/// What a server gives, or why it gives nothing.
fn given(message: &dhcpv6::Message) -> String {
    match &message.status {
        Some((status, _)) if message.addresses.is_empty() => dhcpv6::status_name(*status).to_owned(),
        _ => message.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

pub(super) fn file(step: &Step, transfer: &Transfer, moments: &mut Vec<Moment>) {
    let host = transfer
        .name
        .as_ref()
        .map_or_else(|| transfer.flow.server.ip().map(|ip| ip.to_string()).unwrap_or_default(), ToString::to_string);
    let mut teller = Teller { moments, stage: step.stage, peer: format_smolstr!("TFTP {host}") };
    let verb = if transfer.write { "write" } else { "read" };
    let asked = format_args!("{verb} {}", transfer.file);
    let asked = times(asked, transfer.requests.len());
    let first = transfer.requests.first().copied().unwrap_or(step.first);
    let octets = transfer.last_block.map_or(0, |(_, octets)| octets);
    match (&transfer.error, transfer.unreachable) {
        (Some((at, code, text)), _) => teller.tell(*at, Direction::In, format_args!("{asked} → error {code}: {text}")),
        (None, _) if transfer.complete.is_some() => {
            teller.tell(first, Direction::Out, format_args!("{asked} → {octets} bytes"));
        }
        (None, _) if transfer.accepted.is_some() => {
            teller.tell(first, Direction::Out, format_args!("{asked} → {octets} bytes, and not the end"));
        }
        (None, Some((at, from))) => teller.tell(at, Direction::In, format_args!("{asked} → ICMP unreachable from {from}")),
        (None, None) => teller.tell(first, Direction::Silence, format_args!("{asked}, no answer")),
    }
}
