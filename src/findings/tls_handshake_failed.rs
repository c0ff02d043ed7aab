//! `tls-handshake-failed`: a fatal alert that no other code explains.

use crate::findings::shared::chain;
use crate::findings::shared::client_certificate::answers_request;
use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::{Leaving, alert_name, leads_to_drop};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Side};

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-handshake-failed",
    stage: None,
    weight: Weight::General,
    order: 850,
    help: Help {
        what: "One side ended the TLS handshake with a fatal alert, and nothing in the capture says more than that alert.",
        why: "After a fatal alert the connection is over; the device begins again.",
        fix: "Read the alert: 42 bad_certificate and 46 certificate_unknown from the device mean that it has something against the \
              server's certificate (dates, name, key size, digest: compare them all); 80 internal_error from a server often means a \
              certificate without its private key; 20, 47 and 50 point to faulty stacks or something that alters the bytes. The log of \
              the side that sent it names the reason.",
        look_alikes: "Alerts that name their cause have codes of their own: 70 tls-version-mismatch, 40 right after the hello \
                      tls-no-shared-cipher, 44, 45 and 48 from the device cert-*. A warning (level 1) ends nothing.",
        references: &["RFC 5246 section 7.2", "RFC 8446 section 6"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let left = shaken.leaving()?;
    let alert = left.alert.filter(|alert| *alert != 0)?;
    if has_own_code(shaken, &left, alert) || (left.side == Side::Client && chain::explains(case, shaken.place.index)) {
        return None;
    }
    let name = shaken.place.server();
    let (who, whom) = match left.side {
        Side::Client => ("the device".to_owned(), name.clone()),
        Side::Server => (name.clone(), "the device".to_owned()),
    };
    let summary = format!("{who} ends the handshake with {whom} by alert {}{}", alert_name(alert), after(shaken));
    let mut evidence = vec![left.evidence(format!("{who} {}", left.words()))];
    evidence.extend(
        shaken.last_of_server().map(|at| Evidence::new(at.frame, "tls.handshake", "the last that the server had sent in clear")),
    );
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: 0.7,
        summary,
        fix: format!(
            "{} The log of {who} for that moment names the reason; a new capture must show a handshake without alert.",
            advice(left.side, alert, &name)
        ),
        evidence,
    })
}

/// Does another rule speak of this alert?
fn has_own_code(shaken: &Shaken<'_>, left: &Leaving, alert: u8) -> bool {
    let unnamed = shaken.tls.client_hello.as_ref().is_some_and(|(_, hello)| hello.server_name.is_none());
    let asked = answers_request(shaken);
    match (left.side, alert) {
        (_, 70) | (Side::Client, 44 | 45 | 48) => true,
        (Side::Server, 40 | 71) if shaken.reached() == Reached::ClientHello => true,
        (Side::Server, 112) => unnamed,
        (Side::Server, 40..=46 | 48 | 49 | 51 | 116) => asked,
        _ => false,
    }
}

/// After which message, in words.
fn after(shaken: &Shaken<'_>) -> &'static str {
    match shaken.reached() {
        Reached::Nothing | Reached::ClientHello => " after the ClientHello",
        Reached::ServerHello => " after the ServerHello",
        Reached::Certificate => " after the server's Certificate",
        Reached::ClientKey => " after the device's ClientKeyExchange",
        Reached::Finished | Reached::Data => "",
    }
}

/// What to look at, by the alert and who gave it.
fn advice(side: Side, alert: u8, name: &str) -> String {
    match (side, alert) {
        (Side::Client, 42) => format!(
            "The device has something against the certificate of {name}: compare its dates with the device's clock first, then its names \
             with the name looked up, then key size and digest."
        ),
        (Side::Client, 43) => format!("Check the extended key usage, key usage and kind of key in the certificate of {name}."),
        (Side::Client, 46 | 49) => {
            format!("Check the whole chain of {name}: trust, names, revocation; the device does not say which.")
        }
        (Side::Client, 51) => format!("A signature of the chain or of the key exchange of {name} did not verify on the device."),
        (Side::Server, 80) => {
            format!("See that the certificate of {name} has its private key, and that the service may read it.")
        }
        (Side::Server, 86) => "The device tries a lower version after another drop: look for that one before this.".to_owned(),
        (Side::Server, 20 | 51) => {
            format!("Key exchange or Finished did not verify on {name}: an old stack against a patched server.")
        }
        (_, 10 | 47 | 50) => {
            "One side does not understand the other's bytes: look for something that alters them, and for faulty stacks."
                .to_owned()
        }
        _ => format!("Compare what the device offers with what {name} demands."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    #[test]
    fn an_alert_of_the_server_in_mid_handshake() {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().alert(Side::Server, 2, 80);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) ends the handshake with the device by alert 80 (internal_error) after the device's \
             ClientKeyExchange"
        );
        assert!(found.explains_drop && found.fix.contains("private key"));
    }

    #[test]
    fn an_alert_of_the_device_that_can_mean_many_things() {
        assert!(refused_saying(46, vec![]).the(&RULE).summary.starts_with("the device ends the handshake"));
    }

    #[test]
    fn alerts_with_codes_of_their_own_warnings_and_goodbyes_are_not_said_again() {
        refused_saying(48, vec![]).nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70)).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 40)).dropped().nothing(&RULE);
        let goodbye = tcp(Purpose::Registrar).hello().alert(Side::Client, 1, 0).leaves(Side::Client, Close::Fin);
        Login::new().step(goodbye).dropped().nothing(&RULE);
    }
}
