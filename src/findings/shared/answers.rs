//! What the rules on addresses, names, time, enrolment and registration share: the exchanges that failed, and whether one
//! of them is where the attempt dropped.

use crate::findings::shared::wrong_clock;
use crate::findings::{Case, Found, Proof};
use crate::login::steps::{Ending, Purpose, Step, StepKind};
use crate::model::{By, Evidence, How, Outcome};

/// How sure it is that a device without the time refused a certificate for its dates: some stacks give the same alert for other
/// faults, which only the device knows.
const WITHOUT_TIME: f32 = 0.7;

/// A failed exchange with the frames that show it.
pub(crate) struct Failure<'a> {
    /// Its index in the attempt.
    pub(crate) index: usize,
    /// The exchange.
    pub(crate) step: &'a Step,
    /// In words: the name, the server, the path.
    pub(crate) what: String,
    /// The frames.
    pub(crate) evidence: Vec<Evidence>,
}

/// The failed exchanges for which `look` has words and frames.
pub(crate) fn failures<'a>(
    case: &Case<'a>,
    look: impl Fn(&'a Step, &'a StepKind) -> Option<(String, Vec<Evidence>)>,
) -> Vec<Failure<'a>> {
    let steps = case.attempt.steps.iter().enumerate().filter(|(_, step)| step.outcome == Outcome::Failed);
    steps
        .filter_map(|(index, step)| {
            let (what, evidence) = look(step, &step.kind)?;
            Some(Failure { index, step, what, evidence })
        })
        .collect()
}

/// Did the same errand succeed elsewhere in the attempt?
pub(crate) fn made_good(case: &Case<'_>, purpose: Purpose) -> bool {
    let good =
        |step: &Step| step.purpose == purpose && step.outcome == Outcome::Ok && !matches!(step.kind, StepKind::Neighbour(_));
    case.attempt.steps.iter().any(good)
}

/// Did the device get a lease in another exchange after this one? Then its trouble was a passing one: a change of VLAN, a
/// stale lease, a server that was slow.
pub(crate) fn leased_later(case: &Case<'_>, failed: &Step) -> bool {
    case.attempt.leases().any(|(step, lease)| {
        let given = lease.acks.iter().any(|(_, ack)| !ack.your.is_unspecified());
        given && lease.releases.is_empty() && step.outcome == Outcome::Ok && step.last > failed.first
    })
}

/// Did the exchange end in silence?
pub(crate) fn is_silence(step: &Step) -> bool {
    step.ending.is_some_and(|ending| ending.how == How::Timeout)
}

/// Did the server take what the device sent, and close? One that closes before it has acknowledged anything is told by
/// tcp-accepted-then-closed.
pub(crate) fn is_closed_instead(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    let by_server = |ending: Ending| ending.by == By::Server && matches!(ending.how, How::Fin | How::Rst);
    step.ending.is_some_and(by_server) && connection.stats.client.acknowledged > 0
}

/// The texts of a finding, with the exchanges filled in.
pub(crate) struct Words {
    /// How it is known.
    pub(crate) proof: Proof,
    /// How sure it is.
    pub(crate) confidence: f32,
    /// The summary.
    pub(crate) summary: String,
    /// The remedy.
    pub(crate) fix: String,
}

/// One finding for all these failures; it explains the drop if one of them is where the attempt dropped.
pub(crate) fn told(case: &Case<'_>, failures: &[Failure<'_>], words: impl Fn(&str) -> Words) -> Vec<Found> {
    /// Exchanges that a summary names.
    const NAMED: usize = 4;
    /// Frames that a finding shows.
    const SHOWN: usize = 8;
    let Some(last) = failures.last() else { return Vec::new() };
    let dropped = failures.iter().find(|failure| case.attempt.drop.is_some() && case.attempt.dropped_step == Some(failure.index));
    let mut names: Vec<&str> = Vec::new();
    for failure in failures {
        if !names.contains(&failure.what.as_str()) {
            names.push(&failure.what);
        }
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let mut list = names.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    let words = words(&list);
    let at = dropped.unwrap_or(last);
    let evidence: Vec<Evidence> = failures.iter().flat_map(|failure| failure.evidence.iter().cloned()).take(SHOWN).collect();
    vec![Found {
        stage: at.step.stage,
        step: Some(at.index),
        proof: words.proof,
        explains_drop: dropped.is_some(),
        confidence: words.confidence,
        summary: words.summary,
        fix: words.fix,
        evidence,
    }]
}

/// A time finding explains the drop too where the device refused a certificate that only its own clock puts outside its
/// validity.
pub(crate) fn explain_by_clock(case: &Case<'_>, found: &mut [Found]) {
    let refused = wrong_clock::refused_by_clock(case).is_some_and(|refused| refused.is_drop);
    for found in found.iter_mut().filter(|_| refused) {
        found.explains_drop = true;
    }
}

/// The same where nobody told the device the time: it explains, too, why the device said of a certificate without other faults
/// what is said of one that is not valid yet.
pub(crate) fn explain_by_no_time(case: &Case<'_>, found: &mut [Found]) {
    explain_by_clock(case, found);
    let Some(evidence) = wrong_clock::refused_without_time(case) else { return };
    for found in found.iter_mut().filter(|found| !found.explains_drop) {
        found.explains_drop = true;
        found.proof = Proof::Inferred;
        found.confidence = found.confidence.min(WITHOUT_TIME);
        found.evidence.push(evidence.clone());
    }
}

/// Did a connection of the same errand succeed elsewhere in the attempt?
pub(crate) fn connected_well(case: &Case<'_>, purpose: Purpose) -> bool {
    let mut connections = case.attempt.connections();
    connections.any(|(step, _)| step.purpose == purpose && step.outcome == Outcome::Ok)
}
