//! What was said in a login, without what differs between any two logins: numbers of transactions, nonces, times, the
//! device's own address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::Value;

use crate::event::{Event, What};
use crate::flow::{Flow, Signal};
use crate::formats::x509::{AlternativeName, Certificate, signature_name};
use crate::model::{Frame, Side};
use crate::protocols::{Describe, Message, dns, tls};
use crate::text::WireText;
use crate::trust::key_name;

/// Facts that are kept of a device, values of each, and names of addresses.
const FACTS: usize = 4_096;
const VALUES: usize = 16;
const NAMES: usize = 1_024;
/// Requests that wait for the answer that they explain.
const WAITING: usize = 64;

/// What of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// `DHCP ack`, `HTTP GET ca01.contoso.com /certsrv/certnew.p7b`.
    pub(super) subject: String,
    /// The field.
    pub(super) name: String,
}

/// The values that were seen, and where the first was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) values: BTreeSet<String>,
    pub(super) first: Frame,
}

/// The facts of one device.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    facts: BTreeMap<Key, Values>,
    /// By which name the device came to an address.
    names: BTreeMap<IpAddr, String>,
    /// The last request of a flow, for its answer.
    asked: Vec<(Flow, String)>,
}

impl Facts {
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.facts.keys()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Values> {
        self.facts.get(key)
    }

    /// The first frame of a subject.
    pub(super) fn first(&self, subject: &str) -> Option<Frame> {
        self.facts.iter().filter(|(key, _)| key.subject == subject).map(|(_, values)| values.first).min()
    }

    /// Takes what is worth comparing of an event.
    pub(super) fn add(&mut self, event: &Event) {
        let frame = event.at.frame;
        match &event.what {
            What::Tcp(signal, _) => self.tcp(event, *signal),
            What::Message(Message::Dns(message)) => self.dns(message, frame),
            What::Message(Message::Tls(message)) => self.tls(event, message),
            What::Message(message) => self.described(event, message),
            What::Unread { .. } => {}
        }
    }

    fn put(&mut self, subject: &str, name: &str, value: String, frame: Frame) {
        let key = Key { subject: subject.to_owned(), name: name.to_owned() };
        let is_full = self.facts.len() >= FACTS;
        if is_full && !self.facts.contains_key(&key) {
            return;
        }
        let values = self.facts.entry(key).or_insert_with(|| Values { values: BTreeSet::new(), first: frame });
        if values.values.len() < VALUES {
            values.values.insert(value);
        }
    }

    /// The server of an event, by the name that led to it.
    fn server(&self, event: &Event) -> String {
        let server = event.flow.endpoint(Side::Server);
        match server.ip().and_then(|ip| self.names.get(&ip)) {
            Some(name) => format!("{name}:{}", server.port()),
            None => server.to_string(),
        }
    }

    /// Who closed, and how.
    fn tcp(&mut self, event: &Event, signal: Signal) {
        let how = match signal {
            Signal::Fin(_) => "FIN",
            Signal::Rst(_) => "RST",
            _ => return,
        };
        let who = if event.side == Side::Client { "device" } else { "server" };
        let subject = format!("TCP with {}", self.server(event));
        self.put(&subject, "closed", format!("{who}, {how}"), event.at.frame);
    }

    fn dns(&mut self, message: &dns::Message, frame: Frame) {
        let Some(question) = message.question.as_ref().filter(|_| message.response) else { return };
        let subject = format!("DNS {} type {}", question.name, question.kind);
        for record in &message.records {
            if let dns::RecordData::Address(ip) = record.data
                && self.names.len() < NAMES
            {
                self.names.entry(ip).or_insert_with(|| record.name.to_string());
            }
        }
        self.fields(&subject, message, frame);
    }

    fn tls(&mut self, event: &Event, message: &tls::Message) {
        let server = self.server(event);
        let frame = event.at.frame;
        if let tls::Message::Certificate(chain) = message {
            let subject = format!("TLS certificates of {server}");
            if event.side == Side::Server {
                self.put(&subject, "certificates sent", chain.len().to_string(), frame);
                for (place, certificate) in chain.iter().enumerate() {
                    self.certificate(&subject, place, certificate, frame);
                }
            }
            return;
        }
        self.fields(&format!("TLS with {server}"), message, frame);
    }

