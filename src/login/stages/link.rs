//! Stage `link`: 802.1X, by which a switch lets a device onto its port (IEEE 802.1X-2010 section 8, RFC 3748).

use super::{Horizon, Judged};
use crate::login::steps::PortAccess;
use crate::model::{At, By, How, SECOND, Stage};

/// How often a supplicant asks before it takes the port for an open one (IEEE 802.1X, maxStart).
const STARTS: usize = 3;
/// What it waits each time (IEEE 802.1X, startPeriod and txPeriod).
const WAIT: i64 = 30 * SECOND;

/// How far an exchange came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Let in.
    Authenticated,
    /// Not let in, after the device had said who it is.
    Rejected(At),
    /// The device asked, and no switch answered.
    Starting(At),
    /// The switch asked, and the device never answered.
    Asked(At),
    /// The device answered, and the switch said no more.
    Answered(At),
    /// Something that does not tell.
    Idle,
}

fn state(port: &PortAccess) -> State {
    let last = |packets: &[(At, crate::protocols::eap::Packet)]| packets.last().map(|(at, _)| *at);
    match (port.success, port.failure, last(&port.requests), last(&port.responses)) {
        (Some(success), failure, _, _) if failure.is_none_or(|failure| failure < success) => State::Authenticated,
        (_, Some(at), _, Some(_)) => State::Rejected(at),
        // A port that is set to let nobody in answers who asks by that, without a question (IEEE 802.1X, state FORCE_UNAUTH).
        (None, Some(at), None, None) if port.starts.iter().any(|start| *start < at) => State::Rejected(at),
        // A failure out of the blue: the policy of the port, or the end of what was before.
        (_, Some(_), _, None) | (Some(_), None, _, _) => State::Idle,
        (None, None, Some(asked), None) => State::Asked(asked),
        (None, None, asked, Some(answered)) if asked.is_none_or(|asked| asked < answered) => State::Answered(answered),
        (None, None, Some(asked), Some(_)) => State::Asked(asked),
        (None, None, None, _) => port.starts.last().map_or(State::Idle, |at| State::Starting(*at)),
    }
}

/// Does the switch go on to a method, as it does when it has been told who is there (RFC 3748 section 5.1), though the capture does not hold
/// that answer? Then it may lack others, too.
fn lacks_frames(port: &PortAccess) -> bool {
    use crate::protocols::eap::method::{IDENTITY, NOTIFICATION};
    let asked = port.requests.iter().find(|(_, packet)| packet.method == Some(IDENTITY)).map(|(at, _)| *at);
    let method = port.requests.iter().find(|(at, packet)| {
        asked.is_some_and(|asked| asked < *at) && !matches!(packet.method, None | Some(IDENTITY | NOTIFICATION))
    });
    let told = |until: At| port.responses.iter().any(|(at, packet)| packet.method == Some(IDENTITY) && *at < until);
    method.is_some_and(|(at, _)| !told(*at))
}

