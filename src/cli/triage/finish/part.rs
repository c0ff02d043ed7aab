//! One file of the results: made beside its place, on the disk when it is whole, then put there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::fault;
use crate::cli::Failure;

/// With so many new bytes the disk is to begin.
const MUCH: usize = 256 << 10;

/// A file of the results that is being written, beside its place.
pub(super) struct Part {
    name: String,
    file: BufWriter<File>,
    /// Bytes that the disk does not know of.
    new: usize,
    beside: Beside,
}

/// One that is whole.
pub(super) struct Written {
    pub(super) name: String,
    beside: Beside,
}

/// Where a file is to be, and where it is meanwhile; it is gone if it is not put in its place.
struct Beside {
    place: PathBuf,
    path: PathBuf,
}

impl Part {
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, Failure> {
        let beside = Beside { place: folder.join(name), path: folder.join(format!("{name}.part")) };
        let file = File::create(&beside.path).map_err(|error| fault(&beside.path, error))?;
        Ok(Self { name: name.to_owned(), file: BufWriter::with_capacity(1 << 16, file), new: 0, beside })
    }

    /// Where it will be.
    pub(super) fn place(&self) -> &Path {
        &self.beside.place
    }

    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        write(&mut self.file).map_err(|error| fault(&self.beside.place, error))
    }

    /// Puts bytes behind the others; the disk begins meanwhile.
    pub(super) fn append(&mut self, bytes: &[u8], disk: &Disk) -> Result<(), Failure> {
        self.write_all(bytes).map_err(|error| fault(&self.beside.place, error))?;
        self.begin(disk);
        Ok(())
    }

    /// Lets the disk begin, if there is much that it does not know of.
    pub(super) fn begin(&mut self, disk: &Disk) {
        if self.new >= MUCH {
            self.new = 0;
            disk.begin(&self.beside.place, self.file.get_ref());
        }
    }

    /// Writes what is left.
    pub(super) fn written(self) -> Result<(File, Written), Failure> {
        let Self { name, beside, file, .. } = self;
        match file.into_inner() {
            Ok(file) => Ok((file, Written { name, beside })),
            Err(error) => Err(fault(&beside.place, error.into_error())),
        }
    }

    /// The same, and leaves it to the disk.
    pub(super) fn end(self, disk: &Disk) -> Result<Written, Failure> {
        let (file, written) = self.written()?;
        disk.take(&written.beside.place, file)?;
        Ok(written)
    }
}

impl Written {
    /// Puts it in its place.
    pub(super) fn put(self) -> Result<(), Failure> {
        fs::rename(&self.beside.path, &self.beside.place).map_err(|error| fault(&self.beside.place, error))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It is not there any more where it was put in its place.
        let _ = fs::remove_file(&self.path);
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.new = self.new.saturating_add(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
