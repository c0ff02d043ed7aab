//! The journal of a batch: what was found, in the order in which it was found, so that a batch that was stopped can go on.
//! Entries in, bytes out, and back. An entry that was cut or damaged is not taken, nor what stands behind it; a journal of
//! another version or of other profiles is a new one.

use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufRead, Read};

use foldhash::fast::FixedState;

/// How a journal begins.
const MAGIC: &str = "loginloop-journal 1";
/// The longest head line of an entry.
const HEAD: u64 = 256;
/// The most bytes that an entry can claim.
const MAX_ENTRY: u64 = 1 << 30;

/// The SHA-256 of a capture's bytes.
pub type Content = [u8; 32];

/// What stands in a journal besides its first line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A capture: what is kept of it, its document behind the path, and its page.
    Capture,
    /// A file: what was found in it.
    File,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Capture => "capture",
            Kind::File => "file",
        }
    }
}

/// The parts of an entry and where they lie behind its head: so many bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths(pub [u64; 3]);

impl Lengths {
    fn total(self) -> u64 {
        self.0.iter().fold(0, |sum, length| sum.saturating_add(*length))
    }
}

/// The first line of a journal made by `maker`: a version of the program with its profiles and options.
pub fn first_line(maker: &str) -> String {
    format!("{MAGIC} {maker}\n")
}

/// Puts an entry behind `into`.
pub fn write(kind: Kind, content: &Content, parts: [&[u8]; 3], into: &mut Vec<u8>) {
    let [a, b, c] = parts.map(<[u8]>::len);
    let head = format!("{} {} {a} {b} {c} {:016x}\n", kind.word(), hex(content), check(content, parts));
    into.extend_from_slice(head.as_bytes());
    parts.iter().for_each(|part| into.extend_from_slice(part));
    into.push(b'\n');
}

/// An entry that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Of which content.
    pub content: Content,
    /// Where its parts begin in the file.
    pub offset: u64,
    /// How long they are.
    pub lengths: Lengths,
    /// The first part.
    pub first: Vec<u8>,
}

/// Reads a journal entry by entry.
pub struct Reader<R> {
    input: R,
    /// Up to here all is whole.
    offset: u64,
    parts: Vec<u8>,
}

impl<R: BufRead> Reader<R> {
    /// A journal by this maker; `None` where it is none, or another's.
    pub fn open(mut input: R, maker: &str) -> io::Result<Option<Self>> {
        let wanted = first_line(maker);
        let mut line = Vec::new();
        input.by_ref().take(wanted.len() as u64).read_until(b'\n', &mut line)?;
        Ok((line == wanted.as_bytes()).then_some(Self { input, offset: wanted.len() as u64, parts: Vec::new() }))
    }

    /// The next entry that is whole; `None` where no other is.
    pub fn entry(&mut self) -> io::Result<Option<Entry>> {
        let mut head = Vec::new();
        self.input.by_ref().take(HEAD).read_until(b'\n', &mut head)?;
        let Some((kind, content, lengths, wanted)) = std::str::from_utf8(&head).ok().and_then(parse) else { return Ok(None) };
        let total = lengths.total();
        if total > MAX_ENTRY {
            return Ok(None);
        }
        self.parts.clear();
        let read = self.input.by_ref().take(total.saturating_add(1)).read_to_end(&mut self.parts)?;
        let whole = read as u64 == total.saturating_add(1) && self.parts.pop() == Some(b'\n');
        let [a, b, _] = lengths.0.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let (Some(first), Some(second)) = (self.parts.get(..a), self.parts.get(a..a.saturating_add(b))) else { return Ok(None) };
        let third = self.parts.get(a.saturating_add(b)..).unwrap_or_default();
        if !whole || check(&content, [first, second, third]) != wanted {
            return Ok(None);
        }
        let offset = self.offset.saturating_add(head.len() as u64);
        self.offset = offset.saturating_add(total).saturating_add(1);
        Ok(Some(Entry { kind, content, offset, lengths, first: first.to_vec() }))
    }

    /// Up to here the journal is whole.
    pub fn whole(&self) -> u64 {
        self.offset
    }
}

