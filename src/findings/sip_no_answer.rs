//! `sip-no-answer`: the device's REGISTER is not answered.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::registration::transactions;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-no-answer",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 895,
    help: Help {
        what: "The device's REGISTER is not answered, or the device does not hear the answer: it goes on to repeat the request behind it.",
        why: "Without an answer there is no registration.",
        fix: "Start the registrar, correct its address and port, and let SIP through the firewall both ways; a new capture must show an answer to REGISTER.",
        look_alikes: "An answer that goes to the wrong port behind a NAT is visible on the server side only.",
        references: &["RFC 3261 section 17.1.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        // Of a session that goes silent, another rule speaks.
        let (list, server) = transactions(kind).filter(|_| step.stage != Stage::Session)?;
        let last = list.iter().rev().find(|one| one.request.method() == "REGISTER")?;
        let is_closed = answers::is_closed_instead(step);
        if last.answer.is_some() || !answers::is_silence(step) && !is_closed {
            return None;
        }
        if let Some((answered, answer)) = &last.unheard {
            let again = last.sent.iter().filter(|sent| *sent > answered).count();
            let code = answer.code().unwrap_or_default();
            let told = Evidence::new(answered.frame, &format!("sip.Status-Code == {code}"), format!("{server} answers {code}"));
            let shown = last.sent.iter().map(|at| Evidence::new(at.frame, "sip.Method == \"REGISTER\"", "REGISTER, once more"));
            let words = format!("{server} so that the device hears it: it repeats it {again} times behind the answer {code}");
            return Some((words, [told].into_iter().chain(shown).collect()));
        }
        let shown = last.sent.iter().map(|at| Evidence::new(at.frame, "sip.Method == \"REGISTER\"", "REGISTER, and no answer"));
        let how = if is_closed { ", which closes the connection instead" } else { "" };
        Some((format!("{server}{how}"), shown.collect()))
    });
    let is_unheard = |failure: &Failure<'_>| {
        transactions(&failure.step.kind).is_some_and(|(list, _)| list.last().is_some_and(|last| last.unheard.is_some()))
    };
    let fix = |list: &str| {
        match failures.iter().any(is_unheard) {
        true => "Find what keeps the registrar's answers from the device: compare the address and port that they go to with those that \
                 REGISTER comes from (a NAT without rport, RFC 3581), and look for a firewall or a SIP ALG between the two (switch the \
                 ALG off). A capture at the device's own port must show the answer."
            .to_owned(),
        false => format!(
            "Start the registrar on {list}, or correct address and port on the phone, and let SIP through the firewall both ways; a new capture must show an answer to REGISTER."
        ),
    }
    };
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.9,
        summary: format!("REGISTER is not answered by {list}"),
        fix: fix(list),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, Step, StepKind};
    use crate::model::{By, Side};

    #[test]
    fn eleven_registers_into_the_void() {
        let found = Login::new().step(registration(vec![(11, sip_request("REGISTER", 1), None)])).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "REGISTER is not answered by 10.0.0.5:5060");
    }

    #[test]
    fn answers_that_the_device_does_not_hear() {
        let unheard = Login::new().step(registration(vec![(11, sip_request("REGISTER", 1), None)])).dropped().with(|attempt| {
            if let StepKind::Registration(registration) = &mut attempt.steps[0].kind {
                let one = &mut registration.transactions[0];
                one.unheard = Some((one.sent[0], sip_answer(401, 1).into()));
            }
        });
        let found = unheard.the(&RULE);
        assert_eq!(
            found.summary,
            "REGISTER is not answered by 10.0.0.5:5060 so that the device hears it: it repeats it 10 times behind the answer 401"
        );
        assert!(found.fix.contains("rport") && found.explains_drop);
    }

    #[test]
    fn one_register_over_tcp() {
        let silent = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), None).timed_out(By::Unknown);
        assert!(Login::new().step(silent).dropped().the(&RULE).explains_drop);
    }

    #[test]
    fn a_registrar_that_takes_it_and_closes() {
        let closed = |side| {
            let asked = tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), None).leaves(side, Close::Rst);
            Login::new().step(asked).dropped().check(&RULE)
        };
        assert!(closed(Side::Server)[0].summary.ends_with("10.0.0.5:5061, which closes the connection instead"));
        assert!(closed(Side::Client).is_empty());
    }

    #[test]
    fn who_was_registered_and_asks_again_in_vain_has_lost_its_session() {
        let asks = vec![(1, sip_request("REGISTER", 1), Some(sip_answer(200, 1))), (11, sip_request("REGISTER", 2), None)];
        let step = registration(asks).into_step(1);
        Login::new().step(Step { stage: Stage::Session, ..step }).dropped().nothing(&RULE);
    }

    #[test]
    fn an_answer_and_another_request_give_nothing() {
        Login::new().step(registration(vec![(2, sip_request("REGISTER", 1), Some(sip_answer(403, 1)))])).dropped().nothing(&RULE);
        Login::new().step(registration(vec![(2, sip_request("SUBSCRIBE", 1), None)])).dropped().nothing(&RULE);
    }
}
