//! The results, row by row: blocks in their order in, the files of the results out, each beside its place.

use std::path::Path;

use super::MANIFEST;
use super::block::{Block, Capture, Told};
use super::disk::Disk;
use super::pages::{Page, Pages};
use super::part::{Part, Written};
use super::tables::Tables;
use crate::cli::Failure;
use crate::cli::triage::store::Store;
use crate::report::html::batch::{self, Line};
use crate::report::triage::Manifest;
use crate::triage::{Growing, Overview};

/// The results, as they grow row by row.
pub(super) struct Results {
    growing: Growing,
    lines: Vec<Line>,
    documents: Part,
    tables: Tables,
    pages: Pages,
}

impl Results {
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            growing: Growing::default(),
            lines: Vec::new(),
            documents: Part::create(folder, "results.jsonl")?,
            tables: Tables::begin(folder)?,
            pages: Pages::begin(folder)?,
        })
    }

    /// Adds some rows, and gives the pages that are whole by that.
    pub(super) fn add(&mut self, block: Block, disk: &Disk) -> Result<Vec<Page>, Failure> {
        let mut whole = Vec::new();
        self.documents.append(&block.documents, disk)?;
        self.tables.append(&block.sheets, disk)?;
        for (path, told) in block.told {
            match told {
                Told::Capture(capture) => {
                    let Capture { content, place, digest, line } = *capture;
                    let page = (place.page() > 0).then(|| self.pages.add(&path, &content, place));
                    let page = page.map(|(link, page)| {
                        whole.extend(page);
                        link
                    });
                    self.growing.capture(&path, page.as_deref(), &digest);
                    if self.lines.len() < batch::CAPTURES {
                        self.lines.push(line.on(page));
                    }
                }
                Told::Duplicate => self.growing.duplicate(),
                Told::Unread(error) => self.growing.unread(&path, &error),
            }
        }
        Ok(whole)
    }

    /// Ends the results.
    pub(super) fn finish(mut self, folder: &Path, others: usize, store: &Store, disk: &Disk) -> Result<Made, Failure> {
        let mut written = vec![self.documents.end(disk)?];
        for part in self.tables.finish()? {
            written.push(part.end(disk)?);
        }
        if let Some(last) = self.pages.take() {
            last.write(&mut store.reader()?, disk)?;
        }
        let overview = self.growing.finish(others);
        let mut index = Part::create(folder, "index.html")?;
        index.write(|out| batch::write(&overview, &self.lines, out))?;
        written.push(index.end(disk)?);
        written.sort_by(|a, b| a.name.cmp(&b.name));
        let files: Vec<String> = written.iter().map(|part| part.name.clone()).collect();
        let mut manifest = Part::create(folder, MANIFEST)?;
        manifest.write(|out| Manifest::whole(&overview, &files).write(out))?;
        Ok(Made { overview, written, pages: self.pages, manifest: manifest.end(disk)? })
    }
}

/// What was made, beside its place.
pub(super) struct Made {
    pub(super) overview: Overview,
    pub(super) written: Vec<Written>,
    pub(super) pages: Pages,
    pub(super) manifest: Written,
}
