//! `cert-revocation-unreachable`: the revocation list or responder cannot be reached, and the device then gives up.

use std::sync::Arc;

use crate::findings::shared::chain::left;
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::Leaving;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::names::host_of_uri;
use crate::formats::revocation::{self, Useless};
use crate::formats::x509::Certificate;
use crate::login::steps::{Connection, Purpose, Step, StepKind};
use crate::model::{At, Evidence, How, Outcome, Side, Time};
use crate::protocols::http;
use crate::protocols::ldap::{Search, code};
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
        what: "After the server's Certificate the device asks for the revocation list or the OCSP responder that it names, gets nothing \
               that tells (no answer, a web page, a list that is out of date), and then leaves without a request.",
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
    let places = places(chain);
    let during = |step: &&Step| step.first.frame > at.frame && step.first.frame < leaving.at.frame;
    let asked: Vec<(&Step, Asked)> =
        case.attempt.steps.iter().filter(during).filter_map(|step| Some((step, fetch(step, &places)?))).collect();
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
        vec![Evidence::new(at.frame, "tls.handshake.type == 11", format!("the chain of {server} names {}", places.words()))];
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
            places.words()
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

/// Where a chain says that revocation can be asked about.
#[derive(Default)]
struct Places {
    /// Hosts of the lists and responders, fit to print.
    hosts: Vec<String>,
    /// Does it name the client's own directory (`ldap:///CN=…`)?
    directory: bool,
}

impl Places {
    fn words(&self) -> String {
        let directory = self.directory.then_some("the directory of the domain (LDAP)");
        self.hosts.iter().map(String::as_str).chain(directory).collect::<Vec<_>>().join(", ")
    }
}

fn places(chain: &[Arc<Certificate>]) -> Places {
    let bodies = chain.iter().filter_map(|certificate| certificate.body.as_ref().ok());
    let mut places = Places::default();
    for place in bodies.flat_map(|body| body.crl_locations.iter().chain(&body.ocsp_locations)) {
        // Without a host it is that of whoever asks (RFC 4516 section 2).
        places.directory |= place.raw().get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("ldap:///"));
        let host = host_of_uri(place.raw()).map(|host| WireText::from(host).to_string());
        if let Some(host) = host.filter(|host| !places.hosts.contains(host)) {
            places.hosts.push(host);
        }
    }
    places
}

/// A part of asking whether a certificate is revoked.
struct Asked {
    what: String,
    show: &'static str,
    good: bool,
}

/// If this step is such a part: what it was and whether it went well.
fn fetch(step: &Step, places: &Places) -> Option<Asked> {
    let ours =
        |name: Option<&WireText>| name.is_some_and(|name| places.hosts.iter().any(|host| host.eq_ignore_ascii_case(name.raw())));
    let meant = step.purpose == Purpose::Revocation;
    match &step.kind {
        StepKind::Lookup(lookup) if meant || ours(Some(&lookup.name)) => {
            let bad = if lookup.answer.is_some() { "does not resolve" } else { "gets no answer of DNS" };
            Some(Asked { what: format!("{} {bad}", lookup.name), show: "dns", good: lookup.found() })
        }
        StepKind::Connection(connection) if meant || ours(connection.name.as_ref()) => {
            let answer = connection.http.iter().filter_map(|exchange| exchange.response.as_ref()).next_back();
            let (code, useless) = (answer.map(|(_, answer)| answer.code), answer.and_then(useless));
            let name = name(connection);
            let what = match code {
                Some(_) if useless.is_some() => format!("{name} {}", useless.as_deref().unwrap_or_default()),
                Some(code) => format!("{name} answers with HTTP {code}"),
                None if connection.refused().is_some() => format!("{name} refuses the connection"),
                None if connection.unreachable.is_some() => format!("{name} cannot be reached (ICMP)"),
                None => format!("{name} does not answer"),
            };
            let show = if connection.syn.is_some() { "tcp.flags.syn == 1" } else { "" };
            let good = useless.is_none() && code.map_or(step.outcome == Outcome::Ok, |code| code < 400);
            Some(Asked { what, show, good })
        }
        StepKind::Connection(connection) if places.directory && is_of_directory(connection) => {
            from_directory(connection, step.outcome)
        }
        _ => None,
    }
}

fn name(connection: &Connection) -> String {
    connection.name.as_ref().map_or_else(|| connection.flow.server.to_string(), WireText::to_string)
}

