//! A filter as people write it (RFC 4515), cut where it becomes too long to be read.

use ldap_parser::filter::{AttributeValueAssertion, Filter, Substring};

/// As many characters as most have.
const USUAL: usize = 128;
/// Characters that are written at most.
const LONGEST: usize = 1024;

/// Writes a filter. Its depth is bounded by the reader of its bytes.
pub(super) fn text(filter: &Filter<'_>) -> String {
    let mut text = String::with_capacity(USUAL);
    write(filter, &mut text);
    text
}

fn write(filter: &Filter<'_>, out: &mut String) {
    if out.len() > LONGEST {
        return;
    }
    out.push('(');
    match filter {
        Filter::And(parts) => list('&', parts, out),
        Filter::Or(parts) => list('|', parts, out),
        Filter::Not(part) => {
            out.push('!');
            write(part, out);
        }
        Filter::EqualityMatch(assertion) => compare("=", assertion, out),
        Filter::GreaterOrEqual(assertion) => compare(">=", assertion, out),
        Filter::LessOrEqual(assertion) => compare("<=", assertion, out),
        Filter::ApproxMatch(assertion) => compare("~=", assertion, out),
        Filter::Present(attribute) => {
            put(attribute.0.as_bytes(), out);
            out.push_str("=*");
        }
        Filter::Substrings(substrings) => {
            put(substrings.filter_type.0.as_bytes(), out);
            out.push('=');
            for part in &substrings.substrings {
                substring(part, out);
            }
        }
        Filter::ExtensibleMatch(assertion) => {
            if let Some(attribute) = &assertion.rule_type {
                put(attribute.0.as_bytes(), out);
            }
            if let Some(rule) = &assertion.matching_rule {
                out.push(':');
                put(rule.0.as_bytes(), out);
            }
            out.push_str(":=");
            put(&assertion.assertion_value.0, out);
        }
    }
    out.push(')');
}

fn list(operator: char, parts: &[Filter<'_>], out: &mut String) {
    out.push(operator);
    for part in parts {
        write(part, out);
    }
}

fn compare(operator: &str, assertion: &AttributeValueAssertion<'_>, out: &mut String) {
    put(assertion.attribute_desc.0.as_bytes(), out);
    out.push_str(operator);
    put(&assertion.assertion_value, out);
}

fn substring(part: &Substring<'_>, out: &mut String) {
    match part {
        Substring::Initial(value) => {
            put(&value.0, out);
            out.push('*');
        }
        Substring::Any(value) => {
            if !out.ends_with('*') {
                out.push('*');
            }
            put(&value.0, out);
            out.push('*');
        }
        Substring::Final(value) => {
            if !out.ends_with('*') {
                out.push('*');
            }
            put(&value.0, out);
        }
    }
}

/// A value: what is no text, and what the form itself uses, as `\xx`.
fn put(value: &[u8], out: &mut String) {
    let room = LONGEST.saturating_sub(out.len());
    let value = value.get(..room).unwrap_or(value);
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '*' | '(' | ')' | '\\' | '\0' => out.push_str(&format!("\\{:02x}", u32::from(c))),
                c => out.push(c),
            }
        }
        for octet in chunk.invalid() {
            out.push_str(&format!("\\{octet:02x}"));
        }
    }
}
