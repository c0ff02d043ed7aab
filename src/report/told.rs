//! What is told of a device and its capture, in sentences: the same in every format, which only lays it out.

use super::words;
use crate::login::steps::StageReport;
use crate::model::{Outcome, Stage, Verdict};
use crate::triage::Overview;
use crate::verdict::{AttemptSummary, CaptureSummary, DeviceAnalysis, Onward};

/// Frames that a filter lists at most.
const FRAMES_IN_FILTER: usize = 12;
/// A verdict below this says how sure it is.
const SURE: f32 = 0.8;
/// An obstacle below this only may be one.
const LIKELY: f32 = 0.6;

/// What is said where no cause was found.
pub(in crate::report) const NO_CAUSE: &str =
    "not found: the capture proves none of the causes that loginloop knows; what is certain is who ended it, and where";
/// Which capture would tell more, where no cause was found.
pub(in crate::report) const NEXT_CAPTURE: &str = "capture at the phone's switch port, with full packets, from power-on to the second failure; \
                                       note the phone's firmware version, and name its family with --profile if it was not recognised";

/// Is there something to explain: does it loop, or did it drop?
pub(in crate::report) fn is_failed(device: &DeviceAnalysis) -> bool {
    matches!(device.verdict, Verdict::Loop | Verdict::Dropped)
}

/// What loops or dropped goes first; within one verdict the order is that of the capture.
pub(in crate::report) fn by_urgency(devices: &[DeviceAnalysis]) -> Vec<&DeviceAnalysis> {
    let mut order: Vec<&DeviceAnalysis> = devices.iter().collect();
    order.sort_by_key(|device| device.verdict.urgency());
    order
}

/// The verdict in a line: how often, how quickly, and where it ends.
pub(in crate::report) fn headline(device: &DeviceAnalysis) -> String {
    let text = match device.verdict {
        Verdict::Loop => loops(device),
        Verdict::Dropped => dropped(device),
        _ => return went_on(device),
    };
    // A verdict is sure, as a rule; where it is not, that must be said.
    if device.confidence < SURE { format!("{text} ({})", words::sure(device.confidence)) } else { text }
}

fn loops(device: &DeviceAnalysis) -> String {
    let drops: Vec<_> = device.attempts.iter().filter_map(|attempt| attempt.drop).collect();
    let Some(repeats) = &device.repeats else { return format!("LOOPS: {}", words::counted(drops.len(), "attempt")) };
    let stage = words::short_stage(repeats.drop_stage);
    let there = drops.iter().filter(|drop| drop.stage == repeats.drop_stage).count();
    let ends = match there {
        all if all == drops.len() => "each ends".to_owned(),
        1 => "one of them ends".to_owned(),
        some => format!("{some} of them end"),
    };
    // One more may be cut off by the capture's beginning or end.
    let attempts = match device.attempts.len() {
        all if all > repeats.attempts as usize => format!("{} of {all} attempts", repeats.attempts),
        _ => format!("{} attempts", repeats.attempts),
    };
    format!("LOOPS: {attempts}, every {}, {ends} in {stage}", words::seconds(repeats.period_s))
}

fn dropped(device: &DeviceAnalysis) -> String {
    let mut drops = device.attempts.iter().filter_map(|attempt| Some((attempt.number, attempt.drop?)));
    match (drops.next(), drops.next_back()) {
        (Some((_, drop)), None) => format!("DROPPED: one attempt seen, and it ended in {}", words::short_stage(drop.stage)),
        (Some(_), Some((number, drop))) => {
            format!("DROPPED: attempt {number}, the last, ended in {}", words::short_stage(drop.stage))
        }
        (None, _) => "DROPPED".to_owned(),
    }
}

