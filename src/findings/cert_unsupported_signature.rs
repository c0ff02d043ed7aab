//! `cert-unsupported-signature`: a certificate is signed in a way that the device cannot verify.

use crate::findings::shared::alert;
use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::{Judged, algorithm_name};
use crate::findings::shared::place::alert_name;
use crate::findings::shared::reissue;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::formats::x509::Hash;
use crate::model::Side;
use crate::text::WireText;
use crate::trust::{Fault, FaultKind, Link};

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-unsupported-signature",
    stage: None,
    weight: Weight::Specific,
    order: 700,
    help: Help {
        what: "A certificate in the server's chain is signed with an algorithm that the device cannot verify, for example SHA-256 \
               for a phone whose cryptographic provider ends at SHA-1, or RSASSA-PSS, or ECDSA.",
        why: "The device must check the signature on every certificate between the server and a CA that it trusts. Where it does \
              not know the algorithm, the check fails, and it leaves the handshake right after the server's Certificate: by FIN \
              or RST, often without an alert. It then begins its login again, and meets the same certificate.",
        fix: "Reissue the server's certificate (and any issuing CA in the chain) with a signature that the device knows: on a \
              Windows CA, `certutil -getreg ca\\csp\\CNGHashAlgorithm` shows what the CA signs with, and \
              `certutil -setreg ca\\csp\\CNGHashAlgorithm SHA1` with a restart of the service changes it for what it issues from \
              then on. Use a CA of its own for old phones, or bring them to a firmware that knows SHA-2. Check with \
              `openssl x509 -noout -text -in server.pem`, line `Signature Algorithm`.",
        look_alikes: "The signature on a root that the device already trusts does not matter. A device that refuses SHA-1 as too \
                      weak is the inverse: cert-weak. A flight that never arrives whole is path-mtu-black-hole.",
        references: &[
            "RFC 5280 section 4.1.1.2 (signatureAlgorithm)",
            "RFC 5246 section 7.4.1.4.1 (signature_algorithms)",
            "Microsoft, Windows CE cryptographic providers: MD2, MD5 and SHA-1 only",
        ],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let mut all: Vec<Found> = chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect();
    if all.is_empty() {
        all.extend(told(case));
    }
    all
}

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::UnsupportedSignature { .. }))?;
    let FaultKind::UnsupportedSignature { algorithm, .. } = &fault.kind else { return None };
    let algorithm = WireText::from(algorithm.as_str());
    let which = judged.which(fault.certificate);
    let summary = format!("{which} is signed with {algorithm}, and {}", verifies(case, judged, fault));
    let fix = format!(
        "{} A firmware that verifies {algorithm} does as well. The issuing CA decides the algorithm, not the request: on a Windows \
         CA see `certutil -getreg ca\\csp\\CNGHashAlgorithm`. Then `{}` must show the new chain, and a new capture a \
         ClientKeyExchange of the device.",
        reissue::reissue(case, judged),
        judged.show()
    );
    Some(certificate_found(case, judged, fault, summary, fix))
}

/// What the device verifies, in words that end the summary.
fn verifies(case: &Case<'_>, judged: &Judged<'_>, fault: &Fault) -> String {
    let unknown_hash = match (&fault.kind, &case.profile.trust.hashes) {
        (FaultKind::UnsupportedSignature { hash: Some(hash), .. }, Some((known, _))) => !known.contains(hash),
        _ => false,
    };
    let listed = judged.shaken.tls.client_hello.as_ref().is_some_and(|(_, hello)| hello.signature_algorithms.is_some());
    match wanted(case) {
        Some(list) if unknown_hash => format!("{} verifies only {list}", case.profile.title),
        _ if listed => "the device's own hello does not list that".to_owned(),
        _ => format!("{} cannot verify that", case.profile.title),
    }
}

/// The hashes that the device's family verifies.
fn wanted(case: &Case<'_>) -> Option<String> {
    let (known, _) = case.profile.trust.hashes.as_ref()?;
    let names: Vec<&str> = known.iter().map(|hash| hash.name()).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        [first @ .., last] => Some(format!("{} and {last}", first.join(", "))),
    }
}

