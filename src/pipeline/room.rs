//! The bounds on what is kept of all devices together: whose exchanges are settled, concluded or forgotten when there are too
//! many of them, and how much is told of each when there is too much to tell.

use super::{Logins, Tracked};
use crate::device::DeviceId;
use crate::model::{SECOND, Warning};
use crate::verdict::ATTEMPTS;

/// Unsettled exchanges of all devices together. Beyond it, devices that have shown no login and are idle are forgotten in turn.
pub(super) const UNSETTLED: usize = 8_192;
/// Beyond this many, devices that are not idle are forgotten, too.
const CROWDED: usize = 16_384;
/// A device that has done nothing for so long is idle.
const IDLE: i64 = 60 * SECOND;
/// What a device that has done nothing for so long waited for comes no more: the longest wait is that for a final answer of
/// SIP, 32 s (RFC 3261 section 17.1).
const QUIET: i64 = 40 * SECOND;
/// Events after which one device more is looked at, whether it is quiet.
pub(super) const ROUND: u8 = 8;
/// So many exchanges are more than those of one attempt, as a rule, of which some can be settled.
const WORTH_SETTLING: usize = 8;
/// Memory for unsettled exchanges of all devices together, in bytes. Beyond it, those of the longest idle devices go, until
/// half of it is free.
pub(super) const EXCHANGES: usize = 48 << 20;
/// Memory for what was found of all devices together, in bytes. Beyond it, only the first and the last attempt of a device
/// are told, and of what is found the primary cause.
pub(super) const RESULTS: usize = 16 << 20;

/// What the bounds have cost.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// How often what a device did without a login was forgotten.
    pub(super) forgotten: u64,
    /// How often a login was concluded before its end.
    pub(super) concluded: u64,
    /// Is of some attempts only the primary cause told?
    pub(super) brief: bool,
    /// Attempts that are counted, but not listed.
    pub(super) left_out: u64,
    /// Devices without a login that are not listed.
    pub(super) surplus: u64,
    /// Devices with an incomplete login and no findings that are not listed.
    pub(super) unfinished: u64,
}

impl Costs {
    pub(super) fn warnings(&self) -> Vec<Warning> {
        let Self { forgotten, concluded, brief, left_out, surplus, unfinished } = self;
        let told: [(u64, &dyn Fn() -> String); 6] = [
            (*surplus, &|| format!("{surplus} further devices without any login are not listed")),
            (*unfinished, &|| format!("{unfinished} further devices with an incomplete login and no findings are not listed")),
            (*left_out, &|| {
                format!(
                    "{left_out} attempts are counted but not listed: of one device at most the first {ATTEMPTS} are, and the last"
                )
            }),
            (u64::from(*brief), &|| {
                "there is so much to tell that of some devices only the first and the last attempt and the primary cause are told"
                    .to_owned()
            }),
            (*forgotten, &|| {
                format!(
                    "what devices did before they showed a login was given up {forgotten} times, because there are so many of them"
                )
            }),
            (*concluded, &|| {
                format!(
                    "{concluded} logins were concluded before their end, those of the longest idle devices first, because there was \
                     too much of them: how they went on is told as another attempt"
                )
            }),
        ];
        told.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| Warning { frame: None, text: text() }).collect()
    }
}

