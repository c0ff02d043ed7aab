//! `sip-auth-scheme-unsupported`: the registrar asks for credentials, and the device never gives any: it can use none of the schemes offered, or has no password.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-auth-scheme-unsupported",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 905,
    help: Help {
        what: "The registrar asks for credentials, and the device never gives any: it can use none of the schemes offered, or has no password.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "Offer a scheme that the device knows (NTLM for phones outside the domain: Kerberos alone needs a reachable domain controller; Digest for SIP phones), or give the phone its user and password. A new capture must show an Authorization header of the device.",
        look_alikes: "The first 401 is normal: credentials follow it. A 401 without a WWW-Authenticate header cannot be answered at all.",
        references: &["RFC 3261 section 22.1", "[MS-SIPAE]"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    // The answer to a challenge may lie behind the capture's end.
    if case.attempt.drop.is_none() {
        return Vec::new();
    }
    registration::told(case, Reason::Scheme, |list| Words {
        proof: Proof::Told,
        confidence: 0.88,
        summary: format!("the registrar's refusal never leads to credentials of the device: {list}"),
        fix: format!(
            "Let the registrar offer a scheme that the device can use (for most phones Digest, in a WWW-Authenticate header), or give the phone its user and password: {list}. A new capture must show a REGISTER of the device with an Authorization header, and 200 to it."
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
    fn a_challenge_as_the_capture_ends_says_nothing() {
        let legs = vec![(1, sip_request("REGISTER", 1), Some(sip_answer(401, 1)))];
        Login::new().step(registration(legs)).nothing(&RULE);
    }

    #[test]
    fn bare_requests_again_and_again() {
        let challenge = sip::Message { challenges: vec![sip_auth("Kerberos")], ..sip_answer(401, 1) };
        let found = refused(sip_request("REGISTER", 1), challenge).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("401 Reason from 10.0.0.5:5060"), "{}", found.summary);
    }

    #[test]
    fn a_device_that_gave_credentials_before_knows_a_scheme() {
        let token = sip::Auth { gssapi: Some(WireText::from("")), ..sip_auth("NTLM") };
        let tried = sip::Message { credentials: vec![token], ..sip_request("REGISTER", 2) };
        let list = vec![(1, tried, Some(sip_answer(401, 2))), (1, sip_request("REGISTER", 3), Some(sip_answer(401, 3)))];
        Login::new().step(registration(list)).dropped().nothing(&RULE);
    }
}