/// The device itself says that a signature did not verify (alert 51 before a key of its own), and one of them is newer
/// than SHA-1. With a ServerKeyExchange in the flight it may mean the signature on that.
fn told(case: &Case<'_>) -> Vec<Found> {
    let alerted = alert::alerted(case, 51).into_iter();
    alerted
        .filter_map(|(shaken, leaving)| {
            let judged = chain::judged(case).into_iter().find(|judged| judged.place().index == shaken.place.index)?;
            if judged.faults.iter().any(|fault| matches!(fault.kind, FaultKind::BadSignature)) || leaving.side != Side::Client {
                return None;
            }
            let link = (0..judged.chain.len()).map(Link::Sent).find(|link| {
                let body = judged.body(Some(*link));
                body.is_some_and(|body| body.subject.der != body.issuer.der && body.signature_algorithm.hash > Some(Hash::Sha1))
            })?;
            let algorithm = algorithm_name(judged.body(Some(link))?);
            let which = judged.which(Some(link));
            let confidence = if shaken.tls.server_key_exchange.is_some() { 0.4 } else { 0.65 };
            let said = alert_name(51);
            let summary =
                format!("the device says {said}: a signature that it cannot verify, and {which} is signed with {algorithm}");
            let fix = format!(
                "Have {which} on {} issued again with SHA-1 for a trial, or try a newer firmware; `{}` shows the chain as sent.",
                shaken.place.server(),
                judged.show()
            );
            Some(alert::told_found(case, &shaken, leaving, confidence, summary, fix))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;
    use crate::formats::x509::Body;
    use crate::login::steps::{Close, Purpose};

    fn sha256(body: &mut Body) {
        body.signature_algorithm.oid = "1.2.840.113549.1.1.11".to_owned();
        body.signature_algorithm.hash = Some(Hash::Sha256);
    }

    fn unsupported() -> Fault {
        let algorithm = "sha256WithRSAEncryption".to_owned();
        fault(FaultKind::UnsupportedSignature { hash: Some(Hash::Sha256), algorithm }, 0.9)
    }

    fn communicator(login: Login) -> Login {
        login.profile(|profile| {
            profile.title = "Communicator Phone Edition".to_owned();
            profile.trust.hashes = Some((vec![Hash::Md5, Hash::Sha1], 0.9));
        })
    }

    #[test]
    fn the_founding_case() {
        let login = communicator(refused(vec![leaf()]));
        let key = fault(FaultKind::UnsupportedKey { key: "RSA 4096".to_owned(), wanted: "RSA up to 2048 bits".to_owned() }, 0.4);
        let (case, faults) = (login.case(), [unsupported(), key]);
        let found = found(&case, &chain::judged_as(&case, &faults)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the server's certificate (CN=pool.contoso.com) is signed with sha256WithRSAEncryption, and Communicator Phone Edition \
             verifies only MD5 and SHA-1"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
        assert!((found.confidence - 0.9).abs() < 0.01);
        assert!(found.fix.starts_with("Have these issued again for pool.contoso.com (10.0.0.5:5061)"), "{}", found.fix);
        assert!(found.fix.contains("(RSA up to 2048 bits instead of RSA 4096): pool.contoso.com."), "reissuing must mend both");
        let filters: Vec<&str> = found.evidence.iter().map(|evidence| evidence.display_filter.as_str()).collect();
        assert_eq!(filters, ["frame.number == 5 && tls.handshake.type == 11", "frame.number == 7 && tcp.flags.reset == 1"]);
    }

    #[test]
    fn the_chain_itself_is_asked() {
        let chain = || vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", sha256)];
        let found = communicator(refused(chain())).the(&RULE);
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
        communicator(refused(vec![leaf()])).nothing(&RULE);
        communicator(accepted(chain())).nothing(&RULE);
        refused(chain()).nothing(&RULE);
    }

    #[test]
    fn a_server_that_leaves_is_not_explained_by_its_certificate() {
        let login = communicator(cut_by_server(vec![leaf()]));
        let (case, faults) = (login.case(), [unsupported()]);
        assert!(!found(&case, &chain::judged_as(&case, &faults)[0]).unwrap().explains_drop);
    }

    #[test]
    fn a_device_that_goes_on_has_verified_it() {
        let login = communicator(accepted(vec![leaf()]));
        assert!(chain::judged_as(&login.case(), &[unsupported()]).is_empty());
    }

    #[test]
    fn the_hello_itself_may_leave_the_algorithm_out() {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", sha256)];
        let offers = |listed: u16| {
            let hello = move |hello: &mut crate::protocols::tls::ClientHello| hello.signature_algorithms = Some(vec![listed]);
            let tcp = tcp(Purpose::Registrar).hello_with(hello).server_hello(0x0303, 0x002f).certificate(chain.clone());
            Login::new().step(tcp.leaves(Side::Client, Close::Fin)).dropped()
        };
        let found = offers(0x0201).the(&RULE);
        assert!(
            found.summary.ends_with("sha256WithRSAEncryption, and the device's own hello does not list that"),
            "{}",
            found.summary
        );
        offers(0x0401).nothing(&RULE);
    }

    #[test]
    fn alert_51_before_a_key_speaks_of_a_signature() {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", sha256)];
        assert_eq!(refused_saying(51, chain.clone()).the(&RULE).proof, Proof::Told);
        refused_saying(51, vec![leaf()]).nothing(&RULE);
        refused_saying(40, chain).nothing(&RULE);
    }
}