fn parse(head: &str) -> Option<(Kind, Content, Lengths, u64)> {
    let mut words = head.strip_suffix('\n')?.split(' ');
    let kind = match words.next()? {
        "capture" => Kind::Capture,
        "file" => Kind::File,
        _ => return None,
    };
    let content = unhex(words.next()?)?;
    let mut length = || words.next()?.parse().ok();
    let lengths = Lengths([length()?, length()?, length()?]);
    let check = u64::from_str_radix(words.next()?, 16).ok()?;
    words.next().is_none().then_some((kind, content, lengths, check))
}

/// Tells an entry that a loss of power has damaged; no protection against malice.
fn check(content: &Content, parts: [&[u8]; 3]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(content);
    parts.iter().for_each(|part| hasher.write(part));
    hasher.finish()
}

/// The digits of a content.
pub fn hex(content: &Content) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let mut digits = String::with_capacity(64);
    for byte in content {
        digits.push(digit(byte >> 4));
        digits.push(digit(byte & 15));
    }
    digits
}

/// A number that tells a content from the others of a page.
pub fn number(content: &Content) -> usize {
    content.first_chunk().map_or(0, |first| u32::from_be_bytes(*first) as usize)
}

fn unhex(text: &str) -> Option<Content> {
    let mut content = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (byte, place) in content.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<u8> {
        let mut bytes = first_line("0.1.0 abc").into_bytes();
        write(Kind::Capture, &[7; 32], [b"{}", b"body\n", b"<p>"], &mut bytes);
        write(Kind::File, &[0; 32], [b"{\"path\":1}", b"", b""], &mut bytes);
        bytes
    }

    fn entries(bytes: &[u8]) -> (Vec<Entry>, u64) {
        let mut reader = Reader::open(bytes, "0.1.0 abc").unwrap().unwrap();
        let mut entries = Vec::new();
        while let Some(entry) = reader.entry().unwrap() {
            entries.push(entry);
        }
        (entries, reader.whole())
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = journal();
        let (read, whole) = entries(&bytes);
        assert_eq!(
            read.iter().map(|entry| (entry.kind, entry.content[0])).collect::<Vec<_>>(),
            [(Kind::Capture, 7), (Kind::File, 0)]
        );
        assert_eq!(whole, bytes.len() as u64);
        let Entry { offset, lengths: Lengths([a, b, _]), .. } = read[0];
        assert_eq!(&bytes[(offset + a) as usize..(offset + a + b) as usize], b"body\n");
        assert_eq!(read[1].first, b"{\"path\":1}");
    }

    #[test]
    fn a_journal_that_was_cut_anywhere_holds_its_whole_entries() {
        let bytes = journal();
        let (all, _) = entries(&bytes);
        let first_end =
            all[1].offset as usize - bytes[..all[1].offset as usize].rsplit(|byte| *byte == b'\n').nth(1).unwrap().len() - 1;
        for end in first_line("0.1.0 abc").len()..bytes.len() {
            let (read, whole) = entries(&bytes[..end]);
            assert_eq!(read.len(), usize::from(end >= first_end), "cut at {end}");
            assert!(whole as usize <= end);
        }
    }

    #[test]
    fn an_entry_with_a_changed_byte_is_not_taken() {
        let bytes = journal();
        for place in first_line("0.1.0 abc").len()..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x01;
            assert!(entries(&changed).0.len() < 2, "at {place}");
        }
    }

    #[test]
    fn an_entry_that_claims_more_than_any_holds_is_not_taken() {
        let mut bytes = first_line("0.1.0 abc").into_bytes();
        for length in [MAX_ENTRY + 1, u64::MAX] {
            bytes.extend(format!("capture {} {length} 1 1 {:016x}\n", hex(&[7; 32]), 0).into_bytes());
            assert!(entries(&bytes).0.is_empty());
        }
    }

    #[test]
    fn the_journal_of_another_version_is_none() {
        assert!(Reader::open(journal().as_slice(), "0.2.0 abc").unwrap().is_none());
        assert!(Reader::open(&b""[..], "0.1.0 abc").unwrap().is_none());
    }
}
