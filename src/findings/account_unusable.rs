//! `account-unusable`: the user's account cannot be used: locked, disabled, expired, or its password must be changed.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "account-unusable",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 455,
    help: Help {
        what: "The user's account cannot be used: it is locked, disabled or expired, or its password must be changed first.",
        why: "The domain controller refuses such an account whatever the password, and a phone cannot change one.",
        fix: "In Active Directory Users and Computers unlock or enable the account, move its expiry, or set a password that need not be changed. `net user NAME /domain` shows its state. A phone that goes on with the old password locks the account again: type the new one there.",
        look_alikes: "data 52e and KRB-ERROR 24 are a wrong password: ldap-bind-failed, kerberos-preauth-failed. A phone that loops with a wrong password can lock the account, so that both are seen one after the other.",
        references: &["RFC 4120 section 7.5.9 (codes 1, 12, 18, 23)", "[MS-ERREF] 2.3.1", "[MS-ADTS] 5.1.1"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let is_account = |refusal: &Refusal<'_>| matches!(refusal.reason(), Reason::Account(_));
    directory::told(case, is_account, state, |_, list| Words {
        proof: Proof::Told,
        confidence: 0.96,
        summary: format!("the account cannot be used: {list}"),
        fix: format!(
            "Make the account usable in Active Directory Users and Computers: {list}. `net user NAME /domain` must show it active and unlocked; then let the phone sign in with the present password."
        ),
    })
}

/// Whose account, and what is the matter with it.
fn state(refusal: &Refusal<'_>) -> String {
    let Reason::Account(state) = refusal.reason() else { return directory::in_words(refusal) };
    let user = refusal.user().map_or_else(|| "the user".to_owned(), |user| user.to_string());
    format!("{user} {state}, says {}", refusal.server())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::Side;
    use crate::protocols::kerberos::code;

    fn bind(text: &str) -> Login {
        Login::new().step(tcp(Purpose::Directory).named("dc01.contoso.com").to("10.0.0.3", 389).bind(49, text)).dropped()
    }

    #[test]
    fn a_bind_whose_answer_names_the_state_of_the_account() {
        let found = bind("AcceptSecurityContext error, data 775, v1db1").the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the account cannot be used: CONTOSO\\kim is locked out, says dc01.contoso.com (10.0.0.3:389)");
        for (data, state) in [("530", "logon hours"), ("533", "disabled"), ("701", "expired"), ("773", "must change")] {
            let found = bind(&format!("error, data {data}, v1db1")).the(&RULE);
            assert!(found.summary.contains(state), "{data}: {}", found.summary);
        }
    }

    #[test]
    fn kerberos_says_it_by_its_code_and_more_exactly_by_its_status() {
        let refused = |status| kerberos(vec![(as_req(true), Some(krb_error_with(code::CLIENT_REVOKED, status)))]);
        let found = Login::new().step(refused(None)).dropped().the(&RULE);
        assert!(found.summary.contains("kim@CONTOSO.COM is locked, disabled or expired"), "{}", found.summary);
        let expired = kerberos(vec![(as_req(false), Some(krb_error(code::CLIENT_EXPIRED)))]);
        let found = Login::new().step(expired).dropped().the(&RULE);
        assert!(found.summary.contains("kim@CONTOSO.COM has expired"), "{}", found.summary);
        let found = Login::new().step(refused(Some(0xc000_0072))).dropped().the(&RULE);
        assert!(found.summary.contains("kim@CONTOSO.COM is disabled"), "{}", found.summary);
    }

    #[test]
    fn a_connection_to_the_directory_that_only_stands_open_makes_nothing_good() {
        let open = tcp(Purpose::Directory).to("10.0.0.3", 389).search("(objectClass=*)", 1, 0).act(|wire| wire.skip(2000));
        let refused = kerberos(vec![(as_req(false), Some(krb_error(code::CLIENT_REVOKED)))]);
        Login::new().step(open.data(Side::Client, 7).into_step(1)).step(refused.into_step(5)).dropped_in(1).the(&RULE);
    }

    #[test]
    fn a_wrong_password_gives_nothing() {
        bind("AcceptSecurityContext error, data 52e, v1db1").nothing(&RULE);
        let wrong = kerberos(vec![(as_req(true), Some(krb_error(code::PREAUTH_FAILED)))]);
        Login::new().step(wrong).dropped().nothing(&RULE);
    }
}
