//! `tls-issuer-list-truncated`: the server's list of client CAs is full, and the device finds none of its own in it.

use std::sync::Arc;

use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::x509::Certificate;
use crate::model::{Evidence, Side};

/// Lengths, in bytes, near which Windows cuts its list: 12 228 in older versions, 16 384 in newer ones, less what the next
/// name would have needed.
const FULL: [std::ops::RangeInclusive<usize>; 2] = [11_900..=12_288, 15_900..=16_400];

/// The rule.
pub static RULE: Rule = Rule {
    code: "tls-issuer-list-truncated",
    stage: None,
    weight: Weight::Specific,
    order: 815,
    help: Help {
        what: "The list of CAs in the server's CertificateRequest is as long as the server can send, the CA of the device's certificate \
               is not in it, and the device sends none.",
        why: "Windows servers list their trusted roots and cut the list at a limit. A device whose CA falls off the end finds no \
              certificate to offer, and the server then refuses it.",
        fix: "Remove roots that nobody needs from the server's trusted root store, or do not send the list \
              (SCHANNEL\\SendTrustedIssuerList = 0), and restart the service. A new capture must show a short or empty list.",
        look_alikes: "A device that has no certificate at all sends none to any list: tls-client-certificate-rejected.",
        references: &["RFC 5246 section 7.4.4 (certificate_authorities)", "Microsoft KB 2464556", "Microsoft KB 933430"],
    },
    check: |case| {
        let all: Vec<Shaken<'_>> = handshakes(case).collect();
        all.iter().filter_map(|shaken| found(case, shaken, &all)).collect()
    },
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>, all: &[Shaken<'_>]) -> Option<Found> {
    let (asked, request) = shaken.tls.certificate_request.as_ref()?;
    let (sent, chain) = shaken.tls.client_certificate.as_ref()?;
    let full = FULL.iter().any(|range| range.contains(&request.authorities_length));
    if !full || !chain.is_empty() {
        return None;
    }
    // What the device sends elsewhere shows what its CA is, and whether that is in the list.
    let own = all.iter().filter_map(|other| other.tls.client_certificate.as_ref()).find_map(|(_, chain)| chain.first());
    let issuer = own.and_then(|own: &Arc<Certificate>| own.body.as_ref().ok()).map(|body| &body.issuer);
    if issuer.is_some_and(|issuer| request.authorities.contains(&issuer.der)) {
        return None;
    }
    let left = shaken.leaving().filter(|left| left.side == Side::Server);
    let name = shaken.place.server();
    let (proof, confidence, lacks) = match issuer {
        Some(issuer) => (Proof::Proven, 0.85, format!("it lacks {}", issuer.text)),
        None => (Proof::Inferred, 0.5, "it may lack the device's".to_owned()),
    };
    let summary = format!(
        "the list of {} CAs that {name} sends is full ({} bytes), {lacks}, and the device sends no certificate",
        request.authorities.len(),
        request.authorities_length
    );
    let mut evidence = vec![
        Evidence::new(asked.frame, "tls.handshake.type == 13", format!("a list of {} bytes", request.authorities_length)),
        Evidence::new(sent.frame, "tls.handshake.type == 11", "the device sends no certificate"),
    ];
    evidence.extend(left.map(|left| left.evidence(format!("the server {}", left.words()))));
    Some(Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof,
        explains_drop: left.is_some() && leads_to_drop(case, shaken.place.index),
        confidence,
        summary,
        fix: format!(
            "Remove roots that nobody needs from the trusted root store of {name}, or set SCHANNEL\\SendTrustedIssuerList to 0 there and \
             restart the service. A new capture must show a shorter CertificateRequest, and a certificate of the device."
        ),
        evidence,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    fn asked(length: usize) -> Tcp {
        let list = vec![b"CN=First".to_vec(), b"CN=Second".to_vec()];
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).certificate_request(list, length);
        tcp.client_certificate(vec![]).client_finished().alert(Side::Server, 2, 40)
    }

    #[test]
    fn a_full_list_may_lack_the_devices_ca() {
        let found = Login::new().step(asked(16_330)).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "the list of 2 CAs that pool.contoso.com (10.0.0.5:5061) sends is full (16330 bytes), it may lack the device's, and the \
             device sends no certificate"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
    }

    #[test]
    fn a_certificate_sent_elsewhere_tells_whether_its_ca_is_missing() {
        let elsewhere = |issuer: &str| {
            let own = certificate("CN=phone", issuer);
            let tcp = tcp(Purpose::Provision).hello().server_flight(vec![leaf()]).certificate_request(vec![], 0);
            Login::new().step(tcp.client_certificate(vec![own]).client_finished().server_finished())
        };
        assert_eq!(elsewhere("CN=Phone CA").step(asked(16_330)).dropped().the(&RULE).proof, Proof::Proven);
        elsewhere("CN=Second").step(asked(16_330)).dropped().nothing(&RULE);
    }

    #[test]
    fn a_short_list_is_whole() {
        Login::new().step(asked(900)).dropped().nothing(&RULE);
    }
}
