//! Where results and complaints go: results to standard output or a file, all else to standard error.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::{Args, ValueEnum};

use super::Failure;
use crate::report::text::WIDTH;
use crate::text::WireText;

// Where the result goes, and how it looks.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputOptions {
    /// Write the result to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Colour; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(super) color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal that can show it
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How a path is shown: a file's name can hold anything.
pub(super) fn shown(path: &Path) -> String {
    WireText::from(path.to_string_lossy().into_owned()).to_string()
}

/// Says on standard error what went wrong.
pub(super) fn complain(what: &dyn Display) {
    // Where standard error is closed, nobody can be told.
    let _ = writeln!(io::stderr().lock(), "loginloop: {what}");
}

/// The place of a result.
pub(super) struct Output {
    out: Box<dyn Write>,
    name: String,
    /// With colour?
    pub(super) colour: bool,
    /// Columns of a line.
    pub(super) width: usize,
}

impl Output {
    /// Opens it. `inputs` are files that must not be overwritten.
    pub(super) fn open(options: &OutputOptions, inputs: &[PathBuf]) -> Result<Self, Failure> {
        match &options.output {
            Some(path) => Self::file(path, options.color == Color::Always, inputs),
            None => Ok(Self::stdout(options.color)),
        }
    }

    /// A file, but none of the inputs.
    pub(super) fn file(path: &Path, colour: bool, inputs: &[PathBuf]) -> Result<Self, Failure> {
        let place = fs::canonicalize(path).ok();
        if place.is_some() && inputs.iter().any(|input| fs::canonicalize(input).ok() == place) {
            return Err(Failure::Usage(format!("{}: this is the capture itself; write the result elsewhere", shown(path))));
        }
        let file = File::create(path).map_err(|source| Failure::Output { name: shown(path), source })?;
        Ok(Self { out: Box::new(BufWriter::new(file)), name: shown(path), colour, width: WIDTH })
    }

    fn stdout(color: Color) -> Self {
        let stdout = io::stdout();
        let choice = match color {
            Color::Auto => AutoStream::choice(&stdout),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let colour = !matches!(choice, ColorChoice::Never);
        let width = width(&stdout);
        // For colour the stream speaks to old consoles that know no escape sequences; else nothing needs a look.
        let stream = AutoStream::new(stdout.lock(), if colour { ColorChoice::Always } else { ColorChoice::AlwaysAnsi });
        let out = BufWriter::with_capacity(1 << 16, stream);
        Self { out: Box::new(out), name: "standard output".to_owned(), colour, width }
    }

    /// Writes, and names the place where that fails.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        write(&mut self.out).map_err(|source| Failure::Output { name: self.name.clone(), source })
    }

    /// Gives the place to who tells what went wrong in their own words.
    pub(super) fn with<T>(&mut self, write: impl FnOnce(&mut dyn Write) -> T) -> T {
        write(&mut self.out)
    }

    /// Writes what is still in a buffer.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.write(|out| out.flush())
    }
}

/// COLUMNS, or that of the terminal, or the usual.
fn width(stdout: &io::Stdout) -> usize {
    /// Longer lines are hard to read, however wide the terminal is.
    const WIDEST: usize = 140;
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok()).filter(|columns| *columns > 0);
    let of_terminal = || {
        let (width, _) = terminal_size::terminal_size()?;
        stdout.is_terminal().then(|| usize::from(width.0))
    };
    asked.or_else(of_terminal).unwrap_or(WIDTH).min(WIDEST)
}
