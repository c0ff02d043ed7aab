//! Archives as Info-ZIP, Python and GNU tar write them, and what is left of them when they are cut.

use std::io::Cursor;

use super::*;

/// Members that were handed out: the name, and what was in it.
fn members(read: impl FnOnce(&mut Each<'_>) -> Result<(), ArchiveError>) -> (Vec<(String, String)>, Result<(), ArchiveError>) {
    let mut found = Vec::new();
    let result = read(&mut |name, body| {
        let text = match body {
            Ok(body) => {
                let mut bytes = Vec::new();
                match body.read_to_end(&mut bytes) {
                    Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
                    Err(error) => format!("error: {error}"),
                }
            }
            Err(why) => format!("not read: {why}"),
        };
        found.push((name.to_owned(), text));
        true
    });
    (found, result)
}

/// A header of ustar (IEEE Std 1003.1) with its checksum.
fn header(name: &str, size: usize, kind: u8) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    block[154] = 0;
    block
}

fn member(name: &str, kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, body.len(), kind);
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn tar_file() -> Vec<u8> {
    let long = "d/".repeat(80) + "long.pcap";
    let mut bytes = member("a.pcap", b'0', b"first");
    bytes.extend(member("folder/", b'5', b""));
    bytes.extend(member("././@LongLink", b'L', format!("{long}\0").as_bytes()));
    bytes.extend(member("d/d/d", b'0', b"second"));
    bytes.extend(member("pax", b'x', b"21 path=x/named.pcap\n"));
    bytes.extend(member("named", b'0', b"third"));
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

#[test]
fn the_files_of_a_tar_archive_are_handed_out_with_their_long_names() {
    let bytes = tar_file();
    assert_eq!(kind(&bytes), Some(Kind::Tar));
    let (found, result) = members(|each| tar(bytes.as_slice(), each));
    result.unwrap();
    let names: Vec<(usize, &str)> = found.iter().map(|(name, body)| (name.len(), body.as_str())).collect();
    assert_eq!(names, [(6, "first"), (169, "second"), (12, "third")]);
    assert_eq!(found[2].0, "x/named.pcap");
}

#[test]
fn a_tar_archive_that_was_cut_gives_what_stands_before_the_cut() {
    let bytes = tar_file();
    let (found, result) = members(|each| tar(&bytes[..515], each));
    assert_eq!(found, [("a.pcap".to_owned(), "fir".to_owned())]);
    assert!(matches!(result, Err(ArchiveError::Damaged(_))));
    for end in 0..bytes.len() {
        let _ = members(|each| tar(&bytes[..end], each));
    }
}

#[test]
fn a_tar_header_with_a_wrong_checksum_is_damage() {
    let mut bytes = tar_file();
    bytes[130] ^= 1;
    assert!(matches!(members(|each| tar(bytes.as_slice(), each)).1, Err(ArchiveError::Damaged(_))));
}

/// The same bytes again and again.
struct Endless(Vec<u8>, usize);

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let rest = &self.0[self.1..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.1 = (self.1 + count) % self.0.len();
        Ok(count)
    }
}

#[test]
fn members_beyond_the_bound_are_not_looked_at() {
    let (found, result) = members(|each| tar(Endless(header("a", 0, b'0'), 0), each));
    assert!(matches!(result, Err(ArchiveError::TooMany)));
    assert_eq!(found.len(), MAX_MEMBERS);
}

#[test]
fn a_name_longer_than_any_is_cut() {
    let mut bytes = member("././@LongLink", b'L', &vec![b'n'; MAX_NAME as usize + 600]);
    bytes.extend(member("short", b'0', b"body"));
    let (found, result) = members(|each| tar(bytes.as_slice(), each));
    result.unwrap();
    assert_eq!((found[0].0.len(), found[0].1.as_str()), (MAX_NAME as usize, "body"));
}

/// Python 3.11, zipfile: `a.txt` stored, `b/c.txt` deflated, a folder `d/`.
const ZIP: &str = include_str!("sample.zip.hex");

fn zip_file() -> Vec<u8> {
    let digits: Vec<u8> = ZIP.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn stored_and_deflated_members_of_a_zip_archive_are_handed_out() {
    let bytes = zip_file();
    assert_eq!(kind(&bytes), Some(Kind::Zip));
    let (found, result) = members(|each| zip(Cursor::new(&bytes), each));
    result.unwrap();
    assert_eq!(found, [("a.txt".to_owned(), "stored".to_owned()), ("b/c.txt".to_owned(), "deflated ".repeat(20))]);
}

#[test]
fn an_encrypted_member_or_an_unknown_method_is_said_and_not_guessed() {
    let bytes = zip_file();
    let directory = memchr::memmem::find(&bytes, b"PK\x01\x02").unwrap();
    for (offset, value, wanted) in [(8, 1, "encrypted"), (10, 99, "method 99")] {
        let mut changed = bytes.clone();
        changed[directory + offset] = value;
        let (found, result) = members(|each| zip(Cursor::new(&changed), each));
        result.unwrap();
        assert!(found[0].1.starts_with("not read") && found[0].1.contains(wanted), "{found:?}");
        assert_eq!(found[1].1, "deflated ".repeat(20));
    }
}

#[test]
fn a_zip_archive_that_was_cut_or_changed_anywhere_does_no_harm() {
    let bytes = zip_file();
    for end in 0..bytes.len() {
        let (_, result) = members(|each| zip(Cursor::new(&bytes[..end]), each));
        assert!(result.is_err(), "cut at {end}");
    }
    for place in 0..bytes.len() {
        for value in [0x00, 0x7f, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = value;
            let _ = members(|each| zip(Cursor::new(&changed), each));
        }
    }
}

#[test]
fn what_is_no_archive_is_none() {
    assert_eq!(kind(b""), None);
    assert_eq!(kind(&[0; 512]), None);
    assert_eq!(kind(b"\x0a\x0d\x0d\x0a"), None);
}
