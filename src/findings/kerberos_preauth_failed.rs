//! `kerberos-preauth-failed`: the domain controller cannot decrypt the device's pre-authentication: the password is wrong.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;
use crate::protocols::kerberos::code;

/// The rule.
pub static RULE: Rule = Rule {
    code: "kerberos-preauth-failed",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 461,
    help: Help {
        what: "The domain controller cannot decrypt what the device's password encrypted (KDC_ERR_PREAUTH_FAILED, 24).",
        why: "Without a ticket the device gets neither into the directory nor to its certificates.",
        fix: "Set the user's password anew and type it on the phone. Check the user name's realm: a password can be right in another domain. A new capture must show AS-REP.",
        look_alikes: "25 (KDC_ERR_PREAUTH_REQUIRED) comes first, always, and is healthy. A clock that is off is 37, an account that is locked 18.",
        references: &["RFC 4120 sections 3.1.3 and 7.5.9"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let is_it = |refusal: &Refusal<'_>| refusal.reason() == Reason::Kerberos(code::PREAUTH_FAILED);
    directory::told(case, is_it, directory::in_words, |refusals, list| Words {
        proof: Proof::Told,
        // Without a time stamp of the password's, it may be a certificate that was refused.
        confidence: if refusals.iter().any(has_timestamp) { 0.95 } else { 0.8 },
        summary: format!("the user's password is wrong for Kerberos: {list}"),
        fix: format!("Set the password anew and type it on the phone: {list}. A new capture must show AS-REP."),
    })
}

/// Did the request carry a time that the password had encrypted?
fn has_timestamp(refusal: &Refusal<'_>) -> bool {
    refusal.ticket().is_some_and(|request| request.has_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    #[test]
    fn a_password_that_does_not_decrypt() {
        let refused =
            kerberos(vec![(as_req(false), Some(krb_error(code::PREAUTH_REQUIRED))), (as_req(true), Some(krb_error(24)))]);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.explains_drop && found.confidence > 0.9);
        assert_eq!(
            found.summary,
            "the user's password is wrong for Kerberos: KDC_ERR_PREAUTH_FAILED (24) to kim@CONTOSO.COM by dc01.contoso.com (10.0.0.3:88)"
        );
        assert_eq!(found.evidence.last().unwrap().display_filter, "frame.number == 4 && kerberos.error_code == 24");
    }

    #[test]
    fn the_demand_for_it_that_comes_first_gives_nothing() {
        let healthy = kerberos(vec![(as_req(false), Some(krb_error(code::PREAUTH_REQUIRED))), (as_req(true), Some(ticket()))]);
        Login::new().step(healthy).dropped().nothing(&RULE);
    }
}
