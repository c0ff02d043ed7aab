//! The steps of an attempt and its drop in, a line for each stage of the login out.

use smol_str::{SmolStr, format_smolstr};

use crate::model::{DropPoint, Outcome, Stage};
use crate::profile::Profile;

use super::abandoned::{asks_all_hosts, image_coming};
use super::steps::{Purpose, StageReport, Step, StepKind};

/// A line for each stage of the family's login, and for others that were seen.
pub(super) fn stage_reports(
    steps: &[Step],
    drop: Option<&DropPoint>,
    signed_in: Option<f32>,
    profile: &Profile,
) -> Vec<StageReport> {
    let seen = |stage: Stage| profile.order.contains(&stage) || steps.iter().any(|step| step.stage == stage);
    let order = profile.order.iter().copied().chain(Stage::ALL.iter().copied().filter(|stage| !profile.order.contains(stage)));
    let mut reports = Vec::with_capacity(profile.order.len().saturating_add(2));
    let mut of_stage = Vec::with_capacity(steps.len());
    for stage in order.filter(|stage| seen(*stage)) {
        of_stage.clear();
        let ends_here = stage == Stage::Provision && drop.is_some_and(|drop| drop.stage == stage);
        let sought = |step: &Step| ends_here && (asks_all_hosts(step) || image_coming(step).is_some());
        of_stage.extend(steps.iter().filter(|step| touches(step, stage) || sought(step)));
        reports.push(stage_report(stage, &of_stage, drop, signed_in));
    }
    reports
}

fn stage_report(stage: Stage, of_stage: &[&Step], drop: Option<&DropPoint>, signed_in: Option<f32>) -> StageReport {
    let first = of_stage.iter().map(|step| step.first).min();
    let last = of_stage.iter().map(|step| step.last).max();
    let any = |outcome: Outcome| of_stage.iter().any(|step| step.stage == stage && step.outcome == outcome);
    let further = of_stage.iter().any(|step| step.stage > stage);
    let outcome = if drop.is_some_and(|drop| drop.stage == stage) {
        Outcome::Failed
    } else if of_stage.is_empty() {
        Outcome::Unseen
    } else if further || any(Outcome::Ok) || (stage == Stage::Register && signed_in.is_some()) {
        Outcome::Ok
    } else if any(Outcome::Failed) {
        Outcome::Skipped
    } else {
        Outcome::Unclear
    };
    let failed = of_stage.iter().filter(|step| step.stage == stage && step.outcome == Outcome::Failed).count();
    let detail = match (of_stage.len(), failed) {
        (0, _) => SmolStr::new_static("nothing of it in the capture"),
        (1, 0) => SmolStr::new_static("one exchange"),
        (1, _) => SmolStr::new_static("one exchange, which failed"),
        (count, 0) => format_smolstr!("{count} exchanges"),
        (count, failed) => format_smolstr!("{count} exchanges, {failed} failed"),
    };
    StageReport { stage, outcome, first, last, detail }
}

/// Does this step go through that stage? A connection to the registrar goes through all from `connect` on.
fn touches(step: &Step, stage: Stage) -> bool {
    let registrar = step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Connection(_));
    let shows = match (&step.kind, stage) {
        (StepKind::Connection(connection), Stage::Tls) => connection.tls.is_some(),
        // One that stood before has its beginning elsewhere, or before the capture.
        (StepKind::Connection(connection), Stage::Connect) => connection.syn.is_some() || connection.syn_ack.is_some(),
        _ => true,
    };
    step.stage == stage || registrar && (Stage::Connect..=step.stage).contains(&stage) && shows
}
