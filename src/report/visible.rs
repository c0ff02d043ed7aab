//! JSON that a terminal can show. JSON itself escapes only what stands before the space; here whatever could steer or
//! mislead a reader is written as `\u…` too, which every parser reads back as the same text.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::text::{is_plain, is_treacherous};

/// Writes a value on one line.
pub(super) fn compact(value: &(impl Serialize + ?Sized), out: impl Write) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Visible(CompactFormatter)))?)
}

/// Writes a value, indented.
pub(super) fn indented(value: &(impl Serialize + ?Sized), out: impl Write) -> io::Result<()> {
    Ok(value.serialize(&mut Serializer::with_formatter(out, Visible(PrettyFormatter::new())))?)
}

/// Lays out as `F` does, and makes text visible.
struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if is_plain(fragment) {
            return out.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        // Of ASCII, only what is not printable is treacherous.
        let is_it = |(_, c): &(usize, char)| !(' '..='~').contains(c) && is_treacherous(*c);
        while let Some((place, c)) = rest.char_indices().find(is_it) {
            let (plain, behind) = rest.split_at(place);
            out.write_all(plain.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = behind.strip_prefix(c).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_reads_back_as_it_was() {
        let text = "pool\u{9b}2J\u{7f}\u{202e}.com \u{e0041} \u{1b} \"Schröder\"";
        let value = serde_json::json!({ text: [text, 1, null], "empty": [] });
        type Write = fn(&serde_json::Value, &mut Vec<u8>) -> io::Result<()>;
        for write in [(|value, out| compact(value, out)) as Write, |value, out| indented(value, out)] {
            let mut out = Vec::new();
            write(&value, &mut out).unwrap();
            let written = String::from_utf8(out).unwrap();
            assert!(written.contains(r"pool\u009b2J\u007f\u202e.com \udb40\udc41 \u001b \"), "{written}");
            assert!(written.contains("Schröder"));
            assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
        }
    }

    #[test]
    fn the_layout_is_that_of_plain_json() {
        let value = serde_json::json!({ "a": [1, "b", {}], "c": { "d": null } });
        let (mut line, mut lines) = (Vec::new(), Vec::new());
        compact(&value, &mut line).unwrap();
        indented(&value, &mut lines).unwrap();
        assert_eq!(line, serde_json::to_vec(&value).unwrap());
        assert_eq!(lines, serde_json::to_vec_pretty(&value).unwrap());
    }
}
