//! Stage `address`: DHCP (RFC 2131 section 3, RFC 8415 section 18), and ARP or neighbour discovery for the neighbours that
//! an address is good for.

use std::net::IpAddr;

use super::{Horizon, Judged};
use crate::login::steps::{Lease, LeaseV6, Neighbour};
use crate::model::{At, By, How, Outcome, SECOND, Stage};

/// First wait of a client (RFC 2131 section 4.1).
const WAIT: i64 = 4 * SECOND;
/// First waits of a DHCPv6 client: one second, doubled (RFC 8415 section 7.6); the third is the first that tells.
const WAIT_V6: i64 = 4 * SECOND;
/// ARP asks once a second (RFC 1122 section 2.3.2.1).
const ARP_WAIT: i64 = SECOND;

/// How far a DHCP exchange came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// DISCOVER sent.
    Discovering(At),
    /// OFFER received.
    Offered(At),
    /// REQUEST sent, to this server.
    Requesting(At, Option<IpAddr>),
    /// INFORM sent.
    Informing(At),
    /// ACK received.
    Bound(At),
    /// NAK received.
    Refused(At),
    /// The client found the address in use.
    Declined(At),
    /// The client gave its lease back, or only strangers' messages were seen.
    Idle,
}

fn state(lease: &Lease) -> State {
    let states = [
        lease.discovers.last().map(|at| State::Discovering(*at)),
        lease.offers.last().map(|(at, _)| State::Offered(*at)),
        lease.requests.last().map(|(at, server)| State::Requesting(*at, server.map(IpAddr::V4))),
        lease.informs.last().map(|at| State::Informing(*at)),
        lease.naks.last().map(|(at, _)| State::Refused(*at)),
        lease.acks.last().map(|(at, _)| State::Bound(*at)),
        lease.declines.last().map(|at| State::Declined(*at)),
    ];
    // A request that is repeated after its answer does not undo the answer, so that answers go before questions.
    let answers =
        states.iter().flatten().filter(|state| matches!(state, State::Bound(_) | State::Refused(_) | State::Declined(_)));
    let latest = answers.max_by_key(|state| when(state));
    latest.or_else(|| states.iter().flatten().max_by_key(|state| rank(state))).copied().unwrap_or(State::Idle)
}

/// Did the client ask anew though it had an offer? Then it left that one.
fn asks_again(lease: &Lease) -> bool {
    let offered = lease.offers.first().map(|(at, _)| at.time);
    offered.is_some_and(|offered| lease.discovers.iter().any(|discover| discover.time > offered))
}

fn when(state: &State) -> At {
    match state {
        State::Discovering(at) | State::Offered(at) | State::Requesting(at, _) | State::Informing(at) => *at,
        State::Bound(at) | State::Refused(at) | State::Declined(at) => *at,
        State::Idle => At::default(),
    }
}

fn rank(state: &State) -> u8 {
    match state {
        State::Idle => 0,
        State::Discovering(_) => 1,
        State::Offered(_) => 2,
        State::Informing(_) => 3,
        _ => 4,
    }
}

/// What became of a DHCP exchange.
pub(in crate::login) fn judge(lease: &Lease, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Address;
    match state(lease) {
        State::Bound(_) => Judged::ok(STAGE),
        State::Refused(at) => Judged::failed(STAGE, By::Server, How::Rejected, at),
        State::Declined(at) => Judged::failed(STAGE, By::Device, How::Rejected, at),
        // Nobody uses an address before he has the ACK (RFC 2131 section 4.4.1).
        State::Offered(at) | State::Requesting(at, _) if lease.used > Some(at) => Judged::ok(STAGE),
        // Who uses the network has an address, whatever the capture lacks.
        State::Offered(at) | State::Requesting(at, _) if horizon.went_on_after(at.time) => Judged::unclear(STAGE),
        // It holds the address until that runs out, and asks from the beginning then (RFC 2131 section 4.4.5).
        State::Requesting(..) if lease.renews && lease.discovers.is_empty() => Judged::unclear(STAGE),
        State::Requesting(at, server) => {
            // One that has just made an offer is heard, and hears: its silence is not shown to be the network's.
            let server = server.filter(|_| lease.offers.is_empty());
            let requests: Vec<At> = lease.requests.iter().map(|(at, _)| *at).collect();
            silent(server, at, &requests, horizon)
        }
        State::Informing(at) => silent(None, at, &lease.informs, horizon),
        State::Offered(at) if horizon.moved_on_after(at.time) || asks_again(lease) => {
            Judged::failed(STAGE, By::Device, How::Abandoned, at)
        }
        State::Offered(_) | State::Idle => Judged::unclear(STAGE),
        State::Discovering(at) => silent(None, at, &lease.discovers, horizon),
    }
}

