//! All that was found about a device, put together: verdict, loop, primary cause. The finished result that reports print.

use std::net::IpAddr;

use crate::login::steps::StageReport;
use crate::model::{At, DropPoint, Evidence, Mac, Stage, Time, Verdict, Warning};
use crate::text::WireText;

/// The result for one capture.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The capture itself.
    pub capture: CaptureSummary,
    /// Its devices, in the order of their first frames.
    pub devices: Vec<DeviceAnalysis>,
}

/// Facts about a capture.
#[derive(Clone, Debug, Default)]
pub struct CaptureSummary {
    /// `pcap` or `pcapng`.
    pub format: &'static str,
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

/// A moment of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// When, in which frame.
    pub at: At,
    /// The stage.
    pub stage: Stage,
    /// Who to whom.
    pub direction: Direction,
    /// The other side, as people name it: `DNS 10.0.0.2`, `pool.contoso.com:5061`.
    pub peer: String,
    /// What, in a few words.
    pub text: String,
    /// Is it the decisive frame?
    pub decisive: bool,
}

/// Who speaks to whom in a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device to a peer.
    Out,
    /// A peer to the device.
    In,
    /// Nobody: something did not happen.
    Silence,
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
    pub why: String,
    /// What an administrator does.
    pub fix: String,
    /// The frames that prove it.
    pub evidence: Vec<Evidence>,
    /// The attempts in which it was found.
    pub attempts: Vec<u32>,
}
