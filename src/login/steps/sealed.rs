//! What the sizes and the numbers of encrypted records tell: which of them answers which, and which is an alert. Records in, and
//! nothing of what they hold is known.

use super::{Connection, Handshake};
use crate::flow::Turn;
use crate::model::{At, SECOND, Side};

/// A side that takes leave closes the connection within this time, or the other one does.
const LEAVES: i64 = SECOND;

/// A record of application data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it came.
    pub at: At,
    /// Octets of its body.
    pub length: u16,
    /// Where it stands between what both sides say.
    pub turn: Turn,
}

/// Application data of one side: the first few records, as far as they are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// The records.
    pub records: Vec<Record>,
}

impl Sealed {
    /// How many were told.
    pub fn count(&self) -> u32 {
        u32::try_from(self.records.len()).unwrap_or(u32::MAX)
    }

    /// The first.
    pub fn first(&self) -> Option<Record> {
        self.records.first().copied()
    }

    /// The last that was told.
    pub fn last(&self) -> Option<Record> {
        self.records.last().copied()
    }
}

impl Handshake {
    /// Application data of a side.
    pub fn sealed(&self, side: Side) -> &Sealed {
        match side {
            Side::Client => &self.client_data,
            Side::Server => &self.server_data,
        }
    }

    /// By how much a record of TLS 1.3 is longer than what it holds: the octet that tells the type, and the tag (RFC 8446 section
    /// 5.2; RFC 6655: CCM_8 has one of 8 octets). `None` where records say what they are, or a key log does.
    fn overhead(&self) -> Option<u16> {
        const CCM_8: u16 = 0x1305;
        let (_, hello) = self.server_hello.as_ref().filter(|_| self.is_1_3() && !self.opened)?;
        Some(if hello.cipher == CCM_8 { 9 } else { 17 })
    }

    /// Is it as long as an alert (RFC 8446 section 6), and as nothing of a handshake?
    fn is_alert_sized(&self, record: &Record) -> bool {
        const ALERT: u16 = 2;
        self.overhead().is_some_and(|overhead| record.length == overhead.saturating_add(ALERT))
    }

    /// Is a record as long as an alert one that keeps a session alive? The answer to a ping of SIP is two octets as well (RFC 5626
    /// section 3.5.1): it follows the four of the ping, or is not the first of its length, and an alert is said once.
    fn keeps_alive(&self, side: Side, last: &Record) -> bool {
        const PING: u16 = 4;
        let answered = self.sealed(side.other()).records.iter().rev().find(|record| record.turn.said <= last.turn.heard);
        let ping = self.overhead().map(|overhead| overhead.saturating_add(PING));
        let again = self.sealed(side).records.iter().filter(|record| self.is_alert_sized(record)).count() > 1;
        again || answered.is_some_and(|record| Some(record.length) == ping)
    }

    /// Did the client come to its own end of the handshake? In TLS 1.3 that is its first record, unless that is an alert.
    pub fn client_went_through(&self) -> bool {
        let finishes = |first: Record| self.overhead().is_some() && !self.is_alert_sized(&first);
        self.completed() && self.client_data.first().is_none_or(|first| !self.is_alert_sized(&first))
            || self.client_data.first().is_some_and(finishes)
    }

    /// Did the client ask for anything when it had finished? A good-bye, an empty line, or a ping is no request of SIP, which takes more
    /// than a hundred octets (RFC 3261 section 8.1.1).
    pub fn client_asks(&self) -> bool {
        const SHORTEST: u16 = 100;
        if self.client_data.records.iter().all(|record| record.length < SHORTEST) {
            return false;
        }
        let said = self.client_data.records.iter().filter(|record| !self.is_alert_sized(record)).count();
        // A Finished and a good-bye are of no known length where the capture lacks the ServerHello.
        let farewell = if self.server_hello.is_none() { 2 } else { usize::from(!self.is_readable()) };
        said > farewell
    }

    /// Is it as long as a Finished alone: a header, and a hash as long as that of the cipher suite (RFC 8446 section 4.4.4)?
    fn is_finished_sized(&self, record: &Record) -> bool {
        const HEADER: u16 = 4;
        const AES_256_GCM_SHA384: u16 = 0x1302;
        let hash = match self.server_hello.as_ref().map(|(_, hello)| hello.cipher) {
            Some(AES_256_GCM_SHA384) => 48,
            _ => 32,
        };
        self.overhead().is_some_and(|overhead| record.length == overhead.saturating_add(HEADER).saturating_add(hash))
    }

