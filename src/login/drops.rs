//! The exchanges of one attempt in, its drop out: what stopped it, and whether the capture's end hides how it went on. Knows
//! what goes on as a rule; not why anything failed.

use crate::model::{At, By, DropPoint, How, Outcome, SECOND, Stage, Time};
use crate::profile::Profile;
use crate::protocols::sip;
use crate::text::WireText;

use super::judge::is_shadow;
use super::stages::{directory, provision, register, session, web};
use super::steps::{Attempt, Close, Ending, Purpose, Step, StepKind, Transaction};
use super::target::{Target, errand, is_main_road, target};

/// A capture that ends so soon after a failure may hide that the device went on: to the next target, to credentials, to another try;
/// and what the device began so shortly before its end may still lead somewhere.
const CUT_OFF: i64 = 3 * SECOND;
/// A device that begins something else so long after a connection has given that up, whatever is still sent on it.
const GIVEN_UP: i64 = SECOND;

/// The failure that stopped the attempt: the furthest errand's, the furthest stage's, the last one; not one that the device
/// got past. `restarted` says that the device started over, so that the close of a session is a drop.
pub(super) fn find_drop(steps: &[Step], sessions: &[bool], restarted: bool, profile: &Profile) -> Option<(usize, DropPoint)> {
    let session = |index: usize| sessions.get(index).copied().unwrap_or(false);
    // A session that its device closes, and does not open again, is signed off; one that the server closes was cut.
    let signed_off = |index: usize| {
        session(index) && steps.get(index).is_some_and(|step| step.ending.is_none_or(|ending| ending.by == By::Device))
    };
    if !restarted && (0..steps.len()).any(signed_off) {
        return None;
    }
    let candidates = steps.iter().enumerate().filter_map(|(index, step)| {
        let ending = step.ending?;
        let counts =
            (step.outcome == Outcome::Failed || session(index)) && is_candidate(step, profile) && !is_shadow(step, steps.iter());
        (counts && !is_beside_registrar(step, steps) && !got_past(step, ending, steps)).then_some((index, step, ending))
    });
    let (index, step, ending) = candidates.max_by_key(|(_, step, ending)| (errand(step.purpose), step.stage, ending.at))?;
    Some((index, DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at }))
}

/// Does the server end a session in good order that nobody used?
pub(super) fn is_idle_close(step: &Step, ending: Ending) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if session::is_idle_close(connection, ending))
}

/// Does the binding still stand at the capture's end, though the server closed the connection on which nothing had been said for a
/// while? The device comes back when that is due (RFC 3261 sections 10.2.4 and 18).
fn rests_bound(step: &Step, drop: &DropPoint, end: Time) -> bool {
    /// No keep-alive is sent more often, as a rule (RFC 5626 section 4.4.1: at least every 95 seconds; 30 in practice).
    const QUIET: i64 = 28 * SECOND;
    let StepKind::Connection(connection) = &step.kind else { return false };
    let quiet = connection.stats.client.last_data.is_some_and(|said| drop.at.time.since(said.time) >= QUIET);
    let ending = Ending { by: drop.by, how: drop.how, at: drop.at };
    let takes_leave = drop.stage == Stage::Session && (drop.by, drop.how) == (By::Server, How::Fin);
    let is_bound = register::expiry(&connection.sip).is_some_and(|over| end <= over);
    takes_leave && quiet && is_bound && !session::takes_notice(ending, end)
}

/// Can a failure of this step stop a login?
fn is_candidate(step: &Step, profile: &Profile) -> bool {
    match step.purpose {
        Purpose::Update | Purpose::Revocation => false,
        // A look-up that nothing shows the purpose of can be that of the registrar, but not a connection.
        Purpose::Other => matches!(step.kind, StepKind::Lookup(_)),
        Purpose::Clock => profile.needs_time || !matches!(step.kind, StepKind::Lookup(_)),
        _ => true,
    }
}

/// Is this a name of which nothing shows what it is for, asked for while a connection to the registrar stands? The device has found
/// its server: a client looks into its certificate (RFC 5280 section 4.2.1.13), or goes on beside the login.
fn is_beside_registrar(step: &Step, steps: &[Step]) -> bool {
    let stands = |other: &Step| match &other.kind {
        StepKind::Connection(connection) if other.purpose == Purpose::Registrar => {
            let is_closed = connection.first_close().is_some_and(|(closed, ..)| closed < step.first);
            connection.stats.server.first_data.is_some_and(|answered| answered < step.first) && !is_closed
        }
        _ => false,
    };
    step.purpose == Purpose::Other && steps.iter().any(stands)
}

