//! Opens what the command line names.

use std::fs::{self, File};
#[cfg(feature = "decrypt")]
use std::io::BufReader;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use super::Failure;
use super::interrupt::{self, Pipe, Stoppable};
#[cfg(feature = "decrypt")]
use super::output::complain;
use super::output::shown;
#[cfg(feature = "decrypt")]
use crate::keylog::KeyLog;
use crate::profile::Profiles;

/// The name that stands for standard input.
pub(super) const STDIN: &str = "-";

/// A capture of so many bytes is read before a thread has begun, and before anybody wants it to end.
const SMALL: u64 = 1 << 20;

/// Is this a file that is not worth a thread?
pub(super) fn is_small(metadata: &fs::Metadata) -> bool {
    metadata.is_file() && metadata.len() <= SMALL
}

/// Opens a capture; `-` is standard input. From then on Ctrl-C ends the reading of what is not small.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if path.as_os_str() == STDIN {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            let try_this = "tcpdump -w - | loginloop diagnose -";
            return Err(Failure::Usage(format!("standard input is a terminal; pipe a capture into it, e.g. {try_this}")));
        }
        interrupt::watch();
        return Ok(Box::new(Pipe::new(stdin)));
    }
    let fault = |advice: &str| Failure::Input(format!("{}: {advice}", shown(path)));
    let metadata = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(fault(
                "this is a directory; name the captures in it, e.g. with *.pcapng, or read all with `loginloop triage`",
            ));
        }
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(fault("there is no such file; check the name, and the directory that you are in"));
        }
        Err(error) => return Err(fault(&format!("{error}; check the permissions"))),
    };
    #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
    let file = File::open(path).map_err(|error| fault(&format!("{error}; check the permissions")))?;
    if !is_small(&metadata) {
        interrupt::watch();
    }
    // What is no regular file may let its reader wait.
    Ok(if metadata.is_file() { Box::new(Stoppable(file)) } else { Box::new(Pipe::new(file)) })
}

/// Adds the secrets of a key log.
#[cfg(feature = "decrypt")]
pub(super) fn read_key_log(path: &Path, keys: &mut KeyLog) -> Result<(), Failure> {
    /// Lines that are not understood, of which each is told.
    const TOLD: u64 = 8;
    let fault = |error: io::Error| Failure::Input(format!("{}: this key log cannot be read: {error}", shown(path)));
    #[expect(clippy::disallowed_methods, reason = "the command line is where files are opened")]
    let file = File::open(path).map_err(fault)?;
    let mut strange: u64 = 0;
    let read = keys.read(BufReader::new(file), &mut |line, problem| {
        strange = strange.saturating_add(1);
        if strange <= TOLD {
            complain(&format_args!("{}: warning: line {line} is passed over: {problem}", shown(path)));
        }
    });
    read.map_err(fault)?;
    if strange > TOLD {
        complain(&format_args!("{}: warning: {} further lines are passed over", shown(path), strange.saturating_sub(TOLD)));
    }
    if keys.is_empty() {
        complain(&format_args!("{}: warning: no secret of a TLS connection is in it", shown(path)));
    }
    Ok(())
}

/// Adds the profile of a file, or those of a directory in the order of their files' names.
pub(super) fn read_profiles(place: &Path, profiles: &mut Profiles) -> Result<(), Failure> {
    let fault = |path: &Path, error: &dyn std::fmt::Display| Failure::Input(format!("{}: {error}", shown(path)));
    let cannot = |path: &Path, error: io::Error| fault(path, &format!("this profile cannot be read: {error}"));
    let mut paths = Vec::new();
    if place.is_file() {
        paths.push(place.to_owned());
    } else {
        for entry in fs::read_dir(place).map_err(|error| fault(place, &error))? {
            let path = entry.map_err(|error| fault(place, &error))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
    }
    if paths.is_empty() {
        return Err(fault(place, &"no profile (*.toml) in this directory"));
    }
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path).map_err(|error| cannot(&path, error))?;
        profiles.load(&shown(&path), &text).map_err(|error| Failure::Input(error.to_string()))?;
    }
    Ok(())
}
