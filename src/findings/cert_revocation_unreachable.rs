//! `cert-revocation-unreachable`: the revocation list or responder cannot be reached, and the device then gives up.

use std::sync::Arc;

use crate::findings::shared::chain::left;
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::Leaving;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::names::host_of_uri;
use crate::formats::x509::Certificate;
use crate::login::steps::{Purpose, Step, StepKind};
use crate::model::{Evidence, How, Outcome, Side};
use crate::text::WireText;

/// A client has given up what it asked about by this time after its last try, in seconds: Windows after 15, TCP after 21.
const WAITS: f64 = 30.0;
/// Fetches whose frames are shown.
const SHOWN: usize = 6;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-revocation-unreachable",
    stage: None,
    weight: Weight::Specific,
    order: 760,
    help: Help {
        what: "After the server's Certificate the device asks for the revocation list or the OCSP responder that it names, gets nothing, \
               and then leaves without a request.",
        why: "A device that insists on knowing whether the certificate is revoked takes silence for a no. Windows asks only after the \
              handshake, and its programs then fail with the error 12057 (0x2f19): an address book that does not come, as a rule.",
        fix: "Publish the list where the phones can fetch it: over HTTP, at a name that resolves inside (an LDAP address serves members of \
              the domain only), and let them through the firewall. On a Windows CA set the CDP extension, issue the certificate again, \
              and check with `certutil -url server.cer` or `curl -v URL`.",
        look_alikes: "A device that goes on to a request has done without the list: harmless.",
        references: &["RFC 5280 section 4.2.1.13 (CRL distribution points)", "RFC 6960 (OCSP)"],
    },
    check: |case| handshakes(case).filter_map(|shaken| found(case, &shaken)).collect(),
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>) -> Option<Found> {
    let (at, chain) = shaken.tls.certificate.as_ref()?;
    let leaving = gave_up(shaken)?;
    let hosts = hosts(chain);
    let during = |step: &&Step| step.first.frame > at.frame && step.first.frame < leaving.at.frame;
    let asked: Vec<(&Step, Asked)> =
        case.attempt.steps.iter().filter(during).filter_map(|step| Some((step, fetch(step, &hosts)?))).collect();
    // A name that resolves is only a beginning; a fetch that works after one that fails makes up for it.
    let (last, asked_last) = asked.last()?;
    let seconds = leaving.at.time.seconds_since(last.last.time);
    if asked_last.good || seconds > WAITS {
        return None;
    }
    let mut failures: Vec<&str> = Vec::new();
    for (_, one) in asked.iter().filter(|(_, one)| !one.good) {
        if !failures.contains(&one.what.as_str()) {
            failures.push(&one.what);
        }
    }
    let server = shaken.place.server();
    let mut evidence =
        vec![Evidence::new(at.frame, "tls.handshake.type == 11", format!("the chain of {server} names {}", hosts.join(", ")))];
    let failed = asked.iter().filter(|(_, one)| !one.good).take(SHOWN);
    evidence.extend(failed.map(|(step, one)| Evidence::new(step.first.frame, one.show, one.what.clone())));
    evidence.extend(left(Some(leaving)));
    let beside = if shaken.place.step.purpose == Purpose::Other { "; the login does not stand on that service" } else { "" };
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: shaken.place.is_drop(case),
        confidence: 0.75,
        summary: format!(
            "the device checks revocation of the certificate of {server}, {}, and it leaves {seconds:.1} s later{beside}",
            failures.join(", ")
        ),
        fix: format!(
            "Make the revocation addresses in the certificate of {server} reachable from the device's network ({}): name, route, \
             firewall, over HTTP; or issue the certificate with an address that is. `curl -v` of it from there must bring the list.",
            hosts.join(", ")
        ),
        evidence,
    })
}

/// How the device left, where it can be for want of an answer: before it took the certificate, or, as Windows does, after both
/// have finished and before a request.
fn gave_up(shaken: &Shaken<'_>) -> Option<Leaving> {
    if let Some(refusal) = shaken.refusal() {
        return refusal.alert().is_none_or(|alert| matches!(alert, 42 | 44 | 46 | 48)).then_some(refusal.leaving);
    }
    let without_request = shaken.tls.is_readable() && shaken.tls.completed() && shaken.tls.client_data.count() == 0;
    shaken.leaving().filter(|leaving| without_request && leaving.side == Side::Client && leaving.how != How::Timeout)
}

