//! `cert-wrong-usage`: the certificate forbids what it is used for.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::text::WireText;
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-wrong-usage",
    stage: None,
    weight: Weight::Specific,
    order: 730,
    help: Help {
        what: "Extended key usage, key usage or basic constraints of a certificate in the chain forbid its use: no server \
               authentication, no key encipherment for an RSA key exchange, or an issuer that is no CA.",
        why: "The device checks for what a certificate was made, and leaves after the Certificate, often with alert 43 \
              (unsupported_certificate).",
        fix: "Issue the certificate from a template for servers: extended key usage Server Authentication (1.3.6.1.5.5.7.3.1), key \
              usage digital signature and key encipherment. Check with `openssl x509 -noout -purpose -ext \
              keyUsage,extendedKeyUsage,basicConstraints -in server.pem`.",
        look_alikes: "Where extended key usage is absent, all uses are allowed. Alert 43 can also speak of a key that the device cannot \
                      use: cert-unsupported-key.",
        references: &["RFC 5280 sections 4.2.1.3, 4.2.1.9 and 4.2.1.12"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::WrongUsage { .. }))?;
    let FaultKind::WrongUsage { what } = &fault.kind else { return None };
    let (what, which) = (WireText::from(what.as_str()), judged.which(fault.certificate));
    let summary = format!("{which} is not made for this use: {what}");
    let fix = format!(
        "Issue {which} on {} from a template that allows this use (for the server itself: Server Authentication, digital signature, \
         key encipherment). Check with `{} | openssl x509 -noout -purpose`.",
        judged.place().server(),
        judged.show()
    );
    Some(certificate_found(case, judged, fault, summary, fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Proof;
    use crate::findings::testing::*;

    #[test]
    fn a_certificate_for_clients_is_refused_by_a_device_that_says_so() {
        let what = "extended key usage allows only client authentication".to_owned();
        let wrong = [fault(FaultKind::WrongUsage { what }, 1.0)];
        let login = refused_saying(43, vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &wrong)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &wrong).is_empty());
        refused_saying(43, vec![]).nothing(&RULE);
    }
}
