//! Fetches of CA certificates over HTTP that came to nothing: the last exchange of each, and whether a device that then
//! leaves the registrar's handshake does so for want of a CA.

use crate::findings::shared::alert::is_gap;
use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::shared::chain;
use crate::findings::shared::place;
use crate::findings::{Case, Found};
use crate::login::steps::{Connection, Exchange, Purpose, StepKind};
use crate::model::{At, Evidence, Outcome, Stage};
use crate::protocols::http;

/// How sure it is that a device left the handshake for want of the CA that it could not fetch.
const FOR_WANT_OF_CA: f32 = 0.7;

/// A failed fetch.
#[derive(Clone, Copy)]
pub struct Fetch<'a> {
    /// Index of its step.
    pub index: usize,
    /// Its connection.
    pub connection: &'a Connection,
    /// The last exchange on it.
    pub exchange: &'a Exchange,
    /// The answer to that, if there was one.
    pub answer: Option<(At, &'a http::Response)>,
}

/// The failed fetches of an attempt, unless one went well: from another page, of another server.
pub fn failed<'a>(case: &Case<'a>) -> Vec<Fetch<'a>> {
    if answers::connected_well(case, Purpose::Enrolment) {
        return Vec::new();
    }
    let steps = case.attempt.steps.iter().enumerate();
    let failed = steps.filter(|(_, step)| step.stage == Stage::Enrolment && step.outcome == Outcome::Failed);
    failed
        .filter_map(|(index, step)| {
            let StepKind::Connection(connection) = &step.kind else { return None };
            let exchange = connection.http.last()?;
            let answer = exchange.response.as_ref().map(|(at, response)| (*at, response.as_ref()));
            Some(Fetch { index, connection, exchange, answer })
        })
        .collect()
}

impl Fetch<'_> {
    /// Host and path, as people name them.
    pub fn page(&self) -> (String, String) {
        let host = self.connection.name.as_ref().map_or_else(|| self.connection.flow.server.to_string(), ToString::to_string);
        let path = self.exchange.request.as_ref().map_or_else(|| "a page".to_owned(), |(_, request)| request.uri.to_string());
        (host, path)
    }

    /// Did the device give all that the authentication wants of it?
    pub fn gave_credentials(&self) -> bool {
        self.credentials().is_some_and(http::Credentials::is_final_leg)
    }

    /// What it gave.
    pub fn credentials(&self) -> Option<&http::Credentials> {
        self.exchange.request.as_ref().and_then(|(_, request)| request.credentials.as_ref())
    }
}

/// The failed fetches whose answer fits, with `more` to say of it.
pub(crate) fn answered<'a>(
    case: &Case<'a>,
    fits: impl Fn(&Fetch<'a>, &http::Response) -> bool,
    more: impl Fn(&Fetch<'a>, &http::Response) -> String,
) -> Vec<Failure<'a>> {
    let fitting = failed(case).into_iter().filter_map(|fetch| {
        let (at, response) = fetch.answer.filter(|(_, response)| fits(&fetch, response))?;
        let (host, path) = fetch.page();
        let more = more(&fetch, response);
        let text = format!("{host} answers {}{more} for {path}", response.code);
        let shown = Evidence::new(at.frame, &format!("http.response.code == {}", response.code), text);
        let what = format!("{}{more} for {path} on {host}", response.code);
        Some(Failure { index: fetch.index, step: case.attempt.steps.get(fetch.index)?, what, evidence: vec![shown] })
    });
    fitting.collect()
}

/// One finding for these fetches. It explains the drop where that is one of them, and where the device then left the
/// registrar's handshake with no CA to check the chain by.
pub(crate) fn told(case: &Case<'_>, failures: &[Failure<'_>], words: impl Fn(&str) -> Words) -> Vec<Found> {
    let mut found = answers::told(case, failures, words);
    let leads = failures.iter().any(|failure| place::leads_to_drop(case, failure.index)) && nothing_else_against(case);
    for one in found.iter_mut().filter(|one| leads && !one.explains_drop) {
        one.explains_drop = true;
        one.confidence = one.confidence.min(FOR_WANT_OF_CA);
    }
    found
}

/// Is there nothing but a missing CA against the chain that the device left? A chain that it cannot verify at all would be
/// refused with the CA too.
fn nothing_else_against(case: &Case<'_>) -> bool {
    chain::judged(case).iter().filter(|judged| judged.place().is_drop(case)).all(|judged| {
        let alert = judged.refusal.and_then(|refusal| refusal.alert());
        // 42 and 46 can mean any fault; the others name one that is not a missing CA.
        matches!(alert, None | Some(42 | 46 | 48)) && judged.faults.iter().all(|fault| is_gap(&fault.kind))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::findings::{Proof, Rule, enrolment_not_found};
    use crate::login::steps::Close;
    use crate::model::Side;

    const RULE: &Rule = &enrolment_not_found::RULE;

    fn not_found() -> Login {
        Login::new().step(tcp(Purpose::Enrolment).named("ca.contoso.com").get("/certsrv/certnew.p7b").answer(404))
    }

    fn leaves(login: Login, alert: Option<u8>, chain: Vec<std::sync::Arc<crate::formats::x509::Certificate>>) -> Login {
        let flight = tcp(Purpose::Registrar).hello().server_flight(chain);
        let left = match alert {
            Some(alert) => flight.alert(Side::Client, 2, alert),
            None => flight,
        };
        login.step(left.leaves(Side::Client, Close::Fin)).dropped()
    }

    #[test]
    fn a_device_that_fetched_nothing_and_leaves_the_handshake() {
        let found = leaves(not_found(), Some(48), vec![leaf()]).the(RULE);
        assert!(found.explains_drop && found.proof == Proof::Told);
        assert!(found.confidence <= FOR_WANT_OF_CA);
    }

    #[test]
    fn a_chain_that_it_would_refuse_with_the_ca_too_is_not_explained() {
        let expired = certificate_with("CN=pool.contoso.com", "CN=Contoso Issuing CA", |body| body.not_after = body.not_before);
        assert!(!leaves(not_found(), None, vec![expired]).the(RULE).explains_drop);
        assert!(!leaves(not_found(), Some(45), vec![leaf()]).the(RULE).explains_drop);
    }

    #[test]
    fn another_page_that_delivers_makes_it_good() {
        let other = tcp(Purpose::Enrolment).named("ca.contoso.com").get("/certsrv/certnew.cer").answer(200);
        leaves(not_found().step(other), Some(48), vec![leaf()]).nothing(RULE);
    }
}
