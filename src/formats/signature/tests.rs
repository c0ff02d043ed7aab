//! `openssl verify -check_ss_sig` accepts each sample as its own issuer, and refuses it once one bit is changed.

use super::*;
use crate::formats::x509::parse;

macro_rules! samples {
    ($($name:literal),+ $(,)?) => { [$(($name, include_bytes!(concat!("../samples/", $name, ".der")).as_slice())),+] };
}

/// What the certificate's own key says of its signature.
fn by_own_key(der: &[u8]) -> Verified {
    let certificate = parse(der);
    let key = certificate.body.as_ref().expect("a certificate").key.clone();
    verify(&certificate, &key)
}

#[test]
fn good_signatures_are_good_and_changed_ones_bad() {
    let samples = samples![
        "rsa512-md5",
        "rsa1024-sha1",
        "rsa1023-sha224",
        "rsa2048-sha256",
        "rsa1024-sha384",
        "rsa1024-sha512",
        "rsa8192-sha256",
        "rsa1024-pss-sha256-salt17",
        "rsa1024-pss-sha1-defaults",
        "rsapss1024-sha384",
        "p256-sha1",
        "p256-sha256",
        "p256-sha512",
        "p384-sha1",
        "p384-sha384",
        "p521-sha256",
        "p521-sha512",
        "ed25519",
    ];
    for (name, der) in samples {
        assert_eq!(by_own_key(der), Verified::Good, "{name}");
        assert!(is_self_signed(&parse(der)), "{name}");

        let mut other_signature = der.to_vec();
        *other_signature.last_mut().expect("not empty") ^= 1;
        assert_eq!(by_own_key(&other_signature), Verified::Bad, "{name}, signature");

        let mut other_content = der.to_vec();
        let letter = der.windows(7).position(|window| window == b"contoso").expect("a name");
        other_content[letter] = b'k';
        assert_eq!(by_own_key(&other_content), Verified::Bad, "{name}, content");
    }
}

#[test]
fn what_is_not_supported_is_neither_good_nor_bad() {
    for (name, der) in samples!["ed448", "secp256k1-sha256", "p256-explicit-sha256", "dsa1024-sha256", "rsa1024-pss-mixed-hashes"]
    {
        assert!(matches!(by_own_key(der), Verified::CannotCheck(_)), "{name}");
        assert!(is_self_signed(&parse(der)), "{name}: the names decide");
    }
    assert!(matches!(
        verify(&parse(b""), &parse(include_bytes!("../samples/ed25519.der")).body.expect("one").key),
        Verified::CannotCheck(_)
    ));
}

#[test]
fn an_issuer_is_known_by_its_key_not_by_its_name() {
    let leaf = parse(include_bytes!("../samples/leaf-p256.der"));
    let issuer = parse(include_bytes!("../samples/rsa2048-sha256.der")).body.expect("a certificate");
    let namesake = parse(include_bytes!("../samples/rsa1024-sha1.der")).body.expect("a certificate");
    let other_kind = parse(include_bytes!("../samples/p256-sha256.der")).body.expect("a certificate");
    assert_eq!(issuer.subject, namesake.subject);
    assert_eq!(verify(&leaf, &issuer.key), Verified::Good);
    assert_eq!(verify(&leaf, &namesake.key), Verified::Bad);
    assert_eq!(verify(&leaf, &other_kind.key), Verified::Bad);
    assert!(!is_self_signed(&leaf));
}

#[test]
fn a_spoilt_key_is_no_bad_signature() {
    let leaf = parse(include_bytes!("../samples/leaf-p256.der"));
    let mut key = parse(include_bytes!("../samples/rsa2048-sha256.der")).body.expect("a certificate").key;
    key.info.truncate(20);
    assert!(matches!(verify(&leaf, &key), Verified::CannotCheck(_)));
}

#[test]
fn a_key_too_long_to_be_reckoned_with_is_neither_good_nor_bad() {
    let der = |tag: u8, content: &[u8]| [&[tag, 0x83], &(content.len() as u32).to_be_bytes()[1..], content].concat();
    let key = |bits: usize| {
        // An odd modulus of so many bits; the zero in front is its sign.
        let mut modulus = vec![0xff; bits / 8 + 1];
        modulus[0] = 0;
        der(0x30, &[der(2, &modulus), der(2, &[1, 0, 1])].concat())
    };
    assert!(rsa_key(&key(MAX_RSA_BITS)).is_ok());
    assert!(matches!(rsa_key(&key(MAX_RSA_BITS + 8)), Err(Verified::CannotCheck(_))));
}