/// The silence after a question that was `sent` at these times. The first repeat comes after 4 s, and the second after 8 more (RFC 2131
/// section 4.1): where the capture ends before twice the first wait is over, the one repeat shows no more than a lost frame.
fn silent(server: Option<IpAddr>, last: At, sent: &[At], horizon: &Horizon<'_>) -> Judged {
    let first = sent.first().copied().unwrap_or(last);
    let is_over = sent.len() != 2 || horizon.moved_on_after(last.time) || horizon.end.since(first.time) >= WAIT.saturating_mul(2);
    if is_over { horizon.silent(Stage::Address, server, last, sent.len(), WAIT) } else { Judged::unclear(Stage::Address) }
}

/// What became of a DHCPv6 exchange of a device that has no other address.
pub(in crate::login) fn judge_v6(lease: &LeaseV6, horizon: &Horizon<'_>) -> Judged {
    const STAGE: Stage = Stage::Address;
    if let Some((at, _)) = lease.refusal() {
        return Judged::failed(STAGE, By::Server, How::Rejected, at);
    }
    if lease.replies.iter().any(|(_, reply)| !reply.addresses.is_empty()) {
        return Judged::ok(STAGE);
    }
    match (lease.requests.last(), lease.solicits.last()) {
        // RFC 8415 section 18.2.10: an answer that gives nothing settles nothing.
        _ if !lease.replies.is_empty() => Judged::unclear(STAGE),
        (Some(at), _) => horizon.silent(STAGE, None, *at, lease.requests.len(), WAIT_V6),
        (None, Some(at)) if lease.advertises.is_empty() => horizon.silent(STAGE, None, *at, lease.solicits.len(), WAIT_V6),
        // An offer that was not taken up, or a question for no address.
        _ => Judged::unclear(STAGE),
    }
}

/// What became of a DHCPv6 exchange of a device that has an address already: it fails nothing.
pub(in crate::login) fn beside_another(lease: &LeaseV6) -> Judged {
    let answered = lease.refusal().is_none() && !lease.replies.is_empty();
    if answered { Judged::ok(Stage::Address) } else { Judged::unclear(Stage::Address) }
}

