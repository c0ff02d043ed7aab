//! A finished analysis in, text for people and programs out: one file a format. Reports never look at packets, and print
//! in a fixed order: by device, attempt, frame.

pub mod events;
pub mod explain;
pub mod json;
mod page;
pub mod text;
mod visible;

#[cfg(test)]
mod samples;
