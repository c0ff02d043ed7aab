//! Messages of LDAP and Kerberos in, requests with their answers out. Joins, and judges nothing.

use std::sync::Arc;

use crate::model::At;
use crate::protocols::{kerberos, ldap};

use super::steps::{DirectoryRequest, TicketRequest};

/// Requests that are kept of one exchange; of more, the last.
const REQUESTS: usize = 128;
/// Repeats that are kept of one request; of more, the last.
const REPEATS: usize = 32;

fn add<T>(list: &mut Vec<T>, item: T, limit: usize) {
    if list.len() >= limit {
        list.pop();
    }
    list.push(item);
}

/// Joins an LDAP message to its request, by their messageID (RFC 4511 section 4.1.1.1).
pub(super) fn ldap(requests: &mut Vec<DirectoryRequest>, at: At, message: &ldap::Message) {
    match &message.body {
        ldap::Body::Sealed => {}
        // Nothing answers these (RFC 4511 sections 4.3 and 4.11).
        _ if matches!(message.operation, 2 | 16) => {}
        _ if message.is_request() => asked(requests, at, message),
        _ => answered(requests, at, message),
    }
}

fn asked(requests: &mut Vec<DirectoryRequest>, at: At, message: &ldap::Message) {
    if let Some(open) = requests.iter_mut().rev().find(|one| is_repeat(one, message)) {
        return add(&mut open.sent, at, REPEATS);
    }
    let request = DirectoryRequest { sent: vec![at], request: Some(Arc::new(message.clone())), ..unasked(message.id) };
    add(requests, request, REQUESTS);
}

fn is_repeat(open: &DirectoryRequest, message: &ldap::Message) -> bool {
    open.id == message.id && open.answer.is_none() && open.request.as_deref() == Some(message)
}

/// A request that the capture lacks.
fn unasked(id: u32) -> DirectoryRequest {
    DirectoryRequest { sent: Vec::new(), request: None, id, entries: 0, references: 0, certificates: 0, hosts: 0, answer: None }
}

fn answered(requests: &mut Vec<DirectoryRequest>, at: At, message: &ldap::Message) {
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
            open.hosts = open.hosts.saturating_add(u32::from(of_ca && entry.host.is_some()));
        }
        ldap::Body::Reference => open.references = open.references.saturating_add(1),
        // An entry that could not be read is one all the same.
        _ if message.operation == 4 => open.entries = open.entries.saturating_add(1),
        // intermediateResponse: the end is still to come.
        _ if message.operation == 25 => {}
        _ => open.answer = Some((at, Arc::new(message.clone()))),
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
pub(super) fn kerberos(requests: &mut Vec<TicketRequest>, at: At, port: u16, message: &kerberos::Message) {
    if message.is_request() {
        if let Some(open) = requests.iter_mut().rev().find(|open| is_same(open, message)) {
            open.port = port;
            return add(&mut open.sent, at, REPEATS);
        }
        let request = Some(Arc::new(message.clone()));
        return add(requests, TicketRequest { sent: vec![at], request, port, answer: None }, REQUESTS);
    }
    let answer = Some((at, Arc::new(message.clone())));
    let mut open = requests.iter_mut().rev().filter(|request| request.answer.is_none());
    match open.find(|request| request.port == port) {
        Some(request) => request.answer = answer,
        None => add(requests, TicketRequest { sent: Vec::new(), request: None, port, answer }, REQUESTS),
    }
}

fn is_same(open: &TicketRequest, message: &kerberos::Message) -> bool {
    open.answer.is_none() && open.request.as_deref() == Some(message)
}

/// Does a Kerberos request repeat one of these that is not answered?
pub(super) fn repeats_kerberos(requests: &[TicketRequest], message: &kerberos::Message) -> bool {
    requests.iter().any(|open| is_same(open, message))
}
