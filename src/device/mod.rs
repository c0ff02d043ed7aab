//! Events in, devices out: whose event is this, and what is known of that device. A device is known by its MAC where
//! DHCP, ARP or neighbour discovery bind its address to one; else by its address. The Ethernet source alone binds nothing: behind a router it
//! is the router's.

use std::collections::{HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::event::{Event, What};
use crate::flow::Transport;
use crate::model::{Mac, Time, Warning, is_host};
use crate::protocols::{Message, arp, dhcpv6};

mod binding;
pub mod computer;
pub mod conduct;
mod extent;
pub mod facts;
mod fetched;
pub mod hosts;
pub mod intermediates;
mod join;
pub mod ledger;
mod limits;
mod network;
mod observe;
mod offer;
mod said;
pub mod servers;
pub mod services;
mod unseen;
pub mod watch;

use extent::Extent;
use facts::DeviceFacts;
use ledger::Ledger;
use limits::Limits;
use network::Network;

/// The port of name servers.
const DNS_PORT: u16 = 53;
/// Entries that each list of such a device keeps: enough to recognise it by.
const FEW: usize = 8;
/// A MAC that answers ARP for more addresses than this is a router with proxy ARP, and binds none.
const ADDRESSES_OF_A_HOST: u32 = 16;
/// Addresses of one device that are kept.
const ADDRESSES: usize = 32;

/// The number of a device within a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub usize);

/// By what a device is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Mac(Mac),
    Ip(IpAddr),
}

impl Hash for Key {
    /// As one number, where it fits: there are three look-ups for each event.
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Key::Mac(Mac([a, b, c, d, e, f])) => state.write_u64(u64::from_be_bytes([1, 0, a, b, c, d, e, f])),
            Key::Ip(IpAddr::V4(address)) => state.write_u64(u64::from(address.to_bits())),
            Key::Ip(IpAddr::V6(address)) => state.write_u128(address.to_bits()),
        }
    }
}

/// Whose event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The device.
    pub device: DeviceId,
    /// A device that turned out to be the same one: what it did belongs to `device` from now on.
    pub joined: Option<DeviceId>,
}

/// What is known of a device, and what that takes, as it was measured last.
#[derive(Debug)]
struct Known {
    facts: DeviceFacts,
    extent: Extent,
}

/// All devices of a run.
#[derive(Debug)]
pub struct Devices {
    limits: Limits,
    #[expect(clippy::vec_box, reason = "there can be thousands, of half a kilobyte each: the list grows without moving them")]
    devices: Vec<Box<Known>>,
    /// By the MAC of a device, and by its addresses, bound or not, as far as they were looked up.
    by_key: HashMap<Key, DeviceId, RandomState>,
    /// By address.
    bindings: HashMap<Key, Mac, RandomState>,
    /// The addresses that are bound, in the order in which they first were.
    bound: VecDeque<IpAddr>,
    arp_addresses: HashMap<Mac, u32, RandomState>,
    network: Network,
    ledger: Ledger,
    /// How often what was known of a device was cut down.
    cut_down: u64,
    /// Events of devices that were not followed because the table was full.
    pub turned_away: u64,
}

