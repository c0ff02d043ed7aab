//! Domain names as text, spelt as Wireshark spells them, so that a reader can paste them into a display filter.

use std::fmt::Write;

use domain::base::name::Label;

use crate::text::WireText;

/// Few names are longer.
const USUAL_LENGTH: usize = 32;

/// Labels joined by dots, without the final one; the root is empty. Case is kept: some phones can be told by it.
pub(super) fn text<'a>(labels: impl Iterator<Item = &'a Label>) -> WireText {
    let mut joined = Vec::with_capacity(USUAL_LENGTH);
    for label in labels.filter(|label| !label.is_root()) {
        if !joined.is_empty() {
            joined.push(b'.');
        }
        joined.extend_from_slice(label.as_slice());
    }
    let has_control = joined.iter().any(u8::is_ascii_control);
    let name = String::from_utf8(joined).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    WireText::from(if has_control { escaped(&name) } else { name })
}

/// Control characters as C spells them: by letter where there is one, else in octal.
fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\{:03o}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
