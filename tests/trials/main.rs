//! Logins that no rule was written for. Their authors knew `docs/contract.md` and the protocols, not the code: of `families`,
//! phones of sixteen families with the faults that are theirs; of `conditions`, real servers, and what a capture in the field
//! makes of it; of `field`, phones among other traffic, with a fault that is mended and the next one; of `causes`, each cause in
//! other families, with other timers, and healthy logins that look like it; of `patience`, timers from half a second to five hours,
//! and healthy phones close to trouble; of `codes`, nearly all causes once more, and as many healthy phones; of `everyday`, what happens in
//! a year of office life beside the phones that fail; of `windows`, what is left of such logins where the capture begins late, ends early,
//! or holds one direction, a part of the frames, or of each frame; of `mixture`, all of that together; of `sites`, real servers,
//! clients, firewalls and balancers, with several phones; of `crowds`, the phones that fail among the many that do not, seen at a
//! mirror port, a registrar or a name server; of `archive`, each cause in several families, in other ways; of `likenesses`, logins that
//! look alike; of `lots`, causes, families, places of the capture and timers as they were drawn; of `stacks`, real clients (of DHCP, 802.1X,
//! SIP, TLS, LDAP, Kerberos…) with real servers; of `twins`, each cause twice, and beside it what has all of it but the fault; of
//! `customers`, whole sites, most of whose devices go well; of `second`, what a second reader of that contract expects of it. Each line of a `.jsonl` says what happened in a capture of the archive
//! beside it, and what may be said of it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test that fails says why"
)]

mod neighbour;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use loginloop::capture::{archive, compressed};
use loginloop::model::Verdict;
use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;
use loginloop::verdict::{Analysis, DeviceAnalysis};
use neighbour::Beside;
use serde_json::{Value, json};

/// Of each kind of fact, the share that must be right.
const GOALS: [(&str, f64); 7] =
    [("verdict", 0.98), ("attempts", 0.95), ("stage", 0.95), ("by", 0.95), ("how", 0.95), ("frame", 0.9), ("primary", 0.95)];

/// The sets.
const SETS: [&str; 18] = [
    "families",
    "conditions",
    "field",
    "causes",
    "patience",
    "codes",
    "everyday",
    "windows",
    "mixture",
    "sites",
    "crowds",
    "archive",
    "likenesses",
    "lots",
    "stacks",
    "twins",
    "customers",
    "second",
];

#[test]
fn logins_of_many_families_are_read_as_they_went() {
    hold("families");
}

#[test]
fn logins_by_real_servers_and_in_the_field_are_read_as_they_went() {
    hold("conditions");
}

#[test]
fn logins_among_other_traffic_are_read_as_they_went() {
    hold("field");
}

#[test]
fn each_cause_is_found_in_other_families_and_with_other_timers() {
    hold("causes");
}

#[test]
fn logins_with_timers_of_all_sizes_are_read_as_they_went() {
    hold("patience");
}

#[test]
fn nearly_all_causes_are_found_and_none_where_there_is_none() {
    hold("codes");
}

#[test]
fn a_year_of_office_life_accuses_nobody_but_who_fails() {
    hold("everyday");
}

#[test]
fn what_is_left_of_a_login_in_a_capture_of_the_field_accuses_nobody() {
    hold("windows");
}

#[test]
fn logins_of_all_kinds_under_all_conditions_are_read_as_they_went() {
    hold("mixture");
}

#[test]
fn each_cause_is_found_in_whatever_way_it_comes_about() {
    hold("archive");
}

#[test]
fn logins_that_look_alike_are_told_apart() {
    hold("likenesses");
}

#[test]
fn logins_that_were_drawn_by_lot_are_read_as_they_went() {
    hold("lots");
}

#[test]
fn what_real_clients_and_servers_say_is_read_as_it_went() {
    hold("stacks");
}

#[test]
fn a_cause_is_told_from_what_has_all_of_it_but_the_fault() {
    hold("twins");
}

#[test]
fn of_a_site_those_are_accused_that_fail_and_no_others() {
    hold("customers");
}

#[test]
fn a_second_reader_finds_what_the_first_ones_did() {
    hold("second");
}

