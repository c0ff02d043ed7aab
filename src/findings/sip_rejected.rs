//! `sip-rejected`: the registrar answers the registration with a 4xx that no other code here names.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-rejected",
    stage: Some(Stage::Register),
    weight: Weight::General,
    order: 930,
    help: Help {
        what: "The registrar answers the registration with a 4xx that no other code here names.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "See in the registrar's log why it rejects the request, and compare with a phone that registers. A new capture must show 200.",
        look_alikes: "408 and 480 can come from a proxy whose next hop is silent. 401 and 407 are steps of the authentication.",
        references: &["RFC 3261 section 21.4"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Other, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the registrar rejects the registration: {list}"),
        fix: format!("See in the registrar's log why it rejects the request: {list}. A new capture must show 200."),
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

    #[test]
    fn a_bad_request() {
        assert!(refused(sip_request("REGISTER", 1), sip_answer(400, 1)).the(&RULE).explains_drop);
    }

    #[test]
    fn what_has_a_code_of_its_own_gives_nothing() {
        for code in [200, 301, 401, 403, 404, 407, 423, 503] {
            refused(sip_request("REGISTER", 1), sip_answer(code, 1)).nothing(&RULE);
        }
        let skew = Some(WireText::from("1013"));
        refused(sip_request("REGISTER", 1), sip::Message { ms_diagnostics: skew, ..sip_answer(400, 1) }).nothing(&RULE);
    }
}
