//! Does this begin a SIP message? `SIP/2.0 ` or `method uri SIP/2.0`, on any port.

use memchr::memmem;

use crate::formats::heads::{first_line, skip_line_ends};
use crate::protocols::{Guess, Probe};

/// The port of SIP without TLS: what is no message there may be a keep-alive before one.
const PORT: u16 = 5060;
/// The only version there is.
const VERSION: &[u8] = b"SIP/2.0";
/// No method that is in use is longer.
const METHOD_LIMIT: usize = 32;
/// A first line longer than this is none.
pub(super) const LINE_LIMIT: usize = 8 * 1024;

/// The dispatcher's probe of a datagram.
pub(super) fn udp(probe: &Probe<'_>) -> Guess {
    match datagram_start(probe.bytes) {
        true => Guess::Yes,
        false if probe.on_port(PORT) => Guess::Maybe,
        false => Guess::No,
    }
}

/// The dispatcher's probe of a stream.
pub(super) fn tcp(probe: &Probe<'_>) -> Guess {
    message_start(probe.bytes)
}

/// Does this datagram hold a message? Its end is a line end, too.
pub(super) fn datagram_start(bytes: &[u8]) -> bool {
    let bytes = skip_line_ends(bytes);
    // Most that are asked about are no text: that shows before the end of their first line is looked for.
    if !bytes.first().is_some_and(is_token) {
        return false;
    }
    let (line, _) = first_line(bytes);
    is_status_line(line) || is_request_line(line)
}

/// Do these bytes begin a message?
pub(super) fn message_start(bytes: &[u8]) -> Guess {
    let bytes = skip_line_ends(bytes);
    let (line, whole) = first_line(bytes);
    match whole {
        true if is_status_line(line) || is_request_line(line) => Guess::Yes,
        true => Guess::No,
        false if could_be_first_line(line) => Guess::Maybe,
        false => Guess::No,
    }
}

/// Where the next message begins in a stream that has lost its framing.
pub(super) fn next_start(bytes: &[u8]) -> Option<usize> {
    memmem::find_iter(bytes, VERSION).find_map(|hit| {
        let rest = bytes.get(hit..)?;
        if is_status_line(first_line(rest.get(..rest.len().min(LINE_LIMIT))?).0) {
            return Some(hit);
        }
        let start = hit.saturating_sub(LINE_LIMIT);
        let before = bytes.get(start..hit)?;
        let line = memchr::memrchr(b'\n', before).map_or(start, |end| start + end + 1);
        let near = bytes.get(line..bytes.len().min(line + LINE_LIMIT))?;
        is_request_line(first_line(near).0).then_some(line)
    })
}

/// Is this word the version?
pub(super) fn is_version(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(VERSION)
}

fn is_status_line(line: &[u8]) -> bool {
    let Some((version, rest)) = line.split_at_checked(VERSION.len()) else { return false };
    is_version(version) && matches!(rest.trim_ascii_start(), [a, ..] if rest.starts_with(b" ") && a.is_ascii_digit())
}

fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim_ascii();
    let Some(version) = rest.len().checked_sub(VERSION.len()) else { return false };
    // A request URI has a scheme: nothing else of this form has one and this version.
    is_method(method)
        && rest.get(version..).is_some_and(is_version)
        && rest.get(..version).is_some_and(|uri| uri.ends_with(b" ") && memchr::memchr(b':', uri).is_some())
}

/// Can more bytes make this a first line?
fn could_be_first_line(line: &[u8]) -> bool {
    let word = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    let status = line.len() < VERSION.len() && VERSION.get(..line.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(line));
    line.len() <= LINE_LIMIT && (line.is_empty() || status || is_method(word) || is_version(word))
}

fn is_method(word: &[u8]) -> bool {
    !word.is_empty() && word.len() <= METHOD_LIMIT && word.iter().all(is_token)
}

/// Can it stand in a method or a version?
fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(byte)
}
