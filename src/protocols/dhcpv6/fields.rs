//! What `events` prints of DHCPv6.

use std::net::IpAddr;

use serde_json::Value;

use super::{Message, kind};
use crate::protocols::{Asker, Describe};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "dhcpv6"
    }

    fn event(&self) -> Option<&'static str> {
        Some(match self.kind {
            kind::SOLICIT => "solicit",
            kind::ADVERTISE => "advertise",
            kind::REQUEST => "request",
            kind::CONFIRM => "confirm",
            kind::RENEW => "renew",
            kind::REBIND => "rebind",
            kind::REPLY => "reply",
            kind::RELEASE => "release",
            kind::DECLINE => "decline",
            kind::RECONFIGURE => "reconfigure",
            kind::INFORMATION_REQUEST => "information_request",
            kind::RELAY_FORWARD => "relay_forward",
            kind::LEASE_QUERY => "lease_query",
            kind::LEASE_QUERY_REPLY => "lease_query_reply",
            _ => "relay_reply",
        })
    }

    fn asker(&self) -> Asker {
        // Between relay and server alone.
        if matches!(self.kind, kind::LEASE_QUERY | kind::LEASE_QUERY_REPLY) {
            return Asker::Nobody;
        }
        match (self.is_relayed(), self.is_from_client()) {
            // The relay speaks for the client, whom it names.
            (true, _) => Asker::Station(self.client_mac, self.peer.map(IpAddr::V6)),
            (false, true) => Asker::Sender,
            (false, false) => Asker::Receiver,
        }
    }

    fn held(&self) -> usize {
        let texts = self.sip_names.iter().chain(self.status.iter().map(|(_, text)| text));
        let texts = texts.chain(self.vendor_class.iter().map(|(_, text)| text)).map(WireText::held);
        let addresses = [&self.addresses, &self.name_servers, &self.sip_addresses].map(|list| size_of_val(list.as_slice()));
        let server = self.server.as_ref().map_or(0, Vec::len);
        let fixed = server.saturating_add(size_of_val(self.requested.as_slice()));
        texts.chain(addresses).fold(fixed, usize::saturating_add)
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("dhcpv6.msgtype", self.outer.into());
        if let Some(transaction) = self.transaction {
            put("dhcpv6.xid", format!("0x{transaction:06x}").into());
        }
        if let Some(mac) = self.client_mac {
            put("client_mac", mac.to_string().into());
        }
        let list = |addresses: &[std::net::Ipv6Addr]| -> Value { addresses.iter().map(ToString::to_string).collect() };
        if !self.addresses.is_empty() {
            put("dhcpv6.iaaddr.ip", list(&self.addresses));
        }
        if let Some((status, _)) = &self.status {
            put("dhcpv6.status_code", (*status).into());
        }
        if !self.name_servers.is_empty() {
            put("dhcpv6.dns_server", list(&self.name_servers));
        }
        if !self.sip_names.is_empty() {
            put("dhcpv6.sip_server_domain_search_fqdn", self.sip_names.iter().map(|name| name.raw().to_owned()).collect());
        }
        if !self.sip_addresses.is_empty() {
            put("dhcpv6.sip_server_a", list(&self.sip_addresses));
        }
    }
}
