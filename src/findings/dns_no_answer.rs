//! `dns-no-answer`: the device asked its DNS server for a name, again and again, and nothing came back.

use crate::findings::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, Stage};

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
        look_alikes: "An ICMP port unreachable says that the host is up and the service is not. A truncated answer whose repeat over TCP 53 is blocked looks like silence too.",
        references: &["RFC 1035 section 7.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lookup(lookup) = kind else { return None };
        if lookup.answer.is_some()
            || step.purpose == Purpose::Update
            || answers::made_good(case, step.purpose) && !case.is_dropped(step)
        {
            return None;
        }
        let shown = lookup.queries.iter().map(|(at, server)| {
            Evidence::new(
                at.frame,
                "dns.flags.response == 0",
                format!("{server} is asked for {}, and nobody answers", lookup.name),
            )
        });
        Some((format!("{} ({})", lookup.name, lookup.queries.last()?.1), shown.collect()))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!("DNS queries stay unanswered: {list}"),
        fix: format!(
            "Make DNS answer these: {list}. Start the DNS service on that server or correct DHCP option 6, and allow UDP and TCP 53 from the phone's VLAN; `nslookup` from there must answer, and a new capture must show a response to each query."
        ),
    })
}
