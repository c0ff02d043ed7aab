//! The ClientHello in SSLv2 format (RFC 2246 appendix E), with which old stacks begin: a TLS handshake follows it.

use super::ClientHello;
use crate::bytes::{ParseError, Reader};

/// Length of the fields before the lists: record length, type, version, three lengths.
pub(super) const FIXED: usize = 11;
/// Octets of a cipher spec.
const SPEC: usize = 3;

/// The fields before the lists.
pub(super) struct Header {
    version: u16,
    specs: usize,
    session_id: u8,
    challenge: usize,
    /// Length of the whole record.
    pub(super) whole: usize,
}

impl Header {
    /// Reads the fixed part; `None` where it is not that of a ClientHello, or not all there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        Self::fields(&mut Reader::new(bytes)).ok().flatten()
    }

    fn fields(reader: &mut Reader<'_>) -> Result<Option<Self>, ParseError> {
        let length = reader.u16("record length")?;
        let kind = reader.u8("message type")?;
        let version = reader.u16("version")?;
        let specs = usize::from(reader.u16("cipher spec length")?);
        let session_id = reader.u16("session id length")?;
        let challenge = usize::from(reader.u16("challenge length")?);
        let length_bits = usize::from(length & 0x7fff);
        let sum = specs.saturating_add(usize::from(session_id)).saturating_add(challenge).saturating_add(FIXED.saturating_sub(2));
        let is_hello = length & 0x8000 != 0
            && kind == 1
            && (version == 2 || (0x0300..=0x0304).contains(&version))
            && specs != 0
            && specs % SPEC == 0
            && matches!(session_id, 0 | 16)
            && (16..=32).contains(&challenge)
            && sum == length_bits;
        let session_id = u8::try_from(session_id).unwrap_or(u8::MAX);
        Ok(is_hello.then_some(Self { version, specs, session_id, challenge, whole: length_bits.saturating_add(2) }))
    }

    /// Could these first bytes grow into one?
    pub(super) fn may_begin(bytes: &[u8]) -> bool {
        match bytes {
            [length, _, 1, 0, 2, ..] | [length, _, 1, 3, 0..=4, ..] => *length >= 0x80,
            [length, _, 1, 0 | 3] | [length, _, 1] | [length, _] | [length] => *length >= 0x80,
            [] => true,
            _ => false,
        }
    }
}

/// Reads the hello whose fixed part is `header`.
pub(super) fn client_hello(header: &Header, bytes: &[u8]) -> ClientHello {
    let mut hello = ClientHello {
        version: header.version,
        sslv2_format: true,
        session_id_length: header.session_id,
        ..ClientHello::default()
    };
    let mut reader = Reader::new(bytes.get(FIXED..).unwrap_or_default());
    // Cipher specs of TLS are its suites with a zero before them; the others are SSL 2.0's own.
    while hello.sslv2_ciphers.len().saturating_mul(SPEC) < header.specs {
        let Ok(spec) = reader.u24("cipher spec") else { break };
        hello.sslv2_ciphers.push(spec);
    }
    hello.ciphers = hello.sslv2_ciphers.iter().filter_map(|spec| u16::try_from(*spec).ok()).collect();
    let challenge =
        reader.take(usize::from(header.session_id), "session id").and_then(|_| reader.take(header.challenge, "challenge"));
    // The challenge is the end of what becomes the random, so its first octets are a time only if it is whole.
    if let Ok([a, b, c, d, ..]) = challenge.as_ref().map(|challenge| challenge.get(..32).unwrap_or_default()) {
        hello.random_time = u32::from_be_bytes([*a, *b, *c, *d]);
    }
    // It stands at the end of the random bytes, behind zeros (RFC 2246 appendix E.1).
    if let Ok(challenge) = challenge
        && let Some(place) = hello.random.len().checked_sub(challenge.len()).and_then(|at| hello.random.get_mut(at..))
    {
        place.copy_from_slice(challenge);
    }
    hello
}
