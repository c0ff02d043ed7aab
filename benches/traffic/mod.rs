//! Captures to measure with: the stories of `captures/`, each told by many phones at a time, among calls and downloads.
//! Nothing is random: the same kind and size give the same bytes.
#![allow(dead_code, clippy::indexing_slicing, reason = "each benchmark uses its part of it, and may fail by panicking")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use loginloop::capture::{CaptureReader, compressed};

mod bulk;
mod copy;
pub(crate) mod hostile;

const MILLISECOND: u64 = 1_000_000;
/// When all these captures begin: seconds since 1970.
const BEGIN: u64 = 1_700_000_000;

/// One frame, and its time in nanoseconds from the beginning of its story.
#[derive(Clone)]
pub(crate) struct Frame {
    time: u64,
    bytes: Vec<u8>,
}

/// What goes on side by side at any moment.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    stories: u64,
    calls: u64,
    downloads: u64,
}

/// Logins, calls and downloads: about a third of the packets each, 360 bytes a packet.
pub(crate) const MIXED: Mix = Mix { stories: 130, calls: 45, downloads: 30 };
/// Logins only.
pub(crate) const STORIES: Mix = Mix { stories: 200, calls: 0, downloads: 0 };
/// A trunk full of calls: one packet of fifty is signalling.
pub(crate) const VOICE: Mix = Mix { stories: 50, calls: 490, downloads: 0 };

/// Every capture in `folder`, or one folder below it, in the order of their names.
pub(crate) fn captures(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(std::fs::read_dir(&path)?.filter_map(|entry| Some(entry.ok()?.path())));
        } else {
            found.push(path);
        }
    }
    let is_capture = |path: &PathBuf| path.to_string_lossy().contains(".pcap") || path.to_string_lossy().contains(".cap");
    found.retain(is_capture);
    found.sort();
    Ok(found)
}

/// The Ethernet frames of each of these captures.
pub(crate) fn stories(captures: &[PathBuf]) -> io::Result<Vec<Vec<Frame>>> {
    let stories = captures.iter().map(|path| story(path)).collect::<io::Result<Vec<_>>>()?;
    Ok(stories.into_iter().filter(|story| !story.is_empty()).collect())
}

fn story(path: &Path) -> io::Result<Vec<Frame>> {
    const ETHERNET: u16 = 1;
    let (input, _) = compressed::plain(std::fs::OpenOptions::new().read(true).open(path)?).map_err(io::Error::other)?;
    let Ok(mut reader) = CaptureReader::open(input) else { return Ok(Vec::new()) };
    let mut frames = Vec::new();
    let mut begin = None;
    while let Ok(Some(record)) = reader.next_record() {
        if record.link_type == ETHERNET {
            let begin = *begin.get_or_insert(record.at.time);
            let time = u64::try_from(record.at.time.since(begin)).unwrap_or(0);
            frames.push(Frame { time, bytes: record.data.to_vec() });
        }
    }
    Ok(frames)
}

/// Something that gives one frame after the other.
enum Source<'a> {
    Story { frames: &'a [Frame], next: usize, copy: u64 },
    Call(bulk::Call),
    Download(bulk::Download),
}

impl Source<'_> {
    /// The next frame goes to `into`; how long after it the following one comes, or `None` after the last.
    fn next(&mut self, into: &mut Vec<u8>) -> Option<u64> {
        into.clear();
        match self {
            Source::Story { frames, next, copy } => {
                let frame = frames.get(*next)?;
                into.extend_from_slice(&frame.bytes);
                copy::shift(into, *copy);
                *next += 1;
                frames.get(*next).map(|following| following.time.saturating_sub(frame.time))
            }
            Source::Call(call) => call.next(into),
            Source::Download(download) => download.next(into),
        }
    }
}

/// Writes a classic capture of at least `size` bytes: `stories` over and over, each copy with phones of its own.
pub(crate) fn write(mix: Mix, stories: &[Vec<Frame>], size: u64, out: &mut impl Write) -> io::Result<()> {
    let mut copies = 0_u64;
    let mut story = || {
        let index = usize::try_from(copies).unwrap_or(0) % stories.len();
        copies += 1;
        Source::Story { frames: stories.get(index).map_or(&[], Vec::as_slice), next: 0, copy: copies }
    };
    let mut sources: Vec<Source<'_>> = Vec::new();
    sources.extend((0..mix.stories).map(|_| story()));
    sources.extend((0..mix.calls).map(|number| Source::Call(bulk::Call::new(number))));
    sources.extend((0..mix.downloads).map(|number| Source::Download(bulk::Download::new(number))));
    let begin = BEGIN * 1_000 * MILLISECOND;
    // They do not begin all at once, and never two in one nanosecond.
    let mut turns: BinaryHeap<Reverse<(u64, usize)>> =
        (0..sources.len()).map(|index| Reverse((begin + index as u64 * 7 * MILLISECOND, index))).collect();
    out.write_all(&header())?;
    let mut written = 24;
    let mut bytes = Vec::new();
    while let (true, Some(Reverse((time, index)))) = (written < size, turns.pop()) {
        let Some(source) = sources.get_mut(index) else { break };
        let pause = source.next(&mut bytes);
        record(time, &bytes, out)?;
        written += 16 + bytes.len() as u64;
        let pause = pause.unwrap_or_else(|| {
            if let Source::Story { .. } = source {
                *source = story();
            }
            20 * MILLISECOND
        });
        turns.push(Reverse((time + pause, index)));
    }
    Ok(())
}

/// `count` captures of about 4.6 kB: stretches of the stories, each of a phone of its own.
pub(crate) fn small(stories: &[Vec<Frame>], count: usize) -> Vec<Vec<u8>> {
    const SIZE: usize = 4_600;
    let begin = BEGIN * 1_000 * MILLISECOND;
    let mut captures = Vec::new();
    let mut all = stories.iter().cycle();
    while let (true, Some(story)) = (captures.len() < count, all.next()) {
        let mut capture = header().to_vec();
        for frame in story {
            let mut bytes = frame.bytes.clone();
            copy::shift(&mut bytes, captures.len() as u64);
            // Writing to memory cannot fail.
            let _ = record(begin + frame.time, &bytes, &mut capture);
            if capture.len() >= SIZE && captures.len() < count {
                captures.push(std::mem::replace(&mut capture, header().to_vec()));
            }
        }
    }
    captures
}

/// The beginnings of `count` downloads, sixteen for each client.
pub(crate) fn write_flows(count: u32, out: &mut impl Write) -> io::Result<()> {
    let mut time = BEGIN * 1_000 * MILLISECOND;
    let mut bytes = Vec::new();
    out.write_all(&header())?;
    for flow in 0..u64::from(count) {
        let mut download = bulk::Download::begin(flow / 16, flow % 16);
        for _ in 0..bulk::BEGINNING {
            bytes.clear();
            download.next(&mut bytes);
            record(time, &bytes, out)?;
            time += MILLISECOND / 100;
        }
    }
    Ok(())
}

fn header() -> [u8; 24] {
    let mut header = [0; 24];
    header[..8].copy_from_slice(&[0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0]);
    header[16..].copy_from_slice(&[0, 0, 4, 0, 1, 0, 0, 0]);
    header
}

fn record(time: u64, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let length = number(bytes.len() as u64);
    let second = 1_000 * MILLISECOND;
    out.write_all(&[number(time / second), number(time % second), length, length].concat())?;
    out.write_all(bytes)
}
