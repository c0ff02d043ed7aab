//! Stage `tls`: the handshake (RFC 2246, RFC 5246, RFC 8446) as an onlooker sees it.

use super::{Horizon, Judged, connect};
use crate::login::steps::{Connection, Handshake};
use crate::model::{At, By, How, Outcome, SECOND, Side, Stage};

/// Segments from this length on are the ones that a narrow path swallows.
const FULL_SIZE: u64 = 1000;

/// A client that closes so long after the last word has waited for the next.
const GIVES_UP: i64 = 10 * SECOND;

/// How far a handshake came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// Nothing of it was seen.
    Nothing,
    /// The client has said hello.
    Hello,
    /// The server has answered.
    Answered,
    /// The server's flight is complete: certificate and all.
    FlightDone,
    /// The client has gone on: it took the certificate.
    KeyExchange,
    /// Both have changed ciphers (TLS 1.3: the client sends data).
    Completed,
}

/// How far it came.
pub(crate) fn progress(handshake: &Handshake) -> Progress {
    if handshake.completed() {
        Progress::Completed
    } else if handshake.client_step().is_some() && handshake.is_readable() {
        Progress::KeyExchange
    } else if handshake.flight_done().is_some() {
        Progress::FlightDone
    } else if handshake.server_hello.is_some() {
        Progress::Answered
    } else if handshake.client_hello.is_some() {
        Progress::Hello
    } else {
        Progress::Nothing
    }
}

/// What became of the handshake. `stage` is where the connection belongs: `tls` for the registrar, else what it serves.
pub(in crate::login) fn judge(connection: &Connection, handshake: &Handshake, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    let progress = progress(handshake);
    let sealed = || {
        let refusal = connection.sealed_refusal().map(|at| (at, Side::Client));
        refusal.or_else(|| connection.sealed_rejection().map(|at| (at, Side::Server)))
    };
    if let Some((at, side)) = alert_that_ended(connection, handshake, progress).or_else(sealed) {
        return Judged::failed(stage, connect::by(side), How::Alert, at);
    }
    if progress == Progress::Completed {
        return after_completion(connection, handshake, stage);
    }
    let from_server = connection.stats.server.stuck_repeats >= 3 || connection.stats.server.hole() >= FULL_SIZE;
    let stuck = from_server || connection.stats.client.stuck_repeats >= 3;
    let asked = handshake.client_hello.as_ref().map(|(at, _)| *at).or(connection.stats.client.first_data);
    match (progress, asked) {
        (Progress::Nothing, None) => Judged::unclear(stage),
        (_, Some(asked)) if stuck && !server_left(connection) => {
            let last = if from_server {
                connection.last_answer.unwrap_or(asked)
            } else {
                connection.stats.client.last_data.unwrap_or(asked)
            };
            stuck_flight(connection, stage, last, horizon)
        }
        _ if is_partial(connection, handshake) => Judged::unclear(stage),
        (Progress::Hello | Progress::Nothing, Some(asked)) if connection.stats.server.first_data.is_none() => {
            connect::unanswered(connection, stage, asked, horizon)
        }
        _ => match waits_in_vain(connection, handshake, progress) {
            Some(asked) => Judged::failed(stage, By::Unknown, How::Timeout, asked),
            None => left_in_the_middle(connection, stage, horizon),
        },
    }
}

/// The client's last word, where it is the server's turn and nothing more comes, so that the client closes after a long wait.
fn waits_in_vain(connection: &Connection, handshake: &Handshake, progress: Progress) -> Option<At> {
    let (client, server) = (&connection.stats.client, &connection.stats.server);
    let (closed, side, _) = connection.first_close()?;
    let (asked, answered) = (client.last_data?, server.last_data?);
    let is_servers_turn = match progress {
        Progress::KeyExchange => asked > answered,
        Progress::Answered => handshake.is_readable(),
        _ => false,
    };
    let waited = closed.time.since(asked.time.max(answered.time));
    (side == Side::Client && is_servers_turn && waited >= GIVES_UP).then_some(asked)
}

