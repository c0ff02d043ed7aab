//! The results of a batch, written from its journal: the same bytes whatever was found first, by whom, and in which run. Each
//! file is made beside its place and moved there when it is whole; the manifest comes last.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use super::store::{Finding, Outcome, Reader, Store};
use super::walk::{Candidate, is_named_like_a_capture};
use crate::cli::Failure;
use crate::cli::input::shown;
use crate::report::html;
use crate::report::html::batch::{self, Line};
use crate::report::json;
use crate::report::triage::tables::{self, CAPTURES, Cell, FINDINGS, LOGINS, Table};
use crate::report::triage::{Manifest, csv, parquet};
use crate::triage::journal::{Content, hex, number};
use crate::triage::{Digest, Growing, Overview, Unread};

/// The name of the manifest.
pub(super) const MANIFEST: &str = "manifest.json";
/// The folder of the captures' pages.
const PAGES: &str = "captures";
/// Rows that wait to be put into tables.
const WAITING: usize = 256;
/// Bytes of a page, about: many small captures share one.
const PAGE: u64 = 256 * 1024;

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
    let mut tables = Tables::begin(folder)?;
    let mut results = Results::begin(folder)?;
    if jobs == 1 {
        results.add(batch, store, |row| tables.add(&row))?;
    } else {
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            let tables = &mut tables;
            // Where the tables cannot be written, who sends is told so by a channel that is closed, and then asks why.
            let told = scope.spawn(move || receiver.iter().try_for_each(|row| tables.add(&row)));
            let rows = results.add(batch, store, |row| sender.send(row).map_err(|_| failed()));
            drop(sender);
            told.join().unwrap_or_else(|_| Err(failed())).and(rows)
        })?;
    }
    results.finish(tables, store, jobs)
}

fn failed() -> Failure {
    Failure::Input("a thread of the program failed; please report it".to_owned())
}

/// What stands in the tables for one file.
enum Row {
    Read { path: String, name: String, digest: Digest },
    Duplicate { path: String, name: String, of: String },
    Unread { path: String, error: String },
}

struct Tables {
    captures: Sheet,
    logins: Sheet,
    findings: Sheet,
}

impl Tables {
    fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            captures: Sheet::create(folder, CAPTURES)?,
            logins: Sheet::create(folder, LOGINS)?,
            findings: Sheet::create(folder, FINDINGS)?,
        })
    }

    fn add(&mut self, row: &Row) -> Result<(), Failure> {
        match row {
            Row::Duplicate { path, name, of } => self.captures.row(&tables::duplicate(path, name, of)),
            Row::Unread { path, error } => self.captures.row(&tables::unread(path, error)),
            Row::Read { path, name, digest } => {
                self.captures.row(&tables::capture(path, name, digest))?;
                for login in &digest.logins {
                    self.logins.row(&tables::login(path, login))?;
                    for finding in &login.findings {
                        self.findings.row(&tables::finding(path, login, finding))?;
                    }
                }
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        for sheet in [self.captures, self.logins, self.findings] {
            parts.extend(sheet.finish()?);
        }
        Ok(parts)
    }
}

struct Results<'a> {
    folder: &'a Path,
    /// The path under which each content came first.
    first: HashMap<Content, String>,
    growing: Growing,
    /// Files that are no captures.
    others: usize,
    lines: Vec<Line>,
    rows: Part,
    /// Where the captures' pages are made.
    folder_of_pages: PathBuf,
    /// The captures of each page, and the bytes of the last one.
    pages: Vec<Vec<(String, Content)>>,
    bytes: u64,
}

impl<'a> Results<'a> {
    fn begin(folder: &'a Path) -> Result<Self, Failure> {
        let pages = folder.join(format!("{PAGES}.part"));
        clear(&pages)?;
        fs::create_dir(&pages).map_err(|error| fault(&pages, error))?;
        Ok(Self {
            folder,
            first: HashMap::new(),
            growing: Growing::default(),
            others: 0,
            lines: Vec::new(),
            rows: Part::create(folder, "results.jsonl")?,
            folder_of_pages: pages,
            pages: Vec::new(),
            bytes: 0,
        })
    }

