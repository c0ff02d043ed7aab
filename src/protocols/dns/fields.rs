//! What `events` prints of DNS.

use serde_json::{Value, json};

use super::{Message, Record, RecordData, kind};
use crate::protocols::{Asker, Describe};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "dns"
    }

    fn event(&self) -> Option<&'static str> {
        Some(if self.response { "response" } else { "query" })
    }

    fn asker(&self) -> Asker {
        if self.response { Asker::Receiver } else { Asker::Sender }
    }

    fn held(&self) -> usize {
        let records = self.records.iter().map(Record::held);
        let question = self.question.as_ref().map_or(0, |question| question.name.held());
        records.chain(self.problem.as_ref().map(String::len)).fold(question, usize::saturating_add)
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("dns.id", format!("0x{:04x}", self.id).into());
        put("dns.flags.response", self.response.into());
        if self.response {
            put("dns.flags.rcode", self.rcode.into());
        }
        if let Some(question) = &self.question {
            put("dns.qry.name", shown(&question.name).into());
            put("dns.qry.type", question.kind.into());
        }
        if !self.records.is_empty() {
            put("dns.resp", self.records.iter().map(record).collect());
        }
    }
}

/// A name as Wireshark shows it: the root has no characters of its own.
fn shown(name: &WireText) -> &str {
    if name.is_empty() { "<Root>" } else { name.raw() }
}

fn record(record: &Record) -> Value {
    let name = shown(&record.name);
    let of = |kind: u16, value: &str| json!({"name": name, "type": kind, "value": value});
    match &record.data {
        RecordData::Address(address) if address.is_ipv4() => of(kind::A, &address.to_string()),
        RecordData::Address(address) => of(kind::AAAA, &address.to_string()),
        RecordData::Alias(target) => of(kind::CNAME, shown(target)),
        RecordData::NameServer(target) => of(kind::NS, shown(target)),
        RecordData::Pointer(target) => of(kind::PTR, shown(target)),
        RecordData::Service { priority, weight, port, target } => json!({"name": name, "type": kind::SRV, "value": shown(target),
            "priority": priority, "weight": weight, "port": port}),
    }
}

impl Record {
    fn held(&self) -> usize {
        let value = match &self.data {
            RecordData::Address(_) => 0,
            RecordData::Alias(name) | RecordData::NameServer(name) | RecordData::Pointer(name) => name.held(),
            RecordData::Service { target, .. } => target.held(),
        };
        size_of::<Self>().saturating_add(self.name.held()).saturating_add(value)
    }
}
