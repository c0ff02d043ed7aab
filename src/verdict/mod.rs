//! All that was found about a device in, put together: verdict, loop, primary cause.

use std::sync::Arc;

use crate::device::facts::DeviceFacts;
use crate::device::servers::Servers;
use crate::findings::shared::{idle, sketch, wrong_clock};
use crate::findings::{self, Case, Found, Rule, Weight};
use crate::login::Barrier;
use crate::login::steps::{Attempt, Lease};
use crate::login::timeline::{self, Moment};
use crate::model::{By, How, Outcome, Stage, Verdict};
use crate::profile::Profile;

mod contest;
mod elsewhere;
mod heading;
mod obstacle;
mod onward;
mod passed;
mod primary;
mod result;
mod standing;
mod worth;

use primary::{commonest, primary};

pub use elsewhere::{Registrars, look_at_others};
pub use heading::Heading;
pub use obstacle::{Obstacle, Onward};
pub use result::{
    Analysis, AttemptSummary, CaptureSummary, Chain, Check, DeviceAnalysis, Drawn, Finding, Fix, Repeats, RoleName,
};

/// Frames that a finding shows at most: those of the first attempts.
const EVIDENCE: usize = 12;
/// The same, where there is too much to tell.
pub(crate) const LITTLE_EVIDENCE: usize = 3;
/// Attempts of one device that are listed: the first ones, and the last.
pub const ATTEMPTS: usize = 4_096;
/// Most devices have no more: there can be thousands of them, and room for further ones would be wasted.
const FEW_ATTEMPTS: usize = 2;
/// Different chains that are drawn.
const CHAINS: usize = 3;
/// Attempts that are told moment by moment.
const TIMELINES: usize = 3;