/// Did the device get past this failure: by the same errand at another target, or by going on to a further one?
fn got_past(failed: &Step, ending: Ending, steps: &[Step]) -> bool {
    let own = errand(failed.purpose);
    steps.iter().any(|other| {
        if std::ptr::eq(other, failed) || !is_main_road(other) {
            return false;
        }
        let later = other.first > failed.first || other.goes_well_until() > Some(ending.at);
        // What the service of certificates could not vouch for no other file makes good.
        let vouches = !asks_for_trust(failed) || asks_for_trust(other);
        let same_errand = other.purpose == failed.purpose
            && vouches
            && other.outcome == Outcome::Ok
            && rank(other) >= rank(failed)
            && other.ending.is_none();
        let further = errand(other.purpose) > own && other.first > failed.first;
        let hidden = other.purpose == failed.purpose && other.first > failed.first && may_have_succeeded(other);
        let follows = is_sent_on(failed) && other.purpose == Purpose::Registrar && other.first > ending.at;
        let shakes_hands = other.purpose == failed.purpose && failed.stage <= Stage::Tls && has_shaken_hands(other);
        later && (same_errand || further || shakes_hands) || hidden || follows
    })
}

/// Has the device come to the end of its handshake, and does nothing show that it failed after that?
fn has_shaken_hands(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    step.outcome != Outcome::Failed && connection.tls.as_ref().is_some_and(|tls| tls.completed())
}

/// Does the registrar send the device on to another (RFC 3261 section 21.3)?
fn is_sent_on(step: &Step) -> bool {
    let last = transactions(step).iter().rfind(|one| one.request.method() == "REGISTER");
    let code = last.and_then(|one| one.answer.as_ref()?.1.code());
    code.is_some_and(|code| (300..400).contains(&code))
}

/// Does a phone ask there whose the certificate is by which a file is signed?
fn asks_for_trust(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if connection.flow.server.port() == provision::TRUST_VERIFICATION)
}

/// A connection counts for more than the look-up that led to it.
pub(super) fn rank(step: &Step) -> u8 {
    u8::from(!matches!(step.kind, StepKind::Lookup(_) | StepKind::Neighbour(_)))
}

/// Did an attempt before end in the same way at the same target? Then it ends this one too, however soon the capture
/// ends after it; but a silence only once the device has begun something else.
pub(super) fn ended_one_before(
    steps: &[Step],
    dropped: usize,
    drop: &DropPoint,
    ended_before: &dyn Fn(&PastEnd) -> bool,
) -> bool {
    let is_over = drop.how != How::Timeout
        || steps.iter().any(|step| step.first > drop.at && is_main_road(step) && step.outcome != Outcome::Unclear);
    is_over && steps.get(dropped).is_some_and(|step| ended_before(&PastEnd::new(drop, step)))
}

/// Does what failed last go on as the capture ends: is it asked once more, so shortly before that a better answer is not to be seen, or
/// does a binding still stand?
pub(super) fn goes_on(steps: &[Step], dropped: usize, drop: &DropPoint, end: Time) -> bool {
    let Some(step) = steps.get(dropped) else { return false };
    let asked = asked_last(&step.kind).filter(|asked| *asked > drop.at);
    asked.is_some_and(|asked| end.since(asked.time) < CUT_OFF) || rests_bound(step, drop, end)
}

/// When the device asked last, in an exchange of datagrams.
fn asked_last(kind: &StepKind) -> Option<At> {
    match kind {
        StepKind::Lease(lease) => lease.discovers.iter().copied().chain(lease.requests.iter().map(|(at, _)| *at)).max(),
        StepKind::Lookup(lookup) => lookup.queries.last().map(|(at, _)| *at),
        StepKind::Clock(clock) => clock.requests.last().map(|(at, _)| *at),
        _ => None,
    }
}

/// By what an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PastEnd {
    stage: Stage,
    how: How,
    target: Target,
    /// By a challenge that was not answered: another than that of credentials that were refused.
    challenged: bool,
}

impl PastEnd {
    pub(super) fn new(drop: &DropPoint, step: &Step) -> Self {
        Self { stage: drop.stage, how: drop.how, target: target(step), challenged: is_challenged(step) }
    }

