//! Does this begin an HTTP/1 message? A line that ends in `HTTP/1.x` or begins with it does on any port; a known method
//! is enough on the ports where HTTP is at home, as Wireshark has it.

use memchr::memmem;

use crate::formats::heads::{first_line, skip_line_ends};
use crate::protocols::{Guess, Probe};

/// Where HTTP is at home.
const PORTS: &[u16] = &[80, 2710, 2869, 3128, 3132, 5985, 8080, 8088, 11371];
/// Methods of HTTP, WebDAV (RFC 4918, 3253, 5323), GENA and Exchange.
const METHODS: &[&str] = &[
    "GET",
    "PUT",
    "HEAD",
    "POST",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "COPY",
    "LOCK",
    "MOVE",
    "POLL",
    "LINK",
    "UNLINK",
    "MKCOL",
    "LABEL",
    "MERGE",
    "BCOPY",
    "BMOVE",
    "SEARCH",
    "UNLOCK",
    "REPORT",
    "UPDATE",
    "NOTIFY",
    "BDELETE",
    "CHECKIN",
    "CHECKOUT",
    "PROPFIND",
    "PROPPATCH",
    "BPROPFIND",
    "BPROPPATCH",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "MKACTIVITY",
    "MKWORKSPACE",
    "UNCHECKOUT",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
    "RPC_CONNECT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "CCM_POST",
    "M-SEARCH",
];
/// No method that is in use is longer.
const METHOD_LIMIT: usize = 24;
/// A first line longer than this is none.
pub(super) const LINE_LIMIT: usize = 16 * 1024;

/// What a response and the version in a request line begin with.
const VERSION: &[u8] = b"HTTP/1.";

/// The probe of the dispatcher.
pub(super) fn tcp(probe: &Probe<'_>) -> Guess {
    let bytes = skip_line_ends(probe.bytes);
    let at_home = PORTS.iter().any(|port| probe.on_port(*port));
    match message_start(bytes) {
        Guess::Maybe if at_home && has_known_method(bytes) => Guess::Yes,
        Guess::Yes if !at_home && !names_version(first_line(bytes).0) => Guess::No,
        guess => guess,
    }
}

/// Do these bytes begin a message?
pub(super) fn message_start(bytes: &[u8]) -> Guess {
    let bytes = skip_line_ends(bytes);
    if let Some(rest) = bytes.strip_prefix(VERSION) {
        return match rest.first() {
            None => Guess::Maybe,
            Some(minor) if minor.is_ascii_digit() => Guess::Yes,
            Some(_) => Guess::No,
        };
    }
    if VERSION.starts_with(bytes) {
        return Guess::Maybe;
    }
    request_start(bytes)
}

/// Does a first line that was cut name a known method and the whole target, so that only the version is missing?
pub(super) fn names_target(bytes: &[u8]) -> bool {
    let bytes = skip_line_ends(bytes);
    let (line, whole) = first_line(bytes);
    let version = line.iter().rposition(|byte| *byte == b' ').and_then(|blank| line.get(blank + 1..));
    let blanks = line.iter().filter(|byte| **byte == b' ').count();
    !whole && blanks >= 2 && has_known_method(bytes) && version.is_some_and(|version| b"HTTP/1.".starts_with(version))
}

fn request_start(bytes: &[u8]) -> Guess {
    let (line, whole) = first_line(bytes);
    let method = line.iter().position(|byte| *byte == b' ');
    let token = line.get(..method.unwrap_or(line.len())).unwrap_or_default();
    if token.is_empty() || token.len() > METHOD_LIMIT || !token.iter().all(|byte| is_method_octet(*byte)) {
        return Guess::No;
    }
    match (method, whole) {
        (None, true) => Guess::No,
        (None, false) => Guess::Maybe,
        (Some(_), false) if line.len() > LINE_LIMIT => Guess::No,
        (Some(_), false) => Guess::Maybe,
        (Some(_), true) if ends_in_version(line) => Guess::Yes,
        // HTTP/0.9, or a version that is missing; but neither SIP nor RTSP nor HTTP/2, which have the same form.
        (Some(_), true) if has_known_method(bytes) && !names_other_protocol(line) => Guess::Yes,
        (Some(_), true) => Guess::No,
    }
}

/// Where the next message begins in a stream that has lost its framing: at a line that looks like a first one.
pub(super) fn next_start(bytes: &[u8]) -> Option<usize> {
    for hit in memmem::find_iter(bytes, VERSION) {
        let before = bytes.get(..hit)?;
        if is_status_line(bytes.get(hit..)?) {
            return Some(hit);
        }
        let near = before.get(before.len().saturating_sub(LINE_LIMIT)..)?;
        let line = memchr::memrchr(b'\n', near).map_or(0, |end| before.len() - near.len() + end + 1);
        let near = bytes.get(line..bytes.len().min(line + LINE_LIMIT))?;
        match request_start(near) {
            Guess::Yes if line < hit => return Some(line),
            // What else stands in this line counts only once the line is whole.
            Guess::Maybe if near.len() < LINE_LIMIT => return None,
            _ => {}
        }
    }
    None
}

/// `HTTP/1.1 200`: told from a mention of the version by its digits.
fn is_status_line(bytes: &[u8]) -> bool {
    matches!(bytes.get(VERSION.len()..), Some([minor, b' ', a, b, c, ..])
        if [minor, a, b, c].iter().all(|digit| digit.is_ascii_digit()))
}

fn has_known_method(bytes: &[u8]) -> bool {
    METHODS.iter().any(|method| bytes.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' ')))
}

fn names_version(line: &[u8]) -> bool {
    line.starts_with(VERSION) || ends_in_version(line)
}

fn ends_in_version(line: &[u8]) -> bool {
    matches!(line.rsplitn(2, |byte| *byte == b' ').next(), Some(last) if last.len() == VERSION.len() + 1 && last.starts_with(VERSION))
}

fn names_other_protocol(line: &[u8]) -> bool {
    let last = line.rsplitn(2, |byte| *byte == b' ').next().unwrap_or_default();
    [&b"SIP/"[..], b"RTSP/", b"HTTP/"].iter().any(|name| last.starts_with(name))
}

fn is_method_octet(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'^' | b'`' | b'|' | b'~')
}
