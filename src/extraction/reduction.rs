//! As few packets as still give the same verdict: conversations go first, then ever smaller runs of packets, until none can
//! be spared any more (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002).

use std::collections::BTreeSet;
use std::io::{self, Read};

use super::{Essence, Extract, ExtractError, essence_of, extract, written};
use crate::capture::CaptureReader;
use crate::model::Frame;
use crate::pipeline::{Options, Wanted};

/// Captures that are judged at most.
const TRIES: usize = 4_000;

/// A proof.
#[derive(Debug)]
pub struct Proof {
    /// What was extracted, with only the packets that are needed.
    pub extract: Extract,
    /// Packets of the whole login.
    pub of: u64,
    /// Can no packet be spared any more? Otherwise the search was stopped.
    pub is_smallest: bool,
}

/// Looks for the smallest set of packets of a device that gives the same verdict.
///
/// # Errors
/// Those of [`extract`].
pub fn prove<R: Read>(open: impl FnMut() -> io::Result<R>, options: &Options, wanted: Wanted) -> Result<Proof, ExtractError> {
    let whole = extract(open, options, wanted)?;
    if !whole.is_same {
        let of = whole.packets;
        return Ok(Proof { extract: whole, of, is_smallest: false });
    }
    let mut search = Search { whole: &whole, essence: Essence::of(&whole.device), options, tries: 0 };
    let mut kept: Vec<Frame> = frames(&whole.capture)?.into_iter().collect();
    let mut run = kept.len() / 2;
    while run > 0 {
        let shorter = search.without_runs(kept, run);
        kept = shorter;
        run /= 2;
    }
    // What was needed for what has gone since may no longer be.
    let is_smallest = loop {
        let before = kept.len();
        kept = search.without_runs(kept, 1);
        if kept.len() == before || search.is_out_of_tries() {
            break !search.is_out_of_tries();
        }
    };
    let kept: BTreeSet<Frame> = kept.into_iter().collect();
    let capture = written(|| Ok(whole.capture.as_slice()), &kept)?;
    let of = whole.packets;
    let extract = Extract { capture, packets: kept.len() as u64, is_same: true, device: whole.device.clone() };
    Ok(Proof { extract, of, is_smallest })
}

fn frames(capture: &[u8]) -> Result<BTreeSet<Frame>, ExtractError> {
    let mut reader = CaptureReader::open(capture)?;
    let mut frames = BTreeSet::new();
    while let Some(record) = reader.next_record()? {
        frames.insert(record.at.frame);
    }
    Ok(frames)
}

struct Search<'a> {
    whole: &'a Extract,
    essence: Essence,
    options: &'a Options,
    tries: usize,
}

impl Search<'_> {
    fn is_out_of_tries(&self) -> bool {
        self.tries >= TRIES
    }

    /// These frames without each run of so many that can be spared, from the last one on: what comes late explains less.
    fn without_runs(&mut self, kept: Vec<Frame>, length: usize) -> Vec<Frame> {
        let mut kept = kept;
        let mut end = kept.len();
        while end > 0 && !self.is_out_of_tries() {
            let begin = end.saturating_sub(length);
            let mut fewer = kept.get(..begin).unwrap_or_default().to_vec();
            fewer.extend(kept.get(end..).unwrap_or_default());
            if self.is_enough(&fewer) {
                kept = fewer;
            }
            end = begin;
        }
        kept
    }

    fn is_enough(&mut self, frames: &[Frame]) -> bool {
        self.tries = self.tries.saturating_add(1);
        let frames: BTreeSet<Frame> = frames.iter().copied().collect();
        let capture = written(|| Ok(self.whole.capture.as_slice()), &frames);
        capture.is_ok_and(|capture| essence_of(&capture, self.options, &self.whole.device).as_ref() == Some(&self.essence))
    }
}
