//! Flows in, events out: asks the protocols whose payload it is, feeds the one that claims it, and wraps what it says.
//! What no protocol claims is not looked at again.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use crate::event::{Event, EventSink, What};
use crate::flow::{Flow, FlowSink, Interest, Signal, Step, TcpStats, Transport, Turn};
use crate::keylog::Keys;
use crate::model::{At, Endpoint, Mac, Side};
use crate::packet::{Body, Link, Packet};
use crate::protocols::{self, Asker, Guess, Message, Out, OverUdp, Probe};

mod claim;
mod inner;
mod inside;

use claim::Claim;
use inner::Inner;
use inside::Inside;

/// After so many datagrams that no protocol claims, a flow is given up: media starts with its first packet.
const UNCLAIMED_DATAGRAMS: u8 = 4;
/// On ports where signalling is at home, keep-alives and probes may come first.
const UNCLAIMED_DATAGRAMS_AT_HOME: u8 = 64;
/// EtherType of EAPOL.
const EAPOL: u16 = 0x888e;
/// Questions whose answers may come from a new port that are remembered; the oldest go first.
const AWAITED: usize = 1024;

/// Who asked (address and port) and which host: what comes between them, from whatever port of the host, is of this protocol.
type Awaited = IndexMap<(Endpoint, IpAddr), &'static OverUdp, RandomState>;

/// Wraps what the protocols say as events.
pub struct Dispatcher<S> {
    sink: S,
    awaited: Awaited,
    inner: Inner,
    keys: Keys,
    /// Room for what a connection has done, used again where nobody has kept it.
    stats: Arc<TcpStats>,
    /// Where the segment in hand stands.
    turn: Turn,
}

/// What the dispatcher keeps with each flow.
#[derive(Default)]
pub struct FlowState {
    claim: Claim,
    /// What it carries inside, where that can be read.
    inside: Option<Box<Inside>>,
    /// The beginning was not captured, and a message showed that the sides are the other way round.
    flipped: bool,
}

impl<S: EventSink> Dispatcher<S> {
    /// Gives events to `sink`; `keys` open what is encrypted.
    pub fn new(sink: S, keys: Keys) -> Self {
        Self { sink, awaited: Awaited::default(), inner: Inner::default(), keys, stats: Arc::default(), turn: Turn::default() }
    }

    /// The secrets.
    pub fn keys(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// The sink, when all is done.
    pub fn into_sink(self) -> S {
        self.sink
    }

    /// The sink.
    pub fn sink(&mut self) -> &mut S {
        &mut self.sink
    }
}

/// Turns the messages of one call into events.
struct Emitter<'a, S> {
    sink: &'a mut S,
    flow: Flow,
    flipped: &'a mut bool,
    link: Link,
    at: At,
    turn: Turn,
    answered_elsewhere: bool,
    /// The secrets, and what is inside the stream in hand; `None` where nothing is to be opened.
    opens: Option<(&'a Keys, &'a mut Option<Box<Inside>>)>,
}

impl<S: EventSink> Emitter<'_, S> {
    /// A flow whose beginning was not captured is turned round when a message shows which side asks.
    fn orient(&mut self, side: Side, message: &Message) {
        let asks = match (message.describe().asker(), message) {
            // Either side of a SIP connection may ask.
            (_, Message::Sip(_)) => return,
            (Asker::Sender, _) => true,
            (Asker::Receiver, _) => false,
            _ => return,
        };
        *self.flipped = asks != (side == Side::Client);
    }
}

impl<S: EventSink> Out for Emitter<'_, S> {
    fn message(&mut self, side: Side, message: Message) {
        if !self.flow.oriented {
            self.orient(side, &message);
        }
        let (flow, side) = turned(&self.flow, side, *self.flipped);
        self.sink.event(Event { at: self.at, link: self.link, flow, side, what: What::Message(message) });
    }

    fn answer_from_new_port(&mut self) {
        self.answered_elsewhere = true;
    }

    fn turn(&self) -> Turn {
        self.turn
    }

    fn keys(&self) -> Option<&Keys> {
        self.opens.as_ref()?.0.any()
    }

    fn inner(&mut self, side: Side, piece: protocols::Inner<'_>) -> Interest {
        let Some((_, inside)) = &mut self.opens else { return Interest::SignalsOnly };
        let inside = inside.get_or_insert_default();
        let (flow, flipped) = (self.flow, &mut *self.flipped);
        let out = Emitter {
            sink: &mut *self.sink,
            flow,
            flipped,
            link: self.link,
            at: self.at,
            turn: self.turn,
            answered_elsewhere: false,
            opens: None,
        };
        inside.take(side, piece, out)
    }
}

