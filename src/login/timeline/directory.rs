//! LDAP and Kerberos, a line for each thing that the device asked for.

use std::fmt::Write;

use smol_str::{SmolStr, SmolStrBuilder, format_smolstr};

use crate::model::At;
use crate::protocols::kerberos::names::error_name;
use crate::protocols::ldap::names::result_name;
use crate::protocols::{kerberos, ldap};

use super::super::steps::{DirectoryRequest, Inquiry, Step, TicketRequest};
use super::{Direction, Moment, Teller, times, unanswered};

/// Answers of one list that are spelt out.
const ANSWERS: usize = 6;
/// Characters of a filter or a name that a line has room for.
const ROOM: usize = 60;

pub(super) fn inquiry(step: &Step, inquiry: &Inquiry, moments: &mut Vec<Moment>) {
    let peer = match &inquiry.name {
        Some(name) => format_smolstr!("{name}:{} (UDP)", inquiry.flow.server.port()),
        None => format_smolstr!("{} (UDP)", inquiry.flow.server),
    };
    let mut teller = Teller { moments, stage: step.stage, peer };
    ldap(&mut teller, &inquiry.ldap, None);
    kerberos(&mut teller, &inquiry.kerberos, None);
    if let Some((at, from)) = inquiry.unreachable {
        teller.tell(at, Direction::In, format_args!("ICMP unreachable from {from}"));
    }
}

/// The steps of a bind are one line, each search is one.
pub(super) fn ldap(teller: &mut Teller<'_>, requests: &[DirectoryRequest], heard: Option<At>) {
    let same = |one: &DirectoryRequest, other: &DirectoryRequest| one.bind().is_some() && other.bind().is_some();
    for group in requests.chunk_by(same) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let at = first.sent.first().copied().or(first.answer.as_ref().map(|(at, _)| *at));
        let Some(at) = at else { continue };
        let none = unanswered(heard, at);
        let answers: Vec<SmolStr> =
            group.iter().map(|request| answer(request).unwrap_or_else(|| SmolStr::new_static(none))).collect();
        let asked = asked(last);
        tell(teller, at, &asked, first.sent.len(), &answers, last.answer.is_none());
    }
}

/// Requests for the same ticket are one line: the first is refused for want of pre-authentication, as a rule.
pub(super) fn kerberos(teller: &mut Teller<'_>, requests: &[TicketRequest], heard: Option<At>) {
    let same = |one: &TicketRequest, other: &TicketRequest| is_same(one, other).unwrap_or(false);
    for group in requests.chunk_by(same) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let at = first.sent.first().copied().or(first.answer.as_ref().map(|(at, _)| *at));
        let Some(at) = at else { continue };
        let none = unanswered(heard, at);
        let answers: Vec<SmolStr> =
            group.iter().map(|request| ticket(request).unwrap_or_else(|| SmolStr::new_static(none))).collect();
        tell(teller, at, &wanted(first), first.sent.len(), &answers, last.answer.is_none());
    }
}

fn tell(teller: &mut Teller<'_>, at: At, asked: &str, sent: usize, answers: &[SmolStr], is_silent: bool) {
    let shown = match (answers.get(..ANSWERS), answers.last()) {
        (Some(beginning), Some(last)) if answers.len() > ANSWERS => {
            format!("{}, … {last} ({} in all)", beginning.join(", "), answers.len())
        }
        _ => answers.join(", "),
    };
    let direction = if is_silent { Direction::Silence } else { Direction::Out };
    teller.tell(at, direction, format_args!("{} → {shown}", times(asked, sent)));
}

fn asked(request: &DirectoryRequest) -> String {
    match request.request.as_ref().map(|message| &message.body) {
        Some(ldap::Body::Bind(bind)) => format!("LDAP bind {}", bound(bind)),
        Some(ldap::Body::Search(search)) if search.is_for_root() => "LDAP: what the server says of itself".to_owned(),
        Some(ldap::Body::Search(search)) => format!("LDAP search {}", short(&search.filter.to_string())),
        Some(ldap::Body::Extended(name)) if name.raw() == ldap::START_TLS => "LDAP StartTLS".to_owned(),
        Some(_) => "an LDAP request".to_owned(),
        None => "an LDAP request that the capture lacks".to_owned(),
    }
}

