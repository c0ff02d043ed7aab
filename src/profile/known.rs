//! A profile that is in use. One that comes with the program is a line of text until somebody asks for it: a capture shows few
//! families, and to read all of them took longer than a small capture.

use std::sync::OnceLock;

use super::Profile;

/// A profile, read or not.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// Of one that comes with the program: which of them it is, and its line.
    builtin: Option<(usize, &'static str)>,
    profile: OnceLock<Profile>,
}

impl From<Profile> for Known {
    fn from(profile: Profile) -> Self {
        Self { builtin: None, profile: OnceLock::from(profile) }
    }
}

impl Known {
    /// The one of this number of those that come with the program.
    pub(super) fn builtin(number: usize, line: &'static str) -> Self {
        Self { builtin: Some((number, line)), profile: OnceLock::new() }
    }

    /// Which of those that come with the program it is, if it is.
    pub(super) fn number(&self) -> Option<usize> {
        self.builtin.map(|(number, _)| number)
    }

    pub(super) fn profile(&self) -> &Profile {
        self.profile.get_or_init(|| read(self.builtin.map_or("", |(_, line)| line)))
    }

    pub(super) fn into_profile(self) -> Profile {
        let line = self.builtin.map_or("", |(_, line)| line);
        self.profile.into_inner().unwrap_or_else(|| read(line))
    }

    /// Its name, which is the first that a line says.
    pub(super) fn name(&self) -> &str {
        let written = self.builtin.and_then(|(_, line)| line.strip_prefix("{\"name\":\"")?.split('"').next());
        written.unwrap_or_else(|| &self.profile().name)
    }

    /// Is it what remains where no other family fits? (That is the last that a line says.)
    pub(super) fn is_fallback(&self) -> bool {
        self.builtin.map_or_else(|| self.profile().fallback, |(_, line)| line.ends_with("\"fallback\":true}"))
    }
}

fn read(line: &str) -> Profile {
    let read = serde_json::from_str(line);
    debug_assert!(read.is_ok(), "builtin.jsonl is out of date, run `TIDY=write cargo test --test tidy`: {read:?}");
    read.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::profile::Profiles;

    #[test]
    fn what_is_told_without_reading_a_profile_is_what_it_says() {
        for known in Profiles::builtin().all {
            let (name, is_fallback) = (known.name().to_owned(), known.is_fallback());
            assert!(known.profile.get().is_none(), "{name} was read");
            assert_eq!((name, is_fallback), (known.profile().name.clone(), known.profile().fallback));
        }
    }
}
