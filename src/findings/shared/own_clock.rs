//! The device's own clock at a moment of an attempt, where the capture really shows it.

use crate::device::facts::{ClockSource, Whose};
use crate::findings::Case;
use crate::model::{At, Frame, SECOND, Time};

/// What is known of the device's clock.
#[derive(Clone, Debug)]
pub struct OwnClock {
    /// How far it is ahead of the capture's (negative: behind), in nanoseconds.
    pub ahead: i64,
    /// The frames that show it.
    pub frames: Vec<Frame>,
    /// The last of them, and what the clock said in it.
    pub seen: At,
    /// See `seen`.
    pub says: Time,
}

/// The device's clock as it stood at a frame; `None` where it does not show, or where the device may have set it by NTP
/// after it last did.
pub fn own_clock(case: &Case<'_>, until: At) -> Option<OwnClock> {
    let (_, frames) = case.known.clock_offset()?;
    // The last stamp before that frame, or the first one behind it: the device may have set its clock before, or between.
    let shown = *frames.iter().filter(|frame| **frame <= until.frame).max().or(frames.iter().min())?;
    if was_set(case, shown.min(until.frame), shown.max(until.frame)) {
        return None;
    }
    let witness = case.known.clocks.iter().rev().find(|one| one.whose == Whose::Device && one.at.frame == shown)?;
    let ahead = witness.says.since(witness.at.time);
    Some(OwnClock { ahead, seen: witness.at, says: witness.says, frames })
}

/// Did the device get the time by NTP between these frames?
fn was_set(case: &Case<'_>, after: Frame, until: Frame) -> bool {
    let between = |at: At| at.frame > after && at.frame <= until;
    let answered =
        case.attempt.clocks().any(|(_, clock)| clock.answers.iter().any(|(at, answer)| between(*at) && answer.is_usable()));
    let earlier =
        case.known.clocks.iter().any(|one| one.whose != Whose::Device && one.from == ClockSource::Ntp && between(one.at));
    answered || earlier
}

/// Does the capture show neither what the device's clock says at a frame, nor that anybody told it the time before?
pub fn may_be_unset(case: &Case<'_>, until: At) -> bool {
    own_clock(case, until).is_none() && !was_set(case, Frame::new(0), until.frame)
}

/// How far two clocks are apart, in the unit that people would choose.
pub fn apart(nanoseconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = nanoseconds / SECOND.unsigned_abs();
    match seconds {
        0..=599 => format!("{seconds} s"),
        600..=7199 => format!("{} minutes", seconds / MINUTE),
        7200..=172_799 => format!("{} hours", seconds / HOUR),
        _ => format!("{} days", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    #[test]
    fn distances_are_told_in_the_unit_that_people_would_choose() {
        let seconds = |seconds: u64| apart(seconds * SECOND.unsigned_abs());
        assert_eq!((seconds(301).as_str(), seconds(3600).as_str()), ("301 s", "60 minutes"));
        assert_eq!((seconds(7200).as_str(), seconds(94_694_400).as_str()), ("2 hours", "1096 days"));
    }

    fn behind(at: At) -> Time {
        at.time.plus(-94_694_400 * SECOND)
    }

    #[test]
    fn two_stamps_that_advance_with_the_capture_are_a_clock() {
        let login = Login::new().clock(Whose::Device, ClockSource::TlsRandom, at(3), behind(at(3))).clock(
            Whose::Device,
            ClockSource::TlsRandom,
            at(40),
            behind(at(40)),
        );
        let clock = own_clock(&login.case(), at(50)).unwrap();
        assert_eq!((clock.ahead, clock.seen.frame), (-94_694_400 * SECOND, Frame::new(40)));
    }

    #[test]
    fn a_clock_that_ntp_has_set_before_that_frame_is_not_what_later_stamps_show() {
        let right = |at: At| at.time;
        let stamp = |login: Login, frame: u64| login.clock(Whose::Device, ClockSource::Ntp, at(frame), right(at(frame)));
        let asks = stamp(stamp(Login::new(), 3), 103);
        assert!(own_clock(&asks.case(), at(50)).is_some_and(|clock| clock.seen.frame == Frame::new(3)));
        let is_told = asks.clock(Whose::Server(ip("10.0.0.9")), ClockSource::Ntp, at(4), Time::from_seconds(2_270_000_000));
        assert!(own_clock(&is_told.case(), at(50)).is_none(), "it has set its clock since");
    }

    #[test]
    fn a_lone_stamp_is_none() {
        let login = Login::new().clock(Whose::Device, ClockSource::Ntp, at(3), behind(at(3)));
        assert!(own_clock(&login.case(), at(50)).is_none());
    }

    #[test]
    fn a_lone_stamp_of_a_clock_that_nobody_has_set_is_one() {
        let stamp = |from, seconds| Login::new().clock(Whose::Device, from, at(3), Time::from_seconds(seconds));
        let ahead = |login: Login| own_clock(&login.case(), at(50)).map(|clock| clock.ahead < 0);
        assert_eq!(ahead(stamp(ClockSource::Ntp, 120)), Some(true), "two minutes after 1970 began");
        assert_eq!(ahead(stamp(ClockSource::Ntp, 946_684_900)), Some(true), "after 2000 began");
        assert_eq!(ahead(stamp(ClockSource::Ntp, 86_400 * 40)), None, "it may be random");
        assert_eq!(ahead(stamp(ClockSource::TlsRandom, 120)), None, "random, as a rule");
    }

    #[test]
    fn a_clock_that_ntp_has_set_since_is_not_known_any_more() {
        let login = Login::new().clock(Whose::Device, ClockSource::Ntp, at(3), Time::from_seconds(1_136_073_600)).clock(
            Whose::Server(ip("10.0.0.9")),
            ClockSource::Ntp,
            at(4),
            at(4).time,
        );
        assert!(own_clock(&login.case(), at(50)).is_none());
    }
}
