//! What `events` prints of CDP.

use serde_json::Value;

use super::Message;
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "cdp"
    }

    fn event(&self) -> Option<&'static str> {
        Some("advertisement")
    }

    fn asker(&self) -> Asker {
        if self.is_endpoint() { Asker::Sender } else { Asker::Nobody }
    }

    fn held(&self) -> usize {
        texts([&self.device_id, &self.port, &self.software, &self.platform])
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        let mut text = |key, value: &Option<WireText>| {
            if let Some(value) = value {
                put(key, value.raw().into());
            }
        };
        text("cdp.deviceid", &self.device_id);
        text("cdp.portid", &self.port);
        text("cdp.software_version", &self.software);
        text("cdp.platform", &self.platform);
        if let Some(vlan) = self.native_vlan {
            put("cdp.native_vlan", vlan.into());
        }
        if let Some(vlan) = self.voice_vlan {
            put("cdp.voice_vlan", vlan.into());
        }
    }
}
