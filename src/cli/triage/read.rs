//! One file in, what was found in it out: a capture, the captures of an archive, an error, or nothing of the kind. A small
//! file is read once and known by its hash before it is analysed; a large one is hashed while it is.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::limits::{Left, Limit, Limited};
use super::store::{Entries, Finding, Outcome, Store};
use super::walk::{Candidate, is_named_like_a_capture};
use crate::capture::{CaptureError, archive, compressed};
use crate::cli::Failure;
use crate::pipeline::{self, Options};
use crate::report::{html, json};
use crate::triage::Digest;
use crate::triage::journal::{Content, number};
use crate::verdict::Analysis;

/// A file of at most so many bytes is read whole before it is looked at.
pub(super) const SMALL: u64 = 1 << 20;

/// Reads files, one after the other.
pub(super) struct Reader<'a> {
    options: &'a Options,
    store: &'a Store,
    entries: Entries<'a>,
    length: Duration,
    /// What is reused from one file to the next.
    buffer: Vec<u8>,
    kept: Kept,
}

impl<'a> Reader<'a> {
    /// `length` is how long one file may take.
    pub(super) fn new(options: &'a Options, store: &'a Store, length: Duration) -> Self {
        Self { options, store, entries: Entries::new(store), length, buffer: Vec::new(), kept: Kept::default() }
    }

    /// What is in a file; `None` where the batch was stopped meanwhile.
    ///
    /// # Errors
    /// If what was found cannot be written down.
    pub(super) fn file(&mut self, candidate: &Candidate) -> Result<Option<Vec<Finding>>, Failure> {
        let limit = Limit::new(self.length);
        let found = self.open(&candidate.path, &limit);
        if limit.left() == Some(Left::Asked) {
            return Ok(None);
        }
        self.entries.file(candidate, &found)?;
        Ok(Some(found))
    }

    /// Is all that was found in the journal?
    pub(super) fn has_written(&self) -> bool {
        self.entries.are_written()
    }

