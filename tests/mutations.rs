//! Every capture of the repository with bytes flipped, records cut out, files cut and glued: whatever comes of it is
//! analysed without a panic and in little time. `LOGINLOOP_MUTATIONS` sets how many seeds are tried (1 if it is not set).

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::time::Duration;

use loginloop::pipeline::{self, Options};
use loginloop::profile::Profiles;
use loginloop::report::{json, text};

/// A capture of the repository takes milliseconds; this is for a slow machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of packets that are changed, in a thousand: 0.1, 1 and 5 %.
const RATES: [u64; 3] = [1, 10, 50];

/// A generator of numbers that are the same in each run (xorshift64).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % sides.max(1)
    }
}

fn seeds() -> u64 {
    std::env::var("LOGINLOOP_MUTATIONS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1)
}

fn files() -> Vec<(String, Vec<u8>)> {
    support::captures().iter().map(|path| (path.display().to_string(), support::read(path))).collect()
}

/// How long this thread has worked, whatever else the machine does; nothing is known of it outside Linux.
fn worked() -> Duration {
    let schedule = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(schedule.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

/// Analyses what it may, and writes it in the ways in which people and programs want it.
fn survives(what: &str, bytes: &[u8], options: &Options) {
    let begin = worked();
    if let Ok(outcome) = pipeline::analyse(bytes, options) {
        let mut out = Vec::new();
        let look = text::Options { detail: text::Detail::Verbose, ..text::Options::default() };
        text::write(&outcome.result, what, &look, &mut out).expect("memory takes it");
        out.clear();
        json::line(&outcome.result, what, &mut out).expect("memory takes it");
        serde_json::from_slice::<serde_json::Value>(&out).expect("it is JSON");
    }
    let took = worked().saturating_sub(begin);
    assert!(took < PATIENCE, "{what}: {took:?}");
}

fn options() -> Options {
    Options { profiles: Profiles::builtin(), ..Options::default() }
}

/// Where the packets' bytes lie in a little-endian file; nowhere in one that is compressed or of the other byte order.
fn packets(file: &[u8]) -> Vec<std::ops::Range<usize>> {
    let word = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().expect("four bytes")) as usize;
    let is_pcapng = word(0) == 0x0a0d_0d0a;
    if !is_pcapng && !matches!(word(0), 0xa1b2_c3d4 | 0xa1b2_3c4d) {
        return Vec::new();
    }
    let mut place = if is_pcapng { 0 } else { 24 };
    let mut packets = Vec::new();
    while place < file.len() {
        let (data, captured, whole) =
            if is_pcapng { (place + 28, place + 20, word(place + 4)) } else { (place + 16, place + 8, 16 + word(place + 8)) };
        if !is_pcapng || word(place) == 6 {
            packets.push(data..data + word(captured));
        }
        place += whole;
    }
    packets
}

#[test]
fn flipped_bytes_in_packets_are_survived() {
    let options = options();
    for (name, file) in files() {
        for (seed, rate) in (0..seeds()).flat_map(|seed| RATES.map(|rate| (seed, rate))) {
            let mut dice = Dice::new(seed * 1_000 + rate);
            let mut damaged = file.clone();
            for place in packets(&file).into_iter().flatten() {
                if dice.roll(1_000) < rate {
                    damaged[place] = dice.roll(256) as u8;
                }
            }
            survives(&format!("{name}, seed {seed}, {rate} in 1000"), &damaged, &options);
        }
    }
}

#[test]
fn flipped_bytes_anywhere_are_survived() {
    let options = options();
    for (name, file) in files() {
        for seed in 0..seeds() {
            let mut dice = Dice::new(seed + 77);
            let mut damaged = file.clone();
            // One in about two thousand: most records can still be found.
            for byte in &mut damaged {
                if dice.roll(2_000) == 0 {
                    *byte = dice.roll(256) as u8;
                }
            }
            survives(&format!("{name}, anywhere, seed {seed}"), &damaged, &options);
        }
    }
}

#[test]
fn cuts_and_splices_are_survived() {
    let options = options();
    let files = files();
    for (index, (name, file)) in files.iter().enumerate() {
        let (_, other) = &files[(index * 7 + 3) % files.len()];
        for seed in 0..seeds() {
            let mut dice = Dice::new(seed + 7_777);
            let mut place = |file: &[u8]| dice.roll(file.len() as u64 + 1) as usize;
            let (cut, from, to) = (place(file), place(other), place(file));
            survives(&format!("{name}, cut at {cut}"), &file[..cut], &options);
            let glued = [&file[..cut], &other[from..]].concat();
            survives(&format!("{name}, another from {from} on behind {cut}"), &glued, &options);
            let without = [&file[..cut.min(to)], &file[cut.max(to)..]].concat();
            survives(&format!("{name}, without {cut} to {to}"), &without, &options);
            // One file behind the other, as `cat` puts them: whole sections of pcapng are read on.
            survives(&format!("{name}, and another"), &[file.as_slice(), other].concat(), &options);
        }
    }
}
