//! `cert-revocation-unreachable`: the revocation list or responder cannot be reached, and the device then gives up.

use crate::findings::shared::chain::{self, Judged, left};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, Step, StepKind};
use crate::model::{Evidence, Outcome};
use crate::text::WireText;
use crate::trust::Link;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-revocation-unreachable",
    stage: None,
    weight: Weight::Specific,
    order: 760,
    help: Help {
        what: "After the server's Certificate the device asks for the revocation list or the OCSP responder that it names, gets nothing, \
               and then leaves the handshake.",
        why: "A device that insists on knowing whether the certificate is revoked takes silence for a no.",
        fix: "Publish the list where the phones can fetch it: over HTTP, at a name that resolves inside (an LDAP address serves members of \
              the domain only), and let them through the firewall. On a Windows CA set the CDP extension, issue the certificate again, \
              and check with `certutil -url server.cer` or `curl -v URL`.",
        look_alikes: "A device that goes on with ClientKeyExchange has done without the list: harmless.",
        references: &["RFC 5280 section 4.2.1.13 (CRL distribution points)", "RFC 6960 (OCSP)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let refusal = judged.refusal.filter(|refusal| refusal.alert().is_none_or(|alert| matches!(alert, 42 | 44 | 46 | 48)))?;
    let hosts = hosts(judged);
    let during = |step: &&Step| step.first.frame > judged.at.frame && step.first.frame < refusal.leaving.at.frame;
    let asked: Vec<(&Step, String, bool)> = case
        .attempt
        .steps
        .iter()
        .filter(during)
        .filter_map(|step| fetch(step, &hosts).map(|(what, good)| (step, what, good)))
        .collect();
    // A name that resolves is only a beginning; a fetch that works after one that fails makes up for it.
    let (step, what, good) = asked.last()?;
    if *good {
        return None;
    }
    let server = judged.place().server();
    let seconds = refusal.leaving.at.time.seconds_since(step.last.time);
    let mut evidence = vec![
        Evidence::new(judged.at.frame, "tls.handshake.type == 11", format!("the chain of {server} names {}", hosts.join(", "))),
        Evidence::new(step.first.frame, "", what.clone()),
    ];
    evidence.extend(left(Some(refusal.leaving)));
    Some(Found {
        stage: judged.place().step.stage,
        step: Some(judged.place().index),
        proof: Proof::Told,
        explains_drop: judged.place().is_drop(case),
        confidence: 0.75,
        summary: format!(
            "the device checks revocation of the certificate of {server}, {what}, and it leaves {seconds:.1} s later"
        ),
        fix: format!(
            "Make the revocation addresses in the certificate of {server} reachable from the phone's network ({}): name, route, firewall, \
             over HTTP; or issue the certificate with an address that is. `curl -v` of it from there must bring the list.",
            hosts.join(", ")
        ),
        evidence,
    })
}

/// Hosts of the revocation lists and responders that a chain names.
fn hosts(judged: &Judged<'_>) -> Vec<String> {
    let bodies = (0..judged.chain.len()).filter_map(|index| judged.body(Some(Link::Sent(index))));
    let places = bodies.flat_map(|body| body.crl_locations.iter().chain(&body.ocsp_locations));
    let mut hosts: Vec<String> = Vec::new();
    for host in places.filter_map(host) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The host of a URI, made fit to print.
fn host(uri: &WireText) -> Option<String> {
    let (_, rest) = uri.raw().split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty()).then(|| WireText::from(host).to_string())
}

/// If this step is a part of fetching a revocation list: what it was and whether it went well.
fn fetch(step: &Step, hosts: &[String]) -> Option<(String, bool)> {
    let ours = |name: Option<&WireText>| name.is_some_and(|name| hosts.iter().any(|host| host.eq_ignore_ascii_case(name.raw())));
    let meant = step.purpose == Purpose::Revocation;
    match &step.kind {
        StepKind::Lookup(lookup) if meant || ours(Some(&lookup.name)) => {
            let bad = if lookup.answer.is_some() { "does not resolve" } else { "gets no answer of DNS" };
            Some((format!("{} {bad}", lookup.name), lookup.found()))
        }
        StepKind::Connection(connection) if meant || ours(connection.name.as_ref()) => {
            let code = connection
                .http
                .iter()
                .filter_map(|exchange| exchange.response.as_ref())
                .map(|(_, answer)| answer.code)
                .next_back();
            let name = connection.name.as_ref().map_or_else(|| connection.flow.server.to_string(), WireText::to_string);
            let what = match code {
                Some(code) => format!("{name} answers with HTTP {code}"),
                None => format!("{name} does not answer"),
            };
            Some((what, code.map_or(step.outcome == Outcome::Ok, |code| code < 400)))
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

    #[test]
    fn a_list_that_comes_another_name_and_a_device_that_goes_on_without_are_harmless() {
        checked(tcp(Purpose::Revocation).named("crl.contoso.com").get("/ca.crl").answer(200), true).nothing(&RULE);
        checked(lookup("wpad.contoso.com").rcode(3), true).nothing(&RULE);
        checked(lookup("crl.contoso.com").rcode(3), false).nothing(&RULE);
    }
}
