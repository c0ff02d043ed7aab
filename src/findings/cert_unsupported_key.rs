//! `cert-unsupported-key`: a key in the chain is of a kind or size that the device cannot use.

use crate::findings::shared::alert;
use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::alert_name;
use crate::findings::shared::reissue;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::formats::x509::KeyKind;
use crate::text::WireText;
use crate::trust::{FaultKind, Link};

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-unsupported-key",
    stage: None,
    weight: Weight::Specific,
    order: 705,
    help: Help {
        what: "A public key in the server's chain is of a kind (elliptic curve) or a size (RSA 4096) that the device cannot use.",
        why: "With the server's key the device checks or encrypts the key exchange, and with each CA's key it checks a signature. \
              A key that it cannot load ends the handshake right after the Certificate message.",
        fix: "Issue the certificate anew for an RSA key of 2048 bits; where it is a CA's key, let another CA issue it. Check with \
              `openssl x509 -noout -text -in server.pem`, line `Public-Key`.",
        look_alikes: "An algorithm that the device cannot verify (cert-unsupported-signature) often comes with a large key; then the \
                      signature is the better documented reason. A server with only an ECDSA certificate may also refuse an old \
                      hello before any certificate: tls-no-shared-cipher.",
        references: &["RFC 5280 section 4.1.2.7 (subjectPublicKeyInfo)", "RFC 8422 (elliptic curves in TLS)"],
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
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::UnsupportedKey { .. }))?;
    let FaultKind::UnsupportedKey { key, wanted } = &fault.kind else { return None };
    let (key, wanted) = (WireText::from(key.as_str()), WireText::from(wanted.as_str()));
    let which = judged.which(fault.certificate);
    let summary = format!("{which} has the key {key}, and {} can use {wanted}", case.profile.title);
    let fix = format!(
        "{} Check each certificate that `{}` shows with `openssl x509 -noout -text`, line Public-Key.",
        reissue::reissue(case, judged),
        judged.show()
    );
    Some(certificate_found(case, judged, fault, summary, fix))
}

/// The device says that it cannot use the certificate (alert 43), and there is a key in it that older stacks cannot load.
fn told(case: &Case<'_>) -> Vec<Found> {
    let judged = chain::judged(case);
    let alerted = alert::alerted(case, 43).into_iter();
    alerted
        .filter_map(|(shaken, leaving)| {
            let judged = judged.iter().find(|judged| judged.place().index == shaken.place.index)?;
            if judged.faults.iter().any(|fault| matches!(fault.kind, FaultKind::WrongUsage { .. })) {
                return None;
            }
            let link = (0..judged.chain.len()).map(Link::Sent).find(|link| {
                let key = judged.body(Some(*link)).map(|body| &body.key);
                key.is_some_and(|key| key.kind != KeyKind::Rsa || key.bits > 2048)
            })?;
            let key = &judged.body(Some(link))?.key;
            let key = WireText::from(format!("{} {}", key.name, key.bits));
            let which = judged.which(Some(link));
            let summary = format!("the device says {}, and {which} has the key {key} instead of RSA 2048", alert_name(43));
            let fix = format!(
                "Issue {which} on {} anew for an RSA key of 2048 bits; check with `{} | openssl x509 -noout -text`.",
                shaken.place.server(),
                judged.show()
            );
            Some(alert::told_found(case, &shaken, leaving, 0.6, summary, fix))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;

    #[test]
    fn a_key_beyond_the_profile_is_an_inference() {
        let key = fault(FaultKind::UnsupportedKey { key: "EC secp256r1".to_owned(), wanted: "RSA".to_owned() }, 0.8);
        let login = refused(vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), std::slice::from_ref(&key))[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the server's certificate (CN=pool.contoso.com) has the key EC secp256r1, and Test Phone can use RSA"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Inferred, true));
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &[key]).is_empty(), "the device has used that key");
    }

    #[test]
    fn alert_43_speaks_of_a_key_that_is_not_an_ordinary_one() {
        let large = certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| body.key.bits = 4096);
        let found = refused_saying(43, vec![large.clone()]).the(&RULE);
        assert_eq!(found.proof, Proof::Told);
        refused_saying(43, vec![leaf()]).nothing(&RULE);
        refused_saying(46, vec![large]).nothing(&RULE);
    }
}
