//! `ntp-unsynchronised`: the time server answers that it has no time itself (leap indicator 3, stratum 0 or 16, or a kiss-o'-death).

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};
use crate::protocols::ntp;

/// The rule.
pub static RULE: Rule = Rule {
    code: "ntp-unsynchronised",
    stage: Some(Stage::Time),
    weight: Weight::Specific,
    order: 305,
    help: Help {
        what: "The time server answers that it has no time itself (leap indicator 3, stratum 0 or 16, or a kiss-o'-death).",
        why: "A client must not set its clock by such an answer: the device stays without the time.",
        fix: "Synchronise the time server itself: `w32tm /query /status` or `ntpq -p` there must show a source and a stratum between 1 and 15.",
        look_alikes: "Stratum 0 in a request is normal. The kiss code RATE means that the device asked too often: its loop does that.",
        references: &["RFC 4330 sections 5 and 8", "RFC 5905 section 7.3"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    if case.attempt.clocks().any(|(_, clock)| clock.answers.iter().any(|(_, answer)| answer.is_usable())) {
        return Vec::new();
    }
    let failures = answers::failures(case, |_, kind| {
        let StepKind::Clock(clock) = kind else { return None };
        let (_, last) = clock.answers.last()?;
        // A device that loops asks too often: that is what the loop does, not what causes it.
        if kiss_code(last).as_deref() == Some("RATE") {
            return None;
        }
        let shown = clock.answers.iter().map(|(at, answer)| {
            Evidence::new(at.frame, "ntp.flags.mode == 4", format!("{} answers with {}", clock.server, state(answer)))
        });
        Some((format!("{} ({})", clock.server, state(last)), shown.collect()))
    });
    let mut found = answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.93,
        summary: format!(
            "the time server has no time to give: {list}; a usable answer has leap indicator 0 to 2 and stratum 1 to 15"
        ),
        fix: format!(
            "Synchronise the time server {list}: `w32tm /query /status` or `ntpq -p` there must show a source and a stratum from 1 to 15 \
             (kiss codes DENY and RSTR: let it serve the phone's network). A new capture must show such an answer."
        ),
    });
    answers::explain_by_no_time(case, &mut found);
    found
}

/// The code that an answer of stratum 0 bears (RFC 5905 section 7.4).
fn kiss_code(answer: &ntp::Message) -> Option<String> {
    let letters = answer.reference_id.iter().all(u8::is_ascii_uppercase);
    (answer.stratum == 0 && letters).then(|| answer.reference_id.iter().map(|letter| char::from(*letter)).collect())
}

fn state(answer: &ntp::Message) -> String {
    let kiss = kiss_code(answer).map(|code| format!(", kiss code {code}")).unwrap_or_default();
    let unset = if answer.transmit == 0 && !answer.cut { ", no transmit timestamp" } else { "" };
    format!("leap indicator {}, stratum {}{kiss}{unset}", answer.leap, answer.stratum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Step;
    use crate::model::Outcome;

    fn refused(leap: u8, stratum: u8, code: &[u8; 4]) -> Step {
        let mut step = ntp_exchange(2, &[(leap, stratum, BEGIN)]).into_step(1);
        step.outcome = Outcome::Failed;
        if let StepKind::Clock(clock) = &mut step.kind {
            clock.answers[0].1.reference_id = *code;
        }
        step
    }

    #[test]
    fn a_server_without_a_source() {
        let found = Login::new().step(refused(3, 16, &[0; 4])).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert!(found.summary.contains("10.0.0.9 (leap indicator 3, stratum 16)"), "{}", found.summary);
        assert_eq!(found.evidence[0].display_filter, "frame.number == 3 && ntp.flags.mode == 4");
    }

    #[test]
    fn a_kiss_of_death_is_named() {
        assert!(Login::new().step(refused(0, 0, b"DENY")).dropped().the(&RULE).summary.contains("kiss code DENY"));
    }

    #[test]
    fn an_answer_that_the_capture_cut_lacks_no_time() {
        let answered = |cut: bool| {
            let mut step = refused(0, 3, &[0; 4]);
            if let StepKind::Clock(clock) = &mut step.kind {
                (clock.answers[0].1.transmit, clock.answers[0].1.cut) = (0, cut);
            }
            Login::new().step(step).dropped()
        };
        answered(true).nothing(&RULE);
        assert!(answered(false).the(&RULE).summary.contains("stratum 3, no transmit timestamp"));
    }

    #[test]
    fn a_device_that_asks_too_often_and_another_server_that_knows_give_nothing() {
        Login::new().step(refused(0, 0, b"RATE")).dropped().nothing(&RULE);
        Login::new().step(refused(3, 16, &[0; 4])).step(ntp_exchange(1, &[(0, 2, BEGIN)])).nothing(&RULE);
    }
}
