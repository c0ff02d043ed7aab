//! EAPOL frames in, the TLS that 802.1X carries out: what a switch's RADIUS server and a device say to each other, read as if
//! it went over a connection.

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::Emitter;
use crate::event::EventSink;
use crate::flow::{Flow, Step, Transport, Turn};
use crate::model::{At, Endpoint, Mac, Side};
use crate::packet::Link;
use crate::protocols::eap::{self, Join, Joined, Piece};
use crate::protocols::{StreamParser, tls};

/// Conversations that go on at a time; the oldest goes first. A port has one as a rule.
const CONVERSATIONS: usize = 32;

/// The conversations, each by the device that wants to be let in.
#[derive(Default)]
pub(super) struct Inner(IndexMap<Mac, Conversation, RandomState>);

struct Conversation {
    switch: Mac,
    client: Half,
    server: Half,
    parser: Box<dyn StreamParser>,
}

/// What one side has said.
#[derive(Default)]
struct Half {
    join: Join,
    /// The beginning of a record whose end is in the next message.
    rest: Vec<u8>,
}

impl Inner {
    /// Takes an EAPOL frame.
    pub(super) fn frame<S: EventSink>(&mut self, sink: &mut S, bytes: &[u8], link: &Link, at: At) {
        let Some(piece) = eap::piece(bytes) else { return };
        let (source, destination) = (link.source.unwrap_or_default(), link.destination.unwrap_or_default());
        let Some(device) = self.device(&piece, source, destination) else { return };
        if piece.begins || !self.0.contains_key(&device) {
            self.begin(device, if piece.of_peer { destination } else { source });
        }
        let Some(conversation) = self.0.get_mut(&device) else { return };
        if !piece.of_peer {
            conversation.switch = source;
        }
        let end = Endpoint::Mac;
        let flow =
            Flow { id: 0, transport: Transport::Link, client: end(device), server: end(conversation.switch), oriented: true };
        let (flipped, turn) = (&mut false, Turn::default());
        let mut out = Emitter { sink, flow, flipped, link: *link, at, turn, answered_elsewhere: false, opens: None };
        if !piece.begins && conversation.take(&piece, &mut out) == Step::Done {
            self.0.shift_remove(&device);
        }
    }

    /// Whose conversation it is. Where a switch speaks to all of a port, it is that of the one device which speaks with it.
    fn device(&self, piece: &Piece<'_>, source: Mac, destination: Mac) -> Option<Mac> {
        if piece.of_peer {
            return Some(source);
        }
        if !destination.is_group() {
            return Some(destination);
        }
        let mut of_switch = self.0.iter().filter(|(_, conversation)| conversation.is_with(source));
        let (device, _) = of_switch.next()?;
        of_switch.next().is_none().then_some(*device)
    }

    fn begin(&mut self, device: Mac, switch: Mac) {
        if self.0.len() >= CONVERSATIONS {
            self.0.shift_remove_index(0);
        }
        let Some(over) = &tls::PROTOCOL.tcp else { return };
        let conversation = Conversation { switch, client: Half::default(), server: Half::default(), parser: (over.parser)() };
        self.0.shift_remove(&device);
        self.0.insert(device, conversation);
    }
}

impl Conversation {
    /// Is it with this switch, as far as that has shown itself?
    fn is_with(&self, switch: Mac) -> bool {
        self.switch == switch || self.switch.is_group()
    }

