//! The tables as Apache Parquet files (format 2.x, <https://parquet.apache.org/docs/file-format/>), written as simply as the
//! format allows: every column optional, values plain and not compressed, one page for each column of a row group. A crate for
//! it would take longer to build than all of this program's tests.

use std::io::{self, Write};

use super::compact::{Struct, varint};
use super::manifest::SCHEMA;
use super::tables::{Cell, Kind, Table};

/// How a file begins and ends.
const MAGIC: &[u8; 4] = b"PAR1";
/// Rows of a group, at most.
const ROWS: usize = 65_536;
/// Bytes of a group, about.
const BYTES: usize = 4 << 20;
/// Of these, how much one piece holds.
const PIECES: usize = 16;

// Words of parquet.thrift.
const BOOLEAN: i32 = 0;
const INT64: i32 = 2;
const DOUBLE: i32 = 5;
const BYTE_ARRAY: i32 = 6;
const OPTIONAL: i32 = 1;
const UTF8: i32 = 0;
const TIMESTAMP_MICROS: i32 = 10;
const PLAIN: i32 = 0;
const RLE: i32 = 3;
const UNCOMPRESSED: i32 = 0;
const DATA_PAGE: i32 = 0;

/// A file that is being written.
pub struct Writer<W> {
    out: W,
    table: Table,
    written: u64,
    /// The group that is not written yet.
    waiting: Piece,
    all_rows: u64,
    groups: Vec<Struct>,
}

/// Some rows, one below the other. Several can be made at the same time.
pub struct Piece {
    columns: Vec<Column>,
    rows: usize,
}

impl Piece {
    /// One without rows.
    pub fn new(table: &Table) -> Self {
        Self { columns: table.columns.iter().map(|_| Column::default()).collect(), rows: 0 }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: &[Cell<'_>]) {
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.push(cell);
        }
        self.rows = self.rows.saturating_add(1);
    }

    /// Is it as large as a piece should be?
    pub fn is_full(&self) -> bool {
        self.rows >= ROWS / PIECES || self.bytes() >= BYTES / PIECES
    }

    fn bytes(&self) -> usize {
        self.columns.iter().map(|column| column.values.len()).sum()
    }

    fn append(&mut self, other: &Piece) {
        for (column, more) in self.columns.iter_mut().zip(&other.columns) {
            column.append(more);
        }
        self.rows = self.rows.saturating_add(other.rows);
    }
}

/// The cells of a column.
#[derive(Default)]
struct Column {
    /// Which cells hold something, a bit each.
    there: Bits,
    /// What they hold.
    values: Vec<u8>,
    truths: Bits,
}

