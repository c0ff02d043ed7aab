//! From a profile's file to a [`Profile`]. The schema is fixed: an unknown field or value is an error that names the file,
//! the line and what is allowed there.

use schema::File;

use super::{Profile, Profiles, builtin};

mod schema;

/// A profile that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what is allowed.
    pub message: String,
}

impl Profiles {
    /// Those that come with the program.
    pub fn builtin() -> Self {
        let mut profiles = Self::default();
        for (file, text) in builtin::FILES {
            let loaded = profiles.load(file, text);
            debug_assert!(loaded.is_ok(), "{loaded:?}");
        }
        profiles
    }

    /// Adds the profile in `text`; it takes the place of one that has its name. `file` is what an error calls it.
    pub fn load(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let profile = read(file, text)?;
        match self.all.binary_search_by(|known| known.name.cmp(&profile.name)) {
            Ok(place) => {
                if let Some(known) = self.all.get_mut(place) {
                    *known = profile;
                }
            }
            Err(place) => self.all.insert(place, profile),
        }
        Ok(())
    }
}

fn read(file: &str, text: &str) -> Result<Profile, ProfileError> {
    let fault = |at: usize, message: String| {
        let before = text.as_bytes().iter().take(at);
        let line = before.filter(|byte| **byte == b'\n').count().saturating_add(1);
        ProfileError { file: file.to_owned(), line, message }
    };
    let written: File = toml::from_str(text)
        .map_err(|error| fault(error.span().map_or(0, |span| span.start), error.message().trim().replace('\n', ": ")))?;
    written.profile().map_err(|(at, message)| fault(at, message))
}

#[cfg(test)]
mod tests;
