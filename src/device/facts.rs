//! What is known of a device beyond one attempt to log in.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::conduct::Conduct;
use super::hosts::Hosts;
use super::intermediates::Intermediates;
use super::services::Services;
use super::watch::Watched;
use crate::formats::x509::Certificate;
use crate::model::{At, Endpoint, Frame, Mac, SECOND, Time};
use crate::protocols::{dhcp, sip};
use crate::text::WireText;

/// Entries that a list of facts holds at most.
pub(super) const ENTRIES: usize = 256;
/// A longer text tells nothing of a device, and is not kept: what makers, users and servers are called is shorter.
pub(super) const TEXT: usize = 1024;
/// Clock witnesses that are kept: the newest.
pub(super) const CLOCKS: usize = 64;
/// No phone has more registrars.
const REGISTRARS: usize = 16;
/// Ports that are kept: more than these, and the device tries ports, not services.
const PORTS: usize = 64;

/// What is known of a device beyond one attempt.
#[derive(Clone, Debug, Default)]
pub struct DeviceFacts {
    /// Its MAC, where the capture shows it.
    pub mac: Option<Mac>,
    /// Source MAC of its frames: its own, or a router's.
    pub link_source: Option<Mac>,
    /// Its addresses, in order of appearance.
    pub addresses: Vec<IpAddr>,
    /// VLAN of its last tagged frame.
    pub vlan: Option<u16>,
    /// DHCP vendor classes (option 60) that it sent.
    pub vendor_classes: Vec<WireText>,
    /// DHCP host name (option 12).
    pub host_name: Option<WireText>,
    /// DHCP parameter list (option 55).
    pub parameter_list: Vec<u8>,
    /// DHCP user classes (option 77) that it sent.
    pub user_classes: Vec<WireText>,
    /// DHCP vendor-identifying vendor classes (option 124, of DHCPv6 16) that it sent, as `enterprise:text`.
    pub vendor_identities: Vec<WireText>,
    /// User agents of HTTP and SIP.
    pub user_agents: Vec<WireText>,
    /// Names that it asked DNS for (the first few hundred).
    pub names_asked: Vec<WireText>,
    /// Paths that it asked HTTP servers for (the first few hundred).
    pub paths_asked: Vec<WireText>,
    /// The highest TLS version that a hello of its offered to a registrar or web server, e.g. 0x0301.
    pub highest_tls: Option<u16>,
    /// Did a hello of its carry server_name? `None` while no hello was seen.
    pub sends_server_name: Option<bool>,
    /// Names that its TLS hellos bore as server_name (the first few hundred).
    pub server_names: Vec<WireText>,
    /// The certificate that it gave as TLS client, in clear: the last one.
    pub own_certificate: Option<Arc<Certificate>>,
    /// Did it send SIP in clear?
    pub speaks_sip: bool,
    /// Did it send by SIP nothing but OPTIONS, by which anybody may ask who is there (RFC 3261 section 11)?
    pub only_pings: bool,
    /// Does it pass on what others say by SIP?
    pub passes_on_sip: bool,
    /// Does it pass on what others ask the web for, as a proxy?
    pub passes_on_http: bool,
    /// Did a server grant it anything by SIP in clear?
    pub is_granted_sip: bool,
    /// Who keeps asking whether it is still there, and is answered.
    pub watched: Option<Box<Watched>>,
    /// TCP ports of servers that it opened, or tried to (the first few dozen).
    pub ports_opened: BTreeSet<u16>,
    /// What its connections show of what it is.
    pub conduct: Conduct,
    /// Hosts at whose port of SIP it knocked over TCP, one more than a phone has registrars at most.
    pub sip_hosts: Vec<IpAddr>,
    /// SIP domains: right of the @ in From, and the domains of the SRV names asked.
    pub sip_domains: Vec<WireText>,
    /// How it asks for the services of its list of names.
    pub services: Services,
    /// User names that it gave in clear: domain and user of NTLM, user of SIP.
    pub users: Vec<WireText>,
    /// CA certificates that it fetched by enrolment, with the frame that brought each.
    pub fetched: Vec<(Frame, Arc<Certificate>)>,
    /// Intermediate CAs of chains that it went on with.
    pub intermediates: Intermediates,
    /// Did an enrolment fetch show its content at all?
    pub enrolment_seen: bool,
    /// Witnesses of the time, oldest first, bounded.
    pub clocks: VecDeque<ClockWitness>,
    /// Does the capture hold frames towards it, and frames from it?
    pub seen_both_ways: bool,
    /// Does the capture hold what hosts beyond its network say to its neighbours?
    pub neighbours_hear: bool,
    /// Does what it says show that it was answered, by what the capture lacks?
    pub was_answered_unseen: bool,
    /// When it last said anything.
    pub last_said: Option<Time>,
    /// Hosts that sent it anything over IP.
    pub heard_from: Hosts,
    /// When it last asked all hosts for a plug-and-play server (SIP SUBSCRIBE by multicast).
    pub seeks_plug_and_play: Option<Time>,
    /// The server that answered that.
    pub plug_and_play: Option<IpAddr>,
    /// The options that DHCP told it last.
    pub lease: Option<(At, Arc<dhcp::Message>)>,
    /// The address that it was lent, unless it gave it back or found it refused.
    pub lent: Option<Lent>,
    /// The address that a DHCP server offers it, while the capture holds neither what came of that nor a use of it.
    pub offered: Option<Ipv4Addr>,
    /// When it last took up an address that it was offered, so that the ACK that the capture lacks had come.
    pub taken_up: Option<At>,
    /// DISCOVERs in the middle of a lease that it had not given back: as a rule, it has restarted.
    pub restarts: Vec<At>,
    /// Refusals (NAK) of an address, the newest, each with when it was next lent one.
    pub refusals: Vec<(At, Option<Time>)>,
    /// DISCOVERs that nobody has answered, by their transactions, the newest.
    pub discovers_in_vain: Vec<(u32, At)>,
    /// The VLANs that its frames went into, one after the other, since it last got beyond asking for an address.
    pub vlan_stays: Vec<VlanStay>,
    /// Does the capture hold any frame with a VLAN tag?
    pub tags_kept: bool,
    /// The voice VLAN that switches announce, where all that do announce the same.
    pub voice_vlan: Option<VoiceVlan>,
    /// Two voice VLANs that switches announce, where they do not announce the same.
    pub rival_voice_vlans: Option<Box<[VoiceVlan; 2]>>,
    /// Requests of a switch for the identity of whoever is on the port, if nobody has answered one.
    pub identity_asked: Option<IdentityAsked>,
    /// IPv6 routers that it asked for, as they advertised themselves.
    pub routers_v6: Vec<Ipv6Addr>,
    /// What it says of itself by LLDP and CDP: description, maker and model, platform.
    pub described: Vec<WireText>,
    /// Does it say by LLDP or CDP that it is a telephone?
    pub is_telephone: bool,
    /// Does it answer others that ask for names, or go from name server to name server for them? What it asks is asked by these.
    pub asks_for_others: bool,
    /// Does it say by LLDP that it is a switch, an access point or a router, and no telephone?
    pub is_infrastructure: bool,
    /// Files that it fetched whole, the newest.
    pub files: Vec<FetchedFile>,
    /// Frames in which a server that is no web server answered it, over TCP or by SIP, the newest: it went on to something.
    pub answered: Vec<At>,
    /// Servers and ports that took a connection of it, each with the last time, the newest at the end.
    pub accepted: Vec<(Endpoint, At)>,
    /// Chains that a server gave under a name: to notice that the same name gave another elsewhere.
    pub issuers_by_name: Vec<(WireText, Vec<u8>, Frame)>,
}

