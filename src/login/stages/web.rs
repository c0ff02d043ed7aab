//! An errand over HTTP, whatever stage it serves (`enrolment`, `provision`, `update`): what the web server said in the end.

use memchr::memmem;

use super::{Horizon, Judged, connect, tls};
use crate::formats::pkcs7;
use crate::login::steps::{Close, Connection, Exchange};
use crate::model::{At, By, How, Outcome, SECOND, Side, Stage};
use crate::protocols::http;
use crate::text::{WireText, begins, contains, ends};

/// How long nothing more of an answer comes that has stopped.
const STALLED: i64 = 10 * SECOND;

/// pkiStatus (2.16.840.1.113733.1.9.3) with its one value, PENDING: a signed attribute of each answer by SCEP, in clear (RFC 8894 section
/// 3.2.1.3).
const PENDING_BY_SCEP: &[u8] = b"\x06\x0a\x60\x86\x48\x01\x86\xf8\x45\x01\x09\x03\x31\x03\x13\x01\x33";

/// Does the server say, by SCEP, that the request for a certificate waits for somebody to grant it?
pub(in crate::login) fn is_pending_by_scep(exchange: &Exchange) -> bool {
    exchange.response.as_ref().is_some_and(|(_, response)| memmem::find(&response.body.bytes, PENDING_BY_SCEP).is_some())
}

/// What became of a web errand.
pub(in crate::login) fn judge(connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    if let Some(judged) = connect::judge(connection, stage, horizon) {
        return judged;
    }
    if let Some(handshake) = &connection.tls {
        let judged = tls::judge(connection, handshake, stage, horizon);
        let is_read = handshake.opened && connection.requests().next().is_some();
        if judged.outcome != Outcome::Ok || !is_read {
            let answered = connection.answered() > 0;
            // Under TLS, an answer that the device went on from was a good one.
            return if judged.outcome == Outcome::Ok && !answered { Judged::unclear(stage) } else { judged };
        }
    }
    if let Some(judged) = tls::swallowed(connection, stage, horizon) {
        return judged;
    }
    match connection.http.last() {
        Some(exchange) => judge_exchange(exchange, connection, stage, horizon),
        None => match connection.stats.client.first_data {
            Some(asked) if connection.stats.server.first_data.is_none() => connect::unanswered(connection, stage, asked, horizon),
            _ => Judged::unclear(stage),
        },
    }
}

/// What became of one request.
pub(super) fn judge_exchange(exchange: &Exchange, connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    let judged = judge_last(exchange, connection, stage, horizon);
    // What could not be read any more may have been a better answer.
    if connection.is_torn() && judged.outcome != Outcome::Ok { Judged::unclear(stage) } else { judged }
}

fn judge_last(exchange: &Exchange, connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    if let Some((at, close)) = broken_off(exchange, connection) {
        return Judged::failed(stage, By::Server, connect::how(close), at);
    }
    if let Some(asked) = stalled(exchange, connection) {
        return horizon.silent(stage, connection.flow.server_ip(), asked, 1, 0);
    }
    match (&exchange.request, &exchange.response) {
        (_, Some((at, response))) => judge_response(*at, exchange, response, stage),
        (Some((asked, _)), None) => connect::unanswered(connection, stage, *asked, horizon),
        (None, None) => Judged::unclear(stage),
    }
}

/// The server's close in the middle of what it sends (RFC 9112 section 8), where the capture lacks nothing of that.
pub(super) fn broken_off(exchange: &Exchange, connection: &Connection) -> Option<(At, Close)> {
    let (_, response) = exchange.response.as_ref()?;
    let server = &connection.stats.server;
    let (at, side, close) = connection.first_close()?;
    let is_whole = response.body.arrived || server.cut || server.uncaptured > 0 || connection.is_torn();
    (side == Side::Server && !is_whole && matches!(response.code, 200..=299)).then_some((at, close))
}