fn turned(flow: &Flow, side: Side, flipped: bool) -> (Flow, Side) {
    if flipped { (Flow { client: flow.server, server: flow.client, ..*flow }, side.other()) } else { (*flow, side) }
}

/// The same facts, with the sides exchanged.
fn turned_signal(signal: Signal, stats: &mut TcpStats) -> Signal {
    std::mem::swap(&mut stats.client, &mut stats.server);
    match signal {
        Signal::Fin(side) => Signal::Fin(side.other()),
        Signal::Rst(side) => Signal::Rst(side.other()),
        Signal::FirstData(side) => Signal::FirstData(side.other()),
        other => other,
    }
}

fn signal_side(signal: Signal) -> Side {
    match signal {
        Signal::Fin(side) | Signal::Rst(side) | Signal::FirstData(side) => side,
        Signal::SynAck { .. } => Side::Server,
        Signal::Syn { .. } | Signal::Ended => Side::Client,
    }
}

fn probe<'a>(flow: &Flow, side: Side, bytes: &'a [u8]) -> Probe<'a> {
    Probe { side, client_port: flow.client.port(), server_port: flow.server.port(), bytes }
}

/// Remembers a question of `side` whose answer may come from a new port.
fn await_answer(awaited: &mut Awaited, flow: &Flow, side: Side, over: &'static OverUdp) {
    let Some(host) = flow.endpoint(side.other()).ip() else { return };
    if awaited.len() >= AWAITED {
        awaited.shift_remove_index(0);
    }
    awaited.insert((flow.endpoint(side), host), over);
}

/// The protocol of a datagram of `side` that goes on with a question asked in another flow, and which side of this flow
/// asked.
fn awaited(awaited: &Awaited, flow: &Flow, side: Side) -> Option<(&'static OverUdp, Side)> {
    if awaited.is_empty() {
        return None;
    }
    [side.other(), side].into_iter().find_map(|asker| {
        let host = flow.endpoint(asker.other()).ip()?;
        awaited.get(&(flow.endpoint(asker), host)).map(|over| (*over, asker))
    })
}

/// Ports at which the phones' signalling lives.
fn at_home(flow: &Flow) -> bool {
    [flow.client.port(), flow.server.port()]
        .iter()
        .any(|port| matches!(port, 53 | 67..=69 | 123 | 546 | 547 | 5060..=5069 | 5353 | 5355))
}

impl<S: EventSink> FlowSink for Dispatcher<S> {
    type State = FlowState;

    fn signal(&mut self, flow: &Flow, state: &mut FlowState, signal: Signal, stats: &TcpStats, link: &Link, at: At) {
        let (flow, side) = turned(flow, signal_side(signal), state.flipped);
        match Arc::get_mut(&mut self.stats) {
            Some(room) => *room = *stats,
            None => self.stats = Arc::new(*stats),
        }
        let signal = if state.flipped { turned_signal(signal, Arc::make_mut(&mut self.stats)) } else { signal };
        self.sink.event(Event { at, link: *link, flow, side, what: What::Tcp(signal, Arc::clone(&self.stats)) });
    }

