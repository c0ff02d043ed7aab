//! `directory-no-answer`: the domain controller takes the device's request and does not answer.

use crate::findings::shared::answers::{self, Words};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "directory-no-answer",
    stage: Some(Stage::Directory),
    weight: Weight::Specific,
    order: 450,
    help: Help {
        what: "The domain controller takes the device's request and does not answer.",
        why: "The device cannot locate its certificates or check its user.",
        fix: "Check the directory service on that host and the firewall between the phones and it (TCP 389, TCP and UDP 88).",
        look_alikes: "An SRV record that lists a dead controller first and a living one next is only a delay.",
        references: &["RFC 4511"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    let failures = answers::failures(case, |step, kind| {
        let StepKind::Connection(connection) = kind else { return None };
        if step.stage != Stage::Directory
            || connection.syn_ack.is_none()
            || connection.stats.server.first_data.is_some()
            || !answers::is_silence(step)
            || answers::connected_well(case, step.purpose)
        {
            return None;
        }
        let at = connection.stats.client.first_data?;
        Some((
            connection.flow.server.to_string(),
            vec![Evidence::new(at.frame, "tcp.len > 0", format!("request to {}, and no answer", connection.flow.server))],
        ))
    });
    answers::told(case, &failures, |list| Words {
        proof: Proof::Told,
        confidence: 0.88,
        summary: format!("the domain controller does not answer: {list}"),
        fix: format!(
            "Check the directory service on {list} and the firewall between the phone's VLAN and it; `ldapsearch` to it must answer."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;
    use crate::model::{By, Side};

    #[test]
    fn a_request_that_the_domain_controller_never_answers() {
        let silent = tcp(Purpose::Directory).to("10.0.0.3", 389).data(Side::Client, 60).timed_out(By::Unknown);
        let found = Login::new().step(silent).dropped().the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(found.summary, "the domain controller does not answer: 10.0.0.3:389");
    }

    #[test]
    fn a_silent_port_and_an_answer_give_nothing() {
        Login::new().step(syn(Purpose::Directory).to("10.0.0.3", 389).timed_out(By::Unknown)).dropped().nothing(&RULE);
        let answered = tcp(Purpose::Directory).to("10.0.0.3", 389).data(Side::Client, 60).data(Side::Server, 20);
        Login::new().step(answered.timed_out(By::Unknown)).dropped().nothing(&RULE);
    }
}
