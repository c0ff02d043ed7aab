//! Every document that the program writes, against the schema that it promises.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../docs/loginloop-1.schema.json")).unwrap()
}

/// Is a value as a schema says? Knows the keywords that are made from types, and fails at any other, so that none is passed over.
fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    for (keyword, says) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" => true,
            "$ref" => {
                let target = root.pointer(says.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                check(root, target, value, at)?;
                true
            }
            "type" => match says {
                Value::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "enum" => says.as_array().unwrap().contains(value),
            "anyOf" => says.as_array().unwrap().iter().any(|one| check(root, one, value, at).is_ok()),
            "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
            "required" => says.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
            "items" => {
                for (place, one) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, says, one, &format!("{at}/{place}"))?;
                }
                true
            }
            "properties" => {
                for (key, of_key) in says.as_object().unwrap() {
                    if let Some(one) = value.get(key) {
                        check(root, of_key, one, &format!("{at}/{key}"))?;
                    }
                }
                // Every key that is written is promised.
                value.as_object().is_none_or(|object| object.keys().all(|key| says.get(key).is_some()))
            }
            other => panic!("the schema has a keyword that is not checked: {other}"),
        };
        if !holds {
            return Err(format!("{at}: {value} is not as {keyword} says: {says}"));
        }
    }
    Ok(())
}

/// Is a value of this JSON type?
fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no JSON type: {other}"),
    }
}

fn validate(document: &Value) -> Result<(), String> {
    let schema = schema();
    check(&schema, &schema, document, "")
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
    let documents = documents();
    assert!(documents.len() > 100, "only {}", documents.len());
    for document in documents {
        assert_eq!(validate(&document), Ok(()), "{}", document["capture"]["path"]);
    }
}

#[test]
fn the_sample_of_the_promise_is_as_the_schema_says() {
    let page = include_str!("../docs/contract.md");
    let sample = page.split("```json").nth(1).unwrap().split("```").next().unwrap();
    let document: Value = serde_json::from_str(sample).unwrap();
    assert_eq!(validate(&document), Ok(()));
}

#[test]
fn the_schema_refuses_what_was_not_promised() {
    let mut document = documents().remove(0);
    document["devices"] = serde_json::json!([{ "verdict": "perhaps" }]);
    assert!(validate(&document).is_err());
    document["devices"] = Value::Null;
    assert!(validate(&document).is_err());
}
