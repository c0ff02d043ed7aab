//! Handshake messages inside records: cutting them, and reading the bodies other than the hellos'.

use std::sync::Arc;

use super::{CertificateRequest, Message, hello, is_1_3};
use crate::bytes::{ParseError, Reader};
use crate::formats::x509::{self, Certificate};

/// Type and length of a handshake message.
pub(super) const HEADER: usize = 4;
/// Longest message that is joined from several records. Certificate messages are the longest, a few kilobytes as a rule.
pub(super) const MAX_MESSAGE: usize = 256 << 10;
/// Most certificates that are read of one message.
pub(super) const MAX_CERTIFICATES: usize = 64;
/// Most authorities that are read of one CertificateRequest: Windows sends some 16 kB of them.
pub(super) const MAX_AUTHORITIES: usize = 4096;

/// HandshakeType.
pub(super) const CLIENT_HELLO: u8 = 1;
/// See [`CLIENT_HELLO`].
pub(super) const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_REQUEST: u8 = 13;
/// See [`CLIENT_HELLO`].
pub(super) const CERTIFICATE_STATUS: u8 = 22;
/// See [`CLIENT_HELLO`].
pub(super) const FINISHED: u8 = 20;
/// See [`CLIENT_HELLO`].
pub(super) const KEY_UPDATE: u8 = 24;

/// Extension numbers.
const SIGNATURE_ALGORITHMS: u16 = 13;
const CERTIFICATE_AUTHORITIES: u16 = 47;

/// A message's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// HandshakeType.
    pub(super) kind: u8,
    /// Length of the body.
    pub(super) length: usize,
}

impl Header {
    /// Reads a header; `None` where fewer than four bytes are there.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, length) = bytes.split_first_chunk::<HEADER>()?.0.split_first()?;
        Some(Self { kind: *kind, length: length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)) })
    }

    /// Header and body.
    pub(super) fn whole(self) -> usize {
        self.length.saturating_add(HEADER)
    }

    /// Can this be a header in clear, with `there` bytes of the record from it on? A type that nobody knows counts only for
    /// a message that is whole: ciphertext rarely is. A HelloRequest is alone in its record: eight zero octets are the nonce
    /// of an encrypted one (RFC 5288 section 3).
    pub(super) fn is_plausible(self, there: usize) -> bool {
        match self.kind {
            0 => self.length == 0 && there == HEADER,
            kind if is_known(kind) => self.length <= MAX_MESSAGE,
            _ => self.whole() <= there,
        }
    }
}

/// Types that are in use (IANA's registry, and NPN's 67).
pub(super) fn is_known(kind: u8) -> bool {
    matches!(kind, 0..=6 | 8 | 11..=16 | 20..=25 | 67)
}

/// What the beginning of a message in clear tells.
pub(super) fn beginning(bytes: &[u8]) -> Option<Message> {
    let header = Header::read(bytes).filter(|header| is_known(header.kind) && header.kind != 0)?;
    let body = bytes.get(HEADER..).unwrap_or_default();
    Some(match header.kind {
        // Its version is there.
        CLIENT_HELLO if body.len() >= 2 => Message::ClientHello(Arc::new(hello::client_hello(body))),
        SERVER_HELLO if body.len() >= 2 => Message::ServerHello(Arc::new(hello::server_hello(body))),
        kind => Message::Handshake(kind),
    })
}

/// Is this a hello in clear that fills its record? In TLS 1.3 a second ClientHello follows a ChangeCipherSpec that means
/// nothing (RFC 8446 appendix D.4). The chance that ciphertext looks like this is 1 in 2^40.
pub(super) fn is_hello_in_clear(record: &[u8]) -> bool {
    matches!(record, [CLIENT_HELLO | SERVER_HELLO, _, _, _, 3, 0..=4, ..])
        && Header::read(record).is_some_and(|header| header.whole() == record.len())
}

/// Reads a message. `chosen` is the version that the server chose, 0 where that is not known.
pub(super) fn read(kind: u8, body: &[u8], chosen: u16) -> Message {
    match kind {
        CLIENT_HELLO => Message::ClientHello(Arc::new(hello::client_hello(body))),
        SERVER_HELLO => Message::ServerHello(Arc::new(hello::server_hello(body))),
        CERTIFICATE if is_1_3(chosen) => Message::Certificate(certificates_1_3(body)),
        CERTIFICATE => Message::Certificate(certificates(body, false)),
        CERTIFICATE_REQUEST if is_1_3(chosen) => Message::CertificateRequest(Arc::new(certificate_request_1_3(body))),
        CERTIFICATE_REQUEST => Message::CertificateRequest(Arc::new(certificate_request(body, chosen))),
        CERTIFICATE_STATUS => Message::CertificateStatus(stapled(body).into()),
        other => Message::Handshake(other),
    }
}

