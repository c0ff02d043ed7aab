//! Recording what a login stands on below IPv4: 802.1X, DHCPv6, neighbour discovery.

use std::net::IpAddr;
use std::sync::Arc;

use crate::device::facts::DeviceFacts;
use crate::event::Event;
use crate::model::{At, SECOND};
use crate::protocols::{dhcpv6, eap, icmp, tls};

use super::super::steps::{LeaseV6, StepKind};
use super::connection::record_tls;
use super::repeats::begins_next_series;
use super::{Draft, DraftId, Recorder, Thread, add, add_newest};

/// So many Starts in vain, and a supplicant goes on without (IEEE 802.1X: maxStart).
const STARTS: usize = 3;
/// EAPOL that comes later than this after the last of an exchange begins the next: the times between tries and the rest
/// after a failure (IEEE 802.1X: 30 and 60 seconds) lie below.
const SAME_PORT_EXCHANGE: i64 = 90 * SECOND;

impl Recorder {
    pub(super) fn eap(&mut self, at: At, message: &eap::Message) {
        let from_switch = message.eap.as_ref().is_some_and(|packet| packet.code != eap::code::RESPONSE);
        let starts = message.kind == eap::kind::START;
        if !starts && message.eap.is_none() {
            return;
        }
        let result = message.eap.as_ref().is_some_and(|packet| matches!(packet.code, eap::code::SUCCESS | eap::code::FAILURE));
        let goes_on = |id: &DraftId| self.port_goes_on(*id, at, result) && !(starts && self.gave_port_up(*id, at));
        let id = match self.threads.get(&Thread::Port).copied().filter(goes_on) {
            Some(id) => id,
            None => {
                let id = self.begin(at, StepKind::Port(Box::default()));
                self.threads.insert(Thread::Port, id);
                id
            }
        };
        let Some(StepKind::Port(port)) = self.touch(id, at) else { return };
        match &message.eap {
            None => add_newest(&mut port.starts, at),
            Some(packet) if result => {
                let ended = if packet.code == eap::code::SUCCESS { &mut port.success } else { &mut port.failure };
                *ended = ended.or(Some(at));
            }
            Some(packet) => {
                add_newest(if from_switch { &mut port.requests } else { &mut port.responses }, (at, packet.clone()));
            }
        }
    }

    /// TLS inside 802.1X; a hello begins another handshake.
    pub(super) fn port_tls(&mut self, event: &Event, message: &tls::Message) {
        let Some(id) = self.threads.get(&Thread::Port).copied() else { return };
        let Some(StepKind::Port(port)) = self.touch(id, event.at) else { return };
        if matches!(message, tls::Message::ClientHello(_)) {
            port.tls = None;
        }
        record_tls(port.tls.get_or_insert_with(Box::default), event.at, event.side, message);
    }

    /// Does EAPOL at this time go on with this exchange? Once that has its result, only the same result again does.
    fn port_goes_on(&self, id: DraftId, at: At, result: bool) -> bool {
        let Some(Draft { kind: StepKind::Port(port), last, .. }) = self.drafts.get(id) else { return false };
        let ended = port.success.is_some() || port.failure.is_some();
        at.time.since(last.time) <= SAME_PORT_EXCHANGE && (!ended || result)
    }

    /// Nobody answered its Starts, and the device has asked for an address since, or has held its peace (IEEE 802.1X: heldPeriod
    /// after the last startPeriod): another Start begins all over.
    fn gave_port_up(&self, id: DraftId, at: At) -> bool {
        let Some(Draft { kind: StepKind::Port(port), .. }) = self.drafts.get(id) else { return false };
        let Some(last) = port.starts.last().filter(|_| port.starts.len() >= STARTS && port.requests.is_empty()) else {
            return false;
        };
        let asks = |draft: &Draft| matches!(draft.kind, StepKind::Lease(_) | StepKind::LeaseV6(_)) && draft.first > *last;
        port.responses.is_empty() && begins_next_series(&port.starts, at) || self.drafts.iter().any(|(_, draft)| asks(draft))
    }

    pub(super) fn dhcpv6(&mut self, at: At, message: &Arc<dhcpv6::Message>) {
        let Some(transaction) = message.transaction else { return };
        let id = match self.threads.get(&Thread::LeaseV6(transaction)).copied().or_else(|| self.advertised(message.kind)) {
            Some(id) => id,
            None => self.begin(at, StepKind::LeaseV6(Box::default())),
        };
        self.threads.insert(Thread::LeaseV6(transaction), id);
        let Some(StepKind::LeaseV6(lease)) = self.touch(id, at) else { return };
        record_dhcpv6(lease, at, message);
    }

