//! The first bytes of a stream in, the protocol that claims it out; from then on it gets what follows.

use crate::flow::Step;
use crate::model::Side;
use crate::protocols::{self, Guess, Out, OverTcp, OverUdp, Probe, Protocol, StreamParser};

/// In the stream of a protocol that is none of ours, so many pieces may come before a StartTLS.
pub(super) const UNCLAIMED_PIECES: u8 = 64;
/// The first bytes of a side that a protocol may ask for before it must say yes.
const PROBE_LIMIT: usize = 64;

/// Whose payload it is.
#[derive(Default)]
pub(super) enum Claim {
    /// Nobody has claimed it yet.
    #[default]
    Fresh,
    /// Datagrams that nobody claimed.
    Unclaimed(u8),
    /// The first bytes of these sides were nobody's, nor were so many pieces of both.
    Refused { client: bool, server: bool, pieces: u8 },
    /// A datagram protocol.
    Datagram(&'static OverUdp),
    /// A stream protocol.
    Stream(Box<dyn StreamParser>),
}

impl Claim {
    /// A protocol that is over leaves the stream to whoever claims what follows.
    fn renew(&mut self) {
        if matches!(self, Claim::Stream(parser) if parser.is_over()) {
            *self = Claim::Fresh;
        }
    }

    /// Gives the next bytes of one side to the protocol that has claimed the stream, or to the one that does now.
    pub(super) fn read(&mut self, probe: &Probe<'_>, may_claim: fn(&Protocol) -> bool, out: &mut dyn Out) -> Step {
        let Probe { side, bytes, .. } = *probe;
        if let Claim::Stream(parser) = self {
            let step = parser.data(side, bytes, out);
            self.renew();
            return step;
        }
        let found = match self {
            Claim::Refused { client: true, server: true, .. } => after_start_tls(probe, may_claim),
            _ => claim_stream(probe, may_claim),
        };
        match found {
            Ok(over) => {
                let mut parser = (over.parser)();
                let step = parser.data(side, bytes, out);
                *self = Claim::Stream(parser);
                self.renew();
                step
            }
            Err(Guess::Maybe) => Step::Used { bytes: 0, need: bytes.len().saturating_add(1) },
            Err(_) => {
                let (client, server, pieces) = match self {
                    Claim::Refused { client, server, pieces } => (*client, *server, *pieces),
                    _ => (false, false, 0),
                };
                let (client, server) = (client || side == Side::Client, server || side == Side::Server);
                let pieces = pieces.saturating_add(1);
                *self = Claim::Refused { client, server, pieces };
                let is_given_up = client && server && pieces >= UNCLAIMED_PIECES;
                if is_given_up { Step::Done } else { Step::Used { bytes: bytes.len(), need: 0 } }
            }
        }
    }
}

/// The stream protocol that claims these bytes, or how sure it is that none will. One that is still in doubt when enough
/// is there gets them: it finds its way from the middle of a stream, or gives it up.
fn claim_stream(probe: &Probe<'_>, may_claim: fn(&Protocol) -> bool) -> Result<&'static OverTcp, Guess> {
    let mut undecided = None;
    for over in protocols::ALL.iter().filter(|protocol| may_claim(protocol)).filter_map(|protocol| protocol.tcp.as_ref()) {
        match (over.probe)(probe) {
            Guess::Yes => return Ok(over),
            Guess::Maybe => undecided = undecided.or(Some(over)),
            Guess::No => {}
        }
    }
    match undecided {
        Some(over) if probe.bytes.len() >= PROBE_LIMIT => Ok(over),
        Some(_) => Err(Guess::Maybe),
        None => Err(Guess::No),
    }
}

/// TLS in the stream of another protocol: whatever was spoken before, it begins with a hello.
fn after_start_tls(probe: &Probe<'_>, may_claim: fn(&Protocol) -> bool) -> Result<&'static OverTcp, Guess> {
    let tls = &protocols::tls::PROTOCOL;
    tls.tcp.as_ref().filter(|_| may_claim(tls) && protocols::tls::is_client_hello(probe.bytes)).ok_or(Guess::No)
}
