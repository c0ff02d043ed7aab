//! Bodies: where they end, and which of them are kept. A body is counted as it passes; only one that may hold a
//! certificate, or a short one, is collected, and it belongs to the message that is being put together.

use std::cell::RefCell;
use std::io::Read;
use std::sync::Arc;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::{BODY_LIMIT, Body, Request, Response};
use crate::formats::memo::Memo;
use crate::text::{WireText, begins, contains, ends};

/// How much is kept of a body that is not known to be about certificates: enough for a login page.
const SMALL_LIMIT: usize = 64 * 1024;
/// Bytes of bodies that are remembered, as sent and decoded.
const REMEMBERED: usize = 2 << 20;
/// Decoded bytes for each encoded one, beyond which a body is taken for a bomb.
pub(super) const RATIO_LIMIT: usize = 256;
/// A chunk-size line or trailer line longer than this is none.
const LINE_LIMIT: usize = 8 * 1024;

/// Where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Nothing,
    /// After so many bytes.
    Length(u64),
    /// After the chunk of length 0.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// How it is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    /// Brotli and others, which no phone asks for.
    Unknown,
}

/// What comes next in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Bytes(u64),
    ChunkSize,
    ChunkBytes(u64),
    ChunkEnd,
    Trailer,
    Close,
    Nothing,
}

/// How far one call came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is needed than these bytes.
    Wants,
    /// The body ends here.
    Complete,
    /// The framing is broken here.
    Broken,
}

/// A body that passes.
#[derive(Debug)]
pub(super) struct Collector {
    next: Next,
    coding: Coding,
    /// The bytes so far, without transfer coding; `None` where they are not kept.
    kept: Option<Vec<u8>>,
    limit: usize,
}

impl Collector {
    /// A collector that keeps up to `limit` bytes; with 0 it only counts.
    pub(super) fn new(framing: Framing, coding: Coding, limit: usize) -> Self {
        let (next, length) = match framing {
            Framing::Nothing => (Next::Nothing, 0),
            Framing::Length(length) => (Next::Bytes(length), length),
            Framing::Chunked => (Next::ChunkSize, 0),
            Framing::UntilClose => (Next::Close, 0),
        };
        let fits = framing == Framing::Nothing || (limit > 0 && usize::try_from(length).is_ok_and(|length| length <= limit));
        Self { next, coding, kept: fits.then(Vec::new), limit }
    }

    /// Takes what it can from the front of `bytes`, and says how much.
    pub(super) fn take(&mut self, bytes: &[u8]) -> (usize, Progress) {
        let mut rest = bytes;
        loop {
            let (used, progress) = self.step(rest);
            rest = rest.get(used..).unwrap_or_default();
            if let Some(progress) = progress {
                return (bytes.len().saturating_sub(rest.len()), progress);
            }
        }
    }

    /// One step: how many bytes it used, and how the call ends if it ends.
    fn step(&mut self, bytes: &[u8]) -> (usize, Option<Progress>) {
        match self.next {
            Next::Nothing | Next::Bytes(0) => (0, Some(Progress::Complete)),
            Next::ChunkBytes(0) => {
                self.next = Next::ChunkEnd;
                (0, None)
            }
            _ if bytes.is_empty() => (0, Some(Progress::Wants)),
            Next::Bytes(left) => {
                let used = self.keep(bytes, left);
                self.next = Next::Bytes(left.saturating_sub(used as u64));
                (used, None)
            }
            Next::ChunkBytes(left) => {
                let used = self.keep(bytes, left);
                self.next = Next::ChunkBytes(left.saturating_sub(used as u64));
                (used, None)
            }
            Next::Close => (self.keep(bytes, u64::MAX), Some(Progress::Wants)),
            Next::ChunkSize => self.chunk_size(bytes),
            Next::ChunkEnd => self.line(bytes, Next::ChunkSize),
            Next::Trailer => self.line(bytes, Next::Trailer),
        }
    }

