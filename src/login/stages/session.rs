//! Stage `session`: a registration that stands, until somebody closes its connection.

use super::{Horizon, Judged, connect};
use crate::login::steps::{Connection, Ending, Handshake};
use crate::model::{By, How, Stage};

/// Copies of what the device says on a standing session, none of them acknowledged, that make a silence.
const UNHEARD: u32 = 3;

/// Who closed a connection, and how: the alert, FIN or RST of the side that left, the first of them.
pub(in crate::login) fn close(connection: &Connection, handshake: Option<&Handshake>) -> Option<Ending> {
    let (at, side, close) = connection.first_close()?;
    // The good-bye of the side that left; the other side answers it with its own, and may be the first to close.
    let alert = handshake.and_then(|handshake| handshake.encrypted_alerts.iter().find(|(alert, _)| *alert <= at));
    Some(match alert {
        Some((alert, from)) => Ending { by: connect::by(*from), how: How::Alert, at: *alert },
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

/// The session that nobody closed and that carries nothing any more: what the device says is sent again and again.
fn unheard(connection: &Connection, horizon: &Horizon<'_>) -> Option<Ending> {
    let stats = &connection.stats;
    let last = stats.client.last_data.filter(|last| stats.server.last.is_none_or(|heard| heard < *last))?;
    let unheard = stats.client.stuck_repeats >= UNHEARD && stats.client.acknowledged < stats.client.sent;
    let seen = horizon.seen_both_ways && connection.first_close().is_none_or(|(at, _, _)| at > last);
    let up = connection.flow.server_ip().is_some_and(|server| horizon.heard_from.contains(&server));
    (unheard && seen).then_some(Ending { by: if up { By::Network } else { By::Unknown }, how: How::Timeout, at: last })
}
