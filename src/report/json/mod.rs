//! The JSON document of an analysis, schema `loginloop/1`. Its types are its own, so that the inside may change: fields may
//! be added here; none is renamed or changes its meaning without a new schema number.

use std::io::{self, BufWriter, IntoInnerError, Write};

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use next::Next;

use super::visible;
use super::words::two_digits;
use crate::login::steps::StageReport;
use crate::login::timeline::{Direction, Moment};
use crate::model::{Aspect, By, Evidence, Frame, How, Stage, Time, Verdict, Warning};
use crate::text::WireText;
use crate::verdict::{Analysis, AttemptSummary, CaptureSummary, Chain, Check, DeviceAnalysis, Drawn, Finding, Repeats, RoleName};

mod next;
mod rows;

pub use rows::{behind_path, duplicate, line_of, unread};

/// Name and version of the schema.
pub const SCHEMA: &str = "loginloop/1";

/// The JSON Schema of a document, indented, with a line end.
pub fn schema() -> String {
    // Of what is written: there every key is, whatever is unknown.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let schema = generator.root_schema_for::<Document<'static>>();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Writes one document, indented, with a line end.
pub fn document(analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
    // A document comes in pieces of a few bytes: they are put together before whatever `out` is sees them.
    let mut out = BufWriter::new(out);
    visible::indented(&Document::new(analysis, path), &mut out)?;
    out.write_all(b"\n")?;
    out.into_inner().map(drop).map_err(IntoInnerError::into_error)
}

/// Writes one document on one line.
pub fn line(analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    visible::compact(&Document::new(analysis, path), &mut out)?;
    out.write_all(b"\n")?;
    out.into_inner().map(drop).map_err(IntoInnerError::into_error)
}

#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    schema: &'static str,
    tool: Tool,
    capture: Capture<'a>,
    #[serde(serialize_with = "one_by_one")]
    #[schemars(with = "Vec<Device<'static>>")]
    devices: &'a [DeviceAnalysis],
}

/// There can be thousands: each is put into its form when its turn comes.
fn one_by_one<S: serde::Serializer>(devices: &[DeviceAnalysis], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(devices.iter().map(Device::from))
}

#[derive(Serialize, JsonSchema)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

#[derive(Serialize, JsonSchema)]
struct Capture<'a> {
    path: &'a str,
    format: Option<&'static str>,
    /// By what the file was compressed, if it was.
    compression: Option<&'static str>,
    frames: u64,
    bytes: u64,
    first_time: Option<Time>,
    last_time: Option<Time>,
    truncated: bool,
    snaplen_limited: bool,
    warnings: &'a [Warning],
    notes: Vec<Note<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Note<'a> {
    code: &'static str,
    text: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Device<'a> {
    mac: Option<String>,
    ips: Vec<String>,
    vlan: Option<u16>,
    name: Option<&'a WireText>,
    profile: Option<&'a str>,
    profile_evidence: &'a [String],
    verdict: Verdict,
    verdict_confidence: f64,
    attempts: Vec<Attempt<'a>>,
    r#loop: Option<Loop>,
    findings: Vec<Cause<'a>>,
    chains: Vec<Certificates<'a>>,
    next_obstacle: Option<Next<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Attempt<'a> {
    number: u32,
    first_frame: Frame,
    last_frame: Frame,
    start: Time,
    end: Time,
    stages: Vec<StageLine<'a>>,
    drop: Option<Drop<'a>>,
    primary_cause: Option<&'static str>,
    timeline: Vec<Line<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct StageLine<'a> {
    stage: Stage,
    outcome: crate::model::Outcome,
    first_frame: Option<Frame>,
    last_frame: Option<Frame>,
    detail: &'a str,
    /// What the device's screen says meanwhile.
    screen: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Drop<'a> {
    stage: Stage,
    by: By,
    how: How,
    frame: Frame,
    time: Time,
    screen: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Line<'a> {
    frame: Frame,
    time: Time,
    stage: Stage,
    direction: &'static str,
    peer: &'a str,
    text: &'a str,
    decisive: bool,
}

#[derive(Serialize, JsonSchema)]
struct Loop {
    attempts: u32,
    period_s: Option<f64>,
    drop_stage: Stage,
    restarts_at: Stage,
}

