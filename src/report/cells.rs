//! Rows of a spreadsheet: RFC 4180, visible text, and no cell that is taken for a formula.

use std::io::{self, Write};

use super::page::safe;

/// Writes a row.
pub(in crate::report) fn row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    writer.write_record(cells.map(|cell| harmless(&cell))).map_err(io::Error::other)?;
    writer.flush()
}

/// Visible text that no spreadsheet reckons with: what begins like a formula gets an apostrophe before it, as OWASP advises
/// against CSV injection.
fn harmless(text: &str) -> String {
    let visible = safe(text);
    if visible.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{visible}") } else { visible }
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
}
