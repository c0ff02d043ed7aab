//! `diagnose`: the main job.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input::{self, STDIN};
use super::interrupt;
use super::options::{self, DetailOptions, Judging};
use super::output::{Output, OutputOptions, complain, shown};
use super::progress::Watched;
use super::{Exit, Failure};
use crate::model::Verdict;
use crate::pipeline::{self, Options, Outcome, Selector};
use crate::report::{self, text};
use crate::verdict::Analysis;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop diagnose field.pcapng
  loginloop diagnose --device 00:04:f2:1a:2b:3c -v field.pcapng
  loginloop diagnose --format jsonl *.pcapng > verdicts.jsonl
  loginloop diagnose --format html -o report.html field.pcapng
  ssh switch tcpdump -s 0 -w - host 10.0.4.23 | loginloop diagnose -
  loginloop diagnose --fail-on loop field.pcapng || echo 'a phone loops'")]
pub(super) struct Diagnose {
    /// Captures; - is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    /// How the result is written
    #[arg(long, value_enum, ignore_case = true, default_value_t = Format::Text, help_heading = "Output")]
    format: Format,
    /// Exit with 1 where a device loops, or (dropped) where any login ended in a drop, loops among them
    #[arg(long, value_enum, value_name = "VERDICT")]
    fail_on: Option<FailOn>,
    /// Judge this device alone
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    device: Option<Selector>,
    #[command(flatten)]
    judging: Judging,
    #[command(flatten)]
    detail: DetailOptions,
    #[command(flatten)]
    output: OutputOptions,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people, on a terminal
    Text,
    /// One document, for one capture: everything that was found
    Json,
    /// A document on each line, for several captures
    Jsonl,
    /// A page that stands alone, for a browser: diagrams, certificates, timelines
    Html,
    /// For a ticket
    Markdown,
    /// SARIF 2.1.0, for code-scanning pipelines
    Sarif,
    /// JUnit XML, for continuous integration
    Junit,
    /// A row for each device, for a spreadsheet
    Csv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Loop,
    Dropped,
}

