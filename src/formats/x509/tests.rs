//! Certificates in `src/formats/samples`, held against what OpenSSL prints of them.

use super::*;

fn body(der: &[u8]) -> Body {
    parse(der).body.expect("a certificate")
}

#[test]
fn every_field_of_a_server_certificate_is_read() {
    // `openssl x509 -text` of the same file says so too.
    let certificate = parse(include_bytes!("../samples/leaf-p256.der"));
    let body = certificate.body.as_ref().expect("a certificate");
    assert_eq!(body.subject.text.raw(), r"CN=pool01.contoso.com,OU=a\+b,O=Contoso\, Ltd.,C=DE");
    assert_eq!(body.issuer.text.raw(), r"CN=pool01.contoso.com,O=Contoso\, Ltd.,C=DE");
    assert_eq!(body.common_name, Some("pool01.contoso.com".into()));
    assert_eq!(body.serial, "abc");
    assert_eq!(body.version, 3);
    assert_eq!((body.key.name.as_str(), body.key.bits, body.key.kind), ("EC secp256r1", 256, KeyKind::Ec));
    assert_eq!(body.signature_algorithm.oid, "1.2.840.113549.1.1.11");
    assert_eq!(body.signature_algorithm.hash, Some(Hash::Sha256));
    assert_eq!(body.not_before.whole_seconds(), "2009-04-10T22:01:03Z");
    assert_eq!(body.not_after.whole_seconds(), "2059-04-10T22:01:03Z");
    assert_eq!(
        body.alternative_names,
        [
            AlternativeName::Dns("pool01.contoso.com".into()),
            AlternativeName::Dns("*.lync.contoso.com".into()),
            AlternativeName::Ip("10.0.0.4".parse().expect("an address")),
            AlternativeName::Ip("2001:db8::4".parse().expect("an address")),
            AlternativeName::Uri("sip:pool01.contoso.com".into()),
            AlternativeName::Email("admin@contoso.com".into()),
        ]
    );
    assert_eq!(body.basic_constraints, Some((false, None)));
    assert_eq!(body.key_usage, Some(0b101));
    assert_eq!(body.extended_key_usage, Some(vec!["1.3.6.1.5.5.7.3.2".to_owned(), "1.3.6.1.5.5.7.3.1".to_owned()]));
    assert_eq!(body.crl_locations, ["http://pki.contoso.com/ca.crl".into()]);
    assert_eq!(body.ocsp_locations, ["http://ocsp.contoso.com".into()]);
    assert_eq!(body.issuer_locations, ["http://pki.contoso.com/ca.cer".into()]);
    assert_eq!(body.subject_key_id.as_ref().map(Vec::len), Some(20));
    assert_eq!(
        certificate.der.get(body.signed.clone()).map(|signed| signed.len()),
        Some(certificate.der.len() - 4 - 15 - 260 - 1)
    );
}

#[test]
fn a_chain_hangs_together_by_names_and_key_identifiers() {
    let (leaf, root) = (body(include_bytes!("../samples/leaf-p256.der")), body(include_bytes!("../samples/rsa2048-sha256.der")));
    assert_eq!(leaf.issuer, root.subject);
    assert_eq!(leaf.authority_key_id, root.subject_key_id);
    assert_eq!(root.basic_constraints, Some((true, Some(1))));
    assert_eq!((root.key.name.as_str(), root.key.bits), ("RSA", 2048));
}

#[test]
fn sizes_of_keys_are_exact() {
    let key = |der: &[u8]| {
        let key = body(der).key;
        (key.name, key.bits)
    };
    assert_eq!(key(include_bytes!("../samples/rsa1023-sha224.der")), ("RSA".to_owned(), 1023));
    assert_eq!(key(include_bytes!("../samples/rsapss1024-sha384.der")), ("RSA".to_owned(), 1024));
    assert_eq!(key(include_bytes!("../samples/p521-sha512.der")), ("EC secp521r1".to_owned(), 521));
    assert_eq!(key(include_bytes!("../samples/secp256k1-sha256.der")), ("EC secp256k1".to_owned(), 256));
    assert_eq!(key(include_bytes!("../samples/p256-explicit-sha256.der")), ("EC explicit parameters".to_owned(), 256));
    assert_eq!(key(include_bytes!("../samples/ed25519.der")), ("Ed25519".to_owned(), 256));
    assert_eq!(key(include_bytes!("../samples/dsa1024-sha256.der")), ("DSA".to_owned(), 1024));
}

