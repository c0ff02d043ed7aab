//! What a login consists of: exchanges that belong together, each judged by itself. Everything that the findings may
//! ask about an attempt is here.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::flow::{Flow, TcpStats};
use crate::formats::x509::Certificate;
use crate::model::{At, By, DropPoint, Frame, How, Mac, Outcome, Side, Stage};
use crate::protocols::{dhcp, dhcpv6, dns, eap, http, kerberos, ldap, ntp, sip, tls};
use crate::text::WireText;

/// One try of a device to log in, from its first step to what ended it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// The exchanges, in the order of their first frames.
    pub steps: Vec<Step>,
    /// A line for each stage that the login has, in the order of the story.
    pub stages: Vec<StageReport>,
    /// What ended it; `None` where it got through, or where the capture's end cut it off.
    pub drop: Option<DropPoint>,
    /// Index in `steps` of the exchange that dropped.
    pub dropped_step: Option<usize>,
    /// Did it reach `session` or a successful `register`? With the confidence in it.
    pub signed_in: Option<f32>,
}

/// What became of a stage in an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct StageReport {
    /// The stage.
    pub stage: Stage,
    /// What became of it.
    pub outcome: Outcome,
    /// Its first frame.
    pub first: Option<At>,
    /// Its last frame.
    pub last: Option<At>,
    /// Plain words.
    pub detail: String,
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Step {
    /// The stage that it serves.
    pub stage: Stage,
    /// For what the device did it.
    pub purpose: Purpose,
    /// First frame.
    pub first: At,
    /// Last frame.
    pub last: At,
    /// What became of it.
    pub outcome: Outcome,
    /// Who ended it and how, where it failed.
    pub ending: Option<Ending>,
    /// What it was.
    pub kind: StepKind,
}

/// Who ended an exchange, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who.
    pub by: By,
    /// How.
    pub how: How,
    /// The decisive frame.
    pub at: At,
}

/// For what a device looks up a name or opens a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To be let onto the port of the switch.
    Access,
    /// An address of its own.
    Address,
    /// The time.
    Clock,
    /// A configuration file.
    Provision,
    /// The domain controller.
    Directory,
    /// CA certificates, or a certificate of its own.
    Enrolment,
    /// The SIP server.
    Registrar,
    /// Device updates.
    Update,
    /// A revocation list or an OCSP responder.
    Revocation,
    /// Something else, or it does not show.
    Other,
}

/// The kinds of exchange.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// 802.1X.
    Port(Box<PortAccess>),
    /// DHCP.
    Lease(Box<Lease>),
    /// DHCPv6.
    LeaseV6(Box<LeaseV6>),
    /// ARP, or neighbour discovery, for the router (or another neighbour).
    Neighbour(Neighbour),
    /// DNS.
    Lookup(Box<Lookup>),
    /// NTP.
    Clock(Box<Clock>),
    /// TCP, with what it carried.
    Connection(Box<Connection>),
    /// TFTP.
    File(Box<Transfer>),
    /// SIP over UDP.
    Registration(Box<Registration>),
    /// Kerberos or CLDAP over UDP.
    Inquiry(Box<Inquiry>),
}

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

/// A file over TFTP.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Who asked whom.
    pub flow: Flow,
    /// The name that led to the server.
    pub name: Option<WireText>,
    /// The file.
    pub file: WireText,
    /// Is it written to the server?
    pub write: bool,
    /// Requests.
    pub requests: Vec<At>,
    /// The first block, or what else shows that the server takes the request.
    pub accepted: Option<At>,
    /// Octets of a full block (RFC 2348).
    pub block_size: u16,
    /// The last block that came, and how many octets had come by then.
    pub last_block: Option<(u16, u64)>,
    /// The frame that brought the last block of the file.
    pub complete: Option<At>,
    /// The server's error: code and text.
    pub error: Option<(At, u16, WireText)>,
    /// The device gave it up.
    pub aborted: Option<At>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
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

/// One name and record type, with all repeats of the question.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The name as asked.
    pub name: WireText,
    /// The record type.
    pub kind: u16,
    /// Each query, with the server asked.
    pub queries: Vec<(At, IpAddr)>,
    /// The last answer (a good one displaces a bad one; a truncated one is displaced by that over TCP).
    pub answer: Option<Answer>,
    /// ICMP unreachable for a query: frame and the ICMP's sender.
    pub unreachable: Option<(At, IpAddr)>,
}

