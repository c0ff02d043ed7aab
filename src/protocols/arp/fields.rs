//! What `events` prints of ARP.

use serde_json::Value;

use super::Message;
use crate::model::is_host;
use crate::protocols::{Asker, Describe};

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "arp"
    }

    fn event(&self) -> Option<&'static str> {
        match self.operation {
            1 => Some("request"),
            2 => Some("reply"),
            _ => None,
        }
    }

    fn asker(&self) -> Asker {
        let (mac, ip) = match self.operation {
            1 => (self.sender_mac, self.sender_ip),
            2 => (self.target_mac, self.target_ip),
            _ => return Asker::Nobody,
        };
        if mac.is_station() { Asker::Station(Some(mac), is_host(ip).then_some(ip.into())) } else { Asker::Nobody }
    }

    fn held(&self) -> usize {
        0
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("arp.opcode", self.operation.into());
        put("arp.src.hw_mac", self.sender_mac.to_string().into());
        put("arp.src.proto_ipv4", self.sender_ip.to_string().into());
        put("arp.dst.hw_mac", self.target_mac.to_string().into());
        put("arp.dst.proto_ipv4", self.target_ip.to_string().into());
    }
}
