//! `kerberos-error`: the domain controller refuses a ticket for a reason that has no code of its own here.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;
use crate::protocols::kerberos::code;

/// The rule.
pub static RULE: Rule = Rule {
    code: "kerberos-error",
    stage: Some(Stage::Directory),
    weight: Weight::General,
    order: 464,
    help: Help {
        what: "The domain controller refuses a ticket for another reason than those that have a code of their own.",
        why: "Without a ticket the device gets neither into the directory nor to its certificates.",
        fix: "Look up the error's name: 8 is a service name that two accounts bear (`setspn -X`), 31 and 41 a key that the service does not have (its password was changed), 68 another domain, 32 and 33 a ticket outside its time, 60 an error of the server that its log tells.",
        look_alikes: "25 and 52 are steps of the protocol. 6, 7, 12, 14, 18, 23, 24 and 37 have codes of their own.",
        references: &["RFC 4120 section 7.5.9", "RFC 4556 section 3.1.3"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    directory::told(case, is_other, what, |_, list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the domain controller refuses a ticket: {list}"),
        fix: format!(
            "Look the error up in the log `System` (source Kerberos-Key-Distribution-Center) of the domain controller: {list}. A new capture must show a ticket."
        ),
    })
}

fn is_other(refusal: &Refusal<'_>) -> bool {
    match refusal.reason() {
        Reason::Kerberos(code) => !matches!(
            code,
            code::CLIENT_UNKNOWN
                | code::SERVICE_UNKNOWN
                | code::ETYPE_UNSUPPORTED
                | code::PREAUTH_FAILED
                | code::PREAUTH_REQUIRED
                | code::SKEW
                | code::RESPONSE_TOO_BIG
        ),
        _ => false,
    }
}

/// The error, and for what.
fn what(refusal: &Refusal<'_>) -> String {
    let service = refusal.ticket().and_then(|request| request.service.as_ref());
    let service = service.map(|service| format!(" for {service}")).unwrap_or_default();
    format!("{}{service}", directory::in_words(refusal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    #[test]
    fn an_error_without_a_code_of_its_own() {
        let refused = kerberos(vec![(tgs_req("HTTP/ca.contoso.com"), Some(krb_error(8)))]);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the domain controller refuses a ticket: KDC_ERR_PRINCIPAL_NOT_UNIQUE (8) to kim@CONTOSO.COM by dc01.contoso.com (10.0.0.3:88) for HTTP/ca.contoso.com"
        );
    }

    #[test]
    fn errors_that_have_a_code_give_nothing() {
        for code in [6, 7, 12, 14, 18, 23, 24, 37] {
            let refused = kerberos(vec![(as_req(true), Some(krb_error(code)))]);
            Login::new().step(refused).dropped().nothing(&RULE);
        }
    }
}
