//! A TCP connection with its TLS, HTTP and SIP, and SIP over UDP, in a few lines.

use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use crate::flow::Flow;
use crate::formats::pkcs7;
use crate::formats::x509::{Certificate, signature_name};
use crate::model::{At, Outcome, Side, Stage};
use crate::protocols::sip;
use crate::protocols::tls::names::{alert_name, cipher_name, version_name};
use crate::text::WireText;

use super::super::steps::{Close, Connection, Exchange, Handshake, Purpose, Registration, Step, StepKind, Transaction};
use super::{Direction, Moment, Teller, directory, times, unanswered};

/// Status codes of one list that are spelt out.
const CODES: usize = 6;

fn peer(flow: &Flow, name: Option<&WireText>) -> SmolStr {
    match name {
        Some(name) => format_smolstr!("{name}:{}", flow.server.port()),
        None => flow.server.to_smolstr(),
    }
}

fn direction(side: Side) -> Direction {
    match side {
        Side::Client => Direction::Out,
        Side::Server => Direction::In,
    }
}

pub(super) fn connection(step: &Step, connection: &Connection, dropped: bool, moments: &mut Vec<Moment>) {
    let mut teller = Teller { moments, stage: step.stage, peer: peer(&connection.flow, connection.name.as_ref()) };
    // The handshakes of a connection to the registrar are stages of their own.
    let of_registrar = step.purpose == Purpose::Registrar;
    let at_stage = |stage: Stage| if of_registrar { stage } else { step.stage };
    if !is_read(connection) || of_registrar || connection.syn_ack.is_none() {
        opening(&mut teller, at_stage(Stage::Connect), step, connection);
    }
    let heard = connection.stats.server.last_data;
    directory::ldap(&mut teller, &connection.ldap, heard);
    directory::kerberos(&mut teller, &connection.kerberos, heard);
    if let Some(tls) = &connection.tls {
        handshake(&mut teller, at_stage(Stage::Tls), tls, connection.sealed_rejection().is_some());
        let is_told = !connection.sip.is_empty() || connection.requests().next().is_some() || !connection.ldap.is_empty();
        if !tls.opened || !is_told || connection.is_torn() {
            data(&mut teller, at_stage(Stage::Register), tls);
        }
    }
    requests(&mut teller, step.purpose, &connection.http, heard);
    transactions(&mut teller, at_stage(Stage::Register), &connection.sip, heard);
    if dropped || step.outcome == Outcome::Failed {
        let stage = if connection.tls.is_some() || connection.syn_ack.is_none() { step.stage } else { at_stage(step.stage) };
        closing(&mut teller, stage, connection);
    }
}

/// Was anything that it carried read?
fn is_read(connection: &Connection) -> bool {
    let Connection { tls, http, sip, ldap, kerberos, .. } = connection;
    tls.is_some() || !http.is_empty() || !sip.is_empty() || !ldap.is_empty() || !kerberos.is_empty()
}

/// SYN, and what became of it.
fn opening(teller: &mut Teller<'_>, stage: Stage, step: &Step, connection: &Connection) {
    let Some(syn) = connection.syn else {
        if connection.syn_ack.is_none() && !is_read(connection) {
            teller.tell_in(stage, step.first, Direction::Out, "a connection that was open before the capture began");
        }
        return;
    };
    let asked = times("SYN", connection.stats.client.syns as usize);
    if connection.is_accepted() {
        teller.tell_in(stage, syn, Direction::Out, format_args!("{asked}, accepted{}", unread(connection)));
    } else if let Some(at) = connection.refused() {
        teller.tell_in(stage, at, Direction::In, format_args!("{asked} → refused (RST)"));
    } else if let Some((at, from)) = connection.unreachable {
        teller.tell_in(stage, at, Direction::In, format_args!("{asked} → ICMP unreachable from {from}"));
    } else if connection.is_unheard() {
        teller.tell_in(stage, syn, Direction::Silence, format_args!("{asked}, whose SYN-ACK does not reach the device"));
    } else if connection.stats.client.first_data.is_some() {
        // Nobody sends data to a port that has not answered.
        teller.tell_in(stage, syn, Direction::Out, format_args!("{asked}, whose answer is not in the capture"));
    } else {
        teller.tell_in(stage, syn, Direction::Silence, format_args!("{asked}, no answer"));
    }
}

/// How much was said on a connection of which nothing can be read.
fn unread(connection: &Connection) -> String {
    let (sent, received) = (connection.stats.client.sent, connection.stats.server.sent);
    if is_read(connection) || sent == 0 && received == 0 {
        String::new()
    } else {
        format!("; {sent} bytes sent, {received} received")
    }
}

