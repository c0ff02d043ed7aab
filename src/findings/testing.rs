//! Logins for the tests of rules, in a few words: a `Login` holds steps; builders make the steps. Each thing that a builder
//! is told happens in the next frame, 10 ms later, so that a test shows only what matters.
//!
//! ```text
//! let login = Login::new()
//!     .step(lookup("pool.contoso.com").address("10.0.0.5"))
//!     .step(tcp(Purpose::Registrar).hello().server_flight(vec![leaf]).leaves(Side::Client, Close::Rst))
//!     .dropped();
//! assert_eq!(login.check(&RULE).len(), 1);
//! ```

#![allow(dead_code, reason = "a builder may wait for the rule that needs it")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::device::facts::{ClockSource, ClockWitness, DeviceFacts, Whose};
use crate::device::servers::Servers;
use crate::findings::shared::idle;
use crate::findings::{Case, Found, Rule};
use crate::flow::{Flow, Transport, Turn};
use crate::formats::x509::{Body, Certificate, Hash, KeyKind, Name, PublicKey, Scheme, SignatureAlgorithm};
use crate::formats::{ntlm, spnego};
use crate::login::steps::{
    Answer, Attempt, Clock, Close, Connection, DirectoryRequest, Ending, Exchange, Handshake, Inquiry, Lease, Lookup, Neighbour,
    Purpose, Record, Registration, Step, StepKind, TicketRequest, Transaction,
};
use crate::model::{At, By, DropPoint, Endpoint, Frame, How, Mac, Outcome, SECOND, Side, Stage, Time};
use crate::profile::{Profile, RequiredOption};
use crate::protocols::{dhcp, dns, http, kerberos, ldap, ntp, sip, tls};
use crate::text::WireText;
use crate::trust::{Fault, FaultKind, Link};

/// When the tests' captures begin: 2009-04-10T22:00:00Z.
pub(crate) const BEGIN: Time = Time(1_239_400_800 * SECOND);

/// Frame `frame`, 10 ms a frame after [`BEGIN`].
pub(crate) fn at(frame: u64) -> At {
    at_second(frame, frame as f64 / 100.0)
}

/// Frame `frame`, `seconds` after [`BEGIN`].
pub(crate) fn at_second(frame: u64, seconds: f64) -> At {
    At { frame: Frame::new(frame), time: BEGIN.plus((seconds * SECOND as f64) as i64) }
}

/// An IP address, as people write it.
pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A DHCP option that a profile says is needed.
pub(crate) fn needed(option: u8) -> RequiredOption {
    RequiredOption { option, why: "it cannot do without".to_owned(), ..RequiredOption::default() }
}

/// The device's address.
pub(crate) const DEVICE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 4, 23));

/// An attempt with what is known of its device.
pub(crate) struct Login {
    pub(crate) attempt: Attempt,
    pub(crate) known: DeviceFacts,
    pub(crate) profile: Profile,
    contested: Option<Lease>,
    idled: Option<(i64, i64)>,
    servers: Servers,
    next: u64,
}

impl Login {
    /// Nothing yet, by a device of which nothing is known but its address.
    pub(crate) fn new() -> Self {
        let attempt = Attempt {
            number: 1,
            first: at(1),
            last: at(1),
            steps: Vec::new(),
            stages: Vec::new(),
            drop: None,
            dropped_step: None,
            signed_in: None,
        };
        let known = DeviceFacts {
            mac: Some(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c])),
            addresses: vec![DEVICE],
            seen_both_ways: true,
            ..DeviceFacts::default()
        };
        Self { attempt, known, profile: profile(), contested: None, idled: None, servers: Servers::default(), next: 1 }
    }

    /// Adds a step. Its frames follow those of the step before it.
    pub(crate) fn step(mut self, step: impl IntoStep) -> Self {
        let step = step.into_step(self.next);
        self.next = self.next.max(step.last.frame.number() + 1);
        self.attempt.last = step.last;
        self.attempt.steps.push(step);
        self
    }

    /// Sessions of attempts before ended after so many seconds of silence.
    pub(crate) fn after_idling(mut self, seconds: &[f64]) -> Self {
        for pause in seconds {
            self.idled = Some(idle::range(self.idled, (pause * SECOND as f64) as i64));
        }
        self
    }

    /// The attempt ended in the last step.
    pub(crate) fn dropped(self) -> Self {
        let last = self.attempt.steps.len() - 1;
        self.dropped_in(last)
    }

    /// The attempt ended in this step.
    pub(crate) fn dropped_in(mut self, index: usize) -> Self {
        let step = &mut self.attempt.steps[index];
        let ending = step.ending.unwrap_or(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
        step.ending = Some(ending);
        step.outcome = Outcome::Failed;
        self.attempt.drop = Some(DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at });
        self.attempt.dropped_step = Some(index);
        self
    }

    /// The attempt got through.
    pub(crate) fn signed_in(mut self) -> Self {
        self.attempt.signed_in = Some(0.9);
        self
    }

    /// Changes what is known of the device.
    pub(crate) fn knowing(mut self, change: impl FnOnce(&mut DeviceFacts)) -> Self {
        change(&mut self.known);
        self
    }

    /// Changes the device's profile.
    pub(crate) fn profile(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        change(&mut self.profile);
        self
    }

    /// This server gave somebody who named it so, or who named none, this chain in frame 100.
    pub(crate) fn beside(mut self, address: &str, name: Option<&str>, chain: &[Arc<Certificate>]) -> Self {
        let server = Endpoint::Ip(SocketAddr::new(ip(address), 5061));
        self.servers.shown(server, Some(ip("10.0.4.99")), Frame::new(100), name.map(WireText::from), chain);
        self
    }

    /// It lives on the lease of this exchange, of an attempt before.
    pub(crate) fn lives_on(mut self, exchange: Dhcp) -> Self {
        let StepKind::Lease(lease) = exchange.into_step(1).kind else { panic!("no lease") };
        self.contested = lease.contested();
        self
    }

    /// Changes the attempt.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Attempt)) -> Self {
        change(&mut self.attempt);
        self
    }

    /// Somebody's clock said this in this frame.
    pub(crate) fn clock(mut self, whose: Whose, from: ClockSource, at: At, says: Time) -> Self {
        self.known.clocks.push_back(ClockWitness { at, says, whose, from });
        self
    }

    /// What a rule is given.
    pub(crate) fn case(&self) -> Case<'_> {
        Case::new(&self.profile, &self.attempt, &self.known)
            .on_lease(self.contested.as_ref())
            .after_idling(self.idled)
            .beside(&self.servers)
    }

    /// What a rule finds. Whatever it finds must be fit to print.
    pub(crate) fn check(&self, rule: &Rule) -> Vec<Found> {
        let found = (rule.check)(&self.case());
        for one in &found {
            fit_to_print(one);
        }
        found
    }

    /// The one thing that a rule finds.
    pub(crate) fn the(&self, rule: &Rule) -> Found {
        let mut found = self.check(rule);
        assert_eq!(found.len(), 1, "{}: {:#?}", rule.code, found);
        found.remove(0)
    }

    /// The rule finds nothing.
    pub(crate) fn nothing(&self, rule: &Rule) {
        let found = self.check(rule);
        assert!(found.is_empty(), "{}: {found:#?}", rule.code);
    }
}

