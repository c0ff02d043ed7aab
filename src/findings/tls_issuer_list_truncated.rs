//! `tls-issuer-list-truncated`: the server's list of client CAs is full, and the device finds none of its own in it.

use crate::findings::shared::client_certificate::{gives_none, goes_on, refuses_client};
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::leads_to_drop;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::formats::x509::Name;
use crate::model::Evidence;
use crate::protocols::tls::CertificateRequest;
use crate::trust::is_called_intermediate;

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
        look_alikes: "A device that has no certificate at all sends none to any list, and one that finds its CA in the list and sends none \
                      has none of it: tls-client-certificate-rejected. A server that goes on without one did not insist.",
        references: &["RFC 5246 section 7.4.4 (certificate_authorities)", "Microsoft KB 2464556", "Microsoft KB 933430"],
    },
    check: |case| {
        let all: Vec<Shaken<'_>> = handshakes(case).collect();
        all.iter().filter_map(|shaken| found(case, shaken, &all)).collect()
    },
};

fn found(case: &Case<'_>, shaken: &Shaken<'_>, all: &[Shaken<'_>]) -> Option<Found> {
    let (asked, request) = shaken.tls.certificate_request.as_ref()?;
    let none = gives_none(shaken)?;
    let full = FULL.iter().any(|range| range.contains(&request.authorities_length));
    if !full || goes_on(shaken) {
        return None;
    }
    let (proof, confidence, lacks) = lacks(case, shaken, request, all)?;
    let left = refuses_client(shaken);
    let name = shaken.place.server();
    let summary = format!(
        "the list of {} CAs that {name} sends is full ({} bytes), {lacks}, and the device sends no certificate",
        request.authorities.len(),
        request.authorities_length
    );
    let mut evidence = vec![
        Evidence::new(asked.frame, "tls.handshake.type == 13", format!("a list of {} bytes", request.authorities_length)),
        none,
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

/// What a full list lacks, how that is known, and how sure the cause is; nothing where it holds the CA of the device's certificate.
/// What the device sends elsewhere shows which that is.
fn lacks(case: &Case<'_>, shaken: &Shaken<'_>, request: &CertificateRequest, all: &[Shaken<'_>]) -> Option<(Proof, f32, String)> {
    let holds = |name: &Name| request.authorities.contains(&name.der);
    let own = all.iter().filter_map(|other| other.tls.client_certificate.as_ref()).find_map(|(_, chain)| chain.first());
    if let Some(body) = own.and_then(|own| own.body.as_ref().ok()) {
        let issuer = &body.issuer;
        return (!holds(issuer)).then(|| (Proof::Proven, 0.85, format!("it lacks {}", issuer.text)));
    }
    let roots = own_roots(case, shaken);
    Some(match roots.first().filter(|_| !roots.iter().any(|root| holds(root))) {
        Some(root) => (Proof::Told, 0.7, format!("it lacks even {}, the root of this server's own CA", root.text)),
        None => (Proof::Told, 0.55, "it may lack the device's".to_owned()),
    })
}

/// The roots of the server's own CAs: those above its certificate, also the one that issued the last CA that it sends (servers leave
/// roots out: RFC 5246 section 7.4.2), and those that the device fetched for it. A server trusts them, so that a list without them is
/// cut; and the device has its certificate of one of them, as a rule.
fn own_roots<'a>(case: &Case<'a>, shaken: &Shaken<'a>) -> Vec<&'a Name> {
    let (at, chain) = match &shaken.tls.certificate {
        Some((at, chain)) => (Some(at.frame), chain.as_slice()),
        None => (None, &[][..]),
    };
    let fetched = case.known.fetched.iter().filter(|(frame, _)| at.is_some_and(|at| *frame < at)).map(|(_, ca)| ca);
    let bodies = chain.iter().skip(1).chain(fetched).filter_map(|ca| ca.body.as_ref().ok());
    let sent = bodies.filter(|body| body.subject.der == body.issuer.der).map(|body| &body.subject);
    let top = chain.iter().skip(1).last().and_then(|ca| ca.body.as_ref().ok()).map(|body| &body.issuer);
    sent.chain(top.filter(|issuer| !is_called_intermediate(issuer))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::{Frame, Side};

    fn asked(length: usize) -> Tcp {
        asked_of(length, &["CN=First", "CN=Second"])
    }

    fn asked_of(length: usize, names: &[&str]) -> Tcp {
        let list = names.iter().map(|name| name.as_bytes().to_vec()).collect();
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
        assert_eq!((found.proof, found.explains_drop, found.confidence), (Proof::Told, true, 0.55));
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

    /// The device fetched this root before.
    fn with_root(login: Login, name: &str) -> Login {
        let root = certificate(name, name);
        login.knowing(move |known| known.fetched.push((Frame::new(0), root)))
    }

    #[test]
    fn a_full_list_that_lacks_even_the_root_which_the_device_fetched_is_cut_and_goes_before_the_refusal() {
        let fetched = |name: &str| with_root(Login::new().step(asked(16_330)).dropped(), name);
        let refused = &crate::findings::tls_client_certificate_rejected::RULE;
        let cut = fetched("CN=Contoso Root").the(&RULE);
        assert!(cut.summary.contains("it lacks even CN=Contoso Root"), "{}", cut.summary);
        assert!(cut.proof >= fetched("CN=Contoso Root").the(refused).proof && RULE.order < refused.order);
        let listed = Login::new().step(asked_of(16_330, &["CN=Contoso Root"])).dropped();
        assert_eq!(with_root(listed, "CN=Contoso Root").the(&RULE).confidence, 0.55, "what is cut off is another's");
    }

    #[test]
    fn a_server_that_sends_its_ca_without_the_root_above_shows_that_its_list_lacks_that_root() {
        let asked = |list: &str, ca: &str| {
            let list = vec![list.as_bytes().to_vec()];
            let flight = tcp(Purpose::Registrar).hello().server_flight(vec![leaf(), certificate("CN=Contoso CA 1", ca)]);
            let none = flight.certificate_request(list, 16_380).client_certificate(vec![]).client_finished();
            Login::new().step(none.alert(Side::Server, 2, 40)).dropped().the(&RULE)
        };
        let cut = asked("CN=First", "CN=Contoso Root");
        assert!(cut.summary.contains("it lacks even CN=Contoso Root") && cut.confidence == 0.7, "{}", cut.summary);
        assert_eq!(asked("CN=Contoso Root", "CN=Contoso Root").confidence, 0.55, "what is cut off is another's");
        assert_eq!(asked("CN=First", "CN=Contoso Intermediate CA").confidence, 0.55, "no list names that");
    }

    #[test]
    fn ssl_3_says_by_an_alert_that_it_has_no_certificate() {
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).certificate_request(vec![], 16_330);
        let tcp = tcp.alert(Side::Client, 1, 41).client_finished().alert(Side::Server, 2, 40);
        assert!(Login::new().step(tcp).dropped().the(&RULE).explains_drop);
    }

    #[test]
    fn a_server_that_goes_on_without_a_certificate_did_not_insist() {
        let list = vec![b"CN=First".to_vec()];
        let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).certificate_request(list, 16_330);
        let done = tcp.client_certificate(vec![]).client_finished().server_finished().encrypted(Side::Client);
        Login::new().step(done.leaves(Side::Server, crate::login::steps::Close::Fin)).dropped().nothing(&RULE);
    }
}
