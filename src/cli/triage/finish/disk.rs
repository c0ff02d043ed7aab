//! Puts files on the disk while the others are still being made: a disk takes longest when all is left to the end. Files in;
//! when it is over, every one of them is on the disk, or there is an error.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{fault, joined};
use crate::cli::Failure;

/// For how many files the disk is asked at the same time: it then puts them there together.
const SYNCS: usize = 10;
/// How many files more may wait, and are open meanwhile.
const WAITING: usize = 32;

/// Takes files.
pub(super) struct Disk {
    files: SyncSender<(PathBuf, File)>,
}

impl Disk {
    /// Does what makes files, and waits until they are on the disk.
    pub(super) fn with<R>(make: impl FnOnce(&Disk) -> Result<R, Failure>) -> Result<R, Failure> {
        let (files, waiting) = mpsc::sync_channel(WAITING);
        let waiting = Mutex::new(waiting);
        thread::scope(|scope| {
            let threads: Vec<_> = (0..SYNCS).map(|_| scope.spawn(|| sync(&waiting))).collect();
            let disk = Disk { files };
            let made = make(&disk);
            // The threads end when nobody can give them a file any more.
            drop(disk);
            let synced = threads.into_iter().map(joined).fold(Ok(()), Result::and);
            made.and_then(|made| synced.map(|()| made))
        })
    }

    /// Takes a file that is whole.
    pub(super) fn take(&self, place: &Path, file: File) -> Result<(), Failure> {
        let gone = |_| fault(place, io::ErrorKind::BrokenPipe.into());
        self.files.send((place.to_owned(), file)).map_err(gone)
    }

    /// Begins with one that is not whole yet, if there is nothing better to do.
    pub(super) fn begin(&self, place: &Path, file: &File) {
        if let Ok(file) = file.try_clone() {
            // It comes again when it is whole.
            let _ = self.files.try_send((place.to_owned(), file));
        }
    }
}

/// Goes on when one fails, for whoever waits to be rid of a file; the first error is told.
fn sync(waiting: &Mutex<Receiver<(PathBuf, File)>>) -> Result<(), Failure> {
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let mut result = Ok(());
    while let Some((place, file)) = next() {
        result = result.and(file.sync_all().map_err(|error| fault(&place, error)));
    }
    result
}
