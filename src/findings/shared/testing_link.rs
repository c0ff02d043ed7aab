//! Steps below and beside IP for the tests of rules: 802.1X, DHCPv6, TFTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::findings::testing::{DEVICE, IntoStep, at, at_second, ip, step};
use crate::flow::{Flow, Transport};
use crate::formats::x509::Certificate;
use crate::login::steps::{Ending, Handshake, LeaseV6, PortAccess, Purpose, Step, StepKind, Transfer};
use crate::model::{At, By, Endpoint, How, Outcome, Stage};
use crate::protocols::{dhcpv6, eap};
use crate::text::WireText;

/// What happens in a frame.
type Act<T> = Box<dyn FnOnce(&mut T, At)>;

/// Something that is put together frame by frame, a second apart.
pub(crate) struct Made<T> {
    acts: Vec<Act<T>>,
    ending: Option<(By, How)>,
}

impl<T> Made<T> {
    fn new() -> Self {
        Self { acts: Vec::new(), ending: None }
    }

    /// What happens in the next frame.
    fn act(mut self, act: impl FnOnce(&mut T, At) + 'static) -> Self {
        self.acts.push(Box::new(act));
        self
    }

    /// How it ended, where it failed.
    pub(crate) fn failed(mut self, by: By, how: How) -> Self {
        self.ending = Some((by, how));
        self
    }

    /// Silence ended it.
    pub(crate) fn silent(self) -> Self {
        self.failed(By::Unknown, How::Timeout)
    }

    fn make(self, mut made: T, frame: u64, stage: Stage, purpose: Purpose, kind: impl FnOnce(T) -> StepKind) -> Step {
        let mut last = at(frame);
        for (act, number) in self.acts.into_iter().zip(0_u64..) {
            last = at_second(frame + number, (frame + number) as f64 / 100.0 + number as f64);
            act(&mut made, last);
        }
        let outcome = if self.ending.is_some() { Outcome::Failed } else { Outcome::Ok };
        let mut made = step(stage, purpose, at(frame), last, outcome, kind(made));
        made.ending = self.ending.map(|(by, how)| Ending { by, how, at: last });
        made
    }
}

/// 802.1X, nothing said so far.
pub(crate) fn access() -> Made<PortAccess> {
    Made::new()
}

/// An EAP packet.
pub(crate) fn eap_packet(code: u8, method: u8) -> eap::Packet {
    eap::Packet { code, identifier: 1, method: Some(method), identity: None, wanted: Vec::new(), alert: None }
}

impl Made<PortAccess> {
    /// EAPOL-Start.
    pub(crate) fn start(self) -> Self {
        self.act(|port, at| port.starts.push(at))
    }

    /// A request for the identity.
    pub(crate) fn asked(self) -> Self {
        self.act(|port, at| port.requests.push((at, eap_packet(1, eap::method::IDENTITY))))
    }

    /// The device says who it is.
    pub(crate) fn identity(self, name: &'static str) -> Self {
        let packet = eap::Packet { identity: Some(WireText::from(name)), ..eap_packet(2, eap::method::IDENTITY) };
        self.act(|port, at| port.responses.push((at, packet)))
    }

    /// The switch asks by a method, and the device answers, perhaps with a TLS alert.
    pub(crate) fn method(self, method: u8, alert: Option<u8>) -> Self {
        let answer = eap::Packet { alert: alert.map(|description| (2, description)), ..eap_packet(2, method) };
        self.act(move |port, at| port.requests.push((at, eap_packet(1, method))))
            .act(move |port, at| port.responses.push((at, answer)))
    }

    /// The RADIUS server shows a chain, inside EAP.
    pub(crate) fn shown(self, chain: Vec<Arc<Certificate>>) -> Self {
        self.act(|port, at| {
            let handshake = Handshake { certificate: Some((at, chain)), ..Handshake::default() };
            port.tls = Some(Box::new(handshake));
        })
    }

    /// EAP-Failure.
    pub(crate) fn failure(self) -> Self {
        self.act(|port, at| port.failure = Some(at)).failed(By::Server, How::Rejected)
    }
}

impl IntoStep for Made<PortAccess> {
    fn into_step(self, frame: u64) -> Step {
        self.make(PortAccess::default(), frame, Stage::Link, Purpose::Access, |port| StepKind::Port(Box::new(port)))
    }
}