/// The line of a device that did not drop.
fn went_on(device: &DeviceAnalysis) -> String {
    let attempts = device.attempts.len();
    let frames = match (device.attempts.first(), device.attempts.last()) {
        (Some(first), Some(last)) => format!(", frames {} to {}", first.first.frame, last.last.frame),
        _ => String::new(),
    };
    let sure = words::sure(device.confidence);
    match device.verdict {
        Verdict::SignedIn if attempts > 1 => format!("signed in, at attempt {attempts}{frames} ({sure})"),
        Verdict::SignedIn => format!("signed in{frames} ({sure})"),
        Verdict::NoLogin => "shows no login".to_owned(),
        _ => {
            let far = device.attempts.last().and_then(|attempt| attempt.stages.iter().rfind(|stage| stage.last.is_some()));
            let far = far.map_or_else(String::new, |report| format!(" at {}", words::stage(report.stage)));
            format!("incomplete{frames}: the capture begins or ends in mid-login{far}; capture longer to judge it")
        }
    }
}

/// What to do where one of the devices that show no login may be a phone of a family that nothing tells.
pub(in crate::report) fn may_be_phone(others: &[&DeviceAnalysis]) -> Option<String> {
    /// So sure is a verdict where nothing speaks against it.
    const SURE: f32 = 0.9;
    let device = words::address(others.iter().find(|device| device.confidence < SURE)?);
    Some(format!("{device} did what phones do, and others as well: if it is one, `--device {device} --profile NAME` judges it"))
}

/// Who ended an attempt, how, with which frame, in which stage.
pub(in crate::report) fn ended(attempt: &AttemptSummary) -> Option<String> {
    let drop = attempt.drop.as_ref()?;
    let decisive = attempt.timeline.iter().find(|moment| moment.decisive && !moment.peer.is_empty());
    let ending = words::ending(drop, decisive.map(|moment| moment.peer.as_str()));
    Some(format!("{ending}, in stage {}", words::stage(drop.stage)))
}

/// The stages that an attempt passed.
pub(in crate::report) fn passed(attempt: &AttemptSummary) -> Vec<&'static str> {
    attempt.stages.iter().filter(|report| report.outcome == Outcome::Ok).map(|report| report.stage.word()).collect()
}

/// What would have been before the drop, had the capture shown it, and what cannot be judged.
pub(in crate::report) fn not_shown(attempt: &AttemptSummary) -> Vec<String> {
    let Some(dropped) = attempt.drop.map(|drop| drop.stage) else { return Vec::new() };
    let before: Vec<&StageReport> = attempt.stages.iter().take_while(|report| report.stage != dropped).collect();
    // Many phones do nothing on the link, and updates are a side road: that they are not there says nothing.
    let matters = |report: &&&StageReport| {
        report.outcome == Outcome::Unseen && !matches!(report.stage, Stage::Link | Stage::Provision | Stage::Update)
    };
    let unseen: Vec<&str> = before.iter().filter(matters).map(|report| report.stage.word()).collect();
    let mut parts = Vec::new();
    if !unseen.is_empty() {
        parts.push(format!("{} (nothing of it is in the capture)", unseen.join(", ")));
    }
    for report in attempt.stages.iter().filter(|report| report.outcome == Outcome::Unclear) {
        let detail = if report.detail.is_empty() { "cannot be judged" } else { &report.detail };
        parts.push(format!("{} ({detail})", report.stage));
    }
    parts
}

/// What would have come next, had the primary cause been mended.
pub(in crate::report) fn onward(device: &DeviceAnalysis) -> Option<String> {
    Some(match device.onward.as_ref()? {
        Onward::Stopped { next, further } => {
            let verb = if next.confidence < LIKELY { "may be" } else { "is" };
            let sure = words::sure(next.confidence);
            let mut text =
                format!("with this cause alone mended, the next obstacle {verb}: {} ({}, {sure})", next.summary, next.code);
            if !further.is_empty() {
                let codes: Vec<&str> = further.iter().map(|obstacle| obstacle.code).collect();
                text.push_str(&format!("; behind that: {}", codes.join(", ")));
            }
            text
        }
        Onward::Clear { confidence, text, .. } => {
            format!(
                "with this cause mended, nothing else in this capture would have stopped it ({}): {text}",
                words::sure(*confidence)
            )
        }
        Onward::Unknown { text } => format!("what would stop it next, the capture cannot tell: {text}"),
    })
}

