//! The promise to those who build on the output, held against every capture in captures/: keys and words of the JSON
//! document, and filters that select exactly the frame that they speak of.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that fails says why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const STAGES: &[&str] = &[
    "link",
    "address",
    "names",
    "time",
    "provision",
    "directory",
    "enrolment",
    "connect",
    "tls",
    "register",
    "session",
    "update",
];
const OUTCOMES: &[&str] = &["ok", "failed", "skipped", "unseen", "unclear"];
const BY: &[&str] = &["device", "server", "network", "unknown"];
const HOW: &[&str] = &["alert", "fin", "rst", "timeout", "icmp", "rejected", "abandoned"];
const VERDICTS: &[&str] = &["loop", "dropped", "signed-in", "incomplete", "no-login"];

/// `captures/<case>/capture.pcap` and `.pcapng`, in order.
fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let Ok(cases) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no captures in {}", folder.display());
        return Vec::new();
    };
    let mut captures: Vec<PathBuf> = cases
        .map(|case| case.unwrap().path())
        .flat_map(|case| ["pcap", "pcapng"].map(|extension| case.join("capture").with_extension(extension)))
        .filter(|path| path.is_file())
        .collect();
    captures.sort();
    captures
}

fn diagnose(format: &str, capture: &Path) -> String {
    let program = env!("CARGO_BIN_EXE_loginloop");
    let output = Command::new(program).args(["diagnose", "--format", format]).arg(capture).output().unwrap();
    assert!(output.status.success(), "{}: {}", capture.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn document(capture: &Path) -> Value {
    serde_json::from_str(&diagnose("json", capture)).unwrap()
}

/// The keys of an object: all of `keys`, in this order among each other (others may stand between).
#[track_caller]
fn has_keys(object: &Value, keys: &[&str]) {
    let object = object.as_object().unwrap_or_else(|| panic!("an object: {object}"));
    let there: Vec<&str> = object.keys().map(String::as_str).filter(|key| keys.contains(key)).collect();
    assert_eq!(there, keys, "{object:?}");
}

#[track_caller]
fn is_word(value: &Value, words: &[&str]) {
    let word = value.as_str().unwrap_or_else(|| panic!("a word: {value}"));
    assert!(words.contains(&word), "{word:?} is none of {words:?}");
}

#[track_caller]
fn is_confidence(value: &Value) {
    let confidence = value.as_f64().unwrap_or_else(|| panic!("a number: {value}"));
    assert!((0.0..=1.0).contains(&confidence), "{confidence}");
    assert!(value.to_string().len() <= "0.97".len(), "{value}: two digits");
}

#[track_caller]
fn is_time(value: &Value) {
    let time = value.as_str().unwrap_or_else(|| panic!("a time: {value}"));
    let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00.000000000Z", "{time}");
}

#[track_caller]
fn is_frame(value: &Value, frames: u64) {
    let frame = value.as_u64().unwrap_or_else(|| panic!("a frame: {value}"));
    assert!((1..=frames).contains(&frame), "{frame} of {frames}");
}

fn check_capture(capture: &Value) {
    let keys = [
        "path",
        "format",
        "compression",
        "frames",
        "bytes",
        "first_time",
        "last_time",
        "truncated",
        "snaplen_limited",
        "warnings",
        "notes",
    ];
    has_keys(capture, &keys);
    for time in ["first_time", "last_time"] {
        if !capture[time].is_null() {
            is_time(&capture[time]);
        }
    }
    for warning in capture["warnings"].as_array().unwrap() {
        has_keys(warning, &["frame", "text"]);
    }
    for note in capture["notes"].as_array().unwrap() {
        has_keys(note, &["code", "text"]);
        assert!(note["code"].as_str().unwrap().starts_with("capture-"), "{note}");
    }
}

fn check_attempt(attempt: &Value, frames: u64) {
    has_keys(attempt, &["number", "first_frame", "last_frame", "start", "end", "stages", "drop", "primary_cause"]);
    is_frame(&attempt["first_frame"], frames);
    is_frame(&attempt["last_frame"], frames);
    is_time(&attempt["start"]);
    is_time(&attempt["end"]);
    for stage in attempt["stages"].as_array().unwrap() {
        has_keys(stage, &["stage", "outcome", "first_frame", "last_frame", "detail"]);
        is_word(&stage["stage"], STAGES);
        is_word(&stage["outcome"], OUTCOMES);
    }
    let drop = &attempt["drop"];
    if drop.is_null() {
        assert!(attempt["primary_cause"].is_null(), "{attempt}");
        return;
    }
    has_keys(drop, &["stage", "by", "how", "frame", "screen"]);
    is_word(&drop["stage"], STAGES);
    is_word(&drop["by"], BY);
    is_word(&drop["how"], HOW);
    is_frame(&drop["frame"], frames);
    // Where the story of the attempt is told, it marks the frame that ended it, once.
    let told = attempt["timeline"].as_array().unwrap();
    let decisive: Vec<&Value> = told.iter().filter(|moment| moment["decisive"] == true).map(|moment| &moment["frame"]).collect();
    assert!(told.is_empty() || decisive == [&drop["frame"]], "{decisive:?}, and the drop is {drop}");
}

fn check_finding(finding: &Value, frames: u64) {
    has_keys(finding, &["code", "stage", "primary", "confidence", "summary", "why", "fix", "evidence"]);
    is_word(&finding["stage"], STAGES);
    is_confidence(&finding["confidence"]);
    let summary = finding["summary"].as_str().unwrap();
    assert!(!summary.is_empty() && !summary.contains('\n'), "{summary:?}");
    assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{finding}");
    let evidence = finding["evidence"].as_array().unwrap();
    assert!(!evidence.is_empty(), "{finding}");
    for evidence in evidence {
        has_keys(evidence, &["frame", "display_filter", "text"]);
        is_frame(&evidence["frame"], frames);
    }
}

fn check_device(device: &Value, frames: u64) {
    let keys = [
        "mac",
        "ips",
        "vlan",
        "name",
        "profile",
        "profile_evidence",
        "verdict",
        "verdict_confidence",
        "attempts",
        "loop",
        "findings",
    ];
    has_keys(device, &keys);
    is_word(&device["verdict"], VERDICTS);
    is_confidence(&device["verdict_confidence"]);
    let attempts = device["attempts"].as_array().unwrap();
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt["number"], number);
        check_attempt(attempt, frames);
    }
    assert_eq!(device["loop"].is_null(), device["verdict"] != "loop", "{device}");
    if device["verdict"] == "loop" {
        has_keys(&device["loop"], &["attempts", "period_s", "drop_stage", "restarts_at"]);
        is_word(&device["loop"]["drop_stage"], STAGES);
        is_word(&device["loop"]["restarts_at"], STAGES);
        let dropped = attempts.iter().filter(|attempt| !attempt["drop"].is_null()).count();
        assert_eq!(device["loop"]["attempts"], dropped);
        assert!(dropped >= 2);
    }
    let findings = device["findings"].as_array().unwrap();
    for finding in findings {
        check_finding(finding, frames);
    }
    let primary = findings.iter().filter(|finding| finding["primary"] == true).count();
    assert!(primary <= 1, "{findings:?}");
}

