//! What is kept of a capture and of each login in it, once its analysis has been written down. The fingerprint is made here.

use serde::{Deserialize, Serialize};

use super::causes::{Need, cause, needs, word};
use crate::model::{By, How, Outcome, Stage, Verdict};
use crate::verdict::{Analysis, DeviceAnalysis};

/// What is kept of a capture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// `pcap`, `pcapng`, `erf`, `snoop` or `netmon`.
    pub format: String,
    /// By what the file was compressed, if it was.
    pub compression: Option<String>,
    /// Packet records.
    pub frames: u64,
    /// Bytes of the file, unpacked.
    pub bytes: u64,
    /// Nanoseconds since 1970 of the first packet.
    pub first: Option<i64>,
    /// And of the last one.
    pub last: Option<i64>,
    /// Does it end in the middle of a packet?
    pub truncated: bool,
    /// Were packets cut by the snap length?
    pub snaplen_limited: bool,
    /// How many warnings there are about the file.
    pub warnings: usize,
    /// Devices that did anything that a login stands on.
    pub devices: usize,
    /// Those of them that logged in, or tried to.
    pub logins: Vec<Login>,
}

/// One device's login.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Login {
    /// Its MAC, where the capture shows it.
    pub mac: Option<String>,
    /// Its addresses.
    pub ips: Vec<String>,
    /// What it calls itself.
    pub name: Option<String>,
    /// The name of its profile.
    pub family: Option<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// How sure that is.
    pub confidence: f64,
    /// Attempts that ended in a drop, of a loop; else those that were seen.
    pub attempts: u32,
    /// From one to the next, in seconds, of a loop.
    pub period: Option<f64>,
    /// Where a loop begins anew.
    pub restarts_at: Option<Stage>,
    /// Nanoseconds since 1970 of the first attempt's beginning.
    pub start: Option<i64>,
    /// And of the last one's end.
    pub end: Option<i64>,
    /// How it ended, where it failed.
    pub ended: Option<Ended>,
    /// What was found, the primary cause first.
    pub findings: Vec<Told>,
    /// What must be put right before it gets past its drop; empty where no cause was found.
    pub needs: Vec<Need>,
}

/// How a failed login ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Family, stages, drop and cause: the same for all that failed alike.
    pub fingerprint: String,
    /// In which stage.
    pub stage: Stage,
    /// By whom.
    pub by: By,
    /// How.
    pub how: How,
    /// At which frame, in the attempt that stands for all.
    pub frame: u64,
    /// And when.
    pub time: i64,
    /// What the phone's screen said.
    pub screen: Option<String>,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// The code.
    pub code: String,
    /// The code and what makes it another cause than the same code elsewhere.
    pub cause: String,
    /// Where.
    pub stage: Stage,
    /// Is it the primary cause?
    pub primary: bool,
    /// How sure it is.
    pub confidence: f64,
    /// One line.
    pub summary: String,
    /// What an administrator does.
    pub fix: String,
}

impl Digest {
    /// What is kept of an analysis.
    pub fn of(analysis: &Analysis) -> Self {
        let capture = &analysis.capture;
        let logins = analysis.devices.iter().filter(|device| device.verdict != Verdict::NoLogin);
        Self {
            format: capture.format.to_owned(),
            compression: capture.compression.map(str::to_owned),
            frames: capture.frames,
            bytes: capture.bytes,
            first: capture.first_time.map(|time| time.0),
            last: capture.last_time.map(|time| time.0),
            truncated: capture.truncated,
            snaplen_limited: capture.snaplen_limited,
            warnings: capture.warnings.len(),
            devices: analysis.devices.len(),
            logins: logins.map(Login::of).collect(),
        }
    }
}

