//! Recorded exchanges in, steps out: for what each was made, the stage that it came to, and what became of it.

use crate::device::facts::DeviceFacts;
use crate::formats::names::within_domain;
use crate::model::{By, How, Outcome, SECOND, Stage, Time};
use crate::profile::Profile;
use crate::protocols::dns::kind;

use super::context::{Context, DNS_PORT};
use super::known::Known;
use super::purpose;
use super::record::{Draft, DraftId, Recorder, Weight};
use super::stages::{self, Horizon, Judged, register, web};
use super::steps::{Connection, Ending, Purpose, Registration, Step, StepKind};

/// Files that a device asks for within this time of each other belong to one run through its list.
const ONE_RUN: i64 = 60 * SECOND;

/// A client that was told that there is no such name asks for the next one within this time.
const AT_ONCE: i64 = SECOND;

/// A step with the number of its record.
pub(super) struct Judgement {
    /// The record.
    pub(super) draft: DraftId,
    /// The memory that it takes.
    pub(super) weight: Weight,
    /// The step.
    pub(super) step: Step,
    /// How sure it is that the device signed in by it.
    pub(super) signed_in: Option<f32>,
}

/// All that was recorded, judged.
pub(super) struct Judgements {
    /// The steps, in the order of their first frames.
    pub(super) steps: Vec<Judgement>,
    /// That on which no login stands.
    pub(super) aside: Vec<(DraftId, Draft)>,
    /// What the device has shown by now.
    pub(super) known: Known,
}

/// Takes out all that was recorded up to now, and judges it. `known` is what attempts that are over have shown, `end` the capture's
/// last frame.
pub(super) fn steps(recorder: &mut Recorder, known: &Known, facts: &DeviceFacts, profile: &Profile, end: Time) -> Judgements {
    let drafts = recorder.take();
    // Neighbours are asked for beside all else, whenever their entry is old.
    let begun = drafts.iter().filter(|(_, draft)| !matches!(draft.kind, StepKind::Neighbour(_)));
    let last_begun = begun.map(|(_, draft)| draft.first.time).max().unwrap_or(end);
    let begun = networked(&drafts);
    let (seen_both_ways, is_deaf) = (facts.seen_both_ways, facts.was_answered_unseen && !facts.seen_both_ways);
    let (heard_from, neighbours_hear) = (&facts.heard_from, facts.neighbours_hear && !facts.was_answered_unseen);
    let horizon = Horizon { end, last_begun, begun: &begun, heard_from, seen_both_ways, neighbours_hear, is_deaf };
    let context = Context::new(&recorder.names, &drafts, known, facts, profile);
    let mut judged = Vec::with_capacity(drafts.len());
    let mut aside = Vec::new();
    let mut drafts = drafts.into_iter();
    while let Some((id, draft)) = drafts.next() {
        match judge(&draft, drafts.as_slice(), &context, &horizon) {
            Some((purpose, as_judged)) => judged.push(judgement(id, draft, purpose, as_judged)),
            None => aside.push((id, draft)),
        }
    }
    judged.sort_by_key(|judgement| (judgement.step.first, judgement.draft));
    let mut known = context.into_known();
    forgive_missing_files(&mut judged);
    known.came_further |= judged.iter().any(|judgement| is_further(&judgement.step));
    name_the_registrar(&mut judged, known.came_further);
    name_the_fall_back(&mut judged);
    if aside.is_empty() {
        name_the_router(&mut judged);
    }
    Judgements { steps: judged, aside, known }
}

/// When what needs a network was begun, in order.
fn networked(drafts: &[(DraftId, Draft)]) -> Vec<Time> {
    let needs_one = |draft: &&Draft| {
        !matches!(draft.kind, StepKind::Neighbour(_) | StepKind::Lease(_) | StepKind::LeaseV6(_) | StepKind::Port(_))
    };
    let mut begun: Vec<Time> = drafts.iter().map(|(_, draft)| draft).filter(needs_one).map(|draft| draft.first.time).collect();
    begun.sort_unstable();
    begun
}