/// An answer to a look-up.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its frame.
    pub at: At,
    /// Who answered.
    pub server: IpAddr,
    /// The response code.
    pub rcode: u16,
    /// Was it truncated, with no answer over TCP?
    pub truncated: bool,
    /// Was it cut by the capture, or malformed? Then it proves no absence.
    pub partial: bool,
    /// Answer and additional records.
    pub records: Vec<dns::Record>,
}

impl Lookup {
    /// Addresses in the answer.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.answer.iter().flat_map(|answer| &answer.records).filter_map(|record| match record.data {
            dns::RecordData::Address(address) => Some(address),
            _ => None,
        })
    }

    /// SRV targets in the answer: host and port.
    pub fn targets(&self) -> impl Iterator<Item = (&WireText, u16)> + '_ {
        self.answer.iter().flat_map(|answer| &answer.records).filter_map(|record| match &record.data {
            dns::RecordData::Service { target, port, .. } if record.answer => Some((target, *port)),
            _ => None,
        })
    }

    /// Did the answer hold what was asked for?
    pub fn found(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| {
            answer.rcode == 0
                && answer.records.iter().any(|record| {
                    record.answer
                        && match &record.data {
                            dns::RecordData::Address(IpAddr::V4(_)) => self.kind == dns::kind::A,
                            dns::RecordData::Address(IpAddr::V6(_)) => self.kind == dns::kind::AAAA,
                            dns::RecordData::Service { target, .. } => self.kind == dns::kind::SRV && !target.is_empty(),
                            dns::RecordData::Pointer(_) => self.kind == dns::kind::PTR,
                            dns::RecordData::Alias(_) => self.kind == dns::kind::CNAME,
                            dns::RecordData::NameServer(_) => self.kind == dns::kind::NS,
                        }
                })
        })
    }
}

/// NTP with one server.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The server.
    pub server: IpAddr,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// Requests.
    pub requests: Vec<(At, ntp::Message)>,
    /// Answers.
    pub answers: Vec<(At, ntp::Message)>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
}

/// A TCP connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Who with whom.
    pub flow: Flow,
    /// The name under which the device looked for the server: the SRV target or A name whose answer held its address.
    /// `None` where the capture shows no look-up.
    pub name: Option<WireText>,
    /// The frame of the DNS answer that led here.
    pub name_frame: Option<Frame>,
    /// The first SYN.
    pub syn: Option<At>,
    /// The first SYN-ACK.
    pub syn_ack: Option<At>,
    /// What the sides did, by the last signal.
    pub stats: TcpStats,
    /// The first FIN or RST of a side, and the sides' order.
    pub closes: Vec<(At, Side, Close)>,
    /// The server's last payload, repeats included, before the first close.
    pub last_answer: Option<At>,
    /// ICMP unreachable for it: frame and the ICMP's sender.
    pub unreachable: Option<(At, IpAddr)>,
    /// Did the flow end (or only the capture)?
    pub ended: bool,
    /// The TLS handshake, if there was one.
    pub tls: Option<Box<Handshake>>,
    /// HTTP requests and their answers.
    pub http: Vec<Exchange>,
    /// SIP transactions, of the client.
    pub sip: Vec<Transaction>,
    /// LDAP requests and their answers.
    pub ldap: Vec<DirectoryRequest>,
    /// Kerberos requests and their answers.
    pub kerberos: Vec<TicketRequest>,
}

/// How a side closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// FIN.
    Fin,
    /// RST.
    Rst,
}

impl Connection {
    /// Who closed first, and how.
    pub fn first_close(&self) -> Option<(At, Side, Close)> {
        self.closes.first().copied()
    }

    /// Was the SYN answered by a RST?
    pub fn refused(&self) -> Option<At> {
        let (at, side, close) = self.first_close()?;
        (self.syn.is_some()
            && self.syn_ack.is_none()
            && side == Side::Server
            && close == Close::Rst
            && self.stats.client.first_data.is_none()
            && self.stats.server.first_data.is_none())
        .then_some(at)
    }
}

