//! Which name led to which address: what a device compares a certificate with, whatever the hello says.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use crate::model::{Endpoint, Frame};
use crate::protocols::{dhcp, dns};
use crate::text::WireText;

use super::steps::Purpose;
use super::{purpose, push};

/// Addresses that are remembered.
const ADDRESSES: usize = 1024;
/// Names that are remembered for one address: the newest.
const NAMES: usize = 16;
/// Service records that are remembered.
const SERVICES: usize = 256;
/// SIP domains that are remembered.
const DOMAINS: usize = 64;

/// What a device learnt from DNS.
#[derive(Debug, Default)]
pub(super) struct NameBook {
    addresses: HashMap<IpAddr, Vec<(WireText, Frame)>, RandomState>,
    services: Vec<Service>,
    /// Domains whose SIP services were asked for.
    sip_domains: Vec<String>,
    /// Host and port of the web service that DHCP named.
    web_service: Option<(WireText, u16)>,
    held: usize,
}

/// A service record.
#[derive(Debug)]
struct Service {
    name: WireText,
    target: WireText,
    port: u16,
    /// The answer that held it first.
    frame: Frame,
}

impl Service {
    fn leads_to(&self, host: &WireText) -> bool {
        self.target.raw().eq_ignore_ascii_case(host.raw())
    }

    fn held(&self) -> usize {
        self.name.held().saturating_add(self.target.held())
    }
}

impl NameBook {
    /// Memory that it takes, about.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes note of an answer.
    pub(super) fn learn(&mut self, frame: Frame, question: &dns::Question, message: &dns::Message) {
        if question.kind == dns::kind::SRV {
            self.learn_domain(question.name.raw());
        }
        for record in &message.records {
            match &record.data {
                dns::RecordData::Address(address) => {
                    // What was asked for is what counts: an alias (CNAME) on the way does not change the expected name.
                    let name = if record.answer { &question.name } else { &record.name };
                    self.add(*address, name, frame);
                }
                dns::RecordData::Service { target, port, .. } => {
                    self.add_service(Service { name: question.name.clone(), target: target.clone(), port: *port, frame });
                }
                _ => {}
            }
        }
    }

    /// Takes note of the certificate web service that a UC client is told of: host and port in option 43.
    pub(super) fn learn_web_service(&mut self, ack: &dhcp::Message) {
        let Some((host, port)) = ack.web_service() else { return };
        let before = self.web_service.as_ref().map_or(0, |(host, _)| host.held());
        self.held = self.held.saturating_sub(before).saturating_add(host.held());
        self.web_service = Some((host, port));
    }

    /// Is this host, at this port, that web service?
    pub(super) fn is_web_service(&self, name: &WireText, port: u16) -> bool {
        self.web_service.as_ref().is_some_and(|(host, own)| *own == port && host.raw().eq_ignore_ascii_case(name.raw()))
    }

    fn learn_domain(&mut self, service: &str) {
        let mut domain = service;
        while domain.starts_with('_') {
            domain = domain.split_once('.').map_or("", |(_, behind)| behind);
        }
        let domain = domain.trim_end_matches('.');
        let known = domain.is_empty() || self.is_sip_domain(domain);
        if purpose::of_name(service) == Purpose::Registrar && !known && self.sip_domains.len() < DOMAINS {
            self.held = self.held.saturating_add(domain.len());
            self.sip_domains.push(domain.to_ascii_lowercase());
        }
    }

    fn add(&mut self, address: IpAddr, name: &WireText, frame: Frame) {
        if self.addresses.len() >= ADDRESSES && !self.addresses.contains_key(&address) {
            return;
        }
        let names = self.addresses.entry(address).or_default();
        let known = names.iter().position(|(known, _)| known.raw().eq_ignore_ascii_case(name.raw()));
        let gone = known.or((names.len() >= NAMES).then_some(0)).map(|place| names.remove(place).0);
        let before = gone.as_ref().map_or(0, WireText::held);
        let name = gone.filter(|gone| gone == name).unwrap_or_else(|| name.clone());
        self.held = self.held.saturating_sub(before).saturating_add(name.held());
        push(names, (name, frame));
    }

    fn add_service(&mut self, service: Service) {
        let is_it = |known: &Service| (&known.name, &known.target, known.port) == (&service.name, &service.target, service.port);
        if self.services.iter().any(is_it) {
            return;
        }
        if self.services.len() >= SERVICES {
            self.held = self.held.saturating_sub(self.services.remove(0).held());
        }
        self.held = self.held.saturating_add(service.held());
        self.services.push(service);
    }

    /// The service that a record gave this host for, and the answer that held it.
    pub(super) fn service_at(&self, host: &WireText) -> Option<(WireText, Frame)> {
        let service = self.services.iter().rfind(|service| service.leads_to(host))?;
        Some((service.name.clone(), service.frame))
    }

