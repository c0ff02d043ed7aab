//! `path-mtu-black-hole`: full-size segments never arrive, small ones do.

use crate::findings::shared::handshake::STUCK;
use crate::findings::shared::place::{Place, connections, leads_to_drop};
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::flow::SideStats;
use crate::model::{Evidence, How, Side};

/// Payload length from which a segment is suspected of its size, in bytes.
const LARGE: u32 = 1000;

/// The rule.
pub static RULE: Rule = Rule {
    code: "path-mtu-black-hole",
    stage: None,
    weight: Weight::Specific,
    order: 455,
    help: Help {
        what: "One side sends full-size segments again and again and never gets an acknowledgment for them, while small segments \
               pass.",
        why: "Somewhere on the way the maximum packet size is smaller (a tunnel, PPPoE, a VPN), and the ICMP message that ought to \
              say so is filtered. The server's certificates are the first large thing that a login sends, so it stops there.",
        fix: "Let ICMP type 3 code 4 (IPv6: type 2) through every firewall on the way, or clamp the TCP MSS on the router before the \
              tunnel, or lower the server's MTU. Check with `ping -f -l 1472 server` (Windows) or `ping -M do -s 1472 server`: it \
              must be answered, or refused with a message.",
        look_alikes: "Loss hits segments of all sizes: path-loss. A server that closes shows FIN or RST and no repeats. A capture near \
                      the device does not show the large segments at all.",
        references: &["RFC 2923 section 2.1 (black hole detection)", "RFC 1191", "RFC 4459 (tunnels)"],
    },
    check: |case| connections(case).filter_map(|place| repeated(case, &place).or_else(|| never_seen(case, &place))).collect(),
};

/// Seen before the narrow link: one full-size segment again and again.
fn repeated(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let stats = &place.connection.stats;
    let (side, stuck) = [(Side::Server, &stats.server), (Side::Client, &stats.client)]
        .into_iter()
        .find(|(_, one)| one.stuck_repeats >= STUCK && one.stuck_length >= LARGE)?;
    let other = stats.side(side.other());
    let small_passed = stuck.acknowledged > 0 || other.acknowledged > 0 || shows_the_rest(stuck, other);
    // A path that let one of that length pass is not too narrow for the next.
    if !small_passed || stuck.uncaptured > 0 || stuck.passed(stuck.stuck_length) {
        return None;
    }
    let (repeats, length) = (stuck.stuck_repeats, stuck.stuck_length);
    let (from, to) = match side {
        Side::Server => (place.server(), "the device".to_owned()),
        Side::Client => ("the device".to_owned(), place.server()),
    };
    let summary = format!(
        "a segment of {length} bytes from {from} is sent again {repeats} times and {to} never acknowledges it, while smaller ones pass"
    );
    let at = stuck.last_data.or(stuck.last).unwrap_or(place.step.last);
    let mut evidence = vec![Evidence::new(at.frame, "", format!("{from} still sends what was never acknowledged"))];
    let passes = other.last_data.filter(|small| small.frame != at.frame);
    evidence.extend(passes.map(|small| Evidence::new(small.frame, "tcp.len > 0", "the other direction passes")));
    Some(tell(case, place, &from, Proof::Proven, summary, evidence))
}

/// Does the other side show that it has the smaller rest behind the stuck segment, and behind others as large? It says something
/// since, though nothing new is acknowledged: a segment that comes out of order is answered at once (RFC 5681 section 4.2). How
/// narrow the link is, nobody knows: the rest may itself be large.
fn shows_the_rest(stuck: &SideStats, other: &SideStats) -> bool {
    let sent = stuck.sent.saturating_sub(stuck.acknowledged);
    let rest = sent.checked_rem(u64::from(stuck.stuck_length)).unwrap_or_default();
    let closes = [other.last_syn, other.fin, other.rst];
    let answers = other.last.is_some() && other.last > stuck.first_data && !closes.contains(&other.last);
    rest > 0 && answers
}

/// Seen behind the narrow link: the full-size segments never come, the small one that ends the flight does, and the device
/// acknowledges only what lies before the hole.
fn never_seen(case: &Case<'_>, place: &Place<'_>) -> Option<Found> {
    let server = &place.connection.stats.server;
    let hole = server.hole();
    let timed_out = place.step.ending.is_some_and(|ending| ending.how == How::Timeout);
    if hole < u64::from(LARGE) || !timed_out {
        return None;
    }
    let small = server.last_data?;
    let from = place.server();
    let summary = format!(
        "{hole} bytes from {from} never reach the device, while a later segment of at most {} bytes does",
        server.largest_segment
    );
    let text = format!("this segment of {from} arrives, {hole} bytes before it do not");
    let evidence = vec![Evidence::new(small.frame, "tcp.len > 0", text)];
    Some(tell(case, place, &from, Proof::Told, summary, evidence))
}

