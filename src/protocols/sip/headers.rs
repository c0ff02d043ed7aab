//! A head: the first line, the headers, and what a message keeps of them.

use std::borrow::Cow;
use std::net::IpAddr;

use super::{Message, Start, auth};
use crate::formats::date;
use crate::text::{self, WireText};

/// A header that something is kept of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Authorization,
    CallId,
    Contact,
    ContentLength,
    CSeq,
    Date,
    Event,
    Expires,
    From,
    MinExpires,
    MsDiagnostics,
    ProxyAuthenticate,
    ProxyAuthorization,
    Reason,
    RetryAfter,
    Server,
    To,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
}

/// The longest of their names: `Proxy-Authorization`.
const LONGEST_NAME: usize = 19;
/// As many of them as one head has, as a rule.
const USUAL: usize = 16;
/// Headers beyond this are not looked at.
pub(super) const HEADER_LIMIT: usize = 256;
/// Addresses of `Contact` beyond this are not looked at.
const CONTACT_LIMIT: usize = 32;

/// With this begins a branch that no other transaction of the client has (RFC 3261 section 8.1.1.7).
const BRANCH: &str = "z9hG4bK";

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) message: Message,
    /// `Content-Length`, if it can be read.
    pub(super) content_length: Option<u64>,
}

/// Reads a head, with or without the empty line at its end; `cut` says whether that is missing.
pub(super) fn read(head: &[u8], cut: bool) -> Head {
    let text = text::lossy(head);
    let text = if has_lone_return(&text) { Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")) } else { text };
    let mut lines = lines(&text);
    let start = start_line(lines.next().map_or("", |line| line.text).trim());
    let mut headers = Headers(Vec::with_capacity(USUAL));
    headers.0.extend(lines.take(HEADER_LIMIT).filter_map(|Line { text, is_folded }| {
        let colon = memchr::memchr(b':', text.as_bytes())?;
        let (name, value) = (text.get(..colon)?, text.get(colon.saturating_add(1)..)?);
        let header = kept(name.trim_ascii())?;
        Some((header, if is_folded { Cow::Owned(unfold(value)) } else { Cow::Borrowed(value.trim_ascii()) }))
    }));
    let branch = if cut { headers.branch() } else { None };
    let message = Message { cut, branch, ..headers.message(start) };
    Head { content_length: headers.number(Header::ContentLength), message }
}

/// The header of this name, full or compact (RFC 3261 section 7.3.3, RFC 6665 section 8.2.1), if something is kept of it.
fn kept(name: &str) -> Option<Header> {
    let mut letters = [0; LONGEST_NAME];
    let letters = letters.get_mut(..name.len())?;
    letters.copy_from_slice(name.as_bytes());
    letters.make_ascii_lowercase();
    Some(match &*letters {
        b"authorization" => Header::Authorization,
        b"call-id" | b"i" => Header::CallId,
        b"contact" | b"m" => Header::Contact,
        b"content-length" | b"l" => Header::ContentLength,
        b"cseq" => Header::CSeq,
        b"date" => Header::Date,
        b"event" | b"o" => Header::Event,
        b"expires" => Header::Expires,
        b"from" | b"f" => Header::From,
        b"min-expires" => Header::MinExpires,
        b"ms-diagnostics" => Header::MsDiagnostics,
        b"proxy-authenticate" => Header::ProxyAuthenticate,
        b"proxy-authorization" => Header::ProxyAuthorization,
        b"reason" => Header::Reason,
        b"retry-after" => Header::RetryAfter,
        b"server" => Header::Server,
        b"to" | b"t" => Header::To,
        b"user-agent" => Header::UserAgent,
        b"via" | b"v" => Header::Via,
        b"warning" => Header::Warning,
        b"www-authenticate" => Header::WwwAuthenticate,
        _ => return None,
    })
}

/// A line with those that it is folded into (RFC 3261 section 7.3.1), without its end.
struct Line<'a> {
    text: &'a str,
    is_folded: bool,
}

