//! Any protocol of the list, by the way it rides: what it says is the same however its bytes come, and can be printed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use loginloop::event::{Event, What};
use loginloop::flow::{Flow, Interest, Transport};
use loginloop::keylog::Keys;
use loginloop::model::{At, Endpoint, Side};
use loginloop::protocols::{self, Guess, Inner, Message, Out, OverLink, OverTcp, OverUdp, Probe};
use loginloop::report::events::EventWriter;

use crate::feed::{Act, Said, told, told_to};

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

/// Each begins with an octet (what, whose) and a length of two octets.
fn acts(mut bytes: &[u8]) -> Vec<Act> {
    let mut acts = Vec::new();
    while let [what, high, low, rest @ ..] = bytes {
        let side = if what & 1 == 0 { Side::Client } else { Side::Server };
        let length = u16::from_be_bytes([*high, *low]);
        bytes = rest;
        acts.push(match what >> 1 & 7 {
            0..=4 => {
                let (data, behind) = rest.split_at(usize::from(length).min(rest.len()));
                bytes = behind;
                Act::Data(side, data.to_vec())
            }
            5 | 6 => Act::Gap(side, u64::from(length) + 1),
            _ => Act::End(side),
        });
    }
    acts
}

/// Do these streams keep their framing? Where TLS or DNS have lost it, what is taken for a message again depends on where a
/// segment ends.
fn is_framed(name: &str, acts: &[Act]) -> bool {
    let of = |wanted: Side| -> Vec<u8> {
        let parts = acts.iter().filter_map(|act| match act {
            Act::Data(side, bytes) if *side == wanted => Some(bytes.as_slice()),
            _ => None,
        });
        parts.collect::<Vec<_>>().concat()
    };
    [Side::Client, Side::Server].into_iter().all(|side| {
        let bytes = of(side);
        let mut rest = bytes.as_slice();
        while let ("dns", [high, low, behind @ ..]) = (name, rest) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length < 17 || behind.len() < length {
                return false;
            }
            rest = behind.get(length..).unwrap_or_default();
        }
        while let [kind, 3, minor, high, low, behind @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if !(20..=24).contains(kind) || *minor > 4 || length == 0 || length > 512 && *kind < 22 || length > 18_432 {
                return false;
            }
            rest = behind.get(length..).unwrap_or_default();
        }
        rest.is_empty()
    })
}

/// Secrets, and what they opened.
struct Listener<'a> {
    keys: &'a Keys,
    said: Vec<(Side, Message)>,
    inside: [Vec<u8>; 2],
    is_torn: bool,
}

impl Out for Listener<'_> {
    fn message(&mut self, side: Side, message: Message) {
        self.said.push((side, message));
    }

    fn keys(&self) -> Option<&Keys> {
        self.keys.any()
    }

    fn inner(&mut self, side: Side, piece: Inner<'_>) -> Interest {
        assert!(!self.is_torn, "of what is torn no more is said");
        match piece {
            Inner::Bytes(bytes) => self.inside[side as usize].extend(bytes),
            Inner::Torn => self.is_torn = true,
            Inner::End => {}
        }
        Interest::Payload
    }
}

/// A key log behind its length (two octets), and a stream of TLS: what the secrets open is the same however it comes, and no longer
/// than what was sent.
pub fn opened(bytes: &[u8]) {
    let [high, low, bytes @ ..] = bytes else { return };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (key_log, stream) = bytes.split_at(length.min(bytes.len()));
    let mut keys = Keys::default();
    keys.add(key_log);
    let acts = acts(stream);
    let Some(over) = &protocols::tls::PROTOCOL.tcp else { return };
    let listen = |piece: usize| {
        let listener = Listener { keys: &keys, said: Vec::new(), inside: Default::default(), is_torn: false };
        told_to(over, &acts, piece, listener)
    };
    let whole = listen(usize::MAX);
    assert!(whole.inside.concat().len() <= stream.len());
    if !acts.iter().any(|act| matches!(act, Act::Gap(..))) && is_framed("tls", &acts) {
        for piece in [1, 7] {
            let pieces = listen(piece);
            assert!(whole.inside == pieces.inside && whole.said == pieces.said, "in pieces of {piece}");
        }
    }
    whole.said.into_iter().for_each(|(side, message)| print(side, message));
}

/// A stream says the same in whole pieces, byte by byte, and by the seven.
pub fn stream(name: &str, over: &OverTcp, bytes: &[u8]) {
    let acts = acts(bytes);
    for act in &acts {
        if let Act::Data(side, bytes) = act {
            let side = *side;
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
    let comparable =
        !["dns", "tls"].contains(&name) || !acts.iter().any(|act| matches!(act, Act::Gap(..))) && is_framed(name, &acts);
    for piece in [1, 7].into_iter().filter(|_| comparable) {
        let pieces = told(over, &acts, piece);
        let same = whole.iter().zip(&pieces).take_while(|(one, other)| one == other).count();
        assert_eq!(whole.get(same), pieces.get(same), "message {same}, in pieces of {piece}");
    }
    whole.into_iter().for_each(|(side, message)| print(side, message));
}
