//! `tcp-accepted-then-closed`: the server accepts the connection and closes it before it has taken anything.

use crate::findings::shared::place::{Place, connections, leads_to_drop, leaving_of};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Purpose;
use crate::model::{Evidence, SECOND, Side};

/// A server that closes a connection on which nothing was said has not waited for the device if it does so this early.
const AT_ONCE: i64 = 5 * SECOND;

/// The rule.
pub static RULE: Rule = Rule {
    code: "tcp-accepted-then-closed",
    stage: None,
    weight: Weight::Specific,
    order: 460,
    help: Help {
        what: "SYN and SYN-ACK, and then the server's side closes the connection before it has acknowledged a request or a hello.",
        why: "Whoever accepted has nobody to pass the connection on to: a load balancer without a living member behind it, a \
              service that is shutting down, or one that refuses the device's address.",
        fix: "Look at what owns the address: the load balancer's pool members and their health checks, the service's connection \
              limits and address filters. A capture behind the load balancer tells whether it opens a connection to a member.",
        look_alikes: "A server that has acknowledged the hello and closes then: tls-version-mismatch or tls-server-closed. A server that \
                      closes an idle connection after half a minute has waited for a device that said nothing.",
        references: &["RFC 9293 section 3.6 (closing a connection)"],
    },
    check: |case| connections(case).filter_map(|place| found(case, &place)).collect(),
};

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let connection = place.connection;
    let accepted = connection.syn_ack?;
    let left = leaving_of(connection).filter(|left| left.side == Side::Server)?;
    let (client, server) = (&connection.stats.client, &connection.stats.server);
    let own_code = matches!(place.step.purpose, Purpose::Update | Purpose::Revocation);
    if own_code || server.first_data.is_some() || server.uncaptured > 0 || client.acknowledged > 0 {
        return None;
    }
    let waited = left.at.time.since(accepted.time);
    let said = match client.first_data {
        None if waited <= AT_ONCE => "before the device has said anything".to_owned(),
        None => return None,
        Some(_) => format!("without acknowledging the {} bytes that the device sent", client.sent),
    };
    let name = place.server();
    let seconds = waited as f64 / SECOND as f64;
    let mut evidence = vec![Evidence::new(accepted.frame, "tcp.flags.syn == 1 && tcp.flags.ack == 1", format!("{name} accepts"))];
    evidence.push(left.evidence(format!("{name} {} {seconds:.3} s later", left.words())));
    Some(Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, place.index),
        confidence: 0.85,
        summary: format!("{name} accepts the connection and closes it {seconds:.3} s later, {said}"),
        fix: format!(
            "Find what answers at {name}: if it is a load balancer, see that a member behind it is up and healthy; if it is the \
             server itself, see its log for that moment and its limits and address filters. `openssl s_client -connect {}` from \
             the phone's network must get an answer.",
            place.target()
        ),
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;

    #[test]
    fn a_load_balancer_without_members() {
        let found = Login::new().step(tcp(Purpose::Registrar).leaves(Side::Server, Close::Fin)).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) accepts the connection and closes it 0.010 s later, before the device has said anything"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn a_hello_that_was_never_acknowledged() {
        let tcp = tcp(Purpose::Registrar).hello().change(|connection| connection.stats.client.acknowledged = 0);
        let found = Login::new().step(tcp.leaves(Side::Server, Close::Rst)).dropped().the(&RULE);
        assert!(found.summary.ends_with("without acknowledging the 120 bytes that the device sent"), "{}", found.summary);
    }

    #[test]
    fn a_server_that_took_the_hello_a_patient_one_and_a_device_that_leaves_are_others() {
        Login::new().step(tcp(Purpose::Registrar).hello().leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).pause(30.0).leaves(Side::Server, Close::Fin)).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
    }
}