    /// Was it a certificate, or that there is none, with which the client began its part of a handshake of TLS 1.3: does that begin
    /// with neither a Finished nor an alert?
    pub fn gives_sealed_certificate(&self) -> Option<Record> {
        let first = self.client_data.first().filter(|_| self.overhead().is_some())?;
        let (hello, _) = self.server_hello.as_ref()?;
        // What comes before the ServerHello is early data (RFC 8446 section 2.3).
        let fits = *hello < first.at && !self.is_finished_sized(&first) && !self.is_alert_sized(&first);
        fits.then_some(first)
    }
}

impl Connection {
    /// The alert, under the seal of TLS 1.3, with which a side had said all: its last word, as long as an alert, and then the
    /// connection is closed.
    pub fn sealed_alert(&self, side: Side) -> Option<At> {
        let tls = self.tls.as_deref()?;
        let last = tls.sealed(side).last().filter(|last| tls.is_alert_sized(last))?;
        let (closed, _, _) = self.first_close()?;
        let said_all = last.turn.said >= self.stats.side(side).sent;
        let is_one = said_all && closed.time.since(last.at.time).abs() <= LEAVES && !tls.keeps_alive(side, &last);
        is_one.then_some(last.at)
    }

    /// The alert with which a client turned away from the server's part of a handshake of TLS 1.3: it has said nothing else.
    pub fn sealed_refusal(&self) -> Option<At> {
        let alone = self.tls.as_deref().is_some_and(|tls| tls.client_data.count() == 1);
        self.sealed_alert(Side::Client).filter(|_| alone)
    }

    /// The alert with which a server answered the certificate of a client, or that it has none (RFC 8446 section 4.4.2.4: in TLS 1.3
    /// the client had finished by then): it has said nothing else since.
    pub fn sealed_rejection(&self) -> Option<At> {
        let whole = |side: Side| !self.stats.side(side).cut && self.stats.side(side).uncaptured == 0;
        let tls = self.tls.as_deref().filter(|_| whole(Side::Client) && whole(Side::Server))?;
        let given = tls.gives_sealed_certificate()?;
        let since = tls.server_data.records.iter().filter(|record| record.turn.heard >= given.turn.said).count();
        self.sealed_alert(Side::Server).filter(|_| since == 1)
    }

    /// How often what the client asked was answered, as far as records can tell: each time, a request that was sent when the answer
    /// before had come, and an answer that was sent when the request had come. Good-byes are none.
    pub fn answered(&self) -> u32 {
        let Some(tls) = self.tls.as_deref() else { return 0 };
        let words = |side: Side| {
            let farewell = self.sealed_alert(side);
            tls.sealed(side).records.iter().filter(move |record| Some(record.at) != farewell)
        };
        let (mut answers, mut heard) = (0_u32, 0);
        while let Some(asked) = words(Side::Client).find(|record| record.turn.heard >= heard)
            && let Some(answer) =
                words(Side::Server).find(|record| record.turn.heard >= asked.turn.said && record.turn.said > heard)
        {
            answers = answers.saturating_add(1);
            heard = answer.turn.said;
        }
        answers
    }

    /// When application data came last that was no good-bye.
    pub fn last_word(&self) -> Option<At> {
        let tls = self.tls.as_deref()?;
        let last = |side: Side| {
            let farewell = self.sealed_alert(side);
            tls.sealed(side).records.iter().rfind(|record| Some(record.at) != farewell).map(|record| record.at)
        };
        last(Side::Client).max(last(Side::Server))
    }

