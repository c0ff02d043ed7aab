//! `vlan-flapping`: the device goes to and fro between VLANs, and gets on in none.

use crate::device::facts::{VlanStay, VoiceVlan};
use crate::findings::shared::vlans::{TWO_CYCLES, announced, to_and_fro};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{Evidence, How, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "vlan-flapping",
    stage: Some(Stage::Link),
    weight: Weight::Specific,
    order: 30,
    help: Help {
        what: "The device asks for its address now in one VLAN, now in another, again and again.",
        why: "In each VLAN it waits for an address, gives up, and goes back: it never gets beyond.",
        fix: "See why DHCP in the voice VLAN fails (scope, relay on the VLAN's router, trunk to the switch), and that switch, DHCP options \
              and phone name the same VLAN. A new capture must show a lease in the voice VLAN and no way back.",
        look_alikes: "One move from untagged to the voice VLAN at each start is normal; so is one way back after VLANTEST. A mirror port \
                      that shows each frame with its tag and without it shows no move.",
        references: &["IEEE 802.1Q", "Avaya, J100 administration: VLAN and VLANTEST"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let drop = case.attempt.drop.filter(|drop| drop.stage <= Stage::Address)?;
    let stays = to_and_fro(case)?;
    let name = |stay: &VlanStay| stay.vlan.map_or_else(|| "untagged".to_owned(), |vlan| format!("VLAN {vlan}"));
    let (one, other) = (name(stays.first()?), name(stays.get(1)?));
    // It got what it asked for, and left it: something told it to go to the other VLAN.
    let sent_on = drop.how == How::Abandoned && case.attempt.leases().all(|(_, lease)| !lease.acks.is_empty());
    let (ends, fix) = if sent_on {
        let fix = format!(
            "Make all that name a VLAN to the phone name the same one: the DHCP options of both scopes ({one} and {other}; 43, 132, 242 or \
             what its maker reads), LLDP-MED or CDP of the switch port, and its own setting. A new capture must show one move and a lease \
             that it keeps."
        );
        ("leaves the address that it got in each", fix)
    } else {
        let fix = format!(
            "See why DHCP fails in the voice VLAN ({one} or {other}): its scope, the relay on its router, the trunk to the phone's switch. \
             Switch port, DHCP options and phone must name the same VLAN; a new capture must show one lease there."
        );
        ("gets an address to stay in neither", fix)
    };
    let rivals = announced(case, stays);
    let times = stays.len().saturating_sub(1);
    let told = if rivals.is_some() { ", both of which switches announce for voice," } else { "" };
    let moves = stays.iter().take(TWO_CYCLES).map(|stay| Evidence::new(stay.first.frame, "", format!("now {}", name(stay))));
    Some(Found {
        stage: Stage::Link,
        step: case.attempt.dropped_step,
        proof: Proof::Proven,
        explains_drop: drop.stage <= Stage::Address,
        confidence: 0.8,
        summary: format!("the device goes to and fro between {one} and {other}{told} ({times} times), and {ends}"),
        fix,
        evidence: moves.chain(rivals.into_iter().flatten().map(announcement)).collect(),
    })
}

fn announcement(vlan: VoiceVlan) -> Evidence {
    let (by, show) = if vlan.by_lldp { ("LLDP-MED", "lldp") } else { ("CDP", "cdp.voice_vlan") };
    Evidence::new(vlan.at.frame, show, format!("voice VLAN {} by {by}", vlan.vlan))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Ending, Step};
    use crate::model::By;

    fn silent_dhcp() -> Step {
        let mut step = dhcp_exchange().discover().discover().into_step(1);
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step
    }

    fn stays(vlans: &[Option<u16>]) -> Vec<VlanStay> {
        let stay = |(number, vlan): (u64, &Option<u16>)| VlanStay { vlan: *vlan, first: at(number + 1), last: at(number + 1) };
        (0..).zip(vlans).map(stay).collect()
    }

    fn login(vlans: &[Option<u16>]) -> Login {
        let stays = stays(vlans);
        Login::new().step(silent_dhcp()).dropped().knowing(|known| known.vlan_stays = stays)
    }

    #[test]
    fn two_cycles_are_told() {
        let found = login(&[None, Some(20), None, Some(20), None]).the(&RULE);
        assert!(found.explains_drop);
        assert!(found.summary.starts_with("the device goes to and fro between untagged and VLAN 20 (4 times)"));
        assert_eq!(found.evidence.len(), 5);
    }

    #[test]
    fn who_gets_an_address_in_each_vlan_and_leaves_it_was_sent_on() {
        let released = lease(&[]).act(|lease, at| lease.releases.push(at)).into_step(1);
        let left = Ending { by: By::Device, how: How::Abandoned, at: released.last };
        let steps = Login::new().step(Step { ending: Some(left), ..released }).dropped();
        let found = steps.knowing(|known| known.vlan_stays = stays(&[None, Some(20), None, Some(20), None])).the(&RULE);
        assert!(found.summary.ends_with("(4 times), and leaves the address that it got in each"), "{}", found.summary);
        assert!(found.fix.starts_with("Make all that name a VLAN to the phone name the same one"));
    }

    #[test]
    fn who_is_told_two_voice_vlans_was_sent_to_and_fro_once_it_was_in_each_of_them_twice() {
        let told = |announced: [u16; 2], been: &[Option<u16>]| {
            let [one, other] = announced.map(|vlan| VoiceVlan { vlan, at: at(u64::from(vlan)), by_lldp: vlan > 110 });
            login(been).knowing(move |known| known.rival_voice_vlans = Some(Box::new([one, other])))
        };
        let twice = [Some(110), Some(210), Some(110), Some(210)];
        let found = told([110, 210], &twice).the(&RULE);
        assert!(found.summary.contains("VLAN 110 and VLAN 210, both of which switches announce for voice, (3 times)"));
        assert_eq!(found.evidence[4].display_filter, "frame.number == 110 && cdp.voice_vlan");
        told([110, 210], &twice[1..]).nothing(&RULE);
        told([110, 220], &twice).nothing(&RULE);
        told([20, 210], &[None, Some(210), None, Some(210)]).nothing(&RULE);
    }

    #[test]
    fn who_was_elsewhere_after_two_cycles_had_gone_to_and_fro_before() {
        login(&[Some(20), Some(30), Some(20), Some(30), Some(20), None]).the(&RULE);
        login(&[Some(20), Some(30), Some(20), Some(30), None]).nothing(&RULE);
    }

    #[test]
    fn one_cycle_and_a_walk_through_several_vlans_are_none() {
        login(&[None, Some(20), None, Some(20)]).nothing(&RULE);
        login(&[None, Some(20), Some(30), None, Some(20), Some(30)]).nothing(&RULE);
        login(&[]).nothing(&RULE);
    }

    #[test]
    fn a_device_that_gets_further_gives_nothing() {
        let stays = stays(&[None, Some(20), None, Some(20), None]);
        let further = Login::new().step(lease(&[])).step(lookup("sip.contoso.com").times(3)).dropped();
        further.knowing(|known| known.vlan_stays = stays).nothing(&RULE);
    }
}