fn bound(bind: &ldap::Bind) -> String {
    let how = match &bind.method {
        ldap::Method::Simple { anonymous: true } => return "without a name".to_owned(),
        ldap::Method::Simple { .. } => "password in clear".to_owned(),
        ldap::Method::Sasl { mechanism, .. } => mechanism.to_string(),
        ldap::Method::Sicily(..) => "NTLM".to_owned(),
        ldap::Method::Other(choice) => format!("method {choice}"),
    };
    bind.user().map_or_else(|| format!("by {how}"), |user| format!("as {} by {how}", short(&user.to_string())))
}

/// What came back; `None` where nothing did that was read.
fn answer(request: &DirectoryRequest) -> Option<SmolStr> {
    request.answer.as_ref()?;
    let Some(outcome) = request.outcome() else { return Some(SmolStr::new_static("an answer that cannot be read")) };
    let refused = outcome.code != ldap::code::SUCCESS && outcome.code != ldap::code::SASL_BIND_IN_PROGRESS;
    let name = result_name(outcome.code);
    Some(match (refused, outcome.data(), request.search()) {
        (true, Some(data), _) => format_smolstr!("{name} ({}, data {data:x})", outcome.code),
        (true, None, _) => format_smolstr!("{name} ({})", outcome.code),
        (false, _, Some(_)) => found(request),
        (false, _, None) => name.into(),
    })
}

fn found(request: &DirectoryRequest) -> SmolStr {
    let count = |count: u32, one: &'static str, many: &'static str| (count, if count == 1 { one } else { many });
    let (entries, noun) = count(request.entries, "entry", "entries");
    let mut text = SmolStrBuilder::new();
    // Writing to text cannot fail.
    let _ = write!(text, "{entries} {noun}");
    if request.certificates > 0 {
        let (certificates, noun) = count(request.certificates, "CA certificate", "CA certificates");
        let _ = write!(text, " with {certificates} {noun}");
    }
    if request.references > 0 {
        let (references, noun) = count(request.references, "reference elsewhere", "references elsewhere");
        let _ = write!(text, ", {references} {noun}");
    }
    text.finish()
}

fn is_same(one: &TicketRequest, other: &TicketRequest) -> Option<bool> {
    let (one, other) = (one.request.as_ref()?, other.request.as_ref()?);
    Some(one.kind == other.kind && one.request()?.service == other.request()?.service)
}

fn wanted(request: &TicketRequest) -> String {
    let Some(message) = &request.request else { return "a Kerberos request that the capture lacks".to_owned() };
    let asks = match message.kind {
        kerberos::kind::AS_REQ => "AS-REQ",
        kerberos::kind::TGS_REQ => "TGS-REQ",
        _ => "a Kerberos request",
    };
    let Some(request) = message.request() else { return asks.to_owned() };
    let client = request.client.as_ref().map(|client| format!(" of {client}@{}", request.realm)).unwrap_or_default();
    let service = request.service.as_ref().map(|service| format!(" for {service}")).unwrap_or_default();
    format!("{asks}{}", short(&format!("{client}{service}")))
}

fn ticket(request: &TicketRequest) -> Option<SmolStr> {
    request.answer.as_ref()?;
    Some(match request.error() {
        Some((_, error)) => format_smolstr!("{} ({})", error_name(error.code), error.code),
        None => SmolStr::new_static("a ticket"),
    })
}

/// What the answer in this frame said, of those that end a step.
pub(super) fn refusal(ldap: &[DirectoryRequest], kerberos: &[TicketRequest], at: At) -> Option<String> {
    let is_it = |seen: At| seen.frame == at.frame;
    let directory = ldap.iter().find(|request| request.answer.as_ref().is_some_and(|(seen, _)| is_it(*seen))).and_then(answer);
    let of_kdc =
        || kerberos.iter().find(|request| request.answer.as_ref().is_some_and(|(seen, _)| is_it(*seen))).and_then(ticket);
    directory.or_else(of_kdc).map(|said| format!("{said}: the last answer"))
}

fn short(text: &str) -> String {
    match text.char_indices().nth(ROOM) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
