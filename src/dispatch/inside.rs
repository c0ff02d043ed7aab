//! What a stream carries inside: bytes out of opened records in, fed to the protocol that claims them as if they had come in
//! clear, in the frame that completed the record.

use super::{Claim, Emitter, probe};
use crate::event::EventSink;
use crate::flow::{Interest, Leftover, Limits, Onward, Step, Why};
use crate::model::Side;
use crate::protocols::{Inner, Probe, tls};

/// The inside of one stream.
#[derive(Default)]
pub(super) struct Inside {
    claim: Claim,
    client: Leftover,
    server: Leftover,
    /// Is no more of it told?
    over: bool,
}

impl Inside {
    /// The next piece of one side. Is more wanted?
    pub(super) fn take<S: EventSink>(&mut self, side: Side, piece: Inner<'_>, mut out: Emitter<'_, S>) -> Interest {
        if self.over {
            return Interest::SignalsOnly;
        }
        let Self { claim, client, server, .. } = self;
        let leftover = if side == Side::Client { client } else { server };
        let interest = match piece {
            Inner::Bytes(bytes) => {
                let limit = Limits::default().side_bytes;
                leftover.offer(bytes, limit, &mut Feed { claim, side, out: &mut out })
            }
            Inner::End => {
                if let Claim::Stream(parser) = claim {
                    parser.end(side, leftover.bytes(), &mut out);
                }
                leftover.clear();
                Interest::Payload
            }
            Inner::Torn => Interest::SignalsOnly,
        };
        if interest == Interest::SignalsOnly {
            *self = Self { over: true, ..Self::default() };
        }
        interest
    }

    /// Bytes that are kept.
    pub(super) fn held(&self) -> usize {
        let parser = match &self.claim {
            Claim::Stream(parser) => parser.held(),
            _ => 0,
        };
        let buffers = self.client.capacity().saturating_add(self.server.capacity());
        parser.saturating_add(buffers).saturating_add(size_of::<Self>())
    }
}

/// Feeds the protocol that has claimed the stream.
struct Feed<'a, 'b, S> {
    claim: &'a mut Claim,
    side: Side,
    out: &'a mut Emitter<'b, S>,
}

impl<S: EventSink> Onward for Feed<'_, '_, S> {
    fn stream(&mut self, bytes: &[u8]) -> Step {
        let question = probe(&self.out.flow, self.side, bytes);
        let in_clear =
            Probe { client_port: in_clear(question.client_port), server_port: in_clear(question.server_port), ..question };
        self.claim.read(&in_clear, |protocol| protocol.name != tls::PROTOCOL.name, self.out)
    }

    fn gap(&mut self, missing: u64, _why: Why) -> Interest {
        let Claim::Stream(parser) = self.claim else { return Interest::Payload };
        if parser.gap(self.side, missing, self.out) == Step::Done { Interest::SignalsOnly } else { Interest::Payload }
    }
}

