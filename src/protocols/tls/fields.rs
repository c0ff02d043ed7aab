//! What `events` prints of TLS.

use serde_json::{Map, Value, json};

use super::handshake::CERTIFICATE_STATUS;
use super::{CertificateRequest, ClientHello, Message, ServerHello};
use crate::formats::x509::{AlternativeName, Body, Certificate};
use crate::protocols::{Asker, Describe, texts};

type Put<'a> = &'a mut dyn FnMut(&'static str, Value);

impl Describe for Message {
    fn protocol(&self) -> &'static str {
        "tls"
    }

    fn event(&self) -> Option<&'static str> {
        match self {
            Message::ClientHello(_) => Some("client_hello"),
            Message::ServerHello(hello) => Some(if hello.retry { "hello_retry_request" } else { "server_hello" }),
            Message::Certificate(_) => Some("certificate"),
            Message::CertificateRequest(_) => Some("certificate_request"),
            Message::CertificateStatus(_) => Some(handshake_word(CERTIFICATE_STATUS)),
            Message::Handshake(kind) => Some(handshake_word(*kind)),
            Message::Cut(beginning) => beginning.event(),
            Message::Alert { .. } => Some("alert"),
            Message::ChangeCipherSpec
            | Message::EncryptedHandshake
            | Message::EncryptedAlert
            | Message::ApplicationData { .. }
            | Message::Decryption(_) => None,
        }
    }

    fn asker(&self) -> Asker {
        match self {
            Message::ClientHello(_) => Asker::Sender,
            Message::ServerHello(_) => Asker::Receiver,
            Message::Cut(beginning) => beginning.asker(),
            _ => Asker::Client,
        }
    }

    fn held(&self) -> usize {
        match self {
            Message::ClientHello(hello) => hello.held(),
            Message::Certificate(chain) => chain.iter().map(|one| one.held()).fold(0, usize::saturating_add),
            Message::CertificateRequest(request) => request.held(),
            Message::CertificateStatus(response) => response.len(),
            Message::Cut(beginning) => beginning.held(),
            _ => 0,
        }
    }

    fn fields(&self, put: Put<'_>) {
        if let Message::Cut(beginning) = self {
            return beginning.fields(put);
        }
        if let Some(kind) = handshake_type(self) {
            put("tls.handshake.type", kind.into());
        }
        match self {
            Message::ClientHello(hello) => client_hello(hello, put),
            Message::ServerHello(hello) => server_hello(hello, put),
            Message::Certificate(list) => {
                put("certificates", list.iter().map(|certificate| self::certificate(certificate)).collect());
            }
            Message::CertificateRequest(request) => certificate_request(request, put),
            Message::Alert { level, description } => {
                put("tls.alert_message.level", (*level).into());
                put("tls.alert_message.desc", (*description).into());
            }
            _ => {}
        }
    }
}

fn handshake_type(message: &Message) -> Option<u8> {
    match message {
        Message::ClientHello(_) => Some(1),
        Message::ServerHello(_) => Some(2),
        Message::Certificate(_) => Some(11),
        Message::CertificateRequest(_) => Some(13),
        Message::CertificateStatus(_) => Some(CERTIFICATE_STATUS),
        Message::Handshake(kind) => Some(*kind),
        _ => None,
    }
}

fn handshake_word(kind: u8) -> &'static str {
    match kind {
        0 => "hello_request",
        1 => "client_hello",
        2 => "server_hello",
        3 => "hello_verify_request",
        4 => "new_session_ticket",
        5 => "end_of_early_data",
        6 => "hello_retry_request",
        8 => "encrypted_extensions",
        11 => "certificate",
        12 => "server_key_exchange",
        13 => "certificate_request",
        14 => "server_hello_done",
        15 => "certificate_verify",
        16 => "client_key_exchange",
        20 => "finished",
        21 => "certificate_url",
        CERTIFICATE_STATUS => "certificate_status",
        23 => "supplemental_data",
        24 => "key_update",
        25 => "compressed_certificate",
        67 => "next_protocol",
        _ => "handshake",
    }
}

fn version(version: u16) -> Value {
    format!("0x{version:04x}").into()
}

