//! The pages of the captures whose logins failed: many small ones share a page.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{clear, fault, joined};
use crate::cli::Failure;
use crate::cli::triage::store::{Place, Reader, Store};
use crate::report::html;
use crate::triage::journal::{Content, number};

/// The folder of the pages.
const PAGES: &str = "captures";
/// Bytes of a page, about.
const PAGE: u64 = 256 * 1024;

/// How many of them the disk is asked for at the same time.
const SYNCS: usize = 8;

/// The pages, and which captures stand on each.
pub(super) struct Pages {
    /// Where they are made.
    beside: PathBuf,
    pages: Vec<Vec<(String, Content, Place)>>,
    /// The bytes of the last one.
    bytes: u64,
    /// How many were begun to be written, and to be put on the disk.
    begun: AtomicUsize,
    synced: AtomicUsize,
}

impl Pages {
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        let beside = folder.join(format!("{PAGES}.part"));
        clear(&beside)?;
        fs::create_dir(&beside).map_err(|error| fault(&beside, error))?;
        Ok(Self { beside, pages: Vec::new(), bytes: 0, begun: AtomicUsize::new(0), synced: AtomicUsize::new(0) })
    }

    /// Finds a place on a page, and gives the link to it.
    pub(super) fn add(&mut self, path: &str, content: &Content, place: Place) -> String {
        if self.pages.is_empty() || self.bytes >= PAGE {
            self.pages.push(Vec::new());
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(place.page());
        if let Some(page) = self.pages.last_mut() {
            page.push((path.to_owned(), *content, place));
        }
        format!("{PAGES}/{}#{}", name(self.pages.len()), html::place(number(content)))
    }

    /// Writes them, together with whoever else does.
    pub(super) fn write(&self, store: &Store) -> Result<(), Failure> {
        let mut reader = store.reader()?;
        loop {
            let place = self.begun.fetch_add(1, Ordering::Relaxed);
            let Some(captures) = self.pages.get(place) else { return Ok(()) };
            self.page(&name(place.saturating_add(1)), captures, &mut reader)?;
        }
    }

    fn page(&self, name: &str, captures: &[(String, Content, Place)], reader: &mut Reader<'_>) -> Result<(), Failure> {
        let place = self.beside.join(name);
        let wrong = |error| fault(&place, error);
        let title = match captures {
            [(path, ..)] => path.clone(),
            _ => format!("{} captures", captures.len()),
        };
        // One write for a page, nearly always.
        let mut out = BufWriter::with_capacity(2 * PAGE as usize, File::create(&place).map_err(wrong)?);
        html::begin(&title, &mut out).map_err(wrong)?;
        for (path, content, place) in captures {
            html::put(path, number(content), reader.page(place)?, &mut out).map_err(wrong)?;
        }
        html::end(&mut out).and_then(|()| out.flush()).map_err(wrong)
    }

    /// Waits until they are on the disk. The disk is asked for several at a time: it then puts them there together.
    pub(super) fn sync(&self) -> Result<(), Failure> {
        let work = || {
            loop {
                let place = self.synced.fetch_add(1, Ordering::Relaxed);
                if place >= self.pages.len() {
                    return Ok(());
                }
                let page = self.beside.join(name(place.saturating_add(1)));
                // Not every system does so for a file that is open to be read.
                let file = File::options().write(true).open(&page);
                file.and_then(|file| file.sync_all()).map_err(|error| fault(&page, error))?;
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..SYNCS.min(self.pages.len())).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(joined).fold(Ok(()), Result::and)
        })
    }

    /// Puts them in their place.
    pub(super) fn put(&self, folder: &Path) -> Result<(), Failure> {
        let place = folder.join(PAGES);
        clear(&place)?;
        fs::rename(&self.beside, &place).map_err(|error| fault(&place, error))
    }
}

fn name(number: usize) -> String {
    format!("{number:04}.html")
}
