//! Stage `session`: a registration that stands, until somebody closes its connection.

use super::{Horizon, Judged, connect};
use crate::login::steps::{Connection, Ending, Handshake};
use crate::model::{By, How, SECOND, Side, Stage};

/// A connection for announcements that is used so long is one that the server wants, too: it takes nobody who is not signed in.
const HELD: i64 = 30 * SECOND;
/// How sure it is that a device that keeps such a connection is signed in: what is said on it is encrypted.
const KEEPS_ANNOUNCEMENTS: f32 = 0.7;

/// Copies of what the device says on a standing session, none of them acknowledged, that make a silence.
const UNHEARD: u32 = 3;

/// Who closed a connection, and how: the alert, FIN or RST of the side that left, the first of them.
/// Where the capture holds nothing of the other side, that one may have closed before.
pub(in crate::login) fn close(connection: &Connection, handshake: Option<&Handshake>) -> Option<Ending> {
    let (at, side, close) = connection.first_close()?;
    connection.stats.side(side.other()).last?;
    // The good-bye of the side that left; the other side answers it with its own, and may be the first to close.
    let told = handshake.into_iter().flat_map(|handshake| handshake.farewells()).filter(|(alert, _)| *alert <= at);
    let sealed = [Side::Client, Side::Server].into_iter().filter_map(|side| Some((connection.sealed_alert(side)?, side)));
    let alert = told.chain(sealed).min_by_key(|(alert, _)| *alert);
    Some(match alert {
        Some((alert, from)) => Ending { by: connect::by(from), how: How::Alert, at: alert },
        None => Ending { by: connect::by(side), how: connect::how(close), at },
    })
}

/// A signed-in device: its session goes on, or was closed. (Only a device that starts over makes a drop of the close.)
pub(in crate::login) fn judge(
    connection: &Connection,
    handshake: Option<&Handshake>,
    confidence: f32,
    horizon: &Horizon<'_>,
) -> Judged {
    let ending = unheard(connection, horizon).or_else(|| close(connection, handshake));
    Judged { signed_in: Some(confidence), ending, ..Judged::ok(Stage::Session) }
}

/// A connection that this family keeps as long as it is signed in; nothing follows from one that does not stand (yet).
pub(in crate::login) fn judge_announcements(connection: &Connection, horizon: &Horizon<'_>) -> Option<Judged> {
    let handshake = connection.tls.as_ref()?;
    let (asked, answered) = (handshake.client_data.first()?.at, handshake.server_data.last()?.at);
    let until = connection.first_close().map_or(horizon.end, |(at, _, _)| at.time);
    let held = answered >= asked && until.since(asked.time) >= HELD;
    (handshake.completed() && held).then_some(Judged { signed_in: Some(KEEPS_ANNOUNCEMENTS), ..Judged::ok(Stage::Session) })
}

/// The session that nobody closed and that carries nothing any more: what the device says is sent again and again.
fn unheard(connection: &Connection, horizon: &Horizon<'_>) -> Option<Ending> {
    let stats = &connection.stats;
    let last = stats.client.last_data.filter(|last| stats.server.last.is_none_or(|heard| heard < *last))?;
    let unheard = stats.client.stuck_repeats >= UNHEARD && stats.client.acknowledged < stats.client.sent;
    let seen = horizon.seen_both_ways && connection.first_close().is_none_or(|(at, _, _)| at > last);
    let up = connection.flow.server_ip().is_some_and(|server| horizon.heard_from.contains(server));
    (unheard && seen).then_some(Ending { by: if up { By::Network } else { By::Unknown }, how: How::Timeout, at: last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, StepKind};

    /// A connection that is closed so many seconds after a request and its answer; `answers`: does one come?
    fn judged(seconds: f64, answers: bool) -> Option<Judged> {
        let tcp = tcp(Purpose::Other).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        let tcp = tcp.encrypted(Side::Client);
        let tcp = if answers { tcp.encrypted(Side::Server) } else { tcp };
        let step = tcp.pause(seconds).leaves(Side::Server, Close::Fin).into_step(1);
        let heard_from = Hosts::default();
        let horizon = Horizon::seen(step.last.time, step.first.time, &heard_from);
        match &step.kind {
            StepKind::Connection(connection) => judge_announcements(connection, &horizon),
            _ => None,
        }
    }

    #[test]
    fn announcements_that_are_heard_for_long_are_those_of_a_user_who_is_signed_in() {
        assert_eq!(judged(60.0, true).and_then(|judged| judged.signed_in), Some(KEEPS_ANNOUNCEMENTS));
        assert_eq!(judged(5.0, true), None, "that may have been one request");
        assert_eq!(judged(60.0, false), None, "the server says nothing");
    }
}