    /// Goes through the batch; what stands in the tables is handed on.
    fn add(&mut self, batch: &Batch<'_>, store: &Store, mut on: impl FnMut(Row) -> Result<(), Failure>) -> Result<(), Failure> {
        let mut reader = store.reader()?;
        for (file, found) in &batch.files {
            for Finding { member, outcome } in *found {
                let path = match member {
                    Some(member) => format!("{}/{member}", file.name()),
                    None => file.name(),
                };
                match outcome {
                    Outcome::Capture(content) => on(self.capture(path, content, &mut reader)?)?,
                    Outcome::Error(error) => on(self.unread(path, error)?)?,
                    Outcome::Other(error) if file.named || is_named_like_a_capture(&path) => on(self.unread(path, error)?)?,
                    Outcome::Other(_) => self.others = self.others.saturating_add(1),
                }
            }
        }
        batch.faults.iter().try_for_each(|Unread { path, error }| on(self.unread(path.clone(), error)?))
    }

    fn capture(&mut self, path: String, content: &Content, reader: &mut Reader<'_>) -> Result<Row, Failure> {
        let name = hex(content);
        if let Some(first) = self.first.get(content) {
            self.growing.duplicate();
            self.rows.write(|out| json::duplicate(&path, first, out))?;
            return Ok(Row::Duplicate { path, name, of: first.clone() });
        }
        let (digest, document, length) = reader.capture(content)?;
        let digest: Digest = serde_json::from_slice(digest).map_err(|error| fault(self.folder, error.into()))?;
        self.rows.write(|out| json::line_of(&path, document, out))?;
        let page = (length > 0).then(|| self.on_a_page(&path, content, length));
        self.growing.capture(&path, page.as_deref(), &digest);
        if self.lines.len() < batch::CAPTURES {
            self.lines.push(Line::new(&path, page, &digest));
        }
        self.first.insert(*content, path.clone());
        Ok(Row::Read { path, name, digest })
    }

    fn unread(&mut self, path: String, error: &str) -> Result<Row, Failure> {
        self.growing.unread(&path, error);
        self.rows.write(|out| json::unread(&path, error, out))?;
        Ok(Row::Unread { path, error: error.to_owned() })
    }

    /// Finds a place on a page, and gives the link to it.
    fn on_a_page(&mut self, path: &str, content: &Content, length: u64) -> String {
        if self.pages.is_empty() || self.bytes >= PAGE {
            self.pages.push(Vec::new());
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(length);
        if let Some(page) = self.pages.last_mut() {
            page.push((path.to_owned(), *content));
        }
        format!("{PAGES}/{}#{}", page_name(self.pages.len()), html::place(number(content)))
    }

    /// Ends the results: while the captures' pages are written, what is whole goes to the disk.
    fn finish(self, tables: Tables, store: &Store, jobs: usize) -> Result<Overview, Failure> {
        let Self { folder, growing, others, lines, rows, folder_of_pages, pages, .. } = self;
        let overview = growing.finish(others);
        let mut index = Part::create(folder, "index.html")?;
        index.write(|out| batch::write(&overview, &lines, out))?;
        let mut parts = vec![index, rows];
        parts.extend(tables.finish()?);
        parts.sort_by(|a, b| a.name.cmp(&b.name));
        let files: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
        let written = thread::scope(|scope| {
            let synced: Vec<_> = parts.into_iter().map(|part| scope.spawn(move || part.synced())).collect();
            let pages = Pages { folder: &folder_of_pages, pages: &pages }.write(store, jobs);
            let synced: Vec<_> = synced.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(failed()))).collect();
            pages.and_then(|()| synced.into_iter().collect::<Result<Vec<Written>, Failure>>())
        })?;
        written.iter().try_for_each(Written::put)?;
        let place = folder.join(PAGES);
        clear(&place)?;
        fs::rename(&folder_of_pages, &place).map_err(|error| fault(&place, error))?;
        let mut manifest = Part::create(folder, MANIFEST)?;
        manifest.write(|out| Manifest::whole(&overview, &files).write(out))?;
        manifest.synced()?.put()?;
        Ok(overview)
    }
}

