//! What is known of one device under two names: both in, one out.

use super::facts::{CLOCKS, DeviceFacts, ENTRIES, add_sip_host};

impl DeviceFacts {
    /// Takes over what was known of the same device under its address alone.
    pub fn join(&mut self, other: DeviceFacts) {
        fn add<T: PartialEq>(list: &mut Vec<T>, more: Vec<T>) {
            for item in more {
                if list.len() < ENTRIES && !list.contains(&item) {
                    list.push(item);
                }
            }
        }
        self.link_source = self.link_source.or(other.link_source);
        self.vlan = self.vlan.or(other.vlan);
        self.host_name = self.host_name.take().or(other.host_name);
        self.own_certificate = self.own_certificate.take().or(other.own_certificate);
        if self.lease.is_none() {
            (self.lease, self.lent) = (other.lease, other.lent);
        }
        self.taken_up = self.taken_up.max(other.taken_up);
        self.plug_and_play = self.plug_and_play.or(other.plug_and_play);
        self.seeks_plug_and_play = self.seeks_plug_and_play.max(other.seeks_plug_and_play);
        self.tags_kept |= other.tags_kept;
        self.voice_vlan = self.voice_vlan.or(other.voice_vlan);
        self.identity_asked = self.identity_asked.or(other.identity_asked);
        self.enrolment_seen |= other.enrolment_seen;
        self.last_said = self.last_said.max(other.last_said);
        self.seen_both_ways |= other.seen_both_ways;
        self.neighbours_hear |= other.neighbours_hear;
        self.was_answered_unseen |= other.was_answered_unseen;
        let says_more = self.speaks_sip && !self.only_pings || other.speaks_sip && !other.only_pings;
        self.only_pings = (self.only_pings || other.only_pings) && !says_more;
        self.speaks_sip |= other.speaks_sip;
        self.is_infrastructure |= other.is_infrastructure;
        self.passes_on_sip |= other.passes_on_sip;
        self.conduct.join(other.conduct);
        self.is_granted_sip |= other.is_granted_sip;
        self.watched = self.watched.take().or(other.watched);
        self.services.side_by_side |= other.services.side_by_side;
        self.sends_server_name = match (self.sends_server_name, other.sends_server_name) {
            (Some(own), Some(theirs)) => Some(own || theirs),
            (own, theirs) => own.or(theirs),
        };
        self.highest_tls = self.highest_tls.max(other.highest_tls);
        self.heard_from.join(other.heard_from, ENTRIES);
        other.sip_hosts.into_iter().for_each(|host| add_sip_host(&mut self.sip_hosts, host));
        self.ports_opened.extend(other.ports_opened);
        self.clocks.extend(other.clocks);
        self.clocks.make_contiguous().sort_by_key(|witness| witness.at);
        self.keep_clocks(CLOCKS);
        add(&mut self.addresses, other.addresses);
        add(&mut self.vendor_classes, other.vendor_classes);
        add(&mut self.user_classes, other.user_classes);
        add(&mut self.vendor_identities, other.vendor_identities);
        add(&mut self.user_agents, other.user_agents);
        add(&mut self.server_names, other.server_names);
        add(&mut self.names_asked, other.names_asked);
        add(&mut self.paths_asked, other.paths_asked);
        add(&mut self.sip_domains, other.sip_domains);
        add(&mut self.users, other.users);
        self.intermediates.join(other.intermediates);
        add(&mut self.fetched, other.fetched);
        add(&mut self.issuers_by_name, other.issuers_by_name);
        add(&mut self.restarts, other.restarts);
        add(&mut self.refusals, other.refusals);
        add(&mut self.discovers_in_vain, other.discovers_in_vain);
        add(&mut self.routers_v6, other.routers_v6);
        add(&mut self.described, other.described);
        self.is_telephone |= other.is_telephone;
        add(&mut self.files, other.files);
        add(&mut self.answered, other.answered);
        add(&mut self.accepted, other.accepted);
        self.files.sort_by_key(|file| file.at);
        self.answered.sort_unstable();
        self.accepted.sort_by_key(|(_, at)| *at);
        if self.parameter_list.is_empty() {
            self.parameter_list = other.parameter_list;
        }
        if self.passes_on_http || other.passes_on_http {
            self.asks_web_for_others();
        } else if self.asks_for_others || other.asks_for_others {
            self.serves_names();
        }
    }
}