impl Login {
    fn of(device: &DeviceAnalysis) -> Self {
        let repeats = device.repeats.as_ref();
        let ended = Ended::of(device);
        Self {
            mac: device.mac.map(|mac| mac.to_string()),
            ips: device.ips.iter().map(ToString::to_string).collect(),
            name: device.name.as_ref().map(ToString::to_string),
            family: device.profile.as_ref().map(|(name, _)| name.clone()),
            verdict: device.verdict,
            confidence: two_digits(device.confidence),
            attempts: repeats.map_or(u32::try_from(device.attempts.len()).unwrap_or(u32::MAX), |repeats| repeats.attempts),
            period: repeats.map(|repeats| repeats.period_s).filter(|period| period.is_finite()),
            restarts_at: repeats.map(|repeats| repeats.restarts_at),
            start: device.attempts.first().map(|attempt| attempt.first.time.0),
            end: device.attempts.last().map(|attempt| attempt.last.time.0),
            findings: device.findings.iter().map(|finding| Told::of(device, finding)).collect(),
            needs: if ended.is_some() { needs(device) } else { Vec::new() },
            ended,
        }
    }

    /// By what the device is known: its MAC, else its address.
    pub fn device(&self) -> &str {
        self.mac.as_deref().or(self.ips.first().map(String::as_str)).unwrap_or("unknown address")
    }

    /// The primary cause, where one was found.
    pub fn primary(&self) -> Option<&Told> {
        self.findings.iter().find(|finding| finding.primary)
    }
}

impl Told {
    fn of(device: &DeviceAnalysis, finding: &crate::verdict::Finding) -> Self {
        Self {
            code: finding.code.to_owned(),
            cause: cause(device, finding.code, finding.stage),
            stage: finding.stage,
            primary: finding.primary,
            confidence: two_digits(finding.confidence),
            summary: finding.summary.clone(),
            fix: finding.fix.clone(),
        }
    }
}

impl Ended {
    fn of(device: &DeviceAnalysis) -> Option<Self> {
        if !matches!(device.verdict, Verdict::Loop | Verdict::Dropped) {
            return None;
        }
        let attempt = device.typical_attempt()?;
        let drop = attempt.drop?;
        let (by, how) = ending(device, drop.stage)?;
        let family = device.profile.as_ref().map_or_else(|| "unknown".to_owned(), |(name, _)| word(name));
        let walked = walked(device, drop.stage).join("+");
        let cause =
            device.primary().map_or_else(|| "unexplained".to_owned(), |finding| cause(device, finding.code, finding.stage));
        Some(Self {
            fingerprint: format!("{family}/{walked}/{}/{by}-{how}/{cause}", drop.stage),
            stage: drop.stage,
            by,
            how,
            frame: drop.at.frame.number(),
            time: drop.at.time.0,
            screen: attempt.screen.clone(),
        })
    }
}

/// By whom and how most attempts were ended at this stage: what one of them did otherwise is chance.
fn ending(device: &DeviceAnalysis, stage: Stage) -> Option<(By, How)> {
    let mut counts: Vec<((By, How), usize)> = Vec::new();
    for drop in device.attempts.iter().filter_map(|attempt| attempt.drop).filter(|drop| drop.stage == stage) {
        match counts.iter_mut().find(|(ending, _)| *ending == (drop.by, drop.how)) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push(((drop.by, drop.how), 1)),
        }
    }
    counts.into_iter().max_by_key(|(ending, count)| (*count, std::cmp::Reverse(*ending))).map(|(ending, _)| ending)
}

/// The stages that the device passed on its way to the drop, in any of its attempts: a loop does not walk all of them again.
/// Every device that came further has an address, whether the capture shows how it got it or not. What a capture shows of the
/// link depends on where it was taken, and time and updates come at any moment: they are no part of the way.
fn walked(device: &DeviceAnalysis, dropped: Stage) -> Vec<&'static str> {
    let beside = [Stage::Link, Stage::Time, Stage::Update];
    let passed = |stage: Stage| {
        let reports = device.attempts.iter().flat_map(|attempt| &attempt.stages);
        stage == Stage::Address || reports.clone().any(|report| report.stage == stage && report.outcome == Outcome::Ok)
    };
    let before = Stage::ALL.iter().copied().filter(|stage| *stage < dropped && !beside.contains(stage));
    let words: Vec<&str> = before.filter(|stage| passed(*stage)).map(Stage::word).collect();
    if words.is_empty() { vec!["none"] } else { words }
}

/// More digits would claim what nobody knows.
fn two_digits(confidence: f32) -> f64 {
    (f64::from(confidence.clamp(0.0, 1.0)) * 100.0).round() / 100.0
}
