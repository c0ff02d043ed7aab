//! Did the device begin from nothing right after the attempt? An attempt in, the DISCOVER out.

use crate::findings::Case;
use crate::model::{At, How, SECOND};

/// A restart that comes later than this after the last sign of an attempt did not cut it off: by then a device has come to rest.
const CUT_OFF: i64 = 600 * SECOND;

/// The DISCOVER in the middle of a good lease by which a device began anew that nothing else had stopped.
pub fn restart(case: &Case<'_>) -> Option<At> {
    case.attempt.drop.filter(|drop| drop.how == How::Abandoned)?;
    let restart = *case.known.restarts.iter().find(|at| **at > case.attempt.last)?;
    (restart.time.since(case.attempt.last.time) <= CUT_OFF).then_some(restart)
}
