//! Did the device begin from nothing right after the attempt? An attempt in, the DISCOVER out.

use crate::findings::Case;
use crate::login::steps::{COMES_TO_REST, StepKind};
use crate::model::{At, How};

/// The DISCOVER in the middle of a good lease by which a device began anew that nothing else had stopped.
pub fn restart(case: &Case<'_>) -> Option<At> {
    case.attempt.drop.filter(|drop| drop.how == How::Abandoned)?;
    let restart = *case.known.restarts.iter().find(|at| **at > case.attempt.last)?;
    (restart.time.since(case.attempt.last.time) <= COMES_TO_REST).then_some(restart)
}

/// Had the device asked a host on its link again and again for its MAC (once a second: RFC 1122 section 2.3.2.1), in vain? It began anew
/// for that.
pub fn gave_up(case: &Case<'_>) -> bool {
    const AGAIN_AND_AGAIN: usize = 3;
    let last = case.attempt.steps.iter().max_by_key(|step| step.last);
    last.is_some_and(|step| match &step.kind {
        StepKind::Neighbour(neighbour) => neighbour.reply.is_none() && neighbour.requests.len() >= AGAIN_AND_AGAIN,
        _ => false,
    })
}
