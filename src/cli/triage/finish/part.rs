//! One file of the results: made beside its place, on the disk when it is whole, then put there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::fault;
use crate::cli::Failure;

/// With so many new bytes the disk is to begin.
const MUCH: usize = 1 << 20;

/// A file of the results that is being written, beside its place.
pub(super) struct Part {
    name: String,
    place: PathBuf,
    beside: PathBuf,
    file: BufWriter<File>,
    /// Bytes that the disk does not know of.
    new: usize,
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
        Ok(Self { name: name.to_owned(), place, beside, file: BufWriter::with_capacity(1 << 16, file), new: 0 })
    }

    /// Where it will be.
    pub(super) fn place(&self) -> &Path {
        &self.place
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        write(&mut self.file).map_err(|error| fault(&self.place, error))
    }

    /// Puts bytes behind the others; the disk begins meanwhile.
    pub(super) fn append(&mut self, bytes: &[u8], disk: &Disk) -> Result<(), Failure> {
        self.write(|out| out.write_all(bytes))?;
        self.new = self.new.saturating_add(bytes.len());
        if self.new >= MUCH {
            self.new = 0;
            disk.begin(&self.place, self.file.get_ref());
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn written(self) -> Result<(File, Written), Failure> {
        let Self { name, place, beside, file, .. } = self;
        match file.into_inner() {
            Ok(file) => Ok((file, Written { name, place, beside })),
            Err(error) => Err(fault(&place, error.into_error())),
        }
    }

    /// The same, and leaves it to the disk.
    pub(super) fn end(self, disk: &Disk) -> Result<Written, Failure> {
        let (file, written) = self.written()?;
        disk.take(&written.place, file)?;
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
