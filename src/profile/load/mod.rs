//! From files to profiles. The families that come with the program are lines of `builtin.jsonl`, and where somebody wants to
//! know, the sources of what they say from `sources.json`. `cargo test --test tidy` makes both of the files in `devices`: to read
//! these themselves took longer than a small capture. The files of a user are
//! TOML, of a fixed schema: an unknown field or value is an error that names the file, the place and what is allowed there.

use std::collections::BTreeMap;

use schema::File;

use super::known::Known;
use super::{Profile, Profiles, Source};

mod schema;
mod texts;
mod trust;

static BUILTIN: &str = include_str!("../builtin.jsonl");
static SOURCES: &str = include_str!("../sources.json");

/// A profile that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there, and what is allowed.
    pub message: String,
}

impl Profiles {
    /// Those that come with the program, without the sources of what they say.
    pub fn builtin() -> Self {
        let ends = memchr::memchr_iter(b'\n', BUILTIN.as_bytes());
        let mut begin = 0;
        let lines = ends.filter_map(|end| BUILTIN.get(std::mem::replace(&mut begin, end.saturating_add(1))..end));
        Self { all: lines.enumerate().map(|(number, line)| Known::builtin(number, line)).collect() }
    }

    /// Adds the profile in `text`; it takes the place of one of the program's that has its name. `file` is what an error
    /// calls it.
    pub fn load(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let (profile, name_at) = read(file, text)?;
        match self.all.binary_search_by(|known| known.name().cmp(&profile.name)) {
            Err(place) => self.all.insert(place, profile.into()),
            Ok(place) => {
                let Some(known) = self.all.get_mut(place) else { return Ok(()) };
                if let Some(other) = &known.profile().file {
                    let message =
                        format!("the name {:?} is that of the profile in {other}, too; give each its own", profile.name);
                    return Err(at(file, text, name_at, message));
                }
                *known = profile.into();
            }
        }
        Ok(())
    }

    /// The same, those that come with the program with the sources of what they say.
    pub fn with_sources(self) -> Self {
        let mut sources: BTreeMap<String, Vec<Source>> = serde_json::from_str(SOURCES).unwrap_or_default();
        let mut sourced = |mut profile: Profile| {
            if profile.file.is_none() {
                profile.sources = sources.remove(&profile.name).unwrap_or_default();
            }
            Known::from(profile)
        };
        Self { all: self.all.into_iter().map(|known| sourced(known.into_profile())).collect() }
    }

    /// As they stand in `builtin.jsonl`, and their sources as in `sources.json`: a line for each profile.
    pub fn as_builtin(&self) -> (String, String) {
        let profiles = self.all().filter_map(|profile| Some(format!("{}\n", serde_json::to_string(profile).ok()?)));
        let sources = self.all().filter_map(|profile| {
            let sources = serde_json::to_string(&profile.sources).ok()?;
            Some(format!("\"{}\":{sources}", profile.name))
        });
        (profiles.collect(), format!("{{\n{}\n}}\n", sources.collect::<Vec<String>>().join(",\n")))
    }
}

/// The profile, and where in the text its name stands.
fn read(file: &str, text: &str) -> Result<(Profile, usize), ProfileError> {
    let written: File = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        at(file, text, place, error.message().trim().replace('\n', ": "))
    })?;
    let name_at = written.name_at();
    let mut profile = written.profile().map_err(|(place, message)| at(file, text, place, message))?;
    profile.file = Some(file.to_owned());
    Ok((profile, name_at))
}

/// An error at a byte of the text.
fn at(file: &str, text: &str, byte: usize, message: String) -> ProfileError {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    ProfileError { file: file.to_owned(), line, column, message }
}

#[cfg(test)]
mod tests;