/// The form that all findings share.
pub(crate) fn fit_to_print(found: &Found) {
    let Found { summary, fix, evidence, confidence, .. } = found;
    assert!(!summary.is_empty() && !summary.ends_with('.') && !summary.contains('\n'), "one line, no full stop: {summary:?}");
    assert!(
        summary
            .chars()
            .next()
            .is_some_and(|first| !first.is_uppercase() || summary.chars().nth(1).is_some_and(|c| !c.is_lowercase())),
        "lower case: {summary:?}"
    );
    assert!(!fix.is_empty(), "a fix: {summary:?}");
    assert!(!evidence.is_empty(), "evidence: {summary:?}");
    assert!((0.0..=1.0).contains(confidence), "confidence: {confidence}");
}

/// A profile that says nothing of its device.
pub(crate) fn profile() -> Profile {
    Profile {
        name: "generic-sip".to_owned(),
        title: "Test Phone".to_owned(),
        order: Stage::ALL.to_vec(),
        registrar_ports: vec![5061, 443],
        ..Profile::default()
    }
}

/// What a builder makes, given the number of the first frame that is free.
pub(crate) trait IntoStep {
    fn into_step(self, frame: u64) -> Step;
}

impl IntoStep for Step {
    fn into_step(self, _: u64) -> Step {
        self
    }
}

/// A step of any kind.
pub(crate) fn step(stage: Stage, purpose: Purpose, first: At, last: At, outcome: Outcome, kind: StepKind) -> Step {
    Step { stage, purpose, first, last, outcome, ending: None, kind }
}

/// The stage of a purpose, as a connection before TLS has it.
fn stage_of(purpose: Purpose) -> Stage {
    match purpose {
        Purpose::Access => Stage::Link,
        Purpose::Address => Stage::Address,
        Purpose::Clock => Stage::Time,
        Purpose::Provision => Stage::Provision,
        Purpose::Directory => Stage::Directory,
        Purpose::Enrolment => Stage::Enrolment,
        Purpose::Update => Stage::Update,
        Purpose::Registrar | Purpose::Revocation | Purpose::Other => Stage::Connect,
    }
}

/// Something to be done to a connection, frame by frame.
type Act = Box<dyn FnOnce(&mut Wire)>;

/// A connection in the making.
pub(crate) struct Wire {
    pub(crate) connection: Connection,
    frame: u64,
    /// Time of the next frame, in seconds after [`BEGIN`], where it was moved.
    late: f64,
    stage: Stage,
    purpose: Purpose,
    ending: Option<Ending>,
    last: At,
}

impl Wire {
    /// The next frame.
    pub(crate) fn next(&mut self) -> At {
        let at = at_second(self.frame, self.frame as f64 / 100.0 + self.late);
        self.frame += 1;
        self.last = at;
        at
    }

    /// Leaves frames to others.
    pub(crate) fn skip(&mut self, frames: u64) {
        self.frame += frames;
    }

    fn tls(&mut self) -> &mut Handshake {
        if self.purpose == Purpose::Registrar {
            self.stage = Stage::Tls;
        }
        self.connection.tls.get_or_insert_default()
    }

    /// A side sends this many bytes, and the other acknowledges them.
    fn sends(&mut self, side: Side, bytes: u64, at: At) {
        let heard = self.connection.stats.side(side.other()).last_data;
        let stats = match side {
            Side::Client => &mut self.connection.stats.client,
            Side::Server => &mut self.connection.stats.server,
        };
        stats.data_segments += 1;
        stats.sent += bytes;
        stats.acknowledged += bytes;
        stats.first_data.get_or_insert(at);
        stats.went_on = stats.last_data > heard;
        stats.last_data = Some(at);
        stats.last = Some(at);
        stats.largest_segment = stats.largest_segment.max(bytes.min(1460) as u32);
    }
}

/// Builds a connection step.
pub(crate) struct Tcp {
    purpose: Purpose,
    server: SocketAddr,
    name: Option<WireText>,
    acts: Vec<Act>,
}

/// A connection of the device: SYN and SYN-ACK, to 10.0.0.5, known as pool.contoso.com.
pub(crate) fn tcp(purpose: Purpose) -> Tcp {
    syn(purpose).act(|wire| {
        let at = wire.next();
        wire.connection.syn_ack = Some(at);
        wire.connection.stats.server.syns = 1;
        wire.connection.stats.server.last_syn = Some(at);
        wire.connection.stats.server.last = Some(at);
    })
}

/// A SYN of the device, with nothing after it yet.
pub(crate) fn syn(purpose: Purpose) -> Tcp {
    let port = if purpose == Purpose::Registrar { 5061 } else { 80 };
    let tcp = Tcp {
        purpose,
        server: SocketAddr::new(ip("10.0.0.5"), port),
        name: Some(WireText::from("pool.contoso.com")),
        acts: Vec::new(),
    };
    tcp.act(|wire| {
        let at = wire.next();
        wire.connection.syn = Some(at);
        wire.connection.stats.client.syns = 1;
        wire.connection.stats.client.last_syn = Some(at);
        wire.connection.stats.client.last = Some(at);
    })
}

impl Tcp {
    /// To another server.
    pub(crate) fn to(mut self, address: &str, port: u16) -> Self {
        self.server = SocketAddr::new(ip(address), port);
        self
    }