    fn datagram(
        &mut self,
        flow: &Flow,
        state: &mut FlowState,
        side: Side,
        bytes: &[u8],
        whole: bool,
        link: &Link,
        at: At,
    ) -> Interest {
        let FlowState { claim, flipped, .. } = state;
        let sink = &mut self.sink;
        let turn = Turn::default();
        let mut out = Emitter { sink, flow: *flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens: None };
        let claimed = match claim {
            Claim::Datagram(over) => Some(*over),
            _ => awaited(&self.awaited, flow, side).map(|(over, asker)| {
                *out.flipped = asker == Side::Server;
                over
            }),
        };
        let question = probe(flow, side, bytes);
        let candidates = protocols::ALL.iter().filter_map(|protocol| protocol.udp.as_ref());
        let candidates = candidates.filter(|over| (over.probe)(&question) == Guess::Yes);
        for over in claimed.into_iter().chain(candidates) {
            if (over.read)(side, bytes, whole, &mut out) {
                *claim = Claim::Datagram(over);
                if out.answered_elsewhere {
                    await_answer(&mut self.awaited, flow, side, over);
                }
                return Interest::Payload;
            }
        }
        if matches!(claim, Claim::Fresh | Claim::Unclaimed(_)) {
            *flipped = false;
        }
        if at_home(flow) {
            self.sink.event(Event { at, link: *link, flow: *flow, side, what: What::Unread { whole } });
        }
        let unclaimed = match claim {
            Claim::Fresh => 1,
            Claim::Unclaimed(count) => count.saturating_add(1),
            // A flow that spoke a protocol keeps its claim: keep-alives come in between.
            _ => return Interest::Payload,
        };
        *claim = Claim::Unclaimed(unclaimed);
        let limit = if at_home(flow) { UNCLAIMED_DATAGRAMS_AT_HOME } else { UNCLAIMED_DATAGRAMS };
        if unclaimed >= limit { Interest::SignalsOnly } else { Interest::Payload }
    }

    fn turn(&mut self, turn: Turn) {
        self.turn = turn;
    }

    fn stream(&mut self, flow: &Flow, state: &mut FlowState, side: Side, bytes: &[u8], link: &Link, at: At) -> Step {
        let FlowState { claim, flipped, inside } = state;
        let (sink, turn, opens) = (&mut self.sink, self.turn, Some((&self.keys, inside)));
        let mut out = Emitter { sink, flow: *flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens };
        claim.read(&probe(flow, side, bytes), |_| true, &mut out)
    }

    fn cut(&mut self, flow: &Flow, state: &mut FlowState, side: Side, rest: &[u8], link: &Link, at: At) {
        let FlowState { claim, flipped, inside } = state;
        if let Claim::Stream(parser) = claim {
            let (sink, turn, opens) = (&mut self.sink, self.turn, Some((&self.keys, inside)));
            let mut out = Emitter { sink, flow: *flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens };
            parser.cut(side, rest, &mut out);
        }
    }

    fn gap(&mut self, flow: &Flow, state: &mut FlowState, side: Side, missing: u64, link: &Link, at: At) -> Interest {
        let FlowState { claim, flipped, inside } = state;
        let (sink, turn, opens) = (&mut self.sink, self.turn, Some((&self.keys, inside)));
        let mut out = Emitter { sink, flow: *flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens };
        match claim {
            Claim::Stream(parser) => match parser.gap(side, missing, &mut out) {
                Step::Done => Interest::SignalsOnly,
                Step::Used { .. } => Interest::Payload,
            },
            _ => Interest::Payload,
        }
    }

    fn end(&mut self, flow: &Flow, state: &mut FlowState, side: Side, rest: &[u8], link: &Link, at: At) {
        let FlowState { claim, flipped, inside } = state;
        if let Claim::Stream(parser) = claim {
            let (sink, turn, opens) = (&mut self.sink, self.turn, Some((&self.keys, inside)));
            let mut out = Emitter { sink, flow: *flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens };
            parser.end(side, rest, &mut out);
        }
    }

    fn held(&self, state: &FlowState) -> usize {
        let outside = match &state.claim {
            Claim::Stream(parser) => parser.held(),
            _ => 0,
        };
        outside.saturating_add(state.inside.as_ref().map_or(0, |inside| inside.held()))
    }

    fn forget(&mut self, state: &mut FlowState) {
        // What comes next is asked for again, and may be taken up by the same protocol.
        state.claim = Claim::Fresh;
        state.inside = None;
    }

