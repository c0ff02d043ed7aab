//! The exchanges of one attempt in, its drop out: what stopped it. Knows what goes on as a rule; not why anything failed.

use crate::model::{By, DropPoint, How, Outcome, SECOND, Stage};
use crate::profile::Profile;
use crate::protocols::sip;
use crate::text::WireText;

use super::judge::is_shadow;
use super::stages::{provision, register, session, web};
use super::steps::{Attempt, Ending, Purpose, Step, StepKind, Transaction};
use super::target::{Target, errand, is_main_road, target};

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
    // A renewal that is refused takes its address from a device that was signed in (RFC 2131 section 4.4.5): it begins anew for want of
    // that, and not of a connection that it had not missed.
    let takes_address = |step: &&Step| sessions.contains(&true) && step.prolongs_lease() && was_refused(step);
    let refused = steps.iter().rfind(takes_address).map(|step| step.first.time);
    let is_of_address = |step: &Step, ending: Ending| {
        takes_address(&step) || is_idle_close(step, ending) && refused.is_some_and(|at| !session::takes_notice(ending, at))
    };
    let candidates = steps.iter().enumerate().filter_map(|(index, step)| {
        let ending = step.ending.filter(|ending| !is_of_address(step, *ending))?;
        let counts =
            (step.outcome == Outcome::Failed || session(index)) && is_candidate(step, profile) && !is_shadow(step, steps.iter());
        (counts && !is_beside_registrar(step, steps) && !is_asked_beside(step, steps) && !got_past(step, ending, steps))
            .then_some((index, step, ending))
    });
    let (index, step, ending) = candidates.max_by_key(|(_, step, ending)| (errand(step.purpose), step.stage, ending.at))?;
    Some((index, DropPoint { stage: step.stage, by: ending.by, how: ending.how, at: ending.at }))
}

