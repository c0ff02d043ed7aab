//! What a results folder says of itself: whether it is whole, and what is in it.

use std::io::{self, Write};

use serde::Serialize;

use crate::report::visible;
use crate::triage::Overview;

/// Name and version of the folder's layout and of its tables.
pub const SCHEMA: &str = "loginloop-triage/1";

/// What a results folder says of itself.
#[derive(Debug, Serialize)]
pub struct Manifest<'a> {
    schema: &'static str,
    tool: &'static str,
    version: &'static str,
    /// Are the results those of all captures? Written as `true` last of all.
    whole: bool,
    captures: usize,
    duplicates: usize,
    unread: usize,
    others: usize,
    devices: usize,
    failed: usize,
    groups: usize,
    files: &'a [String],
}

impl<'a> Manifest<'a> {
    /// That of a folder whose results are still to come.
    pub fn begun() -> Self {
        Self::of(&Overview::default(), false, &[])
    }

    /// That of a folder that holds all results.
    pub fn whole(overview: &Overview, files: &'a [String]) -> Self {
        Self::of(overview, true, files)
    }

    fn of(overview: &Overview, whole: bool, files: &'a [String]) -> Self {
        Self {
            schema: SCHEMA,
            tool: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
            whole,
            captures: overview.captures,
            duplicates: overview.duplicates,
            unread: overview.unread.len(),
            others: overview.others,
            devices: overview.devices,
            failed: overview.failed,
            groups: overview.groups.len(),
            files,
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        visible::indented(self, &mut *out)?;
        out.write_all(b"\n")
    }
}
