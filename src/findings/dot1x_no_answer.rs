//! `dot1x-no-answer`: one side asks by 802.1X, and the other says nothing.

use crate::findings::shared::access::{explain_silence, may_be_shut, shut_out};
use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{PortAccess, StepKind};
use crate::model::{At, Evidence, How, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dot1x-no-answer",
    stage: Some(Stage::Link),
    weight: Weight::Specific,
    order: 20,
    help: Help {
        what: "One side asks by 802.1X and the other does not answer: the switch no EAPOL-Start, the device no request for its identity, \
               or the switch no more once the device has said who it is.",
        why: "A port that waits for 802.1X passes nothing else, so that the device gets no address.",
        fix: "Agree the two sides: enable 802.1X on the phone or MAC authentication (MAB) on the port where the device is silent; where \
              the switch falls silent after the identity, see that it reaches its RADIUS server. A new capture must show EAP-Success, or \
              DHCP that works without it.",
        look_alikes: "Three EAPOL-Starts without an answer, and then DHCP, are the standard way to find out that a port is open: they are no \
                      fault where DHCP works, or where anything else shows that the port lets the device through.",
        references: &["IEEE 802.1X-2010 section 8", "RFC 3748 section 4.3"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let port = shut_out(case, step, kind).filter(|_| answers::is_silence(step))?;
        Some((words(port), evidence(port)))
    });
    let holds_back = failures.iter().any(|failure| matches!(&failure.step.kind, StepKind::Port(port) if is_asked(port)));
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: if holds_back { 0.85 } else { 0.6 },
        summary: format!("802.1X comes to nothing: {list}"),
        fix: if holds_back {
            format!(
                "See the 802.1X settings of the switch port and of the device, and that the switch reaches its RADIUS server ({list}). \
                 Phones that do not speak 802.1X need MAC authentication (MAB) on the port. A new capture must show EAP-Success."
            )
        } else {
            format!(
                "See whether the switch port is to ask for 802.1X ({list}). If it is, enable it there, and see that the switch reaches its \
                 RADIUS server: a new capture must show EAP-Success. If the port is an open one, nothing is to be mended in 802.1X, and \
                 what keeps the device back is DHCP in its VLAN."
            )
        },
    });
    if holds_back || may_be_shut(case) {
        explain_silence(case, &mut found);
    }
    if found.is_empty() { mute(case).into_iter().collect() } else { found }
}

/// A switch may ask whoever is on the port; a device that knows no 802.1X says nothing at all to that, and gets no address.
fn mute(case: &Case<'_>) -> Option<Found> {
    let drop = case.attempt.drop.filter(|drop| drop.stage == Stage::Address && drop.how == How::Timeout)?;
    let speaks = case.attempt.steps.iter().any(|step| matches!(step.kind, StepKind::Port(_)));
    let asked = case.known.identity_asked.filter(|asked| asked.times >= 2 && asked.first < drop.at && !speaks)?;
    let shown = |at: At| Evidence::new(at.frame, "eap.code == 1", "the switch asks who is on the port, and nobody answers");
    Some(Found {
        stage: Stage::Link,
        step: case.attempt.dropped_step,
        proof: Proof::Told,
        explains_drop: true,
        confidence: 0.85,
        summary: format!("802.1X comes to nothing: the switch asks for an identity {} times, and the device never answers", asked.times),
        fix: "Switch 802.1X on in the phone, or let the port take it by its MAC (MAB). A new capture must show EAP-Success, or DHCP that \
              works without it."
            .to_owned(),
        evidence: vec![shown(asked.first), shown(asked.last)],
    })
}

/// Did the switch ask, so that the port waits for an answer?
fn is_asked(port: &PortAccess) -> bool {
    !port.requests.is_empty() || !port.responses.is_empty()
}

fn words(port: &PortAccess) -> String {
    match (port.responses.last(), port.requests.len()) {
        (Some(_), _) => match port.identity() {
            Some(identity) => format!("the switch says no more after the device's identity {identity}"),
            None => "the switch says no more after the device's answer".to_owned(),
        },
        (None, 0) => format!("the switch answers none of {} EAPOL-Starts", port.starts.len()),
        (None, asked) => format!("the device answers none of {asked} requests for its identity"),
    }
}

