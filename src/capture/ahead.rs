//! Compressed captures unpacked by a thread of its own, while what it has unpacked is analysed: bytes in, plain bytes out, and
//! a few buffers between the two that go round. What is damaged or cut is told behind the same byte as without it.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use super::CaptureError;
use super::compressed::{self, LOOK};

/// Buffers that go round.
const BUFFERS: usize = 4;
/// Bytes of each.
const BYTES: usize = 256 * 1024;

/// Gives the plain bytes of `input`, and by what it was compressed, to `then`. Input that is not compressed costs no thread.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn unpacked<R: Read + Send, T>(
    mut input: R,
    then: impl FnOnce(&mut dyn Read, Option<&'static str>) -> T,
) -> Result<T, CaptureError> {
    let mut begin = [0; LOOK];
    let count = compressed::look(&mut input, &mut begin).map_err(CaptureError::opening)?;
    let begin = begin.get(..count).unwrap_or_default();
    if !compressed::is_packed(begin) {
        return Ok(then(&mut begin.chain(input), None));
    }
    thread::scope(|scope| {
        let (opened, opening) = sync_channel(1);
        let (filled, full) = sync_channel(BUFFERS);
        let (give_back, spare) = channel();
        let unpacking = scope.spawn(move || unpack(begin.chain(input), &opened, &filled, &spare));
        let result = match opening.recv() {
            Ok(Ok(compression)) => {
                // Nobody who has opened it fails to take them.
                (0..BUFFERS).for_each(|_| drop(give_back.send(vec![0; BYTES])));
                Ok(then(&mut Ahead { full, give_back, piece: Piece::default(), has_ended: false }, compression))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(CaptureError::opening(failed())),
        };
        // Where it has failed, whoever read from it was told.
        let _ = unpacking.join();
        result
    })
}

fn failed() -> io::Error {
    io::Error::other("the program failed when it unpacked this; please report it with the file")
}

/// A buffer, and what of it is filled and was not read yet. An empty one is the end.
#[derive(Debug, Default)]
struct Piece {
    buffer: Vec<u8>,
    from: usize,
    to: usize,
}

type Opened = Result<Option<&'static str>, CaptureError>;

/// Unpacks until the end, an error, or until nobody listens any more.
fn unpack(input: impl Read, opened: &SyncSender<Opened>, filled: &SyncSender<io::Result<Piece>>, spare: &Receiver<Vec<u8>>) {
    let (mut plain, compression) = match compressed::plain(input) {
        Ok(plain) => plain,
        Err(error) => return drop(opened.send(Err(error))),
    };
    if opened.send(Ok(compression)).is_err() {
        return;
    }
    while let Ok(mut buffer) = spare.recv() {
        let (to, error) = fill(&mut plain, &mut buffer);
        let is_end = to < buffer.len();
        if to > 0 && filled.send(Ok(Piece { buffer, from: 0, to })).is_err() {
            return;
        }
        if is_end {
            return drop(filled.send(error.map_or_else(|| Ok(Piece::default()), Err)));
        }
    }
}

/// Fills a buffer; says how far that went, and why no further.
fn fill(plain: &mut dyn Read, buffer: &mut [u8]) -> (usize, Option<io::Error>) {
    let mut to = 0_usize;
    while let Some(free) = buffer.get_mut(to..).filter(|free| !free.is_empty()) {
        match plain.read(free) {
            Ok(0) => break,
            Ok(count) => to = to.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (to, Some(error)),
        }
    }
    (to, None)
}

/// What the other thread has unpacked.
struct Ahead {
    full: Receiver<io::Result<Piece>>,
    give_back: Sender<Vec<u8>>,
    piece: Piece,
    has_ended: bool,
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.has_ended {
            return Ok(0);
        }
        if self.piece.from == self.piece.to {
            let used = std::mem::take(&mut self.piece).buffer;
            if !used.is_empty() {
                // At the end nobody takes it.
                let _ = self.give_back.send(used);
            }
            self.piece = self.full.recv().map_err(|_| failed())??;
            self.has_ended = self.piece.to == 0;
        }
        let count = self.piece.buffer.get(self.piece.from..self.piece.to).unwrap_or_default().read(into)?;
        self.piece.from = self.piece.from.saturating_add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// More than the buffers hold, and no two pieces alike.
    fn long() -> Vec<u8> {
        (0..(BYTES as u32).saturating_mul(2)).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
    }

    fn read(plain: &mut dyn Read) -> (Vec<u8>, Option<String>) {
        let mut bytes = Vec::new();
        let error = plain.read_to_end(&mut bytes).err();
        (bytes, error.map(|error| error.to_string()))
    }

    /// What is read with the thread, and without.
    fn both(input: &[u8]) -> [(Vec<u8>, Option<String>, Option<&'static str>); 2] {
        let with = unpacked(input, |plain, by| {
            let (bytes, error) = read(plain);
            (bytes, error, by)
        });
        let (mut plain, by) = compressed::plain(input).unwrap();
        let (bytes, error) = read(&mut plain);
        [with.unwrap(), (bytes, error, by)]
    }

    #[test]
    fn the_bytes_are_those_that_were_compressed() {
        for bytes in [long(), b"short".to_vec(), Vec::new(), vec![7; BYTES], vec![7; BYTES * BUFFERS]] {
            let [with, without] = both(&gzip(&bytes));
            assert!(with.0 == bytes && with == without);
            assert_eq!((with.1, with.2), (None, Some("gzip")));
        }
        let [with, without] = both(b"plain bytes");
        assert_eq!((with.0.as_slice(), with.2), (&b"plain bytes"[..], None));
        assert_eq!(with, without);
    }

    #[test]
    fn what_is_cut_or_damaged_is_told_behind_the_same_byte() {
        let whole = gzip(&long());
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x40;
        for input in [&whole[..whole.len() / 3], &whole[..5], &damaged] {
            let [with, without] = both(input);
            assert!(with == without, "{:?} {:?}", with.1, without.1);
            assert!(with.1.is_some());
        }
    }

    #[test]
    fn who_has_read_enough_does_not_wait_for_the_rest() {
        let first = unpacked(gzip(&long()).as_slice(), |plain, _| {
            let mut first = [0; 4];
            plain.read_exact(&mut first).unwrap();
            first
        });
        assert_eq!(first.unwrap()[..], long()[..4]);
    }
}
