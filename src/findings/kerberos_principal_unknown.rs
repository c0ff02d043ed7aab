//! `kerberos-principal-unknown`: the domain controller knows no such user, or no such service.

use crate::findings::shared::answers::Words;
use crate::findings::shared::directory::{self, Reason, Refusal};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;
use crate::protocols::kerberos::code;

/// The rule.
pub static RULE: Rule = Rule {
    code: "kerberos-principal-unknown",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 462,
    help: Help {
        what: "The domain controller knows no such user (6), or no such service (7).",
        why: "Without a ticket the device gets neither into the directory nor to its certificates.",
        fix: "6: type the user name and the full DNS name of the domain again. 7: register the service's name on the account under which it runs, with `setspn -S SERVICE/host account`. A new capture must show a ticket.",
        look_alikes: "7 and then NTLM is a harmless fall-back. 68 (KDC_ERR_WRONG_REALM) sends the client to another domain.",
        references: &["RFC 4120 section 7.5.9"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let is_it =
        |refusal: &Refusal<'_>| matches!(refusal.reason(), Reason::Kerberos(code::CLIENT_UNKNOWN | code::SERVICE_UNKNOWN));
    directory::told(case, is_it, whom, |refusals, list| Words {
        proof: Proof::Told,
        confidence: 0.92,
        summary: format!("the domain controller does not know {list}"),
        fix: refusals.last().map(advice).unwrap_or_default(),
    })
}

/// The user or the service.
fn whom(refusal: &Refusal<'_>) -> String {
    let (kind, name) = principal(refusal);
    format!("the {kind} {name} (KRB-ERROR of {})", refusal.server())
}

fn principal(refusal: &Refusal<'_>) -> (&'static str, String) {
    match refusal.reason() {
        Reason::Kerberos(code::SERVICE_UNKNOWN) => ("service", service(refusal)),
        _ => ("user", refusal.user().map(|user| user.to_string()).unwrap_or_default()),
    }
}

fn service(refusal: &Refusal<'_>) -> String {
    let asked = refusal.ticket().and_then(|request| request.service.as_ref());
    asked.or(refusal.error().map(|error| &error.service)).map(ToString::to_string).unwrap_or_default()
}

fn advice(refusal: &Refusal<'_>) -> String {
    let (kind, name) = principal(refusal);
    match kind {
        "service" => format!(
            "Register {name} on the account under which the service runs (`setspn -S {name} ACCOUNT`; `setspn -Q {name}` must find one account). A new capture must show TGS-REP."
        ),
        _ => format!(
            "{name} is not in the domain: type the user name and the full DNS name of the domain on the phone again. A new capture must show AS-REP."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::By;

    #[test]
    fn a_user_that_does_not_exist() {
        let refused = kerberos(vec![(as_req(false), Some(krb_error(code::CLIENT_UNKNOWN)))]);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the domain controller does not know the user kim@CONTOSO.COM (KRB-ERROR of dc01.contoso.com (10.0.0.3:88))"
        );
    }

    #[test]
    fn a_service_that_nobody_has_registered() {
        let refused = kerberos(vec![(tgs_req("HTTP/ca.contoso.com"), Some(krb_error(code::SERVICE_UNKNOWN)))]);
        let found = Login::new().step(refused).dropped().the(&RULE);
        assert!(found.fix.contains("setspn -S HTTP/ca.contoso.com"), "{}", found.fix);
    }

    #[test]
    fn ntlm_that_gets_in_instead_makes_it_good() {
        let refused = kerberos(vec![(tgs_req("ldap/dc01.contoso.com"), Some(krb_error(code::SERVICE_UNKNOWN)))]);
        let instead = tcp(Purpose::Directory).to("10.0.0.3", 389).bind(14, "").bind(0, "");
        let later = syn(Purpose::Registrar).timed_out(By::Unknown);
        Login::new().step(refused).step(instead).step(later).dropped().nothing(&RULE);
    }
}
