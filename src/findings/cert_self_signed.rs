//! `cert-self-signed`: the server's own certificate is signed with its own key.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-self-signed",
    stage: None,
    weight: Weight::Specific,
    order: 605,
    help: Help {
        what: "The server's own certificate is signed with its own key: no CA vouches for it.",
        why: "A device that has not been given this very certificate has no reason to trust it, and leaves after the Certificate \
              message.",
        fix: "Issue a certificate by a CA that the device trusts and bind it to the service. Several products begin with a \
              self-signed one (Exchange Unified Messaging, PBX web servers). Check with `openssl x509 -noout -subject -issuer -in \
              server.pem`: the two must differ.",
        look_alikes: "A root at the end of a longer chain is self-signed too, and harmless. A certificate whose subject equals its \
                      issuer, but which another key signed, is self-issued, not self-signed.",
        references: &["RFC 5280 section 3.2 (self-issued and self-signed)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| fault.kind == FaultKind::SelfSigned)?;
    let (server, subject) = (judged.place().server(), judged.subject());
    let summary =
        format!("{server} gives a self-signed certificate ({subject}) instead of one issued by a CA that the device has");
    let fix = format!(
        "Issue a certificate for {} by a CA that the device trusts and bind it to the service on {server}; `{} | openssl x509 -noout \
         -subject -issuer` must then show two different names.",
        judged.place().host(),
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
    fn a_self_signed_certificate_that_was_refused() {
        let login = refused(vec![certificate("CN=pool.contoso.com", "CN=pool.contoso.com")]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &[fault(FaultKind::SelfSigned, 1.0)])[0]).unwrap();
        fit_to_print(&found);
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
        assert!(found.summary.contains("(CN=pool.contoso.com)"));
    }

    #[test]
    fn a_device_that_takes_it_holds_it() {
        let login = accepted(vec![certificate("CN=pool.contoso.com", "CN=pool.contoso.com")]);
        login.nothing(&RULE);
        assert!(chain::judged_as(&login.case(), &[fault(FaultKind::SelfSigned, 1.0)]).is_empty());
    }
}
