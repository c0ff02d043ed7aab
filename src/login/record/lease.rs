//! DHCPv4 exchanges.

use std::sync::Arc;

use crate::model::At;
use crate::protocols::dhcp;

use super::super::steps::{Lease, StepKind};
use super::{DraftId, Recorder, Thread, add, add_newest};

impl Recorder {
    pub(super) fn dhcp(&mut self, at: At, message: &Arc<dhcp::Message>, vlan: Option<u16>) {
        let Some(kind) = message.kind else { return };
        self.is_beyond_time &= kind != dhcp::kind::DISCOVER;
        if kind == dhcp::kind::ACK {
            self.names.learn_web_service(message);
        }
        let id = match self.threads.get(&Thread::Lease(message.transaction)).copied() {
            Some(id) if !self.begins_anew(id, kind) => id,
            _ => {
                let (transaction, client) = (message.transaction, message.hardware_address);
                let lease = Lease { transaction, client, vlan, ..Lease::default() };
                let id = self.begin(at, StepKind::Lease(Box::new(lease)));
                self.threads.insert(Thread::Lease(message.transaction), id);
                id
            }
        };
        let Some(StepKind::Lease(lease)) = self.touch(id, at) else { return };
        record_dhcp(lease, at, message);
    }

    /// The device uses the address that it was last offered.
    pub(super) fn takes_up_offer(&mut self, at: At) {
        let leases = self.drafts.values_mut().rev().filter_map(|draft| match &mut draft.kind {
            StepKind::Lease(lease) => Some(lease),
            _ => None,
        });
        if let Some(lease) = leases.into_iter().next() {
            lease.used = lease.used.or(Some(at));
        }
    }

    /// A DISCOVER after a NAK, or after a lease was given, begins anew even under the same transaction number.
    pub(super) fn begins_anew(&self, id: DraftId, kind: u8) -> bool {
        match self.drafts.get(id).map(|draft| &draft.kind) {
            Some(StepKind::Lease(lease)) => {
                kind == dhcp::kind::DISCOVER && (lease.is_acknowledged() || !lease.naks.is_empty() || !lease.declines.is_empty())
            }
            _ => true,
        }
    }
}

fn record_dhcp(lease: &mut Lease, at: At, message: &Arc<dhcp::Message>) {
    if message.operation == 1 {
        lease.vendor_class = message.vendor_class().or(lease.vendor_class.take());
        let list = message.parameter_list();
        if !list.is_empty() {
            lease.parameter_list = list;
        }
    }
    let told = || (at, Arc::clone(message));
    match message.kind {
        Some(dhcp::kind::DISCOVER) => add_newest(&mut lease.discovers, at),
        Some(dhcp::kind::OFFER) => add(&mut lease.offers, told()),
        Some(dhcp::kind::REQUEST) => {
            lease.renews |= !message.client.is_unspecified();
            add_newest(&mut lease.requests, (at, message.server_id()));
        }
        Some(dhcp::kind::ACK) => add(&mut lease.acks, told()),
        Some(dhcp::kind::NAK) => add(&mut lease.naks, told()),
        Some(dhcp::kind::DECLINE) => add(&mut lease.declines, at),
        Some(dhcp::kind::RELEASE) => add(&mut lease.releases, at),
        Some(dhcp::kind::INFORM) => add_newest(&mut lease.informs, at),
        _ => {}
    }
}