/// What was found for one device, gathered attempt by attempt.
#[derive(Debug, Default)]
pub struct Gathered {
    attempts: Vec<AttemptSummary>,
    /// Was the first attempt under way when the capture began?
    is_first_under_way: bool,
    /// May it have signed in since its last drop, where the capture lacks that?
    may_have_signed_in: bool,
    /// Where it stopped last, and whether it has been seen beyond that since.
    barrier: Option<Barrier>,
    is_beyond: bool,
    signed_in: Vec<Option<f32>>,
    /// How well the capture shows the drop that it shows best, and the next best.
    shown: (f32, f32),
    /// Attempts that were cut in a session, and whether the last one was when that had stood for long.
    cuts: u32,
    is_cut_late: bool,
    /// Attempts that are counted, but not kept; and how many of them ended in a drop.
    left_out: u32,
    left_out_drops: u32,
    /// Is so much told of all devices that little more is to be told of this one?
    is_brief: bool,
    /// Did it do nothing but what some phones do, and others do as well?
    may_be_phone: bool,
    /// Memory that all this takes, about.
    held: usize,
    /// Stories that were told moment by moment: attempts of which no other goes alike.
    told: Vec<Story>,
    findings: Vec<Finding>,
    chains: Vec<Chain>,
    /// What lies behind each cause, by the first attempt that it ended, and where the device wanted to go there.
    onward: Vec<Behind>,
    /// The earliest cause of a wrong clock that any attempt up to now has shown: order and code. The clock stays wrong
    /// through attempts that do not ask for the time again.
    clock_cause: Option<(u16, &'static str)>,
    /// The lease that the device lives on, where several servers answered when it was given.
    contested: Option<Arc<Lease>>,
    /// The shortest and the longest silence before the ends of its sessions.
    idled: Option<(i64, i64)>,
}

impl Gathered {
    /// Runs the rules on an attempt that is over, picks its primary cause, and keeps a summary.
    pub fn attempt(&mut self, attempt: Attempt, profile: &Profile, facts: &DeviceFacts, servers: &Servers) {
        let lease = self.contested.take();
        let profile = &*profile.for_firmware(facts);
        let case = Case::new(profile, &attempt, facts).on_lease(lease.as_deref()).after_idling(self.idled).beside(servers);
        self.idled = idle::idled(&case).map(|pause| idle::range(self.idled, pause)).or(self.idled);
        let mut found: Vec<(&'static Rule, Found)> =
            findings::ALL.iter().flat_map(|rule| (rule.check)(&case).into_iter().map(move |found| (*rule, found))).collect();
        for (_, found) in &mut found {
            found.confidence *= worth::of_finding(&case, found);
            found.explains_drop &= !passed::is_passed(&case, found);
        }
        if attempt.drop.is_some() {
            let shown = worth::of_drop(&case);
            self.shown = (self.shown.0.max(shown), self.shown.1.max(shown.min(self.shown.0)));
        }
        let clock = found.iter().filter(|(rule, _)| rule.stage == Some(Stage::Time)).map(|(rule, _)| (rule.order, rule.code));
        self.clock_cause = clock.chain(self.clock_cause).min();
        let primary = attempt.drop.and_then(|_| primary(&found)).map(|rule| match self.clock_cause {
            Some((order, code)) if rule.stage == Some(Stage::Time) && order < rule.order => code,
            Some((_, code)) if rule.weight <= Weight::General && wrong_clock::refused_without_time(&case).is_some() => code,
            _ => rule.code,
        });
        if let Some(code) = primary {
            self.look_on(&case, code, &found);
        }
        let explained = found.iter().any(|(rule, found)| found.explains_drop && rule.weight > Weight::Fallback);
        found.retain(|(rule, _)| rule.weight > Weight::Fallback || !explained);
        found.retain(|(rule, _)| !self.is_brief || Some(rule.code) == primary);
        for (rule, found) in found {
            self.add(rule, found, attempt.number);
        }
        let timeline = if self.is_brief { Vec::new() } else { self.timeline(&attempt) };
        if !timeline.is_empty() {
            self.draw(&case);
        }
        self.remember_lease(&attempt, lease);
        self.make_room();
        self.is_first_under_way |= attempt.number == 1 && attempt.is_under_way();
        self.signed_in.push(attempt.signed_in);
        self.may_have_signed_in = attempt.drop.is_none() && (self.may_have_signed_in || attempt.may_have_signed_in());
        self.is_beyond = attempt.drop.is_none() && (self.is_beyond || self.barrier.is_some_and(|one| one.is_passed_by(&attempt)));
        self.barrier = Barrier::of(&attempt).or(self.barrier);
        self.cuts = self.cuts.saturating_add(u32::from(attempt.drop.is_some_and(|drop| drop.stage == Stage::Session)));
        self.is_cut_late = attempt.is_cut_late();
        // There can be thousands of attempts: their lists have no room for more.
        let mut stages = attempt.stages;
        stages.retain(|stage| !self.is_brief || stage.first.is_some());
        stages.shrink_to_fit();
        let summary = AttemptSummary {
            number: attempt.number,
            first: attempt.first,
            last: attempt.last,
            stages,
            drop: attempt.drop,
            screen: attempt.drop.and_then(|drop| profile.screen(drop.stage)).map(str::to_owned),
            primary_cause: primary,
            timeline,
        };
        self.held = self.held.saturating_add(summary.held());
        if self.attempts.len() < FEW_ATTEMPTS {
            self.attempts.reserve_exact(1);
        }
        self.attempts.push(summary);
    }

    fn remember_lease(&mut self, attempt: &Attempt, before: Option<Arc<Lease>>) {
        let held = |lease: &Option<Arc<Lease>>| lease.as_deref().map_or(0, contest::held_by);
        self.held = self.held.saturating_sub(held(&before));
        self.contested = if self.is_brief { None } else { contest::after(attempt, before) };
        self.held = self.held.saturating_add(held(&self.contested));
    }

    /// What would have come next, had this cause been mended.
    fn look_on(&mut self, case: &Case<'_>, code: &'static str, found: &[(&'static Rule, Found)]) {
        let is_known = self.onward.iter().any(|behind| behind.code == code);
        let Some(rule) = findings::ALL.iter().find(|rule| rule.code == code).filter(|_| !is_known) else { return };
        let (onward, heading) = (onward::of_attempt(case, rule, found), Heading::of(case.attempt));
        self.held = self.held.saturating_add(onward.held()).saturating_add(heading.held());
        self.onward.reserve_exact(1);
        self.onward.push(Behind { code, onward, heading });
    }

    /// From here on, is only the first and the last attempt to be told, and of what is found the primary cause?
    pub fn be_brief(&mut self, brief: bool) -> bool {
        self.is_brief = brief;
        brief
    }

    /// Takes note that all it did some phones do, and others as well.
    pub fn may_be_phone(&mut self, may: bool) {
        self.may_be_phone = may;
    }

    /// Memory that it takes, about: 0 where nothing was gathered yet.
    pub fn held(&self) -> usize {
        self.held
    }

    /// The first attempts and the last one are kept; those between them are counted.
    fn make_room(&mut self) {
        if self.attempts.len() < self.most_attempts() {
            return;
        }
        self.signed_in.pop();
        if let Some(attempt) = self.attempts.pop() {
            self.held = self.held.saturating_sub(attempt.held());
            self.left_out = self.left_out.saturating_add(1);
            self.left_out_drops = self.left_out_drops.saturating_add(u32::from(attempt.drop.is_some()));
        }
    }

    fn most_attempts(&self) -> usize {
        if self.is_brief { 2 } else { ATTEMPTS }
    }

    /// Attempts that are counted, but not listed.
    pub fn left_out(&self) -> u32 {
        self.left_out
    }

    /// Keeps the chains that were not seen in an earlier attempt.
    fn draw(&mut self, case: &Case<'_>) {
        if case.attempt.drop.is_none() || self.chains.len() >= CHAINS {
            return;
        }
        for chain in sketch::chains(case) {
            let alike = |known: &Chain| (&known.server, &known.certificates) == (&chain.server, &chain.certificates);
            if self.chains.len() < CHAINS && !self.chains.iter().any(alike) {
                self.held = self.held.saturating_add(result::held_by(&chain));
                self.chains.push(chain);
            }
        }
    }

    /// What happened in an attempt, unless enough was told or it goes like one that was told already.
    fn timeline(&mut self, attempt: &Attempt) -> Vec<Moment> {
        if self.told.len() >= TIMELINES {
            return Vec::new();
        }
        let story = Story::of(attempt);
        if self.told.contains(&story) {
            return Vec::new();
        }
        self.told.push(story);
        let mut moments = timeline::moments(attempt);
        moments.shrink_to_fit();
        moments
    }

    fn add(&mut self, rule: &'static Rule, found: Found, attempt: u32) {
        let (most_attempts, most_evidence) = (self.most_attempts(), if self.is_brief { LITTLE_EVIDENCE } else { EVIDENCE });
        let known = self.findings.iter().position(|finding| (finding.code, finding.stage) == (rule.code, found.stage));
        let place = known.unwrap_or_else(|| {
            self.findings.reserve_exact(1);
            self.findings.push(Finding {
                code: rule.code,
                stage: found.stage,
                primary: false,
                confidence: found.confidence,
                summary: found.summary,
                why: rule.help.why,
                fix: found.fix,
                evidence: Vec::new(),
                attempts: Vec::new(),
            });
            self.findings.len().saturating_sub(1)
        });
        let Some(finding) = self.findings.get_mut(place) else { return };
        let before = if known.is_some() { finding.held() } else { 0 };
        finding.confidence = finding.confidence.max(found.confidence);
        // Attempts come in order: the first ones are told, and the last.
        if finding.attempts.last() != Some(&attempt) {
            if finding.attempts.len() >= most_attempts {
                finding.attempts.pop();
            }
            finding.attempts.push(attempt);
        }
        let room = most_evidence.saturating_sub(finding.evidence.len());
        finding.evidence.reserve_exact(found.evidence.len().min(room));
        for evidence in found.evidence {
            if finding.evidence.len() < most_evidence && !finding.evidence.contains(&evidence) {
                finding.evidence.push(evidence);
            }
        }
        self.held = self.held.saturating_sub(before).saturating_add(finding.held());
    }

    /// The result. `events` says whether the device did anything that a login stands on.
    pub fn conclude(mut self, facts: &DeviceFacts, profile: Option<&Profile>, profile_evidence: Vec<String>) -> DeviceAnalysis {
        if profile.is_none() {
            // What it did is no login after all.
            self = Self { may_be_phone: self.may_be_phone, ..Self::default() };
        }
        let (verdict, confidence) = self.verdict(profile.is_some());
        let dropped = self.attempts.iter().filter(|attempt| attempt.drop.is_some());
        let primary = match verdict {
            Verdict::Dropped => dropped.map(|attempt| attempt.primary_cause).next_back().flatten(),
            _ => commonest(dropped.filter_map(|attempt| attempt.primary_cause)),
        };
        let repeats = (verdict == Verdict::Loop).then(|| self.repeats()).flatten();
        let mut findings = std::mem::take(&mut self.findings);
        if verdict == Verdict::Loop || verdict == Verdict::Dropped {
            for finding in &mut findings {
                finding.primary = Some(finding.code) == primary;
            }
        }
        findings.sort_by(|a, b| {
            b.primary.cmp(&a.primary).then(b.confidence.total_cmp(&a.confidence)).then((a.code, a.stage).cmp(&(b.code, b.stage)))
        });
        // One code is primary once: where it was found at two stages, the one at the stage of the drop.
        let drop_stage = repeats.as_ref().map(|repeats| repeats.drop_stage);
        let chosen = findings.iter().position(|finding| finding.primary && Some(finding.stage) == drop_stage);
        let chosen = chosen.or_else(|| findings.iter().position(|finding| finding.primary));
        for (index, finding) in findings.iter_mut().enumerate() {
            finding.primary = Some(index) == chosen;
        }
        let cause = findings.iter().find(|finding| finding.primary).map(|finding| finding.code);
        let behind = self.onward.into_iter().find(|behind| Some(behind.code) == cause);
        let (onward, heading) = behind.map(|behind| (behind.onward, behind.heading)).unzip();
        let ends_at = self.attempts.iter().find(|attempt| attempt.drop.is_some() && attempt.primary_cause == cause);
        let further = ends_at
            .and_then(|attempt| attempt.drop)
            .and_then(|drop| elsewhere::in_other_attempts(&self.attempts, &self.signed_in, &findings, drop.stage));
        // What stopped the device at the very same frame is nearer than what did in another attempt.
        let onward = match onward {
            Some(stopped @ Onward::Stopped { .. }) => Some(stopped),
            Some(clear @ Onward::Clear { .. }) if matches!(further, Some(Onward::Unknown { .. })) => Some(clear),
            Some(other) => Some(further.unwrap_or(other)),
            None => None,
        };
        DeviceAnalysis {
            mac: facts.mac,
            ips: facts.addresses.clone(),
            vlan: facts.vlan,
            name: facts.own_name().cloned(),
            profile: profile.map(|profile| (profile.name.clone(), profile.title.clone())),
            profile_evidence,
            verdict,
            confidence,
            attempts: self.attempts,
            repeats,
            findings,
            screens: profile.map(|profile| profile.screens.clone()).unwrap_or_default(),
            chains: self.chains,
            onward,
            heading: heading.unwrap_or_default(),
        }
    }

    fn repeats(&self) -> Option<Repeats> {
        let dropped: Vec<&AttemptSummary> = self.attempts.iter().filter(|attempt| attempt.drop.is_some()).collect();
        let begins_at = |attempt: &AttemptSummary| {
            let seen = attempt.stages.iter().filter(|stage| stage.stage != Stage::Update && stage.first.is_some());
            seen.min_by_key(|stage| (stage.first, stage.stage)).map(|stage| stage.stage)
        };
        Some(Repeats {
            attempts: u32::try_from(dropped.len()).unwrap_or(u32::MAX).saturating_add(self.left_out_drops),
            period_s: self.period_s(&dropped)?,
            drop_stage: commonest(dropped.iter().filter_map(|attempt| attempt.drop).map(|drop| drop.stage))?,
            restarts_at: commonest(self.attempts.iter().skip(1).filter_map(begins_at))?,
        })
    }

    /// The mean distance of the beginnings of attempts, to the millisecond. A session that was good until the first drop is none
    /// of the loop's, and an attempt that was under way when the capture began has no beginning to count from.
    fn period_s(&self, dropped: &[&AttemptSummary]) -> Option<f64> {
        let under_way = self.is_first_under_way && dropped.len() > 2 && dropped.first().is_some_and(|first| first.number == 1);
        let (first, last) = (dropped.get(usize::from(under_way))?, self.attempts.last()?);
        let distances = last.number.saturating_sub(first.number).max(1);
        let period_s = last.first.time.seconds_since(first.first.time) / f64::from(distances);
        Some((period_s * 1000.0).round() / 1000.0)
    }
}

/// What lies behind a cause.
#[derive(Debug)]
struct Behind {
    code: &'static str,
    onward: Onward,
    heading: Heading,
}

/// How an attempt went: the same stages with the same outcomes, and the same drop.
#[derive(Clone, Debug, PartialEq)]
struct Story {
    stages: Vec<(Stage, Outcome)>,
    drop: Option<(Stage, By, How)>,
}

impl Story {
    fn of(attempt: &Attempt) -> Self {
        Self {
            stages: attempt.stages.iter().map(|stage| (stage.stage, stage.outcome)).collect(),
            drop: attempt.drop.map(|drop| (drop.stage, drop.by, drop.how)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{
        IntoStep, Login, certificate_with, dhcp_exchange, ip, lookup, ntp_exchange, refused, refused_saying,
    };
    use crate::formats::x509::Hash;
    use crate::login::steps::StepKind;
    use crate::model::{At, DropPoint, Frame, SECOND};
    use crate::profile::Profiles;
    use crate::text::WireText;

    pub(super) fn at(second: i64) -> At {
        At { frame: Frame::new(second.unsigned_abs()), time: crate::model::Time(second * SECOND) }
    }

    /// An attempt of ten seconds.
    pub(super) fn attempt(number: u32, begun: i64, drop: Option<DropPoint>) -> AttemptSummary {
        let (first, last) = (at(begun), at(begun + 10));
        AttemptSummary { number, first, last, stages: Vec::new(), drop, screen: None, primary_cause: None, timeline: Vec::new() }
    }

    #[test]
    fn a_lease_of_the_wrong_server_stops_the_attempts_that_live_on_it_too() {
        const RIGHT: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 1]), (6, &[10, 0, 0, 2])];
        const WRONG: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 254]), (6, &[10, 0, 4, 254])];
        let asked = || {
            let mut step = lookup("sip.contoso.com").times(3).into_step(20);
            if let StepKind::Lookup(lookup) = &mut step.kind {
                lookup.queries.iter_mut().for_each(|(_, server)| *server = ip("10.0.4.254"));
            }
            step
        };
        let leased = dhcp_exchange().discover().offer(RIGHT).offer(WRONG).request().ack(WRONG);
        let mut gathered = Gathered::default();
        for login in [Login::new().step(leased).step(asked()).dropped(), Login::new().step(asked()).dropped()] {
            gathered.attempt(login.attempt.clone(), &login.profile, &login.known, &Servers::default());
        }
        let causes: Vec<_> = gathered.attempts.iter().map(|attempt| attempt.primary_cause).collect();
        assert_eq!(causes, [Some("dhcp-rogue-server"); 2]);
    }