/// A switch that asks whoever is on the port who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityAsked {
    /// First request.
    pub first: At,
    /// Last request.
    pub last: At,
    /// How many there were.
    pub times: u32,
}

/// A stay in a VLAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanStay {
    /// The VLAN; `None` where frames are untagged.
    pub vlan: Option<u16>,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
}

/// A voice VLAN, as a switch announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoiceVlan {
    /// Its number.
    pub vlan: u16,
    /// The frame that first said so.
    pub at: At,
    /// Was it LLDP-MED, not CDP?
    pub by_lldp: bool,
}

/// A file that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedFile {
    /// The frame that brought the end of it.
    pub at: At,
    /// Its name or path.
    pub name: WireText,
    /// Is it an image of the device's software, not configuration?
    pub image: bool,
}

/// An address that DHCP lends. Who asks an INFORM is told options, and lent nothing (RFC 2131 section 4.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lent {
    /// When.
    pub at: Time,
    /// For so many seconds; `None` where the server does not say.
    pub seconds: Option<u32>,
    /// In this VLAN.
    pub vlan: Option<u16>,
}

/// Somebody's clock, as seen in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockWitness {
    /// The frame, with the capture's own time.
    pub at: At,
    /// What that clock said.
    pub says: Time,
    /// Whose it is.
    pub whose: Whose,
    /// Where it stood.
    pub from: ClockSource,
}