/// Filters to paste into Wireshark, each with what it selects.
pub(in crate::report) fn filters(device: &DeviceAnalysis, attempt: Option<&AttemptSummary>) -> Vec<(&'static str, String)> {
    let drops = device.attempts.iter().filter_map(|attempt| attempt.drop).take(FRAMES_IN_FILTER);
    let frames: Vec<String> = drops.map(|drop| format!("frame.number == {}", drop.at.frame)).collect();
    let mut filters = Vec::new();
    if let Some(attempt) = attempt {
        filters.push(("this attempt", words::attempt_filter(device, attempt)));
    }
    if !frames.is_empty() {
        filters.push((if frames.len() == 1 { "where it ended" } else { "where each ended" }, frames.join(" || ")));
    }
    filters.extend(words::device_filter(device).map(|filter| ("the device", filter)));
    filters
}

/// Addresses of a device, and its VLAN.
pub(in crate::report) fn addresses(device: &DeviceAnalysis) -> String {
    let mut facts: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
    facts.extend(device.vlan.map(|vlan| format!("VLAN {vlan}")));
    facts.join(", ")
}

/// What was read, in a line.
pub(in crate::report) fn capture(capture: &CaptureSummary, path: &str) -> String {
    format!("{path}: {}", extent(capture))
}

/// How much was read: format, frames, from when to when.
pub(in crate::report) fn extent(capture: &CaptureSummary) -> String {
    let mut text = format!("{}, {}", capture.format, words::counted(capture.frames as usize, "frame"));
    if let (Some(first), Some(last)) = (capture.first_time, capture.last_time) {
        text.push_str(&format!(", {}", words::period(first, last)));
    }
    text
}

/// What became of a batch, in a line.
pub(in crate::report) fn batch(overview: &Overview) -> String {
    let devices = words::counted(overview.devices, "device");
    if overview.failed == 0 {
        return format!("{devices} logged in or tried to, and no login failed");
    }
    let mut text = format!(
        "{devices} logged in or tried to, {} of them failed, in {}",
        overview.failed,
        words::counted(overview.groups.len(), "way")
    );
    if overview.unexplained > 0 {
        text.push_str(&format!("; of {} the captures do not prove the cause", words::counted(overview.unexplained, "device")));
    }
    text
}

/// What of a batch was read.
pub(in crate::report) fn batch_extent(overview: &Overview) -> String {
    let frames = usize::try_from(overview.frames).unwrap_or(usize::MAX);
    let mut text = format!("{}, {}", words::counted(overview.captures, "capture"), words::counted(frames, "frame"));
    if overview.duplicates > 0 {
        text.push_str(&format!("; {}", words::counted(overview.duplicates, "duplicate")));
    }
    match overview.others {
        0 => {}
        1 => text.push_str("; 1 file that is no capture"),
        others => text.push_str(&format!("; {others} files that are no captures")),
    }
    if !overview.unread.is_empty() {
        text.push_str(&format!("; {} could not be read", words::counted(overview.unread.len(), "file")));
    }
    text
}

/// What the capture lacks, a sentence each.
pub(in crate::report) fn shortcomings(capture: &CaptureSummary) -> Vec<String> {
    let mut lines = Vec::new();
    if capture.truncated {
        lines.push("the file ends in the middle of a packet: what came after is not judged (capture-truncated)".to_owned());
    }
    if capture.snaplen_limited {
        lines.push(
            "packets were cut by the capture's snap length: capture again with full packets, tcpdump -s 0 (capture-truncated)"
                .to_owned(),
        );
    }
    lines.extend(capture.warnings.iter().map(|warning| match warning.frame {
        Some(frame) => format!("warning, frame {frame}: {}", warning.text),
        None => format!("warning: {}", warning.text),
    }));
    // What stands above already is said once.
    let notes = capture.notes.iter().filter(|(code, _)| *code != "capture-truncated");
    lines.extend(notes.map(|(code, note)| format!("{note} ({code})")));
    lines
}
