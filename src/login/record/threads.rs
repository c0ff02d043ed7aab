//! By what events go on with an exchange, and the numbers of exchanges that two names of one device had.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::DraftId;
use crate::model::Endpoint;

/// By what it shows that an event goes on with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Thread {
    /// The transaction.
    Lease(u32),
    /// Likewise, over IPv6.
    LeaseV6(u32),
    /// The server.
    Clock(IpAddr),
    /// Whose MAC was asked for.
    Neighbour(IpAddr),
    /// The server and its port.
    Registration(Endpoint),
    /// Likewise.
    Inquiry(Endpoint),
    /// There is one port of a switch.
    Port,
}

/// Gives the entries of a table the new numbers of their exchanges, and takes over those of another table.
pub(super) fn renumber<K: Hash + Eq>(
    map: &mut HashMap<K, DraftId, RandomState>,
    own: &HashMap<DraftId, DraftId, RandomState>,
    other: HashMap<K, DraftId, RandomState>,
    theirs: &HashMap<DraftId, DraftId, RandomState>,
) {
    map.retain(|_, id| match own.get(id) {
        Some(number) => {
            *id = *number;
            true
        }
        None => false,
    });
    #[expect(clippy::iter_over_hash_type, reason = "the order in which entries are moved from one map to another does not show")]
    for (key, id) in other {
        if let Some(number) = theirs.get(&id) {
            map.entry(key).or_insert(*number);
        }
    }
}