    #[test]
    fn a_clock_that_nobody_set_is_wrong_in_later_attempts_too() {
        let causes = |alert: u8| {
            let refuses = || refused_saying(alert, vec![certificate_with("CN=pool.contoso.com", "CN=CA", |_| ())]);
            let first = Login::new().step(ntp_exchange(3, &[])).step(refuses().attempt.steps.remove(0)).dropped();
            let mut gathered = Gathered::default();
            for login in [first, refuses()] {
                gathered.attempt(login.attempt.clone(), &login.profile, &login.known, &Servers::default());
            }
            gathered.attempts.iter().map(|attempt| attempt.primary_cause.unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(causes(42), ["ntp-no-answer"; 2]);
        assert_eq!(causes(46), ["tls-handshake-failed"; 2], "it does not say that it is not valid yet");
    }

    /// The primary cause and all findings, where a Lync phone of this firmware refuses a certificate signed with SHA-256.
    fn refused_by_lync_phone(version: &str, purposes: Option<&str>) -> (Option<&'static str>, Vec<&'static str>) {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| {
            body.signature_algorithm.hash = Some(Hash::Sha256);
            body.extended_key_usage = purposes.map(|purpose| vec![purpose.to_owned()]);
        })];
        let agent = WireText::from(format!("CPE/{version} OCPhone/{version} (Microsoft Lync Phone Edition)").as_str());
        let login = refused(chain).knowing(|known| known.user_agents.push(agent));
        let profiles = Profiles::builtin();
        let mut gathered = Gathered::default();
        gathered.attempt(login.attempt, profiles.named("lync-phone-edition").unwrap(), &login.known, &Servers::default());
        (gathered.attempts[0].primary_cause, gathered.findings.iter().map(|finding| finding.code).collect())
    }

