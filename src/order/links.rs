//! Which event asks, and which one answers it: by what a protocol says for just that, and by who speaks with whom. TCP is put in
//! order by its own numbers.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use foldhash::fast::FixedState;

use crate::event::{Event, What};
use crate::flow::{Signal, Transport};
use crate::model::Endpoint;
use crate::protocols::{Asker, Message, arp, dhcp, dhcpv6, dns, eap, icmp, ntp, sip};

/// What an event has to do with others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Links {
    /// It is this question.
    pub(super) asks: Option<u64>,
    /// It answers this question.
    pub(super) answers: Option<u64>,
    /// Such a question has one answer, and may be asked again in the same words.
    pub(super) once: bool,
    /// Who asks for a name.
    pub(super) name_for: Option<IpAddr>,
    /// The host that it turns to, whose address an answer may have told.
    pub(super) uses: Option<Use>,
}

/// A host turns to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) by: IpAddr,
    host: IpAddr,
}

impl Use {
    fn of(event: &Event) -> Option<Self> {
        Some(Self { by: event.source().ip()?, host: event.destination().ip()? })
    }
}

impl Links {
    /// Is this question asked by the event of these links, or is it about the packet that the event is in?
    pub(super) fn is_asked_by(&self, question: u64, event: &Event) -> bool {
        self.asks == Some(question) || packet(event) == Some(question)
    }

    /// Can anything wait for the event of these links? For most of what TCP carries nothing can.
    pub(super) fn is_awaited(&self, event: &Event) -> bool {
        self.asks.is_some() || is_quoted(event) || matches!(event.what, What::Message(Message::Dns(_)))
    }

    fn asks(question: u64) -> Self {
        Self { asks: Some(question), ..Self::default() }
    }

    fn answers(question: u64) -> Self {
        Self { answers: Some(question), ..Self::default() }
    }

    fn either(is_answer: bool, question: u64) -> Self {
        if is_answer { Self::answers(question) } else { Self::asks(question) }
    }

    fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

/// Keeps the questions of different protocols apart.
#[derive(Hash)]
enum About {
    Arp,
    Dhcp,
    Dhcpv6,
    Dns,
    Eap,
    Kerberos,
    Ldap,
    Neighbour,
    Ntp,
    Packet,
    Sip,
}

fn mark(of: impl Hash) -> u64 {
    FixedState::with_seed(0).hash_one(of)
}

/// What this event has to do with others.
pub(super) fn links(event: &Event) -> Links {
    let message = match &event.what {
        What::Message(message) => message,
        What::Tcp(Signal::Syn { first: true }, _) => return Links { uses: Use::of(event), ..Links::default() },
        What::Tcp(..) | What::Unread { .. } => return Links::default(),
    };
    match message {
        Message::Arp(message) => of_arp(message),
        Message::Eap(message) => of_eap(message),
        Message::Icmp(message) => of_icmp(event, message),
        _ if event.flow.transport == Transport::Udp => {
            let links = of_datagram(event, message);
            let uses = Use::of(event).filter(|_| links.asks.is_some() && links.name_for.is_none());
            Links { uses, ..links }
        }
        _ => Links::default(),
    }
}

fn of_datagram(event: &Event, message: &Message) -> Links {
    let answer = message.describe().asker() == Asker::Receiver;
    let asker = if answer { event.destination() } else { event.source() };
    match message {
        Message::Dhcp(message) => of_dhcp(message),
        Message::Dhcpv6(message) => of_dhcpv6(message),
        // A multicast answer may be nobody's (RFC 6762 section 8.3).
        Message::Dns(message) if !(message.response && is_multicast(event.destination())) => {
            let name_for = asker.ip().filter(|_| !message.response);
            Links { name_for, ..Links::either(message.response, mark((About::Dns, message.id, asker))).once() }
        }
        Message::Kerberos(_) => Links::either(answer, mark((About::Kerberos, asker))).once(),
        Message::Ldap(message) => Links::either(answer, mark((About::Ldap, message.id, asker))),
        Message::Ntp(message) => of_ntp(event, message),
        Message::Sip(message) => of_sip(message),
        _ => Links::default(),
    }
}

fn of_arp(message: &arp::Message) -> Links {
    match message.operation {
        1 => Links::asks(mark((About::Arp, message.sender_mac, message.target_ip))),
        // Of itself it speaks unasked (RFC 5227 section 2.3).
        2 if message.sender_ip != message.target_ip => {
            Links::answers(mark((About::Arp, message.target_mac, message.sender_ip))).once()
        }
        _ => Links::default(),
    }
}

/// RFC 3748 section 4: a response has the identifier of its request, success and failure that of the last response.
fn of_eap(message: &eap::Message) -> Links {
    let Some(packet) = &message.eap else { return Links::default() };
    let question = |code: u8| mark((About::Eap, code, packet.identifier));
    match packet.code {
        eap::code::REQUEST => Links::asks(question(eap::code::REQUEST)),
        eap::code::RESPONSE => {
            Links { asks: Some(question(eap::code::RESPONSE)), answers: Some(question(eap::code::REQUEST)), ..Links::default() }
        }
        eap::code::SUCCESS | eap::code::FAILURE => Links::answers(question(eap::code::RESPONSE)),
        _ => Links::default(),
    }
}

fn of_icmp(event: &Event, message: &icmp::Message) -> Links {
    match (message.discovery, message.quoted) {
        (Some(icmp::Discovery::Solicitation { target, .. }), _) => Links::asks(mark((About::Neighbour, target))),
        (Some(icmp::Discovery::Advertisement { target, .. }), _) if !is_multicast(event.destination()) => {
            Links::answers(mark((About::Neighbour, target))).once()
        }
        (None, Some(quoted)) => {
            let (source, destination) = (Endpoint::Ip(quoted.source), Endpoint::Ip(quoted.destination));
            Links::answers(mark((About::Packet, source, destination)))
        }
        _ => Links::default(),
    }
}

/// RFC 2131 section 3.1.
fn of_dhcp(message: &dhcp::Message) -> Links {
    let question = |offer: bool| mark((About::Dhcp, message.transaction, message.hardware_address, offer));
    match message.kind {
        Some(dhcp::kind::DISCOVER) => Links::asks(question(true)),
        Some(dhcp::kind::OFFER) => Links::answers(question(true)),
        Some(dhcp::kind::REQUEST | dhcp::kind::INFORM) => Links::asks(question(false)),
        Some(dhcp::kind::ACK | dhcp::kind::NAK) => Links::answers(question(false)),
        _ => Links::default(),
    }
}

fn of_dhcpv6(message: &dhcpv6::Message) -> Links {
    use dhcpv6::kind;
    let Some(transaction) = message.transaction else { return Links::default() };
    let question = mark((About::Dhcpv6, transaction));
    match message.kind {
        kind::ADVERTISE | kind::REPLY => Links::answers(question),
        kind::SOLICIT..=kind::REBIND | kind::RELEASE | kind::DECLINE | kind::INFORMATION_REQUEST => Links::asks(question),
        _ => Links::default(),
    }
}

/// An answer has the Call-ID and the CSeq of its request, and its branch (RFC 3261 sections 8.2.6.2 and 17.1.3): that alone, where the
/// capture cut the rest.
fn of_sip(message: &sip::Message) -> Links {
    let question = match &message.branch {
        Some(branch) => mark((About::Sip, branch)),
        None if message.call_id.is_empty() => return Links::default(),
        None => mark((About::Sip, &message.call_id, message.cseq.0, &message.cseq.1)),
    };
    Links::either(message.code().is_some(), question)
}

/// RFC 5905 section 8: an answer repeats the time at which its question was sent.
fn of_ntp(event: &Event, message: &ntp::Message) -> Links {
    match message.mode {
        3 => Links::asks(mark((About::Ntp, event.source(), event.destination(), message.transmit))),
        4 => Links::answers(mark((About::Ntp, event.destination(), event.source(), message.originate))).once(),
        _ => Links::default(),
    }
}

/// The packet of this event, as an ICMP error quotes it.
fn packet(event: &Event) -> Option<u64> {
    is_quoted(event).then(|| mark((About::Packet, event.source(), event.destination())))
}

/// Is it in a packet that an ICMP error may quote?
fn is_quoted(event: &Event) -> bool {
    match &event.what {
        What::Tcp(signal, _) => matches!(signal, Signal::Syn { .. }),
        What::Message(_) => event.flow.transport == Transport::Udp,
        What::Unread { .. } => false,
    }
}

/// Does this event tell a host the address of one that it turns to: by a record, or by sending it there for the whole answer?
pub(super) fn names(event: &Event, used: Use) -> bool {
    let What::Message(Message::Dns(message)) = &event.what else { return false };
    let tells = |record: &dns::Record| matches!(record.data, dns::RecordData::Address(address) if address == used.host);
    let told = message.records.iter().any(tells) || message.truncated && event.source().ip() == Some(used.host);
    message.response && event.destination().ip() == Some(used.by) && told
}

fn is_multicast(endpoint: Endpoint) -> bool {
    endpoint.ip().is_some_and(|ip| match ip {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    })
}
