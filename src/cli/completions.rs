//! `completions`: what a shell needs to complete the command line.

use std::io;

use clap::Args;
use clap_complete::Shell;

use super::output::{Output, OutputOptions};
use super::{Exit, Failure, command};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop completions bash > /etc/bash_completion.d/loginloop
  loginloop completions zsh -o ~/.zfunc/_loginloop
  loginloop completions powershell >> $PROFILE")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
    #[command(flatten)]
    output: OutputOptions,
}

impl Completions {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "loginloop", &mut script as &mut dyn io::Write);
        let mut output = Output::open(&self.output, &[])?;
        output.write(|out| out.write_all(&script))?;
        output.finish()?;
        Ok(Exit::Analysed)
    }
}
