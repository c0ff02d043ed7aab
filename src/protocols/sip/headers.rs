//! A head: the first line, the headers, and what a message keeps of them.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use ezk_sip_types::msg::PullParser;

use super::{Message, Start, auth};
use crate::formats::date;
use crate::formats::heads::head_end;
use crate::text::{self, WireText};

/// The headers that something is kept of, each with its compact form (RFC 3261 section 7.3.3, RFC 6665 section 8.2.1).
const KEPT: [(&str, Option<&str>); 21] = [
    ("Authorization", None),
    ("Call-ID", Some("i")),
    ("Contact", Some("m")),
    ("Content-Length", Some("l")),
    ("CSeq", None),
    ("Date", None),
    ("Event", Some("o")),
    ("Expires", None),
    ("From", Some("f")),
    ("Min-Expires", None),
    ("ms-diagnostics", None),
    ("Proxy-Authenticate", None),
    ("Proxy-Authorization", None),
    ("Reason", None),
    ("Retry-After", None),
    ("Server", None),
    ("To", Some("t")),
    ("User-Agent", None),
    ("Via", Some("v")),
    ("Warning", None),
    ("WWW-Authenticate", None),
];
/// Headers beyond this are not looked at.
const HEADER_LIMIT: usize = 256;
/// Addresses of `Contact` beyond this are not looked at.
const CONTACT_LIMIT: usize = 32;

/// What a head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) message: Message,
    /// `Content-Length`, if it can be read.
    pub(super) content_length: Option<u64>,
}

/// Reads a head, with or without the empty line at its end.
pub(super) fn read(head: &[u8]) -> Head {
    // All of it must be UTF-8 before any of it is read. With an empty line of our own the last header of a head that was cut is
    // read, too.
    let mut text = text::lossy(head);
    if has_lone_return(&text) {
        text = text.replace("\r\n", "\n").replace('\r', "\n");
    }
    text.push_str("\r\n\r\n");
    let source = Bytes::from(text);
    // A PullParser that meets an error says so for ever.
    let mut lines = PullParser::new(&source, 0).map_while(Result::ok).filter_map(|line| std::str::from_utf8(line).ok());
    let start = start_line(lines.next().unwrap_or_default().trim());
    let headers = lines.take(HEADER_LIMIT).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((kept(name.trim())?, unfold(value)))
    });
    let headers = Headers(headers.collect());
    let message = Message { cut: head_end(head, 0).is_none(), ..headers.message(start) };
    Head { content_length: headers.number("Content-Length"), message }
}

/// The full name of a header, if something is kept of it.
fn kept(name: &str) -> Option<&'static str> {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    KEPT.iter().find(|(full, compact)| is(full) || compact.is_some_and(is)).map(|(full, _)| *full)
}

fn has_lone_return(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'\r', bytes).any(|at| bytes.get(at.saturating_add(1)) != Some(&b'\n'))
}

/// A value on one line (RFC 3261 section 7.3.1: folding stands for one blank).
fn unfold(value: &str) -> Cow<'_, str> {
    let value = value.trim();
    if value.contains('\n') {
        Cow::Owned(value.lines().map(str::trim).collect::<Vec<_>>().join(" ").trim().to_owned())
    } else {
        Cow::Borrowed(value)
    }
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

/// The headers in order, under their full names.
struct Headers<'a>(Vec<(&'static str, Cow<'a, str>)>);

impl Headers<'_> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| *key == name).map(|(_, value)| value.as_ref())
    }

    fn first(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    fn text(&self, name: &'static str) -> Option<WireText> {
        self.first(name).map(WireText::from)
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str) -> Option<T> {
        self.first(name).and_then(leading_number)
    }

    fn message(&self, start: Start) -> Message {
        let via = self.first("Via").map(first_item);
        let contacts: Vec<&str> = self.all("Contact").flat_map(items).take(CONTACT_LIMIT).collect();
        let contact_expires = || contacts.first().and_then(|contact| parameter(contact, "expires")).and_then(leading_number);
        let answers = self.all("Authorization").chain(self.all("Proxy-Authorization"));
        let challenges = self.all("WWW-Authenticate").chain(self.all("Proxy-Authenticate"));
        Message {
            cut: false,
            start,
            call_id: self.text("Call-ID").unwrap_or_default(),
            cseq: self.first("CSeq").map(cseq).unwrap_or_default(),
            from: self.first("From").map(user_address),
            to: self.first("To").map(user_address),
            via: via.and_then(via_host),
            expires: self.number("Expires").or_else(contact_expires),
            contacts: contacts.iter().map(|contact| WireText::from(address(contact))).collect(),
            min_expires: self.number("Min-Expires"),
            user_agent: self.text("User-Agent"),
            server: self.text("Server"),
            credentials: answers.map(auth::read).collect(),
            challenges: challenges.map(auth::read).collect(),
            ms_diagnostics: self.text("ms-diagnostics"),
            warning: self.text("Warning").or_else(|| self.text("Reason")),
            retry_after: self.number("Retry-After"),
            date: self.first("Date").and_then(date::http_date),
            event: self.text("Event"),
            received: via.and_then(|via| parameter(via, "received")).and_then(ip_address),
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

/// Where `wanted` stands outside of quoted strings and angle brackets.
fn find_outside(value: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    value.char_indices().find_map(|(at, c)| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == wanted && !quoted && !bracketed => return Some(at),
            '<' if !quoted => bracketed = true,
            '>' if !quoted => bracketed = false,
            _ => {}
        }
        None
    })
}

/// The items of a comma-separated list.
fn items(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (item, behind) = match find_outside(text, ',') {
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
    let inside = find_outside(value, '<').and_then(|open| value.get(open.saturating_add(1)..));
    match inside {
        Some(inside) => inside.split('>').next().unwrap_or_default().trim(),
        // Without brackets, parameters are the header's (RFC 3261 section 20.10).
        None => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// The address of a user, without the URI's parameters and headers: `sip:user@domain`.
fn user_address(value: &str) -> WireText {
    let address = address(value);
    let host = address.find('@').unwrap_or(0);
    let end = address.get(host..).and_then(|rest| rest.find([';', '?'])).map_or(address.len(), |at| host.saturating_add(at));
    WireText::from(address.get(..end).unwrap_or_default())
}

/// The value of a header parameter.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value;
    while let Some(at) = find_outside(rest, ';') {
        rest = rest.get(at.saturating_add(1)..)?;
        let end = find_outside(rest, ';').unwrap_or(rest.len());
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

fn ip_address(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
