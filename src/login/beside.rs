//! What goes on beside a session. Judged exchanges in; takes back what a better witness contradicts: failures of side roads while the
//! registrar and the device still speak, and sessions of which only the middle shows, where that registrar refuses the device meanwhile.

use std::net::IpAddr;

use crate::device::facts::DeviceFacts;
use crate::device::watch::Watched;
use crate::model::{How, Outcome, Stage, Time};
use crate::profile::Profile;

use super::drops::{rank, transactions};
use super::judge::Judgement;
use super::steps::{Purpose, Step, StepKind};

/// Weighs what was judged by itself against what goes on beside it.
pub(super) fn weigh(judged: &mut [Judgement], facts: &DeviceFacts, profile: &Profile) {
    forgive(judged, facts, profile);
    doubt(judged);
}

/// While a server keeps asking the device whether it is still there, and is answered, SIP is up: what fails beside that stops no login.
fn forgive(judged: &mut [Judgement], facts: &DeviceFacts, profile: &Profile) {
    let Some(watched) = facts.watched.as_deref().copied().filter(Watched::is_steady) else { return };
    for Judgement { step, .. } in judged {
        if step.outcome == Outcome::Failed && watched.covers(step.first.time) && is_beside(step, &watched, profile) {
            (step.outcome, step.ending) = (Outcome::Skipped, None);
        }
    }
}

/// Does a device that is signed in with this server do well without this? Another registrar that says no says so of the device; one that
/// does not answer is a stand-by.
fn is_beside(step: &Step, watched: &Watched, profile: &Profile) -> bool {
    let rejected = step.ending.is_some_and(|ending| ending.how == How::Rejected);
    match step.purpose {
        Purpose::Clock | Purpose::Provision => true,
        Purpose::Directory => !profile.order.contains(&Stage::Directory),
        Purpose::Enrolment => !profile.order.contains(&Stage::Enrolment),
        Purpose::Registrar => rank(step) > 0 && !rejected && server(step) != Some(watched.by),
        _ => false,
    }
}

/// A session of which only the middle shows is none while its own registrar turns the device away: what is still said on it is left over.
fn doubt(judged: &mut [Judgement]) {
    let failures: Vec<(Option<IpAddr>, Time, bool)> = judged
        .iter()
        .map(|judgement| &judgement.step)
        .filter(|step| step.purpose == Purpose::Registrar && step.outcome == Outcome::Failed && rank(step) > 0)
        .map(|step| (server(step), step.first.time, step.ending.is_some_and(|ending| ending.how == How::Rejected)))
        .collect();
    for Judgement { step, signed_in, .. } in judged.iter_mut().filter(|one| one.signed_in.is_some() && is_middle(&one.step)) {
        let until = step.ending.map(|ending| ending.at.time);
        let own = server(step);
        // Whom another one grants a subscription it need not know.
        let is_granted = matches!(step.kind, StepKind::Registration(_));
        let contradicts = |(by, at, rejected): &(Option<IpAddr>, Time, bool)| {
            until.is_none_or(|until| *at < until) && (*by == own || is_granted && *rejected)
        };
        if failures.iter().any(contradicts) {
            (step.outcome, step.ending, *signed_in) = (Outcome::Unclear, None, None);
        }
    }
}

/// Does nothing show how this session began?
fn is_middle(step: &Step) -> bool {
    let begun = match &step.kind {
        StepKind::Connection(connection) => connection.syn.is_some() || connection.syn_ack.is_some(),
        _ => false,
    };
    !begun && transactions(step).iter().all(|transaction| transaction.request.method() != "REGISTER")
}