/// The lines up to the first empty one. The last may lack its end.
fn lines(head: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = head;
    std::iter::from_fn(move || {
        let bytes = rest.as_bytes();
        let is_end = |at: usize| !matches!(bytes.get(at.saturating_add(1)), Some(b' ' | b'\t'));
        let mut ends = memchr::memchr_iter(b'\n', bytes);
        let first = ends.next();
        let is_folded = first.is_some_and(|first| !is_end(first));
        let end = if is_folded { ends.find(|at| is_end(*at)) } else { first }.unwrap_or(bytes.len());
        let line = rest.get(..end)?;
        rest = rest.get(end.saturating_add(1)..).unwrap_or_default();
        let text = line.strip_suffix('\r').unwrap_or(line);
        (!text.is_empty()).then_some(Line { text, is_folded })
    })
    .fuse()
}

/// Is there a carriage return without a line feed behind it? All pairs of octets are looked at, many at once.
fn has_lone_return(text: &str) -> bool {
    let bytes = text.as_bytes();
    let behind = bytes.get(1..).unwrap_or_default();
    let inside = bytes.iter().zip(behind).fold(false, |found, (one, next)| found | (*one == b'\r') & (*next != b'\n'));
    inside || bytes.ends_with(b"\r")
}

/// A folded value on one line: folding stands for one blank.
fn unfold(value: &str) -> String {
    value.trim().lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Splits the first line at blanks: what is kept is the text as sent, and a request URI that no grammar takes is text, too.
fn start_line(line: &str) -> Start {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    if super::probe::is_version(word.as_bytes()) {
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        return Start::Response { code: code.parse().unwrap_or(0), reason: WireText::from(reason.trim()) };
    }
    let uri = match rest.rsplit_once(' ') {
        Some((uri, version)) if super::probe::is_version(version.as_bytes()) => uri.trim_end(),
        _ => rest,
    };
    Start::Request { method: WireText::from(word), uri: WireText::from(uri) }
}

/// The headers in order.
struct Headers<'a>(Vec<(Header, Cow<'a, str>)>);

impl Headers<'_> {
    fn all(&self, header: Header) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| *key == header).map(|(_, value)| value.as_ref())
    }

    fn first(&self, header: Header) -> Option<&str> {
        self.all(header).next()
    }

    fn text(&self, header: Header) -> Option<WireText> {
        self.first(header).map(WireText::from)
    }

    fn number<T: std::str::FromStr>(&self, header: Header) -> Option<T> {
        self.first(header).and_then(leading_number)
    }

    fn branch(&self) -> Option<WireText> {
        let branch = self.first(Header::Via).map(first_item).and_then(|via| parameter(via, "branch"))?;
        branch.starts_with(BRANCH).then(|| WireText::from(branch))
    }

    fn message(&self, start: Start) -> Message {
        let via = self.first(Header::Via).map(first_item);
        let contacts = || self.all(Header::Contact).flat_map(items).take(CONTACT_LIMIT);
        let contact_expires = || contacts().next().and_then(|contact| parameter(contact, "expires")).and_then(leading_number);
        let answers = self.all(Header::Authorization).chain(self.all(Header::ProxyAuthorization));
        let challenges = self.all(Header::WwwAuthenticate).chain(self.all(Header::ProxyAuthenticate));
        Message {
            cut: false,
            branch: None,
            start,
            call_id: self.text(Header::CallId).unwrap_or_default(),
            cseq: self.first(Header::CSeq).map(cseq).unwrap_or_default(),
            from: self.first(Header::From).map(uri),
            to: self.first(Header::To).map(uri),
            via: via.and_then(via_host),
            expires: contact_expires().or_else(|| self.number(Header::Expires)),
            expires_field: self.number(Header::Expires),
            contacts: contacts().map(|contact| WireText::from(address(contact))).collect(),
            min_expires: self.number(Header::MinExpires),
            user_agent: self.text(Header::UserAgent),
            server: self.text(Header::Server),
            credentials: answers.map(auth::read).collect(),
            challenges: challenges.map(auth::read).collect(),
            ms_diagnostics: self.text(Header::MsDiagnostics),
            warning: self.text(Header::Warning).or_else(|| self.text(Header::Reason)),
            retry_after: self.number(Header::RetryAfter),
            date: self.first(Header::Date).and_then(date::http_date),
            event: self.text(Header::Event),
            received: via.and_then(received),
            origin: self.all(Header::Via).flat_map(items).skip(1).last().and_then(origin),
        }
    }
}