    /// Found under another name, or (empty) under none.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = (!name.is_empty()).then(|| WireText::from(name));
        self
    }

    /// Does anything to the connection.
    pub(crate) fn act(mut self, act: impl FnOnce(&mut Wire) + 'static) -> Self {
        self.acts.push(Box::new(act));
        self
    }

    /// Changes the connection where no builder method does.
    pub(crate) fn change(self, change: impl FnOnce(&mut Connection) + 'static) -> Self {
        self.act(|wire| change(&mut wire.connection))
    }

    /// Nothing happens for a while.
    pub(crate) fn pause(self, seconds: f64) -> Self {
        self.act(move |wire| wire.late += seconds)
    }

    /// Serves this stage.
    pub(crate) fn stage(self, stage: Stage) -> Self {
        self.act(move |wire| wire.stage = stage)
    }

    /// The SYN again, so often.
    pub(crate) fn syn_again(self, times: u32) -> Self {
        self.act(move |wire| {
            for again in 0..times {
                wire.late += 3.0 * f64::from(1 << again.min(8));
                let at = wire.next();
                wire.connection.stats.client.syns += 1;
                wire.connection.stats.client.last_syn = Some(at);
                wire.connection.stats.client.last = Some(at);
            }
        })
    }

    /// A side sends so many bytes of whatever, all acknowledged.
    pub(crate) fn data(self, side: Side, bytes: u64) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(side, bytes, at);
        })
    }

    /// A side sends this long segment again and again; the other never acknowledges it.
    pub(crate) fn stuck(self, side: Side, length: u32, times: u32) -> Self {
        self.act(move |wire| {
            for _ in 0..=times {
                wire.late += 0.5;
                let at = wire.next();
                let stats = match side {
                    Side::Client => &mut wire.connection.stats.client,
                    Side::Server => &mut wire.connection.stats.server,
                };
                stats.first_data.get_or_insert(at);
                stats.last_data = Some(at);
                stats.last = Some(at);
            }
            let stats = match side {
                Side::Client => &mut wire.connection.stats.client,
                Side::Server => &mut wire.connection.stats.server,
            };
            stats.data_segments += 1;
            stats.sent += u64::from(length);
            stats.largest_segment = stats.largest_segment.max(length);
            stats.retransmitted += times;
            stats.stuck_repeats = times;
            stats.stuck_length = length;
        })
    }

    /// An ICMP unreachable of this router.
    pub(crate) fn unreachable(self, router: &str) -> Self {
        let router = ip(router);
        self.act(move |wire| {
            let at = wire.next();
            wire.connection.unreachable = Some((at, router));
            wire.ending = Some(Ending { by: By::Network, how: How::Icmp, at });
        })
    }

    /// A side closes. The first to do so has ended it, unless an alert went before.
    pub(crate) fn leaves(self, side: Side, close: Close) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.connection.closes.push((at, side, close));
            wire.connection.ended = true;
            let stats = match side {
                Side::Client => &mut wire.connection.stats.client,
                Side::Server => &mut wire.connection.stats.server,
            };
            match close {
                Close::Fin => stats.fin = Some(at),
                Close::Rst => stats.rst = Some(at),
            }
            stats.last = Some(at);
            let how = match close {
                Close::Fin => How::Fin,
                Close::Rst => How::Rst,
            };
            wire.ending.get_or_insert(Ending { by: by(side), how, at });
        })
    }

    /// The device just stops and starts over.
    pub(crate) fn abandoned(self) -> Self {
        self.act(|wire| wire.ending = Some(Ending { by: By::Device, how: How::Abandoned, at: wire.last }))
    }

    /// Silence ends it.
    pub(crate) fn timed_out(self, by: By) -> Self {
        self.act(move |wire| wire.ending = Some(Ending { by, how: How::Timeout, at: wire.last }))
    }

    /// A ClientHello as an old stack sends it: TLS 1.0, RC4 and 3DES, no extensions.
    pub(crate) fn hello(self) -> Self {
        self.hello_with(|_| ())
    }

    /// A ClientHello, changed.
    pub(crate) fn hello_with(self, change: impl FnOnce(&mut tls::ClientHello) + 'static) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.sends(Side::Client, 120, at);
            let mut hello =
                tls::ClientHello { version: 0x0301, ciphers: vec![0x0004, 0x0005, 0x000a], ..tls::ClientHello::default() };
            change(&mut hello);
            wire.tls().client_hello = Some((at, Arc::new(hello)));
        })
    }

    /// A ServerHello, with what it chose.
    pub(crate) fn server_hello(self, chosen: u16, cipher: u16) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(Side::Server, 80, at);
            let hello = tls::ServerHello { version: chosen.min(0x0303), chosen, cipher, ..tls::ServerHello::default() };
            wire.tls().server_hello = Some((at, Arc::new(hello)));
        })
    }

    /// ServerHello (TLS 1.0, RC4-SHA), the chain and ServerHelloDone, all acknowledged.
    pub(crate) fn server_flight(self, chain: Vec<Arc<Certificate>>) -> Self {
        self.server_hello(0x0301, 0x0005).certificate(chain).act(|wire| {
            let at = wire.next();
            wire.sends(Side::Server, 9, at);
            wire.tls().server_hello_done = Some(at);
        })
    }

    /// The server's chain.
    pub(crate) fn certificate(self, chain: Vec<Arc<Certificate>>) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.sends(Side::Server, 2800, at);
            wire.tls().certificate = Some((at, chain));
        })
    }

    /// A CertificateRequest.
    pub(crate) fn certificate_request(self, authorities: Vec<Vec<u8>>, authorities_length: usize) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(Side::Server, 60, at);
            let request = tls::CertificateRequest { authorities, authorities_length, ..tls::CertificateRequest::default() };
            wire.tls().certificate_request = Some((at, Arc::new(request)));
        })
    }

    /// The device's own chain; empty if it has none to give.
    pub(crate) fn client_certificate(self, chain: Vec<Arc<Certificate>>) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.sends(Side::Client, 12, at);
            wire.tls().client_certificate = Some((at, chain));
        })
    }

    /// ClientKeyExchange, ChangeCipherSpec and Finished of the device.
    pub(crate) fn client_finished(self) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.sends(Side::Client, 326, at);
            wire.tls().client_key_exchange = Some(at);
            wire.tls().client_change_cipher = Some(at);
        })
    }

    /// ChangeCipherSpec and Finished of the server.
    pub(crate) fn server_finished(self) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.sends(Side::Server, 59, at);
            wire.tls().server_change_cipher = Some(at);
        })
    }

    /// A key log opens what is encrypted.
    pub(crate) fn opened(self) -> Self {
        self.act(|wire| wire.tls().opened = true)
    }

    /// Finished of a side, which a key log opened.
    pub(crate) fn finished(self, side: Side) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(side, 58, at);
            match side {
                Side::Client => wire.tls().client_finished = Some(at),
                Side::Server => wire.tls().server_finished = Some(at),
            }
        })
    }

    /// From here on what is encrypted stays closed.
    pub(crate) fn torn(self) -> Self {
        self.act(|wire| {
            let at = wire.next();
            wire.tls().torn = Some(at);
        })
    }

    /// An encrypted record of application data.
    pub(crate) fn encrypted(self, side: Side) -> Self {
        self.sealed(side, 700)
    }

    /// The same, whose body has so many octets.
    pub(crate) fn sealed(self, side: Side, length: u16) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(side, u64::from(length), at);
            let stats = &wire.connection.stats;
            let turn = Turn { said: stats.side(side).sent, heard: stats.side(side.other()).sent };
            let data = match side {
                Side::Client => &mut wire.tls().client_data,
                Side::Server => &mut wire.tls().server_data,
            };
            data.records.push(Record { at, length, turn });
        })
    }

    /// An alert in clear.
    pub(crate) fn alert(self, side: Side, level: u8, description: u8) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(side, 7, at);
            wire.tls().alerts.push((at, side, level, description));
            if level == 2 {
                wire.ending.get_or_insert(Ending { by: by(side), how: How::Alert, at });
            }
        })
    }

    /// An alert under encryption.
    pub(crate) fn encrypted_alert(self, side: Side) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(side, 23, at);
            wire.tls().encrypted_alerts.push((at, side));
        })
    }

    /// An HTTP request.
    pub(crate) fn get(self, uri: &str) -> Self {
        self.get_with(uri, |_| ())
    }

    /// An HTTP request, changed.
    pub(crate) fn get_with(self, uri: &str, change: impl FnOnce(&mut http::Request) + 'static) -> Self {
        let uri = WireText::from(uri);
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(Side::Client, 200, at);
            let index = wire.connection.http.len() as u32;
            let mut request = http::Request {
                method: WireText::from("GET"),
                uri,
                host: wire.connection.name.clone(),
                user_agent: None,
                authorization: None,
                credentials: None,
                content_type: None,
                to_proxy: false,
                is_passed_on: false,
                index,
            };
            change(&mut request);
            wire.connection.http.push(Exchange { request: Some((at, Arc::new(request))), response: None });
        })
    }

    /// The answer to the last HTTP request.
    pub(crate) fn answer(self, code: u16) -> Self {
        self.answer_with(code, |_| ())
    }

    /// The answer to the last HTTP request, changed.
    pub(crate) fn answer_with(self, code: u16, change: impl FnOnce(&mut http::Response) + 'static) -> Self {
        self.act(move |wire| {
            let at = wire.next();
            wire.sends(Side::Server, 900, at);
            let exchange = wire.connection.http.last_mut().expect("a request goes before its answer");
            let mut response = http::Response {
                code,
                server: None,
                content_type: None,
                location: None,
                www_authenticate: Vec::new(),
                proxy_authenticate: Vec::new(),
                date: None,
                ntlm: None,
                is_passed_on: false,
                request: exchange.request.as_ref().map(|(_, request)| Arc::clone(request)),
                body: http::Body { bytes: Arc::from([].as_slice()), complete: true, arrived: true },
            };
            change(&mut response);
            exchange.response = Some((at, Arc::new(response)));
            if code >= 400 {
                wire.ending = Some(Ending { by: By::Server, how: How::Rejected, at });
            }
        })
    }

    /// An LDAP request, and the answer that completes it. One that is neither good nor the next step of SASL ends it.
    pub(crate) fn ldap(self, request: ldap::Body, answer: Option<ldap::Body>) -> Self {
        self.act(move |wire| {
            let sent = wire.next();
            wire.sends(Side::Client, 80, sent);
            let id = wire.connection.ldap.len() as u32 + 1;
            let (asks, answers) = match request {
                ldap::Body::Bind(_) => (0, 1),
                ldap::Body::Search(_) => (3, 5),
                _ => (23, 24),
            };
            let request = Arc::new(ldap::Message { id, operation: asks, body: request });
            let answer = answer.map(|body| {
                let at = wire.next();
                wire.sends(Side::Server, 60, at);
                (at, Arc::new(ldap::Message { id, operation: answers, body }))
            });
            if let Some((at, refused)) = &answer
                && refused.outcome().is_some_and(|outcome| !matches!(outcome.code, 0 | 14))
            {
                wire.ending = Some(Ending { by: By::Server, how: How::Rejected, at: *at });
            }
            let counts = DirectoryRequest { sent: vec![sent], request: Some(request), id, answer, ..DirectoryRequest::default() };
            wire.connection.ldap.push(counts);
        })
    }

    /// A bind as CONTOSO\kim by NTLM, answered by this code and text.
    pub(crate) fn bind(self, code: u32, text: &str) -> Self {
        let outcome = ldap::Outcome { code, text: WireText::from(text) };
        self.ldap(ldap_bind(), Some(ldap::Body::Bound(outcome, None)))
    }

    /// A bind that a service refuses with this KRB-ERROR.
    pub(crate) fn bind_refused_by_kerberos(self, error: i64) -> Self {
        let outcome = ldap::Outcome { code: 49, text: WireText::default() };
        self.ldap(ldap_bind(), Some(ldap::Body::Bound(outcome, Some(spnego::Token::KerberosError(error)))))
    }

    /// A search under the configuration of the forest, that finds so many entries and is answered by this code.
    pub(crate) fn search(self, filter: &str, entries: u32, code: u32) -> Self {
        let outcome = ldap::Outcome { code, text: WireText::default() };
        self.ldap(ldap_search(filter), Some(ldap::Body::Done(outcome))).last_search(move |search| search.entries = entries)
    }

    /// Changes the last LDAP request.
    pub(crate) fn last_search(self, change: impl FnOnce(&mut DirectoryRequest) + 'static) -> Self {
        self.change(|connection| change(connection.ldap.last_mut().expect("a request goes before")))
    }

    /// The last search brought so many references elsewhere, and that ended it.
    pub(crate) fn referred(self, references: u32) -> Self {
        self.last_search(move |search| search.references = references)
            .act(|wire| wire.ending = Some(Ending { by: By::Server, how: How::Rejected, at: wire.last }))
    }

    /// The last search brought so many CA certificates.
    pub(crate) fn certificates(self, certificates: u32) -> Self {
        self.last_search(move |search| search.certificates = certificates)
    }

    /// The last search brought so many hosts with web pages.
    pub(crate) fn hosts(self, hosts: u32) -> Self {
        self.last_search(move |search| search.hosts = hosts)
    }

    /// A SIP transaction of the device over this connection.
    pub(crate) fn sip(self, request: sip::Message, answer: Option<sip::Message>) -> Self {
        self.act(move |wire| {
            if wire.purpose == Purpose::Registrar {
                wire.stage = Stage::Register;
            }
            let sent = wire.next();
            wire.sends(Side::Client, 600, sent);
            let answer = answer.map(|answer| {
                let at = wire.next();
                wire.sends(Side::Server, 600, at);
                (at, Arc::new(answer))
            });
            let request = Arc::new(request);
            wire.connection.sip.push(Transaction { sent: vec![sent], request, provisional: None, answer, unheard: None });
        })
    }
}