/// The captures' pages: where they are made, and which captures stand on each.
struct Pages<'a> {
    folder: &'a Path,
    pages: &'a [Vec<(String, Content)>],
}

impl Pages<'_> {
    /// Writes them.
    fn write(&self, store: &Store, jobs: usize) -> Result<(), Failure> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut reader = store.reader()?;
            loop {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(captures) = self.pages.get(place) else { return Ok(()) };
                self.page(&page_name(place.saturating_add(1)), captures, &mut reader)?;
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (1..jobs).map(|_| scope.spawn(work)).collect();
            let here = work();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(failed()))).fold(here, Result::and)
        })
    }

    fn page(&self, name: &str, captures: &[(String, Content)], reader: &mut Reader<'_>) -> Result<(), Failure> {
        let place = self.folder.join(name);
        let wrong = |error| fault(&place, error);
        let title = match captures {
            [(path, _)] => path.clone(),
            _ => format!("{} captures", captures.len()),
        };
        // One write for a page, nearly always.
        let mut out = BufWriter::with_capacity(2 * PAGE as usize, File::create(&place).map_err(wrong)?);
        html::begin(&title, &mut out).map_err(wrong)?;
        for (path, content) in captures {
            html::put(path, number(content), reader.page(content)?, &mut out).map_err(wrong)?;
        }
        html::end(&mut out).and_then(|()| out.flush()).map_err(wrong)
    }
}

/// A table, for spreadsheets and for databases.
struct Sheet {
    csv: Part,
    parquet: parquet::Writer<Part>,
}

impl Sheet {
    fn create(folder: &Path, table: Table) -> Result<Self, Failure> {
        let mut sheet = Part::create(folder, &format!("{}.csv", table.name))?;
        sheet.write(|out| csv::begin(&table, out))?;
        let part = Part::create(folder, &format!("{}.parquet", table.name))?;
        let place = part.place.clone();
        let parquet = parquet::Writer::new(table, part).map_err(|error| fault(&place, error))?;
        Ok(Self { csv: sheet, parquet })
    }

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.csv.write(|out| csv::write(cells, out))?;
        self.parquet.row(cells).map_err(|error| fault(&self.csv.place, error))
    }

    fn finish(self) -> Result<[Part; 2], Failure> {
        let parquet = self.parquet.finish().map_err(|error| fault(&self.csv.place, error))?;
        Ok([self.csv, parquet])
    }
}

/// A file of the results that is being written, beside its place.
struct Part {
    name: String,
    place: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
}

/// One that is whole.
struct Written {
    place: PathBuf,
    beside: PathBuf,
}

impl Part {
    fn create(folder: &Path, name: &str) -> Result<Self, Failure> {
        let (place, beside) = (folder.join(name), folder.join(format!("{name}.part")));
        let file = File::create(&beside).map_err(|error| fault(&beside, error))?;
        Ok(Self { name: name.to_owned(), place, beside, file: BufWriter::with_capacity(1 << 16, file) })
    }

    fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        write(&mut self.file).map_err(|error| fault(&self.place, error))
    }

    /// Writes what is left.
    fn written(self) -> Result<(File, Written), Failure> {
        let Self { place, beside, file, .. } = self;
        match file.into_inner() {
            Ok(file) => Ok((file, Written { place, beside })),
            Err(error) => Err(fault(&place, error.into_error())),
        }
    }

    /// The same; what was written is on the disk then.
    fn synced(self) -> Result<Written, Failure> {
        let (file, written) = self.written()?;
        file.sync_all().map_err(|error| fault(&written.place, error))?;
        Ok(written)
    }
}

impl Written {
    /// Puts it in its place.
    fn put(&self) -> Result<(), Failure> {
        fs::rename(&self.beside, &self.place).map_err(|error| fault(&self.place, error))
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn page_name(number: usize) -> String {
    format!("{number:04}.html")
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
