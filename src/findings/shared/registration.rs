//! Registrations that the registrar did not take: the answer that decided, and what it says. One refusal has one reason,
//! so that two rules never name the same answer.

use crate::findings::shared::answers::{self, Failure, Words};
use crate::findings::{Case, Found};
use crate::login::steps::{StepKind, Transaction};
use crate::model::{Endpoint, Evidence, How, Outcome};
use crate::protocols::sip;
use crate::text::WireText;

/// Why a registration was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The credentials were looked at and not taken.
    Credentials,
    /// No challenge was ever answered.
    Scheme,
    /// The user or device may not.
    Forbidden,
    /// Nobody knows the user.
    UnknownUser,
    /// The device's software is too old, or not allowed.
    Version,
    /// The device's clock is wrong.
    Clock,
    /// The binding would be too short.
    Interval,
    /// Another 4xx.
    Other,
    /// The server's own trouble.
    Server,
}

/// The identifier at the head of `ms-diagnostics`: `1003;reason="User does not exist"`.
fn diagnostics(answer: &sip::Message) -> Option<u32> {
    answer.ms_diagnostics.as_ref()?.raw().trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Do the words of a refusal ask for other software?
fn asks_for_upgrade(answer: &sip::Message) -> bool {
    let sip::Start::Response { reason, .. } = &answer.start else { return false };
    let words = [Some(reason), answer.warning.as_ref(), answer.ms_diagnostics.as_ref()];
    words.into_iter().flatten().any(|text| {
        let text = text.raw().to_ascii_lowercase();
        ["upgrade", "client version", "version of the client", "unsupported client"].iter().any(|hint| text.contains(hint))
    })
}

/// What a final answer to a REGISTER says; `None` if it is none that a login ends by.
fn reason(request: &sip::Message, answer: &sip::Message, gave_credentials: bool) -> Option<Reason> {
    let code = answer.code()?;
    if code < 300 {
        return None;
    }
    match diagnostics(answer) {
        Some(1013) => return Some(Reason::Clock),
        Some(17002 | 17003) => return Some(Reason::Version),
        Some(1003 | 4005 | 4006) => return Some(Reason::UnknownUser),
        Some(1011 | 1012 | 4003 | 4004) => return Some(Reason::Forbidden),
        Some(1004..=1008 | 1010 | 1014 | 17000 | 17001) => return Some(Reason::Server),
        Some(1000) if !request.credentials.is_empty() => return Some(Reason::Credentials),
        _ => {}
    }
    match code {
        401 | 407 if request.credentials.is_empty() && request.cut => None,
        401 | 407 if request.credentials.is_empty() => (!gave_credentials).then_some(Reason::Scheme),
        401 | 407 => (!request.has_another_leg(answer)).then_some(Reason::Credentials),
        403 | 488 if asks_for_upgrade(answer) => Some(Reason::Version),
        403 => Some(Reason::Forbidden),
        404 => Some(Reason::UnknownUser),
        423 => {
            let raised = request.expires.zip(answer.min_expires).is_some_and(|(asked, least)| asked >= least);
            Some(if raised { Reason::Other } else { Reason::Interval })
        }
        400..=499 => Some(Reason::Other),
        500.. => Some(Reason::Server),
        _ => None,
    }
}

/// The device's transactions with a registrar.
pub fn transactions(kind: &StepKind) -> Option<(&[Transaction], Endpoint)> {
    match kind {
        StepKind::Registration(registration) => Some((&registration.transactions, registration.flow.server)),
        StepKind::Connection(connection) => Some((&connection.sip, connection.flow.server)),
        _ => None,
    }
}

/// The refusal that decided: the last answer; but a bare challenge after refused credentials only begins anew.
fn decisive(list: &[Transaction], gave_credentials: bool) -> Option<(&Transaction, Reason)> {
    let registers = || list.iter().rev().filter(|one| one.request.method() == "REGISTER");
    let said = |one: &Transaction| one.answer.as_ref().and_then(|(_, answer)| reason(&one.request, answer, gave_credentials));
    let last = registers().next()?;
    let (_, answer) = last.answer.as_ref()?;
    let begins_anew = matches!(answer.code(), Some(401 | 407)) && last.request.credentials.is_empty();
    match said(last) {
        Some(reason) => Some((last, reason)),
        None if is_stale_again(list) => Some((last, Reason::Credentials)),
        None if begins_anew => registers().find_map(|one| said(one).map(|reason| (one, reason))),
        None => None,
    }
}

/// Does the registrar call the nonce stale that it has just given in place of a stale one (RFC 7616 section 3.3)? So it would for ever.
pub(crate) fn is_stale_again(list: &[Transaction]) -> bool {
    let is_stale = |one: &Transaction| {
        let answer = one.answer.as_ref().map(|(_, answer)| answer).filter(|answer| matches!(answer.code(), Some(401 | 407)));
        let stale = answer.is_some_and(|answer| answer.challenges.iter().any(|challenge| challenge.stale));
        stale && !one.request.credentials.is_empty()
    };
    let mut last = list.iter().rev().filter(|one| one.request.method() == "REGISTER");
    last.next().is_some_and(is_stale) && last.next().is_some_and(is_stale)
}

/// The failed registrations of an attempt that were refused for this reason.
pub(crate) fn refused<'a>(case: &Case<'a>, wanted: Reason) -> Vec<Failure<'a>> {
    let gave_credentials =
        case.attempt.transactions().any(|(_, one)| one.request.method() == "REGISTER" && !one.request.credentials.is_empty());
    // Who was about to answer was refused nothing.
    let broken_off = case.attempt.drop.is_some_and(|drop| drop.how == How::Abandoned).then_some(case.attempt.dropped_step);
    let steps = case.attempt.steps.iter().enumerate().filter(|(index, _)| broken_off != Some(Some(*index)));
    let steps = steps.filter(|(_, step)| step.outcome == Outcome::Failed);
    steps
        .filter_map(|(index, step)| {
            let (list, server) = transactions(&step.kind)?;
            let (one, _) = decisive(list, gave_credentials).filter(|(_, reason)| *reason == wanted)?;
            let (at, answer) = one.answer.as_ref()?;
            let sip::Start::Response { code, reason } = &answer.start else { return None };
            let user = one.request.to.as_ref().map(|uri| format!(" for {}", WireText::from(sip::user(uri)))).unwrap_or_default();
            let more = answer.ms_diagnostics.as_ref().map(|text| format!(", ms-diagnostics {text}"));
            let more = format!("{}{}", terms(wanted, &one.request, answer), more.unwrap_or_default());
            // It may have been sent again since.
            let asked = one.sent.iter().rev().find(|sent| *sent < at).or(one.sent.first()).map(|at| {
                let with = one
                    .request
                    .credentials
                    .first()
                    .map_or_else(|| "without credentials".to_owned(), |given| format!("with {} credentials", given.scheme));
                Evidence::new(at.frame, "sip.Method == \"REGISTER\"", format!("REGISTER to {server}{user}, {with}"))
            });
            let told =
                Evidence::new(at.frame, &format!("sip.Status-Code == {code}"), format!("{server} answers {code} {reason}{more}"));
            let evidence = asked.into_iter().chain([told]).collect();
            Some(Failure { index, step, what: format!("{code} {reason} from {server}{user}{more}"), evidence })
        })
        .collect()
}

