//! A cursor over bytes that cannot leave them: a thin face over nom, so that a failure names the field and the offset.

use std::fmt;
use std::sync::Arc;

use nom::Parser;
use nom::bytes::complete::take;
use nom::number::complete::{be_u8, be_u16, be_u24, be_u32, be_u64, le_u16, le_u32, le_u64};

/// Bytes that could not be read as what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at offset {offset}: {kind}")]
pub struct ParseError {
    /// Offset in the bytes that the parser was given.
    pub offset: usize,
    /// What was being read.
    pub field: &'static str,
    /// What was wrong with it.
    pub kind: ErrorKind,
}

/// What was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Fewer bytes than needed.
    Short {
        /// Bytes needed.
        need: usize,
        /// Bytes that were there.
        have: usize,
    },
    /// A value that cannot stand here.
    Invalid,
    /// Bytes left over after the last field.
    TrailingBytes(usize),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Short { need, have } => write!(out, "{need} bytes needed, {have} there"),
            ErrorKind::Invalid => write!(out, "invalid value"),
            ErrorKind::TrailingBytes(count) => write!(out, "{count} bytes too many"),
        }
    }
}

/// The cursor. Big-endian unless a method says otherwise.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

type Plain<'a, T> = nom::IResult<&'a [u8], T, nom::error::Error<&'a [u8]>>;

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, rest: bytes }
    }

    /// How many bytes were read.
    pub fn offset(&self) -> usize {
        self.whole.len().saturating_sub(self.rest.len())
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// Is nothing left?
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The bytes that are left, without reading them.
    pub fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// An error about the field at the present offset.
    pub fn invalid(&self, field: &'static str) -> ParseError {
        ParseError { offset: self.offset(), field, kind: ErrorKind::Invalid }
    }

    fn step<T>(
        &mut self,
        field: &'static str,
        need: usize,
        mut parser: impl FnMut(&'a [u8]) -> Plain<'a, T>,
    ) -> Result<T, ParseError> {
        match parser(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(_) => Err(ParseError { offset: self.offset(), field, kind: ErrorKind::Short { need, have: self.rest.len() } }),
        }
    }

    /// One octet.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, ParseError> {
        self.step(field, 1, |input| be_u8.parse(input))
    }

    /// Two octets.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.step(field, 2, |input| be_u16.parse(input))
    }

    /// Three octets.
    pub fn u24(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.step(field, 3, |input| be_u24.parse(input))
    }

    /// Four octets.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.step(field, 4, |input| be_u32.parse(input))
    }

    /// Eight octets.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.step(field, 8, |input| be_u64.parse(input))
    }

    /// Two octets, little-endian.
    pub fn u16_le(&mut self, field: &'static str) -> Result<u16, ParseError> {
        self.step(field, 2, |input| le_u16.parse(input))
    }

    /// Four octets, little-endian.
    pub fn u32_le(&mut self, field: &'static str) -> Result<u32, ParseError> {
        self.step(field, 4, |input| le_u32.parse(input))
    }

    /// Eight octets, little-endian.
    pub fn u64_le(&mut self, field: &'static str) -> Result<u64, ParseError> {
        self.step(field, 8, |input| le_u64.parse(input))
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], ParseError> {
        self.step(field, length, |input| take(length).parse(input))
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ParseError> {
        let start = self.offset();
        let bytes = self.take(N, field)?;
        bytes.try_into().map_err(|_| ParseError { offset: start, field, kind: ErrorKind::Invalid })
    }

    /// A reader of its own over the next `length` bytes.
    pub fn part(&mut self, length: usize, field: &'static str) -> Result<Reader<'a>, ParseError> {
        self.take(length, field).map(Reader::new)
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    /// Fails if something is left.
    pub fn finish(&self, field: &'static str) -> Result<(), ParseError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(ParseError { offset: self.offset(), field, kind: ErrorKind::TrailingBytes(left) }),
        }
    }
}

/// Of so many bytes that several share, the share of one: a site's phones are all shown the same pages and certificates, which
/// a memory of those holds, too.
pub(crate) fn share<T: ?Sized>(of: &Arc<T>, bytes: usize) -> usize {
    let holders = Arc::strong_count(of).saturating_sub(1).max(1);
    bytes.checked_div(holders).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_field_offset_and_lengths() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("length"), Ok(0x0102));
        let error = reader.u32("address").expect_err("one byte is left");
        assert_eq!(error.to_string(), "address at offset 2: 4 bytes needed, 1 there");
        assert_eq!(reader.left(), 1, "a failed read moves nothing");
    }

    #[test]
    fn left_over_bytes_are_an_error_only_where_asked() {
        let mut reader = Reader::new(&[0, 1, 9, 9]);
        let length = reader.u16("length").expect("two bytes");
        let mut part = reader.part(usize::from(length), "part").expect("one byte");
        assert_eq!(part.rest(), [9]);
        assert!(part.finish("part").is_ok());
        assert_eq!(reader.finish("message").expect_err("one left").kind, ErrorKind::TrailingBytes(1));
    }
}
