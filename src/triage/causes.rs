//! A cause with what makes it another one than the same code elsewhere: the hash that a phone cannot verify, the option that
//! is missing, the status that refused. Read from what a finding's evidence selects and from the chains that were drawn, never
//! from its sentences; no frame, time, address or name is part of it.

use std::collections::BTreeSet;

use crate::model::{Aspect, Stage};
use crate::verdict::{Check, DeviceAnalysis, Drawn, Finding};

/// A contributing finding is a need of its own from this confidence on.
const CERTAIN: f32 = 0.9;
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
pub(super) fn cause(device: &DeviceAnalysis, finding: &Finding) -> String {
    let parameters: Vec<String> = parameters(device, finding).into_iter().take(PARAMETERS).collect();
    if parameters.is_empty() { finding.code.to_owned() } else { format!("{}[{}]", finding.code, parameters.join("+")) }
}

fn parameters(device: &DeviceAnalysis, finding: &Finding) -> BTreeSet<String> {
    let field = TOLD_BY_FIELD.iter().find(|(code, _)| *code == finding.code).map(|(_, field)| *field);
    if let Some(field) = field {
        return finding.evidence.iter().flat_map(|evidence| values(&evidence.display_filter, field)).collect();
    }
    let aspects = TOLD_BY_CHAIN.iter().find(|(code, _)| *code == finding.code).map_or(&[][..], |(_, aspects)| aspects);
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

/// What must be put right before this device gets past its drop: the primary cause first, then what is as good as certain at
/// the stage where it drops. Each says where: the same code at another stage is another server's fault.
pub(super) fn needs(device: &DeviceAnalysis, dropped: Stage) -> Vec<(String, &Finding)> {
    let blocks = |finding: &&Finding| finding.primary || finding.confidence >= CERTAIN && finding.stage == dropped;
    if device.primary().is_none() {
        return Vec::new();
    }
    device.findings.iter().filter(blocks).map(|finding| (need(device, finding), finding)).collect()
}

fn need(device: &DeviceAnalysis, finding: &Finding) -> String {
    format!("{}@{}", cause(device, finding), finding.stage)
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
