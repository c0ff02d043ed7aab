//! The names that an attempt asked for, in order, so that one look finds what was asked beside a name or behind it.

use super::Attempt;
use crate::protocols::dns;

/// Each name in lower case and without its final dot, with the kind of record.
#[derive(Clone, Debug)]
pub struct AskedNames(Vec<(String, u16)>);

impl AskedNames {
    /// Those of an attempt.
    pub fn of(attempt: &Attempt) -> Self {
        let mut names: Vec<(String, u16)> =
            attempt.lookups().map(|(_, lookup)| (plain(lookup.name.raw()), lookup.kind)).collect();
        names.sort_unstable();
        Self(names)
    }

    /// Was it asked for its IPv4 address?
    pub fn for_address(&self, name: &str) -> bool {
        self.0.binary_search(&(plain(name), dns::kind::A)).is_ok()
    }

    /// Is it another one of them with a suffix? A name of one label is meant to get one.
    pub fn is_with_suffix(&self, name: &str) -> bool {
        let name = plain(name);
        let dots = name.match_indices('.').map(|(dot, _)| dot).skip(1);
        dots.filter_map(|dot| name.get(..dot)).any(|shorter| self.has(shorter))
    }

    fn has(&self, name: &str) -> bool {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(name)).is_ok()
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}
