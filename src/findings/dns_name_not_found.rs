//! `dns-name-not-found`: dNS answered that the names which the device looks for do not exist.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-name-not-found",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 210,
    help: Help {
        what: "DNS answered that the names which the device looks for do not exist.",
        why: "The device walks its list of names and stops where none of them exists: there is nothing it could connect to.",
        fix: "Add the SRV or A records that the device asks for to the zone that its DNS server serves; `nslookup -type=SRV NAME` must then show host and port.",
        look_alikes: "One success in the same list cancels it. NXDOMAIN for a name with a doubled suffix, and an empty AAAA answer beside a good A, are noise.",
        references: &["RFC 1035 section 4.1.1", "RFC 2308"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lookup(lookup) = kind else { return None };
        let answer = lookup.answer.as_ref()?;
        let target_of_srv = case
            .attempt
            .lookups()
            .any(|(_, other)| other.targets().any(|(target, _)| target.raw().eq_ignore_ascii_case(lookup.name.raw())));
        let noise = step.purpose == Purpose::Update || target_of_srv || !matches!(answer.rcode, 0 | 3);
        if noise
            || answers::made_good(case, step.purpose) && !case.is_dropped(step)
            || step.purpose == Purpose::Other && !case.is_dropped(step)
        {
            return None;
        }
        let term = format!("dns.flags.rcode == {}", answer.rcode);
        Some((
            lookup.name.to_string(),
            vec![Evidence::new(answer.at.frame, &term, format!("{} has no such record for {}", answer.server, lookup.name))],
        ))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("DNS has none of the names that the device looks for: {list}"),
        fix: format!(
            "Add records for these names to the DNS zone that the phones' server serves (for the registrar an SRV record _sipinternaltls._tcp with the pool as target and port 5061): {list}. Check with `nslookup -type=SRV` from the phone's network."
        ),
    })
}
