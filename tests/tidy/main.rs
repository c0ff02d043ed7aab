//! The rules that the project sets itself, held against its own files: layers, indexes, codes, docs, names in Markdown,
//! the form of files, captures and dependencies.
//!
//! Indexes and docs are generated. `TIDY=write cargo test --test tidy` writes what is out of date; without it, a test says
//! what differs.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

mod codes;
mod docs;
mod files;
mod indexes;
mod layers;
mod markdown;
mod source;
