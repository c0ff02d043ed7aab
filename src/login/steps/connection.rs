//! TCP connections, with the handshake and the requests on them.

use std::net::IpAddr;
use std::sync::Arc;

use super::sealed::Sealed;
use super::{DirectoryRequest, TicketRequest, Transaction};
use crate::flow::{Flow, TcpStats};
use crate::formats::x509::Certificate;
use crate::model::{At, Frame, SECOND, Side};
use crate::protocols::{http, tls};
use crate::text::WireText;

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
    /// A hello of the client that the capture cut.
    pub cut_hello: Option<At>,
    /// A ServerHello that the capture cut, and that shows all the same that the certificate comes in clear (up to TLS 1.2).
    pub cut_answer: Option<At>,
    /// HTTP requests and their answers.
    pub http: Vec<Exchange>,
    /// SIP transactions, of the client.
    pub sip: Vec<Transaction>,
    /// Was something of SIP granted on it that is about no registration: a keep-alive by OPTIONS, a call?
    pub granted: bool,
    /// LDAP requests and their answers.
    pub ldap: Vec<DirectoryRequest>,
    /// Kerberos requests and their answers.
    pub kerberos: Vec<TicketRequest>,
}

/// Frames of both directions that are so near to each other can stand in a capture in either order.
const CROSSED: i64 = SECOND / 100;

/// Where SIP is spoken without TLS (RFC 3261 section 19.1.2).
const SIP_PORT: u16 = 5060;

/// How a side closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// FIN.
    Fin,
    /// RST.
    Rst,
}

impl Connection {
    /// One on which nothing was seen yet, with the name that led there and the frame of the answer that said so.
    pub fn new(flow: Flow, name: Option<(WireText, Frame)>) -> Self {
        let (name, name_frame) = name.unzip();
        Self {
            flow,
            name,
            name_frame,
            syn: None,
            syn_ack: None,
            stats: TcpStats::default(),
            closes: Vec::new(),
            last_answer: None,
            unreachable: None,
            ended: false,
            tls: None,
            cut_hello: None,
            cut_answer: None,
            http: Vec::new(),
            sip: Vec::new(),
            granted: false,
            ldap: Vec::new(),
            kerberos: Vec::new(),
        }
    }

    /// By which name the device sought the server: that which led there, or where the capture does not show it, that in its hello.
    pub fn sought_name(&self) -> Option<&WireText> {
        let hello = self.tls.as_ref().and_then(|tls| tls.client_hello.as_ref());
        self.name.as_ref().or_else(|| hello.and_then(|(_, hello)| hello.server_name.as_ref()))
    }

