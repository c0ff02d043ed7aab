//! `triage`: a batch of captures. Finds them, reads them in parallel, remembers what was found, and writes the results.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sha2::{Digest as _, Sha256};

use super::interrupt;
use super::options::Judging;
use super::output::{Output, OutputOptions, complain, shown};
use super::{Exit, Failure};
use crate::pipeline::Options;
use crate::report::triage::text;
use crate::triage::plan::shares;
use finish::{Growth, MANIFEST};
use store::{FOLDER, Store};
use walk::Found;
use work::Work;

mod finish;
mod limits;
mod read;
mod store;
mod walk;
mod work;
mod worker;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loginloop triage /srv/captures --out results
  find /srv -newer last-week -type f | loginloop triage --files-from - --out results
  loginloop triage /mnt/site-* --out results-3 --shard 3/8
  loginloop triage /mnt/site-* --out lists --plan 8
  loginloop triage --worker < paths > rows.jsonl")]
pub(super) struct Triage {
    /// Files and directories
    #[arg(value_name = "PATH", required_unless_present_any = ["files_from", "worker"])]
    paths: Vec<PathBuf>,
    /// Read further paths from this file, one a line; - is standard input
    #[arg(long, value_name = "FILE")]
    files_from: Option<PathBuf>,
    /// The folder of the results
    #[arg(long, value_name = "DIR", required_unless_present = "worker", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Captures that are read at the same time; as many as there are cores, if not said
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Leave a file that takes longer than this; it is looked at whenever another piece of the file is wanted
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    time_limit: u64,
    /// Read the I-th of N shares alone; each is about as large as the others, and the same on every machine
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with_all = ["plan", "worker"])]
    shard: Option<Shard>,
    /// Read nothing, but write the N shares as lists of paths into DIR, for --files-from
    #[arg(long, value_name = "N", conflicts_with = "worker")]
    plan: Option<NonZeroUsize>,
    /// Read paths from standard input, and print one line of JSON for each, whatever happens; exit with 0
    #[arg(long, conflicts_with_all = ["paths", "files_from", "out", "jobs"])]
    worker: bool,
    #[command(flatten)]
    judging: Judging,
    /// Counts alone, no groups and no progress
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    output: OutputOptions,
}

/// One of so many shares, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shard {
    number: usize,
    of: usize,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((number @ 1.., of)) if number <= of => Ok(Shard { number: number - 1, of }),
        _ => Err("write I/N with I from 1 to N, e.g. 3/8".to_owned()),
    }
}

impl Triage {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let options = self.judging.options(None)?;
        let limit = Duration::from_secs(self.time_limit);
        let Some(folder) = self.out.clone() else {
            return worker::run(&options, limit, Output::open(&self.output, &[])?);
        };
        let listed = self.files_from.as_deref().map(walk::list).transpose()?.unwrap_or_default();
        let mut found = walk::files(&self.paths, &listed, Some(&folder), self.jobs());
        if let Some(count) = self.plan {
            return plan(&folder, &found, count.get());
        }
        make(&folder)?;
        if let Some(shard) = self.shard {
            keep(&mut found, shard);
        }
        self.batch(&folder, &found, &options, limit)
    }

    fn jobs(&self) -> usize {
        self.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }

    fn batch(&self, folder: &Path, found: &Found, options: &Options, limit: Duration) -> Result<Exit, Failure> {
        let mut output = Output::open(&self.output, &[])?;
        let store = Store::open(folder, &maker(options))?;
        finish::begin(folder)?;
        let jobs = self.jobs();
        let work = Work { options, store: &store, jobs, limit, is_shown: !self.quiet };
        let read = |growth: &Growth<'_>| {
            let unread = growth.unread();
            let done = work.read(&found.files, &unread, growth)?;
            let is_stopped = interrupt::is_asked() || done < unread.len();
            if is_stopped {
                complain(&format_args!(
                    "stopped: {done} of {} files were read, and are remembered; the same command goes on, and writes the results",
                    unread.len()
                ));
            }
            Ok(!is_stopped)
        };
        let Some(overview) = finish::write(folder, &store, found, jobs, read)? else { return Ok(Exit::Unreadable) };
        let options = text::Options { width: output.width, colour: output.colour, quiet: self.quiet };
        output.write(|out| text::write(&overview, &folder.to_string_lossy(), &options, out))?;
        output.finish()?;
        Ok(if overview.unread.is_empty() { Exit::Analysed } else { Exit::Unreadable })
    }
}

/// Makes the folder of the results; one that holds other things is left alone.
fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| finish::fault(folder, error))?;
    let is_ours = folder.join(FOLDER).is_dir() || folder.join(MANIFEST).is_file();
    let mut entries = fs::read_dir(folder).map_err(|error| finish::fault(folder, error))?;
    if !is_ours && entries.next().is_some() {
        return Err(Failure::Usage(format!(
            "{}: this folder holds other files, and none of triage; name a new one with --out",
            shown(folder)
        )));
    }
    Ok(())
}

/// Who makes these results: what was read by another version, with other profiles or options, is read again.
fn maker(options: &Options) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{options:?}"));
    hasher.update(options.keys.fingerprint());
    // Of two builds of one version, one may know more.
    if let Some(program) = std::env::current_exe().ok().and_then(|program| fs::metadata(program).ok()) {
        hasher.update(format!("{} {:?}", program.len(), program.modified().ok()));
    }
    let digits: String = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{} {digits}", env!("CARGO_PKG_VERSION"))
}

fn share_of(found: &Found, count: usize) -> Vec<usize> {
    let sizes: Vec<u64> = found.files.iter().map(|file| file.size).collect();
    shares(&sizes, count)
}

/// Keeps one share of the files. What could not be looked at is told with the first.
fn keep(found: &mut Found, shard: Shard) {
    let mut share = share_of(found, shard.of).into_iter();
    found.files.retain(|_| share.next() == Some(shard.number));
    if shard.number > 0 {
        found.faults.clear();
    }
}

/// Writes the shares as lists.
fn plan(folder: &Path, found: &Found, count: usize) -> Result<Exit, Failure> {
    let share = share_of(found, count);
    fs::create_dir_all(folder).map_err(|error| finish::fault(folder, error))?;
    for number in 0..count {
        let place = folder.join(format!("share-{}-of-{count}.txt", number.saturating_add(1)));
        let mut list = Vec::new();
        for (file, _) in found.files.iter().zip(&share).filter(|(_, share)| **share == number) {
            list.extend_from_slice(file.path.as_os_str().as_encoded_bytes());
            list.push(b'\n');
        }
        let written = fs::File::create(&place).and_then(|mut file| file.write_all(&list));
        written.map_err(|error| finish::fault(&place, error))?;
    }
    found.faults.iter().for_each(|unread| complain(&format_args!("{}: {}", shown(Path::new(&unread.path)), unread.error)));
    Ok(if found.faults.is_empty() { Exit::Analysed } else { Exit::Unreadable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_one_of_so_many() {
        assert_eq!(shard("3/8"), Ok(Shard { number: 2, of: 8 }));
        for wrong in ["0/8", "9/8", "3", "3/", "/8", "-1/8", "a/b"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
    }
}
