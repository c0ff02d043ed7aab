//! Messages of LDAP and Kerberos in, requests with their answers out. Joins, and judges nothing.

use std::sync::Arc;

use crate::model::At;
use crate::protocols::{kerberos, ldap};

use super::push;
use super::steps::{DirectoryRequest, TicketRequest};

/// Requests that are kept of one exchange; of more, the last.
const REQUESTS: usize = 128;
/// Repeats that are kept of one request; of more, the last.
const REPEATS: usize = 32;

fn add<T>(list: &mut Vec<T>, item: T, limit: usize) {
    if list.len() >= limit {
        list.pop();
    }
    push(list, item);
}

/// Joins an LDAP message to its request, by their messageID (RFC 4511 section 4.1.1.1).
pub(super) fn ldap(requests: &mut Vec<DirectoryRequest>, at: At, message: &Arc<ldap::Message>) {
    match &message.body {
        ldap::Body::Sealed => {}
        // Nothing answers these (RFC 4511 sections 4.3 and 4.11).
        _ if matches!(message.operation, 2 | 16) => {}
        _ if message.is_request() => asked(requests, at, message),
        _ => answered(requests, at, message),
    }
}

fn asked(requests: &mut Vec<DirectoryRequest>, at: At, message: &Arc<ldap::Message>) {
    if let Some(open) = requests.iter_mut().rev().find(|one| is_repeat(one, message)) {
        return add(&mut open.sent, at, REPEATS);
    }
    let request = DirectoryRequest { sent: vec![at], request: Some(Arc::clone(message)), ..unasked(message.id) };
    add(requests, request, REQUESTS);
}

fn is_repeat(open: &DirectoryRequest, message: &ldap::Message) -> bool {
    open.id == message.id && open.answer.is_none() && open.request.as_deref() == Some(message)
}

/// A request that the capture lacks.
fn unasked(id: u32) -> DirectoryRequest {
    DirectoryRequest { id, ..DirectoryRequest::default() }
}

fn answered(requests: &mut Vec<DirectoryRequest>, at: At, message: &Arc<ldap::Message>) {
    if !requests.iter().any(|one| one.id == message.id && one.answer.is_none()) {
        add(requests, unasked(message.id), REQUESTS);
    }
    let open = requests.iter_mut().rev().find(|one| one.id == message.id && one.answer.is_none());
    let Some(open) = open else { return };
    match &message.body {
        ldap::Body::Entry(entry) => {
            let of_ca = open.search().is_none_or(ldap::Search::is_for_ca);
            open.entries = open.entries.saturating_add(1);
            let certificates = u32::try_from(entry.certificates.len()).unwrap_or(u32::MAX);
            open.certificates = open.certificates.saturating_add(certificates);
            open.revocation_list = entry.revocation_list.clone().map(|list| (at, list)).or(open.revocation_list.take());
            open.hosts = open.hosts.saturating_add(u32::from(of_ca && entry.host.is_some()));
        }
        ldap::Body::Reference => open.references = open.references.saturating_add(1),
        // An entry that could not be read is one all the same.
        _ if message.operation == 4 => open.entries = open.entries.saturating_add(1),
        // intermediateResponse: the end is still to come.
        _ if message.operation == 25 => {}
        _ => open.answer = Some((at, Arc::clone(message))),
    }
}

/// Does an LDAP request repeat one of these that is not answered?
pub(super) fn repeats_ldap(requests: &[DirectoryRequest], message: &ldap::Message) -> bool {
    requests.iter().any(|one| is_repeat(one, message) || is_like(one, message))
}

/// Is it the same question, asked again under a new number?
fn is_like(open: &DirectoryRequest, message: &ldap::Message) -> bool {
    open.answer.is_none() && open.request.as_ref().is_some_and(|request| request.body == message.body)
}

/// Joins a Kerberos message to its request. Answers bear no number: over UDP the port tells, and else the order.
pub(super) fn kerberos(requests: &mut Vec<TicketRequest>, at: At, port: u16, message: &Arc<kerberos::Message>) {
    if message.is_request() {
        if let Some(open) = requests.iter_mut().rev().find(|open| is_same(open, message)) {
            open.port = port;
            return add(&mut open.sent, at, REPEATS);
        }
        let request = Some(Arc::clone(message));
        return add(requests, TicketRequest { sent: vec![at], request, port, answer: None }, REQUESTS);
    }
    let answer = Some((at, Arc::clone(message)));
    let mut open = requests.iter_mut().rev().filter(|request| request.answer.is_none());
    match open.find(|request| request.port == port) {
        Some(request) => request.answer = answer,
        None => add(requests, TicketRequest { sent: Vec::new(), request: None, port, answer }, REQUESTS),
    }
}

fn is_same(open: &TicketRequest, message: &kerberos::Message) -> bool {
    open.answer.is_none() && open.request.as_deref() == Some(message)
}

/// Does a Kerberos request repeat one of these that is not answered, be it under a new number?
pub(super) fn repeats_kerberos(requests: &[TicketRequest], message: &kerberos::Message) -> bool {
    requests.iter().any(|open| open.answer.is_none() && asks_the_same(open, message))
}