/// Does the capture lack what would show how far the handshake came: its beginning, parts of what was said, or all that the client
/// did? A client that said no more than its hello, as far as TCP's numbers go, went no further.
pub(in crate::login) fn is_partial(connection: &Connection, handshake: &Handshake) -> bool {
    let stats = &connection.stats;
    let begun = connection.syn.is_some() || connection.syn_ack.is_some() || handshake.client_hello.is_some();
    let cut = stats.client.cut || stats.server.cut;
    let lost = stats.client.uncaptured > 0 || stats.server.uncaptured > 0;
    let one_sided = stats.client.last.is_none();
    !begun || one_sided || (cut || lost) && (stats.client.data_segments != 1 || stats.client.uncaptured > 0)
}

/// The alert that ended the handshake: the first fatal one, unless the server had gone on to say something (in TLS 1.3 it can
/// refuse a client that has finished), or a good-bye (close_notify) before it was complete. One that
/// answers the close of the other side (many servers complain of a flight that breaks off) ended nothing.
fn alert_that_ended(connection: &Connection, handshake: &Handshake, progress: Progress) -> Option<(At, Side)> {
    let goodbye = || {
        handshake.alerts.first().filter(|_| progress != Progress::Completed).filter(|(_, _, _, code)| *code == 0 || *code == 90)
    };
    let fatal = handshake.fatal_alert().filter(|_| progress != Progress::Completed || handshake.server_data.count() == 0);
    let alert = fatal.or_else(|| goodbye().map(|(at, side, _, code)| (*at, *side, *code)));
    alert.filter(|(at, side, code)| connection.closed_after(*at, *side, *code)).map(|(at, side, _)| (at, side))
}

fn server_left(connection: &Connection) -> bool {
    connection.first_close().is_some_and(|(_, side, _)| side == Side::Server)
}

/// Full-size segments that never arrive: the path swallows them (RFC 2923).
fn stuck_flight(connection: &Connection, stage: Stage, asked: At, horizon: &Horizon<'_>) -> Judged {
    let over = connection.first_close().is_some() || horizon.moved_on_after(asked.time) || connection.ended;
    if over { Judged::failed(stage, By::Network, How::Timeout, asked) } else { Judged::unclear(stage) }
}

/// An answer in clear of which a segment never arrives: one of full size, which an onlooker before a narrow link sees, or any,
/// where the answer goes no further.
pub(in crate::login) fn swallowed(connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Option<Judged> {
    let server = &connection.stats.server;
    let last = connection.http.last().and_then(|exchange| exchange.response.as_ref());
    let unfinished = last.is_some_and(|(_, response)| !response.body.arrived);
    let matters = u64::from(server.stuck_length) >= FULL_SIZE || unfinished;
    let stuck = server.stuck_repeats >= 3 && matters && server.acknowledged < server.sent;
    let last = connection.last_answer.filter(|_| stuck && !server_left(connection))?;
    Some(stuck_flight(connection, stage, last, horizon))
}

/// The server has answered, and somebody left.
fn left_in_the_middle(connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    match connection.first_close() {
        Some((at, side, close)) => Judged::failed(stage, connect::by(side), connect::how(close), at),
        None => match connection.stats.server.last_data {
            Some(answer) if horizon.moved_on_after(answer.time) => Judged::failed(stage, By::Device, How::Abandoned, answer),
            _ => Judged::unclear(stage),
        },
    }
}

/// Some stacks check a certificate only after both have finished, and leave without a word.
fn after_completion(connection: &Connection, handshake: &Handshake, stage: Stage) -> Judged {
    let asked = handshake.client_data.count() > u32::from(!handshake.is_readable());
    match connection.first_close() {
        Some((at, side, close)) if !asked && !is_partial(connection, handshake) => {
            let told = handshake.farewells().find(|(alert, from)| *from == side && *alert <= at);
            match told {
                Some((alert, _)) => Judged::failed(stage, connect::by(side), How::Alert, alert),
                None => Judged::failed(stage, connect::by(side), connect::how(close), at),
            }
        }
        _ => Judged { outcome: Outcome::Ok, ..Judged::ok(stage) },
    }
}

/// How long after the last data a connection was kept, in nanoseconds, up to its close or the capture's end.
pub(in crate::login) fn kept_after_data(connection: &Connection, horizon: &Horizon<'_>) -> i64 {
    let until = connection.first_close().map_or(horizon.end, |(at, _, _)| at.time);
    connection.last_word().map_or(0, |last| until.since(last.time))
}

/// A connection that is kept so long after the last data is one that both want.
pub(in crate::login) const KEPT: i64 = 5 * SECOND;
