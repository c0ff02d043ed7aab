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
use pages::Pages;
use part::{Part, Written};
use rows::{Block, Capture, Rows, Told};
use tables::Tables;
use turns::Turns;

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

/// Writes all results, with so many threads.
pub(super) fn write(folder: &Path, store: &Store, batch: &Batch<'_>, jobs: usize) -> Result<Overview, Failure> {
    let rows = Rows::of(batch, store)?;
    let blocks = rows.blocks();
    let results = Turns::new(Results::begin(folder)?);
    let next = AtomicUsize::new(0);
    let work = || {
        let over = results.over();
        let mut reader = store.reader()?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(block) = blocks.get(number) else { break };
            let block = rows.block(block.clone(), &mut reader)?;
            match results.at(number, |results| results.add(block)) {
                Some(added) => added?,
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
    })?;
    results.into_inner().finish(folder, rows.others, store, jobs)
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

    fn add(&mut self, block: Block<'_>) -> Result<(), Failure> {
        self.documents.write(|out| out.write_all(&block.documents))?;
        self.tables.append(&block.sheets)?;
        for (path, told) in block.told {
            match told {
                Told::Capture(capture) => {
                    let Capture { content, place, digest, line } = *capture;
                    let page = (place.page() > 0).then(|| self.pages.add(path, content, place));
                    self.growing.capture(path, page.as_deref(), &digest);
                    if self.lines.len() < batch::CAPTURES {
                        self.lines.push(line.on(page));
                    }
                }
                Told::Duplicate => self.growing.duplicate(),
                Told::Unread(error) => self.growing.unread(path, error),
            }
        }
        Ok(())
    }

    /// Ends the results: while what is whole goes to the disk, the captures' pages are written. What says that all is whole
    /// goes there with the rest, and is put in its place behind it.
    fn finish(self, folder: &Path, others: usize, store: &Store, jobs: usize) -> Result<Overview, Failure> {
        let Self { growing, lines, documents, tables, pages } = self;
        let (overview, mut written, manifest) = thread::scope(|scope| {
            let sync = |part: Part| scope.spawn(|| part.synced());
            let mut parts = vec![documents];
            parts.extend(tables.finish()?);
            let mut files: Vec<String> = parts.iter().map(|part| part.name().to_owned()).collect();
            let mut synced: Vec<_> = parts.into_iter().map(sync).collect();
            let writing: Vec<_> = (1..jobs).map(|_| scope.spawn(|| pages.write(store))).collect();
            let overview = growing.finish(others);
            let mut index = Part::create(folder, "index.html")?;
            index.write(|out| batch::write(&overview, &lines, out))?;
            files.push(index.name().to_owned());
            files.sort();
            let mut manifest = Part::create(folder, MANIFEST)?;
            manifest.write(|out| Manifest::whole(&overview, &files).write(out))?;
            synced.push(sync(index));
            let manifest = sync(manifest);
            let here = pages.write(store);
            writing.into_iter().map(joined).fold(here, Result::and)?;
            pages.sync()?;
            let written: Result<Vec<Written>, Failure> = synced.into_iter().map(joined).collect();
            Ok((overview, written?, joined(manifest)?))
        })?;
        written.sort_by(|a, b| a.name.cmp(&b.name));
        written.iter().try_for_each(Written::put)?;
        pages.put(folder)?;
        manifest.put()?;
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
