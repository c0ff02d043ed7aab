//! What lies on the device's own network, by its lease: everything else goes by the router.

use std::net::{IpAddr, Ipv4Addr};

use crate::findings::Case;
use crate::login::steps::{Step, StepKind};
use crate::model::At;
use crate::protocols::dhcp::option;

/// Address and mask of the device's lease; `None` where no lease with a mask was seen.
pub fn own_network(case: &Case<'_>) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let (_, lease) = case.known.lease.as_ref()?;
    let mask = lease.addresses(option::MASK).first().copied()?;
    (!lease.your.is_unspecified()).then_some((lease.your, mask))
}

/// Must a frame to this address go by the router? `None` where the lease does not tell.
pub fn is_beyond(case: &Case<'_>, address: IpAddr) -> Option<bool> {
    let IpAddr::V4(address) = address else { return None };
    if address.is_multicast() || address.is_broadcast() {
        return Some(false);
    }
    let (own, mask) = own_network(case)?;
    Some(own.to_bits() & mask.to_bits() != address.to_bits() & mask.to_bits())
}

/// The server of an exchange, and its last word.
pub fn answer_of(step: &Step) -> Option<(IpAddr, Option<At>)> {
    match &step.kind {
        StepKind::Lookup(lookup) => {
            let asked = lookup.queries.last().map(|(_, server)| *server);
            let answer = lookup.answer.as_ref();
            Some((answer.map(|answer| answer.server).or(asked)?, answer.map(|answer| answer.at)))
        }
        StepKind::Clock(clock) => Some((clock.server, clock.answers.last().map(|(at, _)| *at))),
        StepKind::Connection(connection) => {
            Some((connection.flow.server_ip()?, connection.stats.server.last.or(connection.syn_ack)))
        }
        StepKind::Registration(registration) => {
            let answers = registration.transactions.iter().filter_map(|one| one.answer.as_ref());
            Some((registration.flow.server_ip()?, answers.map(|(at, _)| *at).max()))
        }
        StepKind::Inquiry(inquiry) => Some((inquiry.flow.server_ip()?, inquiry.last_answer())),
        StepKind::File(transfer) => {
            let refused = transfer.error.as_ref().map(|(at, _, _)| *at);
            Some((transfer.flow.server_ip()?, transfer.complete.or(transfer.accepted).or(refused)))
        }
        StepKind::Port(_) | StepKind::Lease(_) | StepKind::LeaseV6(_) | StepKind::Neighbour(_) => None,
    }
}

/// Did anything beyond the router answer the device after this frame? Where the lease does not tell what is beyond, any
/// answer counts.
pub fn reached_beyond(case: &Case<'_>, after: At) -> bool {
    case.attempt
        .steps
        .iter()
        .filter_map(answer_of)
        .any(|(server, answer)| answer.is_some_and(|at| at > after) && is_beyond(case, server).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use std::sync::Arc;

    #[test]
    fn beyond_is_what_the_mask_says() {
        let ack = Arc::new(dhcp_message(5, &[(1, &[255, 255, 255, 0])]));
        let login = Login::new().knowing(|known| known.lease = Some((at(4), ack)));
        assert_eq!(is_beyond(&login.case(), ip("10.0.4.2")), Some(false));
        assert_eq!(is_beyond(&login.case(), ip("10.0.0.5")), Some(true));
        assert_eq!(is_beyond(&login.case(), ip("224.0.1.75")), Some(false));
        assert_eq!(is_beyond(&Login::new().case(), ip("10.0.0.5")), None);
    }
}
