//! What the network says to all, and each device goes by: voice VLANs, IPv6 routers, whether tags are captured at all; and
//! which station a switch lets in when it speaks to all of them.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::fast::RandomState;

use super::Key;
use super::facts::{DeviceFacts, IdentityAsked, VoiceVlan};
use crate::event::{Event, What};
use crate::model::{At, Endpoint, Mac, Side};
use crate::protocols::{Message, eap, icmp};

/// IPv6 routers that are remembered.
const ROUTERS: usize = 64;

/// Servers that are remembered as answering.
const ANSWERING: usize = 256;

/// Blocks of MACs of switches that are remembered.
const SWITCHES: usize = 256;

/// Networks that are remembered as heard.
const HEARD: usize = 256;

/// What is known of the network.
#[derive(Debug, Default)]
pub(super) struct Network {
    voice_vlan: Option<VoiceVlan>,
    /// Another one that switches announce: which port is whose does not show.
    rival_voice_vlan: Option<VoiceVlan>,
    routers: Vec<Ipv6Addr>,
    tagged: bool,
    /// Who last answered with each EAP identifier: at most one for each of the 256.
    supplicants: HashMap<u8, Mac, RandomState>,
    identity_asked: Option<IdentityAsked>,
    /// Servers that answered anybody.
    answering: HashSet<Key, RandomState>,
    /// Whoever says that it is a switch, an access point or a router, by the first five octets of its MACs: those of its ports
    /// and its own follow one another.
    switches: HashSet<[u8; 5], RandomState>,
    /// Networks whose hosts hear, in the capture, hosts of others.
    heard: HashSet<IpAddr, RandomState>,
}

impl Network {
    /// Takes note of an event.
    pub(super) fn event(&mut self, event: &Event) {
        self.tagged |= event.link.vlan.is_some();
        let What::Message(message) = &event.what else { return };
        match message {
            Message::Lldp(message) => {
                self.announced(event, message.announced_voice_vlan(), true);
                if message.is_infrastructure() {
                    let macs = [message.chassis, event.link.source].into_iter().flatten();
                    macs.for_each(|mac| self.switch(mac));
                }
            }
            Message::Cdp(message) => self.announced(event, message.announced_voice_vlan(), false),
            Message::Icmp(icmp::Message { discovery: Some(icmp::Discovery::Router { lifetime, .. }), .. }) => {
                self.router(event, *lifetime);
            }
            Message::Eap(message) => {
                let (Some(packet), Endpoint::Mac(mac)) = (&message.eap, event.source()) else { return };
                if packet.code == eap::code::RESPONSE {
                    self.supplicants.insert(packet.identifier, mac);
                }
                if packet.code == eap::code::REQUEST && packet.method == Some(eap::method::IDENTITY) {
                    self.identity(event.at);
                }
            }
            _ => {}
        }
    }

    fn switch(&mut self, mac: Mac) {
        if self.switches.len() < SWITCHES {
            self.switches.insert(block(mac));
        }
    }

    fn identity(&mut self, at: At) {
        let asked = self.identity_asked.get_or_insert(IdentityAsked { first: at, last: at, times: 0 });
        (asked.last, asked.times) = (at, asked.times.saturating_add(1));
    }

    fn announced(&mut self, event: &Event, vlan: Option<u16>, by_lldp: bool) {
        let Some(vlan) = vlan else { return };
        let known = *self.voice_vlan.get_or_insert(VoiceVlan { vlan, at: event.at, by_lldp });
        if known.vlan != vlan {
            self.rival_voice_vlan.get_or_insert(VoiceVlan { vlan, at: event.at, by_lldp });
        }
    }

    fn router(&mut self, event: &Event, lifetime: u16) {
        let Some(IpAddr::V6(address)) = event.source().ip() else { return };
        self.routers.retain(|known| *known != address);
        if lifetime > 0 && self.routers.len() < ROUTERS {
            self.routers.push(address);
        }
    }

    /// Of whom a switch speaks that tells all stations of success or failure: that bears the identifier of the response
    /// which it answers (RFC 3748 section 4.2).
    pub(super) fn supplicant(&self, event: &Event) -> Option<Mac> {
        let What::Message(Message::Eap(message)) = &event.what else { return None };
        let packet = message.eap.as_ref()?;
        let result = matches!(packet.code, eap::code::SUCCESS | eap::code::FAILURE);
        self.supplicants.get(&packet.identifier).copied().filter(|_| result)
    }

    /// Learns from what a device knows which servers answer, and tells it what it goes by.
    pub(super) fn tell(&mut self, facts: &mut DeviceFacts, event: &Event) {
        if let Some(server) = event.flow.server_ip() {
            // The capture holds what that server says: to others, if not to this one.
            facts.seen_both_ways |= self.answers(server, facts);
        }
        self.hears(facts, event);
        facts.identity_asked = self.identity_asked.filter(|_| self.supplicants.is_empty());
        facts.tags_kept = self.tagged;
        facts.is_infrastructure |= facts.mac.is_some_and(|mac| self.switches.contains(&block(mac)));
        facts.voice_vlan = self.voice_vlan.filter(|_| self.rival_voice_vlan.is_none());
        facts.rival_voice_vlans = self.voice_vlan.zip(self.rival_voice_vlan).map(|(one, other)| [one, other]);
        if let What::Message(Message::Icmp(icmp::Message {
            discovery: Some(icmp::Discovery::Solicitation { target, .. }), ..
        })) = &event.what
            && self.routers.contains(target)
            && !facts.routers_v6.contains(target)
            && facts.routers_v6.len() < ROUTERS
        {
            facts.routers_v6.push(*target);
        }
    }

    /// What comes from afar to a host comes to its neighbours the same way: the capture would hold it.
    fn hears(&mut self, facts: &mut DeviceFacts, event: &Event) {
        let (Some(from), Some(to)) = (event.source().ip().map(network_of), event.destination().ip().map(network_of)) else {
            return;
        };
        facts.neighbours_hear |= event.side == Side::Client && from != to && self.heard.contains(&from);
        if event.side == Side::Server && from != to && self.heard.len() < HEARD {
            self.heard.insert(to);
        }
    }

    /// Does that server answer anybody? Of most that is known, and then nothing else is searched.
    fn answers(&mut self, server: IpAddr, facts: &DeviceFacts) -> bool {
        if self.answering.contains(&Key::Ip(server)) {
            return true;
        }
        let is_learnt = self.answering.len() < ANSWERING && facts.heard_from.contains(server);
        if is_learnt {
            self.answering.insert(Key::Ip(server));
        }
        is_learnt
    }
}

/// The first five octets.
fn block(mac: Mac) -> [u8; 5] {
    let Mac([a, b, c, d, e, _]) = mac;
    [a, b, c, d, e]
}

/// The network of an address, as a rule: those that differ in the last octet, or behind the first 64 bits, are neighbours.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() & !0xff).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}
