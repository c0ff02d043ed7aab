//! `tls-no-answer`: the hello is acknowledged, and no handshake byte comes back.

use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, How, Outcome, SECOND, Side};

/// How long a server may take for its first answer before silence is said, in nanoseconds.
const PATIENCE: i64 = 3 * SECOND;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-no-answer",
    stage: None,
    weight: Weight::Specific,
    order: 790,
    help: Help {
        what: "The server's host acknowledges the ClientHello, and then sends not one byte of a handshake.",
        why: "The device waits for a ServerHello until its own timer ends, closes, and begins again.",
        fix: "Look at the service behind the port: it accepts and hangs (its log, its load, its certificate store), speaks another \
              protocol than TLS there, or a load balancer or inspecting firewall has taken the hello and waits for its own server. \
              `openssl s_client -connect server:5061 -tls1` from the phones' network must get an answer.",
        look_alikes: "An answer that is sent and never arrives shows as repeats of large segments where the capture is near the server: \
                      path-mtu-black-hole. A hello that is not even acknowledged is path-loss or tcp-accepted-then-closed.",
        references: &["RFC 5246 section 7.3 (handshake overview)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    if !case.known.seen_both_ways {
        return Vec::new();
    }
    handshakes(case).filter_map(|shaken| found(case, &shaken)).collect()
}

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let place = shaken.place;
    let (client, server) = (&place.connection.stats.client, &place.connection.stats.server);
    let (at, _) = shaken.tls.client_hello.as_ref()?;
    let taken = client.sent > 0 && client.acknowledged >= client.sent;
    let silent = server.first_data.is_none() && server.uncaptured == 0;
    let end = shaken.leaving();
    let by_server = end.is_some_and(|end| end.side == Side::Server && end.how != How::Timeout);
    if shaken.reached() != Reached::ClientHello || !taken || !silent || by_server || place.step.outcome != Outcome::Failed {
        return None;
    }
    let waited = end.map_or(place.step.last.time, |end| end.at.time).since(at.time);
    let timed_out = place.step.ending.is_some_and(|ending| ending.how == How::Timeout);
    if waited < PATIENCE && !timed_out {
        return None;
    }
    let seconds = waited as f64 / SECOND as f64;
    let name = place.server();
    let mut evidence =
        vec![Evidence::new(at.frame, "tls.handshake.type == 1", format!("ClientHello to {name}, acknowledged, never answered"))];
    evidence.extend(end.filter(|end| end.side == Side::Client).map(|end| end.evidence(format!("the device {}", end.words()))));
    Some(Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, place.index),
        confidence: 0.85,
        summary: format!("{name} acknowledges the ClientHello and sends no byte of a handshake within {seconds:.1} s"),
        fix: format!(
            "See what answers TLS at {name} (service log, load balancer, inspecting firewall) and why it hangs. `openssl s_client \
             -connect {}` from the phone's network must show a certificate.",
            place.target()
        ),
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    #[test]
    fn a_device_that_waits_in_vain() {
        let tcp = tcp(Purpose::Registrar).hello().pause(20.0).leaves(Side::Client, Close::Fin);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) acknowledges the ClientHello and sends no byte of a handshake within 20.0 s"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Told, true));
    }

    #[test]
    fn a_hasty_device_a_server_that_leaves_and_a_one_sided_capture_prove_no_silence() {
        let hello = || tcp(Purpose::Registrar).hello();
        Login::new().step(hello().leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
        Login::new().step(hello().pause(20.0).leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        let one_sided = Login::new().step(hello().pause(20.0).leaves(Side::Client, Close::Fin)).dropped();
        one_sided.knowing(|known| known.seen_both_ways = false).nothing(&RULE);
        let unacknowledged = hello().change(|connection| connection.stats.client.acknowledged = 0);
        Login::new().step(unacknowledged.pause(20.0).leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
    }
}