fn by(side: Side) -> By {
    match side {
        Side::Client => By::Device,
        Side::Server => By::Server,
    }
}

impl IntoStep for Tcp {
    fn into_step(self, frame: u64) -> Step {
        let flow = Flow {
            id: frame,
            transport: Transport::Tcp,
            client: Endpoint::Ip(SocketAddr::new(DEVICE, 1024 + (frame % 60_000) as u16)),
            server: Endpoint::Ip(self.server),
            oriented: true,
        };
        let connection = Connection { name: self.name, ..Connection::new(flow, None) };
        let first = at(frame);
        let stage = stage_of(self.purpose);
        let mut wire = Wire { connection, frame, late: 0.0, stage, purpose: self.purpose, ending: None, last: first };
        for act in self.acts {
            act(&mut wire);
        }
        Step {
            stage: wire.stage,
            purpose: wire.purpose,
            first,
            last: wire.last,
            outcome: if wire.ending.is_some() { Outcome::Failed } else { Outcome::Ok },
            ending: wire.ending,
            kind: StepKind::Connection(Box::new(wire.connection)),
        }
    }
}

/// Builds a look-up.
pub(crate) struct Asked {
    name: WireText,
    kind: u16,
    purpose: Purpose,
    queries: u32,
    rcode: Option<u16>,
    truncated: bool,
    records: Vec<dns::Record>,
    unreachable: Option<IpAddr>,
    target_of: Option<(WireText, Frame)>,
}

