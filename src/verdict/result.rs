//! The finished result: what reports print of a capture, its devices, their attempts, and what was found.

use std::net::IpAddr;

use super::heading::Heading;
use super::obstacle::Onward;
use crate::flow::Conflict;
use crate::login::steps::StageReport;
use crate::login::timeline::Moment;
use crate::model::{At, DropPoint, Evidence, Frame, Mac, Stage, Time, Verdict, Warning};
use crate::text::WireText;

pub use crate::findings::shared::role_names::RoleName;
pub use crate::findings::shared::sketch::{Chain, Check, Drawn};

/// The result for one capture.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The capture itself.
    pub capture: CaptureSummary,
    /// Its devices, in the order of their first frames.
    pub devices: Vec<DeviceAnalysis>,
}

impl Analysis {
    /// Says of evidence that stands on one of two readings of the same bytes that there is the other one, and lowers the
    /// confidence of what stands on it.
    pub fn doubt(&mut self, conflicts: &[Conflict]) {
        for device in self.devices.iter_mut().filter(|_| !conflicts.is_empty()) {
            let attempts: Vec<(u32, Frame, Frame)> =
                device.attempts.iter().map(|attempt| (attempt.number, attempt.first.frame, attempt.last.frame)).collect();
            for finding in &mut device.findings {
                finding.confidence *= contested(&finding.evidence, &finding.attempts, &attempts, conflicts);
                doubt(&mut finding.evidence, conflicts);
            }
            device.findings.sort_by(|a, b| b.primary.cmp(&a.primary).then(b.confidence.total_cmp(&a.confidence)));
            device.confidence *= contested_verdict(device, conflicts);
        }
    }
}

/// What is left of a confidence where the only evidence stands on one of two readings: which one the receiver took is not
/// known, though most stacks keep the first.
const CONTESTED: f32 = 0.7;
/// The same, where another attempt shows it in frames of which there is one reading.
const PARTLY_CONTESTED: f32 = 0.95;

/// Do these frames hold one of two readings?
fn conflict_in(frame: Frame, conflicts: &[Conflict]) -> Option<&Conflict> {
    conflicts.iter().find(|conflict| conflict.first == frame || conflict.again == frame)
}

/// How much of its confidence is left to a finding with this evidence, found in these attempts.
fn contested(evidence: &[Evidence], found_in: &[u32], attempts: &[(u32, Frame, Frame)], conflicts: &[Conflict]) -> f32 {
    if !evidence.iter().any(|one| conflict_in(one.frame, conflicts).is_some()) {
        return 1.0;
    }
    let stands_elsewhere = attempts.iter().filter(|(number, ..)| found_in.contains(number)).any(|(_, first, last)| {
        let mut of_it = evidence.iter().filter(|one| (*first..=*last).contains(&one.frame)).peekable();
        of_it.peek().is_some() && of_it.all(|one| conflict_in(one.frame, conflicts).is_none())
    });
    if stands_elsewhere { PARTLY_CONTESTED } else { CONTESTED }
}

/// The same of a verdict: it stands on the frames that decided its attempts.
fn contested_verdict(device: &DeviceAnalysis, conflicts: &[Conflict]) -> f32 {
    let drops = || device.attempts.iter().filter_map(|attempt| attempt.drop);
    let all = drops().next().is_some() && drops().all(|drop| conflict_in(drop.at.frame, conflicts).is_some());
    if all { CONTESTED } else { 1.0 }
}

fn doubt(evidence: &mut [Evidence], conflicts: &[Conflict]) {
    for evidence in evidence {
        let Some(Conflict { first, again, .. }) = conflict_in(evidence.frame, conflicts) else { continue };
        evidence.text.push_str(&format!("; frame {again} repeats bytes of frame {first} with another content"));
    }
}

/// Facts about a capture.
#[derive(Clone, Debug, Default)]
pub struct CaptureSummary {
    /// `pcap`, `pcapng`, `erf`, `snoop` or `netmon`.
    pub format: &'static str,
    /// `gzip`, `zstd`, `lz4` or `xz`, where the file was compressed.
    pub compression: Option<&'static str>,
    /// Packet records.
    pub frames: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Time of the first packet.
    pub first_time: Option<Time>,
    /// Time of the last packet.
    pub last_time: Option<Time>,
    /// Does it end in the middle of a packet?
    pub truncated: bool,
    /// Were packets cut by the snap length?
    pub snaplen_limited: bool,
    /// Packets that the capturing system lost, by its own count.
    pub dropped: u64,
    /// What a reader should know of the file.
    pub warnings: Vec<Warning>,
    /// Notes that lower the confidence of what depends on them: code and text.
    pub notes: Vec<(&'static str, String)>,
}

/// The result for one device.
#[derive(Clone, Debug)]
pub struct DeviceAnalysis {
    /// Its MAC, where the capture shows it.
    pub mac: Option<Mac>,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// Its VLAN.
    pub vlan: Option<u16>,
    /// What it calls itself (user agent, host name, vendor class), or what its profile is called.
    pub name: Option<WireText>,
    /// Name and title of its profile.
    pub profile: Option<(String, String)>,
    /// By what the profile was recognised.
    pub profile_evidence: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// How sure it is.
    pub confidence: f32,
    /// The attempts.
    pub attempts: Vec<AttemptSummary>,
    /// The loop, where the verdict is `loop`.
    pub repeats: Option<Repeats>,
    /// What was found, the primary cause first.
    pub findings: Vec<Finding>,
    /// What its screen says, stage by stage, where that is known.
    pub screens: Vec<(Stage, String)>,
    /// The different chains that it did not take.
    pub chains: Vec<Chain>,
    /// What would have become of it, had the primary cause been mended; `None` where there is none.
    pub onward: Option<Onward>,
    /// Where it wanted to go when it dropped.
    pub heading: Heading,
}

/// Something that must be mended for a device to sign in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix<'a> {
    /// The cause code.
    pub code: &'static str,
    /// Where.
    pub stage: Stage,
    /// How sure it is that this stops the device, once what comes before is mended.
    pub confidence: f32,
    /// The cause in a line.
    pub summary: &'a str,
    /// What an administrator does.
    pub fix: &'a str,
}

