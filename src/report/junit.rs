//! The report for continuous integration: JUnit XML, a suite for each capture, a test for each device that logs in. A test
//! fails where the device loops or dropped.

use std::io::{self, Write};

use maud::{PreEscaped, html};

use super::page::safe;
use super::{told, words};
use crate::model::Verdict;
use crate::verdict::{Analysis, DeviceAnalysis};

/// Writes what stands before the first capture.
pub fn begin(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"loginloop\">\n")
}

/// Writes one capture.
pub fn capture(analysis: &Analysis, path: &str, out: &mut dyn Write) -> io::Result<()> {
    let devices: Vec<&DeviceAnalysis> = analysis.devices.iter().filter(|device| device.verdict != Verdict::NoLogin).collect();
    let failures = devices.iter().filter(|device| told::is_failed(device)).count();
    let skipped = devices.iter().filter(|device| device.verdict == Verdict::Incomplete).count();
    let suite = html! {
        testsuite name=(visible(path)) tests=(devices.len()) failures=(failures) errors="0" skipped=(skipped) {
            @for device in devices {
                testcase name=(visible(&format!("{} {}", words::address(device), words::kind(device)))) classname=(visible(path)) {
                    @if told::is_failed(device) {
                        failure type=(device.primary().map_or("unknown", |finding| finding.code)) message=(visible(&told::headline(device))) {
                            (visible(&story(device)))
                        }
                    } @else if device.verdict == Verdict::Incomplete {
                        skipped message=(visible(&told::headline(device))) {}
                    }
                }
            }
            @let shortcomings = told::shortcomings(&analysis.capture);
            @if !shortcomings.is_empty() { (PreEscaped("<system-err>")) (visible(&shortcomings.join("; "))) (PreEscaped("</system-err>")) }
        }
    };
    writeln!(out, "{}", suite.into_string())
}

/// Writes what stands after the last capture.
pub fn end(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"</testsuites>\n")
}

/// Cause, end and remedy of a device that failed.
fn story(device: &DeviceAnalysis) -> String {
    let mut parts = Vec::new();
    match device.primary() {
        Some(finding) => parts.extend([format!("Cause: {}", finding.summary), format!("Fix: {}", finding.fix)]),
        None => parts.extend([format!("Cause: {}", told::NO_CAUSE), format!("Next: {}", told::NEXT_CAPTURE)]),
    }
    let attempt = device.typical_attempt();
    parts.extend(attempt.and_then(told::ended).map(|ending| format!("Ended by: {ending}")));
    parts.extend(attempt.and_then(|attempt| attempt.screen.as_ref()).map(|screen| format!("Screen: {screen}")));
    parts.join(" — ")
}

/// XML 1.0 knows no way to write most control characters.
fn visible(text: &str) -> String {
    let visible = safe(text);
    visible.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn xml(analysis: &Analysis) -> String {
        let mut out = Vec::new();
        begin(&mut out).unwrap();
        capture(analysis, "field.pcapng", &mut out).unwrap();
        end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_founding_loop() {
        insta::assert_snapshot!(xml(&samples::founding_loop()));
    }

    #[test]
    fn what_came_by_wire_stays_text() {
        let xml = xml(&samples::hostile());
        assert!(!xml.contains('\u{1b}') && !xml.contains("<script"), "{xml}");
    }
}
