//! `cert-weak`: the device refuses what is too weak for it.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::text::WireText;
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-weak",
    stage: None,
    weight: Weight::Specific,
    order: 710,
    help: Help {
        what: "A certificate in the server's chain is too weak for the device: an MD5 or SHA-1 signature, an RSA key below 2048 \
               bits, or too long a life.",
        why: "Newer firmware refuses what older firmware asked for. The phone leaves after the Certificate, often with alert 42 \
              (bad_certificate), and begins again.",
        fix: "Reissue the certificate, and any CA below the root, with SHA-256 and RSA 2048. Keep in mind that the oldest phones in \
              the same house may need the weak one: give them a pool or a name of their own. Check with \
              `openssl x509 -noout -text -in server.pem`.",
        look_alikes: "cert-unsupported-signature is the inverse: the device is older than the certificate. A weak signature on a root \
                      that is trusted already is no fault.",
        references: &["RFC 6194 (SHA-1)", "RFC 6151 (MD5)", "NIST SP 800-131A (key sizes)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::Weak { .. }))?;
    let FaultKind::Weak { what, wanted } = &fault.kind else { return None };
    let (what, wanted) = (WireText::from(what.as_str()), WireText::from(wanted.as_str()));
    let which = judged.which(fault.certificate);
    let summary = format!("{which} is too weak: {what}, and {} wants {wanted}", case.profile.title);
    let fix = format!(
        "Issue {which} on {} anew with what the device wants: {wanted}. Check each certificate that `{}` shows with `openssl x509 -noout -text`.",
        judged.place().server(),
        judged.show()
    );
    Some(certificate_found(case, judged, fault, summary, fix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn fires_on_a_refused_chain_and_not_on_one_that_was_taken() {
        let weak = [fault(FaultKind::Weak { what: "SHA-1 signature".to_owned(), wanted: "SHA-256 or better".to_owned() }, 0.8)];
        let login = refused_saying(42, vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &weak)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the server's certificate (CN=pool.contoso.com) is too weak: SHA-1 signature, and Test Phone wants SHA-256 or better"
        );
        assert!(found.explains_drop);
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &weak).is_empty());
    }

    #[test]
    fn a_device_that_says_expired_does_not_mean_weak() {
        let weak = [fault(FaultKind::Weak { what: "SHA-1 signature".to_owned(), wanted: "SHA-256 or better".to_owned() }, 0.8)];
        let login = refused_saying(45, vec![leaf()]);
        assert!(!found(&login.case(), &chain::judged_as(&login.case(), &weak)[0]).unwrap().explains_drop);
    }
}
