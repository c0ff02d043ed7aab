//! Reads a datagram.

use super::Message;
use crate::bytes::{ParseError, Reader};
use crate::text::WireText;

/// Transfer modes (RFC 1350 section 5), whatever their case.
const MODES: [&str; 3] = ["octet", "netascii", "mail"];
/// Longest file name that is taken for one.
pub(super) const FILE_LIMIT: usize = 512;
/// Options that are read of one acknowledgment.
const OPTIONS: usize = 16;

/// Reads a datagram. `None` if it is none of TFTP's.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    read(&mut Reader::new(bytes)).ok()
}

fn read(reader: &mut Reader<'_>) -> Result<Message, ParseError> {
    Ok(match reader.u16("opcode")? {
        opcode @ (1 | 2) => request(reader, opcode == 2)?,
        3 => {
            let block = reader.u16("block")?;
            Message::Data { block, length: u16::try_from(reader.left()).unwrap_or(u16::MAX), cut: false }
        }
        4 => {
            let block = reader.u16("block")?;
            reader.finish("acknowledgment")?;
            Message::Acknowledgment { block }
        }
        5 => Message::Error { code: reader.u16("error code")?, text: WireText::from_bytes(until_nul(reader.peek())) },
        6 => Message::OptionAcknowledgment { block_size: block_size(reader) },
        _ => return Err(reader.invalid("opcode")),
    })
}

fn request(reader: &mut Reader<'_>, write: bool) -> Result<Message, ParseError> {
    let file = string(reader)?;
    let mode = string(reader)?;
    let known = MODES.iter().any(|known| mode.eq_ignore_ascii_case(known.as_bytes()));
    if file.is_empty() || file.len() > FILE_LIMIT || !known {
        return Err(reader.invalid("mode"));
    }
    Ok(Message::Request { write, file: WireText::from_bytes(file) })
}

/// Options are a name and a value, each with a NUL behind it (RFC 2347).
fn block_size(reader: &mut Reader<'_>) -> Option<u16> {
    for _ in 0..OPTIONS {
        let (name, value) = (string(reader).ok()?, string(reader).ok()?);
        if name.eq_ignore_ascii_case(b"blksize") {
            return std::str::from_utf8(value).ok()?.parse().ok();
        }
    }
    None
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The octets up to a NUL, which must be there.
fn string<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ParseError> {
    let text = until_nul(reader.peek());
    reader.take(text.len(), "text")?;
    reader.u8("NUL")?;
    Ok(text)
}
