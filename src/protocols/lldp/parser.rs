//! Reads the TLVs of a frame, each by itself: a malformed one costs no other.

use super::{Message, Policy};
use crate::bytes::{ParseError, Reader};
use crate::model::Mac;
use crate::text::WireText;

/// TLVs that are read of one frame.
const TLVS: usize = 256;
/// Network policies that are kept: one an application.
const POLICIES: usize = 16;

/// TLV types (IEEE 802.1AB section 8.4).
mod tlv {
    pub(super) const END: u16 = 0;
    pub(super) const CHASSIS: u16 = 1;
    pub(super) const SYSTEM_NAME: u16 = 5;
    pub(super) const SYSTEM_DESCRIPTION: u16 = 6;
    pub(super) const CAPABILITIES: u16 = 7;
    pub(super) const ORGANISATION: u16 = 127;
}

/// Chassis sub-type of a MAC.
const CHASSIS_MAC: u8 = 4;
/// IEEE 802.1.
const IEEE_802_1: [u8; 3] = [0x00, 0x80, 0xc2];
/// TIA, for LLDP-MED.
const TIA: [u8; 3] = [0x00, 0x12, 0xbb];

/// Reads a frame, from its first TLV on. `None` where that is no chassis, which must stand first.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let mut message = Message::default();
    for index in 0..TLVS {
        let Ok(head) = reader.u16("TLV") else { break };
        let (kind, length) = (head >> 9, usize::from(head & 0x01ff));
        if index == 0 && kind != tlv::CHASSIS {
            return None;
        }
        let Ok(mut value) = reader.part(length, "value") else { break };
        if kind == tlv::END {
            break;
        }
        // A TLV that is too short says nothing.
        let _ = add(&mut message, kind, &mut value);
    }
    (reader.offset() > 2).then_some(message)
}

fn add(message: &mut Message, kind: u16, value: &mut Reader<'_>) -> Result<(), ParseError> {
    match kind {
        tlv::CHASSIS if value.u8("chassis sub-type")? == CHASSIS_MAC => message.chassis = Some(Mac(value.array("MAC")?)),
        tlv::SYSTEM_NAME => message.system_name = text(value.rest()),
        tlv::SYSTEM_DESCRIPTION => message.system_description = text(value.rest()),
        tlv::CAPABILITIES => {
            value.u16("capabilities")?;
            message.capabilities = Some(value.u16("enabled capabilities")?);
        }
        tlv::ORGANISATION => {
            let organisation = value.array("organisation")?;
            let kind = value.u8("sub-type")?;
            match (organisation, kind) {
                (IEEE_802_1, 1) => message.port_vlan = Some(value.u16("port VLAN")?),
                (TIA, kind) => media(message, kind, value)?,
                _ => {}
            }
        }
        _ => {}
    }
    Ok(())
}

/// LLDP-MED (TIA-1057 section 10.2).
fn media(message: &mut Message, kind: u8, value: &mut Reader<'_>) -> Result<(), ParseError> {
    match kind {
        1 => {
            value.u16("capabilities")?;
            message.device_type = Some(value.u8("device type")?);
        }
        2 => {
            let application = value.u8("application")?;
            let bits = value.u24("policy")?;
            let policy = Policy {
                application,
                unknown: bits & 1 << 23 != 0,
                tagged: bits & 1 << 22 != 0,
                vlan: (bits >> 9 & 0x0fff) as u16,
            };
            if message.policies.len() < POLICIES {
                message.policies.push(policy);
            }
        }
        6 => message.firmware = text(value.rest()),
        7 => message.software = text(value.rest()),
        9 => message.manufacturer = text(value.rest()),
        10 => message.model = text(value.rest()),
        _ => {}
    }
    Ok(())
}

/// Text, without the NULs that some fill it up with.
fn text(value: &[u8]) -> Option<WireText> {
    let end = value.iter().rposition(|byte| *byte != 0)?;
    value.get(..=end).map(WireText::from_bytes)
}
