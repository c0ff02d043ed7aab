//! A device that nothing tells where its configuration is: no DHCP option, no plug-and-play server, and not its maker either.

use std::net::IpAddr;

use crate::findings::Case;
use crate::findings::shared::files::{asks_everybody, guesses};
use crate::findings::shared::option_need::{Given, given};
use crate::findings::shared::vlans::to_and_fro;
use crate::login::steps::{Lookup, Purpose, Step, StepKind};
use crate::model::{DropPoint, How, Outcome, Stage};
use crate::protocols::dhcp;
use crate::protocols::dns::kind;

/// What shows that nothing tells it.
pub(crate) struct Untold<'a> {
    /// Where the attempt ended.
    pub(crate) drop: DropPoint,
    /// The last answer that it went by.
    pub(crate) last: Given<'a>,
    /// The options that it asked for, of those that name a configuration server.
    pub(crate) asked: Vec<u8>,
    /// Did it then ask where nobody answers: all hosts, whoever gave it its address, or its maker's redirect service?
    pub(crate) in_vain: bool,
    /// Is it stopped before that, at a name server on its link of which nobody knows?
    pub(crate) is_stopped: bool,
}

/// Does the attempt end for want of anything that names a configuration server?
pub(crate) fn untold<'a>(case: &Case<'a>) -> Option<Untold<'a>> {
    let answers = given(case);
    let asks_at_random = |step: &Step| asks_everybody(step) || guesses(step, &answers) || asks_maker_in_vain(case, step);
    let in_vain = case.attempt.dropped().is_some_and(asks_at_random);
    let drop = case.attempt.drop.filter(|drop| in_vain || drop.how == How::Abandoned && drop.stage <= Stage::Provision)?;
    let is_name_server = |host: IpAddr| {
        let IpAddr::V4(host) = host else { return false };
        answers.iter().any(|one| one.message.addresses(dhcp::option::NAME_SERVERS).contains(&host))
    };
    let goes_on = |step: &Step| {
        !asks_at_random(step)
            && matches!(
                step.purpose,
                Purpose::Provision | Purpose::Directory | Purpose::Enrolment | Purpose::Registrar | Purpose::Update
            )
            || is_led_by_a_name(case, step)
            || asked_in_vain(step).is_some_and(|host| !is_name_server(host))
    };
    // An OFFER that the device did not take up is no lease that it went on from.
    let last = answers.last().filter(|last| last.index.is_some() && last.message.kind == Some(dhcp::kind::ACK))?;
    let asked: Vec<u8> =
        dhcp::option::NAMING.into_iter().filter(|code| answers.iter().any(|one| one.asked.contains(code))).collect();
    let found = case.profile.order.contains(&Stage::Provision)
        && !asked.is_empty()
        && !answers.iter().any(|one| one.message.cut || one.message.names_configuration())
        && !case.attempt.steps.iter().any(goes_on)
        && !case.known.answered.iter().any(|at| *at >= case.attempt.first && *at <= case.attempt.last)
        // Who leaves each lease for another VLAN does not miss anything in it.
        && to_and_fro(case).is_none();
    let is_stopped = case.attempt.steps.iter().any(|step| asked_in_vain(step).is_some());
    found.then_some(Untold { drop, last: *last, asked, in_vain, is_stopped })
}

/// The neighbour, no router, that a device asks for again and again: it means to speak to that one.
fn asked_in_vain(step: &Step) -> Option<IpAddr> {
    match &step.kind {
        StepKind::Neighbour(neighbour) if !neighbour.router && neighbour.reply.is_none() && neighbour.requests.len() > 1 => {
            Some(neighbour.address)
        }
        _ => None,
    }
}

/// Does this look for the maker's redirect service, of which DNS knows nothing? Nobody is told anything by that.
pub(crate) fn is_unknown_maker(case: &Case<'_>, lookup: &Lookup) -> bool {
    let is_absent = lookup.answer.as_ref().is_some_and(|answer| matches!(answer.rcode, 0 | 3) && !answer.truncated);
    is_absent && !lookup.found() && case.profile.is_redirected_at(lookup.name.raw())
}

fn asks_maker_in_vain(case: &Case<'_>, step: &Step) -> bool {
    let StepKind::Lookup(lookup) = &step.kind else { return false };
    step.outcome == Outcome::Failed && is_unknown_maker(case, lookup)
}

/// A device that asks for a name, other than that of a time server or of its maker, knows of a server without DHCP.
fn is_led_by_a_name(case: &Case<'_>, step: &Step) -> bool {
    let StepKind::Lookup(lookup) = &step.kind else { return false };
    let leads = matches!(lookup.kind, kind::A | kind::AAAA | kind::SRV) && step.purpose != Purpose::Clock;
    leads && !is_unknown_maker(case, lookup)
}
