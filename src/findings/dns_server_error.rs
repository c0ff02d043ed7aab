//! `dns-server-error`: the DNS server answered with an error such as SERVFAIL or REFUSED.

use crate::findings::shared::answers::Words;
use crate::findings::shared::name_errand;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
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
    let lists = name_errand::failures(case, |lookup| {
        let answer = lookup.answer.as_ref().filter(|answer| !matches!(answer.rcode, 0 | 3))?;
        let code = match answer.rcode {
            2 => "SERVFAIL".to_owned(),
            5 => "REFUSED".to_owned(),
            other => format!("rcode {other}"),
        };
        let term = format!("dns.flags.rcode == {}", answer.rcode);
        let shown = Evidence::new(answer.at.frame, &term, format!("{} answers {code} for {}", answer.server, lookup.name));
        Some((format!("{} ({code} from {})", lookup.name, answer.server), vec![shown]))
    });
    let told = |purpose, list| {
        name_errand::told(case, purpose, list, |names| Words {
            proof: Proof::Told,
            confidence: 0.95,
            summary: format!("the DNS server answers with an error: {names}"),
            fix: format!(
                "Mend the DNS server for these: {names}. Look at its forwarders and delegations (SERVFAIL) and at the clients that it \
                 serves (REFUSED); `nslookup` from the phone's network must answer without an error."
            ),
        })
    };
    lists.iter().flat_map(|(purpose, list)| told(*purpose, list)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn servfail_and_refused() {
        let found =
            Login::new().step(lookup("a.contoso.com").rcode(2)).step(lookup("sip.contoso.com").rcode(5)).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the DNS server answers with an error: a.contoso.com (SERVFAIL from 10.0.0.2), sip.contoso.com (REFUSED from 10.0.0.2)"
        );
    }

    #[test]
    fn the_target_of_a_service_record_that_gets_an_error_is_not_made_good_by_that_record() {
        let found = Login::new()
            .step(lookup("_sips._tcp.contoso.com").service("edge.partner.com", 5061))
            .step(lookup("edge.partner.com").rcode(2))
            .dropped()
            .the(&RULE);
        assert!(found.explains_drop);
    }

    #[test]
    fn a_name_that_does_not_exist_and_a_second_server_that_answers_give_nothing() {
        Login::new().step(lookup("sip.contoso.com").rcode(3)).dropped().nothing(&RULE);
        Login::new()
            .step(lookup("_sip._tls.contoso.com").rcode(2))
            .step(lookup("sip.contoso.com").address("10.0.0.5"))
            .nothing(&RULE);
    }
}