    fn take<S: EventSink>(&mut self, piece: &Piece<'_>, out: &mut Emitter<'_, S>) -> Step {
        let (side, half) = if piece.of_peer { (Side::Client, &mut self.client) } else { (Side::Server, &mut self.server) };
        match half.join.take(piece) {
            Joined::Nothing => Step::Used { bytes: 0, need: 0 },
            Joined::Lost => {
                half.rest = Vec::new();
                self.parser.gap(side, 1, out)
            }
            Joined::Message(message) => {
                half.rest.extend(message);
                let step = self.parser.data(side, &half.rest, out);
                if let Step::Used { bytes, .. } = step {
                    half.rest.drain(..bytes.min(half.rest.len()));
                }
                step
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, What};
    use crate::model::Frame;
    use crate::protocols::Message;

    const PHONE: Mac = Mac([0, 4, 0xf2, 1, 2, 3]);
    const SWITCH: Mac = Mac([0, 0x1b, 0x0c, 0, 0, 1]);
    const PORT: Mac = Mac([1, 0x80, 0xc2, 0, 0, 3]);

    #[derive(Default)]
    struct Heard(Vec<(u64, Endpoint, Side, String)>);

    impl EventSink for Heard {
        fn event(&mut self, event: Event) {
            if let What::Message(Message::Tls(message)) = &event.what {
                let word = Message::Tls(message.clone()).describe().event().unwrap_or_default().to_owned();
                self.0.push((event.at.frame.number(), event.flow.client, event.side, word));
            }
        }
    }

    /// A handshake message in a record of TLS 1.0.
    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = ((body.len() + 4) as u16).to_be_bytes();
        let own = (body.len() as u16).to_be_bytes();
        [&[22, 3, 1, length[0], length[1], kind, 0, own[0], own[1]], body].concat()
    }

    fn says(inner: &mut Inner, heard: &mut Heard, frame: u64, from: Mac, to: Mac, packet: (u8, u8, u8), data: &[u8]) {
        let (code, identifier, flags) = packet;
        let whole = ((6 + data.len()) as u16).to_be_bytes();
        let bytes = [&[1, 0, whole[0], whole[1], code, identifier, whole[0], whole[1], 25, flags], data].concat();
        let link = Link { source: Some(from), destination: Some(to), ..Link::default() };
        inner.frame(heard, &bytes, &link, At { frame: Frame::new(frame), ..At::default() });
    }

    #[test]
    fn a_certificate_in_pieces_is_told_in_the_frame_that_completes_it() {
        let hello = record(1, &[&[3, 1], &[7; 32][..], &[0, 0, 2, 0, 5, 1, 0]].concat());
        let certificate = include_bytes!("../formats/samples/rsa2048-sha256.der");
        let length = |more: usize| [0, ((certificate.len() + more) >> 8) as u8, (certificate.len() + more) as u8];
        let chain = record(11, &[length(3).as_slice(), &length(0), certificate].concat());
        let (mut inner, mut heard) = (Inner::default(), Heard::default());
        says(&mut inner, &mut heard, 1, SWITCH, PORT, (1, 4, 0x20), &[]);
        says(&mut inner, &mut heard, 2, PHONE, PORT, (2, 4, 0), &hello);
        says(&mut inner, &mut heard, 3, SWITCH, PORT, (1, 5, 0x40), &chain[..400]);
        says(&mut inner, &mut heard, 4, PHONE, PORT, (2, 5, 0), &[]);
        says(&mut inner, &mut heard, 5, SWITCH, PORT, (1, 6, 0), &chain[400..]);
        says(&mut inner, &mut heard, 6, PHONE, PORT, (2, 6, 0), &[21, 3, 1, 0, 2, 2, 48]);
        let phone = Endpoint::Mac(PHONE);
        assert_eq!(
            heard.0,
            [
                (2, phone, Side::Client, "client_hello".to_owned()),
                (5, phone, Side::Server, "certificate".to_owned()),
                (6, phone, Side::Client, "alert".to_owned()),
            ]
        );
    }

    #[test]
    fn no_more_conversations_are_kept_than_there_may_be() {
        let (mut inner, mut heard) = (Inner::default(), Heard::default());
        for station in 0..100 {
            says(&mut inner, &mut heard, 1, Mac([2, 0, 0, 0, 0, station]), PORT, (2, 4, 0x40), &[22, 3, 1]);
        }
        assert_eq!(inner.0.len(), CONVERSATIONS);
        assert!(!inner.0.contains_key(&Mac([2, 0, 0, 0, 0, 0])) && inner.0.contains_key(&Mac([2, 0, 0, 0, 0, 99])));
    }
}