fn server(step: &Step) -> Option<IpAddr> {
    match &step.kind {
        StepKind::Connection(connection) => connection.flow.server_ip(),
        StepKind::Registration(registration) => registration.flow.server_ip(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::testing::*;
    use crate::login::record::Weight;
    use crate::login::steps::{Close, Ending};
    use crate::model::{By, Side};

    fn judgement(step: Step, signed_in: Option<f32>) -> Judgement {
        Judgement { draft: 1, weight: Weight::default(), step, signed_in }
    }

    /// A connection that stood before, with this server, and is told to be a session.
    fn stands(server: &str) -> Judgement {
        let begun =
            tcp(Purpose::Registrar).to(server, 5060).change(|connection| (connection.syn, connection.syn_ack) = (None, None));
        let step = begun.data(Side::Client, 4).data(Side::Server, 2).into_step(1);
        judgement(Step { stage: Stage::Session, outcome: Outcome::Ok, ending: None, ..step }, Some(0.65))
    }

    fn refused(server: &str) -> Judgement {
        let step = syn(Purpose::Registrar).to(server, 5060).leaves(Side::Server, Close::Rst).into_step(20);
        judgement(Step { outcome: Outcome::Failed, ..step }, None)
    }

    #[test]
    fn a_stand_by_that_is_shut_says_nothing_of_a_session_and_its_own_registrar_does() {
        let signed_in = |shut: &str| {
            let mut judged = vec![stands("10.0.0.5"), refused(shut)];
            doubt(&mut judged);
            judged[0].signed_in.is_some()
        };
        assert!(signed_in("10.0.0.6"));
        assert!(!signed_in("10.0.0.5"), "it still says something on the old connection, and lets nobody in");
    }

    #[test]
    fn what_a_registrar_refuses_after_it_has_cut_the_session_does_not_undo_that() {
        let mut cut = stands("10.0.0.5");
        cut.step.ending = Some(Ending { by: By::Server, how: How::Rst, at: at(10) });
        let mut judged = vec![cut, refused("10.0.0.5")];
        doubt(&mut judged);
        assert_eq!((judged[0].signed_in, judged[0].step.ending.map(|ending| ending.at)), (Some(0.65), Some(at(10))));
    }

    #[test]
    fn a_subscription_that_is_granted_is_no_session_where_the_registrar_says_no() {
        let registers = |code: u16| {
            let subscribed = registration(vec![(1, sip_request("SUBSCRIBE", 1), Some(sip_answer(200, 1)))]).into_step(1);
            let asked = registration(vec![(1, sip_request("REGISTER", 1), Some(sip_answer(code, 1)))]).into_step(20);
            let mut judged = vec![judgement(subscribed, Some(0.85)), judgement(asked, None)];
            if let StepKind::Registration(registration) = &mut judged[1].step.kind {
                registration.flow.server = crate::model::Endpoint::Ip(std::net::SocketAddr::new(ip("10.0.0.6"), 5060));
            }
            doubt(&mut judged);
            judged[0].signed_in.is_some()
        };
        assert!(registers(200));
        assert!(!registers(403));
    }

    /// What remains of this failure where a registrar watches the device, and how it ended.
    fn beside_watch(step: Step, how: How, order: &[Stage]) -> Outcome {
        let (first, last) = (at_second(1, -60.0).time, at_second(1, 60.0).time);
        let watched = Some(Watched::answered(ip("10.0.0.5"), 5, first, last));
        let facts = DeviceFacts { watched: watched.map(Box::new), ..DeviceFacts::default() };
        let ending = Some(Ending { by: By::Server, how, at: step.last });
        let mut judged = vec![judgement(Step { outcome: Outcome::Failed, ending, ..step }, None)];
        forgive(&mut judged, &facts, &Profile { order: order.to_vec(), ..profile() });
        judged[0].step.outcome
    }

    #[test]
    fn while_a_registrar_is_answered_what_fails_beside_that_stops_no_login() {
        let sip = [Stage::Provision, Stage::Register];
        let at_registrar = |server: &str| syn(Purpose::Registrar).to(server, 5060).into_step(9);
        let statistics = syn(Purpose::Provision).to("10.0.0.7", 8443).into_step(9);
        assert_eq!(beside_watch(statistics, How::Rst, &sip), Outcome::Skipped);
        assert_eq!(beside_watch(at_registrar("10.0.0.6"), How::Rst, &sip), Outcome::Skipped, "a stand-by");
        assert_eq!(beside_watch(at_registrar("10.0.0.6"), How::Rejected, &sip), Outcome::Failed, "it says no");
        assert_eq!(beside_watch(at_registrar("10.0.0.5"), How::Rst, &sip), Outcome::Failed, "the very one");
        let directory = || tcp(Purpose::Directory).to("10.0.0.3", 389).bind(49, "").into_step(9);
        assert_eq!(beside_watch(directory(), How::Rejected, &sip), Outcome::Skipped);
        assert_eq!(beside_watch(directory(), How::Rejected, &[Stage::Directory]), Outcome::Failed, "it waits for that");
        assert_eq!(beside_watch(moved_out(), How::Rst, &sip), Outcome::Failed, "it was not watched then");
    }

    fn moved_out() -> Step {
        let step = syn(Purpose::Provision).to("10.0.0.7", 8443).into_step(9);
        Step { first: at_second(9, 900.0), last: at_second(9, 900.0), ..step }
    }
}