/// A handshake; `rejected`: the server ended it when the device had said its part of one of TLS 1.3.
fn handshake(teller: &mut Teller<'_>, stage: Stage, tls: &Handshake, rejected: bool) {
    if let Some((at, hello)) = &tls.client_hello {
        let form = if hello.sslv2_format { " in SSL 2.0 form" } else { "" };
        let name = match &hello.server_name {
            Some(name) => format!("for {name}"),
            None => "no server_name".to_owned(),
        };
        let version = version_name(hello.highest_version());
        let text = format_args!("ClientHello{form}: up to {version}, {} cipher suites, {name}", hello.ciphers.len());
        teller.tell_in(stage, *at, Direction::Out, text);
    }
    if let Some((at, hello)) = &tls.server_hello {
        let text = format_args!("ServerHello: {}, {}", version_name(hello.chosen), cipher_name(hello.cipher));
        teller.tell_in(stage, *at, Direction::In, text);
    }
    if let Some((at, chain)) = &tls.certificate {
        teller.tell_in(stage, *at, Direction::In, format_args!("Certificate: {}", chain_in_words(chain)));
    }
    if let Some((at, request)) = &tls.certificate_request {
        let text = format_args!("CertificateRequest, {} CAs", request.authorities.len());
        teller.tell_in(stage, *at, Direction::In, text);
    }
    if let Some((at, chain)) = &tls.client_certificate {
        let text = if chain.is_empty() {
            "Certificate: the device has none to give".to_owned()
        } else {
            format!("Certificate of the device: {}", chain_in_words(chain))
        };
        teller.tell_in(stage, *at, Direction::Out, text);
    }
    if let Some(at) = tls.client_key_exchange {
        teller.tell_in(stage, at, Direction::Out, "ClientKeyExchange: the device goes on with this certificate");
    }
    if let Some((at, side)) = tls.last_step().filter(|_| tls.completed()) {
        let text = if rejected { "the device's part of the handshake, sealed" } else { "handshake complete" };
        teller.tell_in(stage, at, direction(side), text);
    }
    for (at, side, level, description) in &tls.alerts {
        let level = if *level == 2 { "fatal" } else { "warning" };
        teller.tell_in(stage, *at, direction(*side), format_args!("alert {} ({level})", alert_name(*description)));
    }
}

/// Encrypted data: who said how much.
fn data(teller: &mut Teller<'_>, stage: Stage, tls: &Handshake) {
    let first = [tls.client_data.first(), tls.server_data.first()].into_iter().flatten().map(|record| record.at).min();
    let Some(first) = first else { return };
    let (sent, received) = (tls.client_data.count(), tls.server_data.count());
    let text = format_args!("encrypted: {sent} records of the device, {received} of the server (the first are counted)");
    teller.tell_in(stage, first, Direction::Out, text);
}

/// The server's own certificate, and how many stand with it.
fn chain_in_words(chain: &[std::sync::Arc<Certificate>]) -> String {
    let count = match chain.len() {
        0 => return "an empty chain".to_owned(),
        1 => "1 certificate".to_owned(),
        count => format!("{count} certificates"),
    };
    match chain.first().map(|certificate| &certificate.body) {
        Some(Ok(body)) => {
            let name = body.common_name.as_ref().unwrap_or(&body.subject.text);
            let (key, bits) = (&body.key.name, body.key.bits);
            format!("{name}, {key} {bits}, {}, {count}", signature_name(&body.signature_algorithm.oid))
        }
        _ => format!("{count}, the first cannot be read"),
    }
}

/// HTTP, with what was asked again folded into one line.
fn requests(teller: &mut Teller<'_>, purpose: Purpose, exchanges: &[Exchange], heard: Option<At>) {
    let same = |one: &Exchange, other: &Exchange| match (&one.request, &other.request) {
        (Some((_, one)), Some((_, other))) => one.method == other.method && one.uri == other.uri,
        _ => false,
    };
    for group in exchanges.chunk_by(same) {
        let Some(first) = group.first() else { continue };
        let at = first.request.as_ref().map(|(at, _)| *at).or(first.response.as_ref().map(|(at, _)| *at));
        let Some(at) = at else { continue };
        let asked = match &first.request {
            Some((_, request)) => format!("{} {}", request.method, request.uri),
            None => "a request that the capture lacks".to_owned(),
        };
        let code = |exchange: &Exchange| match &exchange.response {
            Some((_, response)) => response.code.to_smolstr(),
            None => SmolStr::new_static(unanswered(heard, at)),
        };
        let codes: Vec<SmolStr> = group.iter().map(code).collect();
        let got = group.last().and_then(|exchange| exchange.response.as_ref()).filter(|(_, response)| response.code == 200);
        let body = got.map(|(_, response)| content(&response.body.bytes, purpose)).unwrap_or_default();
        teller.tell(at, Direction::Out, format_args!("{asked} → {}{body}", folded(&codes)));
    }
}

/// `401, 401, 200`; of a long list the beginning and the end.
fn folded(codes: &[SmolStr]) -> String {
    match (codes.get(..CODES), codes.last()) {
        (Some(beginning), Some(last)) if codes.len() > CODES => {
            format!("{}, … {last} ({} in all)", beginning.join(", "), codes.len())
        }
        _ => codes.join(", "),
    }
}