/// A TLS handshake, as far as it is in clear.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// ClientHello (the first).
    pub client_hello: Option<(At, tls::ClientHello)>,
    /// ServerHello (the one that is no retry request).
    pub server_hello: Option<(At, tls::ServerHello)>,
    /// The server's chain, as sent.
    pub certificate: Option<(At, Vec<Arc<Certificate>>)>,
    /// ServerKeyExchange.
    pub server_key_exchange: Option<At>,
    /// CertificateRequest.
    pub certificate_request: Option<(At, tls::CertificateRequest)>,
    /// ServerHelloDone.
    pub server_hello_done: Option<At>,
    /// The client's Certificate message; empty if it has none to give.
    pub client_certificate: Option<(At, Vec<Arc<Certificate>>)>,
    /// ClientKeyExchange.
    pub client_key_exchange: Option<At>,
    /// ChangeCipherSpec of the client.
    pub client_change_cipher: Option<At>,
    /// ChangeCipherSpec of the server.
    pub server_change_cipher: Option<At>,
    /// Alerts in clear: frame, who, level, description.
    pub alerts: Vec<(At, Side, u8, u8)>,
    /// Alerts under encryption.
    pub encrypted_alerts: Vec<(At, Side)>,
    /// Application data: how many records the client sent (the first few are counted, see `events`), first and last.
    pub client_data: DataCount,
    /// The same of the server.
    pub server_data: DataCount,
    /// How often a burst of application data of the client was followed by one of the server: requests that were
    /// answered, as far as record sizes can tell.
    pub answered_bursts: u32,
    /// Who sent the last application data.
    pub last_data_side: Option<Side>,
}

/// Application data of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DataCount {
    /// Records.
    pub records: u32,
    /// The first.
    pub first: Option<At>,
    /// The last that was counted.
    pub last: Option<At>,
}

impl Handshake {
    /// Did both sides finish (up to TLS 1.2: both changed ciphers; TLS 1.3: the client sent application data)?
    pub fn completed(&self) -> bool {
        let tls13 = self.server_hello.as_ref().is_some_and(|(_, hello)| hello.chosen >= 0x0304);
        if tls13 {
            self.client_data.records >= 2
        } else {
            self.client_change_cipher.is_some() && self.server_change_cipher.is_some()
        }
    }

    /// Does the certificate travel in clear (up to TLS 1.2)?
    pub fn is_readable(&self) -> bool {
        self.server_hello.as_ref().is_none_or(|(_, hello)| hello.chosen < 0x0304)
    }

    /// The first fatal alert in clear (or any but close_notify, no_renegotiation and unrecognized_name, which are
    /// warnings even where the level says otherwise).
    pub fn fatal_alert(&self) -> Option<(At, Side, u8)> {
        self.alerts
            .iter()
            .find(|(_, _, level, code)| *level == 2 || !matches!(code, 0 | 90 | 100 | 112))
            .map(|(at, side, _, code)| (*at, *side, *code))
    }
}

/// An HTTP request and its answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request, if seen.
    pub request: Option<(At, Arc<http::Request>)>,
    /// The answer, if there was one.
    pub response: Option<(At, Arc<http::Response>)>,
}

/// SIP over UDP with one server.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The server.
    pub flow: Flow,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// Transactions of the device.
    pub transactions: Vec<Transaction>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
}

/// A SIP request of the device with what came back.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// The request and its repeats.
    pub sent: Vec<At>,
    /// The request.
    pub request: Arc<sip::Message>,
    /// Provisional answers.
    pub provisional: Option<At>,
    /// The final answer.
    pub answer: Option<(At, Arc<sip::Message>)>,
}

/// Kerberos or CLDAP over UDP with one server.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The server, and the client as it first asked.
    pub flow: Flow,
    /// The name that led to it.
    pub name: Option<WireText>,
    /// CLDAP requests and their answers.
    pub ldap: Vec<DirectoryRequest>,
    /// Kerberos requests and their answers.
    pub kerberos: Vec<TicketRequest>,
    /// ICMP unreachable for a request.
    pub unreachable: Option<(At, IpAddr)>,
}

/// An LDAP request of the device with what came back.
#[derive(Clone, Debug)]
pub struct DirectoryRequest {
    /// The request and its repeats; empty where the capture lacks it.
    pub sent: Vec<At>,
    /// The request.
    pub request: Option<Arc<ldap::Message>>,
    /// Its messageID.
    pub id: u32,
    /// Entries that came.
    pub entries: u32,
    /// References to other servers that came.
    pub references: u32,
    /// CA certificates in the entries.
    pub certificates: u32,
    /// Entries that name a host: of enrolment services, the one with the web pages.
    pub hosts: u32,
    /// The answer that completes it.
    pub answer: Option<(At, Arc<ldap::Message>)>,
}

