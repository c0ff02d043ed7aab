//! `tls-closed-after-certificate`: the device leaves after the server's flight, and nothing says why.

use crate::findings::shared::chain;
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::alert_name;
use crate::findings::shared::restart::restart;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, How, SECOND};

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-closed-after-certificate",
    stage: None,
    weight: Weight::Fallback,
    order: 860,
    help: Help {
        what: "The server's Certificate reached the device whole, and the device left without ClientKeyExchange and without saying why. \
               Every check of the chain that the capture allows was passed.",
        why: "A device that leaves at this point has, as a rule, something against the certificate: a limit of its firmware, a CA that \
              it lacks, a clock that is wrong.",
        fix: "Settle it from outside: the device's own log, the same login by a device of another family, a certificate as plain as \
              possible (RSA 2048, SHA-1 or SHA-256 by what the family knows, the name in both CN and SAN), a capture that holds the \
              enrolment and the time set before.",
        look_alikes: "A flight that was not acknowledged whole is path-mtu-black-hole. A server that closes is tls-server-closed. In TLS \
                      1.3 the certificate and the alert are encrypted: a key log settles what the device meant.",
        references: &["RFC 5246 section 7.3 (handshake overview)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let refusal = shaken.refusal().filter(|refusal| !refusal.late)?;
    let left = refusal.leaving;
    // An alert that says something is another rule's; close_notify says nothing.
    let said = left.alert.is_some_and(|alert| alert != 0);
    // One that restarts has not left because of what it was sent, as far as anybody can tell.
    let restarted = left.how == How::Abandoned && restart(case).is_some();
    if said || restarted || shaken.hides_certificate() || chain::explains(case, shaken.place.index) {
        return None;
    }
    let last = shaken.last_of_server()?;
    let seconds = left.at.time.since(last.time) as f64 / SECOND as f64;
    let name = shaken.place.server();
    let readable = shaken.tls.certificate.is_some();
    let goodbye = left.alert.map(|alert| format!(" (alert {})", alert_name(alert))).unwrap_or_default();
    let but = if readable {
        "and nothing wrong with the chain can be shown"
    } else {
        "and the certificate cannot be read in this capture"
    };
    let mut evidence =
        vec![Evidence::new(last.frame, "tls.handshake", format!("{name} has sent its flight; all of it is acknowledged"))];
    evidence.push(left.evidence(format!("the device {}", left.words())));
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Inferred,
        explains_drop: shaken.place.is_drop(case),
        confidence: if readable { 0.6 } else { 0.45 },
        summary: format!(
            "the device leaves {seconds:.3} s after the server's Certificate without {}{goodbye}, {but}",
            shaken.tls.taking()
        ),
        fix: format!(
            "Compare the chain of {name} (`openssl s_client -connect {} -showcerts`) with what the device's firmware can verify and \
             which CAs it holds; then try a plain certificate (RSA 2048, the older digest). What would settle it: the device's log, \
             its firmware version, a capture at its port that begins before enrolment.",
            shaken.place.target()
        ),
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    #[test]
    fn the_residual_where_nothing_explains_it() {
        let found = refused(vec![]).the(&RULE);
        assert_eq!(
            found.summary,
            "the device leaves 0.010 s after the server's Certificate without ClientKeyExchange, and nothing wrong with the chain can be \
             shown"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
    }

    #[test]
    fn a_device_that_restarts_in_mid_handshake_has_not_left_because_of_the_certificate() {
        let stops = || Login::new().step(tcp(Purpose::Registrar).hello().server_flight(vec![]).abandoned()).dropped();
        stops().the(&RULE);
        stops().knowing(|known| known.restarts = vec![at(100)]).nothing(&RULE);
    }

    /// A device that leaves behind the server's flight of TLS 1.3, which a key log opens.
    fn leaves_1_3() -> Tcp {
        let flight = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1301).opened().certificate(vec![leaf()]);
        flight.finished(Side::Server)
    }

    #[test]
    fn in_tls_1_3_a_key_log_shows_that_the_device_leaves_without_finished() {
        let found = Login::new().step(leaves_1_3().leaves(Side::Client, Close::Fin)).dropped().the(&RULE);
        assert!(
            found.summary.contains("after the server's Certificate without Finished, and nothing wrong"),
            "{}",
            found.summary
        );
        let goes_on = leaves_1_3().finished(Side::Client).encrypted(Side::Client).encrypted(Side::Server);
        Login::new().step(goes_on.leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
        let closed = leaves_1_3().torn().encrypted(Side::Client).leaves(Side::Client, Close::Fin);
        Login::new().step(closed).dropped().nothing(&RULE);
    }

    #[test]
    fn a_last_resort_that_does_not_connect_does_not_hide_it() {
        let login = Login::new()
            .step(tcp(Purpose::Registrar).hello().server_flight(vec![]).leaves(Side::Client, Close::Rst))
            .step(syn(Purpose::Registrar).to("10.0.0.5", 443).leaves(Side::Server, Close::Rst))
            .dropped();
        let found = login.the(&RULE);
        assert_eq!((found.step, found.explains_drop), (Some(0), true));
    }

    #[test]
    fn the_server_that_leaves_the_flight_that_got_lost_the_alert_and_tls_1_3_are_others() {
        cut_by_server(vec![]).nothing(&RULE);
        accepted(vec![]).nothing(&RULE);
        refused_saying(46, vec![]).nothing(&RULE);
        let flight = || tcp(Purpose::Registrar).hello().server_flight(vec![]);
        Login::new().step(flight().stuck(Side::Server, 1460, 4).leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
        let hidden = tcp(Purpose::Registrar).hello().server_hello(0x0304, 0x1301).leaves(Side::Client, Close::Fin);
        Login::new().step(hidden).dropped().nothing(&RULE);
    }
}
