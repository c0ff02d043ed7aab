//! Writes a capture to measure with: `make-traffic mixed|voice MIB FILE [FOLDER]`. The stories are those of `captures/`, or
//! of another folder.
#![allow(clippy::indexing_slicing, reason = "a tool for measuring: it may fail")]

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

#[path = "../benches/traffic/mod.rs"]
mod traffic;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: make-traffic mixed|voice|stories MIB FILE [FOLDER]");
    let [kind, size, file, folder @ ..] = arguments.as_slice() else { return Err(usage()) };
    let mix = match kind.as_str() {
        "mixed" => traffic::MIXED,
        "voice" => traffic::VOICE,
        "stories" => traffic::STORIES,
        _ => return Err(usage()),
    };
    let size: u64 = size.parse().map_err(io::Error::other)?;
    let folder = folder.first().map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures"), PathBuf::from);
    let stories = traffic::stories(&traffic::captures(&folder)?)?;
    let mut out = BufWriter::new(std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(file)?);
    traffic::write(mix, &stories, size << 20, &mut out)?;
    out.flush()
}
