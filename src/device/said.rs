//! An event in, out: when its device said that, or who answers there: that it is up, or for others. Knows no device.

use std::net::IpAddr;

use crate::event::{Event, What};
use crate::model::Time;
use crate::protocols::{Message, http, icmp};

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

/// The proxy of the web that answers there for others.
pub(super) fn by_a_proxy(event: &Event) -> Option<IpAddr> {
    let What::Message(Message::Http(http::Message::Response(response))) = &event.what else { return None };
    event.source().ip().filter(|_| response.is_of_proxy())
}
