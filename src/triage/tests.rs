//! Fingerprints, groups and needs of logins made by hand.

use std::net::IpAddr;

use super::*;
use crate::login::steps::StageReport;
use crate::login::timeline::Moment;
use crate::model::{Aspect, At, By, DropPoint, Evidence, Frame, How, Mac, Outcome, Stage, Time, Verdict};
use crate::verdict::{
    Analysis, AttemptSummary, CaptureSummary, Chain, Check, DeviceAnalysis, Drawn, Finding, Obstacle, Onward, Repeats,
};

/// What tells one login from another that failed alike.
#[derive(Clone, Copy)]
struct Noise {
    mac: Option<u8>,
    ip: u8,
    attempts: u32,
    frame: u64,
    second: i64,
}

const QUIET: Noise = Noise { mac: Some(1), ip: 1, attempts: 3, frame: 10, second: 1_239_400_863 };

fn at(noise: Noise, attempt: u32, frame: u64) -> At {
    let attempt = i64::from(attempt);
    At { frame: Frame::new(noise.frame + frame + attempt as u64 * 100), time: Time::from_seconds(noise.second + attempt * 60) }
}

fn attempt(number: u32, noise: Noise) -> AttemptSummary {
    // Only the first one begins with an address: a loop does not walk all of the way again.
    let passed: &[Stage] = if number == 1 {
        &[Stage::Link, Stage::Address, Stage::Names, Stage::Time, Stage::Enrolment, Stage::Connect]
    } else {
        &[Stage::Names, Stage::Enrolment, Stage::Connect]
    };
    let report = |stage: Stage, outcome| StageReport { stage, outcome, first: None, last: None, detail: "".into() };
    let failed = report(Stage::Tls, Outcome::Failed);
    AttemptSummary {
        number,
        first: at(noise, number, 0),
        last: at(noise, number, 50),
        stages: passed.iter().map(|stage| report(*stage, Outcome::Ok)).chain([failed]).collect(),
        drop: Some(DropPoint { stage: Stage::Tls, by: By::Device, how: How::Rst, at: at(noise, number, 50) }),
        screen: None,
        primary_cause: None,
        timeline: Vec::new(),
    }
}

fn finding(code: &'static str, stage: Stage, primary: bool, confidence: f32, filter: &str, noise: Noise) -> Finding {
    Finding {
        code,
        stage,
        primary,
        confidence,
        summary: format!("10.0.0.{} and frame {}", noise.ip, noise.frame),
        why: "",
        fix: format!("fix {code}"),
        evidence: vec![Evidence::new(Frame::new(noise.frame), filter, String::new())],
        attempts: vec![1],
    }
}

fn looping(code: &'static str, noise: Noise) -> DeviceAnalysis {
    let attempts: Vec<AttemptSummary> = (1..=noise.attempts).map(|number| attempt(number, noise)).collect();
    let check = |what, value: &str, passes| Check { what, value: value.to_owned(), passes };
    let checks =
        vec![check(Aspect::Signature, "sha256WithRSAEncryption", Some(false)), check(Aspect::Key, "RSA 2048", Some(true))];
    let drawn = Drawn { fetched_in: None, subject: None, issuer: None, names: Vec::new(), checks };
    DeviceAnalysis {
        mac: noise.mac.map(|last| Mac([0, 4, 0xf2, 0, 0, last])),
        ips: vec![IpAddr::from([10, 0, 0, noise.ip])],
        vlan: None,
        name: None,
        profile: Some(("communicator-phone-edition".to_owned(), String::new())),
        profile_evidence: Vec::new(),
        verdict: if noise.attempts == 1 { Verdict::Dropped } else { Verdict::Loop },
        confidence: 0.9,
        repeats: (noise.attempts > 1).then_some(Repeats {
            attempts: noise.attempts,
            period_s: 60.0,
            drop_stage: Stage::Tls,
            restarts_at: Stage::Names,
        }),
        attempts,
        findings: vec![finding(code, Stage::Tls, true, 0.97, "tcp", noise)],
        screens: Vec::new(),
        onward: None,
        heading: Default::default(),
        chains: vec![Chain {
            at: at(noise, 1, 0),
            server: String::new(),
            wanted: None,
            certificates: vec![drawn],
            faults: Vec::new(),
            role_names: Vec::new(),
        }],
    }
}

fn digest(devices: Vec<DeviceAnalysis>) -> Digest {
    Digest::of(&Analysis { capture: CaptureSummary { format: "pcap", frames: 100, ..CaptureSummary::default() }, devices })
}

fn fingerprint(device: DeviceAnalysis) -> String {
    digest(vec![device]).logins[0].ended.clone().unwrap().fingerprint
}

