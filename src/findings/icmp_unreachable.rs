//! `icmp-unreachable`: the network itself says that a target cannot be reached.

use std::net::IpAddr;

use crate::findings::shared::reach::{self, Failure, Telling};
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::login::steps::{Purpose, Step, StepKind};
use crate::model::{At, Evidence};

/// The rule.
pub static RULE: Rule = Rule {
    code: "icmp-unreachable",
    stage: None,
    weight: Weight::Specific,
    order: 440,
    help: Help {
        what: "An ICMP message says that the host, port or network cannot be reached, or that the traffic is prohibited.",
        why: "The device learns that this target is of no use, tries the next one, and begins again when none is left.",
        fix: "Ask the sender of the ICMP message: a router or firewall has no route or an access list; the server itself has no \
              service on that port. The message's code says which (Wireshark: icmp.code).",
        look_alikes: "Code 4, fragmentation needed, is about size: path-mtu-black-hole where it gets lost. An unreachable for one of \
                      several servers is harmless where the next one answers.",
        references: &["RFC 792 (destination unreachable)", "RFC 1812 section 5.2.7.1 (codes 9, 10, 13)", "RFC 4443 section 3.1"],
    },
    check,
};

static TELLING: Telling = Telling {
    confidence: 0.95,
    summary: |targets| format!("an ICMP unreachable comes instead of an answer: {targets}"),
    fix: |targets| {
        format!(
            "Go to the sender of the ICMP message ({targets}). Its code says what to mend there: 0 or 1 a route or a host that is down, \
             3 the service (it does not listen) or a firewall that plays its part, 9, 10 or 13 an access list. A new capture must \
             show an answer of the target."
        )
    },
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let steps = case.attempt.steps.iter().enumerate();
    reach::told(case, steps.filter_map(|(index, step)| failure(index, step)).collect(), &TELLING)
}

/// A step that ICMP ended, unless an answer came all the same.
fn failure(index: usize, step: &Step) -> Option<Failure> {
    if matches!(step.purpose, Purpose::Update | Purpose::Revocation) {
        return None;
    }
    let (unreachable, target): (Option<(At, IpAddr)>, String) = match &step.kind {
        StepKind::Connection(connection) if !connection.is_accepted() => {
            let target = match &connection.name {
                Some(name) => format!("{name} ({})", connection.flow.server),
                None => connection.flow.server.to_string(),
            };
            (connection.unreachable, target)
        }
        StepKind::Registration(registration) if registration.transactions.iter().all(|one| one.answer.is_none()) => {
            (registration.unreachable, format!("SIP {}", registration.flow.server))
        }
        StepKind::Lookup(lookup) if lookup.answer.is_none() => {
            let server = lookup.queries.last().map(|(_, server)| format!(" {server}")).unwrap_or_default();
            (lookup.unreachable, format!("DNS{server}"))
        }
        StepKind::Inquiry(inquiry) if inquiry.last_answer().is_none() => {
            (inquiry.unreachable, format!("domain controller {}", inquiry.flow.server))
        }
        StepKind::File(transfer) if transfer.accepted.is_none() => {
            (transfer.unreachable, format!("TFTP {}", transfer.flow.server))
        }
        StepKind::Clock(clock) if clock.answers.is_empty() => (clock.unreachable, format!("NTP {}", clock.server)),
        _ => return None,
    };
    let (at, sender) = unreachable?;
    let show = if sender.is_ipv4() { "icmp.type == 3" } else { "icmpv6.type == 1" };
    let evidence = vec![Evidence::new(at.frame, show, format!("{sender} says that {target} cannot be reached"))];
    Some(Failure { index, stage: step.stage, purpose: step.purpose, target: format!("{target}, sent by {sender}"), evidence })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::model::Stage;

    #[test]
    fn the_sender_of_the_message_is_named() {
        let found = Login::new().step(syn(Purpose::Registrar).unreachable("10.0.4.1")).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "an ICMP unreachable comes instead of an answer: pool.contoso.com (10.0.0.5:5061), sent by 10.0.4.1"
        );
        assert_eq!((found.stage, found.explains_drop), (Stage::Connect, true));
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && icmp.type == 3");
    }

    #[test]
    fn datagrams_count_too() {
        let found = Login::new().step(lookup("pool.contoso.com").unreachable("10.0.0.2")).dropped().the(&RULE);
        assert_eq!(found.stage, Stage::Names);
    }

    #[test]
    fn a_target_that_answers_all_the_same_is_reached() {
        Login::new().step(tcp(Purpose::Registrar).unreachable("10.0.4.1")).dropped().nothing(&RULE);
        Login::new().step(lookup("pool.contoso.com").unreachable("10.0.0.2").address("10.0.0.5")).nothing(&RULE);
    }
}
