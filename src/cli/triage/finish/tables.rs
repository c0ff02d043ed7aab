//! The tables: rows in, each table as CSV and as Parquet out.

use std::path::Path;

use super::disk::Disk;
use super::fault;
use super::part::Part;
use crate::cli::Failure;
use crate::report::triage::tables::{self, CAPTURES, Cell, FINDINGS, LOGINS, Table};
use crate::report::triage::{csv, parquet};
use crate::triage::Digest;
use crate::triage::journal::{Content, hex};

/// All of them.
pub(super) struct Tables {
    captures: Sheet,
    logins: Sheet,
    findings: Sheet,
}

/// Rows that are still to be put into the tables.
pub(super) struct Sheets {
    captures: Rows,
    logins: Rows,
    findings: Rows,
}

impl Tables {
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            captures: Sheet::create(folder, CAPTURES)?,
            logins: Sheet::create(folder, LOGINS)?,
            findings: Sheet::create(folder, FINDINGS)?,
        })
    }

    pub(super) fn append(&mut self, sheets: &Sheets, disk: &Disk) -> Result<(), Failure> {
        self.captures.append(&sheets.captures, disk)?;
        self.logins.append(&sheets.logins, disk)?;
        self.findings.append(&sheets.findings, disk)
    }

    pub(super) fn finish(self) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        for sheet in [self.captures, self.logins, self.findings] {
            parts.extend(sheet.finish()?);
        }
        Ok(parts)
    }
}

impl Sheets {
    pub(super) fn new() -> Self {
        Self { captures: Rows::new(CAPTURES), logins: Rows::new(LOGINS), findings: Rows::new(FINDINGS) }
    }

    pub(super) fn unread(&mut self, path: &str, error: &str) {
        self.captures.row(&tables::unread(path, error));
    }

    pub(super) fn duplicate(&mut self, path: &str, content: &Content, of: &str) {
        self.captures.row(&tables::duplicate(path, &hex(content), of));
    }

    pub(super) fn capture(&mut self, path: &str, content: &Content, digest: &Digest) {
        self.captures.row(&tables::capture(path, &hex(content), digest));
        for login in &digest.logins {
            self.logins.row(&tables::login(path, login));
            for finding in &login.findings {
                self.findings.row(&tables::finding(path, login, finding));
            }
        }
    }
}

/// Rows of one table, for spreadsheets and for databases.
struct Rows {
    table: Table,
    csv: Vec<u8>,
    pieces: Vec<parquet::Piece>,
}

impl Rows {
    fn new(table: Table) -> Self {
        Self { table, csv: Vec::new(), pieces: Vec::new() }
    }

    /// Adds a row. Nothing fails that is written to memory.
    fn row(&mut self, cells: &[Cell<'_>]) {
        let _ = csv::write(cells, &mut self.csv);
        if self.pieces.last().is_none_or(parquet::Piece::is_full) {
            self.pieces.push(parquet::Piece::new(&self.table));
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.row(cells);
        }
    }
}

/// A table, for spreadsheets and for databases.
struct Sheet {
    csv: Part,
    parquet: parquet::Writer<Part>,
}

impl Sheet {
    fn create(folder: &Path, table: Table) -> Result<Self, Failure> {
        let mut sheet = Part::create(folder, &format!("{}.csv", table.name))?;
        sheet.write(|out| csv::begin(&table, out))?;
        let part = Part::create(folder, &format!("{}.parquet", table.name))?;
        let place = part.place().to_owned();
        let parquet = parquet::Writer::new(table, part).map_err(|error| fault(&place, error))?;
        Ok(Self { csv: sheet, parquet })
    }

    fn append(&mut self, rows: &Rows, disk: &Disk) -> Result<(), Failure> {
        self.csv.append(&rows.csv, disk)?;
        let appended = rows.pieces.iter().try_for_each(|piece| self.parquet.append(piece));
        appended.map_err(|error| fault(self.csv.place(), error))?;
        self.parquet.get_mut().begin(disk);
        Ok(())
    }

    fn finish(self) -> Result<[Part; 2], Failure> {
        let parquet = self.parquet.finish().map_err(|error| fault(self.csv.place(), error))?;
        Ok([self.csv, parquet])
    }
}