fn evidence(port: &PortAccess) -> Vec<Evidence> {
    if let Some((at, _)) = port.responses.last() {
        return vec![Evidence::new(at.frame, "eap.code == 2", "the device's answer, and nothing after it")];
    }
    let asked = port.requests.iter().map(|(at, _)| Evidence::new(at.frame, "eap.code == 1", "a request, and no answer"));
    let starts = port.starts.iter().map(|at| Evidence::new(at.frame, "eapol.type == 1", "EAPOL-Start, and no answer"));
    if port.requests.is_empty() { starts.take(4).collect() } else { asked.take(4).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::IdentityAsked;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Step};
    use crate::model::By;

    fn silent_dhcp() -> Step {
        let mut step = dhcp_exchange().discover().discover().into_step(20);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    #[test]
    fn a_switch_that_falls_silent_after_the_identity_holds_the_device_back() {
        let login = Login::new().step(access().start().asked().identity("anna").silent()).step(silent_dhcp()).dropped();
        let found = login.the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "802.1X comes to nothing: the switch says no more after the device's identity anna");
    }

    #[test]
    fn a_device_that_does_not_answer_holds_itself_back() {
        let login = Login::new().step(access().asked().asked().silent()).step(silent_dhcp()).dropped();
        assert!(login.the(&RULE).explains_drop);
        assert_eq!(login.the(&RULE).evidence[0].display_filter, "frame.number == 1 && eap.code == 1");
    }

    #[test]
    fn a_device_that_says_nothing_to_a_switch_that_asks_everybody_is_shut_out() {
        let asked = |times| {
            Login::new().step(silent_dhcp()).dropped().knowing(|known| {
                known.identity_asked = Some(IdentityAsked { first: at(1), last: at(9), times });
            })
        };
        let found = asked(3).the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.stage, Stage::Link);
        asked(1).nothing(&RULE);
    }

    fn starts() -> Login {
        Login::new().step(access().start().start().start().silent())
    }

    #[test]
    fn starts_that_nobody_answers_and_then_dhcp_that_nobody_answers_are_a_port_that_is_shut() {
        let found = starts().step(silent_dhcp()).dropped().the(&RULE);
        assert!(found.explains_drop && RULE.order < crate::findings::dhcp_no_offer::RULE.order);
        assert!(found.confidence < 0.7, "an open port whose DHCP is dead looks alike");
    }

    #[test]
    fn a_port_that_lets_anything_through_is_an_open_one() {
        let explains = |login: Login| login.dropped().check(&RULE).iter().any(|found| found.explains_drop);
        let offered = dhcp_exchange().discover().offer(&[]).request().request().into_step(20);
        assert!(!explains(starts().step(offered)), "an OFFER");
        let leased = |login: Login, at: crate::model::At| {
            let lease = std::sync::Arc::new(dhcp_message(5, &[]));
            login.knowing(move |known| known.lease = Some((at, lease)))
        };
        assert!(!explains(leased(starts().step(silent_dhcp()), at_second(0, -600.0))), "an earlier lease");
    }

    #[test]
    fn a_refusal_through_which_a_dhcp_server_answers_shut_nothing() {
        let refused = Login::new().step(access().asked().identity("a").failure());
        let offered = Step { ending: silent_dhcp().ending, ..dhcp_exchange().discover().offer(&[]).request().into_step(20) };
        refused.step(offered).dropped().nothing(&crate::findings::dot1x_rejected::RULE);
    }

    #[test]
    fn three_starts_and_then_dhcp_are_an_open_port() {
        Login::new().step(access().start().start().start().silent()).step(lease(&[])).nothing(&RULE);
    }

    #[test]
    fn a_refusal_is_another_matter() {
        Login::new().step(access().asked().identity("a").failure()).dropped().nothing(&RULE);
    }
}
