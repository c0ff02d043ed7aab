//! `clock-skew`: the device's own clock is far from those of the others.

use std::net::IpAddr;

use crate::device::facts::{ClockSource, ClockWitness, Whose};
use crate::findings::shared::own_clock::{apart, own_clock};
use crate::findings::shared::wrong_clock::refused_by_clock;
use crate::findings::{Case, Found, Help, Proof, Rule, Weight};
use crate::model::{At, Evidence, Frame, SECOND, Stage, Time};

/// Beyond this a clock is wrong: the tolerance of Kerberos (RFC 4120 section 8.2), in nanoseconds.
const TOLERANCE: u64 = 300 * SECOND as u64;

/// The rule.
pub static RULE: Rule = Rule {
    code: "clock-skew",
    stage: Some(Stage::Time),
    weight: Weight::Specific,
    order: 340,
    help: Help {
        what: "The device's own clock, as its hello, its NTP request or its credentials show it, is far from at least two others.",
        why: "A device that lives in another year finds good certificates expired or not valid yet, and leaves the handshake; Kerberos \
              refuses more than five minutes.",
        fix: "Mend the device's time source first: the NTP server that it asks (DHCP option 42, SRV _ntp._udp, time.windows.com), the \
              firewall for UDP 123. Check with `w32tm /stripchart /computer:SERVER` or `ntpdate -q SERVER`; a new capture must show an \
              NTP answer before TLS.",
        look_alikes: "The capturing machine's clock can be the wrong one: then all servers agree with the device. A difference of whole \
                      hours points to a capture file in local time. The first bytes of a hello's random are a clock in old stacks only.",
        references: &["RFC 5246 section 7.4.1.2 (gmt_unix_time)", "RFC 4120 section 8.2 (clock skew)", "RFC 4330"],
    },
    check: |case| found(case).into_iter().collect(),
};

