//! Stage `enrolment` (and other errands over HTTP): what the web server said in the end.

use super::{Horizon, Judged, connect, tls};
use crate::formats::pkcs7;
use crate::login::steps::{Connection, Exchange};
use crate::model::{At, By, How, Stage};
use crate::protocols::http;

/// What became of a web errand.
pub(in crate::login) fn judge(connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Judged {
    if let Some(judged) = connect::judge(connection, stage, horizon) {
        return judged;
    }
    if let Some(handshake) = &connection.tls {
        let judged = tls::judge(connection, handshake, stage, horizon);
        let answered = handshake.answered_bursts > 0;
        // Under TLS, an answer that the device went on from was a good one.
        return if judged.outcome == crate::model::Outcome::Ok && !answered { Judged::unclear(stage) } else { judged };
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
    match (&exchange.request, &exchange.response) {
        (_, Some((at, response))) => judge_response(*at, exchange, response, stage),
        (Some((asked, _)), None) => connect::unanswered(connection, stage, *asked, horizon),
        (None, None) => Judged::unclear(stage),
    }
}

fn judge_response(at: At, exchange: &Exchange, response: &http::Response, stage: Stage) -> Judged {
    match response.code {
        200..=299 if is_bad_content(exchange, response) => Judged::failed(stage, By::Device, How::Abandoned, at),
        200..=299 => Judged::ok(stage),
        _ => Judged::failed(stage, By::Server, How::Rejected, at),
    }
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
    let wanted = path.contains("certnew.") || [".p7b", ".p7c", ".cer", ".crt"].iter().any(|ending| file.ends_with(ending));
    wanted && response.body.complete && pkcs7::certificates(&response.body.bytes).certificates.is_empty()
}
