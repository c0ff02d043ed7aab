//! TLS records: their headers, and finding one again after a hole.

use tls_parser::parse_tls_record_header;

/// Length of a record header.
pub(super) const HEADER: usize = 5;
/// Longest record body: 2^14 and what TLS 1.2 may add (RFC 5246 section 6.2.3).
pub(super) const MAX_BODY: usize = 18_432;
/// Longest encrypted ChangeCipherSpec or alert: a few octets, padded and authenticated (padding alone may take 255).
const MAX_SHORT_BODY: usize = 512;

/// ContentType (RFC 5246 section 6.2.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
/// See [`CHANGE_CIPHER_SPEC`].
pub(super) const ALERT: u8 = 21;
/// See [`CHANGE_CIPHER_SPEC`].
pub(super) const HANDSHAKE: u8 = 22;
/// See [`CHANGE_CIPHER_SPEC`].
pub(super) const APPLICATION_DATA: u8 = 23;
/// Heartbeat (RFC 6520).
pub(super) const HEARTBEAT: u8 = 24;

/// A record's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// ContentType.
    pub(super) kind: u8,
    version: u16,
    /// Length of the body.
    pub(super) length: u16,
}

impl Header {
    /// Reads a header; `None` where fewer than five bytes are there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (_, header) = parse_tls_record_header(bytes).ok()?;
        Some(Self { kind: header.record_type.0, version: header.version.0, length: header.len })
    }

    /// Length of the body, for reckoning.
    pub(super) fn body(self) -> usize {
        usize::from(self.length)
    }

    /// Header and body.
    pub(super) fn whole(self) -> usize {
        self.body().saturating_add(HEADER)
    }

    /// As it stands in the stream.
    #[cfg(feature = "decrypt")]
    pub(super) fn bytes(self) -> [u8; HEADER] {
        let ([major, minor], [high, low]) = (self.version.to_be_bytes(), self.length.to_be_bytes());
        [self.kind, major, minor, high, low]
    }

    /// What a MAC up to TLS 1.2 covers before the content: the record's number and header, with the content's own length.
    #[cfg(feature = "decrypt")]
    pub(super) fn authenticated(self, sequence: u64, length: u16) -> [u8; 13] {
        let [a, b, c, d, e, f, g, h] = sequence.to_be_bytes();
        let [kind, major, minor, high, low] = Self { length, ..self }.bytes();
        [a, b, c, d, e, f, g, h, kind, major, minor, high, low]
    }

    /// Can this be the header of a record?
    pub(super) fn is_plausible(self) -> bool {
        let longest = match self.kind {
            CHANGE_CIPHER_SPEC | ALERT => MAX_SHORT_BODY,
            HANDSHAKE | APPLICATION_DATA | HEARTBEAT => MAX_BODY,
            _ => return false,
        };
        // Empty fragments of application data are allowed (RFC 5246 section 6.2.1).
        let shortest = usize::from(self.kind != APPLICATION_DATA);
        (0x0300..=0x0304).contains(&self.version) && (shortest..=longest).contains(&self.body())
    }
}

/// Where the stream can be taken up again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resync {
    /// A record begins here.
    At(usize),
    /// One may begin here; this many bytes from there on will tell.
    Perhaps(usize, usize),
    /// None begins before here.
    Nowhere(usize),
}

/// Looks for a record. One header alone is five bytes that chance can make; so another must follow it, or the bytes in
/// hand must end with it, as they do where a sender writes whole records.
pub(super) fn resynchronise(bytes: &[u8]) -> Resync {
    // The second byte of each header is 3.
    for major in memchr::memchr_iter(3, bytes) {
        let Some(start) = major.checked_sub(1) else { continue };
        let rest = bytes.get(start..).unwrap_or_default();
        let Some(header) = Header::read(rest) else { break };
        if !header.is_plausible() {
            continue;
        }
        let Some(next) = rest.get(header.whole()..) else { return Resync::Perhaps(start, header.whole()) };
        match Header::read(next) {
            Some(next) if next.is_plausible() => return Resync::At(start),
            Some(_) => {}
            None if next.is_empty() => return Resync::At(start),
            None => return Resync::Perhaps(start, header.whole().saturating_add(HEADER)),
        }
    }
    // A header may have begun in the last four bytes.
    Resync::Nowhere(bytes.len().saturating_sub(HEADER.saturating_sub(1)))
}
