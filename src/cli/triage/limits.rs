//! Keeps one file from holding up the others: a reader that ends when the file has had its time, or when the batch is
//! stopped. It is asked whenever another piece of the file is wanted, 256 KiB at most; what is reckoned between two pieces is
//! bounded by the bounds of the analysis. A file system that hangs in a read cannot be left.

use std::io::{self, Read};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::capture;
use crate::cli::interrupt;
use crate::cli::progress::now;

/// Why a file was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It had its time.
    Late,
    /// The batch is stopped.
    Asked,
}

/// How long a file may take, and why it was left, if it was.
pub(super) struct Limit {
    end: Option<Instant>,
    left: OnceLock<Left>,
}

impl Limit {
    /// From now on, so long.
    pub(super) fn new(length: Duration) -> Self {
        Self { end: now().checked_add(length), left: OnceLock::new() }
    }

    pub(super) fn left(&self) -> Option<Left> {
        self.left.get().copied()
    }

    fn check(&self) -> io::Result<()> {
        let left =
            if interrupt::is_asked() { Some(Left::Asked) } else { self.end.filter(|end| now() >= *end).map(|_| Left::Late) };
        match left {
            Some(left) => {
                // The first reason counts.
                let _ = self.left.set(left);
                Err(capture::stopped())
            }
            None => Ok(()),
        }
    }
}

/// A file within its limit, and the hash of what was read of it.
pub(super) struct Limited<'a, R> {
    input: R,
    limit: &'a Limit,
    hasher: Option<Sha256>,
}

impl<'a, R: Read> Limited<'a, R> {
    /// Of an input whose hash is known.
    pub(super) fn known(input: R, limit: &'a Limit) -> Self {
        Self { input, limit, hasher: None }
    }

    /// Of an input whose hash is to be had.
    pub(super) fn hashed(input: R, limit: &'a Limit) -> Self {
        Self { input, limit, hasher: Some(Sha256::new()) }
    }

    /// Reads what is left, and gives the hash of all.
    pub(super) fn content(mut self) -> io::Result<[u8; 32]> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hasher.map(|hasher| hasher.finalize().into()).unwrap_or_default())
    }
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.limit.check()?;
        let count = self.input.read(into)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(into.get(..count).unwrap_or_default());
        }
        Ok(count)
    }
}
