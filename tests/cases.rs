//! Each folder under `captures/` holds a capture whose cause is known because it was made: what `diagnose` says must agree
//! with every fact in its `expect.toml`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The facts that are held. One of another name would not be, and is refused.
const FACTS: &[&str] = &[
    "mac",
    "ip",
    "profile",
    "verdict",
    "attempts",
    "drop",
    "drop_frames",
    "restarts_at",
    "primary",
    "contributing",
    "absent",
    "says",
    "names",
];

fn diagnose(capture: &Path) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_loginloop")).args(["diagnose", "--format", "json"]).arg(capture).output().unwrap();
    serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{}: {error}", capture.display()))
}

/// Name, capture and facts of each case.
fn cases() -> Vec<(String, PathBuf, toml::Table)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases = Vec::new();
    for case in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let expect = case.join("expect.toml");
        if !expect.exists() {
            continue;
        }
        let captures = ["capture.pcapng", "capture.pcapng.gz", "capture.pcap"].map(|file| case.join(file));
        let capture = captures.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name}: no capture"));
        let facts = std::fs::read_to_string(expect).unwrap().parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        cases.push((name, capture, facts));
    }
    assert!(!cases.is_empty(), "no cases in {}", folder.display());
    cases
}

/// The words of a list of facts.
fn words<'a>(facts: &'a toml::Table, key: &str) -> Vec<&'a str> {
    facts[key].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn is_the_device(facts: &toml::Table, device: &Value) -> bool {
    match (facts.get("mac"), facts.get("ip")) {
        (Some(mac), _) => device["mac"].as_str() == mac.as_str(),
        (None, Some(ip)) => device["ips"].as_array().unwrap().iter().any(|one| one.as_str() == ip.as_str()),
        (None, None) => panic!("a device has a mac or an ip: {facts}"),
    }
}

fn drops(device: &Value) -> Vec<&Value> {
    let attempts = device["attempts"].as_array().unwrap();
    attempts.iter().map(|attempt| &attempt["drop"]).filter(|drop| !drop.is_null()).collect()
}

/// Where a device was said to be otherwise than it is.
fn differences(facts: &toml::Table, device: &Value) -> Vec<String> {
    for key in facts.keys() {
        assert!(FACTS.contains(&key.as_str()), "nobody holds {key:?}: {facts}");
    }
    let text = |key: &str| facts.get(key).and_then(toml::Value::as_str);
    let drops = drops(device);
    let findings = device["findings"].as_array().unwrap();
    let has = |code: &str, primary: bool| findings.iter().any(|one| one["code"] == code && one["primary"] == primary);
    let primary = findings.iter().find(|finding| finding["primary"] == true);
    let frames: Vec<i64> = drops.iter().filter_map(|drop| drop["frame"].as_i64()).collect();
    let wanted_frames = facts.get("drop_frames").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let wanted_frames: Vec<i64> = wanted_frames.iter().filter_map(toml::Value::as_integer).collect();
    let attempts = facts["attempts"].as_integer().unwrap();

    let mut different = Vec::new();
    let mut hold = |what: &str, wanted: String, said: String| {
        if wanted != said {
            different.push(format!("{what}: {wanted} wanted, {said} said"));
        }
    };
    hold("verdict", format!("{:?}", text("verdict")), format!("{:?}", device["verdict"].as_str()));
    hold("profile", format!("{:?}", text("profile")), format!("{:?}", device["profile"].as_str()));
    hold("primary", format!("{:?}", text("primary")), format!("{:?}", primary.and_then(|finding| finding["code"].as_str())));
    hold("decisive frames", format!("{wanted_frames:?}"), format!("{frames:?}"));
    hold("attempts that dropped", attempts.to_string(), drops.len().to_string());
    let looping = text("verdict") == Some("loop");
    hold("loop.attempts", format!("{:?}", looping.then_some(attempts)), format!("{:?}", device["loop"]["attempts"].as_i64()));
    if let Some(stage) = text("restarts_at") {
        hold("loop.restarts_at", format!("{:?}", Some(stage)), format!("{:?}", device["loop"]["restarts_at"].as_str()));
    }
    // One drop for all attempts, or a list with that of each.
    if let Some(wanted) = facts.get("drop") {
        let of = |number: usize| wanted.as_array().map_or(Some(wanted), |list| list.get(number));
        for (number, drop) in drops.iter().enumerate() {
            for key in ["stage", "by", "how"] {
                let wanted = of(number).and_then(|wanted| wanted[key].as_str());
                hold(&format!("{key} of drop {number}"), format!("{wanted:?}"), format!("{:?}", drop[key].as_str()));
            }
        }
    }
    for wanted in facts.get("says").map_or(&Vec::new(), |said| said.as_array().unwrap()).iter().filter_map(toml::Value::as_str) {
        let says = |finding: &Value| ["summary", "fix"].iter().any(|key| finding[key].as_str().unwrap().contains(wanted));
        hold(&format!("{wanted:?} is said"), "true".to_owned(), findings.iter().any(says).to_string());
    }
    if let Some(wanted) = facts.get("names").and_then(toml::Value::as_array) {
        let row = |name: Option<&str>, covered: Option<bool>, asked: Option<bool>| format!("{name:?} {covered:?} {asked:?}");
        let wanted = wanted.iter().map(|one| row(one["name"].as_str(), one["covered"].as_bool(), one["asked"].as_bool()));
        let said = device["chains"][0]["role_names"].as_array().into_iter().flatten();
        let said = said.map(|one| row(one["name"].as_str(), one["covered"].as_bool(), one["asked"].as_bool()));
        hold("names of the site", wanted.collect::<Vec<_>>().join(", "), said.collect::<Vec<_>>().join(", "));
    }
    for code in words(facts, "contributing") {
        hold(&format!("{code} contributes"), "true".to_owned(), has(code, false).to_string());
    }
    for code in words(facts, "absent") {
        hold(&format!("{code} is found"), "false".to_owned(), (has(code, false) || has(code, true)).to_string());
    }
    different
}

