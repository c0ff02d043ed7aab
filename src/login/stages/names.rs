//! Stage `names`: one look-up (RFC 1035).

use super::{Horizon, Judged};
use crate::login::steps::{Lookup, Purpose};
use crate::model::{By, How, SECOND, Stage};

/// What resolvers wait for a server: 1 to 5 seconds.
const WAIT: i64 = 4 * SECOND;

/// The stage that a look-up belongs to: locating the domain controller is a stage of its own.
pub(in crate::login) fn stage(purpose: Purpose) -> Stage {
    if purpose == Purpose::Directory { Stage::Directory } else { Stage::Names }
}

/// What became of a look-up.
pub(in crate::login) fn judge(lookup: &Lookup, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    if lookup.found() {
        return Judged::ok(stage);
    }
    match (&lookup.answer, lookup.unreachable, lookup.queries.last()) {
        (Some(answer), _, _) if answer.truncated || answer.partial && answer.rcode == 0 => Judged::unclear(stage),
        (Some(answer), _, _) => Judged::failed(stage, By::Server, How::Rejected, answer.at),
        (None, Some((at, _)), _) => Judged::failed(stage, By::Network, How::Icmp, at),
        (None, None, Some((at, server))) => horizon.silent(stage, Some(*server), *at, lookup.queries.len(), WAIT),
        (None, None, None) => Judged::unclear(stage),
    }
}
