//! What makes a file unreadable, where, and what to do about it. The caller adds the file's name.

use std::io;

use super::end::End;
use crate::text::WireText;

/// A capture that cannot be read. A capture that is damaged further on is no error but a [`crate::model::Warning`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Not one byte.
    #[error("the file is empty; capture again (a capture that is still running may not have written anything yet)")]
    Empty,
    /// Ends before the first packet could begin.
    #[error("the file ends at offset {have} inside the {format} header, which needs {need} bytes; copy or capture it again")]
    TooShort {
        /// The format that it begins as.
        format: &'static str,
        /// Bytes needed.
        need: u64,
        /// Bytes that were there.
        have: u64,
    },
    /// A file of a known kind that is not read as it is.
    #[error("this is {kind}, which is not read as it is; convert it first: {command}")]
    OtherFormat {
        /// What it is.
        kind: &'static str,
        /// The command that turns `IN` into `OUT`.
        command: &'static str,
    },
    /// Compressed data of which nothing could be unpacked.
    #[error("{0}, before the first packet; copy it again, or try the program that compressed it")]
    Compressed(String),
    /// The result was wanted before anything was there.
    #[error("reading was stopped before the first packet; wait until the phone has failed twice")]
    Stopped,
    /// Text.
    #[error("this is text, not a capture (it begins {0:?}); save the packets themselves, e.g. with tcpdump -w OUT")]
    Text(String),
    /// Anything else.
    #[error(
        "this is not a capture: no pcap or pcapng magic at offset 0 (it begins {0}); if Wireshark can open it: editcap -F pcapng IN OUT"
    )]
    Unknown(String),
    /// The header names a version or a byte order that does not exist.
    #[error("the {format} header at offset {offset} is damaged: {what}; capture again, or try: editcap -F pcapng IN OUT")]
    Header {
        /// The format.
        format: &'static str,
        /// Where the header begins.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The very first record or block cannot be one.
    #[error("the first record, at offset {offset}, claims {length} bytes, which cannot be; the file is damaged: capture again")]
    Length {
        /// Where the record begins.
        offset: u64,
        /// What it claims.
        length: u32,
    },
    /// Reading failed.
    #[error("reading failed at offset {offset}: {source}; check the disk or the network share, or copy the file first")]
    Io {
        /// How far reading came.
        offset: u64,
        /// The system's reason.
        source: io::Error,
    },
}

/// How a file that is no capture for us begins, what it is, and how it becomes one.
const OTHERS: &[(&[u8], &str, &str)] = &[
    // Compressed twice, or by what this program was built without.
    (b"\x1f\x8b", "gzip data", "gunzip -c IN > OUT"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data", "zstd -d IN -o OUT"),
    (b"\x04\x22\x4d\x18", "LZ4 data", "lz4 -d IN OUT"),
    (b"\xfd7zXZ\0", "xz data", "xz -dc IN > OUT"),
    (b"\x02\x21\x4c\x18", "LZ4 data of the legacy format", "lz4 -d IN OUT"),
    (b"BZh", "bzip2 data", "bzip2 -dc IN > OUT"),
    (b"PK\x03\x04", "a ZIP archive", "unzip IN"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "7z x IN"),
    (b"TRSNIFF data    \x1a", "a Network General Sniffer capture", TO_PCAPNG),
    (b"XCP\0", "a NetXRay or Windows Sniffer capture", TO_PCAPNG),
    (b"ObserverPktBuffe", "a Network Instruments Observer capture", TO_PCAPNG),
    (b"\x7fver", "an OmniPeek capture", TO_PCAPNG),
    (b"\x7fbts", "an InfoVista 5View capture", TO_PCAPNG),
    (b"\xaa\xaa\xaa\xaa", "an InfoVista 5View capture", TO_PCAPNG),
    (b"iptrace 1.0", "an AIX iptrace capture", TO_PCAPNG),
    (b"iptrace 2.0", "an AIX iptrace capture", TO_PCAPNG),
    (b"btsnoop\0", "a Bluetooth snoop log", TO_PCAPNG),
    (b"\x00\x00\x02\x00\x12\x05\x00\x10", "a Tektronix K12 capture", TO_PCAPNG),
    (b"\x05VNF", "a Visual Networks capture", TO_PCAPNG),
    (b"TR\0d", "an HP-UX nettl trace", TO_PCAPNG),
    (b"LCAP", "a TamoSoft CommView capture", TO_PCAPNG),
    (b"\xd0\xcf\x11\xe0", "a Microsoft Office document", "open it and export the capture file inside"),
];

const TO_PCAPNG: &str = "editcap -F pcapng IN OUT";

/// How many bytes of a file are looked at and shown when it is not a capture.
pub(super) const LOOK: usize = 24;

impl CaptureError {
    /// Is it a file of another kind, in which nobody would look for packets?
    pub fn is_no_capture(&self) -> bool {
        match self {
            Self::Empty | Self::Text(_) | Self::Unknown(_) => true,
            Self::OtherFormat { command, .. } => *command != TO_PCAPNG,
            Self::TooShort { .. } | Self::Compressed(_) | Self::Stopped => false,
            Self::Header { .. } | Self::Length { .. } | Self::Io { .. } => false,
        }
    }

    /// Why a capture cannot be opened whose input has ended like this before its first packet.
    pub(super) fn ended(end: &End) -> Option<Self> {
        match end {
            End::Whole => None,
            End::Stopped => Some(Self::Stopped),
            End::Cut | End::Damaged(_) => Some(Self::Compressed(end.to_string())),
        }
    }

    /// Why the first bytes cannot be read.
    pub(super) fn opening(error: io::Error) -> Self {
        match End::of(error) {
            Ok(end) => Self::ended(&end).unwrap_or(Self::Empty),
            Err(source) => Self::Io { offset: 0, source },
        }
    }

    /// Says what a file is that begins with `bytes` and is neither pcap nor pcapng.
    pub(super) fn not_a_capture(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..LOOK).unwrap_or(bytes);
        if bytes.is_empty() {
            return Self::Empty;
        }
        if let Some(&(_, kind, command)) = OTHERS.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
            return Self::OtherFormat { kind, command };
        }
        if let Some(text) = as_text(bytes) {
            return Self::Text(text);
        }
        Self::Unknown(bytes.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
    }
}

fn as_text(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The last character may have been cut.
    let valid = bytes.utf8_chunks().next().map(|chunk| chunk.valid()).unwrap_or_default();
    let is_text = valid.len().saturating_add(3) >= bytes.len()
        && valid.len() >= bytes.len().min(4)
        && valid.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'));
    let line = valid.lines().find(|line| !line.trim().is_empty()).unwrap_or(valid);
    (is_text && !valid.is_empty()).then(|| WireText::from(line).to_string())
}
