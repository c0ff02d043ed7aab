//! The command line: arguments in, files opened, reports written, exit code out. One file a command. Only here are files,
//! the terminal and the environment touched.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::text::WireText;

mod annotate;
mod check_certificate;
mod compare;
mod completions;
mod diagnose;
mod docs;
mod events;
mod explain;
mod extract;
mod hints;
mod input;
mod interrupt;
mod manual;
mod options;
mod output;
mod profiles;
mod progress;
mod triage;

pub use docs::cli_markdown;

/// How a run ended. The numbers are part of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Analysed.
    Analysed = 0,
    /// Analysed, and what `--fail-on` names was found.
    Found = 1,
    /// The command line is wrong.
    Usage = 2,
    /// An input could not be read, or the output not be written; what could be analysed was, and was printed.
    Unreadable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// What keeps a command from ending well. It has said what it could before.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Something cannot be read.
    #[error("{0}")]
    Input(String),
    /// The output cannot be written.
    #[error("{name}: {source}; check the disk and the permissions, or write elsewhere with -o")]
    Output {
        /// Where to.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
}

#[derive(Debug, Parser)]
#[command(
    name = "loginloop",
    version,
    about = "Reads a capture of a desk phone that loops through its login, and says which device, where, who, why and what to do",
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  loginloop diagnose field.pcapng\n  loginloop explain cert-unsupported-signature\n\n\
                  Exit codes: 0 analysed; 1 analysed, and what --fail-on names was found; 2 the command line is wrong;\n\
                  3 an input could not be read or the output not be written (what could be analysed was printed)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(aliases = ["analyse", "analyze"])]
    Diagnose(diagnose::Diagnose),
    Triage(triage::Triage),
    Events(events::Events),
    Annotate(annotate::Annotate),
    Compare(compare::Compare),
    Extract(extract::Extract),
    Prove(extract::Prove),
    CheckCertificate(check_certificate::CheckCertificate),
    Explain(explain::Explain),
    Profiles(profiles::Profiles),
    Completions(completions::Completions),
    Manual(manual::Manual),
}

/// Runs the command that the process was called with.
pub fn main() -> Exit {
    run(std::env::args_os())
}

/// Runs a command. The first argument is the program's name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let result = match cli.command {
        Command::Diagnose(command) => command.run(),
        Command::Triage(command) => command.run(),
        Command::Events(command) => command.run(),
        Command::Annotate(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Extract(command) => command.run(),
        Command::Prove(command) => command.run(),
        Command::CheckCertificate(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Profiles(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Manual(command) => command.run(),
    };
    match result {
        Ok(exit) => exit,
        // Who reads has seen enough: `loginloop … | head` is no failure.
        Err(Failure::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Exit::Analysed,
        Err(failure) => {
            output::complain(&failure);
            match failure {
                Failure::Usage(_) => Exit::Usage,
                Failure::Input(_) | Failure::Output { .. } => Exit::Unreadable,
            }
        }
    }
}

/// Prints what clap has to say: help and version are no errors.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    // Where the terminal is gone, nobody can be told.
    let _ = error.print();
    if let Some(command) = hints::meant(error, arguments) {
        output::complain(&format_args!("was this meant? {}", WireText::from(command)));
    }
    if error.exit_code() == 0 { Exit::Analysed } else { Exit::Usage }
}

/// The command line's own description, for the documentation.
fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_options() {
        command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        for subcommand in command().get_subcommands() {
            let help = subcommand.clone().render_long_help().to_string();
            assert!(help.contains("Example") && help.contains(&format!("loginloop {}", subcommand.get_name())), "{help}");
        }
    }
}
