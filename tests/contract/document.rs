//! A document of `diagnose` against the sample in the promise: the same keys in the same order, values of the same kind,
//! words of the vocabulary, and the rules on what is null.

use serde_json::Value;

use crate::promise::Promise;

/// Every key, kind of value and word of a document.
pub(crate) fn check(document: &Value, promise: &Promise) {
    let frames = document["capture"]["frames"].as_u64().unwrap();
    let checker = Checker { promise, nullable: promise.nullable(), frames };
    checker.value("", &promise.sample(), document);
    assert_eq!(document["schema"], promise.sample()["schema"]);
    for device in document["devices"].as_array().unwrap() {
        device_is_consistent(device);
    }
}

struct Checker<'a> {
    promise: &'a Promise,
    nullable: Vec<String>,
    frames: u64,
}

impl Checker<'_> {
    fn value(&self, place: &str, sample: &Value, value: &Value) {
        match (sample, value) {
            (_, Value::Null) => assert!(self.nullable.iter().any(|one| one == place), "{place} is null"),
            (Value::Object(sample), Value::Object(object)) => {
                let keys: Vec<&String> = object.keys().collect();
                assert_eq!(keys, sample.keys().collect::<Vec<_>>(), "{place}");
                for (key, sample) in sample {
                    let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                    self.value(&place, sample, &object[key]);
                }
            }
            (Value::Array(sample), Value::Array(list)) => list.iter().for_each(|one| self.value(place, &sample[0], one)),
            (Value::Number(_), Value::Number(_)) => self.number(place, value.as_f64().unwrap()),
            (Value::String(_) | Value::Null, Value::String(text)) => self.text(place, text),
            (Value::Bool(_), Value::Bool(_)) => (),
            _ => panic!("{place}: {value} is not of the kind of {sample}"),
        }
    }

    fn number(&self, place: &str, number: f64) {
        let key = place.rsplit('.').next().unwrap();
        if key.ends_with("frame") {
            assert!((1.0..=self.frames as f64).contains(&number), "{place}: {number} of {}", self.frames);
        } else if key.ends_with("confidence") {
            assert!((0.0..=1.0).contains(&number), "{place}: {number}");
            assert!(number.to_string().len() <= "0.97".len(), "{place}: {number} has more than two digits");
        }
    }

    fn text(&self, place: &str, text: &str) {
        let key = place.rsplit('.').next().unwrap();
        let codes = || self.promise.codes().into_keys();
        let words: Vec<String> = match key {
            "stage" | "drop_stage" | "restarts_at" => self.promise.words("stage"),
            "outcome" | "by" | "how" | "verdict" | "direction" | "prospect" => self.promise.words(key),
            "code" if place == "capture.notes.code" => self.promise.words("note"),
            "code" | "primary_cause" => codes().collect(),
            "first_time" | "last_time" | "start" | "end" | "time" => {
                let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
                assert_eq!(form, "0000-00-00T00:00:00.000000000Z", "{place}: {text}");
                return;
            }
            "summary" | "why" | "fix" => {
                assert!(!text.is_empty() && !text.contains('\n'), "{place}: {text:?}");
                return;
            }
            _ => return,
        };
        assert!(words.iter().any(|word| word == text), "{place}: {text:?} is none of {words:?}");
    }
}

/// What one part of a device's result says of another.
fn device_is_consistent(device: &Value) {
    let attempts = device["attempts"].as_array().unwrap();
    let findings = device["findings"].as_array().unwrap();
    let dropped = attempts.iter().filter(|attempt| !attempt["drop"].is_null()).count();
    for (number, attempt) in (1..).zip(attempts) {
        assert_eq!(attempt["number"], number);
        attempt_is_consistent(attempt, findings);
    }
    assert_eq!(device["loop"].is_null(), device["verdict"] != "loop", "{device}");
    if device["verdict"] == "loop" {
        assert_eq!(device["loop"]["attempts"], dropped);
        assert!(dropped >= 2, "{device}");
    }
    if device["verdict"] == "dropped" {
        assert_eq!(dropped, 1, "{device}");
    }
    for finding in findings {
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{finding}");
        let seen_in = finding["attempts"].as_array().unwrap();
        assert!(seen_in.iter().all(|number| number.as_u64().is_some_and(|n| n >= 1 && n <= attempts.len() as u64)), "{finding}");
    }
    let primary: Vec<&Value> = findings.iter().filter(|finding| finding["primary"] == true).collect();
    assert!(primary.len() <= 1, "{primary:?}");
    assert!(primary.iter().all(|one| attempts.iter().any(|attempt| attempt["primary_cause"] == one["code"])), "{primary:?}");
    assert!(findings.iter().position(|finding| finding["primary"] == true).is_none_or(|at| at == 0), "the primary comes first");
    next_obstacle_is_consistent(device, &primary);
}

/// What would have come next is said where there is a cause to be mended, and only there.
fn next_obstacle_is_consistent(device: &Value, primary: &[&Value]) {
    let next = &device["next_obstacle"];
    assert_eq!(next.is_null(), primary.is_empty(), "{device}");
    for key in ["code", "stage", "fix"] {
        assert!(next.is_null() || next[key].is_null() == (next["prospect"] != "stopped"), "{next}");
    }
    assert!(next.is_null() || next["confidence"].is_null() == (next["prospect"] == "unknown"), "{next}");
}

fn attempt_is_consistent(attempt: &Value, findings: &[Value]) {
    if attempt["drop"].is_null() {
        assert!(attempt["primary_cause"].is_null(), "{attempt}");
        return;
    }
    let cause = &attempt["primary_cause"];
    assert!(cause.is_null() || findings.iter().any(|finding| &finding["code"] == cause), "{cause} is not among the findings");
    // Where the story of the attempt is told, it marks the frame that ended it, once.
    let told = attempt["timeline"].as_array().unwrap();
    let decisive: Vec<&Value> = told.iter().filter(|moment| moment["decisive"] == true).map(|moment| &moment["frame"]).collect();
    assert!(told.is_empty() || decisive == [&attempt["drop"]["frame"]], "{decisive:?}, and the drop is {}", attempt["drop"]);
}
