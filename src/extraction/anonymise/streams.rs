//! What TCP carries in a row: a name may begin in one segment and end in the next. Pieces of payload in, joined runs of bytes
//! to be edited at the same length, and put back where they came from. Knows nothing of what is replaced.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;

/// A payload: in which frame, where.
struct Piece {
    sequence: u32,
    frame: usize,
    place: Range<usize>,
}

/// The payloads of each direction of each connection.
#[derive(Default)]
pub(super) struct Streams {
    pieces: BTreeMap<(SocketAddr, SocketAddr), Vec<Piece>>,
}

impl Streams {
    pub(super) fn put(&mut self, ends: (SocketAddr, SocketAddr), sequence: u32, frame: usize, place: Range<usize>) {
        self.pieces.entry(ends).or_default().push(Piece { sequence, frame, place });
    }

    /// Edits all runs of bytes. What was sent twice with other bytes is edited by itself.
    pub(super) fn edit(self, frames: &mut [Vec<u8>], edit: &dyn Fn(&mut [u8])) {
        for mut pieces in self.pieces.into_values() {
            let first = pieces.first().map_or(0, |piece| piece.sequence);
            let offset = |piece: &Piece| i64::from(piece.sequence.wrapping_sub(first) as i32);
            pieces.sort_by_key(offset);
            let mut run = Run { start: 0, bytes: Vec::new(), pieces: Vec::new() };
            for piece in pieces {
                let start = offset(&piece);
                let behind = start - run.start;
                let bytes = frames.get(piece.frame).and_then(|data| data.get(piece.place.clone())).unwrap_or_default();
                let Some(known) = usize::try_from(behind).ok().and_then(|at| run.bytes.len().checked_sub(at)) else {
                    let begun = Run { start, bytes: bytes.to_vec(), pieces: vec![(0, piece)] };
                    std::mem::replace(&mut run, begun).put_back(frames, edit);
                    continue;
                };
                let at = run.bytes.len() - known;
                run.bytes.extend(bytes.get(known..).unwrap_or_default());
                run.pieces.push((at, piece));
            }
            run.put_back(frames, edit);
        }
    }
}

/// Pieces without a hole between them.
struct Run {
    start: i64,
    bytes: Vec<u8>,
    pieces: Vec<(usize, Piece)>,
}

impl Run {
    fn put_back(self, frames: &mut [Vec<u8>], edit: &dyn Fn(&mut [u8])) {
        let mut edited = self.bytes.clone();
        edit(&mut edited);
        for (at, piece) in self.pieces {
            let Some(place) = frames.get_mut(piece.frame).and_then(|data| data.get_mut(piece.place)) else { continue };
            let range = at..at + place.len();
            match edited.get(range.clone()) {
                Some(new) if self.bytes.get(range) == Some(&*place) => place.copy_from_slice(new),
                _ => edit(place),
            }
        }
    }
}
