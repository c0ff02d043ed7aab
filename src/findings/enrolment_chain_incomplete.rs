//! `enrolment-chain-incomplete`: the bundle that the device fetched lacks a CA that the registrar's chain needs.

use crate::findings::shared::chain::{self, certificate_found};
use crate::findings::shared::judged::Judged;
use crate::findings::shared::place::connections;
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::model::{Evidence, Frame, Stage};
use crate::text::WireText;
use crate::trust::FaultKind;

/// The rule.
pub static RULE: Rule = Rule {
    code: "enrolment-chain-incomplete",
    stage: Some(Stage::Enrolment),
    weight: Weight::Specific,
    order: 600,
    help: Help {
        what: "The CA bundle that the device fetched during enrolment lacks a CA that the server's chain needs.",
        why: "The device trusts what it fetched. With a CA missing between that and the server's certificate it finds no path, and \
              leaves after the Certificate.",
        fix: "Have the enrolment service deliver the whole chain: on a Windows CA install the parent's certificate with `certutil \
              -addstore CA parent.cer` and restart the service, so that certnew.p7b holds it; in Active Directory publish it with \
              `certutil -dspublish -f ca.cer SubCA` (or RootCA). Check with `openssl pkcs7 -print_certs -in certnew.p7b`.",
        look_alikes: "A bundle that holds only the root is complete where the server sends its intermediates. A chain to another CA \
                      altogether is cert-untrusted-issuer; an intermediate that the server ought to send is cert-missing-intermediate.",
        references: &["RFC 5280 section 6.1 (path validation)", "RFC 5652 section 5.1 (certificates of SignedData)"],
    },
    check: |case| chain::judged(case).iter().filter_map(|judged| found(case, judged)).collect(),
};

fn found(case: &Case<'_>, judged: &Judged<'_>) -> Option<Found> {
    let fault = judged.faults.iter().find(|fault| matches!(fault.kind, FaultKind::EnrolmentIncomplete { .. }))?;
    let FaultKind::EnrolmentIncomplete { issuer } = &fault.kind else { return None };
    let issuer = WireText::from(issuer.as_str());
    let server = judged.place().server();
    let frames: Vec<Frame> = judged.fetched.iter().map(|(frame, _)| *frame).collect();
    let count = judged.fetched.len();
    let summary = format!(
        "the bundle that the device fetched (CA certificates in it: {count}) lacks {issuer}, which the chain of {server} needs"
    );
    let fix = format!(
        "Put {issuer} into what the enrolment service delivers (Windows CA: `certutil -addstore CA ca.cer` and restart of the service; \
         Active Directory: `certutil -dspublish -f ca.cer SubCA`), or have {server} send it. `openssl pkcs7 -print_certs` of the bundle \
         must then show it."
    );
    let mut found = certificate_found(case, judged, fault, summary, fix);
    if let Some(last) = frames.last() {
        found.evidence.insert(0, Evidence::new(*last, "", format!("the bundle as fetched: {count} CA certificates")));
    }
    found.stage = Stage::Enrolment;
    found.step = enrolment_step(case, &frames).or(found.step);
    Some(found)
}

/// The step that brought the bundle, if it is one of this attempt.
fn enrolment_step(case: &Case<'_>, frames: &[Frame]) -> Option<usize> {
    let brought = |frame: Frame| frames.contains(&frame);
    let place = connections(case).find(|place| {
        place.connection.http.iter().any(|exchange| exchange.response.as_ref().is_some_and(|(at, _)| brought(at.frame)))
    })?;
    Some(place.index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    #[test]
    fn a_bundle_without_the_issuing_ca() {
        let login = Login::new()
            .step(tcp(Purpose::Enrolment).named("ca.contoso.com").get("/certsrv/certnew.p7b").answer(200))
            .step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst))
            .dropped()
            .knowing(|known| {
                known.enrolment_seen = true;
                known.fetched.push((Frame::new(4), certificate("CN=Contoso Root", "CN=Contoso Root")));
            });
        let lacks = [fault(FaultKind::EnrolmentIncomplete { issuer: "CN=Contoso Issuing CA".to_owned() }, 1.0)];
        let found = found(&login.case(), &chain::judged_as(&login.case(), &lacks)[0]).unwrap();
        fit_to_print(&found);
        assert_eq!(
            found.summary,
            "the bundle that the device fetched (CA certificates in it: 1) lacks CN=Contoso Issuing CA, which the chain of pool.contoso.com \
             (10.0.0.5:5061) needs"
        );
        assert_eq!((found.stage, found.step, found.explains_drop), (Stage::Enrolment, Some(0), true));
        assert_eq!(found.evidence[0].frame, Frame::new(4));
    }

    #[test]
    fn a_chain_that_was_taken_needed_nothing_more() {
        let lacks = [fault(FaultKind::EnrolmentIncomplete { issuer: "CN=Contoso Issuing CA".to_owned() }, 1.0)];
        assert!(chain::judged_as(&accepted(vec![leaf()]).case(), &lacks).is_empty());
    }
}