/// CertificateStatus (RFC 6066 section 8): the response behind its type, ocsp, and its length; empty where it is none.
fn stapled(body: &[u8]) -> &[u8] {
    const OCSP: u8 = 1;
    let mut reader = Reader::new(body);
    let Ok(OCSP) = reader.u8("status type") else { return &[] };
    let length = reader.u24("response length").map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    reader.take(length, "response").unwrap_or_default()
}

/// Certificate in TLS 1.3 (RFC 8446 section 4.4.2): behind the context of the request that it answers.
fn certificates_1_3(body: &[u8]) -> Vec<Arc<Certificate>> {
    let (context, rest) = body.split_first().unwrap_or((&0, &[]));
    certificates(rest.get(usize::from(*context)..).unwrap_or_default(), true)
}

/// Certificate (RFC 5246 section 7.4.2): those that are whole. `extended`: are there extensions behind each?
fn certificates(body: &[u8], extended: bool) -> Vec<Arc<Certificate>> {
    let mut reader = Reader::new(body);
    // The length of the list says no more than the message's own, unless it is shorter.
    let length = reader.u24("list length").map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    let mut list = Reader::new(reader.peek().get(..length).unwrap_or(reader.peek()));
    let mut certificates = Vec::new();
    while let Ok(length) = list.u24("certificate length") {
        let Ok(der) = list.take(usize::try_from(length).unwrap_or(usize::MAX), "certificate") else { break };
        if certificates.len() >= MAX_CERTIFICATES {
            break;
        }
        certificates.push(x509::shared(der));
        if extended && list.u16("extensions length").and_then(|length| list.take(usize::from(length), "extensions")).is_err() {
            break;
        }
    }
    certificates
}

/// CertificateRequest in TLS 1.3 (RFC 8446 section 4.3.2): all that it asks for are extensions.
fn certificate_request_1_3(body: &[u8]) -> CertificateRequest {
    let mut request = CertificateRequest::default();
    let (context, rest) = body.split_first().unwrap_or((&0, &[]));
    let extensions = rest.get(usize::from(*context).saturating_add(2)..).unwrap_or_default();
    for (kind, data) in hello::each_extension(extensions) {
        match kind {
            SIGNATURE_ALGORITHMS => request.signature_algorithms = hello::numbers(data.get(2..).unwrap_or_default()),
            // What was read before the first fault stays.
            CERTIFICATE_AUTHORITIES => drop(authorities(&mut Reader::new(data), &mut request)),
            _ => {}
        }
    }
    request
}

/// CertificateRequest: its layout depends on the version (RFC 4346 section 7.4.4, RFC 5246 section 7.4.4). Where the
/// version is not known, the newer layout is taken if it fits to the last byte.
fn certificate_request(body: &[u8], chosen: u16) -> CertificateRequest {
    let mut request = CertificateRequest::default();
    let has_algorithms = match chosen {
        0 => request_fields(body, true, &mut CertificateRequest::default()).is_ok(),
        version => version >= 0x0303,
    };
    // What was read before the first fault stays.
    let _ = request_fields(body, has_algorithms, &mut request);
    request
}

fn request_fields(body: &[u8], has_algorithms: bool, request: &mut CertificateRequest) -> Result<(), ParseError> {
    let mut reader = Reader::new(body);
    let types = reader.u8("certificate types length")?;
    reader.take(usize::from(types), "certificate types")?;
    if has_algorithms {
        let length = reader.u16("signature algorithms length")?;
        request.signature_algorithms = hello::numbers(reader.take(usize::from(length), "signature algorithms")?);
    }
    authorities(&mut reader, request)
}

fn authorities(reader: &mut Reader<'_>, request: &mut CertificateRequest) -> Result<(), ParseError> {
    request.authorities_length = usize::from(reader.u16("authorities length")?);
    while !reader.is_empty() && request.authorities.len() < MAX_AUTHORITIES {
        let length = reader.u16("authority length")?;
        request.authorities.push(reader.take(usize::from(length), "authority")?.to_vec());
    }
    Ok(())
}
