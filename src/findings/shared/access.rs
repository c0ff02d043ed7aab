//! What the rules on 802.1X share: a device that is not let onto its port has no way to an address either.

use crate::findings::{Case, Found};
use crate::login::steps::{PortAccess, Step, StepKind};
use crate::model::{How, Outcome, Stage};

/// The 802.1X exchange of a step, unless the device was let in afterwards, or a DHCP server answered it all the same (by its MAC, or
/// in a guest VLAN): a port that is shut lets nothing but EAPOL through (IEEE 802.1X-2010 section 6.4).
pub(crate) fn shut_out<'a>(case: &Case<'_>, step: &Step, kind: &'a StepKind) -> Option<&'a PortAccess> {
    let StepKind::Port(port) = kind else { return None };
    let opened = |other: &Step| match &other.kind {
        StepKind::Port(_) => other.outcome == Outcome::Ok && other.last > step.first,
        kind => served(kind) && other.last > step.last,
    };
    (!case.attempt.steps.iter().any(opened)).then_some(port)
}

/// Did a DHCP server say anything to the device?
fn served(kind: &StepKind) -> bool {
    match kind {
        StepKind::Lease(lease) => lease.is_acknowledged() || !lease.offers.is_empty() || !lease.naks.is_empty(),
        StepKind::LeaseV6(lease) => !lease.advertises.is_empty() || !lease.replies.is_empty(),
        _ => false,
    }
}

/// May a port be shut that answers nobody who asks by 802.1X? Not where it lets the device through at another time, or lets anything
/// through now: then it is an open one, which knows no 802.1X.
pub(crate) fn may_be_shut(case: &Case<'_>) -> bool {
    let passed = |step: &Step| served(&step.kind) || !matches!(step.kind, StepKind::Port(_)) && step.outcome == Outcome::Ok;
    case.known.lease.is_none() && !case.attempt.steps.iter().any(passed)
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
