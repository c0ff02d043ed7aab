//! Fragments of IP datagrams until the datagram is whole. Bounded in number, bytes and age, so that a flood of fragments
//! costs other fragments, not memory.

use std::net::IpAddr;

use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};
use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::model::{SECOND, Time};

/// Most datagrams that are waited for at once.
pub(super) const MAX_DATAGRAMS: usize = 256;
/// Most bytes that all of them may take.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// How long a datagram is waited for, as Linux does.
pub(super) const MAX_AGE: i64 = 30 * SECOND;

/// What the fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) identification: u32,
    /// IPv4 only; 0 for IPv6.
    pub(super) protocol: u8,
}

/// One fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    /// What the datagram carries; counts in the first fragment.
    pub(super) protocol: u8,
    pub(super) offset: IpFragOffset,
    pub(super) more: bool,
    pub(super) bytes: &'a [u8],
    /// Was all of it captured?
    pub(super) is_whole: bool,
}

impl Fragment<'_> {
    /// Is it the head of a datagram of which the capture holds no more than the beginning?
    pub(super) fn begins_and_is_cut(&self) -> bool {
        self.offset.value() == 0 && !self.is_whole
    }
}

/// Datagrams that are not whole yet, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: IndexMap<Key, Waiting, RandomState>,
    /// The sum of the lengths of their buffers.
    bytes: usize,
    /// The last datagram that became whole.
    whole: Vec<u8>,
    lost: u64,
}

#[derive(Debug)]
struct Waiting {
    buffer: IpDefragBuf,
    protocol: u8,
    since: Time,
}

impl Fragments {
    /// Adds a fragment; gives protocol and payload of the datagram if it completes one.
    pub(super) fn add(&mut self, key: Key, fragment: &Fragment<'_>, now: Time) -> Option<(u8, &[u8])> {
        self.forget_old(now);
        if !fragment.is_whole {
            return None;
        }
        let waiting = self.waiting.entry(key).or_insert_with(|| Waiting {
            buffer: IpDefragBuf::new(IpNumber(fragment.protocol), Vec::new(), Vec::new()),
            protocol: fragment.protocol,
            since: now,
        });
        if fragment.offset.value() == 0 {
            waiting.protocol = fragment.protocol;
        }
        let before = waiting.buffer.data().len();
        // A fragment that contradicts the others (two ends, an odd length) is left out; the others may still do.
        let added = waiting.buffer.add(fragment.offset, fragment.more, fragment.bytes);
        self.bytes = self.bytes.saturating_add(waiting.buffer.data().len()).saturating_sub(before);
        if added.is_ok() && waiting.buffer.is_complete() {
            let waiting = self.remove(self.waiting.get_index_of(&key)?)?;
            (self.whole, _) = waiting.buffer.take_bufs();
            return Some((waiting.protocol, &self.whole));
        }
        while self.waiting.len() > MAX_DATAGRAMS || (self.bytes > MAX_BYTES && !self.waiting.is_empty()) {
            self.lose_oldest();
        }
        None
    }

    /// Datagrams that were given up.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn forget_old(&mut self, now: Time) {
        // Times that run backwards that far are another capture's, glued behind the first.
        while self.waiting.first().is_some_and(|(_, waiting)| now.since(waiting.since).saturating_abs() > MAX_AGE) {
            self.lose_oldest();
        }
    }

    fn lose_oldest(&mut self) {
        self.remove(0);
        self.lost = self.lost.saturating_add(1);
    }

    fn remove(&mut self, index: usize) -> Option<Waiting> {
        let (_, waiting) = self.waiting.shift_remove_index(index)?;
        self.bytes = self.bytes.saturating_sub(waiting.buffer.data().len());
        Some(waiting)
    }
}
