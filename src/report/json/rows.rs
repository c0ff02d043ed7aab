//! The rows of a batch: documents whose path is put in later, and what stands in the place of one that is not there.

use std::io::{self, Write};

use serde::Serialize;

use super::{Document, SCHEMA, Tool};
use crate::report::visible;
use crate::verdict::Analysis;

/// Puts into `line` what of a document's line stands behind the capture's path: the same wherever the same bytes lie.
pub fn behind_path(analysis: &Analysis, line: &mut Vec<u8>) -> io::Result<()> {
    let mut head = Vec::new();
    line.clear();
    visible::compact(&Document::new(analysis, ""), &mut *line)?;
    up_to_path("", &mut head)?;
    line.drain(..head.len().min(line.len()));
    Ok(())
}

/// The line of a document whose part behind the path this is.
pub fn line_of(path: &str, behind_path: &[u8], out: &mut dyn Write) -> io::Result<()> {
    up_to_path(path, out)?;
    out.write_all(behind_path)?;
    out.write_all(b"\n")
}

fn up_to_path(path: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut head = Vec::new();
    visible::compact(&Row::new(path), &mut head)?;
    // It goes on within the capture.
    out.write_all(head.strip_suffix(b"}}").unwrap_or(&head))
}

/// The row of a capture that could not be read.
pub fn unread(path: &str, error: &str, out: &mut dyn Write) -> io::Result<()> {
    row(&Row { error: Some(error), ..Row::new(path) }, out)
}

/// The row of a capture whose content is that of another one.
pub fn duplicate(path: &str, of: &str, out: &mut dyn Write) -> io::Result<()> {
    row(&Row { duplicate_of: Some(of), ..Row::new(path) }, out)
}

fn row(row: &Row<'_>, out: &mut dyn Write) -> io::Result<()> {
    visible::compact(row, &mut *out)?;
    out.write_all(b"\n")
}

/// A row that is no document: why the capture has none.
#[derive(Serialize)]
struct Row<'a> {
    schema: &'static str,
    tool: Tool,
    capture: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<&'a str>,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
}

impl<'a> Row<'a> {
    fn new(path: &'a str) -> Self {
        Self { schema: SCHEMA, tool: Tool::this(), capture: Place { path }, error: None, duplicate_of: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::json::line;
    use crate::report::samples;

    #[test]
    fn a_line_is_the_same_when_its_path_is_put_in_later() {
        for path in ["field.pcapng", "", "a \"b\" \u{1b}[2J/\u{202e}c\\"] {
            for analysis in [samples::founding_loop(), samples::hostile(), samples::healthy()] {
                let (mut at_once, mut behind, mut later) = (Vec::new(), b"of another".to_vec(), Vec::new());
                line(&analysis, path, &mut at_once).unwrap();
                behind_path(&analysis, &mut behind).unwrap();
                line_of(path, &behind, &mut later).unwrap();
                assert_eq!(String::from_utf8(later), String::from_utf8(at_once));
            }
        }
    }

    #[test]
    fn a_row_without_a_document_says_why() {
        let mut out = Vec::new();
        unread("a.pcap", "the file is empty", &mut out).unwrap();
        duplicate("c.pcap", "b.pcap", &mut out).unwrap();
        let rows: Vec<serde_json::Value> = out
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).unwrap())
            .collect();
        assert_eq!((&rows[0]["capture"]["path"], &rows[0]["error"]), (&"a.pcap".into(), &"the file is empty".into()));
        assert_eq!((&rows[1]["capture"]["path"], &rows[1]["duplicate_of"]), (&"c.pcap".into(), &"b.pcap".into()));
        assert!(rows.iter().all(|row| row["schema"] == SCHEMA && row.get("devices").is_none()));
    }
}
