//! What `events` prints of ICMP and ICMPv6.

use serde_json::Value;

use super::{Discovery, Message, kind_v4, kind_v6};
use crate::protocols::{Asker, Describe};

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        if self.v6 { "icmpv6" } else { "icmp" }
    }

    fn event(&self) -> Option<&'static str> {
        match (self.v6, self.kind) {
            (false, kind_v4::UNREACHABLE) | (true, kind_v6::UNREACHABLE) => Some("destination_unreachable"),
            (false, kind_v4::REDIRECT) | (true, kind_v6::REDIRECT) => Some("redirect"),
            (false, kind_v4::TIME_EXCEEDED) | (true, kind_v6::TIME_EXCEEDED) => Some("time_exceeded"),
            (true, kind_v6::TOO_BIG) => Some("packet_too_big"),
            (true, kind_v6::ROUTER_ADVERTISEMENT) => Some("router_advertisement"),
            _ => None,
        }
    }

    fn asker(&self) -> Asker {
        match (self.discovery, self.quoted) {
            (Some(Discovery::Solicitation { .. }), _) => Asker::Sender,
            (Some(Discovery::Advertisement { .. }), _) => Asker::Receiver,
            (_, Some(quoted)) => Asker::Station(None, Some(quoted.source.ip())),
            (_, None) => Asker::Nobody,
        }
    }

    fn held(&self) -> usize {
        0
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("icmp.type", self.kind.into());
        put("icmp.code", self.code.into());
        if self.v6 {
            put("icmpv6.type", self.kind.into());
            put("icmpv6.code", self.code.into());
        }
    }
}
