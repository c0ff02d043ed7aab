//! The traffic keys and records of RFC 8448 section 3.

use super::*;

fn hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

const CLIENT_HANDSHAKE: &str = "b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21";
const SERVER_HANDSHAKE: &str = "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38";
const CLIENT_TRAFFIC: &str = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
const SERVER_TRAFFIC: &str = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";

#[test]
fn traffic_keys_are_those_of_the_rfc() {
    for (secret, key, iv) in [
        (CLIENT_HANDSHAKE, "dbfaa693d1762c5b666af5d950258d01", "5bd3c71b836e0b76bb73265f"),
        (SERVER_HANDSHAKE, "3fce516009c21727d0f2e4e86ee403bc", "5d313eb2671276ee13000b30"),
        (CLIENT_TRAFFIC, "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9"),
        (SERVER_TRAFFIC, "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984"),
    ] {
        assert_eq!(derive::expand(Hash::Sha256, &hex(secret), b"key", 16), Some(hex(key)));
        assert_eq!(derive::expand(Hash::Sha256, &hex(secret), b"iv", 12), Some(hex(iv)));
    }
}

/// The client's Finished.
const FINISHED: &str = "17 03 03 00 35 75 ec 4d c2 38 cc e6 0b 29 80 44 a7 1e 21 9c 56 cc 77 b0 51 7f e9 b9 3c 7a 4b fc 44 d8 7f 38 f8 03 \
                        38 ac 98 fc 46 de b3 84 bd 1c ae ac ab 68 67 d7 26 c4 05 46";

fn open(opener: &mut Opener, record: &[u8]) -> Option<Plain> {
    opener.open(Header::read(record)?, &record[5..])
}

#[test]
fn a_record_of_the_rfc_is_opened_once_and_by_its_own_keys_alone() {
    let record = hex(FINISHED);
    let mut opener = Opener::of_1_3(0x1301, &hex(CLIENT_HANDSHAKE)).unwrap();
    let plain = open(&mut opener, &record).unwrap();
    assert_eq!(plain.kind, 22);
    assert_eq!(plain.bytes, hex("14000020a8ec436d677634ae525ac1fcebe11a039ec17694fac6e98527b642f2edd5ce61"));
    assert!(open(&mut opener, &record).is_none(), "it is not the next");
    for secret in [SERVER_HANDSHAKE, CLIENT_TRAFFIC] {
        assert!(open(&mut Opener::of_1_3(0x1301, &hex(secret)).unwrap(), &record).is_none());
    }
}

#[test]
fn a_record_that_was_altered_anywhere_is_not_opened() {
    let record = hex(FINISHED);
    for at in 0..record.len() {
        let mut altered = record.clone();
        altered[at] ^= 1;
        let mut opener = Opener::of_1_3(0x1301, &hex(CLIENT_HANDSHAKE)).unwrap();
        let whole = Header::read(&altered).is_some_and(|header| header.whole() == altered.len());
        assert!(!whole || open(&mut opener, &altered).is_none(), "byte {at}");
        assert!(opener.is_fresh());
    }
}

#[test]
fn what_cannot_be_opened_is_known_beforehand() {
    assert!(Opener::of_1_3(0xc02b, &[7; 32]).is_none(), "a suite of TLS 1.2");
    assert!(Opener::of_1_3(0x1302, &[7; 32]).is_none(), "a secret that is shorter than the hash");
    let agreed = |version, suite| Agreed { version, suite, encrypt_then_mac: false, client: &[1; 32], server: &[2; 32] };
    let is_known = |version, suite| Opener::up_to_1_2(&[3; 48], &agreed(version, suite), Side::Client).is_some();
    assert!(is_known(0x0301, 0x002f) && is_known(0x0303, 0xc02b));
    assert!(!is_known(0x0300, 0x002f), "SSL 3.0");
    assert!(!is_known(0x0301, 0xc02b), "GCM is not of TLS 1.0");
    assert!(!is_known(0x0303, 0x0003), "40 bits for export");
    assert!(!is_known(0x0303, 0xffff), "no suite");
}

#[test]
fn no_key_is_printed() {
    assert_eq!(format!("{:?}", Opener::of_1_3(0x1301, &hex(CLIENT_HANDSHAKE)).unwrap()), "Opener");
}
