//! From an interface's ticks to nanoseconds since 1970.

use crate::model::Time;

/// How an interface counts time: `if_tsresol` and `if_tsoffset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    unit: Unit,
    /// Nanoseconds to add.
    offset: i128,
}

/// The length of a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanoseconds(u64),
    /// So many ticks in a nanosecond; `None` where no number of ticks makes one.
    Parts(Option<u128>),
    /// 2 to the power of minus so many seconds.
    Binary(u32),
}

impl Clock {
    /// The resolution that holds where none is given.
    pub(super) const MICROSECONDS: u8 = 6;

    /// A clock by the values of the options: the resolution octet, and whole seconds.
    pub(super) fn new(resolution: u8, offset: i64) -> Self {
        let exponent = u32::from(resolution & 0x7f);
        let unit = if resolution & 0x80 != 0 {
            Unit::Binary(exponent)
        } else if exponent <= 9 {
            Unit::Nanoseconds(10_u64.pow(9_u32.saturating_sub(exponent)))
        } else {
            Unit::Parts(10_u128.checked_pow(exponent.saturating_sub(9)))
        };
        Self { unit, offset: i128::from(offset).saturating_mul(1_000_000_000) }
    }

    /// The time of a tick, rounded down to nanoseconds; times beyond the range of [`Time`] become its ends.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> Time {
        // Products: 64 bits of ticks by 30 bits of nanoseconds or by 30 bits of a second.
        let since = match self.unit {
            Unit::Nanoseconds(nanoseconds) => i128::from(ticks).saturating_mul(i128::from(nanoseconds)),
            Unit::Parts(parts) => parts.and_then(|parts| u128::from(ticks).checked_div(parts)).map_or(0, |since| since as i128),
            Unit::Binary(exponent) => (u128::from(ticks).saturating_mul(1_000_000_000) >> exponent) as i128,
        };
        Time(since.saturating_add(self.offset).clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(Self::MICROSECONDS, 0)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    #[test]
    fn decimal_resolutions_are_exact_up_to_nanoseconds_and_rounded_down_beyond() {
        assert_eq!(Clock::new(0, 0).time(NOW), Time(1_700_000_000_000_000_000));
        assert_eq!(Clock::new(6, 0).time(NOW * 1_000_000 + 1), Time(1_700_000_000_000_001_000));
        assert_eq!(Clock::new(9, 0).time(NOW * 1_000_000_000 + 1), Time(1_700_000_000_000_000_001));
        assert_eq!(Clock::new(12, 0).time(1_999), Time(1));
        assert_eq!(Clock::new(127, 0).time(u64::MAX), Time(0));
    }

    #[test]
    fn binary_resolutions_are_rounded_down() {
        assert_eq!(Clock::new(0x80 | 20, 0).time((NOW << 20) + 12_345), Time(1_700_000_000_011_773_109));
        assert_eq!(Clock::new(0x80, 0).time(NOW), Time(1_700_000_000_000_000_000));
        assert_eq!(Clock::new(0xff, 0).time(u64::MAX), Time(0));
    }

    #[test]
    fn an_offset_is_signed_and_in_seconds() {
        assert_eq!(Clock::new(9, -3600).time(NOW * 1_000_000_000), Time(1_699_996_400_000_000_000));
        assert_eq!(Clock::new(12, 1_700_000_000).time(5_000), Time(1_700_000_000_000_000_005));
        assert_eq!(Clock::new(0x80 | 20, -1).time(0), Time(-1_000_000_000));
    }

    #[test]
    fn impossible_times_stop_at_the_ends_of_the_range() {
        assert_eq!(Clock::new(0, 0).time(u64::MAX), Time(i64::MAX));
        assert_eq!(Clock::new(0, i64::MIN).time(0), Time(i64::MIN));
        assert_eq!(Clock::new(9, i64::MAX).time(u64::MAX), Time(i64::MAX));
    }
}