/// DHCPv6, nothing said so far.
pub(crate) fn lease_v6() -> Made<LeaseV6> {
    Made::new()
}

impl Made<LeaseV6> {
    /// SOLICIT.
    pub(crate) fn solicit(self) -> Self {
        self.act(|lease, at| lease.solicits.push(at))
    }

    /// ADVERTISE, with an address or a status.
    pub(crate) fn advertise(self, status: Option<u16>) -> Self {
        self.act(move |lease, at| lease.advertises.push((at, Arc::new(answer(dhcpv6::kind::ADVERTISE, status)))))
    }

    /// REQUEST.
    pub(crate) fn request(self) -> Self {
        self.act(|lease, at| lease.requests.push(at))
    }

    /// REPLY, with an address or a status.
    pub(crate) fn reply(self, status: Option<u16>) -> Self {
        self.act(move |lease, at| lease.replies.push((at, Arc::new(answer(dhcpv6::kind::REPLY, status)))))
    }
}

fn answer(kind: u8, status: Option<u16>) -> dhcpv6::Message {
    let given = status.is_none().then(|| "2001:db8::17".parse().unwrap());
    dhcpv6::Message {
        outer: kind,
        kind,
        transaction: Some(1),
        addresses: given.into_iter().collect(),
        status: status.map(|status| (status, WireText::default())),
        ..dhcpv6::Message::default()
    }
}

impl IntoStep for Made<LeaseV6> {
    fn into_step(self, frame: u64) -> Step {
        self.make(LeaseV6::default(), frame, Stage::Address, Purpose::Address, |lease| StepKind::LeaseV6(Box::new(lease)))
    }
}

/// A file of the TFTP server 10.0.0.69, nothing said so far.
pub(crate) struct Tftp {
    file: &'static str,
    made: Made<Transfer>,
}

/// A file that is asked for once.
pub(crate) fn file(file: &'static str) -> Tftp {
    Tftp { file, made: Made::new() }.again()
}

impl Tftp {
    /// It is asked for (again).
    pub(crate) fn again(self) -> Self {
        Tftp { made: self.made.act(|transfer, at| transfer.requests.push(at)), ..self }
    }

    /// Nobody answers.
    pub(crate) fn silent(self) -> Self {
        Tftp { made: self.made.silent(), ..self }
    }

    /// A block comes that is not the last one.
    pub(crate) fn block(self) -> Self {
        let come = |transfer: &mut Transfer, at| {
            transfer.accepted.get_or_insert(at);
            transfer.last_answer = Some(at);
        };
        Tftp { made: self.made.act(come), ..self }
    }

    /// All of it comes.
    pub(crate) fn whole(self) -> Self {
        let come = |transfer: &mut Transfer, at| {
            transfer.accepted = Some(at);
            transfer.last_answer = Some(at);
            transfer.complete = Some(at);
        };
        Tftp { made: self.made.act(come), ..self }
    }

    /// The server's error.
    pub(crate) fn error(self, code: u16, text: &'static str) -> Self {
        let told = move |transfer: &mut Transfer, at| transfer.error = Some((at, code, WireText::from(text)));
        Tftp { made: self.made.act(told).failed(By::Server, How::Rejected), ..self }
    }
}

impl IntoStep for Tftp {
    fn into_step(self, frame: u64) -> Step {
        let end = |ip: IpAddr, port: u16| Endpoint::Ip(SocketAddr::new(ip, port));
        let flow = Flow {
            id: frame,
            transport: Transport::Udp,
            client: end(DEVICE, 49_152),
            server: end(ip("10.0.0.69"), 69),
            oriented: true,
        };
        let transfer = Transfer {
            flow,
            name: None,
            file: WireText::from(self.file),
            write: false,
            requests: Vec::new(),
            accepted: None,
            last_answer: None,
            block_size: 512,
            last_block: None,
            acknowledged: Vec::new(),
            complete: None,
            error: None,
            aborted: None,
            unreachable: None,
        };
        self.made.make(transfer, frame, Stage::Provision, Purpose::Provision, |transfer| StepKind::File(Box::new(transfer)))
    }
}