#[test]
fn documents_have_the_keys_and_words_of_the_contract() {
    for capture in captures() {
        eprintln!("{}", capture.display());
        let document = document(&capture);
        has_keys(&document, &["schema", "tool", "capture", "devices"]);
        assert_eq!(document["schema"], "loginloop/1");
        has_keys(&document["tool"], &["name", "version"]);
        check_capture(&document["capture"]);
        let frames = document["capture"]["frames"].as_u64().unwrap();
        for device in document["devices"].as_array().unwrap() {
            check_device(device, frames);
        }
        let lines = diagnose("jsonl", &capture);
        assert_eq!(lines.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Value>(&lines).unwrap(), document);
    }
}

/// The codes that the program can explain.
#[test]
fn every_code_can_be_explained() {
    let program = env!("CARGO_BIN_EXE_loginloop");
    let output = Command::new(program).args(["explain", "--format", "json"]).output().unwrap();
    let explained: Value = serde_json::from_slice(&output.stdout).unwrap();
    let explained: BTreeSet<&str> = explained.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    for capture in captures() {
        let document = document(&capture);
        let findings = document["devices"].as_array().unwrap().iter().flat_map(|device| device["findings"].as_array().unwrap());
        let notes = document["capture"]["notes"].as_array().unwrap().iter();
        for one in findings.chain(notes) {
            let code = one["code"].as_str().unwrap();
            assert!(explained.contains(code), "{}: {code}", capture.display());
        }
    }
}