/// The request whose answer stops in the middle: nothing more of it came, for so long that the device gave it up.
pub(crate) fn stalled(exchange: &Exchange, connection: &Connection) -> Option<At> {
    let ((asked, _), (_, response)) = (exchange.request.as_ref()?, exchange.response.as_ref()?);
    let server = &connection.stats.server;
    let is_whole = response.body.arrived || server.cut || server.uncaptured > 0 || connection.is_torn();
    // What the server sends again is lost on the way.
    let is_whole = is_whole || server.retransmitted > 0;
    let (closed, side, _) = connection.first_close()?;
    let waited = closed.time.since(server.last_data?.time);
    let given_up = side == Side::Client && waited >= STALLED && matches!(response.code, 200..=299);
    (given_up && !is_whole).then_some(*asked)
}

fn judge_response(at: At, exchange: &Exchange, response: &http::Response, stage: Stage) -> Judged {
    match response.code {
        200..=299 if is_bad_content(exchange, response) => Judged::failed(stage, By::Device, How::Abandoned, at),
        200..=299 => Judged::ok(stage),
        400 if waits_for_code(response) => Judged::unclear(stage),
        404 if asks_for_attributes(exchange) => Judged::ok(stage),
        _ => Judged::failed(stage, By::Server, How::Rejected, at),
    }
}

/// Does it ask for nothing but what a request for a certificate may hold, of which there may be none (RFC 7030 section 4.5.2)?
fn asks_for_attributes(exchange: &Exchange) -> bool {
    let asked = exchange.request.as_ref().map_or("", |(_, request)| request.uri.raw());
    contains(asked, "/.well-known/est/") && ends(asked, "/csrattrs")
}

/// Has nobody typed in the code that the device shows, so that it is to ask again (RFC 8628 section 3.5)?
fn waits_for_code(response: &http::Response) -> bool {
    let says = |word: &[u8]| memmem::find(&response.body.bytes, word).is_some();
    says(b"\"authorization_pending\"") || says(b"\"slow_down\"")
}

/// Is the last word a challenge in the middle of the legs: is the next one still to come?
pub(in crate::login) fn is_pending_challenge(exchanges: &[Exchange]) -> bool {
    let Some(Exchange { request, response: Some((_, response)) }) = exchanges.last() else { return false };
    let credentials = request.as_ref().and_then(|(_, request)| request.credentials.as_ref());
    matches!(response.code, 401 | 407) && !credentials.is_some_and(http::Credentials::is_final_leg)
}

/// Was a certificate asked for, and something else delivered?
pub(crate) fn is_bad_content(exchange: &Exchange, response: &http::Response) -> bool {
    let Some((_, request)) = &exchange.request else { return false };
    let path = request.uri.raw().to_ascii_lowercase();
    let file = path.split('?').next().unwrap_or_default();
    let asks = path.contains("certnew.")
        || [".p7b", ".p7c", ".cer", ".crt", "/cacerts"].iter().any(|ending| file.ends_with(ending))
        || path.ends_with("operation=getcacert")
        || path.contains("operation=getcacert&");
    // Web servers say the same of keys, by the ending of their files.
    let is_key = [".pem", ".der", ".key"].iter().any(|ending| file.ends_with(ending));
    let wanted = asks || says_certificates(response) && !is_key || path.contains("/certprov/") && is_page(response);
    wanted && response.body.complete && pkcs7::certificates(&response.body.bytes).certificates.is_empty()
}

/// Is it a page for people?
fn is_page(response: &http::Response) -> bool {
    response.content_type.as_ref().is_some_and(|kind| begins(kind.raw(), "text/html"))
}

