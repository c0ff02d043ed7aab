//! ClientHello and ServerHello (RFC 5246 section 7.4.1, RFC 8446 section 4.1).

use tls_parser::{
    TlsExtension, parse_tls_extension_sni_content, parse_tls_handshake_client_hello, parse_tls_handshake_server_hello,
};

use super::{ClientHello, ServerHello};
use crate::bytes::{ParseError, Reader};
use crate::text::WireText;

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ENCRYPT_THEN_MAC: u16 = 22;
const SUPPORTED_VERSIONS: u16 = 43;

/// SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a,
    0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// Reads the body of a ClientHello, as far as it goes.
pub(super) fn client_hello(body: &[u8]) -> ClientHello {
    let mut hello = ClientHello::default();
    let extensions = match parse_tls_handshake_client_hello(body) {
        Ok((_, parsed)) => {
            hello.version = parsed.version.0;
            hello.random = parsed.random.try_into().unwrap_or_default();
            hello.session_id_length = short_length(parsed.session_id);
            hello.ciphers = parsed.ciphers.iter().map(|cipher| cipher.0).collect();
            parsed.ext.unwrap_or_default()
        }
        // One odd length costs the library the whole message; field by field, it costs what follows.
        Err(_) => lenient_client_hello(&mut Reader::new(body), &mut hello).unwrap_or_default(),
    };
    hello.random_time = time(&hello.random);
    hello.extensions.reserve_exact(each_extension(extensions).count());
    for (kind, data) in each_extension(extensions) {
        hello.extensions.push(kind);
        match kind {
            SERVER_NAME => hello.server_name = server_name(data).or(hello.server_name.take()),
            SIGNATURE_ALGORITHMS => hello.signature_algorithms = Some(numbers(data.get(2..).unwrap_or_default())),
            SUPPORTED_VERSIONS => hello.supported_versions = numbers(data.get(1..).unwrap_or_default()),
            _ => {}
        }
    }
    hello
}

/// Fills `hello` up to the first field that is missing. Returns the extensions.
fn lenient_client_hello<'a>(reader: &mut Reader<'a>, hello: &mut ClientHello) -> Result<&'a [u8], ParseError> {
    hello.version = reader.u16("version")?;
    hello.random = reader.take(32, "random")?.try_into().unwrap_or_default();
    hello.session_id_length = reader.u8("session id length")?;
    reader.take(usize::from(hello.session_id_length), "session id")?;
    let length = usize::from(reader.u16("cipher suites length")?);
    hello.ciphers = numbers(reader.peek().get(..length).unwrap_or(reader.peek()));
    reader.take(length, "cipher suites")?;
    let length = usize::from(reader.u8("compression methods length")?);
    reader.take(length, "compression methods")?;
    extension_block(reader)
}

/// Reads the body of a ServerHello, as far as it goes.
pub(super) fn server_hello(body: &[u8]) -> ServerHello {
    let mut hello = ServerHello::default();
    let extensions = match parse_tls_handshake_server_hello(body) {
        Ok((_, parsed)) => {
            hello.version = parsed.version.0;
            hello.random = parsed.random.try_into().unwrap_or_default();
            hello.retry = parsed.random == RETRY_RANDOM;
            hello.session_id_length = short_length(parsed.session_id);
            hello.cipher = parsed.cipher.0;
            parsed.ext.unwrap_or_default()
        }
        Err(_) => lenient_server_hello(&mut Reader::new(body), &mut hello).unwrap_or_default(),
    };
    hello.random_time = time(&hello.random);
    hello.encrypt_then_mac = each_extension(extensions).any(|(kind, _)| kind == ENCRYPT_THEN_MAC);
    let selected = each_extension(extensions).find(|(kind, _)| *kind == SUPPORTED_VERSIONS).map(|(_, data)| data);
    hello.chosen = match selected {
        Some([high, low]) => u16::from_be_bytes([*high, *low]),
        _ => hello.version,
    };
    hello
}

/// Fills `hello` up to the first field that is missing. Returns the extensions.
fn lenient_server_hello<'a>(reader: &mut Reader<'a>, hello: &mut ServerHello) -> Result<&'a [u8], ParseError> {
    hello.version = reader.u16("version")?;
    hello.random = reader.take(32, "random")?.try_into().unwrap_or_default();
    hello.retry = hello.random == RETRY_RANDOM;
    // Drafts of TLS 1.3 before the 22nd had neither session identifier nor compression method here.
    let is_early_draft = (0x7f00..=0x7f15).contains(&hello.version);
    if !is_early_draft {
        hello.session_id_length = reader.u8("session id length")?;
        reader.take(usize::from(hello.session_id_length), "session id")?;
    }
    hello.cipher = reader.u16("cipher suite")?;
    if !is_early_draft {
        reader.u8("compression method")?;
    }
    extension_block(reader)
}

/// The extensions behind their length; what is there of them, where the length is too large.
fn extension_block<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], ParseError> {
    let length = usize::from(reader.u16("extensions length")?);
    let there = reader.rest();
    Ok(there.get(..length).unwrap_or(there))
}

/// Type and data of each extension, up to the first that is cut short.
pub(super) fn each_extension(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = Reader::new(bytes);
    std::iter::from_fn(move || {
        let kind = reader.u16("extension type").ok()?;
        let length = reader.u16("extension length").ok()?;
        Some((kind, reader.take(usize::from(length), "extension").ok()?))
    })
}

fn server_name(data: &[u8]) -> Option<WireText> {
    match parse_tls_extension_sni_content(data) {
        Ok((_, TlsExtension::SNI(names))) => names.first().map(|(_, name)| WireText::from_bytes(name)),
        _ => None,
    }
}

/// Two-octet numbers; an odd octet at the end is left aside.
pub(super) fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| pair.iter().fold(0, |number, byte| number << 8 | u16::from(*byte))).collect()
}

fn time(random: &[u8]) -> u32 {
    random.iter().take(4).fold(0, |time, byte| time << 8 | u32::from(*byte))
}

fn short_length(bytes: Option<&[u8]>) -> u8 {
    bytes.map_or(0, |bytes| u8::try_from(bytes.len()).unwrap_or(u8::MAX))
}
