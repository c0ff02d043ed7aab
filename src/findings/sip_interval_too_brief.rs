//! `sip-interval-too-brief`: the registrar wants a longer registration interval (423), and the device does not raise its own.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-interval-too-brief",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 920,
    help: Help {
        what: "The registrar wants a longer registration interval (423), and the device does not raise its own.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "Raise the registration interval (Expires) on the phone to at least the registrar's Min-Expires, or lower that. A new capture must show 200.",
        look_alikes: "A device that repeats its REGISTER with a longer interval is well: one 423 is part of the protocol.",
        references: &["RFC 3261 section 10.2.8", "RFC 3261 section 21.4.17"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Interval, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar wants a longer registration interval: {list}"),
        fix: format!(
            "Raise the registration interval (Expires) on the phone to at least the registrar's Min-Expires, or lower that on the registrar: {list}. A new capture must show 200."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::protocols::sip;

    fn refused(request: sip::Message, answer: sip::Message) -> Login {
        Login::new().step(registration(vec![(1, request, Some(answer))])).dropped()
    }

    fn asking(expires: u32) -> sip::Message {
        sip::Message { expires: Some(expires), ..sip_request("REGISTER", 1) }
    }

    #[test]
    fn sixty_seconds_where_three_hundred_are_the_least() {
        let answer = sip::Message { min_expires: Some(300), ..sip_answer(423, 1) };
        assert!(refused(asking(60), answer).the(&RULE).explains_drop);
    }

    #[test]
    fn a_device_that_raises_its_interval_is_well() {
        let brief = sip::Message { min_expires: Some(300), ..sip_answer(423, 1) };
        let list = vec![(1, asking(60), Some(brief.clone())), (1, asking(300), Some(sip_answer(200, 2)))];
        Login::new().step(registration(list)).nothing(&RULE);
        refused(asking(300), brief).nothing(&RULE);
    }
}
