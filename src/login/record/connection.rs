//! TCP connections and what they carry: signals, HTTP exchanges and TLS handshakes.

use std::sync::Arc;

use crate::event::{Event, What};
use crate::flow::{Flow, Signal, TcpStats, Transport};
use crate::model::{At, Side};
use crate::protocols::{http, tls};

use super::super::steps::{Close, Connection, Exchange, Handshake, Record, StepKind};
use super::{Draft, Recorder, add};

impl Recorder {
    /// The connection of this flow, as long as that is in the table.
    pub(in super::super) fn open_connection(&self, flow: &Flow) -> Option<&Connection> {
        match &self.drafts.get(*self.connections.get(&flow.id)?)?.kind {
            StepKind::Connection(connection) => Some(connection),
            _ => None,
        }
    }

    pub(super) fn connection(&mut self, flow: &Flow, at: At) -> Option<&mut Connection> {
        if flow.transport != Transport::Tcp {
            return None;
        }
        let id = match self.connections.get(&flow.id) {
            Some(id) => *id,
            None => {
                let connection = Connection::new(*flow, self.names.name_of(flow.server));
                let id = self.begin(at, StepKind::Connection(Box::new(connection)));
                self.connections.insert(flow.id, id);
                id
            }
        };
        match self.touch(id, at)? {
            StepKind::Connection(connection) => {
                connection.flow = *flow;
                Some(connection)
            }
            _ => None,
        }
    }

    pub(super) fn tcp(&mut self, event: &Event, signal: Signal, stats: &TcpStats) {
        if signal == Signal::Ended {
            self.ended(event, stats);
            return;
        }
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        connection.stats = *stats;
        if connection.closes.is_empty() {
            connection.last_answer = stats.server.last_data;
        }
        match signal {
            Signal::Syn { first } => {
                if first {
                    connection.syn = Some(event.at);
                }
            }
            Signal::SynAck { .. } => connection.syn_ack = connection.syn_ack.or(Some(event.at)),
            Signal::Fin(side) => add(&mut connection.closes, (event.at, side, Close::Fin)),
            Signal::Rst(side) => add(&mut connection.closes, (event.at, side, Close::Rst)),
            Signal::FirstData(_) | Signal::Ended => {}
        }
    }

    /// Was it said to a side that had reset the connection, and so heard nothing any more? What is told with the reset itself is
    /// the part of an answer that had come before it.
    pub(super) fn came_too_late(&self, event: &Event) -> bool {
        if event.flow.transport != Transport::Tcp || matches!(event.what, What::Tcp(..)) {
            return false;
        }
        let draft = self.connections.get(&event.flow.id).and_then(|id| self.drafts.get(*id));
        let Some(Draft { kind: StepKind::Connection(connection), .. }) = draft else { return false };
        let receiver = event.side.other();
        // Refused, a client may call again with the same ports.
        let called = connection.stats.client.last_syn;
        let left = |&(at, side, close): &(At, Side, Close)| {
            let before = at < event.at;
            before && close == Close::Rst && side == receiver && called.is_none_or(|call| call < at)
        };
        connection.closes.iter().any(left)
    }

    /// The flow has left the table. A DNS connection is part of its look-up, if it came about, and an end is no new frame.
    pub(super) fn ended(&mut self, event: &Event, stats: &TcpStats) {
        let Some(id) = self.connections.remove(&event.flow.id) else { return };
        let came_about = |draft: &Draft| matches!(&draft.kind, StepKind::Connection(connection) if connection.syn.is_none() || connection.syn_ack.is_some());
        if event.flow.server.port() == 53 && self.drafts.get(id).is_some_and(came_about) {
            self.drafts.remove(id);
            return;
        }
        if let Some(Draft { kind: StepKind::Connection(connection), last, .. }) = self.drafts.get_mut(id) {
            if connection.closes.is_empty() {
                connection.last_answer = stats.server.last_data;
            }
            connection.stats = *stats;
            connection.ended = true;
            *last = (*last).max(stats.client.last.unwrap_or_default()).max(stats.server.last.unwrap_or_default());
        }
    }

    pub(super) fn http(&mut self, event: &Event, message: &http::Message) {
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        match message {
            http::Message::Request(request) => {
                add(&mut connection.http, Exchange { request: Some((event.at, Arc::clone(request))), response: None })
            }
            // An interim answer (100 Continue) is none.
            http::Message::Response(response) if response.code < 200 => {}
            http::Message::Response(response) => {
                // From here on the host behind the proxy speaks (RFC 9110 section 9.3.6); until then the proxy does.
                let tunnel = response.request.as_ref().filter(|_| (200..300).contains(&response.code));
                connection.name = tunnel.and_then(|request| request.tunnel()).or_else(|| connection.name.take());
                let asked = response.request.as_ref().map(|request| request.index);
                let open = connection.http.iter_mut().find(|exchange| {
                    exchange.response.is_none()
                        && exchange.request.as_ref().is_some_and(|(_, request)| Some(request.index) == asked)
                });
                let answer = Some((event.at, Arc::clone(response)));
                match open {
                    Some(exchange) => exchange.response = answer,
                    None => add(&mut connection.http, Exchange { request: None, response: answer }),
                }
                self.whole_page(event.at, response);
            }
        }
    }