    /// A REQUEST has a transaction number of its own, and goes on with the exchange that an ADVERTISE answered (RFC 8415
    /// section 18.2.2).
    fn advertised(&self, kind: u8) -> Option<DraftId> {
        if kind != dhcpv6::kind::REQUEST {
            return None;
        }
        let (id, lease) = self.drafts.iter().rev().find_map(|(id, draft)| match &draft.kind {
            StepKind::LeaseV6(lease) => Some((id, lease)),
            _ => None,
        })?;
        (!lease.advertises.is_empty() && lease.requests.is_empty() && lease.replies.is_empty()).then_some(id)
    }

    pub(super) fn discovery(&mut self, event: &Event, discovery: icmp::Discovery, facts: &DeviceFacts) {
        match discovery {
            // RFC 4862 section 5.4.2: with no source it probes whether its own address is free.
            icmp::Discovery::Solicitation { target, .. }
                if event.source().ip().is_some_and(|ip| !ip.is_unspecified() && ip != IpAddr::V6(target)) =>
            {
                self.neighbour(event.at, target.into(), None, facts);
            }
            // Where the MAC stands in no option, it is that of the frame (RFC 4861 section 4.4).
            icmp::Discovery::Advertisement { target, mac } => {
                let mac = mac.or(event.link.source).unwrap_or_default();
                self.neighbour(event.at, target.into(), Some(mac), facts);
            }
            icmp::Discovery::Solicitation { .. } | icmp::Discovery::Router { .. } => {}
        }
    }
}

fn record_dhcpv6(lease: &mut LeaseV6, at: At, message: &Arc<dhcpv6::Message>) {
    use dhcpv6::kind;
    match message.kind {
        kind::SOLICIT => add_newest(&mut lease.solicits, at),
        kind::ADVERTISE => add(&mut lease.advertises, (at, Arc::clone(message))),
        kind::REQUEST | kind::RENEW | kind::REBIND | kind::CONFIRM => add_newest(&mut lease.requests, at),
        kind::REPLY => add_newest(&mut lease.replies, (at, Arc::clone(message))),
        _ => add_newest(&mut lease.others, at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{at, at_second, dhcp_message};
    use crate::protocols::dhcp;

    /// How many exchanges with the switch, by the Starts in these frames, and DISCOVERs in those.
    fn exchanges(starts: &[u64], discovers: &[u64]) -> usize {
        let mut recorder = Recorder::default();
        for frame in 1..=60 {
            if starts.contains(&frame) {
                recorder.eap(at(frame), &eap::Message { kind: eap::kind::START, eap: None });
            }
            if discovers.contains(&frame) {
                recorder.dhcp(at(frame), &Arc::new(dhcp_message(dhcp::kind::DISCOVER, &[])), None);
            }
        }
        recorder.drafts().filter(|(_, draft)| matches!(draft.kind, StepKind::Port(_))).count()
    }

    #[test]
    fn a_supplicant_that_has_given_up_and_asked_for_an_address_begins_all_over_with_its_next_start() {
        assert_eq!(exchanges(&[1, 9, 17, 40, 48, 56], &[25, 29]), 2);
        assert_eq!(exchanges(&[1, 9, 17, 40], &[]), 1, "it goes on");
        assert_eq!(exchanges(&[1, 9, 40], &[5, 25]), 1, "802.1X goes on beside DHCP");
    }

    /// How many Starts each exchange has, where they come at these seconds and the switch asks for the identity at those.
    fn series(starts: &[u64], asks: &[u64]) -> Vec<usize> {
        let mut recorder = Recorder::default();
        let start = || eap::Message { kind: eap::kind::START, eap: None };
        let request = || {
            let method = Some(eap::method::IDENTITY);
            let packet =
                eap::Packet { code: eap::code::REQUEST, identifier: 1, method, identity: None, wanted: Vec::new(), alert: None };
            eap::Message { kind: eap::kind::EAP, eap: Some(packet) }
        };
        let mut all: Vec<_> = starts.iter().map(|second| (*second, start())).collect();
        all.extend(asks.iter().map(|second| (*second, request())));
        all.sort_by_key(|(second, _)| *second);
        for (second, message) in all {
            recorder.eap(at_second(second + 1, second as f64), &message);
        }
        let ports = recorder.drafts().filter_map(|(_, draft)| match &draft.kind {
            StepKind::Port(port) => Some(port.starts.len()),
            _ => None,
        });
        ports.collect()
    }

    #[test]
    fn a_supplicant_that_nobody_answers_begins_all_over_after_its_held_period() {
        assert_eq!(series(&[0, 30, 60, 150, 180, 210, 300, 330, 360], &[]), [3, 3, 3]);
        assert_eq!(series(&[0, 5, 10, 75, 80, 85], &[]), [3, 3], "its startPeriod is another");
        assert_eq!(series(&[0, 30, 60, 90, 120, 150], &[]), [6], "it goes on");
        assert_eq!(series(&[0, 5, 15, 35, 75, 155], &[]), [6], "it backs off");
        assert_eq!(series(&[0, 30, 60, 150], &[61]), [4], "the switch spoke to it");
    }
}