/// The port at which the same is said in clear, by which some protocols are known.
fn in_clear(port: u16) -> u16 {
    match port {
        443 | 8443 => 80,
        636 => 389,
        853 => 53,
        3269 => 3268,
        port => port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, What};
    use crate::flow::Turn;
    use crate::flow::{Flow, Transport};
    use crate::model::{At, Endpoint, Frame};
    use crate::packet::Link;

    #[derive(Default)]
    struct Heard(Vec<(u64, Side, String)>);

    impl EventSink for Heard {
        fn event(&mut self, event: Event) {
            if let What::Message(message) = &event.what {
                let word = format!("{} {}", message.describe().protocol(), message.describe().event().unwrap_or_default());
                self.0.push((event.at.frame.number(), event.side, word));
            }
        }
    }

    /// A connection to a port, of which each piece comes in the next frame.
    struct Wire {
        inside: Inside,
        heard: Heard,
        port: u16,
        frame: u64,
    }

    fn to_port(port: u16) -> Wire {
        Wire { inside: Inside::default(), heard: Heard::default(), port, frame: 0 }
    }

    impl Wire {
        fn says(&mut self, side: Side, piece: Inner<'_>) -> Interest {
            self.frame += 1;
            let end = |port: u16| Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 4, 23], port)));
            let flow = Flow { id: 1, transport: Transport::Tcp, client: end(50_000), server: end(self.port), oriented: true };
            let at = At { frame: Frame::new(self.frame), ..At::default() };
            let (sink, flipped, link) = (&mut self.heard, &mut false, Link::default());
            let turn = Turn::default();
            let out = Emitter { sink, flow, flipped, link, at, turn, answered_elsewhere: false, opens: None };
            self.inside.take(side, piece, out)
        }
    }

    const REGISTER: &[u8] = b"REGISTER sip:contoso.com SIP/2.0\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";

    #[test]
    fn a_message_in_several_records_is_told_in_the_frame_of_the_last() {
        let mut wire = to_port(5061);
        let (first, second) = REGISTER.split_at(20);
        wire.says(Side::Client, Inner::Bytes(first));
        wire.says(Side::Client, Inner::Bytes(second));
        assert_eq!(wire.heard.0, [(2, Side::Client, "sip register".to_owned())]);
    }

    #[test]
    fn what_is_known_by_its_port_is_known_at_the_port_with_tls() {
        let unbind = [0x30, 5, 2, 1, 2, 0x42, 0];
        for (port, wanted) in [(636, 1), (3269, 1), (5061, 0)] {
            let mut wire = to_port(port);
            wire.says(Side::Client, Inner::Bytes(&unbind));
            assert_eq!(wire.heard.0.len(), wanted, "{port}");
        }
    }

    #[test]
    fn tls_is_not_looked_for_inside_tls() {
        let mut wire = to_port(443);
        let hello = [&[22, 3, 1, 0, 47, 1, 0, 0, 43, 3, 1], &[7; 32][..], &[0, 0, 2, 0, 5, 1, 0, 0, 0]].concat();
        wire.says(Side::Server, Inner::Bytes(&[21, 3, 1, 0, 2, 2, 40]));
        while wire.says(Side::Client, Inner::Bytes(&hello)) == Interest::Payload {
            assert!(wire.frame < 1000, "what nobody claims is given up");
        }
        assert!(wire.heard.0.is_empty());
    }

    #[test]
    fn the_end_of_a_side_completes_what_only_the_end_delimits() {
        let mut wire = to_port(443);
        wire.says(Side::Client, Inner::Bytes(b"GET / HTTP/1.0\r\n\r\n"));
        wire.says(Side::Server, Inner::Bytes(b"HTTP/1.0 200 OK\r\n\r\nbody"));
        wire.says(Side::Server, Inner::End);
        assert_eq!(wire.heard.0.last(), Some(&(3, Side::Server, "http response".to_owned())));
    }

    #[test]
    fn behind_a_tear_nothing_more_is_told_and_nothing_kept() {
        let mut wire = to_port(5061);
        wire.says(Side::Client, Inner::Bytes(&REGISTER[..20]));
        assert!(wire.inside.held() > size_of::<Inside>());
        assert_eq!(wire.says(Side::Server, Inner::Torn), Interest::SignalsOnly);
        assert_eq!(wire.says(Side::Client, Inner::Bytes(REGISTER)), Interest::SignalsOnly);
        assert!(wire.heard.0.is_empty());
        assert_eq!(wire.inside.held(), size_of::<Inside>());
    }

    #[test]
    fn no_more_is_kept_of_a_side_than_of_a_stream_in_clear() {
        let mut wire = to_port(5061);
        let bound = Limits::default().side_bytes;
        wire.says(Side::Client, Inner::Bytes(b"REGISTER sip:contoso.com SIP/2.0\r\nContent-Length: 999999999\r\n\r\n"));
        for _ in 0..200 {
            wire.says(Side::Client, Inner::Bytes(&[b'a'; 16_384]));
            assert!(wire.inside.held() <= 2 * bound + 4096);
        }
    }
}