impl ClockWitness {
    /// Did it come with a usable answer of NTP?
    fn is_of_time_server(&self) -> bool {
        self.from == ClockSource::Ntp && self.whose != Whose::Device
    }

    /// Is it a clock that began when its device did, since it has no battery and nobody has set it yet?
    fn is_unset(&self) -> bool {
        /// 1970 and 2000.
        const BEGINNINGS: [i64; 2] = [0, 946_684_800];
        const DAYS: i64 = 3 * 86_400;
        BEGINNINGS.into_iter().any(|begin| (0..DAYS * SECOND).contains(&self.says.since(Time::from_seconds(begin))))
    }
}

/// Whose clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The device's own.
    Device,
    /// That of a server.
    Server(IpAddr),
}

/// Where a clock was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// First four bytes of a hello's random (only up to TLS 1.2, only in old stacks).
    TlsRandom,
    /// NTP transmit timestamp.
    Ntp,
    /// HTTP or SIP `Date`.
    Date,
    /// NTLM timestamp.
    Ntlm,
    /// `currentTime` of a directory.
    Directory,
    /// Kerberos: what a KRB-ERROR says of either side.
    Kerberos,
}

/// Adds one of the hosts at whose port of SIP a device knocked: as many as it takes to tell that it tries them all.
pub(super) fn add_sip_host(hosts: &mut Vec<IpAddr>, host: IpAddr) {
    if hosts.len() <= REGISTRARS && !hosts.contains(&host) {
        hosts.push(host);
    }
}

impl DeviceFacts {
    /// What it calls itself. That Windows fetches a revocation list (CryptoAPI) says nothing of the device.
    pub fn own_name(&self) -> Option<&WireText> {
        let agent = self.user_agents.iter().find(|agent| !agent.raw().starts_with("Microsoft-CryptoAPI/"));
        agent.or(self.host_name.as_ref()).or(self.vendor_classes.first())
    }

