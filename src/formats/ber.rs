//! Elements of BER (X.690), cut by their own lengths: what frames LDAP and Kerberos, and what SPNEGO is made of. Only
//! definite lengths and tags of one octet, as these protocols have them (RFC 4511 section 5.1).

use asn1_rs::nom;
use asn1_rs::{FromBer, Header, Length};

/// BOOLEAN, INTEGER, OCTET STRING…: the universal tags in use.
pub mod tag {
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER.
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
}

/// How far the element reaches that begins here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// So many bytes, header included, of which some may still be to come.
    Bytes(usize),
    /// Its header is not whole yet.
    Unfinished,
    /// No element begins here.
    Broken,
}

/// Measures the element at the front.
pub fn extent(bytes: &[u8]) -> Extent {
    match common_header(bytes) {
        Some((header, length)) => Extent::Bytes(header.saturating_add(length)),
        None => extent_of_any(bytes),
    }
}

/// The lengths of header and content, where the tag is one octet and the length one, or two to four behind their number:
/// nearly all elements begin so, and a message has hundreds.
fn common_header(bytes: &[u8]) -> Option<(usize, usize)> {
    let (&[tag, first], rest) = bytes.split_first_chunk()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let octets = match first {
        0..=0x7f => return Some((2, usize::from(first))),
        0x81..=0x84 => usize::from(first & 0x7f),
        _ => return None,
    };
    let length = rest.get(..octets)?.iter().fold(0_u32, |length, octet| length << 8 | u32::from(*octet));
    Some((octets.saturating_add(2), usize::try_from(length).ok()?))
}

fn extent_of_any(bytes: &[u8]) -> Extent {
    match Header::from_ber(bytes) {
        Ok((rest, header)) => match header.length() {
            Length::Definite(length) => Extent::Bytes(bytes.len().saturating_sub(rest.len()).saturating_add(length)),
            Length::Indefinite => Extent::Broken,
        },
        Err(nom::Err::Incomplete(_)) => Extent::Unfinished,
        Err(_) => Extent::Broken,
    }
}

/// The length of the header at the front: one octet of tag, one of length or of its length.
pub fn header_length(bytes: &[u8]) -> usize {
    match bytes.get(1) {
        Some(long) if long & 0x80 != 0 => usize::from(long & 0x7f).saturating_add(2),
        _ => 2,
    }
}

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet: class, form and number.
    pub tag: u8,
    /// What it holds.
    pub content: &'a [u8],
}

/// The element at the front, and what is behind it.
pub fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let tag = *bytes.first()?;
    if let Some((header, length)) = common_header(bytes) {
        let (content, rest) = bytes.get(header..)?.split_at_checked(length)?;
        return Some((Element { tag, content }, rest));
    }
    let Extent::Bytes(length) = extent_of_any(bytes) else { return None };
    let (whole, rest) = bytes.split_at_checked(length)?;
    let (content, _) = Header::from_ber(whole).ok()?;
    Some((Element { tag, content }, rest))
}

/// The elements in a row, up to the first that cannot be read.
pub fn elements(bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut left = bytes;
    std::iter::from_fn(move || {
        let (element, rest) = element(left)?;
        left = rest;
        Some(element)
    })
}

/// What the first element with this tag holds.
pub fn find(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    elements(bytes).find(|element| element.tag == tag).map(|element| element.content)
}

/// The value of an INTEGER or ENUMERATED, from its content.
pub fn integer(content: &[u8]) -> Option<i64> {
    let first = *content.first()?;
    if content.len() > 8 {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1 };
    Some(content.iter().fold(sign, |value: i64, octet| value << 8 | i64::from(*octet)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_element_is_as_long_as_its_header_says_whatever_has_come_of_it() {
        assert_eq!(extent(&[0x30, 0x03, 1, 2]), Extent::Bytes(5));
        assert_eq!(extent(&[0x30, 0x84, 0, 0, 1, 0]), Extent::Bytes(262), "the long form that Active Directory writes");
        assert_eq!(extent(&[0x30, 0x84, 0, 0]), Extent::Unfinished);
        assert_eq!(extent(&[]), Extent::Unfinished);
        assert_eq!(extent(&[0x30, 0x80, 0, 0]), Extent::Broken, "no end is known");
    }

    proptest! {
        #[test]
        fn headers_that_are_read_by_hand_are_those_of_the_grammar(
            tag: u8,
            first in prop_oneof![any::<u8>(), 0x80..=0x88_u8],
            rest in prop::collection::vec(any::<u8>(), 0..12),
        ) {
            let bytes = [&[tag, first][..], &rest].concat();
            for end in 0..=bytes.len() {
                let bytes = &bytes[..end];
                prop_assert_eq!(extent(bytes), extent_of_any(bytes));
                let by_grammar = match extent_of_any(bytes) {
                    Extent::Bytes(length) if length <= bytes.len() => {
                        Header::from_ber(&bytes[..length]).ok().map(|(content, _)| (Element { tag, content }, &bytes[length..]))
                    }
                    _ => None,
                };
                prop_assert_eq!(element(bytes), by_grammar);
            }
        }
    }

    #[test]
    fn elements_are_read_up_to_the_first_broken_one() {
        let bytes = [0x02, 0x01, 0x05, 0x04, 0x02, b'a', b'b', 0x04, 0x09, b'c'];
        let tags: Vec<(u8, usize)> = elements(&bytes).map(|element| (element.tag, element.content.len())).collect();
        assert_eq!(tags, [(tag::INTEGER, 1), (tag::OCTET_STRING, 2)]);
        assert_eq!(find(&bytes, tag::OCTET_STRING), Some(&b"ab"[..]));
        assert_eq!(find(&bytes, tag::ENUMERATED), None);
    }

    #[test]
    fn integers_have_a_sign_and_a_bound() {
        for (content, value) in
            [(&[0x05][..], Some(5)), (&[0xff], Some(-1)), (&[0x00, 0x80], Some(128)), (&[], None), (&[1; 9], None)]
        {
            assert_eq!(integer(content), value, "{content:?}");
        }
    }
}
