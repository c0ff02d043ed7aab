//! One try of a login as it is put together: judged steps in, what they show of where the device stands out. Does not decide
//! where the next one begins.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::formats::names;
use crate::model::{At, By, How, Outcome, SECOND, Time};
use crate::profile::Profile;
use crate::protocols::sip;

use super::abandoned::restarted_soon;
use super::cut_off::rests_bound;
use super::drops::{given_up, is_challenged, is_idle_close, rank, transactions};
use super::judge::{Judgement, is_shadow};
use super::stages::{register, session, web};
use super::steps::{COMES_TO_REST, Ending, Lease, PAUSE, Purpose, Step, StepKind};
use super::target::{Target, errand, is_main_road, target};

/// The next name of a list is asked for within this time.
const NEXT_NAME: i64 = 5 * SECOND;
/// A device that gets no time goes on after this time, at most.
const WAITS_FOR_TIME: i64 = 5 * SECOND;

/// A client says something on its connection at least this often (RFC 5626 section 4.4.1: every 840 seconds), and a little more.
const SAYS_SOMETHING: i64 = 900 * SECOND;

/// A frame that comes after another one, and whose time lies so much before it: the clock of the capture was set back meanwhile, and
/// how long that was does not show.
const SET_BACK: i64 = 5 * SECOND;

/// How long nothing was done from the one to the other.
pub(super) fn pause(from: At, to: At) -> i64 {
    let pause = to.time.since(from.time);
    if to > from && pause < -SET_BACK { i64::MAX } else { pause }
}

/// When the binding runs out that was made over UDP: no connection shows that it stands. Where anything goes on with that server
/// later, the capture may have lost what refreshed it. A session of which only the middle shows lasts as long as something is said.
fn expiry(step: &Step) -> Option<Time> {
    match &step.kind {
        StepKind::Registration(registration) => register::expiry(&registration.transactions).filter(|end| step.last.time <= *end),
        StepKind::Connection(connection) if connection.syn.is_none() && connection.syn_ack.is_none() => {
            let last = connection.stats.client.last.max(connection.stats.server.last);
            last.filter(|_| connection.sip.is_empty()).map(|last| last.time.plus(SAYS_SOMETHING))
        }
        _ => None,
    }
}

/// What begins so soon after another thing was begun side by side with it: Lync phones ask DHCP and DNS for their registrar in parallel.
const SIDE_BY_SIDE: i64 = SECOND * 3 / 2;

/// Does a server of SCEP say that the device's request for a certificate waits for somebody?
fn waits_for_grant(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if connection.http.last().is_some_and(web::is_pending_by_scep))
}

/// One try, as it is being put together.
#[derive(Default)]
pub(super) struct Try {
    pub(super) judgements: Vec<Judgement>,
    /// What the first of them were aimed at, and how many these are: few steps are compared with those before.
    targets: HashSet<Target, RandomState>,
    aimed: usize,
    pub(super) last: Option<At>,
    /// Did the device begin from nothing after it?
    pub(super) restarted: bool,
    /// Had its binding run out when the next one began?
    pub(super) ran_out: bool,
    /// Is the start of the device in view, in a try before, and has it come to no registrar since?
    since_start: bool,
}

impl Try {
    /// The one that begins after another, in which the device had come to no registrar since its start, or had.
    pub(super) fn after(since_start: bool) -> Self {
        Self { since_start, ..Self::default() }
    }

    pub(super) fn add(&mut self, judgement: Judgement) {
        if !matches!(judgement.step.kind, StepKind::Neighbour(_)) {
            self.last = self.last.max(Some(judgement.step.last));
        }
        self.judgements.push(judgement);
    }

    /// What the device did next was no other try.
    pub(super) fn join(&mut self, next: Try) {
        self.last = self.last.max(next.last);
        (self.restarted, self.ran_out) = (next.restarted, next.ran_out);
        self.judgements.extend(next.judgements);
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> + '_ {
        self.judgements.iter().map(|judgement| &judgement.step)
    }

    /// Was a step before aimed at the same?
    pub(super) fn has_aimed_at(&mut self, wanted: &Target) -> bool {
        let further = self.judgements.iter().skip(self.aimed).map(|judgement| target(&judgement.step));
        self.targets.extend(further.flat_map(|target| target.files().into_iter().chain([target])));
        self.aimed = self.judgements.len();
        self.targets.contains(wanted) || wanted.with_less().is_some_and(|less| self.targets.contains(&less))
    }

    /// Does the device come to a target once more? By the next name of its list, which it asks for at once, it comes to a new one,
    /// though that leads to the same host.
    pub(super) fn returns(&mut self, step: &Step, wanted: &Target) -> bool {
        self.has_aimed_at(wanted) && !(self.pause_before(step) < NEXT_NAME && self.knows_by_other_names(wanted, step))
    }