/// A question for an address (or, for a name that begins with `_`, for a service) to 10.0.0.2, with no answer yet.
pub(crate) fn lookup(name: &str) -> Asked {
    let kind = if name.starts_with('_') { dns::kind::SRV } else { dns::kind::A };
    let name = WireText::from(name);
    let purpose = Purpose::Registrar;
    Asked {
        name,
        kind,
        purpose,
        queries: 1,
        rcode: None,
        truncated: false,
        records: Vec::new(),
        unreachable: None,
        target_of: None,
    }
}

impl Asked {
    /// For this purpose.
    pub(crate) fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// An answer in this frame, of an attempt before, names the host for this service.
    pub(crate) fn target_of(mut self, service: &str, frame: u64) -> Self {
        self.target_of = Some((WireText::from(service), Frame::new(frame)));
        self
    }

    /// For this record type.
    pub(crate) fn kind(mut self, kind: u16) -> Self {
        self.kind = kind;
        self
    }

    /// Asked so often in all.
    pub(crate) fn times(mut self, queries: u32) -> Self {
        self.queries = queries;
        self
    }

    /// The answer has this code: 0 with no records, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
    pub(crate) fn rcode(mut self, rcode: u16) -> Self {
        self.rcode = Some(rcode);
        self
    }

    /// The answer is cut off, and none came over TCP.
    pub(crate) fn truncated(mut self) -> Self {
        self.truncated = true;
        self.rcode.get_or_insert(0);
        self
    }

    /// The answer has this address.
    pub(crate) fn address(self, address: &str) -> Self {
        self.record(dns::RecordData::Address(ip(address)))
    }

    /// The answer has this service.
    pub(crate) fn service(self, target: &str, port: u16) -> Self {
        self.record(dns::RecordData::Service { priority: 0, weight: 0, port, target: WireText::from(target) })
    }

    /// The answer has this record.
    pub(crate) fn record(mut self, data: dns::RecordData) -> Self {
        self.records.push(dns::Record { name: self.name.clone(), answer: true, data });
        self.rcode.get_or_insert(0);
        self
    }

    /// The query was answered by an ICMP unreachable of this address.
    pub(crate) fn unreachable(mut self, router: &str) -> Self {
        self.unreachable = Some(ip(router));
        self
    }
}

impl IntoStep for Asked {
    fn into_step(self, frame: u64) -> Step {
        let server = ip("10.0.0.2");
        let queries: Vec<(At, IpAddr)> =
            (0..self.queries).map(|n| (at_second(frame + u64::from(n), frame as f64 / 100.0 + f64::from(n)), server)).collect();
        let next = at_second(frame + u64::from(self.queries), queries.last().unwrap().0.time.seconds_since(BEGIN) + 0.01);
        let answered = self.rcode.is_some() || self.unreachable.is_some();
        let lookup = Lookup {
            name: self.name,
            kind: self.kind,
            target_of: self.target_of.map(Box::new),
            queries,
            answer: self.rcode.map(|rcode| Answer {
                at: next,
                server,
                rcode,
                truncated: self.truncated,
                partial: false,
                message: Arc::new(dns::Message { records: self.records, ..dns::Message::default() }),
            }),
            unreachable: self.unreachable.map(|router| (next, router)),
        };
        let found = lookup.found();
        let (first, asked) = (lookup.queries[0].0, lookup.queries.last().unwrap().0);
        let last = if answered { next } else { asked };
        let mut made = step(Stage::Names, self.purpose, first, last, Outcome::Ok, StepKind::Lookup(Box::new(lookup)));
        if !found {
            made.outcome = Outcome::Failed;
            made.ending = Some(match (answered, self.unreachable) {
                (_, Some(_)) => Ending { by: By::Network, how: How::Icmp, at: last },
                (true, None) => Ending { by: By::Server, how: How::Rejected, at: last },
                (false, None) => Ending { by: By::Unknown, how: How::Timeout, at: last },
            });
        }
        made
    }
}

