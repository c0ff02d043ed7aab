//! Paths in, files out: every regular file below them, with its size and the time of its last change, in one order whatever
//! order they were given in. Opens nothing.

use std::borrow::Cow;
use std::fs::{self, DirEntry};
use std::io::{self, BufRead, BufReader, Read};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::UNIX_EPOCH;

use crate::cli::Failure;
use crate::cli::input::STDIN;
use crate::cli::output::shown;
use crate::triage::Unread;

/// To look at so few files takes less time than to begin a thread.
const FEW: usize = 128;
/// So many entries of a directory are given to another thread at a time.
const SOME: usize = 64;
/// So many of these parts may wait for a thread; each keeps its directory open.
const WAITING: usize = 16;

/// A file that may be a capture.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    /// When it was changed last, in nanoseconds since 1970; 0 where the system does not say.
    pub(super) modified: i64,
    /// Was it named itself, not found in a directory or a list?
    pub(super) named: bool,
}

impl Candidate {
    fn new(path: PathBuf, metadata: &fs::Metadata, named: bool) -> Self {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0);
        Self { path, size: metadata.len(), modified, named }
    }

    /// The path as reports name it.
    pub(super) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The path as the journal knows it: no two files have the same.
    pub(super) fn key(&self) -> Cow<'_, str> {
        key(&self.path)
    }
}

fn key(path: &Path) -> Cow<'_, str> {
    match path.to_str() {
        Some(text) => text.into(),
        // No path holds a zero.
        None => path.as_os_str().as_encoded_bytes().iter().fold("\0".to_owned(), |key, byte| format!("{key}{byte:02x}")).into(),
    }
}

/// What was found, and what could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<Candidate>,
    pub(super) faults: Vec<Unread>,
}

/// Finds the files below the paths; what lies in `out` is none of them. `listed` paths stand in a list, which may hold more
/// than captures. Looks with so many threads.
pub(super) fn files(paths: &[PathBuf], listed: &[PathBuf], out: Option<&Path>, jobs: usize) -> Found {
    let out = out.and_then(|out| fs::canonicalize(out).ok());
    let mut found = Found::default();
    for (path, named) in listed.iter().map(|path| (path, false)).chain(paths.iter().map(|path| (path, true))) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => below(path, out.as_deref(), jobs, &mut found),
            Ok(metadata) if metadata.is_file() => found.files.push(Candidate::new(path.clone(), &metadata, named)),
            Ok(_) => found.faults.push(fault(path, "this is neither a file nor a directory; save the packets into a file first")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                found.faults.push(fault(path, "there is no such file or directory"))
            }
            Err(error) => found.faults.push(fault(path, &refused(&error))),
        }
    }
    let Found { files, mut faults } = found;
    faults.sort_by(|a, b| a.path.cmp(&b.path));
    faults.dedup();
    Found { files: once(files), faults }
}

fn fault(path: &Path, error: &str) -> Unread {
    Unread { path: path.to_string_lossy().into_owned(), error: error.to_owned() }
}

/// Goes through a directory and those in it, and looks with so many threads at what it finds there.
fn below(top: &Path, out: Option<&Path>, jobs: usize, found: &mut Found) {
    let whole = fs::canonicalize(top).ok();
    let (hand, waiting) = mpsc::sync_channel(WAITING);
    let waiting = Mutex::new(waiting);
    let looks = |found: &mut Found| {
        while let Some(entries) = next(&waiting) {
            look(entries, whole.as_deref(), found);
        }
    };
    let helps = || {
        let mut found = Found::default();
        looks(&mut found);
        found
    };
    thread::scope(|scope| {
        let (mut listed, mut others) = (0_usize, Vec::new());
        list_below(top, out, found, |entries: Vec<DirEntry>, found| {
            listed = listed.saturating_add(entries.len());
            if listed > FEW && others.is_empty() {
                others.extend((1..jobs).map(|_| scope.spawn(helps)));
            }
            // Where the others cannot take any more, there is nothing better to do.
            if let Err(TrySendError::Full(entries) | TrySendError::Disconnected(entries)) = hand.try_send(entries) {
                look(entries, whole.as_deref(), found);
            }
        });
        // The threads end when nobody can give them any more.
        drop(hand);
        looks(found);
        for other in others {
            let Found { files, faults } = other.join().unwrap_or_else(|panic| resume_unwind(panic));
            found.files.extend(files);
            found.faults.extend(faults);
        }
    });
}

/// Lists a directory and those in it, and gives away what is no directory, some entries of one directory at a time: an entry
/// keeps its directory open. Links to directories are not followed: they may lead in a circle, or far away.
fn list_below(top: &Path, out: Option<&Path>, found: &mut Found, mut give: impl FnMut(Vec<DirEntry>, &mut Found)) {
    let mut waiting = vec![top.to_owned()];
    while let Some(directory) = waiting.pop() {
        if out.is_some() && fs::canonicalize(&directory).ok().as_deref() == out {
            continue;
        }
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                found.faults.push(fault(&directory, &format!("this directory cannot be read: {error}")));
                continue;
            }
        };
        let mut some = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_ok_and(|kind| kind.is_dir()) => waiting.push(entry.path()),
                Ok(entry) => some.push(entry),
                Err(error) => {
                    found.faults.push(fault(&directory, &format!("this directory cannot be read to its end: {error}")));
                    break;
                }
            }
            if some.len() >= SOME {
                give(std::mem::take(&mut some), found);
            }
        }
        if !some.is_empty() {
            give(some, found);
        }
    }
}

