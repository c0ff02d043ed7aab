//! Two logins side by side: the first stage at which they part, and what was different up to there. Two stories in, their
//! differences out; knows no bytes and no format.

use std::collections::BTreeSet;
use std::io::Read;

use crate::capture::CaptureError;
use crate::login::timeline::Moment;
use crate::model::{Frame, Outcome, Stage, Verdict};
use crate::pipeline::{self, DeviceName, Options, Wanted};
use crate::verdict::{AttemptSummary, DeviceAnalysis};
use facts::{Facts, Key};

mod facts;
#[cfg(test)]
mod tests;

/// Differences that are told.
const DIFFERENCES: usize = 256;

/// One of the two: a device, and what it and its servers said.
#[derive(Clone, Debug)]
pub struct Story {
    /// What was found about it.
    pub device: DeviceAnalysis,
    facts: Facts,
}

/// What came of comparing.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    /// The first stage at which they part; `None` where each stage went alike.
    pub parting: Option<Parting<'a>>,
    /// What was different, in the order of the failing login.
    pub differences: Vec<Difference>,
}

/// Where they part.
#[derive(Clone, Debug)]
pub struct Parting<'a> {
    /// The stage.
    pub stage: Stage,
    /// What became of it in the healthy login, and in the failing one.
    pub outcomes: (Outcome, Outcome),
    /// What happened in that stage in the healthy login.
    pub healthy: Vec<&'a Moment>,
    /// And in the failing one.
    pub failing: Vec<&'a Moment>,
}

/// Something that was not alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of what: `DHCP ack`, `TLS certificate of pool01.contoso.com:5061`.
    pub subject: String,
    /// What of it, in Wireshark's field names where one exists.
    pub key: String,
    /// The values in the healthy login, and the frame of the first; none where it has nothing of the kind.
    pub healthy: Option<(Vec<String>, Frame)>,
    /// Those in the failing one.
    pub failing: Option<(Vec<String>, Frame)>,
}

/// Reads a story. The capture is read twice: `open` gives its bytes.
///
/// # Errors
/// If it cannot be read as a capture.
pub fn story<R: Read>(
    mut open: impl FnMut() -> std::io::Result<R>,
    options: &Options,
    wanted: Wanted,
) -> Result<Option<Story>, CaptureError> {
    let unread = |source| CaptureError::Io { offset: 0, source };
    let analysis = pipeline::analyse(open().map_err(unread)?, options)?.result;
    let Some(device) = wanted.choose(analysis.devices) else { return Ok(None) };
    let mut facts = Facts::default();
    pipeline::events(open().map_err(unread)?, &options.keys, &mut |event, whose| {
        let is_its = match whose {
            Some(DeviceName::Mac(mac)) => device.mac == Some(mac),
            Some(DeviceName::Ip(ip)) => device.ips.contains(&ip),
            None => false,
        };
        if is_its {
            facts.add(event);
        }
        Ok(())
    })?;
    Ok(Some(Story { device, facts }))
}

/// Compares two logins.
pub fn compare<'a>(healthy: &'a Story, failing: &'a Story) -> Comparison<'a> {
    let parting = parting(&healthy.device, &failing.device);
    let last = failing.device.typical_attempt().map(|attempt| attempt.last.frame);
    Comparison { differences: differences(&healthy.facts, &failing.facts, last), parting }
}

/// The attempt that shows how far a device came: one that did not drop, else the one that stands for those that did.
fn shown(device: &DeviceAnalysis) -> Option<&AttemptSummary> {
    let well = device.attempts.iter().rfind(|attempt| attempt.drop.is_none()).filter(|_| device.verdict == Verdict::SignedIn);
    well.or_else(|| device.typical_attempt()).or_else(|| device.attempts.last())
}

fn parting<'a>(healthy: &'a DeviceAnalysis, failing: &'a DeviceAnalysis) -> Option<Parting<'a>> {
    let (good, bad) = (shown(healthy)?, shown(failing)?);
    let outcome = |attempt: &AttemptSummary, stage: Stage| {
        attempt.stages.iter().find(|report| report.stage == stage).map_or(Outcome::Unseen, |report| report.outcome)
    };
    // What one of them does not show at all is no parting, unless the other failed there.
    let parts = |stage: &Stage| {
        let (one, other) = (outcome(good, *stage), outcome(bad, *stage));
        one != other && [one, other].contains(&Outcome::Failed)
    };
    let stage =
        bad.stages.iter().chain(&good.stages).map(|report| report.stage).collect::<BTreeSet<_>>().into_iter().find(parts)?;
    let told = |attempt: &'a AttemptSummary| attempt.timeline.iter().filter(|moment| moment.stage == stage).collect();
    Some(Parting { stage, outcomes: (outcome(good, stage), outcome(bad, stage)), healthy: told(good), failing: told(bad) })
}

/// What both have with other values, and what only one has of a subject that both have. What the healthy one does after
/// the other has dropped is no difference: the other never came to it.
fn differences(healthy: &Facts, failing: &Facts, last: Option<Frame>) -> Vec<Difference> {
    let keys: BTreeSet<&Key> = healthy.keys().chain(failing.keys()).collect();
    let subjects = |facts: &Facts| facts.keys().map(|key| key.subject.clone()).collect::<BTreeSet<_>>();
    let (of_healthy, of_failing) = (subjects(healthy), subjects(failing));
    let mut differences: Vec<(Frame, Difference)> = Vec::new();
    for key in keys {
        let (good, bad) = (healthy.get(key), failing.get(key));
        let is_shared = of_healthy.contains(&key.subject) && of_failing.contains(&key.subject);
        if good.map(|one| &one.values) == bad.map(|one| &one.values) || !is_shared {
            continue;
        }
        let told = |values: &facts::Values| (values.values.iter().cloned().collect(), values.first);
        let place = failing.first(&key.subject).or(last).unwrap_or_default();
        let difference =
            Difference { subject: key.subject.clone(), key: key.name.clone(), healthy: good.map(told), failing: bad.map(told) };
        differences.push((place, difference));
    }
    differences.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.key.cmp(&other.key)));
    differences.truncate(DIFFERENCES);
    differences.into_iter().map(|(_, difference)| difference).collect()
}
