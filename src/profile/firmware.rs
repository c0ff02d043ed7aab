//! What differs within a family from one firmware to the next, and which firmware a device has.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Profile, TrustPolicy};
use crate::device::facts::DeviceFacts;
use crate::text::WireText;

/// A version number: `4.0.7577.4444`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

impl Version {
    /// The version at the beginning of a text: numbers and dots, at least two numbers.
    fn at_start(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers: Option<Vec<u32>> = text.get(..end)?.trim_end_matches('.').split('.').map(|part| part.parse().ok()).collect();
        numbers.filter(|numbers| numbers.len() >= 2).map(Self)
    }

    /// The version that follows `marker` in a text, whatever the case of the marker.
    fn after(marker: &str, text: &str) -> Option<Self> {
        let start = text.to_ascii_lowercase().find(&marker.to_ascii_lowercase())?;
        Self::at_start(text.get(start.checked_add(marker.len())?..)?)
    }
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let version = Self::at_start(&text).filter(|version| version.to_string() == text);
        version.ok_or_else(|| format!("{text:?} is not a version such as \"4.0.7577.4444\""))
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.0.iter().map(u32::to_string).collect();
        out.write_str(&numbers.join("."))
    }
}

/// What holds for a range of firmware.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// What precedes the version in a user agent: `CPE/`.
    pub marker: String,
    /// The first version for which it holds.
    pub from: Option<Version>,
    /// The first version for which it no longer holds.
    pub below: Option<Version>,
    /// Must an SRV target lie in the SIP domain?
    pub strict_domain: Option<bool>,
    /// What it says of trust; whatever is `None` here stays as the profile has it.
    pub trust: TrustPolicy,
}

impl Variant {
    fn holds_for(&self, agents: &[WireText]) -> bool {
        let Some(version) = agents.iter().rev().find_map(|agent| Version::after(&self.marker, agent.raw())) else { return false };
        self.from.as_ref().is_none_or(|from| version >= *from) && self.below.as_ref().is_none_or(|below| version < *below)
    }
}

impl Profile {
    /// This profile as it holds for the firmware that the device's user agents name; unchanged where they name none.
    pub fn for_firmware(&self, facts: &DeviceFacts) -> Cow<'_, Profile> {
        let mut profile = Cow::Borrowed(self);
        for variant in self.variants.iter().filter(|variant| variant.holds_for(&facts.user_agents)) {
            let profile = profile.to_mut();
            profile.strict_domain = variant.strict_domain.unwrap_or(profile.strict_domain);
            profile.trust.refine(&variant.trust);
        }
        profile
    }
}

impl TrustPolicy {
    /// Takes over what `newer` knows.
    fn refine(&mut self, newer: &TrustPolicy) {
        fn take<T: Clone>(old: &mut Option<T>, new: &Option<T>) {
            if new.is_some() {
                old.clone_from(new);
            }
        }
        take(&mut self.hashes, &newer.hashes);
        take(&mut self.keys, &newer.keys);
        take(&mut self.rsa_max, &newer.rsa_max);
        take(&mut self.rsa_min, &newer.rsa_min);
        take(&mut self.weak_hashes, &newer.weak_hashes);
        take(&mut self.pss, &newer.pss);
        take(&mut self.wildcard, &newer.wildcard);
        take(&mut self.checks_name, &newer.checks_name);
        take(&mut self.tls_min, &newer.tls_min);
        take(&mut self.tls_max, &newer.tls_max);
        take(&mut self.sends_sni, &newer.sends_sni);
        take(&mut self.checks_chain, &newer.checks_chain);
        self.built_in_cas |= newer.built_in_cas;
    }
}
