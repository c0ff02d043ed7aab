//! `device-restarted`: the device begins from nothing in the middle of what it was doing.

use crate::findings::shared::restart::{gave_up, restart};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::login::steps::StepKind;
use crate::model::{Evidence, Stage};

/// The rule.
pub static RULE: Rule = Rule {
    code: "device-restarted",
    stage: Some(Stage::Link),
    weight: Weight::Fallback,
    order: 980,
    help: Help {
        what: "In the middle of its login, and of a good lease, the device asks for an address from nothing: it has restarted.",
        why: "A device that restarts forgets how far it was. Nothing in the traffic before it says why it did.",
        fix: "Look at the device's own log, at its power (PoE budget and log of the switch port), and at its firmware: crashes, a watchdog, \
              a setting that needs a restart. A capture at the switch port shows whether the link went down.",
        look_alikes: "A DISCOVER after a NAK, a DECLINE or a RELEASE, at the end of a lease, or in another VLAN is part of DHCP.",
        references: &["RFC 2131 section 4.4"],
    },
    check: |case| found(case).into_iter().collect(),
};

fn found(case: &Case<'_>) -> Option<Found> {
    let (drop, restart) = (case.attempt.drop?, restart(case)?);
    if gave_up(case) {
        return None;
    }
    let unread = case.attempt.dropped().is_some_and(|step| is_unread(&step.kind));
    Some(Found {
        stage: Stage::Link,
        step: case.attempt.dropped_step,
        proof: Proof::Inferred,
        explains_drop: true,
        confidence: if unread { 0.5 } else { 0.65 },
        summary: format!(
            "the device restarts at stage {}: it asks for an address anew in frame {}, though its lease still holds",
            drop.stage, restart.frame
        ),
        fix: if unread {
            "See in the log of the server that it spoke with last whether that refused it: what was said there cannot be read here. If it did \
             not, see the device's log, the PoE log of its switch port and its firmware for the reason of the restart."
                .to_owned()
        } else {
            "See the device's log, the PoE log of its switch port and its firmware for the reason of the restart; nothing that was said to \
             it before explains it. A capture at the switch port shows whether the link went down."
                .to_owned()
        },
        evidence: vec![
            Evidence::new(drop.at.frame, "", "the last that the device had"),
            Evidence::new(restart.frame, "dhcp.option.dhcp == 1", "DISCOVER in the middle of a lease"),
        ],
    })
}

/// Was something said on this connection that is encrypted, or that no protocol here reads?
fn is_unread(kind: &StepKind) -> bool {
    let StepKind::Connection(connection) = kind else { return false };
    let both_spoke = connection.stats.client.first_data.is_some() && connection.stats.server.first_data.is_some();
    let is_read = !connection.http.is_empty() || !connection.sip.is_empty() || !connection.ldap.is_empty();
    both_spoke && !is_read && connection.kerberos.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::Purpose;

    fn abandoned() -> Login {
        Login::new().step(lease(&[])).step(tcp(Purpose::Provision).get("/0004f21a2b3c.cfg").answer(200).abandoned()).dropped()
    }

    #[test]
    fn a_discover_in_mid_lease_right_after_is_a_restart() {
        let found = abandoned().knowing(|known| known.restarts = vec![at(100)]).the(&RULE);
        assert!(found.explains_drop && found.proof == Proof::Inferred);
        assert_eq!(found.evidence[1].display_filter, "frame.number == 100 && dhcp.option.dhcp == 1");
    }

    #[test]
    fn where_what_was_said_cannot_be_read_it_may_have_been_a_refusal() {
        let sealed = tcp(Purpose::Provision).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let sealed = sealed.encrypted(crate::model::Side::Client).encrypted(crate::model::Side::Server).abandoned();
        let found =
            Login::new().step(lease(&[])).step(sealed).dropped().knowing(|known| known.restarts = vec![at(100)]).the(&RULE);
        assert!(found.confidence < 0.6 && found.fix.contains("cannot be read here"), "{found:?}");
        let read = abandoned().knowing(|known| known.restarts = vec![at(100)]).the(&RULE);
        assert!(read.confidence > 0.6 && read.fix.contains("nothing that was said to it before explains it"));
    }

    #[test]
    fn without_such_a_discover_or_long_before_one_nothing_is_said() {
        abandoned().nothing(&RULE);
        abandoned().knowing(|known| known.restarts = vec![at_second(100, 1000.0)]).nothing(&RULE);
        abandoned().knowing(|known| known.restarts = vec![at(2)]).nothing(&RULE);
    }

    #[test]
    fn who_asks_a_host_on_its_link_in_vain_gives_up() {
        let left = |asks: u64| {
            let mut asked = router(asks, false).into_step(20);
            if let StepKind::Neighbour(neighbour) = &mut asked.kind {
                neighbour.router = false;
            }
            let held = tcp(Purpose::Provision).get("/0004f21a2b3c.cfg").answer(200).abandoned();
            let login = Login::new().step(lease(&[])).step(held).dropped().with(move |attempt| attempt.steps.push(asked));
            login.knowing(|known| known.restarts = vec![at(100)]).check(&RULE).len()
        };
        assert_eq!((left(4), left(1)), (0, 1));
    }

    #[test]
    fn a_failure_that_shows_needs_no_restart_to_explain_it() {
        let refused = Login::new().step(tcp(Purpose::Provision).get("/a.cfg").answer(403)).dropped();
        refused.knowing(|known| known.restarts = vec![at(100)]).nothing(&RULE);
    }
}