    fn chunk_size(&mut self, bytes: &[u8]) -> (usize, Option<Progress>) {
        match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete((used, 0))) => {
                self.next = Next::Trailer;
                (used, None)
            }
            Ok(httparse::Status::Complete((used, size))) => {
                self.next = Next::ChunkBytes(size);
                (used, None)
            }
            Ok(httparse::Status::Partial) if bytes.len() < LINE_LIMIT => (0, Some(Progress::Wants)),
            _ => (0, Some(Progress::Broken)),
        }
    }

    /// A line of the chunked coding: the empty one behind a chunk, or one of the trailer, which an empty one ends.
    fn line(&mut self, bytes: &[u8], then: Next) -> (usize, Option<Progress>) {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            let progress = if bytes.len() < LINE_LIMIT { Progress::Wants } else { Progress::Broken };
            return (0, Some(progress));
        };
        let empty = bytes.get(..end).unwrap_or_default().trim_ascii().is_empty();
        let used = end + 1;
        match (then, empty) {
            (Next::Trailer, true) => (used, Some(Progress::Complete)),
            (Next::Trailer, false) => (used, None),
            (_, false) => (0, Some(Progress::Broken)),
            (_, true) => {
                self.next = then;
                (used, None)
            }
        }
    }

    /// Passes up to `left` bytes by, and keeps them if the body is one to keep and stays within its limit.
    fn keep(&mut self, bytes: &[u8], left: u64) -> usize {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if let Some(kept) = &mut self.kept {
            if kept.len().saturating_add(length) > self.limit {
                self.kept = None;
            } else {
                kept.extend_from_slice(bytes.get(..length).unwrap_or_default());
            }
        }
        length
    }

    /// `missing` bytes will never come. Is it still known where the body ends?
    pub(super) fn skip(&mut self, missing: u64) -> bool {
        self.kept = None;
        self.limit = 0;
        let left = match self.next {
            Next::Bytes(left) => left.checked_sub(missing).map(Next::Bytes),
            Next::ChunkBytes(left) => left.checked_sub(missing).map(Next::ChunkBytes),
            Next::Close => Some(Next::Close),
            _ => None,
        };
        self.next = left.unwrap_or(Next::Nothing);
        left.is_some()
    }

    /// How many bytes it keeps.
    pub(super) fn kept(&self) -> usize {
        self.kept.as_ref().map_or(0, Vec::capacity)
    }

    /// Does the end of the connection end this body as it should?
    pub(super) fn ends_with_connection(&self) -> bool {
        self.next == Next::Close
    }

    /// The body, decoded. `whole` says whether all of it passed. Those who were sent the same share it.
    pub(super) fn body(&mut self, whole: bool) -> Body {
        /// What was sent, how it was coded, whether it was whole, and what it is.
        type Decoded = Memo<Arc<[u8]>, (Coding, bool, Body)>;
        thread_local! {
            static KNOWN: RefCell<Decoded> = RefCell::new(Memo::new(REMEMBERED));
        }
        let Some(kept) = self.kept.take() else { return Body { arrived: whole, ..Body::default() } };
        if kept.is_empty() {
            return Body { bytes: Arc::default(), complete: whole, arrived: whole };
        }
        let coding = self.coding;
        KNOWN.with_borrow_mut(|known| match known.get(kept.as_slice()) {
            Some((by, was_whole, body)) if (by, was_whole) == (coding, whole) => body,
            _ => {
                let kept: Arc<[u8]> = kept.into();
                let body = decode(&kept, coding, whole);
                let weight = kept.len().saturating_add(body.bytes.len()).saturating_add(size_of::<(Arc<[u8]>, Body)>());
                known.keep_heavy(kept, (coding, whole, body.clone()), weight);
                body
            }
        })
    }
}

fn decode(kept: &Arc<[u8]>, coding: Coding, whole: bool) -> Body {
    let limit = BODY_LIMIT.min(kept.len().saturating_mul(RATIO_LIMIT));
    let bytes: &[u8] = kept;
    match coding {
        Coding::Identity => Body { bytes: Arc::clone(kept), complete: whole, arrived: whole },
        Coding::Gzip => decoded(MultiGzDecoder::new(bytes), limit, whole),
        // "deflate" is the zlib format, but some send the bare one (RFC 9110 section 8.4.1.2).
        Coding::Deflate if is_zlib(bytes) => decoded(ZlibDecoder::new(bytes), limit, whole),
        Coding::Deflate => decoded(DeflateDecoder::new(bytes), limit, whole),
        Coding::Unknown => Body { arrived: whole, ..Body::default() },
    }
}

/// The header of RFC 1950: method 8, and a multiple of 31.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [first, second, ..] if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31))
}

fn decoded(decoder: impl Read, limit: usize, whole: bool) -> Body {
    let mut bytes = Vec::new();
    let fine = decoder.take(limit as u64 + 1).read_to_end(&mut bytes).is_ok();
    let complete = whole && fine && bytes.len() <= limit;
    bytes.truncate(limit);
    Body { bytes: bytes.into(), complete, arrived: whole }
}

/// How much of a response's body is worth keeping.
pub(super) fn limit(response: &Response, request: Option<&Request>) -> usize {
    let kind = response.content_type.as_ref().map_or("", WireText::raw);
    let uri = request.map_or("", |request| request.uri.raw());
    let is_media = ["audio/", "video/", "image/", "font/", "text/css"].iter().any(|family| begins(kind, family));
    if is_media || contains(kind, "javascript") {
        0
    } else if is_about_certificates(kind, uri) {
        BODY_LIMIT
    } else {
        SMALL_LIMIT
    }
}

/// Do the content type or the name asked for speak of certificates, revocation lists or bundles of them?
fn is_about_certificates(kind: &str, uri: &str) -> bool {
    const KINDS: &[&str] = &["x509", "pkix", "pkcs", "ocsp", "pem"];
    const NAMES: &[&str] = &["certsrv", "certnew", "certenroll", "certprov", "certdata", ".crl"];
    const ENDINGS: &[&str] = &[".cer", ".crt", ".der", ".pem", ".p7b", ".p7c", ".p7s", ".p12", ".pfx", ".tlv", ".tuz"];
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    KINDS.iter().any(|word| contains(kind, word))
        || NAMES.iter().any(|word| contains(uri, word))
        || ENDINGS.iter().any(|ending| ends(path, ending))
}
