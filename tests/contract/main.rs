//! The promise to those who build on the output (`docs/contract.md`), held against every capture in captures/: keys, words
//! and codes of the JSON document, and filters that select exactly the frame that they speak of.
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

use loginloop::findings;
use loginloop::model::{By, How, Outcome, Prospect, Stage, Verdict};
use serde_json::Value;

mod document;
mod filters;
mod formats;
mod promise;
mod wireshark;

use promise::Promise;

/// `captures/<case>/capture.pcap` and `.pcapng`, in order.
fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let cases = std::fs::read_dir(&folder).unwrap().map(|case| case.unwrap().path());
    let mut captures: Vec<PathBuf> = cases
        .flat_map(|case| ["pcap", "pcapng"].map(|extension| case.join("capture").with_extension(extension)))
        .filter(|path| path.is_file())
        .collect();
    captures.sort();
    assert!(!captures.is_empty(), "no captures in {}", folder.display());
    captures
}

fn loginloop(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_loginloop")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn diagnose(format: &str, capture: &Path) -> String {
    loginloop(&["diagnose", "--format", format, capture.to_str().unwrap()])
}

fn document(capture: &Path) -> Value {
    serde_json::from_str(&diagnose("json", capture)).unwrap()
}

#[test]
fn documents_have_the_keys_and_words_of_the_contract() {
    let promise = Promise::read();
    for capture in captures() {
        eprintln!("{}", capture.display());
        let document = document(&capture);
        document::check(&document, &promise);
        let lines = diagnose("jsonl", &capture);
        assert_eq!(lines.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Value>(&lines).unwrap(), document);
    }
}

/// So that a place that may be null, or a list that may be empty, is not one that is always so.
#[test]
fn every_place_of_the_sample_has_a_value_in_some_capture() {
    fn places(place: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Null => (),
            Value::Array(list) => list.iter().for_each(|one| places(place, one, found)),
            Value::Object(object) => object.iter().for_each(|(key, value)| places(&format!("{place}.{key}"), value, found)),
            _ => _ = found.insert(place.to_owned()),
        }
    }
    /// No capture of ours is damaged, and none has three faults at one frame.
    const NOWHERE: &[&str] = &[
        ".capture.warnings.frame",
        ".capture.warnings.text",
        ".devices.next_obstacle.further.code",
        ".devices.next_obstacle.further.confidence",
        ".devices.next_obstacle.further.stage",
        ".devices.next_obstacle.further.summary",
    ];
    let (mut promised, mut seen) = (BTreeSet::new(), BTreeSet::new());
    places("", &Promise::read().sample(), &mut promised);
    captures().iter().for_each(|capture| places("", &document(capture), &mut seen));
    let missing: Vec<&String> = promised.difference(&seen).collect();
    assert_eq!(missing, NOWHERE);
}

#[test]
fn the_words_of_the_program_are_those_of_the_contract() {
    let promise = Promise::read();
    let have = |words: &[&str], of: &str| assert_eq!(words, promise.words(of), "{of}");
    have(&Stage::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "stage");
    have(&Outcome::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "outcome");
    have(&By::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "by");
    have(&How::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "how");
    have(&Verdict::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "verdict");
    have(&Prospect::ALL.iter().map(|word| word.word()).collect::<Vec<_>>(), "prospect");
}

#[test]
fn every_code_has_a_rule_of_its_stage() {
    let stage = |rule: &findings::Rule| rule.stage.map_or("any", |stage| stage.word()).to_owned();
    let rules: BTreeMap<String, String> = findings::ALL.iter().map(|rule| (rule.code.to_owned(), stage(rule))).collect();
    assert_eq!(rules, Promise::read().codes());
}

#[test]
fn every_code_and_note_can_be_explained() {
    let promise = Promise::read();
    let explained: Value = serde_json::from_str(&loginloop(&["explain", "--format", "json"])).unwrap();
    let explained: Vec<&str> = explained.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    let wanted: Vec<String> = promise.codes().into_keys().chain(promise.words("note")).collect();
    assert_eq!(explained, wanted);
}
