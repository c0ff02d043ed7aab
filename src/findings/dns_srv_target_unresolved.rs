//! `dns-srv-target-unresolved`: an SRV record names a host for which DNS has no address.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::name_errand;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Lookup, Purpose, Step, StepKind};
use crate::model::{Evidence, Stage};
use crate::protocols::dns::RecordData;
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-srv-target-unresolved",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 215,
    help: Help {
        what: "An SRV record names a host for which DNS has no address.",
        why: "The device knows the name of its server and not where it is: it cannot connect.",
        fix: "Add an A record for the SRV target, or correct the target of the SRV record; `nslookup TARGET` must give the server's address.",
        look_alikes: "The address may come in the additional section of the SRV answer: then no second question is needed.",
        references: &["RFC 2782"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lookup(lookup) = kind else { return None };
        let answer = lookup.answer.as_ref().filter(|answer| matches!(answer.rcode, 0 | 3))?;
        let (service, named) = name_errand::service(case, lookup)?;
        if step.purpose == Purpose::Update
            || name_errand::is_noise(case, lookup)
            || has_address(case, lookup)
            || connected(case, step.purpose)
        {
            return None;
        }
        let text = format!("{service} names the target {}", lookup.name);
        let named = Evidence::new(named, "dns.flags.response == 1", text);
        let term = format!("dns.flags.rcode == {}", answer.rcode);
        let shown = Evidence::new(answer.at.frame, &term, format!("{} has no address for {}", answer.server, lookup.name));
        Some((format!("{} (target of {service})", lookup.name), vec![named, shown]))
    });
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the SRV target has no address in DNS: {list}"),
        fix: format!(
            "Add an A record for the target, or correct the SRV record: {list}. `nslookup` for the target must give the server's address."
        ),
    });
    // The names of last resort that the device asks for after it are missing in a healthy site too.
    let dropped = case.attempt.dropped().filter(|_| case.attempt.drop.is_some());
    let last_resort = dropped.filter(|step| matches!(step.kind, StepKind::Lookup(_)));
    if failures
        .iter()
        .any(|failure| last_resort.is_some_and(|step| step.purpose == failure.step.purpose && step.last >= failure.step.first))
    {
        found.iter_mut().for_each(|one| one.explains_drop = true);
    }
    found
}

/// Does the name have an address all the same: in another answer, or beside the service record?
fn has_address(case: &Case<'_>, lookup: &Lookup) -> bool {
    let same = |name: &WireText| name.raw().trim_end_matches('.').eq_ignore_ascii_case(lookup.name.raw().trim_end_matches('.'));
    case.attempt.lookups().any(|(_, other)| {
        let additional = other.answer.iter().flat_map(|answer| answer.records());
        same(&other.name) && other.addresses().next().is_some()
            || additional.into_iter().any(|record| same(&record.name) && matches!(record.data, RecordData::Address(_)))
    })
}

/// Did the device find a server for this errand by another way?
fn connected(case: &Case<'_>, purpose: Purpose) -> bool {
    let found = |step: &Step| match &step.kind {
        StepKind::Connection(_) | StepKind::Registration(_) | StepKind::Inquiry(_) => true,
        StepKind::Clock(clock) => !clock.answers.is_empty(),
        _ => false,
    };
    case.attempt.steps.iter().any(|step| step.purpose == purpose && found(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::protocols::dns;

    fn service() -> Login {
        Login::new().step(lookup("_sipinternaltls._tcp.contoso.com").service("pool.contoso.com", 5061))
    }

    #[test]
    fn a_record_that_the_device_kept_from_an_attempt_before_names_the_target_too() {
        let asks = || lookup("pool.contoso.com").rcode(3);
        let kept = Login::new().step(asks().target_of("_sipinternaltls._tcp.contoso.com", 7)).dropped().the(&RULE);
        assert!(kept.explains_drop && kept.evidence[0].frame == crate::model::Frame::new(7));
        Login::new().step(asks()).dropped().nothing(&RULE);
    }

    #[test]
    fn the_target_has_no_address() {
        let found = service().step(lookup("pool.contoso.com").rcode(3)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the SRV target has no address in DNS: pool.contoso.com (target of _sipinternaltls._tcp.contoso.com)"
        );
        assert_eq!(found.evidence.len(), 2);
    }

    #[test]
    fn names_of_last_resort_that_fail_after_it_do_not_take_its_place() {
        let login =
            service().step(lookup("pool.contoso.com").rcode(0)).step(lookup("sipinternal.contoso.com").rcode(3)).dropped();
        assert!(login.the(&RULE).explains_drop);
    }

    #[test]
    fn ipv6_that_is_missing_beside_ipv4_and_another_way_give_nothing() {
        let both = service().step(lookup("pool.contoso.com").address("10.0.0.5"));
        both.step(lookup("pool.contoso.com").kind(dns::kind::AAAA).rcode(0)).nothing(&RULE);
        let other = service().step(lookup("pool.contoso.com").rcode(3)).step(tcp(Purpose::Registrar).named("sip.contoso.com"));
        other.nothing(&RULE);
        Login::new().step(lookup("sip.contoso.com").rcode(3)).dropped().nothing(&RULE);
    }
}
