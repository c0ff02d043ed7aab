//! What the heads of HTTP and SIP have in common: lines, and an empty one at the end.

/// The first line without its end, and whether that end is there.
pub fn first_line(bytes: &[u8]) -> (&[u8], bool) {
    match memchr::memchr(b'\n', bytes) {
        Some(end) => (bytes.get(..end).unwrap_or_default().trim_ascii_end(), true),
        None => (bytes.trim_ascii_end(), false),
    }
}

/// `bytes` without line ends in front: keep-alives (RFC 5626 section 3.5.1), and the empty lines that receivers should
/// overlook before a message (RFC 9112 section 2.2, RFC 3261 section 7.5).
pub fn skip_line_ends(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
    bytes.get(start..).unwrap_or_default()
}

/// Where a head ends: behind its first empty line. `scanned` bytes are known to hold no end.
pub fn head_end(head: &[u8], scanned: usize) -> Option<usize> {
    // The line end before the empty line may have been looked at already.
    let from = scanned.saturating_sub(2);
    memchr::memchr_iter(b'\n', head.get(from..)?).find_map(|at| {
        let next = from.saturating_add(at).saturating_add(1);
        match head.get(next..)? {
            [b'\n', ..] => Some(next.saturating_add(1)),
            [b'\r', b'\n', ..] => Some(next.saturating_add(2)),
            _ => None,
        }
    })
}

/// How many of these bytes hold no beginning of a message, where framing was lost: all but the last line, of which more may
/// come. A line longer than `limit` is no first line.
pub fn before_last_line(bytes: &[u8], limit: usize) -> usize {
    let start = memchr::memrchr(b'\n', bytes).map_or(0, |end| end.saturating_add(1));
    if bytes.len().saturating_sub(start) > limit { bytes.len() } else { start }
}

/// A head that is not whole yet. The stream keeps its bytes; the copy here is for the case that the rest is lost. It grows
/// with the head, so that each byte is copied once, however small the pieces are.
#[derive(Debug, Default)]
pub struct Unfinished {
    scanned: usize,
    copy: Vec<u8>,
}

impl Unfinished {
    /// Nothing of it is there yet.
    pub fn is_new(&self) -> bool {
        self.scanned == 0
    }

    /// Where it ends, if it does by now.
    pub fn end(&self, head: &[u8]) -> Option<usize> {
        head_end(head, self.scanned)
    }

    /// Takes note that `head` does not hold its end.
    pub fn goes_on(&mut self, head: &[u8]) {
        self.scanned = head.len();
        self.keep(head);
    }

    /// Keeps what there is of a first line that may still turn out to be none: it stays to be looked at.
    pub fn keep(&mut self, head: &[u8]) {
        self.copy.extend_from_slice(head.get(self.copy.len()..).unwrap_or_default());
    }

    /// What was seen of it.
    pub fn seen(&self) -> &[u8] {
        &self.copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_at_its_first_empty_line_wherever_it_was_cut() {
        for (head, end) in [(&b"A\r\nB: c\r\n\r\nbody"[..], 11), (b"A\nB: c\n\nbody", 8), (b"A\r\n\r\n", 5)] {
            for cut in 0..end {
                assert_eq!(head_end(&head[..cut], 0), None, "{cut}");
                assert_eq!(head_end(head, cut), Some(end), "{cut}");
            }
        }
    }

    #[test]
    fn a_line_is_kept_until_it_is_whole_or_too_long() {
        for (bytes, passed) in [("", 0), ("SIP/2", 0), ("a\nb\nSIP/2", 4), ("a\n", 2), ("a\n1234567890", 12)] {
            assert_eq!(before_last_line(bytes.as_bytes(), 9), passed, "{bytes:?}");
        }
    }

    #[test]
    fn what_was_seen_of_a_head_does_not_depend_on_its_pieces() {
        let mut unfinished = Unfinished::default();
        assert!(unfinished.is_new());
        let head = b"GET / HTTP/1.1\r\nHost: pool";
        for end in 15..=head.len() {
            unfinished.goes_on(&head[..end]);
        }
        assert_eq!(unfinished.seen(), head);
        assert!(!unfinished.is_new());
    }
}
