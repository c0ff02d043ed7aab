//! `dot1x-rejected`: the switch does not let the device onto its port.

use crate::findings::shared::access::{explain_silence, shut_out};
use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::PortAccess;
use crate::model::{Evidence, How, Side, Stage};
use crate::protocols::eap;
use crate::protocols::tls::names::alert_name;
use crate::trust::certificate_in_words;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dot1x-rejected",
    stage: Some(Stage::Link),
    weight: Weight::Specific,
    order: 10,
    help: Help {
        what: "The device says who it is by 802.1X, and the switch answers EAP-Failure: it is not let onto the port.",
        why: "A port that is not authorised passes nothing but EAPOL, so that the device cannot even ask for an address.",
        fix: "See the log of the RADIUS server for the identity: an account that is missing or locked, a wrong password, a method that \
              the policy does not allow, a certificate that either side refuses. Else let phones in by their MAC (MAB). A new capture \
              must show EAP-Success.",
        look_alikes: "A failure without any exchange before it is the policy of the port, or the end of an earlier session. A failure \
                      after which DHCP works: the device was let in by its MAC, or into a guest VLAN.",
        references: &["RFC 3748 section 4.2", "IEEE 802.1X-2010 section 8"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let port = shut_out(case, step, kind)?;
        let at = port.failure.filter(|_| step.ending.is_some_and(|ending| ending.how == How::Rejected))?;
        let failure = Evidence::new(at.frame, "eap.code == 4", "EAP-Failure");
        let alert = port.alert().map(|(at, side, description)| {
            let text = format!("{} sends the TLS alert {description} ({})", whose(side), alert_name(description));
            Evidence::new(at.frame, "eap.type", text)
        });
        Some((words(port), certificate(port).into_iter().chain(alert).chain([failure]).collect()))
    });
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("the switch does not let the device onto its port (EAP-Failure): {list}"),
        fix: format!(
            "See on the RADIUS server why it refuses: {list}. Correct the account, the certificate or the policy there, or let phones in by \
             their MAC (MAB). A new capture must show EAP-Success."
        ),
    });
    explain_silence(case, &mut found);
    found
}

/// The certificate with which the RADIUS server showed itself: what the device has to trust.
fn certificate(port: &PortAccess) -> Option<Evidence> {
    let (at, chain) = port.tls.as_ref()?.certificate.as_ref()?;
    let body = chain.first()?.body.as_ref().ok()?;
    let text = format!("certificate of the RADIUS server: {}", certificate_in_words(body));
    Some(Evidence::new(at.frame, "eap.type", text))
}

fn whose(side: Side) -> &'static str {
    if side == Side::Client { "the device" } else { "the RADIUS server" }
}

/// Who, by what method, and what went wrong in it.
fn words(port: &PortAccess) -> String {
    let who = port.identity().map_or_else(|| "a device without a name".to_owned(), |identity| format!("identity {identity}"));
    let method = port.method().map(|method| format!(" by {}", eap::method_name(method))).unwrap_or_default();
    let alert = port.alert().map(|(_, side, description)| {
        format!(", after the TLS alert {description} ({}) of {}", alert_name(description), whose(side))
    });
    format!("{who}{method}{}", alert.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::formats::x509;
    use crate::login::steps::Step;
    use crate::model::{By, Frame, Outcome};
    use std::sync::Arc;

    fn refused() -> Login {
        Login::new().step(access().start().asked().identity("SEP0004F21A2B3C").method(25, None).failure())
    }

    fn silent_dhcp() -> Step {
        let mut step = dhcp_exchange().discover().discover().into_step(20);
        step.ending = Some(crate::login::steps::Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    #[test]
    fn a_failure_after_the_identity_is_told_with_it() {
        let found = refused().dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the switch does not let the device onto its port (EAP-Failure): identity SEP0004F21A2B3C by PEAP"
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 6 && eap.code == 4");
    }

    #[test]
    fn an_alert_inside_is_named_with_its_sender() {
        let found = Login::new().step(access().asked().identity("a").method(13, Some(48)).failure()).dropped().the(&RULE);
        assert!(found.summary.ends_with("by EAP-TLS, after the TLS alert 48 (unknown_ca) of the device"), "{}", found.summary);
        assert_eq!(found.evidence.len(), 2);
    }

    #[test]
    fn the_certificate_that_the_device_was_shown_is_evidence() {
        let shown = Arc::new(x509::parse(include_bytes!("../trust/samples/leaf-expired.der")));
        let refused = access().asked().identity("a").shown(vec![shown]).method(13, Some(45)).failure();
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert_eq!(found.evidence[0].frame, Frame::new(3));
        let subject = "certificate of the RADIUS server: CN=";
        assert!(found.evidence[0].text.starts_with(subject), "{}", found.evidence[0].text);
        assert_eq!(found.evidence.len(), 3);
    }

    #[test]
    fn a_shut_port_explains_that_no_address_comes() {
        assert!(refused().step(silent_dhcp()).dropped().the(&RULE).explains_drop);
    }

    #[test]
    fn a_device_that_gets_a_lease_all_the_same_was_let_in_by_its_mac() {
        refused().step(lease(&[])).step(lookup("sip.contoso.com").times(3)).dropped().nothing(&RULE);
    }

    #[test]
    fn a_later_success_makes_it_good() {
        refused().step(access().asked().identity("a").method(13, None)).nothing(&RULE);
    }

    #[test]
    fn a_failure_out_of_the_blue_gives_nothing() {
        let mut policy = access().failure().into_step(1);
        (policy.outcome, policy.ending) = (Outcome::Unclear, None);
        Login::new().step(policy).step(silent_dhcp()).dropped().nothing(&RULE);
    }
}
