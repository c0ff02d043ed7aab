//! The report for code-scanning pipelines: SARIF 2.1.0. A result is a finding of a device; its place is the capture, with
//! the frame in the message, because a capture has no lines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::{told, visible, words};
use crate::findings::{self, Rule};
use crate::verdict::{Analysis, DeviceAnalysis, Finding};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The results of all captures of a run.
#[derive(Debug, Default)]
pub struct Sarif {
    results: Vec<Entry>,
    /// Codes that were found, with their place in the list of rules.
    rules: BTreeMap<&'static str, usize>,
    order: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    properties: Properties,
    partial_fingerprints: Fingerprint,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
}

#[derive(Debug, Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    kind: &'static str,
}

#[derive(Debug, Serialize)]
struct Properties {
    verdict: String,
    primary: bool,
    confidence: f64,
    stage: String,
    frames: Vec<u64>,
    fix: String,
}

#[derive(Debug, Serialize)]
struct Fingerprint {
    #[serde(rename = "loginloop/v1")]
    value: String,
}

impl Sarif {
    /// Takes the findings of one capture.
    pub fn add(&mut self, analysis: &Analysis, path: &str) {
        for device in &analysis.devices {
            for finding in &device.findings {
                let entry = self.entry(device, finding, path);
                self.results.push(entry);
            }
        }
    }

    fn entry(&mut self, device: &DeviceAnalysis, finding: &Finding, path: &str) -> Entry {
        let next = self.order.len();
        let rule_index = *self.rules.entry(finding.code).or_insert(next);
        if rule_index == next {
            self.order.push(finding.code);
        }
        let address = words::address(device);
        let level = match (finding.primary, told::is_failed(device)) {
            (true, _) => "error",
            (false, true) => "warning",
            (false, false) => "note",
        };
        Entry {
            rule_id: finding.code,
            rule_index,
            level,
            message: Text { text: format!("{address} ({}): {}", words::kind(device), finding.summary) },
            locations: vec![Location {
                physical_location: PhysicalLocation { artifact_location: Artifact { uri: uri(path) } },
                logical_locations: vec![LogicalLocation { name: address.clone(), kind: "device" }],
            }],
            properties: Properties {
                verdict: device.verdict.to_string(),
                primary: finding.primary,
                confidence: words::two_digits(finding.confidence),
                stage: finding.stage.to_string(),
                frames: finding.evidence.iter().map(|proof| proof.frame.number()).collect(),
                fix: finding.fix.clone(),
            },
            partial_fingerprints: Fingerprint { value: format!("{address}/{}/{}", finding.code, finding.stage) },
        }
    }

    /// Writes the document.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let rules: Vec<serde_json::Value> = self
            .order
            .iter()
            .filter_map(|code| findings::ALL.iter().find(|rule| rule.code == *code))
            .map(|rule| described(rule))
            .collect();
        let document = serde_json::json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": { "name": "loginloop", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        });
        visible::indented(&document, &mut *out)?;
        out.write_all(b"\n")
    }
}

fn described(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "id": rule.code,
        "shortDescription": { "text": rule.help.what },
        "fullDescription": { "text": rule.help.why },
        "help": { "text": rule.help.fix },
    })
}

/// A path as a relative reference, an absolute one as that of a local file (RFC 3986, RFC 8089): whatever is not unreserved is
/// written in per cent.
fn uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut uri = if path.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_result_for_each_finding_and_each_rule_once() {
        let mut sarif = Sarif::default();
        let analysis = samples::founding_loop();
        sarif.add(&analysis, "a b/field.pcapng");
        sarif.add(&analysis, "second.pcapng");
        let mut out = Vec::new();
        sarif.write(&mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let run = &json["runs"][0];
        let findings: usize = analysis.devices.iter().map(|device| device.findings.len()).sum();
        assert_eq!(run["results"].as_array().unwrap().len(), 2 * findings);
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            assert_eq!(rules[result["ruleIndex"].as_u64().unwrap() as usize]["id"], result["ruleId"]);
        }
        let first = &run["results"][0];
        assert_eq!((&first["level"], &first["ruleId"]), (&"error".into(), &"cert-unsupported-signature".into()));
        assert_eq!(first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "a%20b/field.pcapng");
    }

    #[test]
    fn an_absolute_path_is_that_of_a_local_file() {
        assert_eq!(uri("/srv/a b.pcap"), "file:///srv/a%20b.pcap");
        assert_eq!(uri("b.pcap"), "b.pcap");
    }
}
