//! Heads: the first line and the headers, and what the messages keep of them.

use httparse::{EMPTY_HEADER, Header, ParserConfig};

use super::body::{Coding, Framing};
use super::{Body, Credentials, Request, Response};
use crate::formats::{date, ntlm};
use crate::text::WireText;

/// Header slots of the first try, and of the second.
const SLOTS: usize = 64;
/// Headers beyond this are not looked at.
const SLOTS_LIMIT: usize = 256;

/// Headers that only who passes on the request of another sends.
const PASSED_ON: [&str; 4] = ["Via", "Forwarded", "X-Forwarded-For", "X-Real-IP"];

/// A head, borrowed from the stream.
#[derive(Debug)]
pub(super) struct Head<'a> {
    pub(super) first: First<'a>,
    headers: Vec<(&'a [u8], &'a [u8])>,
}

/// Its first line.
#[derive(Clone, Copy, Debug)]
pub(super) enum First<'a> {
    Request { method: &'a [u8], uri: &'a [u8] },
    Response { code: u16 },
}

/// Reads a whole head. What httparse refuses is split at blanks, colons and line ends, so that no head is lost.
pub(super) fn read(bytes: &[u8]) -> Head<'_> {
    let read = match with_slots::<SLOTS>(bytes) {
        Err(httparse::Error::TooManyHeaders) => with_slots::<SLOTS_LIMIT>(bytes),
        read => read,
    };
    read.ok().flatten().unwrap_or_else(|| by_lines(bytes))
}

fn with_slots<const N: usize>(bytes: &[u8]) -> Result<Option<Head<'_>>, httparse::Error> {
    let mut config = ParserConfig::default();
    config
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_request_line_delimiters(true)
        .allow_multiple_spaces_in_response_status_delimiters(true)
        .allow_space_before_first_header_name(true)
        .ignore_invalid_headers_in_responses(true)
        .ignore_invalid_headers_in_requests(true);
    let mut slots = [EMPTY_HEADER; N];
    if bytes.starts_with(b"HTTP/") {
        let mut response = httparse::Response::new(&mut slots);
        let whole = config.parse_response(&mut response, bytes)?.is_complete();
        let head = response.code.map(|code| Head { first: First::Response { code }, headers: pairs(response.headers) });
        return Ok(head.filter(|_| whole));
    }
    let mut request = httparse::Request::new(&mut slots);
    let whole = config.parse_request(&mut request, bytes)?.is_complete();
    let first =
        request.method.zip(request.path).map(|(method, uri)| First::Request { method: method.as_bytes(), uri: uri.as_bytes() });
    let head = first.map(|first| Head { first, headers: pairs(request.headers) });
    Ok(head.filter(|_| whole))
}

fn pairs<'a>(headers: &[Header<'a>]) -> Vec<(&'a [u8], &'a [u8])> {
    headers.iter().map(|header| (header.name.as_bytes(), header.value.trim_ascii())).collect()
}

fn by_lines(bytes: &[u8]) -> Head<'_> {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let line = lines.next().unwrap_or_default();
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let word = words.next().unwrap_or_default();
    let rest = words.next().unwrap_or_default().trim_ascii();
    let first = if word.starts_with(b"HTTP/") {
        First::Response { code: number(rest.split(|byte| *byte == b' ').next().unwrap_or_default()).unwrap_or(0) }
    } else {
        // The target may hold blanks that should have been encoded: only a version ends it.
        let version = rest
            .iter()
            .rposition(|byte| *byte == b' ')
            .filter(|at| rest.get(at + 1..).is_some_and(|last| last.starts_with(b"HTTP/") || b"HTTP/".starts_with(last)));
        First::Request { method: word, uri: rest.get(..version.unwrap_or(rest.len())).unwrap_or_default().trim_ascii_end() }
    };
    let headers = lines.take(SLOTS_LIMIT).filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((line.get(..colon)?.trim_ascii(), line.get(colon + 1..)?.trim_ascii()))
    });
    Head { first, headers: headers.collect() }
}

fn number<T: std::str::FromStr>(digits: &[u8]) -> Option<T> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