#[test]
fn parameters_of_pss_are_read() {
    let algorithm = |der: &[u8]| {
        let algorithm = body(der).signature_algorithm;
        (algorithm.scheme, algorithm.hash, algorithm.pss_salt_length)
    };
    let salted = algorithm(include_bytes!("../samples/rsa1024-pss-sha256-salt17.der"));
    assert_eq!(salted, (Scheme::RsaPss, Some(Hash::Sha256), Some(17)));
    let defaults = algorithm(include_bytes!("../samples/rsa1024-pss-sha1-defaults.der"));
    assert_eq!(defaults, (Scheme::RsaPss, Some(Hash::Sha1), Some(20)));
    let mixed = algorithm(include_bytes!("../samples/rsa1024-pss-mixed-hashes.der"));
    assert_eq!(mixed, (Scheme::RsaPss, Some(Hash::Sha256), None));
}

#[test]
fn algorithms_have_the_names_that_tools_print() {
    assert_eq!(signature_name("1.2.840.113549.1.1.11"), "sha256WithRSAEncryption");
    assert_eq!(signature_name("1.2.840.10045.4.1"), "ecdsa-with-SHA1");
    assert_eq!(signature_name("1.2.3.4"), "1.2.3.4");
}

#[test]
fn what_is_no_certificate_says_so_and_is_kept() {
    for bytes in [&b""[..], b"\x30", b"\x30\x82\x03", b"<html>", b"\x30\x03\x02\x01\x00"] {
        let certificate = parse(bytes);
        assert!(certificate.body.is_err());
        assert_eq!(certificate.der.as_ref(), bytes);
    }
}

#[test]
fn no_prefix_and_no_flipped_byte_panics() {
    let der = include_bytes!("../samples/leaf-p256.der");
    for length in 0..der.len() {
        assert!(parse(&der[..length]).body.is_err());
    }
    for place in 0..der.len() {
        for value in [0x00, 0x80, 0xff, der[place] ^ 1] {
            let mut changed = der.to_vec();
            changed[place] = value;
            let _ = parse(&changed);
        }
    }
}

#[test]
fn lists_in_a_certificate_are_read_up_to_a_bound() {
    use x509_parser::prelude::{FromDer, X509Extension};
    let der = |tag: u8, content: &[u8]| [&[tag, 0x83], &(content.len() as u32).to_be_bytes()[1..], content].concat();
    // The extension with this last octet of its identifier (id-ce), and so many entries more than are kept.
    let extension = |id: u8, entry: &[u8]| {
        let list = der(0x30, &entry.repeat(read::MAX_ENTRIES + 7));
        der(0x30, &[&[6, 3, 0x55, 0x1d, id][..], &der(4, &list)].concat())
    };
    let mut body = body(include_bytes!("../samples/leaf-p256.der"));
    let point = [&[0x30, 8][..], &[0xa0, 6], &[0xa0, 4], &[0x86, 2, b'a', b':']].concat();
    for (id, entry) in [(17, &[0x82, 1, b'a'][..]), (37, &[6, 1, 0x2a]), (31, &point)] {
        let bytes = extension(id, entry);
        let (_, extension) = X509Extension::from_der(&bytes).expect("an extension");
        read::add(&mut body, &extension);
    }
    assert_eq!(body.alternative_names.len(), read::MAX_ENTRIES);
    assert_eq!(body.extended_key_usage.map(|uses| uses.len()), Some(read::MAX_ENTRIES));
    assert_eq!(body.crl_locations.len(), read::MAX_ENTRIES);
}
