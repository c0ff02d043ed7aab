//! `update-unreachable`: the update server does not answer, or answers with an error.

use crate::findings::shared::place::{Leaving, Place, connections, leaving_of};
use crate::findings::shared::update_status::{self, Failure};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::Purpose;
use crate::model::{Evidence, How, Outcome, Side, Stage};

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
    let (failed, what, evidence) = failure(case, place)?;
    let name = place.server();
    let path = place.connection.http.iter().find_map(|exchange| Some(&exchange.request.as_ref()?.1.uri));
    let shown = update_status::shown(failed, place.connection.name.as_ref(), path);
    Some(Found {
        stage: Stage::Update,
        step: Some(place.index),
        proof: Proof::Told,
        explains_drop: place.is_drop(case),
        confidence: 0.9,
        summary: format!("the update server {name} {what}{shown}"),
        fix: format!(
            "See that the update service on {name} runs and is published for the phones' network; the login does not depend on it. \
             `curl -v http://{}/RequestHandler/ucdevice.upx` from there must be answered.",
            place.target()
        ),
        evidence,
    })
}

/// How it failed, also in words that follow the server's name.
fn failure(case: &Case<'_>, place: &Place<'_>) -> Option<(Failure, String, Vec<Evidence>)> {
    let connection = place.connection;
    if let Some(at) = connection.refused() {
        let evidence = vec![Evidence::new(at.frame, "tcp.flags.reset == 1", "RST for the SYN")];
        return Some((Failure::CannotConnect, "refuses the connection".to_owned(), evidence));
    }
    if let Some((at, sender)) = connection.unreachable.filter(|_| !place.connected()) {
        let evidence = vec![Evidence::new(at.frame, "", "ICMP unreachable")];
        return Some((Failure::CannotConnect, format!("cannot be reached, says {sender}"), evidence));
    }
    let failed = place.step.outcome == Outcome::Failed;
    let silent = connection.stats.server.last.is_none() && case.known.seen_both_ways && failed;
    if let Some(at) = connection.syn.filter(|_| !place.connected() && silent) {
        let evidence = vec![Evidence::new(at.frame, "tcp.flags.syn == 1", "SYN without an answer")];
        return Some((Failure::ConnectTimedOut, "does not answer".to_owned(), evidence));
    }
    let last = connection.http.last()?;
    match (&last.request, &last.response) {
        (_, Some((at, response))) if response.code >= 400 => {
            let show = format!("http.response.code == {}", response.code);
            let evidence = vec![Evidence::new(at.frame, &show, "the answer")];
            Some((Failure::Status(response.code), format!("answers with HTTP {}", response.code), evidence))
        }
        (Some((at, request)), None) if failed && place.connected() => {
            let closed = leaving_of(connection).filter(|left| left.side == Side::Server);
            let (failure, how) = unanswered(closed);
            let asked = Evidence::new(at.frame, "http.request", "the request");
            let left = closed.map(|left| left.evidence(format!("the server {}", left.words())));
            Some((failure, format!("{how} to {} {}", request.method, request.uri), std::iter::once(asked).chain(left).collect()))
        }
        _ => None,
    }
}

/// A request without an answer: `closed` is how the server left, if it did before the device.
fn unanswered(closed: Option<Leaving>) -> (Failure, &'static str) {
    match closed.map(|left| left.how) {
        Some(How::Rst) => (Failure::Reset, "resets the connection without an answer"),
        Some(_) => (Failure::Aborted, "closes without an answer"),
        None => (Failure::TimedOut, "sends no answer"),
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
        assert_eq!(
            found.summary,
            "the update server pool.contoso.com (10.0.0.5:80) answers with HTTP 500; the phone shows the HTTP status 500 as the second \
             number of \"Last Update Status\""
        );
        assert!(!found.explains_drop);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && http.response.code == 500");
        let refused = Login::new().step(syn(Purpose::Update).leaves(Side::Server, Close::Rst));
        assert!(refused.the(&RULE).summary.ends_with("refuses the connection"));
    }

    #[test]
    fn who_left_a_request_without_an_answer_decides_what_the_phone_shows() {
        let asked = || tcp(Purpose::Update).named("ucupdates-r2.contoso.com").get("/RequestHandler/ucdevice.upx");
        let summary = |tcp: Tcp| Login::new().step(tcp).the(&RULE).summary;
        let closed = summary(asked().leaves(Side::Server, Close::Fin));
        assert!(closed.contains("closes without an answer") && closed.contains("0x2efe/0"), "{closed}");
        let reset = summary(asked().leaves(Side::Server, Close::Rst));
        assert!(reset.contains("resets the connection") && reset.contains("0x2eff/0"), "{reset}");
        let waited = summary(asked().pause(20.0).leaves(Side::Client, Close::Fin));
        assert!(waited.contains("sends no answer") && waited.contains("0x2ee2/0"), "{waited}");
    }

    #[test]
    fn a_good_answer_and_another_purpose_give_nothing() {
        let good =
            tcp(Purpose::Update).get("/RequestHandler/ucdevice.upx").answer(401).get("/RequestHandler/ucdevice.upx").answer(200);
        Login::new().step(good).nothing(&RULE);
        Login::new().step(tcp(Purpose::Enrolment).get("/certsrv").answer(500)).dropped().nothing(&RULE);
    }
}
