//! Files in, what was found in each of them out: as many threads as are wanted, each with one file at a time, the largest
//! files first.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::read::Reader;
use super::store::{Finding, Store};
use super::walk::Candidate;
use crate::cli::Failure;
use crate::cli::interrupt;
use crate::cli::progress::{Line, TICK};
use crate::pipeline::Options;
use crate::triage::plan::largest_first;

/// What a thread may put on its stack, on any system.
const STACK: usize = 8 << 20;

/// How the work is done.
pub(super) struct Work<'a> {
    pub(super) options: &'a Options,
    pub(super) store: &'a Store,
    /// Threads.
    pub(super) jobs: usize,
    /// How long one file may take.
    pub(super) limit: Duration,
    /// Is progress shown?
    pub(super) is_shown: bool,
}

/// What was found in a file, by its place among those that were to be read.
type Read = (usize, Vec<Finding>);

impl Work<'_> {
    /// Reads files. Where the batch is stopped, some have `None`.
    ///
    /// # Errors
    /// If what was found cannot be written down.
    pub(super) fn read(&self, files: &[&Candidate]) -> Result<Vec<Option<Vec<Finding>>>, Failure> {
        interrupt::watch_batch();
        let sizes: Vec<u64> = files.iter().map(|file| file.size).collect();
        let shared = Shared { order: largest_first(&sizes), next: AtomicUsize::new(0), failed: AtomicBool::new(false) };
        let mut found: Vec<Option<Vec<Finding>>> = vec![None; files.len()];
        let results = thread::scope(|scope| {
            // Nothing is sent: the last thread that ends, however it ends, leaves no sender.
            let (working, ended) = mpsc::channel::<()>();
            let threads: Vec<_> = (0..self.jobs.min(files.len()))
                .map(|_| {
                    let (working, shared) = (working.clone(), &shared);
                    let work = move || {
                        let result = self.thread(files, shared);
                        shared.failed.fetch_or(result.is_err(), Ordering::Relaxed);
                        drop(working);
                        result
                    };
                    thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)
                })
                .collect();
            drop(working);
            let mut line = Line::new(self.is_shown);
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let read = shared.next.load(Ordering::Relaxed).saturating_sub(threads.len()).min(files.len());
                line.show(&format!("{read} of {} files read", files.len()));
            }
            threads.into_iter().map(|thread| thread.map(|thread| thread.join())).collect::<Vec<_>>()
        });
        for result in results {
            let failed = |error: io::Error| Failure::Input(format!("no thread can be begun: {error}; try --jobs 1"));
            let joined = result.map_err(failed)?;
            let read =
                joined.unwrap_or_else(|_| Err(Failure::Input("a thread of the program failed; please report it".to_owned())))?;
            for (place, findings) in read {
                if let Some(slot) = found.get_mut(place) {
                    *slot = Some(findings);
                }
            }
        }
        Ok(found)
    }

    fn thread(&self, files: &[&Candidate], shared: &Shared) -> Result<Vec<Read>, Failure> {
        let mut reader = Reader::new(self.options, self.store, self.limit);
        let mut read = Vec::new();
        while let Some(place) = shared.next() {
            let Some(file) = files.get(place) else { break };
            match reader.file(file)? {
                Some(findings) => read.push((place, findings)),
                None => break,
            }
        }
        reader.finish()?;
        Ok(read)
    }
}

/// What the threads share: which file is next, and whether one of them cannot go on.
struct Shared {
    order: Vec<usize>,
    next: AtomicUsize,
    failed: AtomicBool,
}

impl Shared {
    fn next(&self) -> Option<usize> {
        if self.failed.load(Ordering::Relaxed) || interrupt::is_asked() {
            return None;
        }
        self.order.get(self.next.fetch_add(1, Ordering::Relaxed)).copied()
    }
}
