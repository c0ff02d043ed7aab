//! TLS up to 1.3 as far as it is in clear or a key log opens it (RFC 2246, RFC 5246, RFC 8446), and the SSLv2-format hello
//! (RFC 2246 appendix E).

use std::sync::Arc;

use crate::flow::Turn;
use crate::formats::x509::Certificate;
use crate::text::WireText;

use super::{OverTcp, Protocol};

#[cfg(test)]
#[cfg(feature = "decrypt")]
mod conversations;
mod decryption;
mod fields;
mod handshake;
mod hello;
pub mod names;
mod parser;
mod probe;
#[cfg(feature = "decrypt")]
mod protection;
#[cfg(not(feature = "decrypt"))]
#[path = "no_protection.rs"]
mod protection;
mod record;
mod sslv2;
#[cfg(test)]
mod tests;

/// Do these bytes begin with a client's hello, as after StartTLS?
pub fn is_client_hello(bytes: &[u8]) -> bool {
    probe::is_client_hello(bytes)
}

/// TLS over TCP.
pub static PROTOCOL: Protocol = Protocol {
    name: "tls",
    udp: None,
    tcp: Some(OverTcp { probe: probe::probe, parser: || Box::<parser::Parser>::default() }),
    link: None,
};

/// What one side of a connection said, or showed without being readable.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// ClientHello.
    ClientHello(Arc<ClientHello>),
    /// ServerHello (a HelloRetryRequest too).
    ServerHello(Arc<ServerHello>),
    /// Certificate, of either side, in clear or opened.
    Certificate(Vec<Arc<Certificate>>),
    /// CertificateRequest: the server wants one of the client.
    CertificateRequest(Arc<CertificateRequest>),
    /// CertificateStatus (RFC 6066 section 8): the OCSP response that the server staples to its chain.
    CertificateStatus(Arc<[u8]>),
    /// Another handshake message in clear or opened: its type (12 ServerKeyExchange, 14 ServerHelloDone, 15 CertificateVerify,
    /// 16 ClientKeyExchange, 20 Finished, 4 NewSessionTicket…).
    Handshake(u8),
    /// A hello or another handshake message in clear, as far as the capture holds it: what is missing in it proves nothing.
    Cut(Box<Message>),
    /// ChangeCipherSpec: what this side sends from here on is encrypted.
    ChangeCipherSpec,
    /// A handshake message under encryption (Finished, as a rule).
    EncryptedHandshake,
    /// An alert in clear or opened.
    Alert {
        /// 1 warning, 2 fatal.
        level: u8,
        /// Description.
        description: u8,
    },
    /// An alert record under encryption: close_notify, as a rule.
    EncryptedAlert,
    /// A record of application data. Only the first few of a connection are told.
    ApplicationData {
        /// Length of the record's body.
        length: u16,
        /// Where it stands between what both sides say.
        turn: Turn,
    },
    /// What became of the attempt to open what is encrypted, where there are secrets at all.
    Decryption(Decryption),
}

/// What became of opening a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decryption {
    /// Its secrets are there, and fit.
    Opened,
    /// It stays closed.
    Sealed(Why),
    /// It was open, and from here on one direction at least cannot be read any more.
    Torn,
}

/// Why a connection stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its secrets are not in the key log.
    NoSecrets,
    /// Those there are open nothing.
    Unfit,
    /// The version or the cipher suite is none that can be opened.
    Unsupported,
    /// What its keys stand on was not captured.
    Gap,
}

/// A ClientHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// Version of the body (legacy_version).
    pub version: u16,
    /// Was it sent in SSLv2 format?
    pub sslv2_format: bool,
    /// The random bytes, by which key logs name the connection.
    pub random: [u8; 32],
    /// First four bytes of the random: seconds since 1970 in old stacks.
    pub random_time: u32,
    /// Cipher suites, in order. (Of an SSLv2-format hello: the TLS ones.)
    pub ciphers: Vec<u16>,
    /// All cipher specs of an SSLv2-format hello, three octets each; otherwise empty.
    pub sslv2_ciphers: Vec<u32>,
    /// server_name.
    pub server_name: Option<WireText>,
    /// supported_versions; empty where the extension is absent.
    pub supported_versions: Vec<u16>,
    /// signature_algorithms; `None` where the extension is absent.
    pub signature_algorithms: Option<Vec<u16>>,
    /// Extension numbers, in order.
    pub extensions: Vec<u16>,
    /// Length of the session identifier: a resumption is offered.
    pub session_id_length: u8,
}

impl ClientHello {
    /// The highest version that it offers, GREASE (RFC 8701) left aside.
    pub fn highest_version(&self) -> u16 {
        let grease = |version: u16| version & 0x0f0f == 0x0a0a;
        self.supported_versions.iter().copied().filter(|version| !grease(*version)).max().unwrap_or(self.version)
    }
}

/// A ServerHello.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerHello {
    /// Version of the body (legacy_version).
    pub version: u16,
    /// The version that was chosen (supported_versions, else the body's).
    pub chosen: u16,
    /// The cipher suite.
    pub cipher: u16,
    /// Is it a HelloRetryRequest (RFC 8446 section 4.1.3)?
    pub retry: bool,
    /// The random bytes.
    pub random: [u8; 32],
    /// First four bytes of the random.
    pub random_time: u32,
    /// Length of the session identifier.
    pub session_id_length: u8,
    /// encrypt_then_mac (RFC 7366).
    pub encrypt_then_mac: bool,
}

impl ServerHello {
    /// Is what is there of it enough to say that the server chose a version before TLS 1.3? There the body says TLS 1.2, and the suite is
    /// one of its own (RFC 8446 sections 4.1.3 and B.4).
    pub fn is_before_1_3(&self) -> bool {
        self.version < 0x0303 || self.cipher != 0 && self.cipher >> 8 != 0x13
    }
}

/// TLS 1.3 or one of its drafts.
fn is_1_3(version: u16) -> bool {
    version == 0x0304 || version >> 8 == 0x7f
}

/// A CertificateRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateRequest {
    /// Raw DER names of the CAs that the server takes.
    pub authorities: Vec<Vec<u8>>,
    /// Bytes of the whole list: some servers cut it near 16 kB.
    pub authorities_length: usize,
    /// signature_algorithms, where the message has them.
    pub signature_algorithms: Vec<u16>,
}
