//! What is wrong with the values of options, by their own RFCs.

use super::values::{self, Suboptions};
use super::{Message, SipServers, option};
use crate::text::WireText;

/// What an option's length must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    /// Exactly this.
    Exactly(usize),
    /// One or more items of this length.
    Items(usize),
}

/// The options of RFC 2132 (and 150 of RFC 5859) whose length is fixed.
fn length(code: u8) -> Option<Length> {
    Some(match code {
        1 | 2 | 16 | 24 | 28 | 32 | 35 | 38 | 50 | 51 | 54 | 58 | 59 => Length::Exactly(4),
        13 | 22 | 26 | 57 => Length::Exactly(2),
        19 | 20 | 23 | 27 | 29 | 30 | 31 | 34 | 36 | 37 | 39 | 46 | 52 | 53 => Length::Exactly(1),
        3..=11 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 69..=76 | 150 => Length::Items(4),
        21 | 33 => Length::Items(8),
        55 => Length::Items(1),
        _ => return None,
    })
}

/// Adds to the message's problems what its options' values get wrong.
pub(super) fn values(message: &mut Message) {
    if message.cut {
        return;
    }
    let mut lengths = Vec::with_capacity(message.options.len());
    lengths.extend(message.options.iter().map(|option| (option.code, option.data.len())));
    lengths.sort_by_key(|(code, _)| *code);
    for parts in lengths.chunk_by(|(one, _), (next, _)| one == next) {
        let Some((code, _)) = parts.first() else { continue };
        // An option that runs over the end was told already.
        if message.problems.iter().any(|(told, _)| told == code) {
            continue;
        }
        if let Some(problem) = problem(message, *code, parts) {
            message.problems.push((*code, problem));
        }
    }
}

/// What is wrong with an option, of which these are the parts by their lengths.
fn problem(message: &Message, code: u8, parts: &[(u8, usize)]) -> Option<String> {
    match code {
        option::VENDOR => vendor(&message.option(code)?),
        option::SIP_SERVERS => match message.sip_servers()? {
            SipServers::Malformed(text) => Some(text),
            _ => None,
        },
        _ => wrong_length(parts, length(code)?),
    }
}

/// Some makers put a bare text into option 43, which is theirs to do: say so, for a reader who expects sub-options.
fn vendor(value: &[u8]) -> Option<String> {
    let Suboptions { overrun: Some((sub, announced, there)), .. } = values::suboptions(value) else { return None };
    if value.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some(format!("text instead of sub-options: {}", WireText::from_bytes(value)));
    }
    Some(format!("sub-option {sub} announces {announced} octets, {there} are there"))
}

/// RFC 3396: a value may be split, so judge the parts joined; but a server that repeats itself has split nothing.
fn wrong_length(parts: &[(u8, usize)], wanted: Length) -> Option<String> {
    let fits = |length: usize| match wanted {
        Length::Exactly(exactly) => length == exactly,
        Length::Items(of) => length != 0 && length.is_multiple_of(of),
    };
    let parts = || parts.iter().map(|(_, length)| *length);
    let joined = parts().sum();
    if fits(joined) || parts().all(fits) {
        return None;
    }
    Some(match wanted {
        Length::Exactly(exactly) => format!("{joined} octets long instead of {exactly}"),
        Length::Items(of) => format!("{joined} octets long, which is not a list of {of} octets each"),
    })
}
