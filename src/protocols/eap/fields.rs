//! What `events` prints of EAPOL and EAP.

use serde_json::Value;

use super::{Message, code, kind};
use crate::protocols::{Asker, Describe, texts};

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "eap"
    }

    fn event(&self) -> Option<&'static str> {
        Some(match (self.kind, self.eap.as_ref().map(|eap| eap.code)) {
            (kind::EAP, Some(code::REQUEST)) => "request",
            (kind::EAP, Some(code::RESPONSE)) => "response",
            (kind::EAP, Some(code::SUCCESS)) => "success",
            (kind::EAP, Some(code::FAILURE)) => "failure",
            (kind::START, _) => "start",
            (kind::LOGOFF, _) => "logoff",
            (kind::KEY, _) => "key",
            _ => "other",
        })
    }

    fn asker(&self) -> Asker {
        match (self.kind, self.eap.as_ref().map(|eap| eap.code)) {
            (kind::EAP, Some(code::RESPONSE)) | (kind::START | kind::LOGOFF, _) => Asker::Sender,
            (kind::EAP, Some(code::REQUEST | code::SUCCESS | code::FAILURE)) => Asker::Receiver,
            _ => Asker::Nobody,
        }
    }

    fn held(&self) -> usize {
        let Some(eap) = &self.eap else { return 0 };
        texts([&eap.identity]).saturating_add(eap.wanted.len())
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("eapol.type", self.kind.into());
        let Some(eap) = &self.eap else { return };
        put("eap.code", eap.code.into());
        put("eap.id", eap.identifier.into());
        if let Some(method) = eap.method {
            put("eap.type", method.into());
        }
        if let Some(identity) = &eap.identity {
            put("eap.identity", identity.raw().into());
        }
        if let Some((level, description)) = eap.alert {
            put("tls.alert_message.level", level.into());
            put("tls.alert_message.desc", description.into());
        }
    }
}