/// What an answer brings instead of what would tell whether a certificate is revoked.
fn useless((at, answer): &(At, Arc<http::Response>)) -> Option<String> {
    if answer.code != 200 || !answer.body.complete || answer.body.bytes.is_empty() {
        return None;
    }
    tells_nothing(&answer.body.bytes, at.time)
}

fn tells_nothing(fetched: &[u8], now: Time) -> Option<String> {
    Some(match revocation::useless(fetched, now)? {
        Useless::Neither => "answers with something that is no revocation list".to_owned(),
        Useless::Refused(status) => format!("answers that it cannot tell (OCSP status {status})"),
        Useless::OutOfDate(end) => format!("answers with what went out of date on {end}"),
    })
}

/// LDAP, and the global catalogue of a forest.
fn is_of_directory(connection: &Connection) -> bool {
    matches!(connection.flow.server.port(), 389 | 3268)
}

/// How the search for a list in the directory went, or that there was none to be reached.
fn from_directory(connection: &Connection, outcome: Outcome) -> Option<Asked> {
    let name = name(connection);
    let search = connection.ldap.iter().rev().find(|one| one.search().is_some_and(Search::is_for_revocation_list));
    let (what, show) = match search {
        Some(search) => match search.outcome() {
            Some(outcome) if outcome.code != code::SUCCESS => {
                (format!("{name} says {} to the search for it", outcome.code), "ldap")
            }
            Some(_) if search.entries == 0 => (format!("{name} finds none"), "ldap"),
            Some(_) => {
                let useless = search.revocation_list.as_ref().and_then(|(at, list)| tells_nothing(list, at.time));
                (useless.map(|what| format!("{name} {what}")).unwrap_or_default(), "ldap")
            }
            None => (format!("{name} does not answer the search for it"), "ldap"),
        },
        None if outcome == Outcome::Failed && connection.ldap.is_empty() => {
            (format!("{name} (LDAP) does not answer"), "tcp.flags.syn == 1")
        }
        None => return None,
    };
    Some(Asked { good: what.is_empty(), what, show })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::model::{By, Side};
    use crate::protocols::ldap;

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
    fn an_answer_that_tells_nothing_is_as_good_as_none() {
        let answered = |code: u16, body: &[u8]| {
            let body: Arc<[u8]> = body.into();
            let got = tcp(Purpose::Revocation).named("crl.contoso.com").get("/ca.crl").answer_with(code, move |answer| {
                answer.body = http::Body { bytes: body, complete: true, arrived: true };
            });
            checked(got, true)
        };
        let found = answered(200, b"<html>Please log in</html>").the(&RULE);
        assert!(found.summary.contains("crl.contoso.com answers with something that is no revocation list, and it"), "{found:?}");
        assert!(answered(200, &[0x30, 3, 0x0a, 1, 3]).the(&RULE).summary.contains("cannot tell (OCSP status 3)"));
        answered(200, &revocation::samples::bytes(revocation::samples::LIST)).nothing(&RULE);
    }

    #[test]
    fn a_directory_that_does_not_hold_the_list() {
        let searched = |code: u32, entries: u32| {
            let mut search = ldap_search("(objectClass=cRLDistributionPoint)");
            if let ldap::Body::Search(search) = &mut search {
                search.attributes = vec!["certificateRevocationList;binary".into()];
            }
            let done = ldap::Body::Done(ldap::Outcome { code, text: WireText::default() });
            let tcp = tcp(Purpose::Directory).named("dc1.contoso.com").to("10.0.0.9", 389);
            checked(tcp.ldap(search, Some(done)).last_search(move |search| search.entries = entries), true)
        };
        let found = searched(32, 0).the(&RULE);
        assert!(found.summary.contains("dc1.contoso.com says 32 to the search for it, and it leaves"), "{found:?}");
        assert!(searched(0, 0).the(&RULE).summary.contains("dc1.contoso.com finds none"));
        searched(0, 1).nothing(&RULE);
        let list = revocation::samples::bytes(revocation::samples::LIST);
        let ends = Time::from_seconds(2_200_000_000);
        assert!(
            tells_nothing(&list, ends).is_some_and(|what| what.starts_with("answers with what went out of date on 2036-11-20"))
        );
    }

    #[test]
    fn a_list_that_comes_another_name_and_a_device_that_goes_on_without_are_harmless() {
        checked(tcp(Purpose::Revocation).named("crl.contoso.com").get("/ca.crl").answer(200), true).nothing(&RULE);
        checked(lookup("wpad.contoso.com").rcode(3), true).nothing(&RULE);
        checked(lookup("crl.contoso.com").rcode(3), false).nothing(&RULE);
    }
}
