//! Every bound on all devices together, in one place. What happens when one is hit is counted and ends as a warning, or the
//! oldest goes.

/// Bounds on what is remembered of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Devices. What further ones do is not followed, and the report says so.
    pub(super) devices: usize,
    /// Bindings of addresses to MACs; the oldest go first.
    pub(super) bindings: usize,
    /// Stations whose ARP addresses are counted; beyond it, counting begins anew.
    pub(super) arp_stations: usize,
    /// Memory for what is known of all devices together, in bytes. Beyond it, the lists of the longest idle ones are cut down,
    /// until half of it is free.
    pub(super) facts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { devices: 12_288, bindings: 65_536, arp_stations: 65_536, facts: 16 << 20 }
    }
}
