//! The finished result: what reports print of a capture, its devices, their attempts, and what was found.

use std::net::IpAddr;

use crate::flow::Conflict;
use crate::login::steps::StageReport;
use crate::login::timeline::Moment;
use crate::model::{At, DropPoint, Evidence, Mac, Stage, Time, Verdict, Warning};
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
    /// Says of evidence that stands on one of two readings of the same bytes that there is the other one.
    pub fn doubt(&mut self, conflicts: &[Conflict]) {
        let findings = self.devices.iter_mut().flat_map(|device| &mut device.findings);
        for evidence in findings.flat_map(|finding| &mut finding.evidence) {
            let of_it = |conflict: &&Conflict| conflict.first == evidence.frame || conflict.again == evidence.frame;
            let Some(Conflict { first, again, .. }) = conflicts.iter().find(of_it) else { continue };
            evidence.text.push_str(&format!("; frame {again} repeats bytes of frame {first} with another content"));
        }
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
}

impl DeviceAnalysis {
    /// The primary cause, where one was found.
    pub fn primary(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.primary)
    }

    /// The attempt that stands for all that dropped: it ended where most ended, for the primary cause, and its story is known.
    pub fn typical_attempt(&self) -> Option<&AttemptSummary> {
        let primary = self.primary().map(|finding| finding.code);
        let stage = self.repeats.as_ref().map(|repeats| repeats.drop_stage);
        let dropped = || self.attempts.iter().filter(|attempt| attempt.drop.is_some());
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
