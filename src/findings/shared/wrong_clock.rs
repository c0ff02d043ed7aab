//! Certificates that a device refuses because its own clock is wrong: what the rules on time share.

use crate::findings::Case;
use crate::findings::shared::chain;
use crate::model::At;
use crate::trust::{Clock, FaultKind};

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