/// Bits, the least of a byte first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.count.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (self.count % 8);
        }
        self.count = self.count.saturating_add(1);
    }

    fn append(&mut self, other: &Bits) {
        for place in 0..other.count {
            let byte = other.bytes.get(place / 8).copied().unwrap_or_default();
            self.push(byte >> (place % 8) & 1 == 1);
        }
    }
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    pub fn new(table: Table, mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let waiting = Piece::new(&table);
        Ok(Self { out, table, written: MAGIC.len() as u64, waiting, all_rows: 0, groups: Vec::new() })
    }

    /// Adds rows.
    pub fn append(&mut self, piece: &Piece) -> io::Result<()> {
        let (rows, bytes) = (self.waiting.rows, self.waiting.bytes());
        if rows.saturating_add(piece.rows) > ROWS || bytes.saturating_add(piece.bytes()) > BYTES {
            self.group()?;
        }
        self.waiting.append(piece);
        Ok(())
    }

    /// What it is written to.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<W> {
        self.group()?;
        let root = Struct::default().text(4, "schema").int32(5, int(self.table.columns.len()));
        let columns = self.table.columns.iter().map(|(name, kind)| element(name, *kind));
        let version = Struct::default().text(1, "schema").text(2, SCHEMA);
        let footer = Struct::default()
            .int32(1, 2)
            .structs(2, std::iter::once(root).chain(columns).collect())
            .int64(3, self.all_rows)
            .structs(4, self.groups)
            .structs(5, vec![version])
            .text(6, concat!(env!("CARGO_PKG_NAME"), " version ", env!("CARGO_PKG_VERSION")))
            .finish();
        self.out.write_all(&footer)?;
        self.out.write_all(&int(footer.len()).to_le_bytes())?;
        self.out.write_all(MAGIC)?;
        Ok(self.out)
    }

    /// Writes the rows that wait as a group.
    fn group(&mut self) -> io::Result<()> {
        let Piece { columns, rows } = std::mem::replace(&mut self.waiting, Piece::new(&self.table));
        if rows == 0 {
            return Ok(());
        }
        let begin = self.written;
        let mut chunks = Vec::new();
        for (column, (name, kind)) in columns.into_iter().zip(self.table.columns) {
            chunks.push(self.chunk(column, rows, name, *kind)?);
        }
        let group = Struct::default().structs(1, chunks).int64(2, self.written.saturating_sub(begin)).int64(3, rows as u64);
        self.groups.push(group);
        self.all_rows = self.all_rows.saturating_add(rows as u64);
        Ok(())
    }

    /// Writes a column of the group, and gives what the footer says of it.
    fn chunk(&mut self, column: Column, rows: usize, name: &str, kind: Kind) -> io::Result<Struct> {
        let offset = self.written;
        let page = column.page();
        let header = Struct::default()
            .int32(1, DATA_PAGE)
            .int32(2, int(page.len()))
            .int32(3, int(page.len()))
            .inner(5, Struct::default().int32(1, int(rows)).int32(2, PLAIN).int32(3, RLE).int32(4, RLE))
            .finish();
        self.out.write_all(&header)?;
        self.out.write_all(&page)?;
        let length = (header.len() as u64).saturating_add(page.len() as u64);
        self.written = offset.saturating_add(length);
        let data = Struct::default()
            .int32(1, physical(kind))
            .int32s(2, &[PLAIN, RLE])
            .texts(3, &[name])
            .int32(4, UNCOMPRESSED)
            .int64(5, rows as u64)
            .int64(6, length)
            .int64(7, length)
            .int64(9, offset);
        Ok(Struct::default().int64(2, offset).inner(3, data))
    }
}

impl Column {
    fn push(&mut self, cell: &Cell<'_>) {
        self.there.push(*cell != Cell::Nothing);
        match cell {
            Cell::Nothing => {}
            Cell::Text(text) => {
                self.values.extend(int(text.len()).to_le_bytes());
                self.values.extend_from_slice(text.as_bytes());
            }
            Cell::Integer(value) => self.values.extend(value.to_le_bytes()),
            // Spark reads no nanoseconds.
            Cell::Time(nanoseconds) => self.values.extend(nanoseconds.div_euclid(1_000).to_le_bytes()),
            Cell::Number(value) => self.values.extend(value.to_le_bytes()),
            Cell::Truth(truth) => self.truths.push(*truth),
        }
    }

    fn append(&mut self, other: &Column) {
        self.there.append(&other.there);
        self.values.extend_from_slice(&other.values);
        self.truths.append(&other.truths);
    }

    /// Which cells hold something, as one run of groups of eight bits, and then what they hold.
    fn page(self) -> Vec<u8> {
        let mut levels = Vec::new();
        varint((self.there.bytes.len() as u64) << 1 | 1, &mut levels);
        levels.extend(self.there.bytes);
        let mut page = int(levels.len()).to_le_bytes().to_vec();
        page.extend(levels);
        page.extend(self.values);
        page.extend(self.truths.bytes);
        page
    }
}

/// What the footer says of a column.
fn element(name: &str, kind: Kind) -> Struct {
    let column = Struct::default().int32(1, physical(kind)).int32(3, OPTIONAL).text(4, name);
    match kind {
        Kind::Text => column.int32(6, UTF8).inner(10, Struct::default().inner(1, Struct::default())),
        Kind::Time => {
            let microseconds = Struct::default().inner(2, Struct::default());
            let zoned = Struct::default().yes(1).inner(2, microseconds);
            column.int32(6, TIMESTAMP_MICROS).inner(10, Struct::default().inner(8, zoned))
        }
        Kind::Integer | Kind::Number | Kind::Truth => column,
    }
}

