//! LDAP over TCP and CLDAP over UDP (RFC 4511, [MS-ADTS] 6.3.3): how a phone finds its domain and the CA certificates in it.
//! Passwords, hashes and tickets are never kept.

use std::sync::Arc;

use crate::formats::x509::Certificate;
use crate::formats::{ntlm, spnego};
use crate::model::{Side, Time};
use crate::protocols::{self, Guess, Out, OverTcp, OverUdp, Probe, Protocol};
use crate::text::{WireText, contains};

mod fields;
mod filter;
pub mod names;
mod parser;
mod stream;
#[cfg(test)]
mod tests;

/// LDAP, and the global catalogue of a forest.
const PORTS: &[u16] = &[389, 3268];
/// StartTLS (RFC 4511 section 4.14).
pub const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// Notice of disconnection (RFC 4511 section 4.4.1).
pub const DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// LDAP, as the dispatcher knows it.
pub static PROTOCOL: Protocol = Protocol {
    name: "ldap",
    udp: Some(OverUdp { probe: probe_datagram, read }),
    tcp: Some(OverTcp { probe: probe_stream, parser: || Box::new(stream::Stream::default()) }),
    link: None,
};

fn is_home(probe: &Probe<'_>) -> bool {
    PORTS.iter().any(|port| probe.on_port(*port))
}

fn probe_datagram(probe: &Probe<'_>) -> Guess {
    if is_home(probe) { parser::begins(probe.bytes) } else { Guess::No }
}

fn probe_stream(probe: &Probe<'_>) -> Guess {
    if is_home(probe) { stream::guess(probe.bytes) } else { Guess::No }
}

fn read(side: Side, bytes: &[u8], _whole: bool, out: &mut dyn Out) -> bool {
    let messages = parser::messages(bytes);
    let read = !messages.is_empty();
    for message in messages {
        out.message(side, protocols::Message::Ldap(Arc::new(message)));
    }
    read
}

/// Result codes (RFC 4511 section 4.1.9) that the login turns on.
pub mod code {
    /// It went well.
    pub const SUCCESS: u32 = 0;
    /// The next step of a SASL bind is to come.
    pub const SASL_BIND_IN_PROGRESS: u32 = 14;
    /// Name or password is wrong, or the account cannot be used.
    pub const INVALID_CREDENTIALS: u32 = 49;
}

/// An LDAPMessage, or what hides one.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// messageID; 0 is the server speaking unasked.
    pub id: u32,
    /// The number of the operation: 0 bindRequest, 1 bindResponse…
    pub operation: u8,
    /// What it holds.
    pub body: Body,
}

/// What an operation holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// bindRequest.
    Bind(Bind),
    /// bindResponse, with the mechanism's token.
    Bound(Outcome, Option<spnego::Token>),
    /// searchRequest.
    Search(Search),
    /// searchResEntry.
    Entry(Entry),
    /// searchResRef: look elsewhere.
    Reference,
    /// searchResDone.
    Done(Outcome),
    /// extendedReq, by its OID.
    Extended(WireText),
    /// extendedResp, by its OID where it has one.
    ExtendedDone(Outcome, Option<WireText>),
    /// Any other request, or one that could not be read.
    Request,
    /// Any other answer, or one that could not be read.
    Answer(Option<Outcome>),
    /// A message under SASL's encryption (RFC 4513 section 5.2.1.6); it has no number that shows.
    Sealed,
}

/// bindRequest.
#[derive(Clone, Debug, PartialEq)]
pub struct Bind {
    /// The name to bind as; empty with SASL, as a rule.
    pub name: WireText,
    /// How.
    pub method: Method,
}

/// How a client shows who it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// A password in clear; without one it is anonymous (RFC 4513 section 5.1).
    Simple {
        /// Is there no password?
        anonymous: bool,
    },
    /// SASL.
    Sasl {
        /// `GSS-SPNEGO`, `GSSAPI`, `NTLM`…
        mechanism: WireText,
        /// The mechanism's token.
        token: Option<spnego::Token>,
    },
    /// Active Directory's own NTLM ([MS-ADTS] 5.1.1.1.3): 9 asks for it, 10 and 11 are its legs.
    Sicily(u8, Option<ntlm::Token>),
    /// Another choice, or one that could not be read.
    Other(u8),
}