impl Inquiry {
    /// The last answer.
    pub fn last_answer(&self) -> Option<At> {
        last_answer(&self.ldap, &self.kerberos)
    }
}

/// The last answer to any of these requests.
pub fn last_answer(ldap: &[DirectoryRequest], kerberos: &[TicketRequest]) -> Option<At> {
    let directory = ldap.iter().filter_map(|request| request.answer.as_ref()).map(|(at, _)| *at);
    let tickets = kerberos.iter().filter_map(|request| request.answer.as_ref()).map(|(at, _)| *at);
    directory.chain(tickets).max()
}

impl DirectoryRequest {
    /// The search, if it is one.
    pub fn search(&self) -> Option<&ldap::Search> {
        match &self.request.as_ref()?.body {
            ldap::Body::Search(search) => Some(search),
            _ => None,
        }
    }

    /// The bind, if it is one.
    pub fn bind(&self) -> Option<&ldap::Bind> {
        match &self.request.as_ref()?.body {
            ldap::Body::Bind(bind) => Some(bind),
            _ => None,
        }
    }

    /// How it ended.
    pub fn outcome(&self) -> Option<&ldap::Outcome> {
        self.answer.as_ref().and_then(|(_, answer)| answer.outcome())
    }

    /// Did it bring what a device looks for that needs a CA?
    pub fn found_ca(&self) -> bool {
        self.certificates > 0 || self.hosts > 0
    }

    /// Is it answered by nothing but references to other servers?
    pub fn is_referred(&self) -> bool {
        self.search().is_some() && self.entries == 0 && self.references > 0
    }
}

/// A Kerberos request of the device with what came back.
#[derive(Clone, Debug)]
pub struct TicketRequest {
    /// The request and its repeats; empty where the capture lacks it.
    pub sent: Vec<At>,
    /// The request.
    pub request: Option<Arc<kerberos::Message>>,
    /// The port that it was last sent from.
    pub port: u16,
    /// The answer.
    pub answer: Option<(At, Arc<kerberos::Message>)>,
}

impl TicketRequest {
    /// The refusal, where the answer is one.
    pub fn error(&self) -> Option<(At, &kerberos::Error)> {
        let (at, answer) = self.answer.as_ref()?;
        Some((*at, answer.error()?))
    }
}

impl Attempt {
    /// The step that dropped.
    pub fn dropped(&self) -> Option<&Step> {
        self.steps.get(self.dropped_step?)
    }

    /// The connections, with their steps.
    pub fn connections(&self) -> impl Iterator<Item = (&Step, &Connection)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Connection(connection) => Some((step, connection.as_ref())),
            _ => None,
        })
    }

    /// The look-ups, with their steps.
    pub fn lookups(&self) -> impl Iterator<Item = (&Step, &Lookup)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Lookup(lookup) => Some((step, lookup.as_ref())),
            _ => None,
        })
    }

    /// The DHCP exchanges, with their steps.
    pub fn leases(&self) -> impl Iterator<Item = (&Step, &Lease)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Lease(lease) => Some((step, lease.as_ref())),
            _ => None,
        })
    }

    /// The TFTP transfers, with their steps.
    pub fn files(&self) -> impl Iterator<Item = (&Step, &Transfer)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::File(transfer) => Some((step, transfer.as_ref())),
            _ => None,
        })
    }

    /// The NTP exchanges, with their steps.
    pub fn clocks(&self) -> impl Iterator<Item = (&Step, &Clock)> + '_ {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Clock(clock) => Some((step, clock.as_ref())),
            _ => None,
        })
    }

    /// All HTTP exchanges, with the step and connection of each.
    pub fn exchanges(&self) -> impl Iterator<Item = (&Step, &Connection, &Exchange)> + '_ {
        self.connections().flat_map(|(step, connection)| connection.http.iter().map(move |exchange| (step, connection, exchange)))
    }

    /// All SIP transactions of the device, over whatever transport.
    pub fn transactions(&self) -> impl Iterator<Item = (&Step, &Transaction)> + '_ {
        self.steps.iter().flat_map(|step| {
            let transactions = match &step.kind {
                StepKind::Connection(connection) => connection.sip.as_slice(),
                StepKind::Registration(registration) => registration.transactions.as_slice(),
                _ => &[],
            };
            transactions.iter().map(move |transaction| (step, transaction))
        })
    }
}
