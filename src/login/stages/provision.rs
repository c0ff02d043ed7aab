//! Stage `provision`: configuration files, over TFTP (RFC 1350) and HTTP. A phone asks for several names and needs one, so
//! that a missing file fails nothing where another came.

use super::{Horizon, Judged, connect, tls, web};
use crate::login::purpose;
use crate::login::steps::{Connection, Exchange, Purpose, StepKind, Transfer};
use crate::model::{At, By, How, Outcome, SECOND, Stage};
use crate::protocols::{http, tftp};

/// What TFTP clients wait for an answer: 1 to 5 seconds.
const WAIT: i64 = 5 * SECOND;

/// The port of Cisco's Trust Verification Service, which knows the certificates that a phone's trust list does not hold.
pub(crate) const TRUST_VERIFICATION: u16 = 2445;

/// For what a file is fetched over TFTP: what is no image is configuration.
pub(in crate::login) fn purpose(transfer: &Transfer) -> Purpose {
    match purpose::of_file(transfer.file.raw()) {
        _ if transfer.write => Purpose::Other,
        Purpose::Update => Purpose::Update,
        _ => Purpose::Provision,
    }
}

/// What became of a file over TFTP.
pub(in crate::login) fn judge_file(transfer: &Transfer, horizon: &Horizon<'_>) -> Judged {
    let stage = if purpose(transfer) == Purpose::Update { Stage::Update } else { Stage::Provision };
    let optional = purpose::is_optional_file(transfer.file.raw());
    // That an optional file came says nothing of the one that is needed.
    if transfer.write || (optional && transfer.complete.is_some()) {
        return Judged::unclear(stage);
    }
    if transfer.complete.is_some() {
        return Judged::ok(stage);
    }
    match (&transfer.error, transfer.unreachable, transfer.requests.last()) {
        (Some((at, code, _)), _, asked) if *code == tftp::error::OPTION => {
            // Who can do without asks again at once (RFC 2347).
            let asks_again = asked.is_some_and(|asked| asked > at);
            let over = !asks_again && !optional && horizon.end.since(at.time) >= WAIT;
            if over { Judged::failed(stage, By::Server, How::Rejected, *at) } else { Judged::unclear(stage) }
        }
        (Some(_), _, _) if optional && is_missing(transfer) => Judged::unclear(stage),
        (Some((at, _, _)), _, _) => Judged::failed(stage, By::Server, How::Rejected, *at),
        _ if transfer.aborted.is_none() && stalled(transfer).is_some() => {
            let last = stalled(transfer).unwrap_or_default();
            horizon.silent(stage, transfer.flow.server_ip(), last, transfer.acknowledged.len(), WAIT)
        }
        // Under way when the capture ended, or given up in the middle.
        _ if transfer.accepted.is_some() || transfer.aborted.is_some() => Judged::unclear(stage),
        (None, Some((at, _)), _) => Judged::failed(stage, By::Network, How::Icmp, at),
        (None, None, Some(at)) => horizon.silent(stage, transfer.flow.server_ip(), *at, transfer.requests.len(), WAIT),
        (None, None, None) => Judged::unclear(stage),
    }
}

/// The last time that the device acknowledged a block again and again because no other came (RFC 1350 section 4).
pub(crate) fn stalled(transfer: &Transfer) -> Option<At> {
    const AGAIN: usize = 3;
    let last = transfer.acknowledged.last().filter(|_| transfer.complete.is_none() && transfer.acknowledged.len() >= AGAIN)?;
    let waited = transfer.last_answer.map_or(0, |answer| last.time.since(answer.time));
    (waited >= SECOND).then_some(*last)
}

/// Did the server say that there is no such file? Some say it in the text alone.
pub(crate) fn is_missing(transfer: &Transfer) -> bool {
    transfer.error.as_ref().is_some_and(|(_, code, text)| match *code {
        tftp::error::NOT_FOUND => true,
        tftp::error::UNDEFINED => {
            let text = text.raw().to_ascii_lowercase();
            text.contains("not found") || text.contains("no such file")
        }
        _ => false,
    })
}

/// Did the server say that the device may not have what it asked for last?
pub(crate) fn is_denied(kind: &StepKind) -> bool {
    match kind {
        StepKind::File(transfer) => transfer.error.as_ref().is_some_and(|(_, code, _)| *code == tftp::error::ACCESS),
        StepKind::Connection(connection) => needed(connection).and_then(code).is_some_and(|code| matches!(code, 401 | 403 | 407)),
        _ => false,
    }
}

