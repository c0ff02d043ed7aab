//! `cert-missing-intermediate`: an intermediate is neither sent nor fetched.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::formats::x509::Certificate;
use crate::model::Evidence;
use crate::text::WireText;
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "cert-missing-intermediate",
    stage: None,
    weight: Weight::Specific,
    order: 610,
    help: Help {
        what: "An issuing CA between the server's certificate and the root is neither sent by the server nor fetched by the device.",
        why: "The device cannot build a path to a root that it has, and leaves after the Certificate. PCs fetch the missing \
              certificate from the address in the certificate; phones do not, so that it works in a browser all the same.",
        fix: "Have the server send the whole chain: import the intermediate into its store for intermediate CAs (Windows: \
              `certutil -addstore CA intermediate.cer`), or append it to the chain file, then restart the service. Check with \
              `openssl s_client -connect server:5061 -showcerts`: each issuer must be the next subject.",
        look_alikes: "A chain that is whole and leads to a root that the device lacks is cert-untrusted-issuer. A CA that the enrolment \
                      bundle ought to have held is enrolment-chain-incomplete.",
        references: &["RFC 5246 section 7.4.2 (the sender's certificates, each certifying the one before)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::MissingIntermediate { .. }))?;
    let FaultKind::MissingIntermediate { issuer } = &fault.kind else { return None };
    let issuer = WireText::from(issuer.as_str());
    let server = judged.place().server();
    let sent = match judged.chain.len() {
        1 => "only its own certificate".to_owned(),
        more => format!("{more} certificates"),
    };
    let summary = format!("{server} sends {sent} without the intermediate {issuer}, and the device did not fetch that");
    let fix = format!(
        "Have {server} send {issuer} with its certificate (Windows: `certutil -addstore CA intermediate.cer`, then restart the \
         service). `{}` must then show it.",
        judged.show()
    );
    let mut found = certificate_found(case, judged, fault, summary, fix);
    found.evidence.extend(went_on_with(case, &issuer));
    Some(found)
}

/// Where the device went on with a chain in which this CA was an intermediate.
fn went_on_with(case: &Case<'_>, issuer: &WireText) -> Option<Evidence> {
    let is_it = |ca: &Certificate| ca.body.as_ref().is_ok_and(|body| body.subject.text.raw() == issuer.raw());
    let (frame, _) = case.known.intermediates.taken().iter().find(|(_, ca)| is_it(ca))?;
    let text = format!("another chain brings {issuer}, and the device goes on with it");
    Some(Evidence::new(*frame, "tls.handshake.type == 11", text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn a_gap_is_named_and_a_chain_that_was_taken_has_none() {
        let gap = [fault(FaultKind::MissingIntermediate { issuer: "CN=Contoso Issuing CA".to_owned() }, 1.0)];
        let login = refused(vec![leaf()]);
        let found = found(&login.case(), &chain::judged_as(&login.case(), &gap)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "pool.contoso.com (10.0.0.5:5061) sends only its own certificate without the intermediate CN=Contoso Issuing CA, and the \
             device did not fetch that"
        );
        assert!(found.explains_drop);
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &gap).is_empty());
    }
}
