//! A command line that makes no sense in, the one that was probably meant out: what people type who know other tools.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, ValueEnum};

use super::{Cli, diagnose};

/// The command that was probably meant, to be typed.
pub(super) fn meant(error: &clap::Error, arguments: &[OsString]) -> Option<String> {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words = match error.kind() {
        ErrorKind::InvalidSubcommand => with_command(&words)?,
        ErrorKind::UnknownArgument => command_first(&words).or_else(|| with_option(&words, &unknown(error)?))?,
        _ => return None,
    };
    Some(std::iter::once("loginloop").chain(words.iter().map(String::as_str)).map(quoted).collect::<Vec<_>>().join(" "))
}

fn unknown(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(option) => Some(option.clone()),
        _ => None,
    }
}

/// No command, or one of another tool, and a file: it is to be diagnosed.
fn with_command(words: &[String]) -> Option<Vec<String>> {
    let is_file = |word: &String| Path::new(word).exists();
    let behind = match words.split_first() {
        Some((first, _)) if is_file(first) => words,
        Some((_, rest)) if rest.iter().any(is_file) => rest,
        _ => return None,
    };
    Some([&["diagnose".to_owned()], behind].concat())
}

/// Options stand behind the command.
fn command_first(words: &[String]) -> Option<Vec<String>> {
    let place = words.iter().position(|word| Cli::command().find_subcommand(word).is_some())?;
    let (before, rest) = words.split_at_checked(place)?;
    let (command, behind) = rest.split_first()?;
    (!before.is_empty()).then(|| [std::slice::from_ref(command), before, behind].concat())
}

/// An option that another tool has.
fn with_option(words: &[String], unknown: &str) -> Option<Vec<String>> {
    let name = unknown.trim_start_matches('-');
    let instead: Vec<String> = match name {
        // tshark and tcpdump read with -r, and write with -w.
        "r" | "read-file" | "input" => Vec::new(),
        "w" | "out" => vec!["-o".to_owned()],
        "f" | "T" | "type" => vec!["--format".to_owned()],
        format if diagnose::Format::from_str(format, true).is_ok() => vec!["--format".to_owned(), format.to_lowercase()],
        _ => return None,
    };
    let place = words.iter().position(|word| word == unknown)?;
    let (before, rest) = words.split_at_checked(place)?;
    Some([before, &instead, rest.get(1..)?].concat())
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Option<&str>) {
        let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
        let error = <Cli as clap::Parser>::try_parse_from(&arguments).unwrap_err();
        assert_eq!(meant(&error, &arguments).as_deref(), expected, "{typed}");
    }

    #[test]
    fn a_format_is_no_option_of_its_own() {
        check("loginloop diagnose --json a.pcap", Some("loginloop diagnose --format json a.pcap"));
        check("loginloop diagnose a.pcap --HTML -o a.html", Some("loginloop diagnose a.pcap --format html -o a.html"));
        check("loginloop diagnose -f json a.pcap", Some("loginloop diagnose --format json a.pcap"));
    }

    #[test]
    fn options_of_tshark_and_tcpdump_are_understood() {
        check("loginloop diagnose -r a.pcap", Some("loginloop diagnose a.pcap"));
        check("loginloop annotate a.pcap -w b.pcapng", Some("loginloop annotate a.pcap -o b.pcapng"));
    }

    #[test]
    fn options_before_the_command_are_put_behind_it() {
        check("loginloop -q diagnose a.pcap", Some("loginloop diagnose -q a.pcap"));
        check("loginloop --format json diagnose a.pcap", Some("loginloop diagnose --format json a.pcap"));
    }

    #[test]
    fn a_file_without_a_command_is_to_be_diagnosed() {
        check("loginloop Cargo.toml", Some("loginloop diagnose Cargo.toml"));
        check("loginloop read Cargo.toml", Some("loginloop diagnose Cargo.toml"));
    }

    #[test]
    fn what_nobody_can_guess_gets_no_hint() {
        check("loginloop read nothing.pcap", None);
        check("loginloop diagnose --frobnicate a.pcap", None);
    }

    #[test]
    fn a_word_that_a_shell_would_split_is_quoted() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("dir/a-1.pcap"), "dir/a-1.pcap");
    }
}
