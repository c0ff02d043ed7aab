//! A batch of captures, for people and programs: the summary for a terminal, and tables for spreadsheets and databases. The
//! page is in `src/report/html`, the documents are those of `src/report/json`.

mod compact;
pub mod csv;
mod manifest;
pub mod parquet;
pub mod tables;
pub mod text;

pub use manifest::{Manifest, SCHEMA};
