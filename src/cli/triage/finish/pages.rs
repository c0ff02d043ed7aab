//! The pages of the captures whose logins failed: many small ones share a page.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::Disk;
use super::{clear, fault};
use crate::cli::Failure;
use crate::cli::triage::store::{Place, Reader};
use crate::report::html;
use crate::triage::journal::{Content, number};

/// The folder of the pages.
const PAGES: &str = "captures";
/// Bytes of a page, about.
const PAGE: u64 = 256 * 1024;

/// The pages, one after the other; they are gone if they are not put in their place.
pub(super) struct Pages {
    /// Where they are made.
    beside: PathBuf,
    /// How many were begun.
    begun: usize,
    captures: Vec<(Arc<str>, Content, Place)>,
    bytes: u64,
}

/// One of them, and which captures stand on it.
pub(super) struct Page {
    place: PathBuf,
    captures: Vec<(Arc<str>, Content, Place)>,
}

impl Pages {
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        let beside = folder.join(format!("{PAGES}.part"));
        clear(&beside)?;
        fs::create_dir(&beside).map_err(|error| fault(&beside, error))?;
        Ok(Self { beside, begun: 1, captures: Vec::new(), bytes: 0 })
    }

    /// Finds a place on a page, and gives the link to it; the page before may be whole by that.
    pub(super) fn add(&mut self, path: &Arc<str>, content: &Content, place: Place) -> (String, Option<Page>) {
        let whole = if self.bytes >= PAGE { self.take() } else { None };
        self.bytes = self.bytes.saturating_add(place.page());
        self.captures.push((Arc::clone(path), *content, place));
        (format!("{PAGES}/{}#{}", name(self.begun), html::place(number(content))), whole)
    }

    /// The last one, if it holds anything.
    pub(super) fn take(&mut self) -> Option<Page> {
        let captures = std::mem::take(&mut self.captures);
        let place = self.beside.join(name(self.begun));
        self.begun = self.begun.saturating_add(1);
        self.bytes = 0;
        (!captures.is_empty()).then_some(Page { place, captures })
    }

    /// Puts them in their place.
    pub(super) fn put(self, folder: &Path) -> Result<(), Failure> {
        let place = folder.join(PAGES);
        clear(&place)?;
        fs::rename(&self.beside, &place).map_err(|error| fault(&place, error))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = clear(&self.beside);
    }
}

impl Page {
    /// Writes it, and leaves it to the disk.
    pub(super) fn write(&self, reader: &mut Reader<'_>, disk: &Disk) -> Result<(), Failure> {
        let wrong = |error| fault(&self.place, error);
        let title = match self.captures.as_slice() {
            [(path, ..)] => path.to_string(),
            captures => format!("{} captures", captures.len()),
        };
        // One write for a page, nearly always.
        let mut out = BufWriter::with_capacity(2 * PAGE as usize, File::create(&self.place).map_err(wrong)?);
        html::begin(&title, &mut out).map_err(wrong)?;
        for (path, content, place) in &self.captures {
            html::put(path, number(content), reader.page(place)?, &mut out).map_err(wrong)?;
        }
        html::end(&mut out).map_err(wrong)?;
        disk.take(&self.place, out.into_inner().map_err(|error| wrong(error.into_error()))?)
    }
}

fn name(number: usize) -> String {
    format!("{number:04}.html")
}