/// What a refusal asks of the device, where its reason is such: the schemes that it offers, the interval that it wants.
fn terms(reason: Reason, request: &sip::Message, answer: &sip::Message) -> String {
    match reason {
        Reason::Credentials if answer.challenges.iter().any(|challenge| challenge.stale) => {
            ", which calls each nonce stale, the newest too".to_owned()
        }
        Reason::Scheme if answer.challenges.is_empty() => ", which holds no challenge (WWW-Authenticate) to answer".to_owned(),
        Reason::Scheme => {
            let mut schemes: Vec<String> = answer.challenges.iter().map(|challenge| challenge.scheme.to_string()).collect();
            schemes.dedup();
            format!(", which offers {}", schemes.join(", "))
        }
        Reason::Interval => {
            let least = answer.min_expires.map(|least| format!(", Min-Expires {least} s")).unwrap_or_default();
            let asked = request.expires.map(|asked| format!(" where the device asks for {asked} s")).unwrap_or_default();
            format!("{least}{asked}")
        }
        _ => String::new(),
    }
}

/// One finding for all registrations that were refused for this reason.
pub(crate) fn told(case: &Case<'_>, reason: Reason, words: impl Fn(&str) -> Words) -> Vec<Found> {
    answers::told(case, &refused(case, reason), words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::text::WireText;

    fn given(scheme: &str, token: Option<&str>) -> sip::Message {
        let credentials = vec![sip::Auth { gssapi: token.map(WireText::from), ..sip_auth(scheme) }];
        sip::Message { credentials, ..sip_request("REGISTER", 2) }
    }

    fn challenge(scheme: &str, token: Option<&str>, stale: bool) -> sip::Message {
        let challenges = vec![sip::Auth { gssapi: token.map(WireText::from), stale, ..sip_auth(scheme) }];
        sip::Message { challenges, ..sip_answer(401, 2) }
    }

    #[test]
    fn legs_of_ntlm_and_a_new_nonce_are_no_refusal() {
        assert_eq!(reason(&given("NTLM", Some("")), &challenge("NTLM", Some("TlRMTVNTUAAC"), false), true), None);
        assert_eq!(reason(&given("TLS-DSK", Some("FgMB")), &challenge("TLS-DSK", Some("FgMB"), false), true), None);
        assert_eq!(reason(&given("Digest", None), &challenge("Digest", None, true), true), None);
        let mut named = given("Digest", None);
        named.credentials[0].nonce = Some(WireText::from(""));
        assert_eq!(reason(&named, &challenge("Digest", None, false), true), None, "no challenge has been answered yet");
        assert_eq!(reason(&given("Digest", None), &challenge("Digest", None, false), true), Some(Reason::Credentials));
        assert_eq!(
            reason(&given("NTLM", Some("TlRMTVNTUAAD")), &challenge("NTLM", None, false), true),
            Some(Reason::Credentials)
        );
    }

    #[test]
    fn the_diagnostics_go_before_the_code() {
        let because = |code, text: &str| {
            let answer = sip::Message { ms_diagnostics: Some(WireText::from(text)), ..sip_answer(code, 2) };
            reason(&sip_request("REGISTER", 2), &answer, false)
        };
        assert_eq!(because(401, "1013;reason=\"Significant time skew\""), Some(Reason::Clock));
        assert_eq!(because(403, "17003;reason=\"declined\""), Some(Reason::Version));
        assert_eq!(because(403, "4003;reason=\"no remote access\""), Some(Reason::Forbidden));
        assert_eq!(because(404, "1005;reason=\"Cannot route\""), Some(Reason::Server), "404 for the domain is routing");
        assert_eq!(because(480, "4005"), Some(Reason::UnknownUser));
        assert_eq!(because(403, "none"), Some(Reason::Forbidden));
    }

    #[test]
    fn what_the_capture_cuts_off_may_have_been_credentials() {
        let cut = sip::Message { cut: true, ..sip_request("REGISTER", 2) };
        assert_eq!(reason(&cut, &challenge("Digest", None, false), false), None);
        assert_eq!(reason(&cut, &sip_answer(403, 2), false), Some(Reason::Forbidden));
    }

    #[test]
    fn a_refusal_names_what_it_asks_for() {
        let bare = sip_request("REGISTER", 1);
        assert!(terms(Reason::Scheme, &bare, &sip_answer(401, 1)).contains("no challenge"));
        assert_eq!(terms(Reason::Scheme, &bare, &challenge("Kerberos", None, false)), ", which offers Kerberos");
        let least = sip::Message { min_expires: Some(900), ..sip_answer(423, 1) };
        let asks = sip::Message { expires: Some(60), ..bare };
        assert_eq!(terms(Reason::Interval, &asks, &least), ", Min-Expires 900 s where the device asks for 60 s");
    }

    #[test]
    fn redirections_and_successes_are_no_refusal() {
        for code in [200, 202, 301, 302] {
            assert_eq!(reason(&sip_request("REGISTER", 1), &sip_answer(code, 1), false), None);
        }
    }
}