/// A phone asks for files of several names, and needs one: where it was given one, it did without the others. One that it may not
/// have is no missing one: it counts, unless something came after it.
fn forgive_missing_files(judged: &mut [Judgement]) {
    let provisions = |step: &Step| step.purpose == Purpose::Provision;
    let delivered: Vec<Time> = judged
        .iter()
        .map(|judgement| &judgement.step)
        .filter(|step| provisions(step) && step.outcome == Outcome::Ok && !matches!(step.kind, StepKind::Lookup(_)))
        .map(|step| step.first.time)
        .collect();
    for Judgement { step, .. } in judged.iter_mut().filter(|judgement| provisions(&judgement.step)) {
        let refused = step.ending.is_some_and(|ending| ending.how == How::Rejected);
        let no_access = stages::provision::is_denied(&step.kind);
        let near = |time: &Time| step.first.time.since(*time).abs() <= ONE_RUN && !(no_access && *time < step.first.time);
        if refused && step.stage == Stage::Provision && delivered.iter().any(near) {
            step.outcome = Outcome::Skipped;
            step.ending = None;
        }
    }
}

/// Does this show that a device came further than its look-ups?
fn is_further(step: &Step) -> bool {
    let beyond_the_lease = !matches!(step.purpose, Purpose::Access | Purpose::Address | Purpose::Clock | Purpose::Update);
    beyond_the_lease && step.purpose != Purpose::Other && !matches!(step.kind, StepKind::Lookup(_))
}

/// The registrar of a phone can bear any name. Where nothing shows that a device came further than its look-ups, those that
/// failed and that nothing shows the purpose of are what it stands before.
fn name_the_registrar(judged: &mut [Judgement], came_further: bool) {
    if came_further {
        return;
    }
    for Judgement { step, .. } in judged {
        let failed = step.purpose == Purpose::Other && step.outcome == Outcome::Failed;
        if failed && matches!(&step.kind, StepKind::Lookup(lookup) if matches!(lookup.kind, kind::A | kind::AAAA | kind::SRV)) {
            step.purpose = Purpose::Registrar;
        }
    }
}

/// A client that finds no SRV record of its registrar asks at once for an address in the same domain (RFC 3263 section 4.2).
fn name_the_fall_back(judged: &mut [Judgement]) {
    let mut in_vain: Option<(String, Time)> = None;
    for Judgement { step, .. } in judged {
        let StepKind::Lookup(lookup) = &step.kind else { continue };
        if step.outcome != Outcome::Failed {
            continue;
        }
        let at_once = |begun: &Time| step.first.time.since(*begun) <= AT_ONCE;
        let is_fall_back =
            || in_vain.as_ref().is_some_and(|(domain, told)| at_once(told) && within_domain(lookup.name.raw(), domain));
        match (step.purpose, lookup.kind) {
            (Purpose::Registrar, kind::SRV) => {
                let domain = lookup.name.raw().splitn(3, '.').nth(2);
                in_vain = domain.map(|domain| (domain.to_owned(), step.last.time));
            }
            (Purpose::Other, kind::A | kind::AAAA) if is_fall_back() => step.purpose = Purpose::Registrar,
            _ => {}
        }
    }
}

/// A host with a fixed address that asks for one neighbour alone, in vain, and sends nothing else asks for its router: whatever it
/// wants lies beyond.
fn name_the_router(judged: &mut [Judgement]) {
    const ASKED: usize = 3;
    const FOR: i64 = 10 * SECOND;
    let asked = |judgement: &Judgement| match &judgement.step.kind {
        StepKind::Neighbour(neighbour) if neighbour.reply.is_none() => Some((neighbour.address, neighbour.requests.len())),
        _ => None,
    };
    let Some((router, _)) = judged.first().and_then(asked) else { return };
    let alone = judged.iter().all(|judgement| asked(judgement).is_some_and(|(address, _)| address == router));
    let requests: usize = judged.iter().filter_map(asked).map(|(_, requests)| requests).sum();
    let first = judged.iter().map(|judgement| judgement.step.first.time).min();
    let last = judged.iter().map(|judgement| judgement.step.last.time).max();
    let long = first.zip(last).is_some_and(|(first, last)| last.since(first) >= FOR);
    if !alone || requests < ASKED || !long {
        return;
    }
    for Judgement { step, .. } in judged {
        let StepKind::Neighbour(neighbour) = &mut step.kind else { continue };
        neighbour.router = true;
        step.outcome = Outcome::Failed;
        step.ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
    }
}

