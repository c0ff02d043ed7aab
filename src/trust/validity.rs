//! Dates, by the capture's clock and by the device's own.

use std::sync::Arc;

use super::path::{End, Node, Path, Pool};
use super::{Clock, Fault, FaultKind, Link, Question, Step, Walk, is_called_root};
use crate::formats::x509::{Body, Certificate};
use crate::model::{Frame, Time};

/// RFC 5280 section 6.1 does not look at the dates of a trusted CA; most verifiers do.
const OF_TRUSTED_CA: f32 = 0.7;
/// By its own clock the device finds nothing wrong.
const BY_CAPTURE_ALONE: f32 = 0.3;
/// The device may follow the chain as sent, or find the good path.
const ANOTHER_PATH: f32 = 0.6;

/// Is every certificate of the path inside its validity, by every clock that is known?
pub(super) fn is_in_order(question: &Question<'_>, pool: &Pool<'_>, path: &Path) -> bool {
    path.nodes.iter().filter_map(|index| pool.node(*index)).all(|node| {
        let inside = |now: Time| node.body.not_before <= now && now <= node.body.not_after;
        inside(question.now) && question.device_now.is_none_or(inside)
    })
}

/// Certificates outside their validity, the server's own first; and cross-signed ones that lead old verifiers astray.
pub(super) fn faults(question: &Question<'_>, paths: &[Path], walk: &Walk<'_, '_>, faults: &mut Vec<Fault>) {
    let mut is_led_astray = false;
    for step in walk.steps() {
        let body = step.node.body;
        is_led_astray |= step.place > 0 && root_of(body, question.now, question.roots).is_some();
        is_led_astray |= has_another(walk, &step, question.now);
        let mut fault = |clock: Clock, kind: FaultKind| {
            let mut certainty = if clock == Clock::CaptureOnly { BY_CAPTURE_ALONE } else { 1.0 };
            if step.is_top && step.place > 0 {
                certainty *= OF_TRUSTED_CA;
            }
            faults.push(Fault { certificate: Some(step.node.link), kind, certainty });
        };
        if let Some(clock) = whose(question, |now| now < body.not_before) {
            fault(clock, FaultKind::NotYetValid { not_before: body.not_before, clock });
        }
        if let Some(clock) = whose(question, |now| now > body.not_after) {
            // From a cross-signed certificate on, the way to the CA's own root would have been another.
            let is_astray = is_led_astray && clock == Clock::Both;
            let expired = FaultKind::Expired { not_after: body.not_after, clock };
            fault(clock, if is_astray { FaultKind::CrossSignedExpired } else { expired });
        }
    }
    let leads_home = walk.path.end == End::Anchor || (walk.path.end == End::SelfSigned && !question.store_known);
    if leads_home
        && is_in_order(question, walk.pool, walk.path)
        && let Some(astray) = paths.iter().find_map(|path| astray(question, walk, path))
    {
        faults.push(Fault { certificate: Some(astray), kind: FaultKind::CrossSignedExpired, certainty: ANOTHER_PATH });
    }
}

/// Does this root, for which another CA issued the certificate that was sent, have another one? Its CA went on after the end of that:
/// what stands below was issued then, by a CA that is valid (RFC 4158 section 2.4). An intermediate that is not renewed is none: it is
/// called no root, and the root above it is good.
fn has_another(walk: &Walk<'_, '_>, cross: &Step<'_, '_>, now: Time) -> bool {
    let body = cross.node.body;
    let is_over = |body: &Body| now > body.not_after;
    let is_cross_signed = matches!(cross.node.link, Link::Sent(_)) && !cross.node.is_self_issued();
    if cross.place < 2 || !is_cross_signed || !is_over(body) {
        return false;
    }
    let below = || walk.steps().take_while(|step| step.place < cross.place);
    let above = walk.steps().find(|step| step.place > cross.place);
    let is_root = above.map_or_else(|| is_called_root(&body.subject), |old| old.node.is_self_issued() && is_over(old.node.body));
    is_root && below().all(|step| !is_over(step.node.body)) && below().any(|step| step.node.body.not_before > body.not_after)
}

/// Of these roots, one that is valid now and has name and key of a CA for which another CA issued this certificate (RFC 4158
/// section 2.4): it leads home where that other CA does not.
pub fn root_of<'a>(cross: &Body, now: Time, roots: &'a [(Frame, Arc<Certificate>)]) -> Option<&'a (Frame, Arc<Certificate>)> {
    let is_cross_signed = cross.subject.der != cross.issuer.der;
    let is_it = |root: &Body| {
        let is_valid = root.not_before <= now && now <= root.not_after;
        is_valid && root.subject.der == cross.subject.der && root.key.info == cross.key.info
    };
    roots.iter().find(|(_, root)| is_cross_signed && root.body.as_ref().is_ok_and(is_it))
}

/// By whose clock does it hold?
fn whose(question: &Question<'_>, holds: impl Fn(Time) -> bool) -> Option<Clock> {
    match (holds(question.now), question.device_now.map(&holds)) {
        (true, None | Some(true)) => Some(Clock::Both),
        (true, Some(false)) => Some(Clock::CaptureOnly),
        (false, Some(true)) => Some(Clock::DeviceOnly),
        (false, None | Some(false)) => None,
    }
}

/// The expired CA to which a cross-signed certificate leads that was sent, though the same CA's own root is on the path that
/// was judged, and is good. (The same CA by the same issuer, but an older certificate, leads nobody astray.)
fn astray(question: &Question<'_>, walk: &Walk<'_, '_>, other: &Path) -> Option<Link> {
    let good: Vec<&Node<'_>> = walk.steps().map(|step| step.node).collect();
    let is_cross_signed = |node: &Node<'_>| {
        matches!(node.link, Link::Sent(_))
            && good.iter().any(|same| same.has_name_and_key_of(node) && same.body.issuer.der != node.body.issuer.der)
    };
    let nodes = other.nodes.iter().filter_map(|index| walk.pool.node(*index));
    let from_there_on: Vec<&Node<'_>> = nodes.skip_while(|node| !is_cross_signed(node)).collect();
    let expired = from_there_on.into_iter().find(|node| question.now > node.body.not_after)?;
    Some(expired.link)
}
