//! `dhcp-nak`: the DHCP server refuses the address that the device requests.

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{LeaseV6, StepKind};
use crate::model::{At, Evidence, SECOND, Stage};
use crate::protocols::dhcpv6;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dhcp-nak",
    stage: Some(Stage::Address),
    weight: Weight::Specific,
    order: 102,
    help: Help {
        what: "The DHCP server refuses the address that the device requests.",
        why: "A refused device must give the address up and begin anew; where every request is refused it never gets one.",
        fix: "See on the server that sends the NAK why: a scope of another VLAN, a reservation for another MAC, two servers with different scopes. A new capture must show an ACK. Over IPv6 the status says why: NoAddrsAvail is a pool that is used up.",
        look_alikes: "One NAK after a change of the VLAN, followed by DISCOVER and ACK, is normal.",
        references: &["RFC 2131 section 4.3.2", "RFC 8415 section 21.13"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        if let StepKind::LeaseV6(lease) = kind {
            return refused_v6(lease);
        }
        let StepKind::Lease(lease) = kind else { return None };
        let (_, nak) = lease
            .naks
            .last()
            .filter(|(at, _)| lease.acks.is_empty() && !answers::leased_later(case, step) && !is_lent_another(case, *at))?;
        let shown = lease.naks.iter().map(|(at, _)| Evidence::new(at.frame, "dhcp.option.dhcp == 6", "NAK"));
        Some((nak.server_id().map_or_else(|| "the server".to_owned(), |server| server.to_string()), shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("DHCP server {list} refuses the address that the device requests (NAK), and no lease follows"),
        fix: format!(
            "See on {list} why it refuses: scope and VLAN of the phone, reservations, a second server with another scope. A new capture must show an ACK."
        ),
    })
}

/// Was the device, which begins anew after a NAK (RFC 2131 section 3.2), lent an address within the longest wait of a client
/// for an answer (section 4.1: 64 s), though that counts as another attempt?
fn is_lent_another(case: &Case<'_>, nak: At) -> bool {
    const LONGEST_WAIT: i64 = 64 * SECOND;
    let mut lent = case.known.refusals.iter().filter(|(refused, _)| refused.frame == nak.frame).filter_map(|(_, lent)| *lent);
    lent.any(|lent| lent.since(nak.time) <= LONGEST_WAIT)
}

/// A DHCPv6 server has no NAK: a status says why it gives no address (RFC 8415 section 21.13).
fn refused_v6(lease: &LeaseV6) -> Option<(String, Vec<Evidence>)> {
    let (at, message) = lease.refusal()?;
    let (status, _) = message.status.as_ref()?;
    let name = dhcpv6::status_name(*status);
    let shown = Evidence::new(at.frame, &format!("dhcpv6.msgtype == {}", message.outer), format!("status {status} ({name})"));
    Some((format!("over IPv6 (status {status}, {name})"), vec![shown]))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_status_over_ipv6_is_a_refusal_and_an_address_is_none() {
        use crate::findings::shared::testing_link::lease_v6;
        use crate::model::{By, How};
        let asked = || lease_v6().solicit().advertise(Some(2)).advertise(Some(2));
        let found = Login::new().step(asked().failed(By::Server, How::Rejected)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert!(found.summary.contains("over IPv6 (status 2, NoAddrsAvail)"), "{}", found.summary);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 3 && dhcpv6.msgtype == 2");
        let another = lease_v6().solicit().advertise(Some(2)).advertise(None).request();
        Login::new().step(another.silent()).dropped().nothing(&RULE);
    }

    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn a_nak_and_no_lease_after_it() {
        let found = Login::new().step(dhcp_exchange().discover().offer(&[]).request().nak()).dropped().the(&RULE);
        assert!(found.explains_drop && found.summary.contains("10.0.4.1"), "{}", found.summary);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && dhcp.option.dhcp == 6");
    }

    #[test]
    fn a_lease_of_the_attempt_that_follows_at_once_is_one_too() {
        let refused = |seconds: i64| {
            let login = Login::new().step(dhcp_exchange().discover().offer(&[]).request().nak()).dropped();
            login.knowing(|known| known.refusals.push((at(4), Some(at(4).time.plus(seconds * SECOND)))))
        };
        refused(2).nothing(&RULE);
        refused(600).the(&RULE);
        refused(2).knowing(|known| known.refusals[0].0 = at(9)).the(&RULE);
    }

    #[test]
    fn a_nak_that_a_lease_follows_is_a_change_of_network() {
        Login::new()
            .step(dhcp_exchange().request().nak())
            .step(lease(&[]))
            .step(lookup("sip.contoso.com").rcode(3))
            .dropped()
            .nothing(&RULE);
    }
}
