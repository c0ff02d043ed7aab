//! Stage `directory`: the domain controller, asked over LDAP and Kerberos. What was said in clear is followed request by
//! request; of what is encrypted, whether anything was answered shows all the same.

use std::net::IpAddr;

use super::{Horizon, Judged, connect, tls};
use crate::login::steps::{Connection, DirectoryRequest, Inquiry, TicketRequest};
use crate::model::{At, By, How, Outcome, SECOND, Side, Stage};
use crate::protocols::kerberos::code as error_code;
use crate::protocols::{kerberos, ldap};

const STAGE: Stage = Stage::Directory;
/// What clients wait for an answer over UDP: one to three seconds.
const WAIT: i64 = 3 * SECOND;
/// A refusal may be answered by another try within this time.
const NEXT_TRY: i64 = SECOND;
/// A device that found nothing, and begins nothing else within this time, has stopped there.
const NOTHING_FOLLOWS: i64 = 10 * SECOND;

/// How far a device has come with a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing that counts was said.
    Idle,
    /// A good answer came.
    Answered,
    /// The server wants the next step: of a SASL bind, of pre-authentication, or over TCP.
    Challenged(At),
    /// A CA certificate, or the server that hands it out, was found.
    Found,
    /// A search for a CA came to nothing.
    Empty(At),
    /// A bind was refused: what is found without it proves nothing.
    Unbound(At),
    /// Something else was refused.
    Refused(At),
    /// A request was not answered: when it was last sent, and how often.
    Waiting(At, usize),
}

/// The next state, by an LDAP request and what came back.
fn after_ldap(state: State, request: &DirectoryRequest) -> State {
    let Some((at, answer)) = &request.answer else { return waiting(state, &request.sent) };
    let code = request.outcome().map(|outcome| outcome.code);
    match (answer.operation, code) {
        (1, Some(ldap::code::SUCCESS)) if state == State::Found => State::Found,
        (1, Some(ldap::code::SUCCESS)) => State::Answered,
        (1, Some(ldap::code::SASL_BIND_IN_PROGRESS)) => State::Challenged(*at),
        (1, Some(_)) => State::Unbound(*at),
        (5, Some(code)) => after_search(state, request, *at, code),
        // Neither the grant of StartTLS nor a change of the directory decides anything; a refusal of the one and a
        // notice of disconnection do.
        (24, Some(code)) if code != ldap::code::SUCCESS => State::Refused(*at),
        _ => state,
    }
}

fn after_search(state: State, request: &DirectoryRequest, at: At, code: u32) -> State {
    let for_ca = request.search().is_some_and(ldap::Search::is_for_ca);
    let for_root = request.search().is_some_and(ldap::Search::is_for_root);
    match state {
        _ if for_ca && request.found_ca() => State::Found,
        State::Found => State::Found,
        State::Unbound(_) if for_root || request.entries == 0 => state,
        _ if code != ldap::code::SUCCESS || request.is_referred() => State::Refused(at),
        _ if for_ca => State::Empty(at),
        State::Empty(_) => state,
        _ => State::Answered,
    }
}

/// The next state, by a Kerberos request and what came back.
fn after_kerberos(state: State, request: &TicketRequest) -> State {
    let Some((at, answer)) = &request.answer else { return waiting(state, &request.sent) };
    match (answer.kind, answer.error().map(|error| error.code)) {
        (_, Some(error_code::PREAUTH_REQUIRED | error_code::RESPONSE_TOO_BIG)) => State::Challenged(*at),
        (kerberos::kind::ERROR, _) => State::Refused(*at),
        _ => State::Answered,
    }
}

fn waiting(state: State, sent: &[At]) -> State {
    sent.last().map_or(state, |last| State::Waiting(*last, sent.len()))
}

fn state(ldap: &[DirectoryRequest], kerberos: &[TicketRequest]) -> State {
    let state = ldap.iter().fold(State::Idle, after_ldap);
    kerberos.iter().fold(state, after_kerberos)
}

