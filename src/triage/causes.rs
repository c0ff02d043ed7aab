//! A cause with what makes it another one than the same code elsewhere: the hash that a phone cannot verify, the option that
//! is missing, the status that refused. Read from what a finding's evidence selects and from the chains that were drawn, never
//! from its sentences; no frame, time, address or name is part of it.

use serde::{Deserialize, Serialize};

use std::collections::BTreeSet;

use super::places::place;
use crate::model::{Aspect, Evidence, Stage};
use crate::verdict::{Check, DeviceAnalysis, Drawn, Fix, Onward};

/// What would stop a device behind its primary cause is a need of its own from this confidence on.
const PROBABLE: f32 = 0.5;
/// Characters of a word in a fingerprint.
const WORD: usize = 40;
/// Parameters of a cause.
const PARAMETERS: usize = 8;

/// Codes that speak of several faults, and the field of Wireshark in their evidence that tells which: another value needs
/// another remedy.
const TOLD_BY_FIELD: &[(&str, &str)] = &[
    ("account-unusable", "kerberos.error_code"),
    ("dhcp-bad-option", "dhcp.option.type"),
    ("dhcp-missing-option", "dhcp.option.type"),
    ("dns-server-error", "dns.flags.rcode"),
    ("enrolment-server-error", "http.response.code"),
    ("icmp-unreachable", "icmp.code"),
    ("kerberos-error", "kerberos.error_code"),
    ("ldap-bind-failed", "ldap.resultCode"),
    ("ldap-search-failed", "ldap.resultCode"),
    ("provision-rejected", "http.response.code"),
    ("sip-rejected", "sip.Status-Code"),
    ("sip-server-error", "sip.Status-Code"),
    ("tls-handshake-failed", "tls.alert_message.desc"),
];

/// Codes whose fault stands in a certificate, and where.
const TOLD_BY_CHAIN: &[(&str, &[Aspect])] = &[
    ("cert-unsupported-signature", &[Aspect::Signature]),
    ("cert-unsupported-key", &[Aspect::Key]),
    ("cert-weak", &[Aspect::Signature, Aspect::Key]),
];

/// A cause as it stands in a fingerprint: `cert-unsupported-signature[sha256WithRSAEncryption]`.
pub(super) fn cause(device: &DeviceAnalysis, code: &str, stage: Stage) -> String {
    let parameters: Vec<String> = parameters(device, code, stage).into_iter().take(PARAMETERS).collect();
    if parameters.is_empty() { code.to_owned() } else { format!("{code}[{}]", parameters.join("+")) }
}

fn parameters(device: &DeviceAnalysis, code: &str, stage: Stage) -> BTreeSet<String> {
    if let Some((_, field)) = TOLD_BY_FIELD.iter().find(|(known, _)| *known == code) {
        return evidence(device, code, stage).iter().flat_map(|evidence| values(&evidence.display_filter, field)).collect();
    }
    let aspects = TOLD_BY_CHAIN.iter().find(|(known, _)| *known == code).map_or(&[][..], |(_, aspects)| aspects);
    let certificates = || device.chains.iter().flat_map(|chain| &chain.certificates);
    let checks = |certificate: &'_ Drawn| -> Vec<Check> {
        certificate.checks.iter().filter(|check| aspects.contains(&check.what)).cloned().collect()
    };
    let failed: BTreeSet<String> =
        certificates().flat_map(checks).filter(|check| check.passes == Some(false)).map(|check| word(&check.value)).collect();
    if !failed.is_empty() {
        return failed;
    }
    // Where it is only likely what fails, it is what the server's own certificate has.
    certificates().take(1).flat_map(checks).filter(|check| check.passes.is_none()).map(|check| word(&check.value)).collect()
}

/// The values with which a display filter compares a field.
fn values(filter: &str, field: &str) -> Vec<String> {
    let behind = filter.split(field).skip(1).filter_map(|rest| rest.trim_start().strip_prefix("=="));
    let value = |rest: &str| rest.trim_start().split([' ', ')']).next().map(word).filter(|value| !value.is_empty());
    behind.filter_map(value).collect()
}

/// Text that can be part of a fingerprint: what could not be searched for, or would look like a part of its own, is a dash.
pub(super) fn word(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '-' };
    text.trim_matches('"').chars().take(WORD).map(plain).collect()
}

/// What proves a finding, or what would stop the device behind it.
fn evidence<'a>(device: &'a DeviceAnalysis, code: &str, stage: Stage) -> &'a [Evidence] {
    let finding = device.findings.iter().find(|one| one.code == code && one.stage == stage).map(|one| one.evidence.as_slice());
    let mut behind = device.onward.iter().flat_map(Onward::obstacles);
    let behind = || behind.find(|one| one.code == code && one.stage == stage).map(|one| one.evidence.as_slice());
    finding.or_else(behind).unwrap_or_default()
}

/// Something that must be put right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// What, the same wherever it is the same.
    pub key: String,
    /// The fault in a line.
    pub summary: String,
    /// What an administrator does.
    pub fix: String,
}

/// What must be put right before this device signs in: the primary cause first, then what would probably stop it behind that.
/// Each says where: the same code at another stage is another server's fault, and so it is at another server.
pub(super) fn needs(device: &DeviceAnalysis) -> Vec<Need> {
    let fixes = device.fixes().into_iter().enumerate();
    // The primary cause is the first.
    let counts = fixes.filter(|(place, fix)| *place == 0 || fix.confidence >= PROBABLE).map(|(_, fix)| fix);
    let need = |fix: Fix<'_>| {
        let place = place(device, fix.code, evidence(device, fix.code, fix.stage));
        let place = place.map(|place| format!(" of {place}")).unwrap_or_default();
        Need {
            key: format!("{}@{}{place}", cause(device, fix.code, fix.stage), fix.stage),
            summary: fix.summary.to_owned(),
            fix: fix.fix.to_owned(),
        }
    };
    counts.map(need).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_asked_for_the_values_of_a_field() {
        let filter = "frame.number == 9 && dhcp.option.dhcp == 5 && !(dhcp.option.type == 3) && !(dhcp.option.type == 6)";
        assert_eq!(values(filter, "dhcp.option.type"), ["3", "6"]);
        assert_eq!(values(filter, "dhcp.option.dhcp"), ["5"]);
        assert!(values(filter, "sip.Status-Code").is_empty());
    }

    #[test]
    fn a_word_cannot_leave_its_place() {
        assert_eq!(word("RSA 4096"), "RSA-4096");
        assert_eq!(word("a/b[c]@d\u{1b}\u{202e}"), "a-b-c--d--");
        assert_eq!(word(&"x".repeat(100)).len(), WORD);
    }
}
