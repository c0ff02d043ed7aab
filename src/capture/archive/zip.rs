//! ZIP (PKWARE APPNOTE 6.3): the directory at its end says what is in it. Stored and deflated members are read.

use std::io::{self, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::{ArchiveError, Each, MAX_MEMBERS};

/// The record that ends a file (section 4.3.16), and the longest comment behind it.
const END: usize = 22;
const COMMENT: u64 = 65_535;
/// The locator of the end record for large files (section 4.3.15).
const LOCATOR: usize = 20;

/// Hands out the files of a ZIP archive.
///
/// # Errors
/// If it is damaged or cannot be read on; what was handed out before holds.
pub fn zip(mut input: impl Read + Seek, each: &mut Each<'_>) -> Result<(), ArchiveError> {
    let directory = Directory::find(&mut input)?;
    let mut place = directory.offset;
    for number in 0..directory.entries {
        if number >= MAX_MEMBERS as u64 {
            return Err(ArchiveError::TooMany);
        }
        input.seek(SeekFrom::Start(place))?;
        let entry = Entry::read(&mut input)?;
        place = place.saturating_add(entry.length);
        // A name that ends in a slash is a directory's.
        if !entry.name.ends_with('/') && !hand_out(&mut input, &entry, each)? {
            return Ok(());
        }
    }
    Ok(())
}

fn hand_out(input: &mut (impl Read + Seek), entry: &Entry, each: &mut Each<'_>) -> Result<bool, ArchiveError> {
    if entry.flags & 1 != 0 {
        return Ok(each(&entry.name, Err("it is encrypted; unpack the archive".to_owned())));
    }
    input.seek(SeekFrom::Start(entry.header))?;
    let local: [u8; 30] = block(input)?;
    if !local.starts_with(b"PK\x03\x04") {
        return Err(ArchiveError::Damaged("a member is not where the directory says"));
    }
    let names = u64::from(half(&local, 26)).saturating_add(u64::from(half(&local, 28)));
    input.seek(SeekFrom::Start(entry.header.saturating_add(30).saturating_add(names)))?;
    let mut body = input.take(entry.size);
    Ok(match entry.method {
        0 => each(&entry.name, Ok(&mut body)),
        8 => each(&entry.name, Ok(&mut DeflateDecoder::new(body))),
        other => {
            each(&entry.name, Err(format!("it is compressed by method {other} of ZIP, which is not read; unpack the archive")))
        }
    })
}

struct Directory {
    offset: u64,
    entries: u64,
}

impl Directory {
    fn find(input: &mut (impl Read + Seek)) -> Result<Self, ArchiveError> {
        let length = input.seek(SeekFrom::End(0))?;
        let from = length.saturating_sub(COMMENT.saturating_add((END.saturating_add(LOCATOR)) as u64));
        input.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        input.take(length.saturating_sub(from)).read_to_end(&mut tail)?;
        let at = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or(ArchiveError::Damaged("it has no directory"))?;
        let end = tail.get(at..at.saturating_add(END)).ok_or(ArchiveError::Damaged("its end is cut off"))?;
        let (entries, offset) = (half(end, 10), word(end, 16));
        if entries != u16::MAX && offset != u32::MAX {
            return Ok(Self { offset: u64::from(offset), entries: u64::from(entries) });
        }
        let locator =
            at.checked_sub(LOCATOR).and_then(|from| tail.get(from..at)).filter(|found| found.starts_with(b"PK\x06\x07"));
        let locator = locator.ok_or(ArchiveError::Damaged("the end of its directory is cut off"))?;
        input.seek(SeekFrom::Start(long(locator, 8)))?;
        let end: [u8; 56] = block(input)?;
        if !end.starts_with(b"PK\x06\x06") {
            return Err(ArchiveError::Damaged("the end of its directory is not where it says"));
        }
        Ok(Self { offset: long(&end, 48), entries: long(&end, 32) })
    }
}

/// An entry of the directory (section 4.3.12).
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    size: u64,
    header: u64,
    /// Of the entry itself.
    length: u64,
}

impl Entry {
    fn read(input: &mut impl Read) -> Result<Self, ArchiveError> {
        let fixed: [u8; 46] = block(input)?;
        if !fixed.starts_with(b"PK\x01\x02") {
            return Err(ArchiveError::Damaged("its directory has an entry that is none"));
        }
        let (name, extra, comment) = (half(&fixed, 28), half(&fixed, 30), half(&fixed, 32));
        let name = bytes(input, name)?;
        let extra_field = bytes(input, extra)?;
        let large = [word(&fixed, 24), word(&fixed, 20), word(&fixed, 42)];
        let [_, size, header] = widened(large, &extra_field);
        Ok(Self {
            name: String::from_utf8_lossy(&name).into_owned(),
            flags: half(&fixed, 8),
            method: half(&fixed, 10),
            size,
            header,
            length: [name.len() as u64, u64::from(extra), u64::from(comment)].into_iter().fold(46, u64::saturating_add),
        })
    }
}

/// Unpacked size, packed size and offset, those that are too large for 32 bits from the extra field (section 4.5.3).
fn widened(values: [u32; 3], extra: &[u8]) -> [u64; 3] {
    let mut rest = extra;
    let mut wide: &[u8] = &[];
    while let Some((head, behind)) = rest.split_at_checked(4) {
        let length = usize::from(half(head, 2)).min(behind.len());
        let (value, next) = behind.split_at(length);
        if half(head, 0) == 1 {
            wide = value;
        }
        rest = next;
    }
    values.map(|value| match wide.split_at_checked(8) {
        Some((first, behind)) if value == u32::MAX => {
            wide = behind;
            long(first, 0)
        }
        _ => u64::from(value),
    })
}

fn block<const N: usize>(input: &mut impl Read) -> Result<[u8; N], ArchiveError> {
    let mut block = [0; N];
    input.read_exact(&mut block).map_err(cut)?;
    Ok(block)
}

fn bytes(input: &mut impl Read, count: u16) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = vec![0; usize::from(count)];
    input.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

fn cut(error: io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::Damaged("it ends too early"),
        _ => ArchiveError::Io(error),
    }
}

fn half(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u16::from_le_bytes(*chunk))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u32::from_le_bytes(*chunk))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |chunk| u64::from_le_bytes(*chunk))
}