/// What a body holds: certificates, where the device came for them.
fn content(body: &[u8], purpose: Purpose) -> String {
    if purpose == Purpose::Enrolment {
        match pkcs7::certificates(body).certificates.len() {
            0 => {}
            1 => return ", 1 certificate".to_owned(),
            count => return format!(", {count} certificates"),
        }
    }
    format!(", {} bytes", body.len())
}

/// SIP, with what was asked again folded into one line.
fn transactions(teller: &mut Teller<'_>, stage: Stage, transactions: &[Transaction], heard: Option<At>) {
    let same = |one: &Transaction, other: &Transaction| one.request.method() == other.request.method();
    for group in transactions.chunk_by(same) {
        let Some((first, at)) = group.first().and_then(|first| Some((first, first.sent.first().copied()?))) else { continue };
        let request = match &first.request.start {
            sip::Start::Request { method, uri } => format!("{method} {uri}"),
            sip::Start::Response { .. } => first.request.cseq.1.to_string(),
        };
        let sent = group.iter().map(|transaction| transaction.sent.len()).max().unwrap_or_default();
        let code = |transaction: &Transaction| match (&transaction.answer, &transaction.unheard) {
            (Some((_, answer)), _) => status(answer),
            (None, Some((_, answer))) => format_smolstr!("{}, which it does not hear", status(answer)),
            (None, None) => SmolStr::new_static(unanswered(heard, at)),
        };
        let codes: Vec<SmolStr> = group.iter().map(code).collect();
        let silent = group.iter().all(|transaction| transaction.answer.is_none() && transaction.provisional.is_none());
        let direction = if silent { Direction::Silence } else { Direction::Out };
        let asked = times(request, if silent { sent } else { 1 });
        teller.tell_in(stage, at, direction, format_args!("{asked} → {}", folded(&codes)));
    }
}

fn status(answer: &sip::Message) -> SmolStr {
    match &answer.start {
        sip::Start::Response { code, reason } if !reason.is_empty() && *code != 401 => format_smolstr!("{code} {reason}"),
        sip::Start::Response { code, .. } => code.to_smolstr(),
        sip::Start::Request { .. } => SmolStr::default(),
    }
}

/// How a connection that failed was closed, and what it lacked.
fn closing(teller: &mut Teller<'_>, stage: Stage, connection: &Connection) {
    let Some((at, side, close)) = connection.first_close() else { return };
    if connection.refused().is_some() {
        return;
    }
    let how = match close {
        Close::Fin => "FIN",
        Close::Rst => "RST",
    };
    let lacks = match &connection.tls {
        Some(tls) if tls.completed() => "",
        Some(tls) if tls.certificate.is_some() && tls.client_step().is_none() && tls.is_readable() => {
            if tls.taking() == "Finished" { ", no Finished" } else { ", no ClientKeyExchange" }
        }
        Some(tls) if tls.client_hello.is_some() && tls.server_hello.is_none() => ", no ServerHello",
        Some(_) => ", the handshake is not complete",
        None if connection.cut_hello.is_some() => ", after hellos that the capture cut",
        None if !is_read(connection) => ", before anything was said",
        None => "",
    };
    teller.tell_in(stage, at, direction(side), format_args!("{how}{lacks}"));
}

pub(super) fn registration(step: &Step, registration: &Registration, moments: &mut Vec<Moment>) {
    let mut teller = Teller { moments, stage: step.stage, peer: peer(&registration.flow, registration.name.as_ref()) };
    transactions(&mut teller, step.stage, &registration.transactions, None);
    if let Some((at, from)) = registration.unreachable {
        teller.tell(at, Direction::In, format_args!("ICMP unreachable from {from}"));
    }
}

/// What the frame that ended a step said, where it was an answer.
pub(super) fn refusal(step: &Step, at: At) -> Option<String> {
    let (http, sip): (&[Exchange], &[Transaction]) = match &step.kind {
        StepKind::Connection(connection) => (&connection.http, &connection.sip),
        StepKind::Registration(registration) => (&[], &registration.transactions),
        StepKind::Inquiry(inquiry) => return directory::refusal(&inquiry.ldap, &inquiry.kerberos, at),
        _ => return None,
    };
    let directory = match &step.kind {
        StepKind::Connection(connection) => directory::refusal(&connection.ldap, &connection.kerberos, at),
        _ => None,
    };
    let response = http.iter().filter_map(|exchange| exchange.response.as_ref()).find(|(seen, _)| seen.frame == at.frame);
    let answer = sip.iter().filter_map(|transaction| transaction.answer.as_ref()).find(|(seen, _)| seen.frame == at.frame);
    match (response, answer) {
        (Some((_, response)), _) => Some(format!("{}: the last answer", response.code)),
        (None, Some((_, answer))) => Some(format!("{}: the last answer", status(answer))),
        (None, None) => directory,
    }
}
