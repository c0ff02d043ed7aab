//! What is asked of a domain controller: LDAP and Kerberos, over TCP and UDP.

use std::sync::Arc;

use crate::event::Event;
use crate::flow::Transport;
use crate::model::SECOND;
use crate::protocols::{kerberos, ldap};

use super::super::dialogue;
use super::super::steps::{Inquiry, StepKind};
use super::{Draft, DraftId, Recorder, SAME_QUESTION, Thread};

/// A request to a directory over UDP that comes later than this, and repeats none, begins a new exchange.
const SAME_INQUIRY: i64 = SECOND;

impl Recorder {
    pub(super) fn ldap(&mut self, event: &Event, message: &Arc<ldap::Message>) {
        if event.flow.transport == Transport::Tcp {
            if let Some(connection) = self.connection(&event.flow, event.at) {
                dialogue::ldap(&mut connection.ldap, event.at, message);
            }
            return;
        }
        let goes_on = |inquiry: &Inquiry| dialogue::repeats_ldap(&inquiry.ldap, message);
        if let Some(inquiry) = self.inquiry(event, message.is_request(), goes_on) {
            dialogue::ldap(&mut inquiry.ldap, event.at, message);
        }
    }

    pub(super) fn kerberos(&mut self, event: &Event, message: &Arc<kerberos::Message>) {
        let client = event.flow.client.port();
        if event.flow.transport == Transport::Tcp {
            if let Some(connection) = self.connection(&event.flow, event.at) {
                dialogue::kerberos(&mut connection.kerberos, event.at, client, message);
            }
            return;
        }
        let goes_on = |inquiry: &Inquiry| dialogue::repeats_kerberos(&inquiry.kerberos, message);
        if let Some(inquiry) = self.inquiry(event, message.is_request(), goes_on) {
            dialogue::kerberos(&mut inquiry.kerberos, event.at, client, message);
        }
    }

    /// The exchange over UDP that a message goes on with: that of its server, if it repeats a question of it or comes soon.
    fn inquiry(&mut self, event: &Event, is_request: bool, repeats: impl Fn(&Inquiry) -> bool) -> Option<&mut Inquiry> {
        let server = event.flow.server;
        let goes_on = |id: &DraftId| match self.drafts.get(*id) {
            Some(Draft { kind: StepKind::Inquiry(inquiry), last, .. }) => {
                let age = event.at.time.since(last.time);
                !is_request || age < SAME_INQUIRY || age <= SAME_QUESTION && !self.moved_on(*id, last) && repeats(inquiry)
            }
            _ => false,
        };
        let open = self.threads.get(&Thread::Inquiry(server)).copied().filter(goes_on);
        let id = open.unwrap_or_else(|| {
            let name = self.names.name_of(server).map(|(name, _)| name);
            let inquiry = Inquiry { flow: event.flow, name, ldap: Vec::new(), kerberos: Vec::new(), unreachable: None };
            let id = self.begin(event.at, StepKind::Inquiry(Box::new(inquiry)));
            self.threads.insert(Thread::Inquiry(server), id);
            id
        });
        match self.touch(id, event.at)? {
            StepKind::Inquiry(inquiry) => Some(inquiry),
            _ => None,
        }
    }
}
