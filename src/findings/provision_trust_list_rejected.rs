//! `provision-trust-list-rejected`: a phone of a Cisco cluster fetches its signed configuration whole, and does not use it.

use crate::findings::shared::files::{asked_in_vain_for_trust, fetched_again, is_signed};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "provision-trust-list-rejected",
    stage: Some(Stage::Provision),
    weight: Weight::Specific,
    order: 425,
    help: Help {
        what: "The phone fetches trust lists and its signed configuration whole, does not use them, and fetches them again.",
        why: "A phone that holds a trust list takes only files that are signed by somebody on it. After a move to another cluster, or new \
              keys of the old one, it refuses all that the new servers give.",
        fix: "Delete the trust list (ITL, and CTL where there is one) on the phone, or make the new cluster known to it before the move \
              (bulk certificate export, or the roll-back parameter for TFTP). A new capture must show it going on to register.",
        look_alikes: "A missing CTL file is normal where the cluster is not in mixed mode. One restart after new configuration is normal.",
        references: &["Cisco, Security by Default (document 116232)"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let (file, again) = fetched_again(case, |file| is_signed(file.name.raw()))?;
    // By the trust list that it holds it takes nobody's word: not that of the service that it asks then, either.
    let in_vain = asked_in_vain_for_trust(case);
    let asks = if in_vain { ", asks the Trust Verification Service in vain" } else { "" };
    Some(Found {
        stage: Stage::Provision,
        step: case.attempt.dropped_step,
        proof: if in_vain { Proof::Proven } else { Proof::Inferred },
        explains_drop: true,
        confidence: if in_vain { 0.8 } else { 0.7 },
        summary: format!("the phone fetches the signed file {} whole{asks}, does not use it, and fetches it again", file.name),
        fix: "Delete the trust list on the phone (ITL, and CTL where there is one), or make the new cluster known to it as Cisco describes \
              for moves between clusters. A new capture must show it going on to register."
            .to_owned(),
        evidence: vec![
            Evidence::new(file.at.frame, "", format!("{} came whole", file.name)),
            Evidence::new(again.frame, "", format!("{} came whole", file.name)),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::*;
    use crate::findings::testing::*;
    use crate::login::steps::Ending;
    use crate::model::{By, How, Side};

    fn twice(name: &'static str) -> Login {
        let mut fetched = file(name).whole().into_step(5);
        fetched.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: fetched.last });
        let login = Login::new().step(lease(&[])).step(fetched).dropped();
        login.knowing(|known| {
            known.add_file(at_second(6, 5.0 / 100.0 + 1.01), name.into(), false);
            known.add_file(at_second(106, 200.0), name.into(), false);
        })
    }

    #[test]
    fn a_signed_file_or_a_trust_list_that_is_fetched_again_was_not_used() {
        for name in ["SEP0004F21A2B3C.cnf.xml.sgn", "ITLSEP0004F21A2B3C.tlv", "/CTLSEP0004F21A2B3C.tlv"] {
            assert!(twice(name).the(&RULE).explains_drop, "{name}");
        }
    }

    #[test]
    fn a_phone_that_asks_for_the_certificate_of_who_signed_it_in_vain_shows_why_it_does_not_use_the_file() {
        use crate::login::steps::{Close, Purpose};
        let asks = |port: u16| {
            let refused = syn(Purpose::Provision).to("10.0.0.69", port).leaves(Side::Server, Close::Rst);
            let fetched = file("SEP0004F21A2B3C.cnf.xml.sgn").whole();
            let login = Login::new().step(lease(&[])).step(refused).step(fetched).dropped_in(1);
            login.knowing(|known| {
                known.add_file(at(8), "SEP0004F21A2B3C.cnf.xml.sgn".into(), false);
                known.add_file(at_second(106, 200.0), "SEP0004F21A2B3C.cnf.xml.sgn".into(), false);
            })
        };
        let found = asks(2445).the(&RULE);
        assert_eq!(found.proof, Proof::Proven);
        assert!(found.summary.contains("asks the Trust Verification Service in vain"), "{}", found.summary);
        asks(6970).nothing(&RULE);
    }

    #[test]
    fn that_the_service_which_it_does_not_trust_answers_is_no_going_on() {
        use crate::login::steps::Purpose;
        let asks = |elsewhere: bool| {
            let refuses = tcp(Purpose::Provision).to("10.0.0.69", 2445).hello().server_flight(vec![]).alert(Side::Client, 2, 48);
            let login = Login::new().step(lease(&[])).step(file("ITLSEP0004F21A2B3C.tlv").whole()).step(refuses).dropped_in(2);
            let answered = login.attempt.steps[2].last;
            let fetched = login.attempt.steps[1].last;
            login.knowing(move |known| {
                known.add_file(fetched, "ITLSEP0004F21A2B3C.tlv".into(), false);
                known.add_file(at_second(1_006, 200.0), "ITLSEP0004F21A2B3C.tlv".into(), false);
                known.answered.push(answered);
                known.answered.extend(elsewhere.then_some(fetched).map(|at| crate::model::At { time: at.time.plus(1), ..at }));
            })
        };
        assert!(asks(false).the(&RULE).explains_drop);
        asks(true).nothing(&RULE);
    }

    #[test]
    fn a_file_without_signature_is_another_matter() {
        twice("SEP0004F21A2B3C.cnf.xml").nothing(&RULE);
    }

    #[test]
    fn a_phone_that_goes_on_has_used_it() {
        twice("a.cnf.xml.sgn").knowing(|known| known.answered.push(at_second(7, 1.08))).step(file("x").whole()).nothing(&RULE);
        twice("a.cnf.xml.sgn").knowing(|known| known.answered.push(at_second(120, 201.0))).nothing(&RULE);
    }
}