    /// Is this the router of its lease, or one that advertises itself?
    pub fn is_router(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                self.lease.as_ref().and_then(|(_, lease)| lease.addresses(3).first().copied()) == Some(address)
            }
            IpAddr::V6(address) => self.routers_v6.contains(&address),
        }
    }

    /// Takes note of a file that came whole.
    pub fn add_file(&mut self, at: At, name: WireText, image: bool) {
        const FILES: usize = 256;
        if name.raw().len() > TEXT {
            return;
        }
        if self.files.len() >= FILES {
            self.files.remove(0);
        }
        self.files.push(FetchedFile { at, name, image });
    }

    /// The newest are kept, and in place of the oldest of them what a time server said last: the device lives on that.
    pub(super) fn keep_clocks(&mut self, most: usize) {
        let surplus = self.clocks.len().saturating_sub(most);
        let told = self.clocks.iter().rposition(ClockWitness::is_of_time_server).filter(|place| *place < surplus);
        let told = told.and_then(|place| self.clocks.get(place).copied());
        self.clocks.drain(..surplus);
        if let (Some(told), Some(oldest)) = (told, self.clocks.front_mut()) {
            *oldest = told;
        }
    }

    /// What a time server told the device last before that frame.
    pub fn time_told_before(&self, frame: Frame) -> Option<&ClockWitness> {
        self.clocks.iter().rev().find(|witness| witness.is_of_time_server() && witness.at.frame < frame)
    }

    /// How far the device's own clock is ahead of the capture's (negative: behind), in nanoseconds, with the frames that
    /// show it. Only where two of its time stamps advance as the capture does: in newer stacks a hello's first bytes, and
    /// the time stamps of NTP requests, are random (RFC 8446 section 4.1.2, RFC 9109). A stamp of NTP from the first days of a
    /// clock that nobody has set is one alone: of random ones, one in thousands is.
    pub fn clock_offset(&self) -> Option<(i64, Vec<Frame>)> {
        const AGREE: u64 = 3 * SECOND as u64;
        let own = || self.clocks.iter().filter(|witness| witness.whose == Whose::Device);
        let offset = |witness: &ClockWitness| witness.says.since(witness.at.time);
        let agreed = own().rev().find_map(|last| {
            let agreeing = || own().filter(|other| offset(other).abs_diff(offset(last)) <= AGREE);
            // A frame that was captured twice says the same twice: that proves nothing.
            let advances = agreeing().any(|other| other.says != last.says);
            advances.then(|| (offset(last), agreeing().map(|witness| witness.at.frame).collect()))
        });
        // Such a clock begins anew with each start of its device.
        let of_ntp = || own().filter(|witness| witness.from == ClockSource::Ntp);
        let unset = || of_ntp().next_back().filter(|witness| witness.is_unset());
        let starts = || of_ntp().filter(|witness| witness.is_unset()).map(|witness| witness.at.frame).collect();
        agreed.or_else(|| unset().map(|witness| (offset(witness), starts())))
    }

    /// Takes note that it is a name server.
    pub(super) fn serves_names(&mut self) {
        self.asks_for_others = true;
        self.names_asked.clear();
        self.services = Services::default();
        if !self.speaks_sip {
            self.sip_domains.clear();
        }
    }

    /// Takes note that it is a proxy of the web: the names and files that it asks for, and what calls itself so meanwhile, are of others.
    pub(super) fn asks_web_for_others(&mut self) {
        self.passes_on_http = true;
        self.serves_names();
        self.paths_asked.clear();
        self.server_names.clear();
        if !self.speaks_sip {
            self.user_agents.clear();
            self.users.clear();
        }
    }

    /// Takes note of where it has opened a connection.
    pub(super) fn opens(&mut self, server: Endpoint) {
        if self.ports_opened.len() < PORTS {
            self.ports_opened.insert(server.port());
        }
        if let Some(host) = server.ip().filter(|_| sip::PORTS.contains(&server.port())) {
            add_sip_host(&mut self.sip_hosts, host);
        }
    }

    /// Does it connect to a port of SIP, other than for others, or by trying all ports, or all hosts, that there are?
    pub fn connects_to_sip(&self) -> bool {
        const A_FEW: usize = 32;
        let tries_all = self.ports_opened.len() > A_FEW || self.sip_hosts.len() > REGISTRARS;
        !tries_all && !self.passes_on_sip && sip::PORTS.iter().any(|port| self.ports_opened.contains(port))
    }

    /// Does it open ports of what no phone wants (remote login, mail, file shares), and has it no word for any port of SIP? It is a
    /// computer, or tries ports.
    pub fn wants_other_services(&self) -> bool {
        const OTHERS: [u16; 7] = [22, 23, 25, 110, 143, 445, 3389];
        let is_silent = !self.conduct.asked && !self.conduct.broke_off;
        is_silent && OTHERS.iter().any(|port| self.ports_opened.contains(port))
    }

    /// Its ClientHello in words: `TLS 1.0 without server_name`.
    pub fn hello_in_words(&self) -> Option<String> {
        let version = match self.highest_tls? {
            0x0002 => "SSL 2.0",
            0x0300 => "SSL 3.0",
            0x0301 => "TLS 1.0",
            0x0302 => "TLS 1.1",
            0x0303 => "TLS 1.2",
            0x0304 => "TLS 1.3",
            other => return Some(format!("version 0x{other:04x}")),
        };
        Some(match self.sends_server_name {
            Some(true) => format!("{version} with server_name"),
            Some(false) => format!("{version} without server_name"),
            None => version.to_owned(),
        })
    }
}
