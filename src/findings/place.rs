//! Where in an attempt a rule stands: a connection with its step, whether the drop happened there or stands on it, and how
//! people name the server.

use std::net::IpAddr;

use crate::findings::Case;
use crate::login::steps::{Close, Connection, Handshake, Purpose, Step, StepKind};
use crate::model::{At, Evidence, How, Outcome, Side};

/// A connection in an attempt.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Index of its step.
    pub index: usize,
    /// Its step.
    pub step: &'a Step,
    /// It.
    pub connection: &'a Connection,
}

/// The connections of an attempt.
pub fn connections<'a>(case: &Case<'a>) -> Vec<Place<'a>> {
    let attempt = case.attempt;
    attempt
        .steps
        .iter()
        .enumerate()
        .filter_map(|(index, step)| match &step.kind {
            StepKind::Connection(connection) => Some(Place { index, step, connection }),
            _ => None,
        })
        .collect()
}

impl<'a> Place<'a> {
    /// Did the attempt drop here?
    pub fn is_drop(&self, case: &Case<'_>) -> bool {
        decisive(case) == Some(self.index)
    }

    /// The TLS handshake, if there is one.
    pub fn tls(&self) -> Option<&'a Handshake> {
        self.connection.tls.as_deref()
    }

    /// The server as people name it: `pool.contoso.com (10.0.0.5:5061)`.
    pub fn server(&self) -> String {
        match &self.connection.name {
            Some(name) => format!("{name} ({})", self.connection.flow.server),
            None => self.connection.flow.server.to_string(),
        }
    }

    /// The server as a command takes it: `pool.contoso.com:5061`.
    pub fn target(&self) -> String {
        let port = self.connection.flow.server.port();
        match &self.connection.name {
            Some(name) => format!("{name}:{port}"),
            None => self.connection.flow.server.to_string(),
        }
    }

    /// The server's name, else its address.
    pub fn host(&self) -> String {
        match (&self.connection.name, self.connection.flow.server_ip()) {
            (Some(name), _) => name.to_string(),
            (None, Some(ip)) => ip.to_string(),
            (None, None) => self.connection.flow.server.to_string(),
        }
    }

    /// Was the connection accepted, or does it show in another way that both ends spoke?
    pub fn connected(&self) -> bool {
        self.connection.syn_ack.is_some() || self.connection.stats.server.first_data.is_some()
    }
}

/// The step in which the attempt really failed. As a rule the one that dropped; but where that is a last resort that did not
/// even connect (443 after 5061), and an earlier target for the same purpose did and then failed, it is that one.
pub fn decisive(case: &Case<'_>) -> Option<usize> {
    let dropped = case.attempt.dropped_step?;
    let places = connections(case);
    let before = |drop: &Place<'_>| {
        let got_further = |place: &&Place<'_>| {
            place.index < dropped
                && place.step.purpose == drop.step.purpose
                && place.step.outcome == Outcome::Failed
                && place.connected()
                && place.connection.stats.client.first_data.is_some()
        };
        places.iter().rev().find(got_further).map(|place| place.index)
    };
    let last_resort = places.iter().find(|place| place.index == dropped && !place.connected());
    last_resort.and_then(before).or(Some(dropped))
}

/// Would the device get past the drop if this exchange had gone well: is it the drop itself, or, of what the drop stands
/// on, the fetch of CA certificates that the registrar's chain is judged by?
pub fn leads_to_drop(case: &Case<'_>, index: usize) -> bool {
    let Some(dropped) = decisive(case) else { return false };
    if dropped == index {
        return true;
    }
    let (Some(step), Some(drop)) = (case.attempt.steps.get(index), case.attempt.steps.get(dropped)) else { return false };
    let fetches = matches!(step.purpose, Purpose::Enrolment | Purpose::Directory);
    index < dropped
        && fetches
        && step.outcome == Outcome::Failed
        && drop.purpose == Purpose::Registrar
        && case.known.fetched.is_empty()
        && !case
            .attempt
            .steps
            .iter()
            .skip(index.saturating_add(1))
            .any(|later| later.purpose == step.purpose && later.outcome == Outcome::Ok)
        && matches!(&drop.kind, StepKind::Connection(connection) if refuses_certificate(connection))
}

