//! What `events` prints of LLDP.

use serde_json::Value;

use super::{Message, Policy};
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "lldp"
    }

    fn event(&self) -> Option<&'static str> {
        Some("advertisement")
    }

    fn asker(&self) -> Asker {
        if self.is_endpoint() { Asker::Sender } else { Asker::Nobody }
    }

    fn held(&self) -> usize {
        let named = texts([&self.system_name, &self.system_description, &self.firmware, &self.software]);
        let made = texts([&self.manufacturer, &self.model]);
        let policies = size_of::<Policy>().saturating_mul(self.policies.len());
        named.saturating_add(made).saturating_add(policies)
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        let mut text = |key, value: &Option<WireText>| {
            if let Some(value) = value {
                put(key, value.raw().into());
            }
        };
        text("lldp.tlv.system.name", &self.system_name);
        text("lldp.tlv.system.desc", &self.system_description);
        text("lldp.media.fw_rev", &self.firmware);
        text("lldp.media.sw_rev", &self.software);
        text("lldp.media.manufacturer", &self.manufacturer);
        text("lldp.media.model_name", &self.model);
        if let Some(vlan) = self.port_vlan {
            put("lldp.ieee.802_1.port_vlan.id", vlan.into());
        }
        if !self.policies.is_empty() {
            put("lldp.media.vlan_id", self.policies.iter().map(|policy| policy.vlan).collect());
            put("lldp.media.app_type", self.policies.iter().map(|policy| policy.application).collect());
            put("lldp.media.policy_flag.tagged", self.policies.iter().map(|policy| policy.tagged).collect());
        }
    }
}
