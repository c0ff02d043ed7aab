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
/// How many places there are.
const PLACES: usize = COPIES / SHARED;

/// The packets of the last milliseconds.
#[derive(Debug)]
pub(super) struct Copies {
    /// Their marks and times. It begins as zeros, of which the system has plenty: a small capture then touches little of it.
    recent: Box<[[(u64, i64); SHARED]]>,
    marks: FixedState,
}

impl Default for Copies {
    fn default() -> Self {
        // The same in each run, or the same bytes would not give the same report.
        Self { recent: vec![[(0, 0); SHARED]; PLACES].into_boxed_slice(), marks: FixedState::default() }
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
        let mark = self.marks.hash_one(packet);
        let Some(place) = self.recent.get_mut(mark as usize % PLACES) else { return false };
        let is_copy = place.iter().any(|(last, then)| *last == mark && at.0.abs_diff(*then) < COPY_AGE);
        if !is_copy {
            place.rotate_right(1);
            if let Some(newest) = place.first_mut() {
                *newest = (mark, at.0);
            }
        }
        is_copy
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