    fn knows_by_other_names(&self, wanted: &Target, step: &Step) -> bool {
        let Some(name) = step.name() else { return false };
        let mut known = self.steps().filter(|step| target(step) == *wanted).map(Step::name).peekable();
        known.peek().is_some() && known.all(|known| known.is_some_and(|known| !names::same_host(known.raw(), name.raw())))
    }

    /// Did the device ask for an address from nothing, and come to no registrar since, in this try or in those before?
    pub(super) fn is_since_start(&self) -> bool {
        let asks = || self.steps().any(|step| matches!(&step.kind, StepKind::Lease(lease) if !lease.discovers.is_empty()));
        self.furthest() < errand(Purpose::Registrar) && (self.since_start || asks())
    }

    /// The furthest errand that was begun.
    pub(super) fn furthest(&self) -> u8 {
        self.steps().map(|step| errand(step.purpose)).max().unwrap_or(0)
    }

    /// The latest failure on the main road that nothing made good, as `next` finds it, and how far it had come.
    pub(super) fn failure(&self, next: &Step) -> Option<(u8, Ending)> {
        let beyond = self.furthest() > errand(Purpose::Clock);
        let counts = |step: &Step| is_main_road(step) && !(beyond && step.purpose == Purpose::Clock);
        let failed = self.judgements.iter().filter(|judgement| counts(&judgement.step));
        let failed = failed.filter_map(|judgement| Some((judgement, judgement.step.ending?)));
        // The close of a session is a failure as soon as the device starts over.
        let failed = failed.filter(|(judgement, _)| judgement.step.outcome == Outcome::Failed || judgement.signed_in.is_some());
        // From the end on, where the latest is: what comes before it need not be looked at any closer.
        let (judgement, ending) = failed.rev().fold(None, |latest: Option<(&Judgement, Ending)>, (judgement, ending)| {
            let is_earlier = latest.is_some_and(|(_, latest)| latest.at >= ending.at);
            if is_earlier || is_shadow(&judgement.step, self.steps()) { latest } else { Some((judgement, ending)) }
        })?;
        // A name that was found makes good one that was not, of the same list: no connection.
        let in_its_place = |step: &Step| {
            let next_name = rank(&judgement.step) == 0 && step.purpose == judgement.step.purpose;
            !matches!(step.kind, StepKind::Lookup(_)) || next_name
        };
        let better = self.steps().any(|step| {
            step.first > ending.at
                && step.outcome == Outcome::Ok
                && errand(step.purpose) >= errand(judgement.step.purpose)
                && step.ending.is_none()
                && in_its_place(step)
        });
        (!better).then_some((errand(judgement.step.purpose), given_up(&judgement.step, ending, next)))
    }

    /// Is the device signed in: by a connection that nobody has closed, or a binding that has not run out?
    pub(super) fn is_signed_in(&self, at: Time) -> bool {
        let mut sessions = self.sessions();
        sessions.any(|step| {
            let closed = step.ending.map(|ending| ending.at.time);
            closed.into_iter().chain(expiry(step)).all(|end| end > at)
        })
    }

    /// Did the server close the last session since nobody used it, and the device take no notice of that up to this time?
    pub(super) fn rests_unconnected(&self, at: Time) -> bool {
        let last = self.sessions().filter_map(|step| Some((step, step.ending?))).max_by_key(|(_, ending)| ending.at);
        let rests = |step: &Step, ending: Ending| is_idle_close(step, ending) || rests_bound(step, ending, at);
        last.is_some_and(|(step, ending)| rests(step, ending) && !session::takes_notice(ending, at))
    }

    /// Had it a binding that nobody gave back, and has that run out?
    pub(super) fn has_run_out(&self, at: Time) -> bool {
        let run_out = |step: &Step| step.ending.is_none() && expiry(step).is_some_and(|end| end <= at);
        self.sessions().any(run_out) && !self.is_signed_in(at)
    }

