//! What the rules on configuration files share: the files that an attempt asked for in vain, and those that it fetched whole
//! again and again.

use std::net::{IpAddr, Ipv4Addr};

use crate::device::facts::FetchedFile;
use crate::findings::Case;
use crate::findings::shared::answers::{self, Failure};
use crate::findings::shared::handshake::STUCK;
use crate::findings::shared::option_need::{Given, given};
use crate::login::stages::{provision, web};
use crate::login::steps::{Connection, Purpose, Step, StepKind};
use crate::model::{At, By, Evidence, How, Outcome};

/// What a server said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// An HTTP status.
    Http(u16),
    /// A TFTP error, and whether that says that there is no such file.
    Tftp(u16, &'a str, bool),
    /// An HTTP status of a proxy that was to lead the device to the server.
    NoTunnel(u16),
    /// A redirection to another place, which the device does not follow.
    Elsewhere(u16),
    /// A part of the file, and then the server closed.
    APart,
    /// A part of the file, and then no more.
    Stalled,
    /// Nothing.
    Nothing,
}

impl Said<'_> {
    /// Is there no such file?
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Said::Http(404 | 410) | Said::Tftp(_, _, true))
    }

    fn words(&self) -> String {
        match self {
            Said::Http(code) | Said::NoTunnel(code) | Said::Elsewhere(code) => format!("{code}"),
            Said::Tftp(code, text, _) => format!("TFTP error {code} ({})", crate::text::WireText::from(*text)),
            Said::APart => "broken off".to_owned(),
            Said::Stalled => "a part of it, and then no more".to_owned(),
            Said::Nothing => "no answer".to_owned(),
        }
    }

    fn filter(&self) -> String {
        match self {
            Said::Http(code) | Said::NoTunnel(code) | Said::Elsewhere(code) => format!("http.response.code == {code}"),
            Said::Tftp(code, ..) => format!("tftp.error.code == {code}"),
            Said::APart | Said::Stalled | Said::Nothing => String::new(),
        }
    }
}

/// The configuration files that failed in a way that fits, unless another came. What is denied to the device, and what it stops at,
/// is told whatever came before.
pub(crate) fn failed<'a>(case: &Case<'a>, fits: impl Fn(&Said<'_>) -> bool) -> Vec<Failure<'a>> {
    let steps = || case.attempt.steps.iter().enumerate().filter(|(_, step)| step.purpose == Purpose::Provision);
    let stops_at = |step: &Step| step.purpose == Purpose::Provision && provision::is_denied(&step.kind);
    let stopped = case.attempt.dropped().is_some_and(stops_at);
    if !stopped && steps().any(|(_, step)| step.outcome == Outcome::Ok && !matches!(step.kind, StepKind::Lookup(_))) {
        return Vec::new();
    }
    // Who is sent elsewhere and begins anew has not failed, and did not go there.
    let is_left = case.attempt.drop.is_some_and(|drop| drop.how == How::Abandoned);
    let left = |index: usize| is_left && case.attempt.dropped_step == Some(index);
    let mut failed = steps().filter(|(index, step)| step.outcome == Outcome::Failed || left(*index)).peekable();
    if failed.peek().is_none() {
        return Vec::new();
    }
    let answers = given(case);
    failed
        .filter_map(|(index, step)| {
            let (file, at, said) = answer(step, &answers)?;
            let shown = Evidence::new(at.frame, &said.filter(), format!("{file}: {}", said.words()));
            let what = format!("{file} ({})", said.words());
            let counts = step.outcome == Outcome::Failed || matches!(said, Said::Elsewhere(_));
            (counts && fits(&said)).then_some(Failure { index, step, what, evidence: vec![shown] })
        })
        .collect()
}

/// The file with its server, the decisive frame, and what was said.
fn answer<'a>(step: &'a Step, answers: &[Given<'_>]) -> Option<(String, At, Said<'a>)> {
    match &step.kind {
        StepKind::File(transfer) => {
            let host = transfer.name.as_ref().map(ToString::to_string).or(transfer.flow.server_ip().map(|ip| ip.to_string()))?;
            let file = format!("{} on {host}", transfer.file);
            let missing = provision::is_missing(transfer);
            let error = transfer.error.as_ref().map(|(at, code, text)| (*at, Said::Tftp(*code, text.raw(), missing)));
            let stalled = provision::stalled(transfer).map(|at| (at, Said::Stalled));
            let silent = transfer.requests.last().filter(|_| transfer.unreachable.is_none()).map(|at| (*at, Said::Nothing));
            let (at, said) = error.or(stalled).or(silent)?;
            let at_random = asks_everybody(step) || guesses(step, answers);
            (said != Said::Nothing || !at_random).then_some((file, at, said))
        }
        StepKind::Connection(connection) => {
            let Some(exchange) = provision::needed(connection) else { return no_tunnel(step, connection) };
            let (asked, request) = exchange.request.as_ref()?;
            let host = connection.name.as_ref().map_or_else(|| connection.flow.server.to_string(), ToString::to_string);
            let (at, said) = match &exchange.response {
                // What the network swallowed is no word of the server.
                Some((at, response)) if matches!(response.code, 200..=299) => {
                    let stalled = || web::stalled(exchange, connection).map(|_| Said::Stalled);
                    (*at, is_closed_by_server(step).then_some(Said::APart).or_else(stalled)?)
                }
                Some((at, response))
                    if matches!(response.code, 300..=399) && !provision::goes_in_a_circle(exchange, connection) =>
                {
                    (*at, Said::Elsewhere(response.code))
                }
                Some((at, response)) => (*at, Said::Http(response.code)),
                // Silence is what ended it, or the server that closes instead of an answer, not a close of the device in the middle.
                None if answers::is_closed_instead(step) => (*asked, Said::Nothing),
                None if is_lost(connection) => return None,
                None => step.ending.filter(|ending| ending.how == How::Timeout).map(|_| (*asked, Said::Nothing))?,
            };
            Some((format!("{} on {host}", request.uri), at, said))
        }
        _ => None,
    }
}

/// Did the request never reach the server, on a way that had lost others before? Then the server's silence says nothing.
fn is_lost(connection: &Connection) -> bool {
    let client = &connection.stats.client;
    client.stuck_repeats >= STUCK && client.retransmitted > client.stuck_repeats
}

/// What the proxy said that leads the device nowhere (RFC 9110 section 9.3.6), or that it said nothing.
fn no_tunnel<'a>(step: &Step, connection: &Connection) -> Option<(String, At, Said<'a>)> {
    let exchange = connection.http.last()?;
    let (asked, request) = exchange.request.as_ref()?;
    request.tunnel()?;
    let (at, said) = match &exchange.response {
        Some((_, response)) if matches!(response.code, 200..=299) => return None,
        Some((at, response)) => (*at, Said::NoTunnel(response.code)),
        None if answers::is_silence(step) || answers::is_closed_instead(step) => (*asked, Said::Nothing),
        None => return None,
    };
    Some((format!("{} by way of {}", request.uri, connection.flow.server), at, said))
}

