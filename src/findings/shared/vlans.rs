//! The VLANs that a device was in, one after the other, while it only asked for an address: does it go to and fro?

use crate::device::facts::{VlanStay, VoiceVlan};
use crate::findings::Case;

/// Stays that two cycles make: there, back, there, back, there.
pub(crate) const TWO_CYCLES: usize = 5;

/// The same, where switches announce both VLANs for voice: whoever hears that was sent to each of them twice.
const SENT_TWICE: usize = 4;

/// The stays of a device that goes to and fro between the same two VLANs, if they make two cycles, and the attempt lies in them.
pub(crate) fn to_and_fro<'a>(case: &Case<'a>) -> Option<&'a [VlanStay]> {
    let all = &case.known.vlan_stays;
    // It may have gone elsewhere since.
    let runs = (0..=all.len()).rev().filter_map(|end| alternating(all.get(..end)?));
    let is_enough = |stays: &&[VlanStay]| {
        let least = if announced(case, stays).is_some() { SENT_TWICE } else { TWO_CYCLES };
        stays.len() >= least
    };
    let mut during = runs.filter(|stays| match (stays.first(), stays.last()) {
        (Some(first), Some(last)) => first.first <= case.attempt.last && case.attempt.first <= last.last,
        _ => false,
    });
    during.find(is_enough)
}

/// The announcements that send it to and fro: switches name both VLANs for voice, as one port does by LLDP-MED and CDP that are
/// set apart.
pub(crate) fn announced(case: &Case<'_>, stays: &[VlanStay]) -> Option<[VoiceVlan; 2]> {
    let rivals = *case.known.rival_voice_vlans.as_deref()?;
    let are_told = |stay: &VlanStay| rivals.iter().any(|rival| stay.vlan == Some(rival.vlan));
    stays.iter().all(are_told).then_some(rivals)
}

/// The stays at the end of the list that go to and fro.
fn alternating(stays: &[VlanStay]) -> Option<&[VlanStay]> {
    let length = stays.iter().rev().zip(stays.iter().rev().skip(2)).take_while(|(one, other)| one.vlan == other.vlan).count();
    let from = stays.len().checked_sub(length.saturating_add(2))?;
    stays.get(from..)
}