    fn sessions(&self) -> impl Iterator<Item = &Step> + '_ {
        self.judgements.iter().filter(|judgement| judgement.signed_in.is_some()).map(|judgement| &judgement.step)
    }

    /// Is its last session one that nobody closed, and not yet old when the next try begins?
    pub(super) fn ends_in_mid_session(&self, next: Time) -> bool {
        if self.ran_out {
            return false;
        }
        let session = self.judgements.iter().rfind(|judgement| judgement.signed_in.is_some());
        session.is_some_and(|judgement| {
            restarted_soon(&judgement.step).is_some() && next.since(judgement.step.first.time) <= COMES_TO_REST
        })
    }

    /// Does the first request of this step answer the challenge that an earlier connection brought?
    pub(super) fn answers_challenge(&self, step: &Step) -> bool {
        let first = transactions(step).first();
        let answers = first.is_some_and(|first| first.request.method() == "REGISTER" && !first.request.credentials.is_empty());
        answers && self.judgements.last().is_some_and(|last| register::is_pending_challenge(transactions(&last.step)))
    }

    /// Does the device ask its domain controller at once for what a challenge wants of it, a ticket (RFC 4559 section 4, [MS-SIPAE])?
    pub(super) fn answers_by_ticket(&self, step: &Step) -> bool {
        let wants_credentials = |step: &&Step| matches!(step.purpose, Purpose::Enrolment | Purpose::Registrar);
        let last = self.steps().filter(wants_credentials).filter(|step| rank(step) > 0).last();
        step.purpose == Purpose::Directory && self.pause_before(step) < PAUSE && last.is_some_and(is_challenged)
    }

    /// A client of SIP over TCP may open a connection for each request (RFC 3261 section 18): one that closes its own, and
    /// opens another without registering anew, still has its binding. A REGISTER of the same Call-ID only refreshes that, or
    /// gives it back (section 10.2), and one of another address-of-record is of another line. The server may close one, too: who comes back
    /// when its binding is due, or with something else than a REGISTER while it stands, had it all the time.
    pub(super) fn uses_binding(&self, step: &Step) -> bool {
        let StepKind::Connection(connection) = &step.kind else { return false };
        let wants_more = connection.sip.first().is_some_and(|first| first.request.method() != "REGISTER");
        let stands = |closed: &Step| register::expiry(transactions(closed)).is_some_and(|over| step.first.time <= over);
        let is_due = |closed: &Step| register::is_due(transactions(closed), step.first.time) || wants_more && stands(closed);
        let registered = self.judgements.iter().filter(|judgement| {
            let ending = judgement.step.ending.filter(|ending| ending.how == How::Fin);
            let keeps = ending.is_some_and(|ending| ending.by == By::Device || is_due(&judgement.step));
            judgement.signed_in.is_some() && keeps
        });
        let bindings = || registered.clone().flat_map(|judgement| transactions(&judgement.step)).map(|one| &one.request);
        let is_register = |request: &sip::Message| request.method() == "REGISTER";
        let is_bound = |asked: &sip::Message| bindings().any(|bound| is_register(bound) && bound.to == asked.to);
        let anew = || {
            let mut registers =
                connection.sip.iter().map(|transaction| &transaction.request).filter(|request| is_register(request));
            registers.any(|asked| is_bound(asked) && bindings().all(|bound| bound.call_id != asked.call_id))
        };
        connection.tls.is_none() && connection.is_accepted() && bindings().next().is_some() && !anew()
    }

    /// Does the device ask once more for what it waits for: whether its user has typed in the code elsewhere (RFC 8628 section 3.5, also
    /// when one question was lost), or whether somebody has granted its request for a certificate (RFC 8894 section 3.3.3)?
    pub(super) fn polls(&self, step: &Step, profile: &Profile) -> bool {
        let came_through = |other: &Step| other.outcome != Outcome::Failed && target(other) == target(step) && rank(other) > 0;
        let signs_in = step.name().is_some_and(|name| profile.signs_in_at(name.raw()));
        let goes_on = signs_in && step.outcome != Outcome::Failed && self.steps().any(came_through);
        let last = self.steps().filter(|other| other.purpose == Purpose::Enrolment && rank(other) > 0).last();
        goes_on || last.is_some_and(|last| target(last) == target(step) && waits_for_grant(last))
    }

    /// Does it begin with an errand that comes before this one?
    pub(super) fn begins_before(&self, other: u8) -> bool {
        self.steps().find(|step| is_main_road(step)).is_some_and(|step| errand(step.purpose) < other)
    }

    /// Did the errand of this step begin with the same target: is the device at its beginning again?
    pub(super) fn is_first_of_errand(&self, step: &Step) -> bool {
        let first = self.steps().find(|other| is_main_road(other) && other.purpose == step.purpose);
        errand(step.purpose) >= errand(Purpose::Directory) && first.is_some_and(|first| target(first) == target(step))
    }

    /// Has an INFORM of the device been answered? It asks again only because it starts over.
    pub(super) fn was_informed(&self) -> bool {
        self.steps()
            .any(|step| matches!(&step.kind, StepKind::Lease(lease) if !lease.informs.is_empty() && !lease.acks.is_empty()))
    }

    /// Did the device ask by INFORM on its way? Beside a login, any host may (RFC 2131 section 3.4).
    pub(super) fn asked_by_inform(&self) -> bool {
        let further = self.steps().find(|step| errand(step.purpose) > errand(Purpose::Clock)).map(|step| step.first.time);
        let on_its_way = |step: &Step| further.is_none_or(|further| step.first.time.since(further) <= SIDE_BY_SIDE);
        self.steps().any(|step| matches!(&step.kind, StepKind::Lease(lease) if !lease.informs.is_empty()) && on_its_way(step))
    }

    /// Does the device hold an address that it has not given back?
    pub(super) fn is_bound(&self) -> bool {
        let leases = self.steps().filter_map(|step| match &step.kind {
            StepKind::Lease(lease) if lease.is_acknowledged() => Some(lease),
            _ => None,
        });
        leases.last().is_some_and(|lease| lease.releases.is_empty())
    }

    /// Has the device had, and given back, what the server of this exchange gave, and since then what another one gave? Then it has
    /// been round all its VLANs, and begins again with the first.
    pub(super) fn has_given_back_all_of(&self, step: &Step) -> bool {
        let server = |step: &Step| match &step.kind {
            StepKind::Lease(lease) => lease.acks.last().and_then(|(_, ack)| ack.server_id()),
            _ => None,
        };
        let given_back =
            |step: &&Step| matches!(&step.kind, StepKind::Lease(lease) if !lease.acks.is_empty() && !lease.releases.is_empty());
        let asked = server(step);
        let servers: Vec<_> = self.steps().filter(given_back).map(server).collect();
        asked.is_some() && servers.first() == Some(&asked) && servers.last().is_some_and(|last| last.is_some() && *last != asked)
    }

    /// The last DHCP exchange.
    pub(super) fn last_lease(&self) -> Option<(&Step, &Lease)> {
        let leases = self.steps().filter_map(|step| match &step.kind {
            StepKind::Lease(lease) => Some((step, lease.as_ref())),
            _ => None,
        });
        leases.last()
    }

    /// How long it had not asked for an address when `step` began: 802.1X goes on beside that, and does not end it.
    pub(super) fn pause_of_addressing(&self, step: &Step) -> i64 {
        let beside = |other: &&Step| matches!(other.kind, StepKind::Neighbour(_) | StepKind::Port(_));
        let last = self.steps().filter(|other| !beside(other)).map(|other| other.last.time).max();
        last.map_or(i64::MAX, |last| step.first.time.since(last.min(step.first.time)))
    }

    /// Time is asked for at any moment; but what a device asks of it after its pause, before all else and on the way to `next`,
    /// with which it starts over, belongs to that.
    pub(super) fn give_up_time(&mut self, next: &Step) -> Vec<Judgement> {
        let is_time = |step: &Step| step.purpose == Purpose::Clock;
        let beside = |step: &Step| is_time(step) || matches!(step.kind, StepKind::Neighbour(_));
        let begins =
            self.judgements.iter().rposition(|judgement| !beside(&judgement.step)).map_or(0, |last| last.saturating_add(1));
        let (before, after) = self.judgements.split_at_checked(begins).unwrap_or_default();
        let mut time = after.iter().map(|judgement| &judgement.step).filter(|step| is_time(step));
        let paused = before.last().zip(time.clone().next());
        let paused = paused.is_some_and(|(left, asks)| asks.first.time.since(left.step.last.time) >= PAUSE);
        let goes_on = time.next_back().is_some_and(|asked| next.first.time.since(asked.last.time) <= WAITS_FOR_TIME);
        if paused && goes_on { self.judgements.split_off(begins) } else { Vec::new() }
    }

    /// How long the device had been idle when `step` began.
    pub(super) fn pause_before(&self, step: &Step) -> i64 {
        self.last.map_or(i64::MAX, |last| pause(last, step.first).max(0))
    }
}

/// Does the device reach its registrar with this step, or by it, or do something else alone?
pub(super) fn registers_well(step: &Step, following: &[Judgement]) -> bool {
    let steps = || std::iter::once(step).chain(following.iter().map(|judgement| &judgement.step));
    let is_beside = errand(step.purpose) < errand(Purpose::Directory) && steps().all(|step| step.purpose != Purpose::Registrar);
    let connects = steps().find(|step| step.purpose == Purpose::Registrar && rank(step) > 0);
    is_beside || connects.is_some_and(|step| step.outcome != Outcome::Failed)
}

/// Does the device ask for its registrar, and find none by this name nor by the next ones?
pub(super) fn asks_in_vain(step: &Step, following: &[Judgement]) -> bool {
    let fails = step.outcome == Outcome::Failed && matches!(step.kind, StepKind::Lookup(_));
    let next = || following.iter().map(|judgement| &judgement.step).filter(|next| next.purpose == Purpose::Registrar);
    let mut round = next().take_while(|next| target(next) != target(step));
    fails && step.purpose == Purpose::Registrar && !round.any(|next| next.outcome == Outcome::Ok)
}
