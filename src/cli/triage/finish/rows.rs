//! The rows of the results, in their order: what was found in a batch in, a row for each file and each member of an archive
//! out, and for a capture what is kept of it.

use std::collections::HashMap;

use super::Batch;
use super::fault;
use crate::cli::Failure;
use crate::cli::triage::store::{Finding, Outcome, Store};
use crate::cli::triage::walk::is_named_like_a_capture;
use crate::triage::Digest;
use crate::triage::journal::Content;

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
    Capture(&'a Content),
    /// The content of this row.
    Duplicate(&'a Content, usize),
    Unread(&'a str),
}

/// What a row tells.
pub(super) enum Told<'a> {
    /// A capture, the first with this content.
    Capture(&'a Content, Kept<'a>),
    /// One with the content of that capture.
    Duplicate(&'a Content, &'a str),
    /// What cannot be read, and why.
    Unread(&'a str),
}

/// What is kept of a capture.
pub(super) struct Kept<'a> {
    pub(super) digest: Digest,
    /// Its document behind the path.
    pub(super) document: &'a [u8],
    /// How long its part of a page is.
    pub(super) page: u64,
}

impl<'a> Rows<'a> {
    pub(super) fn of(batch: &'a Batch<'_>) -> Self {
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
                        if of == here { Found::Capture(content) } else { Found::Duplicate(content, of) }
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
        all
    }

    /// Goes through them. Several threads can: each reads what is kept for itself, for to hand it from one to another would take
    /// longer.
    pub(super) fn each(&self, store: &Store, mut on: impl FnMut(&str, &Told<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut reader = store.reader()?;
        for Row { path, found } in &self.rows {
            let told = match found {
                Found::Capture(content) => {
                    let (digest, document, page) = reader.capture(content)?;
                    let digest = serde_json::from_slice(digest).map_err(|error| fault(store.path(), error.into()))?;
                    Told::Capture(content, Kept { digest, document, page })
                }
                Found::Duplicate(content, of) => {
                    Told::Duplicate(content, self.rows.get(*of).map_or("", |first| first.path.as_str()))
                }
                Found::Unread(error) => Told::Unread(error),
            };
            on(path, &told)?;
        }
        Ok(())
    }
}
