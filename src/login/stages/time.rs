//! Stage `time`: NTP with one server (RFC 5905, RFC 4330).

use super::{Horizon, Judged};
use crate::login::steps::Clock;
use crate::model::{By, How, SECOND, Stage};

/// What SNTP clients wait for an answer: a few seconds.
const WAIT: i64 = 5 * SECOND;

/// What became of an exchange with a time server.
pub(in crate::login) fn judge(clock: &Clock, horizon: &Horizon<'_>) -> Judged {
    if clock.answers.iter().any(|(_, answer)| answer.is_usable()) {
        return Judged::ok(Stage::Time);
    }
    match (clock.answers.last(), clock.unreachable, clock.requests.last()) {
        (Some((at, _)), _, _) => Judged::failed(Stage::Time, By::Server, How::Rejected, *at),
        (None, Some((at, _)), _) => Judged::failed(Stage::Time, By::Network, How::Icmp, at),
        (None, None, Some((at, _))) => horizon.silent(Stage::Time, Some(clock.server), *at, clock.requests.len(), WAIT),
        (None, None, None) => Judged::unclear(Stage::Time),
    }
}
