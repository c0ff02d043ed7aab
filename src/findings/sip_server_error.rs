//! `sip-server-error`: the registrar answers that it cannot serve the registration: 5xx or 6xx, or a diagnosis of its own trouble.

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-server-error",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 925,
    help: Help {
        what: "The registrar answers that it cannot serve the registration: 5xx or 6xx, or a diagnosis of its own trouble.",
        why: "A device without a registration cannot be called: it waits a little and signs in again, for ever.",
        fix: "Mend the registrar or what lies behind it: its services, database, the next hop's name and certificate (ms-diagnostics 1008, 1010, 1014), its load (17000). Its event log says which. A new capture must show 200.",
        look_alikes: "503 with Retry-After is a server that is starting or overloaded: it may pass by itself.",
        references: &["RFC 3261 sections 21.5 and 21.6", "[MS-OCER] ms-diagnostics"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Server, |list| Words {
        proof: Proof::Told,
        confidence: 0.94,
        summary: format!("the registrar cannot serve the registration: {list}"),
        fix: format!(
            "Mend the registrar or what lies behind it (services, database, next hop); its event log says which: {list}. A new capture must show 200."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::protocols::sip;
    use crate::text::WireText;

    fn refused(request: sip::Message, answer: sip::Message) -> Login {
        Login::new().step(registration(vec![(1, request, Some(answer))])).dropped()
    }

    #[test]
    fn a_503_and_a_diagnosis_of_routing() {
        assert!(refused(sip_request("REGISTER", 1), sip_answer(503, 1)).the(&RULE).explains_drop);
        let routing = Some(WireText::from("1005;reason=\"Cannot route\""));
        refused(sip_request("REGISTER", 1), sip::Message { ms_diagnostics: routing, ..sip_answer(404, 1) }).the(&RULE);
    }

    #[test]
    fn a_later_success_gives_nothing() {
        let list = vec![
            (1, sip_request("REGISTER", 1), Some(sip_answer(503, 1))),
            (1, sip_request("REGISTER", 2), Some(sip_answer(200, 2))),
        ];
        Login::new().step(registration(list)).nothing(&RULE);
    }
}
