//! `vlan-mismatch`: the device looks for an address in another VLAN than the one that the switch announces for voice.

use crate::device::facts::VlanStay;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, How, SECOND, Stage};

/// A phone asks untagged first, and moves when it has heard of the VLAN; within this time it should have.
const MOVES: i64 = 10 * SECOND;

/// The rule.
pub static RULE: Rule = Rule {
    code: "vlan-mismatch",
    stage: Some(Stage::Link),
    weight: Weight::Specific,
    order: 40,
    help: Help {
        what: "The switch announces a voice VLAN by LLDP-MED or CDP, and the device asks for its address in another one, in vain.",
        why: "In the wrong VLAN there is no DHCP server for phones, or none that knows their way.",
        fix: "Agree three places: the voice VLAN of the switch port, the VLAN that DHCP gives (option 43 or the like), and the phone's own \
              setting, which may be fixed. A new capture must show the device's frames tagged with the announced VLAN.",
        look_alikes: "A phone's first DHCP is untagged. A policy without tag, or for VLAN 0, means untagged. Mirror ports and network \
                      cards take tags away: where no frame of the capture has one, nothing is concluded.",
        references: &["ANSI/TIA-1057 section 10.2.3", "IEEE 802.1Q"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let announced = case.known.voice_vlan.filter(|_| case.known.tags_kept)?;
    let (drop, index) = (case.attempt.drop?, case.attempt.dropped_step?);
    let lease = case.attempt.dropped().filter(|step| matches!(step.kind, StepKind::Lease(_) | StepKind::LeaseV6(_)))?;
    let of_drop = |stay: &&VlanStay| stay.first <= drop.at && drop.at <= stay.last;
    let stay = case.known.vlan_stays.iter().find(of_drop).filter(|_| drop.how == How::Timeout)?;
    // Who tags its frames otherwise has moved already.
    let waited = stay.vlan.is_some() || drop.at.time.since(announced.at.time.max(lease.first.time)) >= MOVES;
    if stay.vlan == Some(announced.vlan) || !waited || announced.at >= drop.at || answered(case, announced.vlan) {
        return None;
    }
    let used = stay.vlan.map_or_else(|| "untagged".to_owned(), |vlan| format!("in VLAN {vlan}"));
    let (by, show) = if announced.by_lldp { ("LLDP-MED", "lldp") } else { ("CDP", "cdp.voice_vlan") };
    let wanted = announced.vlan;
    Some(Found {
        stage: Stage::Link,
        step: Some(index),
        proof: Proof::Told,
        explains_drop: true,
        confidence: 0.8,
        summary: format!("the switch announces voice VLAN {wanted} by {by}, and the device asks for an address {used}, in vain"),
        fix: format!(
            "Agree the switch port (voice VLAN {wanted}), the VLAN in the DHCP options and the phone's own setting; the device is {used}. A \
             new capture must show its DHCP tagged with VLAN {wanted}."
        ),
        evidence: vec![
            Evidence::new(announced.at.frame, show, format!("voice VLAN {wanted}")),
            Evidence::new(drop.at.frame, "", format!("the device asks {used}")),
        ],
    })
}

/// Did the device ask in the announced VLAN too? Then it knows of it, and what fails is something else.
fn answered(case: &Case<'_>, vlan: u16) -> bool {
    case.known.vlan_stays.iter().any(|stay| stay.vlan == Some(vlan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::facts::VoiceVlan;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Step};
    use crate::model::By;

    fn silent_dhcp(discovers: u32) -> Step {
        let mut exchange = dhcp_exchange();
        for _ in 0..discovers {
            exchange = exchange.discover();
        }
        let mut step = exchange.into_step(10);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    fn asks_in(vlan: Option<u16>) -> Login {
        asks_so_often_in(vlan, 15)
    }

    fn asks_so_often_in(vlan: Option<u16>, discovers: u32) -> Login {
        let step = silent_dhcp(discovers);
        let stay = VlanStay { vlan, first: step.first, last: step.last };
        Login::new().step(step).dropped().knowing(move |known| {
            known.tags_kept = true;
            known.voice_vlan = Some(VoiceVlan { vlan: 20, at: at(2), by_lldp: true });
            known.vlan_stays = vec![stay];
        })
    }

    #[test]
    fn another_vlan_and_no_tag_are_told() {
        let found = asks_in(Some(30)).the(&RULE);
        assert!(found.explains_drop);
        assert_eq!(
            found.summary,
            "the switch announces voice VLAN 20 by LLDP-MED, and the device asks for an address in VLAN 30, in vain"
        );
        assert!(asks_in(None).the(&RULE).summary.contains("untagged"));
    }

    #[test]
    fn who_tags_otherwise_has_moved_and_who_does_not_may_yet_move() {
        asks_so_often_in(Some(30), 3).the(&RULE);
        asks_so_often_in(None, 3).nothing(&RULE);
    }

    #[test]
    fn the_announced_vlan_is_no_mismatch() {
        asks_in(Some(20)).nothing(&RULE);
    }

    #[test]
    fn a_capture_without_tags_proves_nothing() {
        asks_in(None).knowing(|known| known.tags_kept = false).nothing(&RULE);
    }

    #[test]
    fn a_device_that_was_in_the_announced_vlan_too_knows_of_it() {
        let stay = VlanStay { vlan: Some(20), first: at(3), last: at(4) };
        asks_in(None).knowing(move |known| known.vlan_stays.insert(0, stay)).nothing(&RULE);
    }

    #[test]
    fn what_is_announced_only_afterwards_could_not_be_known() {
        asks_in(None)
            .knowing(|known| known.voice_vlan = Some(VoiceVlan { vlan: 20, at: at(5000), by_lldp: false }))
            .nothing(&RULE);
    }

    #[test]
    fn a_lease_gives_nothing() {
        let known = |known: &mut crate::device::facts::DeviceFacts| {
            known.tags_kept = true;
            known.voice_vlan = Some(VoiceVlan { vlan: 20, at: at(1), by_lldp: true });
            known.vlan_stays = vec![VlanStay { vlan: None, first: at(1), last: at(5000) }];
        };
        Login::new().step(lease(&[])).step(lookup("a").times(3)).dropped().knowing(known).nothing(&RULE);
    }
}
