//! Text that arrived by wire. It can hold anything, so it can only be shown with whatever a terminal, a table or a
//! reader could take for something else made visible.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

/// Text from a packet. `Display` makes control, bidirectional and invisible characters visible as `\u{…}`.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WireText(SmolStr);

impl WireText {
    /// Takes bytes as UTF-8; what is not becomes the replacement character.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(SmolStr::from(lossy(bytes)))
    }

    /// The text as it came, for comparison. Never for printing.
    pub fn raw(&self) -> &str {
        self.0.as_str()
    }

    /// Memory that it takes, about, with its own place in a list.
    pub(crate) fn held(&self) -> usize {
        self.0.len().saturating_add(size_of::<Self>())
    }

    /// Was nothing sent?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for WireText {
    fn from(text: &str) -> Self {
        Self(SmolStr::new(text))
    }
}

impl From<String> for WireText {
    fn from(text: String) -> Self {
        Self(SmolStr::from(text))
    }
}

impl FromIterator<char> for WireText {
    fn from_iter<I: IntoIterator<Item = char>>(characters: I) -> Self {
        Self(SmolStr::from_iter(characters))
    }
}

/// Could this character change how the text around it is shown?
pub(crate) fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Is this so of every byte of a text? It is asked of many at a time, for which a processor has single instructions.
pub(crate) fn every(text: &str, is_so: impl Fn(u8) -> bool) -> bool {
    let all = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_so(*byte));
    let (many, rest) = text.as_bytes().as_chunks::<16>();
    let (few, rest) = rest.as_chunks::<4>();
    many.iter().all(|bytes| all(bytes)) && few.iter().all(|bytes| all(bytes)) && all(rest)
}

/// Is it printable ASCII, as nearly all text is? Then nothing in it is treacherous.
pub(crate) fn is_plain(text: &str) -> bool {
    every(text, is_printable)
}

fn is_printable(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Does `text` begin with `prefix`, whatever the case of ASCII letters?
pub(crate) fn begins(text: &str, prefix: &str) -> bool {
    // Byte by byte: most differ in the first.
    text.len() >= prefix.len() && text.bytes().zip(prefix.bytes()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
}

/// Does `text` end with `suffix`, whatever the case of ASCII letters?
pub(crate) fn ends(text: &str, suffix: &str) -> bool {
    let begin = text.len().checked_sub(suffix.len());
    let end = begin.and_then(|begin| text.as_bytes().get(begin..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
}

/// Does `text` contain `part`, whatever the case of ASCII letters?
pub(crate) fn contains(text: &str, part: &str) -> bool {
    let Some(first) = part.bytes().next() else { return true };
    let mut places = memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), text.as_bytes());
    places.any(|place| {
        let rest = text.as_bytes().get(place..).and_then(|rest| rest.get(..part.len()));
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(part.as_bytes()))
    })
}

/// Bytes as UTF-8; what is not becomes the replacement character.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all text is good, and to see that is much quicker than to mend it.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// Writes `text` with whatever could steer a terminal or hide made visible.
pub fn escape(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    if is_plain(text) {
        return out.write_str(text);
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_printable(byte)) {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or_default();
        out.write_str(plain)?;
        let mut characters = behind.chars();
        match characters.next() {
            Some(c) if is_treacherous(c) => write!(out, "{}", c.escape_unicode())?,
            Some(c) => out.write_char(c)?,
            None => {}
        }
        rest = characters.as_str();
    }
    out.write_str(rest)
}

impl fmt::Display for WireText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(&self.0, out)
    }
}

impl JsonSchema for WireText {
    fn schema_name() -> Cow<'static, str> {
        "WireText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "Text that came by wire."})
    }
}

impl fmt::Debug for WireText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", self.0)
    }
}

impl Serialize for WireText {
    /// Programs get the text as it came; the reports' JSON makes what could steer a terminal visible in its own way.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_made_visible() {
        let text = WireText::from_bytes(b"pool\x1b[2J\r\n\xe2\x80\xae.com");
        assert_eq!(text.to_string(), r"pool\u{1b}[2J\u{d}\u{a}\u{202e}.com");
    }

    #[test]
    fn text_is_plain_unless_any_byte_of_it_is_not_wherever_that_stands() {
        for length in [0, 1, 15, 16, 17, 31, 32, 40] {
            assert!(is_plain(&"x".repeat(length)), "{length}");
            for (place, other) in (0..length).flat_map(|place| ["\u{7f}", "\n", "ü"].map(|other| (place, other))) {
                let text = format!("{}{other}{}", "x".repeat(place), "~".repeat(length - place - 1));
                assert!(!is_plain(&text), "{text:?}");
            }
        }
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        assert_eq!(WireText::from("Schröder – Empfang").to_string(), "Schröder – Empfang");
    }
}