fn physical(kind: Kind) -> i32 {
    match kind {
        Kind::Text => BYTE_ARRAY,
        Kind::Integer | Kind::Time => INT64,
        Kind::Number => DOUBLE,
        Kind::Truth => BOOLEAN,
    }
}

/// Lengths are below [`BYTES`] and one row, which is bounded.
fn int(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table { name: "t", columns: &[("a", Kind::Text), ("n", Kind::Integer), ("yes", Kind::Truth)] };

    fn file(rows: &[[Cell<'_>; 3]]) -> Vec<u8> {
        pieces(&[rows])
    }

    fn pieces(pieces: &[&[[Cell<'_>; 3]]]) -> Vec<u8> {
        let mut writer = Writer::new(TABLE, Vec::new()).unwrap();
        for rows in pieces {
            let mut piece = Piece::new(&TABLE);
            rows.iter().for_each(|row| piece.row(row));
            writer.append(&piece).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_page_holds_which_cells_are_there_and_then_what_they_hold() {
        let bytes = file(&[
            [Cell::Text("xy".into()), Cell::Nothing, Cell::Truth(true)],
            [Cell::Nothing, Cell::Integer(258), Cell::Truth(false)],
            [Cell::Text("".into()), Cell::Integer(-1), Cell::Truth(true)],
        ]);
        // One group of eight levels, bit-packed: 4 bytes of length, its head, and the bits, the first cell's the least.
        let texts = [2, 0, 0, 0, 3, 0b101, 2, 0, 0, 0, b'x', b'y', 0, 0, 0, 0];
        let numbers = [2, 0, 0, 0, 3, 0b110, 2, 1, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let truths = [2, 0, 0, 0, 3, 0b111, 0b101];
        for page in [&texts[..], &numbers, &truths] {
            assert!(bytes.windows(page.len()).any(|window| window == page), "{page:02x?}");
        }
    }

    #[test]
    fn times_are_in_microseconds_also_those_before_1970() {
        let table = Table { name: "t", columns: &[("at", Kind::Time)] };
        let mut piece = Piece::new(&table);
        [1_001, -1].into_iter().for_each(|nanoseconds| piece.row(&[Cell::Time(nanoseconds)]));
        let page = piece.columns.remove(0).page();
        assert!(page.ends_with(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "{page:02x?}");
    }

    #[test]
    fn a_file_ends_with_a_footer_whose_length_is_known() {
        for bytes in [file(&[]), file(&[[Cell::Nothing, Cell::Nothing, Cell::Nothing]])] {
            let end = bytes.len();
            assert!(bytes.starts_with(MAGIC) && bytes.ends_with(MAGIC));
            let footer = u32::from_le_bytes(bytes[end - 8..end - 4].try_into().unwrap()) as usize;
            // Its first field is the version, 2, and it ends a struct.
            assert_eq!((&bytes[end - 8 - footer..][..2], bytes[end - 9]), (&[0x15, 4][..], 0));
        }
    }

    #[test]
    fn rows_are_the_same_in_whatever_pieces_they_come() {
        let rows: Vec<[Cell<'_>; 3]> = (0..40)
            .map(|number| {
                let text = if number % 3 == 0 { Cell::Nothing } else { Cell::Text(number.to_string().into()) };
                [text, Cell::Integer(number), if number % 5 == 0 { Cell::Nothing } else { Cell::Truth(number % 2 == 0) }]
            })
            .collect();
        for place in 0..=rows.len() {
            assert!(pieces(&[&rows[..place], &rows[place..]]) == file(&rows), "parted at {place}");
        }
    }

    #[test]
    fn many_rows_are_several_groups() {
        let mut writer = Writer::new(TABLE, Vec::new()).unwrap();
        let mut number = 0;
        while number < ROWS as i64 + 5 {
            let mut piece = Piece::new(&TABLE);
            while !piece.is_full() && number < ROWS as i64 + 5 {
                piece.row(&[Cell::Nothing, Cell::Integer(number), Cell::Nothing]);
                number += 1;
            }
            writer.append(&piece).unwrap();
        }
        assert_eq!((writer.groups.len(), writer.waiting.rows, writer.all_rows), (1, 5, ROWS as u64));
    }
}
