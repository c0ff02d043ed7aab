//! What `events` prints of Kerberos.

use serde_json::Value;

use super::{Body, Error, Message, Request, kind};
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "kerberos"
    }

    fn event(&self) -> Option<&'static str> {
        Some(match self.kind {
            kind::AS_REQ => "as_req",
            kind::AS_REP => "as_rep",
            kind::TGS_REQ => "tgs_req",
            kind::TGS_REP => "tgs_rep",
            kind::AP_REQ => "ap_req",
            kind::AP_REP => "ap_rep",
            kind::ERROR => "error",
            _ => "message",
        })
    }

    fn asker(&self) -> Asker {
        if self.is_request() { Asker::Sender } else { Asker::Receiver }
    }

    fn held(&self) -> usize {
        match &self.body {
            Body::Request(request) => {
                let names = texts([&request.client, &request.service]).saturating_add(request.realm.held());
                names.saturating_add(size_of_val(request.etypes.as_slice()))
            }
            Body::Error(error) => {
                let names = texts([&error.client, &error.text]).saturating_add(error.realm.held());
                names.saturating_add(error.service.held()).saturating_add(size_of_val(error.etypes.as_slice()))
            }
            Body::Other => 0,
        }
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        put("kerberos.msg_type", self.kind.into());
        match &self.body {
            Body::Request(request) => request_fields(request, put),
            Body::Error(error) => error_fields(error, put),
            Body::Other => {}
        }
    }
}

fn request_fields(request: &Request, put: &mut dyn FnMut(&'static str, Value)) {
    put_parts("kerberos.CNameString", request.client.as_ref(), put);
    put_text("kerberos.realm", Some(&request.realm), put);
    put_parts("kerberos.SNameString", request.service.as_ref(), put);
    put("kerberos.ENCTYPE", request.etypes.clone().into());
    put("pa_enc_timestamp", request.has_timestamp.into());
}

fn error_fields(error: &Error, put: &mut dyn FnMut(&'static str, Value)) {
    put("kerberos.error_code", error.code.into());
    let mut put_time = |key: &'static str, time: Option<crate::model::Time>| {
        if let Some(time) = time {
            put(key, time.whole_seconds().into());
        }
    };
    put_time("kerberos.stime", error.server_time);
    put_time("kerberos.ctime", error.client_time);
    put_parts("kerberos.CNameString", error.client.as_ref(), put);
    put_text("kerberos.realm", Some(&error.realm), put);
    put_parts("kerberos.SNameString", Some(&error.service), put);
    put_text("kerberos.e_text", error.text.as_ref(), put);
    if let Some(status) = error.status {
        put("nt_status", format!("0x{status:08x}").into());
    }
}

/// The parts of a principal's name, as Wireshark lists them.
fn put_parts(key: &'static str, name: Option<&WireText>, put: &mut dyn FnMut(&'static str, Value)) {
    if let Some(name) = name.filter(|name| !name.is_empty()) {
        put(key, name.raw().split('/').collect::<Vec<_>>().into());
    }
}

fn put_text(key: &'static str, text: Option<&WireText>, put: &mut dyn FnMut(&'static str, Value)) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        put(key, text.raw().into());
    }
}
