//! The tables for spreadsheets.

use std::borrow::Cow;
use std::io::{self, Write};

use super::tables::{Cell, Table};
use crate::model::Time;
use crate::report::cells::row;

/// Writes the names of the columns.
pub fn begin(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    row(table.columns.iter().map(|(name, _)| (*name).into()), out)
}

/// Writes a row.
pub fn write(cells: &[Cell<'_>], out: &mut dyn Write) -> io::Result<()> {
    row(cells.iter().map(written), out)
}

fn written<'a>(cell: &'a Cell<'_>) -> Cow<'a, str> {
    match cell {
        Cell::Nothing => "".into(),
        Cell::Text(text) => text.as_ref().into(),
        Cell::Integer(number) => number.to_string().into(),
        Cell::Number(number) => number.to_string().into(),
        Cell::Truth(true) => "true".into(),
        Cell::Truth(false) => "false".into(),
        Cell::Time(time) => Time(*time).to_string().into(),
    }
}
