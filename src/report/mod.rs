//! A finished analysis in, text for people and programs out: one file a format. Reports never look at packets, and print
//! in a fixed order: by device, attempt, frame. What is told of a device stands in `told`, once; formats lay it out.

use std::io::{self, Write};

use crate::verdict::Analysis;
use html::contents::Contents;
use sarif::Sarif;

pub mod acceptance;
pub mod annotation;
mod cells;
pub mod comparison;
pub mod csv;
pub mod events;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod page;
mod queries;
pub mod sarif;
pub mod text;
mod told;
pub mod triage;
mod visible;
mod words;

#[cfg(test)]
mod samples;

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people, on a terminal.
    Text(text::Options),
    /// One document for one capture.
    Json,
    /// A document on each line.
    JsonLines,
    /// A page that stands alone.
    Html {
        /// Are several captures on it?
        several: bool,
    },
    /// For a ticket.
    Markdown,
    /// For code-scanning pipelines.
    Sarif,
    /// For continuous integration.
    Junit,
    /// For spreadsheets, a row a device.
    Csv,
}

/// A document that is being written.
pub trait Document {
    /// Writes what stands before the first capture.
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let _ = out;
        Ok(())
    }

    /// Writes one capture.
    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands after the last capture.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let _ = out;
        Ok(())
    }
}

/// A document of this format; `title` says what it is about.
pub fn document(format: Format, title: &str) -> Box<dyn Document> {
    match format {
        Format::Text(options) => Box::new(Text { options, captures: 0 }),
        Format::Json => Box::new(Json { compact: false }),
        Format::JsonLines => Box::new(Json { compact: true }),
        Format::Html { several } => Box::new(Html { title: title.to_owned(), several, contents: Contents::default() }),
        Format::Markdown => Box::new(Markdown { captures: 0 }),
        Format::Sarif => Box::new(Sarif::default()),
        Format::Junit => Box::new(Junit),
        Format::Csv => Box::new(Csv),
    }
}

struct Text {
    options: text::Options,
    captures: usize,
}

impl Document for Text {
    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.captures > 0 && self.options.detail != text::Detail::Quiet {
            out.write_all(b"\n")?;
        }
        self.captures = self.captures.saturating_add(1);
        text::write(analysis, path, &self.options, out)
    }
}

struct Json {
    compact: bool,
}

impl Document for Json {
    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.compact { json::line(analysis, path, out) } else { json::document(analysis, path, out) }
    }
}

struct Html {
    title: String,
    several: bool,
    contents: Contents,
}

impl Document for Html {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        html::begin(&self.title, out)?;
        if self.several { Contents::link(out) } else { Ok(()) }
    }

    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        html::capture(analysis, path, self.contents.next(), out)?;
        self.contents.add(analysis, path);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.several {
            self.contents.write(out)?;
        }
        html::end(out)
    }
}

struct Markdown {
    captures: usize,
}

impl Document for Markdown {
    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        if self.captures > 0 {
            out.write_all(b"\n")?;
        }
        self.captures = self.captures.saturating_add(1);
        markdown::write(analysis, path, out)
    }
}

impl Document for Sarif {
    fn capture(&mut self, analysis: &Analysis, path: &str, _out: &mut dyn Write) -> io::Result<()> {
        self.add(analysis, path);
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.write(out)
    }
}

struct Junit;

impl Document for Junit {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        junit::begin(out)
    }

    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        junit::capture(analysis, path, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        junit::end(out)
    }
}

struct Csv;

impl Document for Csv {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        csv::begin(out)
    }

    fn capture(&mut self, analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
        csv::capture(analysis, path, out)
    }
}
