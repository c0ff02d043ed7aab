//! NTLMSSP tokens ([MS-NLMP] 2.2.1), as HTTP and SIP carry them. Hashes are never kept.

use crate::model::Time;
use crate::text::WireText;

/// One leg of an NTLM exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Type 1: the client asks.
    Negotiate,
    /// Type 2: the server challenges.
    Challenge {
        /// The server's own name for itself.
        target: WireText,
        /// The server's clock (AV pair 7).
        timestamp: Option<Time>,
    },
    /// Type 3: the client answers.
    Authenticate {
        /// Domain.
        domain: WireText,
        /// User.
        user: WireText,
        /// Workstation.
        workstation: WireText,
        /// The client's clock (NTLMv2 blob).
        timestamp: Option<Time>,
    },
    /// Bears the signature, but could not be read further: its type.
    Other(u32),
}