/// The next registration with the same server.
fn next_with_same<'a>(registration: &Registration, following: &'a [(DraftId, Draft)]) -> Option<&'a Registration> {
    following.iter().find_map(|(_, draft)| match &draft.kind {
        StepKind::Registration(next) if next.flow.server == registration.flow.server => Some(next.as_ref()),
        _ => None,
    })
}

/// For what an exchange was made, and what became of it; `None` where no login stands on it. `following` are those after it.
fn judge(
    draft: &Draft,
    following: &[(DraftId, Draft)],
    context: &Context<'_>,
    horizon: &Horizon<'_>,
) -> Option<(Purpose, Judged)> {
    Some(match &draft.kind {
        StepKind::Port(port) => (Purpose::Access, stages::link::judge(port, horizon)),
        StepKind::Lease(lease) => (Purpose::Address, stages::address::judge(lease, horizon)),
        // Where routers give the addresses, DHCPv6 gives the rest.
        StepKind::LeaseV6(lease) if lease.solicits.is_empty() && context.has_address && !context.works_over_v4 => {
            (Purpose::Address, stages::address::beside_another(lease))
        }
        // A device that has an address does without another.
        StepKind::LeaseV6(lease) if context.has_address => (Purpose::Other, stages::address::beside_another(lease)),
        StepKind::LeaseV6(lease) => (Purpose::Address, stages::address::judge_v6(lease, horizon)),
        StepKind::Neighbour(neighbour) if neighbour.address.is_ipv6() && context.works_over_v4 => {
            (Purpose::Address, Judged::unclear(Stage::Address))
        }
        StepKind::Neighbour(neighbour) => (Purpose::Address, stages::address::judge_neighbour(neighbour, horizon)),
        StepKind::File(transfer) => (stages::provision::purpose(transfer), stages::provision::judge_file(transfer, horizon)),
        StepKind::Lookup(lookup) => {
            let purpose = context.lookup(lookup, draft);
            let stage = stages::names::stage(purpose::of_name(lookup.name.raw()));
            let over_tcp =
                || context.asked_again(lookup).and_then(|connection| stages::connect::judge(connection, stage, horizon));
            let judged = if lookup.is_truncated() { over_tcp() } else { None };
            (purpose, judged.unwrap_or_else(|| stages::names::judge(lookup, stage, horizon)))
        }
        StepKind::Clock(clock) => (Purpose::Clock, stages::time::judge(clock, horizon)),
        StepKind::Connection(connection) => {
            let purpose = context.connection(connection, draft);
            let judged = judge_connection(connection, purpose, context, horizon)?;
            (purpose, if is_hidden(&judged, connection) { Judged::unclear(judged.stage) } else { judged })
        }
        StepKind::Registration(registration) => {
            let next = next_with_same(registration, following);
            (Purpose::Registrar, stages::register::judge_datagrams(registration, next, horizon))
        }
        StepKind::Inquiry(inquiry) => (Purpose::Directory, stages::directory::judge_datagrams(inquiry, horizon)),
    })
}

/// May the capture lack what makes another thing of this failure: bytes of the connection that it lost itself? An alert, and a
/// refusal that is no challenge, say what they say.
fn is_hidden(judged: &Judged, connection: &Connection) -> bool {
    let shown = match judged.ending.map(|ending| ending.how) {
        Some(How::Fin | How::Rst | How::Timeout | How::Abandoned) => false,
        Some(How::Rejected) => !(register::is_pending_challenge(&connection.sip) || web::is_pending_challenge(&connection.http)),
        _ => true,
    };
    connection.is_holed() && judged.outcome == Outcome::Failed && !shown
}

