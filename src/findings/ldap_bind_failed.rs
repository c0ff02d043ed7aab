//! `ldap-bind-failed`: the domain controller refuses the device's bind.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal, Said};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;
use crate::protocols::ldap;

/// The rule.
pub static RULE: Rule = Rule {
    code: "ldap-bind-failed",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 460,
    help: Help {
        what: "The domain controller refuses the device's bind: the answer is neither success nor the next step of SASL.",
        why: "Active Directory shows its CA certificates to users who have logged on, and to nobody else, so the device finds none.",
        fix: "Do what the result code says: 49 name or password; 8 the server demands signing (policy `Domain controller: LDAP server signing requirements`); 13 it demands TLS; 7 and 48 it does not take this way to log on. A new capture must show bindResponse 0.",
        look_alikes: "Result 14 (saslBindInProgress) is the middle of SASL. 49 with data 530 to 533, 701, 773 or 775 is account-unusable: no typo. A KRB-ERROR inside the answer has a code of its own.",
        references: &["RFC 4511 sections 4.1.9 and 4.2.2", "[MS-ADTS] 5.1.1"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    directory::told(
        case,
        |refusal| refusal.reason() == Reason::Bind,
        directory::in_words,
        |refusals, list| Words {
            proof: Proof::Told,
            confidence: 0.95,
            summary: format!("the domain controller refuses the bind: {list}"),
            fix: refusals.last().map(advice).unwrap_or_default(),
        },
    )
}

/// What to do about the last refusal.
fn advice(refusal: &Refusal<'_>) -> String {
    let server = refusal.server();
    let user = refusal.user().map_or_else(|| "the user".to_owned(), |user| user.to_string());
    let Said::Ldap(_, outcome) = refusal.said else { return String::new() };
    let what = match (outcome.code, outcome.data()) {
        (ldap::code::INVALID_CREDENTIALS, Some(0x525)) => {
            format!(
                "{user} does not exist in the domain of {server}: type the user name and the full DNS name of the domain again"
            )
        }
        (ldap::code::INVALID_CREDENTIALS, Some(0x52e)) => {
            format!("The password of {user} is wrong for {server}: set it anew, and type it on the phone")
        }
        (ldap::code::INVALID_CREDENTIALS, _) => format!("Check the name and the password of {user} at {server}"),
        (8, _) => format!(
            "{server} demands signing, which this bind does not offer: set the policy `Domain controller: LDAP server signing requirements` to None, or use a firmware that signs"
        ),
        (13, _) => format!("{server} takes this bind under TLS only: allow it in clear, or let the device use LDAPS (636)"),
        (7 | 48, _) => format!("{server} does not take this way to log on: enable NTLM or Kerberos for LDAP binds there"),
        (code, _) => {
            format!("Look up result {code} ({}) in the log `Directory Service` of {server}", ldap::names::result_name(code))
        }
    };
    format!("{what}. A new capture must show bindResponse 0.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::login::steps::Purpose;
    use crate::model::Side;

    fn controller() -> Tcp {
        tcp(Purpose::Directory).named("dc01.contoso.com").to("10.0.0.3", 389)
    }

    const WRONG_PASSWORD: &str = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1";

    #[test]
    fn a_wrong_password_in_the_second_step_of_sasl() {
        let refused = controller().bind(14, "").bind(49, WRONG_PASSWORD);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.explains_drop && found.proof == Proof::Told);
        assert_eq!(
            found.summary,
            "the domain controller refuses the bind: invalidCredentials (49, data 52e) to CONTOSO\\kim by dc01.contoso.com (10.0.0.3:389)"
        );
        assert!(found.fix.starts_with("The password of CONTOSO\\kim is wrong"), "{}", found.fix);
        assert_eq!(found.evidence.last().unwrap().display_filter, "frame.number == 6 && ldap.resultCode == 49");
    }

    #[test]
    fn a_server_that_demands_signing_is_not_about_the_password() {
        let found = Login::new().step(controller().bind(8, "")).dropped().the(&RULE);
        assert!(found.fix.contains("signing") && !found.fix.contains("password"), "{}", found.fix);
    }

    #[test]
    fn the_middle_of_sasl_and_a_bind_that_goes_well_give_nothing() {
        let healthy = controller().bind(14, "").bind(0, "");
        Login::new().step(healthy.leaves(Side::Client, Close::Fin)).dropped().nothing(&RULE);
    }

    #[test]
    fn an_account_that_is_locked_is_no_typo() {
        Login::new().step(controller().bind(49, "AcceptSecurityContext error, data 775, v1db1")).dropped().nothing(&RULE);
    }

    #[test]
    fn another_domain_controller_that_lets_the_device_in_makes_it_good() {
        let second = controller().to("10.0.0.4", 389).bind(0, "");
        Login::new()
            .step(controller().bind(49, WRONG_PASSWORD))
            .step(second)
            .with(|attempt| {
                attempt.drop = attempt.steps[0].ending.map(|ending| crate::model::DropPoint {
                    stage: Stage::Register,
                    by: ending.by,
                    how: ending.how,
                    at: ending.at,
                });
            })
            .nothing(&RULE);
    }
}
