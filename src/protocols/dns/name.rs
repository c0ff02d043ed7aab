//! Domain names as text, spelt as Wireshark spells them, so that a reader can paste them into a display filter.

use std::fmt::Write as _;
use std::io::Write as _;

use domain::base::name::ToName;

use crate::text::{WireText, lossy};

/// No name has more octets (RFC 1035 section 3.1), and none has more as text.
const LONGEST: usize = 255;

/// Labels joined by dots, without the final one; the root is empty. Case is kept: some phones can be told by it.
pub(super) fn text(name: &impl ToName) -> WireText {
    text_or(name, &WireText::default())
}

/// The same; where the name is that of `known`, it shares its bytes: most records bear the name that was asked for.
pub(super) fn text_or(name: &impl ToName, known: &WireText) -> WireText {
    let mut room = [0; LONGEST];
    let mut free = room.as_mut_slice();
    let mut write = |octets: &[u8]| {
        // There is room for every name that could be read.
        let _ = free.write_all(octets);
    };
    for (index, label) in name.iter_labels().filter(|label| !label.is_root()).enumerate() {
        if index > 0 {
            write(b".");
        }
        write(label.as_slice());
    }
    let free = free.len();
    let joined = room.get(..LONGEST.saturating_sub(free)).unwrap_or_default();
    if joined == known.raw().as_bytes() {
        return known.clone();
    }
    // To the end in any case: that is quicker than to look after each octet whether to go on.
    if joined.iter().fold(false, |found, octet| found | octet.is_ascii_control()) {
        WireText::from(escaped(&lossy(joined)))
    } else {
        WireText::from_bytes(joined)
    }
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
