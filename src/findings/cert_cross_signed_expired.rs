//! `cert-cross-signed-expired`: the path sent ends in an expired cross-signed root.

use crate::device::servers::Servers;
use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::model::Evidence;
use crate::trust::{Fault, FaultKind, Link, root_of};

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-cross-signed-expired",
    stage: None,
    weight: Weight::Specific,
    order: 630,
    help: Help {
        what: "The chain that the server sends ends in a cross-signed CA certificate that has expired, although a valid \
               certificate of the same CA exists.",
        why: "Old TLS stacks follow the chain just as it was sent and do not look for another way. They meet the expired \
              certificate and leave, often with alert 45, while newer devices go on.",
        fix: "Take the expired cross-signed certificate out of the chain that the server sends (and, on Windows, out of its \
              intermediate store), so that the chain ends below the valid root; give the device that root if it lacks it. Check \
              with `openssl s_client -connect server:5061 -showcerts`.",
        look_alikes: "An expired certificate of the server itself is cert-expired.",
        references: &["RFC 4158 section 2.4 (cross-certificates and path building)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| fault.kind == FaultKind::CrossSignedExpired)?;
    let server = judged.place().server();
    let which = judged.which(fault.certificate);
    let since = judged.body(fault.certificate).map(|body| format!(" on {}", body.not_after.whole_seconds())).unwrap_or_default();
    let summary = format!("the chain of {server} ends in {which}, which expired{since}, although a valid one of that CA exists");
    let fix = format!(
        "Take {which} out of the chain that {server} sends, so that the device follows the valid certificate of that CA. `{}` must \
         then no longer show it.",
        judged.show()
    );
    let mut found = certificate_found(case, judged, fault, summary, fix);
    let roots = case.servers.map_or(&[][..], Servers::roots);
    let mut sent = judged.chain.iter().filter_map(|certificate| certificate.body.as_ref().ok());
    if let Some((frame, _)) = sent.find_map(|body| root_of(body, judged.at.time, roots)) {
        let text = "a server sends the valid certificate of that CA";
        found.evidence.push(Evidence::new(*frame, "tls.handshake.type == 11", text));
    } else if let Some(text) = issued_since(judged, fault) {
        found.evidence.push(Evidence::new(judged.at.frame, "tls.handshake.type == 11", text));
    }
    Some(found)
}

/// What was issued below the expired certificate after its end shows that the CA has another one.
fn issued_since(judged: &Judged<'_>, fault: &Fault) -> Option<String> {
    let Some(Link::Sent(index)) = fault.certificate else { return None };
    let ended = judged.body(fault.certificate)?.not_after;
    let below = (0..index).find(|index| judged.body(Some(Link::Sent(*index))).is_some_and(|body| body.not_before > ended))?;
    let (below, issued) = (Some(Link::Sent(below)), judged.body(Some(Link::Sent(below)))?.not_before);
    Some(format!(
        "{} was issued on {}, after that end: the CA has another certificate",
        judged.which(below),
        issued.whole_seconds()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;
    use crate::model::Time;

    #[test]
    fn an_old_stack_follows_the_expired_path() {
        let cross = certificate("CN=ISRG Root X1", "CN=DST Root CA X3");
        let expired = [Fault { certificate: Some(Link::Sent(1)), kind: FaultKind::CrossSignedExpired, certainty: 1.0 }];
        let login = refused_saying(45, vec![leaf(), cross.clone()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &expired)[0]).unwrap();
        fit_to_print(&found);
        assert!(found.summary.contains("(CN=ISRG Root X1), which expired on 2010-01-01T00:00:00Z"), "{}", found.summary);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert!(chain::judged_as(&accepted(vec![leaf(), cross]).case(), &expired).is_empty(), "a newer one does not");
    }

    #[test]
    fn what_was_issued_after_the_end_of_the_old_path_shows_that_the_ca_has_another_certificate() {
        let cross = certificate("CN=ISRG Root X1", "CN=DST Root CA X3");
        let of = |issued: i64| {
            let own = certificate_with("CN=pool.contoso.com", "CN=R3", |body| {
                (body.not_before, body.not_after) = (Time::from_seconds(issued), Time::from_seconds(1_300_000_000));
            });
            refused_saying(45, vec![own, certificate("CN=R3", "CN=ISRG Root X1"), cross.clone()])
        };
        let expired = [Fault { certificate: Some(Link::Sent(2)), kind: FaultKind::CrossSignedExpired, certainty: 1.0 }];
        let since = |login: &Login| {
            let evidence = found(&login.case(), &chain::judged_as(&login.case(), &expired)[0]).unwrap().evidence;
            evidence.iter().any(|proof| proof.text.contains("the CA has another certificate"))
        };
        assert!(since(&of(1_270_000_000)));
        assert!(!since(&of(1_250_000_000)));
    }

    #[test]
    fn the_root_that_another_server_sends_shows_that_there_is_a_good_path() {
        let ended = at(1).time.plus(-1);
        let cross = certificate_with("CN=Contoso Issuing CA", "CN=Old Root", |body| body.not_after = ended);
        let login = || refused_saying(45, vec![leaf(), cross.clone()]);
        let root = certificate("CN=Contoso Issuing CA", "CN=Contoso Issuing CA");
        let found = login().beside("10.0.0.9", None, &[leaf(), root]).the(&RULE);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert_eq!(found.evidence.last().unwrap().frame, crate::model::Frame::new(100));
        login().nothing(&RULE);
        let renewed = certificate_with("CN=Contoso Issuing CA", "CN=Contoso Issuing CA", |body| body.not_after = ended);
        login().beside("10.0.0.9", None, &[leaf(), renewed]).nothing(&RULE);
    }
}
