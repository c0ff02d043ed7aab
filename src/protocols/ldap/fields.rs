//! What `events` prints of LDAP.

use serde_json::Value;

use super::{Bind, Body, Message, Method, Outcome, Search};
use crate::formats::{ntlm, spnego};
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

impl Message {
    /// Does a client say this?
    pub fn is_request(&self) -> bool {
        matches!(self.operation, 0 | 2 | 3 | 6 | 8 | 10 | 12 | 14 | 16 | 23)
    }

    /// How it ended, where it says so.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.body {
            Body::Bound(outcome, _) | Body::Done(outcome) | Body::ExtendedDone(outcome, _) | Body::Answer(Some(outcome)) => {
                Some(outcome)
            }
            _ => None,
        }
    }
}

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "ldap"
    }

    fn event(&self) -> Option<&'static str> {
        if self.body == Body::Sealed {
            return None;
        }
        Some(match self.operation {
            0 => "bind_request",
            1 => "bind_response",
            2 => "unbind_request",
            3 => "search_request",
            4 => "search_entry",
            5 => "search_done",
            16 => "abandon_request",
            19 => "search_reference",
            23 => "extended_request",
            24 => "extended_response",
            _ if self.is_request() => "request",
            _ => "response",
        })
    }

    fn asker(&self) -> Asker {
        match self.body {
            // Who sent it does not show.
            Body::Sealed => Asker::Client,
            _ if self.is_request() => Asker::Sender,
            _ => Asker::Receiver,
        }
    }

    fn held(&self) -> usize {
        match &self.body {
            Body::Bind(bind) => bind.name.held().saturating_add(method(&bind.method)),
            Body::Bound(outcome, token) => outcome.text.held().saturating_add(token.as_ref().map_or(0, spnego::Token::held)),
            Body::Search(search) => {
                let attributes = search.attributes.iter().map(WireText::held);
                attributes.fold(search.base.held().saturating_add(search.filter.held()), usize::saturating_add)
            }
            Body::Entry(entry) => {
                let certificates = entry.certificates.iter().map(|certificate| certificate.held());
                let list = entry.revocation_list.as_ref().map_or(0, |list| list.len());
                certificates.chain([list, texts([&entry.host])]).fold(entry.name.held(), usize::saturating_add)
            }
            Body::Extended(name) => name.held(),
            Body::ExtendedDone(outcome, name) => outcome.text.held().saturating_add(texts([name])),
            Body::Done(outcome) | Body::Answer(Some(outcome)) => outcome.text.held(),
            Body::Reference | Body::Request | Body::Answer(None) | Body::Sealed => 0,
        }
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("ldap.messageID", self.id.into());
        put("ldap.protocolOp", self.operation.into());
        if let Some(outcome) = self.outcome() {
            put("ldap.resultCode", outcome.code.into());
            put_text("ldap.errorMessage", &outcome.text, put);
        }
        match &self.body {
            Body::Bind(bind) => bind_fields(bind, put),
            Body::Search(search) => search_fields(search, put),
            Body::Entry(entry) => {
                put("ldap.objectName", entry.name.raw().into());
                if let Some(host) = &entry.host {
                    put_text("dNSHostName", host, put);
                }
                if let Some(time) = entry.current_time {
                    put("currentTime", time.whole_seconds().into());
                }
                if !entry.certificates.is_empty() {
                    put("cACertificate", entry.certificates.iter().map(|certificate| certificate.fingerprint()).collect());
                }
            }
            Body::Extended(name) => put_text("ldap.requestName", name, put),
            Body::ExtendedDone(_, Some(name)) => put_text("ldap.responseName", name, put),
            _ => {}
        }
    }
}

fn bind_fields(bind: &Bind, put: &mut dyn FnMut(&'static str, Value)) {
    let choice = match &bind.method {
        Method::Simple { .. } => 0,
        Method::Sasl { mechanism, .. } => {
            put_text("ldap.mechanism", mechanism, put);
            3
        }
        Method::Sicily(choice, _) | Method::Other(choice) => *choice,
    };
    put("ldap.authentication", choice.into());
    put_text("ldap.name", &bind.name, put);
    if bind.ntlm().is_some()
        && let Some(user) = bind.user()
    {
        put_text("user", &user, put);
    }
}

fn search_fields(search: &Search, put: &mut dyn FnMut(&'static str, Value)) {
    put("ldap.baseObject", search.base.raw().into());
    put("ldap.scope", search.scope.into());
    put("filter", search.filter.raw().into());
    if !search.attributes.is_empty() {
        put("ldap.AttributeDescription", search.attributes.iter().map(WireText::raw).collect());
    }
}

fn put_text(key: &'static str, text: &WireText, put: &mut dyn FnMut(&'static str, Value)) {
    if !text.is_empty() {
        put(key, text.raw().into());
    }
}

/// Memory that it takes.
fn method(method: &Method) -> usize {
    match method {
        Method::Sasl { mechanism, token } => mechanism.held().saturating_add(token.as_ref().map_or(0, spnego::Token::held)),
        Method::Sicily(_, token) => token.as_ref().map_or(0, ntlm::Token::held),
        Method::Simple { .. } | Method::Other(_) => 0,
    }
}
