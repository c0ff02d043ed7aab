//! Logins that failed alike, as one: by the fingerprint, over captures, sites and devices.

use std::collections::{BTreeMap, BTreeSet};

use super::login::{Ended, Login};
use crate::model::{Stage, Verdict};

/// Logins that failed alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What they have in common.
    pub fingerprint: String,
    /// The code of the primary cause; `None` where none was found.
    pub code: Option<String>,
    /// The stage at which they drop.
    pub stage: Stage,
    /// The family of the devices.
    pub family: Option<String>,
    /// In how many captures.
    pub captures: usize,
    /// How many devices: one MAC is one device in all captures, one address is one in its capture.
    pub devices: usize,
    /// The login that shows it most clearly.
    pub example: Example,
}

/// The login that shows a group most clearly.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The capture's path.
    pub path: String,
    /// Where its page is, if it has one.
    pub page: Option<String>,
    /// The device.
    pub device: String,
    /// The decisive frame.
    pub frame: u64,
    /// What was found, in a line.
    pub summary: Option<String>,
    /// What to do.
    pub fix: Option<String>,
    /// How clear it is.
    clearness: Clearness,
}

/// More is clearer: a sure cause, a loop, few others in the same capture, a small capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Clearness {
    hundredths: u32,
    is_loop: bool,
    few_logins: std::cmp::Reverse<usize>,
    few_frames: std::cmp::Reverse<u64>,
}

/// Groups as captures come, in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<String, Growing>,
}

#[derive(Debug)]
struct Growing {
    group: Group,
    last: usize,
    devices: BTreeSet<u32>,
}

/// Where a login was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// The capture's path, its page, its place in the order, its logins and frames.
    pub(super) path: &'a str,
    pub(super) page: Option<&'a str>,
    pub(super) number: usize,
    pub(super) logins: usize,
    pub(super) frames: u64,
    /// Which device, over all captures.
    pub(super) device: u32,
}

impl Groups {
    /// Adds a failed login.
    pub(super) fn add(&mut self, login: &Login, ended: &Ended, seen: Seen<'_>) {
        let clearness = Clearness::of(login, seen);
        let growing = self.groups.entry(ended.fingerprint.clone()).or_insert_with(|| Growing {
            group: Group {
                fingerprint: ended.fingerprint.clone(),
                code: login.primary().map(|finding| finding.code.clone()),
                stage: ended.stage,
                family: login.family.clone(),
                captures: 1,
                devices: 0,
                example: Example::of(login, ended, seen),
            },
            last: seen.number,
            devices: BTreeSet::new(),
        });
        if growing.last != seen.number {
            growing.group.captures = growing.group.captures.saturating_add(1);
            growing.last = seen.number;
        }
        growing.devices.insert(seen.device);
        // Of equals the first one stays.
        if clearness > growing.group.example.clearness {
            growing.group.example = Example::of(login, ended, seen);
        }
    }

    /// The groups, that of most devices first.
    pub(super) fn finish(self) -> Vec<Group> {
        let whole = |growing: Growing| Group { devices: growing.devices.len(), ..growing.group };
        let mut groups: Vec<Group> = self.groups.into_values().map(whole).collect();
        groups.sort_by(|a, b| {
            (b.devices, b.captures).cmp(&(a.devices, a.captures)).then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
        groups
    }
}

impl Example {
    fn of(login: &Login, ended: &Ended, seen: Seen<'_>) -> Self {
        let primary = login.primary();
        Self {
            path: seen.path.to_owned(),
            page: seen.page.map(str::to_owned),
            device: login.device().to_owned(),
            frame: ended.frame,
            summary: primary.map(|finding| finding.summary.clone()),
            fix: primary.map(|finding| finding.fix.clone()),
            clearness: Clearness::of(login, seen),
        }
    }
}

impl Clearness {
    fn of(login: &Login, seen: Seen<'_>) -> Self {
        let confidence = login.primary().map_or(0.0, |finding| finding.confidence);
        Self {
            hundredths: (confidence * 100.0).round().clamp(0.0, 100.0) as u32,
            is_loop: login.verdict == Verdict::Loop,
            few_logins: std::cmp::Reverse(seen.logins),
            few_frames: std::cmp::Reverse(seen.frames),
        }
    }
}