impl Logins<'_> {
    /// Moves the hand on by one device, unless that is the one at work. What it did is settled if it is quiet; where it shows no
    /// login, that is forgotten if there are too many.
    pub(super) fn look_on(&mut self, at_work: DeviceId) {
        self.waited = 0;
        let device = DeviceId(self.hand);
        self.hand = self.hand.saturating_add(1);
        if self.hand >= self.logins.len() {
            self.hand = 0;
        }
        // The account tells of most devices that there is nothing to do: what they did need not be looked at.
        let Some(pause) = self.ledger.pause(device, self.now) else { return };
        let is_crowded = (self.unsettled > UNSETTLED && pause >= IDLE) || self.unsettled > CROWDED;
        if device == at_work || (pause < QUIET && !is_crowded) {
            return;
        }
        let (Some(Some(tracked)), Some(facts)) = (self.logins.get_mut(device.0), self.devices.facts(device)) else { return };
        if tracked.login.unsettled() == 0 {
            return;
        }
        // One that is known by its address alone may turn out to be the same as another.
        let may_settle = pause >= QUIET && facts.mac.is_some() && !tracked.is_settled();
        if !may_settle && !is_crowded {
            return;
        }
        let has_family = tracked.family(self.options, facts).is_some();
        let is_due = if has_family { may_settle } else { is_crowded };
        if is_due {
            self.give_back(device, false);
        }
    }

    /// There is too much of all exchanges: of the longest idle devices first, those that are over are settled, and those of
    /// devices without a login forgotten. If that does not do, logins are concluded as they stand.
    pub(super) fn make_room(&mut self) {
        for conclude in [false, true] {
            for device in self.ledger.longest_idle_first() {
                if self.ledger.is_roomy() {
                    return;
                }
                self.give_back(device, conclude);
            }
        }
    }

    fn give_back(&mut self, device: DeviceId, conclude: bool) {
        let (Some(Some(tracked)), Some(facts)) = (self.logins.get_mut(device.0), self.devices.facts(device)) else { return };
        let unsettled = tracked.login.unsettled();
        let told = tracked.gathered.held();
        self.costs.brief |= tracked.gathered.be_brief(self.results > self.enough);
        match tracked.family(self.options, facts) {
            None => {
                forget(tracked);
                self.costs.forgotten = self.costs.forgotten.saturating_add(1);
            }
            Some(profile) if conclude => {
                let attempts = tracked.login.conclude(facts, profile, self.now, self.now);
                tracked.gather(attempts, profile, facts, &mut self.registrars);
                self.costs.concluded = self.costs.concluded.saturating_add(1);
            }
            Some(_) if unsettled < WORTH_SETTLING => return,
            Some(_) => tracked.settle(self.options, facts, self.now, &mut self.registrars),
        }
        self.results = self.results.saturating_sub(told).saturating_add(tracked.gathered.held());
        self.unsettled = self.unsettled.saturating_sub(unsettled).saturating_add(tracked.login.unsettled());
        self.ledger.set(device, tracked.login.held());
    }
}