/// What became of an ARP question.
pub(in crate::login) fn judge_neighbour(neighbour: &Neighbour, horizon: &Horizon<'_>) -> Judged {
    let Some(last) = neighbour.requests.last() else { return Judged::unclear(Stage::Address) };
    match neighbour.reply {
        Some(_) => Judged::ok(Stage::Address),
        None if neighbour.requests.len() >= 2 && horizon.seen_both_ways => {
            let judged = horizon.silent(Stage::Address, None, *last, neighbour.requests.len(), ARP_WAIT);
            // Only the router matters to a login by itself; others' silence shows in what is sent to them.
            if neighbour.router { judged } else { Judged { outcome: Outcome::Unclear, ending: None, ..judged } }
        }
        None => Judged::unclear(Stage::Address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::hosts::Hosts;
    use crate::findings::testing::*;
    use crate::login::steps::StepKind;

    #[test]
    fn of_offers_that_a_device_leaves_the_last_is_the_last_answer_that_it_had() {
        let step = dhcp_exchange().discover().offer(&[]).discover().offer(&[]).into_step(1);
        let StepKind::Lease(lease) = &step.kind else { panic!("no lease") };
        let heard_from = Hosts::default();
        let horizon = Horizon::seen(step.last.time, step.first.time, &heard_from);
        let ending = judge(lease, &horizon).ending.map(|ending| (ending.by, ending.how, ending.at.frame.number()));
        assert_eq!(ending, Some((By::Device, How::Abandoned, 4)));
    }

    #[test]
    fn a_repeated_question_is_in_vain_when_the_next_repeat_is_near_or_the_device_has_gone_on() {
        let outcome = |asked: Dhcp, end: f64, next: Option<f64>| {
            let step = asked.into_step(1);
            let StepKind::Lease(lease) = &step.kind else { panic!("no lease") };
            let (heard_from, after) = (Hosts::default(), |seconds: f64| step.first.time.plus((seconds * SECOND as f64) as i64));
            judge(lease, &Horizon::seen(after(end), next.map_or(step.first.time, after), &heard_from)).outcome
        };
        let twice = || dhcp_exchange().discover().discover();
        assert_eq!(outcome(twice(), 4.6, None), Outcome::Unclear);
        assert_eq!(outcome(twice(), 8.0, None), Outcome::Failed);
        assert_eq!(outcome(twice(), 4.6, Some(4.0)), Outcome::Failed, "it has begun something else");
        assert_eq!(outcome(twice().discover(), 4.6, None), Outcome::Failed, "it is one that asks faster");
        assert_eq!(outcome(dhcp_exchange().inform().inform(), 4.6, None), Outcome::Unclear);
    }

    #[test]
    fn who_uses_the_address_that_it_was_offered_had_the_ack_that_the_capture_lacks() {
        let outcome = |takes_up: bool| {
            let requested = dhcp_exchange().discover().offer(&[]).request();
            let requested = requested.act(move |lease, at| lease.used = Some(at).filter(|_| takes_up)).into_step(1);
            let StepKind::Lease(lease) = &requested.kind else { panic!("no lease") };
            let heard_from = Hosts::default();
            let end = requested.last.time.plus(60 * SECOND);
            judge(lease, &Horizon::seen(end, end, &heard_from)).outcome
        };
        assert_eq!((outcome(true), outcome(false)), (Outcome::Ok, Outcome::Failed));
    }

    #[test]
    fn a_device_that_uses_the_network_at_once_has_the_address_whose_ack_the_capture_lacks() {
        let requested = dhcp_exchange().discover().offer(&[]).request().request().into_step(1);
        let StepKind::Lease(lease) = &requested.kind else { panic!("no lease") };
        let heard_from = Hosts::default();
        let after = |seconds: f64| {
            let begun = [requested.last.time.plus((seconds * SECOND as f64) as i64)];
            let (end, last_begun) = (begun[0].plus(60 * SECOND), begun[0]);
            judge(lease, &Horizon { begun: &begun, ..Horizon::seen(end, last_begun, &heard_from) }).outcome
        };
        assert_eq!((after(0.05), after(5.0)), (Outcome::Unclear, Outcome::Failed));
    }

    /// What becomes of this where nobody is seen to answer, by this word on the capture.
    fn in_vain(asked: Dhcp, is_deaf: bool) -> Outcome {
        let step = asked.into_step(1);
        let StepKind::Lease(lease) = &step.kind else { panic!("no lease") };
        let heard_from = Hosts::default();
        let (end, last_begun) = (step.last.time.plus(3600 * SECOND), step.first.time);
        let horizon = Horizon { seen_both_ways: false, is_deaf, ..Horizon::seen(end, last_begun, &heard_from) };
        judge(lease, &horizon).outcome
    }

    #[test]
    fn who_was_answered_by_what_the_capture_lacks_was_answered_by_dhcp_too_and_who_was_not_asks_in_vain() {
        let asked = || dhcp_exchange().discover().discover();
        assert_eq!((in_vain(asked(), true), in_vain(asked(), false)), (Outcome::Unclear, Outcome::Failed));
    }

    #[test]
    fn an_address_that_is_asked_for_anew_is_held_and_one_from_before_a_restart_is_not() {
        let asked = |renews: bool| {
            let request = move |lease: &mut Lease, at: At| {
                lease.requests.push((at, None));
                lease.renews = renews;
            };
            dhcp_exchange().act(request).act(request)
        };
        assert_eq!((in_vain(asked(true), false), in_vain(asked(false), false)), (Outcome::Unclear, Outcome::Failed));
    }
}