/// What became of an 802.1X exchange.
pub(in crate::login) fn judge(port: &PortAccess, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Link;
    // The timers are long: only what they have run out on is a silence.
    let waited = |at: At| horizon.end.since(at.time) >= WAIT;
    let silence = |by: By, at: At| Judged::failed(STAGE, by, How::Timeout, at);
    if horizon.is_deaf && matches!(state(port), State::Starting(_) | State::Answered(_)) {
        return Judged::unclear(STAGE);
    }
    match state(port) {
        State::Authenticated => Judged::ok(STAGE),
        State::Rejected(at) => Judged::failed(STAGE, By::Server, How::Rejected, at),
        State::Starting(at) if port.starts.len() >= STARTS && waited(at) => silence(By::Unknown, at),
        State::Asked(at) if port.requests.len() >= 2 && port.responses.is_empty() && waited(at) => silence(By::Device, at),
        State::Answered(_) if lacks_frames(port) => Judged::unclear(STAGE),
        State::Answered(at) if waited(at) => silence(By::Unknown, at),
        _ => Judged::unclear(STAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::model::{Frame, Outcome, Time};
    use crate::protocols::eap;

    fn at(second: i64) -> At {
        At { frame: Frame::new(second as u64 + 1), time: Time::from_seconds(second) }
    }

    fn packet(code: u8, method: u8) -> eap::Packet {
        eap::Packet { code, identifier: 1, method: Some(method), identity: None, wanted: Vec::new(), alert: None }
    }

    fn judged(port: &PortAccess, end: i64) -> (Outcome, Option<(By, How)>) {
        judged_by(port, end, false)
    }

    fn judged_by(port: &PortAccess, end: i64, is_deaf: bool) -> (Outcome, Option<(By, How)>) {
        let heard_from = Hosts::default();
        let horizon = Horizon::seen(Time::from_seconds(end), Time::from_seconds(0), &heard_from);
        let judged = judge(port, &Horizon { is_deaf, ..horizon });
        (judged.outcome, judged.ending.map(|ending| (ending.by, ending.how)))
    }

    fn asked_and_answered() -> PortAccess {
        PortAccess { requests: vec![(at(0), packet(1, 1))], responses: vec![(at(1), packet(2, 1))], ..PortAccess::default() }
    }

    #[test]
    fn success_lets_it_in_and_failure_after_its_answer_does_not() {
        let port = PortAccess { success: Some(at(2)), ..asked_and_answered() };
        assert_eq!(judged(&port, 100), (Outcome::Ok, None));
        let port = PortAccess { failure: Some(at(2)), ..asked_and_answered() };
        assert_eq!(judged(&port, 100), (Outcome::Failed, Some((By::Server, How::Rejected))));
    }

    #[test]
    fn a_failure_out_of_the_blue_tells_nothing() {
        assert_eq!(judged(&PortAccess { failure: Some(at(2)), ..PortAccess::default() }, 100), (Outcome::Unclear, None));
    }

    #[test]
    fn a_failure_for_an_answer_to_a_start_lets_nobody_in() {
        let port = |start: i64| PortAccess { starts: vec![at(start)], failure: Some(at(2)), ..PortAccess::default() };
        assert_eq!(judged(&port(1), 100), (Outcome::Failed, Some((By::Server, How::Rejected))));
        assert_eq!(judged(&port(3), 100), (Outcome::Unclear, None), "that of the port's own beginning");
    }

    #[test]
    fn three_starts_and_their_time_make_a_silence() {
        let starts = |count: i64| PortAccess { starts: (0..count).map(|n| at(30 * n)).collect(), ..PortAccess::default() };
        assert_eq!(judged(&starts(3), 95), (Outcome::Failed, Some((By::Unknown, How::Timeout))));
        assert_eq!(judged(&starts(3), 65), (Outcome::Unclear, None), "the capture ends too soon");
        assert_eq!(judged(&starts(2), 200), (Outcome::Unclear, None));
    }

    #[test]
    fn a_switch_of_which_the_capture_holds_nothing_is_not_silent() {
        let answered = PortAccess { responses: asked_and_answered().responses, ..PortAccess::default() };
        let silence = (Outcome::Failed, Some((By::Unknown, How::Timeout)));
        assert_eq!((judged_by(&answered, 100, true), judged_by(&answered, 100, false)), ((Outcome::Unclear, None), silence));
    }

    #[test]
    fn who_fell_silent_is_told_apart() {
        let asked = PortAccess { requests: vec![(at(0), packet(1, 1)), (at(30), packet(1, 1))], ..PortAccess::default() };
        assert_eq!(judged(&asked, 70), (Outcome::Failed, Some((By::Device, How::Timeout))));
        assert_eq!(judged(&asked_and_answered(), 70), (Outcome::Failed, Some((By::Unknown, How::Timeout))));
        assert_eq!(judged(&asked_and_answered(), 20), (Outcome::Unclear, None));
    }

    #[test]
    fn where_the_capture_lacks_what_the_switch_was_told_it_may_lack_its_result_too() {
        let exchange = |told: bool| {
            let named = told.then(|| (at(1), packet(2, eap::method::IDENTITY)));
            let requests = vec![(at(0), packet(1, eap::method::IDENTITY)), (at(2), packet(1, 4))];
            PortAccess {
                requests,
                responses: named.into_iter().chain([(at(3), packet(2, 4))]).collect(),
                ..PortAccess::default()
            }
        };
        assert_eq!(judged(&exchange(false), 300), (Outcome::Unclear, None));
        assert_eq!(judged(&exchange(true), 300), (Outcome::Failed, Some((By::Unknown, How::Timeout))));
    }
}
