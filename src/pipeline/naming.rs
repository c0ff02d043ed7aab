//! How a device is named from outside, in a request and in an answer. Knows nothing of what it did.

use std::fmt;
use std::net::IpAddr;

use crate::device::facts::DeviceFacts;
use crate::model::{Mac, Verdict};
use crate::verdict::DeviceAnalysis;

/// A device, as a user names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// By its MAC.
    Mac(Mac),
    /// By one of its addresses.
    Ip(IpAddr),
}

impl std::str::FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mac = text.parse().map(Selector::Mac).ok();
        let ip = || text.parse().map(Selector::Ip).ok();
        mac.or_else(ip).ok_or_else(|| format!("{text:?} is neither a MAC address (00:04:f2:1a:2b:3c) nor an IP address"))
    }
}

/// Which device of a capture is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This one.
    Named(Selector),
    /// The one whose login went best.
    Best,
    /// The one whose login went worst.
    Worst,
}

impl Wanted {
    /// The device, if it is there; of equals the first. What shows no login is only taken where nothing else is.
    pub fn choose(self, devices: Vec<DeviceAnalysis>) -> Option<DeviceAnalysis> {
        let mut devices = devices.into_iter();
        match self {
            Wanted::Named(Selector::Mac(mac)) => devices.find(|device| device.mac == Some(mac)),
            Wanted::Named(Selector::Ip(ip)) => devices.find(|device| device.ips.contains(&ip)),
            Wanted::Best => devices.min_by_key(|device| match device.verdict {
                Verdict::SignedIn => 0,
                Verdict::Incomplete => 1,
                Verdict::Dropped => 2,
                Verdict::Loop => 3,
                Verdict::NoLogin => 4,
            }),
            Wanted::Worst => devices.min_by_key(|device| device.verdict.urgency()),
        }
    }
}

/// By what `events` calls a device: its MAC where the capture has shown it, else its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// Its MAC.
    Mac(Mac),
    /// Its address.
    Ip(IpAddr),
}

impl fmt::Display for DeviceName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Mac(mac) => mac.fmt(out),
            DeviceName::Ip(ip) => ip.fmt(out),
        }
    }
}

/// Is it the one that is wanted, if one is?
pub(super) fn is_selected(selector: Option<Selector>, facts: &DeviceFacts) -> bool {
    match selector {
        None => true,
        Some(Selector::Mac(mac)) => facts.mac == Some(mac),
        Some(Selector::Ip(ip)) => facts.addresses.contains(&ip),
    }
}
