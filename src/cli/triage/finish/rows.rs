//! The rows of the results, in their order: what was found in a batch in, a row for each file and each member of an archive
//! out, in blocks that several threads can make at the same time.

use std::collections::HashMap;
use std::ops::Range;

use super::Batch;
use super::tables::Sheets;
use crate::cli::Failure;
use crate::cli::triage::store::{Finding, Outcome, Place, Reader, Store};
use crate::cli::triage::walk::is_named_like_a_capture;
use crate::report::html::batch::Line;
use crate::report::json;
use crate::triage::Digest;
use crate::triage::journal::Content;

/// Rows of a block, at most.
const ROWS: usize = 64;
/// Bytes of a block that are kept in the journal, about.
const BYTES: u64 = 256 * 1024;

/// All rows.
pub(super) struct Rows<'a> {
    rows: Vec<Row<'a>>,
    /// Files that are no captures.
    pub(super) others: usize,
}

struct Row<'a> {
    path: String,
    found: Found<'a>,
}

enum Found<'a> {
    Capture(&'a Content, Place),
    /// The content of this row.
    Duplicate(&'a Content, usize),
    Unread(&'a str),
}

/// Some rows, as they are written.
pub(super) struct Block<'a> {
    /// A line of each for `results.jsonl`.
    pub(super) documents: Vec<u8>,
    pub(super) sheets: Sheets,
    pub(super) told: Vec<(&'a str, Told<'a>)>,
}

/// What a row tells.
pub(super) enum Told<'a> {
    /// A capture, the first with this content.
    Capture(Box<Capture<'a>>),
    /// One with the content of an earlier one.
    Duplicate,
    /// What cannot be read, and why.
    Unread(&'a str),
}

/// A capture: what is kept of it, where, and how the page of all lists it.
pub(super) struct Capture<'a> {
    pub(super) content: &'a Content,
    pub(super) place: Place,
    pub(super) digest: Digest,
    pub(super) line: Line,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a Batch<'_>, store: &Store) -> Result<Self, Failure> {
        let places = store.places();
        let mut first: HashMap<&Content, usize> = HashMap::new();
        let mut all = Self { rows: Vec::new(), others: 0 };
        for (file, found) in &batch.files {
            for Finding { member, outcome } in *found {
                let path = match member {
                    Some(member) => format!("{}/{member}", file.name()),
                    None => file.name(),
                };
                let found = match outcome {
                    Outcome::Capture(content) => {
                        let here = all.rows.len();
                        let of = *first.entry(content).or_insert(here);
                        if of == here { Found::Capture(content, places.of(content)?) } else { Found::Duplicate(content, of) }
                    }
                    Outcome::Error(error) => Found::Unread(error),
                    Outcome::Other(error) if file.named || is_named_like_a_capture(&path) => Found::Unread(error),
                    Outcome::Other(_) => {
                        all.others = all.others.saturating_add(1);
                        continue;
                    }
                };
                all.rows.push(Row { path, found });
            }
        }
        let unread = |fault: &'a crate::triage::Unread| Row { path: fault.path.clone(), found: Found::Unread(&fault.error) };
        all.rows.extend(batch.faults.iter().map(unread));
        Ok(all)
    }

    /// Which rows are made together.
    pub(super) fn blocks(&self) -> Vec<Range<usize>> {
        let mut blocks: Vec<Range<usize>> = Vec::new();
        let mut bytes = BYTES;
        for (place, row) in self.rows.iter().enumerate() {
            match blocks.last_mut() {
                Some(last) if last.len() < ROWS && bytes < BYTES => last.end = place.saturating_add(1),
                _ => {
                    blocks.push(place..place.saturating_add(1));
                    bytes = 0;
                }
            }
            bytes = bytes.saturating_add(row.length());
        }
        blocks
    }

    /// Makes one of them.
    pub(super) fn block(&self, rows: Range<usize>, reader: &mut Reader<'_>) -> Result<Block<'_>, Failure> {
        let mut block = Block { documents: Vec::new(), sheets: Sheets::new(), told: Vec::new() };
        for row in self.rows.get(rows).unwrap_or_default() {
            let told = self.told(row, reader, &mut block)?;
            block.told.push((&row.path, told));
        }
        Ok(block)
    }

    fn told<'b>(&'b self, row: &'b Row<'_>, reader: &mut Reader<'_>, into: &mut Block<'b>) -> Result<Told<'b>, Failure> {
        let Block { documents, sheets, .. } = into;
        let path = row.path.as_str();
        // Nothing fails that is written to memory.
        let told = match &row.found {
            Found::Capture(content, place) => {
                let (digest, document) = reader.capture(place)?;
                let _ = json::line_of(path, document, documents);
                sheets.capture(path, content, &digest);
                let line = Line::new(path, &digest);
                Told::Capture(Box::new(Capture { content, place: *place, digest, line }))
            }
            Found::Duplicate(content, of) => {
                let of = self.rows.get(*of).map_or("", |first| first.path.as_str());
                let _ = json::duplicate(path, of, documents);
                sheets.duplicate(path, content, of);
                Told::Duplicate
            }
            Found::Unread(error) => {
                let _ = json::unread(path, error, documents);
                sheets.unread(path, error);
                Told::Unread(error)
            }
        };
        Ok(told)
    }
}

impl Row<'_> {
    /// How much is read to make it.
    fn length(&self) -> u64 {
        match &self.found {
            Found::Capture(_, place) => place.digest().saturating_add(place.document()),
            _ => 0,
        }
    }
}