    /// The name that led to this server, and the frame of the answer. One address can have several names (a small site
    /// runs everything on one host): the SRV target for that very port goes first, then a name that serves what the port
    /// serves, then the newest that serves nothing else.
    pub(super) fn name_of(&self, server: Endpoint) -> Option<(WireText, Frame)> {
        let names = self.addresses.get(&server.ip()?)?;
        let by_port = purpose::of_port(server.port());
        let rank = |name: &WireText| {
            let mut services = self.services.iter().filter(|service| service.leads_to(name));
            let serves = self.purpose_of(name);
            if services.any(|service| service.port == server.port()) {
                3
            } else if by_port != Purpose::Other && serves == by_port {
                2
            } else {
                u8::from(serves == Purpose::Other || by_port == Purpose::Other)
            }
        };
        names.iter().max_by_key(|(name, frame)| (rank(name), *frame)).cloned()
    }

    /// For what a name serves: by itself, by the SRV record that points to it, or as the domain that stands in for its own
    /// SRV records where there are none (RFC 3263 section 4.2).
    pub(super) fn purpose_of(&self, name: &WireText) -> Purpose {
        match purpose::of_name(name.raw()) {
            Purpose::Other if self.is_sip_domain(name.raw().trim_end_matches('.')) => Purpose::Registrar,
            Purpose::Other => self
                .services
                .iter()
                .rev()
                .filter(|service| service.leads_to(name))
                .map(|service| purpose::of_name(service.name.raw()))
                .find(|purpose| *purpose != Purpose::Other)
                .unwrap_or(Purpose::Other),
            purpose => purpose,
        }
    }

    fn is_sip_domain(&self, name: &str) -> bool {
        self.sip_domains.iter().any(|domain| domain.eq_ignore_ascii_case(name))
    }

    /// Takes over what was learnt under another name.
    pub(super) fn join(&mut self, other: NameBook) {
        #[expect(clippy::iter_over_hash_type, reason = "each address has its own list, so that the order does not show")]
        for (address, names) in other.addresses {
            for (name, frame) in names {
                self.add(address, &name, frame);
            }
        }
        for domain in other.sip_domains {
            if self.sip_domains.len() < DOMAINS && !self.sip_domains.contains(&domain) {
                self.held = self.held.saturating_add(domain.len());
                self.sip_domains.push(domain);
            }
        }
        other.services.into_iter().for_each(|service| self.add_service(service));
        if let (None, Some((host, port))) = (&self.web_service, other.web_service) {
            self.held = self.held.saturating_add(host.held());
            self.web_service = Some((host, port));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::findings::testing::dhcp_message;

    #[test]
    fn addresses_beyond_the_bound_have_no_name_and_those_known_go_on() {
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number as u32));
        let mut book = NameBook::default();
        for number in 0..ADDRESSES + 50 {
            book.add(address(number), &WireText::from(format!("host{number}.contoso.com")), Frame::new(number as u64));
        }
        let name = |book: &NameBook, number: usize| {
            let server = Endpoint::Ip(std::net::SocketAddr::new(address(number), 5_061));
            book.name_of(server).map(|(name, _)| name.raw().to_owned())
        };
        assert_eq!(name(&book, 0).as_deref(), Some("host0.contoso.com"));
        assert_eq!((name(&book, ADDRESSES - 1).is_some(), name(&book, ADDRESSES)), (true, None));
        let held = book.held();
        for number in 0..200 {
            book.add(address(0), &WireText::from(format!("new{number:03}.contoso.com")), Frame::new(9_000 + number));
        }
        assert_eq!(name(&book, 0).as_deref(), Some("new199.contoso.com"));
        assert!(book.held() < held + 20 * NAMES * 10, "{held} {}", book.held());
    }

    #[test]
    fn the_web_service_that_dhcp_names_is_one_at_its_host_and_port_alone() {
        let sub = |code: u8, value: &[u8]| [&[code, value.len() as u8], value].concat();
        let told = |class: &[u8], port: &[u8]| {
            let value = [sub(1, class), sub(2, b"https"), sub(3, b"pool.contoso.com"), sub(4, port)].concat();
            let mut book = NameBook::default();
            book.learn_web_service(&dhcp_message(5, &[(43, &value)]));
            move |name: &str, port: u16| book.is_web_service(&WireText::from(name), port)
        };
        let known = told(b"MS-UC-Client", b"443");
        assert!(known("Pool.contoso.com", 443));
        assert!(!known("pool.contoso.com", 5061) && !known("sip.contoso.com", 443));
        assert!(!told(b"another", b"443")("pool.contoso.com", 443), "it speaks to others");
        assert!(!told(b"MS-UC-Client", &[1, 0xbb])("pool.contoso.com", 443), "the port is no text");
    }
}
