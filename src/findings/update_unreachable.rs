//! `update-unreachable`: the update server does not answer, or answers with an error.

use crate::findings::shared::place::{Place, connections, leaving_of};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Purpose;
use crate::model::{Evidence, Outcome, Side, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "update-unreachable",
    stage: Some(Stage::Update),
    weight: Weight::Specific,
    order: 2000,
    help: Help {
        what: "The device-update server does not answer, refuses the connection, or answers with an HTTP error.",
        why: "It does not stop a login: updates are a side road, asked for at power-on and once a day. The device keeps its firmware, \
              and with it the faults of that firmware.",
        fix: "Start the update service (IIS, `/RequestHandler/ucdevice.upx`), publish it where the phones look for it, and let HTTP \
              through. The phone's screen shows the WinINet error and the HTTP status of its last try.",
        look_alikes: "A name that does not resolve is update-name-unresolved. A 401 that is followed by credentials and a good answer is \
                      authentication, not an error.",
        references: &[
            "RFC 9110 section 15 (status codes)",
            "Microsoft, device update service of Office Communications Server 2007 R2",
        ],
    },
    check: |case| {
        let updates = connections(case).filter(|place| place.step.purpose == Purpose::Update);
        updates.filter_map(|place| found(case, &place)).take(2).collect()
    },
};

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let (what, evidence) = failure(case, place)?;
    let name = place.server();
    Some(Found {
        stage: Stage::Update,
        step: Some(place.index),
        proof: Proof::Told,
        explains_drop: place.is_drop(case),
        confidence: 0.9,
        summary: format!("the update server {name} {what}"),
        fix: format!(
            "See that the update service on {name} runs and is published for the phones' network; the login does not depend on it. \
             `curl -v http://{}/RequestHandler/ucdevice.upx` from there must be answered.",
            place.target()
        ),
        evidence,
    })
}

/// How it failed, in words that follow the server's name.
fn failure(case: &Case<'_>, place: &Place<'_>) -> Option<(String, Vec<Evidence>)> {
    let connection = place.connection;
    if let Some(at) = connection.refused() {
        return Some((
            "refuses the connection".to_owned(),
            vec![Evidence::new(at.frame, "tcp.flags.reset == 1", "RST for the SYN")],
        ));
    }
    if let Some((at, sender)) = connection.unreachable.filter(|_| !place.connected()) {
        return Some((format!("cannot be reached, says {sender}"), vec![Evidence::new(at.frame, "", "ICMP unreachable")]));
    }
    let failed = place.step.outcome == Outcome::Failed;
    let silent = connection.stats.server.last.is_none() && case.known.seen_both_ways && failed;
    if let Some(at) = connection.syn.filter(|_| !place.connected() && silent) {
        return Some((
            "does not answer".to_owned(),
            vec![Evidence::new(at.frame, "tcp.flags.syn == 1", "SYN without an answer")],
        ));
    }
    let last = connection.http.last()?;
    match (&last.request, &last.response) {
        (_, Some((at, response))) if response.code >= 400 => {
            let show = format!("http.response.code == {}", response.code);
            Some((format!("answers with HTTP {}", response.code), vec![Evidence::new(at.frame, &show, "the answer")]))
        }
        (Some((at, request)), None) if failed && place.connected() => {
            let by_device = leaving_of(connection).is_none_or(|left| left.side == Side::Client);
            let how = if by_device { "sends no answer" } else { "closes without an answer" };
            Some((
                format!("{how} to {} {}", request.method, request.uri),
                vec![Evidence::new(at.frame, "http.request", "the request")],
            ))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;

    #[test]
    fn errors_and_refusals_are_told_and_never_explain_another_drop() {
        let broken = tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(500);
        let registrar = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst);
        let found = Login::new().step(broken).step(registrar).dropped().the(&RULE);
        assert_eq!(found.summary, "the update server pool.contoso.com (10.0.0.5:80) answers with HTTP 500");
        assert!(!found.explains_drop);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && http.response.code == 500");
        let refused = Login::new().step(syn(Purpose::Update).leaves(Side::Server, Close::Rst));
        assert!(refused.the(&RULE).summary.ends_with("refuses the connection"));
    }

    #[test]
    fn a_good_answer_and_another_purpose_give_nothing() {
        let good =
            tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(401).get("/RequestHandler/ucdevice.upx").answer(200);
        Login::new().step(good).nothing(&RULE);
        Login::new().step(tcp(Purpose::Enrolment).get("/certsrv").answer(500)).dropped().nothing(&RULE);
    }
}