impl<'a> Head<'a> {
    /// The first header of this name.
    fn first(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| *value)
    }

    fn text(&self, name: &str) -> Option<WireText> {
        self.first(name).map(WireText::from_bytes)
    }

    fn all(&self, name: &str) -> Vec<WireText> {
        let named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        named.map(|(_, value)| WireText::from_bytes(value)).collect()
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        let mut named = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes()));
        named.any(|(_, value)| {
            value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
        })
    }

    /// The request that this is the head of.
    pub(super) fn request(&self, method: &[u8], uri: &[u8], index: u32) -> Request {
        let own = self.text("Authorization");
        let to_proxy = own.is_none() && self.first("Proxy-Authorization").is_some();
        let authorization = own.or_else(|| self.text("Proxy-Authorization"));
        Request {
            method: WireText::from_bytes(method),
            uri: WireText::from_bytes(uri),
            host: self.text("Host"),
            user_agent: self.text("User-Agent"),
            content_type: self.text("Content-Type"),
            credentials: authorization.as_ref().and_then(|value| credentials(value.raw())),
            authorization,
            to_proxy,
            is_passed_on: PASSED_ON.iter().any(|name| self.first(name).is_some()),
            index,
        }
    }

    /// The response that this is the head of, without its request and its body.
    pub(super) fn response(&self, code: u16) -> Response {
        let www_authenticate = self.all("WWW-Authenticate");
        let proxy_authenticate = self.all("Proxy-Authenticate");
        Response {
            code,
            server: self.text("Server"),
            content_type: self.text("Content-Type"),
            location: self.text("Location"),
            ntlm: www_authenticate.iter().chain(&proxy_authenticate).find_map(|value| token(value.raw())),
            www_authenticate,
            proxy_authenticate,
            date: self.text("Date").and_then(|value| date::http_date(value.raw())),
            is_passed_on: self.first("Via").is_some(),
            request: None,
            body: Body::default(),
        }
    }

    /// How long the body of a request is (RFC 9112 section 6.3).
    pub(super) fn request_framing(&self) -> Framing {
        self.stated_framing().unwrap_or(Framing::Nothing)
    }

    /// How long the body of a response is, which also depends on what was asked (RFC 9112 section 6.3).
    pub(super) fn response_framing(&self, code: u16, method: Option<&str>) -> Framing {
        match (code, method) {
            (100..=199 | 204 | 304, _) | (_, Some("HEAD")) => Framing::Nothing,
            _ => self.stated_framing().unwrap_or(Framing::UntilClose),
        }
    }

    fn stated_framing(&self) -> Option<Framing> {
        if self.has_token("Transfer-Encoding", "chunked") {
            return Some(Framing::Chunked);
        }
        // Several equal lengths may have been joined to a list (RFC 9112 section 6.3).
        let stated = self.first("Content-Length")?.split(|byte| *byte == b',').next()?;
        number(stated.trim_ascii()).map(Framing::Length)
    }

    /// The content coding of the body.
    pub(super) fn coding(&self) -> Coding {
        match self.text("Content-Encoding").unwrap_or_default().raw().to_ascii_lowercase().as_str() {
            "" | "identity" => Coding::Identity,
            "gzip" | "x-gzip" => Coding::Gzip,
            "deflate" => Coding::Deflate,
            _ => Coding::Unknown,
        }
    }
}

/// The scheme of an authentication header, and what follows it.
fn scheme(value: &str) -> (&str, &str) {
    value.split_once(' ').unwrap_or((value, ""))
}

/// The NTLM token inside `NTLM …` or `Negotiate …`.
fn token(value: &str) -> Option<ntlm::Token> {
    let (scheme, rest) = scheme(value);
    let carries = scheme.eq_ignore_ascii_case("NTLM") || scheme.eq_ignore_ascii_case("Negotiate");
    if carries { ntlm::from_base64(rest) } else { None }
}

fn credentials(value: &str) -> Option<Credentials> {
    let (scheme, _) = scheme(value);
    if scheme.is_empty() {
        return None;
    }
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    Some(match token(value) {
        _ if is("basic") => Credentials::Basic,
        _ if is("digest") => Credentials::Digest,
        Some(token) => Credentials::Ntlm(token),
        None if is("negotiate") => Credentials::Negotiate,
        None => Credentials::Other(WireText::from(scheme)),
    })
}
