//! Files in, what was found in each of them out, to where the results grow: as many threads as are wanted, each with one file
//! at a time.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::Duration;

use super::finish::{Growth, joined};
use super::read::{Reader, SMALL};
use super::store::Store;
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

impl Work<'_> {
    /// Reads these of the files, and makes the results grow meanwhile. Gives how many were read: not all where the batch is
    /// stopped.
    ///
    /// # Errors
    /// If what was found cannot be written down.
    pub(super) fn read(&self, files: &[Candidate], unread: &[usize], growth: &Growth<'_>) -> Result<usize, Failure> {
        interrupt::watch_batch();
        let shared = Shared { order: order(files, unread), next: AtomicUsize::new(0), failed: AtomicBool::new(false) };
        let task = Task { work: self, files, shared: &shared, growth };
        let results = thread::scope(|scope| {
            let (begun, threads) = mpsc::channel();
            task.begin(scope, self.jobs.min(unread.len()), begun);
            let mut line = Line::new(self.is_shown);
            let mut working = Vec::new();
            // The last thread that ends, however it ends, leaves nobody who could begin another.
            loop {
                match threads.recv_timeout(TICK) {
                    Ok(thread) => working.push(thread),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => {
                        let read = shared.next.load(Ordering::Relaxed).saturating_sub(working.len()).min(unread.len());
                        line.show(&format!("{read} of {} files read", unread.len()));
                    }
                }
            }
            working.into_iter().map(|thread| thread.map(joined)).collect::<Vec<_>>()
        });
        let failed = |error: io::Error| Failure::Input(format!("no thread can be begun: {error}; try --jobs 1"));
        results.into_iter().try_fold(0, |sum: usize, result| Ok(sum.saturating_add(result.map_err(failed)??)))
    }

    /// Gives how many files it has read.
    fn thread(&self, files: &[Candidate], shared: &Shared, growth: &Growth<'_>) -> Result<usize, Failure> {
        let mut grower = growth.grower()?;
        let mut reader = Reader::new(self.options, self.store, self.limit);
        let (mut count, mut read, mut grows) = (0_usize, Vec::new(), false);
        while let Some(place) = shared.next() {
            let Some(file) = files.get(place) else { break };
            let Some(findings) = reader.file(file)? else { break };
            count = count.saturating_add(1);
            read.push((place, findings));
            if reader.has_written() {
                grower.take(read.drain(..));
                grows = true;
            }
            // One at a time: what is not read yet goes before.
            grows = grows && grower.block()?;
        }
        reader.finish()?;
        grower.take(read);
        grower.done();
        Ok(count)
    }
}

/// A thread that was begun, or why it could not be.
type Begun<'scope> = io::Result<ScopedJoinHandle<'scope, Result<usize, Failure>>>;

/// What each thread does.
#[derive(Clone, Copy)]
struct Task<'a, 'g> {
    work: &'a Work<'a>,
    files: &'a [Candidate],
    shared: &'a Shared,
    growth: &'a Growth<'g>,
}

impl Task<'_, '_> {
    /// Begins so many threads, each of which begins the next one: a new thread is put where nobody works, and who begins it does.
    fn begin<'scope>(self, scope: &'scope Scope<'scope, '_>, threads: usize, begun: Sender<Begun<'scope>>)
    where
        Self: 'scope,
    {
        let Some(others) = threads.checked_sub(1) else { return };
        let beginning = begun.clone();
        let work = move || {
            self.begin(scope, others, beginning.clone());
            let result = self.work.thread(self.files, self.shared, self.growth);
            self.shared.failed.fetch_or(result.is_err(), Ordering::Relaxed);
            drop(beginning);
            result
        };
        // Whoever waits for it is there until the last one ends.
        let _ = begun.send(thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work));
    }
}

/// In which order files are read: large ones first, for one that came last would keep all waiting, then in the order of the
/// rows, so that these grow.
fn order(files: &[Candidate], unread: &[usize]) -> Vec<usize> {
    let size = |place: &usize| files.get(*place).map_or(0, |file| file.size);
    let sizes: Vec<u64> = unread.iter().map(size).map(|size| if size > SMALL { size } else { 0 }).collect();
    largest_first(&sizes).into_iter().filter_map(|number| unread.get(number).copied()).collect()
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
