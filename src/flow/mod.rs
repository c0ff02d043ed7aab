//! Packets in, flows out: datagrams and ordered TCP streams with what happened to them. Knows no protocol above TCP and
//! keeps time by the packets alone.

mod assembler;
mod copies;
mod hand;
mod history;
mod hot;
mod key;
mod leftover;
mod limits;
mod sent;
mod stats;
mod streams;
mod table;
mod tcp;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use self::key::community_id;
pub(crate) use self::leftover::{Leftover, Out as Onward, Why};
pub use self::limits::{Limits, Losses};
pub use self::table::FlowTable;
use crate::model::{At, Endpoint, Frame, Side, Warning};
use crate::packet::{Link, Packet};

/// What carries a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// ICMP or ICMPv6: no flow, but events need to say what carried them.
    Icmp,
    /// The link itself: ARP, EAPOL, LLDP…
    Link,
}

/// One conversation, as the sink sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Unique within the run; a port pair that is used again gets another number.
    pub id: u64,
    /// What carries it.
    pub transport: Transport,
    /// The side that began it (where the beginning was not captured: the side with the less server-like port).
    pub client: Endpoint,
    /// The other one.
    pub server: Endpoint,
    /// Was the beginning seen (TCP: a SYN or SYN-ACK; UDP: always), so that `client` is certain?
    pub oriented: bool,
}

impl Flow {
    /// The endpoint of a side.
    pub fn endpoint(&self, side: Side) -> Endpoint {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// The server's address.
    pub fn server_ip(&self) -> Option<IpAddr> {
        self.server.ip()
    }
}

/// What one side of a TCP connection did, counted up to now. After [`Interest::SignalsOnly`] only `syns`, `sent`, `fin`,
/// `rst` and `last` go on, and all that was sent counts as acknowledged; the others stay as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideStats {
    /// SYNs (or SYN-ACKs) sent.
    pub syns: u32,
    /// The last of them.
    pub last_syn: Option<At>,
    /// Segments with payload that brought new bytes.
    pub data_segments: u32,
    /// Payload bytes sent, by sequence numbers, without repeats.
    pub sent: u64,
    /// How many of them the other side has acknowledged.
    pub acknowledged: u64,
    /// First and last payload.
    pub first_data: Option<At>,
    /// The last segment with payload, repeats included.
    pub last_data: Option<At>,
    /// Did its last new payload follow such of its own, with nothing of the other side between?
    pub went_on: bool,
    /// Segments sent again.
    pub retransmitted: u32,
    /// Payload length of the longest segment.
    pub largest_segment: u32,
    /// Has the other side since acknowledged all that had been sent?
    pub largest_passed: bool,
    /// How often the oldest unacknowledged segment was sent again, and how long it is; reset when it is acknowledged.
    pub stuck_repeats: u32,
    /// Payload length of that segment.
    pub stuck_length: u32,
    /// Bytes that the other side acknowledged although they were never captured: the capture's loss, not the network's.
    /// Where the capture has only one direction, that is all that the other side sent.
    pub uncaptured: u64,
    /// The first FIN.
    pub fin: Option<At>,
    /// The first RST.
    pub rst: Option<At>,
    /// The last segment of any kind.
    pub last: Option<At>,
    /// Did the capture's snap length cut payload of this side?
    pub cut: bool,
    /// Segments that the capture has twice (mirrored ports): the same within a millisecond. Counted nowhere else.
    pub copies: u32,
    /// Segments that repeated bytes with another content.
    pub conflicts: u32,
}

impl SideStats {
    /// Has the other side acknowledged a segment of this length?
    pub fn passed(&self, length: u32) -> bool {
        self.largest_segment >= length && self.largest_passed
    }

    /// Bytes, at least, that were sent before a later segment and neither arrived in the capture nor were acknowledged: near
    /// the receiver, segments that the path swallows show as a hole alone.
    pub fn hole(&self) -> u64 {
        let captured = u64::from(self.data_segments).saturating_mul(u64::from(self.largest_segment));
        if self.uncaptured > 0 || self.acknowledged >= self.sent { 0 } else { self.sent.saturating_sub(captured) }
    }
}

/// Both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// The client's side.
    pub client: SideStats,
    /// The server's side.
    pub server: SideStats,
}

