//! Logins made safe to share: what they still say, and what they no longer do.

use super::checksums::correct;
use super::*;
use crate::extraction::extract;
use crate::pipeline::Wanted;
use crate::profile::Profiles;

/// Phones of several makers; TLS, enrolment with NTLM, SIP with Digest, Kerberos, DHCP, DNS, lost packets.
const CASES: [&str; 11] = [
    "founding-loop-fin",
    "enrolment-401-for-ever",
    "sip-udp-auth-rejected",
    "healthy-sha1-2048",
    "dhcp-nak",
    "dns-no-records",
    "path-loss",
    "self-signed",
    "ldap-bind-failed",
    "wrong-name",
    "healthy-vlan-tags",
];

fn options() -> Options {
    Options { profiles: Profiles::builtin(), ..Options::default() }
}

#[expect(clippy::disallowed_methods, reason = "a test reads a capture of the project")]
fn extracted(case: &str) -> Extract {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(case).join("capture.pcapng");
    let bytes = std::fs::read(path).unwrap();
    extract(|| Ok(bytes.as_slice()), &options(), Wanted::Worst).unwrap()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

#[test]
fn the_verdict_stays_and_nothing_of_the_device_but_its_makers_prefix() {
    for case in CASES {
        let whole = extracted(case);
        let shared = anonymise(&whole, &options()).unwrap();
        assert!(shared.extract.is_same, "{case}: {:?}", shared.left);
        let bytes = &shared.extract.capture;
        assert_eq!(bytes, &anonymise(&whole, &options()).unwrap().extract.capture, "{case}: the same each time");
        if let Some(mac) = whole.device.mac {
            assert!(contains(&whole.capture, &mac.0), "{case}");
            assert!(!contains(bytes, &mac.0[3..]), "{case}: the MAC");
            let spelt: String = mac.0[3..].iter().map(|octet| format!("{octet:02X}")).collect();
            assert!(!contains(bytes, spelt.as_bytes()), "{case}: the MAC as text");
        }
        for ip in &whole.device.ips {
            assert!(
                shared.left.iter().any(|left| left == "addresses") || !contains(bytes, ip.to_string().as_bytes()),
                "{case}: {ip}"
            );
        }
    }
}

#[test]
fn a_login_without_certificates_loses_the_names_of_its_domain_and_user() {
    let whole = extracted("enrolment-401-for-ever");
    let shared = anonymise(&whole, &options()).unwrap();
    let wide = |text: &str| text.bytes().flat_map(|byte| [byte, 0]).collect::<Vec<u8>>();
    for name in ["contoso", "CONTOSO"] {
        assert!(!contains(&shared.extract.capture, name.as_bytes()) && !contains(&shared.extract.capture, &wide(name)), "{name}");
    }
    assert!(contains(&whole.capture, &wide("kim")) && !contains(&shared.extract.capture, &wide("kim")));
}

#[test]
fn what_is_left_in_stands_in_the_capture() {
    let shared = anonymise(&extracted("founding-loop-fin"), &options()).unwrap();
    let said = comment(&shared.left, &shared.only_here);
    assert!(contains(&shared.extract.capture, said.as_bytes()));
}

#[test]
fn passwords_and_cookies_are_overwritten_at_their_length() {
    let hidden = |text: &[u8]| {
        let mut bytes = text.to_vec();
        secrets::hide(&mut bytes, &|_| {});
        bytes
    };
    assert_eq!(hidden(b"Authorization: Basic a2ltOnNlY3JldA==\r\n"), b"Authorization: Basic eeeeeeeeeeeeee==\r\n");
    assert_eq!(hidden(b"Cookie: id=4711\r\nHost: a\r\n"), b"Cookie: xx=xxxx\r\nHost: a\r\n");
    assert_eq!(
        hidden(b"Authorization: Digest nonce=\"7f\", response=\"0a1b2c\"\r\n"),
        b"Authorization: Digest nonce=\"7f\", response=\"000000\"\r\n"
    );
    // RFC 4511 section 4.2: version 3, an empty name, a password in tag 0.
    assert_eq!(hidden(&[0x60, 9, 2, 1, 3, 4, 0, 0x80, 2, b'p', b'w']), [0x60, 9, 2, 1, 3, 4, 0, 0x80, 2, b'x', b'x']);
}

#[test]
fn what_a_person_is_called_in_sip_is_overwritten_and_the_address_is_not() {
    let mut bytes = b"From: \"Kim Akers\" <sip:kim@contoso.com>;tag=9f\r\nTo: <sip:kim@contoso.com>\r\n".to_vec();
    secrets::hide(&mut bytes, &|_| {});
    assert_eq!(bytes, b"From: \"xxx xxxxx\" <sip:kim@contoso.com>;tag=9f\r\nTo: <sip:kim@contoso.com>\r\n");
}

#[test]
fn names_whose_signature_the_verdict_stands_on_stay_and_are_listed() {
    let whole = extracted("founding-loop-fin");
    let shared = anonymise(&whole, &options()).unwrap();
    assert!(shared.extract.is_same);
    assert!(shared.left.iter().any(|left| left.contains("certificates") && left.contains("contoso")), "{:?}", shared.left);
    let shared = anonymise(&extracted("healthy-sha1-2048"), &options()).unwrap();
    assert!(shared.extract.is_same && !contains(&shared.extract.capture, b"contoso"), "{:?}", shared.left);
}

#[test]
fn what_only_the_copy_gives_is_listed() {
    for case in CASES {
        let whole = extracted(case);
        let shared = anonymise(&whole, &options()).unwrap();
        let codes = |device: &DeviceAnalysis| device.findings.iter().map(|finding| finding.code).collect::<BTreeSet<_>>();
        let now = judged(&shared.extract.capture, &options(), &shared.extract.device).unwrap();
        let listed = shared.only_here.iter().copied().collect();
        assert_eq!(codes(&now).difference(&codes(&whole.device)).copied().collect::<BTreeSet<_>>(), listed, "{case}");
    }
}

/// RFC 1071, over whole words.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}

#[test]
fn a_valid_checksum_stays_valid_and_a_bad_one_bad() {
    for error in [0, 1] {
        let mut old = [0x45, 0, 0, 20, 0, 1, 0, 0, 64, 99, 0, 0, 10, 0, 4, 23, 10, 0, 4, 10];
        let right = checksum(&old) ^ error;
        old[10..12].copy_from_slice(&right.to_be_bytes());
        let mut new = old;
        new[15] = 11;
        correct(&old, &mut new, 0);
        assert_eq!(checksum(&new) == 0, error == 0);
    }
}

#[test]
fn a_name_in_two_segments_is_replaced() {
    let mut frames = vec![b"Host: con".to_vec(), b"toso.com".to_vec()];
    let end = |port| SocketAddr::from(([10, 0, 0, 1], port));
    let mut streams = Streams::default();
    streams.put((end(1), end(2)), u32::MAX - 8, 0, 0..9);
    streams.put((end(1), end(2)), 0, 1, 0..8);
    streams.edit(&mut frames, &|bytes| {
        let at = memchr::memmem::find(bytes, b"contoso").unwrap();
        bytes[at..at + 7].copy_from_slice(b"bbbbbbc");
    });
    assert_eq!(frames, [b"Host: bbb".to_vec(), b"bbbc.com".to_vec()]);
}
