//! The way onto the network: 802.1X, DHCP, and the neighbours that an address is good for.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::Handshake;
use crate::model::{At, Mac, Side};
use crate::protocols::{dhcp, dhcpv6, eap};
use crate::text::WireText;

/// An 802.1X exchange, up to success or failure.
#[derive(Clone, Debug, Default)]
pub struct PortAccess {
    /// EAPOL-Starts of the device.
    pub starts: Vec<At>,
    /// EAP requests of the switch.
    pub requests: Vec<(At, eap::Packet)>,
    /// EAP responses of the device.
    pub responses: Vec<(At, eap::Packet)>,
    /// EAP-Success.
    pub success: Option<At>,
    /// EAP-Failure.
    pub failure: Option<At>,
    /// The TLS handshake inside it: of the device with the RADIUS server.
    pub tls: Option<Box<Handshake>>,
}

impl PortAccess {
    /// The method by which the device was to prove itself, beyond its name. What the switch asks of all stations at once is
    /// not seen as asked of this one, so that its answers tell too.
    pub fn method(&self) -> Option<u8> {
        use eap::method::{IDENTITY, NAK, NOTIFICATION};
        let of = |packets: &[(At, eap::Packet)]| {
            let mut methods = packets.iter().filter_map(|(_, packet)| packet.method);
            methods.rfind(|method| !matches!(*method, IDENTITY | NOTIFICATION | NAK))
        };
        of(&self.requests).or(of(&self.responses))
    }

    /// Who the device said it is.
    pub fn identity(&self) -> Option<&WireText> {
        self.responses.iter().rev().find_map(|(_, packet)| packet.identity.as_ref())
    }

    /// A TLS alert inside: frame, whose, description.
    pub fn alert(&self) -> Option<(At, Side, u8)> {
        let of = |packets: &[(At, eap::Packet)], side: Side| {
            packets.iter().find_map(|(at, packet)| packet.alert.map(|(_, description)| (*at, side, description)))
        };
        let (device, switch) = (of(&self.responses, Side::Client), of(&self.requests, Side::Server));
        device.into_iter().chain(switch).min_by_key(|(at, _, _)| *at)
    }
}

/// A DHCP exchange: all messages of one transaction.
#[derive(Clone, Debug, Default)]
pub struct Lease {
    /// xid.
    pub transaction: u32,
    /// chaddr.
    pub client: Option<Mac>,
    /// The VLAN of its first message, where the capture keeps tags.
    pub vlan: Option<u16>,
    /// Do its REQUESTs come from the address that they ask for anew (ciaddr: RFC 2131 section 4.3.2)?
    pub renews: bool,
    /// DISCOVERs.
    pub discovers: Vec<At>,
    /// OFFERs.
    pub offers: Vec<(At, Arc<dhcp::Message>)>,
    /// REQUESTs, with the server that they name (option 54).
    pub requests: Vec<(At, Option<Ipv4Addr>)>,
    /// INFORMs.
    pub informs: Vec<At>,
    /// ACKs.
    pub acks: Vec<(At, Arc<dhcp::Message>)>,
    /// When the client first used the address that it was offered, though the capture holds no ACK.
    pub used: Option<At>,
    /// NAKs.
    pub naks: Vec<(At, Arc<dhcp::Message>)>,
    /// DECLINEs of the client.
    pub declines: Vec<At>,
    /// RELEASEs of the client.
    pub releases: Vec<At>,
    /// What the client asked for (option 55 of its last message that had it).
    pub parameter_list: Vec<u8>,
    /// Its vendor class (option 60).
    pub vendor_class: Option<WireText>,
    /// When the client, with this address, last asked all hosts for a configuration server: SIP plug-and-play, a SUBSCRIBE by
    /// multicast. It waits for whoever answers.
    pub plug_and_play: Option<At>,
}

impl Lease {
    /// Did the client get an address by it, or what else it asked for?
    pub fn is_acknowledged(&self) -> bool {
        !self.acks.is_empty() || self.used.is_some()
    }

    /// What later attempts stand on, where several servers answered: what each of them said first, and what the device took.
    pub fn contested(&self) -> Option<Self> {
        /// Servers whose answers are remembered.
        const SERVERS: usize = 4;
        let may_be = |answers: &[(At, Arc<dhcp::Message>)]| answers.len() > 1;
        if !may_be(&self.offers) && !may_be(&self.acks) {
            return None;
        }
        let first_of_each = |answers: &[(At, Arc<dhcp::Message>)]| {
            let mut first: Vec<(At, Arc<dhcp::Message>)> = Vec::new();
            for (at, message) in answers {
                let is_known = first.iter().any(|(_, known)| known.server_id() == message.server_id());
                if !is_known && first.len() < SERVERS {
                    first.push((*at, Arc::clone(message)));
                }
            }
            first
        };
        let (offers, mut acks) = (first_of_each(&self.offers), first_of_each(&self.acks));
        if offers.len() < 2 && acks.len() < 2 {
            return None;
        }
        acks.extend(self.acks.last().cloned());
        Some(Self { transaction: self.transaction, client: self.client, offers, acks, ..Self::default() })
    }
}

/// A DHCPv6 exchange: SOLICIT to REPLY, or any other question with its answer.
#[derive(Clone, Debug, Default)]
pub struct LeaseV6 {
    /// SOLICITs.
    pub solicits: Vec<At>,
    /// ADVERTISEs.
    pub advertises: Vec<(At, Arc<dhcpv6::Message>)>,
    /// REQUESTs, RENEWs, REBINDs and CONFIRMs.
    pub requests: Vec<At>,
    /// INFORMATION-REQUESTs, RELEASEs and DECLINEs: on these no login stands.
    pub others: Vec<At>,
    /// REPLYs.
    pub replies: Vec<(At, Arc<dhcpv6::Message>)>,
}

impl LeaseV6 {
    /// The status with which servers refuse: of the last REPLY, or of all ADVERTISEs.
    pub fn refusal(&self) -> Option<(At, &dhcpv6::Message)> {
        let refused = |(at, message): &(At, Arc<dhcpv6::Message>)| {
            (message.addresses.is_empty() && message.status.is_some()).then_some(*at)
        };
        let list = if self.replies.is_empty() { &self.advertises } else { &self.replies };
        let last = list.last().filter(|_| list.iter().all(|one| refused(one).is_some()))?;
        Some((last.0, last.1.as_ref()))
    }
}

/// ARP, or neighbour discovery, for one address.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Whose MAC was asked for.
    pub address: IpAddr,
    /// Is it the router: of the lease, or as advertised?
    pub router: bool,
    /// Requests.
    pub requests: Vec<At>,
    /// The first answer.
    pub reply: Option<(At, Mac)>,
}
