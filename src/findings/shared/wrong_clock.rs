//! Certificates that a device refuses because its own clock is wrong: what the rules on time share.

use crate::findings::Case;
use crate::findings::shared::chain;
use crate::findings::shared::handshake::{Reached, Shaken, handshakes};
use crate::findings::shared::own_clock::may_be_unset;
use crate::findings::shared::place::{Leaving, alert_name};
use crate::model::{At, Evidence, Side};
use crate::trust::{Clock, FaultKind};

/// What OpenSSL and Mbed TLS say of a certificate that is not valid yet, and of few other faults: others have alerts of their own.
const BAD_CERTIFICATE: u8 = 42;

/// A certificate that the device's clock alone puts outside its validity, and that it refused.
pub(crate) struct Refused {
    /// The frame of the chain.
    pub(crate) at: At,
    /// Is that where the attempt dropped?
    pub(crate) is_drop: bool,
    /// What is wrong with it, in words.
    pub(crate) words: String,
}

/// The first such certificate.
pub(crate) fn refused_by_clock(case: &Case<'_>) -> Option<Refused> {
    chain::judged(case).iter().filter(|judged| judged.refusal.is_some()).find_map(|judged| {
        let fault = judged.faults.iter().find(|fault| {
            matches!(
                fault.kind,
                FaultKind::Expired { clock: Clock::DeviceOnly, .. } | FaultKind::NotYetValid { clock: Clock::DeviceOnly, .. }
            )
        })?;
        let when = match fault.kind {
            FaultKind::Expired { not_after, .. } => format!("has expired (on {})", not_after.whole_seconds()),
            FaultKind::NotYetValid { not_before, .. } => format!("is not valid yet (before {})", not_before.whole_seconds()),
            _ => return None,
        };
        let words = format!("for the device {} {when}", judged.which(fault.certificate));
        Some(Refused { at: judged.at, is_drop: judged.place().is_drop(case), words })
    })
}

/// Where the attempt dropped because the device, whom nobody had told the time, gave the alert for a certificate that is not
/// valid yet, and nothing else is wrong with that one: how it left, as evidence.
pub(crate) fn refused_without_time(case: &Case<'_>) -> Option<Evidence> {
    let refuses =
        |left: &Leaving| left.side == Side::Client && left.alert == Some(BAD_CERTIFICATE) && may_be_unset(case, left.at);
    let dropped = |shaken: &Shaken<'_>| shaken.place.is_drop(case) && shaken.reached() == Reached::Certificate;
    let shaken = handshakes(case).find(dropped).filter(|shaken| !chain::explains(case, shaken.place.index))?;
    let left = shaken.leaving().filter(refuses)?;
    let (alert, server) = (alert_name(BAD_CERTIFICATE), shaken.place.server());
    Some(left.evidence(format!("without the time, the device says {alert} to the certificate of {server}")))
}
