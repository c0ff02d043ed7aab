//! `triage --worker`: paths on standard input, a line of JSON on standard output for each of them, whatever happens. So that
//! whoever shares out the work (Spark, xargs, a queue) needs to know nothing of captures.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::time::Duration;

use super::read;
use super::walk;
use crate::cli::output::Output;
use crate::cli::{Exit, Failure};
use crate::pipeline::Options;
use crate::report::json;

/// Bytes of a line that are looked at.
const LINE: u64 = 64 * 1024;

/// Answers each line of standard input with one line.
pub(super) fn run(options: &Options, limit: Duration, mut output: Output) -> Result<Exit, Failure> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = input.by_ref().take(LINE).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => return Err(Failure::Input(format!("standard input: {error}"))),
        }
        let whole = line.ends_with(b"\n") || (line.len() as u64) < LINE;
        if !whole {
            input.skip_until(b'\n').map_err(|error| Failure::Input(format!("standard input: {error}")))?;
        }
        let name = line.strip_suffix(b"\n").unwrap_or(&line);
        let path = walk::path(name.strip_suffix(b"\r").unwrap_or(name));
        let answer = if whole { read::document(&path, options, limit) } else { Err("this path is too long".to_owned()) };
        output.write(|out| {
            respond(&path, answer, out)?;
            out.flush()
        })?;
    }
    output.finish()?;
    Ok(Exit::Analysed)
}

fn respond(path: &Path, answer: Result<Vec<u8>, String>, out: &mut dyn Write) -> io::Result<()> {
    let name = path.to_string_lossy();
    match answer {
        Ok(document) => json::line_of(&name, &document, out),
        Err(error) => json::unread(&name, &error, out),
    }
}