/// Does the server end a session in good order that nobody used?
pub(super) fn is_idle_close(step: &Step, ending: Ending) -> bool {
    matches!(&step.kind, StepKind::Connection(connection) if session::is_idle_close(connection, ending))
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

/// Does the device ask by INFORM though it had come to its registrar? Beside a login, any host may (RFC 2131 section 3.4).
fn is_asked_beside(step: &Step, steps: &[Step]) -> bool {
    let informs = matches!(&step.kind, StepKind::Lease(lease) if !lease.informs.is_empty() && lease.discovers.is_empty());
    let had_come = |other: &Step| other.purpose == Purpose::Registrar && rank(other) > 0 && other.last < step.first;
    informs && steps.iter().any(had_come)
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
        // Several time servers may be asked side by side (RFC 5905 section 11): whoever tells the time tells it.
        let has_time = failed.purpose == Purpose::Clock && same_errand;
        later && (same_errand || further || shakes_hands) || hidden || follows || has_time
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
/// ends after it; but a silence only once the device has begun something else, or goes back to what comes earlier in a login.
pub(super) fn ended_one_before(
    steps: &[Step],
    dropped: usize,
    drop: &DropPoint,
    ended_before: &dyn Fn(&PastEnd) -> bool,
) -> bool {
    let Some(end) = steps.get(dropped) else { return false };
    let begins_else = |step: &Step| step.outcome != Outcome::Unclear || errand(step.purpose) < errand(end.purpose);
    let is_over =
        drop.how != How::Timeout || steps.iter().any(|step| step.first > drop.at && is_main_road(step) && begins_else(step));
    is_over && ended_before(&PastEnd::new(drop, end))
}

/// By what an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PastEnd {
    stage: Stage,
    how: How,
    /// Who left, where somebody did.
    by: Option<By>,
    target: Target,
    /// By a challenge that was not answered: another than that of credentials that were refused.
    challenged: bool,
}

impl PastEnd {
    pub(super) fn new(drop: &DropPoint, step: &Step) -> Self {
        let by = matches!(drop.how, How::Fin | How::Rst | How::Alert).then_some(drop.by);
        Self { stage: drop.stage, how: drop.how, by, target: target(step), challenged: is_challenged(step) }
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
        StepKind::Connection(connection) => {
            connection.is_holed() || connection.is_served_unread() || register::speaks_on(connection)
        }
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
    use crate::login::steps::Close;
    use crate::model::{At, Side, Time};

    #[test]
    fn who_goes_back_after_a_silence_that_ended_it_before_has_given_up() {
        let ends = |back: bool| {
            let silent = syn(Purpose::Enrolment).to("10.0.0.8", 80).timed_out(By::Unknown).into_step(1);
            let silent = Step { stage: Stage::Enrolment, outcome: Outcome::Failed, ..silent };
            let asks = lookup("_ntp._udp.contoso.com").into_step(50);
            let purpose = if back { Purpose::Clock } else { Purpose::Registrar };
            let asks = Step { purpose, outcome: Outcome::Unclear, ending: None, ..asks };
            let drop = DropPoint { stage: Stage::Enrolment, by: By::Unknown, how: How::Timeout, at: silent.last };
            ended_one_before(&[silent, asks], 0, &drop, &|_| true)
        };
        assert!(ends(true) && !ends(false));
    }

    #[test]
    fn whoever_has_told_the_time_has_told_it_though_others_are_silent() {
        let asked = |answered: bool| {
            let answers = if answered { vec![(0, 2, Time::default())] } else { Vec::new() };
            let step = crate::findings::testing::ntp_exchange(1, &answers).into_step(if answered { 1 } else { 20 });
            let ending = (!answered).then_some(Ending { by: By::Unknown, how: How::Timeout, at: step.last });
            let outcome = if answered { Outcome::Ok } else { Outcome::Failed };
            Step { purpose: Purpose::Clock, stage: Stage::Time, outcome, ending, ..step }
        };
        let needs_time = Profile { needs_time: true, ..profile() };
        let drops = |steps: &[Step]| find_drop(steps, &[], false, &needs_time).is_some();
        assert!(!drops(&[asked(true), asked(false)]));
        assert!(drops(&[asked(false), asked(false)]));
    }

    #[test]
    fn who_asks_by_inform_behind_its_registrar_does_so_beside_its_login() {
        let asks = |second: u64| {
            let asked = crate::findings::testing::dhcp_exchange().act(|lease, at| lease.informs.push(at)).into_step(second);
            let ending = Some(Ending { by: By::Unknown, how: How::Timeout, at: asked.last });
            Step { purpose: Purpose::Address, stage: Stage::Address, outcome: Outcome::Failed, ending, ..asked }
        };
        let registers = || registration(vec![(1, sip_request("REGISTER", 1), None)]).into_step(50);
        let drops = |steps: [Step; 2]| find_drop(&steps, &[], true, &profile()).map(|(_, drop)| drop.stage);
        let unheard = || Step { purpose: Purpose::Registrar, outcome: Outcome::Unclear, ending: None, ..registers() };
        assert_eq!(drops([unheard(), asks(90)]), None);
        let names = Step { purpose: Purpose::Registrar, outcome: Outcome::Ok, ..lookup("sip.contoso.com").into_step(50) };
        assert_eq!(drops([names, asks(90)]), Some(Stage::Address), "it had not come there");
    }

    #[test]
    fn whose_address_is_taken_away_begins_anew_for_want_of_that() {
        let stops = |idle: bool, refused: bool| {
            let session = tcp(Purpose::Registrar).hello().data(Side::Client, 9).data(Side::Server, 9);
            let session = session.pause(if idle { 90.0 } else { 1.0 }).leaves(Side::Server, Close::Fin).into_step(1);
            let close = session.last;
            let ending = Some(Ending { by: By::Server, how: How::Fin, at: close });
            let session = Step { stage: Stage::Session, outcome: Outcome::Ok, ending, ..session };
            let renews = crate::findings::testing::dhcp_exchange().request();
            let renews = if refused { renews.nak() } else { renews.ack(&[]) };
            let mut renews = renews.act(|lease, _| lease.renews = true).into_step(900);
            let later = renews.first.time.plus(1_000 * SECOND);
            (renews.first.time, renews.purpose) = (later, Purpose::Address);
            if refused {
                (renews.outcome, renews.ending) =
                    (Outcome::Failed, Some(Ending { by: By::Server, how: How::Rejected, at: At { time: later, ..renews.last } }));
            }
            find_drop(&[session, renews], &[true, false], true, &profile()).map(|(_, drop)| drop.stage)
        };
        assert_eq!(stops(true, true), None);
        assert_eq!(stops(true, false), Some(Stage::Session), "it starts over for another reason");
        assert_eq!(stops(false, true), Some(Stage::Session), "it was cut while it was in use");
    }

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
