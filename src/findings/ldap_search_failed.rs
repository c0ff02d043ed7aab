//! `ldap-search-failed`: the domain controller refuses the device's search, or only refers it elsewhere.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "ldap-search-failed",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 465,
    help: Help {
        what: "The domain controller refuses the device's search, or answers with nothing but references to other servers.",
        why: "The device looks there for its CA certificates, and does not follow references.",
        fix: "Do what the result code says: 1 (operationsError) means a search before the bind; 32 (noSuchObject) that the base does not exist in this forest; 50 that the user may not read there; 10 (referral) that another domain holds it. `ldapsearch` with the same base, filter and user must succeed.",
        look_alikes: "sizeLimitExceeded with entries is an answer. An empty answer with result 0 is ldap-no-ca-found. A refused bind before it is ldap-bind-failed.",
        references: &["RFC 4511 sections 4.1.9 and 4.5"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    directory::told(
        case,
        |refusal| refusal.reason() == Reason::Search,
        directory::in_words,
        |_, list| Words {
            proof: Proof::Told,
            confidence: 0.9,
            summary: format!("the domain controller refuses the search: {list}"),
            fix: format!(
                "See that the user may read the place that is searched, and that it is in this forest: {list}. `ldapsearch` with the base, filter and user of that request must succeed, as must a new capture."
            ),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    const AUTHORITIES: &str = "(objectCategory=certificationAuthority)";

    fn controller() -> Tcp {
        tcp(Purpose::Directory).named("dc01.contoso.com").to("10.0.0.3", 389)
    }

    #[test]
    fn a_search_that_is_refused() {
        let found = Login::new().step(controller().search(AUTHORITIES, 0, 1)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the domain controller refuses the search: operationsError (1) by dc01.contoso.com (10.0.0.3:389)"
        );
    }

    #[test]
    fn nothing_but_references_elsewhere() {
        let referred = controller().search(AUTHORITIES, 0, 0).referred(2);
        let found = Login::new().step(referred).dropped().the(&RULE);
        assert!(found.summary.contains("2 reference(s) to other servers"), "{}", found.summary);
    }

    #[test]
    fn an_empty_answer_and_a_refused_bind_give_nothing() {
        Login::new().step(controller().search(AUTHORITIES, 0, 0).abandoned()).dropped().nothing(&RULE);
        Login::new().step(controller().bind(49, "")).dropped().nothing(&RULE);
    }
}
