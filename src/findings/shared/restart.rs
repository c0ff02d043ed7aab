//! Did the device begin from nothing right after the attempt? An attempt in, the DISCOVER out.

use crate::findings::Case;
use crate::login::steps::COMES_TO_REST;
use crate::model::{At, How};

/// The DISCOVER in the middle of a good lease by which a device began anew that nothing else had stopped.
pub fn restart(case: &Case<'_>) -> Option<At> {
    case.attempt.drop.filter(|drop| drop.how == How::Abandoned)?;
    let restart = *case.known.restarts.iter().find(|at| **at > case.attempt.last)?;
    (restart.time.since(case.attempt.last.time) <= COMES_TO_REST).then_some(restart)
}
