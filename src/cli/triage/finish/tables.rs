//! The tables: rows in, each table as CSV and as Parquet out.

use std::path::Path;

use super::fault;
use super::part::Part;
use super::rows::{Kept, Told};
use crate::cli::Failure;
use crate::report::triage::tables::{self, CAPTURES, Cell, FINDINGS, LOGINS, Table};
use crate::report::triage::{csv, parquet};
use crate::triage::journal::hex;

/// All of them.
pub(super) struct Tables {
    captures: Sheet,
    logins: Sheet,
    findings: Sheet,
}

impl Tables {
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            captures: Sheet::create(folder, CAPTURES)?,
            logins: Sheet::create(folder, LOGINS)?,
            findings: Sheet::create(folder, FINDINGS)?,
        })
    }

    pub(super) fn add(&mut self, path: &str, told: &Told<'_>) -> Result<(), Failure> {
        match told {
            Told::Unread(error) => self.captures.row(&tables::unread(path, error)),
            Told::Duplicate(content, of) => self.captures.row(&tables::duplicate(path, &hex(content), of)),
            Told::Capture(content, Kept { digest, .. }) => {
                self.captures.row(&tables::capture(path, &hex(content), digest))?;
                for login in &digest.logins {
                    self.logins.row(&tables::login(path, login))?;
                    for finding in &login.findings {
                        self.findings.row(&tables::finding(path, login, finding))?;
                    }
                }
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> Result<Vec<Part>, Failure> {
        let mut parts = Vec::new();
        for sheet in [self.captures, self.logins, self.findings] {
            parts.extend(sheet.finish()?);
        }
        Ok(parts)
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

    fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), Failure> {
        self.csv.write(|out| csv::write(cells, out))?;
        self.parquet.row(cells).map_err(|error| fault(self.csv.place(), error))
    }

    fn finish(self) -> Result<[Part; 2], Failure> {
        let parquet = self.parquet.finish().map_err(|error| fault(self.csv.place(), error))?;
        Ok([self.csv, parquet])
    }
}
