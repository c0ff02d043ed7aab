//! `dns-srv-target-unresolved`: an SRV record names a host for which DNS has no address.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

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
        let answer = lookup.answer.as_ref()?;
        let mut services = case
            .attempt
            .lookups()
            .filter(|(_, other)| other.targets().any(|(target, _)| target.raw().eq_ignore_ascii_case(lookup.name.raw())));
        let (_, service) = services.next()?;
        if answers::made_good(case, step.purpose) && !case.is_dropped(step) {
            return None;
        }
        let mut shown: Vec<Evidence> = service
            .answer
            .iter()
            .map(|answer| {
                Evidence::new(
                    answer.at.frame,
                    "dns.flags.response == 1",
                    format!("{} names the target {}", service.name, lookup.name),
                )
            })
            .collect();
        let term = format!("dns.flags.rcode == {}", answer.rcode);
        shown.push(Evidence::new(answer.at.frame, &term, format!("no address for {}", lookup.name)));
        Some((format!("{} (target of {})", lookup.name, service.name), shown))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the SRV target has no address in DNS: {list}"),
        fix: format!(
            "Add an A record for the target, or correct the SRV record: {list}. `nslookup` for the target must give the address of the server."
        ),
    })
}