impl Bind {
    /// Is nobody in particular bound?
    pub fn is_anonymous(&self) -> bool {
        matches!(self.method, Method::Simple { anonymous: true })
    }

    /// The leg of NTLM that it carries.
    pub fn ntlm(&self) -> Option<&ntlm::Token> {
        match &self.method {
            Method::Sasl { token: Some(spnego::Token::Ntlm(token)), .. } | Method::Sicily(_, Some(token)) => Some(token),
            _ => None,
        }
    }

    /// Who it says that it is, in clear: `DOMAIN\user`, or the name.
    pub fn user(&self) -> Option<WireText> {
        match self.ntlm() {
            Some(ntlm::Token::Authenticate { domain, user, .. }) if !user.is_empty() => {
                Some(WireText::from(format!("{}\\{}", domain.raw(), user.raw())))
            }
            _ => Some(self.name.clone()).filter(|name| !name.is_empty()),
        }
    }
}

/// searchRequest.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Where it begins; empty for what the server says of itself (rootDSE).
    pub base: WireText,
    /// 0 base, 1 one level, 2 subtree.
    pub scope: u32,
    /// The filter, as RFC 4515 writes it.
    pub filter: WireText,
    /// The attributes that are wanted; empty for all.
    pub attributes: Vec<WireText>,
}

impl Search {
    /// Does it look for CA certificates, or for the servers that hand them out?
    pub fn is_for_ca(&self) -> bool {
        self.is_for_authority() || self.is_for_enrolment()
    }

    /// Does it look for CA certificates?
    pub fn is_for_authority(&self) -> bool {
        let wants = |attribute: &WireText| is_attribute(attribute.raw().as_bytes(), "cACertificate");
        self.names_class(["certificationauthority", "certification-authority"])
            || self.attributes.iter().any(wants) && !self.is_for_enrolment()
    }

    /// Does it look for the servers that hand them out?
    pub fn is_for_enrolment(&self) -> bool {
        self.names_class(["pkienrollmentservice", "pki-enrollment-service"])
    }

    /// Does it look for a revocation list (RFC 4523 section 2.5)?
    pub fn is_for_revocation_list(&self) -> bool {
        let wants = |name| self.attributes.iter().any(|attribute| is_attribute(attribute.raw().as_bytes(), name));
        wants("certificateRevocationList") || wants("deltaRevocationList")
    }

    /// Clients name a class by its LDAP name or, in objectCategory, by that of its schema object ([MS-ADSC]).
    fn names_class(&self, spellings: [&str; 2]) -> bool {
        spellings.iter().any(|spelling| contains(self.filter.raw(), spelling))
    }

    /// Does it ask what the server says of itself (RFC 4512 section 5.1)?
    pub fn is_for_root(&self) -> bool {
        self.base.is_empty() && self.scope == 0
    }
}

/// Is this description one of that attribute, whatever its options (`cACertificate;binary`)?
fn is_attribute(description: &[u8], name: &str) -> bool {
    let (own, options) = description.split_at_checked(name.len()).unwrap_or_default();
    own.eq_ignore_ascii_case(name.as_bytes()) && options.first().is_none_or(|first| *first == b';')
}

/// searchResEntry: of its attributes, what a login can stand on.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose.
    pub name: WireText,
    /// `cACertificate`.
    pub certificates: Vec<Arc<Certificate>>,
    /// `certificateRevocationList`, as it is encoded; a long one is left out.
    pub revocation_list: Option<Arc<[u8]>>,
    /// `dNSHostName`: of an enrolment service, the host with the web pages.
    pub host: Option<WireText>,
    /// `currentTime`: the server's clock.
    pub current_time: Option<Time>,
}

/// LDAPResult.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// resultCode.
    pub code: u32,
    /// diagnosticMessage.
    pub text: WireText,
}

impl Outcome {
    /// Active Directory's reason for a refused bind, in hexadecimal: the `52e` of `…AcceptSecurityContext error, data 52e, …`.
    pub fn data(&self) -> Option<u32> {
        let (_, rest) = self.text.raw().split_once("data ")?;
        let digits = rest.split(|c: char| !c.is_ascii_hexdigit()).next()?;
        u32::from_str_radix(digits, 16).ok()
    }
}
