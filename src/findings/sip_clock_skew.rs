//! `sip-clock-skew`: the registrar says that the device's clock is too far from its own (ms-diagnostics 1013).

use crate::findings::shared::answers::Words;
use crate::findings::shared::registration::{self, Reason};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::Stage;

/// The rule.
pub static RULE: Rule = Rule {
    code: "sip-clock-skew",
    stage: Some(Stage::Register),
    weight: Weight::Specific,
    order: 895,
    help: Help {
        what: "The registrar says that the device's clock is too far from its own (ms-diagnostics 1013).",
        why: "Kerberos and NTLM refuse credentials whose time is off by more than minutes, whatever the password.",
        fix: "Give the phone the right time: an NTP server that answers (SRV _ntp._udp, DHCP option 42, UDP 123 open), and check the registrar's own clock with `w32tm /query /status`. A new capture must show an NTP answer before the REGISTER, and 200 to that.",
        look_alikes: "The registrar's clock can be the wrong one: its Date header says what it believes.",
        references: &["[MS-OCER] ms-diagnostics 1013", "RFC 4120 section 8.2"],
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Found> {
    registration::told(case, Reason::Clock, |list| Words {
        proof: Proof::Told,
        confidence: 0.95,
        summary: format!("the registrar finds the device's clock too far from its own: {list}"),
        fix: format!(
            "Set both clocks by the same NTP source: see that the phone's NTP server answers it, and check the registrar with `w32tm /query /status`: {list}. A new capture must show 200."
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

    fn answer(id: &str) -> sip::Message {
        sip::Message { ms_diagnostics: Some(WireText::from(id)), ..sip_answer(401, 1) }
    }

    #[test]
    fn the_registrar_names_the_skew() {
        let found = refused(sip_request("REGISTER", 1), answer("1013;reason=\"Significant time skew detected\"")).the(&RULE);
        assert!(found.explains_drop && found.summary.contains("1013"), "{}", found.summary);
    }

    #[test]
    fn another_diagnosis_gives_nothing() {
        refused(sip_request("REGISTER", 1), answer("1000;reason=\"Final handshake failed\"")).nothing(&RULE);
    }
}