#[derive(Serialize, JsonSchema)]
struct Cause<'a> {
    code: &'static str,
    stage: Stage,
    primary: bool,
    confidence: f64,
    summary: &'a str,
    why: &'a str,
    fix: &'a str,
    attempts: &'a [u32],
    evidence: Vec<Proof<'a>>,
}

/// A chain that the device did not take.
#[derive(Serialize, JsonSchema)]
struct Certificates<'a> {
    frame: Frame,
    server: &'a str,
    wanted_name: Option<&'a WireText>,
    faults: &'a [String],
    certificates: Vec<Card<'a>>,
    role_names: Vec<Row<'a>>,
}

/// A name of the SIP domain, and whether the server's certificate covers it.
#[derive(Serialize, JsonSchema)]
struct Row<'a> {
    name: &'a WireText,
    /// `null` where it is of no known role.
    role: Option<&'static str>,
    covered: bool,
    asked: bool,
}

#[derive(Serialize, JsonSchema)]
struct Card<'a> {
    /// `null` where the server sent it.
    fetched_in: Option<Frame>,
    subject: Option<&'a WireText>,
    issuer: Option<&'a WireText>,
    names: &'a [WireText],
    checks: Vec<Examined<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Examined<'a> {
    what: Aspect,
    value: &'a str,
    /// `null` where it is not known of the device.
    passes: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct Proof<'a> {
    frame: Frame,
    display_filter: &'a str,
    text: &'a str,
}

impl<'a> Document<'a> {
    fn new(analysis: &'a Analysis, path: &'a str) -> Self {
        Self { schema: SCHEMA, tool: Tool::this(), capture: Capture::new(&analysis.capture, path), devices: &analysis.devices }
    }
}

impl<'a> Capture<'a> {
    fn new(summary: &'a CaptureSummary, path: &'a str) -> Self {
        Self {
            path,
            format: Some(summary.format).filter(|format| !format.is_empty()),
            compression: summary.compression,
            frames: summary.frames,
            bytes: summary.bytes,
            first_time: summary.first_time,
            last_time: summary.last_time,
            truncated: summary.truncated,
            snaplen_limited: summary.snaplen_limited,
            warnings: &summary.warnings,
            notes: summary.notes.iter().map(|(code, text)| Note { code, text }).collect(),
        }
    }
}

impl<'a> From<&'a DeviceAnalysis> for Device<'a> {
    fn from(device: &'a DeviceAnalysis) -> Self {
        Self {
            mac: device.mac.map(|mac| mac.to_string()),
            ips: device.ips.iter().map(ToString::to_string).collect(),
            vlan: device.vlan,
            name: device.name.as_ref(),
            profile: device.profile.as_ref().map(|(name, _)| name.as_str()),
            profile_evidence: &device.profile_evidence,
            verdict: device.verdict,
            verdict_confidence: two_digits(device.confidence),
            attempts: device.attempts.iter().map(|attempt| Attempt::new(attempt, device)).collect(),
            r#loop: device.repeats.as_ref().filter(|_| device.verdict == Verdict::Loop).map(Loop::from),
            findings: device.findings.iter().map(Cause::from).collect(),
            chains: device.chains.iter().map(Certificates::from).collect(),
            next_obstacle: device.onward.as_ref().map(Next::from),
        }
    }
}

impl<'a> Attempt<'a> {
    fn new(attempt: &'a AttemptSummary, device: &'a DeviceAnalysis) -> Self {
        let drop = attempt.drop.map(|drop| Drop {
            stage: drop.stage,
            by: drop.by,
            how: drop.how,
            frame: drop.at.frame,
            time: drop.at.time,
            screen: attempt.screen.as_deref(),
        });
        Self {
            number: attempt.number,
            first_frame: attempt.first.frame.place(),
            last_frame: attempt.last.frame,
            start: attempt.first.time,
            end: attempt.last.time,
            stages: attempt.stages.iter().map(|report| StageLine::new(report, device)).collect(),
            drop,
            primary_cause: attempt.primary_cause,
            timeline: attempt.timeline.iter().map(Line::from).collect(),
        }
    }
}

impl<'a> StageLine<'a> {
    fn new(report: &'a StageReport, device: &'a DeviceAnalysis) -> Self {
        Self {
            stage: report.stage,
            outcome: report.outcome,
            first_frame: report.first.map(|at| at.frame.place()),
            last_frame: report.last.map(|at| at.frame),
            detail: &report.detail,
            screen: device.screen(report.stage),
        }
    }
}

