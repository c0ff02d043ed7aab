//! The tables for spreadsheets.

use std::io::{self, Write};

use super::tables::{Cell, Table};
use crate::model::Time;
use crate::report::cells::row;

/// Writes the names of the columns.
pub fn begin(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    row(table.columns.iter().map(|(name, _)| (*name).to_owned()), out)
}

/// Writes a row.
pub fn write(cells: &[Cell<'_>], out: &mut dyn Write) -> io::Result<()> {
    row(cells.iter().map(written), out)
}

fn written(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Nothing => String::new(),
        Cell::Text(text) => text.clone().into_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Number(number) => number.to_string(),
        Cell::Truth(truth) => truth.to_string(),
        Cell::Time(time) => Time(*time).to_string(),
    }
}
