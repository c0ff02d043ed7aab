//! `register-ended-encrypted`: what was said before the end is encrypted.

use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::Leaving;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Purpose;
use crate::model::{Evidence, How, Side, Stage};

/// Records of both sides up to which a registration cannot have got far.
const FEW: u32 = 40;

/// The rule.
pub static RULE: Rule = Rule {
    code: "register-ended-encrypted",
    stage: Some(Stage::Register),
    weight: Weight::Fallback,
    order: 990,
    help: Help {
        what: "The TLS handshake with the registrar completes, a few encrypted records pass, and the connection is closed: what was said \
               cannot be read.",
        why: "A registration that is rejected or redirected looks like this from outside, and so does a device that checks the \
              certificate only after the handshake.",
        fix: "Make it readable: a TLS key log of the server or of a proxy (Wireshark then shows the SIP), or the registrar's own SIP \
              log for that moment. One request and one answer before the end point to a refusal or redirect, two or three to failed \
              authentication.",
        look_alikes: "A drop long after a registration that held is session-dropped. A drop before the handshake is complete has a tls-* \
                      code.",
        references: &["RFC 3261 section 10 (registrations)", "RFC 5246 section 6.2.3 (record protection)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let place = shaken.place;
    let left = shaken.leaving()?;
    let said = left.alert.is_some_and(|alert| alert != 0);
    let through = shaken.reached() >= Reached::Finished || (shaken.hides_certificate() && shaken.tls.server_data.count() > 0);
    let registrar = place.step.purpose == Purpose::Registrar && place.step.stage != Stage::Session;
    let (out, back) = (shaken.tls.client_data.count(), shaken.tls.server_data.count());
    if !place.is_drop(case)
        || !registrar
        || !through
        || place.connection.sealed_refusal().is_some()
        || said
        || !place.connection.sip.is_empty()
        || out == 0 && left.how != How::Alert
        || out.saturating_add(back) > FEW
    {
        return None;
    }
    let name = place.server();
    let who = match left.side {
        Side::Client => "the device",
        Side::Server => "the server",
    };
    // In TLS 1.3 certificates, alerts and the Finished are records like any other: the only one of the device may be its refusal,
    // and the server has yet to judge what it sent.
    let (opening, confidence, guess) = match shaken.hides_certificate() {
        true if out <= 1 => (
            "TLS 1.3 hides whether the device took the certificate".to_owned(),
            0.4,
            "The device may have refused the certificate, or the server the registration.",
        ),
        true => (
            format!("TLS 1.3 hides how the handshake with {name} ends"),
            0.5,
            "The server may have refused the device's certificate, or that it has none, or the registration.",
        ),
        false => (format!("the handshake with {name} completes"), 0.5, guess(out)),
    };
    let summary =
        format!("{opening}; then encrypted records pass ({out} of the device, {back} of the server), and {who} {}", left.words());
    Some(Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Inferred,
        explains_drop: true,
        confidence,
        summary,
        fix: format!(
            "See the SIP and TLS log of {name} for that moment, or take a key log with the next capture: it settles it. {guess}"
        ),
        evidence: evidence(shaken, &left, who),
    })
}

/// What the number of the device's records points to.
fn guess(out: u32) -> &'static str {
    match out {
        0 => "The device left without a request: stacks that check the certificate late do so.",
        1 => "One request points to a refusal or a redirect, not to a password.",
        2..=3 => "Two or three requests point to failed authentication or a redirect.",
        _ => "Several requests passed: the refusal came late in the registration, or after it.",
    }
}

fn evidence(shaken: &Shaken<'_>, left: &Leaving, who: &str) -> Vec<Evidence> {
    // Where it is hidden, what is encrypted begins with it.
    let done = shaken.tls.last_step().filter(|_| !shaken.hides_certificate());
    let done = done.map(|(at, _)| Evidence::new(at.frame, "", "the handshake is complete"));
    let data = [shaken.tls.client_data.first(), shaken.tls.server_data.last()].into_iter().flatten();
    let data = data.map(|record| Evidence::new(record.at.frame, "tls.app_data", "encrypted"));
    done.into_iter().chain(data).chain([left.evidence(format!("{who} {}", left.words()))]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;

    #[test]
    fn a_request_an_answer_and_the_end() {
        let found = accepted(vec![leaf()]).the(&RULE);
        assert_eq!(
            found.summary,
            "the handshake with pool.contoso.com (10.0.0.5:5061) completes; then encrypted records pass (1 of the device, 1 of the \
             server), and the server closes the connection (FIN)"
        );
        assert!(found.explains_drop && found.confidence <= 0.5);
    }

    #[test]
    fn a_device_that_says_nothing_after_the_handshake_was_refused_nothing_and_one_that_sends_an_alert_may_refuse() {
        let shaken = || tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        Login::new().step(shaken().leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
        let refuses = shaken().encrypted_alert(Side::Client).leaves(Side::Client, Close::Fin);
        let found = Login::new().step(refuses).dropped().the(&RULE);
        assert!(found.fix.contains("check the certificate late"), "{}", found.fix);
    }

    #[test]
    fn tls_1_3_hides_even_the_refusal_of_a_certificate() {
        let tcp = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1301).encrypted(Side::Server).encrypted(Side::Client);
        let found = Login::new().step(tcp.leaves(Side::Client, Close::Fin)).dropped().the(&RULE);
        assert!(found.summary.starts_with("TLS 1.3 hides whether"), "{}", found.summary);
        assert!(found.fix.contains("key log"));
    }

    #[test]
    fn tls_1_3_hides_what_the_server_made_of_the_devices_certificate() {
        let tcp = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1301).encrypted(Side::Server).encrypted(Side::Client);
        let asked = tcp.encrypted(Side::Client).encrypted(Side::Server);
        let found = Login::new().step(asked.leaves(Side::Server, Close::Fin)).dropped().the(&RULE);
        assert!(found.summary.starts_with("TLS 1.3 hides how the handshake"), "{}", found.summary);
        assert!(found.fix.contains("device's certificate"), "{}", found.fix);
        assert!(found.evidence.iter().all(|proof| proof.text != "the handshake is complete"));
    }

    #[test]
    fn a_handshake_that_never_completed_and_sip_in_clear_are_others() {
        refused(vec![leaf()]).nothing(&RULE);
        let clear = tcp(Purpose::Registrar).to("10.0.0.5", 5060).sip(sip_request("REGISTER", 1), Some(sip_answer(403, 1)));
        Login::new().step(clear.leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        let mut login = accepted(vec![leaf()]).signed_in();
        login.attempt.dropped_step = None;
        login.nothing(&RULE);
    }
}
