//! SIP over UDP and TCP (RFC 3261): the registration itself, where it is not encrypted.

use std::net::IpAddr;

use crate::model::Time;
use crate::protocols::{OverTcp, OverUdp, Protocol};
use crate::text::WireText;

mod auth;
mod fields;
mod headers;
mod parser;
mod probe;
#[cfg(test)]
mod tests;

/// The ports of SIP: in clear, and over TLS (RFC 3261 section 19.1.2).
pub const PORTS: [u16; 2] = [5060, 5061];

/// SIP over UDP and TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "sip",
    udp: Some(OverUdp { probe: probe::udp, read: parser::datagram }),
    tcp: Some(OverTcp { probe: probe::tcp, parser: || Box::new(parser::Parser::default()) }),
    link: None,
};

/// A SIP message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The first line.
    pub start: Start,
    /// `Call-ID`.
    pub call_id: WireText,
    /// `CSeq`: number and method.
    pub cseq: (u32, WireText),
    /// URI of `From`.
    pub from: Option<WireText>,
    /// URI of `To`.
    pub to: Option<WireText>,
    /// Host of the topmost `Via`.
    pub via: Option<WireText>,
    /// `branch` of the topmost `Via`, if it is one of its own for each transaction (RFC 3261 section 8.1.1.7); kept only where the
    /// capture cuts the head, and with it perhaps the number.
    pub branch: Option<WireText>,
    /// Addresses of `Contact`.
    pub contacts: Vec<WireText>,
    /// For how long, in seconds: the `expires` parameter of the first contact, or else `Expires` (RFC 3261 section 10.2.1.1).
    pub expires: Option<u32>,
    /// `Expires` alone, in seconds.
    pub expires_field: Option<u32>,
    /// `Min-Expires` (423), in seconds.
    pub min_expires: Option<u32>,
    /// `User-Agent`.
    pub user_agent: Option<WireText>,
    /// `Server`.
    pub server: Option<WireText>,
    /// `Authorization` or `Proxy-Authorization`.
    pub credentials: Vec<Auth>,
    /// `WWW-Authenticate` and `Proxy-Authenticate`.
    pub challenges: Vec<Auth>,
    /// `ms-diagnostics`, as sent.
    pub ms_diagnostics: Option<WireText>,
    /// `Warning` or `Reason`, as sent.
    pub warning: Option<WireText>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
    /// `Date`.
    pub date: Option<Time>,
    /// `Event`.
    pub event: Option<WireText>,
    /// Does the capture cut the head? Then headers that are not here may have been there.
    pub cut: bool,
    /// `received` parameter of the topmost Via, if it is an address.
    pub received: Option<IpAddr>,
    /// Who said it first, by the lowest Via, if that is an address and others have passed it on.
    pub origin: Option<IpAddr>,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A request.
    Request {
        /// Method.
        method: WireText,
        /// Request-URI.
        uri: WireText,
    },
    /// A response.
    Response {
        /// Status code.
        code: u16,
        /// Reason phrase.
        reason: WireText,
    },
}

/// A challenge or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// `Digest`, `NTLM`, `Kerberos`, `TLS-DSK`…
    pub scheme: WireText,
    /// `realm`.
    pub realm: Option<WireText>,
    /// `nonce`.
    pub nonce: Option<WireText>,
    /// `stale=true`: only the nonce is old (RFC 3261 section 22.4).
    pub stale: bool,
    /// `algorithm`.
    pub algorithm: Option<WireText>,
    /// `gssapi-data`, as sent: empty in the first NTLM leg.
    pub gssapi: Option<WireText>,
    /// `username`.
    pub username: Option<WireText>,
}

/// The address of a user, without the parameters and headers of its URI: `sip:user@domain`.
pub fn user(uri: &WireText) -> &str {
    let uri = uri.raw();
    // What stands before the `@` may hold semicolons (RFC 3261 section 25.1, user-unreserved).
    let host = uri.find('@').unwrap_or(0);
    let end = uri.get(host..).and_then(|rest| rest.find([';', '?'])).map_or(uri.len(), |at| host.saturating_add(at));
    uri.get(..end).unwrap_or_default()
}

impl Message {
    /// The status code of a response.
    pub fn code(&self) -> Option<u16> {
        match self.start {
            Start::Response { code, .. } => Some(code),
            Start::Request { .. } => None,
        }
    }

    /// The request that this response answers, as far as it repeats its head (RFC 3261 section 8.2.6): for a capture that holds
    /// the responses alone.
    pub fn answered(&self) -> Self {
        let start = Start::Request { method: self.cseq.1.clone(), uri: WireText::default() };
        let (contacts, challenges) = (Vec::new(), Vec::new());
        Self { start, contacts, challenges, expires: None, expires_field: None, cut: true, ..self.clone() }
    }

    /// Is this challenge to the request only the first, another leg of the same authentication, or a new nonce for the same
    /// password?
    pub fn has_another_leg(&self, challenge: &Self) -> bool {
        let empty = |auth: &Auth| auth.gssapi.as_ref().is_none_or(WireText::is_empty);
        let legs = |auth: &Auth| !["Digest", "Basic"].iter().any(|scheme| auth.scheme.raw().eq_ignore_ascii_case(scheme));
        // A phone of a mobile network names itself without a nonce before any challenge (RFC 3310 section 3).
        let names_itself = |auth: &Auth| auth.nonce.as_ref().is_some_and(WireText::is_empty);
        let first_leg = self.credentials.iter().all(|given| legs(given) && empty(given) || names_itself(given));
        first_leg || challenge.challenges.iter().any(|challenge| challenge.stale || !empty(challenge))
    }

    /// The method of a request, or the method that a response answers.
    pub fn method(&self) -> &str {
        match &self.start {
            Start::Request { method, .. } => method.raw(),
            Start::Response { .. } => self.cseq.1.raw(),
        }
    }
}