    fn certificate(&mut self, subject: &str, place: usize, certificate: &Certificate, frame: Frame) {
        let Ok(body) = &certificate.body else { return };
        let number = place.saturating_add(1);
        let mut put = |what: &str, value: String| self.put(subject, &format!("{number}: {what}"), value, frame);
        put("subject", body.subject.text.to_string());
        put("issuer", body.issuer.text.to_string());
        put("signature", signature_name(&body.signature_algorithm.oid).to_owned());
        put("key", key_name(&body.key));
        put("not before", body.not_before.whole_seconds());
        put("not after", body.not_after.whole_seconds());
        for name in &body.alternative_names {
            if let AlternativeName::Dns(name) = name {
                put("names", name.to_string());
            }
        }
    }

    /// Any other message: its fields, below what it is about.
    fn described(&mut self, event: &Event, message: &Message) {
        let described = message.describe();
        let Some(word) = described.event() else { return };
        let mut about: Vec<String> = Vec::new();
        described.fields(&mut |key, value| {
            if ABOUT.contains(&key) {
                about.push(plain(&value));
            }
        });
        let subject = match message {
            Message::Http(_) | Message::Sip(_) | Message::Ldap(_) | Message::Tftp(_) => {
                let said = format!("{} {}", described.protocol().to_uppercase(), about.join(" "));
                if event.side == Side::Client { self.ask(event.flow, said) } else { self.asked(&event.flow).unwrap_or(said) }
            }
            // Neighbours differ from place to place, and nothing of a login stands in their questions.
            Message::Arp(_) => return,
            _ => format!("{} {word}", described.protocol().to_uppercase()),
        };
        self.fields(&subject, described, event.at.frame);
    }

    fn ask(&mut self, flow: Flow, what: String) -> String {
        self.asked.retain(|(known, _)| *known != flow);
        if self.asked.len() >= WAITING {
            self.asked.remove(0);
        }
        self.asked.push((flow, what.clone()));
        what
    }

    fn asked(&self, flow: &Flow) -> Option<String> {
        self.asked.iter().find(|(known, _)| known == flow).map(|(_, what)| what.clone())
    }

    fn fields(&mut self, subject: &str, message: &dyn Describe, frame: Frame) {
        message.fields(&mut |key, value| {
            let is_of_this_login = VOLATILE.contains(&key) || ABOUT.contains(&key);
            match value {
                _ if is_of_this_login => {}
                // The scheme; the rest is a challenge of this login.
                Value::Array(list) if key.ends_with("authenticate") => {
                    let schemes = list.iter().map(plain).filter_map(|one| Some(one.split(' ').next()?.to_owned()));
                    schemes.for_each(|scheme| self.put(subject, key, scheme, frame));
                }
                Value::Array(list) => list.iter().for_each(|one| self.put(subject, key, plain(one), frame)),
                value => self.put(subject, key, plain(&value), frame),
            }
        });
    }
}

/// Fields that say what a message is about.
const ABOUT: &[&str] =
    &["http.request.method", "http.host", "http.request.uri", "sip.Method", "filter", "ldap.baseObject", "tftp.source_file"];

/// Fields that differ between any two logins.
const VOLATILE: &[&str] = &[
    "dhcp.id",
    "dhcp.hw.mac_addr",
    "dhcp.ip.client",
    "dhcp.ip.your",
    "dhcp.option.requested_ip_address",
    "dhcp.option.hostname",
    "dhcpv6.xid",
    "http.authorization",
    "ldap.messageID",
    "sip.Call-ID",
    "sip.CSeq",
    "sip.r-uri",
    "tftp.block",
    "currentTime",
    "pa_enc_timestamp",
    "eap.id",
    "dhcpv6.iaaddr.ip",
    "client_mac",
    "dns.id",
    "dns.flags.response",
    "dns.qry.name",
    "dns.qry.type",
];

/// A value as people read it: of a DNS record its kind and data.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(record) if record.contains_key("value") => {
            let parts = ["type", "value", "port"].iter().filter_map(|part| record.get(*part)).map(plain);
            parts.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    };
    WireText::from(text).to_string()
}
