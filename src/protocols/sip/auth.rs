//! Challenges and their answers. The parameters are read here, and not by ezk-sip-types, because that ends its list at an
//! empty quoted string, which is just what the first NTLM leg sends (`gssapi-data=""`), and refuses a Digest challenge
//! that lacks a parameter, which is just what is worth reporting.

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
        let text = || Some(WireText::from(value.as_str()));
        match name.to_ascii_lowercase().as_str() {
            "realm" => auth.realm = text(),
            "nonce" => auth.nonce = text(),
            "stale" => auth.stale = value.eq_ignore_ascii_case("true"),
            "algorithm" => auth.algorithm = text(),
            "gssapi-data" => auth.gssapi = text(),
            "username" => auth.username = text(),
            _ => {}
        }
    }
    auth
}

/// The next `name=value`, and what is behind it.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let text = text.trim_start_matches(|c: char| c == ',' || c.is_whitespace());
    let (name, rest) = text.split_once('=')?;
    let rest = rest.trim_start();
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => unquote(quoted),
        None => {
            let end = rest.find(',').unwrap_or(rest.len());
            let (value, rest) = rest.split_at_checked(end)?;
            (value.trim().to_owned(), rest)
        }
    };
    Some((name.trim(), value, rest))
}

/// A quoted string without its quotes and escapes, and what is behind it; one that is not closed reaches to the end.
pub(super) fn unquote(quoted: &str) -> (String, &str) {
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    (text, chars.as_str())
}
