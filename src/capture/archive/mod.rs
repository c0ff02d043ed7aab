//! Archives of captures: the bytes of a ZIP or tar file in, its members out, one after the other. Unpacks no archive within
//! an archive, and writes nothing.

use std::io::{self, Read};

mod tar;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests;
mod zip;

pub use tar::tar;
pub use zip::zip;

/// Members that are looked at.
const MAX_MEMBERS: usize = 65_536;
/// The longest name of a member, in bytes.
const MAX_NAME: u64 = 64 * 1024;
/// Bytes that tell what a file is.
pub const LOOK: usize = 512;

/// Which archive a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A ZIP archive.
    Zip,
    /// A tar archive.
    Tar,
}

/// Which archive begins with these bytes ([`LOOK`] of them, or all that there are), if one does.
pub fn kind(begin: &[u8]) -> Option<Kind> {
    if begin.starts_with(b"PK\x03\x04") || begin.starts_with(b"PK\x05\x06") {
        return Some(Kind::Zip);
    }
    // Only POSIX archives say what they are (IEEE Std 1003.1, ustar Interchange Format); older ones do not.
    begin.get(257..262).is_some_and(|magic| magic == b"ustar").then_some(Kind::Tar)
}

/// Why an archive cannot be read further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is damaged, or ends too early.
    #[error("the archive is damaged: {0}; what was found in it before counts")]
    Damaged(&'static str),
    /// It has more members than are looked at.
    #[error("the archive has more than {MAX_MEMBERS} members; unpack it")]
    TooMany,
    /// Reading failed.
    #[error("reading the archive failed: {0}")]
    Io(#[from] io::Error),
}

/// What is done with a member: its name, and its bytes or why they cannot be had. It says whether to go on.
pub type Each<'a> = dyn FnMut(&str, Result<&mut dyn Read, String>) -> bool + 'a;