/// A client that makes its request anew for each try gives it another nonce (RFC 4120 section 5.4.1).
fn asks_the_same(open: &TicketRequest, message: &kerberos::Message) -> bool {
    let asked = open.request.as_ref().and_then(|request| request.request());
    asked.zip(message.request()).is_some_and(|(asked, again)| *asked == kerberos::Request { nonce: asked.nonce, ..again.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{as_req, at, krb_error, ldap_bind, ldap_search, tgs_req, ticket};
    use crate::text::WireText;

    fn asks(id: u32, operation: u8, body: ldap::Body) -> ldap::Message {
        ldap::Message { id, operation, body }
    }

    fn done(id: u32, code: u32) -> ldap::Message {
        let outcome = ldap::Outcome { code, text: WireText::default() };
        ldap::Message { id, operation: 5, body: ldap::Body::Done(outcome) }
    }

    fn entry(id: u32, host: Option<&str>) -> ldap::Message {
        let entry = ldap::Entry {
            name: WireText::from("CN=Contoso CA"),
            certificates: Vec::new(),
            revocation_list: None,
            host: host.map(WireText::from),
            current_time: None,
        };
        ldap::Message { id, operation: 4, body: ldap::Body::Entry(entry) }
    }

    fn heard(messages: &[ldap::Message]) -> Vec<DirectoryRequest> {
        let mut requests = Vec::new();
        for (frame, message) in (1..).zip(messages) {
            ldap(&mut requests, at(frame), &Arc::new(message.clone()));
        }
        requests
    }

    #[test]
    fn answers_find_their_requests_by_number_whatever_comes_between() {
        let search = ldap_search("(objectCategory=pKIEnrollmentService)");
        let messages = [asks(1, 0, ldap_bind()), asks(2, 3, search), entry(2, Some("ca.contoso.com")), done(2, 0), done(1, 0)];
        let requests = heard(&messages);
        assert_eq!(
            requests.iter().map(|one| one.answer.as_ref().map(|(at, _)| at.frame.number())).collect::<Vec<_>>(),
            [Some(5), Some(4)]
        );
        assert_eq!((requests[1].entries, requests[1].hosts, requests[1].found_ca()), (1, 1, true));
    }

    #[test]
    fn a_host_in_an_entry_that_nobody_asked_for_a_ca_is_no_source_of_one() {
        let messages = [asks(1, 3, ldap_search("(objectClass=computer)")), entry(1, Some("pc.contoso.com")), done(1, 0)];
        assert!(!heard(&messages)[0].found_ca());
    }

    #[test]
    fn a_number_that_is_used_again_is_another_request() {
        let search = || asks(1, 3, ldap_search("(objectClass=*)"));
        let requests = heard(&[search(), done(1, 0), search(), done(1, 32)]);
        assert_eq!(requests.iter().filter_map(|one| one.outcome()).map(|outcome| outcome.code).collect::<Vec<_>>(), [0, 32]);
        assert_eq!(heard(&[search(), search()]).iter().map(|one| one.sent.len()).collect::<Vec<_>>(), [2], "a repeated datagram");
    }

    #[test]
    fn an_answer_without_its_request_is_kept() {
        let requests = heard(&[done(7, 49)]);
        assert!(requests[0].request.is_none() && requests[0].outcome().is_some());
    }

    #[test]
    fn what_needs_no_answer_waits_for_none() {
        assert!(heard(&[asks(3, 2, ldap::Body::Request), asks(4, 16, ldap::Body::Request)]).is_empty());
    }

    #[test]
    fn tickets_go_to_the_request_of_their_port() {
        let mut requests = Vec::new();
        kerberos(&mut requests, at(1), 1045, &Arc::new(as_req(false)));
        kerberos(&mut requests, at(2), 1046, &Arc::new(tgs_req("HTTP/ca.contoso.com")));
        kerberos(&mut requests, at(3), 1045, &Arc::new(krb_error(25)));
        kerberos(&mut requests, at(4), 1046, &Arc::new(ticket()));
        assert_eq!(requests[0].error().map(|(at, error)| (at.frame.number(), error.code)), Some((3, 25)));
        assert!(requests[1].answer.is_some() && requests[1].error().is_none());
    }

    #[test]
    fn a_request_that_is_sent_again_is_the_same_one() {
        let mut requests = Vec::new();
        kerberos(&mut requests, at(1), 1045, &Arc::new(as_req(false)));
        assert!(repeats_kerberos(&requests, &as_req(false)));
        kerberos(&mut requests, at(2), 1047, &Arc::new(as_req(false)));
        assert_eq!(requests.iter().map(|one| one.sent.len()).collect::<Vec<_>>(), [2]);
        kerberos(&mut requests, at(3), 1047, &Arc::new(krb_error(25)));
        assert!(!repeats_kerberos(&requests, &as_req(false)), "it was answered");
    }

    #[test]
    fn a_request_that_is_made_anew_for_each_try_is_tried_again() {
        let with_nonce = |nonce: u32, service: &str| {
            let mut message = tgs_req(service);
            if let kerberos::Body::Request(request) = &mut message.body {
                request.nonce = nonce;
            }
            message
        };
        let mut requests = Vec::new();
        kerberos(&mut requests, at(1), 1045, &Arc::new(with_nonce(1, "ldap/dc01")));
        assert!(repeats_kerberos(&requests, &with_nonce(2, "ldap/dc01")));
        assert!(!repeats_kerberos(&requests, &with_nonce(2, "ldap/dc02")), "another ticket");
        kerberos(&mut requests, at(3), 1045, &Arc::new(krb_error(25)));
        assert!(!repeats_kerberos(&requests, &with_nonce(2, "ldap/dc01")), "it was answered");
    }

    #[test]
    fn a_list_without_end_keeps_its_last_request() {
        let mut requests = Vec::new();
        for id in 0..1000 {
            ldap(&mut requests, at(1), &Arc::new(asks(id, 3, ldap_search("(objectClass=*)"))));
        }
        assert_eq!((requests.len(), requests.last().map(|one| one.id)), (REQUESTS, Some(999)));
    }
}