fn client_hello(hello: &ClientHello, put: Put<'_>) {
    put("tls.handshake.version", version(hello.version));
    if hello.sslv2_format {
        // Cipher specs of three octets, written as Wireshark does.
        put("tls.handshake.ciphersuite", hello.sslv2_ciphers.iter().map(|spec| format!("0x{spec:06x}")).collect());
    } else if !hello.ciphers.is_empty() {
        put("tls.handshake.ciphersuite", hello.ciphers.clone().into());
    }
    if let Some(name) = &hello.server_name {
        put("tls.handshake.extensions_server_name", name.raw().into());
    }
    if !hello.supported_versions.is_empty() {
        put("tls.handshake.extensions.supported_version", hello.supported_versions.iter().copied().map(version).collect());
    }
    if let Some(algorithms) = &hello.signature_algorithms {
        put("tls.handshake.sig_hash_alg", algorithms.clone().into());
    }
    if !hello.extensions.is_empty() {
        put("tls.handshake.extension.type", hello.extensions.clone().into());
    }
}

fn server_hello(hello: &ServerHello, put: Put<'_>) {
    put("tls.handshake.version", version(hello.version));
    // TLS_NULL_WITH_NULL_NULL cannot be chosen (RFC 5246 appendix A.5): the capture ends before the choice.
    if hello.cipher != 0 {
        put("tls.handshake.ciphersuite", hello.cipher.into());
    }
    if hello.chosen != hello.version {
        put("tls.handshake.extensions.supported_version", version(hello.chosen));
    }
}

fn certificate_request(request: &CertificateRequest, put: Put<'_>) {
    put("tls.handshake.dnames_len", request.authorities_length.into());
    if !request.signature_algorithms.is_empty() {
        put("tls.handshake.sig_hash_alg", request.signature_algorithms.clone().into());
    }
}

fn certificate(certificate: &Certificate) -> Value {
    let mut object = Map::new();
    object.insert("sha256".to_owned(), certificate.fingerprint().into());
    match &certificate.body {
        Ok(body) => certificate_body(body, &mut object),
        Err(problem) => {
            object.insert("problem".to_owned(), problem.clone().into());
        }
    }
    Value::Object(object)
}

fn certificate_body(body: &Body, object: &mut Map<String, Value>) {
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("serial", body.serial.clone().into());
    put("subject", body.subject.text.raw().into());
    put("issuer", body.issuer.text.raw().into());
    put("signature_algorithm", body.signature_algorithm.oid.clone().into());
    put("public_key", json!([body.key.name, body.key.bits]));
    put("not_before", body.not_before.whole_seconds().into());
    put("not_after", body.not_after.whole_seconds().into());
    let names: Vec<String> = body.alternative_names.iter().filter_map(alternative_name).collect();
    if !names.is_empty() {
        put("subject_alt_names", names.into());
    }
}

fn alternative_name(name: &AlternativeName) -> Option<String> {
    Some(match name {
        AlternativeName::Dns(host) => format!("DNS:{}", host.raw()),
        AlternativeName::Ip(address) => format!("IP:{address}"),
        AlternativeName::Uri(uri) => format!("URI:{}", uri.raw()),
        AlternativeName::Email(address) => format!("email:{}", address.raw()),
        AlternativeName::Other(_) => return None,
    })
}

impl ClientHello {
    fn held(&self) -> usize {
        let numbers = [&self.ciphers, &self.supported_versions, &self.extensions].map(|list| size_of_val(list.as_slice()));
        let algorithms = self.signature_algorithms.as_ref().map_or(0, |list| size_of_val(list.as_slice()));
        let fixed = size_of_val(self.sslv2_ciphers.as_slice()).saturating_add(algorithms);
        numbers.into_iter().fold(texts([&self.server_name]).saturating_add(fixed), usize::saturating_add)
    }
}

impl CertificateRequest {
    fn held(&self) -> usize {
        let authorities = self.authorities.iter().map(|name| name.capacity().saturating_add(size_of::<Vec<u8>>()));
        authorities.fold(size_of_val(self.signature_algorithms.as_slice()), usize::saturating_add)
    }
}