fn tell(case: &Case<'_>, place: &Place<'_>, from: &str, proof: Proof, summary: String, evidence: Vec<Evidence>) -> Found {
    Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof,
        explains_drop: leads_to_drop(case, place.index),
        confidence: if proof == Proof::Proven { 0.9 } else { 0.8 },
        summary,
        fix: format!(
            "Find the narrow link between the phone's network and {}: let ICMP type 3 code 4 pass on the way, or clamp the MSS before \
             it (for a start to 1300), or lower the MTU of {from}. Check with `ping -M do -s 1472 {}` from either end.",
            place.server(),
            place.host()
        ),
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::By;

    #[test]
    fn the_servers_certificate_flight_never_arrives() {
        let tcp = tcp(Purpose::Registrar).hello().stuck(Side::Server, 1460, 5).timed_out(By::Unknown);
        let found = Login::new().step(tcp).dropped().the(&RULE);
        assert_eq!(
            found.summary,
            "a segment of 1460 bytes from pool.contoso.com (10.0.0.5:5061) is sent again 5 times and the device never acknowledges it, \
             while smaller ones pass"
        );
        assert_eq!((found.proof, found.explains_drop), (Proof::Proven, true));
    }

    #[test]
    fn behind_the_narrow_link_only_a_hole_shows() {
        let flight = |captured: u32| {
            let tcp = tcp(Purpose::Registrar).hello().act(move |wire| {
                let at = wire.next();
                let server = &mut wire.connection.stats.server;
                (server.sent, server.acknowledged, server.data_segments) = (2986, 0, captured);
                (server.largest_segment, server.last_data) = (1448, Some(at));
                if captured == 1 {
                    server.largest_segment = 90;
                }
            });
            Login::new().step(tcp.timed_out(By::Network)).dropped()
        };
        let found = flight(1).the(&RULE);
        assert!(found.summary.starts_with("2896 bytes from pool.contoso.com"), "{}", found.summary);
        flight(3).nothing(&RULE);
    }

    #[test]
    fn the_first_request_never_arrives_but_its_small_rest_does() {
        let asked = |rest: u64, answers: bool| {
            let first = tcp(Purpose::Registrar).stuck(Side::Client, 1460, 5).act(move |wire| {
                let at = wire.next();
                let stats = &mut wire.connection.stats;
                stats.client.sent += rest;
                stats.server.last = Some(at).filter(|_| answers).or(stats.server.last);
            });
            Login::new().step(first.timed_out(By::Network)).dropped()
        };
        assert!(asked(648, true).the(&RULE).explains_drop);
        assert!(asked(1460 + 648, true).the(&RULE).explains_drop, "two of them are stuck");
        assert!(asked(1100, true).the(&RULE).explains_drop, "a link of 1,400 bytes lets that pass");
        asked(1100, false).nothing(&RULE);
        asked(648, false).nothing(&RULE);
        asked(1460, true).nothing(&RULE);
    }

    #[test]
    fn a_path_that_let_a_segment_of_that_length_pass_is_no_black_hole() {
        let stuck = |passed: bool| {
            tcp(Purpose::Registrar).hello().stuck(Side::Server, 1460, 5).timed_out(By::Unknown).change(move |connection| {
                let server = &mut connection.stats.server;
                (server.sent, server.acknowledged, server.data_segments) = (4_380, 2_920, 3);
                server.largest_passed = passed;
            })
        };
        Login::new().step(stuck(true)).dropped().nothing(&RULE);
        Login::new().step(stuck(false)).dropped().the(&RULE);
    }

    #[test]
    fn small_segments_few_repeats_and_acknowledged_ones_are_no_black_hole() {
        let stuck =
            |length, times| tcp(Purpose::Registrar).hello().stuck(Side::Server, length, times).leaves(Side::Client, Close::Fin);
        Login::new().step(stuck(300, 5)).dropped().nothing(&RULE);
        Login::new().step(stuck(1460, 1)).dropped().nothing(&RULE);
        refused(vec![leaf()]).nothing(&RULE);
    }
}
