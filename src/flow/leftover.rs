//! In-order bytes in, whole messages out: hands bytes to the parser where they lie, and keeps what it leaves over until
//! enough has come. Knows nothing of sequence numbers.

use super::limits::SPARE_BYTES;
use super::{Interest, Step};

/// Longest message for which room is made before its bytes have come: a TLS record (RFC 5246, 6.2.3) with its header.
const MOST_AT_ONCE: usize = 5 + (1 << 14) + 2_048;

/// Where ordered bytes and the holes between them go.
pub(crate) trait Out {
    /// The next bytes, with what was left over before them.
    fn stream(&mut self, bytes: &[u8]) -> Step;
    /// The segment in hand was cut by the capture: what was left over begins a message of which no more will come.
    fn cut(&mut self, _rest: &[u8]) {}
    /// Bytes that will never come, or that were dropped.
    fn gap(&mut self, missing: u64, why: Why) -> Interest;
}

/// Why bytes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The receiver has them, the capture has not.
    Uncaptured,
    /// The capture kept only the head of the packet.
    Cut,
    /// A buffer was full.
    Full,
    /// The flow ended before they came.
    Ended,
}

/// What the parser has been offered and has not used.
#[derive(Debug, Default)]
pub(crate) struct Leftover {
    /// Used bytes, up to `start`, then unused ones.
    bytes: Vec<u8>,
    start: usize,
    /// So many unused bytes must be there before the parser looks again.
    need: usize,
    /// Bytes copied or moved so far: what must stay linear.
    #[cfg(test)]
    pub(super) moved: usize,
}

impl Leftover {
    /// The unused bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// Memory held.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Forgets all, and how much the parser wanted.
    pub(crate) fn clear(&mut self) {
        self.need = 0;
        self.start = 0;
        if self.bytes.capacity() > SPARE_BYTES {
            self.bytes = Vec::new();
        } else {
            self.bytes.clear();
        }
    }

    /// Hands on what is next. Where nothing was left over, the parser sees `fresh` itself and no byte is copied unless it
    /// leaves some. At most `limit` bytes are kept; what would be more is dropped as a gap.
    pub(crate) fn offer(&mut self, fresh: &[u8], limit: usize, out: &mut impl Out) -> Interest {
        if !self.bytes().is_empty() {
            if self.bytes().len().saturating_add(fresh.len()) <= limit {
                self.keep(fresh);
                return self.offer_kept(out);
            }
            let missing = self.bytes().len() as u64;
            self.clear();
            if out.gap(missing, Why::Full) == Interest::SignalsOnly {
                return Interest::SignalsOnly;
            }
        }
        let Some(used) = parse(fresh, &mut self.need, out) else { return Interest::SignalsOnly };
        let rest = fresh.get(used..).unwrap_or_default();
        if rest.len() > limit {
            self.clear();
            return out.gap(rest.len() as u64, Why::Full);
        }
        if !rest.is_empty() {
            self.keep(rest);
        }
        Interest::Payload
    }

    fn keep(&mut self, fresh: &[u8]) {
        if self.bytes.is_empty() {
            // For the whole message at once, if its length is known.
            self.bytes.reserve_exact(self.need.min(MOST_AT_ONCE).max(fresh.len()));
        }
        self.bytes.extend_from_slice(fresh);
        #[cfg(test)]
        {
            self.moved += fresh.len();
        }
    }

    fn offer_kept(&mut self, out: &mut impl Out) -> Interest {
        let mut need = self.need;
        let Some(used) = parse(self.bytes(), &mut need, out) else { return Interest::SignalsOnly };
        self.start = self.start.saturating_add(used);
        if self.start >= self.bytes.len() {
            self.clear();
        } else if self.start > self.bytes.len() / 2 {
            // At most as many bytes are moved as have been used since the last time.
            #[cfg(test)]
            {
                self.moved += self.bytes.len() - self.start;
            }
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.need = need;
        Interest::Payload
    }
}

/// Calls the parser until it wants more than there is. How much was used up, or `None` when it is done for good.
fn parse(bytes: &[u8], need: &mut usize, out: &mut impl Out) -> Option<usize> {
    let mut used = 0_usize;
    loop {
        let left = bytes.get(used..).unwrap_or_default();
        if left.is_empty() || left.len() < *need {
            return Some(used);
        }
        match out.stream(left) {
            Step::Done => return None,
            // Nothing used: whatever it says, the same bytes are not worth a second look.
            Step::Used { bytes: 0, need: wanted } => *need = wanted.max(left.len().saturating_add(1)),
            Step::Used { bytes, need: wanted } => {
                used = used.saturating_add(bytes.min(left.len()));
                *need = wanted;
            }
        }
    }
}
