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

// To describe the options of all commands takes longer than to read a small capture.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Say for each device whether its login loops, where it ends, who ends it, why, and what to do
    ///
    /// The capture is pcap, pcapng, ERF, snoop or Network Monitor, compressed or not. Ctrl-C ends the reading, and what was read
    /// is judged. A capture says most when it was taken at the phone's switch port, with full packets, from
    /// power-on to the second failure.
    #[command(aliases = ["analyse", "analyze"])]
    Diagnose(diagnose::Diagnose),
    /// Read every capture under the paths, group the logins that failed alike, and say what frees most devices
    ///
    /// A capture is known by what it holds, whatever its name, compressed or in a ZIP or tar archive. Each becomes a line of
    /// DIR/results.jsonl, as `diagnose --format jsonl` prints it; what cannot be read becomes a line with its error. Begin with
    /// DIR/index.html. The tables captures, logins and findings are there as CSV and as Parquet. Stopped and started again it
    /// goes on where it was, and a capture that was read before is not read again. DIR/manifest.json says whether the results
    /// are whole.
    Triage(triage::Triage),
    /// Print the decoded events that a login stands on, one JSON object a line
    ///
    /// Each has frame, time, src, dst, device, flow (Community ID), protocol and event, and what the event holds in the names
    /// of Wireshark's fields. A message that spans several packets bears the number of the frame that completed it.
    Events(events::Events),
    /// Write the capture again with the findings as packet comments, for Wireshark
    ///
    /// The same packets in the same order with the same times; pcapng comes out whatever came in. Beside it,
    /// FILE.loginloop.tsv holds the same for the script in contrib/wireshark, which shows stage, attempt and finding as
    /// columns.
    Annotate(annotate::Annotate),
    /// Say where two logins part, and what was different up to there: one that goes well, and one that does not
    ///
    /// Of each capture the device is taken whose login went best, or worst; two devices of one capture are named.
    Compare(compare::Compare),
    /// Write a capture with the packets of one device's login and nothing else, which still gives the same verdict
    ///
    /// Its DHCP, ARP, DNS and time, its connections with their handshakes, and what switch and router say to all; not its calls.
    Extract(extract::Extract),
    /// Write a capture with as few packets of one device as still give the same verdict
    ///
    /// Each packet of it is needed: without it the verdict, the drop or the cause would be another.
    Prove(extract::Prove),
    /// Say which families of devices would accept a server's certificate chain, and which names it covers
    ///
    /// Needs no capture; but the chains that servers send in one can be checked, too. Exits with 1 where a device would refuse.
    CheckCertificate(check_certificate::CheckCertificate),
    /// Say what a finding means, why it makes a phone drop, what to do about it and what looks like it
    Explain(explain::Explain),
    /// List the device profiles, or show one: what such a device needs, verifies and shows, and how it is recognised
    Profiles(profiles::Profiles),
    /// Print a script that completes loginloop's commands and options in a shell
    Completions(completions::Completions),
    /// Write manual pages for man(1): loginloop.1, and one for each command
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
