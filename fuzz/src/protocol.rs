//! Any protocol of the list, by the way it rides: what it says is the same however its bytes come, and can be printed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use loginloop::event::{Event, What};
use loginloop::flow::{Flow, Step, Transport};
use loginloop::model::{At, Endpoint, Side};
use loginloop::protocols::{self, Guess, Message, Out, OverLink, OverTcp, OverUdp, Probe, StreamParser};
use loginloop::report::events::EventWriter;

#[derive(Debug, Default, PartialEq)]
struct Said(Vec<(Side, Message)>);

impl Out for Said {
    fn message(&mut self, side: Side, message: Message) {
        self.0.push((side, message));
    }
}

/// Prints a message as `events` does; the line must be JSON and carry no character that steers a terminal.
fn print(side: Side, message: Message) {
    let end = |port| Endpoint::Ip(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    let flow = Flow { id: 0, transport: Transport::Udp, client: end(1), server: end(2), oriented: true };
    let event = Event { at: At::default(), link: Default::default(), flow, side, what: What::Message(message) };
    let mut writer = EventWriter::new(Vec::new());
    writer.event(&event, None).expect("memory takes it");
    crate::program::is_json_lines(&writer.finish().expect("memory takes it"));
}

/// Side and wholeness (one octet), both ports (two octets each), and the datagram.
pub fn datagram(over: &OverUdp, bytes: &[u8]) {
    let [flags, a, b, c, d, bytes @ ..] = bytes else { return };
    let side = if flags & 1 == 0 { Side::Client } else { Side::Server };
    let (client_port, server_port) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
    (over.probe)(&Probe { side, client_port, server_port, bytes });
    let (mut once, mut again) = (Said::default(), Said::default());
    let is_own = (over.read)(side, bytes, flags & 2 == 0, &mut once);
    assert_eq!(is_own, (over.read)(side, bytes, flags & 2 == 0, &mut again));
    assert_eq!(once, again);
    assert!(is_own || once.0.is_empty(), "what is not of the protocol says nothing");
    once.0.into_iter().for_each(|(side, message)| print(side, message));
}

/// A frame from behind its EtherType on.
pub fn frame(over: &OverLink, bytes: &[u8]) {
    let message = (over.read)(bytes);
    assert_eq!(message, (over.read)(bytes));
    message.into_iter().for_each(|message| print(Side::Client, message));
}

/// ICMP rides on IP alone.
pub fn icmp(bytes: &[u8]) {
    let both = [protocols::icmp::parse_v4(bytes), protocols::icmp::parse_v6(bytes)];
    both.into_iter().flatten().for_each(|message| print(Side::Client, Message::Icmp(message)));
}

/// Something that happens to a stream.
#[derive(Clone, Copy)]
enum Act<'a> {
    Data(Side, &'a [u8]),
    Gap(Side, u64),
    End(Side),
}

/// Each begins with an octet (what, whose) and a length of two octets.
fn acts(mut bytes: &[u8]) -> Vec<Act<'_>> {
    let mut acts = Vec::new();
    while let [what, high, low, rest @ ..] = bytes {
        let side = if what & 1 == 0 { Side::Client } else { Side::Server };
        let length = u16::from_be_bytes([*high, *low]);
        bytes = rest;
        acts.push(match what >> 1 & 7 {
            0..=4 => {
                let (data, behind) = rest.split_at(usize::from(length).min(rest.len()));
                bytes = behind;
                Act::Data(side, data)
            }
            5 | 6 => Act::Gap(side, u64::from(length) + 1),
            _ => Act::End(side),
        });
    }
    acts
}

/// Feeds a parser as the flow table does: what it does not use it is given again with more behind it.
struct Feed {
    parser: Box<dyn StreamParser>,
    kept: [Vec<u8>; 2],
    need: [usize; 2],
    ended: [bool; 2],
    done: bool,
    said: Said,
}

impl Feed {
    fn new(over: &OverTcp) -> Self {
        Self {
            parser: (over.parser)(),
            kept: Default::default(),
            need: [0; 2],
            ended: [false; 2],
            done: false,
            said: Said::default(),
        }
    }

    fn data(&mut self, side: Side, fresh: &[u8]) {
        let index = side as usize;
        if self.ended[index] {
            return;
        }
        self.kept[index].extend_from_slice(fresh);
        loop {
            let bytes = self.kept[index].as_slice();
            if self.done || bytes.is_empty() || bytes.len() < self.need[index] {
                return;
            }
            match self.parser.data(side, bytes, &mut self.said) {
                Step::Done => self.done = true,
                Step::Used { bytes: 0, need } => self.need[index] = need.max(bytes.len() + 1),
                Step::Used { bytes: used, need } => {
                    assert!(used <= bytes.len(), "more was used than there was");
                    self.need[index] = need;
                    self.kept[index].drain(..used);
                }
            }
        }
    }

    fn gap(&mut self, side: Side, missing: u64) {
        let index = side as usize;
        if self.done || self.ended[index] {
            return;
        }
        self.kept[index].clear();
        self.need[index] = 0;
        self.done = self.parser.gap(side, missing, &mut self.said) == Step::Done;
    }

    fn end(&mut self, side: Side) {
        let index = side as usize;
        if !self.done && !self.ended[index] {
            self.parser.end(side, &self.kept[index], &mut self.said);
            self.ended[index] = true;
        }
    }
}

fn told(over: &OverTcp, acts: &[Act<'_>], piece: usize) -> Said {
    let mut feed = Feed::new(over);
    for act in acts {
        match *act {
            Act::Data(side, bytes) => bytes.chunks(piece).for_each(|bytes| feed.data(side, bytes)),
            Act::Gap(side, missing) => feed.gap(side, missing),
            Act::End(side) => feed.end(side),
        }
    }
    feed.end(Side::Client);
    feed.end(Side::Server);
    feed.said
}

/// A stream says the same in whole pieces, byte by byte, and by the seven.
pub fn stream(over: &OverTcp, bytes: &[u8]) {
    let acts = acts(bytes);
    for act in &acts {
        if let Act::Data(side, bytes) = *act {
            let first = bytes.len().min(64);
            let guess =
                |length: usize| (over.probe)(&Probe { side, client_port: 40_000, server_port: 5061, bytes: &bytes[..length] });
            // A longer beginning makes nothing doubtful that was clear.
            if guess(first / 2) == Guess::No {
                assert_eq!(guess(first), Guess::No);
            }
        }
    }
    let whole = told(over, &acts, usize::MAX);
    for piece in [1, 7] {
        let pieces = told(over, &acts, piece);
        let same = whole.0.iter().zip(&pieces.0).take_while(|(one, other)| one == other).count();
        assert_eq!(whole.0.get(same), pieces.0.get(same), "message {same}, in pieces of {piece}");
    }
    whole.0.into_iter().for_each(|(side, message)| print(side, message));
}
