//! The same chain once more, as if something about it, or about the device that judges it, had been mended: faults in, those
//! that would be left out.

use std::sync::Arc;

use super::{Fault, FaultKind, Link, Question, judge};
use crate::formats::x509::Certificate;
use crate::model::Frame;

/// One thing that is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The certificates are issued again with signatures that the device verifies.
    Signatures,
    /// They are issued again for keys that it can use.
    Keys,
    /// What is too weak is issued again as it wants it; what that is, in the words of the fault.
    Strength(String),
    /// One certificate is renewed.
    Dates(Link),
    /// The device's clock is set right: it then shows what the capture's shows.
    Clock,
    /// The certificate bears the name.
    Name,
    /// One certificate is issued again for this use.
    Usage(Option<Link>),
    /// The device has the CA to which the chain leads, with all between.
    Trust,
    /// The server sends another path, without the expired CA.
    Path,
}

impl Repair {
    /// What mends this fault.
    pub fn of(fault: &Fault) -> Self {
        match &fault.kind {
            FaultKind::UnsupportedSignature { .. } => Self::Signatures,
            FaultKind::UnsupportedKey { .. } => Self::Keys,
            FaultKind::Weak { what, .. } => Self::Strength(what.clone()),
            FaultKind::UntrustedIssuer { .. }
            | FaultKind::SelfSigned
            | FaultKind::MissingIntermediate { .. }
            | FaultKind::EnrolmentIncomplete { .. }
            | FaultKind::BadSignature => Self::Trust,
            FaultKind::CrossSignedExpired => Self::Path,
            FaultKind::Expired { clock: super::Clock::DeviceOnly, .. }
            | FaultKind::NotYetValid { clock: super::Clock::DeviceOnly, .. } => Self::Clock,
            FaultKind::Expired { .. } | FaultKind::NotYetValid { .. } => fault.certificate.map_or(Self::Path, Self::Dates),
            FaultKind::NameMismatch { .. } => Self::Name,
            FaultKind::WrongUsage { .. } => Self::Usage(fault.certificate),
        }
    }
}

/// What would still speak against the chain, with these things mended, in the order in which a verifier finds it.
pub fn judge_repaired(question: &Question<'_>, repairs: &[Repair]) -> Vec<Fault> {
    let device_now = question.device_now.filter(|_| !repairs.contains(&Repair::Clock));
    let question = Question { device_now, ..question.clone() };
    // A CA that the device holds is judged more mildly than one that it only meets.
    let top = repairs.contains(&Repair::Trust).then(|| top_of(&question)).flatten();
    let held: Vec<(Frame, Arc<Certificate>)> = match top {
        Some(top) => question.fetched.iter().cloned().chain([(Frame::new(0), top)]).collect(),
        None => Vec::new(),
    };
    let question = if held.is_empty() { question } else { Question { fetched: &held, ..question } };
    let mut faults = judge(&question).faults;
    faults.retain(|fault| !repairs.contains(&Repair::of(fault)));
    faults
}

/// The root in which the path ends, if it leads to one. (A server's certificate alone is none, whoever signed it.)
fn top_of(question: &Question<'_>) -> Option<Arc<Certificate>> {
    let path = judge(question).path;
    let Some(Link::Sent(index)) = path.last().filter(|_| path.len() > 1) else { return None };
    let top = question.chain.get(*index)?;
    let is_root = top.body.as_ref().is_ok_and(|body| body.subject.der == body.issuer.der);
    is_root.then(|| Arc::clone(top))
}
