//! How a TLS handshake was left: by whom, after which message, and whether the device turned away from the certificate.

use crate::findings::Case;
use crate::findings::shared::place::{Leaving, Place, connections, leaving_of};
use crate::flow::SideStats;
use crate::login::steps::Handshake;
use crate::model::{At, By, How, SECOND, Side};

/// How long after the last Finished a device may still leave because of the certificate, in nanoseconds.
const LATE: i64 = 5 * SECOND;

/// A device that leaves so long after an unfinished flight has waited for the rest of it, in nanoseconds.
const WAITED: i64 = 2 * SECOND;

/// Copies of one large segment that make a path suspect.
pub const STUCK: u32 = 3;

/// A connection with a handshake in it.
#[derive(Clone, Copy)]
pub struct Shaken<'a> {
    /// The connection.
    pub place: Place<'a>,
    /// Its handshake.
    pub tls: &'a Handshake,
}

/// The connections of an attempt on which TLS began.
pub fn handshakes<'a>(case: &Case<'a>) -> impl DoubleEndedIterator<Item = Shaken<'a>> + use<'a> {
    connections(case).filter_map(|place| place.tls().map(|tls| Shaken { place, tls }))
}

/// The message that a handshake got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    /// Not even a ClientHello that could be read.
    Nothing,
    /// ClientHello.
    ClientHello,
    /// ServerHello.
    ServerHello,
    /// The server's Certificate.
    Certificate,
    /// ClientKeyExchange, or the client's ChangeCipherSpec.
    ClientKey,
    /// ChangeCipherSpec of both sides.
    Finished,
    /// Application data of the client.
    Data,
}

impl Shaken<'_> {
    /// How far it got. In TLS 1.3 what follows the ServerHello is encrypted, and says nothing here but `Data`, unless a key log
    /// opens it.
    pub fn reached(&self) -> Reached {
        let tls = self.tls;
        let client_key = tls.client_step().is_some();
        if tls.client_data.count() > 0 || tls.server_data.count() > 0 && !self.hides_certificate() {
            Reached::Data
        } else if client_key && tls.server_step().is_some() {
            Reached::Finished
        } else if client_key {
            Reached::ClientKey
        } else if tls.certificate.is_some() || tls.flight_done().is_some() {
            Reached::Certificate
        } else if tls.server_hello.is_some() {
            Reached::ServerHello
        } else if tls.client_hello.is_some() {
            Reached::ClientHello
        } else {
            Reached::Nothing
        }
    }

    /// Is it TLS 1.3, which encrypts the certificate and every alert after the ServerHello, and no key log opens it?
    pub fn hides_certificate(&self) -> bool {
        !self.tls.is_readable()
    }

    /// Who left, and how. A device that starts over without closing has left too.
    pub fn leaving(&self) -> Option<Leaving> {
        leaving_of(self.place.connection).or_else(|| {
            let ending = self.place.step.ending?;
            let side = match ending.by {
                By::Device => Side::Client,
                By::Server => Side::Server,
                By::Network | By::Unknown => return None,
            };
            Some(Leaving { at: ending.at, side, how: ending.how, alert: None })
        })
    }

    /// Did everything that the server sent arrive, as far as the device's acknowledgments show?
    pub fn flight_arrived(&self) -> bool {
        arrived(&self.place.connection.stats.server)
    }

    /// Did the server's flight break off before its ServerHelloDone (RFC 5246 section 7.3), and the device wait for the rest?
    fn waited_for_the_rest(&self, leaving: At) -> bool {
        let done = self.hides_certificate()
            || self.place.connection.stats.server.cut
            || self.tls.flight_done().is_some_and(|done| done <= leaving);
        let tls = self.tls;
        let (hello, certificate) = (tls.server_hello.as_ref(), tls.certificate.as_ref());
        let seen = [hello.map(|(at, _)| *at), certificate.map(|(at, _)| *at), tls.server_key_exchange];
        let last = seen.into_iter().flatten().filter(|at| *at <= leaving).max().unwrap_or(leaving);
        !done && leaving.time.since(last.time) >= WAITED
    }

    /// The device turned away from the server's certificate: it left with a certificate alert, or after the Certificate
    /// and before a key of its own, or (stacks that check late) right after the last Finished.
    pub fn refusal(&self) -> Option<Refusal> {
        let leaving = self.leaving().filter(|leaving| leaving.side == Side::Client && leaving.how != How::Timeout)?;
        let said = leaving.alert.filter(|code| is_certificate_alert(*code));
        let seen = self.tls.certificate.as_ref().map(|(at, _)| *at).or(self.tls.flight_done());
        let reached = self.reached();
        // What lies behind a ServerHello that the capture cut off is the rest of the flight, if nothing else followed.
        let behind_the_cut = reached == Reached::ServerHello && self.place.connection.stats.server.cut;
        let early = (reached == Reached::Certificate || behind_the_cut)
            && self.tls.client_certificate.is_none()
            && (behind_the_cut || seen.is_some_and(|seen| seen.frame <= leaving.at.frame))
            && self.flight_arrived()
            && !self.waited_for_the_rest(leaving.at);
        let late = reached == Reached::Finished
            && self.tls.certificate.is_some()
            && self.tls.last_step().is_some_and(|(done, _)| (0..=LATE).contains(&leaving.at.time.since(done.time)));
        (said.is_some() || early || late).then_some(Refusal { leaving, late })
    }

    /// Did the device go on past the certificate, so that it took it?
    pub fn accepted(&self) -> bool {
        self.went_on() && self.refusal().is_none()
    }

    /// Did it go on past the certificate at all, though it may have turned away later?
    pub fn went_on(&self) -> bool {
        self.reached() > Reached::Certificate || self.tls.client_certificate.is_some()
    }

    /// The frame of the last handshake message that the server sent in clear, or that was opened.
    pub fn last_of_server(&self) -> Option<At> {
        let tls = self.tls;
        let hello = tls.server_hello.as_ref().map(|(at, _)| *at);
        let certificate = tls.certificate.as_ref().map(|(at, _)| *at);
        let request = tls.certificate_request.as_ref().map(|(at, _)| *at);
        [hello, certificate, request, tls.server_key_exchange, tls.flight_done()].into_iter().flatten().max_by_key(|at| at.frame)
    }
}

/// The device turned away from a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How it left.
    pub leaving: Leaving,
    /// Only after the handshake was complete?
    pub late: bool,
}

impl Refusal {
    /// The certificate alert that it gave as its reason.
    pub fn alert(&self) -> Option<u8> {
        self.leaving.alert.filter(|code| is_certificate_alert(*code))
    }
}

/// Is what a side sent acknowledged, or at least not sent again and again?
pub fn arrived(side: &SideStats) -> bool {
    side.acknowledged >= side.sent || side.stuck_repeats == 0
}

/// Alerts by which a verifier says what it has against a certificate (RFC 5246 section 7.2.2).
pub fn is_certificate_alert(description: u8) -> bool {
    matches!(description, 42..=46 | 48 | 51)
}