impl TcpStats {
    /// One side.
    pub fn side(&self, side: Side) -> &SideStats {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

/// A TCP segment that repeats bytes with another content: two hosts that answer as one, something on the path that writes
/// into the connection, or a damaged packet. The first reading is the one that is used, for a receiver does not take back
/// what it has (RFC 9293, 3.10.7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who sent both, by their addresses.
    pub source: Endpoint,
    /// To whom.
    pub destination: Endpoint,
    /// The frame of the first reading.
    pub first: Frame,
    /// The frame of the other one.
    pub again: Frame,
}

impl Conflict {
    /// In words, for people.
    fn warning(&self) -> Warning {
        let Self { source, destination, first, again } = self;
        let text = format!(
            "a TCP segment from {source} to {destination} repeats bytes of frame {first} with another content; those of frame \
             {first} were used"
        );
        Warning { frame: Some(*again), text }
    }
}

/// Where a piece of a stream stands between what both sides say, by their own numbers: a capture can have what came side by
/// side in another order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Bytes of its side, up to its end.
    pub said: u64,
    /// Bytes of the other side that its sender had acknowledged.
    pub heard: u64,
}

/// Something that happened to a TCP connection as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A SYN; `first` is false for a repeat.
    Syn {
        /// Is it the first of this connection?
        first: bool,
    },
    /// A SYN-ACK; `first` is false for a repeat.
    SynAck {
        /// Is it the first of this connection?
        first: bool,
    },
    /// The first FIN of a side.
    Fin(Side),
    /// The first RST of a side.
    Rst(Side),
    /// The first payload of a side.
    FirstData(Side),
    /// The flow leaves the table: closed, idle too long, pushed out, or the capture ended. The last signal.
    Ended,
}

/// What the sink wants of a flow from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// The payload.
    Payload,
    /// Signals only: payloads are not looked at, buffered or ordered any more.
    SignalsOnly,
}

/// What the sink made of the bytes of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `bytes` of them are used up. Call again when at least `need` bytes are there beyond those (0: when any is).
    Used {
        /// Bytes used up, from the front.
        bytes: usize,
        /// Length that the unused rest must have before it is worth looking again.
        need: usize,
    },
    /// No payload of either side is of interest any more.
    Done,
}

/// Takes what the table finds. Calls for one flow come in the order of the capture; `at` is always the packet in hand,
/// so a message that completes during a call completed in that frame. A flow that leaves the table because of another
/// flow's packet or the end of the capture comes with an empty `link`, for that packet says nothing about its stations.
pub trait FlowSink {
    /// What the sink keeps with each flow.
    type State: Default;

    /// Something happened to a TCP connection.
    fn signal(&mut self, flow: &Flow, state: &mut Self::State, signal: Signal, stats: &TcpStats, link: &Link, at: At);

    /// A UDP datagram. `whole` is false where the capture cut it.
    #[expect(clippy::too_many_arguments, reason = "a packet's facts, passed without building a struct for each packet")]
    fn datagram(
        &mut self,
        flow: &Flow,
        state: &mut Self::State,
        side: Side,
        bytes: &[u8],
        whole: bool,
        link: &Link,
        at: At,
    ) -> Interest;

    /// Where the segment stands that is in hand: what the next call to `stream` brings came with it.
    fn turn(&mut self, _turn: Turn) {}

    /// The next bytes of one direction of a TCP stream, in order: what was left over, and what is new.
    fn stream(&mut self, flow: &Flow, state: &mut Self::State, side: Side, bytes: &[u8], link: &Link, at: At) -> Step;

    /// The capture cut a segment of one direction, and `rest` was left over before the cut. A gap follows.
    fn cut(&mut self, _flow: &Flow, _state: &mut Self::State, _side: Side, _rest: &[u8], _link: &Link, _at: At) {}

    /// `missing` bytes of one direction will never come (lost by the capture or cut by its snap length). What was left
    /// over before the hole is dropped; the next call to `stream` begins behind it.
    fn gap(&mut self, flow: &Flow, state: &mut Self::State, side: Side, missing: u64, link: &Link, at: At) -> Interest;

    /// One direction has ended (FIN in order, RST, or the end of the flow); `rest` is what was left over. A RST before any
    /// payload or FIN ends nothing yet: the client may try on with the same SYN. After a RST, more of the side that did not
    /// send it may follow: what it had under way.
    fn end(&mut self, flow: &Flow, state: &mut Self::State, side: Side, rest: &[u8], link: &Link, at: At);

    /// Bytes that the sink keeps of a flow's streams. They count as if the table kept them.
    fn held(&self, _state: &Self::State) -> usize {
        0
    }

    /// Memory is needed elsewhere: drops what `held` counts.
    fn forget(&mut self, _state: &mut Self::State) {}

    /// A packet that belongs to no flow: ARP, ICMP, EAPOL…
    fn other(&mut self, packet: &Packet<'_>);
}
