//! An event in, out: when its device said that, or who answers there that it is up. Knows no device.

use std::net::IpAddr;

use crate::event::{Event, What};
use crate::model::Time;
use crate::protocols::{Message, icmp};

/// That a connection has ended may be told long after its last packet.
pub(super) fn when(event: &Event) -> Option<Time> {
    match &event.what {
        What::Tcp(_, stats) => stats.client.last.map(|last| last.time),
        _ => Some(event.at.time),
    }
}

/// Whoever is asked for by ARP or neighbour discovery, and answers.
pub(super) fn from_its_link(event: &Event) -> Option<IpAddr> {
    match &event.what {
        What::Message(Message::Arp(message)) if message.operation == 2 => Some(message.sender_ip.into()),
        What::Message(Message::Icmp(icmp::Message {
            discovery: Some(icmp::Discovery::Advertisement { target, .. }), ..
        })) => Some((*target).into()),
        _ => None,
    }
}
