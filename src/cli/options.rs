//! Options that several commands share. (What each group is stands in plain comments: a doc comment would be taken for what the
//! command does.)

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::Failure;
#[cfg(feature = "decrypt")]
use super::input::read_key_log;
use super::input::read_profiles;
use crate::keylog::KeyLog;
use crate::pipeline::{Options, Selector};
use crate::profile::{Profile, Profiles};
use crate::report::explain::closest;

// For whom the result of a command is that has two forms.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Layout {
    /// text for people, json for programs
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Readers::Text)]
    pub(super) format: Readers,
}

/// Who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Readers {
    /// People
    Text,
    /// Programs
    Json,
}

// How much is said.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct DetailOptions {
    /// Say less: one line for each device, no warnings
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more: every attempt, every finding, all evidence
    #[arg(short, long)]
    pub(super) verbose: bool,
}

// Which profiles there are.
#[derive(Clone, Debug, Args)]
pub(super) struct ProfileFiles {
    /// Read further profiles from this directory (*.toml) or file; one of the same name replaces a built-in one
    #[arg(long, value_name = "DIR")]
    pub(super) profiles_dir: Option<PathBuf>,
}

impl ProfileFiles {
    /// The built-in profiles, and those of the user.
    pub(super) fn load(&self) -> Result<Profiles, Failure> {
        let mut profiles = Profiles::builtin();
        if let Some(directory) = &self.profiles_dir {
            read_profiles(directory, &mut profiles)?;
        }
        Ok(profiles)
    }
}

// Where the secrets of TLS connections are.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyLogs {
    /// Read what is encrypted with the secrets of this key log, as SSLKEYLOGFILE makes one, beside those that the capture
    /// itself brings; display filters then need it, too (Wireshark's preference tls.keylog_file)
    #[cfg(feature = "decrypt")]
    #[arg(long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
}

impl KeyLogs {
    /// Their secrets.
    #[cfg(feature = "decrypt")]
    pub(super) fn load(&self) -> Result<Arc<KeyLog>, Failure> {
        let mut keys = KeyLog::default();
        for path in &self.keylog {
            read_key_log(path, &mut keys)?;
        }
        Ok(Arc::new(keys))
    }

    /// Their secrets: this program was built without what could use any.
    #[cfg(not(feature = "decrypt"))]
    pub(super) fn load(&self) -> Result<Arc<KeyLog>, Failure> {
        Ok(Arc::default())
    }
}

// How devices are judged.
#[derive(Clone, Debug, Args)]
pub(super) struct Judging {
    /// Take every device for one of this family (`loginloop profiles` lists them)
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    profile_files: ProfileFiles,
    #[command(flatten)]
    key_logs: KeyLogs,
}

impl Judging {
    /// The options of an analysis, of this device alone if one is named.
    pub(super) fn options(&self, device: Option<Selector>) -> Result<Options, Failure> {
        let profiles = self.profile_files.load()?;
        if let Some(name) = self.profile.as_deref().filter(|name| profiles.named(name).is_none()) {
            return Err(unknown_profile(name, &profiles));
        }
        Ok(Options { profiles, profile: self.profile.clone(), device, keys: self.key_logs.load()? })
    }
}

/// Is there a profile of this name? If not, which may have been meant?
pub(super) fn unknown_profile(name: &str, profiles: &Profiles) -> Failure {
    let names = || profiles.all().map(|profile| profile.name.as_str());
    let word = name.to_lowercase();
    let speaks = |profile: &&Profile| [&profile.title, &profile.about].iter().any(|text| text.to_lowercase().contains(&word));
    let speak: Vec<&str> = profiles.all().filter(speaks).map(|profile| profile.name.as_str()).collect();
    let hint = match closest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None if !speak.is_empty() => format!("these speak of it: {}", speak.join(", ")),
        None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Failure::Usage(format!("there is no profile {name:?}; {hint}"))
}

/// A device on the command line: its MAC or one of its addresses.
pub(super) fn device(text: &str) -> Result<Selector, String> {
    text.parse()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::model::Mac;

    #[test]
    fn a_device_is_a_mac_or_an_address() {
        assert_eq!(device("10.0.4.23"), Ok(Selector::Ip(IpAddr::from([10, 0, 4, 23]))));
        assert_eq!(device("00-04-F2-1A-2B-3C"), Ok(Selector::Mac(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c]))));
        assert!(matches!(device("fe80::1"), Ok(Selector::Ip(IpAddr::V6(_)))));
        assert!(device("phone").is_err());
    }
}