/// Did the device leave between the server's certificate and a key of its own?
fn refuses_certificate(connection: &Connection) -> bool {
    let Some(tls) = connection.tls.as_deref() else { return false };
    let left = leaving_of(connection);
    tls.certificate.is_some() && tls.client_key_exchange.is_none() && left.is_some_and(|left| left.side == Side::Client)
}

/// The first sign that a side left a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The frame.
    pub at: At,
    /// Who.
    pub side: Side,
    /// How.
    pub how: How,
    /// The description of the alert, where it was one in clear.
    pub alert: Option<u8>,
}

impl Leaving {
    /// The frame, as evidence.
    pub fn evidence(&self, text: impl Into<String>) -> Evidence {
        let show = match (self.how, self.alert) {
            (How::Alert, Some(description)) => format!("tls.alert_message.desc == {description}"),
            (How::Fin, _) => "tcp.flags.fin == 1".to_owned(),
            (How::Rst, _) => "tcp.flags.reset == 1".to_owned(),
            _ => String::new(),
        };
        Evidence::new(self.at.frame, &show, text)
    }

    /// How, in words that follow "the device" or "the server".
    pub fn words(&self) -> String {
        match (self.how, self.alert) {
            (How::Alert, Some(description)) => format!("sends the alert {}", alert_name(description)),
            (How::Alert, None) => "sends an alert under encryption".to_owned(),
            (How::Fin, _) => "closes the connection (FIN)".to_owned(),
            (How::Rst, _) => "resets the connection (RST)".to_owned(),
            _ => "abandons the connection".to_owned(),
        }
    }
}

/// Who left a connection first: by an alert that ends it, or by closing it.
pub fn leaving_of(connection: &Connection) -> Option<Leaving> {
    let alerts = connection.tls.iter().flat_map(|tls| {
        let clear = tls.alerts.iter().filter(|(_, _, level, code)| *level == 2 || !matches!(code, 90 | 100 | 112));
        let clear = clear.map(|(at, side, _, code)| Leaving { at: *at, side: *side, how: How::Alert, alert: Some(*code) });
        let hidden = tls.encrypted_alerts.iter().map(|(at, side)| Leaving { at: *at, side: *side, how: How::Alert, alert: None });
        clear.chain(hidden)
    });
    let closes = connection.closes.iter().map(|(at, side, close)| {
        let how = match close {
            Close::Fin => How::Fin,
            Close::Rst => How::Rst,
        };
        Leaving { at: *at, side: *side, how, alert: None }
    });
    // An alert and a FIN can stand in one frame: the alert, which comes first here, is what counts.
    alerts.chain(closes).min_by_key(|leaving| leaving.at.frame)
}

/// The name of a TLS alert with its number (RFC 5246 section 7.2, RFC 8446 section 6, RFC 6066 section 9, RFC 7507).
pub fn alert_name(description: u8) -> String {
    let name = match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => return format!("{description}"),
    };
    format!("{description} ({name})")
}

/// The name of a TLS version.
pub fn version_name(version: u16) -> String {
    match version {
        0x0002 => "SSL 2.0".to_owned(),
        0x0300 => "SSL 3.0".to_owned(),
        0x0301 => "TLS 1.0".to_owned(),
        0x0302 => "TLS 1.1".to_owned(),
        0x0303 => "TLS 1.2".to_owned(),
        0x0304 => "TLS 1.3".to_owned(),
        other => format!("version {other:#06x}"),
    }
}

/// Is it an address of a private, link-local or shared network (RFC 1918, RFC 6598, RFC 4193)?
pub fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || v4.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
    }
}
