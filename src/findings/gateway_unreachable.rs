//! `gateway-unreachable`: the router does not answer ARP or neighbour discovery, and nothing beyond it answers anything.

use crate::findings::shared::own_network::{answer_of, is_beyond, reached_beyond};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Neighbour, Step, StepKind};
use crate::model::{Evidence, How, Outcome, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "gateway-unreachable",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 150,
    help: Help {
        what: "The device asks for the MAC of its router again and again, and the router does not answer.",
        why: "Whatever lies outside the device's own network (DNS, domain controller, registrar) is out of reach.",
        fix: "Check the router's address in DHCP option 3 against the VLAN that the phone is in, and that the router has an interface \
              there which is up. `arping ROUTER` from a host in that VLAN must answer; a new capture must show the ARP reply.",
        look_alikes: "ARP replies go to the device alone: a capture that is not at its port misses them, but then the traffic beyond the \
                      router goes on. A router that answers after a while only delays.",
        references: &["RFC 826", "RFC 1122 section 2.3.2", "RFC 4861 section 7.2"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let routers = || {
        case.attempt.steps.iter().enumerate().filter_map(|(index, step)| match &step.kind {
            StepKind::Neighbour(neighbour) if neighbour.router => Some((index, step, neighbour)),
            _ => None,
        })
    };
    let failed = || routers().filter(|(_, step, _)| step.outcome == Outcome::Failed);
    let dropped = failed().find(|(index, _, _)| case.attempt.dropped_step == Some(*index));
    let (index, step, neighbour) = dropped.or_else(|| failed().next())?;
    // Nothing but the device's own questions names the router of one that was given its address by hand.
    let by_hand = neighbour.address.is_ipv4() && !case.known.is_router(neighbour.address);
    if routers().any(|(_, _, other)| other.reply.is_some()) || reached_beyond(case, step.first) {
        return None;
    }
    let address = neighbour.address;
    let protocol = if address.is_ipv4() { "ARP" } else { "neighbour discovery" };
    let count: usize = routers().map(|(_, _, other)| other.requests.len()).sum();
    Some(Found {
        stage: Stage::Address,
        step: Some(index),
        proof: Proof::Told,
        explains_drop: explains(case, index, step),
        confidence: if by_hand { 0.7 } else { 0.9 },
        summary: if by_hand {
            format!("the device asks for {address} alone, its router as it seems, and gets no answer ({count} requests)")
        } else {
            format!(
                "the router {address} does not answer {protocol} ({count} requests), and nothing beyond it answers the device"
            )
        },
        fix: if address.is_ipv4() {
            format!(
                "See that {address} is the router of the phone's VLAN (DHCP option 3, or what was entered on the phone) and is up there: `arping {address}` from that VLAN \
                 must answer. Else correct that address or the VLAN of the switch port; a new capture must show the ARP reply."
            )
        } else {
            format!(
                "See that {address}, which advertises itself as a router, is up in the phone's VLAN: `ndisc6 {address} INTERFACE` from \
                 that VLAN must answer. Else see that no other host advertises it; a new capture must show the neighbour advertisement."
            )
        },
        evidence: evidence(neighbour),
    })
}

/// Does the attempt end for want of a router: at the question itself, or in a silence beyond it?
fn explains(case: &Case<'_>, index: usize, step: &Step) -> bool {
    let (Some(drop), Some(dropped)) = (case.attempt.drop, case.attempt.dropped()) else { return false };
    let silent = matches!(drop.how, How::Timeout | How::Abandoned) && drop.at >= step.first;
    let beyond = answer_of(dropped).is_some_and(|(server, _)| is_beyond(case, server) == Some(true));
    // Names that were found lead to servers that the device cannot send to.
    let leads_beyond = match &dropped.kind {
        StepKind::Lookup(lookup) => lookup.addresses().any(|address| is_beyond(case, address) == Some(true)),
        _ => false,
    };
    case.attempt.dropped_step == Some(index) || silent && (beyond || leads_beyond)
}

fn evidence(neighbour: &Neighbour) -> Vec<Evidence> {
    let text = format!("who has {}? Nobody answers", neighbour.address);
    let show = if neighbour.address.is_ipv4() { "arp.opcode == 1" } else { "icmpv6.type == 135" };
    neighbour.requests.iter().take(6).map(|at| Evidence::new(at.frame, show, text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use std::sync::Arc;

    fn leased() -> Login {
        let options: &[(u8, &[u8])] = &[(1, &[255, 255, 255, 0]), (3, &[10, 0, 4, 1])];
        let ack = Arc::new(dhcp_message(5, options));
        Login::new().step(lease(options)).knowing(|known| known.lease = Some((at(4), ack)))
    }

    #[test]
    fn a_router_that_is_not_there_and_silence_beyond() {
        let found = leased().step(router(3, false)).step(lookup("sip.contoso.com").times(3)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the router 10.0.4.1 does not answer ARP (3 requests), and nothing beyond it answers the device"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 5 && arp.opcode == 1");
    }

    #[test]
    fn the_question_itself_is_the_drop() {
        assert!(leased().step(router(3, false)).dropped().the(&RULE).explains_drop);
    }

    #[test]
    fn traffic_beyond_shows_that_only_the_capture_misses_the_reply() {
        leased().step(router(3, false)).step(lookup("sip.contoso.com").address("10.0.0.5")).dropped().nothing(&RULE);
    }

    #[test]
    fn a_router_that_answers_gives_nothing() {
        leased().step(router(1, true)).step(lookup("sip.contoso.com").times(3)).dropped().nothing(&RULE);
        leased().step(router(3, false)).step(router(1, true)).step(lookup("a").times(3)).dropped().nothing(&RULE);
    }
}