fn judgement(draft: DraftId, Draft { first, last, kind, weight, .. }: Draft, purpose: Purpose, judged: Judged) -> Judgement {
    let step = Step { stage: judged.stage, purpose, first, last, outcome: judged.outcome, ending: judged.ending, kind };
    Judgement { draft, weight, step, signed_in: judged.signed_in }
}

fn judge_connection(connection: &Connection, purpose: Purpose, context: &Context<'_>, horizon: &Horizon<'_>) -> Option<Judged> {
    let certificate = || connection.tls.as_ref()?.certificate.as_ref().map(|(at, _)| at.frame);
    Some(match purpose {
        Purpose::Registrar => stages::register::judge(connection, horizon),
        Purpose::Directory => stages::directory::judge(connection, horizon),
        Purpose::Enrolment => stages::web::judge(connection, Stage::Enrolment, horizon),
        Purpose::Provision => stages::provision::judge(connection, horizon),
        Purpose::Update => stages::web::judge(connection, Stage::Update, horizon),
        Purpose::Revocation => stages::web::judge(connection, Stage::Tls, horizon),
        // A service beside the login (an address book, a calendar) whose certificate is looked into.
        Purpose::Other if certificate().is_some_and(|frame| context.checks.was_asked_about(frame)) => {
            stages::web::judge(connection, Stage::Session, horizon)
        }
        Purpose::Other if connection.sought_name().is_some_and(|name| context.profile.keeps_session_at(name.raw())) => {
            stages::session::judge_announcements(connection, horizon)?
        }
        // What the answer to a name waits for.
        Purpose::Other if connection.flow.server.port() == DNS_PORT => stages::connect::judge(connection, Stage::Names, horizon)?,
        // Nothing that a login stands on.
        Purpose::Access | Purpose::Address | Purpose::Clock | Purpose::Other => return None,
    })
}

