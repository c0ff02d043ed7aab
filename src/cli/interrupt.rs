//! Ctrl-C: the first one ends the reading, so that what was read still gets its verdict; the second one ends the program.

use std::io::{self, Read};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::output::complain;
use crate::capture;

/// What shells expect of a program that Ctrl-C has ended.
const ENDED: i32 = 130;
/// How often a pipe that brings nothing leaves time to notice a Ctrl-C.
const TICK: Duration = Duration::from_millis(100);
/// How long is waited, after a Ctrl-C, for what the capturing program still writes: it gets the signal too.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How much of that is read.
const MAX_LAST_WORDS: usize = 16 * 1024 * 1024;
/// A read from a pipe; pipes hold no more.
const CHUNK: usize = 64 * 1024;
/// Reads that wait to be analysed.
const WAITING: usize = 4;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on, Ctrl-C ends the reading.
pub(super) fn watch() {
    watch_for("reading is stopped, and what was read is judged; Ctrl-C again quits at once");
}

/// From now on, Ctrl-C ends the batch.
pub(super) fn watch_batch() {
    watch_for("the batch is stopped; Ctrl-C again quits at once");
}

fn watch_for(said: &'static str) {
    let noticed = move || {
        if ASKED.swap(true, Ordering::SeqCst) {
            process::exit(ENDED);
        }
        complain(&said);
    };
    // It fails where it is already watched for, and where the system has no such signal.
    let _ = ctrlc::set_handler(noticed);
}

/// Is the result wanted now?
pub(super) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

/// A file, until the result is wanted.
pub(super) struct Stoppable<R>(pub(super) R);

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if is_asked() { Err(capture::stopped()) } else { self.0.read(into) }
    }
}

/// A pipe, until the result is wanted. A thread of its own waits for what the pipe brings.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: io::Cursor<Vec<u8>>,
    last_words: usize,
}

impl Pipe {
    pub(super) fn new(input: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = sync_channel(WAITING);
        thread::spawn(move || pump(input, &sender));
        Self { chunks, chunk: io::Cursor::default(), last_words: 0 }
    }
}

/// Reads until the end, an error, or until nobody listens any more.
fn pump(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        let read = input.read(&mut chunk).map(|count| {
            chunk.truncate(count);
            chunk
        });
        let is_end = match &read {
            Ok(chunk) => chunk.is_empty(),
            Err(error) => error.kind() != io::ErrorKind::Interrupted,
        };
        if sender.send(read).is_err() || is_end {
            return;
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(into)?;
            if count > 0 || into.is_empty() {
                return Ok(count);
            }
            let is_asked = is_asked();
            if is_asked && self.last_words >= MAX_LAST_WORDS {
                return Err(capture::stopped());
            }
            match self.chunks.recv_timeout(if is_asked { LAST_WORDS } else { TICK }) {
                Ok(Ok(chunk)) if chunk.is_empty() => return Ok(0),
                Ok(chunk) => self.chunk = io::Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) if is_asked => return Err(capture::stopped()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
            if is_asked {
                self.last_words = self.last_words.saturating_add(self.chunk.get_ref().len());
            }
        }
    }
}
