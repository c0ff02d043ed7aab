//! Dates, by the capture's clock and by the device's own.

use super::path::{End, Node, Path, Pool};
use super::{Clock, Fault, FaultKind, Link, Question, Walk};
use crate::model::Time;

/// RFC 5280 section 6.1 does not look at the dates of a trusted CA; most verifiers do.
const OF_TRUSTED_CA: f32 = 0.7;
/// By its own clock the device finds nothing wrong.
const BY_CAPTURE_ALONE: f32 = 0.3;
/// The device may follow the chain as sent, or find the better path.
const ANOTHER_PATH: f32 = 0.6;

/// Certificates outside their validity, the server's own first; and cross-signed ones that lead old verifiers astray.
pub(super) fn faults(question: &Question<'_>, pool: &Pool<'_>, paths: &[Path], walk: &Walk<'_, '_>, faults: &mut Vec<Fault>) {
    let detour = detour(question, pool, paths, walk);
    for step in walk.steps() {
        if detour.as_ref().is_some_and(|detour| detour.avoids(step.node.link)) {
            continue;
        }
        let body = step.node.body;
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
            fault(clock, FaultKind::Expired { not_after: body.not_after, clock });
        }
    }
    if let Some(Detour { expired, .. }) = detour {
        faults.push(Fault { certificate: Some(expired), kind: FaultKind::CrossSignedExpired, certainty: ANOTHER_PATH });
    }
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

/// A path through an expired CA, beside one that is in order.
struct Detour {
    /// The expired CA.
    expired: Link,
    /// What only the expired path has.
    avoided: Vec<Link>,
}

impl Detour {
    fn avoids(&self, link: Link) -> bool {
        self.avoided.contains(&link)
    }
}

/// Does a path that the chain as sent leads to hold an expired CA, while another path is in order?
fn detour(question: &Question<'_>, pool: &Pool<'_>, paths: &[Path], walk: &Walk<'_, '_>) -> Option<Detour> {
    let in_order = |node: &Node<'_>| {
        let inside = |now: Time| node.body.not_before <= now && now <= node.body.not_after;
        inside(question.now) && question.device_now.is_none_or(inside)
    };
    let nodes = |path: &Path| path.nodes.iter().filter_map(|index| pool.node(*index)).collect::<Vec<_>>();
    let good = paths.iter().find(|path| {
        let leads_home = path.end == End::Anchor || (path.end == End::SelfSigned && !question.store_known);
        path.forged.is_empty() && leads_home && nodes(path).into_iter().all(in_order)
    })?;
    let good: Vec<Link> = nodes(good).iter().map(|node| node.link).collect();
    let is_past =
        |node: &&&Node<'_>| whose(question, |now| now > node.body.not_after).is_some_and(|clock| clock != Clock::DeviceOnly);
    // The path that was judged first, then any other.
    let judged = walk.steps().map(|step| step.node).collect();
    std::iter::once(judged).chain(paths.iter().map(nodes)).find_map(|path: Vec<&Node<'_>>| {
        let avoided: Vec<&Node<'_>> = path.into_iter().filter(|node| !good.contains(&node.link)).collect();
        let expired = avoided.iter().find(is_past)?.link;
        // What was only fetched leads nobody astray who follows what was sent.
        let was_sent = avoided.iter().any(|node| matches!(node.link, Link::Sent(_)));
        was_sent.then(|| Detour { expired, avoided: avoided.iter().map(|node| node.link).collect() })
    })
}
