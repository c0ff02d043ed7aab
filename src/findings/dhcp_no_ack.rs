//! `dhcp-no-ack`: a DHCP server offered an address; the device requested it, and no ACK came.

use crate::findings::shared::answers::{self, Words};
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
        if let StepKind::LeaseV6(lease) = kind {
            let silent = !lease.requests.is_empty() && lease.replies.is_empty() && answers::is_silence(step);
            let shown = lease.requests.iter().map(|at| Evidence::new(at.frame, "dhcpv6.msgtype", "REQUEST, and no REPLY"));
            return silent.then(|| ("the DHCPv6 server".to_owned(), shown.collect()));
        }
        let StepKind::Lease(lease) = kind else { return None };
        let answered = !lease.acks.is_empty() || !lease.naks.is_empty();
        // What an INFORM asks for (RFC 2131 section 4.4.3), a device can have from elsewhere, as a rule: not where it stops there.
        if !lease.informs.is_empty() {
            let stops = case.attempt.dropped().is_some_and(|dropped| std::ptr::eq(dropped, step));
            let shown = lease.informs.iter().map(|at| Evidence::new(at.frame, "dhcp.option.dhcp == 8", "INFORM, and no answer"));
            return (stops && !answered).then(|| ("any DHCP server or registrar".to_owned(), shown.collect()));
        }
        if lease.requests.is_empty() || answered || !answers::is_silence(step) || answers::leased_later(case, step) {
            return None;
        }
        // A device that asks for its old address on a new network may rightly hear nothing: its DISCOVERs tell then.
        let dropped = case.attempt.dropped().is_some_and(|dropped| std::ptr::eq(dropped, step));
        if lease.offers.is_empty() && !dropped {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Step};
    use crate::model::{By, How};

    #[test]
    fn a_request_over_ipv6_that_has_no_reply() {
        use crate::findings::shared::testing_link::lease_v6;
        let asked = || lease_v6().solicit().advertise(None).request();
        let found = Login::new().step(asked().request().silent()).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the DHCP request is not answered by the DHCPv6 server");
        Login::new().step(asked().reply(None)).nothing(&RULE);
        Login::new().step(lease_v6().solicit().solicit().silent()).dropped().nothing(&RULE);
    }

    fn silent(exchange: Dhcp) -> Step {
        let mut step = exchange.into_step(1);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    #[test]
    fn a_request_after_an_offer_that_nobody_answers() {
        let found = Login::new().step(silent(dhcp_exchange().discover().offer(&[]).request().request())).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the DHCP request is not answered by 10.0.4.1");
    }

    #[test]
    fn an_old_address_that_is_asked_for_in_vain_and_a_nak_give_nothing() {
        let old = Login::new().step(silent(dhcp_exchange().request())).step(silent(dhcp_exchange().discover().discover()));
        old.dropped().nothing(&RULE);
        Login::new().step(silent(dhcp_exchange().discover().offer(&[]).request().nak())).dropped().nothing(&RULE);
        Login::new().step(silent(dhcp_exchange().discover().offer(&[]).request())).step(lease(&[])).nothing(&RULE);
    }

    #[test]
    fn an_inform_that_nobody_answers_counts_where_the_device_stops_there() {
        let asked = || silent(dhcp_exchange().inform().inform());
        let found = Login::new().step(lease(&[])).step(asked()).dropped().the(&RULE);
        assert_eq!(found.summary, "the DHCP request is not answered by any DHCP server or registrar");
        assert!(found.explains_drop);
        Login::new().step(asked()).step(lookup("sip.contoso.com").rcode(3)).dropped().nothing(&RULE);
    }
}
