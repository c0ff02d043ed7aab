//! Writes captures to measure with:
//!
//! - `make-traffic mixed|voice|stories MIB FILE [FOLDER]`: the stories are those of `captures/`, or of another folder;
//! - `make-traffic flows COUNT FILE`: the beginnings of so many downloads;
//! - `make-traffic KIND MIB FILE [DEVICES]`: too much of one thing, see `benches/traffic/hostile.rs`;
//! - `make-traffic small COUNT FOLDER`: so many captures of about 4.6 kB.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

#[path = "../benches/traffic/mod.rs"]
mod traffic;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: make-traffic mixed|voice|stories|flows|small|… AMOUNT PATH [FOLDER or DEVICES]");
    let [kind, amount, path, last @ ..] = arguments.as_slice() else { return Err(usage()) };
    let devices = last.first();
    let folder = last.first().map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("captures"), PathBuf::from);
    let amount: u32 = amount.parse().map_err(io::Error::other)?;
    let stories = || traffic::stories(&traffic::captures(&folder)?);
    let size = u64::from(amount) << 20;
    if let Some((_, say)) = traffic::hostile::KINDS.iter().find(|(name, _)| name == kind) {
        let devices = devices.map(|devices| devices.parse()).transpose().map_err(io::Error::other)?;
        return traffic::hostile::write(*say, devices, size, &mut create(path)?);
    }
    match kind.as_str() {
        "mixed" => traffic::write(traffic::MIXED, &stories()?, size, &mut create(path)?),
        "voice" => traffic::write(traffic::VOICE, &stories()?, size, &mut create(path)?),
        "stories" => traffic::write(traffic::STORIES, &stories()?, size, &mut create(path)?),
        "flows" => traffic::write_flows(amount, &mut create(path)?),
        "small" => {
            let captures = traffic::small(&stories()?, amount as usize);
            captures
                .iter()
                .enumerate()
                .try_for_each(|(number, capture)| create(Path::new(path).join(format!("{number:05}.pcap")))?.write_all(capture))
        }
        _ => Err(usage()),
    }
}

fn create(path: impl AsRef<Path>) -> io::Result<BufWriter<std::fs::File>> {
    Ok(BufWriter::new(std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(path)?))
}
