//! The results of a batch, written from its journal: the same bytes whatever was found first, by whom, and in which run. Each
//! file is made beside its place and moved there when it is whole; the manifest comes last.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use super::store::{Finding, Store};
use super::walk::Candidate;
use crate::cli::Failure;
use crate::cli::output::shown;
use crate::report::html::batch::{self, Line};
use crate::report::triage::Manifest;
use crate::triage::{Growing, Overview, Unread};
use disk::Disk;
use pages::{Page, Pages};
use part::{Part, Written};
use rows::{Block, Capture, Rows, Told};
use tables::Tables;
use turns::Turns;

mod disk;
mod pages;
mod part;
mod rows;
mod tables;
mod turns;

/// The name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";

/// What was read, in order.
pub(super) struct Batch<'a> {
    pub(super) files: Vec<(&'a Candidate, &'a [Finding])>,
    pub(super) faults: &'a [Unread],
}

/// Says that the results in a folder are not whole.
pub(super) fn begin(folder: &Path) -> Result<(), Failure> {
    let mut file = Part::create(folder, MANIFEST)?;
    file.write(|out| Manifest::begun().write(out))?;
    // After a loss of power, the one that was there before may be there again, with its results.
    file.written()?.1.put()
}

/// Writes all results, with so many threads. What is whole goes to the disk at once, and everything is there before anything
/// is put in its place; what says that all is whole is put there last.
pub(super) fn write(folder: &Path, store: &Store, batch: &Batch<'_>, jobs: usize) -> Result<Overview, Failure> {
    let rows = Rows::of(batch, store)?;
    let made = Disk::with(|disk| {
        let results = Turns::new(Results::begin(folder)?);
        add(&rows, &results, store, jobs, disk)?;
        results.into_inner().finish(folder, rows.others, store, disk)
    })?;
    made.written.iter().try_for_each(Written::put)?;
    made.pages.put(folder)?;
    made.manifest.put()?;
    Ok(made.overview)
}

/// Adds all rows: made by several threads, added in turn.
fn add(rows: &Rows<'_>, results: &Turns<Results>, store: &Store, jobs: usize, disk: &Disk) -> Result<(), Failure> {
    let blocks = rows.blocks();
    let next = AtomicUsize::new(0);
    let work = || {
        let over = results.over();
        let mut reader = store.reader()?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(block) = blocks.get(number) else { break };
            let block = rows.block(block.clone(), &mut reader)?;
            match results.at(number, |results| results.add(block, disk)) {
                Some(whole) => whole?.iter().try_for_each(|page| page.write(&mut reader, disk))?,
                // Another thread says why.
                None => return Ok(()),
            }
        }
        over.done();
        Ok(())
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..jobs.min(blocks.len())).map(|_| scope.spawn(work)).collect();
        let here = work();
        others.into_iter().map(joined).fold(here, Result::and)
    })
}

/// What a thread of ours gave.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |_| Err(Failure::Input("a thread of the program failed; please report it".to_owned()));
    thread.join().unwrap_or_else(failed)
}

/// The results, as they grow row by row.
struct Results {
    growing: Growing,
    lines: Vec<Line>,
    documents: Part,
    tables: Tables,
    pages: Pages,
}

impl Results {
    fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            growing: Growing::default(),
            lines: Vec::new(),
            documents: Part::create(folder, "results.jsonl")?,
            tables: Tables::begin(folder)?,
            pages: Pages::begin(folder)?,
        })
    }

    /// Adds some rows, and gives the pages that are whole by that.
    fn add(&mut self, block: Block<'_>, disk: &Disk) -> Result<Vec<Page>, Failure> {
        let mut whole = Vec::new();
        self.documents.append(&block.documents, disk)?;
        self.tables.append(&block.sheets)?;
        for (path, told) in block.told {
            match told {
                Told::Capture(capture) => {
                    let Capture { content, place, digest, line } = *capture;
                    let page = (place.page() > 0).then(|| self.pages.add(path, content, place));
                    let page = page.map(|(link, page)| {
                        whole.extend(page);
                        link
                    });
                    self.growing.capture(path, page.as_deref(), &digest);
                    if self.lines.len() < batch::CAPTURES {
                        self.lines.push(line.on(page));
                    }
                }
                Told::Duplicate => self.growing.duplicate(),
                Told::Unread(error) => self.growing.unread(path, error),
            }
        }
        Ok(whole)
    }

    /// Ends the results.
    fn finish(mut self, folder: &Path, others: usize, store: &Store, disk: &Disk) -> Result<Made, Failure> {
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
struct Made {
    overview: Overview,
    written: Vec<Written>,
    pages: Pages,
    manifest: Written,
}

/// Removes a folder of ours, if it is there.
fn clear(place: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(fault(place, error)),
        _ => Ok(()),
    }
}

pub(super) fn fault(place: &Path, source: io::Error) -> Failure {
    Failure::Output { name: shown(place), source }
}
