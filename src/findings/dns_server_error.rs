//! `dns-server-error`: the DNS server answered with an error such as SERVFAIL or REFUSED.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "dns-server-error",
    stage: Some(Stage::Names),
    weight: Weight::Specific,
    order: 205,
    help: Help {
        what: "The DNS server answered with an error such as SERVFAIL or REFUSED.",
        why: "The device learns neither that the name exists nor that it does not, and cannot go on.",
        fix: "Mend the DNS server: forwarders, delegation, DNSSEC, or the list of clients that it answers. `nslookup NAME SERVER` must give an answer without an error.",
        look_alikes: "A second server that then answers cancels it.",
        references: &["RFC 1035 section 4.1.1"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lookup(lookup) = kind else { return None };
        let answer = lookup.answer.as_ref().filter(|answer| !matches!(answer.rcode, 0 | 3))?;
        if step.purpose == Purpose::Update || answers::made_good(case, step.purpose) && !case.is_dropped(step) {
            return None;
        }
        let term = format!("dns.flags.rcode == {}", answer.rcode);
        let code = match answer.rcode {
            2 => "SERVFAIL".to_owned(),
            5 => "REFUSED".to_owned(),
            other => format!("rcode {other}"),
        };
        Some((
            format!("{} ({code} from {})", lookup.name, answer.server),
            vec![Evidence::new(answer.at.frame, &term, format!("{} answers {code} for {}", answer.server, lookup.name))],
        ))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the DNS server answers with an error: {list}"),
        fix: format!(
            "Mend the DNS server for these: {list}. Look at its forwarders, delegations and the clients that it serves; `nslookup` from the phone's network must answer without an error."
        ),
    })
}