    /// That of this attempt, if it ended in a drop.
    pub(super) fn of(attempt: &Attempt) -> Option<Self> {
        Some(Self::new(&attempt.drop?, attempt.dropped()?))
    }
}

/// The SIP transactions of a step, in clear.
pub(super) fn transactions(step: &Step) -> &[Transaction] {
    match &step.kind {
        StepKind::Connection(connection) => &connection.sip,
        StepKind::Registration(registration) => &registration.transactions,
        _ => &[],
    }
}

/// Is the last word of this step a challenge that a client answers at once, as a rule?
pub(super) fn is_challenged(step: &Step) -> bool {
    match &step.kind {
        StepKind::Connection(connection) if connection.sip.is_empty() => web::is_pending_challenge(&connection.http),
        _ => register::is_pending_challenge(transactions(step)),
    }
}

/// Was the device on its way when it began from nothing: had it just had its first challenge, of a scheme that every SIP phone
/// speaks (RFC 3261 section 22.4)?
fn was_on_its_way(step: &Step) -> bool {
    let mut registers = transactions(step).iter().filter(|one| one.request.method() == "REGISTER");
    let (Some(first), None) = (registers.next(), registers.next()) else { return false };
    let challenges = first.answer.as_ref().map_or(&[][..], |(_, answer)| answer.challenges.as_slice());
    let is_common = |challenge: &sip::Auth| {
        let algorithm = challenge.algorithm.as_ref().map_or("MD5", WireText::raw);
        challenge.scheme.raw().eq_ignore_ascii_case("Digest") && algorithm.eq_ignore_ascii_case("MD5")
    };
    is_challenged(step) && challenges.iter().any(is_common)
}

/// Did all that the server sent arrive, up to a last segment that it repeats in vain, and has the device said nothing since? A host
/// that restarts acknowledges no more, and closes nothing; what is lost on the way is lost here and there.
fn fell_silent(step: &Step) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    let (client, server) = (&connection.stats.client, &connection.stats.server);
    let last_alone =
        server.stuck_repeats > 0 && server.retransmitted == server.stuck_repeats && server.passed(server.stuck_length);
    let is_silent = client.retransmitted == 0 && client.last < server.last_data && connection.first_close().is_none();
    last_alone && is_silent
}

/// The drop of an attempt after which the device began from nothing: what it was about to answer is no refusal, and what it did not
/// hear any more no silence.
pub(super) fn broken_off(steps: &[Step], (dropped, drop): (usize, DropPoint)) -> (usize, DropPoint) {
    let step = steps.get(dropped);
    let is_gone = drop.how == How::Timeout && step.is_some_and(fell_silent);
    (
        dropped,
        if is_gone || step.is_some_and(was_on_its_way) {
            DropPoint { by: By::Device, how: How::Abandoned, ..drop }
        } else {
            drop
        },
    )
}

/// Does the capture end too soon to say that the device stopped there?
pub(super) fn is_cut_off(steps: &[Step], dropped: usize, drop: &DropPoint, end: Time, profile: &Profile) -> bool {
    // A switch asks for credentials at any moment: that says nothing of how the device goes on.
    let is_port = |step: &Step| matches!(step.kind, StepKind::Port(_));
    let goes_on = steps.iter().enumerate().any(|(index, step)| {
        let is_under_way = step.outcome == Outcome::Unclear || is_at_work(step, drop, end);
        index != dropped && is_main_road(step) && !is_port(step) && !step.prolongs_lease() && step.last > drop.at && is_under_way
    });
    let Some(step) = steps.get(dropped) else { return goes_on };
    // A device need not want it back before it has something to say.
    if drop.stage == Stage::Session && is_idle_close(step, Ending { by: drop.by, how: drop.how, at: drop.at }) {
        return true;
    }
    if end.since(drop.at.time) >= CUT_OFF {
        return goes_on || may_come_back(step, drop) && is_out_of_sight(step, steps);
    }
    let list_unfinished = matches!(step.kind, StepKind::Lookup(_))
        && steps.iter().filter(|step| step.purpose == Purpose::Registrar && matches!(step.kind, StepKind::Lookup(_))).count()
            < profile.registrar_names.len();
    let is_refused = step.purpose == Purpose::Directory && drop.how == How::Rejected;
    let next_try_to_come = is_refused && !is_closed(step) && !is_last_word(step, steps);
    let only = steps.iter().enumerate().all(|(index, other)| index == dropped || other.outcome != Outcome::Failed);
    let waits = drop.how == How::Timeout && only && end.since(step.first.time) < CUT_OFF;
    goes_on || list_unfinished || is_answered_at_once(step, drop) || next_try_to_come || waits || may_come_back(step, drop)
}

