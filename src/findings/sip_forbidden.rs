//! `sip-forbidden`: the registrar answers 403: it knows the user and does not let this user or device sign in here.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-forbidden",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 910,
    help: Help {
        what: "The registrar answers 403: it knows the user and does not let this user or device sign in here.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "See in the registrar's log what it forbids: the user's rights (remote access), the address in From against the account, a policy, an address list. ms-diagnostics, where there is one, names it. A new capture must show 200.",
        look_alikes: "403 with ms-diagnostics 17002 or 17003, or with a hint to upgrade, is about the software's version.",
        references: &["RFC 3261 section 21.4.4", "[MS-OCER] ms-diagnostics"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Forbidden, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar forbids the registration: {list}"),
        fix: format!(
            "See in the registrar's log what it forbids to this user or device (remote access, the account behind the address in From, a policy, the network), and allow it: {list}. A new capture must show 200."
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

    #[test]
    fn a_403_over_tcp() {
        use crate::login::steps::{Close, Purpose};
        let spoken = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), Some(sip_answer(403, 1)));
        let login = Login::new().step(spoken.leaves(crate::model::Side::Client, Close::Fin)).dropped();
        assert!(login.the(&RULE).explains_drop);
    }

    #[test]
    fn a_version_that_is_not_wanted_is_another_matter() {
        let hint = Some(WireText::from("17003;reason=\"Client Version Filter\""));
        refused(sip_request("REGISTER", 1), sip::Message { ms_diagnostics: hint, ..sip_answer(403, 1) }).nothing(&RULE);
        refused(sip_request("REGISTER", 1), sip_answer(404, 1)).nothing(&RULE);
    }
}
