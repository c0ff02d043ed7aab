//! `update-name-unresolved`: the name of the device-update server does not resolve; the phone shows 0x2ee7.

use crate::findings::shared::answers::{self, Words};
use crate::findings::shared::name_errand;
use crate::findings::shared::update_status::{self, Failure};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{Evidence, Stage};
use crate::text::WireText;

/// The rule.
pub static RULE: Rule = Rule {
    code: "update-name-unresolved",
    stage: Some(Stage::Update),
    weight: Weight::Specific,
    order: 2010,
    help: Help {
        what: "The name of the device-update server does not resolve; the phone shows `Last Update Status: (0x2ee7/0)`.",
        why: "It does not stop a login: updates are a side road.",
        fix: "Add an A record ucupdates-r2 in the domain of DHCP option 15 that points to the pool, if updates are wanted.",
        look_alikes: "Firmware that is up to date works without it.",
        references: &["WinINet error 12007 (ERROR_INTERNET_NAME_NOT_RESOLVED)"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Lookup(lookup) = kind else { return None };
        let unclear = || lookup.unreachable.is_some() || name_errand::is_noise(case, lookup);
        if step.purpose != Purpose::Update || unclear() || answers::made_good(case, Purpose::Update) {
            return None;
        }
        let at = lookup.answer.as_ref().map(|answer| answer.at).or(lookup.queries.last().map(|(at, _)| *at))?;
        Some((lookup.name.to_string(), vec![Evidence::new(at.frame, "dns", format!("{} does not resolve", lookup.name))]))
    });
    let named = failures.first().map(|failure| WireText::from(failure.what.as_str()));
    let shown = update_status::shown(Failure::NameNotResolved, named.as_ref(), None);
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("the update server's name does not resolve: {list}{shown}"),
        fix: format!(
            "If updates are wanted, add an A record for {list} that points to the pool; `nslookup` must then answer. The login does not need it."
        ),
    });
    // A side road: no login waits for it.
    found.iter_mut().for_each(|one| one.explains_drop = false);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn a_name_that_does_not_exist_explains_no_drop() {
        let found = Login::new().step(lookup("ucupdates-r2.contoso.com").purpose(Purpose::Update).rcode(3)).dropped().the(&RULE);
        assert!(!found.explains_drop);
        assert_eq!(
            found.summary,
            "the update server's name does not resolve: ucupdates-r2.contoso.com; the phone shows \"Last Update Status: (0x2ee7/0)\""
        );
    }

    #[test]
    fn a_name_that_is_found_and_another_errand_give_nothing() {
        Login::new().step(lookup("ucupdates-r2.contoso.com").purpose(Purpose::Update).address("10.0.0.5")).nothing(&RULE);
        Login::new().step(lookup("sip.contoso.com").rcode(3)).dropped().nothing(&RULE);
    }
}