/// Has the domain controller said its last word? Who speaks LDAP meanwhile may be let in there all the same.
fn is_last_word(step: &Step, steps: &[Step]) -> bool {
    let speaks_ldap = |other: &Step| match &other.kind {
        StepKind::Connection(connection) => other.purpose == Purpose::Directory && connection.kerberos.is_empty(),
        _ => false,
    };
    directory::is_last_word(&step.kind) && !steps.iter().any(|other| speaks_ldap(other) && !is_closed(other))
}

/// Did the device begin this after its failure, and so shortly before the capture's end that what it led to is not to be seen?
fn is_at_work(step: &Step, drop: &DropPoint, end: Time) -> bool {
    let is_new = step.first > drop.at && step.outcome == Outcome::Ok && step.purpose != Purpose::Clock;
    is_new && end.since(step.last.time) < CUT_OFF
}

/// Is the last word one from which a client goes on at once, as a rule: a challenge, the next name, file or target, or DISCOVER
/// (RFC 2131 section 3.2)?
fn is_answered_at_once(step: &Step, drop: &DropPoint) -> bool {
    let is_file = step.purpose == Purpose::Provision && rank(step) > 0;
    let has_a_next = is_file || matches!(step.kind, StepKind::Lookup(_) | StepKind::Lease(_));
    let has_a_next = has_a_next || is_challenged(step) || register::is_to_be_followed(transactions(step));
    drop.how == How::Rejected && has_a_next
}

/// A device whose session stood opens the next connection when its server closes this one: a restart of that, a time-out.
fn may_come_back(step: &Step, drop: &DropPoint) -> bool {
    drop.stage == Stage::Session && matches!(drop.how, How::Fin | How::Alert) && step.has_stood_by(drop.at.time)
}

/// A FIN is acknowledged at once, or else sent again (RFC 9293 section 3.10.7.4, RFC 6298 section 2): where there is neither, nor
/// anything else of the device, the capture does not show how it went on, however long it is.
fn is_out_of_sight(step: &Step, steps: &[Step]) -> bool {
    let StepKind::Connection(connection) = &step.kind else { return false };
    let Some((closed, _, Close::Fin)) = connection.first_close() else { return false };
    let said = [connection.stats.client.last, connection.stats.server.last].into_iter().flatten();
    said.chain(steps.iter().map(|step| step.last)).all(|last| last <= closed)
}

/// What stays stuck is sent again long after the device has given it up and begun something else: then it ended where it began.
pub(super) fn given_up(step: &Step, ending: Ending, next: &Step) -> Ending {
    let stuck = ending.how == How::Timeout && matches!(step.kind, StepKind::Connection(_));
    let meanwhile = ending.at.time > next.first.time && next.first.time.since(step.first.time) >= GIVEN_UP;
    if stuck && meanwhile { Ending { at: step.first, ..ending } } else { ending }
}

/// Did a DHCP server refuse this, and give nothing?
pub(super) fn was_refused(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Lease(lease) if !lease.naks.is_empty() && lease.acks.is_empty())
}

/// Has either side closed the connection of this step?
pub(super) fn is_closed(step: &Step) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if connection.first_close().is_some())
}

/// Does the capture lack some of what was said in this step, and with it perhaps that all went well?
pub(super) fn may_have_succeeded(step: &Step) -> bool {
    let holed = match &step.kind {
        StepKind::Connection(connection) => connection.is_holed() || connection.is_served_unread(),
        StepKind::Registration(registration) => register::lacks_answer(registration),
        _ => false,
    };
    step.outcome == Outcome::Unclear && holed
}

/// Does the device ask its registrar for something else than to be registered, and is answered, be it by no? It is past that.
pub(super) fn is_beside_registering(step: &Step) -> bool {
    let asked = transactions(step);
    let is_answered = |transaction: &Transaction| {
        let code = transaction.answer.as_ref().and_then(|(_, answer)| answer.code());
        code.is_some_and(|code| code >= 200 && !matches!(code, 401 | 407))
    };
    let granted = matches!(&step.kind, StepKind::Connection(connection) if connection.granted);
    let asks_else = asked.iter().all(|transaction| transaction.request.method() != "REGISTER");
    asks_else && (granted || asked.iter().any(is_answered))
}

