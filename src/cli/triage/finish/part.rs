//! One file of the results: made beside its place, on the disk when it is whole, then put there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::fault;
use crate::cli::Failure;

/// A file of the results that is being written, beside its place.
pub(super) struct Part {
    name: String,
    place: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
}

/// One that is whole.
pub(super) struct Written {
    pub(super) name: String,
    place: PathBuf,
    beside: PathBuf,
}

impl Part {
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, Failure> {
        let (place, beside) = (folder.join(name), folder.join(format!("{name}.part")));
        let file = File::create(&beside).map_err(|error| fault(&beside, error))?;
        Ok(Self { name: name.to_owned(), place, beside, file: BufWriter::with_capacity(1 << 16, file) })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it will be.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        write(&mut self.file).map_err(|error| fault(&self.place, error))
    }

    /// Writes what is left.
    pub(super) fn written(self) -> Result<(File, Written), Failure> {
        let Self { name, place, beside, file } = self;
        match file.into_inner() {
            Ok(file) => Ok((file, Written { name, place, beside })),
            Err(error) => Err(fault(&place, error.into_error())),
        }
    }

    /// The same; what was written is on the disk then.
    pub(super) fn synced(self) -> Result<Written, Failure> {
        let (file, written) = self.written()?;
        file.sync_all().map_err(|error| fault(&written.place, error))?;
        Ok(written)
    }
}

impl Written {
    /// Puts it in its place.
    pub(super) fn put(&self) -> Result<(), Failure> {
        fs::rename(&self.beside, &self.place).map_err(|error| fault(&self.place, error))
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