fn overview(captures: &[(&str, Digest)]) -> Overview {
    let mut growing = Growing::default();
    captures.iter().for_each(|(path, digest)| growing.capture(path, None, digest));
    growing.finish(0)
}

#[test]
fn a_fingerprint_says_family_way_drop_and_cause() {
    assert_eq!(
        fingerprint(looping("cert-unsupported-signature", QUIET)),
        "communicator-phone-edition/address+names+enrolment+connect/tls/device-rst/cert-unsupported-signature[sha256WithRSAEncryption]"
    );
}

#[test]
fn frames_times_addresses_and_the_number_of_attempts_are_no_part_of_it() {
    let quiet = fingerprint(looping("cert-unsupported-signature", QUIET));
    for noise in [
        Noise { mac: Some(9), ..QUIET },
        Noise { mac: None, ip: 77, ..QUIET },
        Noise { attempts: 1, ..QUIET },
        Noise { attempts: 40, ..QUIET },
        Noise { frame: 99_999, ..QUIET },
        Noise { second: 1_700_000_000, ..QUIET },
    ] {
        assert_eq!(fingerprint(looping("cert-unsupported-signature", noise)), quiet);
    }
}

#[test]
fn a_capture_that_begins_in_the_middle_of_the_loop_shows_the_same_failure() {
    let mut late = looping("cert-expired", QUIET);
    late.attempts.remove(0);
    assert_eq!(fingerprint(late), fingerprint(looping("cert-expired", QUIET)));
}

#[test]
fn one_attempt_that_was_ended_otherwise_is_chance() {
    let mut mixed = looping("cert-expired", QUIET);
    mixed.attempts[0].drop.as_mut().unwrap().how = How::Fin;
    assert_eq!(fingerprint(mixed), fingerprint(looping("cert-expired", QUIET)));
}

#[test]
fn what_needs_another_remedy_is_another_cause() {
    let rejected = |status: u16| {
        let mut device = looping("sip-rejected", QUIET);
        device.findings = vec![finding("sip-rejected", Stage::Tls, true, 0.9, &format!("sip.Status-Code == {status}"), QUIET)];
        fingerprint(device)
    };
    assert!(rejected(486).ends_with("/sip-rejected[486]"));
    assert_ne!(rejected(486), rejected(488));
}

#[test]
fn a_cause_that_was_not_found_is_none_that_was() {
    let mut device = looping("cert-expired", QUIET);
    device.findings.clear();
    assert!(fingerprint(device).ends_with("/unexplained"));
}

#[test]
fn who_signed_in_has_no_fingerprint() {
    let mut device = looping("cert-expired", QUIET);
    device.verdict = Verdict::SignedIn;
    assert_eq!(digest(vec![device]).logins[0].ended, None);
}

#[test]
fn a_device_needs_its_cause_and_what_would_probably_stop_it_behind_that() {
    let obstacle = |code, confidence| Obstacle {
        code,
        stage: Stage::Tls,
        confidence,
        summary: format!("{code} in a line"),
        fix: String::new(),
        evidence: Vec::new(),
    };
    let mut device = looping("cert-unsupported-signature", QUIET);
    device.findings.push(finding("update-unreachable", Stage::Update, false, 0.95, "http", QUIET));
    device.onward =
        Some(Onward::Stopped { next: obstacle("cert-expired", 0.9), further: vec![obstacle("cert-name-mismatch", 0.4)] });
    let needs: Vec<String> = digest(vec![device]).logins[0].needs.iter().map(|need| need.key.clone()).collect();
    assert_eq!(needs, ["cert-unsupported-signature[sha256WithRSAEncryption]@tls", "cert-expired@tls"]);
}

/// A device that cannot verify the signature of its server's certificate, or of the CA's.
fn signed(server: &str, authority: &str, bad: Option<usize>) -> DeviceAnalysis {
    let mut device = looping("cert-unsupported-signature", QUIET);
    let mut one = device.chains[0].certificates.remove(0);
    one.checks[0].passes = Some(true);
    for (place, (subject, issuer)) in [(server, authority), (authority, "CN=Root")].into_iter().enumerate() {
        let mut drawn = one.clone();
        (drawn.subject, drawn.issuer) = (Some(subject.into()), Some(issuer.into()));
        drawn.checks[0].passes = Some(bad != Some(place));
        device.chains[0].certificates.push(drawn);
    }
    device
}

fn needed(device: DeviceAnalysis) -> Vec<String> {
    digest(vec![device]).logins[0].needs.iter().map(|need| need.key.clone()).collect()
}

