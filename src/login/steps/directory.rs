//! LDAP and Kerberos requests and their answers.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::Flow;
use crate::model::At;
use crate::protocols::{kerberos, ldap};
use crate::text::WireText;

/// Kerberos or CLDAP over UDP with one server.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The server, and the client as it first asked.
    pub flow: Flow,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// CLDAP requests and their answers.
    pub ldap: Vec<DirectoryRequest>,
    /// Kerberos requests and their answers.
    pub kerberos: Vec<TicketRequest>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
}

/// An LDAP request of the device with what came back.
#[derive(Clone, Debug, Default)]
pub struct DirectoryRequest {
    /// The request and its repeats; empty where the capture lacks it.
    pub sent: Vec<At>,
    /// The request.
    pub request: Option<Arc<ldap::Message>>,
    /// Its messageID.
    pub id: u32,
    /// Entries that came.
    pub entries: u32,
    /// References to other servers that came.
    pub references: u32,
    /// CA certificates in the entries.
    pub certificates: u32,
    /// The last revocation list in the entries.
    pub revocation_list: Option<(At, Arc<[u8]>)>,
    /// Entries that name a host: of enrolment services, the one with the web pages.
    pub hosts: u32,
    /// The answer that completes it.
    pub answer: Option<(At, Arc<ldap::Message>)>,
}

impl Inquiry {
    /// The last answer.
    pub fn last_answer(&self) -> Option<At> {
        last_answer(&self.ldap, &self.kerberos)
    }
}

/// The last answer to any of these requests.
pub fn last_answer(ldap: &[DirectoryRequest], kerberos: &[TicketRequest]) -> Option<At> {
    let directory = ldap.iter().filter_map(|request| request.answer.as_ref()).map(|(at, _)| *at);
    let tickets = kerberos.iter().filter_map(|request| request.answer.as_ref()).map(|(at, _)| *at);
    directory.chain(tickets).max()
}

impl DirectoryRequest {
    /// The search, if it is one.
    pub fn search(&self) -> Option<&ldap::Search> {
        match &self.request.as_ref()?.body {
            ldap::Body::Search(search) => Some(search),
            _ => None,
        }
    }

    /// The bind, if it is one.
    pub fn bind(&self) -> Option<&ldap::Bind> {
        match &self.request.as_ref()?.body {
            ldap::Body::Bind(bind) => Some(bind),
            _ => None,
        }
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<&ldap::Outcome> {
        self.answer.as_ref().and_then(|(_, answer)| answer.outcome())
    }

    /// Did it bring what a device looks for that needs a CA?
    pub fn found_ca(&self) -> bool {
        self.certificates > 0 || self.hosts > 0
    }

    /// Is it answered by nothing but references to other servers?
    pub fn is_referred(&self) -> bool {
        self.search().is_some() && self.entries == 0 && self.references > 0
    }
}

/// A Kerberos request of the device with what came back.
#[derive(Clone, Debug)]
pub struct TicketRequest {
    /// The request and its repeats; empty where the capture lacks it.
    pub sent: Vec<At>,
    /// The request.
    pub request: Option<Arc<kerberos::Message>>,
    /// The port that it was last sent from.
    pub port: u16,
    /// The answer.
    pub answer: Option<(At, Arc<kerberos::Message>)>,
}

impl TicketRequest {
    /// Is it for the ticket of the service that changes passwords (RFC 3244 section 2)?
    pub fn is_for_password_change(&self) -> bool {
        let service = self.request.as_ref().and_then(|message| match &message.body {
            kerberos::Body::Request(request) => request.service.as_ref(),
            _ => None,
        });
        service.is_some_and(|service| service.raw().eq_ignore_ascii_case("kadmin/changepw"))
    }

    /// The refusal, where the answer is one.
    pub fn error(&self) -> Option<(At, &kerberos::Error)> {
        let (at, answer) = self.answer.as_ref()?;
        Some((*at, answer.error()?))
    }
}