/// What became of a connection to a configuration server.
pub(in crate::login) fn judge(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Provision;
    if let Some(judged) = connect::judge(connection, STAGE, horizon) {
        return judged;
    }
    if connection.requests().next().is_none() {
        return web::judge(connection, STAGE, horizon);
    }
    if let Some(handshake) = connection.tls.as_ref().filter(|tls| tls.opened) {
        let judged = tls::judge(connection, handshake, STAGE, horizon);
        if judged.outcome != Outcome::Ok {
            return judged;
        }
    }
    if let Some(judged) = tls::swallowed(connection, STAGE, horizon) {
        return judged;
    }
    let is_part =
        |exchange: &Exchange| web::broken_off(exchange, connection).is_some() || web::stalled(exchange, connection).is_some();
    let is_whole = |exchange: &Exchange| is_delivered(exchange) && !is_part(exchange);
    let stuck = needed(connection).filter(|exchange| exchange.response.is_none() && is_stuck(connection));
    if stuck.is_none() && connection.http.iter().any(|exchange| is_needed(exchange) && is_whole(exchange)) {
        return Judged::ok(STAGE);
    }
    match needed(connection) {
        // The server leads elsewhere: what becomes of it shows there.
        Some(exchange) if leads_elsewhere(exchange) && !goes_in_a_circle(exchange, connection) => Judged::unclear(STAGE),
        Some(exchange) => web::judge_exchange(exchange, connection, STAGE, horizon),
        None => Judged::unclear(STAGE),
    }
}

/// Did the device send its last request again and again, and nobody acknowledged it? Then it is the way that fails, whatever came before.
fn is_stuck(connection: &Connection) -> bool {
    const AGAIN: u32 = 3;
    connection.stats.client.stuck_repeats >= AGAIN
}

fn leads_elsewhere(exchange: &Exchange) -> bool {
    code(exchange).is_some_and(|code| (300..400).contains(&code))
}

/// Was the device led back to the file of this exchange again and again (RFC 9110 section 15.4: a client is to notice that)?
pub(crate) fn goes_in_a_circle(exchange: &Exchange, connection: &Connection) -> bool {
    const AGAIN: usize = 3;
    let Some((_, request)) = &exchange.request else { return false };
    let same = |other: &&Exchange| {
        other.request.as_ref().is_some_and(|(_, other)| other.uri == request.uri && other.host == request.host)
    };
    connection.http.iter().filter(|other| leads_elsewhere(other)).filter(same).count() >= AGAIN
}

/// The last request of a connection for a file that the device needs.
pub(crate) fn needed(connection: &Connection) -> Option<&Exchange> {
    connection.http.iter().rev().find(|exchange| is_needed(exchange))
}

/// Uploads (of logs, as a rule) are no concern of a login, nor are files that may be missing.
fn is_needed(exchange: &Exchange) -> bool {
    let needs =
        |request: &http::Request| matches!(request.method.raw(), "GET" | "HEAD") && !purpose::is_optional_file(file(request));
    exchange.request.as_ref().is_none_or(|(_, request)| needs(request))
}

/// Is it software that is asked for, not configuration?
pub(crate) fn is_image(request: &http::Request) -> bool {
    purpose::of_request(request) == Purpose::Update
}

/// 304: the device has it already.
fn is_delivered(exchange: &Exchange) -> bool {
    code(exchange).is_some_and(|code| matches!(code, 200..=299 | 304))
}

fn code(exchange: &Exchange) -> Option<u16> {
    exchange.response.as_ref().map(|(_, response)| response.code)
}