/// The frames that a filter selects, as tshark says; `None` where there is no tshark.
fn selected(capture: &Path, filter: &str) -> Option<Vec<u64>> {
    let output =
        match Command::new("tshark").arg("-r").arg(capture).args(["-Y", filter, "-T", "fields", "-e", "frame.number"]).output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("skipped: tshark cannot be run ({error})");
                return None;
            }
        };
    // A capture that is cut makes tshark complain, and is read all the same.
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || complaint.contains("cut short"), "{filter}: {complaint}");
    let frames = String::from_utf8(output.stdout).unwrap();
    Some(frames.lines().map(|line| line.trim().parse().unwrap()).collect())
}

/// Every filter begins with its frame's number, so that it selects that frame or none. So filters of different frames can
/// be asked together: one run of tshark for the first filter of each frame, one for the second…
#[test]
fn every_display_filter_selects_exactly_its_frame() {
    for capture in captures() {
        let document = document(&capture);
        let mut filters: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
        for device in document["devices"].as_array().unwrap() {
            for finding in device["findings"].as_array().unwrap() {
                for evidence in finding["evidence"].as_array().unwrap() {
                    let frame = evidence["frame"].as_u64().unwrap();
                    let filter = evidence["display_filter"].as_str().unwrap();
                    let number = format!("frame.number == {frame}");
                    let rest = filter.strip_prefix(&number).unwrap_or_else(|| panic!("{filter:?} begins with {number}"));
                    assert!(rest.is_empty() || rest.starts_with(" && "), "{filter:?}");
                    filters.entry(frame).or_default().insert(filter.to_owned());
                }
            }
        }
        while !filters.is_empty() {
            let together: Vec<(u64, String)> =
                filters.iter_mut().filter_map(|(frame, filters)| Some((*frame, filters.pop_first()?))).collect();
            filters.retain(|_, filters| !filters.is_empty());
            let filter = together.iter().map(|(_, filter)| format!("({filter})")).collect::<Vec<_>>().join(" || ");
            let Some(frames) = selected(&capture, &filter) else { return };
            let missed: Vec<&(u64, String)> = together.iter().filter(|(frame, _)| !frames.contains(frame)).collect();
            assert!(missed.is_empty(), "{}: these select nothing: {missed:#?}", capture.display());
            assert_eq!(frames.len(), together.len(), "{}: {frames:?}", capture.display());
        }
    }
}

/// The filters at the end of the report for people.
#[test]
fn the_filters_to_paste_are_good() {
    let looping = captures()
        .into_iter()
        .find(|capture| document(capture)["devices"].as_array().unwrap().iter().any(|device| device["verdict"] == "loop"));
    let Some(capture) = looping else { return };
    let report = diagnose("text", &capture);
    let lines = report.lines().skip_while(|line| !line.starts_with("Wireshark:"));
    let mut filters = 0;
    for line in lines.take_while(|line| line.starts_with("Wireshark:") || line.starts_with("  ")) {
        let start = ["frame.number", "eth.addr", "ip.addr", "ipv6.addr"].iter().filter_map(|field| line.find(field)).min();
        let filter = &line[start.unwrap_or_else(|| panic!("a filter: {line}"))..];
        let Some(frames) = selected(&capture, filter) else { return };
        assert!(!frames.is_empty(), "{filter}");
        filters += 1;
    }
    assert_eq!(filters, 3, "{report}");
}