#[test]
fn the_certificates_of_two_servers_are_two_changes_and_that_of_their_ca_is_one() {
    let (one, two, ca) = ("CN=sip1.contoso.com", "CN=sip2.contoso.com,O=Contoso", "CN=Issuing CA,O=Contoso");
    let of = |place: &str| format!("cert-unsupported-signature[sha256WithRSAEncryption]@tls of {place}");
    assert_eq!(needed(signed(one, ca, Some(0))), [of("sip1.contoso.com")]);
    assert_eq!(needed(signed(two, ca, Some(0))), [of("sip2.contoso.com")]);
    for server in [one, two] {
        assert_eq!(needed(signed(server, ca, Some(1))), [of("issuing ca")]);
        // The root that devices lack is one, whoever shows its certificate.
        let mut device = signed(server, ca, None);
        device.findings[0].code = "cert-untrusted-issuer";
        assert_eq!(needed(device), ["cert-untrusted-issuer@tls of root"]);
    }
    // The fault is the same, whosoever it is.
    assert_eq!(fingerprint(signed(one, ca, Some(0))), fingerprint(signed(two, ca, Some(0))));
}

#[test]
fn a_server_that_has_a_name_is_told_from_others_and_one_that_has_an_address_is_not() {
    let refused = |peer: &str| {
        let mut device = looping("tcp-refused", QUIET);
        let at = at(QUIET, 0, 0);
        let (stage, direction) = (Stage::Connect, crate::login::timeline::Direction::In);
        device.attempts[0].timeline =
            vec![Moment { at, stage, direction, peer: peer.into(), text: "RST".to_owned(), decisive: true }];
        needed(device)
    };
    assert_eq!(refused("pool01.contoso.com:5061"), ["tcp-refused@tls of pool01.contoso.com"]);
    assert_eq!(refused("10.0.4.12:5061"), ["tcp-refused@tls"]);
}

#[test]
fn like_failures_are_one_group_and_no_group_has_two_causes() {
    let noisy = Noise { mac: Some(2), ip: 2, attempts: 9, frame: 500, second: 1_700_000_000 };
    let overview = overview(&[
        ("a.pcap", digest(vec![looping("cert-expired", QUIET), looping("cert-revoked", Noise { mac: Some(3), ..QUIET })])),
        ("b.pcap", digest(vec![looping("cert-expired", noisy)])),
    ]);
    let groups: Vec<(Option<&str>, usize, usize)> =
        overview.groups.iter().map(|group| (group.code.as_deref(), group.captures, group.devices)).collect();
    assert_eq!(groups, [(Some("cert-expired"), 2, 2), (Some("cert-revoked"), 1, 1)]);
    assert_eq!((overview.captures, overview.devices, overview.failed), (2, 3, 3));
}

#[test]
fn a_mac_is_one_device_in_all_captures_and_an_address_is_one_in_its_capture() {
    let behind_a_router = Noise { mac: None, ..QUIET };
    let seen = |noise| ("x", digest(vec![looping("cert-expired", noise)]));
    let again = |one: (&'static str, Digest)| overview(&[("a.pcap", one.1.clone()), ("b.pcap", one.1)]).groups[0].devices;
    assert_eq!(again(seen(QUIET)), 1);
    assert_eq!(again(seen(behind_a_router)), 2);
}

#[test]
fn the_example_is_the_surest_one_and_then_the_one_with_least_beside_it() {
    let other = |last| Noise { mac: Some(last), ..QUIET };
    let unsure = |noise| {
        let mut device = looping("cert-expired", noise);
        device.findings[0].confidence = 0.7;
        device
    };
    let overview = overview(&[
        ("a.pcap", digest(vec![unsure(QUIET)])),
        ("b.pcap", digest(vec![looping("cert-expired", other(2)), looping("cert-expired", other(3))])),
        ("c.pcap", digest(vec![looping("cert-expired", other(4))])),
        ("d.pcap", digest(vec![looping("cert-expired", other(5))])),
    ]);
    assert_eq!(overview.groups[0].example.path, "c.pcap");
}

#[test]
fn a_device_that_failed_in_two_ways_is_free_when_both_are_put_right() {
    let overview = overview(&[
        ("a.pcap", digest(vec![looping("cert-expired", QUIET)])),
        ("b.pcap", digest(vec![looping("cert-revoked", QUIET)])),
    ]);
    let fixes: Vec<(&str, usize)> = overview.fixes.iter().map(|one| (one.fix.need.as_str(), one.fix.frees)).collect();
    assert_eq!(fixes, [("cert-expired@tls", 0), ("cert-revoked@tls", 1)]);
    assert_eq!(overview.failed, 1);
}

#[test]
fn a_digest_is_the_same_when_it_comes_back_from_the_journal() {
    let digest = digest(vec![looping("cert-unsupported-signature", QUIET)]);
    let written = serde_json::to_vec(&digest).unwrap();
    assert_eq!(serde_json::from_slice::<Digest>(&written).unwrap(), digest);
}
