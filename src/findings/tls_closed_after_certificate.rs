//! `tls-closed-after-certificate`: the device leaves after the server's flight, and nothing says why.

use crate::findings::shared::chain;
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::{Leaving, Place, alert_name, connections, leaving_of};
use crate::findings::shared::restart::restart;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{At, Evidence, How, SECOND, Side};

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-closed-after-certificate",
    stage: None,
    weight: Weight::Fallback,
    order: 860,
    help: Help {
        what: "The server's Certificate reached the device whole, and the device left without saying why: without ClientKeyExchange or, \
               where its stack checks late, behind the last Finished without a word of its own. Every check of the chain that the \
               capture allows was passed.",
        why: "A device that leaves at this point has, as a rule, something against the certificate: a limit of its firmware, a CA that \
              it lacks, a clock that is wrong.",
        fix: "Settle it from outside: the device's own log, the same login by a device of another family, a certificate as plain as \
              possible (RSA 2048, SHA-1 or SHA-256 by what the family knows, the name in both CN and SAN), a capture that holds the \
              enrolment and the time set before.",
        look_alikes: "A flight that was not acknowledged whole is path-mtu-black-hole. A server that closes is tls-server-closed. In TLS \
                      1.3 the certificate and the alert are encrypted: a key log settles what the device meant.",
        references: &["RFC 5246 section 7.3 (handshake overview)"],
    },
    check: |case| {
        let read = handshakes(case).filter_map(|shaken| found(case, &shaken).or_else(|| sealed(case, &shaken)));
        read.chain(connections(case).filter_map(|place| behind_the_cut(case, &place))).collect()
    },
};

/// No flight with a certificate is shorter than this, and none without one (RFC 5246 section 7.3) as long.
const FLIGHT: u64 = 400;

/// What the capture holds of both hellos is their beginnings: that the rest of the flight arrived, and the device left then, shows.
fn behind_the_cut(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let connection = place.connection;
    let (server, last) = (&connection.stats.server, connection.cut_answer.filter(|_| connection.cut_hello.is_some())?);
    let left = leaving_of(connection).filter(|left| left.side == Side::Client && left.alert.is_none())?;
    let arrived = server.sent >= FLIGHT && server.acknowledged >= server.sent && server.uncaptured == 0;
    (connection.tls.is_none() && arrived && place.is_drop(case))
        .then(|| told(case, place, &left, last, false, "ClientKeyExchange"))
}

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let refusal = shaken.refusal()?;
    let left = refusal.leaving;
    // An alert that says something is another rule's; close_notify says nothing.
    let said = left.alert.is_some_and(|alert| alert != 0);
    // One that restarts has not left because of what it was sent, as far as anybody can tell.
    let restarted = left.how == How::Abandoned && restart(case).is_some();
    if said || restarted || shaken.hides_certificate() || chain::explains(case, shaken.place.index) {
        return None;
    }
    if refusal.late {
        return late(case, shaken, &left);
    }
    let readable = shaken.tls.certificate.is_some();
    Some(told(case, &shaken.place, &left, shaken.last_of_server()?, readable, shaken.tls.taking()))
}

/// A stack that checks the certificate behind the handshake leaves as soon as that is complete.
fn late(case: &Case<'_>, shaken: &Shaken<'_>, left: &Leaving) -> Option<Found> {
    let (complete, _) = shaken.tls.last_step()?;
    let (place, name) = (&shaken.place, shaken.place.server());
    let seconds = left.at.time.since(complete.time) as f64 / SECOND as f64;
    Some(Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Inferred,
        explains_drop: place.is_drop(case),
        confidence: 0.4,
        summary: format!(
            "the device leaves {seconds:.3} s after the handshake with {name} is complete, without a request, and nothing wrong with \
             the chain can be shown"
        ),
        fix: settle(place),
        evidence: vec![
            Evidence::new(complete.frame, "tls", format!("the handshake with {name} is complete")),
            left.evidence(format!("the device {}, and has said nothing", left.words())),
        ],
    })
}

fn settle(place: &Place<'_>) -> String {
    format!(
        "Compare the chain of {} (`openssl s_client -connect {} -showcerts`) with what the device's firmware can verify and which CAs it \
         holds; then try a plain certificate (RSA 2048, the older digest). What would settle it: the device's log, its firmware version, \
         a capture at its port that begins before enrolment.",
        place.server(),
        place.target()
    )
}

