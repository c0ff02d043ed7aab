//! What `events` prints of DHCP.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::Value;

use super::{Message, kind, option};
use crate::model::is_host;
use crate::protocols::{Asker, Describe};

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "dhcp"
    }

    fn event(&self) -> Option<&'static str> {
        Some(match self.kind {
            Some(kind::DISCOVER) => "discover",
            Some(kind::OFFER) => "offer",
            Some(kind::REQUEST) => "request",
            Some(kind::DECLINE) => "decline",
            Some(kind::ACK) => "ack",
            Some(kind::NAK) => "nak",
            Some(kind::RELEASE) => "release",
            Some(kind::INFORM) => "inform",
            Some(_) => "other",
            None if self.operation == 1 => "bootp_request",
            None => "bootp_reply",
        })
    }

    fn asker(&self) -> Asker {
        let address = || [self.client, self.your].into_iter().find(|address| is_host(*address)).map(IpAddr::V4);
        // An offered address is not yet the client's.
        let ip = if self.kind == Some(kind::OFFER) { None } else { address() };
        Asker::Station(self.hardware_address.filter(|mac| mac.is_station()), ip)
    }

    fn held(&self) -> usize {
        let problems = self.problems.iter().map(|(_, problem)| problem.len().saturating_add(size_of::<(u8, String)>()));
        problems.fold(self.options.held(), usize::saturating_add)
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("dhcp.type", self.operation.into());
        put("dhcp.id", format!("0x{:08x}", self.transaction).into());
        if let Some(kind) = self.kind {
            put("dhcp.option.dhcp", kind.into());
        }
        if let Some(mac) = self.hardware_address {
            put("dhcp.hw.mac_addr", mac.to_string().into());
        }
        put("dhcp.ip.client", self.client.to_string().into());
        put("dhcp.ip.your", self.your.to_string().into());
        put("dhcp.ip.server", self.server.to_string().into());
        put("dhcp.ip.relay", self.relay.to_string().into());
        if !self.options.is_empty() {
            put("dhcp.option.type", self.options.iter().map(|option| option.code).collect());
        }
        self.put_texts(put);
        self.put_lists(put);
    }
}

impl Message {
    fn put_texts(&self, put: &mut dyn FnMut(&'static str, Value)) {
        let texts = [
            ("dhcp.option.vendor_class_id", option::VENDOR_CLASS),
            ("dhcp.option.hostname", option::HOST_NAME),
            ("dhcp.option.domain_name", option::DOMAIN_NAME),
        ];
        for (key, code) in texts {
            let Some(text) = self.text(code) else { continue };
            // RFC 2132 section 2: a NUL may end a text, and is no part of it.
            let text = text.raw().split('\0').next().unwrap_or_default();
            if !text.is_empty() {
                put(key, text.into());
            }
        }
    }

    fn put_lists(&self, put: &mut dyn FnMut(&'static str, Value)) {
        if let Some(server) = self.server_id() {
            put("dhcp.option.dhcp_server_id", server.to_string().into());
        }
        let lists = [
            ("dhcp.option.domain_name_server", option::NAME_SERVERS),
            ("dhcp.option.ntp_server", option::NTP_SERVERS),
            ("dhcp.option.router", option::ROUTERS),
        ];
        for (key, code) in lists {
            let addresses = self.addresses(code);
            if !addresses.is_empty() {
                put(key, addresses.iter().map(Ipv4Addr::to_string).collect());
            }
        }
        let wanted = self.parameter_list();
        if !wanted.is_empty() {
            put("dhcp.option.request_list_item", wanted.into_iter().collect());
        }
    }
}
