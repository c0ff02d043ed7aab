//! Stage `time`: NTP with one server (RFC 5905, RFC 4330).

use super::{Horizon, Judged};
use crate::login::steps::Clock;
use crate::model::{By, How, Outcome, SECOND, Stage};

/// What SNTP clients wait for an answer: a few seconds.
const WAIT: i64 = 5 * SECOND;

/// What became of an exchange with a time server.
pub(in crate::login) fn judge(clock: &Clock, horizon: &Horizon<'_>) -> Judged {
    if clock.answers.iter().any(|(_, answer)| answer.is_usable()) {
        return Judged::ok(Stage::Time);
    }
    match (clock.answers.last(), clock.unreachable, clock.requests.last()) {
        (Some((at, _)), _, _) => Judged::failed(Stage::Time, By::Server, How::Rejected, *at),
        (None, Some((at, _)), _) => Judged::failed(Stage::Time, By::Network, How::Icmp, at),
        // It has skipped the time.
        (None, None, Some(_)) if clock.done_without => Judged { outcome: Outcome::Skipped, ..Judged::unclear(Stage::Time) },
        (None, None, Some((at, _))) => horizon.silent(Stage::Time, Some(clock.server), *at, clock.requests.len(), WAIT),
        (None, None, None) => Judged::unclear(Stage::Time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::{IntoStep, ntp_exchange};
    use crate::login::steps::StepKind;

    #[test]
    fn a_device_that_goes_on_to_what_the_capture_cut_has_skipped_the_time() {
        let outcome = |done_without: bool| {
            let mut asked = ntp_exchange(1, &[]).into_step(1);
            let StepKind::Clock(clock) = &mut asked.kind else { panic!("no clock") };
            clock.done_without = done_without;
            let heard_from = Hosts::default();
            let end = asked.last.time.plus(60 * SECOND);
            judge(clock, &Horizon::seen(end, end, &heard_from)).outcome
        };
        assert_eq!((outcome(true), outcome(false)), (Outcome::Skipped, Outcome::Failed));
    }
}
