//! `ldap-no-ca-found`: the directory knows neither a CA certificate nor a server that hands one out.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::directory;
use crate::findings::shared::fetch;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{DirectoryRequest, Purpose, Step, StepKind};
use crate::model::{Evidence, How, Outcome, Stage};
use crate::protocols::ldap;

/// The rule.
pub static RULE: Rule = Rule {
    code: "ldap-no-ca-found",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 470,
    help: Help {
        what: "The directory knows neither a CA certificate nor a server that hands one out: the searches for them succeed and find nothing.",
        why: "The device has nowhere to fetch the CA from that signed its registrar's certificate.",
        fix: "Publish the root CA in the forest with `certutil -f -dspublish root.cer RootCA`, and see that authenticated users may read `CN=Public Key Services,CN=Services,CN=Configuration`. A new capture must show entries with cACertificate.",
        look_alikes: "An empty first search, for CA certificates, that is followed by a good second one, for enrolment services, is healthy. References to other servers are no entries: ldap-search-failed. An anonymous bind finds nothing, whatever is published; a refused bind is ldap-bind-failed.",
        references: &["[MS-ADSC] class certificationAuthority", "[MS-CSRA] pKIEnrollmentService", "RFC 4511 section 4.5.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let other_source = case.attempt.steps.iter().any(|step| step.purpose == Purpose::Enrolment && is_fetch(step));
    if case.attempt.drop.is_none() || other_source || !case.known.fetched.is_empty() {
        return Vec::new();
    }
    let failures: Vec<Failure<'_>> = answers::failures(case, |step, _| empty(step));
    let anonymous = failures.iter().any(|failure| is_anonymous(failure.step));
    fetch::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("the directory has no CA for the device: {list}"),
        fix: advice(list, anonymous),
    })
}

fn advice(list: &str, anonymous: bool) -> String {
    let rights = if anonymous {
        "The device had not logged on to the directory, and Active Directory shows these objects to authenticated users only: give it a user. If it has one, publish"
    } else {
        "Publish"
    };
    format!(
        "{rights} the root CA with `certutil -f -dspublish root.cer RootCA`, and let authenticated users read `CN=Public Key Services`: {list}. `ldapsearch -b \"CN=Public Key Services,CN=Services,CN=Configuration,DC=…\" \"(objectClass=certificationAuthority)\" cACertificate` as that user must show it."
    )
}

/// A connection for certificates, or a look-up of a name for one, is no source before it was reached.
fn is_fetch(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Connection(_))
}

/// The searches for a CA that came to nothing, of an exchange that ended with it.
fn empty(step: &Step) -> Option<(String, Vec<Evidence>)> {
    let ended = step.ending.filter(|ending| ending.how == How::Abandoned)?;
    if step.stage != Stage::Directory || step.outcome != Outcome::Failed {
        return None;
    }
    let (requests, _) = directory::requests(step)?;
    let searches: Vec<&DirectoryRequest> = requests.iter().filter(|request| is_empty(request)).collect();
    let is_last = |request: &&DirectoryRequest| request.answer.as_ref().is_some_and(|(at, _)| at.frame == ended.at.frame);
    searches.iter().find(|request| is_last(request))?;
    let server = directory::server(step);
    let filters: Vec<String> =
        searches.iter().filter_map(|request| request.search()).map(|search| search.filter.to_string()).collect();
    let evidence = searches.iter().filter_map(|request| {
        let (at, _) = request.answer.as_ref()?;
        let text = format!("{server} finds nothing for {}: {} entries", request.search()?.filter, request.entries);
        Some(Evidence::new(at.frame, "ldap", text))
    });
    Some((format!("{server} finds nothing for {}", filters.join(" and ")), evidence.collect()))
}

/// A search for a CA that succeeded, and brought neither a certificate nor a host.
fn is_empty(request: &DirectoryRequest) -> bool {
    let succeeded = request.outcome().is_some_and(|outcome| outcome.code == ldap::code::SUCCESS);
    let for_ca = request.search().is_some_and(ldap::Search::is_for_ca);
    succeeded && for_ca && !request.found_ca() && !request.is_referred()
}

/// Did the device search without having logged on?
fn is_anonymous(step: &Step) -> bool {
    let Some((requests, _)) = directory::requests(step) else { return false };
    let is_user = |request: &DirectoryRequest| request.bind().is_some_and(|bind| !bind.is_anonymous());
    // The bind may lie before the capture's beginning.
    let from_the_start = matches!(&step.kind, StepKind::Connection(connection) if connection.syn.is_some());
    from_the_start && !requests.iter().any(is_user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Close;
    use crate::model::Side;

    const AUTHORITIES: &str = "(objectCategory=certificationAuthority)";
    const SERVICES: &str = "(objectCategory=pKIEnrollmentService)";

    fn controller() -> Tcp {
        tcp(Purpose::Directory).named("dc01.contoso.com").to("10.0.0.3", 389).bind(0, "")
    }

    fn neither() -> Tcp {
        controller().search(AUTHORITIES, 0, 0).search(SERVICES, 0, 0).abandoned()
    }

    #[test]
    fn two_searches_that_find_nothing() {
        let found = Login::new().step(neither().leaves(Side::Client, Close::Fin)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the directory has no CA for the device: dc01.contoso.com (10.0.0.3:389) finds nothing for (objectCategory=certificationAuthority) and (objectCategory=pKIEnrollmentService)"
        );
        assert_eq!(found.evidence.len(), 2);
        assert!(!found.fix.contains("had not logged on"));
    }

    #[test]
    fn a_device_that_never_logged_on_is_told_so() {
        let nobody = tcp(Purpose::Directory).to("10.0.0.3", 389).search(AUTHORITIES, 0, 0).search(SERVICES, 0, 0).abandoned();
        let found = Login::new().step(nobody).dropped().the(&RULE);
        assert!(found.fix.contains("had not logged on"), "{}", found.fix);
    }

    #[test]
    fn the_want_of_a_ca_explains_why_the_handshake_is_left() {
        let left = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Fin);
        let found = Login::new().step(neither()).step(left).dropped().the(&RULE);
        assert!(found.explains_drop && found.confidence < 0.9);
    }

    #[test]
    fn a_web_page_that_is_asked_next_is_another_source() {
        let page = tcp(Purpose::Enrolment).named("ca.contoso.com").get("/certsrv/certnew.p7b").answer(404);
        Login::new().step(neither()).step(page).dropped().nothing(&RULE);
    }

    #[test]
    fn an_empty_search_before_a_good_one_gives_nothing() {
        let healthy = controller().search(AUTHORITIES, 0, 0).search(SERVICES, 1, 0).hosts(1);
        let later = syn(Purpose::Registrar).timed_out(crate::model::By::Unknown);
        Login::new().step(healthy).step(later).dropped().nothing(&RULE);
    }

    #[test]
    fn a_device_that_signs_in_all_the_same_lacked_nothing() {
        Login::new().step(neither()).signed_in().nothing(&RULE);
    }
}
