//! Stage `session`: a registration that stands, until somebody closes its connection.

use super::{Horizon, Judged, connect};
use crate::login::steps::{Connection, Ending, Handshake};
use crate::model::{By, How, SECOND, Side, Stage, Time};

/// A connection for announcements that is used so long is one that the server wants, too: it takes nobody who is not signed in.
const HELD: i64 = 30 * SECOND;
/// How sure it is that a device that keeps such a connection is signed in: what is said on it is encrypted.
const KEEPS_ANNOUNCEMENTS: f32 = 0.7;

/// Longer than any request waits for its answer (timer F, RFC 3261 section 17.1.2.2): what is said last on a connection then is
/// said of something else than what was said first.
const GOES_ON: i64 = 32 * SECOND;
/// How sure it is that a connection to a port of SIP that stood before the capture, and on which both sides go on to speak, is the
/// session of a device that is signed in: whom its registrar refuses it does not keep.
const STOOD_BEFORE: f32 = 0.65;

/// Who has lost its registrar is back sooner: it waits a minute at most (RFC 5626 section 4.5: base-time), and perhaps a second time.
const COMES_BACK: i64 = 120 * SECOND;
/// A connection is idle on which the device has said nothing for so long.
const IDLE: i64 = 60 * SECOND;

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

/// Does the server take leave of an idle connection? Either side may close what it has no use for (RFC 3261 section 18), and the binding
/// stands; whether it was wanted shows by what the device does.
pub(in crate::login) fn is_idle_close(connection: &Connection, ending: Ending) -> bool {
    // What the server says, the device answers; but for the good-bye.
    let said = connection.stats.client.last_data;
    let was_idle = said.is_some_and(|said| ending.at.time.since(said.time) >= IDLE);
    was_idle && ending.by == By::Server && matches!(ending.how, How::Fin | How::Alert)
}

/// Does a device that does something next at this time take notice of the close of its session?
pub(in crate::login) fn takes_notice(ending: Ending, next: Time) -> bool {
    next.since(ending.at.time) <= COMES_BACK
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

/// A connection that stood when the capture began and on which both sides go on to speak, be it records or keep-alives with their
/// answers (RFC 5626 section 3.5.1): a session. One on which nothing is said any more proves nothing.
pub(in crate::login) fn judge_standing(connection: &Connection, horizon: &Horizon<'_>) -> Option<Judged> {
    let stats = &connection.stats;
    let begun = connection.syn.is_some() || connection.syn_ack.is_some() || connection.cut_hello.is_some();
    let greeted = connection.tls.as_ref().is_some_and(|tls| tls.client_hello.is_some() || tls.server_hello.is_some());
    let first = stats.client.first_data?.time.max(stats.server.first_data?.time);
    let last = stats.client.last_data?.time.min(stats.server.last_data?.time);
    let stands = !begun && !greeted && last.since(first) >= GOES_ON;
    stands.then(|| judge(connection, connection.tls.as_deref(), STOOD_BEFORE, horizon))
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

    /// What a connection is to its registrar that stood when the capture began and carries these: who says how many octets, and when.
    fn standing(words: &[(f64, Side)], leaves: Option<Side>) -> Option<Judged> {
        let begun = tcp(Purpose::Registrar).change(|connection| (connection.syn, connection.syn_ack) = (None, None));
        let octets = |side: Side| if side == Side::Client { 4 } else { 2 };
        let spoken = words.iter().fold(begun, |wire, (pause, side)| wire.pause(*pause).data(*side, octets(*side)));
        let step = match leaves {
            Some(side) => spoken.leaves(side, Close::Rst),
            None => spoken,
        };
        let step = step.into_step(1);
        let heard_from = Hosts::default();
        let horizon = Horizon::seen(step.last.time, step.first.time, &heard_from);
        match &step.kind {
            StepKind::Connection(connection) => judge_standing(connection, &horizon),
            _ => None,
        }
    }

    #[test]
    fn a_connection_that_stood_before_and_on_which_both_go_on_to_speak_is_a_session() {
        let (ping, pong) = ((30.0, Side::Client), (0.1, Side::Server));
        let stands = standing(&[ping, pong, ping, pong, ping, pong], None);
        assert_eq!(stands.and_then(|judged| judged.signed_in), Some(STOOD_BEFORE));
        assert_eq!(standing(&[ping, pong], None), None, "that may have been the end of a login");
        assert_eq!(standing(&[ping, ping, ping], None), None, "nobody answers any more");
        let cut = standing(&[ping, pong, ping, pong, ping, pong], Some(Side::Server));
        assert_eq!(cut.and_then(|judged| judged.ending).map(|ending| (ending.by, ending.how)), Some((By::Server, How::Rst)));
    }
}
