//! `sip-user-not-found`: the registrar does not know the user whom the device wants to register.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-user-not-found",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 915,
    help: Help {
        what: "The registrar does not know the user whom the device wants to register.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "Create or enable the user on the registrar (Lync: Enable-CsUser, in the pool that the phone comes to), or correct the sign-in address on the phone. A new capture must show 200.",
        look_alikes: "404 with ms-diagnostics 1005 says that the domain cannot be routed: that is the server's trouble.",
        references: &["RFC 3261 section 21.4.5", "[MS-OCER] ms-diagnostics"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::UnknownUser, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar does not know the user: {list}"),
        fix: format!(
            "Create or enable the user on the registrar, or correct the sign-in address on the phone: {list}. A new capture must show 200."
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
    fn a_404_names_the_user() {
        let found = refused(sip_request("REGISTER", 1), sip_answer(404, 1)).the(&RULE);
        assert!(found.explains_drop && found.summary.ends_with("for sip:anna@contoso.com"), "{}", found.summary);
    }

    #[test]
    fn a_404_for_the_domain_is_not_about_the_user() {
        let routing = Some(WireText::from("1005;reason=\"Cannot route this type of SIP request\""));
        refused(sip_request("REGISTER", 1), sip::Message { ms_diagnostics: routing, ..sip_answer(404, 1) }).nothing(&RULE);
    }
}