impl<'a> From<&'a Moment> for Line<'a> {
    fn from(moment: &'a Moment) -> Self {
        let direction = match moment.direction {
            Direction::Out => "out",
            Direction::In => "in",
            Direction::Silence => "silence",
        };
        Self {
            frame: moment.at.frame,
            time: moment.at.time,
            stage: moment.stage,
            direction,
            peer: &moment.peer,
            text: &moment.text,
            decisive: moment.decisive,
        }
    }
}

impl From<&Repeats> for Loop {
    fn from(repeats: &Repeats) -> Self {
        // A number that JSON cannot hold would be a bug; it must not cost the document.
        let period_s = Some((repeats.period_s * 1000.0).round() / 1000.0).filter(|period| period.is_finite());
        Self { attempts: repeats.attempts, period_s, drop_stage: repeats.drop_stage, restarts_at: repeats.restarts_at }
    }
}

impl<'a> From<&'a Finding> for Cause<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            code: finding.code,
            stage: finding.stage,
            primary: finding.primary,
            confidence: two_digits(finding.confidence),
            summary: &finding.summary,
            why: finding.why,
            fix: &finding.fix,
            attempts: &finding.attempts,
            evidence: finding.evidence.iter().map(Proof::from).collect(),
        }
    }
}

impl<'a> From<&'a Chain> for Certificates<'a> {
    fn from(chain: &'a Chain) -> Self {
        Self {
            frame: chain.at.frame,
            server: &chain.server,
            wanted_name: chain.wanted.as_ref(),
            faults: &chain.faults,
            certificates: chain.certificates.iter().map(Card::from).collect(),
            role_names: chain.role_names.iter().map(Row::from).collect(),
        }
    }
}

impl<'a> From<&'a RoleName> for Row<'a> {
    fn from(row: &'a RoleName) -> Self {
        Self { name: &row.name, role: row.role.map(|role| role.label), covered: row.covered, asked: row.asked }
    }
}

impl<'a> From<&'a Drawn> for Card<'a> {
    fn from(drawn: &'a Drawn) -> Self {
        let examined = |check: &'a Check| Examined { what: check.what, value: &check.value, passes: check.passes };
        Self {
            fetched_in: drawn.fetched_in,
            subject: drawn.subject.as_ref(),
            issuer: drawn.issuer.as_ref(),
            names: &drawn.names,
            checks: drawn.checks.iter().map(examined).collect(),
        }
    }
}

impl<'a> From<&'a Evidence> for Proof<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self { frame: evidence.frame, display_filter: &evidence.display_filter, text: &evidence.text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn json(analysis: &Analysis) -> serde_json::Value {
        let mut out = Vec::new();
        line(analysis, "field.pcapng", &mut out).unwrap();
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1, "one document, one line");
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_founding_loop() {
        let mut out = Vec::new();
        document(&samples::founding_loop(), "field.pcapng", &mut out).unwrap();
        let text = String::from_utf8(out).unwrap().replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn unknown_is_null() {
        let mut analysis = samples::healthy();
        let device = &mut analysis.devices[0];
        (device.mac, device.vlan, device.name, device.profile) = (None, None, None, None);
        let json = json(&analysis);
        let device = &json["devices"][0];
        for key in ["mac", "vlan", "name", "profile", "loop"] {
            assert!(device.get(key).is_some_and(serde_json::Value::is_null), "{key}");
        }
        assert!(device["attempts"][0]["drop"].is_null());
        assert!(json["capture"]["compression"].is_null());
    }

    #[test]
    fn hostile_text_stays_in_its_string() {
        let json = json(&samples::hostile());
        assert_eq!(json["devices"][0]["name"], "evil\u{1b}[2J\",\"x\":\u{202e}1");
    }

    #[test]
    fn confidences_have_two_digits() {
        assert_eq!(two_digits(0.97_f32).to_string(), "0.97");
        assert_eq!(two_digits(f32::NAN).to_string(), "NaN");
        assert_eq!(serde_json::to_string(&two_digits(f32::NAN)).unwrap(), "null");
        assert_eq!(two_digits(1.5), 1.0);
    }
}
