//! Every document that the program writes, against the schema that it promises.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn schema() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(include_str!("../docs/loginloop-1.schema.json")).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// What `diagnose` says of every capture of ours.
fn documents() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut captures = Vec::new();
    for case in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()) {
        let files = std::fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
        captures.extend(files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("capture.")));
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_loginloop")).args(["diagnose", "--format", "jsonl"]).args(captures).output().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_document_is_as_the_schema_says() {
    let schema = schema();
    let documents = documents();
    assert!(documents.len() > 100, "only {}", documents.len());
    for document in documents {
        if let Err(error) = schema.validate(&document) {
            panic!("{}: {} at {}", document["capture"]["path"], error, error.instance_path());
        }
    }
}

#[test]
fn the_sample_of_the_promise_is_as_the_schema_says() {
    let page = include_str!("../docs/contract.md");
    let sample = page.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let document: Value = serde_json::from_str(sample).unwrap();
    if let Err(error) = schema().validate(&document) {
        panic!("{error} at {}", error.instance_path());
    }
}

#[test]
fn the_schema_refuses_what_was_not_promised() {
    let mut document = documents().remove(0);
    document["devices"] = serde_json::json!([{ "verdict": "perhaps" }]);
    assert!(!schema().is_valid(&document));
    document["devices"] = Value::Null;
    assert!(!schema().is_valid(&document));
}
