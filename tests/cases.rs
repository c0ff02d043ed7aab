//! Each folder under `captures/` holds a capture whose cause is known because it was made: what `diagnose` says must agree
//! with every fact in its `expect.toml`, and be as sure as it is right. The second also of other captures:
//! `LOGINLOOP_CASES=FOLDER cargo test --test cases -- --nocapture nine_in_ten` prints the calibration of those in a folder of that form.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

#[path = "cases/conditions.rs"]
mod conditions;

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

fn diagnose(capture: &Path, key_log: Option<&Path>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loginloop"));
    command.args(["diagnose", "--format", "json"]).arg(capture);
    if let Some(key_log) = key_log {
        command.arg("--keylog").arg(key_log);
    }
    let run = command.output().unwrap();
    serde_json::from_slice(&run.stdout).unwrap_or_else(|error| panic!("{}: {error}", capture.display()))
}

/// A case: its name, what must hold, and what was said.
struct Case {
    name: String,
    facts: toml::Table,
    said: Value,
}

/// The cases of the repository, each diagnosed once.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| cases_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")))
}

fn case(name: &str) -> &'static Case {
    cases().iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// Each folder in a folder with an `expect.toml` and a capture; twice, where another file says what holds with the key log.
fn cases_in(folder: &Path) -> Vec<Case> {
    let mut cases = Vec::new();
    for case in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let expect = case.join("expect.toml");
        if !expect.exists() {
            continue;
        }
        let captures = ["capture.pcapng", "capture.pcapng.gz", "capture.pcap"].map(|file| case.join(file));
        let capture: PathBuf = captures.into_iter().find(|path| path.exists()).unwrap_or_else(|| panic!("{name}: no capture"));
        let key_log = case.join("keys.log");
        for (suffix, expect, key_log) in
            [("", expect, None), (" with its key log", case.join("expect-with-keys.toml"), Some(key_log.as_path()))]
        {
            if expect.exists() {
                let facts = std::fs::read_to_string(expect).unwrap().parse().unwrap_or_else(|error| panic!("{name}: {error}"));
                cases.push(Case { name: format!("{name}{suffix}"), facts, said: diagnose(&capture, key_log) });
            }
        }
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
    for Case { name, facts, said } in cases() {
        let devices = said["devices"].as_array().unwrap();
        let wanted: Vec<&toml::Table> = facts["device"].as_array().unwrap().iter().filter_map(toml::Value::as_table).collect();
        let mut lines = trouble_of_others(&wanted, devices);
        lines.extend(other_notes(facts, said));
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
    let Case { facts, said, .. } = case("founding-loop-fin");
    let device = said["devices"][0].clone();
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

/// Cases that differ in one thing: the second is the first with its primary cause mended. `None`: nobody in the capture came
/// further.
const MENDED: &[(&str, Option<&str>)] = &[
    // SHA-256 and RSA-4096: with SHA-1 there is still the key.
    ("founding-loop-fin", Some("rsa4096-only")),
    ("founding-loop-rst", Some("rsa4096-only")),
    ("founding-loop-alert", Some("rsa4096-only")),
    ("dropped-once", Some("rsa4096-only")),
    ("sha256-only", Some("healthy-sha1-2048")),
    ("rsa4096-only", Some("healthy-sha1-2048")),
    ("cert-expired", Some("healthy-sha1-2048")),
    ("wrong-name", Some("healthy-sha1-2048")),
    ("missing-intermediate", Some("healthy-sha1-2048")),
    ("foreign-ca", Some("healthy-sha1-2048")),
    ("enrolment-chain-incomplete", Some("healthy-sha1-2048")),
    ("ntp-wrong-time", Some("healthy-sha1-2048")),
    ("not-yet-valid-wrong-phone-clock", Some("healthy-sha1-2048")),
    ("session-cut", Some("healthy-sha1-2048")),
    ("dhcp-no-answer", None),
    ("dns-no-records", None),
    ("ntp-silent", None),
    ("port-refused", None),
    ("enrolment-404", None),
    ("tls-version-mismatch", None),
    ("unexplained-close", None),
];

#[test]
fn what_would_have_come_next_is_what_became_of_the_twin() {
    for (name, twin) in MENDED {
        let next = &case(name).said["devices"][0]["next_obstacle"];
        let (prospect, code) = match twin.map(|twin| case(twin).facts["device"][0].as_table().unwrap()) {
            None => ("unknown", None),
            Some(facts) if facts["verdict"].as_str() == Some("signed-in") => ("clear", None),
            Some(facts) => ("stopped", facts["primary"].as_str()),
        };
        assert_eq!((next["prospect"].as_str(), next["code"].as_str()), (Some(prospect), code), "{name}: {next}");
        assert_eq!(next["evidence"].as_array().unwrap().is_empty(), twin.is_none(), "{name}: {next}");
    }
}

/// How often something of one confidence was right.
#[derive(Default)]
struct Tally {
    right: [u32; 11],
    all: [u32; 11],
}

impl Tally {
    fn count(&mut self, confidence: &Value, right: bool) {
        let tenth = (confidence.as_f64().unwrap() * 10.0 + 1e-9).floor() as usize;
        self.all[tenth] += 1;
        self.right[tenth] += u32::from(right);
    }

    /// How many were given nine tenths or more, and how many of them were right.
    fn sure(&self) -> (u32, u32) {
        (self.all[9] + self.all[10], self.right[9] + self.right[10])
    }

    fn table(&self, of: &str) -> String {
        let mut table = format!("{of:<24} given  right  share\n");
        for tenth in (0..self.all.len()).rev().filter(|tenth| self.all[*tenth] > 0) {
            let (all, right) = (self.all[tenth], self.right[tenth]);
            let share = 100.0 * f64::from(right) / f64::from(all);
            table += &format!("{:<24} {all:>5}  {right:>5}  {share:>3.0} %\n", format!("{:.1} and more", tenth as f64 / 10.0));
        }
        table
    }
}

/// Is it this word, or one of these?
fn is_one_of(wanted: Option<&toml::Value>, said: &Value) -> bool {
    match wanted {
        Some(toml::Value::Array(words)) => words.iter().any(|word| word.as_str() == said.as_str()),
        wanted => wanted.and_then(toml::Value::as_str) == said.as_str(),
    }
}

/// Is a finding right? `None` where the facts do not say: of what contributes they list some.
fn is_right(facts: &toml::Table, finding: &Value) -> Option<bool> {
    let listed = |key: &str| facts.get(key).is_some_and(|_| words(facts, key).iter().any(|code| finding["code"] == **code));
    match (finding["primary"] == true, is_one_of(facts.get("primary"), &finding["code"])) {
        (_, true) => Some(true),
        (true, false) => Some(false),
        _ if listed("contributing") => Some(true),
        _ => listed("absent").then_some(false),
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "the table is what people run it for")]
fn of_what_is_given_nine_tenths_nine_in_ten_are_right() {
    let others = std::env::var_os("LOGINLOOP_CASES").map(|folder| cases_in(Path::new(&folder)));
    let (mut findings, mut verdicts) = (Tally::default(), Tally::default());
    for Case { facts, said, .. } in others.as_deref().unwrap_or(cases()) {
        let wanted = facts.get("device").and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_table);
        for facts in wanted {
            let Some(device) = said["devices"].as_array().unwrap().iter().find(|device| is_the_device(facts, device)) else {
                continue;
            };
            verdicts.count(&device["verdict_confidence"], is_one_of(facts.get("verdict"), &device["verdict"]));
            for finding in device["findings"].as_array().unwrap() {
                if let Some(right) = is_right(facts, finding) {
                    findings.count(&finding["confidence"], right);
                }
            }
        }
    }
    println!("{}\n{}", findings.table("findings"), verdicts.table("verdicts"));
    for (what, tally) in [("findings", findings), ("verdicts", verdicts)] {
        let (all, right) = tally.sure();
        assert!(all > 0 && right * 10 >= all * 9, "{what}: {right} of {all} are right");
    }
}

#[test]
fn a_tally_counts_by_tenths() {
    let mut tally = Tally::default();
    for (confidence, right) in [(0.9, true), (0.95, true), (1.0, false), (0.89, false), (0.3, true)] {
        tally.count(&confidence.into(), right);
    }
    assert_eq!(tally.sure(), (3, 2));
    assert!(tally.table("findings").contains("0.3 and more                 1      1  100 %"), "{}", tally.table("findings"));
}
