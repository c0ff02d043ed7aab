//! Paths in, files out: every regular file below them, with its size and the time of its last change, in one order whatever
//! order they were given in. Opens nothing.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::UNIX_EPOCH;

use crate::cli::Failure;
use crate::cli::input::STDIN;
use crate::cli::output::shown;
use crate::triage::Unread;

/// To ask of so few files takes less time than to begin a thread.
const FEW: usize = 128;

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
/// than captures. Asks the system of so many files at the same time.
pub(super) fn files(paths: &[PathBuf], listed: &[PathBuf], out: Option<&Path>, jobs: usize) -> Found {
    let out = out.and_then(|out| fs::canonicalize(out).ok());
    let mut found = Vec::new();
    let mut faults = Vec::new();
    for (path, named) in listed.iter().map(|path| (path, false)).chain(paths.iter().map(|path| (path, true))) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => below(path, out.as_deref(), jobs, &mut found, &mut faults),
            Ok(metadata) if metadata.is_file() => found.push(Candidate::new(path.clone(), &metadata, named)),
            Ok(_) => faults.push(fault(path, "this is neither a file nor a directory; save the packets into a file first")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                faults.push(fault(path, "there is no such file or directory"))
            }
            Err(error) => faults.push(fault(path, &refused(&error))),
        }
    }
    faults.sort_by(|a, b| a.path.cmp(&b.path));
    faults.dedup();
    Found { files: once(found), faults }
}

fn fault(path: &Path, error: &str) -> Unread {
    Unread { path: path.to_string_lossy().into_owned(), error: error.to_owned() }
}

/// Goes through a directory and those in it. Links to directories are not followed: they may lead in a circle, or far away.
fn below(top: &Path, out: Option<&Path>, jobs: usize, found: &mut Vec<Candidate>, faults: &mut Vec<Unread>) {
    let whole = fs::canonicalize(top).ok();
    let mut waiting = vec![top.to_owned()];
    let mut files = Vec::new();
    while let Some(directory) = waiting.pop() {
        if out.is_some() && fs::canonicalize(&directory).ok().as_deref() == out {
            continue;
        }
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                faults.push(fault(&directory, &format!("this directory cannot be read: {error}")));
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    faults.push(fault(&directory, &format!("this directory cannot be read to its end: {error}")));
                    break;
                }
            };
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else {
                files.push(path);
            }
        }
    }
    for (files, wrong) in looked_at(&files, whole.as_deref(), jobs) {
        found.extend(files);
        faults.extend(wrong);
    }
}

/// What the system says of paths, asked by so many threads: the files, each part of them in order, and what is told of the
/// others.
fn looked_at(paths: &[PathBuf], whole: Option<&Path>, jobs: usize) -> Vec<(Vec<Candidate>, Vec<Unread>)> {
    let (here, others) = paths.split_at(paths.len().div_ceil(jobs.max(1)).max(FEW).min(paths.len()));
    thread::scope(|scope| {
        let begin = |paths| (paths, scope.spawn(move || look(paths, whole)));
        let threads: Vec<_> = others.chunks(here.len().max(1)).map(begin).collect();
        let mut all = vec![look(here, whole)];
        all.extend(threads.into_iter().map(|(paths, thread)| thread.join().unwrap_or_else(|_| look(paths, whole))));
        all
    })
}

fn look(paths: &[PathBuf], whole: Option<&Path>) -> (Vec<Candidate>, Vec<Unread>) {
    let (mut found, mut faults) = (Vec::with_capacity(paths.len()), Vec::new());
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => found.push(Candidate::new(path.clone(), &metadata, false)),
            Ok(metadata) if metadata.is_dir() => faults.extend(away(path, whole)),
            other => faults.extend(no_file(path, other.err())),
        }
    }
    (once(found), faults)
}

/// In order, each once: as one that was named itself, if it was.
fn once(mut files: Vec<Candidate>) -> Vec<Candidate> {
    files.sort_by(|a, b| a.key().cmp(&b.key()).then(b.named.cmp(&a.named)));
    files.dedup_by(|later, first| later.key() == first.key());
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