/// Is a look-up only the shadow of another: AAAA beside an A that was found, a reverse name?
pub(super) fn is_shadow<'a>(step: &Step, all: impl Iterator<Item = &'a Step>) -> bool {
    let StepKind::Lookup(lookup) = &step.kind else { return false };
    if lookup.kind != kind::A && lookup.kind != kind::AAAA && lookup.kind != kind::SRV {
        return true;
    }
    let sibling = match lookup.kind {
        kind::AAAA => kind::A,
        kind::A => kind::AAAA,
        _ => return false,
    };
    let found = |other: &Step| matches!(&other.kind, StepKind::Lookup(other) if other.kind == sibling && other.name.raw().eq_ignore_ascii_case(lookup.name.raw()));
    let mut siblings = all.filter(|other| found(other));
    match lookup.kind {
        // A failed AAAA says nothing where the A was asked for too.
        kind::AAAA => siblings.next().is_some(),
        _ => siblings.any(|other| other.outcome == Outcome::Ok),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::IntoStep;
    use crate::findings::testing::{lookup, router, tcp};

    fn judgement(step: Step) -> Judgement {
        Judgement { draft: 1, weight: Weight::default(), step, signed_in: None }
    }

    fn fails() -> Judgement {
        let mut step = lookup("pbx.contoso.com").times(3).into_step(1);
        (step.purpose, step.outcome) = (Purpose::Other, Outcome::Failed);
        judgement(step)
    }

    #[test]
    fn a_file_that_is_denied_after_another_came_stops_the_device_and_one_that_is_missing_does_not() {
        let after_another = |code: u16| {
            let file = |path: &str, code: u16, frame: u64| tcp(Purpose::Provision).get(path).answer(code).into_step(frame);
            let came = Step { stage: Stage::Provision, outcome: Outcome::Ok, ending: None, ..file("/J100Supgrade.txt", 200, 1) };
            let refused = file("/46xxsettings.txt", code, 20);
            let ending = Some(Ending { by: By::Server, how: How::Rejected, at: refused.last });
            let refused = Step { stage: Stage::Provision, outcome: Outcome::Failed, ending, ..refused };
            let mut judged = vec![judgement(came), judgement(refused)];
            forgive_missing_files(&mut judged);
            judged[1].step.outcome
        };
        assert_eq!((after_another(403), after_another(404)), (Outcome::Failed, Outcome::Skipped));
    }

    #[test]
    fn a_name_of_no_telling_purpose_is_the_registrars_where_the_device_came_no_further() {
        let mut alone = vec![fails()];
        name_the_registrar(&mut alone, false);
        assert_eq!(alone[0].step.purpose, Purpose::Registrar);
        let mut further = vec![fails(), judgement(tcp(Purpose::Provision).get("/a.cfg").answer(404).into_step(9))];
        let came_further = further.iter().any(|judgement| is_further(&judgement.step));
        name_the_registrar(&mut further, came_further);
        assert_eq!(further[0].step.purpose, Purpose::Other);
    }

    #[test]
    fn an_address_in_the_domain_that_has_no_srv_record_is_the_next_name_of_the_list() {
        let purpose = |srv: &str, wait: i64| {
            let mut refused = lookup(srv).rcode(3).into_step(1);
            refused.outcome = Outcome::Failed;
            let mut next = fails();
            next.step.first.time = refused.last.time.plus(wait);
            let mut judged = vec![judgement(refused), next];
            name_the_fall_back(&mut judged);
            judged[1].step.purpose
        };
        assert_eq!(purpose("_sip._udp.contoso.com", SECOND / 10), Purpose::Registrar);
        assert_eq!(purpose("_sip._udp.contoso.com", 3 * SECOND), Purpose::Other);
        assert_eq!(purpose("_sip._udp.fabrikam.com", SECOND / 10), Purpose::Other);
    }

    /// ARP for one host, of which nothing says what it is.
    fn asks(requests: u64, answered: bool) -> Vec<Judgement> {
        let mut step = router(requests, answered).into_step(1);
        if let StepKind::Neighbour(neighbour) = &mut step.kind {
            neighbour.router = false;
        }
        (step.outcome, step.ending) = (Outcome::Unclear, None);
        vec![judgement(step)]
    }

    #[test]
    fn where_the_capture_lost_what_was_said_a_failure_is_one_only_if_it_was_told() {
        use crate::findings::testing::{Tcp, at, sip_answer, sip_request};
        use crate::model::Side;
        let hidden = |tcp: Tcp, how: How, lost: bool| {
            let lose = move |connection: &mut Connection| {
                connection.stats.client.uncaptured = if lost { 100 } else { 0 };
                connection.stats.client.last.get_or_insert(at(1));
            };
            let StepKind::Connection(connection) = tcp.change(lose).into_step(1).kind else { panic!("no connection") };
            is_hidden(&Judged::failed(Stage::Register, By::Server, how, at(9)), &connection)
        };
        let answered = |code: u16| tcp(Purpose::Registrar).sip(sip_request("REGISTER", 1), Some(sip_answer(code, 1)));
        assert!(hidden(tcp(Purpose::Registrar).data(Side::Client, 10), How::Fin, true));
        assert!(!hidden(tcp(Purpose::Registrar).data(Side::Client, 10), How::Fin, false), "nothing is missing");
        assert!(!hidden(tcp(Purpose::Registrar).data(Side::Client, 10), How::Alert, true));
        assert!(hidden(answered(401), How::Rejected, true), "its answer to the challenge may be what is missing");
        assert!(!hidden(answered(403), How::Rejected, true));
    }

    #[test]
    fn the_one_neighbour_that_is_asked_for_in_vain_is_the_router() {
        let failed = |mut judged: Vec<Judgement>| {
            name_the_router(&mut judged);
            judged[0].step.outcome == Outcome::Failed && judged[0].step.ending.is_some_and(|ending| ending.how == How::Timeout)
        };
        assert!(failed(asks(20, false)));
        assert!(!failed(asks(20, true)), "it answers");
        assert!(!failed(asks(5, false)), "too early to say");
        let mut with_more = asks(20, false);
        with_more.push(fails());
        assert!(!failed(with_more), "something else is sent");
    }
}
