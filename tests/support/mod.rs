//! What several tests need: the captures of the repository, and stream parsers fed by hand.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

pub mod feed;

/// The captures of the repository, in order.
pub fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let cases = folder.read_dir().expect("captures are there").map(|case| case.expect("it can be listed").path());
    let files = cases.flat_map(|case| ["pcap", "pcapng"].map(|ending| case.join(format!("capture.{ending}"))));
    let mut files: Vec<PathBuf> = files.filter(|path| path.is_file()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

/// The bytes of a file.
pub fn read(path: &Path) -> Vec<u8> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let file = std::fs::OpenOptions::new().read(true).open(path);
    file.and_then(|mut file| file.read_to_end(&mut bytes)).expect("it can be read");
    bytes
}