impl DeviceAnalysis {
    /// The primary cause, where one was found.
    pub fn primary(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.primary)
    }

    /// All that must be mended for it to sign in, as far as the capture shows, in the order in which it would meet it: the
    /// primary cause, then what would stop it next. Whether that is all, `onward` says.
    pub fn fixes(&self) -> Vec<Fix<'_>> {
        let first = self.primary().map(|one| (one.code, one.stage, one.confidence, &one.summary, &one.fix));
        let next = self.onward.iter().flat_map(Onward::obstacles);
        let next = next.map(|one| (one.code, one.stage, one.confidence, &one.summary, &one.fix));
        let all = first.into_iter().chain(next);
        all.map(|(code, stage, confidence, summary, fix)| Fix { code, stage, confidence, summary, fix }).collect()
    }

    /// The attempt that stands for all that dropped: it ended where most ended, for the primary cause, and its story is known.
    pub fn typical_attempt(&self) -> Option<&AttemptSummary> {
        let primary = self.primary().map(|finding| finding.code);
        let dropped = || self.attempts.iter().filter(|attempt| attempt.drop.is_some());
        // Where it is no loop, the last drop is the one that counts.
        let last = || dropped().next_back().filter(|_| self.verdict == Verdict::Dropped)?.drop;
        let stage = self.repeats.as_ref().map(|repeats| repeats.drop_stage).or_else(|| Some(last()?.stage));
        let typical = |attempt: &&AttemptSummary| stage.is_none() || attempt.drop.map(|drop| drop.stage) == stage;
        let told = |attempt: &&AttemptSummary| !attempt.timeline.is_empty();
        dropped()
            .filter(typical)
            .filter(told)
            .find(|attempt| attempt.primary_cause == primary)
            .or_else(|| dropped().filter(typical).find(told))
            .or_else(|| dropped().find(typical))
            .or_else(|| dropped().next())
    }

    /// What its screen says at a stage.
    pub fn screen(&self, stage: Stage) -> Option<&str> {
        self.screens.iter().find(|(at, _)| *at == stage).map(|(_, text)| text.as_str())
    }
}

/// One attempt, without its exchanges.
#[derive(Clone, Debug)]
pub struct AttemptSummary {
    /// From 1.
    pub number: u32,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// What became of each stage.
    pub stages: Vec<StageReport>,
    /// What ended it.
    pub drop: Option<DropPoint>,
    /// What the phone's screen says at that stage.
    pub screen: Option<String>,
    /// The primary cause of its drop.
    pub primary_cause: Option<&'static str>,
    /// What happened, moment by moment, with frame numbers. (Attempts that went like an earlier one have none.)
    pub timeline: Vec<Moment>,
}

/// How a device loops.
#[derive(Clone, Debug, PartialEq)]
pub struct Repeats {
    /// Attempts that ended in a drop.
    pub attempts: u32,
    /// Mean distance of their beginnings, in seconds.
    pub period_s: f64,
    /// The stage at which they end (the commonest).
    pub drop_stage: Stage,
    /// The stage at which the next one begins (the commonest).
    pub restarts_at: Stage,
}

impl AttemptSummary {
    /// Memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        let stages = self.stages.iter().map(|stage| size_of_val(stage).saturating_add(stage.detail.len()));
        let moments = self.timeline.iter().map(|moment| size_of_val(moment) + moment.peer.len() + moment.text.len());
        stages.chain(moments).fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// One cause code for one device.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The code.
    pub code: &'static str,
    /// Where.
    pub stage: Stage,
    /// Is it the primary cause of the device's drop?
    pub primary: bool,
    /// How sure it is.
    pub confidence: f32,
    /// One line, plain words, with the values.
    pub summary: String,
    /// Why it makes this device drop.
    pub why: &'static str,
    /// What an administrator does.
    pub fix: String,
    /// The frames that prove it.
    pub evidence: Vec<Evidence>,
    /// The attempts in which it was found.
    pub attempts: Vec<u32>,
}

impl Finding {
    /// Memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        let evidence = self.evidence.iter().map(|one| size_of_val(one).saturating_add(one.display_filter.len() + one.text.len()));
        let words = [self.summary.len(), self.why.len(), self.fix.len(), size_of_val(self.attempts.as_slice())];
        evidence.chain(words).fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// Memory that the drawing of a chain takes, about.
pub(super) fn held_by(chain: &Chain) -> usize {
    let texts = |drawn: &Drawn| drawn.subject.iter().chain(&drawn.issuer).chain(&drawn.names).map(WireText::held).sum::<usize>();
    let certificates = chain.certificates.iter().map(|drawn| size_of_val(drawn).saturating_add(texts(drawn)));
    let names = chain.role_names.iter().map(|row| size_of_val(row).saturating_add(row.name.held()));
    certificates.chain(names).fold(size_of_val(chain).saturating_add(chain.server.len()), usize::saturating_add)
}
