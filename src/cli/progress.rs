//! How far reading is, on one line of standard error that is taken back: where that is a terminal, and only when it takes long.

use std::io::{self, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

/// Who reads for so long is asked how far it is.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the line is written anew.
const TICK: Duration = Duration::from_millis(200);

/// A line that is written again and again, and leaves nothing behind.
pub(super) struct Line {
    is_shown: bool,
    width: usize,
}

impl Line {
    /// Shows nothing where nobody looks, or where it is not `wanted`.
    pub(super) fn new(wanted: bool) -> Self {
        Self { is_shown: wanted && io::stderr().is_terminal(), width: 0 }
    }

    /// Writes `text` over what stands there.
    pub(super) fn show(&mut self, text: &str) {
        if self.is_shown {
            let width = std::mem::replace(&mut self.width, text.chars().count());
            // Where standard error is gone, nobody looks.
            let _ = write!(io::stderr().lock(), "\r{text:width$}");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.width > 0 {
            let _ = write!(io::stderr().lock(), "\r{:width$}\r", "", width = self.width);
        }
    }
}

/// A capture, and how much of it was read.
pub(super) struct Watched<R> {
    input: R,
    name: String,
    read: u64,
    total: Option<u64>,
    next: Instant,
    line: Line,
}

impl<R> Watched<R> {
    /// `total` is how many bytes there are, where that is known.
    pub(super) fn new(input: R, name: String, total: Option<u64>) -> Self {
        let next = now().checked_add(PATIENCE).unwrap_or_else(now);
        Self { input, name, read: 0, total, next, line: Line::new(true) }
    }
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        self.read = self.read.saturating_add(count as u64);
        if self.line.is_shown && now() >= self.next {
            self.next = now().checked_add(TICK).unwrap_or_else(now);
            self.line.show(&format!("{}: {}", self.name, so_far(self.read, self.total)));
        }
        Ok(count)
    }
}

/// Of a compressed file, the bytes are those of the file.
fn so_far(read: u64, total: Option<u64>) -> String {
    let mib = read >> 20;
    match total.and_then(|total| read.saturating_mul(100).checked_div(total)) {
        Some(percent) => format!("{} % read ({mib} MiB)", percent.min(100)),
        None => format!("{mib} MiB read"),
    }
}

/// The time by which people wait.
#[expect(clippy::disallowed_methods, reason = "the command line waits by the clock on the wall")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_told_by_bytes_and_where_the_end_is_known_by_percent() {
        assert_eq!(so_far(3 << 20, Some(4 << 20)), "75 % read (3 MiB)");
        assert_eq!(so_far(5 << 20, None), "5 MiB read");
        assert_eq!(so_far(0, Some(0)), "0 MiB read");
        // A file that grows while it is read.
        assert_eq!(so_far(9 << 20, Some(1 << 20)), "100 % read (9 MiB)");
    }
}
