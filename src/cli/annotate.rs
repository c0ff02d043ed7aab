//! `annotate`: the capture with the findings as comments, for Wireshark.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::{self, STDIN};
use super::options::{self, Judging};
use super::output::{Output, complain, shown};
use super::{Exit, Failure};
use crate::model::Frame;
use crate::pipeline::{self, Selector};
use crate::report::annotation::{self, Annotation};
use crate::rewrite::{self, Edit, Packet, RewriteError};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop annotate field.pcapng -o told.pcapng
  tshark -r told.pcapng -Y frame.comment -T fields -e frame.number -e frame.comment")]
pub(super) struct Annotate {
    /// The capture
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// The annotated capture
    #[arg(short, long, value_name = "OUT.pcapng")]
    output: PathBuf,
    /// Tell what was found of this device alone
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    device: Option<Selector>,
    #[command(flatten)]
    judging: Judging,
    /// No warnings
    #[arg(short, long)]
    quiet: bool,
}

impl Edit for Annotation {
    fn section_comment(&self) -> Option<&str> {
        Some(&self.section)
    }

    fn packet<'a>(&mut self, frame: Frame, data: &'a [u8]) -> Packet<'a> {
        Packet::Kept(Cow::Borrowed(data), self.frames.get(&frame).cloned().unwrap_or_default())
    }
}

impl Annotate {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        if self.capture.as_os_str() == STDIN {
            return Err(Failure::Usage("a capture is read twice to annotate it: standard input cannot be".to_owned()));
        }
        let options = self.judging.options(self.device)?;
        let outcome = pipeline::analyse(input::open(&self.capture)?, &options)
            .map_err(|error| Failure::Input(format!("{}: {error}", shown(&self.capture))))?;
        if self.device.is_some() && outcome.result.devices.is_empty() {
            let text = "no such device in it; `loginloop diagnose` lists them";
            return Err(Failure::Input(format!("{}: {text}", shown(&self.capture))));
        }
        let mut edit = annotation::annotation(&outcome.result);
        let written = write_capture(&self.capture, &self.output, &mut edit)?;
        if written.comments_left_out > 0 && !self.quiet {
            complain(&format_args!(
                "{}: {} comments left out, because simple packet blocks can have none",
                shown(&self.output),
                written.comments_left_out
            ));
        }
        let table = sidecar(&self.output);
        let mut output = Output::file(&table, false, std::slice::from_ref(&self.capture))?;
        output.write(|out| annotation::table(&outcome.result, out))?;
        output.finish()?;
        match outcome.error {
            None => Ok(Exit::Analysed),
            Some(error) => {
                complain(&format_args!("{}: {error}", shown(&self.capture)));
                Ok(Exit::Unreadable)
            }
        }
    }
}

/// Where the table for Wireshark's script stands.
fn sidecar(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".loginloop.tsv");
    PathBuf::from(name)
}

/// Writes a capture anew, never over itself.
pub(super) fn write_capture(from: &Path, to: &Path, edit: &mut dyn Edit) -> Result<rewrite::Written, Failure> {
    let mut output = Output::file(to, false, &[from.to_path_buf()])?;
    let result = output.with(|out| rewrite::rewrite(|| reopened(from), edit, out));
    let written = result.map_err(|error| match error {
        RewriteError::Capture(error) => Failure::Input(format!("{}: {error}", shown(from))),
        RewriteError::Output(source) => Failure::Output { name: shown(to), source },
    })?;
    output.finish()?;
    Ok(written)
}

#[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
fn reopened(path: &Path) -> std::io::Result<impl Read + use<>> {
    File::open(path)
}