impl Attempt {
    /// Does the capture lack what would show whether it came to its end well, or does it show what stands beyond that?
    pub fn may_have_signed_in(&self) -> bool {
        let main = self.steps.iter().filter(|step| is_main_road(step));
        let furthest = main.max_by_key(|step| (errand(step.purpose), step.stage, step.last));
        self.drop.is_none() && furthest.is_some_and(|step| may_have_succeeded(step) || is_beside_registering(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::shared::testing_link::file;
    use crate::findings::testing::{
        IntoStep, as_req, kerberos, krb_error, lookup, profile, registration, sip_answer, sip_request, syn, tcp,
    };
    use crate::model::Side;

    #[test]
    fn who_shakes_hands_after_its_first_hello_was_refused_is_past_that() {
        let stops = |finished: bool| {
            let refused = tcp(Purpose::Registrar).hello().alert(Side::Server, 2, 70).into_step(1);
            let next = tcp(Purpose::Registrar).hello().server_flight(Vec::new());
            let next = if finished { next.client_finished().server_finished() } else { next }.into_step(20);
            let refused = Step { stage: Stage::Tls, outcome: Outcome::Failed, ..refused };
            let ending = refused.ending.or(Some(Ending { by: By::Server, how: How::Alert, at: refused.last }));
            let steps = [Step { ending, ..refused }, Step { outcome: Outcome::Unclear, ending: None, ..next }];
            find_drop(&steps, &[], true, &profile()).map(|(index, _)| index)
        };
        assert_eq!((stops(true), stops(false)), (None, Some(0)));
    }

    #[test]
    fn who_is_sent_on_to_a_registrar_that_is_not_there_stops_at_that_one() {
        let stops = |code: u16| {
            let asked = registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(code, 1)))]);
            let asked = Step { outcome: Outcome::Failed, ..asked.into_step(1) };
            let next = syn(Purpose::Registrar).to("10.0.0.6", 5060).syn_again(2).timed_out(By::Unknown).into_step(9);
            let steps = [asked, Step { outcome: Outcome::Failed, ..next }];
            find_drop(&steps, &[], false, &profile()).map(|(index, _)| index)
        };
        assert_eq!((stops(302), stops(403)), (Some(1), Some(0)));
    }

    #[test]
    fn who_hears_nothing_any_more_and_begins_from_nothing_was_gone_and_who_lost_more_than_the_end_was_not() {
        let ends = |change: fn(&mut crate::login::steps::Connection)| {
            let fetches = tcp(Purpose::Provision).get("/a.cfg").data(Side::Server, 1460).stuck(Side::Server, 500, 4);
            let fetches = fetches.change(|connection| connection.stats.server.largest_passed = true).change(change);
            let step = Step { outcome: Outcome::Failed, ..fetches.timed_out(By::Network).into_step(1) };
            let drop = step.ending.map(|ending| DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at });
            let (_, drop) = broken_off(&[step], (0, drop.expect("a drop")));
            (drop.by, drop.how)
        };
        let (gone, lost) = ((By::Device, How::Abandoned), (By::Network, How::Timeout));
        assert_eq!(ends(|_| ()), gone);
        assert_eq!(ends(|connection| connection.stats.server.retransmitted = 9), lost, "others had to be repeated, too");
        let speaks = |connection: &mut crate::login::steps::Connection| {
            connection.stats.client.last = connection.stats.server.last_data;
        };
        assert_eq!(ends(speaks), lost, "it still speaks");
    }

    #[test]
    fn a_directory_that_is_only_left_after_a_refusal_of_the_kdc_was_no_way_past_it() {
        let ldap = |last: bool| {
            let open = tcp(Purpose::Directory).to("10.0.0.3", 389).search("(objectClass=*)", 1, 0).act(|wire| wire.skip(2000));
            let open = if last { open.bind(0, "") } else { open };
            open.data(Side::Client, 7).into_step(1)
        };
        let refused = || kerberos(vec![(as_req(false), Some(krb_error(18)))]).into_step(5);
        let drop = |steps: &[Step]| find_drop(steps, &[false, false], true, &profile()).map(|(index, drop)| (index, drop.how));
        assert_eq!(drop(&[ldap(false), refused()]), Some((1, How::Rejected)));
        assert_eq!(drop(&[ldap(true), refused()]), None, "it was let in all the same");
    }

    #[test]
    fn a_capture_that_ends_with_the_last_word_of_the_kdc_is_not_cut_off() {
        use crate::protocols::kerberos::{Body, Message};
        let refused = |error: Message| {
            let mut step = kerberos(vec![(as_req(false), Some(error))]).into_step(9);
            (step.purpose, step.outcome) = (Purpose::Directory, Outcome::Failed);
            step
        };
        let ends = |steps: &[Step]| {
            let (index, drop) = find_drop(steps, &[false, false], false, &profile()).unwrap();
            !is_cut_off(steps, index, &drop, drop.at.time, &profile())
        };
        for code in [12, 14, 18] {
            assert!(ends(&[refused(krb_error(code))]), "{code}");
        }
        for code in [6, 7, 24, 37, 68] {
            assert!(!ends(&[refused(krb_error(code))]), "{code}: another name, another password, another clock, another realm");
        }
        let names_types = match krb_error(14) {
            Message { kind, body: Body::Error(error) } => {
                Message { kind, body: Body::Error(crate::protocols::kerberos::Error { etypes: vec![18], ..error }) }
            }
            other => panic!("{other:?}"),
        };
        assert!(!ends(&[refused(names_types)]), "it may ask again with a type that is named");
        let mut ldap = tcp(Purpose::Directory).to("10.0.0.3", 389).search("(objectClass=*)", 1, 0).into_step(1);
        ldap.outcome = Outcome::Unclear;
        assert!(!ends(&[ldap, refused(krb_error(14))]), "it may bind by NTLM");
    }

    #[test]
    fn a_name_that_is_asked_for_while_the_registrar_is_spoken_to_is_not_how_it_is_found() {
        let stops = |closes_first: bool| {
            let mut asked = lookup("crl.contoso.com").rcode(3).into_step(20);
            (asked.purpose, asked.outcome) = (Purpose::Other, Outcome::Failed);
            asked.ending = Some(Ending { by: By::Server, how: How::Rejected, at: asked.last });
            let answers = tcp(Purpose::Registrar).hello().data(Side::Server, 772);
            let mut spoken = if closes_first { answers.leaves(Side::Client, Close::Fin) } else { answers }.into_step(1);
            (spoken.outcome, spoken.ending) = (Outcome::Unclear, None);
            find_drop(&[spoken, asked], &[false, false], true, &profile()).map(|(_, drop)| drop.stage)
        };
        assert_eq!(stops(true), Some(Stage::Names));
        assert_eq!(stops(false), None, "what the certificate of that server names, perhaps");
    }

    #[test]
    fn no_other_file_makes_good_what_the_service_of_certificates_could_not_vouch_for() {
        let asks = |frame: u64, port: u16| {
            let refused =
                crate::findings::testing::syn(Purpose::Provision).to("10.0.0.69", port).leaves(Side::Server, Close::Rst);
            Step { stage: Stage::Provision, outcome: Outcome::Failed, ..refused.into_step(frame) }
        };
        let fetched = || Step { outcome: Outcome::Ok, ..file("SEP0004F21A2B3C.cnf.xml.sgn").whole().into_step(20) };
        let registers = || tcp(Purpose::Registrar).data(Side::Client, 500).data(Side::Server, 500).into_step(40);
        let drop = |steps: &[Step]| find_drop(steps, &[false; 3], true, &profile()).map(|(index, drop)| (index, drop.how));
        assert_eq!(drop(&[asks(1, provision::TRUST_VERIFICATION), fetched()]), Some((0, How::Rst)));
        assert_eq!(drop(&[asks(1, 6970), fetched()]), None, "the file came from elsewhere");
        assert_eq!(drop(&[asks(1, provision::TRUST_VERIFICATION), fetched(), registers()]), None, "it did use the file");
    }

    #[test]
    fn who_asks_for_something_else_and_is_answered_is_past_registering_though_it_was_challenged_too() {
        let beside = |answers: &[(&str, u16)]| {
            let asked = (1..).zip(answers).map(|(number, (method, code))| {
                (
                    1,
                    crate::findings::testing::sip_request(method, number),
                    Some(crate::findings::testing::sip_answer(*code, number)),
                )
            });
            is_beside_registering(&crate::findings::testing::registration(asked.collect()).into_step(1))
        };
        assert!(beside(&[("PUBLISH", 489), ("SUBSCRIBE", 401), ("SUBSCRIBE", 404)]));
        assert!(!beside(&[("SUBSCRIBE", 401)]), "it may be unknown here");
        assert!(!beside(&[("REGISTER", 401), ("SUBSCRIBE", 404)]));
    }
}