    /// How long both had rested, the server with the last word, when the device kept the connection alive: it says less than any
    /// request holds (two line ends, RFC 5626 section 3.5.1; a request has six header fields at least, RFC 3261 section 8.1.1).
    pub fn rested(&self) -> Option<i64> {
        const SHORTEST_REQUEST: u16 = 100;
        let tls = self.tls.as_deref()?;
        let farewell = self.sealed_alert(Side::Client);
        let said = &tls.client_data.records;
        let pairs = said.iter().zip(said.iter().skip(1)).filter(|(_, next)| next.length < SHORTEST_REQUEST);
        let rests = pairs.filter(|(_, next)| Some(next.at) != farewell).filter_map(|(one, next)| {
            let answers = tls.server_data.records.iter().map(|record| record.at);
            let answer = answers.filter(|at| (one.at..next.at).contains(at)).max()?;
            Some(next.at.time.since(answer.time))
        });
        rests.max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::steps::{Close, Purpose, StepKind};

    const SHA_256: u16 = 0x1301;

    fn shaken(cipher: u16) -> Tcp {
        tcp(Purpose::Registrar).hello().server_hello(0x0304, cipher).sealed(Side::Server, 1_900)
    }

    fn connection(tcp: Tcp) -> Connection {
        let StepKind::Connection(connection) = tcp.into_step(1).kind else { panic!("no connection") };
        *connection
    }

    fn requests(count: usize) -> Tcp {
        let asks = |tcp: Tcp, _| tcp.sealed(Side::Client, 400).sealed(Side::Server, 300);
        (0..count).fold(shaken(SHA_256).sealed(Side::Client, 53).sealed(Side::Server, 250), asks)
    }

    #[test]
    fn what_is_asked_and_answered_by_turns_is_counted_and_good_byes_are_not() {
        assert_eq!(connection(requests(2)).answered(), 3, "a Finished and tickets, and two requests");
        let over = requests(2).sealed(Side::Client, 19).sealed(Side::Server, 19);
        assert_eq!(connection(over.leaves(Side::Server, Close::Fin)).answered(), 3);
        let at_once = shaken(SHA_256).sealed(Side::Client, 53).sealed(Side::Client, 400).sealed(Side::Client, 400);
        assert_eq!(connection(at_once.sealed(Side::Server, 300).sealed(Side::Server, 300)).answered(), 1);
    }

    #[test]
    fn who_says_good_bye_leaves_whoever_closes_first() {
        let leaves = |tcp: Tcp, side: Side| {
            let connection = connection(tcp.leaves(side, Close::Fin));
            let frame = |at: Option<At>| at.map(|at| at.frame.number());
            (frame(connection.sealed_alert(Side::Client)), frame(connection.sealed_alert(Side::Server)))
        };
        let (said, _) = leaves(requests(1).sealed(Side::Client, 19), Side::Server);
        assert!(said.is_some());
        assert_eq!(leaves(requests(1).sealed(Side::Client, 21), Side::Server), (None, None), "a keep-alive");
        assert_eq!(leaves(requests(1).sealed(Side::Client, 19).pause(30.0), Side::Server), (None, None), "it goes on");
        assert_eq!(leaves(requests(1).sealed(Side::Client, 19).sealed(Side::Client, 400), Side::Server), (None, None));
    }

    #[test]
    fn the_answer_to_a_ping_is_no_good_bye_though_it_is_as_long() {
        let servers_alert = |tcp: Tcp| connection(tcp.leaves(Side::Client, Close::Fin)).sealed_alert(Side::Server);
        let (ping, pong) = (21, 19);
        assert_eq!(servers_alert(requests(1).sealed(Side::Client, ping).sealed(Side::Server, pong)), None);
        let twice = requests(1).sealed(Side::Server, pong).pause(30.0).sealed(Side::Server, pong);
        assert_eq!(servers_alert(twice), None, "an alert is said once");
        assert!(servers_alert(requests(1).sealed(Side::Server, pong)).is_some());
    }

    #[test]
    fn the_lengths_of_a_handshake_depend_on_its_cipher_suite() {
        let alone = |cipher: u16, length: u16| {
            let connection = connection(shaken(cipher).sealed(Side::Client, length).leaves(Side::Client, Close::Fin));
            let certificate = connection.tls.as_ref().and_then(|tls| tls.gives_sealed_certificate()).is_some();
            (certificate, connection.sealed_refusal().is_some())
        };
        let [finished, refusal, certificate] = [(false, false), (false, true), (true, false)];
        assert_eq!((alone(0x1301, 53), alone(0x1302, 69), alone(0x1305, 45)), (finished, finished, finished));
        assert_eq!((alone(0x1301, 19), alone(0x1302, 19), alone(0x1305, 11)), (refusal, refusal, refusal));
        assert_eq!((alone(0x1301, 69), alone(0x1302, 25), alone(0x1305, 19)), (certificate, certificate, certificate));
    }
}
