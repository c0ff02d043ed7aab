//! What is written into a capture about its own packets: a comment for the whole, and comments for the frames that prove or
//! tell something. Also the same as a table that Wireshark's Lua script reads.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::page::safe;
use super::{told, words};
use crate::model::{Frame, Verdict};
use crate::verdict::{Analysis, AttemptSummary, DeviceAnalysis, Finding};

/// Devices that the comment for the whole names.
const DEVICES: usize = 32;

/// The comments of an analysis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotation {
    /// Of the whole capture.
    pub section: String,
    /// Of its frames, in the order in which they are told.
    pub frames: BTreeMap<Frame, Vec<String>>,
}

/// What is to be written into a capture.
pub fn annotation(analysis: &Analysis) -> Annotation {
    let mut annotation = Annotation { section: section(analysis), frames: BTreeMap::new() };
    for device in told::by_urgency(&analysis.devices) {
        for finding in &device.findings {
            evidence(device, finding, &mut annotation.frames);
        }
        for attempt in &device.attempts {
            ending(device, attempt, &mut annotation.frames);
        }
    }
    annotation
}

fn section(analysis: &Analysis) -> String {
    let mut lines = vec![format!("loginloop {}", env!("CARGO_PKG_VERSION"))];
    let logins = told::by_urgency(&analysis.devices).into_iter().filter(|device| device.verdict != Verdict::NoLogin);
    for device in logins.take(DEVICES) {
        lines.push(format!("{} {}: {}", words::address(device), words::kind(device), told::headline(device)));
        if let Some(finding) = device.primary() {
            lines.push(format!("  Cause: {} ({}, {})", finding.summary, finding.code, words::sure(finding.confidence)));
            lines.push(format!("  Fix: {}", finding.fix));
        }
    }
    if lines.len() == 1 {
        lines.push("no login found".to_owned());
    }
    lines.extend(told::shortcomings(&analysis.capture));
    lines.iter().map(|line| safe(line)).collect::<Vec<_>>().join("\n")
}

fn evidence(device: &DeviceAnalysis, finding: &Finding, frames: &mut BTreeMap<Frame, Vec<String>>) {
    let which = if finding.primary { "cause" } else { "also" };
    for proof in &finding.evidence {
        let text = format!("loginloop: {}: {which} {}: {}", words::address(device), finding.code, proof.text);
        add(frames, proof.frame, &text);
    }
}

fn ending(device: &DeviceAnalysis, attempt: &AttemptSummary, frames: &mut BTreeMap<Frame, Vec<String>>) {
    let Some(drop) = &attempt.drop else { return };
    let text = format!(
        "loginloop: {}: attempt {} of {} ended here: {}, in stage {}",
        words::address(device),
        attempt.number,
        device.attempts.len(),
        words::ending(drop, None),
        words::stage(drop.stage),
    );
    add(frames, drop.at.frame, &text);
}

fn add(frames: &mut BTreeMap<Frame, Vec<String>>, frame: Frame, text: &str) {
    // As the file has it, wherever it stands among the others.
    let comments = frames.entry(Frame::new(frame.number())).or_default();
    let text = safe(text).into_owned();
    if !comments.contains(&text) {
        comments.push(text);
    }
}

/// Writes the table beside the capture: tab-separated, a line for each frame of which something is told, and one for each
/// attempt, so that a filter finds all of its packets.
pub fn table(analysis: &Analysis, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# loginloop 1: kind, first frame, last frame, device, attempt, stage, finding, text")?;
    for device in told::by_urgency(&analysis.devices) {
        for attempt in &device.attempts {
            let (number, first, last) = (attempt.number, attempt.first.frame, attempt.last.frame);
            let ips: Vec<String> = device.ips.iter().map(ToString::to_string).collect();
            line(out, "attempt", (first, last), device, &number.to_string(), "", "", &ips.join(" "))?;
            for moment in &attempt.timeline {
                let at = moment.at.frame;
                line(out, "moment", (at, at), device, &number.to_string(), moment.stage.word(), "", &moment.text)?;
            }
            if let Some(drop) = &attempt.drop {
                let (at, cause) = (drop.at.frame, attempt.primary_cause.unwrap_or_default());
                let text = format!("attempt {number} ended here: {}", words::ending(drop, None));
                line(out, "drop", (at, at), device, &number.to_string(), drop.stage.word(), cause, &text)?;
            }
        }
        for finding in &device.findings {
            for proof in &finding.evidence {
                line(out, "evidence", (proof.frame, proof.frame), device, "", finding.stage.word(), finding.code, &proof.text)?;
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "they are the columns")]
fn line(
    out: &mut dyn Write,
    kind: &str,
    (first, last): (Frame, Frame),
    device: &DeviceAnalysis,
    attempt: &str,
    stage: &str,
    finding: &str,
    text: &str,
) -> io::Result<()> {
    writeln!(out, "{kind}\t{first}\t{last}\t{}\t{attempt}\t{stage}\t{finding}\t{}", words::address(device), safe(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_frames_that_prove_and_those_that_end_are_commented() {
        let analysis = samples::founding_loop();
        let annotation = annotation(&analysis);
        let at_certificate = &annotation.frames[&Frame::new(139)];
        assert_eq!(
            at_certificate[0],
            "loginloop: 00:04:f2:1a:2b:3c: cause cert-unsupported-signature: Certificate: sha256WithRSAEncryption (1.2.840.113549.1.1.11)"
        );
        assert!(at_certificate[1..].iter().all(|text| text.contains(": also ")), "{at_certificate:?}");
        let drops = analysis.devices[0].attempts.iter().filter_map(|attempt| attempt.drop).map(|drop| drop.at.frame);
        for frame in drops {
            assert!(annotation.frames[&frame].iter().any(|text| text.contains("ended here")), "{frame}");
        }
        assert!(annotation.section.contains("LOOPS: 7 attempts"));
    }

    #[test]
    fn every_line_of_the_table_has_eight_columns_whatever_came_by_wire() {
        for analysis in [samples::founding_loop(), samples::hostile()] {
            let mut out = Vec::new();
            table(&analysis, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            for line in text.lines().skip(1) {
                assert_eq!(line.split('\t').count(), 8, "{line}");
            }
            assert!(!text.contains('\u{1b}'));
        }
    }
}
