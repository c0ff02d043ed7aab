//! `tls-client-certificate-rejected`: the server wants a certificate of the device, and leaves at what it gets.

use crate::findings::shared::client_certificate::{gives_none, refuses_client};
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::signature::is_self_signed;
use crate::model::Evidence;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-client-certificate-rejected",
    stage: None,
    weight: Weight::Specific,
    order: 820,
    help: Help {
        what: "The server asks for a certificate of the device (mutual TLS), the device sends none or one that the server does not \
               take, and the server leaves.",
        why: "The device cannot prove who it is, so the server ends the handshake; the device begins again with the same \
              certificate, or without one.",
        fix: "Where the device sends none: enrol it, or do not demand a client certificate on that port. Where it sends one: trust its \
              CA on the server (root in the server's trusted roots, few enough for the list to fit), or renew it; in place of a self-signed one, with \
              which Exchange Unified Messaging begins, issue one of a CA. Check with `openssl s_client -connect server:5061 -cert phone.pem -key phone.key`.",
        look_alikes: "Where TLS 1.3 hides all this, only the lengths of the records speak for it. A request for a certificate that the server does without is harmless: the handshake goes on. A device that leaves \
                      at the request is another thing: see who closed. A list of CAs that is full: tls-issuer-list-truncated.",
        references: &["RFC 5246 sections 7.4.4 and 7.4.6", "RFC 8446 section 6.2 (certificate_required)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken).or_else(|| sealed(case, &shaken))).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let (asked, _) = shaken.tls.certificate_request.as_ref()?;
    let left = refuses_client(shaken)?;
    let (given, what) = given(shaken)?;
    let name = shaken.place.server();
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: if left.alert.is_some() { 0.9 } else { 0.75 },
        summary: format!("{name} asks for a certificate of the device, gets {what}, and {}", left.words()),
        fix: format!(
            "On {name}, either trust the CA of the device's certificate (and give the device a valid one), or stop demanding a client \
             certificate on port {}. The server's log for that moment names its reason.",
            shaken.place.connection.flow.server.port()
        ),
        evidence: vec![
            Evidence::new(asked.frame, "tls.handshake.type == 13", "the server asks for a certificate"),
            given,
            left.evidence(format!("the server {}", left.words())),
        ],
    })
}

/// In TLS 1.3 nothing of this can be read, but the lengths of the records show it: the device begins with another message than a
/// Finished, and all that the server says to that is as long as an alert.
fn sealed(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let alert = shaken.place.connection.sealed_rejection()?;
    let given = shaken.tls.gives_sealed_certificate()?;
    let name = shaken.place.server();
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Inferred,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: 0.7,
        summary: format!(
            "by the lengths of the records, {name} asks for a certificate of the device, does not take what it gets, and sends an alert \
             under encryption"
        ),
        fix: format!(
            "On {name}, either trust the CA of the device's certificate (and give the device a valid one), or stop demanding a client \
             certificate on port {}. The server's log for that moment names its reason; a key log with the next capture settles it.",
            shaken.place.connection.flow.server.port()
        ),
        evidence: vec![
            Evidence::new(
                given.at.frame,
                "tls.app_data",
                "longer or shorter than a Finished alone: the device's Certificate comes first",
            ),
            Evidence::new(alert.frame, "tls.app_data", "as long as an alert, and all that the server says to it"),
        ],
    })
}

/// What the device gave.
fn given(shaken: &Shaken<'_>) -> Option<(Evidence, String)> {
    let Some((at, own)) = shaken.tls.client_certificate.as_ref().and_then(|(at, chain)| Some((at, chain.first()?))) else {
        return gives_none(shaken).map(|none| (none, "none".to_owned()));
    };
    let what = match &own.body {
        Ok(body) if is_self_signed(own) => format!("a self-signed one, of {}", body.subject.text),
        Ok(body) => format!("that of {}", body.subject.text),
        Err(_) => "one that cannot be read".to_owned(),
    };
    Some((Evidence::new(at.frame, "tls.handshake.type == 11", format!("the device sends {what}")), what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    fn asked() -> Tcp {
        tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).certificate_request(vec![], 0)
    }

    #[test]
    fn a_device_without_a_certificate() {
        let tcp = asked().client_certificate(vec![]).client_finished().alert(Side::Server, 2, 40);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) asks for a certificate of the device, gets none, and sends the alert 40 (handshake_failure)"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn a_certificate_that_the_server_does_not_take() {
        let own = certificate("CN=0004f21a2b3c", "CN=Phone CA");
        let tcp = asked().client_certificate(vec![own]).client_finished().leaves(Side::Server, Close::Rst);
        assert!(Login::new().step(tcp).dropped().the(&RULE).summary.contains("gets that of CN=0004f21a2b3c"));
    }

    /// The device has finished TLS 1.3 without a certificate, and has asked for something; a key log opens it.
    fn finished_1_3() -> Tcp {
        let flight = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1301).opened().certificate_request(vec![], 0);
        let flight = flight.certificate(vec![leaf()]).finished(Side::Server);
        flight.client_certificate(vec![]).finished(Side::Client).encrypted(Side::Client)
    }

    #[test]
    fn in_tls_1_3_the_server_refuses_a_device_that_has_finished_and_not_one_that_it_has_answered() {
        let found = Login::new().step(finished_1_3().alert(Side::Server, 2, 116)).dropped().the(&RULE);
        assert!(found.summary.ends_with("gets none, and sends the alert 116 (certificate_required)"), "{}", found.summary);
        Login::new().step(finished_1_3().encrypted(Side::Server).alert(Side::Server, 2, 40)).dropped().nothing(&RULE);
    }

    /// The device answers the server's flight in TLS 1.3, under seal, with records of these lengths; then the server says this.
    fn sealed_1_3(given: &[u16], answer: &[u16]) -> Login {
        let flight = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1302).sealed(Side::Server, 1_900);
        let given = given.iter().fold(flight, |tcp, length| tcp.sealed(Side::Client, *length));
        let answered = answer.iter().fold(given, |tcp, length| tcp.sealed(Side::Server, *length));
        Login::new().step(answered.leaves(Side::Server, Close::Fin)).dropped()
    }

    #[test]
    fn what_tls_1_3_seals_shows_by_its_lengths_that_the_server_wants_another_certificate() {
        // An empty Certificate, a Finished with SHA-384, a request; an alert (RFC 8446 sections 4.4.2, 4.4.4 and 6).
        let found = sealed_1_3(&[25, 69, 392], &[19]).the(&RULE);
        assert!(found.summary.ends_with("and sends an alert under encryption") && found.confidence < 0.75, "{}", found.summary);
        assert_eq!(sealed_1_3(&[1_200], &[19]).check(&RULE).len(), 1, "all three messages in one record");
        sealed_1_3(&[69, 392], &[19]).nothing(&RULE);
        sealed_1_3(&[19], &[]).nothing(&RULE);
        sealed_1_3(&[25, 69, 392], &[250, 19]).nothing(&RULE);
        sealed_1_3(&[25, 69, 392], &[400]).nothing(&RULE);
    }

    #[test]
    fn a_server_that_does_without_and_a_device_that_leaves_are_others() {
        let done = asked().client_certificate(vec![]).client_finished().server_finished().encrypted(Side::Client);
        Login::new().step(done.leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        Login::new().step(asked().leaves(Side::Client, Close::Rst)).dropped().nothing(&RULE);
        Login::new()
            .step(asked().client_certificate(vec![]).client_finished().alert(Side::Server, 2, 20))
            .dropped()
            .nothing(&RULE);
    }
}
