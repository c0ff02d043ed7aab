//! `sip-client-version-blocked`: the registrar's client version filter refuses the device's software.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-client-version-blocked",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 907,
    help: Help {
        what: "The registrar's client version filter refuses the device's software.",
        why: "The filter knows clients by their User-Agent. A phone with old firmware is refused at every sign-in, and cannot sign in to fetch a newer one.",
        fix: "Update the phone's firmware through the device update service, or let its version in: Lync: Get-CsClientVersionPolicyRule shows the rules, New-CsClientVersionPolicyRule adds one that allows this User-Agent; OCS: the Client Version Filter of the pool. A new capture must show 200.",
        look_alikes: "Any other 403 is about the user's rights. ms-diagnostics 17004 only recommends a newer version.",
        references: &["[MS-OCER] ms-diagnostics 17002, 17003", "RFC 3261 section 21.4.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Version, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the registrar refuses the device's software version: {list}"),
        fix: format!(
            "Update the phone's firmware, or allow its User-Agent in the registrar's client version filter (Get-CsClientVersionPolicyRule shows the rules): {list}. A new capture must show 200."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::protocols::sip;
    use crate::text::WireText;

    fn refused(request: sip::Message, answer: sip::Message) -> Login {
        Login::new().step(registration(vec![(1, request, Some(answer))])).dropped()
    }

    fn with_hint(code: u16, hint: &str) -> sip::Message {
        sip::Message { ms_diagnostics: Some(WireText::from(hint)), ..sip_answer(code, 1) }
    }

    #[test]
    fn the_version_filter_says_so() {
        let found = refused(sip_request("REGISTER", 1), with_hint(403, "17003;reason=\"Client Version Filter\"")).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("17003"), "{}", found.summary);
        refused(sip_request("REGISTER", 1), with_hint(488, "please upgrade your client")).the(&RULE);
    }

    #[test]
    fn a_recommendation_and_another_403_give_nothing() {
        refused(sip_request("REGISTER", 1), with_hint(403, "17004;reason=\"new version available\"")).nothing(&RULE);
        refused(sip_request("REGISTER", 1), with_hint(403, "4003;reason=\"no remote access\"")).nothing(&RULE);
    }
}
