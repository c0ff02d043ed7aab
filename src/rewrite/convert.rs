//! Any capture that can be read, written as pcapng: an interface for each link type, times in nanoseconds.

use std::io::{Read, Write};

use super::{Edit, Packet, RewriteError, Written, blocks};
use crate::capture::CaptureReader;
use crate::model::{Frame, Time};

pub(super) fn convert<R: Read>(
    mut reader: CaptureReader<R>,
    edit: &mut dyn Edit,
    out: &mut dyn Write,
) -> Result<Written, RewriteError> {
    let mut write = |bytes: &[u8]| out.write_all(bytes).map_err(RewriteError::Output);
    write(&blocks::section(edit.section_comment()))?;
    let mut interfaces: Vec<u16> = Vec::new();
    let mut written = Written::default();
    while let Some(record) = reader.next_record()? {
        let frame = record.at.frame;
        let Packet::Kept(data, comments) = edit.packet(frame, record.data) else { continue };
        let interface = match interfaces.iter().position(|known| *known == record.link_type) {
            Some(place) => place,
            None => {
                write(&blocks::interface(record.link_type))?;
                interfaces.push(record.link_type);
                interfaces.len().saturating_sub(1)
            }
        };
        written.count(frame);
        write(&blocks::packet(interface as u32, ticks(record.at.time), record.wire_length, &data, &comments))?;
    }
    Ok(written)
}

/// pcapng knows no time before 1970.
fn ticks(time: Time) -> u64 {
    u64::try_from(time.0).unwrap_or(0)
}

impl Written {
    /// Takes note of a packet.
    pub(super) fn count(&mut self, old: Frame) {
        self.packets = self.packets.saturating_add(1);
        let new = Frame::new(self.packets);
        if new != old {
            self.renumbered.insert(old, new);
        }
    }
}
