//! An address that a station was offered: by what it shows that it has taken that up, though the capture lacks the ACK. It looks
//! whether the address is free only when it has the ACK (RFC 2131 section 4.4.1), is answered there, or speaks from it.

use std::net::{IpAddr, Ipv4Addr};

use crate::event::{Event, What};
use crate::model::Mac;
use crate::protocols::{Message, arp};

/// Does this event of the station show that it has taken up the address which it was offered?
pub(super) fn is_taken_up(event: &Event, offered: Ipv4Addr) -> bool {
    match &event.what {
        What::Message(Message::Dhcp(_)) => false,
        What::Message(Message::Arp(message)) => {
            let speaks = message.operation == 1 && message.sender_ip == offered;
            speaks || taker(message).is_some_and(|(_, address)| address == offered)
        }
        _ => event.source().ip() == Some(IpAddr::V4(offered)),
    }
}

/// The station that looks whether this address is free, or is answered there.
pub(super) fn taker(message: &arp::Message) -> Option<(Mac, Ipv4Addr)> {
    match message.operation {
        1 if message.sender_ip.is_unspecified() => Some((message.sender_mac, message.target_ip)),
        2 if message.sender_ip != message.target_ip => Some((message.target_mac, message.target_ip)),
        _ => None,
    }
}
