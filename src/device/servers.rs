//! What TLS servers show to anybody in the capture: roots of CAs, and for which names a server has a certificate. Events in;
//! nothing of any one device.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;

use crate::event::{Event, What};
use crate::formats::names;
use crate::formats::x509::{Body, Certificate};
use crate::model::{Endpoint, Frame, Side};
use crate::protocols::{Message, tls};
use crate::text::WireText;

/// Hellos with a name that wait for the certificate.
const HELLOS: usize = 64;
/// Names for which servers have shown certificates.
const NAMED: usize = 256;
/// Roots that are remembered.
const ROOTS: usize = 64;
/// Bytes of a root; real ones have at most half as many.
const LONGEST_ROOT: usize = 4_096;
/// Bytes of an issuer's name; real ones have a tenth.
const LONGEST_ISSUER: usize = 1_024;
/// Bytes of a host's name (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 255;

/// What servers showed, the first of it.
#[derive(Debug, Default)]
pub struct Servers {
    hellos: VecDeque<(u64, WireText)>,
    named: Vec<Named>,
    roots: Vec<(Frame, Arc<Certificate>)>,
}

/// A certificate for the name that a client asked for.
#[derive(Debug)]
struct Named {
    server: Endpoint,
    name: WireText,
    client: Option<IpAddr>,
    /// Who issued it, in DER.
    issuer: Box<[u8]>,
    frame: Frame,
}

impl Servers {
    /// Takes note of an event.
    pub fn event(&mut self, event: &Event) {
        let What::Message(Message::Tls(message)) = &event.what else { return };
        match (message, event.side) {
            (tls::Message::ClientHello(hello), Side::Client) => {
                let Some(name) = hello.server_name.as_ref().filter(|name| name.raw().len() <= LONGEST_NAME) else { return };
                if self.hellos.len() >= HELLOS {
                    self.hellos.pop_front();
                }
                self.hellos.push_back((event.flow.id, name.clone()));
            }
            (tls::Message::Certificate(chain), Side::Server) => {
                let place = self.hellos.iter().position(|(flow, _)| *flow == event.flow.id);
                let name = place.and_then(|place| self.hellos.remove(place)).map(|(_, name)| name);
                self.shown(event.flow.server, event.flow.client.ip(), event.at.frame, name, chain);
            }
            _ => {}
        }
    }

    /// A server gave this chain to a client that asked for this name, or for none.
    pub fn shown(
        &mut self,
        server: Endpoint,
        client: Option<IpAddr>,
        frame: Frame,
        name: Option<WireText>,
        chain: &[Arc<Certificate>],
    ) {
        let Some((leaf, above)) = chain.split_first() else { return };
        if let (Some(name), Ok(body)) = (name, &leaf.body) {
            self.name(server, client, frame, name, body);
        }
        for root in above.iter().filter(|one| is_root(one) && one.der.len() <= LONGEST_ROOT) {
            if self.roots.len() < ROOTS && !self.roots.iter().any(|(_, known)| known == root) {
                self.roots.push((frame, Arc::clone(root)));
            }
        }
    }

    fn name(&mut self, server: Endpoint, client: Option<IpAddr>, frame: Frame, name: WireText, body: &Body) {
        let issuer = body.issuer.der.as_slice();
        let is_fit = self.named.len() < NAMED && issuer.len() <= LONGEST_ISSUER && names::covers(body, name.raw());
        let is_known = |known: &Named| known.client == client && *known.issuer == *issuer;
        if is_fit && !self.of(server, name.raw()).any(is_known) {
            self.named.push(Named { server, name, client, issuer: issuer.into(), frame });
        }
    }

    fn of(&self, server: Endpoint, name: &str) -> impl Iterator<Item = &Named> {
        self.named.iter().filter(move |known| known.server == server && names::same_host(known.name.raw(), name))
    }

    /// Where this server answered a hello for this name with a certificate for it.
    pub fn answered_for(&self, server: Endpoint, name: &str) -> Option<Frame> {
        self.of(server, name).next().map(|known| known.frame)
    }

    /// Where this server gave another client, for this name, a certificate of another issuer than it gave this one; neither ever got
    /// what the other did, as both do where a certificate is changed.
    pub fn otherwise(&self, server: Endpoint, name: &str, client: Option<IpAddr>, issuer: &[u8]) -> Option<Frame> {
        let got =
            |who: Option<IpAddr>, what: &[u8]| self.of(server, name).any(|known| known.client == who && *known.issuer == *what);
        let other = |known: &&Named| {
            known.client != client && *known.issuer != *issuer && !got(known.client, issuer) && !got(client, &known.issuer)
        };
        self.of(server, name).find(other).map(|known| known.frame)
    }

    /// The roots, and where they were shown.
    pub fn roots(&self) -> &[(Frame, Arc<Certificate>)] {
        &self.roots
    }
}

