//! Compressed capture files, known by their first bytes: what was compressed comes out, frame after frame. How much memory
//! that takes is bounded whatever a header claims.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
#[cfg(feature = "xz")]
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder as ZstdFrames, StreamingDecoder};

use super::CaptureError;
use super::end::End;

/// Largest window of a Zstandard frame: what the `zstd` command takes without being asked to take more.
const MAX_ZSTD_WINDOW: u64 = 128 * 1024 * 1024;
/// Most memory for an xz block, in KiB: room for the 64 MiB dictionary of `xz -9`.
#[cfg(feature = "xz")]
const MAX_XZ_KIB: u32 = 72 * 1024;
/// Most bytes that are asked of gzip at once: what it makes in the call that meets damage is lost.
const GZIP_PIECE: usize = 4096;
/// Bytes that tell a compression.
pub(super) const LOOK: usize = 6;

/// By what a file was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Zstd,
    Lz4,
    #[cfg(feature = "xz")]
    Xz,
}

/// How frames begin: RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, the LZ4 frame format, the .xz file format.
const MAGICS: &[(&[u8], Compression)] = &[
    (b"\x1f\x8b", Compression::Gzip),
    (b"\x28\xb5\x2f\xfd", Compression::Zstd),
    (b"\x04\x22\x4d\x18", Compression::Lz4),
    #[cfg(feature = "xz")]
    (b"\xfd7zXZ\0", Compression::Xz),
];

impl Compression {
    fn name(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Lz4 => "lz4",
            #[cfg(feature = "xz")]
            Compression::Xz => "xz",
        }
    }
}

/// Does a file that begins with these bytes hold compressed ones?
pub fn is_packed(begin: &[u8]) -> bool {
    compression(begin).is_some() || is_skippable(begin)
}

fn compression(begin: &[u8]) -> Option<Compression> {
    MAGICS.iter().find(|(magic, _)| begin.starts_with(magic)).map(|&(_, compression)| compression)
}

