//! What the rules on 802.1X share: a device that is not let onto its port has no way to an address either.

use crate::findings::{Case, Found};
use crate::login::steps::{PortAccess, Step, StepKind};
use crate::model::{How, Outcome, Stage};

/// The 802.1X exchange of a step, unless the device was let in afterwards, or got an address all the same (by its MAC, or
/// into a guest VLAN).
pub(crate) fn shut_out<'a>(case: &Case<'_>, step: &Step, kind: &'a StepKind) -> Option<&'a PortAccess> {
    let StepKind::Port(port) = kind else { return None };
    let opened = |other: &Step| match &other.kind {
        StepKind::Port(_) => other.outcome == Outcome::Ok && other.last > step.first,
        StepKind::Lease(_) | StepKind::LeaseV6(_) => other.outcome == Outcome::Ok && other.last > step.last,
        _ => false,
    };
    (!case.attempt.steps.iter().any(opened)).then_some(port)
}

/// A port that stays shut explains a drop for want of an address.
pub(crate) fn explain_silence(case: &Case<'_>, found: &mut [Found]) {
    let Some(drop) = case.attempt.drop else { return };
    let for_want_of_address = drop.stage == Stage::Address && matches!(drop.how, How::Timeout);
    for found in found.iter_mut().filter(|_| for_want_of_address) {
        let before = found.step.and_then(|index| case.attempt.steps.get(index)).is_some_and(|step| step.first < drop.at);
        found.explains_drop |= before;
    }
}