    pub(super) fn tls(&mut self, event: &Event, message: &tls::Message) {
        if event.flow.transport == Transport::Link {
            return self.port_tls(event, message);
        }
        let Some(connection) = self.connection(&event.flow, event.at) else { return };
        // The rest of it was on the wire: a name or a suite that is missing in it would blame somebody for the capture.
        if let tls::Message::Cut(beginning) = message {
            let is_hello = matches!(**beginning, tls::Message::ClientHello(_));
            connection.cut_hello = connection.cut_hello.or(is_hello.then_some(event.at));
            let shows = matches!(&**beginning, tls::Message::ServerHello(hello) if hello.is_before_1_3());
            connection.cut_answer = connection.cut_answer.or(shows.then_some(event.at));
            return;
        }
        let handshake = connection.tls.get_or_insert_with(Box::default);
        record_tls(handshake, event.at, event.side, message);
    }
}

pub(super) fn record_tls(handshake: &mut Handshake, at: At, side: Side, message: &tls::Message) {
    match (message, side) {
        (tls::Message::ClientHello(hello), _) => {
            handshake.client_hello.get_or_insert_with(|| (at, Arc::clone(hello)));
        }
        (tls::Message::ServerHello(hello), _) if !hello.retry => {
            handshake.server_hello.get_or_insert_with(|| (at, Arc::clone(hello)));
        }
        (tls::Message::ServerHello(_), _) => {}
        (tls::Message::Certificate(chain), Side::Server) => {
            handshake.certificate.get_or_insert_with(|| (at, chain.clone()));
        }
        (tls::Message::Certificate(chain), Side::Client) => {
            handshake.client_certificate.get_or_insert_with(|| (at, chain.clone()));
        }
        (tls::Message::CertificateStatus(response), _) => {
            handshake.stapled.get_or_insert_with(|| (at, Arc::clone(response)));
        }
        (tls::Message::CertificateRequest(request), _) => {
            handshake.certificate_request.get_or_insert_with(|| (at, Arc::clone(request)));
        }
        (tls::Message::Handshake(12), _) => handshake.server_key_exchange = handshake.server_key_exchange.or(Some(at)),
        (tls::Message::Handshake(14), _) => handshake.server_hello_done = handshake.server_hello_done.or(Some(at)),
        (tls::Message::Handshake(16), _) => handshake.client_key_exchange = handshake.client_key_exchange.or(Some(at)),
        (tls::Message::ChangeCipherSpec, Side::Client) => {
            handshake.client_change_cipher = handshake.client_change_cipher.or(Some(at))
        }
        (tls::Message::ChangeCipherSpec, Side::Server) => {
            handshake.server_change_cipher = handshake.server_change_cipher.or(Some(at))
        }
        (tls::Message::Alert { level, description }, _) => add(&mut handshake.alerts, (at, side, *level, *description)),
        (tls::Message::EncryptedAlert, _) => add(&mut handshake.encrypted_alerts, (at, side)),
        (tls::Message::ApplicationData { length, turn }, _) => {
            let data = if side == Side::Client { &mut handshake.client_data } else { &mut handshake.server_data };
            add(&mut data.records, Record { at, length: *length, turn: *turn });
        }
        (tls::Message::Handshake(20), Side::Client) => {
            handshake.client_finished = handshake.client_finished.or(Some(at));
        }
        (tls::Message::Handshake(20), Side::Server) => {
            handshake.server_finished = handshake.server_finished.or(Some(at));
        }
        (tls::Message::Decryption(tls::Decryption::Opened), _) => handshake.opened = true,
        (tls::Message::Decryption(tls::Decryption::Torn), _) => handshake.torn = handshake.torn.or(Some(at)),
        (tls::Message::Decryption(tls::Decryption::Sealed(_)), _) => {}
        (tls::Message::Handshake(_) | tls::Message::Cut(_) | tls::Message::EncryptedHandshake, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::device::facts::DeviceFacts;
    use crate::flow::SideStats;
    use crate::model::{Endpoint, Frame, SECOND, Time};
    use crate::packet::Link;
    use crate::protocols::Message;

    fn at(frame: u64) -> At {
        At { frame: Frame::new(frame), time: Time(frame as i64 * SECOND) }
    }

    fn event(frame: u64, side: Side, what: What) -> Event {
        let end = |host: u8, port: u16| Endpoint::Ip(SocketAddr::from(([10, 0, 0, host], port)));
        let flow = Flow { id: 1, transport: Transport::Tcp, client: end(23, 50_000), server: end(5, 5061), oriented: true };
        Event { at: at(frame), link: Link::default(), flow, side, what }
    }

    fn signal(frame: u64, side: Side, signal: Signal, last_syn: u64) -> Event {
        let client = SideStats { last_syn: Some(at(last_syn)), ..SideStats::default() };
        event(frame, side, What::Tcp(signal, Arc::new(TcpStats { client, ..TcpStats::default() })))
    }

    /// Is the server's certificate in frame 4 told of the connection to which all this happened?
    fn is_heard(before: [Event; 3]) -> bool {
        let mut recorder = Recorder::default();
        let chain = What::Message(Message::Tls(tls::Message::Certificate(Vec::new())));
        for event in before.into_iter().chain([event(4, Side::Server, chain)]) {
            recorder.event(&event, &DeviceFacts::default());
        }
        recorder.drafts().any(|(_, draft)| matches!(&draft.kind, StepKind::Connection(connection) if connection.tls.is_some()))
    }

    #[test]
    fn what_reaches_a_side_that_has_reset_the_connection_was_never_heard() {
        let called = || signal(1, Side::Client, Signal::Syn { first: true }, 1);
        let answered = || signal(2, Side::Server, Signal::SynAck { first: true }, 1);
        let reset = |frame, side| signal(frame, side, Signal::Rst(side), 1);
        assert!(is_heard([called(), answered(), signal(3, Side::Client, Signal::Fin(Side::Client), 1)]));
        assert!(!is_heard([called(), answered(), reset(3, Side::Client)]));
        assert!(is_heard([called(), answered(), reset(3, Side::Server)]), "what the server said before it left");
        assert!(is_heard([called(), answered(), reset(4, Side::Client)]), "the reset brings out what had come by then");
        assert!(
            is_heard([called(), reset(2, Side::Client), signal(3, Side::Client, Signal::Syn { first: false }, 3)]),
            "called again"
        );
    }

    #[test]
    fn of_icmp_that_of_the_last_call_counts() {
        let told = |later: &[Event]| {
            let mut recorder = Recorder::default();
            let called = signal(1, Side::Client, Signal::Syn { first: true }, 1);
            [called, refused(2)].iter().chain(later).for_each(|event| recorder.event(event, &DeviceFacts::default()));
            recorder.drafts().find_map(|(_, draft)| match &draft.kind {
                StepKind::Connection(connection) => connection.unreachable.map(|(at, _)| at),
                _ => None,
            })
        };
        let again = signal(3, Side::Client, Signal::Syn { first: false }, 3);
        assert_eq!(told(&[again.clone(), refused(4)]), Some(at(4)));
        assert_eq!(told(&[refused(3)]), Some(at(2)), "a copy of it");
        assert_eq!(told(&[again]), Some(at(2)), "nothing more came");
    }

    /// The name of the server of a connection on which a tunnel is asked for, with this answer of the proxy.
    fn tunnelled(code: Option<u16>) -> Option<String> {
        use crate::findings::testing::tcp;
        let connect = |request: &mut http::Request| request.method = "CONNECT".into();
        let asked = tcp(crate::login::steps::Purpose::Provision).get_with("cfg.contoso.com:443", connect);
        let step =
            crate::findings::testing::IntoStep::into_step(if let Some(code) = code { asked.answer(code) } else { asked }, 1);
        let StepKind::Connection(asked) = step.kind else { panic!("no connection") };
        let exchange = asked.http.into_iter().next().expect("a request");
        let said = exchange.request.map(|(_, request)| (Side::Client, http::Message::Request(request)));
        let answer = exchange.response.map(|(_, response)| (Side::Server, http::Message::Response(response)));
        let mut recorder = Recorder::default();
        recorder.event(&signal(1, Side::Client, Signal::Syn { first: true }, 1), &DeviceFacts::default());
        for (frame, (side, message)) in (2..).zip(said.into_iter().chain(answer)) {
            recorder.event(&event(frame, side, What::Message(Message::Http(message))), &DeviceFacts::default());
        }
        recorder.drafts().find_map(|(_, draft)| match &draft.kind {
            StepKind::Connection(connection) => connection.name.as_ref().map(|name| name.raw().to_owned()),
            _ => None,
        })
    }

    #[test]
    fn until_it_has_made_a_tunnel_a_proxy_speaks_for_itself() {
        assert_eq!(tunnelled(Some(200)).as_deref(), Some("cfg.contoso.com"));
        assert_eq!((tunnelled(None), tunnelled(Some(502))), (None, None));
    }

    /// A router says that the server cannot be reached.
    fn refused(frame: u64) -> Event {
        use crate::protocols::icmp;
        let end = |host: u8, port: u16| SocketAddr::from(([10, 0, 0, host], port));
        let quoted = Some(icmp::Quoted { protocol: 6, source: end(23, 50_000), destination: end(5, 5061) });
        let message = icmp::Message { v6: false, kind: 3, code: 13, quoted, mtu: None, discovery: None };
        event(frame, Side::Server, What::Message(Message::Icmp(message)))
    }
}