/// A frame that Zstandard and LZ4 leave to others (RFC 8878 section 3.1.2).
fn is_skippable(begin: &[u8]) -> bool {
    matches!(begin, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// The plain bytes of `input`, and by what it was compressed. Input that is cut, damaged or stopped says so with an
/// `End` behind the last byte that could be unpacked.
///
/// # Errors
/// If the first bytes cannot be read.
pub fn plain<'a, R: Read + 'a>(input: R) -> Result<(Box<dyn Read + 'a>, Option<&'static str>), CaptureError> {
    open(input).map_err(CaptureError::opening)
}

fn open<'a, R: Read + 'a>(mut input: R) -> io::Result<(Box<dyn Read + 'a>, Option<&'static str>)> {
    let mut looked = [0; LOOK];
    let count = look(&mut input, &mut looked)?;
    let begin = looked.get(..count).unwrap_or_default();
    if !is_packed(begin) {
        return Ok((Box::new(Cursor::new(begin.to_vec()).chain(input)), None));
    }
    let mut source = Source::new(input, looked, count);
    let seen = Rc::clone(&source.seen);
    let compression = source.next_frame()?;
    let frame = compression.map(|compression| Frame::open(compression, source)).transpose()?;
    Ok((Box::new(Unpacked { frame, seen }), compression.map(Compression::name)))
}

/// Reads until there is no room left, or nothing to read; says how much came.
pub(super) fn look(input: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut count = 0_usize;
    while let Some(free) = into.get_mut(count..).filter(|free| !free.is_empty()) {
        match input.read(free) {
            Ok(0) => break,
            Ok(more) => count = count.saturating_add(more),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(count)
}

/// The compressed bytes. Decoders take them from here one after the other, and no more than theirs.
struct Source<R> {
    input: BufReader<R>,
    /// Bytes that were looked at and not read yet.
    looked: [u8; LOOK],
    looked_from: usize,
    looked_to: usize,
    seen: Rc<Seen>,
}

/// What reading showed, for when a decoder has failed and says little of why.
#[derive(Default)]
struct Seen {
    /// A decoder wanted more than there was.
    end: Cell<bool>,
    failure: RefCell<Option<io::Error>>,
}

impl Seen {
    /// Why a decoder failed.
    fn why(&self, error: &dyn Error) -> io::Error {
        match self.failure.take() {
            Some(failure) => failure,
            None if self.end.get() => End::Cut.into(),
            None => End::Damaged(error.to_string()).into(),
        }
    }
}

impl<R: Read> Source<R> {
    /// Input of which the first bytes were looked at.
    fn new(input: R, looked: [u8; LOOK], count: usize) -> Self {
        let input = BufReader::with_capacity(64 * 1024, input);
        Self { input, looked, looked_from: 0, looked_to: count, seen: Rc::default() }
    }

    fn looked(&self) -> &[u8] {
        self.looked.get(self.looked_from..self.looked_to).unwrap_or_default()
    }

    /// Looks at the next bytes without reading them: [`LOOK`], or all that are left.
    fn look(&mut self) -> io::Result<()> {
        self.looked.copy_within(self.looked_from..self.looked_to, 0);
        self.looked_to = self.looked_to.saturating_sub(self.looked_from);
        self.looked_from = 0;
        let count = look(&mut self.input, self.looked.get_mut(self.looked_to..).unwrap_or_default())?;
        self.looked_to = self.looked_to.saturating_add(count);
        Ok(())
    }

    fn compression(&self) -> Option<Compression> {
        compression(self.looked())
    }

    fn is_skippable(&self) -> bool {
        is_skippable(self.looked())
    }

    /// Goes to the next frame, over skippable frames and the zeros that fill up tapes; `None` at the end.
    fn next_frame(&mut self) -> io::Result<Option<Compression>> {
        loop {
            self.look()?;
            if let Some(compression) = self.compression() {
                return Ok(Some(compression));
            }
            match self.looked().first() {
                None => return Ok(None),
                Some(0) => self.consume(1),
                Some(_) if self.is_skippable() => self.skip_frame()?,
                Some(_) => return Err(End::Damaged("what comes behind the compressed data is none".to_owned()).into()),
            }
        }
    }

    fn skip_frame(&mut self) -> io::Result<()> {
        let mut header = [0; 8];
        if let Err(error) = self.read_exact(&mut header) {
            return Err(self.seen.why(&error));
        }
        let [_, _, _, _, length @ ..] = header;
        let length = u64::from(u32::from_le_bytes(length));
        let skipped = io::copy(&mut self.by_ref().take(length), &mut io::sink())?;
        if skipped < length { Err(End::Cut.into()) } else { Ok(()) }
    }

    /// Reads on, and notes why that gives nothing.
    fn fill(&mut self) -> io::Result<()> {
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => {
                    self.seen.end.set(bytes.is_empty());
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.seen.failure.replace(Some(error));
                    return Err(kind.into());
                }
            }
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.looked_from == self.looked_to {
            self.fill()?;
            return Ok(self.input.buffer());
        }
        Ok(self.looked())
    }

    fn consume(&mut self, count: usize) {
        let looked = count.min(self.looked_to.saturating_sub(self.looked_from));
        self.looked_from = self.looked_from.saturating_add(looked);
        self.input.consume(count.saturating_sub(looked));
    }
}

/// The decoder of the present frame.
enum Frame<R: Read> {
    Gzip(Box<GzDecoder<Source<R>>>),
    Zstd(Box<StreamingDecoder<Source<R>, ZstdFrames>>),
    Lz4(Box<Lz4Decoder<Source<R>>>),
    #[cfg(feature = "xz")]
    Xz(Box<XzReader<Source<R>>>),
}

impl<R: Read> Frame<R> {
    fn open(compression: Compression, source: Source<R>) -> io::Result<Self> {
        Ok(match compression {
            Compression::Gzip => Frame::Gzip(Box::new(GzDecoder::new(source))),
            Compression::Zstd => {
                let mut frames = ZstdFrames::new();
                frames.set_max_window_size(MAX_ZSTD_WINDOW);
                Self::zstd(source, frames)?
            }
            Compression::Lz4 => Frame::Lz4(Box::new(Lz4Decoder::new(source))),
            #[cfg(feature = "xz")]
            Compression::Xz => Frame::Xz(Box::new(XzReader::new_mem_limit(source, false, MAX_XZ_KIB))),
        })
    }

    fn zstd(source: Source<R>, frames: ZstdFrames) -> io::Result<Self> {
        let seen = Rc::clone(&source.seen);
        match StreamingDecoder::new_with_decoder(source, frames) {
            Ok(decoder) => Ok(Frame::Zstd(Box::new(decoder))),
            Err(error) => Err(seen.why(&error)),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Frame::Gzip(decoder) => {
                let piece = into.len().min(GZIP_PIECE);
                decoder.read(into.get_mut(..piece).unwrap_or_default())
            }
            Frame::Zstd(decoder) => decoder.read(into),
            Frame::Lz4(decoder) => decoder.read(into),
            #[cfg(feature = "xz")]
            Frame::Xz(decoder) => decoder.read(into),
        }
    }

    /// The decoder of the next frame; `None` at the end. Where it is of the same kind, it keeps its memory, so that many
    /// small frames cost little.
    fn next(self) -> io::Result<Option<Self>> {
        let mut source = match self {
            Frame::Gzip(decoder) => decoder.into_inner(),
            Frame::Zstd(decoder) => {
                let (mut source, frames) = decoder.into_parts();
                let given = frames.get_checksum_from_data();
                if given.is_some() && given != frames.get_calculated_checksum() {
                    return Err(End::Damaged("a checksum of the zstd frame is wrong".to_owned()).into());
                }
                match source.next_frame()? {
                    Some(Compression::Zstd) => return Self::zstd(source, frames).map(Some),
                    Some(other) => return Self::open(other, source).map(Some),
                    None => return Ok(None),
                }
            }
            Frame::Lz4(mut decoder) => {
                // This decoder takes the end of the input for the end of the frame.
                if decoder.get_ref().seen.end.get() {
                    return Err(End::Cut.into());
                }
                match decoder.get_mut().next_frame()? {
                    Some(Compression::Lz4) => return Ok(Some(Frame::Lz4(decoder))),
                    Some(other) => return Self::open(other, decoder.into_inner()).map(Some),
                    None => return Ok(None),
                }
            }
            #[cfg(feature = "xz")]
            Frame::Xz(decoder) => decoder.into_inner(),
        };
        source.next_frame()?.map(|compression| Self::open(compression, source)).transpose()
    }
}

/// Frame after frame without their compression.
struct Unpacked<R: Read> {
    frame: Option<Frame<R>>,
    seen: Rc<Seen>,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        // A decoder that has failed is not asked again.
        while let Some(mut frame) = self.frame.take() {
            match frame.read(into) {
                Ok(0) => self.frame = frame.next()?,
                Ok(count) => {
                    self.frame = Some(frame);
                    return Ok(count);
                }
                Err(error) => return Err(self.seen.why(&error)),
            }
        }
        Ok(0)
    }
}