    /// Writes down what was found up to now.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.entries.flush()
    }

    fn open(&mut self, path: &Path, limit: &Limit) -> Vec<Finding> {
        let mut begin = std::mem::take(&mut self.buffer);
        begin.clear();
        #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
        let opened = File::open(path).and_then(|mut file| {
            file.by_ref().take(SMALL.saturating_add(1)).read_to_end(&mut begin)?;
            Ok(file)
        });
        let found = match opened {
            Ok(file) => self.look(&begin, file, limit),
            Err(error) => vec![Finding::of_file(Outcome::Error(format!("{error}; check the permissions")))],
        };
        self.buffer = begin;
        found
    }

    /// Looks what a file is.
    fn look(&mut self, begin: &[u8], mut file: File, limit: &Limit) -> Vec<Finding> {
        let is_small = begin.len() as u64 <= SMALL;
        match archive_kind(begin, &mut file) {
            None if is_small => vec![Finding::of_file(self.small(begin, limit))],
            None => {
                let analyse = |input: &mut Limited<'_, _>, options: &Options| pipeline::analyse_large(input, options);
                vec![Finding::of_file(self.large(begin.chain(file), limit, analyse))]
            }
            Some(archive::Kind::Tar) => {
                self.archive(limit, |each| match compressed::plain(Limited::known(begin.chain(file), limit)) {
                    Ok((input, _)) => archive::tar(input, each).map_err(|error| error.to_string()),
                    Err(error) => Err(error.to_string()),
                })
            }
            Some(archive::Kind::Zip) if is_small => {
                self.archive(limit, |each| archive::zip(Cursor::new(begin), each).map_err(|error| error.to_string()))
            }
            Some(archive::Kind::Zip) => self.archive(limit, |each| {
                file.rewind().map_err(|error| error.to_string())?;
                archive::zip(file, each).map_err(|error| error.to_string())
            }),
        }
    }

    /// The captures of an archive.
    fn archive(&mut self, limit: &Limit, members: impl FnOnce(&mut archive::Each<'_>) -> Result<(), String>) -> Vec<Finding> {
        let mut found = Vec::new();
        let result = members(&mut |name, body| {
            match body.map_or_else(Outcome::Error, |body| self.member(body, limit)) {
                // A text beside the captures.
                Outcome::Other(_) if !is_named_like_a_capture(name) => {}
                outcome => found.push(Finding { member: Some(name.to_owned()), outcome }),
            }
            limit.left().is_none()
        });
        match result {
            Err(_) if limit.left().is_some() => found.push(Finding::of_file(Outcome::Error(late(self.length)))),
            Err(error) => found.push(Finding::of_file(Outcome::Error(error))),
            Ok(()) if found.is_empty() => {
                found.push(Finding::of_file(Outcome::Other("no capture is in this archive".to_owned())))
            }
            Ok(()) => {}
        }
        found
    }

    fn member(&mut self, body: &mut dyn Read, limit: &Limit) -> Outcome {
        let mut begin = Vec::new();
        match body.take(SMALL.saturating_add(1)).read_to_end(&mut begin) {
            Ok(_) if begin.len() as u64 <= SMALL => self.small(&begin, limit),
            Ok(_) => self.large(begin.chain(body), limit, |input, options| pipeline::analyse(input, options)),
            Err(error) => Outcome::Error(format!("this member of the archive cannot be unpacked: {error}")),
        }
    }

    fn small(&mut self, bytes: &[u8], limit: &Limit) -> Outcome {
        let content = Sha256::digest(bytes).into();
        if self.store.has(&content) {
            return Outcome::Capture(content);
        }
        let analysed = caught(|| pipeline::analyse(Limited::known(bytes, limit), self.options));
        self.judge(analysed, limit, || Ok(content))
    }

    fn large<R: Read>(&mut self, input: R, limit: &Limit, analyse: impl FnOnce(&mut Limited<'_, R>, &Options) -> Run) -> Outcome {
        let mut input = Limited::hashed(input, limit);
        let analysed = caught(|| analyse(&mut input, self.options));
        self.judge(analysed, limit, || input.content())
    }

    /// Writes an analysis down. A file that was left has none: what is said of a capture must not depend on the clock.
    fn judge(
        &mut self,
        analysed: Result<Analysis, Unread>,
        limit: &Limit,
        content: impl FnOnce() -> io::Result<Content>,
    ) -> Outcome {
        let analysed = analysed.and_then(|analysis| match content() {
            Ok(content) => Ok((analysis, content)),
            Err(error) => Err(Unread::Fault(format!("reading failed: {error}"))),
        });
        if limit.left().is_some() {
            return Outcome::Error(late(self.length));
        }
        match analysed {
            Ok((analysis, content)) => {
                self.kept.fill(&analysis, &content);
                self.entries.capture(&content, self.kept.parts());
                Outcome::Capture(content)
            }
            Err(Unread::Other(why)) => Outcome::Other(why),
            Err(Unread::Fault(why)) => Outcome::Error(why),
        }
    }
}

/// What is kept of an analysis.
#[derive(Default)]
struct Kept {
    digest: Vec<u8>,
    document: Vec<u8>,
    page: Vec<u8>,
}

impl Kept {
    fn parts(&self) -> [&[u8]; 3] {
        [&self.digest, &self.document, &self.page]
    }

    /// That of this analysis. Nothing fails that is written to memory.
    fn fill(&mut self, analysis: &Analysis, content: &Content) {
        let digest = Digest::of(analysis);
        self.digest.clear();
        let _ = serde_json::to_writer(&mut self.digest, &digest);
        let _ = json::behind_path(analysis, &mut self.document);
        self.page.clear();
        // Of a batch, nobody reads what went well.
        if digest.logins.iter().any(|login| login.ended.is_some()) {
            let _ = html::content(analysis, number(content), &mut self.page);
        }
    }
}

/// Why there is no analysis.
enum Unread {
    /// It is no capture.
    Other(String),
    /// It cannot be read.
    Fault(String),
}

/// What the analysis of a file gave.
type Run = Result<pipeline::Outcome<Analysis>, CaptureError>;

/// Analyses: a fault of this program in one file must not cost the others their rows.
fn caught(analyse: impl FnOnce() -> Run) -> Result<Analysis, Unread> {
    let caught = catch_unwind(AssertUnwindSafe(analyse));
    let Ok(result) = caught else {
        return Err(Unread::Fault("the program failed on this file; please report it with the file".to_owned()));
    };
    match result {
        Ok(outcome) => match outcome.error {
            None => Ok(outcome.result),
            Some(error) => Err(Unread::Fault(error.to_string())),
        },
        Err(error) => Err(unread(&error)),
    }
}

fn unread(error: &CaptureError) -> Unread {
    if error.is_no_capture() { Unread::Other(error.to_string()) } else { Unread::Fault(error.to_string()) }
}

/// Which archive a file is, compressed or not. `file` stands behind what was read of it, and does so afterwards.
fn archive_kind(begin: &[u8], file: &mut File) -> Option<archive::Kind> {
    if !compressed::is_packed(begin) {
        return archive::kind(begin);
    }
    let mut unpacked = unpacked_begin(begin);
    if unpacked.len() < archive::LOOK && begin.len() as u64 > SMALL {
        // Zstandard gives nothing before its window is full, and that may take more than was read.
        let place = file.stream_position().ok()?;
        unpacked = unpacked_begin(begin.chain(&*file));
        file.seek(SeekFrom::Start(place)).ok()?;
    }
    // A ZIP archive is read from its end, which is still packed.
    archive::kind(&unpacked).filter(|kind| *kind == archive::Kind::Tar)
}

/// Where it cannot be unpacked, it is no archive either.
fn unpacked_begin<'a>(packed: impl Read + 'a) -> Vec<u8> {
    let mut unpacked = Vec::new();
    if let Ok((input, _)) = compressed::plain(packed) {
        let _ = input.take(archive::LOOK as u64).read_to_end(&mut unpacked);
    }
    unpacked
}

/// The document of one capture, without its path, or why there is none.
pub(super) fn document(path: &Path, options: &Options, length: Duration) -> Result<Vec<u8>, String> {
    let limit = Limit::new(length);
    let is_file = std::fs::metadata(path).map_err(|error| error.to_string())?.is_file();
    if !is_file {
        return Err("this is no file".to_owned());
    }
    #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
    let file = File::open(path).map_err(|error| error.to_string())?;
    let analysed = caught(|| pipeline::analyse_large(Limited::known(file, &limit), options));
    if limit.left().is_some() {
        return Err(late(length));
    }
    match analysed {
        Ok(analysis) => {
            let mut line = Vec::new();
            json::behind_path(&analysis, &mut line).map(|()| line).map_err(|error| error.to_string())
        }
        Err(Unread::Other(why) | Unread::Fault(why)) => Err(why),
    }
}

fn late(length: Duration) -> String {
    let seconds = length.as_secs();
    format!("it takes longer than {seconds} s and was left; give it more with --time-limit, or run `loginloop diagnose` on it")
}