    fn other(&mut self, packet: &Packet<'_>) {
        let Some((flow, message)) = without_flow(packet) else { return };
        self.sink.event(Event { at: packet.at, link: packet.link, flow, side: Side::Client, what: What::Message(message) });
        if let Body::Link { ether_type: EAPOL, bytes } = &packet.body {
            self.inner.frame(&mut self.sink, bytes, &packet.link, packet.at);
        }
    }
}

/// What rides on the link, and ICMP, has no flow; the sender stands as the client.
fn without_flow(packet: &Packet<'_>) -> Option<(Flow, Message)> {
    let message = match &packet.body {
        Body::Link { ether_type, bytes } => on_link(*ether_type, bytes)?,
        Body::Icmp(bytes) => Message::Icmp(protocols::icmp::parse_v4(bytes)?),
        Body::Icmpv6(bytes) => Message::Icmp(protocols::icmp::parse_v6(bytes)?),
        _ => return None,
    };
    let flow = match packet.net {
        Some(net) => {
            let end = |ip| Endpoint::Ip(std::net::SocketAddr::new(ip, 0));
            Flow { id: 0, transport: Transport::Icmp, client: end(net.source), server: end(net.destination), oriented: true }
        }
        None => {
            let end = |mac: Option<Mac>| Endpoint::Mac(mac.unwrap_or_default());
            let (client, server) = (end(packet.link.source), end(packet.link.destination));
            Flow { id: 0, transport: Transport::Link, client, server, oriented: true }
        }
    };
    Some((flow, message))
}