/// The digits that a value begins with.
fn leading_number<T: std::str::FromStr>(value: &str) -> Option<T> {
    let value = value.trim_start();
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

/// `102 REGISTER`.
fn cseq(value: &str) -> (u32, WireText) {
    let (number, method) = value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, ""));
    (number.parse().unwrap_or(0), WireText::from(method.trim()))
}

/// Where `wanted`, which is ASCII, stands outside of quoted strings and angle brackets.
fn find_outside(value: &str, wanted: u8) -> Option<usize> {
    let bytes = value.as_bytes();
    let mut place = 0_usize;
    loop {
        let at = place.saturating_add(memchr::memchr3(wanted, b'"', b'<', bytes.get(place..)?)?);
        let behind = at.saturating_add(1);
        place = match bytes.get(at)? {
            byte if *byte == wanted => return Some(at),
            b'"' => behind_quotes(bytes, behind)?,
            _ => behind_brackets(bytes, behind)?,
        };
    }
}

/// Goes behind the end of a quoted string, in which a backslash takes the next octet with it (RFC 3261 section 25.1).
fn behind_quotes(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut place = begin;
    loop {
        let at = place.saturating_add(memchr::memchr2(b'"', b'\\', bytes.get(place..)?)?);
        if bytes.get(at) == Some(&b'"') {
            return Some(at.saturating_add(1));
        }
        place = at.saturating_add(2);
    }
}

/// Goes behind the end of angle brackets, in which strings may be quoted.
fn behind_brackets(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut place = begin;
    loop {
        let at = place.saturating_add(memchr::memchr2(b'>', b'"', bytes.get(place..)?)?);
        let behind = at.saturating_add(1);
        if bytes.get(at) == Some(&b'>') {
            return Some(behind);
        }
        place = behind_quotes(bytes, behind)?;
    }
}

/// The items of a comma-separated list.
fn items(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (item, behind) = match find_outside(text, b',') {
            Some(comma) => (text.get(..comma)?, text.get(comma.saturating_add(1)..)),
            None => (text, None),
        };
        rest = behind;
        Some(item.trim())
    })
    .filter(|item| !item.is_empty())
}

fn first_item(value: &str) -> &str {
    items(value).next().unwrap_or_default()
}

/// The URI of a `name-addr` or `addr-spec` (RFC 3261 section 25.1).
fn address(value: &str) -> &str {
    let inside = find_outside(value, b'<').and_then(|open| value.get(open.saturating_add(1)..));
    match inside {
        Some(inside) => inside.split('>').next().unwrap_or_default().trim(),
        // Without brackets, parameters are the header's (RFC 3261 section 20.10).
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

fn uri(value: &str) -> WireText {
    WireText::from(address(value))
}

/// The value of a header parameter.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value;
    while let Some(at) = find_outside(rest, b';') {
        rest = rest.get(at.saturating_add(1)..)?;
        let end = find_outside(rest, b';').unwrap_or(rest.len());
        let (key, text) = rest.get(..end)?.split_once('=').unwrap_or((rest.get(..end)?, ""));
        if key.trim().eq_ignore_ascii_case(name) {
            return Some(text.trim().trim_matches('"'));
        }
    }
    None
}

/// Host of `SIP/2.0/UDP host:port;…`; blanks may stand around the slashes and the colon (RFC 4475 section 3.1.1.1).
fn via_host(value: &str) -> Option<WireText> {
    let sent = value.splitn(3, '/').nth(2)?.trim_start();
    let (_, sent_by) = sent.split_once(|c: char| c.is_ascii_whitespace())?;
    let sent_by = sent_by.split(';').next()?.trim();
    let host = match sent_by.strip_prefix('[') {
        Some(inside) => inside.split(']').next()?,
        None => sent_by.split(':').next()?,
    };
    Some(WireText::from(host.trim()))
}

fn received(via: &str) -> Option<IpAddr> {
    parameter(via, "received").and_then(ip_address)
}

/// Whence this host sent it, as the next one saw that, or else as it says itself (RFC 3261 section 18.2.1).
fn origin(via: &str) -> Option<IpAddr> {
    received(via).or_else(|| ip_address(via_host(via)?.raw()))
}

fn ip_address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
