//! Payload in, messages out. A parser is pure: it keeps no buffers of its own and knows no flow, no device and no other
//! protocol. Malformed input is a message with what could be read and what was wrong, never an error.
//!
//! To add a protocol: a folder `protocols/<name>/` (mod.rs: types and `PROTOCOL`; parser.rs; fields.rs: what `events`
//! prints, and whose doing a message is; tests.rs), a variant of [`Message`] with its arm in [`Message::describe`], and a
//! line in [`ALL`].

use std::net::IpAddr;
use std::sync::Arc;

use crate::flow::{Interest, Step, Turn};
use crate::keylog::Keys;
use crate::model::{Mac, Side};
use crate::text::WireText;

pub mod arp;
pub mod cdp;
pub mod dhcp;
pub mod dhcpv6;
pub mod dns;
pub mod eap;
pub mod http;
pub mod icmp;
pub mod kerberos;
pub mod ldap;
pub mod lldp;
pub mod ntp;
pub mod sip;
pub mod tftp;
pub mod tls;

/// What any protocol said. One variant a protocol. Shared where a login may keep it, so that keeping it copies nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// ARP.
    Arp(arp::Message),
    /// CDP.
    Cdp(Box<cdp::Message>),
    /// DHCPv4.
    Dhcp(Arc<dhcp::Message>),
    /// DHCPv6.
    Dhcpv6(Arc<dhcpv6::Message>),
    /// DNS.
    Dns(Arc<dns::Message>),
    /// EAPOL and EAP.
    Eap(Box<eap::Message>),
    /// HTTP/1.
    Http(http::Message),
    /// ICMP and ICMPv6.
    Icmp(icmp::Message),
    /// Kerberos.
    Kerberos(Arc<kerberos::Message>),
    /// LDAP.
    Ldap(Arc<ldap::Message>),
    /// LLDP.
    Lldp(Box<lldp::Message>),
    /// NTP.
    Ntp(ntp::Message),
    /// SIP.
    Sip(Arc<sip::Message>),
    /// TFTP.
    Tftp(Box<tftp::Message>),
    /// TLS.
    Tls(tls::Message),
}

/// What `events` prints of a message.
pub trait Describe {
    /// The protocol's name.
    fn protocol(&self) -> &'static str;
    /// What happened, in a word: `discover`, `query`, `client_hello`…; `None` where the message is for the login's eyes
    /// only and `events` prints nothing.
    fn event(&self) -> Option<&'static str>;
    /// In whose login it counts.
    fn asker(&self) -> Asker;
    /// Memory that it takes beyond its own size, about: what counts against the bounds on what is kept of devices.
    fn held(&self) -> usize;
    /// The keys and values, in Wireshark's field names where they exist. Absent is absent.
    fn fields(&self, put: &mut dyn FnMut(&'static str, serde_json::Value));
}

/// Memory of texts that may be absent.
fn texts<const N: usize>(texts: [&Option<WireText>; N]) -> usize {
    texts.into_iter().flatten().map(WireText::held).fold(0, usize::saturating_add)
}

/// In whose login a message counts: that of the one who asks, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Its sender's: a question.
    Sender,
    /// Its receiver's: an answer.
    Receiver,
    /// That of the side that began the connection.
    Client,
    /// That of a station which the message itself names: by its MAC, its address, or both.
    Station(Option<Mac>, Option<IpAddr>),
    /// Nobody's.
    Nobody,
}

impl Message {
    /// Memory that it takes, about.
    pub fn held(&self) -> usize {
        /// The structures of the messages, one with another.
        const FIXED: usize = 192;
        self.describe().held().saturating_add(FIXED)
    }

    /// The message as something that can be described.
    pub fn describe(&self) -> &dyn Describe {
        match self {
            Message::Arp(message) => message,
            Message::Cdp(message) => message.as_ref(),
            Message::Dhcp(message) => message.as_ref(),
            Message::Dhcpv6(message) => message.as_ref(),
            Message::Dns(message) => message.as_ref(),
            Message::Eap(message) => message.as_ref(),
            Message::Http(message) => message,
            Message::Icmp(message) => message,
            Message::Kerberos(message) => message.as_ref(),
            Message::Ldap(message) => message.as_ref(),
            Message::Lldp(message) => message.as_ref(),
            Message::Ntp(message) => message,
            Message::Sip(message) => message.as_ref(),
            Message::Tftp(message) => message.as_ref(),
            Message::Tls(message) => message,
        }
    }
}

/// Takes the messages of a parser, each as said by `side`.
pub trait Out {
    /// One whole message, completed by the packet in hand.
    fn message(&mut self, side: Side, message: Message);

    /// The datagram in hand is a question that the other side answers from a port of its own choice: what comes from
    /// that host to the asker's port, in whatever flow, is of this protocol too.
    fn answer_from_new_port(&mut self) {}