    /// Was something of what it carries told that came in clear or was opened, and then no more, so that what is not told may
    /// have been said?
    pub fn is_torn(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.torn.is_some())
    }

    /// Requests of its own: not those by which a tunnel was made for what follows.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Exchange> {
        let makes_tunnel = |exchange: &Exchange| exchange.request.as_ref().is_some_and(|(_, request)| request.tunnel().is_some());
        self.http.iter().filter(move |exchange| !makes_tunnel(exchange))
    }

    /// Did the capture itself lose some of what was said: bytes of a side that it does have, which the other side acknowledged?
    pub fn is_holed(&self) -> bool {
        [&self.stats.client, &self.stats.server].iter().any(|side| side.uncaptured > 0 && side.last.is_some())
    }

    /// Was the client served, with what the capture cut so that no protocol could read what came of it: was all that it said taken, and
    /// did it have answers before it took its leave, or before both had rested, if anybody closed? Under TLS, the first two words of
    /// either side are the handshake at best.
    pub fn is_served_unread(&self) -> bool {
        /// Nobody waits so long to refuse.
        const RESTED: i64 = 30 * SECOND;
        let is_read = self.tls.as_ref().is_some_and(|tls| tls.server_hello.is_some());
        let is_read = is_read || !self.sip.is_empty() || !self.http.is_empty();
        let is_read = is_read || !self.ldap.is_empty() || !self.kerberos.is_empty();
        let (client, server) = (&self.stats.client, &self.stats.server);
        let handshake = if self.flow.server.port() == SIP_PORT { 0 } else { 2 };
        let answered = client.data_segments.min(server.data_segments) > handshake && client.acknowledged >= client.sent;
        let rested = |at: At| client.last_data.is_some_and(|said| at.time.since(said.time) >= RESTED);
        let left = self.first_close().is_none_or(|(at, side, close)| (side, close) == (Side::Client, Close::Fin) || rested(at));
        (client.cut || server.cut) && !is_read && answered && left
    }

    /// Who closed first, and how.
    pub fn first_close(&self) -> Option<(At, Side, Close)> {
        self.closes.first().copied()
    }

    /// Did the server take the connection? Who says something has, though the capture lost its SYN-ACK.
    pub fn is_accepted(&self) -> bool {
        self.syn_ack.is_some() && !self.is_unheard() || self.stats.server.first_data.is_some()
    }

    /// Did the server answer in vain: does the client say nothing but its SYN, and that again after the SYN-ACK (RFC 9293 section
    /// 3.8.1)? Then the answer was lost behind the place of capture.
    pub fn is_unheard(&self) -> bool {
        let client = &self.stats.client;
        let again = client.last_syn.filter(|again| self.syn_ack.is_some_and(|answer| answer < *again));
        again.is_some() && client.last <= again && client.first_data.is_none() && self.stats.server.first_data.is_none()
    }

    /// Was this alert said before the first close? By their order, or else by their times, where TCP's numbers do not tell: what
    /// crosses can stand in a capture in another order. Nobody says anything behind its own close (RFC 9293 section 3.6), and nobody judges a certificate because the other
    /// side has closed.
    pub fn closed_after(&self, at: At, side: Side, code: u8) -> bool {
        self.first_close().is_none_or(|(close, closer, _)| {
            let judges = side == Side::Client && matches!(code, 42..=49 | 51) && at.time.since(close.time) < CROSSED;
            let earlier = at <= close || at.time <= close.time && !close.frame.is_moved();
            earlier || closer == side || judges
        })
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

/// A TLS handshake, as far as it is in clear or opened.
#[derive(Clone, Debug, Default)]
pub struct Handshake {
    /// ClientHello (the first).
    pub client_hello: Option<(At, Arc<tls::ClientHello>)>,
    /// ServerHello (the one that is no retry request).
    pub server_hello: Option<(At, Arc<tls::ServerHello>)>,
    /// The server's chain, as sent.
    pub certificate: Option<(At, Vec<Arc<Certificate>>)>,
    /// The OCSP response that the server stapled to it.
    pub stapled: Option<(At, Arc<[u8]>)>,
    /// ServerKeyExchange.
    pub server_key_exchange: Option<At>,
    /// CertificateRequest.
    pub certificate_request: Option<(At, Arc<tls::CertificateRequest>)>,
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
    /// Finished of the client, where secrets opened it.
    pub client_finished: Option<At>,
    /// Finished of the server, likewise.
    pub server_finished: Option<At>,
    /// Did secrets open what is encrypted?
    pub opened: bool,
    /// From where on a direction of what was open could not be read any more.
    pub torn: Option<At>,
    /// Alerts in clear or opened: frame, who, level, description.
    pub alerts: Vec<(At, Side, u8, u8)>,
    /// Alerts under encryption.
    pub encrypted_alerts: Vec<(At, Side)>,
    /// Application data of the client.
    pub client_data: Sealed,
    /// The same of the server.
    pub server_data: Sealed,
}

impl Handshake {
    pub(super) fn is_1_3(&self) -> bool {
        self.server_hello.as_ref().is_some_and(|(_, hello)| hello.chosen >= 0x0304)
    }

    /// Did both sides finish (up to TLS 1.2: both changed ciphers; TLS 1.3: the client said Finished, or what is encrypted says
    /// that it sent application data)? Before that, nobody answers application data (RFC 5246 section 7.4.9): that shows it, too,
    /// where the capture lacks the rest.
    pub fn completed(&self) -> bool {
        if self.is_1_3() {
            return self.client_finished.is_some() || self.client_data.count() >= 2;
        }
        // The first record of either side may be a handshake message where the version does not show.
        let handshake = u32::from(self.server_hello.is_none());
        let said = |data: &Sealed| data.count() > handshake;
        let begun = self.client_hello.is_some() || self.server_hello.is_some();
        self.client_change_cipher.is_some() && self.server_change_cipher.is_some()
            || begun && said(&self.client_data) && said(&self.server_data)
    }

    /// Can the handshake be read: up to TLS 1.2 it travels in clear, and in TLS 1.3 if secrets open all of it?
    pub fn is_readable(&self) -> bool {
        !self.is_1_3() || self.is_opened()
    }

    /// Was what is encrypted opened, to the end of the handshake at least?
    fn is_opened(&self) -> bool {
        self.opened && (self.torn.is_none() || self.client_finished.is_some())
    }

    /// The end of the server's flight: ServerHelloDone, or its Finished in TLS 1.3.
    pub fn flight_done(&self) -> Option<At> {
        self.server_hello_done.or(self.server_finished.filter(|_| self.is_1_3()))
    }

    /// By what the client goes on behind that flight: a key or ChangeCipherSpec. The latter means nothing in TLS 1.3 (RFC 8446
    /// appendix D.4): where that can be read, the Finished.
    pub fn client_step(&self) -> Option<At> {
        if self.is_1_3() && self.is_opened() {
            return self.client_finished;
        }
        self.client_key_exchange.or(self.client_change_cipher)
    }

    /// The server's last word of the handshake: ChangeCipherSpec, or, likewise, Finished.
    pub fn server_step(&self) -> Option<At> {
        if self.is_1_3() && self.is_opened() { self.server_finished } else { self.server_change_cipher }
    }

    /// The last word of a whole handshake: the server's, in TLS 1.3 the client's, which is in its first encrypted record (RFC 8446
    /// section 2).
    pub fn last_step(&self) -> Option<(At, Side)> {
        match (self.is_1_3(), self.is_opened()) {
            (false, _) => Some((self.server_change_cipher?, Side::Server)),
            (true, true) => Some((self.client_finished?, Side::Client)),
            (true, false) => Some((self.client_data.first()?.at, Side::Client)),
        }
    }

    /// The message by which the client takes the certificate.
    pub fn taking(&self) -> &'static str {
        if self.is_1_3() { "Finished" } else { "ClientKeyExchange" }
    }

    /// Alerts by which a side may have left a standing connection: those under encryption, and what those that were opened say.
    pub fn farewells(&self) -> impl Iterator<Item = (At, Side)> {
        let opened = self.alerts.iter().filter(|(_, _, level, code)| self.opened && (*level == 2 || *code == 0));
        self.encrypted_alerts.iter().copied().chain(opened.map(|(at, side, ..)| (*at, *side)))
    }

    /// The first fatal alert in clear (or any but close_notify, no_certificate, which in SSL 3.0 stands for an empty Certificate,
    /// no_renegotiation and unrecognized_name: the handshake goes on after these, RFC 6101 section 5.4.2).
    pub fn fatal_alert(&self) -> Option<(At, Side, u8)> {
        self.alerts
            .iter()
            .find(|(_, _, level, code)| *level == 2 || !matches!(code, 0 | 41 | 90 | 100 | 112))
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