fn on_link(ether_type: u16, bytes: &[u8]) -> Option<Message> {
    let mut over = protocols::ALL.iter().filter_map(|protocol| protocol.link.as_ref());
    (over.find(|over| over.ether_type == ether_type)?.read)(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Frame;

    /// A connection whose messages are named by protocol and event.
    struct Wire {
        dispatcher: Dispatcher<Heard>,
        state: FlowState,
        flow: Flow,
    }

    /// The messages, and of what could not be read whether it is whole.
    #[derive(Default)]
    struct Heard(Vec<String>, Vec<bool>);

    impl EventSink for Heard {
        fn event(&mut self, event: Event) {
            if let What::Message(message) = &event.what {
                let message = message.describe();
                self.0.push(format!("{:?} {} {}", event.side, message.protocol(), message.event().unwrap_or_default()));
            }
            if let What::Unread { whole } = event.what {
                self.1.push(whole);
            }
        }
    }

    fn to_port(port: u16) -> Wire {
        let end = |address: [u8; 4], port: u16| Endpoint::Ip(std::net::SocketAddr::from((address, port)));
        let (client, server) = (end([10, 0, 4, 23], 50_000), end([10, 0, 0, 3], port));
        let flow = Flow { id: 1, transport: Transport::Tcp, client, server, oriented: true };
        Wire { dispatcher: Dispatcher::new(Heard::default(), Keys::default()), state: FlowState::default(), flow }
    }

    impl Wire {
        /// Offers bytes as the flow does, until no more of them are used.
        fn says(&mut self, side: Side, bytes: &[u8]) {
            let at = At { frame: Frame::new(1), ..At::default() };
            let mut left = bytes;
            while let Step::Used { bytes: used @ 1.., .. } =
                self.dispatcher.stream(&self.flow, &mut self.state, side, left, &Link::default(), at)
            {
                left = &left[used..];
                if left.is_empty() {
                    return;
                }
            }
        }

        fn heard(&self) -> Vec<&str> {
            self.dispatcher.sink.0.iter().map(String::as_str).collect()
        }
    }

    /// A ClientHello of TLS 1.0 that offers one cipher suite.
    fn hello() -> Vec<u8> {
        let body = [&[3, 1], &[7; 32][..], &[0, 0, 2, 0, 5, 1, 0]].concat();
        let handshake = [&[1, 0, 0, body.len() as u8], &body[..]].concat();
        [&[22, 3, 1, 0, handshake.len() as u8], &handshake[..]].concat()
    }

    /// A handshake_failure of TLS 1.0.
    const ALERT: &[u8] = &[21, 3, 1, 0, 2, 2, 40];

    /// extendedReq for StartTLS, and extendedResp with this result (RFC 4511 section 4.14).
    fn start_tls(result: u8) -> (Vec<u8>, Vec<u8>) {
        let name = [&[0x80, 22], &b"1.3.6.1.4.1.1466.20037"[..]].concat();
        let asked = [&[0x30, 29, 2, 1, 1, 0x77, 24], &name[..]].concat();
        let answered = vec![0x30, 12, 2, 1, 1, 0x78, 7, 10, 1, result, 4, 0, 4, 0];
        (asked, answered)
    }

    #[test]
    fn tls_that_begins_inside_ldap_is_read_as_tls_on_both_sides() {
        let (asked, answered) = start_tls(0);
        let mut wire = to_port(389);
        wire.says(Side::Client, &asked);
        wire.says(Side::Server, &answered);
        wire.says(Side::Client, &hello());
        wire.says(Side::Server, ALERT);
        assert_eq!(
            wire.heard(),
            ["Client ldap extended_request", "Server ldap extended_response", "Client tls client_hello", "Server tls alert"]
        );
    }

    #[test]
    fn what_stands_behind_the_last_word_in_the_same_bytes_is_the_next_protocols() {
        let (asked, answered) = start_tls(0);
        let mut wire = to_port(389);
        wire.says(Side::Client, &asked);
        wire.says(Side::Server, &[&answered[..], ALERT].concat());
        assert_eq!(wire.heard().last(), Some(&"Server tls alert"));
    }

    #[test]
    fn start_tls_that_is_refused_changes_nothing() {
        let (asked, answered) = start_tls(2);
        let mut wire = to_port(389);
        wire.says(Side::Client, &asked);
        wire.says(Side::Server, &answered);
        wire.says(Side::Client, &[0x30, 5, 2, 1, 2, 0x42, 0]);
        assert_eq!(wire.heard().last(), Some(&"Client ldap unbind_request"));
    }

    #[test]
    fn tls_that_begins_inside_a_protocol_that_is_none_of_ours_is_read() {
        let mut wire = to_port(143);
        wire.says(Side::Server, b"* OK ready\r\n");
        wire.says(Side::Client, b"a STARTTLS\r\n");
        wire.says(Side::Server, b"a OK begin\r\n");
        wire.says(Side::Client, &hello());
        wire.says(Side::Server, ALERT);
        assert_eq!(wire.heard(), ["Client tls client_hello", "Server tls alert"]);
    }

    #[test]
    fn a_stream_of_no_protocol_is_left_alone_behind_so_many_pieces() {
        let mut wire = to_port(4444);
        for _ in 0..claim::UNCLAIMED_PIECES / 2 {
            wire.says(Side::Client, b"\xffquestion");
            wire.says(Side::Server, b"\xffanswer");
        }
        let at = At { frame: Frame::new(1), ..At::default() };
        let step = wire.dispatcher.stream(&wire.flow, &mut wire.state, Side::Client, b"\xffmore", &Link::default(), at);
        assert_eq!(step, Step::Done);
    }

    #[test]
    fn a_tunnel_carries_whatever_claims_it() {
        let mut wire = to_port(8080);
        wire.says(Side::Client, b"CONNECT pool.contoso.com:5061 HTTP/1.1\r\n\r\n");
        wire.says(Side::Server, b"HTTP/1.1 200 Connection established\r\n\r\n");
        wire.says(Side::Client, &hello());
        assert_eq!(wire.heard(), ["Client http request", "Server http response", "Client tls client_hello"]);
    }

    #[test]
    fn a_datagram_that_no_protocol_reads_is_told_of_on_ports_of_signalling() {
        let unread = |port: u16, bytes: &[u8], whole: bool| {
            let mut wire = to_port(port);
            let at = At { frame: Frame::new(1), ..At::default() };
            let flow = Flow { transport: Transport::Udp, ..wire.flow };
            wire.dispatcher.datagram(&flow, &mut wire.state, Side::Client, bytes, whole, &Link::default(), at);
            wire.dispatcher.sink.1
        };
        assert_eq!(unread(5060, b"\r\n\r\n", true), [true]);
        assert_eq!(unread(5060, b"REGISTER sip:con", false), [false]);
        assert_eq!(unread(40_000, b"REGISTER sip:con", false), [] as [bool; 0]);
    }
}
