//! How much memory what is known of a device takes, and how it is cut down.

use super::facts::{ClockWitness, DeviceFacts, FetchedFile};
use super::hosts::Hosts;
use crate::bytes::share;
use crate::model::At;
use crate::protocols::Describe as _;
use crate::text::WireText;

/// A lease that takes more than this is not kept where there is too much of everything.
const SMALL_LEASE: usize = 4 << 10;
/// What an entry of a set takes, about.
const SET_ENTRY: usize = 32;

/// What was measured last: it stands as long as nothing was added.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extent {
    entries: usize,
    held: usize,
}

impl Extent {
    /// Memory that it takes, about.
    pub(super) fn held(&mut self, facts: &DeviceFacts) -> usize {
        let entries = facts.entries();
        if entries != self.entries {
            *self = Extent { entries, held: facts.held() };
        }
        self.held
    }
}

impl DeviceFacts {
    /// The lists of texts.
    fn texts(&self) -> [&Vec<WireText>; 10] {
        [
            &self.vendor_classes,
            &self.user_classes,
            &self.vendor_identities,
            &self.server_names,
            &self.user_agents,
            &self.names_asked,
            &self.paths_asked,
            &self.sip_domains,
            &self.users,
            &self.described,
        ]
    }

    /// How much there is of everything that can grow.
    fn entries(&self) -> usize {
        let lease = self.lease.as_ref().map_or(0, |(_, lease)| lease.options.len());
        // Another may take its place.
        let certificate = self.own_certificate.as_ref().map_or(0, |one| one.der.len());
        let texts: usize = self.texts().map(Vec::len).iter().sum();
        // This is asked after each event, hence without a list of them. Lists that lie in memory cannot have more entries together
        // than a number can say.
        lease
            + certificate
            + texts
            + self.parameter_list.len()
            + self.fetched.len()
            + self.intermediates.len()
            + self.clocks.len()
            + self.heard_from.len()
            + self.sip_hosts.len()
            + self.ports_opened.len()
            + self.restarts.len()
            + self.refusals.len()
            + self.discovers_in_vain.len()
            + self.vlan_stays.len()
            + self.files.len()
            + self.answered.len()
            + self.accepted.len()
            + self.issuers_by_name.len()
    }

    fn held(&self) -> usize {
        let certificates = self.fetched.iter().map(|(_, one)| one.held());
        let issuers = self.issuers_by_name.iter().map(|(name, issuer, _)| name.held().saturating_add(issuer.len()));
        let files = self.files.iter().map(|file| size_of::<FetchedFile>().saturating_add(file.name.held()));
        let lists = certificates.chain(issuers).chain(files).fold(0, usize::saturating_add);
        let fixed = [
            size_of::<Self>(),
            self.lease.as_ref().map_or(0, |(_, lease)| share(lease, lease.held())),
            self.parameter_list.len(),
            self.host_name.as_ref().map_or(0, WireText::held),
            self.own_certificate.as_ref().map_or(0, |one| one.held()),
            self.intermediates.held(),
            self.clocks.len().saturating_mul(size_of::<ClockWitness>()),
            self.heard_from
                .len()
                .saturating_add(self.sip_hosts.len())
                .saturating_add(self.ports_opened.len())
                .saturating_mul(SET_ENTRY),
            self.restarts.len().saturating_add(self.answered.len()).saturating_mul(size_of::<At>()),
            size_of_val(self.accepted.as_slice()),
            size_of_val(self.discovers_in_vain.as_slice()),
            size_of_val(self.refusals.as_slice()),
        ];
        let texts = self.texts().map(|list| list.iter().map(WireText::held).fold(0, usize::saturating_add));
        fixed.into_iter().chain(texts).fold(lists, usize::saturating_add)
    }

    /// Keeps so many entries of each list: the first ones, or of what has happened the newest.
    pub(super) fn cut_down(&mut self, keep: usize) {
        let texts = [
            &mut self.vendor_classes,
            &mut self.user_classes,
            &mut self.vendor_identities,
            &mut self.server_names,
            &mut self.user_agents,
            &mut self.names_asked,
            &mut self.paths_asked,
            &mut self.sip_domains,
            &mut self.users,
            &mut self.described,
        ];
        for list in texts {
            list.truncate(keep);
            list.shrink_to_fit();
        }
        self.fetched.truncate(keep);
        self.intermediates.cut_down(keep);
        self.issuers_by_name.truncate(keep);
        newest(&mut self.restarts, keep);
        newest(&mut self.discovers_in_vain, keep);
        newest(&mut self.refusals, keep);
        newest(&mut self.files, keep);
        newest(&mut self.answered, keep);
        newest(&mut self.accepted, keep);
        newest(&mut self.vlan_stays, keep);
        self.keep_clocks(keep);
        self.clocks.shrink_to_fit();
        self.heard_from = Hosts::default();
        self.sip_hosts = Vec::new();
        let few = keep > 0;
        if !few {
            self.parameter_list = Vec::new();
            self.host_name = None;
            self.own_certificate = None;
        }
        self.lease = self.lease.take().filter(|(_, lease)| few && lease.held() <= SMALL_LEASE);
    }
}

fn newest<T>(list: &mut Vec<T>, keep: usize) {
    list.drain(..list.len().saturating_sub(keep));
    list.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use crate::device::limits::Limits;
    use crate::device::{DeviceId, Devices};
    use crate::event::{Event, What};
    use crate::flow::{Flow, Transport};
    use crate::model::{At, Endpoint, Frame, Side, Time};
    use crate::packet::Link;
    use crate::protocols::{Message, dns};

    /// A host asks for a name.
    fn asks(devices: &mut Devices, host: u8, second: i64, name: &str) {
        let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
        let (client, server) = (end([10, 0, 4, host], 40_000), end([10, 0, 0, 3], 53));
        let flow = Flow { id: 1, transport: Transport::Udp, client, server, oriented: true };
        let question = Some(dns::Question { name: name.into(), kind: dns::kind::A });
        let (opcode, rcode, records) = (0, 0, Vec::new());
        let query = dns::Message {
            id: 1,
            response: false,
            opcode,
            rcode,
            truncated: false,
            iterative: false,
            question,
            records,
            tcp: false,
            problem: None,
        };
        let at = At { frame: Frame::new(1), time: Time::from_seconds(second) };
        let what = What::Message(Message::Dns(std::sync::Arc::new(query)));
        devices.observe(&Event { at, link: Link::default(), flow, side: Side::Client, what });
    }

    #[test]
    fn what_is_known_of_the_longest_idle_device_is_cut_down_first_and_told() {
        let mut devices = Devices::new(Limits { facts: 40_000, ..Limits::default() });
        for second in 0..20 {
            asks(&mut devices, 1, second, &format!("a{second}.{}", "a".repeat(200)));
        }
        assert!(devices.warnings().is_empty());
        for second in 0..200 {
            asks(&mut devices, 2, 100 + second, &format!("b{second}.{}", "b".repeat(200)));
        }
        let names = |device: usize| devices.facts(DeviceId(device)).map(|facts| facts.names_asked.len());
        assert!(names(0) <= Some(8) && names(1) > names(0), "{:?} {:?}", names(0), names(1));
        let known = devices.facts(DeviceId(0)).map(|facts| facts.addresses.clone());
        assert_eq!(known, Some(vec![IpAddr::from([10, 0, 4, 1])]), "who it is stays known");
        assert!(devices.warnings()[0].text.contains("was cut down"), "{:?}", devices.warnings());
    }
}
