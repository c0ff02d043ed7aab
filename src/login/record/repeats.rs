//! In: when a request was made that nobody answers. Out: is the next one a repeat, or was it made anew?

use crate::model::{At, SECOND};

use super::super::steps::PAUSE;

/// Does a question under a new number come as soon as the next repeat would? Repeats come at growing distances; one that
/// comes later than twice the longest so far was asked anew.
pub(super) fn is_next_retry(asked: impl DoubleEndedIterator<Item = At> + Clone, at: At) -> bool {
    let later = asked.clone().skip(1);
    let longest = asked.clone().zip(later).map(|(earlier, later)| later.time.since(earlier.time)).max();
    let waited = asked.last().map_or(0, |last| at.time.since(last.time));
    longest.is_none_or(|longest| waited <= longest.max(SECOND).saturating_mul(2))
}

/// Does a request come so much later than the next repeat was due, half as long again, that the device had given up in between?
/// That shows only where the last repeats came at equal distances, or at growing ones.
pub(super) fn begins_next_series(asked: &[At], at: At) -> bool {
    let [.., first, second, third] = asked else { return false };
    let (before, last) = (second.time.since(first.time), third.time.since(second.time));
    // What comes faster is a burst or a copy, and no timer's.
    if before < PAUSE || is_clearly_longer(before, last) {
        return false;
    }
    // Back-off goes on to grow, by whole times as a rule.
    let growth = if is_clearly_longer(last, before) { last.checked_div(before).unwrap_or(1).saturating_add(1) } else { 1 };
    let due = last.saturating_mul(growth).max(SECOND);
    at.time.since(third.time).saturating_mul(2) >= due.saturating_mul(3)
}

/// Does the next request come clearly later than all repeats of this series did?
pub(super) fn ends_series(asked: impl DoubleEndedIterator<Item = At> + Clone, at: At) -> bool {
    let later = asked.clone().skip(1);
    let longest = asked.clone().zip(later).map(|(earlier, later)| later.time.since(earlier.time)).max().unwrap_or(0);
    // What comes faster is a burst or a copy, and no timer's.
    longest >= SECOND && asked.last().is_some_and(|last| is_clearly_longer(at.time.since(last.time), longest))
}

/// By more than the jitter of a timer.
fn is_clearly_longer(one: i64, other: i64) -> bool {
    one.saturating_mul(4) > other.saturating_mul(5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::at_second;

    /// Does the last of the requests at these seconds begin another series?
    fn begins(seconds: &[f64]) -> bool {
        let asked: Vec<At> = (1..).zip(seconds).map(|(frame, second)| at_second(frame, *second)).collect();
        let (last, before) = asked.split_last().unwrap();
        begins_next_series(before, *last)
    }

    #[test]
    fn what_comes_half_as_long_again_after_the_next_repeat_was_due_begins_another_series() {
        assert!(begins(&[0.0, 30.0, 60.0, 150.0]));
        assert!(begins(&[0.0, 30.0, 60.0, 105.0]));
        assert!(!begins(&[0.0, 30.0, 60.0, 104.0]));
        assert!(begins(&[0.0, 3.9, 8.1, 12.0, 24.0]), "timers jitter");
    }

    #[test]
    fn back_off_is_one_series_however_it_grows() {
        assert!(!begins(&[0.0, 1.0, 3.0, 7.0]) && !begins(&[0.0, 1.0, 3.0, 7.0, 15.0]));
        assert!(!begins(&[0.0, 4.9, 12.1, 29.0]), "RFC 2131 section 4.1: 4, 8, 16 seconds, each a second more or less");
        assert!(!begins(&[0.0, 1.0, 4.0, 13.0]), "it trebles");
        assert!(!begins(&[0.0, 1.0, 3.0, 6.0, 10.0]), "by a second more each time");
        assert!(begins(&[0.0, 1.0, 3.0, 7.0, 30.0]), "and it ends");
    }

    #[test]
    fn without_a_rhythm_there_is_no_series() {
        assert!(!begins(&[0.0, 4.0, 60.0]), "it came again once");
        assert!(!begins(&[0.0, 0.1, 0.2, 30.0]), "a burst");
        assert!(!begins(&[0.0, 8.0, 10.0, 20.0]), "ever sooner");
        assert!(!begins(&[0.0, 0.5, 1.0, 1.9]), "within the pause of any device");
    }
}
