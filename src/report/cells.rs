//! Rows of a spreadsheet: RFC 4180, visible text, and no cell that is taken for a formula.

use std::borrow::Cow;
use std::io::{self, Write};

use super::page::safe;
use crate::text::every;

/// Octets of a row, as a rule.
const USUAL: usize = 256;

/// Writes a row.
pub(in crate::report) fn row<'a>(cells: impl Iterator<Item = Cow<'a, str>>, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::with_capacity(USUAL);
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            line.push(',');
        }
        put(&harmless(&cell), &mut line);
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

/// Puts a cell into a line, in quotes where what it holds would end it (RFC 4180 section 2).
fn put(cell: &str, line: &mut String) {
    if every(cell, |byte| !matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        return line.push_str(cell);
    }
    line.push('"');
    line.push_str(&cell.replace('"', "\"\""));
    line.push('"');
}

/// Visible text that no spreadsheet reckons with: what begins like a formula gets an apostrophe before it, as OWASP advises
/// against CSV injection.
fn harmless(text: &str) -> Cow<'_, str> {
    let visible = safe(text);
    if visible.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{visible}").into() } else { visible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for evil in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1"] {
            assert!(!harmless(evil).starts_with(['=', '+', '-', '@', '\t']), "{evil}");
        }
    }

    #[test]
    fn a_cell_ends_where_it_ends_whatever_is_in_it() {
        let mut out = Vec::new();
        row(["a,b", "say \"no\"", "plain", "", "two\nlines"].into_iter().map(Cow::from), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\"a,b\",\"say \"\"no\"\"\",plain,,two\\u{a}lines\r\n");
    }
}
