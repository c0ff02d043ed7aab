//! Some rows of the results, made together: what was found in, a line, the cells of the tables and what the pages tell of
//! each out.

use std::sync::Arc;

use super::tables::Sheets;
use crate::cli::Failure;
use crate::cli::triage::store::{Place, Reader};
use crate::report::html::batch::Line;
use crate::report::json;
use crate::triage::Digest;
use crate::triage::journal::Content;

/// A file or a member of an archive, and what is told of it.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) path: Arc<str>,
    pub(super) found: Found,
}

/// What was found in it.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Capture(Content, Place),
    /// The content of this path.
    Duplicate(Content, Arc<str>),
    Unread(String),
}

impl Row {
    /// How much is read to make it.
    pub(super) fn length(&self) -> u64 {
        match &self.found {
            Found::Capture(_, place) => place.digest().saturating_add(place.document()),
            _ => 0,
        }
    }
}

/// Some rows, as they are written.
pub(super) struct Block {
    /// A line of each for `results.jsonl`.
    pub(super) documents: Vec<u8>,
    pub(super) sheets: Sheets,
    pub(super) told: Vec<(Arc<str>, Told)>,
}

/// What a row tells.
pub(super) enum Told {
    /// A capture, the first with this content.
    Capture(Box<Capture>),
    /// One with the content of an earlier one.
    Duplicate,
    /// What cannot be read, and why.
    Unread(String),
}

/// A capture: what is kept of it, where, and how the page of all lists it.
pub(super) struct Capture {
    pub(super) content: Content,
    pub(super) place: Place,
    pub(super) digest: Digest,
    pub(super) line: Line,
}

impl Block {
    pub(super) fn of(rows: Vec<Row>, reader: &mut Reader<'_>) -> Result<Self, Failure> {
        let mut block = Self { documents: Vec::new(), sheets: Sheets::new(), told: Vec::new() };
        for Row { path, found } in rows {
            let told = block.row(&path, found, reader)?;
            block.told.push((path, told));
        }
        Ok(block)
    }

    fn row(&mut self, path: &str, found: Found, reader: &mut Reader<'_>) -> Result<Told, Failure> {
        let Self { documents, sheets, .. } = self;
        // Nothing fails that is written to memory.
        let told = match found {
            Found::Capture(content, place) => {
                let (digest, document) = reader.capture(&place)?;
                let _ = json::line_of(path, document, documents);
                sheets.capture(path, &content, &digest);
                let line = Line::new(path, &digest);
                Told::Capture(Box::new(Capture { content, place, digest, line }))
            }
            Found::Duplicate(content, of) => {
                let _ = json::duplicate(path, &of, documents);
                sheets.duplicate(path, &content, &of);
                Told::Duplicate
            }
            Found::Unread(error) => {
                let _ = json::unread(path, &error, documents);
                sheets.unread(path, &error);
                Told::Unread(error)
            }
        };
        Ok(told)
    }
}