/// What a DHCP exchange holds, in order.
pub(crate) struct Dhcp(Vec<Told>);

/// A message of a DHCP exchange, to be put into it at its frame.
type Told = Box<dyn FnOnce(&mut Lease, At)>;

/// A DHCP exchange with 10.0.4.1, empty so far.
pub(crate) fn dhcp_exchange() -> Dhcp {
    Dhcp(Vec::new())
}

/// A DHCP exchange that ends in a lease with these options.
pub(crate) fn lease(options: &[(u8, &[u8])]) -> Dhcp {
    dhcp_exchange().discover().offer(options).request().ack(options)
}

/// A message of a DHCP server.
pub(crate) fn dhcp_message(kind: u8, options: &[(u8, &[u8])]) -> dhcp::Message {
    let server = Ipv4Addr::new(10, 0, 4, 1);
    let (kind_octets, server_octets) = ([kind], server.octets());
    let mut all = vec![(53, kind_octets.as_slice())];
    if !options.iter().any(|(code, _)| *code == 54) {
        all.push((54, server_octets.as_slice()));
    }
    all.extend(options);
    dhcp::Message {
        operation: 2,
        transaction: 0x1234_5678,
        kind: Some(kind),
        hardware_address: Some(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c])),
        client: Ipv4Addr::UNSPECIFIED,
        your: Ipv4Addr::new(10, 0, 4, 23),
        server,
        relay: Ipv4Addr::UNSPECIFIED,
        options: all.into_iter().map(|(code, data)| dhcp::DhcpOption { code, data }).collect(),
        problems: Vec::new(),
        cut: false,
    }
}

impl Dhcp {
    /// Does anything to the exchange.
    pub(crate) fn act(mut self, act: impl FnOnce(&mut Lease, At) + 'static) -> Self {
        self.0.push(Box::new(act));
        self
    }

    /// DISCOVER.
    pub(crate) fn discover(self) -> Self {
        self.act(|lease, at| lease.discovers.push(at))
    }

    /// OFFER.
    pub(crate) fn offer(self, options: &[(u8, &[u8])]) -> Self {
        let message = Arc::new(dhcp_message(dhcp::kind::OFFER, options));
        self.act(|lease, at| lease.offers.push((at, message)))
    }

    /// REQUEST.
    pub(crate) fn request(self) -> Self {
        self.act(|lease, at| lease.requests.push((at, Some(Ipv4Addr::new(10, 0, 4, 1)))))
    }

    /// INFORM.
    pub(crate) fn inform(self) -> Self {
        self.act(|lease, at| lease.informs.push(at))
    }

    /// ACK.
    pub(crate) fn ack(self, options: &[(u8, &[u8])]) -> Self {
        let message = Arc::new(dhcp_message(dhcp::kind::ACK, options));
        self.act(|lease, at| lease.acks.push((at, message)))
    }

    /// NAK.
    pub(crate) fn nak(self) -> Self {
        let message = Arc::new(dhcp_message(dhcp::kind::NAK, &[]));
        self.act(|lease, at| lease.naks.push((at, message)))
    }

    /// DECLINE.
    pub(crate) fn decline(self) -> Self {
        self.act(|lease, at| lease.declines.push(at))
    }
}

impl IntoStep for Dhcp {
    fn into_step(self, frame: u64) -> Step {
        let mut lease =
            Lease { transaction: 0x1234_5678, client: Some(Mac([0x00, 0x04, 0xf2, 0x1a, 0x2b, 0x3c])), ..Lease::default() };
        let mut next = frame;
        for act in self.0 {
            act(&mut lease, at_second(next, next as f64 / 100.0 + (next - frame) as f64));
            next += 1;
        }
        let last = at_second(next - 1, (next - 1) as f64 / 100.0 + (next - 1 - frame) as f64);
        let outcome = if lease.acks.is_empty() { Outcome::Failed } else { Outcome::Ok };
        step(Stage::Address, Purpose::Address, at(frame), last, outcome, StepKind::Lease(Box::new(lease)))
    }
}

/// ARP for the router 10.0.4.1: so many requests, and perhaps a reply.
pub(crate) fn router(requests: u64, replies: bool) -> impl IntoStep {
    struct Arp(u64, bool);
    impl IntoStep for Arp {
        fn into_step(self, frame: u64) -> Step {
            let requests: Vec<At> = (0..self.0).map(|n| at_second(frame + n, frame as f64 / 100.0 + n as f64)).collect();
            let (first, last) = (requests[0], *requests.last().unwrap());
            let reply = self.1.then_some((last, Mac([0x00, 0x1b, 0x0c, 0x00, 0x00, 0x01])));
            let outcome = if self.1 { Outcome::Ok } else { Outcome::Failed };
            let kind = StepKind::Neighbour(Box::new(Neighbour { address: ip("10.0.4.1"), router: true, requests, reply }));
            step(Stage::Address, Purpose::Address, first, last, outcome, kind)
        }
    }
    Arp(requests, replies)
}

/// NTP with 10.0.0.9: so many requests, and the answers, each with leap, stratum and the time that it tells.
pub(crate) fn ntp_exchange(requests: u64, answers: &[(u8, u8, Time)]) -> impl IntoStep {
    struct Ntp(u64, Vec<(u8, u8, Time)>);
    impl IntoStep for Ntp {
        fn into_step(self, frame: u64) -> Step {
            let message = |mode, (leap, stratum, says): (u8, u8, Time)| ntp::Message {
                leap,
                version: 3,
                mode,
                stratum,
                reference_id: [0; 4],
                originate: 0,
                receive: 0,
                cut: false,
                transmit: ((says.seconds() + 2_208_988_800) as u64) << 32,
            };
            let requests: Vec<_> = (0..self.0)
                .map(|n| {
                    (
                        at_second(frame + n, frame as f64 / 100.0 + 2.0 * n as f64),
                        message(3, (0, 0, Time::from_seconds(-2_208_988_800))),
                    )
                })
                .collect();
            let asked = requests.last().unwrap().0;
            let answers: Vec<_> = self
                .1
                .into_iter()
                .map(|answer| (At { frame: Frame::new(asked.frame.number() + 1), ..asked }, message(4, answer)))
                .collect();
            let last = answers.last().map_or(asked, |(at, _)| *at);
            let outcome = if answers.is_empty() { Outcome::Failed } else { Outcome::Ok };
            let first = requests[0].0;
            let clock = Clock {
                done_without: false,
                server: ip("10.0.0.9"),
                name: Some(WireText::from("time.windows.com")),
                requests,
                answers,
                unreachable: None,
            };
            let mut made = step(Stage::Time, Purpose::Clock, first, last, outcome, StepKind::Clock(Box::new(clock)));
            if outcome == Outcome::Failed {
                made.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: last });
            }
            made
        }
    }
    Ntp(requests, answers.to_vec())
}

