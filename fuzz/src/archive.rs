//! Archives: whatever calls itself a ZIP or tar file, what is handed out does not depend on how the bytes come, nor on how much of
//! a member is read.

use std::io::{Cursor, Read, Seek};

use loginloop::capture::archive::{ArchiveError, Each, tar, zip};

use crate::capture::Drip;

/// Bytes of a member that are read: more than a small file can hold packed would be the next layer's to refuse.
const MEMBER: u64 = 1 << 20;

/// What was handed out: names, and bytes or why there are none; and how it ended.
#[derive(Debug, PartialEq)]
struct Unpacked {
    members: Vec<(String, Result<Vec<u8>, String>)>,
    error: Option<String>,
}

fn unpacked(take: u64, unpack: impl FnOnce(&mut Each<'_>) -> Result<(), ArchiveError>) -> Unpacked {
    let mut members = Vec::new();
    let error = unpack(&mut |name, body| {
        let body = body.and_then(|body| {
            let mut bytes = Vec::new();
            body.take(take).read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.to_string())
        });
        members.push((name.to_owned(), body));
        true
    });
    Unpacked { members, error: error.err().map(|error| error.to_string()) }
}

fn names(unpacked: &Unpacked) -> Vec<&str> {
    unpacked.members.iter().map(|(name, _)| name.as_str()).collect()
}

/// Any bytes as a ZIP file, and as a tar file.
pub fn members(bytes: &[u8]) {
    fn from_zip(bytes: impl Read + Seek, take: u64) -> Unpacked {
        unpacked(take, |each| zip(bytes, each))
    }
    fn from_tar(bytes: impl Read, take: u64) -> Unpacked {
        unpacked(take, |each| tar(bytes, each))
    }
    for (read, unread) in
        [(from_zip(Cursor::new(bytes), MEMBER), from_zip(Cursor::new(bytes), 0)), (from_tar(bytes, MEMBER), from_tar(bytes, 0))]
    {
        assert_eq!((names(&read), &read.error), (names(&unread), &unread.error), "what is not read is passed over");
    }
    assert_eq!(from_tar(bytes, MEMBER), from_tar(Drip(bytes), MEMBER));
    let mut count = 0;
    let _ = zip(Cursor::new(bytes), &mut |_, _| {
        count += 1;
        false
    });
    assert!(count <= 1, "who wants no more is given no more");
}