fn forget(tracked: &mut Tracked<'_>) {
    tracked.forgotten |= tracked.login.has_exchanges();
    tracked.login.clear();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::device::ledger::Ledger;
    use crate::event::{Event, EventSink, What};
    use crate::flow::{Flow, Signal, Transport};
    use crate::model::{At, Endpoint, Frame, Mac, Side, Time, Verdict};
    use crate::packet::Link;
    use crate::pipeline::Options;
    use crate::profile::Profiles;
    use crate::protocols::{Message, arp, dns};
    use crate::verdict::{DeviceAnalysis, LITTLE_EVIDENCE};

    /// Phones that are refused in turn, so often each, eight seconds after another.
    fn refused(logins: &mut Logins<'_>, phones: u8, times: u64) {
        for turn in 0..u64::from(phones) * times {
            refuse(logins, (turn % u64::from(phones)) as u8, turn);
        }
    }

    /// A phone is refused, eight seconds after the turn before.
    fn refuse(logins: &mut Logins<'_>, phone: u8, turn: u64) {
        let signals = [Signal::Syn { first: true }, Signal::Rst(Side::Server), Signal::Ended];
        connect(logins, phone, turn, signals);
    }

    /// A host connects to a port of SIP, eight seconds after the turn before.
    fn connect(logins: &mut Logins<'_>, phone: u8, turn: u64, signals: [Signal; 3]) {
        let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
        let (client, server) = (end([10, 0, 4, phone], 1_025 + turn as u16), end([10, 0, 0, 5], 5_061));
        let flow = Flow { id: turn, transport: Transport::Tcp, client, server, oriented: true };
        for (step, signal) in (0..).zip(signals) {
            let side = if signal == Signal::Rst(Side::Server) { Side::Server } else { Side::Client };
            let at = At { frame: Frame::new(turn * 3 + step), time: Time::from_seconds((turn * 8) as i64) };
            let what = What::Tcp(signal, Arc::default());
            logins.event(Event { at, link: Link::default(), flow, side, what });
        }
    }

    /// A phone says which MAC its address has.
    fn announce(logins: &mut Logins<'_>, phone: u8) {
        let (mac, ip) = (Mac([0, 4, 0xf2, 0, 0, phone]), std::net::Ipv4Addr::new(10, 0, 4, phone));
        let announcement =
            arp::Message { operation: 1, sender_mac: mac, sender_ip: ip, target_mac: Mac::default(), target_ip: ip };
        let (client, server) = (Endpoint::Mac(mac), Endpoint::Mac(Mac([0xff; 6])));
        let flow = Flow { id: 1_000, transport: Transport::Link, client, server, oriented: true };
        let at = At { frame: Frame::new(0), time: Time::from_seconds(0) };
        let what = What::Message(Message::Arp(announcement));
        logins.event(Event { at, link: Link::default(), flow, side: Side::Client, what });
    }

    #[test]
    fn a_health_check_that_was_refused_for_long_shows_no_login_for_that() {
        let options = Options { profiles: Profiles::builtin(), ..Options::default() };
        let verdict = |checks: bool| {
            let mut logins = Logins::new(&options);
            (0..300).for_each(|turn| refuse(&mut logins, 1, turn));
            if checks {
                connect(&mut logins, 1, 300, [Signal::Syn { first: true }, Signal::Fin(Side::Client), Signal::Ended]);
            }
            let (devices, _) = logins.finish(Time::from_seconds(100_000), false);
            (devices[0].verdict, devices[0].attempts.len(), devices[0].profile.is_some())
        };
        assert_eq!(verdict(false), (Verdict::Loop, 300, true));
        assert_eq!(verdict(true), (Verdict::NoLogin, 0, false), "it is let in now, and says nothing");
    }

    #[test]
    fn a_quiet_phone_is_settled_and_goes_on_where_it_was() {
        let options = Options { profiles: Profiles::builtin(), ..Options::default() };
        let mut logins = Logins::new(&options);
        announce(&mut logins, 1);
        (0..10).for_each(|turn| refuse(&mut logins, 1, turn));
        let kept = |logins: &Logins<'_>| logins.logins[0].as_ref().map(|phone| phone.login.unsettled());
        assert_eq!(kept(&logins), Some(10));
        // Others go on, and the time with them.
        (10..60).for_each(|turn| refuse(&mut logins, 2, turn));
        assert_eq!(kept(&logins), Some(1), "the last attempt may still go on");
        (60..63).for_each(|turn| refuse(&mut logins, 1, turn));
        let (devices, warnings) = logins.finish(Time::from_seconds(100_000), false);
        let numbers: Vec<u32> = devices[0].attempts.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, (1..=13).collect::<Vec<_>>());
        assert!(devices[0].attempts.iter().all(|attempt| attempt.drop.is_some()));
        assert!(warnings.is_empty(), "{warnings:?}");
    }

    fn told(change: impl FnOnce(&mut Logins<'_>), phones: u8, times: u64) -> (Vec<DeviceAnalysis>, String) {
        let options = Options { profiles: Profiles::builtin(), ..Options::default() };
        let mut logins = Logins::new(&options);
        change(&mut logins);
        refused(&mut logins, phones, times);
        let (devices, warnings) = logins.finish(Time::from_seconds(100_000), false);
        (devices, warnings.into_iter().map(|warning| warning.text).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn exchanges_beyond_their_bound_are_concluded_and_none_is_lost() {
        let (free, nothing) = told(|_| {}, 20, 6);
        assert_eq!(nothing, "");
        let (bound, warnings) = told(|logins| logins.ledger = Ledger::new(60_000), 20, 6);
        assert!(warnings.contains("logins were concluded before their end"), "{warnings}");
        let drops = |devices: &[DeviceAnalysis]| -> Vec<usize> {
            devices.iter().map(|device| device.attempts.iter().filter(|attempt| attempt.drop.is_some()).count()).collect()
        };
        assert_eq!(drops(&free), [6; 20]);
        assert_eq!(drops(&bound), [6; 20]);
    }

    /// A host asks for a name, at this second.
    fn look_up(logins: &mut Logins<'_>, host: u16, number: u64, second: i64) {
        let end = |address: std::net::IpAddr, port: u16| Endpoint::Ip(std::net::SocketAddr::new(address, port));
        let [high, low] = host.to_be_bytes();
        let (client, server) = (end([10, 1, high, low].into(), 40_000), end([10, 0, 0, 3].into(), 53));
        let flow = Flow { id: u64::from(host), transport: Transport::Udp, client, server, oriented: true };
        let question = Some(dns::Question { name: format!("{number}.contoso.com").as_str().into(), kind: dns::kind::A });
        let query = dns::Message {
            id: number as u16,
            response: false,
            opcode: 0,
            rcode: 0,
            truncated: false,
            iterative: false,
            question,
            records: Vec::new(),
            tcp: false,
            problem: None,
        };
        let at = At { frame: Frame::new(number + 1), time: Time::from_seconds(second) };
        let what = What::Message(Message::Dns(std::sync::Arc::new(query)));
        logins.event(Event { at, link: Link::default(), flow, side: Side::Client, what });
    }

    /// Hosts that show no login look names up, so often each, so many seconds after one another.
    fn lookers_up(logins: &mut Logins<'_>, hosts: u16, times: u64, pause: i64) {
        for number in 0..u64::from(hosts) * times {
            look_up(logins, (number / times) as u16, number, number as i64 * pause);
        }
    }

    fn warnings(logins: Logins<'_>) -> String {
        let (_, warnings) = logins.finish(Time::from_seconds(1_000_000), false);
        warnings.into_iter().map(|warning| warning.text).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn idle_devices_without_a_login_are_forgotten_beyond_a_bound_and_others_beyond_the_next() {
        // No profile is known: nobody shows a login.
        let options = Options::default();
        for (pause, bound) in [(2, UNSETTLED), (0, CROWDED)] {
            let (hosts, times) = ((bound / 60) as u16, 60);
            let mut logins = Logins::new(&options);
            lookers_up(&mut logins, hosts, times, pause);
            assert!(logins.unsettled > bound - 60 && logins.costs.forgotten == 0, "{}", logins.unsettled);
            for number in 0..40 * 60 {
                look_up(&mut logins, 60_000 + number / 60, 1 << 20, i64::from(hosts) * 60 * pause + i64::from(number) * pause);
                assert!(logins.unsettled <= bound + 1, "{}", logins.unsettled);
            }
            assert!(warnings(logins).contains("before they showed a login was given up"));
        }
    }

    #[test]
    fn the_exchanges_of_one_device_are_settled_or_forgotten_beyond_their_bound() {
        let options = Options { profiles: Profiles::builtin(), ..Options::default() };
        let mut logins = Logins::new(&options);
        for turn in 0..600 {
            refuse(&mut logins, 1, turn);
            assert!(logins.unsettled <= 256);
        }
        let (devices, warnings) = logins.finish(Time::from_seconds(100_000), false);
        assert_eq!(devices[0].attempts.len(), 600, "settled, and each is told");
        assert!(warnings.is_empty(), "{warnings:?}");
        let nobody = Options::default();
        let mut logins = Logins::new(&nobody);
        for number in 0..600 {
            look_up(&mut logins, 1, number, number as i64);
            assert!(logins.unsettled <= 256);
        }
    }

    #[test]
    fn the_evidence_of_a_finding_is_that_of_the_first_attempts() {
        let (devices, _) = told(|_| {}, 1, 30);
        let finding = &devices[0].findings[0];
        assert_eq!((finding.code, finding.attempts.len(), finding.evidence.len()), ("tcp-refused", 30, 12));
        assert!(finding.evidence.iter().all(|evidence| evidence.frame.number() < 3 * 12), "{:?}", finding.evidence);
    }

    #[test]
    fn devices_without_a_login_beyond_the_bound_are_counted() {
        let options = Options::default();
        let mut logins = Logins::new(&options);
        lookers_up(&mut logins, 300, 1, 1);
        let (devices, warnings) = logins.finish(Time::from_seconds(1_000), false);
        assert_eq!((devices.len(), devices.iter().all(|device| device.verdict == Verdict::NoLogin)), (256, true));
        assert_eq!(warnings[0].text, "44 further devices without any login are not listed");
    }

    #[test]
    fn devices_of_which_nothing_was_found_beyond_the_bound_are_counted() {
        let options = Options { profiles: Profiles::builtin(), ..Options::default() };
        let mut logins = Logins::new(&options);
        // A SYN each, and the capture ends.
        for host in 0..1_100_u16 {
            let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
            let [high, low] = host.to_be_bytes();
            let (client, server) = (end([10, 2, high, low], 1_025), end([10, 0, 0, 5], 5_061));
            let flow = Flow { id: u64::from(host), transport: Transport::Tcp, client, server, oriented: true };
            let at = At { frame: Frame::new(u64::from(host) + 1), time: Time::from_seconds(1) };
            let what = What::Tcp(Signal::Syn { first: true }, Arc::default());
            logins.event(Event { at, link: Link::default(), flow, side: Side::Client, what });
        }
        let (devices, warnings) = logins.finish(Time::from_seconds(1), false);
        assert_eq!((devices.len(), devices[0].verdict), (1_024, Verdict::Incomplete));
        assert_eq!(warnings[0].text, "76 further devices with an incomplete login and no findings are not listed");
    }

    #[test]
    fn what_is_told_beyond_its_bound_is_the_first_and_the_last_attempt_and_the_cause() {
        let (devices, warnings) = told(|logins| logins.enough = 10_000, 20, 6);
        assert!(warnings.contains("only the first and the last attempt and the primary cause are told"), "{warnings}");
        assert!(warnings.contains("attempts are counted but not listed"), "{warnings}");
        let last = devices.last().expect("a device");
        assert_eq!(last.attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 6]);
        assert_eq!(last.repeats.as_ref().map(|repeats| repeats.attempts), Some(6));
        assert_eq!(last.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["tcp-refused"]);
        assert_eq!((last.findings[0].attempts.as_slice(), last.findings[0].evidence.len()), (&[1, 6][..], LITTLE_EVIDENCE));
    }
}
