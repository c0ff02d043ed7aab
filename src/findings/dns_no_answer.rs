//! `dns-no-answer`: the device asked its DNS server for a name, again and again, and nothing came back.

use crate::findings::shared::answers::{Failure, Words};
use crate::findings::shared::name_errand;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, How, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-no-answer",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 200,
    help: Help {
        what: "The device asked its DNS server for a name, again and again, and nothing came back.",
        why: "Every later step of the login is a name: without DNS the device cannot find its time server, its directory or its registrar.",
        fix: "Start DNS on the server that DHCP option 6 names, or name another one, and allow UDP and TCP port 53 from the phones' network. `nslookup NAME SERVER` from that network must answer.",
        look_alikes: "An ICMP port unreachable says that the host is up and the service is not. A truncated answer (TC=1) leads to TCP 53: where that is shut, the name stays unknown too.",
        references: &["RFC 1035 section 7.2", "RFC 7766 section 5 (TCP after a truncated answer)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let lists = name_errand::failures(case, |lookup| {
        if let Some(answer) = lookup.answer.as_ref().filter(|answer| answer.truncated) {
            let text = format!("the answer of {} is truncated: the whole of it has to come over TCP 53", answer.server);
            let shown = vec![Evidence::new(answer.at.frame, "dns.flags.truncated == 1", text)];
            return Some((format!("{} (of {}, whose TCP 53 does not answer)", lookup.name, answer.server), shown));
        }
        if lookup.answer.is_some() || lookup.unreachable.is_some() {
            return None;
        }
        let (_, server) = lookup.queries.last()?;
        let shown = lookup.queries.iter().take(3).map(|(at, server)| {
            let text = format!("{server} is asked for {}, and does not answer", lookup.name);
            Evidence::new(at.frame, "dns.flags.response == 0", text)
        });
        Some((format!("{} (asked of {server})", lookup.name), shown.collect()))
    });
    let told = |(purpose, list): &(Purpose, Vec<Failure<'_>>)| {
        name_errand::told(case, *purpose, list, |names| Words {
            proof: Proof::Told,
            confidence: 0.93,
            summary: format!("DNS queries stay unanswered: {names}"),
            fix: format!(
                "Make DNS answer these: {names}. Start the DNS service on that server or correct DHCP option 6, and allow UDP and TCP 53 \
                 from the phone's VLAN; `nslookup` from there must answer, and a new capture must show a response to each query."
            ),
        })
    };
    let mut found: Vec<Found> = lists.iter().flat_map(told).collect();
    found.iter_mut().for_each(|one| one.evidence.extend(over_tcp(case, one)));
    found
}

/// Where the answer was truncated: what became of the question over TCP.
fn over_tcp(case: &Case<'_>, found: &Found) -> Option<Evidence> {
    let step = case.attempt.steps.get(found.step?)?;
    let StepKind::Lookup(lookup) = &step.kind else { return None };
    let ending = step.ending.filter(|_| lookup.is_truncated())?;
    let text = if ending.how == How::Timeout { "the last SYN to TCP 53, without an answer" } else { "TCP 53 is refused" };
    Some(Evidence::new(ending.at.frame, "", text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Ending;
    use crate::model::{By, Frame, Outcome};

    #[test]
    fn queries_again_and_again_without_an_answer() {
        let found = Login::new().step(lookup("sip.contoso.com").times(3)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "DNS queries stay unanswered: sip.contoso.com (asked of 10.0.0.2)");
        assert_eq!(found.evidence.len(), 3);
    }

    #[test]
    fn a_name_that_is_asked_once_more_with_a_suffix_ends_the_attempt_as_the_name_itself_does() {
        let asked = Login::new().step(lookup("cfg.contoso.com").purpose(Purpose::Provision).times(2));
        let again = asked.step(lookup("cfg.contoso.com.contoso.com").purpose(Purpose::Provision).times(2));
        let found = again.dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "DNS queries stay unanswered: cfg.contoso.com (asked of 10.0.0.2)");
    }

    #[test]
    fn a_truncated_answer_whose_whole_never_comes() {
        let cut = || lookup("_sipinternaltls._tcp.contoso.com").purpose(Purpose::Registrar).truncated();
        let mut step = cut().into_step(5);
        (step.outcome, step.ending) = (Outcome::Failed, Some(Ending { by: By::Server, how: How::Rst, at: at(9) }));
        let mut login = Login::new();
        login.attempt.steps.push(step);
        let found = login.dropped().the(&RULE);
        assert!(found.summary.contains("TCP 53") && found.explains_drop, "{}", found.summary);
        assert_eq!(found.evidence.last().unwrap().frame, Frame::new(9));
        let mut waits = cut().into_step(5);
        waits.outcome = Outcome::Unclear;
        let mut login = Login::new();
        login.attempt.steps.push(waits);
        login.nothing(&RULE);
    }

    #[test]
    fn an_answer_to_another_name_of_the_list_an_icmp_and_a_side_road_give_nothing() {
        Login::new()
            .step(lookup("_sip._tls.contoso.com").times(2))
            .step(lookup("sip.contoso.com").address("10.0.0.5"))
            .nothing(&RULE);
        Login::new().step(lookup("sip.contoso.com").unreachable("10.0.0.2")).dropped().nothing(&RULE);
        Login::new().step(lookup("ucupdates-r2.contoso.com").purpose(Purpose::Update).times(2)).nothing(&RULE);
    }
}
