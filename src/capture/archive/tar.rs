//! tar: ustar and pax (IEEE Std 1003.1, pax), and GNU's long names.

use std::io::{self, Read};

use super::{ArchiveError, Each, MAX_MEMBERS, MAX_NAME};

/// All is in blocks of this size.
const BLOCK: usize = 512;

/// Hands out the regular files of a tar archive.
///
/// # Errors
/// If it is damaged or cannot be read on; what was handed out before holds.
pub fn tar(mut input: impl Read, each: &mut Each<'_>) -> Result<(), ArchiveError> {
    let mut long_name = None;
    for _ in 0..MAX_MEMBERS {
        let Some(header) = Header::read(&mut input)? else { return Ok(()) };
        let mut body = input.by_ref().take(header.size);
        match header.kind {
            b'0' | 0 | b'7' => {
                let name = long_name.take().unwrap_or(header.name);
                if !each(&name, Ok(&mut body)) {
                    return Ok(());
                }
            }
            b'L' => long_name = Some(text(&named(&mut body)?)),
            b'x' => long_name = pax_path(&named(&mut body)?).or(long_name),
            _ => long_name = None,
        }
        // What was not read of it, and what fills its last block.
        let padding = header.size.checked_next_multiple_of(BLOCK as u64).map_or(0, |end| end.saturating_sub(header.size));
        let unread = body.limit();
        let passed = io::copy(&mut input.by_ref().take(unread.saturating_add(padding)), &mut io::sink())?;
        if passed < unread {
            return Err(ArchiveError::Damaged("a member is cut off"));
        }
    }
    Err(ArchiveError::TooMany)
}

struct Header {
    name: String,
    size: u64,
    kind: u8,
}

impl Header {
    /// The next header; `None` at the end, which is a block of zeros, or where the file just ends.
    fn read(input: &mut impl Read) -> Result<Option<Self>, ArchiveError> {
        let mut block = [0; BLOCK];
        let mut have = 0;
        while let Some(free) = block.get_mut(have..).filter(|free| !free.is_empty()) {
            match input.read(free) {
                Ok(0) => break,
                Ok(count) => have = have.saturating_add(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        if have == 0 || block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if have < BLOCK {
            return Err(ArchiveError::Damaged("it ends within a header"));
        }
        Self::parse(&block).map(Some).ok_or(ArchiveError::Damaged("a header's checksum or size is wrong"))
    }

    fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        let field = |from: usize, length: usize| block.get(from..from.saturating_add(length)).unwrap_or_default();
        // The checksum is reckoned as if its own field held spaces.
        let sum = block.iter().enumerate().map(|(place, byte)| if (148..156).contains(&place) { 32 } else { u64::from(*byte) });
        if number(field(148, 8))? != sum.sum::<u64>() {
            return None;
        }
        let (name, prefix) = (text(field(0, 100)), text(field(345, 155)));
        let has_prefix = field(257, 6) == b"ustar\0" && !prefix.is_empty();
        let name = if has_prefix { format!("{prefix}/{name}") } else { name };
        Some(Self { name, size: number(field(124, 12))?, kind: field(156, 1).first().copied()? })
    }
}

/// A number in octal digits, or, where its first bit is set, in binary (GNU, for sizes from 8 GiB on).
fn number(field: &[u8]) -> Option<u64> {
    if let [first @ 0x80..=0xff, rest @ ..] = field {
        let begin = u64::from(*first & 0x7f);
        return rest.iter().try_fold(begin, |value, byte| value.checked_mul(256)?.checked_add(u64::from(*byte)));
    }
    let digits = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// Text up to the first zero.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

fn named(body: &mut impl Read) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    body.take(MAX_NAME).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The path among pax records: `LENGTH path=…\n`.
fn pax_path(records: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(records);
    text.lines().filter_map(|line| line.split_once(' ')?.1.strip_prefix("path=")).next_back().map(str::to_owned)
}
