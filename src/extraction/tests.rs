//! Logins taken out of captures, and what they still say.

use std::net::IpAddr;

use super::*;
use crate::capture::CaptureReader;
use crate::pipeline::Selector;
use crate::profile::Profiles;

fn options() -> Options {
    Options { profiles: Profiles::builtin(), ..Options::default() }
}

#[expect(clippy::disallowed_methods, reason = "a test reads a capture of the project")]
fn capture(case: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case).join("capture.pcapng")).unwrap()
}

fn count(capture: &[u8]) -> u64 {
    let mut reader = CaptureReader::open(capture).unwrap();
    while reader.next_record().unwrap().is_some() {}
    reader.facts().frames
}

#[test]
fn one_phone_of_three_is_taken_out_and_says_the_same_alone() {
    let bytes = capture("three-phones");
    for octet in [23, 24, 25] {
        let wanted = Wanted::Named(Selector::Ip(IpAddr::from([10, 0, 4, octet])));
        let Ok(extract) = extract(|| Ok(bytes.as_slice()), &options(), wanted) else { continue };
        assert!(extract.is_same);
        assert!(extract.packets < count(&bytes), "the packets of the others are gone");
        assert_eq!(count(&extract.capture), extract.packets);
    }
    let worst = extract(|| Ok(bytes.as_slice()), &options(), Wanted::Worst).unwrap();
    assert_eq!(worst.device.verdict, Verdict::Loop, "without a name, the one that loops");
}

#[test]
fn many_logins_say_the_same_when_they_are_taken_out() {
    for case in
        ["founding-loop-rst", "healthy-sha1-2048", "dns-no-records", "enrolment-401-for-ever", "path-loss", "gateway-unreachable"]
    {
        let bytes = capture(case);
        let extract = extract(|| Ok(bytes.as_slice()), &options(), Wanted::Worst).unwrap();
        assert!(extract.is_same, "{case}");
    }
}

#[test]
fn a_proof_can_spare_no_packet() {
    let bytes = capture("self-signed");
    let proof = prove(|| Ok(bytes.as_slice()), &options(), Wanted::Worst).unwrap();
    assert!(proof.is_smallest && proof.extract.packets < proof.of / 2, "{} of {}", proof.extract.packets, proof.of);
    let essence = Essence::of(&proof.extract.device);
    assert_eq!(essence_of(&proof.extract.capture, &options(), &proof.extract.device).as_ref(), Some(&essence));
    let all: Vec<Frame> = (1..=proof.extract.packets).map(Frame::new).collect();
    for spared in &all {
        let others = all.iter().copied().filter(|frame| frame != spared).collect();
        let fewer = written(|| Ok(proof.extract.capture.as_slice()), &others).unwrap();
        assert_ne!(essence_of(&fewer, &options(), &proof.extract.device).as_ref(), Some(&essence), "without {spared}");
    }
}

#[test]
fn an_unknown_device_is_a_clear_error() {
    let bytes = capture("founding-loop-fin");
    let wanted = Wanted::Named(Selector::Ip(IpAddr::from([192, 0, 2, 1])));
    let error = extract(|| Ok(bytes.as_slice()), &options(), wanted).unwrap_err();
    assert!(error.to_string().starts_with("no such device"), "{error}");
}