/// What the capture itself lacks is said, and nothing else of that kind.
fn other_notes(facts: &toml::Table, result: &Value) -> Option<String> {
    let wanted: Vec<&str> = if facts.contains_key("notes") { words(facts, "notes") } else { Vec::new() };
    let said: Vec<&str> =
        result["capture"]["notes"].as_array().unwrap().iter().filter_map(|note| note["code"].as_str()).collect();
    (wanted != said).then(|| format!("notes: {wanted:?} wanted, {said:?} said"))
}

/// Whoever is not named in a case has no trouble there.
fn trouble_of_others(facts: &[&toml::Table], devices: &[Value]) -> Vec<String> {
    let others = devices.iter().filter(|device| !facts.iter().any(|facts| is_the_device(facts, device)));
    let troubled = others.filter(|device| {
        !device["loop"].is_null() || !drops(device).is_empty() || device["verdict"] == "loop" || device["verdict"] == "dropped"
    });
    troubled.map(|device| format!("{} {} has trouble: {}", device["mac"], device["ips"], device["verdict"])).collect()
}

#[test]
fn each_capture_of_ours_is_diagnosed_as_it_was_made() {
    let mut wrong = Vec::new();
    for (name, capture, facts) in cases() {
        let result = diagnose(&capture);
        let devices = result["devices"].as_array().unwrap();
        let wanted: Vec<&toml::Table> = facts["device"].as_array().unwrap().iter().filter_map(toml::Value::as_table).collect();
        let mut lines = trouble_of_others(&wanted, devices);
        lines.extend(other_notes(&facts, &result));
        for facts in wanted {
            match devices.iter().find(|device| is_the_device(facts, device)) {
                Some(device) => lines.extend(differences(facts, device)),
                None => lines.push("the device is missing".to_owned()),
            }
        }
        wrong.extend(lines.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_fact_is_noticed() {
    let (_, capture, facts) = cases().into_iter().find(|(name, ..)| name == "founding-loop-fin").unwrap();
    let device = diagnose(&capture)["devices"][0].clone();
    let facts = facts["device"][0].as_table().unwrap();
    assert!(differences(facts, &device).is_empty());
    let wrong = [
        ("profile", "\"lync-phone-edition\""),
        ("verdict", "\"dropped\""),
        ("attempts", "5"),
        ("drop", "{ stage = \"tls\", by = \"server\", how = \"fin\" }"),
        ("drop_frames", "[77, 139, 199]"),
        ("restarts_at", "\"address\""),
        ("primary", "\"cert-unsupported-key\""),
        ("contributing", "[\"cert-expired\"]"),
        ("absent", "[\"cert-unsupported-key\"]"),
        ("says", "[\"0x2ee7/0\"]"),
        ("names", "[{ name = \"sip.contoso.com\", covered = false, asked = true }]"),
        (
            "drop",
            "[{ stage = \"tls\", by = \"device\", how = \"fin\" }, { stage = \"connect\", by = \"server\", how = \"rst\" }]",
        ),
    ];
    for (key, value) in wrong {
        let mut facts = facts.clone();
        facts.insert(key.to_owned(), format!("value = {value}").parse::<toml::Table>().unwrap()["value"].clone());
        assert!(!differences(&facts, &device).is_empty(), "{key}");
    }
    assert!(!trouble_of_others(&[], &[device]).is_empty());
}
