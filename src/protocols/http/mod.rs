//! HTTP/1 (RFC 9112): web enrolment, configuration files, update checks. Answers are joined to their requests here.

use std::sync::Arc;

use crate::formats::ntlm;
use crate::model::Time;
use crate::protocols::{OverTcp, Protocol};
use crate::text::{WireText, begins};

mod body;
mod fields;
mod head;
mod parser;
mod probe;
#[cfg(test)]
mod tests;

/// HTTP/1 over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    udp: None,
    tcp: Some(OverTcp { probe: probe::tcp, parser: || Box::new(parser::Parser::default()) }),
    link: None,
};

/// How much of a decoded body is kept, in bytes: far more than any certificate bundle.
pub const BODY_LIMIT: usize = 1 << 20;

/// A request or a response head (with its body, where that is complete or has ended).
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A request.
    Request(Arc<Request>),
    /// A final or interim response.
    Response(Arc<Response>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Method.
    pub method: WireText,
    /// Request target as sent.
    pub uri: WireText,
    /// `Host`.
    pub host: Option<WireText>,
    /// `User-Agent`.
    pub user_agent: Option<WireText>,
    /// `Content-Type` of the request's own body.
    pub content_type: Option<WireText>,
    /// `Authorization` (or `Proxy-Authorization`), as sent.
    pub authorization: Option<WireText>,
    /// Is that the `Proxy-Authorization`?
    pub to_proxy: bool,
    /// The credentials, understood.
    pub credentials: Option<Credentials>,
    /// Does it say that whoever sends it asks for another: `Via`, `Forwarded` (RFC 9110 section 7.6.3, RFC 7239), or what was custom
    /// before?
    pub is_passed_on: bool,
    /// Which request of its connection, from 0.
    pub index: u32,
}

impl Request {
    /// The host to which it asks for a tunnel (RFC 9110 section 9.3.6).
    pub fn tunnel(&self) -> Option<WireText> {
        let (host, _) = self.uri.raw().rsplit_once(':').filter(|_| self.method.raw() == "CONNECT")?;
        Some(WireText::from(host))
    }

    /// Does it name another host with its scheme, as a proxy is asked (RFC 9112 section 3.2.2)?
    fn names_host(&self) -> bool {
        begins(self.uri.raw(), "http://") || begins(self.uri.raw(), "https://")
    }

    /// Memory that it takes.
    fn held(&self) -> usize {
        let texts = [Some(&self.method), Some(&self.uri), self.host.as_ref(), self.user_agent.as_ref()];
        let more = [self.content_type.as_ref(), self.authorization.as_ref()];
        texts.into_iter().chain(more).flatten().map(WireText::held).fold(size_of::<Self>(), usize::saturating_add)
    }
}

/// A response.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// Status code.
    pub code: u16,
    /// `Server`.
    pub server: Option<WireText>,
    /// `Content-Type`.
    pub content_type: Option<WireText>,
    /// `Location`.
    pub location: Option<WireText>,
    /// `WWW-Authenticate` (all of them, in order, as sent).
    pub www_authenticate: Vec<WireText>,
    /// `Proxy-Authenticate`, likewise.
    pub proxy_authenticate: Vec<WireText>,
    /// `Date`: the server's clock.
    pub date: Option<Time>,
    /// NTLM challenge (type 2) inside an authentication header.
    pub ntlm: Option<ntlm::Token>,
    /// Does it say that whoever sends it passes it on (`Via`)?
    pub is_passed_on: bool,
    /// The request that it answers, if that was seen.
    pub request: Option<Arc<Request>>,
    /// The body, transfer and content codings undone.
    pub body: Body,
}

impl Response {
    /// Is it that of a proxy: it opened a tunnel, or passed on the answer of the host that was asked? Any server may be asked so, and
    /// answer for itself.
    pub fn is_of_proxy(&self) -> bool {
        let asked = self.request.as_ref();
        let opened = asked.is_some_and(|request| request.tunnel().is_some()) && matches!(self.code, 200..=299);
        opened || self.is_passed_on && asked.is_some_and(|request| request.names_host())
    }
}

/// A body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body {
    /// The first [`BODY_LIMIT`] bytes, decoded.
    pub bytes: Arc<[u8]>,
    /// Did all of it arrive, and was it decoded and kept?
    pub complete: bool,
    /// Did all of it arrive, kept or not?
    pub arrived: bool,
}

/// What an `Authorization` header carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// `Basic`.
    Basic,
    /// `Digest`.
    Digest,
    /// `Bearer` or another scheme, named.
    Other(WireText),
    /// NTLM, bare or inside `Negotiate`.
    Ntlm(ntlm::Token),
    /// `Negotiate` with a Kerberos or SPNEGO token.
    Negotiate,
}

impl Credentials {
    /// Is this the leg after which a refusal is final? (NTLM type 1 only asks for a challenge.)
    pub fn is_final_leg(&self) -> bool {
        !matches!(self, Credentials::Ntlm(ntlm::Token::Negotiate | ntlm::Token::Other(_)))
    }
}
