//! Stage `directory`: the domain controller, asked over LDAP and Kerberos. What was said in clear is followed request by
//! request; of what is encrypted, whether anything was answered shows all the same.

use std::net::IpAddr;

use super::{Horizon, Judged, connect, tls};
use crate::login::steps::{Connection, DirectoryRequest, Inquiry, StepKind, TicketRequest};
use crate::model::{At, By, How, Outcome, SECOND, Side, Stage};
use crate::protocols::kerberos::code as error_code;
use crate::protocols::{kerberos, ldap};

const STAGE: Stage = Stage::Directory;
/// What clients wait for an answer over UDP: one to three seconds.
const WAIT: i64 = 3 * SECOND;
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
    // Who is told that the password has expired may ask for a ticket to change it (RFC 3244): that lets nobody in.
    if request.is_for_password_change() {
        return state;
    }
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

/// Has the KDC said a no to which a client knows no other answer: the account is not to be used, or none of the encryption types that
/// the client has is taken (RFC 4120 section 3.1.3), and no other is named?
pub(in crate::login) fn is_last_word(asked: &StepKind) -> bool {
    let requests = match asked {
        StepKind::Inquiry(inquiry) => &inquiry.kerberos,
        StepKind::Connection(connection) => &connection.kerberos,
        _ => return false,
    };
    let error = requests.last().and_then(TicketRequest::error).map(|(_, error)| error);
    error.is_some_and(|error| match error.code {
        error_code::ETYPE_UNSUPPORTED => error.etypes.is_empty(),
        error_code::POLICY | error_code::CLIENT_REVOKED => true,
        _ => false,
    })
}

/// What became of a connection to the domain controller.
pub(in crate::login) fn judge(connection: &Connection, horizon: &Horizon<'_>) -> Judged {
    if let Some(judged) = connect::judge(connection, STAGE, horizon) {
        return judged;
    }
    if let Some(handshake) = &connection.tls {
        let judged = tls::judge(connection, handshake, STAGE, horizon);
        let is_read = handshake.opened && !(connection.ldap.is_empty() && connection.kerberos.is_empty());
        if judged.outcome != Outcome::Ok {
            return judged;
        }
        if !is_read || handshake.torn.is_some() {
            return unread(connection, horizon);
        }
    }
    let state = state(&connection.ldap, &connection.kerberos);
    match (state, connection.first_close()) {
        (State::Idle, _) => unread(connection, horizon),
        (State::Waiting(asked, _), _) => connect::unanswered(connection, STAGE, asked, horizon),
        (State::Challenged(_), Some((at, side, close))) => Judged::failed(STAGE, connect::by(side), connect::how(close), at),
        (State::Challenged(at), None) if horizon.moved_on_after(at.time) => Judged::failed(STAGE, By::Device, How::Abandoned, at),
        (State::Challenged(_), None) => Judged::unclear(STAGE),
        (State::Refused(at) | State::Unbound(at), Some(_)) => Judged::failed(STAGE, By::Server, How::Rejected, at),
        (State::Answered, Some((at, Side::Server, close))) if is_left_alone(at, horizon) => {
            Judged::failed(STAGE, By::Server, connect::how(close), at)
        }
        // It has tried both ways that there are, and takes its leave: nothing follows that the capture could lack.
        (State::Empty(at), Some((_, Side::Client, _))) if asked_for_all(&connection.ldap) => {
            Judged::failed(STAGE, By::Device, How::Abandoned, at)
        }
        (state, _) => settled(state, horizon),
    }
}

