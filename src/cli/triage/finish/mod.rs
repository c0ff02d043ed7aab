//! The results of a batch, written from its journal: the same bytes whatever was found first, by whom, and in which run. Each
//! file is made beside its place and moved there when it is whole; the manifest comes last.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};

use super::store::{Finding, Store};
use super::walk::Candidate;
use crate::cli::Failure;
use crate::cli::input::shown;
use crate::report::html::batch::{self, Line};
use crate::report::json;
use crate::report::triage::Manifest;
use crate::triage::{Growing, Overview, Unread};
use pages::Pages;
use part::{Part, Written};
use rows::{Kept, Rows, Told};
use tables::Tables;

mod pages;
mod part;
mod rows;
mod tables;

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

/// Writes all results, with so many threads.
pub(super) fn write(folder: &Path, store: &Store, batch: &Batch<'_>, jobs: usize) -> Result<Overview, Failure> {
    let rows = Rows::of(batch);
    let mut tables = Tables::begin(folder)?;
    let mut results = Results::begin(folder)?;
    if jobs == 1 {
        rows.each(store, |path, told| results.add(path, told).and_then(|()| tables.add(path, told)))?;
    } else {
        thread::scope(|scope| {
            let tables = scope.spawn(|| rows.each(store, |path, told| tables.add(path, told)));
            let results = rows.each(store, |path, told| results.add(path, told));
            joined(tables).and(results)
        })?;
    }
    results.finish(folder, tables, rows.others, store, jobs)
}

/// What a thread of ours gave.
fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |_| Err(Failure::Input("a thread of the program failed; please report it".to_owned()));
    thread.join().unwrap_or_else(failed)
}

/// The results besides the tables.
struct Results {
    growing: Growing,
    lines: Vec<Line>,
    documents: Part,
    pages: Pages,
}

impl Results {
    fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            growing: Growing::default(),
            lines: Vec::new(),
            documents: Part::create(folder, "results.jsonl")?,
            pages: Pages::begin(folder)?,
        })
    }

    fn add(&mut self, path: &str, told: &Told<'_>) -> Result<(), Failure> {
        match told {
            Told::Capture(content, Kept { digest, document, page }) => {
                let page = (*page > 0).then(|| self.pages.add(path, content, *page));
                self.growing.capture(path, page.as_deref(), digest);
                if self.lines.len() < batch::CAPTURES {
                    self.lines.push(Line::new(path, page, digest));
                }
                self.documents.write(|out| json::line_of(path, document, out))
            }
            Told::Duplicate(_, of) => {
                self.growing.duplicate();
                self.documents.write(|out| json::duplicate(path, of, out))
            }
            Told::Unread(error) => {
                self.growing.unread(path, error);
                self.documents.write(|out| json::unread(path, error, out))
            }
        }
    }

    /// Ends the results: while what is whole goes to the disk, the captures' pages are written.
    fn finish(self, folder: &Path, tables: Tables, others: usize, store: &Store, jobs: usize) -> Result<Overview, Failure> {
        let Self { growing, lines, documents, pages } = self;
        let (overview, mut written) = thread::scope(|scope| {
            let sync = |part: Part| scope.spawn(|| part.synced());
            let mut synced = vec![sync(documents)];
            synced.extend(tables.finish()?.into_iter().map(sync));
            let writing: Vec<_> = (1..jobs).map(|_| scope.spawn(|| pages.write(store))).collect();
            let overview = growing.finish(others);
            let mut index = Part::create(folder, "index.html")?;
            index.write(|out| batch::write(&overview, &lines, out))?;
            synced.push(sync(index));
            let here = pages.write(store);
            writing.into_iter().map(joined).fold(here, Result::and)?;
            let written: Result<Vec<Written>, Failure> = synced.into_iter().map(joined).collect();
            written.map(|written| (overview, written))
        })?;
        written.sort_by(|a, b| a.name.cmp(&b.name));
        written.iter().try_for_each(Written::put)?;
        pages.put(folder)?;
        let files: Vec<String> = written.into_iter().map(|written| written.name).collect();
        let mut manifest = Part::create(folder, MANIFEST)?;
        manifest.write(|out| Manifest::whole(&overview, &files).write(out))?;
        manifest.synced()?.put()?;
        Ok(overview)
    }
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
