//! What `events` prints of SIP.

use serde_json::Value;

use super::{Auth, Message, Start};
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

/// Methods of RFC 3261 and its extensions, and those of Microsoft's servers.
const METHODS: &[(&str, &str)] = &[
    ("REGISTER", "register"),
    ("INVITE", "invite"),
    ("ACK", "ack"),
    ("BYE", "bye"),
    ("CANCEL", "cancel"),
    ("OPTIONS", "options"),
    ("SUBSCRIBE", "subscribe"),
    ("NOTIFY", "notify"),
    ("PUBLISH", "publish"),
    ("MESSAGE", "message"),
    ("INFO", "info"),
    ("PRACK", "prack"),
    ("UPDATE", "update"),
    ("REFER", "refer"),
    ("SERVICE", "service"),
    ("BENOTIFY", "benotify"),
    ("NEGOTIATE", "negotiate"),
];

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "sip"
    }

    fn event(&self) -> Option<&'static str> {
        match &self.start {
            Start::Request { method, .. } => {
                Some(METHODS.iter().find(|(name, _)| *name == method.raw()).map_or("request", |(_, word)| *word))
            }
            Start::Response { .. } => Some("response"),
        }
    }

    fn asker(&self) -> Asker {
        match self.start {
            Start::Request { .. } => Asker::Sender,
            Start::Response { .. } => Asker::Receiver,
        }
    }

    fn held(&self) -> usize {
        let start = match &self.start {
            Start::Request { method, uri } => method.held().saturating_add(uri.held()),
            Start::Response { reason, .. } => reason.held(),
        };
        let named = [&self.call_id, &self.cseq.1].map(WireText::held);
        let parties = texts([&self.from, &self.to, &self.via, &self.user_agent, &self.server]);
        let more = texts([&self.branch, &self.ms_diagnostics, &self.warning, &self.event]);
        let contacts = self.contacts.iter().map(WireText::held);
        let auths = self.credentials.iter().chain(&self.challenges).map(Auth::held);
        contacts.chain(auths).chain(named).chain([parties, more]).fold(start, usize::saturating_add)
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        match &self.start {
            Start::Request { method, uri } => {
                put("sip.Method", Value::from(method.raw()));
                put("sip.r-uri", Value::from(uri.raw()));
            }
            Start::Response { code, .. } => put("sip.Status-Code", Value::from(*code)),
        }
        let (number, method) = &self.cseq;
        if !method.is_empty() {
            put("sip.CSeq", Value::from(format!("{number} {}", method.raw())));
        }
        put_text("sip.Call-ID", Some(&self.call_id).filter(|text| !text.is_empty()), put);
        put_text("sip.User-Agent", self.user_agent.as_ref(), put);
        put_text("sip.Server", self.server.as_ref(), put);
        put_text("sip.from.addr", self.from.as_ref(), put);
        put_text("sip.to.addr", self.to.as_ref(), put);
        if let Some(seconds) = self.expires_field {
            put("sip.Expires", Value::from(seconds));
        }
    }
}

fn put_text(key: &'static str, text: Option<&WireText>, put: &mut dyn FnMut(&'static str, Value)) {
    if let Some(text) = text {
        put(key, Value::from(text.raw()));
    }
}

impl Auth {
    fn held(&self) -> usize {
        let named = texts([&self.realm, &self.nonce, &self.algorithm, &self.gssapi, &self.username]);
        size_of::<Self>().saturating_add(self.scheme.held()).saturating_add(named)
    }
}