/// Hosts of the revocation lists and responders that a chain names, fit to print.
fn hosts(chain: &[Arc<Certificate>]) -> Vec<String> {
    let bodies = chain.iter().filter_map(|certificate| certificate.body.as_ref().ok());
    let places = bodies.flat_map(|body| body.crl_locations.iter().chain(&body.ocsp_locations));
    let mut hosts: Vec<String> = Vec::new();
    for host in places.filter_map(|place| host_of_uri(place.raw())) {
        let host = WireText::from(host).to_string();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// A part of asking whether a certificate is revoked.
struct Asked {
    what: String,
    show: &'static str,
    good: bool,
}

/// If this step is such a part: what it was and whether it went well.
fn fetch(step: &Step, hosts: &[String]) -> Option<Asked> {
    let ours = |name: Option<&WireText>| name.is_some_and(|name| hosts.iter().any(|host| host.eq_ignore_ascii_case(name.raw())));
    let meant = step.purpose == Purpose::Revocation;
    match &step.kind {
        StepKind::Lookup(lookup) if meant || ours(Some(&lookup.name)) => {
            let bad = if lookup.answer.is_some() { "does not resolve" } else { "gets no answer of DNS" };
            Some(Asked { what: format!("{} {bad}", lookup.name), show: "dns", good: lookup.found() })
        }
        StepKind::Connection(connection) if meant || ours(connection.name.as_ref()) => {
            let answers = connection.http.iter().filter_map(|exchange| exchange.response.as_ref());
            let code = answers.map(|(_, answer)| answer.code).next_back();
            let name = connection.name.as_ref().map_or_else(|| connection.flow.server.to_string(), WireText::to_string);
            let what = match code {
                Some(code) => format!("{name} answers with HTTP {code}"),
                None if connection.refused().is_some() => format!("{name} refuses the connection"),
                None if connection.unreachable.is_some() => format!("{name} cannot be reached (ICMP)"),
                None => format!("{name} does not answer"),
            };
            let show = if connection.syn.is_some() { "tcp.flags.syn == 1" } else { "" };
            Some(Asked { what, show, good: code.map_or(step.outcome == Outcome::Ok, |code| code < 400) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::model::{By, Side};

    /// The registrar's connection stays open while the device looks for the list.
    fn checked(between: impl IntoStep, leaves: bool) -> Login {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.crl_locations = vec!["http://crl.contoso.com:80/ca.crl".into(), "ldap:///CN=CA".into()];
        })];
        let tcp = tcp(Purpose::Registrar).hello().server_flight(chain).pause(15.0).act(|wire| wire.skip(50));
        let tcp = if leaves { tcp.leaves(Side::Client, Close::Fin) } else { tcp.client_finished().server_finished() };
        let mut login = Login::new().step(tcp);
        login.attempt.steps.push(between.into_step(20));
        login.dropped_in(0)
    }

    #[test]
    fn a_list_whose_host_does_not_resolve() {
        let found = checked(lookup("crl.contoso.com").rcode(3), true).the(&RULE);
        assert!(found.summary.contains("crl.contoso.com does not resolve, and it leaves"), "{}", found.summary);
        assert!(found.explains_drop);
    }

    #[test]
    fn a_list_that_nobody_serves() {
        let silent = syn(Purpose::Revocation).named("crl.contoso.com").syn_again(2).timed_out(By::Unknown);
        assert!(checked(silent, true).the(&RULE).summary.contains("crl.contoso.com does not answer"));
    }

    /// As Windows does it: the handshake is finished, the request waits.
    fn finished(between: impl IntoStep, asks: bool) -> Login {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.ocsp_locations = vec!["http://ocsp.contoso.com/".into()];
        })];
        let tcp = tcp(Purpose::Other).hello().server_flight(chain).client_finished().server_finished();
        let tcp = tcp.pause(18.0).act(|wire| wire.skip(50));
        let tcp = if asks { tcp.encrypted(Side::Client) } else { tcp };
        let mut login = Login::new().step(tcp.leaves(Side::Client, Close::Fin));
        login.attempt.steps.push(between.into_step(30));
        login
    }

    #[test]
    fn a_client_that_asks_after_the_handshake_and_leaves_without_a_request() {
        let silent = || syn(Purpose::Revocation).named("ocsp.contoso.com").syn_again(2).timed_out(By::Unknown);
        let found = finished(silent(), false).the(&RULE);
        assert!(
            found.summary.contains("ocsp.contoso.com does not answer") && found.summary.contains("does not stand on"),
            "{found:?}"
        );
        assert!(!found.explains_drop);
        finished(silent(), true).nothing(&RULE);
    }

    #[test]
    fn a_list_that_comes_another_name_and_a_device_that_goes_on_without_are_harmless() {
        checked(tcp(Purpose::Revocation).named("crl.contoso.com").get("/ca.crl").answer(200), true).nothing(&RULE);
        checked(lookup("wpad.contoso.com").rcode(3), true).nothing(&RULE);
        checked(lookup("crl.contoso.com").rcode(3), false).nothing(&RULE);
    }
}
