//! Stage `connect`: the TCP connection itself (RFC 9293), whatever stage it serves.

use super::{Horizon, Judged};
use crate::login::steps::{Close, Connection};
use crate::model::{At, By, How, SECOND, Side, Stage};

/// First wait of a SYN: 1 second (RFC 6298), 3 in older stacks (RFC 2988).
const WAIT: i64 = 3 * SECOND;
/// A client that leaves at least this long after its question has waited for the answer.
const PATIENCE: i64 = 2 * SECOND;

/// How a connection was closed, as a word of the vocabulary.
pub(in crate::login) fn how(close: Close) -> How {
    match close {
        Close::Fin => How::Fin,
        Close::Rst => How::Rst,
    }
}

/// Whose doing a side's act is, seen from the device (which is the client).
pub(in crate::login) fn by(side: Side) -> By {
    match side {
        Side::Client => By::Device,
        Side::Server => By::Server,
    }
}

/// What became of the connection before anything was said on it; `None` where it stood and was used.
pub(in crate::login) fn judge(connection: &Connection, stage: Stage, horizon: &Horizon<'_>) -> Option<Judged> {
    let stats = &connection.stats;
    let accepted = connection.is_accepted() || connection.syn.is_none();
    if let (Some((at, _)), false) = (connection.unreachable, accepted) {
        return Some(Judged::failed(stage, By::Network, How::Icmp, at));
    }
    if let Some(at) = connection.refused() {
        return Some(Judged::failed(stage, By::Server, How::Rst, at));
    }
    if !accepted {
        if let Some((at, how)) = left_after_hello(connection) {
            let stage = if stage == Stage::Connect { Stage::Tls } else { stage };
            return Some(Judged::failed(stage, By::Device, how, at));
        }
        // Data without a SYN-ACK: the answers were not captured.
        let silent = stats.client.first_data.is_none() && stats.server.last.is_none() || connection.is_unheard();
        let last = stats.client.last_syn.or(connection.syn)?;
        return Some(if silent {
            horizon.silent(stage, connection.flow.server_ip(), last, stats.client.syns as usize, WAIT)
        } else {
            Judged::unclear(stage)
        });
    }
    // What was said before the capture began is not known.
    if connection.syn.is_none() && connection.syn_ack.is_none() && !is_used(connection) {
        return Some(Judged::unclear(stage));
    }
    if is_half_seen(connection, horizon) {
        return Some(Judged::unclear(stage));
    }
    // Closed by the server before it took anything: nobody lives behind the port.
    if let Some((at, Side::Server, close)) = connection.first_close()
        && stats.server.first_data.is_none()
        && stats.client.acknowledged == 0
    {
        return Some(Judged::failed(stage, By::Server, how(close), at));
    }
    if is_used(connection) {
        return None;
    }
    match connection.first_close() {
        Some((at, side, close)) => Some(Judged::failed(stage, by(side), how(close), at)),
        None => Some(Judged::unclear(stage)),
    }
}

/// Does the capture lack all that the server said, though the client acknowledges it; or of a connection from before it, in which nobody
/// tells how much that is, all that anybody said to the device? Only a reason that the client gives tells then.
fn is_half_seen(connection: &Connection, horizon: &Horizon<'_>) -> bool {
    let server = &connection.stats.server;
    let alert = connection.tls.as_ref().and_then(|tls| tls.fatal_alert());
    let from_before = connection.syn.is_none() && !horizon.seen_both_ways;
    server.last.is_none() && (server.uncaptured > 0 || from_before) && alert.is_none()
}

/// Was anything said on it?
fn is_used(connection: &Connection) -> bool {
    connection.stats.client.first_data.is_some() || connection.stats.server.first_data.is_some()
}

/// A capture of one direction shows all the same that the client leaves the handshake: it acknowledges an answer to its hello, and
/// says why it does not go on; or the hello is all that it says, and it closes at once.
fn left_after_hello(connection: &Connection) -> Option<(At, How)> {
    let handshake = connection.tls.as_ref().filter(|_| connection.stats.server.uncaptured > 0)?;
    let (said, _) = handshake.client_hello.as_ref()?;
    if let Some((at, Side::Client, _)) = handshake.fatal_alert() {
        return Some((at, How::Alert));
    }
    let (at, side, close) = connection.first_close()?;
    let hello_alone = connection.stats.client.data_segments == 1;
    (side == Side::Client && hello_alone && at.time.since(said.time) < PATIENCE).then_some((at, how(close)))
}

/// A hello that the capture cut, and with it what the server answered: that the client says no more, and leaves, shows all the same.
pub(in crate::login) fn left_after_cut_hello(connection: &Connection) -> Option<(At, Close)> {
    let said = connection.cut_hello?;
    let (at, side, close) = connection.first_close()?;
    let answered = connection.stats.server.first_data.is_some();
    let hello_alone = connection.stats.client.data_segments == 1;
    (side == Side::Client && answered && hello_alone && at.time.since(said.time) < PATIENCE).then_some((at, close))
}

