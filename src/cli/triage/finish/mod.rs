//! The results of a batch, written from its journal while the last captures are still read: the same bytes whatever was found
//! first, by whom, and in which run. Each file is made beside its place and moved there when all of them are whole; the
//! manifest comes last.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::thread::{self, ScopedJoinHandle};

use super::store::{Finding, Reader, Store, locked};
use super::walk::Found;
use crate::cli::Failure;
use crate::cli::output::shown;
use crate::report::triage::Manifest;
use crate::triage::Overview;
use block::Block;
use disk::Disk;
use part::{Part, Written};
use results::Results;
use rows::Rows;
use turns::{Over, Turns};

mod block;
mod disk;
mod pages;
mod part;
mod results;
mod rows;
mod tables;
mod turns;

/// The name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";

/// Says that the results in a folder are not whole.
pub(super) fn begin(folder: &Path) -> Result<(), Failure> {
    let mut file = Part::create(folder, MANIFEST)?;
    file.write(|out| Manifest::begun().write(out))?;
    // After a loss of power, the one that was there before may be there again, with its results.
    file.written()?.1.put()
}

/// Writes all results, with so many threads, while `read` reads what is not known yet; none where that says that the batch
/// was stopped. What is whole goes to the disk at once, and everything is there before anything is put in its place; what
/// says that all is whole is put there last.
pub(super) fn write(
    folder: &Path,
    store: &Store,
    found: &Found,
    jobs: usize,
    read: impl FnOnce(&Growth<'_>) -> Result<bool, Failure>,
) -> Result<Option<Overview>, Failure> {
    let made = Disk::with(|disk| {
        let rows = Mutex::new(Rows::of(found, |file| store.known(file)));
        let growth = Growth { rows, results: Turns::new(Results::begin(folder)?), store, disk };
        if !read(&growth)? {
            return Ok(None);
        }
        growth.rest(jobs)?;
        let others = locked(&growth.rows).others;
        growth.results.into_inner().finish(folder, others, store, disk).map(Some)
    })?;
    let Some(made) = made else { return Ok(None) };
    made.written.into_iter().try_for_each(Written::put)?;
    made.pages.put(folder)?;
    made.manifest.put()?;
    Ok(Some(made.overview))
}

/// The results, as they grow: rows become ready by what is read, and are added in their order.
pub(super) struct Growth<'a> {
    rows: Mutex<Rows<'a>>,
    results: Turns<Results>,
    store: &'a Store,
    disk: &'a Disk,
}

impl<'a> Growth<'a> {
    /// The files that are still to be read, by their places.
    pub(super) fn unread(&self) -> Vec<usize> {
        locked(&self.rows).unread()
    }

    /// A thread that makes them grow.
    pub(super) fn grower(&self) -> Result<Grower<'_, 'a>, Failure> {
        let over = self.results.over();
        Ok(Grower { growth: self, reader: self.store.reader()?, over })
    }

    /// Adds all that is left when everything is read.
    fn rest(&self, jobs: usize) -> Result<(), Failure> {
        let work = || {
            let mut grower = self.grower()?;
            while grower.block()? {}
            grower.done();
            Ok(())
        };
        let jobs = jobs.min(locked(&self.rows).left());
        thread::scope(|scope| {
            let others: Vec<_> = (1..jobs).map(|_| scope.spawn(work)).collect();
            let here = work();
            others.into_iter().map(joined).fold(here, Result::and)
        })?;
        if locked(&self.rows).is_over() { Ok(()) } else { Err(self.store.lacking()) }
    }
}

/// A thread that makes results grow.
pub(super) struct Grower<'g, 'a> {
    growth: &'g Growth<'a>,
    reader: Reader<'g>,
    over: Over<'g, Results>,
}

impl Grower<'_, '_> {
    /// Takes what was found in files, by their places; the journal has it.
    pub(super) fn take(&self, read: impl IntoIterator<Item = (usize, Vec<Finding>)>) {
        let mut rows = locked(&self.growth.rows);
        read.into_iter().for_each(|(place, findings)| rows.take(place, findings));
    }

    /// Makes a block of rows and adds it; false where none is ready.
    pub(super) fn block(&mut self) -> Result<bool, Failure> {
        let Growth { rows, results, store, disk } = self.growth;
        let Some((number, rows)) = locked(rows).block(|content| store.place(content)) else { return Ok(false) };
        let block = Block::of(rows, &mut self.reader)?;
        // Where its turn does not come, another thread says why.
        let Some(pages) = results.at(number, |results| results.add(block, disk)) else { return Ok(false) };
        pages?.iter().try_for_each(|page| page.write(&mut self.reader, disk))?;
        Ok(true)
    }

    /// It has had all its turns.
    pub(super) fn done(self) {
        self.over.done();
    }
}

/// What a thread of ours gave.
pub(super) fn joined<T>(thread: ScopedJoinHandle<'_, Result<T, Failure>>) -> Result<T, Failure> {
    let failed = |_| Err(Failure::Input("a thread of the program failed; please report it".to_owned()));
    thread.join().unwrap_or_else(failed)
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
