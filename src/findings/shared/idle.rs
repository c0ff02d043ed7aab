//! After how long a silence a session was cut. An attempt in, the pause out; says nothing of what cut it.

use crate::findings::Case;
use crate::findings::shared::place::{Leaving, Place, connections, leaving_of};
use crate::model::{At, How, SECOND, Side, Stage};

/// How near two pauses of one time-out are to each other, as a part of it.
const ALIKE: i64 = 20;

/// A RST that answers comes within this time of what it answers.
const AT_ONCE: i64 = SECOND;

/// How a session was cut.
pub struct Cut {
    /// The last word before.
    pub last: At,
    /// The close, or the first request that nobody heard any more.
    pub at: At,
    /// Who left, and how; `None` where nobody hears any more.
    pub left: Option<Leaving>,
}

impl Cut {
    /// How long nobody had said anything before it.
    pub fn pause(&self) -> i64 {
        self.at.time.since(self.last.time)
    }
}

/// A device that nobody hears any more closes, as a rule: that comes behind the cut.
pub fn cut_of(place: &Place<'_>) -> Option<Cut> {
    silence_of(place).or_else(|| reset_of(place)).or_else(|| closing_of(place))
}

/// What has forgotten a connection, or lost it, answers the next that is said on it by RST (RFC 9293 section 3.10.7.1): the pause was
/// before that. Where the connection may have stood one as long already, it was lost otherwise.
fn reset_of(place: &Place<'_>) -> Option<Cut> {
    let left = leaving_of(place.connection).filter(|left| left.side == Side::Server && left.how == How::Rst)?;
    let stats = &place.connection.stats;
    let (said, heard) = (stats.client.last_data?, stats.server.last_data?);
    let answers_it = said < left.at && left.at.time.since(said.time) <= AT_ONCE;
    let is_longest = heard.time.since(place.step.first.time) < said.time.since(heard.time);
    (said > heard && !stats.client.went_on && answers_it && is_longest).then_some(Cut { last: heard, at: said, left: Some(left) })
}

fn closing_of(place: &Place<'_>) -> Option<Cut> {
    let left = leaving_of(place.connection)?;
    let stats = &place.connection.stats;
    let spoke = [stats.client.last_data, stats.server.last_data].into_iter().flatten().filter(|at| at.frame < left.at.frame);
    Some(Cut { last: spoke.max_by_key(|at| at.frame)?, at: left.at, left: Some(left) })
}

/// Whatever forgot the connection may say nothing: then the next request is sent in vain.
fn silence_of(place: &Place<'_>) -> Option<Cut> {
    place.step.ending.filter(|ending| ending.how == How::Timeout)?;
    let heard = place.connection.stats.server.last?;
    let asked = place.connection.sip.iter().filter(|transaction| transaction.answer.is_none());
    let asked = asked.filter_map(|transaction| transaction.sent.first().copied());
    let sealed = place.tls().and_then(|tls| tls.client_data.last()).map(|record| record.at);
    let unheard = asked.chain(sealed).filter(|at| *at > heard).min()?;
    Some(Cut { last: heard, at: unheard, left: None })
}

/// The silence before the end of the session in which the attempt dropped.
pub fn idled(case: &Case<'_>) -> Option<i64> {
    let place = connections(case).find(|place| place.is_drop(case) && place.step.stage == Stage::Session)?;
    cut_of(&place).map(|cut| cut.pause())
}

/// The shortest and the longest silence of sessions, this one's with them.
pub fn range(before: Option<(i64, i64)>, pause: i64) -> (i64, i64) {
    before.map_or((pause, pause), |(shortest, longest)| (shortest.min(pause), longest.max(pause)))
}

/// Is all between these as good as the same?
pub fn is_constant((shortest, longest): (i64, i64)) -> bool {
    longest.saturating_sub(shortest) <= shortest / ALIKE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_silence_of_another_length_is_enough_for_no_time_out() {
        let of = |seconds: &[i64]| seconds.iter().fold(None, |before, one| Some(range(before, one * SECOND))).unwrap();
        assert!(is_constant(of(&[40, 41, 40])));
        assert!(!is_constant(of(&[60, 40, 40])));
        assert!(!is_constant(of(&[40, 3, 40])));
    }
}
