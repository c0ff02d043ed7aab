//! `dhcp-no-ack`: a DHCP server offered an address; the device requested it, and no ACK came.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-no-ack",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 105,
    help: Help {
        what: "A DHCP server offered an address; the device requested it, and no ACK came.",
        why: "Without the ACK the device has no address.",
        fix: "See which server the REQUEST names (option 54) and why it does not answer: two servers that share a scope, or a relay that drops.",
        look_alikes: "If the REQUEST names another server, the silence of the first is right.",
        references: &["RFC 2131 section 4.3.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lease(lease) = kind else { return None };
        if lease.requests.is_empty() || !lease.acks.is_empty() || !lease.naks.is_empty() || !answers::is_silence(step) {
            return None;
        }
        let shown =
            lease.requests.iter().map(|(at, _)| Evidence::new(at.frame, "dhcp.option.dhcp == 3", "REQUEST, and no answer"));
        let server = lease.requests.iter().rev().find_map(|(_, server)| *server);
        Some((server.map_or_else(|| "the server".to_owned(), |server| server.to_string()), shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the DHCP request is not answered by {list}"),
        fix: format!(
            "See why {list} does not acknowledge: its log, the relay, and whether another server hands out the same scope. A new capture must show an ACK after the REQUEST."
        ),
    })
}
