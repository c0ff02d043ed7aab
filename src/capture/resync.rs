//! Behind damage: looks for the next place in a file at which records begin again. Each byte is looked at once, and no
//! record that begins behind it is followed further than a few.

use std::io::Read;

use super::CaptureError;
use super::buffer::{BUFFER, Buffer};
use super::notes::Notes;

/// How far is looked for records behind damage.
const MAX_SEARCH: u64 = 128 * 1024 * 1024;

/// How many records in a row make a place believable.
pub(super) const RUN: usize = 3;

/// What comes at a place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Records,
    Other,
    /// So many bytes are needed to tell.
    Need(usize),
}

/// Does a run of records begin here? `length` gives the length of the record that begins with the bytes it gets, or why it
/// cannot; `is_all` says that the input ends with `bytes`.
pub(super) fn run(bytes: &[u8], is_all: bool, length: impl Fn(&[u8]) -> Result<usize, Look>) -> Look {
    let mut at = 0_usize;
    for count in 0..RUN {
        let rest = bytes.get(at..).unwrap_or_default();
        match length(rest) {
            Ok(length) => at = at.saturating_add(length),
            Err(Look::Need(more)) if !is_all => return Look::Need(at.saturating_add(more)),
            // The file ends behind a record, or is cut in the one behind the second.
            Err(Look::Need(_)) if count > 1 || (count > 0 && rest.is_empty()) => return Look::Records,
            Err(_) => return Look::Other,
        }
        if is_all && at > bytes.len() {
            return if count > 0 { Look::Records } else { Look::Other };
        }
    }
    Look::Records
}

/// Goes to the next place that `look` takes for records, and says what was damaged; false if there is none. What it is given
/// are the bytes from a place on, and whether the input ends with them.
#[cold]
pub(super) fn recover<R: Read>(
    buffer: &mut Buffer<R>,
    notes: &mut Notes,
    what: &str,
    look: impl Fn(&[u8], bool) -> Look,
) -> Result<bool, CaptureError> {
    let offset = buffer.offset();
    let found = search(buffer, MAX_SEARCH, look)?;
    if found {
        notes.skipped(offset, what, buffer.offset().saturating_sub(offset));
    }
    Ok(found)
}

/// The same within about so many bytes: what is at hand by then is looked at to its end.
pub(super) fn search<R: Read>(
    buffer: &mut Buffer<R>,
    most: u64,
    look: impl Fn(&[u8], bool) -> Look,
) -> Result<bool, CaptureError> {
    let start = buffer.offset();
    let mut at = 1_usize;
    while buffer.offset().saturating_sub(start) < most {
        let is_all = buffer.ended().is_some();
        let bytes = buffer.available();
        let mut need = 1;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            match look(rest, is_all) {
                Look::Records => {
                    buffer.take(at);
                    return Ok(true);
                }
                Look::Other => at = at.saturating_add(1),
                Look::Need(bytes) => {
                    need = bytes;
                    break;
                }
            }
        }
        if is_all {
            return Ok(false);
        }
        // More than needed, or the next place would need to read again.
        buffer.take(at);
        at = 0;
        buffer.fill(need.saturating_add(BUFFER))?;
    }
    Ok(false)
}