    /// Where the packet in hand stands between what both sides of its stream say.
    fn turn(&self) -> Turn {
        Turn::default()
    }

    /// The secrets that may open what is encrypted; `None` where there are none at all.
    fn keys(&self) -> Option<&Keys> {
        None
    }

    /// What the stream in hand carries inside goes on, on one side. Is more of it wanted?
    fn inner(&mut self, _side: Side, _piece: Inner<'_>) -> Interest {
        Interest::SignalsOnly
    }
}

/// A piece of what a stream carries inside.
#[derive(Clone, Copy, Debug)]
pub enum Inner<'a> {
    /// The next bytes, in order.
    Bytes(&'a [u8]),
    /// The side has ended.
    End,
    /// What follows cannot be read: of either side no more is said.
    Torn,
}

/// Does this look like the protocol?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// It does.
    Yes,
    /// It may; more bytes will tell.
    Maybe,
    /// It does not.
    No,
}

/// What a probe may look at: the first bytes that one side of a flow sent, and its ports.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    /// Who sent them.
    pub side: Side,
    /// The port of the side that began the flow.
    pub client_port: u16,
    /// The port that it began it to.
    pub server_port: u16,
    /// The first bytes.
    pub bytes: &'a [u8],
}

impl Probe<'_> {
    /// Is either port this one?
    pub fn on_port(&self, port: u16) -> bool {
        self.client_port == port || self.server_port == port
    }
}

/// Reads one TCP stream, both directions. What it does not use up, it is given again with more behind it.
pub trait StreamParser {
    /// The next bytes of one side, in order.
    fn data(&mut self, side: Side, bytes: &[u8], out: &mut dyn Out) -> Step;

    /// The capture cut the message that begins with `rest`, which was left over. A gap follows.
    fn cut(&mut self, _side: Side, _rest: &[u8], _out: &mut dyn Out) {}

    /// `missing` bytes of one side will never come; what was left over before them is gone. The next bytes lie behind
    /// the hole: resynchronise at the next plausible message.
    fn gap(&mut self, side: Side, missing: u64, out: &mut dyn Out) -> Step;

    /// One side has ended, with `rest` left over (a body that is delimited by the close is complete now).
    fn end(&mut self, side: Side, rest: &[u8], out: &mut dyn Out);

    /// Was the last word of this protocol said on the connection, so that what follows on either side is another's: TLS
    /// after StartTLS, whatever a tunnel carries? What was not used up is given to that one.
    fn is_over(&self) -> bool {
        false
    }

    /// Bytes that it keeps of messages that are not whole, or not answered: what counts against the bound of all buffers.
    fn held(&self) -> usize {
        0
    }
}

/// How a protocol rides on UDP.
pub struct OverUdp {
    /// Is this datagram of the protocol?
    pub probe: fn(&Probe<'_>) -> Guess,
    /// Reads a datagram. `whole` is false where the capture cut it. Returns whether it was one of this protocol.
    pub read: fn(side: Side, bytes: &[u8], whole: bool, out: &mut dyn Out) -> bool,
}

/// How a protocol rides on TCP.
pub struct OverTcp {
    /// Do these first bytes of a side begin the protocol?
    pub probe: fn(&Probe<'_>) -> Guess,
    /// Makes a parser for a stream.
    pub parser: fn() -> Box<dyn StreamParser>,
}

/// How a protocol rides on the link itself, without IP.
pub struct OverLink {
    /// Its EtherType, or its number behind an LLC/SNAP header.
    pub ether_type: u16,
    /// Reads a frame from behind that number on; `None` if it is not of this protocol.
    pub read: fn(&[u8]) -> Option<Message>,
}

/// A protocol, as the dispatcher knows it.
pub struct Protocol {
    /// Its name in `events`.
    pub name: &'static str,
    /// Over UDP, if it runs there.
    pub udp: Option<OverUdp>,
    /// Over TCP, if it runs there.
    pub tcp: Option<OverTcp>,
    /// On the link, if it runs there.
    pub link: Option<OverLink>,
}

/// All that ride on UDP, TCP or the link, in the order in which they are asked.
pub static ALL: &[&Protocol] = &[
    &arp::PROTOCOL,
    &eap::PROTOCOL,
    &lldp::PROTOCOL,
    &cdp::PROTOCOL,
    &dhcp::PROTOCOL,
    &dhcpv6::PROTOCOL,
    &dns::PROTOCOL,
    &ntp::PROTOCOL,
    &tftp::PROTOCOL,
    &tls::PROTOCOL,
    &http::PROTOCOL,
    &sip::PROTOCOL,
    &ldap::PROTOCOL,
    &kerberos::PROTOCOL,
];
