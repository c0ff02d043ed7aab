//! The journal on the disk: what this batch has found, also when it was stopped before. Several readers write to it, each many
//! entries at a time; an entry that a stop has cut is not taken when the batch goes on.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::walk::Candidate;
use crate::cli::Failure;
use crate::cli::output::shown;
use crate::cli::progress::now;
use crate::triage::Digest;
use crate::triage::journal::{self, Content, Kind, Lengths};

/// The folder in the results that holds the journal.
pub(super) const FOLDER: &str = ".triage";
const JOURNAL: &str = "journal";
const LOCK: &str = "lock";
/// Entries are written when there are so many bytes of them, or when the last ones were written so long ago.
const ENOUGH: usize = 256 * 1024;
const TOO_LONG: Duration = Duration::from_millis(500);
/// A file that was changed less than this before it was read may be changed again without another time of change.
const SETTLED: i64 = 2 * crate::model::SECOND;

/// What one file, or one member of an archive, turned out to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Finding {
    /// The name within the archive.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) member: Option<String>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// A capture with this content.
    Capture(Content),
    /// What cannot be read.
    Error(String),
    /// No capture; and why not.
    Other(String),
}

impl Finding {
    pub(super) fn of_file(outcome: Outcome) -> Self {
        Self { member: None, outcome }
    }
}

/// What is known of a file that was read: as long as size and time of change are the same, so is what is in it.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    path: String,
    size: u64,
    modified: i64,
    found: Vec<Finding>,
}

/// Where an entry lies in the journal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    offset: u64,
    lengths: Lengths,
}

impl Place {
    pub(super) fn new(offset: u64, lengths: Lengths) -> Self {
        Self { offset, lengths }
    }

    /// How long the digest is.
    pub(super) fn digest(&self) -> u64 {
        let Lengths([digest, ..]) = self.lengths;
        digest
    }

    /// And the document.
    pub(super) fn document(&self) -> u64 {
        let Lengths([_, document, _]) = self.lengths;
        document
    }

    /// And its part of a page; 0 where it has none.
    pub(super) fn page(&self) -> u64 {
        let Lengths([.., page]) = self.lengths;
        page
    }
}

/// The journal.
pub(super) struct Store {
    path: PathBuf,
    /// Locked, so that no other process writes here.
    _lock: File,
    file: Mutex<File>,
    /// `None` until the entry is written.
    captures: Mutex<HashMap<Content, Option<Place>>>,
    files: BTreeMap<String, Record>,
}

impl Store {
    /// Opens the journal of a results folder and reads what it holds; another maker's is begun anew.
    pub(super) fn open(folder: &Path, maker: &str) -> Result<Self, Failure> {
        let place = folder.join(FOLDER);
        let path = place.join(JOURNAL);
        let fault = |source| Failure::Output { name: shown(&path), source };
        fs::create_dir_all(&place).map_err(fault)?;
        let open = |path: &Path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fault);
        let lock = open(&place.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Usage(format!("{}: another triage writes its results here; wait for it", shown(folder))));
            }
            // Some file systems have no locks.
            Err(TryLockError::Error(_)) => {}
        }
        let mut file = open(&path)?;
        let (captures, files, whole) = load(&file, maker).map_err(fault)?;
        file.set_len(whole).map_err(fault)?;
        file.seek(SeekFrom::End(0)).map_err(fault)?;
        if whole == 0 {
            file.write_all(journal::first_line(maker).as_bytes()).map_err(fault)?;
        }
        Ok(Self { path, _lock: lock, file: Mutex::new(file), captures: Mutex::new(captures), files })
    }

    /// Was a capture with this content read?
    pub(super) fn has(&self, content: &Content) -> bool {
        locked(&self.captures).contains_key(content)
    }

    /// What was found in a file that has not changed since.
    pub(super) fn known(&self, candidate: &Candidate) -> Option<&[Finding]> {
        let record = self.files.get(candidate.key().as_ref())?;
        let is_same = (record.size, record.modified) == (candidate.size, candidate.modified) && candidate.modified != 0;
        is_same.then_some(record.found.as_slice())
    }

    /// Reads what was kept. (Each thread has a reader of its own.)
    pub(super) fn reader(&self) -> Result<Reader<'_>, Failure> {
        #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
        let file = File::open(&self.path).map_err(|source| self.fault(source))?;
        Ok(Reader { store: self, file, bytes: Vec::new() })
    }

    /// Where what was kept of a capture lies; `None` until it is written.
    pub(super) fn place(&self, content: &Content) -> Option<Place> {
        locked(&self.captures).get(content).copied().flatten()
    }

    /// What is said where something was not kept that should have been.
    pub(super) fn lacking(&self) -> Failure {
        self.fault(io::ErrorKind::NotFound.into())
    }

    fn fault(&self, source: io::Error) -> Failure {
        Failure::Output { name: shown(&self.path), source }
    }
}

