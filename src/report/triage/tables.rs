//! The tables of a batch: captures, logins, findings. Their columns are fixed: some may be added behind the others, none is
//! renamed or changes its meaning without a new schema. Every cell may be empty: unknown is nothing, never a made-up value.

use std::borrow::Cow;

use crate::model::Verdict;
use crate::triage::{Digest, Login, Told};

/// What the cells of a column hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Truth,
    /// Nanoseconds since 1970, UTC.
    Time,
}

/// A table: its name, and the names and kinds of its columns.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// The name of its files.
    pub name: &'static str,
    /// The columns.
    pub columns: &'static [(&'static str, Kind)],
}

/// What stands in a row under a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Unknown, or not so.
    Nothing,
    /// Text.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Truth(bool),
    /// Nanoseconds since 1970, UTC.
    Time(i64),
}

/// A row for each file: those that are captures or should be.
pub const CAPTURES: Table = Table {
    name: "captures",
    columns: &[
        ("capture", Kind::Text),
        ("status", Kind::Text),
        ("content", Kind::Text),
        ("duplicate_of", Kind::Text),
        ("error", Kind::Text),
        ("format", Kind::Text),
        ("compression", Kind::Text),
        ("frames", Kind::Integer),
        ("bytes", Kind::Integer),
        ("first_time", Kind::Time),
        ("last_time", Kind::Time),
        ("truncated", Kind::Truth),
        ("snaplen_limited", Kind::Truth),
        ("warnings", Kind::Integer),
        ("devices", Kind::Integer),
        ("logins", Kind::Integer),
        ("failed", Kind::Integer),
    ],
};

/// A row for each device that logged in or tried to, in each capture.
pub const LOGINS: Table = Table {
    name: "logins",
    columns: &[
        ("capture", Kind::Text),
        ("device", Kind::Text),
        ("mac", Kind::Text),
        ("ips", Kind::Text),
        ("name", Kind::Text),
        ("profile", Kind::Text),
        ("verdict", Kind::Text),
        ("verdict_confidence", Kind::Number),
        ("attempts", Kind::Integer),
        ("period_s", Kind::Number),
        ("restarts_at", Kind::Text),
        ("start", Kind::Time),
        ("end", Kind::Time),
        ("drop_stage", Kind::Text),
        ("drop_by", Kind::Text),
        ("drop_how", Kind::Text),
        ("drop_frame", Kind::Integer),
        ("drop_time", Kind::Time),
        ("screen", Kind::Text),
        ("primary_cause", Kind::Text),
        ("confidence", Kind::Number),
        ("summary", Kind::Text),
        ("fix", Kind::Text),
        ("fingerprint", Kind::Text),
    ],
};

/// A row for each finding of a login.
pub const FINDINGS: Table = Table {
    name: "findings",
    columns: &[
        ("capture", Kind::Text),
        ("device", Kind::Text),
        ("code", Kind::Text),
        ("cause", Kind::Text),
        ("stage", Kind::Text),
        ("primary", Kind::Truth),
        ("confidence", Kind::Number),
        ("summary", Kind::Text),
        ("fix", Kind::Text),
    ],
};

fn text(value: &str) -> Cell<'_> {
    Cell::Text(Cow::Borrowed(value))
}

fn integer(value: impl TryInto<i64>) -> Cell<'static> {
    value.try_into().map_or(Cell::Nothing, Cell::Integer)
}

fn or_nothing<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell<'static>) -> Cell<'static> {
    value.map_or(Cell::Nothing, cell)
}

fn optional(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Nothing, text)
}

/// The row of a capture that was read.
pub fn capture<'a>(path: &'a str, content: &'a str, digest: &'a Digest) -> Vec<Cell<'a>> {
    let failed = digest.logins.iter().filter(|login| login.ended.is_some()).count();
    vec![
        text(path),
        text("read"),
        text(content),
        Cell::Nothing,
        Cell::Nothing,
        text(&digest.format),
        optional(digest.compression.as_deref()),
        integer(digest.frames),
        integer(digest.bytes),
        or_nothing(digest.first, Cell::Time),
        or_nothing(digest.last, Cell::Time),
        Cell::Truth(digest.truncated),
        Cell::Truth(digest.snaplen_limited),
        integer(digest.warnings),
        integer(digest.devices),
        integer(digest.logins.len()),
        integer(failed),
    ]
}

/// The row of a file whose content another one has.
pub fn duplicate<'a>(path: &'a str, content: &'a str, of: &'a str) -> Vec<Cell<'a>> {
    filled(vec![text(path), text("duplicate"), text(content), text(of)])
}

/// The row of a file that could not be read.
pub fn unread<'a>(path: &'a str, error: &'a str) -> Vec<Cell<'a>> {
    filled(vec![text(path), text("unread"), Cell::Nothing, Cell::Nothing, text(error)])
}

/// Nothing is known of what stands in the other columns.
fn filled(mut cells: Vec<Cell<'_>>) -> Vec<Cell<'_>> {
    cells.resize(CAPTURES.columns.len(), Cell::Nothing);
    cells
}

/// The row of a login.
pub fn login<'a>(path: &'a str, login: &'a Login) -> Vec<Cell<'a>> {
    let ended = login.ended.as_ref();
    let primary = login.primary();
    let is_loop = login.verdict == Verdict::Loop;
    vec![
        text(path),
        text(login.device()),
        optional(login.mac.as_deref()),
        Cell::Text(login.ips.join(" ").into()),
        optional(login.name.as_deref()),
        optional(login.family.as_deref()),
        text(login.verdict.word()),
        Cell::Number(login.confidence),
        integer(login.attempts),
        or_nothing(login.period.filter(|_| is_loop), Cell::Number),
        optional(login.restarts_at.filter(|_| is_loop).map(|stage| stage.word())),
        or_nothing(login.start, Cell::Time),
        or_nothing(login.end, Cell::Time),
        optional(ended.map(|ended| ended.stage.word())),
        optional(ended.map(|ended| ended.by.word())),
        optional(ended.map(|ended| ended.how.word())),
        or_nothing(ended, |ended| integer(ended.frame)),
        or_nothing(ended, |ended| Cell::Time(ended.time)),
        optional(ended.and_then(|ended| ended.screen.as_deref())),
        optional(primary.map(|finding| finding.code.as_str())),
        or_nothing(primary, |finding| Cell::Number(finding.confidence)),
        optional(primary.map(|finding| finding.summary.as_str())),
        optional(primary.map(|finding| finding.fix.as_str())),
        optional(ended.map(|ended| ended.fingerprint.as_str())),
    ]
}

/// The row of a finding.
pub fn finding<'a>(path: &'a str, login: &'a Login, told: &'a Told) -> Vec<Cell<'a>> {
    vec![
        text(path),
        text(login.device()),
        text(&told.code),
        text(&told.cause),
        text(told.stage.word()),
        Cell::Truth(told.primary),
        Cell::Number(told.confidence),
        text(&told.summary),
        text(&told.fix),
    ]
}
