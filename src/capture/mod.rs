//! Capture files in, packet records out: pcap and pcapng from any [`std::io::Read`], in bounded memory.
//! Knows nothing of what a packet holds.

use crate::model::At;

/// One packet record, borrowed from the reader's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Frame number and time stamp.
    pub at: At,
    /// The link type of its interface, as in <https://www.tcpdump.org/linktypes.html>.
    pub link_type: u16,
    /// Length on the wire, in bytes; more than `data` holds where the capture was limited.
    pub wire_length: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}