fn file(request: &http::Request) -> &str {
    request.uri.raw().split(['?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::shared::testing_link::{Tftp, file};
    use crate::findings::testing::{IntoStep, Tcp, at_second, tcp};
    use crate::model::{Outcome, Side, Time};

    fn horizon(heard_from: &Hosts) -> Horizon<'_> {
        let end = crate::findings::testing::BEGIN.plus(600 * SECOND);
        Horizon::seen(end, Time::default(), heard_from)
    }

    fn web(connection: Tcp) -> (Outcome, Option<How>) {
        let step = connection.into_step(1);
        let StepKind::Connection(connection) = step.kind else { return (Outcome::Unseen, None) };
        let judged = judge(&connection, &horizon(&Hosts::default()));
        (judged.outcome, judged.ending.map(|ending| ending.how))
    }

    fn tftp(transfer: Tftp) -> (Outcome, Option<(By, How)>) {
        let StepKind::File(transfer) = transfer.into_step(1).kind else { return (Outcome::Unseen, None) };
        let up = Hosts::from(["10.0.0.69".parse().expect("an address")]);
        let judged = judge_file(&transfer, &horizon(&up));
        (judged.outcome, judged.ending.map(|ending| (ending.by, ending.how)))
    }

    fn get(path: &str, code: u16) -> Tcp {
        tcp(Purpose::Provision).get(path).answer(code)
    }

    #[test]
    fn what_a_device_may_not_have_is_another_thing_than_what_is_missing() {
        let denied = |connection: Tcp| is_denied(&connection.into_step(1).kind);
        assert!(denied(get("/46xxsettings.txt", 403)) && denied(get("/46xxsettings.txt", 401)));
        assert!(
            !denied(get("/46xxsettings.txt", 404)) && !denied(get("/46xxsettings.txt", 403).get("/46xxsettings.txt").answer(200))
        );
    }

    #[test]
    fn a_file_that_comes_is_enough_whatever_else_is_missing() {
        assert_eq!(web(get("/0004f21a2b3c.cfg", 200).get("/0004f21a2b3c-directory.xml").answer(404)), (Outcome::Ok, None));
        assert_eq!(web(get("/0004f21a2b3c.cfg", 404).get("/000000000000.cfg").answer(200)), (Outcome::Ok, None));
        assert_eq!(web(get("/0004f21a2b3c.cfg", 304)), (Outcome::Ok, None));
    }

    #[test]
    fn a_request_that_nobody_acknowledges_fails_whatever_came_before() {
        let asked = |repeats: u32| web(get("/a.cfg", 200).get("/b.cfg").stuck(Side::Client, 120, repeats)).0;
        assert_eq!((asked(5), asked(1)), (Outcome::Failed, Outcome::Ok));
    }

    #[test]
    fn a_needed_file_that_is_missing_or_refused_fails() {
        for code in [401, 403, 404, 500] {
            assert_eq!(web(get("/0004f21a2b3c.cfg", code)), (Outcome::Failed, Some(How::Rejected)), "{code}");
        }
        assert_eq!(web(get("/0004f21a2b3c-license.cfg", 200).get("/0004f21a2b3c.cfg").answer(404)).0, Outcome::Failed);
    }

    #[test]
    fn optional_files_uploads_and_redirects_fail_nothing() {
        assert_eq!(web(get("/CTLSEP0004F21A2B3C.tlv", 404)), (Outcome::Unclear, None));
        let upload = |request: &mut http::Request| request.method = "PUT".into();
        let put = tcp(Purpose::Provision).get_with("/0004f21a2b3c.cfg", upload).answer(403);
        assert_eq!(web(put), (Outcome::Unclear, None));
        assert_eq!(web(get("/0004f21a2b3c.cfg", 302)), (Outcome::Unclear, None));
        let around = get("/0004f21a2b3c.cfg", 302).get("/0004f21a2b3c.cfg").answer(302).get("/0004f21a2b3c.cfg").answer(302);
        assert_eq!(web(around), (Outcome::Failed, Some(How::Rejected)), "it leads to itself");
    }

    #[test]
    fn a_file_that_stops_in_its_middle_is_a_silence() {
        let acknowledged = |seconds: &[f64]| {
            let mut step = file("a.cfg").into_step(1);
            if let StepKind::File(transfer) = &mut step.kind {
                (transfer.accepted, transfer.last_answer) = (Some(at_second(2, 0.1)), Some(at_second(2, 0.1)));
                transfer.acknowledged = (3..).zip(seconds).map(|(frame, second)| at_second(frame, *second)).collect();
                return stalled(transfer).map(|at| at.frame.number());
            }
            None
        };
        assert_eq!(acknowledged(&[0.1, 4.1, 8.1]), Some(5));
        assert_eq!(acknowledged(&[0.1, 4.1]), None, "a block may be late once");
        assert_eq!(acknowledged(&[0.1, 0.11, 0.12]), None, "it has not waited");
    }

    #[test]
    fn a_web_answer_that_stops_in_its_middle_is_a_silence() {
        let half = |connection: &mut Connection| {
            let (_, response) = connection.http[0].response.as_mut().unwrap();
            std::sync::Arc::make_mut(response).body.arrived = false;
        };
        let left = |after: f64| {
            let part = get("/a.cfg", 200).data(Side::Server, 1460).change(half).pause(after);
            web(part.leaves(Side::Client, crate::login::steps::Close::Fin))
        };
        assert_eq!(left(30.0), (Outcome::Failed, Some(How::Timeout)));
        assert_eq!(left(1.0), (Outcome::Ok, None), "it had enough");
    }

    #[test]
    fn over_tftp_the_same_holds() {
        assert_eq!(tftp(file("a.cfg").whole()), (Outcome::Ok, None));
        assert_eq!(tftp(file("a.cfg").error(1, "File not found")), (Outcome::Failed, Some((By::Server, How::Rejected))));
        assert_eq!(tftp(file("CTLSEP0004F21A2B3C.tlv").error(1, "")), (Outcome::Unclear, None));
        assert_eq!(tftp(file("CTLSEP0004F21A2B3C.tlv").whole()), (Outcome::Unclear, None), "it stands for no configuration");
        assert_eq!(tftp(file("CTLSEP0004F21A2B3C.tlv").error(8, "options")), (Outcome::Unclear, None));
        assert_eq!(tftp(file("a.cfg").error(8, "options")), (Outcome::Failed, Some((By::Server, How::Rejected))), "and no more");
        assert_eq!(
            tftp(file("a.cfg").error(8, "options").again()),
            (Outcome::Unclear, None),
            "the client asks again without options"
        );
        assert_eq!(tftp(file("a.cfg").again()), (Outcome::Failed, Some((By::Network, How::Timeout))), "the server is up");
    }
}
