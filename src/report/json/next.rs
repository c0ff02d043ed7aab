//! What would have come next, as the JSON document gives it.

use schemars::JsonSchema;
use serde::Serialize;

use super::Proof;
use crate::model::{Prospect, Stage};
use crate::report::words::two_digits;
use crate::verdict::{Obstacle, Onward};

/// What would have become of the device, had its primary cause been mended.
#[derive(Serialize, JsonSchema)]
pub(super) struct Next<'a> {
    prospect: Prospect,
    /// `null` unless it is `stopped`.
    code: Option<&'static str>,
    stage: Option<Stage>,
    /// How sure that is; `null` where it is unknown.
    confidence: Option<f64>,
    summary: &'a str,
    fix: Option<&'a str>,
    evidence: Vec<Proof<'a>>,
    /// What would stop it behind that, one after the other.
    further: Vec<Further<'a>>,
}

/// An obstacle behind the next one.
#[derive(Serialize, JsonSchema)]
struct Further<'a> {
    code: &'static str,
    stage: Stage,
    confidence: f64,
    summary: &'a str,
}

impl<'a> From<&'a Onward> for Next<'a> {
    fn from(onward: &'a Onward) -> Self {
        let first = onward.obstacles().next();
        let (confidence, summary, evidence) = match onward {
            Onward::Stopped { next, .. } => (Some(next.confidence), &next.summary, next.evidence.as_slice()),
            Onward::Clear { confidence, text, evidence } => (Some(*confidence), text, evidence.as_slice()),
            Onward::Unknown { text } => (None, text, [].as_slice()),
        };
        Self {
            prospect: onward.prospect(),
            code: first.map(|obstacle| obstacle.code),
            stage: first.map(|obstacle| obstacle.stage),
            confidence: confidence.map(two_digits),
            summary,
            fix: first.map(|obstacle| obstacle.fix.as_str()),
            evidence: evidence.iter().map(Proof::from).collect(),
            further: onward.obstacles().skip(1).map(Further::from).collect(),
        }
    }
}

impl<'a> From<&'a Obstacle> for Further<'a> {
    fn from(obstacle: &'a Obstacle) -> Self {
        let confidence = two_digits(obstacle.confidence);
        Self { code: obstacle.code, stage: obstacle.stage, confidence, summary: &obstacle.summary }
    }
}