/// Did it look both for CA certificates and for the servers that hand them out?
fn asked_for_all(requests: &[DirectoryRequest]) -> bool {
    let any = |wanted: fn(&ldap::Search) -> bool| requests.iter().filter_map(DirectoryRequest::search).any(wanted);
    any(ldap::Search::is_for_authority) && any(ldap::Search::is_for_enrolment)
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
        // Whether another try would have followed, where the capture ends so soon, is asked when the attempt is closed.
        State::Refused(at) | State::Unbound(at) => Judged::failed(STAGE, By::Server, How::Rejected, at),
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::{self, IntoStep, Tcp, as_req, at, ip, krb_error, ldap_search, tcp, ticket};
    use crate::login::steps::{Close, Purpose};
    use crate::model::Time;
    use crate::text::WireText;

    const AUTHORITIES: &str = "(objectCategory=certificationAuthority)";
    const SERVICES: &str = "(objectCategory=pKIEnrollmentService)";

    fn controller() -> Tcp {
        tcp(Purpose::Directory).to("10.0.0.3", 389)
    }

    /// What became of it, in a capture that ends so long after it; `then` is when the device begins something else.
    fn judged(step: impl IntoStep, seconds: i64, then: Option<i64>) -> Judged {
        let step = step.into_step(1);
        let after = |seconds: i64| step.last.time.plus(seconds * SECOND);
        let heard_from = Hosts::from([ip("10.0.0.3")]);
        let last_begun: Time = then.map_or(step.first.time, after);
        let horizon = Horizon::seen(after(seconds), last_begun, &heard_from);
        match &step.kind {
            StepKind::Connection(connection) => judge(connection, &horizon),
            StepKind::Inquiry(inquiry) => judge_datagrams(inquiry, &horizon),
            other => panic!("no exchange with a directory: {other:?}"),
        }
    }

    fn rejected(frame: u64) -> Judged {
        Judged::failed(STAGE, By::Server, How::Rejected, at(frame))
    }

    #[test]
    fn a_bind_goes_well_by_way_of_its_middle() {
        assert_eq!(judged(controller().bind(14, "").bind(0, ""), 60, None), Judged::ok(STAGE));
    }

    #[test]
    fn the_frame_that_decides_is_the_answer_that_refuses() {
        let refused = controller().bind(14, "").bind(49, "data 52e").leaves(Side::Client, Close::Fin);
        assert_eq!(judged(refused, 0, None), rejected(6));
        assert_eq!(judged(controller().search(AUTHORITIES, 0, 50), 60, None), rejected(4));
    }

    #[test]
    fn what_is_found_without_a_bind_does_not_mend_the_bind() {
        let refused = controller().bind(49, "").search(AUTHORITIES, 0, 1).search(SERVICES, 0, 0);
        assert_eq!(judged(refused, 60, None), rejected(4));
        let found = controller().bind(49, "").search(AUTHORITIES, 1, 0).certificates(1);
        assert_eq!(judged(found, 60, None), Judged::ok(STAGE), "a directory that shows its CAs to all");
        assert_eq!(judged(controller().bind(49, "").bind(0, ""), 60, None), Judged::ok(STAGE), "the password typed again");
    }

    #[test]
    fn a_bind_that_the_device_leaves_in_the_middle_is_its_own_doing() {
        let left = controller().bind(14, "").leaves(Side::Client, Close::Rst);
        assert_eq!(judged(left, 0, None), Judged::failed(STAGE, By::Device, How::Rst, at(5)));
        assert_eq!(judged(controller().bind(14, ""), 60, Some(5)), Judged::failed(STAGE, By::Device, How::Abandoned, at(4)));
        assert_eq!(judged(controller().bind(14, ""), 0, None), Judged::unclear(STAGE), "the next step may be to come");
    }

    #[test]
    fn an_empty_first_search_before_a_good_second_one_is_healthy() {
        let by_host = controller().bind(0, "").search(AUTHORITIES, 0, 0).search(SERVICES, 1, 0).hosts(1);
        assert_eq!(judged(by_host, 60, None), Judged::ok(STAGE));
        let by_certificate = controller().bind(0, "").search(AUTHORITIES, 2, 0).certificates(2).search(SERVICES, 0, 0);
        assert_eq!(judged(by_certificate, 60, None), Judged::ok(STAGE));
    }

    #[test]
    fn a_device_that_finds_no_ca_and_stops_has_abandoned_its_login_there() {
        let empty = || controller().bind(0, "").search(AUTHORITIES, 0, 0).search(SERVICES, 0, 0);
        let abandoned = Judged::failed(STAGE, By::Device, How::Abandoned, at(8));
        assert_eq!(judged(empty().leaves(Side::Client, Close::Fin), 0, None), abandoned);
        assert_eq!(judged(empty(), 60, Some(4)), abandoned);
        assert_eq!(judged(empty(), 1, None), Judged::unclear(STAGE), "another source may follow");
        let one = controller().bind(0, "").search(AUTHORITIES, 0, 0).leaves(Side::Client, Close::Fin);
        assert_eq!(judged(one, 0, None), Judged::unclear(STAGE), "it has not asked for the other");
    }

    #[test]
    fn an_entry_without_a_certificate_is_no_ca_and_references_are_no_entries() {
        let bare = controller().bind(0, "").search(AUTHORITIES, 1, 0);
        assert_eq!(judged(bare, 60, None).ending.map(|ending| ending.how), Some(How::Abandoned));
        let referred = controller().bind(0, "").search(AUTHORITIES, 0, 0).referred(1);
        assert_eq!(judged(referred, 60, None), rejected(6));
    }

    #[test]
    fn a_search_before_the_bind_may_be_refused_once() {
        let healthy = controller().search(AUTHORITIES, 0, 1).bind(0, "").search(AUTHORITIES, 1, 0).certificates(1);
        assert_eq!(judged(healthy, 60, None), Judged::ok(STAGE));
    }

    #[test]
    fn a_request_without_an_answer_is_silence_when_the_device_gives_up() {
        let silent = controller().bind(0, "").ldap(ldap_search(AUTHORITIES), None);
        assert_eq!(judged(silent, 60, Some(15)), Judged::failed(STAGE, By::Unknown, How::Timeout, at(5)));
        let cut = controller().bind(0, "").ldap(ldap_search(AUTHORITIES), None);
        assert_eq!(judged(cut, 1, None), Judged::unclear(STAGE), "the capture ends too soon");
        let closed = controller().bind(0, "").ldap(ldap_search(AUTHORITIES), None).leaves(Side::Server, Close::Rst);
        assert_eq!(judged(closed, 60, None), Judged::failed(STAGE, By::Server, How::Rst, at(6)));
    }

    #[test]
    fn a_server_that_closes_after_its_answers_is_at_fault_only_if_the_device_stops_there() {
        let closed = || controller().bind(0, "").leaves(Side::Server, Close::Fin);
        assert_eq!(judged(closed(), 60, Some(5)), Judged::ok(STAGE));
        assert_eq!(judged(closed(), 1, None), Judged::ok(STAGE));
        assert_eq!(judged(closed(), 60, None), Judged::failed(STAGE, By::Server, How::Fin, at(5)));
    }

    #[test]
    fn the_first_refusals_of_kerberos_are_steps_of_it() {
        let healthy = testing::kerberos(vec![(as_req(false), Some(krb_error(25))), (as_req(true), Some(ticket()))]);
        assert_eq!(judged(healthy, 60, None), Judged::ok(STAGE));
        assert_eq!(
            judged(testing::kerberos(vec![(as_req(true), Some(krb_error(52)))]), 60, Some(5)),
            Judged::ok(STAGE),
            "now over TCP"
        );
    }

    #[test]
    fn a_refusal_of_kerberos_is_made_good_by_a_ticket_and_by_nothing_else() {
        let wrong = || testing::kerberos(vec![(as_req(false), Some(krb_error(25))), (as_req(true), Some(krb_error(24)))]);
        assert_eq!(judged(wrong(), 60, None), rejected(4));
        assert_eq!(judged(wrong(), 0, None), rejected(4), "whether it tries again is asked when the attempt is closed");
        for code in [14, 37] {
            let second = testing::kerberos(vec![(as_req(true), Some(krb_error(code))), (as_req(true), Some(ticket()))]);
            assert_eq!(judged(second, 60, None), Judged::ok(STAGE), "{code}");
        }
    }

    #[test]
    fn a_silent_kdc_is_silent_when_the_device_has_waited() {
        let silent = || testing::kerberos(vec![(as_req(false), None)]);
        assert_eq!(judged(silent(), 60, None), Judged::failed(STAGE, By::Network, How::Timeout, at(1)), "it answers elsewhere");
        assert_eq!(judged(silent(), 1, None), Judged::unclear(STAGE));
    }

    #[test]
    fn a_ticket_to_change_the_password_lets_nobody_in() {
        let change = kerberos::Body::Request(kerberos::Request {
            service: Some(WireText::from("kadmin/changepw")),
            ..match as_req(true).body {
                kerberos::Body::Request(request) => request,
                other => panic!("{other:?}"),
            }
        });
        let change = kerberos::Message { kind: kerberos::kind::AS_REQ, body: change };
        let expired = || (as_req(false), Some(krb_error(error_code::KEY_EXPIRED)));
        let only_to_change = testing::kerberos(vec![expired(), (change, Some(ticket()))]);
        assert_eq!(judged(only_to_change, 60, None), rejected(2));
        assert_eq!(judged(testing::kerberos(vec![expired(), (as_req(true), Some(ticket()))]), 60, None), Judged::ok(STAGE));
    }
}
