//! The options of a message, kept as they came: one behind the other, in one piece of memory.

use std::borrow::Cow;

/// Octets for which there is room at once: the options of a message that is no longer than any client must take
/// (RFC 2131 section 2).
const USUAL: usize = 312;

/// One option, as it stands; [`Options::joined`] joins the parts of one that RFC 3396 splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DhcpOption<'a> {
    /// Its number.
    pub code: u8,
    /// Its value, of 255 octets at most.
    pub data: &'a [u8],
}

/// Options in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    count: usize,
    /// Of each its number, its length, and its value (RFC 2132 section 2).
    bytes: Box<[u8]>,
}

impl Options {
    /// How many there are, parts of one that is split counted each.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Memory that they take.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = DhcpOption<'_>> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || {
            let (&[code, length], behind) = rest.split_first_chunk()?;
            let (data, behind) = behind.split_at_checked(usize::from(length))?;
            rest = behind;
            Some(DhcpOption { code, data })
        })
    }

    /// The value of an option: its parts joined (RFC 3396).
    pub fn joined(&self, code: u8) -> Option<Cow<'_, [u8]>> {
        let mut parts = self.iter().filter(|option| option.code == code).map(|option| option.data);
        let mut joined = Cow::Borrowed(parts.next()?);
        for part in parts {
            joined.to_mut().extend_from_slice(part);
        }
        Some(joined)
    }
}

impl<'a> FromIterator<DhcpOption<'a>> for Options {
    fn from_iter<I: IntoIterator<Item = DhcpOption<'a>>>(options: I) -> Self {
        let (mut count, mut bytes) = (0_usize, Vec::with_capacity(USUAL));
        for DhcpOption { code, data } in options {
            let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
            bytes.extend([code, length]);
            bytes.extend_from_slice(data.get(..usize::from(length)).unwrap_or(data));
            count = count.saturating_add(1);
        }
        Self { count, bytes: bytes.into() }
    }
}
