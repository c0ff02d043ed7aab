//! Reads the TLVs of a frame, each by itself: a malformed one costs no other.

use super::Message;
use crate::bytes::{ParseError, Reader};
use crate::text::WireText;

/// TLVs that are read of one frame.
const TLVS: usize = 256;

/// Reads a frame, from its version on. `None` if it is of no known version or holds no TLV.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let mut reader = Reader::new(bytes);
    let version = reader.u8("version").ok()?;
    reader.u8("time to live").ok()?;
    reader.u16("checksum").ok()?;
    if !matches!(version, 1 | 2) {
        return None;
    }
    let mut message = Message::default();
    let mut any = false;
    for _ in 0..TLVS {
        let (Ok(kind), Ok(length)) = (reader.u16("TLV type"), reader.u16("TLV length")) else { break };
        // The length counts the four octets before the value.
        let Some(length) = usize::from(length).checked_sub(4) else { break };
        let Ok(mut value) = reader.part(length, "value") else { break };
        any = true;
        // A TLV that is too short says nothing.
        let _ = add(&mut message, kind, &mut value);
    }
    any.then_some(message)
}

fn add(message: &mut Message, kind: u16, value: &mut Reader<'_>) -> Result<(), ParseError> {
    match kind {
        0x0001 => message.device_id = text(value.rest()),
        0x0003 => message.port = text(value.rest()),
        0x0004 => message.capabilities = Some(value.u32("capabilities")?),
        0x0005 => message.software = text(value.rest()),
        0x0006 => message.platform = text(value.rest()),
        0x000a => message.native_vlan = Some(value.u16("native VLAN")?),
        0x000e => {
            value.u8("appliance")?;
            message.voice_vlan = Some(value.u16("voice VLAN")?);
        }
        0x000f => message.asks_voice_vlan = true,
        _ => {}
    }
    Ok(())
}

fn text(value: &[u8]) -> Option<WireText> {
    let end = value.iter().rposition(|byte| *byte != 0)?;
    value.get(..=end).map(WireText::from_bytes)
}
