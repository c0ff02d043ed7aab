//! The VLANs that a device was in, one after the other, while it only asked for an address: does it go to and fro?

use crate::device::facts::VlanStay;
use crate::findings::Case;

/// Stays that two cycles make: there, back, there, back, there.
pub(crate) const TWO_CYCLES: usize = 5;

/// The stays of a device that goes to and fro between the same two VLANs, if they make two cycles, and the attempt lies in them.
pub(crate) fn to_and_fro<'a>(case: &Case<'a>) -> Option<&'a [VlanStay]> {
    let stays = two_cycles(&case.known.vlan_stays)?;
    let during = stays.first()?.first <= case.attempt.last && case.attempt.first <= stays.last()?.last;
    during.then_some(stays)
}

/// The stays at the end of the list that go to and fro, if they make two cycles.
fn two_cycles(stays: &[VlanStay]) -> Option<&[VlanStay]> {
    let alternating =
        stays.iter().rev().zip(stays.iter().rev().skip(2)).take_while(|(one, other)| one.vlan == other.vlan).count();
    let length = alternating.saturating_add(2);
    let from = stays.len().checked_sub(length)?;
    stays.get(from..).filter(|stays| stays.len() >= TWO_CYCLES)
}
