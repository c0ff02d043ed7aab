//! LLDP (IEEE 802.1AB) with its extensions for media endpoints (ANSI/TIA-1057): what a port and a phone say of themselves,
//! and the voice VLAN.

use crate::model::Mac;
use crate::protocols::{self, OverLink, Protocol};
use crate::text::WireText;

mod fields;
mod parser;
#[cfg(test)]
mod tests;

pub use parser::parse;

/// LLDP, as the dispatcher knows it.
pub static PROTOCOL: Protocol =
    Protocol { name: "lldp", udp: None, tcp: None, link: Some(OverLink { ether_type: 0x88cc, read }) };

fn read(bytes: &[u8]) -> Option<protocols::Message> {
    parse(bytes).map(|message| protocols::Message::Lldp(Box::new(message)))
}

/// Capabilities (IEEE 802.1AB section 8.5.8).
mod capability {
    /// It forwards frames.
    pub(super) const BRIDGE: u16 = 1 << 2;
    /// It is an access point of a wireless LAN.
    pub(super) const ACCESS_POINT: u16 = 1 << 3;
    /// It forwards packets.
    pub(super) const ROUTER: u16 = 1 << 4;
    /// It is a telephone.
    pub(super) const TELEPHONE: u16 = 1 << 5;
    /// It is nothing but a station.
    pub(super) const STATION: u16 = 1 << 7;
}

/// Device types of LLDP-MED (TIA-1057 table 8): 1 to 3 are endpoints, 4 is the network.
const NETWORK: u8 = 4;

/// A frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Chassis, where it is named by a MAC.
    pub chassis: Option<Mac>,
    /// System name.
    pub system_name: Option<WireText>,
    /// System description.
    pub system_description: Option<WireText>,
    /// Capabilities that are enabled.
    pub capabilities: Option<u16>,
    /// VLAN of untagged frames at the port (IEEE 802.1Q, sub-type 1).
    pub port_vlan: Option<u16>,
    /// LLDP-MED: 1 to 3 an endpoint, 4 the network.
    pub device_type: Option<u8>,
    /// LLDP-MED network policies.
    pub policies: Vec<Policy>,
    /// LLDP-MED firmware revision.
    pub firmware: Option<WireText>,
    /// LLDP-MED software revision.
    pub software: Option<WireText>,
    /// LLDP-MED maker.
    pub manufacturer: Option<WireText>,
    /// LLDP-MED model.
    pub model: Option<WireText>,
}

/// A network policy (TIA-1057 section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Application: 1 voice, 2 voice signalling.
    pub application: u8,
    /// The sender does not know it: an endpoint's question.
    pub unknown: bool,
    /// Are frames to be tagged? If not, the VLAN counts for nothing.
    pub tagged: bool,
    /// VLAN.
    pub vlan: u16,
}

impl Policy {
    /// Application type of voice.
    pub const VOICE: u8 = 1;

    /// The VLAN into which a phone is to tag its frames; 0 is for priority alone (TIA-1057 section 10.2.3.4).
    pub fn voice_vlan(&self) -> Option<u16> {
        (self.application == Self::VOICE && self.tagged && !self.unknown && self.vlan != 0).then_some(self.vlan)
    }
}

impl Message {
    /// Was it sent by an endpoint (a phone, a PC), not by the switch?
    pub fn is_endpoint(&self) -> bool {
        match self.device_type {
            Some(1..=3) => true,
            Some(NETWORK) => false,
            // Phones with a port for a PC are bridges too.
            _ => {
                self.is_telephone()
                    || self.is_capable(capability::STATION) && !self.is_capable(capability::BRIDGE | capability::ROUTER)
            }
        }
    }

    /// Does it say that it passes on what others send, as switches, access points and routers do, and phones only besides?
    pub fn is_infrastructure(&self) -> bool {
        let passes_on = self.is_capable(capability::BRIDGE | capability::ACCESS_POINT | capability::ROUTER);
        !self.is_endpoint() && (passes_on || self.device_type == Some(NETWORK))
    }

    /// Does it say that it is a telephone?
    pub fn is_telephone(&self) -> bool {
        self.is_capable(capability::TELEPHONE)
    }

    fn is_capable(&self, of: u16) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities & of != 0)
    }

    /// The voice VLAN that the network announces; `None` from an endpoint, which only repeats it.
    pub fn announced_voice_vlan(&self) -> Option<u16> {
        if self.is_endpoint() {
            return None;
        }
        self.policies.iter().find_map(Policy::voice_vlan)
    }
}