impl Diagnose {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        if self.format == Format::Json && self.captures.len() > 1 {
            let captures = self.captures.len();
            return Err(Failure::Usage(format!(
                "--format json is one document for one capture, and there are {captures}; use --format jsonl"
            )));
        }
        if self.captures.iter().filter(|path| path.as_os_str() == STDIN).count() > 1 {
            return Err(Failure::Usage("standard input (-) can be read once only".to_owned()));
        }
        let options = self.judging.options(self.device)?;
        let mut output = Output::open(&self.output, &self.captures)?;
        let mut document = report::document(self.layout(&output), &self.title());
        output.write(|out| document.begin(out))?;
        if self.captures.len() > 1 {
            interrupt::watch();
        }
        let mut exit = Exit::Analysed;
        for (index, path) in self.captures.iter().enumerate() {
            if index > 0 && interrupt::is_asked() {
                complain(&format_args!("{}: not read, nor what comes behind it", shown(path)));
                break;
            }
            match self.analyse(path, &options) {
                Ok(Outcome { result: analysis, error }) => {
                    output.write(|out| document.capture(&analysis, &path.to_string_lossy(), out))?;
                    if exit == Exit::Analysed && self.fails(&analysis) {
                        exit = Exit::Found;
                    }
                    // What was read before that holds, and was reported.
                    if let Some(error) = error {
                        complain(&format_args!("{}: {error}", shown(path)));
                        exit = Exit::Unreadable;
                    }
                }
                // One bad file must not cost the others their report.
                Err(failure) if self.captures.len() > 1 => {
                    complain(&failure);
                    exit = Exit::Unreadable;
                }
                Err(failure) => return Err(failure),
            }
        }
        output.write(|out| document.end(out))?;
        output.finish()?;
        Ok(exit)
    }

    fn analyse(&self, path: &Path, options: &Options) -> Result<Outcome<Analysis>, Failure> {
        let outcome = analyse(path, options)?;
        let analysis = &outcome.result;
        if let Some(device) = self.device.filter(|_| analysis.devices.is_empty()) {
            self.missed(path, device, options);
        }
        if self.format != Format::Text && !self.detail.quiet {
            for warning in &analysis.capture.warnings {
                let frame = warning.frame.map(|frame| format!("frame {frame}: ")).unwrap_or_default();
                complain(&format_args!("{}: warning: {frame}{}", shown(path), warning.text));
            }
        }
        Ok(outcome)
    }

    /// The device that was asked for is not there: which are?
    fn missed(&self, path: &Path, device: Selector, options: &Options) {
        const SHOWN: usize = 8;
        let name = match device {
            Selector::Mac(mac) => mac.to_string(),
            Selector::Ip(ip) => ip.to_string(),
        };
        let all = Options { device: None, ..options.clone() };
        // Standard input cannot be read again.
        let again = if path.as_os_str() == STDIN { None } else { analyse(path, &all).ok() };
        let seen: Vec<String> = again
            .iter()
            .flat_map(|outcome| &outcome.result.devices)
            .filter_map(|device| {
                let ip = device.ips.first().map(ToString::to_string);
                device.mac.map(|mac| mac.to_string()).or(ip)
            })
            .collect();
        let hint = match seen.get(..SHOWN) {
            _ if seen.is_empty() => "run again without --device to see which devices there are".to_owned(),
            Some(first) if seen.len() > SHOWN => format!("devices seen: {} and {} more", first.join(", "), seen.len() - SHOWN),
            _ => format!("devices seen: {}", seen.join(", ")),
        };
        complain(&format_args!("{}: no traffic of {name}; {hint}", shown(path)));
    }

    fn layout(&self, output: &Output) -> report::Format {
        match self.format {
            Format::Text => report::Format::Text(self.text_options(output)),
            Format::Json => report::Format::Json,
            Format::Jsonl => report::Format::JsonLines,
            Format::Html => report::Format::Html { several: self.captures.len() > 1 },
            Format::Markdown => report::Format::Markdown,
            Format::Sarif => report::Format::Sarif,
            Format::Junit => report::Format::Junit,
            Format::Csv => report::Format::Csv,
        }
    }

    fn text_options(&self, output: &Output) -> text::Options {
        text::Options {
            width: output.width,
            colour: output.colour,
            detail: match (self.detail.quiet, self.detail.verbose) {
                (true, _) => text::Detail::Quiet,
                (_, true) => text::Detail::Verbose,
                _ => text::Detail::Normal,
            },
            several: self.captures.len() > 1,
        }
    }

    /// What the document is about.
    fn title(&self) -> String {
        match self.captures.as_slice() {
            [path] => path.to_string_lossy().into_owned(),
            captures => format!("{} captures", captures.len()),
        }
    }

    fn fails(&self, analysis: &Analysis) -> bool {
        analysis.devices.iter().any(|device| match self.fail_on {
            None => false,
            Some(FailOn::Loop) => device.verdict == Verdict::Loop,
            Some(FailOn::Dropped) => matches!(device.verdict, Verdict::Loop | Verdict::Dropped),
        })
    }
}

fn analyse(path: &Path, options: &Options) -> Result<Outcome<Analysis>, Failure> {
    let file = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
    // A line that does not fit on the terminal could not be taken back.
    let name = path.file_name().map_or_else(|| shown(path), |name| shown(Path::new(name)));
    let capture = Watched::new(input::open(path)?, name, file.as_ref().map(std::fs::Metadata::len));
    let is_small = file.as_ref().is_some_and(input::is_small);
    let outcome = if is_small { pipeline::analyse(capture, options) } else { pipeline::analyse_large(capture, options) };
    outcome.map_err(|error| Failure::Input(format!("{}: {error}", shown(path))))
}
