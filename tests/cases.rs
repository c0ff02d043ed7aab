//! Each folder under `captures/` holds a capture whose cause is known because it was made: what `diagnose` says must agree
//! with its `expect.toml`.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn diagnose(capture: &Path) -> Value {
    let run = Command::new(env!("CARGO_BIN_EXE_loginloop")).args(["diagnose", "--format", "json"]).arg(capture).output();
    let run = run.expect("the program runs");
    serde_json::from_slice(&run.stdout).expect("it prints JSON")
}

fn cases() -> Vec<(String, PathBuf, toml::Table)> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut cases = Vec::new();
    for folder in captures.read_dir().expect("captures are there").map(|entry| entry.expect("it can be listed").path()) {
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        let expect = folder.join("expect.toml");
        if !expect.exists() {
            continue;
        }
        let expect =
            std::io::read_to_string(std::fs::OpenOptions::new().read(true).open(expect).expect("it opens")).expect("text");
        let capture =
            ["pcapng", "pcap"].map(|ending| folder.join(format!("capture.{ending}"))).into_iter().find(|path| path.exists());
        cases.push((name, capture.expect("a capture"), expect.parse().expect("valid TOML")));
    }
    cases
}

fn differences(wanted: &toml::Table, device: &Value) -> Vec<String> {
    let text = |key: &str| wanted.get(key).and_then(|value| value.as_str());
    let drops: Vec<&Value> = device["attempts"].as_array().expect("attempts").iter().map(|attempt| &attempt["drop"]).collect();
    let drops: Vec<&Value> = drops.into_iter().filter(|drop| !drop.is_null()).collect();
    let primary = device["findings"].as_array().expect("findings").iter().find(|finding| finding["primary"] == true);
    let frames: Vec<i64> = drops.iter().filter_map(|drop| drop["frame"].as_i64()).collect();
    let wanted_frames: Vec<i64> = wanted
        .get("drop_frames")
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten()
        .filter_map(|frame| frame.as_integer())
        .collect();
    let mut different = Vec::new();
    let mut hold = |what: &str, want: String, have: String| {
        if want != have {
            different.push(format!("{what}: {want} wanted, {have} said"));
        }
    };
    hold("verdict", format!("{:?}", text("verdict")), format!("{:?}", device["verdict"].as_str()));
    hold("profile", format!("{:?}", text("profile")), format!("{:?}", device["profile"].as_str()));
    hold("primary", format!("{:?}", text("primary")), format!("{:?}", primary.and_then(|finding| finding["code"].as_str())));
    hold("decisive frames", format!("{wanted_frames:?}"), format!("{frames:?}"));
    if let Some(drop) = wanted.get("drop").and_then(|drop| drop.as_table()) {
        for key in ["stage", "by", "how"] {
            let want = drop.get(key).and_then(|value| value.as_str());
            for have in &drops {
                hold(key, format!("{want:?}"), format!("{:?}", have[key].as_str()));
            }
        }
    }
    different
}

#[test]
fn each_capture_of_ours_is_diagnosed_as_it_was_made() {
    let mut wrong = Vec::new();
    for (name, capture, expect) in cases() {
        let result = diagnose(&capture);
        for wanted in expect["device"].as_array().expect("devices").iter().filter_map(|device| device.as_table()) {
            let is_it = |device: &&Value| match (wanted.get("mac"), wanted.get("ip")) {
                (Some(mac), _) => device["mac"].as_str() == mac.as_str(),
                (None, Some(ip)) => device["ips"].as_array().is_some_and(|ips| ips.iter().any(|one| one.as_str() == ip.as_str())),
                (None, None) => false,
            };
            match result["devices"].as_array().expect("devices").iter().find(is_it) {
                Some(device) => wrong.extend(differences(wanted, device).into_iter().map(|line| format!("{name}: {line}"))),
                None => wrong.push(format!("{name}: the device is missing")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