fn is_closed_by_server(step: &Step) -> bool {
    step.ending.is_some_and(|ending| ending.by == By::Server && matches!(ending.how, How::Fin | How::Rst))
}

/// The image that its configuration names and that its server does not have: the last answer that the device had before it
/// started over.
pub(crate) fn missing_image(case: &Case<'_>) -> Option<(String, At, u16)> {
    case.attempt.drop.filter(|drop| drop.how == How::Abandoned)?;
    let last = case.attempt.connections().flat_map(|(_, connection)| connection.http.iter());
    let last = last
        .filter(|exchange| exchange.response.is_some())
        .max_by_key(|exchange| exchange.response.as_ref().map(|(at, _)| *at))?;
    let ((_, request), (at, response)) = (last.request.as_ref()?, last.response.as_ref()?);
    let image = provision::is_image(request) && Said::Http(response.code).is_missing();
    let went_on = case.known.answered.iter().any(|answered| answered > at && *answered <= case.attempt.last);
    (image && !went_on).then(|| (request.uri.to_string(), *at, response.code))
}

/// Does the device ask whoever hears it for its file, since it knows no server (RFC 1123 section 4.2.3.4 knows such requests)?
pub(crate) fn asks_everybody(step: &Step) -> bool {
    matches!(&step.kind, StepKind::File(transfer) if transfer.flow.server_ip() == Some(IpAddr::V4(Ipv4Addr::BROADCAST)))
}

/// Does the device, to which no answer named a server, ask the one that gave it its address?
pub(crate) fn guesses(step: &Step, answers: &[Given<'_>]) -> bool {
    let StepKind::File(transfer) = &step.kind else { return false };
    let is_target = |one: &Given<'_>| one.message.server_id().map(IpAddr::V4) == transfer.flow.server_ip();
    transfer.error.is_none()
        && step.outcome == Outcome::Failed
        && answers.iter().any(is_target)
        && !answers.iter().any(|one| one.message.cut || one.message.names_configuration())
}

/// A file that the device fetched whole, and then began from nothing, though no server answered it anything else; and the
/// frame in which it came whole another time.
pub(crate) fn fetched_again<'a>(case: &Case<'a>, fits: impl Fn(&FetchedFile) -> bool) -> Option<(&'a FetchedFile, At)> {
    case.attempt.drop.filter(|drop| drop.how == How::Abandoned || asked_in_vain_for_trust(case))?;
    let within = |at: At| case.attempt.first <= at && at <= case.attempt.last;
    let files = &case.known.files;
    let last = files.iter().rev().find(|file| within(file.at)).filter(|file| fits(file))?;
    let again = files.iter().find(|other| other.name == last.name && !within(other.at))?;
    let newest = files.last()?;
    // That service is asked because the file is not taken yet, in each attempt alike.
    let in_vain = asked_in_vain_for_trust(case);
    let went_on = case
        .known
        .answered
        .iter()
        .any(|at| !in_vain && *at > newest.at || *at > last.at && within(*at) && !is_of_drop(case, *at));
    (!went_on).then_some((last, again.at))
}

/// Is it an answer of the exchange at which the attempt ended?
fn is_of_drop(case: &Case<'_>, at: At) -> bool {
    asked_in_vain_for_trust(case) && case.attempt.dropped().is_some_and(|step| step.first <= at && at <= step.last)
}

/// Did the attempt end at the service that knows the certificates which a trust list lacks?
pub(crate) fn asked_in_vain_for_trust(case: &Case<'_>) -> bool {
    let dropped = case.attempt.dropped().map(|step| &step.kind);
    matches!(dropped, Some(StepKind::Connection(connection)) if connection.flow.server.port() == provision::TRUST_VERIFICATION)
}

/// Is it a file that is signed, so that a trust list decides whether it is used?
pub(crate) fn is_signed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let file = name.rsplit('/').next().unwrap_or_default();
    let trust_list = file.ends_with(".tlv") && (file.starts_with("itl") || file.starts_with("ctl"));
    file.ends_with(".sgn") || trust_list
}
