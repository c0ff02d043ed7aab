//! Packets in, and out comes whether the capture has this one for the second time: a switch that mirrors both ways, or two
//! VLANs, or both sides of a router gives each packet twice, with another tag, other MACs or another TTL. What a host sends
//! again is another packet, with another IPv4 identification or long after the first. Knows no flow.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use super::limits::{COPIES, COPY_AGE};
use crate::model::Time;
use crate::packet::{Body, Datagram, Link, Net, Packet, Segment};

/// Packets whose marks share a place: those that came last.
const SHARED: usize = 4;
/// How many places there are, at most.
const PLACES: usize = COPIES / SHARED;
/// How many there are at first: a small capture needs no more. A power of two, as all numbers of them are.
const FIRST: usize = 64;
/// How many times as many there are where one of them is full.
const GROWTH: usize = 4;

/// Marks and times, the newest first; zeros where there are none yet.
type Shared = [(u64, i64); SHARED];

/// The packets of the last milliseconds.
#[derive(Debug)]
pub(super) struct Copies {
    recent: Vec<Shared>,
    marks: FixedState,
}

impl Default for Copies {
    fn default() -> Self {
        // The same in each run, or the same bytes would not give the same report.
        Self { recent: vec![Shared::default(); FIRST], marks: FixedState::default() }
    }
}

impl Copies {
    /// Is this segment one that was there before? Without an identification (RFC 6864 lets a datagram that may not be fragmented
    /// do without), a segment that is sent again at once looks no different.
    pub(super) fn has_segment(&mut self, net: &Net, segment: &Segment<'_>, at: Time) -> bool {
        let Segment { source_port, destination_port, sequence, acknowledgment, flags, payload, wire_length } = *segment;
        let place = u64::from(sequence) << 32 | u64::from(acknowledgment);
        let rest = u64::from(source_port) << 48 | u64::from(destination_port) << 32 | u64::from(wire_length);
        net.identification != 0 && self.has(&(id(net), place, rest, flags, samples(payload)), at)
    }

    /// Is this datagram one that was there before? No host says the very same again so soon.
    pub(super) fn has_datagram(&mut self, net: &Net, datagram: &Datagram<'_>, at: Time) -> bool {
        let Datagram { source_port, destination_port, payload, wire_length } = *datagram;
        self.has(&(id(net), source_port, destination_port, payload, wire_length), at)
    }

    /// The same for what is of no flow.
    pub(super) fn has_other(&mut self, packet: &Packet<'_>) -> bool {
        let Link { source, destination, vlan: _ } = packet.link;
        match (&packet.body, &packet.net) {
            (Body::Icmp(bytes) | Body::Icmpv6(bytes), Some(net)) => self.has(&(id(net), bytes), packet.at.time),
            (Body::Link { ether_type, bytes }, _) => self.has(&(source, destination, ether_type, bytes), packet.at.time),
            _ => false,
        }
    }

    fn has(&mut self, packet: &impl Hash, at: Time) -> bool {
        self.has_mark(self.marks.hash_one(packet), at)
    }

    fn has_mark(&mut self, mark: u64, at: Time) -> bool {
        let places = self.recent.len();
        let Some(place) = self.recent.get_mut(mark as usize & places.wrapping_sub(1)) else { return false };
        if place.iter().any(|(last, then)| *last == mark && at.0.abs_diff(*then) < COPY_AGE) {
            return true;
        }
        if place.last() == Some(&(0, 0)) || places >= PLACES {
            put(place, (mark, at.0));
            return false;
        }
        self.grow();
        self.has_mark(mark, at)
    }

    /// Each mark goes to the place that it has among more of them.
    #[cold]
    fn grow(&mut self) {
        let places = self.recent.len().saturating_mul(GROWTH).min(PLACES);
        let mut recent = vec![Shared::default(); places];
        for newest in self.recent.iter().flat_map(|place| place.iter().rev().filter(|mark| **mark != (0, 0))) {
            if let Some(place) = recent.get_mut(newest.0 as usize & places.wrapping_sub(1)) {
                put(place, *newest);
            }
        }
        self.recent = recent;
    }
}

/// The oldest goes.
fn put(place: &mut Shared, newest: (u64, i64)) {
    place.rotate_right(1);
    if let Some(first) = place.first_mut() {
        *first = newest;
    }
}

/// By what IP tells one packet from another (RFC 791 section 3.2).
fn id(net: &Net) -> (u128, u16) {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    (bits(net.source).rotate_left(64) ^ bits(net.destination), net.identification)
}

/// The first, middle and last octets: of segments with the same place and identification, one that differs does so there, as a rule,
/// and there are many to look at.
fn samples(payload: &[u8]) -> [u64; 3] {
    let middle = payload.get(payload.len() / 2..).and_then(<[u8]>::first_chunk);
    [payload.first_chunk(), middle, payload.last_chunk()].map(|octets| octets.map_or(0, |octets| u64::from_ne_bytes(*octets)))
}