/// bindRequest of CONTOSO\kim, the last leg of NTLM.
pub(crate) fn ldap_bind() -> ldap::Body {
    let token = ntlm::Token::Authenticate {
        domain: WireText::from("CONTOSO"),
        user: WireText::from("kim"),
        workstation: WireText::from("CPE-1A2B3C"),
        timestamp: None,
    };
    let mechanism = WireText::from("GSS-SPNEGO");
    let method = ldap::Method::Sasl { mechanism, token: Some(spnego::Token::Ntlm(token)) };
    ldap::Body::Bind(ldap::Bind { name: WireText::default(), method })
}

/// searchRequest under the configuration of the forest.
pub(crate) fn ldap_search(filter: &str) -> ldap::Body {
    let base = WireText::from("CN=Public Key Services,CN=Services,CN=Configuration,DC=contoso,DC=com");
    ldap::Body::Search(ldap::Search { base, scope: 2, filter: WireText::from(filter), attributes: Vec::new() })
}

/// A request of kim@CONTOSO.COM for a first ticket, with the time that the password encrypted or without.
pub(crate) fn as_req(has_timestamp: bool) -> kerberos::Message {
    kerberos_request(kerberos::kind::AS_REQ, "krbtgt/CONTOSO.COM", has_timestamp)
}

/// A request of kim@CONTOSO.COM for the ticket of a service.
pub(crate) fn tgs_req(service: &str) -> kerberos::Message {
    kerberos_request(kerberos::kind::TGS_REQ, service, false)
}

fn kerberos_request(kind: u8, service: &str, has_timestamp: bool) -> kerberos::Message {
    let request = kerberos::Request {
        client: Some(WireText::from("kim")),
        realm: WireText::from("CONTOSO.COM"),
        service: Some(WireText::from(service)),
        etypes: vec![23, 3],
        has_timestamp,
        nonce: 1,
    };
    kerberos::Message { kind, body: kerberos::Body::Request(request) }
}

/// A ticket.
pub(crate) fn ticket() -> kerberos::Message {
    kerberos::Message { kind: kerberos::kind::AS_REP, body: kerberos::Body::Other }
}

/// A KRB-ERROR.
pub(crate) fn krb_error(code: i32) -> kerberos::Message {
    krb_error_with(code, None)
}

/// A KRB-ERROR with an NTSTATUS.
pub(crate) fn krb_error_with(code: i32, status: Option<u32>) -> kerberos::Message {
    let error = kerberos::Error {
        code,
        server_time: None,
        client_time: None,
        realm: WireText::from("CONTOSO.COM"),
        service: WireText::from("krbtgt/CONTOSO.COM"),
        client: None,
        text: None,
        etypes: Vec::new(),
        status,
    };
    kerberos::Message { kind: kerberos::kind::ERROR, body: kerberos::Body::Error(error) }
}

/// Kerberos over UDP with dc01.contoso.com at 10.0.0.3: each request with its answer.
pub(crate) fn kerberos(requests: Vec<(kerberos::Message, Option<kerberos::Message>)>) -> impl IntoStep {
    struct Tickets(Vec<(kerberos::Message, Option<kerberos::Message>)>);
    impl IntoStep for Tickets {
        fn into_step(self, frame: u64) -> Step {
            let mut next = frame;
            let mut tick = || {
                next += 1;
                at(next - 1)
            };
            let tickets: Vec<TicketRequest> = self
                .0
                .into_iter()
                .map(|(request, answer)| {
                    let sent = vec![tick()];
                    let answer = answer.map(|answer| (tick(), Arc::new(answer)));
                    TicketRequest { sent, request: Some(Arc::new(request)), port: 1045, answer }
                })
                .collect();
            let last = at(next - 1);
            let ending = match tickets.last().map(|ticket| (&ticket.answer, ticket.error())) {
                Some((_, Some((at, error)))) if !matches!(error.code, 25 | 52) => {
                    Some(Ending { by: By::Server, how: How::Rejected, at })
                }
                Some((None, _)) => Some(Ending { by: By::Unknown, how: How::Timeout, at: last }),
                _ => None,
            };
            let flow = Flow {
                id: frame,
                transport: Transport::Udp,
                client: Endpoint::Ip(SocketAddr::new(DEVICE, 1045)),
                server: Endpoint::Ip(SocketAddr::new(ip("10.0.0.3"), 88)),
                oriented: true,
            };
            let name = Some(WireText::from("dc01.contoso.com"));
            let inquiry = Inquiry { flow, name, ldap: Vec::new(), kerberos: tickets, unreachable: None };
            let outcome = if ending.is_some() { Outcome::Failed } else { Outcome::Ok };
            let kind = StepKind::Inquiry(Box::new(inquiry));
            Step { ending, ..step(Stage::Directory, Purpose::Directory, at(frame), last, outcome, kind) }
        }
    }
    Tickets(requests)
}

/// SIP over UDP with 10.0.0.5: each transaction with how often it was sent, and the answer.
pub(crate) fn registration(transactions: Vec<(u64, sip::Message, Option<sip::Message>)>) -> impl IntoStep {
    struct Sip(Vec<(u64, sip::Message, Option<sip::Message>)>);
    impl IntoStep for Sip {
        fn into_step(self, frame: u64) -> Step {
            let mut next = frame;
            let mut late = 0.0;
            let mut tick = |pause: f64| {
                late += pause;
                let at = at_second(next, next as f64 / 100.0 + late);
                next += 1;
                at
            };
            let mut transactions = Vec::new();
            let mut last = at(frame);
            for (times, request, answer) in self.0 {
                let sent: Vec<At> = (0..times).map(|n| tick(if n == 0 { 0.0 } else { 1.0 })).collect();
                let answer = answer.map(|answer| (tick(0.0), Arc::new(answer)));
                last = answer.as_ref().map_or(*sent.last().unwrap(), |(at, _)| *at);
                transactions.push(Transaction { sent, request: Arc::new(request), provisional: None, answer, unheard: None });
            }
            let ended =
                transactions.last().and_then(|transaction| transaction.answer.as_ref()).and_then(|(_, answer)| answer.code());
            let flow = Flow {
                id: frame,
                transport: Transport::Udp,
                client: Endpoint::Ip(SocketAddr::new(DEVICE, 5060)),
                server: Endpoint::Ip(SocketAddr::new(ip("10.0.0.5"), 5060)),
                oriented: true,
            };
            let kind = StepKind::Registration(Box::new(Registration {
                flow,
                name: Some(WireText::from("pool.contoso.com")),
                name_frame: None,
                transactions,
                unreachable: None,
                alive: None,
            }));
            let mut made = step(Stage::Register, Purpose::Registrar, at(frame), last, Outcome::Ok, kind);
            match ended {
                Some(200..300) => {}
                Some(_) => made.ending = Some(Ending { by: By::Server, how: How::Rejected, at: last }),
                None => made.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: last }),
            }
            if made.ending.is_some() {
                made.outcome = Outcome::Failed;
            }
            made
        }
    }
    Sip(transactions)
}

