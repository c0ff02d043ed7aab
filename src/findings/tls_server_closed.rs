//! `tls-server-closed`: the server takes the hello and leaves in mid-handshake without an alert.

use crate::findings::shared::client_certificate::answers_request;
use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, How, SECOND, Side};

/// A server that closes after so long has waited for the device, in nanoseconds.
const WAITED: i64 = 5 * SECOND;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-server-closed",
    stage: None,
    weight: Weight::General,
    order: 870,
    help: Help {
        what: "The server has acknowledged or answered the ClientHello, and closes the connection before the handshake is complete, \
               without an alert.",
        why: "Something on the server's side gives up: a service without a usable certificate or key, a limit, a filter, a back end \
              that is down. The device begins again.",
        fix: "See the server's log for that moment (Schannel events 36874, 36888, 36871), the binding of its certificate, and whatever \
              stands before it (load balancer, reverse proxy). Check with `openssl s_client -connect server:5061` from the phones' \
              network.",
        look_alikes: "A close on a hello of TLS 1.0 at most may mean the version: tls-version-mismatch stands beside it then. A close after the device's own \
                      certificate: tls-client-certificate-rejected. A RST with another TTL than the server's packets comes from a box \
                      between.",
        references: &["RFC 5246 section 7.2.1 (closure without alert)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let left = shaken.leaving().filter(|left| left.side == Side::Server && matches!(left.how, How::Fin | How::Rst))?;
    let (at, _) = shaken.tls.client_hello.as_ref()?;
    let reached = shaken.reached();
    let taken = shaken.tls.server_hello.is_some() || shaken.place.connection.stats.client.acknowledged > 0;
    let asked = answers_request(shaken);
    if !taken || asked || !(Reached::ClientHello..=Reached::ClientKey).contains(&reached) || hidden(shaken) {
        return None;
    }
    let stats = &shaken.place.connection.stats;
    let before = [stats.server.last_data, stats.client.last_data].into_iter().flatten().max_by_key(|at| at.frame).unwrap_or(*at);
    let pause = left.at.time.since(before.time);
    // A device that never answers is left by any server sooner or later: that is not the server's doing.
    let waited = pause >= WAITED && reached == Reached::Certificate;
    let seconds = pause as f64 / SECOND as f64;
    let name = shaken.place.server();
    let doing = match reached {
        Reached::ClientHello => "the ClientHello",
        Reached::ServerHello => "its own ServerHello",
        Reached::Certificate => "its own Certificate",
        _ => "the device's ClientKeyExchange",
    };
    let summary = if waited {
        format!("{name} closes after {seconds:.1} s in which the device did not answer its Certificate")
    } else {
        format!("{name} {} {seconds:.3} s after {doing}, without an alert", left.words())
    };
    let mut evidence = vec![Evidence::new(at.frame, "tls.handshake.type == 1", "the hello, which the server takes")];
    evidence.push(left.evidence(format!("{name} {}", left.words())));
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, shaken.place.index),
        confidence: if waited { 0.4 } else { 0.7 },
        summary,
        fix: format!(
            "See the log of {name} for that moment (Windows: Schannel 36874, 36888, 36871), the certificate bound there with its \
             private key, and the load balancer or proxy before it. `openssl s_client -connect {}` must complete.",
            shaken.place.target()
        ),
        evidence,
    })
}

/// In TLS 1.3 the server's alert would be encrypted: a closing without one cannot be told.
fn hidden(shaken: &Shaken<'_>) -> bool {
    shaken.hides_certificate() && (shaken.tls.server_data.count() > 0 || shaken.tls.client_data.count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};

    #[test]
    fn a_reset_after_the_key_exchange() {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().leaves(Side::Server, Close::Rst);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) resets the connection (RST) 0.010 s after the device's ClientKeyExchange, without an alert"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn a_device_that_never_answers_makes_any_server_close() {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).pause(30.0).leaves(Side::Server, Close::Fin);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert!(found.summary.contains("closes after 30.0 s in which the device did not answer"), "{}", found.summary);
        assert!(found.confidence < 0.5);
    }

    #[test]
    fn client_certificates_and_unacknowledged_hellos_have_codes_of_their_own() {
        let newer = || tcp(Purpose::Registrar).hello_with(|hello| hello.version = 0x0303);
        assert_eq!(Login::new().step(newer().leaves(Side::Server, Close::Rst)).dropped().check(&RULE).len(), 1);
        let refused = newer().change(|connection| connection.stats.client.acknowledged = 0).leaves(Side::Server, Close::Rst);
        Login::new().step(refused).dropped().nothing(&RULE);
        let flight = newer().server_flight(vec![leaf()]).certificate_request(vec![], 0).client_certificate(vec![]);
        Login::new().step(flight.client_finished().leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        refused_chain().nothing(&RULE);
    }

    fn refused_chain() -> Login {
        crate::findings::testing::refused(vec![leaf()])
    }
}