/// Does it bear its own issuer's name?
fn is_root(certificate: &Certificate) -> bool {
    certificate.body.as_ref().is_ok_and(|body| body.subject.der == body.issuer.der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{certificate, leaf};
    use crate::flow::{Flow, Transport};
    use crate::model::At;
    use crate::packet::Link;

    fn server(host: u8) -> Endpoint {
        Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 0, host], 5_061)))
    }

    fn says(servers: &mut Servers, flow: u64, side: Side, message: tls::Message) {
        let client = Endpoint::Ip(std::net::SocketAddr::from(([10, 0, 4, 23], 40_000)));
        let flow = Flow { id: flow, transport: Transport::Tcp, client, server: server(5), oriented: true };
        let at = At { frame: Frame::new(7), time: crate::model::Time::from_seconds(7) };
        servers.event(&Event { at, link: Link::default(), flow, side, what: What::Message(Message::Tls(message)) });
    }

    fn hello(servers: &mut Servers, flow: u64) {
        hello_to(servers, flow, "pool.contoso.com");
    }

    fn hello_to(servers: &mut Servers, flow: u64, name: &str) {
        let hello = tls::ClientHello { server_name: Some(name.into()), ..tls::ClientHello::default() };
        says(servers, flow, Side::Client, tls::Message::ClientHello(Arc::new(hello)));
    }

    #[test]
    fn a_server_is_known_by_the_names_that_it_was_asked_for_and_has() {
        let mut servers = Servers::default();
        says(&mut servers, 1, Side::Server, tls::Message::Certificate(vec![leaf()]));
        assert_eq!(servers.answered_for(server(5), "pool.contoso.com"), None, "nobody named it");
        hello(&mut servers, 2);
        says(&mut servers, 2, Side::Server, tls::Message::Certificate(vec![certificate("CN=other.contoso.com", "CN=CA")]));
        assert_eq!(servers.answered_for(server(5), "pool.contoso.com"), None, "the certificate is for another");
        hello(&mut servers, 3);
        says(&mut servers, 3, Side::Server, tls::Message::Certificate(vec![leaf()]));
        assert_eq!(servers.answered_for(server(5), "POOL.contoso.com"), Some(Frame::new(7)));
        assert_eq!(servers.answered_for(server(6), "pool.contoso.com"), None);
    }

    #[test]
    fn two_clients_that_get_certificates_of_two_issuers_for_one_name_are_told_apart_from_one_that_was_changed() {
        let mut servers = Servers::default();
        let client = |host: u8| Some(IpAddr::from([10, 0, 4, host]));
        let mut gets = |host: u8, issuer: &str| {
            let chain = [certificate("CN=pool.contoso.com", issuer)];
            servers.shown(server(5), client(host), Frame::new(host.into()), Some("pool.contoso.com".into()), &chain);
            let other = chain[0].body.as_ref().unwrap().issuer.der.clone();
            servers.otherwise(server(5), "pool.contoso.com", client(host), &other)
        };
        assert_eq!(gets(1, "CN=Contoso CA"), None);
        assert_eq!(gets(2, "CN=Contoso CA"), None);
        assert_eq!(gets(3, "CN=Proxy"), Some(Frame::new(1)));
        assert_eq!(gets(1, "CN=Proxy"), None, "it got both");
        assert_eq!(gets(2, "CN=Proxy"), None, "all got both");
    }

    #[test]
    fn hellos_names_and_roots_are_remembered_up_to_their_bounds() {
        let mut servers = Servers::default();
        for flow in 0..=HELLOS as u64 {
            hello(&mut servers, flow);
        }
        assert_eq!((servers.hellos.len(), servers.hellos[0].0), (HELLOS, 1), "the oldest goes");
        hello_to(&mut servers, 1_000, &"a".repeat(LONGEST_NAME + 1));
        assert_eq!(servers.hellos.back().map(|(flow, _)| *flow), Some(HELLOS as u64));
        let root = |number: usize| certificate(&format!("CN={number}"), &format!("CN={number}"));
        for number in 0..NAMED + 1 {
            let name = format!("{number}.contoso.com");
            let chain = [certificate(&format!("CN={name}"), "CN=CA"), root(number)];
            servers.shown(server(5), None, Frame::new(1), Some(WireText::from(name)), &chain);
        }
        assert_eq!((servers.named.len(), servers.roots.len()), (NAMED, ROOTS));
        let mut servers = Servers::default();
        let long = format!("CN={}", "a".repeat(LONGEST_ISSUER));
        servers.shown(
            server(5),
            None,
            Frame::new(1),
            Some("pool.contoso.com".into()),
            &[certificate("CN=pool.contoso.com", &long)],
        );
        assert!(servers.named.is_empty());
        let mut servers = Servers::default();
        let long = format!("CN={}", "a".repeat(LONGEST_ROOT));
        servers.shown(server(5), None, Frame::new(1), None, &[leaf(), certificate(&long, &long)]);
        assert!(servers.roots.is_empty());
    }
}
