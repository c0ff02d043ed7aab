//! `cert-revoked`: a revocation list or responder in the capture says so, or the device does.

use crate::findings::shared::alert;
use crate::findings::shared::chain::{self, left};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::{Place, alert_name};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::revocation;
use crate::model::{At, Evidence};
use crate::protocols::http;
use crate::trust::Link;

/// What a server can send with its chain (RFC 6066 section 8).
const STAPLED: &str = "the OCSP response that the server itself staples to its chain";

/// What a directory can hold (RFC 4523 section 2.5).
const LISTED: &str = "a revocation list from the directory";

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-revoked",
    stage: None,
    weight: Weight::Specific,
    order: 750,
    help: Help {
        what: "A certificate of the server's chain is revoked: a revocation list or OCSP response in the capture says so, or the device \
               says so with alert 44 (certificate_revoked).",
        why: "A device that checks revocation refuses the certificate for good.",
        fix: "Issue a new certificate and bind it to the service; ask whoever revoked the old one why. Check with `certutil -verify \
              -urlfetch server.cer` or `openssl ocsp`.",
        look_alikes: "An OCSP answer 'unknown' is not 'revoked'. A list that cannot be fetched is cert-revocation-unreachable.",
        references: &["RFC 5280 section 5 (revocation lists)", "RFC 6960 section 2.2 (OCSP responses)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let judged = chain::judged(case);
    let proven: Vec<Found> = judged.iter().filter_map(|judged| proven(case, judged)).collect();
    let mut all = told(case, &proven);
    all.extend(proven);
    all
}

/// A list or responder in the same attempt names a certificate of the chain.
fn proven(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let links = (0..judged.chain.len()).map(Link::Sent);
    let (link, at, what) = links.filter_map(|link| said_of(case, judged, link)).next()?;
    let (which, server) = (judged.which(Some(link)), judged.place().server());
    let serial = &judged.body(Some(link))?.serial;
    let show = match what {
        STAPLED => "tls.handshake.type == 22",
        LISTED => "ldap",
        _ => "http.response",
    };
    let mut evidence = vec![
        Evidence::new(judged.at.frame, "tls.handshake.type == 11", format!("{server} sends {which}, serial {serial}")),
        Evidence::new(at.frame, show, format!("{what} says that it is revoked")),
    ];
    evidence.extend(left(judged.shaken.leaving()));
    Some(Found {
        stage: judged.place().step.stage,
        step: Some(judged.place().index),
        proof: Proof::Proven,
        explains_drop: judged.place().is_drop(case) && judged.refusal.is_some(),
        confidence: 0.93,
        summary: format!("{which} is revoked: {what} in this capture holds its serial number {serial}"),
        fix: fix(&judged.place(), &which),
        evidence,
    })
}

/// What in the attempt says that this certificate is revoked.
fn said_of(case: &Case<'_>, judged: &Judged<'_>, link: Link) -> Option<(Link, At, &'static str)> {
    let body = judged.body(Some(link))?;
    let stapled = judged.shaken.tls.stapled.as_ref().filter(|(_, response)| revocation::responder_says_revoked(response, body));
    if let Some((at, _)) = stapled {
        return Some((link, *at, STAPLED));
    }
    let searches = case.attempt.connections().flat_map(|(_, connection)| &connection.ldap);
    let mut listed = searches.filter_map(|search| search.revocation_list.as_ref());
    if let Some((at, _)) = listed.find(|(_, list)| revocation::list_holds(list, body)) {
        return Some((link, *at, LISTED));
    }
    case.attempt.exchanges().filter_map(|(_, _, exchange)| exchange.response.as_ref()).find_map(|(at, response)| {
        let bytes: &[u8] = &response.body.bytes;
        let whole = response.code == 200 && response.body.complete;
        match () {
            () if !whole || is_page(response) => None,
            () if revocation::responder_says_revoked(bytes, body) => Some((link, *at, "an OCSP response")),
            () if revocation::list_holds(bytes, body) => Some((link, *at, "a revocation list")),
            () => None,
        }
    })
}

fn is_page(response: &http::Response) -> bool {
    response.content_type.as_ref().is_some_and(|kind| kind.raw().starts_with("text/"))
}

/// The device says certificate_revoked where nothing in the capture shows it.
fn told(case: &Case<'_>, proven: &[Found]) -> Vec<Found> {
    let shown = |index: usize| proven.iter().any(|found| found.step == Some(index));
    let alerted = alert::alerted(case, 44).into_iter().filter(|(shaken, _)| !shown(shaken.place.index));
    alerted
        .map(|(shaken, leaving)| {
            let server = shaken.place.server();
            let summary = format!("the device says {} to the certificate of {server}", alert_name(44));
            let which = "the certificate".to_owned();
            alert::told_found(case, &shaken, leaving, 0.9, summary, fix(&shaken.place, &which))
        })
        .collect()
}

fn fix(place: &Place<'_>, which: &str) -> String {
    format!(
        "Replace {which} on {} by a new one, and ask its CA why it was revoked. `openssl s_client -connect {} -status` and `certutil \
         -verify -urlfetch server.cer` must then show one that is good.",
        place.server(),
        place.target()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::formats::revocation::samples;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    /// The device fetches this after it was given a certificate with this serial number.
    fn fetched(serial: &str, kind: &'static str, body: &str) -> Login {
        let bytes = samples::bytes(body);
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.serial = serial.to_owned();
            body.issuer.der = samples::bytes("301d311b301906035504030c12436f6e746f736f2049737375696e67204341");
        })];
        let list = tcp(Purpose::Revocation).get("/ca.crl").answer_with(200, move |answer| {
            answer.content_type = Some(kind.into());
            answer.body = http::Body { bytes: bytes.into(), complete: true, arrived: true };
        });
        Login::new()
            .step(list)
            .step(tcp(Purpose::Registrar).hello().server_flight(chain).leaves(Side::Client, Close::Fin))
            .dropped()
    }

    #[test]
    fn lists_and_responders_in_the_capture_prove_it() {
        let found = fetched("1a2b", "application/pkix-crl", samples::LIST).the(&RULE);
        assert_eq!(
            found.summary,
            "the server's certificate (CN=pool.contoso.com) is revoked: a revocation list in this capture holds its serial number 1a2b"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert!(fetched("1a2b", "application/ocsp-response", samples::REVOKED).the(&RULE).summary.contains("an OCSP response"));
        fetched("77", "application/pkix-crl", samples::LIST).nothing(&RULE);
        fetched("77", "application/ocsp-response", samples::GOOD).nothing(&RULE);
    }

    #[test]
    fn what_the_server_staples_to_its_chain_proves_it_too() {
        let stapled = |response: &str| {
            let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
                body.serial = "1a2b".to_owned();
                body.issuer.der = samples::bytes("301d311b301906035504030c12436f6e746f736f2049737375696e67204341");
            })];
            let response: std::sync::Arc<[u8]> = samples::bytes(response).into();
            let flight = tcp(Purpose::Registrar).hello().server_flight(chain).change(|connection| {
                let tls = connection.tls.as_mut().unwrap();
                tls.stapled = tls.certificate.as_ref().map(|(at, _)| (*at, response));
            });
            Login::new().step(flight.leaves(Side::Client, Close::Fin)).dropped()
        };
        let found = stapled(samples::REVOKED).the(&RULE);
        assert!(found.summary.contains("the server itself staples to its chain in this capture holds its serial number 1a2b"));
        assert!(found.evidence[1].display_filter.ends_with("tls.handshake.type == 22"));
        stapled(samples::GOOD).nothing(&RULE);
    }

    #[test]
    fn a_list_from_the_directory_proves_it_too() {
        let listed = |serial: &'static str| {
            let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", move |body| {
                body.serial = serial.to_owned();
                body.issuer.der = samples::bytes("301d311b301906035504030c12436f6e746f736f2049737375696e67204341");
            })];
            let done = crate::protocols::ldap::Body::Done(crate::protocols::ldap::Outcome { code: 0, text: "".into() });
            let search = tcp(Purpose::Directory).to("10.0.0.9", 389).ldap(ldap_search("(objectClass=*)"), Some(done));
            let search =
                search.last_search(|search| search.revocation_list = Some((at(1), samples::bytes(samples::LIST).into())));
            let refused = tcp(Purpose::Registrar).hello().server_flight(chain).leaves(Side::Client, Close::Fin);
            Login::new().step(search).step(refused).dropped()
        };
        assert!(listed("1a2b").the(&RULE).summary.contains("a revocation list from the directory in this capture holds"));
        listed("77").nothing(&RULE);
    }

    #[test]
    fn alert_44_is_the_devices_word() {
        let found = refused_saying(44, vec![leaf()]).the(&RULE);
        assert_eq!(
            found.summary,
            "the device says 44 (certificate_revoked) to the certificate of pool.contoso.com (10.0.0.5:5061)"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Told, true));
    }

    #[test]
    fn other_alerts_other_bodies_and_the_servers_alert_say_nothing() {
        refused_saying(46, vec![leaf()]).nothing(&RULE);
        let given = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).alert(Side::Server, 2, 44);
        Login::new().step(tcp(Purpose::Revocation).get("/ca.crl").answer(200)).step(given).dropped().nothing(&RULE);
    }
}
