//! What `events` prints of HTTP.

use serde_json::Value;

use super::{Message, Request, Response};
use crate::bytes::share;
use crate::formats::ntlm;
use crate::protocols::{Asker, Describe, texts};
use crate::text::WireText;

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "http"
    }

    fn event(&self) -> Option<&'static str> {
        match self {
            Message::Request(_) => Some("request"),
            Message::Response(_) => Some("response"),
        }
    }

    fn asker(&self) -> Asker {
        match self {
            Message::Request(_) => Asker::Sender,
            Message::Response(_) => Asker::Receiver,
        }
    }

    fn held(&self) -> usize {
        match self {
            Message::Request(request) => request.held(),
            Message::Response(response) => response.held(),
        }
    }

    fn fields(&self, put: &mut dyn FnMut(&'static str, Value)) {
        match self {
            Message::Request(request) => request_fields(request, put),
            Message::Response(response) => response_fields(response, put),
        }
    }
}

fn request_fields(request: &Request, put: &mut dyn FnMut(&'static str, Value)) {
    let authorization = if request.to_proxy { "http.proxy_authorization" } else { "http.authorization" };
    put("http.request.method", Value::from(request.method.raw()));
    put("http.request.uri", Value::from(request.uri.raw()));
    put_text("http.host", request.host.as_ref(), put);
    put_text("http.user_agent", request.user_agent.as_ref(), put);
    put_text("http.content_type", request.content_type.as_ref(), put);
    put_text(authorization, request.authorization.as_ref(), put);
}

fn response_fields(response: &Response, put: &mut dyn FnMut(&'static str, Value)) {
    put("http.response.code", Value::from(response.code));
    put_text("http.server", response.server.as_ref(), put);
    put_text("http.content_type", response.content_type.as_ref(), put);
    put_text("http.location", response.location.as_ref(), put);
    put_list("http.www_authenticate", &response.www_authenticate, put);
    put_list("http.proxy_authenticate", &response.proxy_authenticate, put);
}

fn put_text(key: &'static str, text: Option<&WireText>, put: &mut dyn FnMut(&'static str, Value)) {
    if let Some(text) = text {
        put(key, Value::from(text.raw()));
    }
}

fn put_list(key: &'static str, texts: &[WireText], put: &mut dyn FnMut(&'static str, Value)) {
    if !texts.is_empty() {
        put(key, texts.iter().map(WireText::raw).collect());
    }
}

impl Response {
    /// Memory that it takes, with its share of the body.
    fn held(&self) -> usize {
        let head = texts([&self.server, &self.content_type, &self.location]);
        let schemes = self.www_authenticate.iter().chain(&self.proxy_authenticate).map(WireText::held);
        let token = self.ntlm.as_ref().map_or(0, ntlm::Token::held);
        let body = share(&self.body.bytes, self.body.bytes.len());
        schemes.chain([token, body]).fold(head, usize::saturating_add)
    }
}
