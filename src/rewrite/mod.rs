//! A capture in, a pcapng capture out: the same packets, or some of them, with comments. Where the input is sound pcapng, all
//! blocks go through byte for byte; every other capture is read as usual and written anew. Knows nothing of what packets hold.
#![deny(clippy::arithmetic_side_effects)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use crate::capture::{CaptureError, CaptureReader, compressed};
use crate::model::Frame;

mod blocks;
mod convert;
mod splice;
#[cfg(test)]
mod tests;

/// What is changed on the way.
pub trait Edit {
    /// A comment for the whole capture.
    fn section_comment(&self) -> Option<&str> {
        None
    }

    /// What comes of a packet; `data` is what was captured of it.
    fn packet<'a>(&mut self, frame: Frame, data: &'a [u8]) -> Packet<'a>;

    /// Are blocks kept that hold no packet: names, secrets, statistics, the names of programs and interfaces?
    fn keeps_surroundings(&self) -> bool {
        true
    }

    /// Of these, are those with decryption secrets kept all the same?
    fn keeps_secrets(&self) -> bool {
        self.keeps_surroundings()
    }
}

/// What comes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// It is left out.
    Dropped,
    /// It is written, with these comments before those that it has.
    Kept(Cow<'a, [u8]>, Vec<String>),
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packets.
    pub packets: u64,
    /// Comments that found no place, because their packets are in blocks that cannot have any.
    pub comments_left_out: u64,
    /// Where the number of a kept frame changed: the new one by the old one. Empty where none did.
    pub renumbered: BTreeMap<Frame, Frame>,
}

/// Why a capture could not be written anew.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// It cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The result cannot be written.
    #[error("{0}")]
    Output(#[source] io::Error),
}

/// Writes a capture anew. `open` gives its bytes; it is called twice, because only the end of a file tells whether it is
/// sound.
///
/// # Errors
/// If the capture cannot be read at all, or the result not be written.
pub fn rewrite<R: Read>(
    mut open: impl FnMut() -> io::Result<R>,
    edit: &mut dyn Edit,
    out: &mut dyn Write,
) -> Result<Written, RewriteError> {
    let unread = |source| CaptureError::Io { offset: 0, source };
    let (input, _) = compressed::plain(open().map_err(unread)?)?;
    let is_sound = splice::is_sound(input);
    let (input, _) = compressed::plain(open().map_err(unread)?)?;
    if is_sound {
        return splice::splice(input, edit, out).map_err(RewriteError::Output);
    }
    convert::convert(CaptureReader::open(input)?, edit, out)
}
