//! The packets of one device's login, out of a capture: all of them (`extract`), or as few as still give the same verdict
//! (`prove`). What is written is judged again, so that nobody gets a capture that says something else.

use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::capture::{CaptureError, CaptureReader};
use crate::model::{By, Frame, How, Stage, Verdict};
use crate::pipeline::{self, Options, Wanted};
use crate::rewrite::{self, Edit, Packet, RewriteError};
use crate::verdict::DeviceAnalysis;
use selection::Selection;

mod anonymise;
mod reduction;
mod selection;
#[cfg(test)]
mod tests;

pub use anonymise::{Anonymised, anonymise};
pub use reduction::{Proof, prove};

/// What must stay the same: what a reader of the report acts upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Essence {
    verdict: Verdict,
    profile: Option<String>,
    drop: Option<(Stage, By, How)>,
    cause: Option<&'static str>,
}

impl Essence {
    /// That of a device.
    pub fn of(device: &DeviceAnalysis) -> Self {
        let drop = device.typical_attempt().and_then(|attempt| attempt.drop);
        Self {
            verdict: device.verdict,
            profile: device.profile.as_ref().map(|(name, _)| name.clone()),
            drop: drop.map(|drop| (drop.stage, drop.by, drop.how)),
            cause: device.primary().map(|finding| finding.code),
        }
    }
}

/// Packets that were taken out.
#[derive(Debug)]
pub struct Extract {
    /// The new capture, pcapng.
    pub capture: Vec<u8>,
    /// The device.
    pub device: DeviceAnalysis,
    /// Packets in it.
    pub packets: u64,
    /// Does it give the same verdict?
    pub is_same: bool,
}

impl Extract {
    /// Are secrets of TLS in it, which the capture brought?
    pub fn has_secrets(&self) -> bool {
        has_secrets(&self.capture).unwrap_or(false)
    }
}

/// Why nothing could be taken out.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The capture cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// There is no such device.
    #[error("no such device in it; `loginloop diagnose` lists them")]
    NoDevice,
    /// The packets of a login do not fit into memory.
    #[error("the packets of this device are more than {MOST} bytes; cut the capture first, e.g. with editcap -A and -B")]
    TooLarge,
}

impl From<RewriteError> for ExtractError {
    fn from(error: RewriteError) -> Self {
        match error {
            RewriteError::Capture(error) => Self::Capture(error),
            // What is written into memory fails only where it is too much.
            RewriteError::Output(_) => Self::TooLarge,
        }
    }
}

/// Bytes of packets that are kept in memory.
const MOST: usize = 256 << 20;

/// The packets of a device's login: what it and its servers said for it, and what its link said to all. `open` gives the
/// capture's bytes, and is called several times.
///
/// # Errors
/// If the capture cannot be read, or has no such device.
pub fn extract<R: Read>(
    mut open: impl FnMut() -> io::Result<R>,
    options: &Options,
    wanted: Wanted,
) -> Result<Extract, ExtractError> {
    let unread = |source| CaptureError::Io { offset: 0, source };
    let analysis = pipeline::analyse(open().map_err(unread)?, options)?.result;
    let device = wanted.choose(analysis.devices).ok_or(ExtractError::NoDevice)?;
    let essence = Essence::of(&device);
    let mut selection = Selection::of(&device);
    selection.learn(open().map_err(unread)?, &options.keys)?;
    let mut best = None;
    // First only what serves the login; where that is not enough, whatever the device sends and receives.
    for everything in [false, true] {
        let frames = selection.frames(open().map_err(unread)?, everything)?;
        let capture = written(&mut open, &frames)?;
        let is_same = essence_of(&capture, options, &device).as_ref() == Some(&essence);
        best = Some(Extract { capture, device: device.clone(), packets: frames.len() as u64, is_same });
        if is_same {
            break;
        }
    }
    best.ok_or(ExtractError::NoDevice)
}

/// What must stay the same of what a capture says of the same device.
fn essence_of(capture: &[u8], options: &Options, device: &DeviceAnalysis) -> Option<Essence> {
    judged(capture, options, device).as_ref().map(Essence::of)
}

/// What a capture says of the same device.
fn judged(capture: &[u8], options: &Options, device: &DeviceAnalysis) -> Option<DeviceAnalysis> {
    let analysis = pipeline::analyse(capture, options).ok()?.result;
    let is_it = |other: &DeviceAnalysis| {
        device.mac.is_some() && other.mac == device.mac || other.ips.iter().any(|ip| device.ips.contains(ip))
    };
    analysis.devices.into_iter().find(is_it)
}

/// These frames of a capture as a capture of their own.
fn written<R: Read>(open: impl FnMut() -> io::Result<R>, frames: &BTreeSet<Frame>) -> Result<Vec<u8>, ExtractError> {
    let mut out = Bounded(Vec::new());
    rewrite::rewrite(open, &mut Only(frames), &mut out)?;
    Ok(out.0)
}

/// Keeps these frames, and the secrets without which they would say less, and nothing else of the capture.
struct Only<'a>(&'a BTreeSet<Frame>);

impl Edit for Only<'_> {
    fn packet<'a>(&mut self, frame: Frame, data: &'a [u8]) -> Packet<'a> {
        if self.0.contains(&frame) { Packet::Kept(data.into(), Vec::new()) } else { Packet::Dropped }
    }

    fn keeps_surroundings(&self) -> bool {
        false
    }

    fn keeps_secrets(&self) -> bool {
        true
    }
}

/// Does a capture bring secrets of TLS?
fn has_secrets(capture: &[u8]) -> Result<bool, CaptureError> {
    let mut has = false;
    let mut reader = CaptureReader::open(capture)?;
    while reader.next_with_secrets(&mut |_| has = true)?.is_some() {}
    Ok(has)
}

/// Memory that does not grow without end.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) > MOST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
