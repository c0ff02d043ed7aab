//! `sip-auth-rejected`: the registrar challenges again after the device has given its credentials.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-auth-rejected",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 900,
    help: Help {
        what: "The registrar challenges again after the device has given its credentials.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "Correct the password, the user name and its mapping to the account, or the realm. On the registrar, look for the failed authentication in its log (Windows: Security log, event 4625). A new capture must show 200 to the REGISTER with credentials.",
        look_alikes: "A challenge with stale=true only brings a new nonce, unless that one is called stale again. NTLM takes three legs and TLS-DSK more: only what follows the last one is a refusal. 401 to requests without credentials means that the device uses none of the schemes.",
        references: &["RFC 3261 section 22", "RFC 7616 section 3.3 (stale)", "[MS-SIPAE]"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let mut kinds = case.attempt.steps.iter().filter_map(|step| registration::transactions(&step.kind));
    let is_stale = kinds.any(|(list, _)| registration::is_stale_again(list));
    registration::told(case, Reason::Credentials, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar refuses the device's credentials: {list}"),
        fix: if is_stale {
            stale_advice(list)
        } else {
            format!(
                "Correct password, user name or realm on the phone, or the account on the registrar: {list}. The registrar's log names the account and why it failed; a new capture must show 200 to the REGISTER with credentials."
            )
        },
    })
}

/// The credentials may well be right: what the registrar does not take is its own nonce.
fn stale_advice(list: &str) -> String {
    format!(
        "Let all members of the registrar know the nonces that one of them gives (a common secret, one clock, or a balancer that keeps a \
         device at one member), and let a nonce live longer than a REGISTER takes: {list}. A new capture must show 200 to the REGISTER \
         with credentials."
    )
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

    fn with_credentials() -> sip::Message {
        sip::Message { credentials: vec![sip_auth("Digest")], ..sip_request("REGISTER", 2) }
    }

    fn challenge(stale: bool) -> sip::Message {
        sip::Message { challenges: vec![sip::Auth { stale, ..sip_auth("Digest") }], ..sip_answer(401, 2) }
    }

    #[test]
    fn a_second_challenge_refuses_the_credentials() {
        let found = refused(with_credentials(), challenge(false)).the(&RULE);
        assert!(found.explains_drop && found.proof == Proof::Told);
        assert_eq!(
            found.summary,
            "the registrar refuses the device's credentials: 401 Reason from 10.0.0.5:5060 for sip:anna@contoso.com"
        );
        assert_eq!(found.evidence.last().unwrap().display_filter, "frame.number == 2 && sip.Status-Code == 401");
    }

    #[test]
    fn beginning_anew_after_a_refusal_does_not_hide_it() {
        let list =
            vec![(1, with_credentials(), Some(challenge(false))), (1, sip_request("REGISTER", 3), Some(sip_answer(401, 3)))];
        Login::new().step(registration(list)).dropped().the(&RULE);
    }

    #[test]
    fn a_registrar_that_calls_the_nonce_stale_which_it_has_just_given_takes_none() {
        let bare = (1, sip_request("REGISTER", 1), Some(challenge(false)));
        let stale = || (1, with_credentials(), Some(challenge(true)));
        let found = Login::new().step(registration(vec![bare.clone(), stale(), stale()])).dropped().the(&RULE);
        assert!(found.summary.ends_with("which calls each nonce stale, the newest too"), "{}", found.summary);
        assert!(found.fix.starts_with("Let all members of the registrar know the nonces"));
        Login::new().step(registration(vec![bare, stale()])).dropped().nothing(&RULE);
    }

    #[test]
    fn a_new_nonce_and_a_leg_of_ntlm_give_nothing() {
        refused(with_credentials(), challenge(true)).nothing(&RULE);
        let first = sip::Auth { gssapi: Some(WireText::from("")), ..sip_auth("NTLM") };
        let second = sip::Auth { gssapi: Some(WireText::from("TlRMTVNTUAACAAAA")), ..sip_auth("NTLM") };
        let asked = sip::Message { credentials: vec![first], ..sip_request("REGISTER", 2) };
        refused(asked, sip::Message { challenges: vec![second], ..sip_answer(401, 2) }).nothing(&RULE);
    }
}
