//! Attempts that are over in, what is remembered of them out: how many there were, and to which ends they came. Knows nothing of
//! those that go on.

use super::drops::PastEnd;
use super::known::Known;
use super::last_word::{AskedOnce, Passed, given_up, passed};
use super::standstill::Stood;
use super::steps::Attempt;

/// Different ends of attempts, and questions, that are remembered of a device: few come to more than one or two.
const ENDS: usize = 16;

/// Attempts that the device gave up of which it is remembered where they stood: two make a habit.
const STOOD: usize = 4;

/// What is remembered of attempts that are over.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// How many.
    pub(super) count: u32,
    /// The different ends that they came to.
    pub(super) ends: Vec<PastEnd>,
    /// Where the last ones stood that the device gave up.
    pub(super) stood: Vec<Stood>,
    /// What they have shown of the servers that the device works with.
    pub(super) known: Known,
    /// Had the device come to no registrar since it was seen to start, when the last of them was over?
    pub(super) since_start: bool,
    /// Has the device shown that it repeats what fails before it restarts?
    pub(super) retries: bool,
    /// Has it restarted again and again though it was signed in?
    pub(super) keeps_restarting: bool,
    /// What it has asked once, and given up without repeating it.
    pub(super) never_repeats: Vec<AskedOnce>,
    /// The silences that it went on from.
    pub(super) passed: Vec<Passed>,
}

impl Settled {
    /// These are over.
    pub(super) fn all<Record>(&mut self, attempts: Vec<(Attempt, Record)>) -> Vec<Attempt> {
        let attempts: Vec<Attempt> = attempts.into_iter().map(|(attempt, _)| attempt).collect();
        attempts.iter().for_each(|attempt| self.add(attempt));
        attempts
    }

    /// Some of these stood there: of the last ones it is told how long the device pauses.
    pub(super) fn stood(&mut self, stood: impl Iterator<Item = Stood>) {
        self.stood.extend(stood);
        self.stood.drain(..self.stood.len().saturating_sub(STOOD));
        self.stood.shrink_to_fit();
    }

    /// Takes over those of the same device under another name.
    pub(super) fn join(&mut self, other: Settled) {
        self.count = self.count.max(other.count);
        self.known.join(other.known);
        self.stood(other.stood.into_iter());
        self.since_start |= other.since_start;
        self.retries |= other.retries;
        self.keeps_restarting |= other.keeps_restarting;
        for end in other.ends {
            remember(&mut self.ends, end);
        }
        for asked in other.never_repeats {
            remember(&mut self.never_repeats, asked);
        }
        for silence in other.passed {
            self.passed_by(silence);
        }
    }

    /// Of several silences at one target the longest counts.
    fn passed_by(&mut self, silence: Passed) {
        match self.passed.iter_mut().find(|known| known.target == silence.target) {
            Some(known) => known.waited = known.waited.max(silence.waited),
            None => remember(&mut self.passed, silence),
        }
    }

    fn add(&mut self, attempt: &Attempt) {
        self.count = self.count.saturating_add(1);
        for asked in given_up(attempt.steps.iter()) {
            remember(&mut self.never_repeats, asked);
        }
        for silence in passed(attempt.steps.iter()) {
            self.passed_by(silence);
        }
        if let Some(end) = PastEnd::of(attempt) {
            remember(&mut self.ends, end);
        }
    }
}

fn remember<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if list.len() < ENDS && !list.contains(&one) {
        list.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{Login, tcp};
    use crate::login::steps::{Close, Purpose};
    use crate::model::{By, Side};

    #[test]
    fn of_ever_other_ends_the_first_ones_are_remembered_and_all_are_counted() {
        let attempt = |port: u16| {
            let refused = tcp(Purpose::Registrar).to("10.0.0.5", port).leaves(Side::Server, Close::Rst);
            Login::new().step(refused).dropped().attempt
        };
        let mut settled = Settled::default();
        let attempts = (1..=ENDS as u16 + 9).map(|number| (attempt(number), ())).collect();
        settled.all(attempts);
        assert_eq!((settled.count, settled.ends.len()), (ENDS as u32 + 9, ENDS));
        assert_eq!(settled.ends.first(), PastEnd::of(&attempt(1)).as_ref());
        let passes = |port: u16| {
            let silent = tcp(Purpose::Provision).to("10.0.0.6", port).timed_out(By::Network);
            Login::new().step(silent).step(tcp(Purpose::Registrar)).attempt
        };
        settled.all((1..=ENDS as u16 + 9).map(|number| (passes(number), ())).collect());
        assert_eq!(settled.passed.len(), ENDS);
        settled.stood((1..=9).filter_map(|number| Stood::of(&attempt(number), i64::from(number))));
        assert_eq!(settled.stood.len(), STOOD);
    }
}
