//! Challenges and their answers. Empty strings are read, which the first NTLM leg sends (`gssapi-data=""`), and so are Digest
//! challenges that lack a parameter, which is just what is worth reporting.

use std::borrow::Cow;

use super::Auth;
use crate::text::WireText;

/// Parameters beyond this are not looked at.
const PARAMETER_LIMIT: usize = 64;

/// Reads the value of an authentication header (RFC 3261 section 25.1, `challenge` and `credentials`).
pub(super) fn read(value: &str) -> Auth {
    let value = value.trim();
    let (scheme, mut rest) = value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, ""));
    let mut auth = Auth {
        scheme: WireText::from(scheme),
        realm: None,
        nonce: None,
        stale: false,
        algorithm: None,
        gssapi: None,
        username: None,
    };
    for _ in 0..PARAMETER_LIMIT {
        let Some((name, value, behind)) = parameter(rest) else { break };
        rest = behind;
        if name.eq_ignore_ascii_case("stale") {
            auth.stale = value.eq_ignore_ascii_case("true");
        } else if let Some(place) = place(&mut auth, name) {
            *place = Some(WireText::from(&*value));
        }
    }
    auth
}

/// Where the value of a parameter is kept, if it is.
fn place<'a>(auth: &'a mut Auth, name: &str) -> Option<&'a mut Option<WireText>> {
    let Auth { realm, nonce, algorithm, gssapi, username, .. } = auth;
    let places = [("realm", realm), ("nonce", nonce), ("algorithm", algorithm), ("gssapi-data", gssapi), ("username", username)];
    places.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, place)| place)
}

/// The next `name=value`, and what is behind it.
fn parameter(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let text = text.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted),
        None => {
            let end = rest.find(',').unwrap_or(rest.len());
            let (value, rest) = rest.split_at_checked(end)?;
            (Cow::Borrowed(value.trim()), rest)
        }
    };
    Some((name.trim(), value, rest))
}

/// A quoted string without its quotes and escapes, and what is behind it; one that is not closed reaches to the end.
fn unquote(quoted: &str) -> (Cow<'_, str>, &str) {
    let end = memchr::memchr2(b'"', b'\\', quoted.as_bytes()).unwrap_or(quoted.len());
    let (plain, rest) = quoted.split_at_checked(end).unwrap_or((quoted, ""));
    if !rest.starts_with('\\') {
        return (Cow::Borrowed(plain), rest.strip_prefix('"').unwrap_or(rest));
    }
    let mut text = plain.to_owned();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    (Cow::Owned(text), chars.as_str())
}
