//! The faults of one chain in, sentences out: what must be issued again, and what to mend in the same go. Knows no rule.

use crate::findings::Case;
use crate::findings::shared::judged::{Judged, PROBABLE, clock_of, fault_words};
use crate::text::WireText;
use crate::trust::{Clock, Fault, FaultKind};

/// What else the same chain needs, so that nobody has to reissue it twice. Signatures and keys are named together where the
/// finding is about one of them.
pub fn mend_together(judged: &Judged<'_>, fault: &Fault) -> String {
    let strength = |kind: &FaultKind| matches!(kind, FaultKind::UnsupportedSignature { .. } | FaultKind::UnsupportedKey { .. });
    let named = |other: &&Fault| *other == fault || strength(&fault.kind) && strength(&other.kind);
    let counts = |other: &&Fault| other.certainty >= PROBABLE && clock_of(&other.kind) != Some(Clock::DeviceOnly);
    let mut others: Vec<(String, Vec<String>)> = Vec::new();
    for other in judged.faults.iter().filter(|other| !named(other) && counts(other)) {
        let (words, whose) = (fault_words(&other.kind), judged.short_name(other.certificate));
        match others.iter_mut().find(|(known, _)| *known == words) {
            Some((_, list)) => list.push(whose),
            None => others.push((words, vec![whose])),
        }
    }
    if others.is_empty() {
        return String::new();
    }
    let others: Vec<String> = others.iter().take(4).map(|(words, whose)| format!("{words} ({})", whose.join(", "))).collect();
    format!(" This alone may not be enough: mend in the same go {}.", others.join("; "))
}

/// Which certificates of a chain must be issued again for what the device can verify, and how: one sentence for the
/// signatures, one for the keys.
pub fn reissue(case: &Case<'_>, judged: &Judged<'_>) -> String {
    let server = judged.place().server();
    let listed = |fits: fn(&FaultKind) -> bool| {
        let at_fault = || judged.faults.iter().filter(|fault| fits(&fault.kind));
        let probable = at_fault().any(|fault| fault.certainty >= PROBABLE);
        let at_fault = at_fault().filter(|fault| !probable || fault.certainty >= PROBABLE);
        let mut names: Vec<String> = at_fault.map(|fault| judged.short_name(fault.certificate)).collect();
        names.dedup();
        names.join(", ")
    };
    let mut sentences = Vec::new();
    let signatures = listed(|kind| matches!(kind, FaultKind::UnsupportedSignature { .. }));
    if !signatures.is_empty() {
        let with = strongest_hash(case).map(|hash| format!(" ({hash})")).unwrap_or_default();
        sentences
            .push(format!("Have these issued again for {server} with a signature that the device verifies{with}: {signatures}."));
    }
    let keys = listed(|kind| matches!(kind, FaultKind::UnsupportedKey { .. }));
    let wanted = judged.faults.iter().find_map(|fault| match &fault.kind {
        FaultKind::UnsupportedKey { key, wanted } => Some((WireText::from(key.as_str()), wanted)),
        _ => None,
    });
    if let (Some((key, wanted)), false) = (wanted, keys.is_empty()) {
        sentences.push(format!("Give these a key that the device can use ({wanted} instead of {key}): {keys}."));
    }
    sentences.join(" ")
}

/// The hash to issue with: nobody should go back to MD5 where SHA-1 will do.
fn strongest_hash(case: &Case<'_>) -> Option<&'static str> {
    let (known, _) = case.profile.trust.hashes.as_ref()?;
    known.iter().max().map(|hash| hash.name())
}
