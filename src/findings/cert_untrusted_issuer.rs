//! `cert-untrusted-issuer`: the chain does not lead to a CA that the device has.

use crate::findings::shared::alert;
use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::alert_name;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::model::Evidence;
use crate::text::WireText;
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-untrusted-issuer",
    stage: None,
    weight: Weight::Specific,
    order: 620,
    help: Help {
        what: "The server's chain does not lead to a CA that the device fetched or is known to hold, or the device said so itself \
               with alert 48 (unknown_ca).",
        why: "A phone trusts the CAs of its firmware and those that it fetched during enrolment, no others. A chain that ends \
              elsewhere ends the handshake after the Certificate.",
        fix: "Give the device the root of the server's chain: publish it where the device fetches its CAs (for Active Directory: \
              `certutil -f -dspublish root.cer RootCA`; else the certsrv bundle, the pool's chain or the provisioning file), or \
              issue the server's certificate by a CA that the device has. Check with `openssl verify -CAfile root.pem server.pem`.",
        look_alikes: "An intermediate that nobody sends is cert-missing-intermediate; one that the fetched bundle ought to have held is \
                      enrolment-chain-incomplete. A renewed CA keeps its name and changes its key: compare key identifiers, not \
                      names. An inspection proxy in the path is tls-intercepted.",
        references: &["RFC 5246 section 7.2.2 (unknown_ca)", "RFC 5280 section 6.1 (path validation)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let judged = chain::judged(case);
    let mut all: Vec<Found> = judged.iter().filter_map(|judged| found(case, judged)).collect();
    all.extend(told(case, &judged));
    all
}

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let untrusted = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::UntrustedIssuer { .. }));
    let fault = untrusted.or_else(|| judged.faults.iter().find(|fault| fault.kind == FaultKind::BadSignature))?;
    let (server, show) = (judged.place().server(), judged.show());
    let mut found = match &fault.kind {
        FaultKind::UntrustedIssuer { issuer } => {
            let issuer = WireText::from(issuer.as_str());
            let held = match judged.fetched {
                [] => format!("a CA that {} is not known to hold", case.profile.title),
                [_] => "a CA other than the one that the device fetched".to_owned(),
                more => format!("none of the {} CAs that the device fetched", more.len()),
            };
            let summary = format!("the chain of {server} leads to {issuer}, {held}");
            let fix = format!(
                "Deliver the root of {issuer} to the device by the way by which it fetches its CAs (Active Directory: `certutil -f \
                 -dspublish root.cer RootCA`), or issue the certificate of {server} by a CA that the device has. Compare `{show}` \
                 with what the device fetches."
            );
            certificate_found(case, judged, fault, summary, fix)
        }
        _ => {
            let which = judged.which(fault.certificate);
            let issuer =
                judged.body(fault.certificate).map_or_else(|| "its issuer".to_owned(), |body| body.issuer.text.to_string());
            let summary = format!("the signature on {which} does not verify with the key of {issuer} that was sent or fetched");
            let fix = format!(
                "The CA certificate in use bears the right name and another key (a renewed CA keeps its name), or the certificate is \
                 damaged: compare the authority key identifier in `{show} | openssl x509 -noout -text` with the subject key \
                 identifier of the CA certificate that the device has, and deliver the matching one."
            );
            certificate_found(case, judged, fault, summary, fix)
        }
    };
    for (frame, certificate) in judged.fetched.iter().rev().take(2) {
        let subject = certificate.body.as_ref().map_or_else(|_| "a certificate".to_owned(), |body| body.subject.text.to_string());
        found.evidence.push(Evidence::new(*frame, "", format!("the device fetches {subject}")));
    }
    Some(found)
}

/// The device says unknown_ca, and no fault of the chain says why. (A gap that has a name of its own goes by that.)
fn told(case: &Case<'_>, judged: &[Judged<'_>]) -> Vec<Found> {
    let explained = |index: usize| {
        judged.iter().any(|one| one.place().index == index && one.faults.iter().any(|fault| alert::is_gap(&fault.kind)))
    };
    let alerted = alert::alerted(case, 48).into_iter().filter(|(shaken, _)| !explained(shaken.place.index));
    alerted
        .map(|(shaken, leaving)| {
            let server = shaken.place.server();
            // Which kind of gap it is, only a chain that can be read would show.
            let is_readable = judged.iter().any(|one| one.place().index == shaken.place.index);
            let confidence = if is_readable { 0.9 } else { 0.7 };
            let issuer = judged.iter().find(|one| one.place().index == shaken.place.index).and_then(top_issuer);
            let issuer = issuer.map(|issuer| format!(", issued by {issuer}")).unwrap_or_default();
            let summary = format!("the device says {} to the certificate of {server}{issuer}", alert_name(48));
            let fix = format!(
                "Deliver the root of the chain of {server} to the device, and have the server send every intermediate: compare \
                 `openssl s_client -connect {} -showcerts` with the CAs that the device holds.",
                shaken.place.target()
            );
            alert::told_found(case, &shaken, leaving, confidence, summary, fix)
        })
        .collect()
}

/// The issuer of the last certificate of a chain.
fn top_issuer(judged: &Judged<'_>) -> Option<String> {
    judged.chain.last()?.body.as_ref().ok().map(|body| body.issuer.text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::{Frame, Side};

    fn untrusted(certainty: f32) -> [crate::trust::Fault; 1] {
        [fault(FaultKind::UntrustedIssuer { issuer: "CN=Contoso Root".to_owned() }, certainty)]
    }

    #[test]
    fn a_chain_to_a_ca_that_was_not_fetched_is_proven() {
        let other = certificate("CN=Old Root", "CN=Old Root");
        let login = Login::new()
            .step(lookup("ca.contoso.com").address("10.0.0.7"))
            .step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin))
            .dropped()
            .knowing(|known| known.fetched.push((Frame::new(1), other)));
        let found = found(&login.case(), &chain::judged_as(&login.case(), &untrusted(1.0))[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the chain of pool.contoso.com (10.0.0.5:5061) leads to CN=Contoso Root, a CA other than the one that the device fetched"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert_eq!(found.evidence.len(), 3);
    }

    #[test]
    fn what_is_only_inferred_is_told_once_the_device_says_it() {
        let login = refused_saying(48, vec![leaf()]);
        let said = found(&login.case(), &chain::judged_as(&login.case(), &untrusted(0.5))[0]).unwrap();
        assert_eq!(said.proof, Proof::Told);
        assert!(said.confidence > 0.85);
        let silent = refused(vec![leaf()]);
        let silent = found(&silent.case(), &chain::judged_as(&silent.case(), &untrusted(0.5))[0]).unwrap();
        assert_eq!(silent.proof, Proof::Inferred);
        assert!(silent.confidence < 0.55);
    }

    #[test]
    fn the_alert_counts_even_where_no_chain_can_be_read() {
        let cut = tcp(Purpose::Registrar).hello().alert(Side::Client, 2, 48).leaves(Side::Client, Close::Fin);
        let found = Login::new().step(cut).dropped().the(&RULE);
        assert_eq!((found.proof, found.explains_drop), (Proof::Told, true));
        assert_eq!(found.evidence[0].display_filter, "frame.number == 4 && tls.alert_message.desc == 48");
    }

    #[test]
    fn the_servers_unknown_ca_speaks_of_the_clients_certificate() {
        let refused = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().alert(Side::Server, 2, 48);
        Login::new().step(refused).dropped().nothing(&RULE);
    }
}
