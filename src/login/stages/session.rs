//! Stage `session`: a registration that stands, until somebody closes its connection.

use super::{Judged, connect};
use crate::login::steps::{Connection, Ending, Handshake};
use crate::model::{How, Stage};

/// Who closed a connection, and how: the alert, FIN or RST of the side that left, the first of them.
pub(in crate::login) fn close(connection: &Connection, handshake: Option<&Handshake>) -> Option<Ending> {
    let (at, side, close) = connection.first_close()?;
    let alert =
        handshake.and_then(|handshake| handshake.encrypted_alerts.iter().find(|(alert, from)| *from == side && *alert <= at));
    Some(match alert {
        Some((alert, _)) => Ending { by: connect::by(side), how: How::Alert, at: *alert },
        None => Ending { by: connect::by(side), how: connect::how(close), at },
    })
}

/// A signed-in device: its session goes on, or was closed. (Only a device that starts over makes a drop of the close.)
pub(in crate::login) fn judge(connection: &Connection, handshake: Option<&Handshake>, confidence: f32) -> Judged {
    Judged { signed_in: Some(confidence), ending: close(connection, handshake), ..Judged::ok(Stage::Session) }
}
