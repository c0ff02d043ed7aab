//! Where in an attempt a rule stands: a connection with its step, whether the drop happened there or stands on it, and how
//! people name the server.

use crate::findings::Case;
use crate::login::steps::{Close, Connection, Handshake, Purpose, Step, StepKind};
use crate::model::{At, Evidence, How, Outcome, Side};
use crate::protocols::tls::names;

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
pub fn connections<'a>(case: &Case<'a>) -> impl DoubleEndedIterator<Item = Place<'a>> + use<'a> {
    case.attempt.steps.iter().enumerate().filter_map(|(index, step)| match &step.kind {
        StepKind::Connection(connection) => Some(Place { index, step, connection }),
        _ => None,
    })
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
        self.connection.is_accepted()
    }
}

/// The step in which the attempt really failed. As a rule the one that dropped; but where that is a last resort that did not
/// even connect (443 after 5061), and an earlier target for the same purpose did and then failed, it is that one.
pub fn decisive(case: &Case<'_>) -> Option<usize> {
    let dropped = case.attempt.dropped_step?;
    let before = |drop: Place<'_>| {
        let got_further = |place: &Place<'_>| {
            place.index < dropped
                && place.step.purpose == drop.step.purpose
                && place.step.outcome == Outcome::Failed
                && place.connected()
                && place.connection.stats.client.first_data.is_some()
                && !leads_on(place.connection)
        };
        connections(case).rev().find(got_further).map(|place| place.index)
    };
    let last_resort = connections(case).find(|place| place.index == dropped && !place.connected());
    last_resort.and_then(before).or(Some(dropped))
}

/// Does the last answer lead elsewhere (RFC 9110 section 15.4, RFC 3261 section 21.3)? What was to come of it then shows there.
fn leads_on(connection: &Connection) -> bool {
    let said = connection.sip.last().and_then(|transaction| transaction.answer.as_ref());
    if said.is_some_and(|(_, answer)| answer.code().is_some_and(|code| (300..400).contains(&code))) {
        return true;
    }
    let answer = connection.http.last().and_then(|exchange| exchange.response.as_ref());
    answer.is_some_and(|(_, answer)| (300..400).contains(&answer.code) && answer.location.is_some())
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
    tls.certificate.is_some()
        && tls.client_key_exchange.or(tls.client_finished).is_none()
        && left.is_some_and(|left| left.side == Side::Client)
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
    /// The description of the alert, where it was one in clear or opened.
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
        let clear = tls.alerts.iter().filter(|(_, _, level, code)| *level == 2 || !matches!(code, 41 | 90 | 100 | 112));
        let clear = clear.map(|(at, side, _, code)| Leaving { at: *at, side: *side, how: How::Alert, alert: Some(*code) });
        let hidden = tls.encrypted_alerts.iter().map(|(at, side)| Leaving { at: *at, side: *side, how: How::Alert, alert: None });
        clear.chain(hidden)
    });
    let sealed = [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| Some(Leaving { at: connection.sealed_alert(side)?, side, how: How::Alert, alert: None }));
    let mut crossed = connection.tls.iter().flat_map(|tls| &tls.alerts);
    let is_answered = crossed.any(|(at, side, level, code)| *level == 2 && connection.closed_after(*at, *side, *code));
    // Before a close, bytes that the capture lost may have said more.
    let close = connection.first_close().filter(|_| !is_answered && !connection.is_holed()).map(|(at, side, close)| {
        let how = match close {
            Close::Fin => How::Fin,
            Close::Rst => How::Rst,
        };
        Leaving { at, side, how, alert: None }
    });
    // What TCP's numbers put behind the close was said behind it, whatever the time stamps say.
    let known = connection.first_close().map(|(at, ..)| at).filter(|at| at.frame.is_moved());
    let alerts = alerts.chain(sealed).filter(|leaving| known.is_none_or(|close| leaving.at <= close));
    // An alert and a FIN can stand in one frame: the alert, which comes first here, is what counts.
    alerts.chain(close).min_by_key(|leaving| (leaving.at.time, leaving.at.frame))
}

/// The name of a TLS alert with its number: `48 (unknown_ca)`.
pub fn alert_name(description: u8) -> String {
    format!("{description} ({})", names::alert_name(description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::{IntoStep, leaf, tcp};

    #[test]
    fn where_the_capture_lost_what_was_said_the_close_may_only_answer_that() {
        let left = |lost: u64| {
            let tcp = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]);
            let tcp = tcp.change(move |connection| connection.stats.client.uncaptured = lost).leaves(Side::Server, Close::Fin);
            let StepKind::Connection(connection) = tcp.into_step(1).kind else { panic!("no connection") };
            leaving_of(&connection).map(|leaving| leaving.side)
        };
        assert_eq!((left(0), left(7)), (Some(Side::Server), None));
    }
}