/// A SIP message with this first line and no more than it must have.
fn sip_message(start: sip::Start, sequence: u32, method: &str) -> sip::Message {
    sip::Message {
        start,
        call_id: WireText::from("a84b4c76e66710"),
        cseq: (sequence, WireText::from(method)),
        from: Some(WireText::from("sip:anna@contoso.com")),
        to: Some(WireText::from("sip:anna@contoso.com")),
        via: None,
        branch: None,
        contacts: Vec::new(),
        expires: None,
        expires_field: None,
        min_expires: None,
        user_agent: None,
        server: None,
        credentials: Vec::new(),
        challenges: Vec::new(),
        ms_diagnostics: None,
        warning: None,
        retry_after: None,
        date: None,
        event: None,
        cut: false,
        received: None,
        origin: None,
    }
}

/// A SIP request of anna@contoso.com.
pub(crate) fn sip_request(method: &str, sequence: u32) -> sip::Message {
    let start = sip::Start::Request { method: WireText::from(method), uri: WireText::from("sip:contoso.com") };
    sip_message(start, sequence, method)
}

/// A SIP answer to a REGISTER.
pub(crate) fn sip_answer(code: u16, sequence: u32) -> sip::Message {
    sip_message(sip::Start::Response { code, reason: WireText::from("Reason") }, sequence, "REGISTER")
}

/// A challenge or credentials of this scheme.
pub(crate) fn sip_auth(scheme: &str) -> sip::Auth {
    sip::Auth {
        scheme: WireText::from(scheme),
        realm: Some(WireText::from("SIP Communications Service")),
        nonce: None,
        stale: false,
        algorithm: None,
        gssapi: None,
        username: None,
    }
}

/// A certificate: RSA 2048, signed with SHA-1, valid in 2009, version 3.
pub(crate) fn certificate(subject: &str, issuer: &str) -> Arc<Certificate> {
    certificate_with(subject, issuer, |_| ())
}

/// The certificate of pool.contoso.com, by CN=Contoso Issuing CA.
pub(crate) fn leaf() -> Arc<Certificate> {
    certificate("CN=pool.contoso.com", "CN=Contoso Issuing CA")
}

/// The registrar gives this chain, and the device resets the connection.
pub(crate) fn refused(chain: Vec<Arc<Certificate>>) -> Login {
    Login::new().step(tcp(Purpose::Registrar).hello().server_flight(chain).leaves(Side::Client, Close::Rst)).dropped()
}

/// The registrar gives this chain, and the device leaves with this alert.
pub(crate) fn refused_saying(alert: u8, chain: Vec<Arc<Certificate>>) -> Login {
    let given = tcp(Purpose::Registrar).hello().server_flight(chain).alert(Side::Client, 2, alert);
    Login::new().step(given.leaves(Side::Client, Close::Fin)).dropped()
}

/// The registrar gives this chain, and it is the registrar that resets the connection.
pub(crate) fn cut_by_server(chain: Vec<Arc<Certificate>>) -> Login {
    Login::new().step(tcp(Purpose::Registrar).hello().server_flight(chain).leaves(Side::Server, Close::Rst)).dropped()
}

/// The registrar gives this chain, the device takes it and speaks, and then the registrar closes.
pub(crate) fn accepted(chain: Vec<Arc<Certificate>>) -> Login {
    let taken = tcp(Purpose::Registrar).hello().server_flight(chain).client_finished().server_finished();
    Login::new().step(taken.encrypted(Side::Client).encrypted(Side::Server).leaves(Side::Server, Close::Fin)).dropped()
}

/// A fault of the server's own certificate.
pub(crate) fn fault(kind: FaultKind, certainty: f32) -> Fault {
    Fault { certificate: Some(Link::Sent(0)), kind, certainty }
}

/// A certificate, changed.
pub(crate) fn certificate_with(subject: &str, issuer: &str, change: impl FnOnce(&mut Body)) -> Arc<Certificate> {
    let name = |text: &str| Name { der: text.as_bytes().to_vec(), text: WireText::from(text) };
    let mut body = Body {
        serial: "1a2b".to_owned(),
        subject: name(subject),
        issuer: name(issuer),
        signature_algorithm: SignatureAlgorithm {
            oid: "1.2.840.113549.1.1.5".to_owned(),
            hash: Some(Hash::Sha1),
            scheme: Scheme::Rsa,
            pss_salt_length: None,
        },
        signed: 0..0,
        signature: Vec::new(),
        key: PublicKey { info: Vec::new(), name: "RSA".to_owned(), kind: KeyKind::Rsa, bits: 2048 },
        not_before: Time::from_seconds(1_230_768_000),
        not_after: Time::from_seconds(1_262_304_000),
        common_name: subject.split(',').find_map(|part| part.strip_prefix("CN=")).map(WireText::from),
        alternative_names: Vec::new(),
        basic_constraints: None,
        key_usage: None,
        extended_key_usage: None,
        subject_key_id: None,
        authority_key_id: None,
        crl_locations: Vec::new(),
        ocsp_locations: Vec::new(),
        issuer_locations: Vec::new(),
        version: 3,
    };
    change(&mut body);
    // Not DER, but as different from others as the certificate is.
    let der: Arc<[u8]> = Arc::from(format!("{body:?}").as_bytes());
    let sha256 = Sha256::digest(&der).into();
    Arc::new(Certificate { der, sha256, body: Ok(body) })
}
