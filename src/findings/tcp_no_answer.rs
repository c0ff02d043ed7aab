//! `tcp-no-answer`: SYNs that nobody answers.

use crate::findings::shared::place::Place;
use crate::findings::shared::reach::{self, Telling};
use crate::findings::{Case, Found, Help, Rule, Weight};
use crate::model::{Evidence, Outcome};

/// The rule.
pub static RULE: Rule = Rule {
    code: "tcp-no-answer",
    stage: None,
    weight: Weight::Specific,
    order: 450,
    help: Help {
        what: "The device sends SYNs to a server and gets nothing back, neither SYN-ACK nor RST nor ICMP.",
        why: "A firewall that drops silently, a wrong address or a host that is down costs the device its whole time-out; then it \
              tries its next target or begins again.",
        fix: "Open the port between the phones' network and the server in every firewall on the way, or correct the address in DNS \
              or DHCP. A second capture at the server tells whether the SYN arrives; from the phones' network check with \
              `nc -vz host 5061` or `Test-NetConnection host -Port 5061`.",
        look_alikes: "No answer to ARP for the router is gateway-unreachable. A SYN-ACK that is there, with the SYN repeated all the \
                      same, points to the return path. A capture that sees one direction only proves no silence.",
        references: &["RFC 9293 section 3.8.3 (retransmission)", "RFC 6298"],
    },
    check,
};

static TELLING: Telling = Telling {
    confidence: 0.9,
    summary: |targets| format!("no answer from {targets}: the SYNs get neither SYN-ACK nor RST"),
    fix: |targets| {
        format!(
            "Open the way from the phone's network to {targets} in the firewalls between, or correct the address that the device is \
             given. Capture at the server: if the SYN arrives there, look at the way back. `nc -vz` from the phone's network must connect."
        )
    },
};

static LOST_ON_THE_WAY_BACK: Telling = Telling {
    confidence: 0.8,
    summary: |targets| {
        format!(
            "the SYN-ACK of {targets} does not reach the device: it is in the capture, and the device repeats its SYN all the same"
        )
    },
    fix: |targets| {
        format!(
            "Look at the way back from {targets} behind the place of capture: a route that is missing, a firewall that sees one direction \
             alone, the phone's VLAN. A capture at the phone's own port must show the SYN-ACK."
        )
    },
};

fn check(case: &Case<'_>) -> Vec<Found> {
    if !case.known.seen_both_ways && !case.known.neighbours_hear {
        return Vec::new();
    }
    let mut found = reach::told(case, reach::failures(case, silent), &TELLING);
    found.extend(reach::told(case, reach::failures(case, unheard), &LOST_ON_THE_WAY_BACK));
    found
}

/// The SYNs of a connection whose SYN-ACK did not come to the device.
fn unheard(place: &Place<'_>) -> Option<Vec<Evidence>> {
    let connection = place.connection;
    let answer = connection.syn_ack.filter(|_| connection.is_unheard() && place.step.outcome == Outcome::Failed)?;
    let again = connection.stats.client.last_syn?;
    let shown = "tcp.flags.syn == 1";
    Some(vec![
        Evidence::new(answer.frame, shown, "the server's SYN-ACK".to_owned()),
        Evidence::new(again.frame, shown, format!("the device's SYN again, {} in all", connection.stats.client.syns)),
    ])
}

/// The SYNs of a connection that nothing came back to, where the device took it so.
fn silent(place: &Place<'_>) -> Option<Vec<Evidence>> {
    let connection = place.connection;
    let nothing = !place.connected() && connection.stats.server.last.is_none() && connection.unreachable.is_none();
    let answered = connection.syn_ack.is_some() || connection.refused().is_some();
    let failed = place.step.outcome == Outcome::Failed;
    (connection.syn.is_some() && nothing && !answered && failed).then(|| reach::syns(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose};
    use crate::model::{By, Side, Stage};

    #[test]
    fn silence_after_repeated_syns() {
        let login = Login::new().step(syn(Purpose::Registrar).syn_again(3).timed_out(By::Unknown)).dropped();
        let found = login.the(&RULE);
        assert_eq!(found.summary, "no answer from pool.contoso.com (10.0.0.5:5061): the SYNs get neither SYN-ACK nor RST");
        assert_eq!((found.stage, found.explains_drop), (Stage::Connect, true));
        assert_eq!(found.evidence[1].text, "SYN again, 4 in all; no answer");
    }

    #[test]
    fn a_syn_that_is_repeated_after_its_answer_shows_a_way_back_that_is_shut() {
        let answered = || {
            syn(Purpose::Registrar).act(|wire| wire.connection.syn_ack = Some(wire.next())).syn_again(3).timed_out(By::Network)
        };
        let found = Login::new().step(answered()).dropped().the(&RULE);
        assert!(
            found.explains_drop && found.summary.starts_with("the SYN-ACK of pool.contoso.com (10.0.0.5:5061) does not reach")
        );
        assert_eq!(found.evidence[0].display_filter, "frame.number == 2 && tcp.flags.syn == 1");
        // Its own acknowledgement came after all.
        let heard = answered().change(|connection| connection.stats.client.last = Some(at(90)));
        Login::new().step(heard).dropped().nothing(&RULE);
    }

    #[test]
    fn an_enrolment_server_is_of_its_stage() {
        let login = Login::new().step(syn(Purpose::Enrolment).syn_again(2).timed_out(By::Unknown)).dropped();
        assert_eq!(login.the(&RULE).stage, Stage::Enrolment);
    }

    #[test]
    fn an_enrolment_that_could_not_be_reached_leads_to_a_refused_certificate() {
        let login = Login::new()
            .step(syn(Purpose::Enrolment).syn_again(2).timed_out(By::Unknown))
            .step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).leaves(Side::Client, Close::Rst))
            .dropped();
        assert!(login.the(&RULE).explains_drop);
        let knows = login.knowing(|known| known.fetched.push((crate::model::Frame::new(1), leaf())));
        assert!(!knows.the(&RULE).explains_drop, "it had its CA from elsewhere");
    }

    #[test]
    fn no_silence_is_seen_in_a_capture_of_one_direction_or_at_its_end() {
        let silent = || syn(Purpose::Registrar).syn_again(3).timed_out(By::Unknown);
        Login::new().step(silent()).dropped().knowing(|known| known.seen_both_ways = false).nothing(&RULE);
        Login::new().step(syn(Purpose::Registrar)).nothing(&RULE);
        Login::new().step(tcp(Purpose::Registrar).timed_out(By::Unknown)).dropped().nothing(&RULE);
    }
}
