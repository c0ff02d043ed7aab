//! Attempts that are over in, what is remembered of them out: how many there were, and to which ends they came. Knows nothing of
//! those that go on.

use super::attempt::Record;
use super::drops::PastEnd;
use super::steps::Attempt;

/// Different ends of attempts that are remembered of a device: few come to more than one or two.
const ENDS: usize = 16;

/// What is remembered of attempts that are over.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// How many.
    pub(super) count: u32,
    /// The different ends that they came to.
    pub(super) ends: Vec<PastEnd>,
}

impl Settled {
    /// These are over.
    pub(super) fn all(&mut self, attempts: Vec<(Attempt, Vec<Record>)>) -> Vec<Attempt> {
        let attempts: Vec<Attempt> = attempts.into_iter().map(|(attempt, _)| attempt).collect();
        attempts.iter().for_each(|attempt| self.add(attempt));
        attempts
    }

    /// Takes over those of the same device under another name.
    pub(super) fn join(&mut self, other: Settled) {
        self.count = self.count.max(other.count);
        for end in other.ends {
            self.remember(end);
        }
    }

    fn add(&mut self, attempt: &Attempt) {
        self.count = self.count.saturating_add(1);
        if let Some(end) = PastEnd::of(attempt) {
            self.remember(end);
        }
    }

    fn remember(&mut self, end: PastEnd) {
        if self.ends.len() < ENDS && !self.ends.contains(&end) {
            self.ends.push(end);
        }
    }
}
