//! `extract` and `prove`: the packets of one device's login, all or as few as prove the verdict.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::Args;

use super::input::STDIN;
use super::options::{self, Judging};
use super::output::{Output, complain, shown};
use super::{Exit, Failure};
use crate::extraction::{self, Extract as Extracted, ExtractError};
use crate::pipeline::{Options, Selector, Wanted};

// What both commands are told.
#[derive(Debug, Args)]
struct Common {
    /// The capture
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// The device; without it, the first whose login goes worst
    #[arg(long, value_name = "MAC|IP", value_parser = options::device)]
    device: Option<Selector>,
    /// The new capture
    #[arg(short, long, value_name = "OUT.pcapng")]
    output: PathBuf,
    #[command(flatten)]
    judging: Judging,
    /// Say nothing of what was written, unless something of it must be known
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop extract field.pcapng -o login.pcapng
  loginloop extract field.pcapng --device 00:04:f2:1a:2b:3c -o login.pcapng
  loginloop extract field.pcapng --anonymise -o login.pcapng")]
pub(super) struct Extract {
    /// Replace names, users, MACs and addresses, and overwrite secrets; what had to be left in is listed
    #[arg(long)]
    anonymise: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop prove field.pcapng -o proof.pcapng
  loginloop prove field.pcapng --device 10.0.4.23 -o proof.pcapng")]
pub(super) struct Prove {
    #[command(flatten)]
    common: Common,
}

impl Extract {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let options = self.common.options()?;
        #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
        let extract = extraction::extract(|| File::open(&self.common.capture), &options, self.common.wanted());
        let extract = extract.map_err(|error| failure(&self.common.capture, &error))?;
        if !self.anonymise {
            return self.common.write(&extract);
        }
        let shared = extraction::anonymise(&extract, &options).map_err(|error| failure(&self.common.capture, &error))?;
        let exit = self.common.write(&shared.extract)?;
        for left in &shared.left {
            complain(&format_args!("left in: {left}"));
        }
        if shared.lacks_secrets {
            complain(&"left out: the secrets of TLS; what is encrypted cannot be read in this copy, and is not judged in it");
        }
        if !shared.only_here.is_empty() {
            let codes = shared.only_here.join(", ");
            complain(&format_args!("only in this copy, because names in certificates were replaced: {codes}"));
        }
        Ok(exit)
    }
}

impl Prove {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let options = self.common.options()?;
        #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
        let proof = extraction::prove(|| File::open(&self.common.capture), &options, self.common.wanted());
        let proof = proof.map_err(|error| failure(&self.common.capture, &error))?;
        if !proof.is_smallest {
            complain(&"the search was stopped: some of these packets may not be needed");
        }
        self.common.write(&proof.extract)
    }
}

impl Common {
    fn options(&self) -> Result<Options, Failure> {
        if self.capture.as_os_str() == STDIN {
            return Err(Failure::Usage("the capture is read several times: standard input cannot be".to_owned()));
        }
        self.judging.options(None)
    }

    fn wanted(&self) -> Wanted {
        self.device.map_or(Wanted::Worst, Wanted::Named)
    }

    fn write(&self, extract: &Extracted) -> Result<Exit, Failure> {
        let mut output = Output::file(&self.output, false, std::slice::from_ref(&self.capture))?;
        output.write(|out| out.write_all(&extract.capture))?;
        output.finish()?;
        let device = &extract.device;
        let name = device.mac.map(|mac| mac.to_string()).or_else(|| device.ips.first().map(ToString::to_string));
        let name = name.unwrap_or_default();
        if !self.quiet {
            complain(&format_args!("{}: {} packets of {name}, {}", shown(&self.output), extract.packets, device.verdict));
        }
        if extract.has_secrets() {
            complain(&"the secrets of TLS that the capture brought are in it, and open what it holds");
        }
        if !extract.is_same {
            complain(&"this capture alone gives another verdict: keep the whole one");
        }
        Ok(Exit::Analysed)
    }
}

fn failure(path: &Path, error: &ExtractError) -> Failure {
    Failure::Input(format!("{}: {error}", shown(path)))
}
