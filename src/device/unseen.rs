//! What a device says that shows that it was answered, by what the capture lacks.

use super::facts::DeviceFacts;
use crate::flow::TcpStats;
use crate::protocols::dhcp;

/// Does the client of this connection go on though the capture has nothing of its server? Nobody says anything before his SYN is answered
/// (RFC 9293 section 3.5), nor acknowledges what was not said.
pub(super) fn is_answered(stats: &TcpStats) -> bool {
    let goes_on = stats.client.syns > 0 && stats.client.data_segments > 0 || stats.server.uncaptured > 0;
    stats.server.last.is_none() && goes_on
}

/// Does it name the server whose offer it takes (RFC 2131 section 4.3.2), while the capture has no answer to its DISCOVER?
pub(super) fn takes_offer(facts: &DeviceFacts, message: &dhcp::Message) -> bool {
    let in_vain = || facts.discovers_in_vain.iter().any(|(transaction, _)| *transaction == message.transaction);
    message.kind == Some(dhcp::kind::REQUEST) && message.server_id().is_some() && in_vain()
}