    #[test]
    fn the_firmware_that_a_phone_names_decides_what_it_verifies() {
        let causes = |version: &str| refused_by_lync_phone(version, None).0;
        assert_eq!(causes("4.0.7577.4366"), Some("cert-unsupported-signature"));
        assert_eq!(causes("4.0.7577.4476"), Some("tls-closed-after-certificate"));
    }

    #[test]
    fn what_the_certificate_itself_forbids_goes_before_what_the_family_cannot_verify() {
        const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
        let (primary, all) = refused_by_lync_phone("4.0.7577.4366", Some(CODE_SIGNING));
        assert_eq!(primary, Some("cert-wrong-usage"));
        assert!(all.contains(&"cert-unsupported-signature"), "both are told: {all:?}");
        assert_eq!(refused_by_lync_phone("4.0.7577.4476", Some(CODE_SIGNING)), (primary, vec!["cert-wrong-usage"]));
    }

    /// The period of attempts that begin at these seconds, each of which drops.
    fn period(is_first_under_way: bool, begins: &[i64]) -> Option<f64> {
        let drop = |begun| DropPoint { stage: Stage::Session, by: By::Server, how: How::Rst, at: at(begun + 10) };
        let attempts = (1..).zip(begins).map(|(number, begun)| attempt(number, *begun, Some(drop(*begun)))).collect();
        let gathered = Gathered { attempts, is_first_under_way, ..Gathered::default() };
        gathered.period_s(&gathered.attempts.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_period_is_counted_from_beginnings_that_were_captured() {
        assert_eq!(period(false, &[0, 120, 220]), Some(110.0));
        assert_eq!(period(true, &[70, 120, 220]), Some(100.0), "the first one began before the capture");
        assert_eq!(period(true, &[70, 120]), Some(50.0), "nothing else shows it");
    }
}
