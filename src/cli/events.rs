//! `events`: what the login machine sees.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input;
use super::options::{self, KeyLogs};
use super::output::{Output, OutputOptions, complain, shown};
use super::{Exit, Failure};
use crate::event::Event;
use crate::model::Warning;
use crate::pipeline::{self, DeviceName, Outcome, Selector};
use crate::report::events::EventWriter;
use crate::verdict::CaptureSummary;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop events field.pcapng
  loginloop events --device 10.0.4.23 field.pcapng | jq -c 'select(.protocol == \"tls\")'")]
pub(super) struct Events {
    /// The capture; - is standard input
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// The only format
    #[arg(long, value_enum, default_value_t = Format::Jsonl, help_heading = "Output")]
    format: Format,
    /// Print the events of this device alone
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    device: Option<Selector>,
    #[command(flatten)]
    key_logs: KeyLogs,
    /// No warnings
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    output: OutputOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
}

impl Events {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let Format::Jsonl = self.format;
        let keys = self.key_logs.load()?;
        let capture = input::open(&self.capture)?;
        let mut output = Output::open(&self.output, std::slice::from_ref(&self.capture))?;
        let mut read = None;
        output.write(|out| {
            let mut writer = EventWriter::new(out);
            let mut sink = |event: &Event, device: Option<DeviceName>| {
                if self.device.is_some_and(|wanted| !concerns(event, device, wanted)) {
                    return Ok(());
                }
                writer.event(event, device.as_ref().map(|device| device as &dyn Display))
            };
            match pipeline::events(capture, &keys, &mut sink) {
                Ok(Outcome { result: (summary, written), error }) => {
                    written?;
                    read = Some((summary, error));
                }
                Err(error) => read = Some((CaptureSummary::default(), Some(error))),
            }
            writer.finish().map(|_| ())
        })?;
        output.finish()?;
        let Some((summary, error)) = read else { return Ok(Exit::Analysed) };
        if !self.quiet {
            for warning in &summary.warnings {
                warn(&self.capture, warning);
            }
            for (_, note) in &summary.notes {
                complain(&format_args!("{}: note: {note}", shown(&self.capture)));
            }
        }
        match error {
            Some(error) => Err(Failure::Input(format!("{}: {error}", shown(&self.capture)))),
            None => Ok(Exit::Analysed),
        }
    }
}

fn warn(path: &Path, warning: &Warning) {
    let frame = warning.frame.map(|frame| format!("frame {frame}: ")).unwrap_or_default();
    complain(&format_args!("{}: warning: {frame}{}", shown(path), warning.text));
}

/// Is it an event of this device, or one that it sent or got?
fn concerns(event: &Event, device: Option<DeviceName>, wanted: Selector) -> bool {
    match wanted {
        Selector::Mac(mac) => device == Some(DeviceName::Mac(mac)),
        Selector::Ip(ip) => {
            device == Some(DeviceName::Ip(ip)) || event.source().ip() == Some(ip) || event.destination().ip() == Some(ip)
        }
    }
}
