//! `dhcp-no-offer`: the device asked for an address, and no DHCP server offered one.

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{At, Evidence, SECOND, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-no-offer",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 100,
    help: Help {
        what: "The device asked for an address, and no DHCP server offered one.",
        why: "Without an address nothing else can begin.",
        fix: "Serve the phone's VLAN: a scope with free addresses, and a relay (ip helper-address) on the VLAN's router. A new capture must show an OFFER to the device's DISCOVER (IPv6: an ADVERTISE to its SOLICIT).",
        look_alikes: "Some servers send the OFFER to the new address only: a capture away from the phone misses it.",
        references: &["RFC 2131 section 4.1", "RFC 8415 section 18.2.1"],
    },
    check,
};

/// A single one can get lost.
const REPEATED: usize = 2;
/// A device that restarts meanwhile asks again within this time.
const ASKS_AGAIN: i64 = 600 * SECOND;

/// Did the device ask more than once: in this exchange, or, where it restarts with each DISCOVER, in the next one or the one before?
fn asks_in_vain(case: &Case<'_>, discovers: &[At]) -> bool {
    let near = |other: &At| discovers.iter().any(|own| other.time.since(own.time).abs() <= ASKS_AGAIN);
    let elsewhere = || case.known.discovers_in_vain.iter().filter(|(_, at)| near(at) && !discovers.contains(at)).count();
    !discovers.is_empty() && discovers.len().saturating_add(elsewhere()) >= REPEATED
}

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        if let StepKind::LeaseV6(lease) = kind {
            let silent = lease.advertises.is_empty() && lease.requests.is_empty() && answers::is_silence(step);
            let silent = silent && lease.solicits.len() >= REPEATED;
            let shown =
                lease.solicits.iter().map(|at| Evidence::new(at.frame, "dhcpv6.msgtype == 1", "SOLICIT, and no ADVERTISE"));
            return silent.then(|| (format!("{} SOLICITs", lease.solicits.len()), shown.collect()));
        }
        let StepKind::Lease(lease) = kind else { return None };
        let answered = !lease.offers.is_empty() || !lease.acks.is_empty();
        if answered || !asks_in_vain(case, &lease.discovers) || !answers::is_silence(step) || answers::leased_later(case, step) {
            return None;
        }
        let shown = lease.discovers.iter().map(|at| Evidence::new(at.frame, "dhcp.option.dhcp == 1", "DISCOVER, and no OFFER"));
        let asked = lease.discovers.len();
        Some((if asked == 1 { "a DISCOVER".to_owned() } else { format!("{asked} DISCOVERs") }, shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.92,
        summary: format!("no DHCP server offers the device an address ({list} unanswered)"),
        fix: format!(
            "Serve the phone's VLAN with DHCP ({list} stay unanswered): see that the scope has free addresses, that the server is authorised and running, and that the VLAN's router relays (ip helper-address). A new capture must show an OFFER."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Step};
    use crate::model::{By, How};

    fn silent(exchange: Dhcp) -> Step {
        let mut step = exchange.into_step(1);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    #[test]
    fn discovers_that_nobody_answers() {
        let found = Login::new().step(silent(dhcp_exchange().discover().discover().discover())).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "no DHCP server offers the device an address (3 DISCOVERs unanswered)");
        assert_eq!(found.evidence[0].display_filter, "frame.number == 1 && dhcp.option.dhcp == 1");
    }

    #[test]
    fn a_single_discover_can_get_lost() {
        let lone = || Login::new().step(silent(dhcp_exchange().discover())).dropped();
        lone().knowing(|known| known.discovers_in_vain = vec![(1, at(1))]).nothing(&RULE);
        let again = lone().knowing(|known| known.discovers_in_vain = vec![(1, at(1)), (2, at_second(9, 60.0))]).the(&RULE);
        assert_eq!(again.summary, "no DHCP server offers the device an address (a DISCOVER unanswered)");
        lone().knowing(|known| known.discovers_in_vain = vec![(1, at(1)), (2, at_second(9, 7200.0))]).nothing(&RULE);
        Login::new().step(crate::findings::shared::testing_link::lease_v6().solicit().silent()).dropped().nothing(&RULE);
    }

    #[test]
    fn solicits_that_nobody_answers() {
        use crate::findings::shared::testing_link::lease_v6;
        let found = Login::new().step(lease_v6().solicit().solicit().silent()).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "no DHCP server offers the device an address (2 SOLICITs unanswered)");
        assert_eq!(found.evidence[0].display_filter, "frame.number == 1 && dhcpv6.msgtype == 1");
        Login::new().step(lease_v6().solicit().advertise(None).request().silent()).dropped().nothing(&RULE);
        Login::new().step(lease_v6().solicit().advertise(None).request().reply(None)).nothing(&RULE);
    }

    #[test]
    fn an_offer_and_a_lease_that_comes_later_give_nothing() {
        Login::new().step(silent(dhcp_exchange().discover().offer(&[]).discover())).dropped().nothing(&RULE);
        Login::new().step(silent(dhcp_exchange().discover().discover())).step(lease(&[])).nothing(&RULE);
    }
}