/// Reads what was kept of captures.
pub(super) struct Reader<'a> {
    store: &'a Store,
    file: File,
    bytes: Vec<u8>,
}

impl Reader<'_> {
    /// The digest and the document of a capture.
    pub(super) fn capture(&mut self, place: &Place) -> Result<(Digest, &[u8]), Failure> {
        let (store, length) = (self.store, usize::try_from(place.digest()).unwrap_or(usize::MAX));
        let bytes = self.read(place.offset, place.digest().saturating_add(place.document()))?;
        let (digest, document) = bytes.split_at_checked(length).unwrap_or_default();
        let digest = serde_json::from_slice(digest).map_err(|error| store.fault(error.into()))?;
        Ok((digest, document))
    }

    /// What a page tells of a capture.
    pub(super) fn page(&mut self, place: &Place) -> Result<&[u8], Failure> {
        self.read(place.offset.saturating_add(place.digest()).saturating_add(place.document()), place.page())
    }

    fn read(&mut self, offset: u64, length: u64) -> Result<&[u8], Failure> {
        self.bytes.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        let read = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(|source| self.store.fault(source))?;
        Ok(&self.bytes)
    }
}

type Loaded = (HashMap<Content, Option<Place>>, BTreeMap<String, Record>, u64);

fn load(file: &File, maker: &str) -> io::Result<Loaded> {
    let (mut captures, mut files) = (HashMap::new(), BTreeMap::new());
    let Some(mut reader) = journal::Reader::open(BufReader::with_capacity(1 << 18, file), maker)? else {
        return Ok((captures, files, 0));
    };
    while let Some(entry) = reader.entry()? {
        match entry.kind {
            Kind::Capture => {
                captures.entry(entry.content).or_insert(Some(Place::new(entry.offset, entry.lengths)));
            }
            Kind::File => {
                let record: Option<Record> = serde_json::from_slice(&entry.first).ok();
                files.extend(record.map(|record| (record.path.clone(), record)));
            }
        }
    }
    let is_there = |finding: &Finding| !matches!(finding.outcome, Outcome::Capture(content) if !captures.contains_key(&content));
    files.retain(|_, record: &mut Record| record.found.iter().all(is_there));
    Ok((captures, files, reader.whole()))
}

/// What holds is written whole in one step, so a thread that failed leaves nothing half done.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Entries of one reader that are not in the journal yet.
pub(super) struct Entries<'a> {
    store: &'a Store,
    bytes: Vec<u8>,
    captures: Vec<(Content, Place)>,
    written: Instant,
}

impl<'a> Entries<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, bytes: Vec::with_capacity(ENOUGH.saturating_mul(2)), captures: Vec::new(), written: now() }
    }

    /// Adds a capture: its digest, its document and its page.
    pub(super) fn capture(&mut self, content: &Content, parts: [&[u8]; 3]) {
        journal::write(Kind::Capture, content, parts, &mut self.bytes);
        let lengths = Lengths(parts.map(|part| part.len() as u64));
        let behind = lengths.0.iter().fold(1, |sum: u64, length| sum.saturating_add(*length));
        let offset = (self.bytes.len() as u64).saturating_sub(behind);
        self.captures.push((*content, Place::new(offset, lengths)));
        locked(&self.store.captures).entry(*content).or_insert(None);
    }

    /// Adds a file. What failed is tried again when the batch is run again.
    pub(super) fn file(&mut self, candidate: &Candidate, found: &[Finding]) -> Result<(), Failure> {
        let failed = found.iter().any(|finding| matches!(finding.outcome, Outcome::Error(_)));
        if !failed && is_settled(candidate) {
            let record = Record {
                path: candidate.key().into_owned(),
                size: candidate.size,
                modified: candidate.modified,
                found: found.to_vec(),
            };
            let first = serde_json::to_vec(&record).unwrap_or_default();
            journal::write(Kind::File, &Content::default(), [&first, &[], &[]], &mut self.bytes);
        }
        if self.bytes.len() >= ENOUGH || self.written.elapsed() >= TOO_LONG { self.flush() } else { Ok(()) }
    }

    /// Are all of them in the journal?
    pub(super) fn are_written(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Writes them.
    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        let mut file = locked(&self.store.file);
        let written = file.seek(SeekFrom::End(0)).and_then(|base| file.write_all(&self.bytes).map(|()| base));
        let base = written.map_err(|source| self.store.fault(source))?;
        let mut captures = locked(&self.store.captures);
        for (content, place) in self.captures.drain(..) {
            let known = captures.entry(content).or_insert(None);
            known.get_or_insert(Place::new(base.saturating_add(place.offset), place.lengths));
        }
        self.bytes.clear();
        self.written = now();
        Ok(())
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line compares files' times with the clock")]
fn is_settled(candidate: &Candidate) -> bool {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    i128::from(candidate.modified).saturating_add(i128::from(SETTLED)) <= i128::try_from(since).unwrap_or(i128::MAX)
}