/// What became of a connection to the domain controller.
pub(in crate::login) fn judge(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    if let Some(judged) = connect::judge(connection, STAGE, horizon) {
        return judged;
    }
    if let Some(handshake) = &connection.tls {
        let judged = tls::judge(connection, handshake, STAGE, horizon);
        return if judged.outcome == Outcome::Ok { unread(connection, horizon) } else { judged };
    }
    let state = state(&connection.ldap, &connection.kerberos);
    match (state, connection.first_close()) {
        (State::Idle, _) => unread(connection, horizon),
        (State::Waiting(asked, _), _) => connect::unanswered(connection, STAGE, asked, horizon),
        (State::Challenged(_), Some((at, side, close))) => Judged::failed(STAGE, connect::by(side), connect::how(close), at),
        (State::Challenged(at), None) if horizon.moved_on_after(at.time) => {
            Judged::failed(STAGE, By::Device, How::Abandoned, at)
        }
        (State::Challenged(_), None) => Judged::unclear(STAGE),
        (State::Refused(at) | State::Unbound(at), Some(_)) => Judged::failed(STAGE, By::Server, How::Rejected, at),
        (State::Answered, Some((at, Side::Server, close))) if is_left_alone(at, horizon) => {
            Judged::failed(STAGE, By::Server, connect::how(close), at)
        }
        (state, _) => settled(state, horizon),
    }
}

/// The server closed, and the device did nothing more for as long as the capture shows.
fn is_left_alone(closed: At, horizon: &Horizon<'_>) -> bool {
    !horizon.moved_on_after(closed.time) && horizon.end.since(closed.time) >= NOTHING_FOLLOWS
}

/// What became of questions to the domain controller over UDP.
pub(in crate::login) fn judge_datagrams(inquiry: &Inquiry, horizon: &Horizon<'_>) -> Judged {
    let server: Option<IpAddr> = inquiry.flow.server_ip();
    match (state(&inquiry.ldap, &inquiry.kerberos), inquiry.unreachable) {
        (State::Waiting(..), Some((at, _))) => Judged::failed(STAGE, By::Network, How::Icmp, at),
        (State::Waiting(last, sent), None) => horizon.silent(STAGE, server, last, sent, WAIT),
        // What the next step comes to shows where the device takes it: in clear over TCP, as a rule.
        (State::Challenged(_), _) => Judged::ok(STAGE),
        (state, _) => settled(state, horizon),
    }
}

/// What became of requests that are all answered.
fn settled(state: State, horizon: &Horizon<'_>) -> Judged {
    match state {
        State::Answered | State::Found => Judged::ok(STAGE),
        State::Refused(at) | State::Unbound(at)
            if horizon.moved_on_after(at.time) || horizon.end.since(at.time) >= NEXT_TRY =>
        {
            Judged::failed(STAGE, By::Server, How::Rejected, at)
        }
        State::Empty(at) if horizon.moved_on_after(at.time) || horizon.end.since(at.time) >= NOTHING_FOLLOWS => {
            Judged::failed(STAGE, By::Device, How::Abandoned, at)
        }
        _ => Judged::unclear(STAGE),
    }
}

/// A connection of which nothing can be read.
fn unread(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    let stats = &connection.stats;
    match (stats.client.first_data, stats.server.first_data) {
        (Some(asked), None) => connect::unanswered(connection, STAGE, asked, horizon),
        _ => match connection.first_close() {
            // The client says good-bye to a directory that it has done with.
            Some((_, Side::Client, _)) => Judged::ok(STAGE),
            Some((at, Side::Server, close)) if !horizon.moved_on_after(at.time) => {
                Judged::failed(STAGE, By::Server, connect::how(close), at)
            }
            _ if horizon.moved_on_after(stats.client.last_data.map_or(connection_start(connection), |at| at.time)) => {
                Judged::ok(STAGE)
            }
            _ => Judged::unclear(STAGE),
        },
    }
}

fn connection_start(connection: &Connection) -> crate::model::Time {
    connection.syn.or(connection.syn_ack).map_or_else(Default::default, |at| at.time)
}
