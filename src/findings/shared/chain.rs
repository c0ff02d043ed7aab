//! Certificate chains of servers as the `cert-*` rules see them: asks `trust` what is wrong with a chain, and turns one
//! fault into one finding.

use crate::device::servers::Servers;
use crate::findings::shared::alert::{can_mean, is_gap, named_by};
use crate::findings::shared::handshake::{Shaken, handshakes};
use crate::findings::shared::hints;
use crate::findings::shared::judged::{Judged, PROBABLE, clock_of, fault_words, wanted_name};
use crate::findings::shared::own_clock::own_clock;
use crate::findings::shared::place::Leaving;
use crate::findings::shared::reissue;
use crate::findings::{Case, Found, Proof};
use crate::model::{At, Evidence, Side, Time};
use crate::text::WireText;
use crate::trust::{self, Clock, Fault, FaultKind, Link, Question};

/// Chains that are judged in one attempt, at most: those nearest to the drop.
const CHAINS: usize = 4;

/// The chains of an attempt that the device did not take, each with what `trust` has against it.
pub fn judged<'a>(case: &'a Case<'_>) -> Vec<Judged<'a>> {
    let mut all: Vec<Judged<'a>> = handshakes(case).filter_map(|shaken| open(case, shaken)).collect();
    let surplus = all.len().saturating_sub(CHAINS);
    let mut place = 0_usize;
    all.retain(|one| {
        place = place.saturating_add(1);
        place > surplus || one.place().is_drop(case)
    });
    let known = case.faults.get_or_init(|| all.iter().map(|one| faults(case, one)).collect());
    for (one, faults) in all.iter_mut().zip(known) {
        one.faults = faults;
    }
    all
}

/// The same with these faults for every chain: for tests of what is made of them.
#[cfg(test)]
pub(crate) fn judged_as<'a>(case: &'a Case<'_>, faults: &'a [Fault]) -> Vec<Judged<'a>> {
    let open = handshakes(case).filter_map(|shaken| open(case, shaken));
    open.map(|one| Judged { faults, ..one }).collect()
}

/// A readable chain, unless the device went on past it: then it has taken it, whatever could be said against it.
fn open<'a>(case: &'a Case<'_>, shaken: Shaken<'a>) -> Option<Judged<'a>> {
    let (at, chain) = shaken.tls.certificate.as_ref()?;
    let refusal = shaken.refusal();
    if chain.is_empty() || shaken.went_on() && refusal.is_none() {
        return None;
    }
    let before = case.known.fetched.iter().take_while(|(frame, _)| *frame < at.frame).count();
    let fetched = case.known.fetched.get(..before).unwrap_or_default();
    Some(Judged { shaken, at: *at, chain, fetched, refusal, faults: &[] })
}

/// The device's own clock when a frame was captured, where it shows.
pub fn device_time(case: &Case<'_>, at: At) -> Option<Time> {
    own_clock(case, at).map(|clock| at.time.plus(clock.ahead))
}

/// A chain as the device that was given it judges it.
pub fn question<'a>(case: &Case<'a>, judged: &Judged<'a>) -> Question<'a> {
    Question {
        chain: judged.chain,
        fetched: judged.fetched,
        store_known: case.known.enrolment_seen && !judged.fetched.is_empty(),
        intermediates: case.known.intermediates.taken(),
        roots: case.servers.map_or(&[], Servers::roots),
        name: wanted_name(&judged.shaken).map(WireText::raw),
        now: judged.at.time,
        device_now: device_time(case, judged.at),
        policy: &case.profile.trust,
    }
}

/// What is wrong with a chain.
fn faults(case: &Case<'_>, judged: &Judged<'_>) -> Vec<Fault> {
    let question = question(case, judged);
    let mut faults = trust::judge(&question).faults;
    if !faults.iter().any(|fault| matches!(fault.kind, FaultKind::UnsupportedSignature { .. } | FaultKind::Weak { .. })) {
        faults.extend(hints::outside_hello(judged));
    }
    if !question.store_known && !faults.iter().any(|fault| is_gap(&fault.kind)) {
        faults.extend(hints::issuer_not_sent(judged));
    }
    if !faults.iter().any(|fault| fault.certainty >= PROBABLE) {
        faults.extend(hints::weak_by_its_word(judged).or_else(|| hints::address_not_covered(case, judged)));
    }
    faults
}

/// One fault of one chain as a finding.
pub fn certificate_found(case: &Case<'_>, judged: &Judged<'_>, fault: &Fault, summary: String, mut fix: String) -> Found {
    let place = judged.place();
    let alert = judged.refusal.and_then(|refusal| refusal.alert());
    let told = alert.is_some_and(|alert| named_by(alert, &fault.kind));
    let proof = match () {
        () if fault.certainty >= 1.0 => Proof::Proven,
        () if told => Proof::Told,
        () => Proof::Inferred,
    };
    // The device judges by its own clock: what only the capture's puts out of date, it has not refused for that.
    let by_device = clock_of(&fault.kind) != Some(Clock::CaptureOnly) && alert.is_none_or(|alert| can_mean(alert, &fault.kind));
    let explains_drop = place.is_drop(case) && judged.refusal.is_some() && by_device;
    fix.push_str(&reissue::mend_together(judged, fault));
    Found {
        stage: place.step.stage,
        step: Some(place.index),
        proof,
        explains_drop,
        confidence: confidence(judged, fault, told, explains_drop),
        summary,
        fix,
        evidence: evidence(judged, fault),
    }
}

/// How sure it is that this fault is there and, where it is said to explain the drop, that it does.
fn confidence(judged: &Judged<'_>, fault: &Fault, told: bool, explains_drop: bool) -> f32 {
    let known = fault.certainty.clamp(0.0, 0.95);
    if !explains_drop {
        return known * 0.9;
    }
    let late = judged.refusal.is_some_and(|refusal| refusal.late);
    match () {
        () if told => known.max(0.9),
        () if late => known * 0.8,
        () => known,
    }
}

/// The Certificate, the fetched certificate where the fault is in it, and how the device left.
fn evidence(judged: &Judged<'_>, fault: &Fault) -> Vec<Evidence> {
    let at_fault = judged.which(fault.certificate);
    let text = format!("{} sends its chain; {at_fault}: {}", judged.place().server(), fault_words(&fault.kind));
    let mut evidence = vec![Evidence::new(judged.at.frame, "tls.handshake.type == 11", text)];
    if let Some(Link::Fetched(index)) = fault.certificate
        && let Some((frame, _)) = judged.fetched.get(index)
    {
        evidence.push(Evidence::new(*frame, "", format!("the device fetches {}", judged.which(fault.certificate))));
    }
    evidence.extend(left(judged.shaken.leaving()));
    evidence
}

/// How somebody left, as evidence.
pub fn left(leaving: Option<Leaving>) -> Option<Evidence> {
    let leaving = leaving?;
    let who = match leaving.side {
        Side::Client => "the device",
        Side::Server => "the server",
    };
    Some(leaving.evidence(format!("{who} {}", leaving.words())))
}

/// Does a fault of the chain that this connection brought explain why the device left?
pub fn explains(case: &Case<'_>, index: usize) -> bool {
    judged(case).iter().filter(|one| one.place().index == index && one.refusal.is_some()).any(|one| {
        let alert = one.refusal.and_then(|refusal| refusal.alert());
        let fits = |fault: &Fault| {
            let by_device = clock_of(&fault.kind) != Some(Clock::CaptureOnly);
            fault.certainty >= PROBABLE && by_device && alert.is_none_or(|alert| can_mean(alert, &fault.kind))
        };
        one.faults.iter().any(fits)
    })
}
