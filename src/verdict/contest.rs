//! The lease that a device lives on through later attempts, where several servers answered when it was given: an attempt in,
//! what is to be remembered of it out.

use std::sync::Arc;

use crate::login::steps::{Attempt, Lease};

/// The contested lease that the device has after this attempt, where it had that one before.
pub(super) fn after(attempt: &Attempt, before: Option<Arc<Lease>>) -> Option<Arc<Lease>> {
    let leases = attempt.leases().map(|(_, lease)| lease).filter(|lease| lease.informs.is_empty());
    leases.fold(before, |held, lease| next(lease, held))
}

fn next(lease: &Lease, held: Option<Arc<Lease>>) -> Option<Arc<Lease>> {
    let is_over = !lease.releases.is_empty() || !lease.declines.is_empty() || lease.acks.is_empty() && !lease.naks.is_empty();
    if is_over {
        return None;
    }
    let server = |lease: &Lease| lease.acks.last().and_then(|(_, ack)| ack.server_id());
    // A renewal gives what was given before (RFC 2131 section 4.4.5).
    let renews = lease.offers.is_empty() && held.as_deref().is_some_and(|held| server(held) == server(lease));
    if lease.acks.is_empty() || renews { held } else { lease.contested().map(Arc::new) }
}

/// Memory that it takes, about.
pub(super) fn held_by(lease: &Lease) -> usize {
    let messages = lease.offers.iter().chain(&lease.acks);
    messages
        .map(|(_, message)| size_of_val(message.as_ref()) + message.options.iter().map(|option| option.data.len()).sum::<usize>())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;

    const ONE: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 1])];
    const OTHER: &[(u8, &[u8])] = &[(54, &[10, 0, 4, 254])];

    /// Is a lease that two servers offered still remembered behind this?
    fn lives_on(then: Dhcp) -> bool {
        let contested = Login::new().step(dhcp_exchange().discover().offer(ONE).offer(OTHER).request().ack(OTHER)).attempt;
        let held = after(&contested, None);
        assert!(held.as_deref().is_some_and(|held| held_by(held) > 0));
        after(&Login::new().step(then).attempt, held).is_some()
    }

    #[test]
    fn a_contested_lease_lives_on_until_it_is_over_or_another_is_given() {
        assert!(lives_on(dhcp_exchange().request().ack(OTHER)), "it is renewed");
        assert!(lives_on(dhcp_exchange().discover()), "nobody answers");
        assert!(lives_on(dhcp_exchange().inform().ack(ONE)), "it only asks for more");
        assert!(!lives_on(dhcp_exchange().request().nak()));
        assert!(!lives_on(dhcp_exchange().discover().offer(ONE).request().ack(ONE)));
        assert!(!lives_on(lease(ONE)));
        assert!(!lives_on(dhcp_exchange().request().ack(ONE)), "of another server");
    }

    #[test]
    fn of_many_servers_the_first_ones_are_remembered() {
        let mut asked = dhcp_exchange().discover();
        for server in 1..=9 {
            asked = asked.offer(&[(54, &[10, 0, 4, server])]).offer(&[(54, &[10, 0, 4, server])]);
        }
        let held = after(&Login::new().step(asked.request().ack(OTHER)).attempt, None).unwrap();
        assert_eq!((held.offers.len(), held.acks.last().and_then(|(_, ack)| ack.server_id())), (4, Some([10, 0, 4, 254].into())));
        let alone = dhcp_exchange().discover().offer(ONE).offer(ONE).request().ack(ONE);
        assert!(after(&Login::new().step(alone).attempt, None).is_none());
    }
}
