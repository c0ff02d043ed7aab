//! `annotate` as an engineer uses it: the same packets as before, with the findings on the frames that prove them, as Wireshark
//! shows it. What needs tshark is left out where it is not installed.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]
#![allow(clippy::disallowed_methods, reason = "a test makes and reads its own files")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use loginloop::capture::{CaptureReader, compressed};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_loginloop");

/// Captures of each kind: pcapng, big-endian nanoseconds, cooked, gzip, and one whose phones are many.
const CASES: [&str; 5] =
    ["founding-loop-fin", "healthy-nanosecond-big-endian", "loop-any-interface", "loop-gzip", "three-phones"];

fn capture(case: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case);
    let mut files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("capture.")).unwrap()
}

fn run(arguments: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The annotated capture of a case.
fn annotated(case: &str, test: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("annotate-{test}-{case}.pcapng"));
    run(&["annotate", capture(case).to_str().unwrap(), "-o", out.to_str().unwrap()]);
    out
}

fn packets(path: &Path) -> Vec<(i64, u16, u32, Vec<u8>)> {
    let (input, _) = compressed::plain(std::fs::File::open(path).unwrap()).unwrap();
    let mut reader = CaptureReader::open(input).unwrap();
    let mut packets = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        packets.push((record.at.time.0, record.link_type, record.wire_length, record.data.to_vec()));
    }
    packets
}

/// Frames of the evidence and of the drops, by the JSON.
fn told_frames(path: &Path) -> BTreeSet<u64> {
    let document: Value = serde_json::from_str(&run(&["diagnose", "--format", "json", path.to_str().unwrap()])).unwrap();
    let mut frames = BTreeSet::new();
    for device in document["devices"].as_array().unwrap() {
        let findings = device["findings"].as_array().unwrap().iter();
        frames.extend(
            findings.flat_map(|finding| finding["evidence"].as_array().unwrap()).map(|proof| proof["frame"].as_u64().unwrap()),
        );
        let attempts = device["attempts"].as_array().unwrap().iter();
        frames.extend(attempts.filter_map(|attempt| attempt["drop"]["frame"].as_u64()));
    }
    frames
}

/// What tshark says of a capture, if it is there.
fn tshark(path: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("tshark").arg("-r").arg(path).args(arguments).output().ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_packets_are_the_same() {
    for case in CASES {
        assert_eq!(packets(&annotated(case, "same")), packets(&capture(case)), "{case}");
    }
}

#[test]
fn the_verdict_is_the_same() {
    for case in CASES {
        let devices = |path: &Path| {
            let document: Value = serde_json::from_str(&run(&["diagnose", "--format", "json", path.to_str().unwrap()])).unwrap();
            document["devices"].clone()
        };
        assert_eq!(devices(&annotated(case, "verdict")), devices(&capture(case)), "{case}");
    }
}

#[test]
fn tshark_shows_a_comment_on_each_frame_that_proves_or_ends() {
    for case in CASES {
        let Some(frames) = tshark(
            &annotated(case, "comments"),
            &["-Y", "frame.comment contains \"loginloop:\"", "-T", "fields", "-e", "frame.number"],
        ) else {
            return;
        };
        let shown: BTreeSet<u64> = frames.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(shown, told_frames(&capture(case)), "{case}");
    }
}

#[test]
fn the_script_shows_attempt_stage_and_finding_as_fields() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/wireshark/loginloop.lua");
    let path = annotated("founding-loop-fin", "script");
    let lua = format!("lua_script:{}", script.to_str().unwrap());
    let table = format!("lua_script1:{}.loginloop.tsv", path.to_str().unwrap());
    let fields =
        ["-T", "fields", "-e", "frame.number", "-e", "loginloop.attempt", "-e", "loginloop.stage", "-e", "loginloop.finding"];
    let arguments: Vec<&str> = ["-X", &lua, "-X", &table, "-Y", "loginloop.drop"].into_iter().chain(fields).collect();
    let Some(shown) = tshark(&path, &arguments) else { return };
    let document: Value = serde_json::from_str(&run(&["diagnose", "--format", "json", path.to_str().unwrap()])).unwrap();
    let attempts = document["devices"][0]["attempts"].as_array().unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), attempts.len());
    for (line, attempt) in lines.iter().zip(attempts) {
        let cells: Vec<&str> = line.split('\t').collect();
        assert_eq!(cells[0], attempt["drop"]["frame"].to_string());
        assert_eq!(cells[1], attempt["number"].to_string());
        assert_eq!(cells[2], attempt["drop"]["stage"]);
        assert!(cells[3].split(',').any(|code| code == attempt["primary_cause"]), "{line}");
    }
}

#[test]
fn the_capture_itself_is_never_written_over() {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join("annotate-itself.pcapng");
    std::fs::copy(capture("founding-loop-fin"), &copy).unwrap();
    let output = Command::new(PROGRAM).arg("annotate").arg(&copy).arg("-o").arg(&copy).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(packets(&copy), packets(&capture("founding-loop-fin")));
}