impl Default for Devices {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Devices {
    /// None yet.
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            devices: Vec::new(),
            by_key: HashMap::default(),
            bindings: HashMap::default(),
            bound: VecDeque::new(),
            arp_addresses: HashMap::default(),
            network: Network::default(),
            ledger: Ledger::new(limits.facts),
            cut_down: 0,
            turned_away: 0,
        }
    }

    /// What is known of a device.
    pub fn facts(&self, device: DeviceId) -> Option<&DeviceFacts> {
        self.devices.get(device.0).map(|known| &known.facts)
    }

    /// The same, to add to it.
    pub fn facts_mut(&mut self, device: DeviceId) -> Option<&mut DeviceFacts> {
        self.devices.get_mut(device.0).map(|known| &mut known.facts)
    }

    /// What the bounds have cost.
    pub fn warnings(&self) -> Vec<Warning> {
        let (lost, most) = (self.turned_away, self.limits.devices);
        let lost = (lost > 0)
            .then(|| format!("{lost} events of further devices were left out: no more than {most} devices are followed"));
        let times = self.cut_down;
        let cut_down = (times > 0).then(|| {
            format!(
                "what was known of devices was cut down {times} times, of the longest idle ones first: there was too much of it"
            )
        });
        lost.into_iter().chain(cut_down).map(|text| Warning { frame: None, text }).collect()
    }

    /// The MAC that an address is bound to at present.
    pub fn mac_of(&self, address: IpAddr) -> Option<Mac> {
        self.bindings.get(&Key::Ip(address)).copied()
    }

    /// Takes note of an event, and says whose it is. `None` for events that are nobody's (multicast, routers…).
    pub fn observe(&mut self, event: &Event) -> Option<Owner> {
        let speaker = self.bystander(event).or_else(|| self.known_at(said::from_its_link(event)?));
        if let Some(facts) = speaker.and_then(|device| self.facts_mut(device)) {
            facts.last_said = facts.last_said.max(Some(event.at.time));
        }
        if matches!(event.what, What::Unread { .. }) {
            return None;
        }
        self.network.event(event);
        let joined = self.bind(event);
        self.watch(event);
        if let Some(proxy) = self.passes_on(event) {
            let facts = self.known_at(proxy).and_then(|proxy| self.facts_mut(proxy));
            facts.into_iter().for_each(|facts| facts.passes_on_sip = true);
            return None;
        }
        let (mac, ip) = binding::owner(event).or_else(|| Some((Some(self.network.supplicant(event)?), None)))?;
        let device = self.device(mac, ip)?;
        let facts = &mut self.devices.get_mut(device.0)?.facts;
        if let Some(address) = ip
            && !facts.addresses.contains(&address)
            && facts.addresses.len() < ADDRESSES
        {
            facts.addresses.push(address);
        }
        observe::event(facts, event, ip);
        self.network.tell(facts, event);
        self.serve(event);
        self.account(device, event.at.time);
        Some(Owner { device, joined: joined.filter(|(_, into)| *into == device).map(|(from, _)| from) })
    }

    /// The device that speaks in an event which is not its own: it answers one who asks by SIP, or sends what cannot be read.
    pub fn bystander(&self, event: &Event) -> Option<DeviceId> {
        let answers = match &event.what {
            What::Unread { .. } => true,
            What::Message(Message::Sip(message)) => message.code().is_some() && event.flow.transport == Transport::Udp,
            _ => false,
        };
        self.known_at(event.source().ip().filter(|_| answers)?)
    }

    /// The device at this address, if it has done anything.
    fn known_at(&self, ip: IpAddr) -> Option<DeviceId> {
        let mac = || self.mac_of(ip).map(Key::Mac);
        self.by_key.get(&Key::Ip(ip)).or_else(|| self.by_key.get(&mac()?)).copied()
    }

    /// A registrar that asks a device whether it is still there is whose event that is; the device is known if it did anything else.
    fn watch(&mut self, event: &Event) {
        let What::Message(Message::Sip(message)) = &event.what else { return };
        let device = if message.code().is_some() { event.source() } else { event.destination() };
        let device = device.ip().and_then(|ip| self.known_at(ip));
        let Some(facts) = device.and_then(|device| self.facts_mut(device)) else { return };
        let before = facts.watched.as_deref().copied();
        if let Some(after) = watch::after(before, event, message) {
            facts.watched = Some(Box::new(after));
        }
    }

    /// A device that answers others which ask for a name is a name server, and so is one that goes from name server to name server;
    /// one that answers for other hosts is a proxy.
    fn serve(&mut self, event: &Event) {
        let proxy = said::by_a_proxy(event).and_then(|proxy| self.device(None, Some(proxy)));
        proxy.and_then(|proxy| self.facts_mut(proxy)).into_iter().for_each(DeviceFacts::asks_web_for_others);
        let What::Message(Message::Dns(message)) = &event.what else { return };
        let serves = if message.response { event.flow.server.port() == DNS_PORT } else { message.iterative };
        let device = event.source().ip().filter(|_| serves).and_then(|ip| self.known_at(ip));
        if let Some(facts) = device.and_then(|device| self.facts_mut(device)).filter(|facts| !facts.asks_for_others) {
            facts.serves_names();
        }
    }

    /// The SIP proxy that passes this on, or that has the answer to what it passed on: it is of whoever said it first (RFC 3261 section
    /// 16.6), if the capture shows that there, too.
    fn passes_on(&self, event: &Event) -> Option<IpAddr> {
        let What::Message(Message::Sip(message)) = &event.what else { return None };
        let origin = message.origin?;
        let asker = if message.code().is_some() { event.destination() } else { event.source() };
        let speaks = self.known_at(origin).and_then(|device| self.facts(device)).is_some_and(|facts| facts.speaks_sip);
        asker.ip().filter(|asker| speaks && *asker != origin)
    }

    /// Something may have been added to what is known of a device.
    fn account(&mut self, device: DeviceId, now: Time) {
        self.measure(device);
        self.ledger.seen(device, now);
        if !self.ledger.is_over() {
            return;
        }
        for keep in [FEW, 0] {
            for device in self.ledger.longest_idle_first() {
                if self.ledger.is_roomy() {
                    return;
                }
                if let Some(facts) = self.facts_mut(device) {
                    facts.cut_down(keep);
                }
                self.cut_down = self.cut_down.saturating_add(1);
                self.measure(device);
            }
        }
    }

    fn measure(&mut self, device: DeviceId) {
        let Some(Known { facts, extent }) = self.devices.get_mut(device.0).map(Box::as_mut) else { return };
        self.ledger.set(device, extent.held(facts));
    }

    fn device(&mut self, mac: Option<Mac>, ip: Option<IpAddr>) -> Option<DeviceId> {
        let key = mac.map(Key::Mac).or(ip.map(Key::Ip))?;
        if let Some(device) = self.by_key.get(&key) {
            return Some(*device);
        }
        let bound = ip.filter(|_| mac.is_none()).and_then(|ip| self.mac_of(ip));
        let device = match bound {
            Some(mac) => self.device(Some(mac), None)?,
            None => self.new_device(mac)?,
        };
        self.by_key.insert(key, device);
        Some(device)
    }

    fn new_device(&mut self, mac: Option<Mac>) -> Option<DeviceId> {
        if self.devices.len() >= self.limits.devices {
            self.turned_away = self.turned_away.saturating_add(1);
            return None;
        }
        let device = DeviceId(self.devices.len());
        self.devices.push(Box::new(Known { facts: DeviceFacts { mac, ..DeviceFacts::default() }, extent: Extent::default() }));
        Some(device)
    }

    /// Learns what the event binds; if that shows two devices to be one, says which went into which.
    fn bind(&mut self, event: &Event) -> Option<(DeviceId, DeviceId)> {
        let (mac, ip) = self.binding(event)?;
        if self.bindings.get(&Key::Ip(ip)) == Some(&mac) {
            return None;
        }
        let is_new = self.bindings.insert(Key::Ip(ip), mac).is_none();
        let device = self.by_key.remove(&Key::Ip(ip));
        if is_new {
            self.bound.push_back(ip);
        }
        if self.bindings.len() > self.limits.bindings
            && let Some(oldest) = self.bound.pop_front()
        {
            self.bindings.remove(&Key::Ip(oldest));
            self.by_key.remove(&Key::Ip(oldest));
        }
        let nameless = device.filter(|_| is_new)?;
        let Some(known) = self.by_key.get(&Key::Mac(mac)).copied() else {
            self.by_key.insert(Key::Mac(mac), nameless);
            self.facts_mut(nameless)?.mac = Some(mac);
            return None;
        };
        let old = std::mem::take(self.facts_mut(nameless)?);
        self.ledger.set(nameless, 0);
        self.facts_mut(known)?.join(old);
        Some((nameless, known))
    }

    fn binding(&mut self, event: &Event) -> Option<(Mac, IpAddr)> {
        let What::Message(message) = &event.what else { return self.own_packet(event) };
        match message {
            Message::Dhcp(message) => binding::of_dhcp(message),
            Message::Dhcpv6(message) => self.dhcpv6_binding(event, message),
            Message::Arp(message) => {
                let taken_up = || self.taken_up(message);
                let (mac, ip) = taken_up().or_else(|| binding::of_arp(message))?;
                self.as_a_host(mac, ip)
            }
            Message::Icmp(message) => {
                let (mac, ip) = binding::of_discovery(event, message.discovery?)?;
                self.as_a_host(mac, ip)
            }
            _ => self.own_packet(event),
        }
    }

    /// A packet of a station that has shown on the link that it is no router (it asks for an address, says what it is, or who, or goes to a
    /// registrar): the first address that it speaks from is its own. An IPv6 address may be made of its MAC.
    fn own_packet(&self, event: &Event) -> Option<(Mac, IpAddr)> {
        let (mac, ip) = (event.link.source?, event.source().ip()?);
        if let Some(own) = binding::of_interface(mac, ip) {
            return Some(own);
        }
        let is_own = matches!(ip, IpAddr::V4(address) if is_host(address));
        let facts = self.by_key.get(&Key::Mac(mac)).and_then(|device| self.facts(*device)).filter(|_| is_own)?;
        if facts.offered.map(IpAddr::V4) == Some(ip) {
            return Some((mac, ip));
        }
        let has_none = || !facts.addresses.iter().any(IpAddr::is_ipv4);
        let asks = || !facts.parameter_list.is_empty() || !facts.vendor_classes.is_empty() || facts.connects_to_sip();
        let is_known = || asks() || facts.is_telephone || !facts.described.is_empty() || !facts.users.is_empty();
        (has_none() && is_known() && self.mac_of(ip).is_none()).then_some((mac, ip))
    }

    /// The address that a station has taken up, as it was offered it.
    fn taken_up(&self, message: &arp::Message) -> Option<(Mac, IpAddr)> {
        let (mac, ip) = offer::taker(message)?;
        let facts = self.by_key.get(&Key::Mac(mac)).and_then(|device| self.facts(*device))?;
        (facts.offered == Some(ip)).then_some((mac, IpAddr::V4(ip)))
    }

    /// The binding, unless the MAC speaks for too many addresses.
    fn as_a_host(&mut self, mac: Mac, ip: IpAddr) -> Option<(Mac, IpAddr)> {
        if self.bindings.get(&Key::Ip(ip)) != Some(&mac) {
            if self.arp_addresses.len() >= self.limits.arp_stations && !self.arp_addresses.contains_key(&mac) {
                self.arp_addresses.clear();
            }
            let addresses = self.arp_addresses.entry(mac).or_default();
            *addresses = addresses.saturating_add(1);
            if *addresses > ADDRESSES_OF_A_HOST {
                return None;
            }
        }
        Some((mac, ip))
    }

    /// A client speaks from its link-local address, which no router passes on: there, the frame's source is its own. The
    /// MAC of a DUID can be that of another interface (RFC 8415 section 11), and stands in where there is no better.
    fn dhcpv6_binding(&self, event: &Event, message: &dhcpv6::Message) -> Option<(Mac, IpAddr)> {
        let relayed = message.peer.filter(|_| message.is_relayed()).map(IpAddr::V6);
        let client = match message.is_from_client() {
            true => relayed.or(event.source().ip())?,
            false => relayed.or(event.destination().ip())?,
        };
        let on_link = matches!(client, IpAddr::V6(address) if address.is_unicast_link_local());
        let frame = event.link.source.filter(|mac| on_link && relayed.is_none() && message.is_from_client() && mac.is_station());
        let mac = frame.or(self.mac_of(client)).or(message.client_mac)?;
        match message.addresses.first() {
            Some(given) if message.kind == dhcpv6::kind::REPLY => Some((mac, IpAddr::V6(*given))),
            _ => on_link.then_some((mac, client)),
        }
    }
}

#[cfg(test)]
mod tests;