#[test]
fn what_a_phone_did_does_not_depend_on_who_else_is_in_the_capture() {
    let mut differ = Vec::new();
    for set in SETS {
        each(set, &mut |truth, capture| {
            let Some(beside) = Beside::new(capture) else { return };
            let alone: Vec<Value> = analysed(capture).devices.iter().map(said).collect();
            let of_host = |device: &&DeviceAnalysis| device.ips.iter().any(|ip| ip.to_string() == neighbour::HOST);
            let analysis = analysed(&beside.capture);
            let others = analysis.devices.iter().filter(|device| !of_host(device)).map(|device| {
                let mut said = said(device);
                said["frame"] = json!(said["frame"].as_u64().and_then(|frame| beside.before(frame)));
                said
            });
            for (alone, beside) in alone.iter().zip(others).filter(|(alone, beside)| *alone != beside) {
                differ.push(format!("{set} {}: {alone}, beside another {beside}", truth["file"]));
            }
        });
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn phones_at_real_servers_firewalls_and_balancers_are_read_as_they_went() {
    hold("sites");
}

#[test]
fn phones_among_many_are_read_as_they_went() {
    hold("crowds");
}

/// Right and wrong answers of each kind.
#[derive(Default)]
struct Score {
    counts: BTreeMap<&'static str, (u32, u32)>,
    false_alarms: u32,
}

/// Gives each capture of a set with what is known of it.
fn each(set: &str, give: &mut dyn FnMut(&Value, &[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trials");
    let truths = std::fs::read_to_string(folder.join(format!("{set}.jsonl"))).unwrap();
    let truths: Vec<Value> = truths.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let packed = std::fs::OpenOptions::new().read(true).open(folder.join(format!("{set}.tar.zst"))).unwrap();
    let (plain, _) = compressed::plain(packed).unwrap();
    let mut next = truths.iter();
    let mut each = |member: &str, body: Result<&mut dyn Read, String>| {
        let truth = next.next().unwrap();
        assert_eq!(truth["file"], member);
        let mut capture = Vec::new();
        body.unwrap().read_to_end(&mut capture).unwrap();
        give(truth, &capture);
        true
    };
    archive::tar(plain, &mut each).unwrap();
    assert!(next.next().is_none(), "every capture is there");
}

fn analysed(capture: &[u8]) -> Analysis {
    analyse(capture, &Options { profiles: Profiles::builtin(), ..Options::default() }).unwrap().result
}

fn hold(set: &str) {
    let mut score = Score::default();
    each(set, &mut |truth, capture| score.take(truth, &analysed(capture)));
    for (kind, goal) in GOALS {
        let (right, all) = score.counts[kind];
        eprintln!("{kind:9} {right:4} of {all:4}: {:5.1} %", 100.0 * f64::from(right) / f64::from(all));
        assert!(f64::from(right) >= goal * f64::from(all), "{kind}");
    }
    assert_eq!(score.false_alarms, 0, "healthy devices that are said to loop or to have dropped");
}

impl Score {
    fn take(&mut self, truth: &Value, analysis: &Analysis) {
        for wanted in truth["devices"].as_array().unwrap() {
            let device = analysis.devices.iter().find(|device| is_one_of(device, &wanted["id"]));
            // Of a host that did nothing that a login stands on, nothing is said.
            let said = device.map_or_else(|| json!({ "verdict": "no-login" }), facts);
            let fails = |verdict: &Value| verdict == "loop" || verdict == "dropped";
            self.false_alarms += u32::from(fails(&said["verdict"]) && !wanted["verdict"].as_array().unwrap().iter().any(fails));
            // Where it may be left open whether a device failed, the rest is, too.
            let is_open = !fails(&said["verdict"]) && wanted["verdict"].as_array().unwrap().contains(&said["verdict"]);
            for (kind, _) in GOALS.iter().take(if is_open { 1 } else { GOALS.len() }) {
                let Some(allowed) = wanted[*kind].as_array() else { continue };
                let is_right = allowed.contains(&said[*kind]);
                let count = self.counts.entry(*kind).or_default();
                *count = (count.0 + u32::from(is_right), count.1 + 1);
                if !is_right {
                    eprintln!("{} {}: {kind} {} wanted, {} said", truth["file"], wanted["id"], wanted[*kind], said[*kind]);
                }
            }
        }
    }
}

fn is_one_of(device: &DeviceAnalysis, names: &Value) -> bool {
    let own = device.mac.map(|mac| mac.to_string()).into_iter().chain(device.ips.iter().map(ToString::to_string));
    own.into_iter().any(|name| names.as_array().unwrap().contains(&json!(name)))
}

/// The same, with who it is.
fn said(device: &DeviceAnalysis) -> Value {
    let mut facts = facts(device);
    facts["device"] =
        json!(device.mac.map(|mac| mac.to_string()).into_iter().chain(device.ips.iter().map(ToString::to_string)).next());
    facts
}

/// What is said of a device, in the words of the contract: of its last drop, for that is what its loop comes down to.
fn facts(device: &DeviceAnalysis) -> Value {
    let dropped = device.attempts.iter().rfind(|attempt| attempt.drop.is_some());
    let drop = dropped.and_then(|attempt| attempt.drop);
    let attempts = match (device.verdict, &device.repeats) {
        (Verdict::Loop, Some(repeats)) => repeats.attempts as usize,
        (Verdict::Dropped, _) => device.attempts.iter().filter(|attempt| attempt.drop.is_some()).count(),
        _ => device.attempts.len(),
    };
    json!({
        "verdict": device.verdict,
        "attempts": attempts,
        "stage": drop.map(|drop| drop.stage),
        "by": drop.map(|drop| drop.by),
        "how": drop.map(|drop| drop.how),
        "frame": drop.map(|drop| drop.at.frame),
        "primary": dropped.and_then(|attempt| attempt.primary_cause).or_else(|| device.primary().map(|finding| finding.code)),
    })
}