/// In TLS 1.3 the certificate and what the device says to it are encrypted, but the length of its one record shows that it is an alert
/// and no Finished (RFC 8446 sections 4.4.4 and 6).
fn sealed(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let alert = shaken.place.connection.sealed_refusal().filter(|_| shaken.flight_arrived())?;
    let flight = shaken.tls.server_data.records.iter().rev().find(|record| record.at < alert)?;
    let name = shaken.place.server();
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Inferred,
        explains_drop: shaken.place.is_drop(case),
        confidence: 0.45,
        summary: format!(
            "by the length of its record, the device answers the encrypted flight of {name} by an alert instead of Finished; TLS 1.3 \
             hides what it says"
        ),
        fix: format!(
            "Compare the chain of {name} (`openssl s_client -connect {} -showcerts`) with the CAs that the device holds, its clock, and \
             the name that it connects to. A key log with the next capture, or the device's log, settles what it has against it.",
            shaken.place.target()
        ),
        evidence: vec![
            Evidence::new(flight.at.frame, "tls.app_data", format!("{name} has sent its flight; all of it is acknowledged")),
            Evidence::new(alert.frame, "tls.app_data", "as long as an alert, and all that the device says to it"),
        ],
    })
}

/// `last` is the last of the server's flight, `taking` the message by which the device would have taken it.
fn told(case: &Case<'_>, place: &Place<'_>, left: &Leaving, last: At, readable: bool, taking: &str) -> Found {
    let seconds = left.at.time.since(last.time) as f64 / SECOND as f64;
    let name = place.server();
    let goodbye = left.alert.map(|alert| format!(" (alert {})", alert_name(alert))).unwrap_or_default();
    let but = if readable {
        "and nothing wrong with the chain can be shown"
    } else {
        "and the certificate cannot be read in this capture"
    };
    // Wireshark reads nothing of a hello of which the capture holds the beginning.
    let shown = if place.connection.tls.is_some() { "tls.handshake" } else { "tcp.len > 0" };
    let mut evidence = vec![Evidence::new(last.frame, shown, format!("{name} has sent its flight; all of it is acknowledged"))];
    evidence.push(left.evidence(format!("the device {}", left.words())));
    Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Inferred,
        explains_drop: place.is_drop(case),
        confidence: if readable { 0.6 } else { 0.45 },
        summary: format!("the device leaves {seconds:.3} s after the server's Certificate without {taking}{goodbye}, {but}"),
        fix: settle(place),
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

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
    fn a_stack_that_checks_late_leaves_behind_the_last_finished_without_a_word() {
        let shaken = || tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let found = Login::new().step(shaken().leaves(Side::Client, Close::Fin)).dropped().the(&RULE);
        assert!(found.explains_drop && found.summary.contains("is complete, without a request"), "{}", found.summary);
        let speaks = shaken().encrypted(Side::Client).encrypted(Side::Server);
        Login::new().step(speaks.leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
        Login::new().step(shaken().leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
    }

    #[test]
    fn of_hellos_that_the_capture_cut_it_shows_all_the_same_that_the_device_leaves_after_the_flight() {
        let left = |flight: u64, taken: bool, is_answer: bool| {
            let said = tcp(Purpose::Registrar).data(Side::Client, 70).data(Side::Server, flight).leaves(Side::Client, Close::Fin);
            let cut = said.change(move |connection| {
                (connection.cut_hello, connection.cut_answer) = (connection.syn_ack, connection.syn_ack.filter(|_| is_answer));
                connection.stats.server.acknowledged = if taken { flight } else { 0 };
            });
            Login::new().step(cut).dropped()
        };
        let found = left(1_897, true, true).the(&RULE);
        assert!(
            found.explains_drop && found.summary.contains("the certificate cannot be read in this capture"),
            "{}",
            found.summary
        );
        left(1_897, false, true).nothing(&RULE);
        left(1_897, true, false).nothing(&RULE);
        left(160, true, true).nothing(&RULE);
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
    fn in_tls_1_3_a_record_as_long_as_an_alert_is_the_devices_refusal_and_a_longer_one_its_finished() {
        let answers = |length: u16| {
            let flight = tcp(Purpose::Enrolment).hello().server_hello(0x0304, 0x1301).sealed(Side::Server, 2_000);
            Login::new().step(flight.sealed(Side::Client, length).leaves(Side::Client, Close::Fin)).dropped()
        };
        let found = answers(19).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("by an alert instead of Finished"), "{}", found.summary);
        answers(53).nothing(&RULE);
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