/// Somebody else's clock.
struct Witness {
    /// What kind of server it is, and its address; `None` for the capture itself.
    server: Option<(&'static str, IpAddr)>,
    says: Time,
    /// How far it is ahead of the capture's clock.
    ahead: i64,
    frame: Option<Frame>,
}

impl Witness {
    /// Its words.
    fn words(&self) -> String {
        let says = self.says.whole_seconds();
        self.server.map_or_else(|| format!("the capture says {says}"), |(kind, address)| format!("{kind} {address} says {says}"))
    }
}

fn found(case: &Case<'_>) -> Option<Found> {
    let refused = refused_by_clock(case);
    let clock = own_clock(case, refused.as_ref().map_or(case.attempt.last, |refused| refused.at))?;
    let ahead = clock.ahead;
    let witnesses = witnesses(case, clock.seen);
    let (near, far): (Vec<Witness>, Vec<Witness>) = witnesses.into_iter().partition(|one| one.ahead.abs_diff(ahead) <= TOLERANCE);
    // Clocks that are wrong each in its own way are no witnesses against the device.
    let agreeing = far.iter().map(|one| far.iter().filter(|other| other.ahead.abs_diff(one.ahead) <= TOLERANCE).count()).max()?;
    let window = usize::from(refused.is_some());
    if agreeing.saturating_add(window) < 2 || near.len() >= agreeing.saturating_add(window) {
        return None;
    }
    let others: Vec<String> = far.iter().take(3).map(Witness::words).collect();
    let consequence = refused.as_ref().map(|refused| format!(", so that {}", refused.words)).unwrap_or_default();
    let mut evidence: Vec<Evidence> = clock
        .frames
        .iter()
        .rev()
        .take(2)
        .rev()
        .map(|frame| Evidence::new(*frame, "", "the device's own clock shows in this frame"))
        .collect();
    evidence.extend(far.iter().filter_map(|one| Some(Evidence::new(one.frame?, "", one.words()))));
    evidence.extend(
        refused.as_ref().map(|refused| Evidence::new(refused.at.frame, "tls.handshake.type == 11", refused.words.clone())),
    );
    Some(Found {
        stage: Stage::Time,
        step: case.attempt.clocks().next().and_then(|_| case.attempt.steps.iter().position(|step| step.stage == Stage::Time)),
        proof: Proof::Proven,
        explains_drop: refused.as_ref().is_some_and(|refused| refused.is_drop),
        confidence: if refused.is_some() { 0.92 } else { 0.8 },
        summary: format!("the device's clock says {} while {}{consequence}", clock.says.whole_seconds(), others.join(", ")),
        fix: format!(
            "Give the device the right time: see which NTP server it asks and whether that answers with the right time (`ntpdate -q`, \
             `w32tm /stripchart`), and allow UDP 123. Its clock is {} {}; a new capture must show them within 300 s.",
            apart(ahead.unsigned_abs()),
            if ahead < 0 { "behind" } else { "ahead" }
        ),
        evidence,
    })
}

/// The capture's clock, and of each server what it said nearest to that frame.
fn witnesses(case: &Case<'_>, seen: At) -> Vec<Witness> {
    let mut all = vec![Witness { server: None, says: seen.time, ahead: 0, frame: None }];
    let mut servers: Vec<IpAddr> = Vec::new();
    let mut clocks: Vec<&ClockWitness> = case.known.clocks.iter().rev().collect();
    clocks.sort_by_key(|witness| witness.at.frame.number().abs_diff(seen.frame.number()));
    for witness in clocks {
        let Whose::Server(address) = witness.whose else { continue };
        if witness.from == ClockSource::TlsRandom || servers.contains(&address) {
            continue;
        }
        servers.push(address);
        let kind = match witness.from {
            ClockSource::Ntp => "NTP server",
            _ => "server",
        };
        let ahead = witness.says.since(witness.at.time);
        all.push(Witness { server: Some((kind, address)), says: witness.says, ahead, frame: Some(witness.at.frame) });
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    fn skewed(seconds: i64, chain: Vec<std::sync::Arc<crate::formats::x509::Certificate>>) -> Login {
        let off = |at: At| at.time.plus(seconds * SECOND);
        refused(chain).clock(Whose::Device, ClockSource::TlsRandom, at(3), off(at(3))).clock(
            Whose::Device,
            ClockSource::TlsRandom,
            at(30),
            off(at(30)),
        )
    }

    fn server(login: Login, address: &str, seconds: i64) -> Login {
        login.clock(Whose::Server(ip(address)), ClockSource::Date, at(31), at(31).time.plus(seconds * SECOND))
    }

    #[test]
    fn a_device_in_another_year_than_the_capture_and_a_server() {
        let found = server(skewed(-94_694_400, vec![]), "10.0.0.9", 1).the(&RULE);
        assert_eq!(
            found.summary,
            "the device's clock says 2006-04-10T22:00:00Z while the capture says 2009-04-10T22:00:00Z, server 10.0.0.9 says \
             2009-04-10T22:00:01Z"
        );
        assert_eq!((found.stage, found.proof, found.explains_drop), (Stage::Time, Proof::Proven, false));
    }

    #[test]
    fn a_good_certificate_that_the_devices_clock_makes_bad_is_explained_by_the_clock() {
        let found = skewed(-94_694_400, vec![leaf()]).the(&RULE);
        assert!(found.summary.ends_with("is not valid yet (before 2009-01-01T00:00:00Z)"), "{}", found.summary);
        assert!(found.explains_drop, "the certificate's window is the second witness");
    }

    #[test]
    fn the_capturing_machine_may_be_the_wrong_one() {
        server(server(skewed(-3600, vec![]), "10.0.0.9", -3600), "10.0.0.8", -3601).nothing(&RULE);
        skewed(-3600, vec![]).nothing(&RULE);
    }

    #[test]
    fn a_small_difference_a_random_stamp_and_a_clock_that_was_set_are_no_skew() {
        server(skewed(-200, vec![]), "10.0.0.9", 0).nothing(&RULE);
        let lone = refused(vec![leaf()]).clock(Whose::Device, ClockSource::Ntp, at(3), Time::from_seconds(1_000_000_000));
        server(lone, "10.0.0.9", 0).nothing(&RULE);
        let set = server(skewed(-94_694_400, vec![]), "10.0.0.9", 0).with(|attempt| attempt.steps.clear());
        set.step(lookup("a").times(40)).step(ntp_exchange(1, &[(0, 2, BEGIN)])).nothing(&RULE);
    }
}
