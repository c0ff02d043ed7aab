//! `chain.p7b` is `openssl crl2pkcs7 -nocrl` of leaf and root; `chain-ber.p7b` the same with indefinite lengths outside.

use super::*;

const LEAF: &[u8] = include_bytes!("../samples/leaf-p256.der");
const ROOT: &[u8] = include_bytes!("../samples/rsa2048-sha256.der");
const CHAIN: &[u8] = include_bytes!("../samples/chain.p7b");
const CHAIN_BER: &[u8] = include_bytes!("../samples/chain-ber.p7b");

fn armour(label: &str, der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines.join("\r\n"))
}

#[track_caller]
fn assert_bundle(bytes: &[u8], kind: Kind, expected: &[&[u8]]) {
    let bundle = certificates(bytes);
    assert_eq!(bundle.problem, None);
    assert_eq!(bundle.kind, kind);
    let found: Vec<&[u8]> = bundle.certificates.iter().map(|certificate| certificate.der.as_ref()).collect();
    assert_eq!(found, expected);
    assert!(bundle.certificates.iter().all(|certificate| certificate.body.is_ok()));
}

#[test]
fn der_alone_or_one_after_the_other() {
    assert_bundle(LEAF, Kind::Der, &[LEAF]);
    assert_bundle(&[LEAF, ROOT].concat(), Kind::Der, &[LEAF, ROOT]);
}

#[test]
fn pkcs7_in_der_and_ber() {
    assert_bundle(CHAIN, Kind::Pkcs7, &[LEAF, ROOT]);
    assert_bundle(CHAIN_BER, Kind::Pkcs7, &[LEAF, ROOT]);
}

#[test]
fn the_label_of_pem_decides_nothing() {
    assert_bundle(armour("CERTIFICATE", LEAF).as_bytes(), Kind::Pem, &[LEAF]);
    assert_bundle(armour("X509 CERTIFICATE", LEAF).as_bytes(), Kind::Pem, &[LEAF]);
    // Windows certificate services hand a chain out like this.
    assert_bundle(armour("CERTIFICATE", CHAIN).as_bytes(), Kind::Pkcs7, &[LEAF, ROOT]);
    assert_bundle(armour("PKCS7", CHAIN_BER).as_bytes(), Kind::Pkcs7, &[LEAF, ROOT]);
}

#[test]
fn pem_files_hold_other_things_too() {
    let text = format!(
        "subject=...\n{}{}{}",
        armour("RSA PRIVATE KEY", b"\x30\x03\x02\x01\x00"),
        armour("CERTIFICATE", LEAF),
        armour("CERTIFICATE", ROOT)
    );
    assert_bundle(text.as_bytes(), Kind::Pem, &[LEAF, ROOT]);
}

#[test]
fn base64_without_armour_and_wide_text() {
    assert_bundle(format!("\r\n{}\r\n", BASE64.encode(CHAIN)).as_bytes(), Kind::Pkcs7, &[LEAF, ROOT]);
    assert_bundle(BASE64.encode(LEAF).as_bytes(), Kind::Pem, &[LEAF]);
    assert_bundle(format!("\u{feff}{}", armour("CERTIFICATE", LEAF)).as_bytes(), Kind::Pem, &[LEAF]);
    let wide: Vec<u8> = format!("\u{feff}{}", armour("CERTIFICATE", LEAF)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_bundle(&wide, Kind::Pem, &[LEAF]);
}

#[test]
fn what_a_soap_service_hands_out_stands_in_its_elements() {
    let envelope = |inside: &str| format!("<?xml version=\"1.0\"?>\r\n<s:Envelope><s:Body>{inside}</s:Body></s:Envelope>");
    let chains = envelope(&format!("<Chains><Chain>\n  {}\n</Chain></Chains>", BASE64.encode(CHAIN)));
    assert_bundle(chains.as_bytes(), Kind::Pkcs7, &[LEAF, ROOT]);
    let token = |der: &[u8]| format!("<wsse:BinarySecurityToken Id=\"1\">{}</wsse:BinarySecurityToken>", BASE64.encode(der));
    assert_bundle(envelope(&[token(LEAF), token(ROOT)].concat()).as_bytes(), Kind::Pem, &[LEAF, ROOT]);
    assert_bundle(envelope(&token(&[0x30; 300])).as_bytes(), Kind::Nothing, &[]);
}

#[test]
fn what_is_no_certificate_is_nothing() {
    for bytes in [
        &b""[..],
        b"<!DOCTYPE html><html>MIIB</html>",
        b"\x30\x03\x02\x01\x00",
        b"\x30\x80",
        b"MIsery",
        b"\xff\xfe\x00",
        b"000000000000000000 error",
    ] {
        let bundle = certificates(bytes);
        assert!(bundle.certificates.is_empty(), "{bytes:?}");
        assert_eq!(bundle.kind, Kind::Nothing, "{bytes:?}");
    }
}

#[test]
fn a_revocation_list_is_no_certificate() {
    let list = crate::formats::revocation::samples::bytes(crate::formats::revocation::samples::LIST);
    for bytes in [list.clone(), armour("CERTIFICATE", &list).into_bytes()] {
        let bundle = certificates(&bytes);
        assert!(bundle.certificates.is_empty() && bundle.problem.is_some());
    }
    assert_bundle(&[LEAF, ROOT].concat(), Kind::Der, &[LEAF, ROOT]);
}

#[test]
fn a_cut_bundle_gives_what_it_has_and_says_so() {
    let bundle = certificates(&CHAIN[..CHAIN.len() - 100]);
    assert_eq!(bundle.kind, Kind::Pkcs7);
    assert_eq!(bundle.certificates.first().map(|certificate| certificate.der.as_ref()), Some(LEAF));
    assert_eq!(bundle.problem.as_deref(), Some("the PKCS#7 bundle is cut short"));
    let text = armour("CERTIFICATE", LEAF);
    let bundle = certificates(&text.as_bytes()[..text.len() / 2]);
    assert_eq!(bundle.problem.as_deref(), Some("a PEM block has no end line"));
}

#[test]
fn counts_and_depths_are_bounded() {
    let many: Vec<u8> = std::iter::repeat_n(LEAF, MAX_CERTIFICATES + 10).flatten().copied().collect();
    let bundle = certificates(&many);
    assert_eq!(bundle.certificates.len(), MAX_CERTIFICATES);
    let deep = [0x30, 0x80].repeat(200_000);
    assert!(certificates(&deep).certificates.iter().all(|certificate| certificate.body.is_err()));
}

#[test]
fn what_lies_behind_the_first_bytes_of_a_bundle_is_not_looked_at() {
    let pem = armour("CERTIFICATE", LEAF);
    let behind = |spaces: usize| certificates(format!("{}{pem}", " ".repeat(spaces)).as_bytes());
    let found = behind(MAX_BYTES - pem.len());
    assert_eq!((found.certificates.len(), found.problem.as_deref()), (1, None));
    let cut = behind(MAX_BYTES - pem.len() / 2);
    assert_eq!(cut.problem.as_deref(), Some("a PEM block has no end line"));
    assert!(cut.certificates.iter().all(|certificate| certificate.body.is_err()));
    assert!(behind(MAX_BYTES).certificates.is_empty());
}

#[test]
fn no_prefix_panics() {
    for sample in [CHAIN, CHAIN_BER] {
        for length in 0..sample.len() {
            let _ = certificates(&sample[..length]);
        }
    }
}
