//! What a device's own alert says of a certificate: which faults it names, which it can mean, and a finding that rests on it
//! where no chain shows the fault. Knows no chain.

use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::place::{Leaving, alert_name};
use crate::findings::{Case, Found, Proof};
use crate::model::{Evidence, Side};
use crate::trust::FaultKind;

/// A gap in the chain is one fact, whichever of these names it.
pub fn is_gap(kind: &FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::UntrustedIssuer { .. }
            | FaultKind::SelfSigned
            | FaultKind::MissingIntermediate { .. }
            | FaultKind::EnrolmentIncomplete { .. }
            | FaultKind::CrossSignedExpired
            | FaultKind::BadSignature
    )
}

/// Does the device's alert name this very fault?
pub fn named_by(alert: u8, kind: &FaultKind) -> bool {
    match alert {
        43 => matches!(
            kind,
            FaultKind::WrongUsage { .. } | FaultKind::UnsupportedKey { .. } | FaultKind::UnsupportedSignature { .. }
        ),
        45 => matches!(kind, FaultKind::Expired { .. } | FaultKind::CrossSignedExpired),
        48 => is_gap(kind),
        51 => matches!(kind, FaultKind::BadSignature | FaultKind::UnsupportedSignature { .. }),
        _ => false,
    }
}

/// Can a device that gave this alert have meant this fault? (42, 46 and what is no certificate alert can mean any.)
pub fn can_mean(alert: u8, kind: &FaultKind) -> bool {
    named_by(alert, kind)
        || match alert {
            43 => matches!(kind, FaultKind::Weak { .. }),
            44 => false,
            45 => matches!(kind, FaultKind::NotYetValid { .. }),
            48 => matches!(kind, FaultKind::UnsupportedSignature { .. } | FaultKind::WrongUsage { .. }),
            51 => matches!(kind, FaultKind::UnsupportedKey { .. }),
            _ => true,
        }
}

/// Connections on which the device gave this alert, for the rules that take its word where no chain shows the fault.
pub fn alerted<'a>(case: &Case<'a>, description: u8) -> Vec<(Shaken<'a>, Leaving)> {
    let given = |shaken: Shaken<'a>| {
        let leaving = shaken.leaving()?;
        (leaving.side == Side::Client && leaving.alert == Some(description)).then_some((shaken, leaving))
    };
    handshakes(case).filter_map(given).collect()
}

/// A finding that rests on the device's own alert.
pub fn told_found(
    case: &Case<'_>,
    shaken: &Shaken<'_>,
    leaving: Leaving,
    confidence: f32,
    summary: String,
    fix: String,
) -> Found {
    let mut evidence =
        vec![leaving.evidence(format!("the device sends the alert {}", alert_name(leaving.alert.unwrap_or_default())))];
    if let Some((at, _)) = &shaken.tls.certificate {
        evidence
            .insert(0, Evidence::new(at.frame, "tls.handshake.type == 11", format!("{} sends its chain", shaken.place.server())));
    }
    Found {
        stage: shaken.place.step.stage,
        step: Some(shaken.place.index),
        proof: Proof::Told,
        explains_drop: shaken.place.is_drop(case),
        confidence,
        summary,
        fix,
        evidence,
    }
}
