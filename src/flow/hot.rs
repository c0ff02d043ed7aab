//! One flow in the table: what each of its packets touches, apart from what only some need. Knows no other flow.

use super::key::Key;
use super::limits::Limits;
use super::tcp::Connection;
use crate::model::{Side, Time};
use crate::packet::Segment;

/// What each packet of a flow touches.
#[derive(Debug)]
pub(super) struct Hot<T> {
    pub(super) touched: Time,
    pub(super) cold: Cold<T>,
    pub(super) client_is_low: bool,
    /// Nobody wants the payload.
    pub(super) quiet: bool,
    pub(super) closed: bool,
    /// Is it among the holders of buffers?
    pub(super) holds: bool,
    /// Memory held in buffers.
    pub(super) held: u32,
}

#[derive(Debug)]
pub(super) enum Cold<T> {
    /// A UDP flow that only needs to be recognised again.
    Nothing,
    /// A UDP flow whose payload is of interest: its number, and what the sink keeps.
    Udp(Box<(u64, T)>),
    Tcp(Box<Connection<T>>),
}

/// Size of a flow in the table, with its key and hash.
#[cfg(test)]
pub(super) const ENTRY_BYTES: usize = size_of::<(u64, Key, Hot<u64>)>();

impl<T: Default> Hot<T> {
    pub(super) fn side(&self, from_low: bool) -> Side {
        if from_low == self.client_is_low { Side::Client } else { Side::Server }
    }

    pub(super) fn is_connection(&self, id: u64) -> bool {
        matches!(&self.cold, Cold::Tcp(connection) if connection.id == id)
    }

    /// How long it may be idle.
    pub(super) fn age(&self, limits: &Limits) -> i64 {
        match &self.cold {
            Cold::Nothing => limits.quiet_udp_age,
            Cold::Udp(_) => limits.udp_age,
            Cold::Tcp(_) if self.closed => limits.closed_age,
            Cold::Tcp(connection) if connection.is_half_open() => limits.half_open_age,
            Cold::Tcp(_) => limits.tcp_age,
        }
    }
}

pub(super) fn new_udp<T: Default>(id: u64, from_low: bool, time: Time) -> Hot<T> {
    new(Cold::Udp(Box::new((id, T::default()))), from_low, time)
}

pub(super) fn new_tcp<T: Default>(id: u64, key: &Key, from_low: bool, segment: &Segment<'_>, time: Time) -> Hot<T> {
    let opening = segment.has(Segment::SYN) && !segment.has(Segment::RST);
    let client_is_low = match (opening, segment.has(Segment::ACK)) {
        (true, false) => from_low,
        (true, true) => !from_low,
        (false, _) => key.low_is_client(),
    };
    new(Cold::Tcp(Box::new(Connection::new(id, opening))), client_is_low, time)
}

fn new<T>(cold: Cold<T>, client_is_low: bool, touched: Time) -> Hot<T> {
    Hot { touched, cold, client_is_low, quiet: false, closed: false, holds: false, held: 0 }
}
