//! CDP, Cisco's discovery protocol: what a switch and a phone say of themselves, and the voice VLAN.

use crate::protocols::{self, OverLink, Protocol};
use crate::text::WireText;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

/// CDP, as the dispatcher knows it: its number is that of Cisco's own SNAP header.
pub static PROTOCOL: Protocol = Protocol { name: "cdp", udp: None, tcp: None, link: Some(OverLink { ether_type: 0x2000, read }) };

fn read(bytes: &[u8]) -> Option<protocols::Message> {
    parse(bytes).map(|message| protocols::Message::Cdp(Box::new(message)))
}

/// Capability: a telephone.
const PHONE: u32 = 0x80;

/// A frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Device id.
    pub device_id: Option<WireText>,
    /// Port.
    pub port: Option<WireText>,
    /// Capabilities.
    pub capabilities: Option<u32>,
    /// Software version, a text of several lines.
    pub software: Option<WireText>,
    /// Platform: the model.
    pub platform: Option<WireText>,
    /// VLAN of untagged frames at the port.
    pub native_vlan: Option<u16>,
    /// The voice VLAN that the switch gives.
    pub voice_vlan: Option<u16>,
    /// Does the sender ask for a voice VLAN, as only a phone does?
    pub asks_voice_vlan: bool,
}

impl Message {
    /// Was it sent by a phone?
    pub fn is_endpoint(&self) -> bool {
        self.asks_voice_vlan || self.is_telephone()
    }

    /// Does it say that it is a telephone?
    pub fn is_telephone(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities & PHONE != 0)
    }

    /// The voice VLAN that the switch announces. 4095 and 0 name none: untagged, or tagged for priority alone.
    pub fn announced_voice_vlan(&self) -> Option<u16> {
        self.voice_vlan.filter(|vlan| !self.is_endpoint() && (1..=4094).contains(vlan))
    }
}
