//! What the capture itself takes from a confidence: an exchange that it cuts, or shows from one end only, may have held another
//! cause. An attempt and a finding in, a factor out; knows no code.

use crate::findings::{Case, Found, Proof};
use crate::login::steps::{Connection, Handshake, Step, StepKind};
use crate::model::{By, DropPoint, How, Stage};

/// The capture cut messages of the very exchange: what was beyond the cut may say more, or something else.
const CUT_ITSELF: f32 = 0.8;
/// It cut an answer before it, on which the exchange stands.
const CUT_BEFORE: f32 = 0.9;
/// What a client says under encryption for each request on a connection of its own looks like what it says when it is refused.
const SEALED: f32 = 0.7;
/// Nothing towards the device, or nothing from it, is in the capture: who is silent looks like who was not captured.
const ONE_WAY: f32 = 0.9;

/// How much of its confidence a finding keeps. What the captured bytes prove stays proven.
pub(super) fn of_finding(case: &Case<'_>, found: &Found) -> f32 {
    if found.proof == Proof::Proven { 1.0 } else { shown(case, found.step) }
}

/// How much of its certainty a drop keeps.
pub(super) fn of_drop(case: &Case<'_>) -> f32 {
    let sealed = if is_sealed(case) { SEALED } else { 1.0 };
    sealed * shown(case, case.attempt.dropped_step)
}

/// Did the device take its leave behind requests that cannot be read? It may have been refused, or have got what it wanted.
fn is_sealed(case: &Case<'_>) -> bool {
    let leaves =
        |drop: DropPoint| (drop.stage, drop.by) == (Stage::Register, By::Device) && matches!(drop.how, How::Fin | How::Alert);
    let unread = |connection: &Connection| connection.tls.is_some() && connection.sip.is_empty();
    let step = case.attempt.dropped().filter(|_| case.attempt.drop.is_some_and(leaves));
    step.is_some_and(|step| matches!(&step.kind, StepKind::Connection(connection) if unread(connection)))
}

fn shown(case: &Case<'_>, index: Option<usize>) -> f32 {
    let steps = &case.attempt.steps;
    let itself = index.and_then(|index| steps.get(index));
    let until = itself.map_or(case.attempt.last, |step| step.last);
    let whole = match itself {
        Some(step) if is_cut(step) => CUT_ITSELF,
        _ if steps.iter().any(|step| step.first <= until && is_cut(step)) => CUT_BEFORE,
        _ => 1.0,
    };
    if case.known.seen_both_ways { whole } else { whole * ONE_WAY }
}

/// Did the capture cut what was said in clear? What comes behind a certificate that could be read is encrypted anyway.
fn is_cut(step: &Step) -> bool {
    match &step.kind {
        StepKind::Connection(connection) => {
            let stats = &connection.stats;
            let readable = |tls: &Handshake| tls.certificate.is_some();
            (stats.client.cut || stats.server.cut) && !connection.tls.as_deref().is_some_and(readable)
        }
        StepKind::Lookup(lookup) => lookup.answer.as_ref().is_some_and(|answer| answer.partial),
        StepKind::Lease(lease) => {
            let answers = lease.offers.iter().chain(&lease.acks).chain(&lease.naks);
            answers.into_iter().any(|(_, message)| message.cut)
        }
        StepKind::Registration(registration) => registration
            .transactions
            .iter()
            .any(|one| one.request.cut || one.answer.as_ref().is_some_and(|(_, answer)| answer.cut)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::cert_unsupported_signature;
    use crate::findings::testing::*;
    use crate::findings::{sip_forbidden, tcp_refused};
    use crate::login::steps::{Close, Purpose};
    use crate::model::Side;

    fn factor(login: &Login, rule: &crate::findings::Rule) -> f32 {
        of_finding(&login.case(), &login.the(rule))
    }

    fn forbidden(cut: bool) -> Login {
        let mut answer = sip_answer(403, 1);
        answer.cut = cut;
        Login::new().step(registration(vec![(1, sip_request("REGISTER", 1), Some(answer))])).dropped()
    }

    #[test]
    fn who_leaves_behind_encrypted_requests_may_have_got_what_it_wanted() {
        let left_by = |side: Side| {
            let said = tcp(Purpose::Registrar).hello().server_flight(vec![leaf()]).client_finished().server_finished();
            let said = said.encrypted(Side::Client).encrypted(Side::Server).leaves(side, Close::Fin);
            let login = Login::new().step(Step { stage: Stage::Register, ..said.into_step(1) }).dropped();
            of_drop(&login.case())
        };
        assert_eq!((left_by(Side::Client), left_by(Side::Server)), (SEALED, 1.0));
    }

    #[test]
    fn an_answer_that_is_cut_may_give_another_reason() {
        assert_eq!(factor(&forbidden(false), &sip_forbidden::RULE), 1.0);
        assert_eq!(factor(&forbidden(true), &sip_forbidden::RULE), CUT_ITSELF);
        assert_eq!(of_drop(&forbidden(true).case()), CUT_ITSELF);
    }

    #[test]
    fn a_port_that_refuses_stands_on_the_answer_that_led_there() {
        let shut = |partial: bool| {
            let asked = lookup("pool.contoso.com").address("10.0.4.12").into_step(1);
            let mut login = Login::new().step(asked).step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped();
            if let StepKind::Lookup(lookup) = &mut login.attempt.steps[0].kind {
                lookup.answer.as_mut().unwrap().partial = partial;
            }
            login
        };
        assert_eq!(factor(&shut(false), &tcp_refused::RULE), 1.0);
        assert_eq!(factor(&shut(true), &tcp_refused::RULE), CUT_BEFORE);
    }

    #[test]
    fn a_chain_that_could_be_read_is_whole_whatever_is_cut_behind_it() {
        let chain = vec![certificate_with("CN=pool.contoso.com", "CN=CA", |body| {
            body.signature_algorithm.hash = Some(crate::formats::x509::Hash::Sha256);
        })];
        let flight = tcp(Purpose::Registrar).hello().server_flight(chain).change(|connection| connection.stats.server.cut = true);
        let login = Login::new().step(flight.leaves(Side::Client, Close::Rst)).dropped();
        let login = login.profile(|profile| profile.trust.hashes = Some((vec![crate::formats::x509::Hash::Sha1], 0.9)));
        assert_eq!(factor(&login, &cert_unsupported_signature::RULE), 1.0);
    }

    #[test]
    fn whoever_is_seen_from_one_end_only_is_less_sure_to_be_silent() {
        let login = Login::new().step(syn(Purpose::Registrar).leaves(Side::Server, Close::Rst)).dropped();
        assert_eq!(factor(&login.knowing(|known| known.seen_both_ways = false), &tcp_refused::RULE), ONE_WAY);
    }
}
