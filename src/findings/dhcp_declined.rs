//! `dhcp-declined`: the device declines the address that it was given: somebody else has it.

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-declined",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 103,
    help: Help {
        what: "The device declines the address that it was given: somebody else has it.",
        why: "A device that declines has no address and begins anew.",
        fix: "Find the host that answers ARP for the address, and take it out of the scope or give the host another one.",
        look_alikes: "A router with proxy ARP answers for all addresses.",
        references: &["RFC 2131 section 4.4.1", "RFC 5227"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lease(lease) = kind else { return None };
        if lease.declines.is_empty() || answers::leased_later(case, step) {
            return None;
        }
        let shown = lease.declines.iter().map(|at| Evidence::new(at.frame, "dhcp.option.dhcp == 4", "DECLINE"));
        Some((format!("{} DECLINEs", lease.declines.len()), shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the device declines the address that DHCP gives it ({list}): another host has it"),
        fix: format!(
            "Find the host that already has the address ({list}; its MAC is in its ARP reply) and exclude the address from the scope. A new capture must show no DECLINE."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn an_address_that_another_host_has() {
        let mut step = dhcp_exchange().discover().offer(&[]).request().ack(&[]).decline().into_step(1);
        step.outcome = crate::model::Outcome::Failed;
        let found = Login::new().step(step).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 5 && dhcp.option.dhcp == 4");
    }

    #[test]
    fn another_address_after_it_gives_nothing() {
        let mut step = dhcp_exchange().discover().offer(&[]).request().ack(&[]).decline().into_step(1);
        step.outcome = crate::model::Outcome::Failed;
        Login::new().step(step).step(lease(&[])).nothing(&RULE);
    }
}
