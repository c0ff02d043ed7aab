//! Servers that could not be reached: the failing targets of a stage, told once with all their names, addresses and ports.

use crate::findings::shared::place::{Place, connections, leads_to_drop};
use crate::findings::{Case, Found, Proof};
use crate::login::steps::{Purpose, StepKind};
use crate::model::{At, Evidence, Stage};

/// Targets that a line shows.
const SHOWN: usize = 4;
/// Targets whose frames are given as evidence.
const PROVED: usize = 6;

/// A target that failed.
pub struct Failure {
    /// Its step.
    pub index: usize,
    /// The stage of that.
    pub stage: Stage,
    /// Its purpose.
    pub purpose: Purpose,
    /// `pool.contoso.com (10.0.0.5:5061)`.
    pub target: String,
    /// The frames that show it.
    pub evidence: Vec<Evidence>,
}

/// The connections of an attempt that failed in this way. Revocation and update have codes of their own.
pub fn failures<'a>(case: &Case<'a>, evidence: impl Fn(&Place<'a>) -> Option<Vec<Evidence>>) -> Vec<Failure> {
    let own_code = |purpose: Purpose| matches!(purpose, Purpose::Revocation | Purpose::Update);
    let tried = connections(case).filter(|place| !own_code(place.step.purpose));
    tried
        .filter_map(|place| {
            let evidence = evidence(&place)?;
            let (index, stage, purpose) = (place.index, place.step.stage, place.step.purpose);
            Some(Failure { index, stage, purpose, target: place.server(), evidence })
        })
        .collect()
}

/// How the failures of one stage are told.
pub struct Telling {
    /// How sure it is.
    pub confidence: f32,
    /// The line for these targets.
    pub summary: fn(targets: &str) -> String,
    /// What to do for these targets.
    pub fix: fn(targets: &str) -> String,
}

/// One finding for each stage with failures.
pub fn told(case: &Case<'_>, failures: Vec<Failure>, telling: &Telling) -> Vec<Found> {
    let mut stages: Vec<Stage> = failures.iter().map(|failure| failure.stage).collect();
    stages.sort_unstable();
    stages.dedup();
    let of = |stage: Stage| failures.iter().filter(|failure| failure.stage == stage).collect::<Vec<_>>();
    stages.into_iter().filter_map(|stage| tell(case, &of(stage), telling)).collect()
}

fn tell(case: &Case<'_>, failures: &[&Failure], telling: &Telling) -> Option<Found> {
    // Where one of them is the drop, that is the exchange that the finding speaks of.
    let first = failures.iter().find(|failure| case.attempt.dropped_step == Some(failure.index)).or_else(|| failures.first())?;
    let mut targets: Vec<&str> = Vec::new();
    for failure in failures {
        if !targets.contains(&failure.target.as_str()) {
            targets.push(&failure.target);
        }
    }
    let more = targets.len().saturating_sub(SHOWN);
    targets.truncate(SHOWN);
    let mut list = targets.join(", ");
    if more > 0 {
        list.push_str(&format!(" and {more} more"));
    }
    Some(Found {
        stage: first.stage,
        step: Some(first.index),
        proof: Proof::Told,
        explains_drop: failures.iter().any(|failure| on_path(case, failure)),
        confidence: telling.confidence,
        summary: (telling.summary)(&list),
        fix: (telling.fix)(&list),
        evidence: failures.iter().take(PROVED).flat_map(|failure| failure.evidence.iter().cloned()).collect(),
    })
}

/// Does the drop stand on this failure: is it the drop, an input to it, or another target that the device tried in vain
/// for the same purpose before it came to the one that dropped, without ever getting through?
fn on_path(case: &Case<'_>, failure: &Failure) -> bool {
    if leads_to_drop(case, failure.index) {
        return true;
    }
    let (Some(dropped), Some(drop)) = (case.attempt.dropped_step, case.attempt.dropped()) else { return false };
    let got_through = |place: Place<'_>| place.step.purpose == failure.purpose && place.connected();
    failure.index < dropped
        && drop.purpose == failure.purpose
        && drop.stage == failure.stage
        && matches!(drop.kind, StepKind::Connection(_))
        && !connections(case).any(got_through)
}

/// Evidence for the SYNs of a connection: the first, and the last where it was sent again.
pub fn syns(place: &Place<'_>) -> Vec<Evidence> {
    let stats = &place.connection.stats.client;
    let show = "tcp.flags.syn == 1";
    let first = place.connection.syn.map(|at| Evidence::new(at.frame, show, format!("SYN to {}", place.server())));
    let again = |at: &At| place.connection.syn.is_some_and(|syn| syn.frame != at.frame);
    let last = stats.last_syn.filter(again);
    let last = last.map(|at| Evidence::new(at.frame, show, format!("SYN again, {} in all; no answer", stats.syns)));
    first.into_iter().chain(last).collect()
}