/// The next of what was given away, if there will be any.
fn next(waiting: &Mutex<Receiver<Vec<DirEntry>>>) -> Option<Vec<DirEntry>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// What the system says of entries: which are files, and what is told of the others.
fn look(entries: Vec<DirEntry>, whole: Option<&Path>, found: &mut Found) {
    for entry in entries {
        let path = entry.path();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        // Its directory is open: the way there is not gone again.
        match if is_link { fs::metadata(&path) } else { entry.metadata() } {
            Ok(metadata) if metadata.is_file() => found.files.push(Candidate::new(path, &metadata, false)),
            Ok(metadata) if metadata.is_dir() => found.faults.extend(away(&path, whole)),
            other => found.faults.extend(no_file(&path, other.err())),
        }
    }
}

/// In order, each once: as one that was named itself, if it was.
fn once(mut files: Vec<Candidate>) -> Vec<Candidate> {
    files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()).then(b.named.cmp(&a.named)));
    files.dedup_by(|later, first| later.path.as_os_str() == first.path.as_os_str());
    files
}

/// What is told of a link to a directory; nothing where that lies below the same path, and is gone through anyway.
fn away(link: &Path, whole: Option<&Path>) -> Option<Unread> {
    let is_within = fs::canonicalize(link).is_ok_and(|there| whole.is_some_and(|whole| there.starts_with(whole)));
    let text = "this link leads to another directory and was not followed; name that one, too, if it holds captures";
    (!is_within).then(|| fault(link, text))
}

/// What is told of what is no file; nothing where its name does not say that it is a capture.
fn no_file(path: &Path, error: Option<io::Error>) -> Option<Unread> {
    let text = match error {
        None => "this is no file, but a pipe, a socket or a device; save the packets into a file first".to_owned(),
        Some(error) if error.kind() == io::ErrorKind::NotFound => "this link leads to a file that is not there".to_owned(),
        Some(error) if error.kind() == io::ErrorKind::PermissionDenied => return Some(fault(path, &refused(&error))),
        Some(error) => format!("{error}; it cannot be looked at"),
    };
    is_named_like_a_capture(&path.to_string_lossy()).then(|| fault(path, &text))
}

fn refused(error: &io::Error) -> String {
    format!("{error}; check the permissions")
}

/// Endings of the names that programs give to captures.
const CAPTURES: [&str; 8] = ["pcap", "pcapng", "cap", "ntar", "erf", "snoop", "snp", "dmp"];
/// Endings that compression adds.
const COMPRESSED: [&str; 4] = ["gz", "zst", "lz4", "xz"];

/// Does a file's name say that it is a capture? What is none then is told, and not only counted.
pub(super) fn is_named_like_a_capture(path: &str) -> bool {
    let is_one_of = |ending: &str, known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(ending));
    let name = path.rsplit(['/', std::path::MAIN_SEPARATOR]).next().unwrap_or_default();
    let plain = name.rsplit_once('.').filter(|(_, ending)| is_one_of(ending, &COMPRESSED)).map_or(name, |(plain, _)| plain);
    plain.rsplit_once('.').is_some_and(|(_, ending)| is_one_of(ending, &CAPTURES))
}

/// The paths of a list, one a line; `-` is standard input.
pub(super) fn list(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let input: Box<dyn Read> = if place.as_os_str() == STDIN {
        Box::new(io::stdin())
    } else {
        #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
        let file = fs::File::open(place).map_err(|error| Failure::Input(format!("{}: {error}", shown(place))))?;
        Box::new(file)
    };
    let lines: io::Result<Vec<Vec<u8>>> = BufReader::new(input).split(b'\n').collect();
    let lines = lines.map_err(|error| Failure::Input(format!("{}: {error}", shown(place))))?;
    Ok(lines.iter().map(|line| line.strip_suffix(b"\r").unwrap_or(line)).filter(|line| !line.is_empty()).map(path).collect())
}

/// The path that a line is.
#[cfg(unix)]
pub(super) fn path(line: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(line))
}

/// The path that a line is.
#[cfg(not(unix))]
pub(super) fn path(line: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whether_its_file_should_be_a_capture() {
        for name in ["a.pcap", "in/b.PCAPNG", "c.pcap.gz", "-d.cap", "e\n.pcapng.zst", "archive.zip/f.pcap"] {
            assert!(is_named_like_a_capture(name), "{name}");
        }
        for name in ["pcap", "a.txt", "a.pcap.txt", "x.pcap/readme", "a.gz", "pcap.gz", ""] {
            assert!(!is_named_like_a_capture(name), "{name}");
        }
    }
}
