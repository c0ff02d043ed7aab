//! An event of a device in, out: when it said that. Knows no device.

use crate::event::{Event, What};
use crate::model::Time;

/// That a connection has ended may be told long after its last packet.
pub(super) fn when(event: &Event) -> Option<Time> {
    match &event.what {
        What::Tcp(_, stats) => stats.client.last.map(|last| last.time),
        _ => Some(event.at.time),
    }
}
