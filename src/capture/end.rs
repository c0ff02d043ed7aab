//! How input comes to its end.

use std::io::{self, ErrorKind};

/// How input ends that does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum End {
    /// Where the file or the pipe ends.
    #[error("the end of the input")]
    Whole,
    /// Compressed input ends before its own end.
    #[error("the compressed data is cut")]
    Cut,
    /// Compressed input cannot be unpacked any further.
    #[error("the compressed data is damaged: {0}")]
    Damaged(String),
    /// Whoever waits for the result wants it now.
    #[error("reading was stopped")]
    Stopped,
}

impl From<End> for io::Error {
    fn from(end: End) -> Self {
        io::Error::other(end)
    }
}

impl End {
    /// What an error of a reader says of the end, if it says that and no more.
    pub(super) fn of(error: io::Error) -> io::Result<Self> {
        match error.downcast() {
            Ok(end) => Ok(end),
            // A decompressor's word for input that ends too early; files and pipes just end.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(End::Cut),
            Err(error) => Err(error),
        }
    }
}
