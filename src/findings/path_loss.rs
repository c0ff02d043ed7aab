//! `path-loss`: so much is lost that the exchange fails.

use crate::findings::shared::handshake::STUCK;
use crate::findings::shared::place::{Place, connections, leads_to_drop};
use crate::findings::shared::restart::restart;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::flow::SideStats;
use crate::model::{At, By, Evidence, How, Outcome, Side};

/// Share of repeats from which loss is heavy.
const HEAVY: f64 = 0.05;
/// Segments from which on a size may be what is wrong instead: see path-mtu-black-hole.
const LARGE: u32 = 1000;

/// The rule.
pub static RULE: Rule = Rule {
    code: "path-loss",
    stage: None,
    weight: Weight::Specific,
    order: 470,
    help: Help {
        what: "So many segments are lost, of all sizes, that the exchange ends in a time-out or is given up.",
        why: "Each lost segment costs a retransmission time-out that doubles; a phone with a short timer of its own gives up before \
              the handshake is through.",
        fix: "Look at the link: error counters and duplex of the switch port, the cable, the Wi-Fi, a saturated WAN. Compare captures \
              from both ends to find the segment on which packets vanish.",
        look_alikes: "Repeats of large segments alone are path-mtu-black-hole. Bytes that were acknowledged although the capture lacks \
                      them were lost by the capture, not by the network.",
        references: &["RFC 6298 (retransmission timer)"],
    },
    check: |case| connections(case).filter_map(|place| found(case, &place)).collect(),
};

fn found(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let stats = &place.connection.stats;
    if place.step.outcome != Outcome::Failed || !place.connected() || stats.client.uncaptured + stats.server.uncaptured > 0 {
        return None;
    }
    let gave_up = place.step.ending.is_none_or(|ending| {
        let silent = matches!(ending.how, How::Timeout | How::Abandoned | How::Rst);
        silent || ending.by == By::Device && broke_off(place, ending.at)
    });
    let (side, lossy) =
        [(Side::Client, &stats.client), (Side::Server, &stats.server)].into_iter().find(|(_, side)| is_lossy(side))?;
    if !gave_up || is_gone(case, lossy) {
        return None;
    }
    let who = match side {
        Side::Client => "the device".to_owned(),
        Side::Server => place.server(),
    };
    let (again, segments) = (lossy.retransmitted, lossy.data_segments);
    let stuck = lossy.stuck_repeats >= STUCK;
    let tail = if stuck { format!("; its last {} bytes were never acknowledged", lossy.stuck_length) } else { String::new() };
    let at = lossy.last_data.or(lossy.last).unwrap_or(place.step.last);
    Some(Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof: Proof::Told,
        explains_drop: leads_to_drop(case, place.index),
        confidence: if stuck { 0.8 } else { 0.65 },
        summary: format!("{who} sends {again} segments again for {segments} that it has to send, and the exchange fails{tail}"),
        fix: format!(
            "Find where packets vanish between the device and {}: error counters and duplex of the switch ports, cable, Wi-Fi, WAN \
             load, a firewall that lost the connection. Captures at both ends at the same time show which segment it is.",
            place.server()
        ),
        evidence: vec![Evidence::new(at.frame, "tcp.len > 0", format!("{who} still sends; {again} segments were repeats"))],
    })
}

/// Was the server's flight still incomplete when the device left?
fn broke_off(place: &Place<'_>, left: At) -> bool {
    place.tls().is_some_and(|tls| tls.is_readable() && tls.flight_done().is_none_or(|done| done > left))
}

/// Did all pass until the device fell silent, which then began from nothing? A host that restarts acknowledges no more: nothing is lost.
fn is_gone(case: &Case<'_>, side: &SideStats) -> bool {
    let at_the_end = side.retransmitted == side.stuck_repeats && side.passed(side.stuck_length);
    at_the_end && restart(case).is_some()
}

/// Heavy loss of a side's segments, or one small segment that never arrives.
fn is_lossy(side: &SideStats) -> bool {
    let large = side.stuck_length >= LARGE && side.stuck_repeats > 0 && !side.passed(side.stuck_length);
    let share = f64::from(side.retransmitted) / f64::from(side.retransmitted.saturating_add(side.data_segments).max(1));
    !large && side.last_data.is_some() && side.retransmitted >= STUCK && share >= HEAVY
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::By;

    #[test]
    fn a_hello_that_never_arrives() {
        let tcp = tcp(Purpose::Registrar).stuck(Side::Client, 120, 5).timed_out(By::Unknown);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "the device sends 5 segments again for 1 that it has to send, and the exchange fails; its last 120 bytes were never \
             acknowledged"
        );
        assert!(found.explains_drop);
    }

    #[test]
    fn a_device_that_restarts_acknowledges_no_more_and_loses_nothing() {
        let stuck = || {
            let fetches = tcp(Purpose::Provision).get("/a.cfg").stuck(Side::Server, 1460, 5).abandoned();
            let login = Login::new().step(fetches.change(move |connection| {
                let server = &mut connection.stats.server;
                (server.sent, server.acknowledged, server.largest_passed) = (4_380, 2_920, true);
            }));
            login.dropped()
        };
        stuck().the(&RULE);
        stuck().knowing(|known| known.restarts = vec![at(100)]).nothing(&RULE);
    }

    #[test]
    fn what_only_the_capture_lost_and_large_segments_are_others() {
        let lost = tcp(Purpose::Registrar).stuck(Side::Client, 120, 5).timed_out(By::Unknown);
        Login::new().step(lost.change(|connection| connection.stats.server.uncaptured = 1460)).dropped().nothing(&RULE);
        let large = tcp(Purpose::Registrar).hello().stuck(Side::Server, 1460, 5).timed_out(By::Unknown);
        Login::new().step(large).dropped().nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).hello().leaves(Side::Client, Close::Rst)).dropped().nothing(&RULE);
    }
}
