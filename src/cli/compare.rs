//! `compare`: the first step at which two logins part.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::STDIN;
use super::options::{self, Judging, Layout, Readers};
use super::output::{Output, OutputOptions, shown};
use super::{Exit, Failure};
use crate::comparison::{self, Story};
use crate::pipeline::{Options, Selector, Wanted};
use crate::report::comparison as report;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop compare healthy.pcapng field.pcapng
  loginloop compare field.pcapng field.pcapng --healthy 10.0.4.24 --failing 00:04:f2:1a:2b:3c")]
pub(super) struct Compare {
    /// A capture with a login that goes well
    #[arg(value_name = "HEALTHY")]
    healthy_capture: PathBuf,
    /// A capture with a login that does not
    #[arg(value_name = "FAILING")]
    failing_capture: PathBuf,
    /// The device, of both captures
    #[arg(long, value_name = "MAC|IP", value_parser = options::device, conflicts_with_all = ["healthy", "failing"])]
    device: Option<Selector>,
    /// The device of the first capture
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    healthy: Option<Selector>,
    /// The device of the second capture
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    failing: Option<Selector>,
    #[command(flatten)]
    layout: Layout,
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    output: OutputOptions,
}

impl Compare {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let options = self.judging.options(None)?;
        let healthy = story(&self.healthy_capture, &options, self.healthy.or(self.device).map_or(Wanted::Best, Wanted::Named))?;
        let failing = story(&self.failing_capture, &options, self.failing.or(self.device).map_or(Wanted::Worst, Wanted::Named))?;
        let comparison = comparison::compare(&healthy, &failing);
        let mut output = Output::open(&self.output, &[self.healthy_capture.clone(), self.failing_capture.clone()])?;
        let (width, colour) = (output.width, output.colour);
        let (good, bad) = (self.healthy_capture.to_string_lossy(), self.failing_capture.to_string_lossy());
        let (good, bad) = ((good.as_ref(), &healthy), (bad.as_ref(), &failing));
        output.write(|out| match self.layout.format {
            Readers::Text => report::text(good, bad, &comparison, width, colour, out),
            Readers::Json => report::json(good, bad, &comparison, out),
        })?;
        output.finish()?;
        Ok(Exit::Analysed)
    }
}

fn story(path: &Path, options: &Options, wanted: Wanted) -> Result<Story, Failure> {
    if path.as_os_str() == STDIN {
        return Err(Failure::Usage("each capture is read twice to compare them: standard input cannot be".to_owned()));
    }
    #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
    let story = comparison::story(|| File::open(path), options, wanted);
    let story = story.map_err(|error| Failure::Input(format!("{}: {error}", shown(path))))?;
    story.ok_or_else(|| Failure::Input(format!("{}: no such device in it; `loginloop diagnose` lists them", shown(path))))
}
