//! `check-certificate` as an administrator calls it, before the certificate is installed: what it says of chains whose faults
//! are known because they were made so (`src/trust/samples`).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that fails says why")]
#![allow(clippy::disallowed_methods, reason = "a test makes its own files")]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_loginloop");
/// All of the samples are valid then, but for those that are not meant to be.
const WITHIN: &str = "2014-03-01T00:00:00Z";

/// A PEM file of these samples, in this order.
fn pem(test: &str, samples: &[&str]) -> PathBuf {
    let mut text = String::new();
    for sample in samples {
        let der =
            std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/trust/samples").join(format!("{sample}.der"))).unwrap();
        let body = base64::engine::general_purpose::STANDARD.encode(der);
        text.push_str(&format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"));
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("check-certificate-{test}.pem"));
    std::fs::write(&path, text).unwrap();
    path
}

/// Exit code, and the documents that it printed.
fn check(path: &Path, arguments: &[&str]) -> (i32, Vec<Value>) {
    let output = Command::new(PROGRAM)
        .arg("check-certificate")
        .arg(path)
        .args(["--format", "json"])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (output.status.code().unwrap(), documents)
}

/// The codes of what a family refuses for: those more likely than not.
fn refusals(document: &Value, profile: &str) -> Vec<String> {
    let families = document["profiles"].as_array().unwrap();
    let family = families.iter().find(|family| family["profile"] == profile).unwrap();
    let objections = family["objections"].as_array().unwrap().iter();
    let mut codes: Vec<String> = objections
        .filter(|objection| objection["confidence"].as_f64().unwrap() >= 0.5)
        .map(|objection| objection["code"].as_str().unwrap().to_owned())
        .collect();
    codes.sort();
    codes.dedup();
    codes
}

const CPE: &str = "communicator-phone-edition";

#[test]
fn sha256_and_4096_bits_are_refused_before_they_are_installed() {
    let path = pem("founding", &["founding-leaf", "founding-root"]);
    let (exit, documents) = check(&path, &["--profile", CPE, "--at", WITHIN]);
    assert_eq!(exit, 1);
    assert_eq!(refusals(&documents[0], CPE), ["cert-unsupported-key", "cert-unsupported-signature"]);
}

#[test]
fn sha1_and_2048_bits_are_accepted() {
    let path = pem("sha1", &["leaf", "issuing", "root"]);
    let ca = pem("sha1-ca", &["root"]);
    let (exit, documents) = check(&path, &["--profile", CPE, "--at", WITHIN, "--ca", ca.to_str().unwrap()]);
    assert_eq!(refusals(&documents[0], CPE), [""; 0]);
    assert_eq!(exit, 0);
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let documents = |test: &str, samples: &[&str]| {
        let mut document = check(&pem(test, samples), &["--at", WITHIN]).1.remove(0);
        document["source"].take();
        document["profiles"].clone()
    };
    assert_eq!(documents("order", &["leaf", "issuing"]), documents("disorder", &["issuing", "leaf"]));
}

#[test]
fn what_is_known_to_be_held_tells_a_foreign_ca() {
    let path = pem("foreign", &["leaf-of-fabrikam", "fabrikam-root"]);
    let ca = pem("foreign-ca", &["root"]);
    let (_, documents) = check(&path, &["--profile", CPE, "--at", WITHIN]);
    assert!(!refusals(&documents[0], CPE).contains(&"cert-untrusted-issuer".to_owned()), "nobody has said what it holds");
    let (exit, documents) = check(&path, &["--profile", CPE, "--at", WITHIN, "--ca", ca.to_str().unwrap()]);
    assert_eq!((exit, refusals(&documents[0], CPE)), (1, vec!["cert-untrusted-issuer".to_owned()]));
}

#[test]
fn a_certificate_is_judged_at_the_time_that_is_given() {
    let path = pem("expired", &["leaf-expired", "issuing"]);
    let codes = |at: &str| refusals(&check(&path, &["--profile", CPE, "--at", at]).1[0], CPE);
    assert!(codes(WITHIN).contains(&"cert-expired".to_owned()));
    assert_eq!(codes("2012-01-01T00:00:00Z"), [""; 0]);
    assert!(codes("2001-01-01T00:00:00Z").contains(&"cert-not-yet-valid".to_owned()));
}

#[test]
fn names_are_looked_for_in_the_certificate_a_wildcard_covers_one_label() {
    let path = pem("wildcard", &["leaf-wildcard", "issuing"]);
    let (_, documents) = check(&path, &["--at", WITHIN, "--domain", "contoso.com"]);
    let covered = |name: &str| {
        let names = documents[0]["names"].as_array().unwrap();
        names.iter().find(|one| one["name"] == name).unwrap()["covered"].as_bool().unwrap()
    };
    assert!(covered("sip.contoso.com"));
    assert!(!covered("as.cwa.contoso.com"), "RFC 6125 section 6.4.3: one label");
    let (exit, documents) = check(&path, &["--at", WITHIN, "--name", "pool.fabrikam.com", "--profile", CPE]);
    assert_eq!((exit, refusals(&documents[0], CPE)), (1, vec!["cert-name-mismatch".to_owned()]));
}

#[test]
fn the_chains_of_a_capture_are_judged_when_they_were_sent() {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/founding-loop-fin/capture.pcapng");
    let (exit, documents) = check(&capture, &["--profile", CPE]);
    assert_eq!((exit, documents.len()), (1, 1), "four attempts, one chain");
    assert!(refusals(&documents[0], CPE).contains(&"cert-unsupported-signature".to_owned()));
}

#[test]
fn what_is_no_certificate_is_a_clear_error() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-certificate-none.txt");
    std::fs::write(&path, "hello\n").unwrap();
    let output = Command::new(PROGRAM).arg("check-certificate").arg(&path).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(error.contains("check-certificate-none.txt: holds no certificate"), "{error}");
}