/// A question on a standing connection that nobody answered: who gave up, and when. `asked` is its frame.
pub(in crate::login) fn unanswered(connection: &Connection, stage: Stage, asked: At, horizon: &Horizon<'_>) -> Judged {
    /// What applications wait, as a rule, at least.
    const APPLICATION_WAIT: i64 = 10 * SECOND;
    let lost = connection.stats.client.acknowledged < connection.stats.client.sent && connection.stats.client.retransmitted > 0;
    // What is lost is sent again until somebody gives up.
    let last = connection.stats.client.last_data.filter(|_| lost).unwrap_or(asked);
    let silence = Judged::failed(stage, if lost { By::Network } else { By::Unknown }, How::Timeout, last);
    match connection.first_close() {
        Some((at, Side::Client, _)) if at.time.since(asked.time) >= PATIENCE => silence,
        Some((at, side, close)) => Judged::failed(stage, by(side), how(close), at),
        None if horizon.moved_on_after(asked.time.plus(PATIENCE)) || horizon.end.since(asked.time) >= 2 * APPLICATION_WAIT => {
            silence
        }
        None => Judged::unclear(stage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::{IntoStep, Tcp, tcp};
    use crate::login::steps::{Purpose, StepKind};
    use crate::model::Outcome;

    #[test]
    fn the_close_of_a_connection_that_was_open_before_the_capture_is_no_refusal() {
        let closed = |begun: bool| {
            let tcp = tcp(Purpose::Registrar).change(move |connection| {
                (connection.syn, connection.syn_ack) = (connection.syn.filter(|_| begun), connection.syn_ack.filter(|_| begun));
            });
            let step = tcp.leaves(Side::Server, Close::Fin).into_step(1);
            let heard_from = Hosts::default();
            let (end, last_begun) = (step.last.time, step.first.time);
            let horizon = Horizon::seen(end, last_begun, &heard_from);
            let StepKind::Connection(connection) = &step.kind else { panic!("no connection") };
            judge(connection, Stage::Connect, &horizon).map(|judged| judged.outcome)
        };
        assert_eq!((closed(true), closed(false)), (Some(Outcome::Failed), Some(Outcome::Unclear)));
    }

    #[test]
    fn who_closes_a_connection_of_which_the_capture_lacks_all_answers_was_answered() {
        let closed = |acknowledges: bool, seen_both_ways: bool, code: Option<u8>| {
            let asked = tcp(Purpose::Registrar).hello();
            let asked = if let Some(code) = code { asked.alert(Side::Client, 2, code) } else { asked };
            let step = asked.pause(3.0).leaves(Side::Client, Close::Fin).into_step(1);
            let StepKind::Connection(mut connection) = step.kind else { panic!("no connection") };
            (connection.syn, connection.syn_ack) = (None, None);
            let uncaptured = if acknowledges { 2_500 } else { 0 };
            connection.stats.server = crate::flow::SideStats { uncaptured, ..Default::default() };
            let heard_from = Hosts::default();
            let horizon = Horizon { seen_both_ways, ..Horizon::seen(step.last.time, step.first.time, &heard_from) };
            judge(&connection, Stage::Connect, &horizon).map(|judged| judged.outcome)
        };
        assert_eq!(closed(true, true, None), Some(Outcome::Unclear));
        assert_eq!(closed(false, false, None), Some(Outcome::Unclear), "nothing shows that anybody could be heard");
        assert_eq!(closed(false, true, None), None, "others are heard");
        assert_eq!(closed(true, true, Some(48)), None, "it says why");
    }

    #[test]
    fn what_is_lost_on_its_way_is_dated_by_its_last_repeat() {
        let silence = |tcp: Tcp| {
            let step = tcp.pause(40.0).leaves(Side::Client, Close::Rst).into_step(1);
            let heard_from = Hosts::default();
            let horizon = Horizon::seen(step.last.time, step.first.time, &heard_from);
            let StepKind::Connection(connection) = &step.kind else { panic!("no connection") };
            let (asked, last) = (connection.stats.client.first_data.unwrap(), connection.stats.client.last_data.unwrap());
            let ending = unanswered(connection, Stage::Register, asked, &horizon).ending.unwrap();
            (ending.by, ending.at == asked, ending.at == last)
        };
        assert_eq!(silence(tcp(Purpose::Registrar).stuck(Side::Client, 1460, 5)), (By::Network, false, true));
        let heard = tcp(Purpose::Registrar).data(Side::Client, 900).data(Side::Client, 2);
        assert_eq!(silence(heard), (By::Unknown, true, false), "what it says later is another thing");
    }

    #[test]
    fn who_says_why_it_leaves_does_so_though_the_capture_lacks_the_other_side() {
        let left = |level: u8, code: u8| {
            let said = tcp(Purpose::Registrar).hello().alert(Side::Client, level, code).change(|connection| {
                connection.syn_ack = None;
                connection.stats.server = crate::flow::SideStats { uncaptured: 2_500, ..Default::default() };
            });
            let step = said.into_step(1);
            let heard_from = Hosts::default();
            let (end, last_begun) = (step.last.time, step.first.time);
            let horizon = Horizon::seen(end, last_begun, &heard_from);
            let StepKind::Connection(connection) = &step.kind else { panic!("no connection") };
            let judged = judge(connection, Stage::Connect, &horizon)?;
            Some((judged.stage, judged.ending.map(|ending| (ending.by, ending.how))))
        };
        assert_eq!(left(2, 48), Some((Stage::Tls, Some((By::Device, How::Alert)))));
        assert_eq!(left(1, 112).and_then(|(_, ending)| ending), None, "a warning ends nothing");
    }
}
