//! Kerberos 5 with a KDC, over UDP and TCP (RFC 4120): whether a phone's user is let in, and if not, why. Of tickets and
//! encrypted parts nothing is kept.

use std::sync::Arc;

use crate::model::{Side, Time};
use crate::protocols::{self, Guess, Out, OverTcp, OverUdp, Probe, Protocol};
use crate::text::WireText;

mod fields;
pub mod names;
mod parser;
mod stream;
#[cfg(test)]
mod tests;

/// The port of a KDC.
const PORT: u16 = 88;

/// Kerberos, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol {
    name: "kerberos",
    udp: Some(OverUdp { probe: probe_datagram, read }),
    tcp: Some(OverTcp { probe: probe_stream, parser: || Box::new(stream::Stream::default()) }),
    link: None,
};

fn probe_datagram(probe: &Probe<'_>) -> Guess {
    if probe.on_port(PORT) && parser::begins(probe.bytes) == Guess::Yes { Guess::Yes } else { Guess::No }
}

fn probe_stream(probe: &Probe<'_>) -> Guess {
    if probe.on_port(PORT) { stream::guess(probe.bytes) } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], _whole: bool, out: &mut dyn Out) -> bool {
    let message = parser::parse(bytes);
    let read = message.is_some();
    if let Some(message) = message {
        out.message(side, protocols::Message::Kerberos(Arc::new(message)));
    }
    read
}

/// Message types (RFC 4120 section 7.5.7).
pub mod kind {
    /// A request for a first ticket.
    pub const AS_REQ: u8 = 10;
    /// The ticket.
    pub const AS_REP: u8 = 11;
    /// A request for a service's ticket.
    pub const TGS_REQ: u8 = 12;
    /// The ticket.
    pub const TGS_REP: u8 = 13;
    /// A ticket shown to a service.
    pub const AP_REQ: u8 = 14;
    /// The service's proof.
    pub const AP_REP: u8 = 15;
    /// A refusal.
    pub const ERROR: u8 = 30;
}

/// Error codes (RFC 4120 section 7.5.9) that the login turns on.
pub mod code {
    /// The client's entry in the database has expired (MIT's KDC says so; Active Directory says `CLIENT_REVOKED`).
    pub const CLIENT_EXPIRED: i32 = 1;
    /// The client is not in the database.
    pub const CLIENT_UNKNOWN: i32 = 6;
    /// The service is not in the database.
    pub const SERVICE_UNKNOWN: i32 = 7;
    /// Policy: logon hours, workstation.
    pub const POLICY: i32 = 12;
    /// No encryption type in common.
    pub const ETYPE_UNSUPPORTED: i32 = 14;
    /// The account is locked, disabled or expired.
    pub const CLIENT_REVOKED: i32 = 18;
    /// The password has expired.
    pub const KEY_EXPIRED: i32 = 23;
    /// Pre-authentication failed: the password is wrong.
    pub const PREAUTH_FAILED: i32 = 24;
    /// Pre-authentication is wanted: the healthy first answer.
    pub const PREAUTH_REQUIRED: i32 = 25;
    /// The clocks are too far apart.
    pub const SKEW: i32 = 37;
    /// The answer is too long for UDP: ask again over TCP.
    pub const RESPONSE_TOO_BIG: i32 = 52;
}

/// A Kerberos message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// msg-type.
    pub kind: u8,
    /// What it holds.
    pub body: Body,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// AS-REQ or TGS-REQ.
    Request(Request),
    /// KRB-ERROR.
    Error(Error),
    /// Another message, or one that could not be read.
    Other,
}

/// AS-REQ or TGS-REQ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks (an AS-REQ says so): `kim`.
    pub client: Option<WireText>,
    /// The realm.
    pub realm: WireText,
    /// For what: `krbtgt/CONTOSO.COM`, `ldap/dc01.contoso.com`.
    pub service: Option<WireText>,
    /// Encryption types that it offers, in its order.
    pub etypes: Vec<i32>,
    /// Does it carry PA-ENC-TIMESTAMP, a time that only the password can have encrypted?
    pub has_timestamp: bool,
    /// Tells one request from another.
    pub nonce: u32,
}

/// KRB-ERROR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// error-code.
    pub code: i32,
    /// stime: the server's clock.
    pub server_time: Option<Time>,
    /// ctime: the client's, as the server took it from the request.
    pub client_time: Option<Time>,
    /// The service's realm.
    pub realm: WireText,
    /// The service.
    pub service: WireText,
    /// The client.
    pub client: Option<WireText>,
    /// e-text.
    pub text: Option<WireText>,
    /// Encryption types that e-data names for this client.
    pub etypes: Vec<i32>,
    /// The NTSTATUS in e-data ([MS-KILE] 2.2.2).
    pub status: Option<u32>,
}

impl Message {
    /// The refusal, where it is one.
    pub fn error(&self) -> Option<&Error> {
        match &self.body {
            Body::Error(error) => Some(error),
            _ => None,
        }
    }

    /// The request, where it is one.
    pub fn request(&self) -> Option<&Request> {
        match &self.body {
            Body::Request(request) => Some(request),
            _ => None,
        }
    }

    /// Does a client say this to a KDC?
    pub fn is_request(&self) -> bool {
        matches!(self.kind, kind::AS_REQ | kind::TGS_REQ | kind::AP_REQ)
    }
}