/// Does the server say that these are certificates (RFC 8894 section 4.2.1, RFC 7030 sections 4.1.3 and 4.2.3, RFC 2585 section 4)?
fn says_certificates(response: &http::Response) -> bool {
    const KINDS: &[&str] = &[
        "application/x-pkcs7-certificates",
        "application/x-x509-ca-cert",
        "application/x-x509-ca-ra-cert",
        "application/x-x509-user-cert",
        "application/pkix-cert",
    ];
    let kind = response.content_type.as_ref().map_or("", WireText::raw).to_ascii_lowercase();
    KINDS.iter().any(|own| kind.starts_with(own)) || kind.starts_with("application/pkcs7-mime") && kind.contains("certs-only")
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::*;
    use crate::login::steps::{Purpose, StepKind};
    use crate::model::{SECOND, Side};

    fn outcome(tcp: Tcp) -> Outcome {
        let step = tcp.into_step(1);
        let heard_from = Hosts::default();
        let end = step.last.time.plus(600 * SECOND);
        let horizon = Horizon::seen(end, step.first.time, &heard_from);
        match &step.kind {
            StepKind::Connection(connection) => judge(connection, Stage::Enrolment, &horizon).outcome,
            _ => Outcome::Unseen,
        }
    }

    /// A handshake of TLS 1.2 on which something was asked.
    fn asked() -> Tcp {
        let tcp = tcp(Purpose::Enrolment).hello().server_flight(vec![leaf()]).client_finished().server_finished();
        tcp.encrypted(Side::Client)
    }

    #[test]
    fn what_a_key_log_shows_of_an_errand_is_its_outcome() {
        let answered = |code: u16| asked().opened().get("/certsrv/certnew.cer").answer(code).encrypted(Side::Server);
        assert_eq!(outcome(answered(404)), Outcome::Failed);
        assert_eq!(outcome(answered(404).torn()), Outcome::Unclear, "a better answer may have followed");
        assert_eq!(outcome(asked().opened().get("/certsrv/certnew.cer").torn().encrypted(Side::Server)), Outcome::Unclear);
    }

    #[test]
    fn a_server_of_est_that_wants_no_attributes_has_none_to_tell() {
        let asked = |path: &str| outcome(tcp(Purpose::Enrolment).get(path).answer(404));
        assert_eq!(asked("/.well-known/est/phones/csrattrs"), Outcome::Ok);
        assert_eq!(asked("/.well-known/est/cacerts"), Outcome::Failed);
        assert_eq!(outcome(tcp(Purpose::Enrolment).get("/.well-known/est/csrattrs").answer(403)), Outcome::Failed);
    }

    #[test]
    fn a_tunnel_says_nothing_of_what_it_carries() {
        let tunnel = |request: &mut http::Request| request.method = "CONNECT".into();
        let made = tcp(Purpose::Enrolment).get_with("ca.contoso.com:443", tunnel).answer(200);
        let made = made.hello().server_flight(vec![leaf()]).client_finished().server_finished().opened();
        assert_eq!(outcome(made.encrypted(Side::Client)), Outcome::Unclear);
    }

    #[test]
    fn a_server_that_closes_in_the_middle_of_its_answer_ended_it() {
        let half = |connection: &mut Connection| {
            let (_, response) = connection.http[0].response.as_mut().unwrap();
            std::sync::Arc::make_mut(response).body.arrived = false;
        };
        let answered = || tcp(Purpose::Enrolment).get("/certsrv/certcarc.asp").answer(200).change(half);
        assert_eq!(outcome(answered().leaves(Side::Server, Close::Fin)), Outcome::Failed);
        assert_eq!(outcome(answered().leaves(Side::Client, Close::Fin)), Outcome::Ok, "the device had enough");
        let lost = answered().change(|connection| connection.stats.server.uncaptured = 900);
        assert_eq!(outcome(lost.leaves(Side::Server, Close::Fin)), Outcome::Ok, "the capture lacks it");
    }

    #[test]
    fn an_answer_that_is_sent_again_and_again_and_never_acknowledged_did_not_arrive() {
        let answered = || tcp(Purpose::Enrolment).get("/certsrv/certcarc.asp").answer(200);
        assert_eq!(outcome(answered()), Outcome::Ok);
        let half = |connection: &mut Connection| {
            let (_, response) = connection.http[0].response.as_mut().unwrap();
            std::sync::Arc::make_mut(response).body.arrived = false;
        };
        let stuck_half = answered().change(half).stuck(Side::Server, 200, 4).change(|connection| {
            (connection.last_answer, connection.ended) = (connection.stats.server.last_data, true);
        });
        assert_eq!(outcome(stuck_half), Outcome::Failed, "of any size, where more was to come");
        let again = |length: u32, times: u32| {
            let stuck = answered().stuck(Side::Server, length, times);
            outcome(stuck.change(|connection| {
                (connection.last_answer, connection.ended) = (connection.stats.server.last_data, true);
            }))
        };
        assert_eq!(again(1_448, 4), Outcome::Failed);
        assert_eq!(again(1_448, 1), Outcome::Ok, "one repeat is no wonder");
        assert_eq!(again(200, 4), Outcome::Ok, "small ones pass a narrow link");
    }
}
